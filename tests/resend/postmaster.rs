//! `notify-postmaster` from the outside. What the letter says is tested in `tests/postmaster.rs`.

use submission_server::{Script, Then};

use crate::home::{BOB, CAROL, Home, Run, notice};

const NO_TLS: &str = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";
const REFUSED: &str = "connect to mx.example.net[192.0.2.1]:25: Connection refused";

fn letter(home: &Home, arguments: &[&str], notice: &str) -> Run {
    home.run(&[&["notify-postmaster"], arguments].concat(), notice)
}

#[test]
fn it_opts_out_and_tells_nothing_of_the_message() {
    let home = Home::new(Script::tls());
    let run = letter(&home, &["--yes"], &home.notice());
    assert_eq!(run.status, 0, "{run:?}");
    let place = home.place();
    assert_eq!(
        run.stdout,
        format!(
            "accepted: sent to postmaster@example.net through {place}: 250 2.0.0 queued as 4F00BA\n"
        )
    );
    let [message] = &home.received()[..] else {
        panic!("not one message")
    };
    assert_eq!(message.sender.0, "alice@example.org");
    let recipients: Vec<&str> = message.recipients.iter().map(|(to, _)| &**to).collect();
    assert_eq!(recipients, ["postmaster@example.net"]);
    let text = String::from_utf8(message.data.clone()).expect("ASCII");
    let first = "TLS-Required: No\r\nFrom: <alice@example.org>\r\nTo: <postmaster@example.net>\r\n";
    assert!(text.starts_with(first), "{text}");
    assert_eq!(
        text.matches("TLS-Required:").count(),
        2,
        "once as a field, once as a word: {text}"
    );
    assert!(text.contains("@example.org>\r\n"), "{text}");
    for private in ["Lunch", "bob", "carol", "lunch-1", "Shall we meet"] {
        assert!(!text.contains(private), "{private}: {text}");
    }
}

#[test]
fn one_letter_about_one_message() {
    let home = Home::new(Script::tls());
    assert_eq!(letter(&home, &["--yes"], &home.notice()).status, 0);
    // The same notice, and another notice about the same message.
    let another = home.notice().replace("warning-1@", "warning-2@");
    for notice in [home.notice(), another] {
        let run = letter(&home, &["--yes"], &notice);
        assert_eq!(run.status, 1, "{run:?}");
        let text = "postmaster@example.net: was already sent a letter about this message at 2";
        assert!(run.stdout.starts_with(text), "{run:?}");
    }
    // The letter is not the message.
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(home.received().len(), 2);
}

#[test]
fn a_notice_that_returns_nothing_of_the_message() {
    let home = Home::new(Script::tls());
    let bare = |id: &str| {
        let notice = home.notice().replace("warning-1@", id);
        let (rest, _) = notice
            .rsplit_once("--4794A\nContent-Type: text/rfc822-headers")
            .expect("a part");
        format!("{rest}--4794A--\n")
    };
    for (id, status) in [("one@", 0), ("two@", 0), ("one@", 1)] {
        let run = letter(&home, &["--yes"], &bare(id));
        assert_eq!(run.status, status, "{id}: {run:?}");
    }
    assert_eq!(home.received().len(), 2);
}

#[test]
fn each_domain_or_the_named_one() {
    let both = notice(&[(BOB, "4.7.4", NO_TLS), (CAROL, "4.7.4", NO_TLS)]);
    let home =
        Home::new(Script::tls().on("RCPT TO:<postmaster@example.net", Then::Say("550 5.7.1 no")));
    let run = letter(&home, &["--yes"], &both);
    assert_eq!(run.status, 69, "{run:?}");
    assert!(run.stderr.contains("550 5.7.1 no"), "{run:?}");
    assert!(
        run.stdout
            .starts_with("accepted: sent to postmaster@example.com "),
        "{run:?}"
    );
    assert_eq!(home.received().len(), 1);

    let home = Home::new(Script::tls());
    let run = letter(&home, &["--yes", "--domain", "Example.NET"], &both);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(home.received()[0].recipients[0].0, "postmaster@example.net");

    let home = Home::new(Script::tls());
    let run = letter(&home, &["--yes", "--domain", "example.test"], &both);
    let text = "the notice shows no TLS failure at example.test; there is nothing to tell";
    home.assert_refused(&run, 1, text);
}

#[test]
fn where_every_domain_fails_nobody_is_written_to() {
    let addresses: Vec<String> = (0..6).map(|n| format!("bob@{n}.example.net")).collect();
    let recipients: Vec<_> = addresses
        .iter()
        .map(|to| (to.as_str(), "4.7.4", NO_TLS))
        .collect();
    let home = Home::new(Script::tls());
    let run = letter(&home, &["--yes"], &notice(&recipients));
    let text = "TLS failed with 6 domains at once, so look at your own server first; --domain names the one to \
                tell all the same";
    home.assert_refused(&run, 64, text);
}

#[test]
fn a_lost_answer_is_unknown_and_never_tried_again() {
    let home = Home::new(Script::tls().on(".", Then::Close));
    let run = letter(&home, &["--yes"], &home.notice());
    assert_eq!(run.status, 74, "{run:?}");
    let run = letter(&home, &["--yes"], &home.notice());
    assert_eq!(run.status, 1, "{run:?}");
    let text = "postmaster@example.net: may have been sent a letter at 2";
    assert!(run.stdout.starts_with(text), "{run:?}");
    home.received();
}

#[test]
fn without_a_terminal_it_is_shown_and_stays_here() {
    let home = Home::new(Script::tls());
    let run = letter(&home, &[], &home.notice());
    assert_eq!(run.status, 75, "{run:?}");
    assert!(
        run.stdout
            .starts_with("TLS-Required: No\nFrom: alice@example.org\nTo: postmaster@example.net\n")
    );
    assert!(run.stdout.contains("\nWhat to check:\n"), "{run:?}");
    assert!(
        run.stderr
            .starts_with("tls-optout: no terminal to ask on, nothing was sent"),
        "{run:?}"
    );
    assert!(home.received().is_empty());
}

#[test]
fn a_dry_run_prints_the_exact_bytes_and_changes_nothing() {
    let home = Home::new(Script::tls());
    let run = letter(&home, &["--dry-run"], &home.notice());
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stdout
            .starts_with("TLS-Required: No\r\nFrom: <alice@example.org>\r\n"),
        "{run:?}"
    );
    let envelope = "MAIL FROM:<alice@example.org>\nRCPT TO:<postmaster@example.net>\n";
    assert_eq!(run.stderr, envelope);
    assert!(!home.state().exists());
    assert!(home.received().is_empty());
}

fn asked(home: &Home, key: &[u8]) -> (i32, String) {
    home.at_terminal("notify-postmaster notice.eml", "[y/N] ", key)
}

#[test]
fn the_user_sees_all_of_it_and_has_the_word() {
    let home = Home::new(Script::tls());
    home.file(
        "notice.eml",
        &home
            .notice()
            .replace("Return-Path: <>", "Return-Path: <eve@example.com>"),
    );
    let (status, screen) = asked(&home, b"x");
    assert_eq!(status, 2, "{screen}");
    for shown in [
        "\nSubject: TLS failure delivering mail to example.net\n",
        "\n> TLS is required, but was not offered by host mx.example.net[192.0.2.1]\n",
        "\nNotice     unverified: ",
        "[y/N] no\n",
    ] {
        assert!(screen.contains(shown), "{shown:?}: {screen}");
    }
    let (status, screen) = asked(&home, b"y");
    assert_eq!(status, 0, "{screen}");
    assert!(
        screen.contains("[y/N] yes\naccepted: sent to postmaster@example.net"),
        "{screen}"
    );
    assert_eq!(home.received().len(), 1);
}

#[test]
fn no_tls_failure_over_there_no_letter() {
    for (status, reason) in [
        ("4.4.1", REFUSED),
        (
            "4.7.5",
            "TLS is required, but our TLS engine is unavailable",
        ),
    ] {
        let home = Home::new(Script::tls());
        let run = letter(&home, &["--yes"], &notice(&[(BOB, status, reason)]));
        let text = "the notice shows no TLS failure at the other side; there is nothing to tell";
        home.assert_refused(&run, 1, text);
    }
    let home = Home::new(Script::tls());
    let text = "not a delivery notice; pipe the whole, raw notice (mutt: unset pipe_decode)";
    home.assert_refused(
        &letter(&home, &["--yes"], "Subject: x\n\nno notice\n"),
        65,
        text,
    );
}

#[test]
fn a_forged_notice_injects_nothing() {
    let home = Home::new(Script::tls());
    let reason = format!("{NO_TLS} \x1b]0;x\x07 \u{202e}");
    let forged = notice(&[(BOB, "4.7.4", &reason)]).replace(
        "\nAction:",
        "\nRemote-MTA: dns; mx\n\tBcc: eve@example.com\nAction:",
    );
    let run = letter(&home, &["--yes"], &forged);
    assert_eq!(run.status, 0, "{run:?}");
    let messages = home.received();
    assert_eq!(messages[0].recipients.len(), 1);
    let data = String::from_utf8_lossy(&messages[0].data).into_owned();
    assert!(!data.contains(['\x1b', '\u{202e}']), "{data}");
    assert!(!data.contains("\nBcc:"), "{data}");

    let home = Home::new(Script::tls());
    let forged = notice(&[("bob@example.net>,eve", "4.7.4", NO_TLS)]);
    let run = letter(&home, &["--yes"], &forged);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(home.received().is_empty());
}
