//! Notices about what the user did not send, or not like that.

use std::fs;

use crate::home::{Home, original};
use crate::trial::{assert_only_bob, assert_refused, home, swap};

const ID: &str = "Message-ID: <lunch-1@example.org>";

/// The notice, with one field of the header that it returned forged.
fn returned(home: &Home, from: &str, to: &str) -> String {
    let notice = home.notice();
    let (before, header) = notice
        .split_once("Content-Type: text/rfc822-headers")
        .expect("a returned header");
    let header = swap(header, from, to);
    format!("{before}Content-Type: text/rfc822-headers{header}")
}

#[test]
fn a_returned_header_that_was_altered() {
    for (field, from, to) in [
        ("Subject", "Lunch on Thursday", "Lunch on Friday"),
        ("Date", "06:00:11", "06:30:11"),
        (
            "From",
            "Alice <alice@example.org>",
            "Alice <alice@evil.test>",
        ),
        (
            "From",
            "Alice <alice@example.org>",
            "alice@example.org, mallory@evil.test",
        ),
        (
            "Content-Type",
            "text/plain",
            "multipart/encrypted; boundary=x",
        ),
        ("Content-Type", "text/plain", "text/html"),
    ] {
        let home = home();
        let notice = returned(&home, from, to);
        assert_refused(&home, &notice, 65, &format!("{field} differs: "));
    }
}

/// With the attacker as author the message would not even be the user's.
#[test]
fn a_returned_header_from_the_attacker() {
    let home = home();
    let notice = returned(
        &home,
        "From: Alice <alice@example.org>",
        "From: mallory@evil.test",
    );
    assert_refused(&home, &notice, 65, "From differs: ");
}

#[test]
fn a_notice_that_returns_nothing() {
    let home = home();
    let notice = home.notice();
    let (before, _) = notice
        .split_once("--4794A\nContent-Type: text/rfc822-headers")
        .expect("a returned header");
    let before = swap(
        before,
        "Auto-Submitted:",
        "References: <lunch-1@example.org>\nAuto-Submitted:",
    );
    let notice = format!("{before}--4794A--\n");
    assert_refused(
        &home,
        &notice,
        65,
        "the notice returned nothing of the message",
    );
}

#[test]
fn a_returned_header_cut_off_before_the_kind_of_message() {
    let home = home();
    let notice = home.notice();
    let end = notice.rfind("MIME-Version").expect("the field");
    assert_refused(&home, &notice[..end], 65, "without Content-Type");
}

#[test]
fn a_message_id_of_nothing_that_we_sent() {
    for id in [
        "Message-ID: <guess@example.org>",
        "Message-ID: <other@example.org> <lunch-1@example.org>",
        "Message-ID: (<lunch-1@example.org>) <other@example.org>",
        "Message-ID: <LUNCH-1@example.org>",
        "Message-ID: <other@example.org>\nMessage-ID: <lunch-1@example.org>",
        "Message-ID: <lunch-1@example.org\0>",
    ] {
        let home = home();
        assert_refused(&home, &returned(&home, ID, id), 66, "no copy of <");
    }
}

/// However it is written, it is one message, and goes out once.
#[test]
fn a_message_id_in_another_spelling_is_no_second_message() {
    let home = home();
    let spellings = [
        "Message-Id:  < lunch-1@example.org > ",
        "Message-ID:\n\t<lunch-1@example.org>",
        "MESSAGE-ID : <lunch-1 @example. org>",
        "Message-ID: <lunch-1@example.org>\nMessage-ID: <other@example.org>",
        "Message-ID: <lunch-1@example.org> <other@example.org>",
        "Message-ID: <lunch-1@example.org>x>",
        "Message-ID: (<other@example.org>) lunch-1@example.org (x)",
    ];
    let mut statuses = Vec::new();
    for spelling in spellings {
        statuses.push(
            home.resend(&["--yes"], &returned(&home, ID, spelling))
                .status,
        );
    }
    assert_eq!(statuses, [0, 1, 1, 1, 1, 1, 1]);
    assert_eq!(home.received().len(), 1);
}

/// An altered field behind the true one does not count on either side.
#[test]
fn a_second_field_of_the_same_name_changes_nothing() {
    let home = home();
    let notice = returned(
        &home,
        "Subject: ",
        "Subject: Lunch on Thursday\nSubject: Pay me, ",
    );
    assert_only_bob(&home, &notice);
}

/// The attacker mails the user something in the user's name, and a notice about it. The user keeps copies of
/// sent mail in the inbox (mutt: `record = +INBOX`), where the attacker's mail lies, too.
#[test]
fn a_received_message_where_the_inbox_holds_sent_mail() {
    let home = home();
    fs::remove_file(home.copy()).expect("the copy");
    home.make_folder("Mail/INBOX");
    let config = home.config();
    let config = swap(&config, "inbox = []", "inbox = [\"~/Mail/INBOX\"]");
    home.write_config(&swap(&config, "~/Mail/Sent", "~/Mail/INBOX/"));
    let trace = "Return-Path: <mallory@evil.test>\nReceived: from evil.test by mail.example.org; Tue, 24 Nov \
                 2026 06:00:12 +0000\n";
    let copy = "Mail/INBOX/cur/1795500012.1_1.laptop:2,S";
    home.file(copy, &format!("{trace}{}", original()));
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 65, "{run:?}");
    assert!(
        run.stderr
            .contains("not what you sent (came back through a server)"),
        "{run:?}"
    );
    // What the mail reader saved there has no trace.
    home.file(copy, &original());
    assert_only_bob(&home, &home.notice());
}

/// A notice is no message of the user's, even where a copy of it lies among the sent ones.
#[test]
fn a_notice_about_a_notice() {
    let home = home();
    let plain = "Content-Type: text/plain; charset=us-ascii";
    let report = "Content-Type: multipart/report; report-type=delivery-status; boundary=\"i\"";
    home.write_copy(&(swap(&original(), plain, report) + "--i\n\ntext\n--i--\n"));
    let notice = returned(&home, plain, report);
    assert_refused(&home, &notice, 1, "it is a notice or an automatic reply");
}

/// What was sent protected stays so, whatever the notice returns.
#[test]
fn a_returned_header_without_the_wish_for_security() {
    for wish in [
        "Sensitivity: Company-Confidential",
        "Require-TLS-ESMTP: yes",
    ] {
        let home = home();
        home.write_copy(&format!("{wish}\n{}", original()));
        assert_refused(&home, &home.notice(), 1, "its sender asked for security");
    }
    let home = home();
    home.write_copy(&format!("TLS-Required: No\n{}", original()));
    assert_refused(&home, &home.notice(), 1, "would change nothing");
}
