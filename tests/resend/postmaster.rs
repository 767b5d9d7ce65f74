//! The letter to the failing domain.

use submission_server::Script;

use crate::home::{BOB, Home, notice};

const NO_TLS: &str = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";

fn letter(home: &Home, arguments: &[&str], notice: &str) -> crate::home::Run {
    home.run(&[&["notify-postmaster"], arguments].concat(), notice)
}

#[test]
fn it_opts_out_and_tells_nothing_of_the_message() {
    let home = Home::new(Script::tls());
    let run = letter(&home, &["--yes"], &home.notice());
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(
        run.stdout,
        "accepted: sent to postmaster@example.net: 250 2.0.0 queued as 4F00BA\n"
    );
    let [message] = &home.received()[..] else {
        panic!("not one message")
    };
    assert_eq!(message.recipients[0].0, "postmaster@example.net");
    let text = String::from_utf8(message.data.clone()).expect("ASCII");
    let (header, body) = text.split_once("\r\n\r\n").expect("a header");
    assert!(header.starts_with("TLS-Required: No\r\n"), "{header}");
    assert_eq!(header.matches("TLS-Required").count(), 1);
    assert!(
        header.contains("Subject: TLS failure at the mail server of example.net\r\n"),
        "{header}"
    );
    assert!(header.contains("@example.org>\r\n"), "{header}");
    assert!(!header.contains("Auto-Submitted"), "{header}");
    let expected = format!(
        "Hello,\n\nmail for example.net does not get through: TLS with your mail server\nfails, and our mail \
         server may not deliver without.\n\n    the server of the recipient offers no encryption \
         (STARTTLS)\n\nOur server      mail.example.org\nSince           2026-11-24T06:00:12Z\nStatus          \
         4.7.4\nIt says         {NO_TLS}\n\nWhat may help: let the server offer STARTTLS to everyone\n\nThis letter \
         asks the servers on its way not to insist on TLS (RFC 8689),\nso that it can reach you. Other mail \
         does not.\n"
    );
    // The server's words make a long line, which is quoted-printable.
    let body = body.replace("=\r\n", "").replace("\r\n", "\n");
    assert_eq!(body.trim_end(), expected.trim_end());
    for private in ["Lunch", "bob", "lunch-1", "Shall we meet"] {
        assert!(!text.contains(private), "{private}: {text}");
    }
}

#[test]
fn one_letter_about_one_message() {
    let home = Home::new(Script::tls());
    assert_eq!(letter(&home, &["--yes"], &home.notice()).status, 0);
    let run = letter(&home, &["--yes"], &home.notice());
    assert_eq!(run.status, 1, "{run:?}");
    assert!(
        run.stdout
            .starts_with("postmaster@example.net: was already sent"),
        "{run:?}"
    );
    assert_eq!(home.received().len(), 1);
}

#[test]
fn without_a_terminal_it_is_shown_and_stays_here() {
    let home = Home::new(Script::tls());
    let run = letter(&home, &[], &home.notice());
    assert_eq!(run.status, 75, "{run:?}");
    assert!(run.stdout.contains("What may help"), "{run:?}");
    let run = letter(&home, &["--dry-run"], &home.notice());
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stdout.starts_with("TLS-Required: No\r\n"), "{run:?}");
    assert!(home.received().is_empty());
}

#[test]
fn no_tls_failure_over_there_no_letter() {
    for (status, reason) in [
        (
            "4.4.1",
            "connect to mx.example.net[192.0.2.1]:25: Connection refused",
        ),
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
}

#[test]
fn a_forged_notice_injects_nothing() {
    let home = Home::new(Script::tls());
    let reason = format!("{NO_TLS} \x1b]0;x\x07 \u{202e}");
    let forged = notice(&[(BOB, "4.7.4", &reason)]).replace(
        "Remote-MTA",
        "Remote-MTA: dns; x\r\n Bcc: eve@example.com\nX",
    );
    let run = letter(&home, &["--yes"], &forged);
    assert_eq!(run.status, 0, "{run:?}");
    let data = String::from_utf8_lossy(&home.received()[0].data).into_owned();
    assert!(!data.contains(['\x1b', '\u{202e}']), "{data}");
    assert!(
        !data
            .lines()
            .any(|line| line.to_ascii_lowercase().starts_with("bcc:")),
        "{data}"
    );

    let home = Home::new(Script::tls());
    let forged = notice(&[("bob@example.net>,eve", "4.7.4", NO_TLS)]);
    let run = letter(&home, &["--yes"], &forged);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(home.received().is_empty());
}
