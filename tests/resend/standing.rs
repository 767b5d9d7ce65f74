//! Standing consent: `auto` in the policy sends with nobody there, once, and only what is certain.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use mail_parser::DateTime;
use rusqlite::Connection;
use submission_server::Script;

use crate::home::{BOB, CAROL, Home, Run, finish, notice, original};
use crate::watch::{deliver, make_folder};

const HOUR: i64 = 3600;
pub(crate) const UNTRUSTED: &str = "Server certificate not trusted";
const NOT_OFFERED: &str = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";
pub(crate) const AUTO: &str = "\"example.net\" = \"auto\"\n";

/// Alice watches her inbox and has written down a policy.
pub(crate) fn home(script: Script, policy: &str) -> Home {
    let home = Home::new(script);
    let config = home
        .config()
        .replace("inbox = []", "inbox = \"~/Mail/INBOX\"");
    home.write_config(&format!("{config}\n[policy]\n{policy}"));
    make_folder(&home, "INBOX");
    home.run(&["offers"], "");
    // What her server knows of an earlier submission, and nobody else.
    sql(
        &home,
        "INSERT INTO delivery VALUES ('lunch-1@example.org', 'x@example.org', 'sent', 0, 'ours', '', '')",
    );
    home
}

pub(crate) fn sql(home: &Home, text: &str) {
    let db = Connection::open(home.state().join("journal.sqlite3")).expect("the journal");
    db.execute_batch(text).expect("SQL");
}

pub(crate) fn count(home: &Home, query: &str) -> i64 {
    let db = Connection::open(home.state().join("journal.sqlite3")).expect("the journal");
    db.query_row(query, [], |row| row.get(0)).expect("a number")
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.expect("a time").as_secs().cast_signed()
}

fn date(at: i64) -> String {
    DateTime::from_timestamp(at).to_rfc822()
}

/// A warning of an hour ago that returns the envelope id, with four days to go.
pub(crate) fn warning(recipients: &[(&str, &str)]) -> String {
    dated(recipients, now() - HOUR, now() + 96 * HOUR)
}

fn dated(recipients: &[(&str, &str)], written: i64, until: i64) -> String {
    let recipients: Vec<_> = recipients
        .iter()
        .map(|&(address, reason)| (address, "4.7.5", reason))
        .collect();
    notice(&recipients)
        .replace("Sun, 29 Nov 2099 06:00:12 +0000", &date(until))
        .replace("Tue, 24 Nov 2026 07:00:12 +0000 (UTC)", &date(written))
        .replace("Reporting-MTA", "Original-Envelope-Id: ours\nReporting-MTA")
}

pub(crate) fn once(home: &Home) -> Run {
    home.run(&["watch", "--once"], "")
}

/// The states of all offers, one a line.
fn states(home: &Home) -> Vec<(String, String)> {
    let run = home.run(&["offers", "--all", "--json"], "");
    let state = |line: &str| {
        let line: serde_json::Value = serde_json::from_str(line).expect("JSON");
        let text = |key: &str| line[key].as_str().expect("a string").to_owned();
        (text("recipient"), text("state"))
    };
    run.stdout.lines().map(state).collect()
}

pub(crate) fn state(home: &Home) -> String {
    let states = states(home);
    assert_eq!(states.len(), 1, "{states:?}");
    states[0].1.clone()
}

#[test]
fn what_the_policy_allows_is_sent_once() {
    let home = home(Script::tls(), AUTO);
    deliver(&home, "1.notice", &warning(&[(BOB, UNTRUSTED)]));
    let run = once(&home);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stderr
            .contains("offer 1: sent again to 1 recipient(s) on standing consent"),
        "{run:?}"
    );
    assert!(!run.stderr.contains('@'), "{run:?}");
    assert_eq!(run.stdout, "");
    assert_eq!(state(&home), "sent");
    assert_eq!(once(&home).status, 1);
    // Another notice about the same message.
    let another = warning(&[(BOB, UNTRUSTED)]).replace("warning-1@", "warning-2@");
    deliver(&home, "2.notice", &another);
    once(&home);
    assert_eq!(once(&home).status, 1);
    let run = home.resend(&["--yes"], &another);
    assert!(run.stdout.contains("was already sent again"), "{run:?}");
    let messages = home.received();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].recipients[0].0, BOB);
    let expected = format!("TLS-Required: No\n{}", original());
    assert_eq!(
        String::from_utf8_lossy(&messages[0].data),
        expected.replace('\n', "\r\n")
    );
}

/// One demand after the other is not met: nothing is sent, and the offer waits for the user.
#[test]
fn whatever_is_less_than_certain_waits_for_the_user() {
    type Change = fn(&Home);
    let nothing: Change = |_| ();
    let good = warning(&[(BOB, UNTRUSTED)]);
    let stale = dated(&[(BOB, UNTRUSTED)], now() - 121 * HOUR, 0);
    let endless = stale.replace(&format!("Will-Retry-Until: {}\n", date(0)), "");
    let no_id = good.replace("Original-Envelope-Id: ours\n", "");
    let foreign = warning(&[("mallory@example.net", UNTRUSTED)]);
    let future = dated(&[(BOB, UNTRUSTED)], now() + 48 * HOUR, now() + 96 * HOUR);
    let two_accounts: Change = |home| {
        let other =
            "[[account]]\nname = \"other\"\nfrom = \"alice@example.org\"\ncommand = [\"true\"]\n";
        home.write_config(&(home.config() + other));
    };
    let moved: Change = |home| {
        make_folder(home, "Archive");
        let to = home.path("Mail/Archive/cur/1795500011.4242_1.laptop:2,S");
        fs::rename(home.copy(), to).expect("a move");
    };
    let not_honoured: Change = |home| {
        let place = home.place();
        sql(
            home,
            &format!("INSERT INTO honour VALUES ('{place}', 0, 0)"),
        );
    };
    let cases: &[(&str, &str, Change, &str)] = &[
        ("", &good, nothing, ""),
        (
            "\"example.net\" = \"ask\"\n\"x.test\" = \"auto\"\n",
            &good,
            nothing,
            "",
        ),
        (
            "default = \"auto\"\n\"bob@example.net\" = \"never\"\n",
            &good,
            nothing,
            "",
        ),
        (AUTO, &no_id, nothing, "nothing proves"),
        (
            AUTO,
            &warning(&[(BOB, NOT_OFFERED)]),
            nothing,
            "could be an attack",
        ),
        (AUTO, &endless, nothing, "too old"),
        (AUTO, &future, nothing, "look at the clock"),
        (AUTO, &foreign, nothing, "is not sent again"),
        (AUTO, &good, moved, "copy of the message is in doubt"),
        (AUTO, &good, not_honoured, "does not honour"),
        (AUTO, &good, two_accounts, "exactly one account"),
        (
            "auto_per_day = 0\n\"example.net\" = \"auto\"\n",
            &good,
            nothing,
            "auto_per_day",
        ),
        (
            AUTO,
            &good,
            |home| home.write_copy(&original().replace("Thursday", "Friday")),
            "no copy is proven",
        ),
        (
            AUTO,
            &good,
            |home| home.write_copy(&format!("Sensitivity: private\n{}", original())),
            "not sent again",
        ),
        (
            AUTO,
            &good,
            |home| home.write_copy(&format!("Require-TLS-ESMTP: yes\n{}", original())),
            "not sent again",
        ),
        (
            AUTO,
            &good,
            |home| fs::remove_file(home.copy()).expect("the copy"),
            "no copy of",
        ),
    ];
    for (policy, notice, change, reason) in cases {
        let home = home(Script::tls(), policy);
        change(&home);
        deliver(&home, "1.notice", notice);
        let run = once(&home);
        assert_eq!(run.status, 0, "{reason}: {run:?}");
        assert!(run.stderr.contains(reason), "{reason}: {run:?}");
        assert_eq!(
            run.stderr.contains("waits for you"),
            !reason.is_empty(),
            "{run:?}"
        );
        assert!(!run.stderr.contains('@'), "{run:?}");
        assert_eq!(state(&home), "open", "{reason}");
        // Nor is it sent at the next turn.
        sql(&home, "DELETE FROM turn");
        once(&home);
        assert_eq!(state(&home), "open", "{reason}");
        assert!(home.received().is_empty(), "{reason}");
    }
}

#[test]
fn the_others_wait_for_the_user() {
    let home = home(Script::tls(), AUTO);
    deliver(
        &home,
        "1.notice",
        &warning(&[(CAROL, UNTRUSTED), (BOB, UNTRUSTED)]),
    );
    assert_eq!(once(&home).status, 0);
    assert_eq!(
        states(&home),
        [(CAROL, "open"), (BOB, "sent")].map(|(who, state)| (who.to_owned(), state.to_owned()))
    );
    assert_eq!(home.run(&["resend", "--yes", "1"], "").status, 0);
    let messages = home.received();
    let to: Vec<_> = messages.iter().map(|m| &*m.recipients[0].0).collect();
    assert_eq!(to, [BOB, CAROL]);
}

/// Answers the question with a key, on a terminal of its own.
pub(crate) fn press(home: &Home, offer: u32, key: char) {
    let keys = [key as u8];
    let (status, screen) = home.at_terminal(&format!("resend {offer}"), "[y/N/d] ", &keys);
    assert_eq!(status, 2, "{screen}");
}

#[test]
fn a_no_is_stronger_than_the_policy() {
    let dismiss: fn(&Home) = |home| drop(home.run(&["dismiss", "1"], ""));
    for no in [dismiss, |home| press(home, 1, 'n')] {
        let home = home(Script::tls(), "");
        deliver(&home, "1.notice", &warning(&[(BOB, UNTRUSTED)]));
        once(&home);
        no(&home);
        home.write_config(&(home.config() + AUTO));
        // A later notice about the same message changes nothing about that.
        let another = warning(&[(BOB, UNTRUSTED)]).replace("warning-1@", "warning-2@");
        deliver(&home, "2.notice", &another);
        once(&home);
        assert_eq!(count(&home, "SELECT count(*) FROM standing"), 0);
        assert!(home.received().is_empty());
    }
}

#[test]
fn so_many_a_day_and_no_more() {
    let home = home(Script::tls(), &format!("auto_per_day = 2\n{AUTO}"));
    for number in 1..=3 {
        let id = format!("lunch-{number}@example.org");
        let copy = original().replace("lunch-1@example.org", &id);
        fs::write(home.path(&format!("Mail/Sent/cur/{number}.copy:2,S")), copy).expect("a file");
        sql(
            &home,
            &format!(
                "INSERT OR IGNORE INTO delivery VALUES ('{id}', 'x@example.org', 'sent', 0, 'ours', '', '')"
            ),
        );
        let notice = warning(&[(BOB, UNTRUSTED)])
            .replace("lunch-1@example.org", &id)
            .replace("warning-1@", &format!("warning-{number}@"));
        deliver(&home, &format!("{number}.notice"), &notice);
    }
    let runs: Vec<_> = (0..4)
        .map(|_| home.start(&["watch", "--once"], ""))
        .collect();
    runs.into_iter().for_each(|run| drop(finish(run)));
    // The clock is set back: what was sent is in the future now, and counts.
    sql(
        &home,
        "UPDATE standing SET at = at + 1000000; UPDATE turn SET next = 0 WHERE state = 'due'",
    );
    let run = once(&home);
    let open: Vec<_> = states(&home)
        .into_iter()
        .filter(|(_, state)| state == "open")
        .collect();
    assert_eq!(open.len(), 1, "{run:?}");
    // The user's own word has no limit.
    let id = count(&home, "SELECT offer FROM turn WHERE state = 'due'").to_string();
    assert_eq!(home.run(&["resend", "--yes", &id], "").status, 0);
    assert_eq!(home.received().len(), 3);
}

#[test]
fn many_at_once_make_one_submission() {
    let home = home(Script::tls(), AUTO);
    let notice = warning(&[(BOB, UNTRUSTED)]);
    deliver(&home, "1.notice", &notice);
    let runs: Vec<_> = (0..12)
        .map(|number| match number % 3 {
            0 => home.start(&["watch", "--once"], ""),
            1 => home.start(&["process"], &notice),
            _ => home.start(&["resend", "--yes"], &notice),
        })
        .collect();
    for run in runs {
        let run = finish(run);
        assert!(run.status <= 1, "{run:?}");
    }
    assert_eq!(state(&home), "sent");
    assert_eq!(home.received().len(), 1);
}

/// Only `watch` sends.
#[test]
fn process_leaves_it_to_watch() {
    let home = home(Script::tls(), AUTO);
    let run = home.run(&["process"], &warning(&[(BOB, UNTRUSTED)]));
    assert_eq!((run.status, run.stderr.as_str()), (0, ""));
    assert_eq!(state(&home), "open");
    let run = once(&home);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(state(&home), "sent");
    assert_eq!(home.received().len(), 1);
}

#[test]
fn resend_asks_all_the_same() {
    let home = home(Script::tls(), AUTO);
    let run = home.resend(&[], &warning(&[(BOB, UNTRUSTED)]));
    assert_eq!(run.status, 75, "{run:?}");
    assert!(home.received().is_empty());
}

/// A server that the user trusts found the notice signed by the account's.
#[test]
fn authentication_results_verify_a_notice() {
    for (above, is_sent) in [(true, true), (false, false)] {
        let home = home(Script::tls(), AUTO);
        let config = home.config();
        let (before, policy) = config.split_once("submission").expect("an account");
        let (_, policy) = policy.split_once("[policy]").expect("a policy");
        let before = before.replace("[mail]", "[mail]\nauthserv_id = \"mx.example.org\"");
        home.file("submit", "#!/bin/sh\ncat >> delivered\n");
        let script = home.path("submit");
        home.write_config(&format!(
            "{before}command = [\"sh\", \"{}\"]\n[policy]{policy}",
            script.display()
        ));
        let result = "Authentication-Results: mx.example.org; dkim=pass header.d=example.org\n";
        let hop = "Received: from mail.example.org (mail.example.org [203.0.113.5]) by mx.example.org with \
                   ESMTP; Tue\n";
        let fields = match above {
            true => format!("{result}{hop}"),
            false => format!("{hop}{result}"),
        };
        let notice = warning(&[(BOB, UNTRUSTED)])
            .replace("Original-Envelope-Id: ours\n", "")
            .replacen("Received:", &format!("{fields}Received:"), 1);
        deliver(&home, "1.notice", &notice);
        let run = once(&home);
        assert_eq!(state(&home) == "sent", is_sent, "{run:?}");
        assert_eq!(home.path("delivered").exists(), is_sent);
        home.received();
    }
}
