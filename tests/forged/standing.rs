//! Forged notices where the policy gives consent in advance (`auto`): nobody is there to see the doubt.

use std::fs;
use std::time::{SystemTime, UNIX_EPOCH};

use mail_parser::DateTime;

use crate::home::{BOB, CAROL, Home, notice, original};
use crate::trial::{NO_TLS, home, swap};

const UNTRUSTED: &str = "Server certificate not trusted";
/// The envelope id of an earlier submission of the message. Only Alice's server knows it.
const OURS: &str = "Original-Envelope-Id: 0123456789abcdef0123456789abcdef\n";

/// The word of Alice's incoming server that her server signed the notice.
const RESULTS: &str = "Authentication-Results: mx.example.org; dkim=pass header.d=example.org\n";

/// Alice trusts her incoming server's word, and gives her consent for a domain, and for one of an attacker.
fn consenting() -> Home {
    let home = home();
    for folder in ["Mail/INBOX/cur", "Mail/INBOX/new"] {
        fs::create_dir_all(home.path(folder)).expect("a folder");
    }
    let inbox = "inbox = [\"~/Mail/INBOX\"]\nauthserv_id = \"mx.example.org\"";
    let config = swap(&home.config(), "inbox = []", inbox);
    let policy = "[policy]\n\"example.net\" = \"auto\"\n\"evil.test\" = \"auto\"\n";
    home.write_config(&(config + policy));
    home.run(&["offers"], "");
    let db = rusqlite::Connection::open(home.state().join("journal.sqlite3")).expect("a journal");
    for (message, id) in [
        ("lunch-1", "0123456789abcdef0123456789abcdef"),
        ("other", "otherid"),
    ] {
        let row = format!(
            "INSERT INTO delivery VALUES ('{message}@example.org', 'x@example.org', 'sent', 0, '{id}', '', '')"
        );
        db.execute_batch(&row).expect("SQL");
    }
    home
}

/// A fresh notice, as Alice's server would write it, about recipients.
fn fresh(recipients: &[&str], reason: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    let now = now.expect("a time").as_secs().cast_signed();
    let date = |at| DateTime::from_timestamp(at).to_rfc822();
    let reports: Vec<_> = recipients.iter().map(|to| (*to, "4.7.5", reason)).collect();
    let notice = notice(&reports);
    let written = swap(
        &notice,
        "Date: Tue, 24 Nov 2026 07:00:12 +0000 (UTC)",
        &format!("Date: {}", date(now - 3600)),
    );
    let until: Vec<&str> = written
        .lines()
        .filter(|line| line.starts_with("Will-Retry-Until"))
        .collect();
    written.replace(
        until[0],
        &format!("Will-Retry-Until: {}", date(now + 96 * 3600)),
    )
}

fn with(line: &str, notice: &str) -> String {
    swap(notice, "Reporting-MTA", &format!("{line}Reporting-MTA"))
}

/// The daemon looks twice, and sends nothing.
fn assert_waits(home: &Home, notice: &str) {
    home.file("Mail/INBOX/new/1.notice", notice);
    for _ in 0..2 {
        let run = home.run(&["watch", "--once"], "");
        assert!(
            !run.stderr.contains("on standing consent"),
            "{notice}: {run:?}"
        );
    }
    let sent = home.received();
    assert!(sent.is_empty(), "{notice}: {sent:?}");
}

/// What all others are measured by: with each proof it is sent, to Bob.
#[test]
fn the_genuine_notice_is_acted_on() {
    let plain = fresh(&[BOB], UNTRUSTED);
    for proven in [with(OURS, &plain), format!("{RESULTS}{plain}")] {
        let home = consenting();
        home.file("Mail/INBOX/new/1.notice", &proven);
        let run = home.run(&["watch", "--once"], "");
        assert!(run.stderr.contains("on standing consent"), "{run:?}");
        let messages = home.received();
        assert_eq!(messages.len(), 1);
        assert_eq!(messages[0].recipients[0].0, BOB);
    }
}

#[test]
fn standing_consent_is_not_given_to_a_notice_without_proof() {
    let plain = fresh(&[BOB], UNTRUSTED);
    for notice in [
        plain.clone(),
        with("Original-Envelope-Id: otherid\n", &plain),
        with(
            "Original-Envelope-Id: 0123456789abcdef0123456789abcdee\n",
            &plain,
        ),
        with("Original-Envelope-Id: %\n", &plain),
        // Where the sender wrote it, or another server, or about another domain.
        swap(&plain, "Date:", &format!("{RESULTS}Date:")),
        format!(
            "{}{plain}",
            RESULTS.replace("mx.example.org", "mx.evil.test")
        ),
        format!(
            "{}{plain}",
            RESULTS.replace("header.d=example.org", "header.d=evil.test")
        ),
        format!(
            "{}{plain}",
            RESULTS.replace("dkim=pass", "spf=pass; x=dkim=pass")
        ),
        format!(
            "{}{plain}",
            RESULTS.replace("mx.example.org;", "(mx.example.org;) mx.evil.test;")
        ),
        format!("{RESULTS}{plain}").replacen(
            "From: Mail Delivery System <MAILER-DAEMON@example.org>",
            "From: mallory@example.org",
            1,
        ),
        format!("{RESULTS}{plain}").replacen(
            "MAILER-DAEMON@example.org",
            "MAILER-DAEMON@evil.test",
            1,
        ),
        format!(
            "{RESULTS}{}",
            swap(&plain, "Date:", &format!("{RESULTS}Date:"))
        ),
    ] {
        assert_waits(&consenting(), &notice);
    }
}

/// The server of another recipient was told the envelope id, and says something false about Bob.
#[test]
fn standing_consent_is_not_given_to_a_server_that_was_told_the_envelope_id() {
    let told = with(OURS, &fresh(&[BOB], UNTRUSTED));
    for notice in [
        swap(
            &told,
            "Received: by mail.example.org",
            "Received: from mx.example.com (mx.example.com [203.0.113.9]) by mail.example.org",
        ),
        swap(
            &told,
            "Reporting-MTA: dns; mail.example.org",
            "Reporting-MTA: dns; mx.example.com",
        ),
        swap(
            &told,
            "Return-Path: <>",
            "Return-Path: <mallory@example.com>",
        ),
    ] {
        assert_waits(&consenting(), &notice);
    }
}

/// Whoever knows the envelope id still chooses no recipient, no message and no cause.
#[test]
fn standing_consent_reaches_no_stranger() {
    let proven = |recipients: &[&str], reason| with(OURS, &fresh(recipients, reason));
    let dave = |field: &str| {
        // An address of an allowed domain, for a recipient who is to be asked about.
        let notice = proven(&[CAROL], UNTRUSTED);
        swap(
            &notice,
            &format!("{field}{CAROL}"),
            &format!("{field}dave@evil.test"),
        )
    };
    for notice in [
        proven(&["mallory@example.net"], UNTRUSTED),
        proven(&["mallory@evil.test"], UNTRUSTED),
        proven(&["Bob@example.net"], UNTRUSTED),
        proven(&["bob@example.net.evil.test"], UNTRUSTED),
        proven(&[CAROL], UNTRUSTED),
        dave("Original-Recipient: rfc822;"),
        dave("Final-Recipient: rfc822; "),
        proven(&[BOB], NO_TLS),
        proven(&[BOB], "Cannot start TLS: handshake failure"),
        swap(
            &proven(&[BOB], UNTRUSTED),
            "Subject: Lunch",
            "Require-TLS-ESMTP: yes\nSubject: Lunch",
        ),
        swap(
            &proven(&[BOB], UNTRUSTED),
            "Subject: Lunch on Thursday",
            "Subject: Lunch",
        ),
        proven(&[BOB], UNTRUSTED).replace("<lunch-1@", "<lunch-2@"),
    ] {
        assert_waits(&consenting(), &notice);
    }
}

/// Mail of the attacker in the user's name, at every place where mail may lie.
#[test]
fn standing_consent_sends_nothing_that_was_received() {
    for folder in ["INBOX", "Sent", "Archive"] {
        let home = consenting();
        fs::remove_file(home.copy()).expect("the copy");
        fs::create_dir_all(home.path("Mail").join(folder).join("cur")).expect("a folder");
        fs::create_dir_all(home.path("Mail").join(folder).join("new")).expect("a folder");
        let trace =
            "Received: from evil.test by mail.example.org; Tue, 24 Nov 2026 06:00:12 +0000\n";
        let copy = format!("Mail/{folder}/cur/1795500012.1_1.laptop:2,S");
        home.file(&copy, &format!("{trace}{}", original()));
        assert_waits(&home, &with(OURS, &fresh(&[BOB], UNTRUSTED)));
    }
}
