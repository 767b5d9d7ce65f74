//! Reports in unusual shapes: international, nested, with parts missing or more than once.

use tls_optout::notice::{self, Action, Cause, Extent, Mta, Notice};

use crate::{data, json, layouts};

const WORDS: &str = "Server certificate not verified";

fn postfix() -> String {
    layouts::notice("postfix", true, "4.7.5", WORDS)
}

fn read(message: &str) -> Notice {
    notice::read(message.as_bytes()).unwrap_or_else(|| panic!("no notice: {message}"))
}

/// Our own notices, one file a layout, beside how they should be read.
#[test]
fn our_own_notices_read_as_their_sidecars_say() {
    let mut count = 0;
    for entry in std::fs::read_dir(data("notices")).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "eml") {
            count += 1;
            let notice = read(&std::fs::read_to_string(&path).unwrap());
            let expected = std::fs::read(path.with_extension("json")).unwrap();
            let expected: serde_json::Value = serde_json::from_slice(&expected).unwrap();
            assert_eq!(json(&notice)["notice"], expected, "{}", path.display());
        }
    }
    assert_eq!(count, 10);
}

/// RFC 6533: an address in UTF-8, one with its characters escaped, and header fields in UTF-8.
#[test]
fn an_international_report() {
    for (address, text) in [
        (
            "utf-8; j\u{fc}rgen@b\u{fc}cher.example.net",
            "j\u{fc}rgen@b\u{fc}cher.example.net",
        ),
        (
            "utf-8; j\\x{FC}rgen@b\\x{fc}cher.example.net",
            "j\u{fc}rgen@b\u{fc}cher.example.net",
        ),
        (
            "UTF-8;a\\x{2B}b\\x{3D}c\\x{5C}d@example.net",
            "a+b=c\\d@example.net",
        ),
        ("utf-8; \\x{1F4EE}@example.net", "\u{1f4ee}@example.net"),
        (
            "utf-8; \\x{110000}\\x{}\\x@example.net",
            "\\x{110000}\\x{}\\x@example.net",
        ),
        ("rfc822; a\\x{2B}b@example.net", "a\\x{2B}b@example.net"),
    ] {
        let message = postfix()
            .replace("message/delivery-status", "message/global-delivery-status")
            .replace("text/rfc822-headers", "message/global-headers")
            .replace("Subject: TLS is required\n", "Subject: Gr\u{fc}\u{df}e\n")
            .replace("rfc822; bob@example.net", address)
            .replace("<bob@example.net>:", &format!("<{text}>:"));
        let notice = read(&message);
        let recipient = &notice.recipients[0];
        assert_eq!(recipient.final_recipient, text);
        assert_eq!(recipient.text.as_deref(), Some(WORDS), "{address}");
        assert!(recipient.opt_out_helps);
        assert_eq!(notice.original.subject.as_deref(), Some("Gr\u{fc}\u{df}e"));
        assert_eq!(notice.original.extent, Extent::Headers);
    }
    let encoded = postfix().replace(
        "message/delivery-status\n\n",
        "message/global-delivery-status\nContent-Transfer-Encoding: quoted-printable\n\n",
    );
    let encoded = encoded.replace("rfc822; bob@", "utf-8; b=C3=B6b@");
    assert_eq!(
        read(&encoded).recipients[0].final_recipient,
        "b\u{f6}b@example.net"
    );
}

/// xtext is taken for what it stands for only where that is the final address.
#[test]
fn an_original_recipient_in_xtext() {
    let original = |original: &str, last: &str| {
        let field =
            format!("Original-Recipient: rfc822;{original}\nFinal-Recipient: rfc822; {last}");
        let message = postfix().replace("Final-Recipient: rfc822; bob@example.net", &field);
        read(&message).recipients[0]
            .original_recipient
            .clone()
            .unwrap()
    };
    assert_eq!(
        original("bob+2Blists@example.net", "bob+lists@example.net"),
        "bob+lists@example.net"
    );
    assert_eq!(
        original("bob+2Blists@example.net", "carol@example.net"),
        "bob+2Blists@example.net"
    );
}

#[test]
fn a_report_inside_other_multiparts() {
    let report = postfix();
    let inner = report
        .split_once("Content-Type: multipart/report")
        .unwrap()
        .1;
    let mut nested = format!("Content-Type: multipart/report{inner}");
    for level in 0..3 {
        nested = format!(
            "Content-Type: multipart/mixed; boundary=\"outer {level}\"\n\n--outer {level}\n{nested}\n\
             --outer {level}\nContent-Type: text/plain\n\nThis message was scanned.\n--outer {level}--\n"
        );
    }
    let message = format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@example.org\nSubject: Delayed Mail\n{nested}"
    );
    let notice = read(&message);
    assert!(notice.opt_out_helps());
    assert_eq!(
        notice.original.message_id.as_deref(),
        Some("original@example.org")
    );
    let by_a_person = message.replace("Return-Path: <>\nFrom: MAILER-DAEMON", "From: bob");
    assert_eq!(notice::read(by_a_person.as_bytes()), None);
}

#[test]
fn more_than_one_machine_part() {
    let part = "--b/1\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.org\n\n\
        Final-Recipient: rfc822; carol@example.com\nAction: failed\nStatus: 5.1.1\n";
    let message = postfix().replace(
        "--b/1\nContent-Type: text/rfc822",
        &format!("{part}--b/1\nContent-Type: text/rfc822"),
    );
    let recipients: Vec<_> = read(&message)
        .recipients
        .into_iter()
        .map(|r| (r.final_recipient, r.action))
        .collect();
    assert_eq!(
        recipients,
        [
            ("bob@example.net".to_owned(), Action::Delayed),
            ("carol@example.com".to_owned(), Action::Failed)
        ]
    );
}

/// Without a machine part, or with one that names nobody, the words are read.
#[test]
fn a_report_whose_machine_part_says_nothing() {
    let postfix = postfix().replace(
        "This is the mail system",
        "Your message could not be delivered yet. It will be retried.\n\nThis is the mail system",
    );
    for message in [
        postfix.replace("message/delivery-status", "application/octet-stream"),
        postfix.replace("Final-Recipient", "X-Recipient"),
        postfix.replace("Action: delayed\nStatus: 4.7.5", ""),
    ] {
        let notice = read(&message);
        let recipient = &notice.recipients[0];
        assert_eq!(
            (recipient.final_recipient.as_str(), recipient.action),
            ("bob@example.net", Action::Delayed)
        );
        assert!(recipient.opt_out_helps, "{message}");
        assert_eq!(
            notice.original.message_id.as_deref(),
            Some("original@example.org")
        );
    }
}

#[test]
fn the_returned_header_may_stand_anywhere() {
    let id = |message: &str| read(message).original.message_id;
    let expected = Some("original@example.org".to_owned());
    let report = postfix();
    let untyped = report.replace("text/rfc822-headers", "text/plain");
    let on_top = report.replace("text/rfc822-headers\n\n", "message/rfc822\n\n\r\n\n");
    assert_eq!(id(&untyped), expected);
    assert_eq!(id(&on_top), expected);
    let (_, copy) = report.split_once("text/rfc822-headers\n\n").unwrap();
    let copy = copy.split_once("\n--b/1--").unwrap().0;
    let in_text = report
        .replace("text/rfc822-headers", "application/x-nothing")
        .replace(&format!("x-nothing\n\n{copy}"), "x-nothing\n\n")
        .replace(
            "not\n    verified\n",
            &format!("not\n    verified\n\nOriginal message headers:\n\n{copy}"),
        );
    assert_eq!(id(&in_text), expected);
    assert_eq!(read(&in_text).recipients[0].text.as_deref(), Some(WORDS));
    let by_field = report
        .replace("text/rfc822-headers", "application/x-nothing")
        .replace(
            "X-Postfix-Queue-ID",
            "X-Original-Message-ID: <original@example.org>\nX-Postfix-Queue-ID",
        );
    assert_eq!(id(&by_field), expected);
}

#[test]
fn words_in_html_only() {
    let (head, tail) = postfix()
        .split_once("This is the mail system")
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .unwrap();
    let (words, tail) = tail.split_once("--b/1").unwrap();
    let words = words.replace('<', "&lt;").replace('>', "&gt;");
    let message = format!(
        "{head}<html><style>p {{ }}</style><div>This is the mail system<pre>{words}</pre></div></html>\n--b/1{tail}"
    );
    let message = message.replacen(
        "Content-Type: text/plain",
        "Content-Type: text/html; charset=us-ascii",
        1,
    );
    let notice = read(&message);
    assert_eq!(notice.recipients[0].text.as_deref(), Some(WORDS));
}

/// Exim built to tell its own errors (`experimental-spec.txt`).
#[test]
fn exims_own_diagnostic() {
    let words = "SMTP error from remote mail server after RCPT TO:<bob@example.net>: 450 later";
    let exim = layouts::notice("exim", true, "4.0.0", words);
    assert_eq!(read(&exim).recipients[0].cause, Cause::NotTls);
    for (own, cause) in [
        (
            "SMTP error from remote mail server after STARTTLS: 454 4.7.0 TLS not available",
            Cause::StarttlsRejected,
        ),
        (
            "a TLS session is required, but the server did not offer TLS support",
            Cause::StarttlsNotOffered,
        ),
    ] {
        let field = format!("X-Exim-Diagnostic: X-str; {own}\nDiagnostic-Code: smtp; 450 later");
        let hidden = exim
            .replace("Diagnostic-Code: smtp; 450 later", &field)
            .replace("    Delay reason: ", "    (");
        let notice = read(&hidden);
        let recipient = &notice.recipients[0];
        assert_eq!((notice.mta, recipient.cause), (Mta::Exim, cause));
        assert!(recipient.opt_out_helps);
        assert_eq!(recipient.evidence.as_ref().unwrap().part, "diagnostic");
        assert_eq!(recipient.diagnostic.as_deref(), Some("smtp; 450 later"));
    }
}
