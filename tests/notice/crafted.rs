//! Wordings, layouts and traps, written from how servers work.

use std::fs;

use tls_optout::notice::{self, Cause, Extent, Mta};

use crate::{data, dsn, json, layouts};

/// Every wording in the layout of its server; every reply of a receiver as each sender quotes it.
#[test]
fn every_wording_gives_its_verdict_in_the_layout_of_its_server() {
    let table = fs::read_to_string(data("wordings.tsv")).unwrap();
    let mut wrong = Vec::new();
    let rows = table.lines().filter(|line| !line.starts_with('#')).skip(1);
    for row in rows {
        let [server, voice, status, cause, helps, words] = row.split('\t').collect::<Vec<_>>()[..]
        else {
            panic!("not six columns: {row}")
        };
        let servers = if voice == "sender" {
            &[server][..]
        } else {
            &layouts::SERVERS
        };
        for server in servers {
            let message = layouts::notice(server, voice == "sender", status, words);
            let notice = notice::read(message.as_bytes()).unwrap_or_else(|| panic!("{message}"));
            let read = json(&notice)["notice"].take();
            let mta = server.split(' ').next().unwrap();
            assert_eq!(read["mta"], mta, "{message}");
            assert_eq!(
                read["original"]["message_id"], "original@example.org",
                "{message}"
            );
            let recipient = &read["recipients"][0];
            let right =
                recipient["cause"] == cause && recipient["opt_out_helps"] == (helps == "yes");
            if !right {
                wrong.push(format!("{server}: {words}: {recipient:#}"));
            }
        }
    }
    assert!(
        wrong.is_empty(),
        "{} wrong:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

/// A message whose parts, or whose header, are those of a notice.
fn message(header: &str, parts: &[&str]) -> String {
    let parts: String = parts
        .iter()
        .map(|part| format!("--outer\n{part}\n"))
        .collect();
    format!(
        "From: Bob <bob@example.net>\nTo: alice@example.org\nSubject: Fwd: bounce\n{header}\n\n{parts}--outer--\n"
    )
}

#[test]
fn what_is_no_notice_is_none() {
    let bounce = String::from_utf8(dsn("postfix-3.10.13-delay-00-0")).unwrap();
    let machine = "Content-Type: message/delivery-status\n\nReporting-MTA: dns; a.example\n\n\
        Final-Recipient: rfc822; c@example.net\nAction: failed\nStatus: 5.0.0\n";
    let text = "Content-Type: text/plain\n\nLook at this.\n";
    let mixed = "Content-Type: multipart/mixed; boundary=outer";
    let report =
        |kind| format!("Content-Type: multipart/report; report-type={kind}; boundary=outer");
    let attached = format!("Content-Type: message/rfc822\n\n{bounce}");
    let inline = bounce.split_once("Content-Type: multipart/").unwrap().1;
    let inline = format!("Content-Type: multipart/{inline}");
    let quoted: String = bounce.lines().map(|line| format!("> {line}\n")).collect();
    let on_a_list = format!("List-Id: <postmasters.example.net>\n{bounce}");
    let none = [
        message(mixed, &[text, &attached]),
        message(mixed, &[text, &inline]),
        message(mixed, &[text, machine]),
        message(
            &report("disposition-notification"),
            &[
                text,
                "Content-Type: message/disposition-notification\n\nx: y\n",
                &attached,
            ],
        ),
        message(
            &report("feedback-report"),
            &[
                text,
                "Content-Type: message/feedback-report\n\nx: y\n",
                &attached,
            ],
        ),
        message(
            &report("tlsrpt"),
            &[text, "Content-Type: application/tlsrpt+gzip\n\nx\n"],
        ),
        message(&report("disposition-notification"), &[text, machine]),
        message(
            &report("delivery-status"),
            &[
                text,
                "Content-Type: message/delivery-status\n\nReporting-MTA: dns; a\n",
            ],
        ),
        message("Content-Type: text/plain", &[&quoted]),
        format!("From: MAILER-DAEMON@example.net\n\n{bounce}"),
        format!(
            "From: bob@example.net\nAuto-Submitted: auto-replied\nSubject: Delayed Mail\n\n{quoted}"
        ),
        on_a_list,
        String::new(),
        "\n".to_owned(),
    ];
    for (at, message) in none.iter().enumerate() {
        assert_eq!(notice::read(message.as_bytes()), None, "message {at}");
    }
    let from_a_server = mixed.replace("Content", "Return-Path: <>\nContent");
    let receipt =
        "Content-Type: multipart/report; report-type=disposition-notification; boundary=in";
    let receipt = format!("{receipt}\n\n--in\n{machine}\n--in--\n");
    assert_eq!(
        notice::read(message(&from_a_server, &[text, &receipt]).as_bytes()),
        None
    );
    let inner = receipt.replace("disposition-notification", "delivery-status");
    assert!(notice::read(message(&from_a_server, &[text, &inner]).as_bytes()).is_some());
    let direct = message(&report("delivery-status"), &[text, machine]);
    assert_eq!(notice::read(direct.as_bytes()).unwrap().recipients.len(), 1);
}

/// Exim quotes the subject, the returned message quotes errors, links and addresses have "tls" in them.
#[test]
fn words_of_the_user_and_names_are_no_evidence() {
    let name = "exim-4.100.1-delay-33-0";
    let exim = String::from_utf8(dsn(name)).unwrap();
    assert!(exim.contains("TLS certificate renewal"));
    let exim = exim.replace(
        "TLS certificate renewal",
        "SMTP error from remote mail server after STARTTLS: 454 no",
    );
    assert_eq!(
        notice::read(exim.as_bytes()).unwrap().recipients[0].cause,
        Cause::Hidden
    );
    for reply in [
        "450 4.7.1 Greylisted, see https://www.example.net/requiretls?must+use+tls",
        "550 5.1.1 <must-issue-starttls@tls-required.example.net> unknown",
        "451 4.7.1 Greylisted, TLS session noted",
        "550 5.7.30 DKIM authentication didn't pass",
        "554 5.7.5 Cryptographic failure",
        "450 4.7.5 no TLSA records found, Server certificate not verified",
    ] {
        for server in layouts::SERVERS {
            let message = layouts::notice(server, false, "4.7.1", reply);
            let notice = notice::read(message.as_bytes()).unwrap();
            assert_eq!(
                notice.recipients[0].cause,
                Cause::NotTls,
                "{server}: {reply}"
            );
            assert!(!notice.opt_out_helps(), "{server}: {reply}");
        }
    }
}

#[test]
fn an_opted_out_or_protected_original_is_never_helped() {
    let words = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";
    let plain = layouts::notice("postfix", true, "4.7.4", words);
    assert!(notice::read(plain.as_bytes()).unwrap().opt_out_helps());
    for (field, opted_out) in [
        ("tls-required:\n no", true),
        ("Require-TLS-ESMTP: yes", false),
    ] {
        let message = plain.replace("\nSubject: TLS is", &format!("\n{field}\nSubject: TLS is"));
        let notice = notice::read(message.as_bytes()).unwrap();
        assert_eq!(
            (notice.original.opted_out, notice.original.requires_tls),
            (opted_out, !opted_out)
        );
        assert!(notice.tls_caused() && !notice.opt_out_helps(), "{field}");
    }
    let yes = plain.replace("\nSubject: TLS is", "\nTLS-Required: Yes\nSubject: TLS is");
    assert!(notice::read(yes.as_bytes()).unwrap().opt_out_helps());
}

#[test]
fn what_was_returned() {
    let words = "Server certificate not verified";
    let postfix = layouts::notice("postfix", true, "4.7.5", words);
    let notice = notice::read(postfix.as_bytes()).unwrap();
    assert_eq!(notice.original.extent, Extent::Headers);
    assert!(
        notice.original.header.starts_with(b"From: Alice")
            && notice.original.header.ends_with(b"+0000\n")
    );
    let mox = layouts::notice("mox", true, "4.0.0", "mtasts: dns lookup: x");
    assert_eq!(
        notice::read(mox.as_bytes()).unwrap().original,
        notice.original
    );
    let stalwart = layouts::notice("stalwart", true, "4.0.0", "(rate limited)");
    assert_eq!(
        notice::read(stalwart.as_bytes()).unwrap().original.extent,
        Extent::Headers
    );
    let full = postfix
        .replace("text/rfc822-headers", "message/rfc822")
        .replace("+0000\n", "+0000\n\nhello\n");
    let notice = notice::read(full.as_bytes()).unwrap();
    assert_eq!(
        (notice.mta, notice.original.extent),
        (Mta::Postfix, Extent::Full)
    );
    let empty = full.replace("hello\n", "");
    assert_ne!(empty, full);
    assert_eq!(
        notice::read(empty.as_bytes()).unwrap().original.extent,
        Extent::Full
    );
    let none = postfix
        .replace("text/rfc822-headers", "application/octet-stream")
        .replace(
            "To: alice",
            "References: <a@b> <original@example.org>\nTo: alice",
        );
    let original = notice::read(none.as_bytes()).unwrap().original;
    assert_eq!(original.extent, Extent::None);
    assert_eq!(original.message_id.as_deref(), Some("original@example.org"));
}

/// A server that nobody knows and that only follows RFC 3464.
#[test]
fn an_unknown_server() {
    let report = |status: &str| {
        format!(
            "Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n--b\n\nSorry.\n\
             --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; a.example.org\n\n\
             Final-Recipient: rfc822; bob@example.net\nAction: delayed\n{status}\n--b--\n"
        )
    };
    let cases = [
        ("Status: 4.4.7", Cause::Hidden, false),
        ("Status: 4.7.5", Cause::Hidden, false),
        ("Status: 4.2.2", Cause::NotTls, false),
        (
            "Diagnostic-Code: x-unix; Server certificate not verified",
            Cause::NotTls,
            false,
        ),
        (
            "Diagnostic-Code: X-Some; Server certificate not verified",
            Cause::CertificateUnspecified,
            true,
        ),
        (
            "Diagnostic-Code: smtp; Server certificate not verified",
            Cause::CertificateUnspecified,
            true,
        ),
        (
            "Diagnostic-Code: smtp; 450 4.7.5 Server certificate not verified",
            Cause::NotTls,
            false,
        ),
        (
            "Diagnostic-Code: smtp; Server certificate not verified\nRemote-MTA: dns; mx.example.net",
            Cause::NotTls,
            false,
        ),
        (
            "Diagnostic-Code: smtp; 530 5.7.0 Must issue a STARTTLS command first",
            Cause::ReceiverDemandsTls,
            false,
        ),
        (
            "Diagnostic-Code: smtp; 550 5.7.30 REQUIRETLS support required",
            Cause::RequiretlsUnsupported,
            false,
        ),
    ];
    for (fields, cause, helps) in cases {
        let notice = notice::read(report(fields).as_bytes()).unwrap();
        let recipient = &notice.recipients[0];
        assert_eq!(
            (notice.mta, recipient.cause),
            (Mta::Unknown, cause),
            "{fields}"
        );
        assert_eq!(recipient.opt_out_helps, helps, "{fields}");
        assert_eq!(
            notice.original.requires_tls,
            cause == Cause::RequiretlsUnsupported
        );
    }
}

/// Sendmail writes its own findings like replies; one that its transcript shows is the remote's.
#[test]
fn sendmail_repeats_a_reply() {
    for words in [
        "454 4.7.0 TLS handshake failed.",
        "454 4.7.0 authentication failed",
    ] {
        let read = |own| {
            let message = layouts::notice("sendmail", own, "4.7.0", words);
            notice::read(message.as_bytes())
                .unwrap()
                .recipients
                .remove(0)
        };
        assert!(read(true).opt_out_helps, "{words}");
        assert_eq!(
            (read(false).cause, read(false).opt_out_helps),
            (Cause::NotTls, false),
            "{words}"
        );
    }
}
