//! Who speaks, and who wrote it: words that could be taken for the server's own, and mails that could
//! be taken for notices. All written by hand, from how servers and mail programs write.

use tls_optout::notice::{self, Action, Cause, Mta, Notice};

use crate::layouts::{self, prose::message};

const OWN: &str = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";

const COPY: &str = "Received: from laptop.example.org by mail.example.org; Tue, 24 Nov 2026 06:40:12 +0000\n\
    Message-ID: <lunch@example.org>\nFrom: Alice <alice@example.org>\nTo: Bob <bob@example.net>\n\
    Subject: lunch\nDate: Tue, 24 Nov 2026 06:40:11 +0000\n";

const DAEMON: &str = "Mail Delivery System <MAILER-DAEMON@mail.example.org>";

fn read(message: &str) -> Notice {
    notice::read(message.as_bytes()).unwrap_or_else(|| panic!("no notice: {message}"))
}

fn bounce(words: &str) -> String {
    let text = format!(
        "Your message could not be delivered.\n\n{words}\n\n--- Original message follows:\n\n{COPY}"
    );
    message(DAEMON, "Delivery failure", &text)
}

fn report(words: &str, diagnostic: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: {DAEMON}\nTo: alice@example.org\nSubject: Delivery failure\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\n{words}\n--b\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mail.example.org\n\nFinal-Recipient: rfc822; bob@example.net\nAction: failed\n\
         Status: 5.7.1\n{diagnostic}\n--b\nContent-Type: text/rfc822-headers\n\n{COPY}\n--b--\n"
    )
}

/// However a server that nobody knows introduces the words of another one, they are not its own.
#[test]
fn an_unknown_server_quotes_in_ways_of_its_own() {
    for quoted in [
        format!("Reason: 550 5.7.1 {OWN}"),
        format!("(reason: 550 5.7.1 {OWN})"),
        format!("The server at mx.example.net says: {OWN}"),
        format!("reply: \"{OWN}\""),
        format!("<<< 550 {OWN}"),
        format!("(#5.7.1) {OWN}"),
        format!("SMTP(550): {OWN}"),
        format!("Antwort der Gegenstelle: {OWN}"),
        format!("host mx.example.net rejected it; {OWN}"),
        format!("mx.example.net: {OWN}"),
        format!("\u{ab}{OWN}\u{bb}"),
        format!("'{OWN}'"),
        format!("[{OWN}]"),
        format!("-> {OWN}"),
        format!("<< {OWN}"),
        format!("| {OWN}"),
        format!("\u{2014} {OWN}"),
        format!("== {OWN}"),
    ] {
        let diagnostic = format!("Diagnostic-Code: X-Some; {quoted}");
        for message in [
            bounce(&format!("<bob@example.net>: {quoted}")),
            bounce(&format!("<bob@example.net>\n    {quoted}")),
            bounce(&format!("Recipient: <bob@example.net>\n\n{quoted}")),
            report(&format!("<bob@example.net>: {quoted}"), ""),
            report("Sorry.", &diagnostic),
        ] {
            assert!(!read(&message).opt_out_helps(), "{message}");
        }
    }
    for own in [
        OWN.to_owned(),
        format!("({OWN})"),
        format!("delivery temporarily suspended: {OWN}"),
    ] {
        let diagnostic = format!("Diagnostic-Code: X-Some; {own}");
        for message in [
            bounce(&format!("<bob@example.net>: {own}")),
            report(&format!("<bob@example.net>: {own}"), ""),
            report("Sorry.", &diagnostic),
        ] {
            assert!(read(&message).opt_out_helps(), "{message}");
        }
    }
}

/// After a refused DATA Sendmail's transcript names no recipient (`deliver.c`): the reply is about
/// all of them, and no finding of Sendmail's own.
#[test]
fn a_reply_of_the_transcript_that_no_recipient_follows() {
    let words = "454 4.7.0 TLS handshake failed.";
    let own = layouts::notice("sendmail", true, "4.7.0", words);
    let line = format!("<bob@example.net>... Deferred: {words}\n");
    assert!(read(&own).opt_out_helps() && own.contains(&line));
    let session = format!(
        "... while talking to mx.example.net.:\n>>> DATA\n<<< {words}\n>>> QUIT\n<<< 221 bye\n\
         554 5.0.0 Service unavailable\n"
    );
    assert!(!read(&own.replace(&line, &session)).opt_out_helps());
    // It is not about somebody whom another line names.
    let carol = "Final-Recipient: RFC822; carol@example.com\nAction: failed\nStatus: 5.1.1\n";
    let session = session.replace(words, "530 5.7.0 Must issue a STARTTLS command first");
    let message = own
        .replace(
            &line,
            &format!("550 5.1.1 <carol@example.com>... User unknown\n{session}"),
        )
        .replace("\nFinal-Recipient", &format!("\n{carol}\nFinal-Recipient"));
    let causes: Vec<_> = read(&message).recipients.iter().map(|r| r.cause).collect();
    assert_eq!(causes[0], Cause::NotTls);
    assert_eq!(causes.len(), 2);
}

/// What a remote server answered anywhere in the transcript is no finding of Sendmail's own, whatever stands between
/// the reply and the line of the recipient.
#[test]
fn a_reply_of_the_transcript_far_from_the_line() {
    let words = "454 4.7.0 TLS handshake failed.";
    let own = layouts::notice("sendmail", true, "4.7.0", words);
    let line = format!("<bob@example.net>... Deferred: {words}\n");
    assert!(read(&own).opt_out_helps() && own.contains(&line));
    let mx = "... while talking to mx.example.net.:\n";
    for session in [
        format!("{mx}>>> DATA\n<<< {words}\n<dave@example.com>... Deferred: {words}\n"),
        format!("{mx}>>> DATA\n<<< {words}\n>>> QUIT\n<<< 221 bye\n"),
        format!("{mx}>>> RCPT To:<bob@example.net>\n<<< {words}\n>>> RSET\n<<< 250 ok\n"),
        format!(
            "{mx}>>> RCPT To:<bob@example.net>\n<<< {words}\n... while talking to mx2.example.net.:\n"
        ),
        format!("{mx}>>> DATA\n<<< 454-4.7.0 TLS\n<<< 454 4.7.0 handshake failed.\n"),
        format!("{mx}>>> DATA\n{}", "<<< 454 4.7.0 no\n".repeat(10_000)),
    ] {
        let message = own.replace(&line, &format!("{session}{line}"));
        assert!(!read(&message).opt_out_helps(), "{message}");
    }
}

/// A remark of Sendmail's whose recipient has no line is not about the next one, who has another reason.
#[test]
fn a_remark_before_the_line_of_somebody_else() {
    let remark = "454 4.7.0 DANE check failed.\n";
    for (reason, helps) in [
        ("Deferred", true),
        ("Deferred: Connection refused by mx.example.net.", false),
    ] {
        let own = layouts::notice("sendmail", true, "4.4.1", "Connection refused");
        let line = "<bob@example.net>... Deferred: Connection refused\n";
        assert!(own.contains(line));
        let message = own.replace(line, &format!("{remark}<bob@example.net>... {reason}\n"));
        assert_eq!(read(&message).opt_out_helps(), helps, "{message}");
    }
}

/// The text repeats what the field shows to be the reply of another server.
#[test]
fn the_text_repeats_a_reply() {
    let remote = format!("Remote-MTA: dns; mx.example.net\nDiagnostic-Code: smtp; 450 4.7.4 {OWN}");
    assert!(!read(&report(&format!("<bob@example.net>: {OWN}"), &remote)).opt_out_helps());
    let own = layouts::notice("postfix", true, "4.7.4", OWN);
    assert!(read(&own).opt_out_helps() && own.contains("X-Postfix; "));
    let program = own.replace("Diagnostic-Code: X-Postfix; ", "Diagnostic-Code: x-unix; ");
    assert!(!read(&program).opt_out_helps());
}

/// Sendmail gives the members of an alias its address, and names them in a field of its own.
#[test]
fn members_of_an_alias_have_reasons_of_their_own() {
    let own = layouts::notice("sendmail", true, "4.2.0", "Connection refused");
    let group = |member: &str| {
        format!(
            "Final-Recipient: RFC822; team@example.org\nX-Actual-Recipient: RFC822; {member}\nAction: delayed\nStatus: 4.2.0\n\n"
        )
    };
    let (head, rest) = own.split_once("Final-Recipient").unwrap();
    let tail = rest.split_once("\n\n").unwrap().1;
    let message = format!("{head}{}{}{tail}", group("bob@example.net"), group("carol@example.com")).replace(
        "<bob@example.net>... Deferred: Connection refused",
        "454 4.7.0 DANE check failed.\nbob@example.net... Deferred\ncarol@example.com... Deferred: Connection refused",
    );
    let read: Vec<_> = read(&message)
        .recipients
        .into_iter()
        .map(|r| (r.final_recipient, r.cause, r.opt_out_helps))
        .collect();
    let team = || "team@example.org".to_owned();
    assert_eq!(
        read,
        [
            (team(), Cause::DaneMismatch, true),
            (team(), Cause::NotTls, false)
        ]
    );
}

/// Gmail gives the type `smtp` to its own prose too; where a server answered, it is named.
#[test]
fn gmail_names_the_server_that_answered() {
    let own = layouts::notice(
        "gmail",
        true,
        "5.0.0",
        "500 Remote server does not support TLS",
    );
    assert!(read(&own).opt_out_helps());
    let remote = own.replace(
        "Diagnostic-Code:",
        "Remote-MTA: dns; mx.example.net\nDiagnostic-Code:",
    );
    assert_ne!(remote, own);
    assert!(!read(&remote).opt_out_helps());
}

/// GMX writes Exim's opening and quotes in words of its own, below the address.
#[test]
fn a_reason_below_an_address_with_a_colon() {
    let text = format!(
        "This message was created automatically by mail delivery software.\n\nA message that you sent could not be \
         delivered to one or more of\nits recipients. The following address(es) failed:\n\nbob@example.net:\n\
         SMTP error from remote server for TEXT command, host: mx.example.net (192.0.2.1) reason: 550 5.7.1 \
         TLS required, STARTTLS first\n\n--- The header of the original message is following. ---\n\n{COPY}"
    );
    let notice = read(&message(
        DAEMON,
        "Mail delivery failed: returning message to sender",
        &text,
    ));
    assert_eq!(notice.recipients[0].cause, Cause::ReceiverDemandsTls);
    assert!(!notice.opt_out_helps());
}

/// In a language that no table knows, a mail server that returns a message of ours is enough.
#[test]
fn a_bounce_in_a_language_that_nobody_knows() {
    let text = format!(
        "Ne eblis transdoni la mesa\u{11d}on:\n\nbob@example.net\n\n----- Originala -----\n\n{COPY}\nHello\n"
    );
    let notice = read(&message(DAEMON, "Retpo\u{15d}to", &text));
    assert_eq!(notice.recipients[0].final_recipient, "bob@example.net");
    assert_eq!(
        notice.original.message_id.as_deref(),
        Some("lunch@example.org")
    );
    for (from, to) in [
        (DAEMON, "Bob <bob@example.net>"),
        ("alice@example.org\nSubject", "eve@example.org\nSubject"),
        ("Return-Path: <>", "Return-Path: <bob@example.net>"),
    ] {
        let other = message(DAEMON, "Retpo\u{15d}to", &text).replacen(from, to, 1);
        assert_ne!(other, message(DAEMON, "Retpo\u{15d}to", &text));
        assert_eq!(notice::read(other.as_bytes()), None, "{other}");
    }
}

#[test]
fn the_only_name_of_the_original_may_be_in_the_words() {
    let named = "This report relates to a message you sent with the following header fields:\n\n  \
        Message-id: <lunch@example.org>\n  Subject: lunch\n\nYour message cannot be delivered:\n\n  \
        Recipient address: bob@example.net\n  Reason: Illegal host/domain name found\n";
    let without_copy = |message: &str| {
        message
            .replace("text/rfc822-headers", "image/png")
            .replace(COPY, "")
    };
    let plain = message(DAEMON, "Delivery Notification: Delivery has failed", named);
    for message in [plain, without_copy(&report(named, ""))] {
        assert_eq!(
            read(&message).original.message_id.as_deref(),
            Some("lunch@example.org"),
            "{message}"
        );
    }
    let own = named.replace("<lunch@example.org>", "1a2b");
    assert_eq!(
        read(&without_copy(&report(&own, ""))).original.message_id,
        None
    );
}

/// Cisco AsyncOS: the reason stands under a heading, the comment behind the code only repeats it.
#[test]
fn a_comment_that_only_says_what_the_code_means() {
    let read = |reason: &str, status: &str| {
        let words =
            format!("The following message to <bob@example.net> was undeliverable.\n{reason}");
        let message = report(&words, "").replace("Status: 5.7.1", status);
        read(&message).recipients[0].cause
    };
    let expired =
        "The reason for the problem:\n5.4.7 - Delivery expired (message too old) 'timeout'\n";
    assert_eq!(
        read(expired, "Status: 5.0.0 (permanent failure)"),
        Cause::Hidden
    );
    assert_eq!(read("", "Status: 5.0.0 (permanent failure)"), Cause::Hidden);
    assert_eq!(read("", "Status: 5.1.1 (bad mailbox)"), Cause::NotTls);
    let other = "The reason for the problem:\n5.1.0 - Unknown address error 550-'5.1.1 no'\n";
    assert_eq!(
        read(other, "Status: 5.0.0 (permanent failure)"),
        Cause::NotTls
    );
}

/// MDaemon lists recipients like a person quotes, and returns the message as a part.
#[test]
fn recipients_behind_a_mark_of_quotation() {
    let text = "The following addresses did NOT receive a copy of your message:\n\n > bob@example.net\n\n\
        --- Session Transcript ---\n Tue 2026-11-24 06:40:13: <-- 550 no such user\n--- End Transcript ---\n";
    let notice = read(&message(
        "<MDaemon@mail.example.org>",
        "MDaemon Warning - Delivery failed",
        text,
    ));
    assert_eq!(notice.recipients[0].final_recipient, "bob@example.net");
}

/// What became of the message, where no field says it.
#[test]
fn actions_in_prose() {
    for (opening, action) in [
        (
            "I have not yet been able to deliver your message.\nI'm still trying.",
            Action::Delayed,
        ),
        (
            "Your message has not been delivered yet. We will retry for 3 days.",
            Action::Delayed,
        ),
        (
            "reports about email delivery\n\nDELAYED:\n  Original Recipient:",
            Action::Delayed,
        ),
        ("Your message could not be delivered.", Action::Failed),
        (
            "Your message was not successfully delivered.",
            Action::Failed,
        ),
        (
            "Your message was successfully delivered.",
            Action::Delivered,
        ),
    ] {
        let text = format!(
            "{opening}\n\n<bob@example.net>:\n{OWN}\n\n--- Original message follows:\n\n{COPY}"
        );
        let notice = read(&message(DAEMON, "Delivery reports", &text));
        assert_eq!(notice.recipients[0].action, action, "{opening}");
        assert_eq!(
            notice.opt_out_helps(),
            action != Action::Delivered,
            "{opening}"
        );
    }
}

#[test]
fn people_and_programs_that_write_about_mail() {
    let header = |from: &str, subject: &str| {
        format!(
            "From: {from}\nTo: bob@example.net\nSubject: {subject}\nDate: Tue, 24 Nov 2026 07:40:12 +0000\n\n"
        )
    };
    let alice = header(
        "Alice <alice@example.org>",
        "Undelivered mail: what is this?",
    );
    let quoted = COPY
        .replace("alice@", "eve@")
        .replace("Bob <bob@", "<alice@");
    let qconfirm =
        "Return-Path: <>\n".to_owned() + &header("qconfirm-1@example.net", "confirm lunch");
    let parcels = "Return-Path: <>\n".to_owned()
        + &header("noreply@example.com", "Delivery failed: parcel 12");
    for message in [
        format!("{alice}It could not be delivered. The server said:\n\n{OWN}\n\n{quoted}\nHello\n"),
        format!(
            "{alice}It could not be delivered:\n\n-----Original Message-----\nFrom: bob@example.net\nTo: alice\nSubject: x\n\n{OWN}\n"
        ),
        format!(
            "{qconfirm}Hi. This is the qconfirm mail-handling program.  One or more messages\nfrom you are being held \
                 because your address was not recognized.\n\n--- Below this line is the header of your message.\n\n{COPY}"
        ),
        format!("{parcels}Your parcel could not be delivered. Write to parcels@example.com.\n"),
        format!(
            "Return-Path: <eve@example.com>\n{}5 messages could not be delivered to you. Write to help@example.com.\n",
            header(DAEMON, "Undelivered mail")
        ),
    ] {
        assert_eq!(notice::read(message.as_bytes()), None, "{message}");
    }
    // A relay under a name of its own returns a message of ours.
    let relay = header("Mail Relay <relay@example.com>", "Undelivered mail")
        .replace("bob@example.net", "alice@example.org");
    let notice = read(&format!(
        "{relay}It could not be delivered:\n\n<bob@example.net>: no such user\n\n{COPY}\nHello\n"
    ));
    assert_eq!((notice.mta, notice.recipients.len()), (Mta::Unknown, 1));
}

/// Nothing that a remote server answers is taken for a finding of the reporting one, were it the same
/// words. Some write both alike, and only their own wordings can be mistaken there.
#[test]
fn what_senders_say_is_nothing_in_the_mouth_of_a_receiver() {
    let table = std::fs::read_to_string(crate::data("wordings.tsv")).unwrap();
    let rows = table
        .lines()
        .filter(|line| line.contains("\tsender\t") && line.contains("\tyes\t"));
    let mut wrong = Vec::new();
    for row in rows {
        let words = row.rsplit('\t').next().unwrap();
        let server = row.split('\t').next().unwrap();
        for layout in layouts::SERVERS {
            let reply = format!("550 5.7.1 {words}");
            let message = layouts::notice(layout, false, "5.7.1", &reply);
            let alike = ["exchange", "gmail", "haraka", "maddy", "zonemta"]
                .iter()
                .any(|name| layout.starts_with(name) && server.starts_with(name));
            if !alike && read(&message).opt_out_helps() {
                wrong.push(format!("{server} in {layout}: {words}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
