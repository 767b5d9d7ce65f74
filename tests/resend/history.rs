//! What notices tell of our own resubmissions and letters, and a journal from before that was kept.

use std::fs;

use crate::home::{BOB, CAROL, Home};
use crate::news::{delayed, delivered, failed, home, is, lines, offers, process};
use submission_server::{Script, Then};

/// What the submission server told others of our envelope: RFC 3461, ENVID.
fn envelope_id(home: &Home) -> String {
    let db = rusqlite::Connection::open(home.state().join("journal.sqlite3")).expect("the journal");
    db.query_row("SELECT envelope_id FROM delivery", [], |row| row.get(0))
        .expect("an id")
}

/// A notice about our resubmission. The first copy is not concerned.
fn again(home: &Home, notice: &str) -> String {
    let id = envelope_id(home);
    notice
        .replace(
            "Reporting-MTA:",
            &format!("Original-Envelope-Id: {id}\nReporting-MTA:"),
        )
        .replace("\n\nDate: Tue, 24", "\n\nTLS-Required: No\nDate: Tue, 24")
}

#[test]
fn what_became_of_a_resubmission_is_its_history() {
    for (notice, words) in [
        (delivered(5, BOB, "delivered"), "; then delivered  "),
        (
            failed(
                5,
                BOB,
                "5.1.1",
                "host mx.example.net[192.0.2.1] said: 550 5.1.1 no Bob",
            ),
            "; then failed: X-Postfix; host",
        ),
        (
            delayed(5, &[BOB]),
            "; then delayed: the server of the recipient offers",
        ),
    ] {
        let home = home();
        assert_eq!(home.resend(&["--yes"], &delayed(1, &[BOB])).status, 0);
        process(&home, &again(&home, &notice), 1);
        assert_eq!(offers(&home, &["--all"]), [is(1, BOB, "sent")]);
        let run = home.run(&["offers", "--all"], "");
        assert!(run.stdout.contains(words), "{run:?}");
        assert_eq!(home.run(&["offers"], "").status, 1);
        home.received();
    }
}

/// The journal knows, though the notice returns neither the id nor anything of the message.
#[test]
fn a_bare_notice_about_a_resubmission_makes_no_offer() {
    let home = home();
    assert_eq!(home.resend(&["--yes"], &delayed(1, &[BOB])).status, 0);
    let (bare, _) = delayed(5, &[BOB])
        .replace(
            "Auto-Submitted:",
            "References: <lunch-1@example.org>\nAuto-Submitted:",
        )
        .replace(
            "Arrival-Date: Tue, 24 Nov 2026",
            "Arrival-Date: Tue, 24 Nov 2099",
        )
        .rsplit_once("--4794A\nContent-Type: text/rfc822-headers")
        .map(|(rest, part)| (format!("{rest}--4794A--\n"), part.to_owned()))
        .expect("a part");
    process(&home, &bare, 1);
    assert_eq!(offers(&home, &["--all"]), [is(1, BOB, "sent")]);
    assert_eq!(lines(&home, &["--all"])[0]["outcome"]["action"], "delayed");
    home.received();
}

#[test]
fn honour_is_learned_by_whoever_reads_the_notice() {
    for by in ["process", "watch"] {
        let home = home();
        home.write_config(
            &home
                .config()
                .replace("inbox = []", "inbox = \"~/Mail/INBOX\""),
        );
        home.make_folder("Mail/INBOX");
        assert_eq!(home.resend(&["--yes"], &delayed(1, &[BOB])).status, 0);
        let notice = again(&home, &delayed(5, &[BOB]));
        let forged = notice.replace(&envelope_id(&home), "0123456789abcdef0123456789abcdef");
        process(&home, &forged, 1);
        process(&home, &delayed(6, &[CAROL]), 0);
        assert!(!home.run(&["offers"], "").stdout.contains("honour"));
        match by {
            "process" => process(&home, &notice, 1),
            _ => {
                fs::write(home.path("Mail/INBOX/new/1.notice"), notice).expect("a file");
                assert_eq!(home.run(&["watch", "--once"], "").status, 1);
            }
        }
        let run = home.run(&["offers"], "");
        let text = format!(
            "\n{} did not honour TLS-Required: No, as a notice of 2",
            home.place()
        );
        assert!(run.stdout.contains(&text), "{by}: {run:?}");
        let run = home.resend(&["2"], "");
        assert!(
            run.stdout.contains("which did not honour it"),
            "{by}: {run:?}"
        );
        home.received();
    }
}

#[test]
fn nothing_is_offered_for_a_notice_about_a_notice() {
    for field in [
        "Auto-Submitted: auto-replied",
        "Return-Path: <>",
        "X-Failed-Recipients: a@example.org",
    ] {
        let home = home();
        let about = home
            .notice()
            .replace("\n\nDate: Tue, 24", &format!("\n\n{field}\nDate: Tue, 24"));
        process(&home, &about, 1);
        let run = home.resend(&["--yes"], &about);
        assert_eq!(run.status, 1, "{run:?}");
        assert!(
            run.stderr.contains("none to send again: it is a notice"),
            "{run:?}"
        );
        assert_eq!(offers(&home, &["--all"]), []);
        assert!(home.received().is_empty());
    }
}

/// Format 1, as the first version made it.
const OLD: &str = "
CREATE TABLE offer (id INTEGER PRIMARY KEY, notice_key TEXT NOT NULL UNIQUE, notice BLOB NOT NULL,
    message_id TEXT NOT NULL, subject TEXT NOT NULL, recorded INTEGER NOT NULL, expires INTEGER,
    dismissed INTEGER) STRICT;
CREATE TABLE waiting (offer INTEGER NOT NULL REFERENCES offer(id), recipient TEXT NOT NULL,
    cause TEXT NOT NULL, PRIMARY KEY (offer, recipient)) STRICT;
CREATE TABLE delivery (message_id TEXT NOT NULL, recipient TEXT NOT NULL, state TEXT NOT NULL,
    at INTEGER NOT NULL, envelope_id TEXT NOT NULL, server TEXT NOT NULL, reply TEXT NOT NULL,
    PRIMARY KEY (message_id, recipient)) STRICT;
CREATE TABLE honour (server TEXT PRIMARY KEY, honours INTEGER NOT NULL, at INTEGER NOT NULL) STRICT;
INSERT INTO waiting VALUES (7, 'bob@example.net', 'no TLS'), (7, 'carol@example.com', 'no TLS');
INSERT INTO delivery VALUES ('lunch-1@example.org', 'carol@example.com', 'sent', 1600000000, 'x', 'old', '250');
INSERT INTO honour VALUES ('old', 0, 1600000000);
PRAGMA user_version = 1;
";

#[test]
fn an_old_journal_is_kept() {
    let home = home();
    fs::create_dir_all(home.state()).expect("a folder");
    let db = rusqlite::Connection::open(home.state().join("journal.sqlite3")).expect("a journal");
    db.execute_batch("PRAGMA foreign_keys=OFF").expect("SQL");
    db.execute_batch(OLD).expect("SQL");
    db.execute(
        "INSERT INTO offer VALUES (7, 'warning-1@mail.example.org', ?1, 'lunch-1@example.org', 'Lunch', 1600000000,
         NULL, NULL)",
        [delayed(1, &[BOB, CAROL]).as_bytes()],
    )
    .expect("SQL");
    drop(db);
    // A dry run changes nothing, the format included.
    let run = home.resend(&["--dry-run"], &delayed(1, &[BOB, CAROL]));
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stderr
            .contains(&format!("{CAROL}: was already sent again")),
        "{run:?}"
    );
    assert_eq!(
        offers(&home, &["--all"]),
        [is(7, BOB, "open"), is(7, CAROL, "sent")]
    );
    process(&home, &delivered(2, BOB, "delivered"), 1);
    assert_eq!(
        offers(&home, &["--all"]),
        [is(7, BOB, "delivered"), is(7, CAROL, "sent")]
    );
    let run = home.resend(&["--yes", "7"], "");
    assert_eq!(run.status, 1, "{run:?}");
    assert!(home.received().is_empty());
}

#[test]
fn a_letter_whose_answer_was_lost_is_resolved_by_its_address() {
    let home = Home::new(Script::tls().on(".", Then::Close));
    let letter = || home.run(&["notify-postmaster", "--yes"], &home.notice());
    assert_eq!(letter().status, 74);
    let run = letter();
    assert!(
        run.stdout
            .contains("then tell `tls-optout resolve postmaster@example.net`"),
        "{run:?}"
    );
    let to = "postmaster@example.net";
    let run = home.run(&["offers"], "");
    assert_eq!(
        run.stdout,
        format!("   -    0m  unknown    {to}  letter about <lunch-1@example.org>\n")
    );
    let run = home.run(&["resolve", to], "");
    assert_eq!(run.status, 64, "{run:?}");
    assert!(
        run.stdout.starts_with(&format!("{to}: may have been sent")),
        "{run:?}"
    );
    let run = home.run(&["resolve", "--not-sent", "Postmaster@Example.NET"], "");
    assert_eq!(run.status, 0, "{run:?}");
    // It may be sent again, which this server leaves unknown again.
    assert_eq!(letter().status, 74);
    assert_eq!(home.run(&["resolve", "--sent", to], "").status, 0);
    assert!(letter().stdout.contains("was already sent a letter"));
    assert_eq!(home.run(&["resolve", "--sent", to], "").status, 1);
    assert_eq!(home.run(&["offers"], "").status, 1);
    assert_eq!(offers(&home, &["--all"]), [is(0, to, "sent")]);
    home.received();
}

#[test]
fn the_word_about_one_letter_says_nothing_of_another() {
    let home = Home::new(Script::tls().on(".", Then::Close));
    let both = delayed(1, &[BOB, CAROL]);
    assert_eq!(home.run(&["notify-postmaster", "--yes"], &both).status, 74);
    let run = home.run(&["resolve", "--not-sent", "postmaster@example.net"], "");
    assert_eq!(
        run.stdout,
        "postmaster@example.net: 1 recipient(s) now read refused\n"
    );
    assert_eq!(
        offers(&home, &["--all"]),
        [
            is(0, "postmaster@example.net", "refused"),
            is(0, "postmaster@example.com", "unknown")
        ]
    );
    home.received();
}
