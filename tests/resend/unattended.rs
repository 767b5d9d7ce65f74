//! Standing consent where sending fails, and in the daemon.

use std::fs;

use submission_server::{Script, Then};

use crate::home::BOB;
use crate::standing::{AUTO, UNTRUSTED, count, home, once, sql, state, warning};
use crate::watch::{Daemon, deliver};

#[test]
fn what_could_not_be_sent_is_tried_again_later() {
    let home = home(Script::tls(), AUTO);
    let good = home.config();
    let secretless = good.replace("password_command = \"echo sesame\"\n", "");
    let offline = good.replace(home.place(), "127.0.0.1:1");
    deliver(&home, "1.notice", &warning(&[(BOB, UNTRUSTED)]));
    for config in [offline, secretless] {
        home.write_config(&config);
        let run = once(&home);
        assert!(
            run.stderr
                .contains("could not be sent now; tried again later"),
            "{run:?}"
        );
        home.write_config(&good);
        assert_eq!(once(&home).status, 1, "too early");
        assert_eq!(state(&home), "open");
        sql(&home, "UPDATE turn SET next = 0");
    }
    assert_eq!(once(&home).status, 0);
    assert_eq!(state(&home), "sent");
    assert_eq!(home.received().len(), 1);
}

/// Even where there is a terminal: whoever sits there has not been asked for anything.
#[test]
fn nobody_is_asked_for_a_password() {
    let home = home(Script::tls(), AUTO);
    let config = home.config();
    home.write_config(&config.replace("password_command = \"echo sesame\"\n", ""));
    deliver(&home, "1.notice", &warning(&[(BOB, UNTRUSTED)]));
    let program = env!("CARGO_BIN_EXE_tls-optout");
    let line = format!("{program} watch --once");
    let run = home.run_program("script", &["-qefc", &line, "/dev/null"], "");
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.contains("could not be sent now"), "{run:?}");
    assert!(!run.stdout.contains("Password"), "{run:?}");
    assert!(home.received().is_empty());
}

#[test]
fn what_will_not_change_is_not_tried_again() {
    let refuses = Script::tls().on("RCPT", Then::Say("550 5.1.1 no Bob here"));
    let lost = Script::tls().on(".", Then::Close);
    for (script, state_after, told) in [
        (refuses, "open", "for a reason that will last"),
        (lost, "unknown", "sending failed; see `tls-optout offers`"),
    ] {
        let home = home(script, AUTO);
        deliver(&home, "1.notice", &warning(&[(BOB, UNTRUSTED)]));
        let run = once(&home);
        assert!(run.stderr.contains(told), "{run:?}");
        assert_eq!(state(&home), state_after);
        sql(&home, "UPDATE turn SET next = 0");
        let run = once(&home);
        assert_eq!((run.status, run.stderr.as_str()), (1, ""));
        assert_eq!(count(&home, "SELECT tries FROM turn"), 1);
        home.received();
    }
}

#[test]
fn the_daemon_sends_as_notices_come() {
    let home = home(Script::tls(), AUTO);
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    deliver(&home, "1.notice", &warning(&[(BOB, UNTRUSTED)]));
    daemon.wait_for_log("sent again to 1 recipient(s) on standing consent");
    daemon.stop();
    assert_eq!(home.received().len(), 1);
}

/// The user hears of what waits for a word, and not of what was sent without one.
#[test]
fn what_standing_consent_sends_is_not_told_of() {
    let home = home(Script::tls(), AUTO);
    let hook = "on_offer = [\"sh\", \"-c\", \"echo $TLS_OPTOUT_OFFER >> told\"]";
    home.write_config(&format!("{}\n[tell]\n{hook}\n", home.config()));
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    deliver(&home, "1.notice", &warning(&[(BOB, UNTRUSTED)]));
    daemon.wait_for_log("sent again to 1 recipient(s) on standing consent");
    // Without the envelope id nothing proves that it is genuine.
    let doubtful = warning(&[(BOB, UNTRUSTED)])
        .replace("Original-Envelope-Id: ours\n", "")
        .replace("warning-1@", "warning-2@")
        .replace("lunch-1@", "lunch-2@");
    deliver(&home, "2.notice", &doubtful);
    daemon.wait_for_log("offer 2: told (hook)");
    daemon.stop();
    let told = fs::read_to_string(home.path("told")).expect("what was told");
    assert_eq!(told, "2\n");
    assert_eq!(home.received().len(), 1);
}

/// Cut off, the outcome would be unknown.
#[test]
fn the_daemon_ends_after_what_is_under_way() {
    let home = home(Script::tls().on(".", Then::Pause), AUTO);
    deliver(&home, "1.notice", &warning(&[(BOB, UNTRUSTED)]));
    let mut daemon = Daemon::start(&home, &[]);
    home.wait_for_pause();
    daemon.signal("TERM");
    daemon.wait_for_log("ending");
    home.go_on();
    daemon.wait_for_log("on standing consent");
    daemon.has_ended();
    assert_eq!(state(&home), "sent");
    assert_eq!(home.received().len(), 1);
}
