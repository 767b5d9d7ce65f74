//! `resend` on a message of the user's own, in place of a notice about it.

use std::fs;

use crate::home::{BOB, CAROL, Home, Run, original};
use crate::news::{self, delayed, forged, process};
use submission_server::{Script, Then};

const WHOM: &str = "Who waits? Numbers, or all: ";
const QUESTION: &str = "[y/N/d] ";

fn recipients(home: &Home) -> Vec<Vec<String>> {
    let messages = home.received();
    let addresses = messages.iter().map(|message| {
        let all = message.recipients.iter();
        all.map(|(address, _)| address.clone()).collect()
    });
    addresses.collect()
}

/// The user says for whom, and yes, in a terminal.
fn at_terminal(home: &Home, steps: &[(&str, &[u8])]) -> (i32, String) {
    home.file("given", &original());
    home.in_steps("resend < given", steps)
}

#[test]
fn the_user_says_who_waits() {
    let home = Home::new(Script::tls());
    let steps: &[(&str, &[u8])] = &[(WHOM, b"3\n"), (WHOM, b"1\n"), (QUESTION, b"y")];
    let (status, screen) = at_terminal(&home, steps);
    assert_eq!(status, 0, "{screen}");
    for line in [
        "No notice about \"Lunch on Thursday\" was seen. It went to:\n",
        &format!("  1  {BOB}\n  2  {CAROL}\n"),
        "Because    you say so: no notice about this message was seen\n",
        "nothing shows that it is what was sent",
        &format!("To send    to {BOB} from alice@example.org\n"),
    ] {
        assert!(screen.contains(line), "{line:?} in {screen}");
    }
    let [message] = &home.received()[..] else {
        panic!("not one message")
    };
    assert_eq!(message.recipients[0].0, BOB);
    let expected = format!("TLS-Required: No\n{}", original());
    assert_eq!(
        String::from_utf8_lossy(&message.data),
        expected.replace('\n', "\r\n")
    );
}

#[test]
fn each_recipient_once_whichever_way_it_goes() {
    let home = Home::new(Script::tls());
    let all = &[(WHOM, &b"all\n"[..]), (QUESTION, b"y")];
    assert_eq!(at_terminal(&home, all).0, 0);
    // From the message, from the notice, and by name.
    let run = home.resend(&["--yes", "--to", BOB], &original());
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stdout.contains("was already sent again"), "{run:?}");
    assert_eq!(home.resend(&["--yes"], &home.notice()).status, 1);
    let (status, screen) = home.at_terminal("resend < given", "nothing", b"");
    assert_eq!(status, 1, "{screen}");
    assert_eq!(recipients(&home), [[BOB, CAROL]]);
}

#[test]
fn no_is_the_default() {
    for steps in [
        &[(WHOM, &b"\n"[..])][..],
        &[(WHOM, b"1\n"), (QUESTION, b"\r")],
        &[(WHOM, b"1\n"), (QUESTION, b"\x03")],
    ] {
        let home = Home::new(Script::tls());
        let (status, screen) = at_terminal(&home, steps);
        assert_eq!(status, 2, "{screen}");
        assert!(home.received().is_empty());
    }
}

/// Ctrl-C at the list ends the program, and the terminal is as before.
#[test]
fn ctrl_c_at_the_list() {
    let home = Home::new(Script::tls());
    home.file("given", &original());
    let program = env!("CARGO_BIN_EXE_tls-optout");
    home.file(
        "run",
        &format!("stty -g > before; {program} resend < given; stty -g > after\n"),
    );
    let list = [(WHOM, &b"\x03"[..])];
    let shell = "--version > /dev/null; (trap : INT; . ./run)";
    home.in_steps(shell, &list);
    let state = |name| fs::read_to_string(home.path(name)).expect("a state");
    assert_eq!(state("before"), state("after"));
    assert!(home.received().is_empty());
}

#[test]
fn nobody_is_sent_to_unnamed() {
    let home = Home::new(Script::tls());
    let run = home.resend(&["--yes"], &original());
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (
            64,
            "tls-optout: no notice about this message was seen, so nobody is known to wait for it; name whom \
             to send to with --to\n"
        )
    );
    let run = home.resend(&[], &original());
    assert_eq!(run.status, 75, "{run:?}");
    assert!(run.stdout.contains("you say so: no notice"), "{run:?}");
    let run = home.resend(&["--yes", "--to", "mallory@example.net"], &original());
    assert_eq!(run.status, 1, "{run:?}");
    let run = home.resend(&["--yes", "--to", CAROL], &original());
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stderr.contains("no notice about it was seen"),
        "{run:?}"
    );
    assert_eq!(recipients(&home), [[CAROL]]);
}

/// What the journal knows of it: who waits and why, and with what the copy is compared.
#[test]
fn a_notice_that_came_before_is_taken_for_given() {
    let home = Home::new(Script::tls());
    assert_eq!(home.run(&["process"], &home.notice()).status, 0);
    let (status, screen) = at_terminal(&home, &[(QUESTION, b"y")]);
    assert_eq!(status, 0, "{screen}");
    assert!(
        screen.contains("offers no encryption (STARTTLS)"),
        "{screen}"
    );
    assert!(!screen.contains("nothing shows"), "{screen}");
    assert_eq!(recipients(&home), [[BOB]]);

    let home = Home::new(Script::tls());
    assert_eq!(home.run(&["process"], &home.notice()).status, 0);
    home.write_copy(&original().replace("text/plain", "text/html"));
    let run = home.resend(&["--yes"], &original());
    assert_eq!(run.status, 65, "{run:?}");
    assert!(run.stderr.contains("Content-Type differs"), "{run:?}");
    assert!(home.received().is_empty());
}

/// The offer of one that was dismissed, though it is the newest, says nothing of those who wait.
#[test]
fn only_an_offer_that_waits_is_taken() {
    let home = news::home();
    process(&home, &delayed(1, &[BOB]), 0);
    process(&home, &delayed(2, &[CAROL]), 0);
    assert_eq!(home.run(&["dismiss", "2"], "").status, 0);
    let run = home.resend(&["--yes"], &original());
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stdout.contains(&format!("sent again to {BOB} ")),
        "{run:?}"
    );
    let run = home.resend(&["--yes"], &original());
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (
            1,
            "tls-optout: nobody waits for this message any more, as `tls-optout offers --all` shows; if it is to be \
             sent all the same, name whom to send to with --to\n"
        )
    );
    assert_eq!(recipients(&home), [[BOB]]);
}

/// What the user has seen is not denied.
#[test]
fn a_message_whose_offer_was_dismissed() {
    let home = news::home();
    process(&home, &delayed(1, &[BOB]), 0);
    assert_eq!(home.run(&["dismiss", "1"], "").status, 0);
    let (status, screen) = at_terminal(&home, &[(WHOM, b"2\n"), (QUESTION, b"n")]);
    assert_eq!(status, 2, "{screen}");
    for line in [
        "No offer about \"Lunch on Thursday\" waits. It went to:\n",
        "\nBecause    you say so\n",
    ] {
        assert!(screen.contains(line), "{line:?} in {screen}");
    }
    let run = home.resend(&["--yes", "--to", BOB], &original());
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (
            0,
            "tls-optout: no offer about it is taken up; --yes sends all the same\n"
        )
    );
    assert_eq!(recipients(&home), [[BOB]]);
}

/// Of two that wait the newer, unless the user names who waits in the other.
#[test]
fn the_newest_offer_or_that_of_whom_the_user_names() {
    for (arguments, who) in [
        (&["--yes"][..], BOB),
        (&["--yes", "--to", CAROL], CAROL),
        (&["--yes", "--to", BOB], BOB),
    ] {
        let home = news::home();
        // What came last was written first.
        process(&home, &delayed(2, &[BOB]), 0);
        process(&home, &delayed(1, &[CAROL]), 0);
        let run = home.resend(arguments, &original());
        assert_eq!((run.status, &*run.stderr), (0, ""), "{run:?}");
        assert_eq!(recipients(&home), [[who]]);
    }
}

/// A forged notice hides no genuine one, and names nobody to whom `--yes` sends.
#[test]
fn a_forged_notice_is_not_what_the_journal_knows() {
    let strange = |who: &str| forged(&delayed(3, &[who]));
    let home = news::home();
    process(&home, &delayed(1, &[BOB]), 0);
    process(&home, &strange("mallory@example.net"), 0);
    for arguments in [&["--dry-run"][..], &["--dry-run", "--to", BOB]] {
        let run = home.resend(arguments, &original());
        assert_eq!(run.status, 0, "{run:?}");
        assert!(
            run.stderr.contains("offers no encryption (STARTTLS)"),
            "{run:?}"
        );
        assert!(!run.stderr.contains("unverified"), "{run:?}");
    }
    assert_eq!(home.resend(&["--yes"], &original()).status, 0);
    assert_eq!(recipients(&home), [[BOB]]);

    let home = news::home();
    process(&home, &strange(CAROL), 0);
    let run = home.resend(&["--yes"], &original());
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (
            64,
            "tls-optout: what was seen about this message may be forged, so nobody is known to wait for it; name \
             whom to send to with --to, or leave out --yes\n"
        )
    );
    // Where the user is asked, it is shown for what it is.
    let run = home.resend(&[], &original());
    assert_eq!(run.status, 75, "{run:?}");
    assert!(run.stdout.contains("\nNotice     unverified: "), "{run:?}");
    let run = home.resend(&["--yes", "--to", BOB], &original());
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(recipients(&home), [[BOB]]);
}

/// No offer is there to resolve it by: the message is.
#[test]
fn a_lost_answer_is_resolved_by_the_message() {
    let home = Home::new(Script::tls().on(".", Then::Close));
    let send = |to: &str| home.resend(&["--yes", "--to", to], &original());
    assert_eq!((send(BOB).status, send(BOB).status), (74, 1));
    let resolve = |word: &str| home.run(&["resolve", word, "<lunch-1@example.org>"], "");
    let run = resolve("--not-sent");
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (
            0,
            "<lunch-1@example.org>: 1 recipient(s) now read refused\n"
        )
    );
    assert_eq!((send(BOB).status, resolve("--sent").status), (74, 0));
    assert!(send(BOB).stdout.contains("was already sent again"));
    // Of whom an offer tells, the word is about that offer.
    assert_eq!(home.run(&["process"], &delayed(1, &[CAROL])).status, 0);
    assert_eq!((send(CAROL).status, resolve("--sent").status), (74, 1));
    assert_eq!(home.run(&["resolve", "--sent", "1"], "").status, 0);
    home.received();
}

/// What was piped names the message; what is sent is the file.
#[test]
fn the_file_is_sent_whatever_was_piped() {
    let home = Home::new(Script::tls());
    let message = original();
    let (header, _) = message.split_once("\n\n").expect("a header");
    let spoilt = format!("{header}\n\nsomething else\n")
        .replace("To: Bob", "To: Mallory <mallory@example.net>, Bob");
    let run = home.resend(&["--yes", "--to", "mallory@example.net"], &spoilt);
    assert_eq!(run.status, 1, "{run:?}");
    assert_eq!(home.resend(&["--yes", "--to", BOB], &spoilt).status, 0);
    let received = home.received();
    let data = String::from_utf8_lossy(&received[0].data);
    assert!(
        data.ends_with("Shall we meet at one?\r\n.\r\n. dots\r\n-- \r\nAlice\r\n"),
        "{data}"
    );
}

#[test]
fn without_a_file_nothing_is_sent() {
    let refused = |piped: &str, before: &dyn Fn(&Home)| -> Run {
        let home = Home::new(Script::tls());
        before(&home);
        let run = home.resend(&["--yes", "--to", BOB], piped);
        assert!(home.received().is_empty());
        run
    };
    let gone = refused(&original(), &|home| {
        fs::remove_file(home.copy()).expect("gone");
    });
    assert_eq!(gone.status, 66, "{gone:?}");
    assert!(
        gone.stderr.contains("no copy of <lunch-1@example.org> in "),
        "{gone:?}"
    );
    let id = "Message-ID: <lunch-1@example.org>\n";
    let weeded = refused(&original().replace(id, ""), &|_| ());
    assert_eq!(weeded.status, 65, "{weeded:?}");
    assert!(
        weeded
            .stderr
            .contains("has no Message-ID, so its file cannot be found"),
        "{weeded:?}"
    );
    for (field, status) in [
        ("TLS-Required: No", 1),
        ("Sensitivity: Private", 1),
        ("Auto-Submitted: auto-replied", 1),
        // Received: it has come back, to a folder that is not for sent mail.
        (
            "Received: by mail.example.org; Tue, 24 Nov 2026 07:00:12 +0000",
            65,
        ),
    ] {
        let run = refused(&original(), &|home| {
            let received = home.path("Mail/Inbox/cur");
            fs::create_dir_all(home.path("Mail/Inbox/new")).expect("a folder");
            fs::create_dir_all(&received).expect("a folder");
            fs::remove_file(home.copy()).expect("gone");
            fs::write(
                received.join("1.a.laptop:2,S"),
                format!("{field}\n{}", original()),
            )
            .expect("a file");
        });
        assert_eq!(run.status, status, "{field}: {run:?}");
    }
}

/// A file of a Maildir that no setting names is the message itself.
#[test]
fn a_file_in_a_maildir_is_the_message() {
    let home = Home::new(Script::tls());
    home.make_folder("Other");
    let file = "Other/cur/1795500011.4242_1.laptop:2,S";
    fs::rename(home.copy(), home.path(file)).expect("a move");
    assert_eq!(home.resend(&["--yes", "--to", BOB], &original()).status, 66);
    let run = home.resend(&["--yes", "--to", BOB, file], "");
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(recipients(&home), [[BOB]]);
}

#[test]
fn a_dry_run_shows_whom_it_could_go_to() {
    let home = Home::new(Script::tls());
    let run = home.resend(&["--dry-run"], &original());
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stderr
            .contains(&format!("RCPT TO:<{BOB}>\nRCPT TO:<{CAROL}>\n")),
        "{run:?}"
    );
    assert!(!home.state().exists());
    assert!(home.received().is_empty());
}

#[test]
fn the_policy_counts_here_too() {
    let home = Home::new(Script::tls());
    home.write_config(&(home.config() + "[policy]\n\"example.com\" = \"never\"\n"));
    let run = home.resend(&["--yes", "--to", CAROL], &original());
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stdout.contains("may not be opted out"), "{run:?}");
    assert!(home.received().is_empty());
}
