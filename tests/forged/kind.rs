//! Messages that are no notice of a delay, though one stands in them.

use crate::trial::{NO_TLS, assert_refused, forged, home};

const NOT_A_NOTICE: &str = "neither a delivery notice nor a message from one of your addresses";

/// `part` in a message with this header, which ends with its Content-Type.
fn wrapped(header: &str, media: &str, part: &str) -> String {
    format!(
        "Return-Path: <mallory@evil.test>\nFrom: Mallory <mallory@evil.test>\n{header}MIME-Version: 1.0\n\
         Content-Type: {media}; boundary=\"outer\"\n\n--outer\n\nLook at this.\n\n--outer\n\
         Content-Type: message/rfc822\n\n{part}\n--outer--\n"
    )
}

#[test]
fn a_notice_that_says_that_all_is_well() {
    for action in ["delivered", "relayed", "expanded"] {
        let home = home();
        let notice = forged(&home, "Action: delayed", &format!("Action: {action}"));
        assert_refused(
            &home,
            &notice,
            1,
            "this notice reports no delay and no failure",
        );
    }
}

#[test]
fn a_notice_that_a_person_passes_on() {
    for header in [
        "Subject: Fwd: Delayed Mail (still being retried)\n",
        "Subject: Delayed Mail (still being retried)\n",
        "Subject: look\nAuto-Submitted: auto-replied\n",
    ] {
        for media in ["multipart/mixed", "multipart/digest"] {
            let home = home();
            let notice = wrapped(header, media, &home.notice());
            assert_refused(&home, &notice, 65, NOT_A_NOTICE);
        }
    }
}

/// The text of a notice, quoted or pasted.
#[test]
fn a_notice_in_the_text_of_a_mail() {
    let home = home();
    let notice = home.notice();
    let (_, text) = notice.split_once("\n\n").expect("a body");
    let mail = format!(
        "From: Mallory <mallory@evil.test>\nSubject: Re: Delayed Mail (still being retried)\n\n{text}"
    );
    assert_refused(&home, &mail, 65, NOT_A_NOTICE);
}

#[test]
fn a_notice_in_the_digest_of_a_list() {
    let home = home();
    let header = "List-Id: <lunch.example.org>\nSubject: lunch Digest, Vol 1, Issue 1\n";
    let digest = wrapped(header, "multipart/digest", &home.notice());
    assert_refused(&home, &digest, 65, NOT_A_NOTICE);
}

#[test]
fn a_notice_from_a_list() {
    let home = home();
    let mark = "Return-Path: <>\nList-Id: <lunch.example.org>";
    let run = home.resend(&["--yes"], &forged(&home, "Return-Path: <>", mark));
    let text = format!(
        "{NOT_A_NOTICE} (From: MAILER-DAEMON@example.org); pipe one of these, whole and raw"
    );
    home.assert_refused(&run, 65, &text);
}

/// What a report returns is not what it says.
#[test]
fn a_notice_within_a_notice() {
    let home = home();
    let refused = "connect to mx.example.net[192.0.2.1]:25: Connection refused";
    let outer = home.notice().replace(NO_TLS, refused);
    let (outer, _) = outer
        .split_once("Content-Type: text/rfc822-headers")
        .expect("a returned header");
    let inner = home.notice().replace("4794A", "inner");
    let notice = format!("{outer}Content-Type: message/rfc822\n\n{inner}\n--4794A--\n");
    assert_refused(&home, &notice, 1, "it is a notice or an automatic reply");
}

#[test]
fn a_report_of_another_kind() {
    for kind in ["disposition-notification", "feedback-report", "tlsrpt"] {
        let home = home();
        let notice = forged(&home, "delivery-status;", &format!("{kind};"));
        assert_refused(&home, &notice, 65, NOT_A_NOTICE);
    }
}

/// It is the other side that insists: an opt-out is no help.
#[test]
fn a_recipient_that_demands_tls_itself() {
    let home = home();
    let notice = home.notice().replace(NO_TLS, "host mx.example.net[192.0.2.1] said: 530 5.7.0 Must issue a STARTTLS command first (in reply to MAIL FROM command)");
    assert_refused(&home, &notice, 1, "an opt-out would not help");
}

/// REQUIRETLS was asked for; a notice that says so is heeded, whoever wrote it.
#[test]
fn a_notice_that_tells_of_requiretls() {
    let home = home();
    let notice = forged(
        &home,
        "Subject: Lunch",
        "Require-TLS-ESMTP: yes\nSubject: Lunch",
    );
    assert_refused(&home, &notice, 1, "asked for secure delivery (REQUIRETLS)");
}
