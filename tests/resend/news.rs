//! Later notices: an offer ends, is renewed, or stays, and a resubmission gets its history.

use std::fs;

use serde_json::Value;

use crate::home::{BOB, CAROL, Home, notice};
use submission_server::{Script, Then};

const NO_TLS: &str = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";
/// What Postfix says where MTA-STS stood in the way.
const HIDDEN: &str = "server unavailable or unable to receive mail";
const REFUSED: &str = "connect to mx.example.net[192.0.2.1]:25: Connection refused";

/// A notice with its own Message-ID, written in that hour.
fn at(hour: u32, notice: &str) -> String {
    notice
        .replace("warning-1@", &format!("warning-{hour}@"))
        .replacen(
            "\nDate: Tue, 24 Nov 2026 07:00:12",
            &format!("\nDate: Mon, 2 Jan 2023 {hour:02}:00:00"),
            1,
        )
}

fn delayed(hour: u32, recipients: &[&str]) -> String {
    let all: Vec<_> = recipients
        .iter()
        .map(|who| (*who, "4.7.4", NO_TLS))
        .collect();
    at(hour, &notice(&all))
}

fn delivered(hour: u32, who: &str, action: &str) -> String {
    let notice = at(
        hour,
        &notice(&[(who, "2.0.0", "delivery via mx.example.net: 250 ok")]),
    );
    notice.replace("Action: delayed", &format!("Action: {action}"))
}

fn failed(hour: u32, who: &str, status: &str, reason: &str) -> String {
    let notice = at(hour, &notice(&[(who, status, reason)]));
    notice.replace("Action: delayed", "Action: failed")
}

/// As if Mallory had sent it.
fn forged(notice: &str) -> String {
    notice.replacen(
        "by mail.example.org",
        "from mallory.test by mail.example.org",
        1,
    )
}

fn home() -> Home {
    let home = Home::new(Script::tls());
    home.trust_server();
    home
}

fn process(home: &Home, notice: &str, status: i32) {
    let run = home.run(&["process"], notice);
    assert_eq!((run.status, &*run.stderr), (status, ""), "{run:?}");
}

/// Offer, recipient and state of each line.
fn offers(home: &Home, arguments: &[&str]) -> Vec<(i64, String, String)> {
    let text = |line: &Value, key: &str| line[key].as_str().expect("a text").to_owned();
    let one = |line: &Value| {
        (
            line["offer"].as_i64().unwrap_or(0),
            text(line, "recipient"),
            text(line, "state"),
        )
    };
    lines(home, arguments).iter().map(one).collect()
}

fn lines(home: &Home, arguments: &[&str]) -> Vec<Value> {
    let run = home.run(&[&["offers", "--json"], arguments].concat(), "");
    let parse = |line| serde_json::from_str(line).expect("JSON");
    run.stdout.lines().map(parse).collect()
}

fn is(offer: i64, who: &str, state: &str) -> (i64, String, String) {
    (offer, who.to_owned(), state.to_owned())
}

#[test]
fn one_who_has_the_message_waits_no_longer() {
    for action in ["delivered", "relayed", "expanded"] {
        let home = home();
        process(&home, &delayed(1, &[BOB, CAROL]), 0);
        process(&home, &delivered(2, BOB, action), 1);
        assert_eq!(offers(&home, &[]), [is(1, CAROL, "open")]);
        assert_eq!(
            offers(&home, &["--all"]),
            [is(1, BOB, action), is(1, CAROL, "open")]
        );
        let run = home.resend(&["--yes", "--to", BOB, "1"], "");
        assert_eq!(run.status, 1, "{run:?}");
        let text = format!(
            "{BOB}: has the message already ({action}), says a notice of 2023-01-02T02:00:00Z\n"
        );
        assert_eq!(run.stdout, text);
        let run = home.resend(&["--yes", "1"], "");
        assert!(
            run.stdout.contains(&format!("sent again to {CAROL} ")),
            "{run:?}"
        );
        assert_eq!(home.received()[0].recipients.len(), 1);
    }
}

#[test]
fn the_order_in_which_notices_are_read_does_not_matter() {
    let home = home();
    process(&home, &delivered(2, BOB, "delivered"), 1);
    process(&home, &delayed(1, &[BOB]), 0);
    process(&home, &delivered(2, BOB, "delivered"), 1);
    assert_eq!(offers(&home, &[]), []);
    assert_eq!(offers(&home, &["--all"]), [is(1, BOB, "delivered")]);
    home.received();
}

#[test]
fn a_newer_warning_renews_the_offer() {
    let home = home();
    process(&home, &delayed(1, &[BOB]), 0);
    let newer = delayed(3, &[BOB])
        .replace(NO_TLS, "Server certificate not trusted")
        .replace("29 Nov 2099", "29 Nov 2098");
    process(&home, &newer, 0);
    // An older one, and the first once more, change nothing.
    process(&home, &delayed(2, &[BOB]), 0);
    process(&home, &delayed(1, &[BOB]), 0);
    let [line] = &lines(&home, &["--all"])[..] else {
        panic!("not one line")
    };
    assert_eq!(
        (line["offer"].as_i64(), &line["state"]),
        (Some(1), &"open".into())
    );
    assert!(
        line["expires"]
            .as_str()
            .expect("a time")
            .starts_with("2098-11-29"),
        "{line}"
    );
    assert!(
        line["cause"]
            .as_str()
            .expect("words")
            .contains("certificate"),
        "{line}"
    );
    let run = home.resend(&["1"], "");
    assert!(run.stdout.contains("Because    the certificate"), "{run:?}");
    home.received();
}

#[test]
fn a_warning_about_more_recipients_joins_them() {
    let home = home();
    process(&home, &delayed(1, &[BOB]), 0);
    process(&home, &delayed(2, &[BOB, CAROL]), 0);
    assert_eq!(
        offers(&home, &[]),
        [is(1, BOB, "open"), is(1, CAROL, "open")]
    );
    // One about some of them ends nothing for the others.
    process(&home, &delayed(3, &[CAROL]), 0);
    assert_eq!(offers(&home, &["--all"]).len(), 2);
    assert_eq!(home.resend(&["--yes", "1"], "").status, 0);
    assert_eq!(home.received()[0].recipients.len(), 2);
}

#[test]
fn a_no_stays_a_no_for_those_it_was_said_of() {
    let home = home();
    process(&home, &delayed(1, &[BOB]), 0);
    assert_eq!(home.run(&["dismiss", "1"], "").status, 0);
    process(&home, &delayed(2, &[BOB]), 0);
    assert_eq!(offers(&home, &[]), []);
    process(&home, &delayed(3, &[BOB, CAROL]), 0);
    assert_eq!(offers(&home, &[]), [is(2, CAROL, "open")]);
    home.received();
}

#[test]
fn a_server_that_gives_up() {
    let home = home();
    process(&home, &delayed(1, &[BOB]), 0);
    process(&home, &failed(2, BOB, "4.7.4", NO_TLS), 0);
    let [line] = &lines(&home, &["--all"])[..] else {
        panic!("not one line")
    };
    assert_eq!(
        (line["offer"].as_i64(), &line["state"]),
        (Some(1), &"given-up".into())
    );
    assert!(line["expires"].is_null(), "{line}");
    let run = home.resend(&["1"], "");
    assert!(
        run.stdout
            .contains("Your server has given up the first copy."),
        "{run:?}"
    );
    assert!(!run.stdout.contains("queued"), "{run:?}");
    assert_eq!(home.resend(&["--yes", "1"], "").status, 0);
    assert_eq!(home.received().len(), 1);
}

#[test]
fn a_failure_without_a_cause_leaves_the_offer() {
    let home = home();
    process(&home, &delayed(1, &[BOB]), 0);
    process(&home, &failed(2, BOB, "4.3.0", HIDDEN), 1);
    assert_eq!(offers(&home, &[]), [is(1, BOB, "given-up")]);
    let run = home.resend(&["1"], "");
    assert!(
        run.stdout
            .contains("Your server has given up the first copy."),
        "{run:?}"
    );
    assert_eq!(home.resend(&["--yes", "1"], "").status, 0);
    assert_eq!(home.received().len(), 1);
}

#[test]
fn a_cause_that_is_tls_no_more() {
    let home = home();
    process(&home, &delayed(1, &[BOB]), 0);
    process(&home, &at(2, &notice(&[(BOB, "4.4.1", REFUSED)])), 1);
    assert_eq!(offers(&home, &[]), []);
    assert_eq!(offers(&home, &["--all"]), [is(1, BOB, "changed")]);
    let run = home.resend(&["--yes", "1"], "");
    assert_eq!(run.status, 1, "{run:?}");
    let text =
        format!("{BOB}: is not held back by TLS any more, says a notice of 2023-01-02T02:00:00Z (");
    assert!(run.stdout.starts_with(&text), "{run:?}");
    // A later notice that blames TLS opens it again.
    process(&home, &delayed(3, &[BOB]), 0);
    assert_eq!(offers(&home, &[]), [is(1, BOB, "open")]);
    process(&home, &at(4, &notice(&[(BOB, "4.4.1", REFUSED)])), 1);
    assert_eq!(home.resend(&["--yes", "--to", BOB, "1"], "").status, 0);
    assert_eq!(home.received().len(), 1);
}

#[test]
fn what_may_be_forged_is_told_and_ends_nothing() {
    let home = home();
    process(&home, &delayed(1, &[BOB]), 0);
    process(&home, &forged(&delivered(2, BOB, "delivered")), 1);
    process(
        &home,
        &forged(&failed(3, CAROL, "5.1.1", "unknown user")),
        1,
    );
    let late = forged(&delayed(4, &[BOB])).replace("29 Nov 2099", "29 Nov 2020");
    process(
        &home,
        &late.replace("alice@example.org>\n", "mallory@example.org>\n"),
        0,
    );
    let [line] = &lines(&home, &[])[..] else {
        panic!("not one line")
    };
    assert_eq!(
        (&line["state"], &line["unverified"]["action"]),
        (&"open".into(), &"delivered".into())
    );
    assert!(
        line["expires"]
            .as_str()
            .expect("a time")
            .starts_with("2099"),
        "{line}"
    );
    let run = home.run(&["offers"], "");
    assert!(
        run.stdout
            .contains("; delivered, says an unverified notice  \"Lunch"),
        "{run:?}"
    );
    let run = home.resend(&["1"], "");
    let text = format!("\n           {BOB} delivered, says another notice, unverified\n");
    assert!(run.stdout.contains(&text), "{run:?}");
    assert_eq!(home.resend(&["--yes", "1"], "").status, 0);
    assert_eq!(home.received().len(), 1);
}

#[test]
fn a_genuine_notice_takes_the_place_of_a_forged_one() {
    let home = home();
    let early = forged(&delayed(9, &[BOB])).replace("29 Nov 2099", "29 Nov 2020");
    process(&home, &early.replace("Subject: Lunch", "Subject: Buy"), 0);
    assert_eq!(offers(&home, &["--all"]), [is(1, BOB, "expired")]);
    process(&home, &delayed(1, &[BOB]), 0);
    assert_eq!(offers(&home, &["--all"]), [is(1, BOB, "open")]);
    assert_eq!(lines(&home, &[])[0]["subject"], "Lunch on Thursday");
    assert_eq!(home.resend(&["--yes", "1"], "").status, 0);
    assert_eq!(home.received().len(), 1);
}

#[test]
fn a_stranger_fills_no_journal() {
    let home = home();
    process(&home, &forged(&delivered(1, BOB, "delivered")), 1);
    let db = rusqlite::Connection::open(home.state().join("journal.sqlite3")).expect("the journal");
    let count: i64 = db
        .query_row("SELECT count(*) FROM news", [], |row| row.get(0))
        .expect("a number");
    assert_eq!(count, 0);
    home.received();
}

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
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(home.path("Mail/INBOX").join(part)).expect("a folder");
        }
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

#[test]
fn an_offer_that_has_expired_can_still_be_taken_up() {
    let home = home();
    process(
        &home,
        &delayed(1, &[BOB]).replace("29 Nov 2099", "29 Nov 2020"),
        0,
    );
    assert_eq!(offers(&home, &[]), []);
    assert_eq!(offers(&home, &["--all"]), [is(1, BOB, "expired")]);
    assert_eq!(home.resend(&["--yes", "1"], "").status, 0);
    assert_eq!(home.received().len(), 1);
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
        format!("   -  unknown    {to}  letter about <lunch-1@example.org>\n")
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
