//! Killed at each phase of the SMTP conversation. The server stops there until the program is dead, and
//! then goes on with what it was given, as a real one does.

use submission_server::{Script, Then};

use crate::PATIENCE;
use crate::alice::{Alice, kill};
use crate::trial::{TEXT, Verdict, settle};

/// Kills the program when the server is at `moment`.
fn killed_at(script: Script, moment: &str, text: &str) -> Verdict {
    let alice = Alice::new(script.on(moment, Then::Pause), text);
    let child = alice.start();
    assert!(alice.server.paused(PATIENCE), "{moment}: never reached");
    kill(child);
    alice.server.go_on();
    settle(alice, text, moment)
}

#[test]
fn before_data_nothing_has_happened() {
    for moment in [
        "CONNECT",
        "after CONNECT",
        "EHLO",
        "after EHLO",
        "AUTH",
        "after AUTH",
        "MAIL",
        "after MAIL",
        "RCPT TO:<bob",
        "after RCPT TO:<bob",
        "RCPT TO:<carol",
    ] {
        let verdict = killed_at(Script::tls(), moment, TEXT);
        assert!(verdict.is("open", 1), "{moment}: {verdict:?}");
    }
    for moment in ["STARTTLS", "after STARTTLS"] {
        let verdict = killed_at(Script::starttls(), moment, TEXT);
        assert!(verdict.is("open", 1), "{moment}: {verdict:?}");
    }
}

/// The server has the recipients and may get the message or not, which nobody can tell afterwards.
#[test]
fn from_data_on_only_the_user_decides() {
    for (moment, accepted) in [("DATA", 0), (".", 1)] {
        let verdict = killed_at(Script::tls(), moment, TEXT);
        assert!(verdict.is("unknown", accepted), "{moment}: {verdict:?}");
    }
    // How far the program came is its own race with the kill: `settle` has checked what counts.
    for moment in ["after RCPT TO:<carol", "after DATA", "BODY", "after ."] {
        killed_at(Script::tls(), moment, TEXT);
    }
}

#[test]
fn half_a_message_is_none() {
    let text = "A line of a message that is larger than all buffers on the way.\n".repeat(125_000);
    let verdict = killed_at(Script::tls(), "BODY", &text);
    assert!(verdict.is("unknown", 0), "{verdict:?}");
}

#[test]
fn after_the_reply_the_journal_knows() {
    for moment in ["QUIT", "after QUIT"] {
        let verdict = killed_at(Script::tls(), moment, TEXT);
        assert!(verdict.is("sent", 1), "{moment}: {verdict:?}");
    }
}

/// msmtp does not die with the program, and nobody is there to hear what it has to say.
#[test]
fn a_command_that_goes_on_alone_sends_all_of_it_and_once() {
    let long = "A line of a message that is larger than a pipe.\n".repeat(20_000);
    for moment in ["CONNECT", "MAIL", "DATA", "BODY", "."] {
        let alice = Alice::new(Script::tls().on(moment, Then::Pause), &long);
        alice.use_msmtp();
        let child = alice.start();
        assert!(alice.server.paused(PATIENCE), "{moment}: never reached");
        kill(child);
        alice.server.go_on();
        let verdict = settle(alice, &long, moment);
        assert!(verdict.is("unknown", 1), "{moment}: {verdict:?}");
    }
}
