//! Against the wish of a sender who asked for security: a typed word, and nothing less.

use crate::home::{BOB, CAROL, Home, Run, notice, original};
use submission_server::Script;

const QUESTION: &str = "against that wish: ";
const NO_TLS: &str = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";

/// The copy, and what the server returned of it, carry a field.
fn marked(field: &str) -> (Home, String) {
    let home = Home::new(Script::tls());
    home.write_copy(&format!("{field}\n{}", original()));
    let notice = home.notice();
    home.file("notice.eml", &notice);
    (home, notice)
}

fn is_refused(run: &Run) -> bool {
    run.status == 1 && run.stderr.contains("asked for secur") && run.stderr.contains("--force")
}

#[test]
fn a_wish_for_security_is_heeded_on_every_path() {
    for field in [
        "Sensitivity: Company-Confidential",
        "Require-TLS-ESMTP: yes",
        "X-Classification: SECRET, eyes only",
    ] {
        let (home, notice) = marked(field);
        home.write_config(
            &(home.config() + "[policy]\nconfidential = \"x-classification: secret*\"\n"),
        );
        for arguments in [
            &[][..],
            &["--yes"],
            &["--dry-run"],
            &["--json", "--yes"],
            &["--to", BOB, "--yes"],
        ] {
            let run = home.resend(arguments, &notice);
            assert!(is_refused(&run), "{field} {arguments:?} {run:?}");
        }
        let run = home.resend(&["--force", "--yes"], &notice);
        assert_eq!(run.status, 75, "{run:?}");
        assert!(
            run.stderr.contains("only by a word typed in a terminal"),
            "{run:?}"
        );
        assert!(home.received().is_empty());
    }
}

#[test]
fn what_the_server_saw_counts_too() {
    let home = Home::new(Script::tls());
    let notice = home
        .notice()
        .replace("\n\nDate: Tue, 24", "\n\nX-Class: secret\nDate: Tue, 24");
    home.write_config(&(home.config() + "[policy]\nconfidential = [\"X-Class: secret\"]\n"));
    assert!(is_refused(&home.resend(&["--yes"], &notice)));
    let notice = home.notice().replace(
        "\n\nDate: Tue, 24",
        "\n\nRequire-TLS-ESMTP: yes\nDate: Tue, 24",
    );
    assert!(is_refused(&home.resend(&["--yes"], &notice)));
    assert!(home.received().is_empty());
}

#[test]
fn only_the_word_sends() {
    for (typed, status, sent) in [
        ("expose\n", 0, 1),
        ("y\n", 2, 0),
        ("yes\n", 2, 0),
        ("\n", 2, 0),
        ("exposed\n", 2, 0),
    ] {
        let (home, _) = marked("Sensitivity: Private");
        let (ended, screen) = home.at_terminal(
            "resend --yes --force notice.eml",
            QUESTION,
            typed.as_bytes(),
        );
        assert_eq!(ended, status, "{screen}");
        assert!(
            screen.contains("Wish       its sender asked for security: Sensitivity: Private"),
            "{screen}"
        );
        let messages = home.received();
        assert_eq!(messages.len(), sent, "{typed:?}: {screen}");
        for message in messages {
            assert!(
                message
                    .data
                    .starts_with(b"TLS-Required: No\r\nSensitivity: Private\r\n")
            );
        }
    }
}

#[test]
fn a_message_that_asked_for_requiretls() {
    let home = Home::new(Script::tls());
    let reason =
        "REQUIRETLS was requested, but STARTTLS was not offered by host mx.example.net[192.0.2.1]";
    let text = notice(&[(BOB, "5.7.30", reason)]).replace("Action: delayed", "Action: failed");
    home.file("notice.eml", &text);
    let run = home.resend(&["--yes"], &text);
    assert!(is_refused(&run), "{run:?}");
    let (status, screen) = home.at_terminal("resend --force notice.eml", QUESTION, b"expose\n");
    assert_eq!(status, 0, "{screen}");
    assert!(
        screen.contains("Wish       its sender asked for secure delivery (REQUIRETLS)"),
        "{screen}"
    );
    assert_eq!(home.received().len(), 1);
}

/// Postfix would hold the mark for the stronger wish.
#[test]
fn the_mark_of_requiretls_does_not_leave() {
    let (home, _) = marked("Require-TLS-ESMTP: yes");
    let (status, screen) = home.at_terminal("resend --force notice.eml", QUESTION, b"expose\n");
    assert_eq!(status, 0, "{screen}");
    let expected = format!("TLS-Required: No\n{}", original()).replace('\n', "\r\n");
    assert_eq!(String::from_utf8_lossy(&home.received()[0].data), expected);
}

#[test]
fn force_overrides_nothing_else() {
    let home = Home::new(Script::tls());
    home.write_config(&(home.config() + "[policy]\n\"example.net\" = \"never\"\n"));
    let run = home.resend(&["--force", "--yes"], &home.notice());
    assert!(run.stdout.contains("may not be opted out"), "{run:?}");
    let foreign = notice(&[("mallory@example.com", "4.7.4", NO_TLS)]);
    assert!(
        home.resend(&["--force", "--yes"], &foreign)
            .stdout
            .contains("is not among the recipients")
    );
    let other = notice(&[(CAROL, "4.7.4", NO_TLS)]);
    home.write_copy(&original().replace("Lunch on Thursday", "Lunch on Friday"));
    let run = home.resend(&["--force", "--yes"], &other);
    assert!(run.stderr.contains("Subject differs"), "{run:?}");
    home.write_copy(&format!("TLS-Required: No\n{}", original()));
    let run = home.resend(&["--force", "--yes"], &other);
    assert!(run.stderr.contains("already"), "{run:?}");
    home.write_copy(&format!("Auto-Submitted: auto-replied\n{}", original()));
    let run = home.resend(&["--force", "--yes"], &other);
    assert!(run.stderr.contains("never sent again"), "{run:?}");
    assert!(home.received().is_empty());
}

/// Where nobody asked for security there is nothing to force.
#[test]
fn force_asks_for_no_word_without_a_wish() {
    let home = Home::new(Script::tls());
    assert_eq!(home.resend(&["--force", "--yes"], &home.notice()).status, 0);
    assert_eq!(home.received().len(), 1);
}
