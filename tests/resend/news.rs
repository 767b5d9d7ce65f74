//! Later notices: an offer ends, is renewed, or stays.

use serde_json::Value;

use crate::home::{BOB, CAROL, Home, notice};
use submission_server::Script;

const NO_TLS: &str = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";
/// What Postfix says where MTA-STS stood in the way.
const HIDDEN: &str = "server unavailable or unable to receive mail";
const REFUSED: &str = "connect to mx.example.net[192.0.2.1]:25: Connection refused";

/// A notice with its own Message-ID, written in that hour.
pub(crate) fn at(hour: u32, notice: &str) -> String {
    notice
        .replace("warning-1@", &format!("warning-{hour}@"))
        .replacen(
            "\nDate: Tue, 24 Nov 2026 07:00:12",
            &format!("\nDate: Mon, 2 Jan 2023 {hour:02}:00:00"),
            1,
        )
}

pub(crate) fn delayed(hour: u32, recipients: &[&str]) -> String {
    let all: Vec<_> = recipients
        .iter()
        .map(|who| (*who, "4.7.4", NO_TLS))
        .collect();
    at(hour, &notice(&all))
}

pub(crate) fn delivered(hour: u32, who: &str, action: &str) -> String {
    let notice = at(
        hour,
        &notice(&[(who, "2.0.0", "delivery via mx.example.net: 250 ok")]),
    );
    notice.replace("Action: delayed", &format!("Action: {action}"))
}

pub(crate) fn failed(hour: u32, who: &str, status: &str, reason: &str) -> String {
    let notice = at(hour, &notice(&[(who, status, reason)]));
    notice.replace("Action: delayed", "Action: failed")
}

/// As if Mallory had sent it.
pub(crate) fn forged(notice: &str) -> String {
    notice.replacen(
        "by mail.example.org",
        "from mallory.test by mail.example.org",
        1,
    )
}

/// Notices of mail.example.org are those of a server of Alice.
pub(crate) fn home() -> Home {
    let home = Home::new(Script::tls());
    let account = "[[account]]\nname = \"mail\"\nfrom = [\"alice@mail.example.org\"]\n\
                   command = [\"false\"]\n";
    home.write_config(&(home.config() + account));
    home
}

pub(crate) fn process(home: &Home, notice: &str, status: i32) {
    let run = home.run(&["process"], notice);
    assert_eq!((run.status, &*run.stderr), (status, ""), "{run:?}");
}

/// Offer, recipient and state of each line.
pub(crate) fn offers(home: &Home, arguments: &[&str]) -> Vec<(i64, String, String)> {
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

pub(crate) fn lines(home: &Home, arguments: &[&str]) -> Vec<Value> {
    let run = home.run(&[&["offers", "--json"], arguments].concat(), "");
    let parse = |line| serde_json::from_str(line).expect("JSON");
    run.stdout.lines().map(parse).collect()
}

pub(crate) fn is(offer: i64, who: &str, state: &str) -> (i64, String, String) {
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
