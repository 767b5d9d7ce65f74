//! Notices without a machine part, and what looks like one.

use tls_optout::notice::{self, Action, Cause, Extent, Mta};

use crate::layouts::prose::message;

/// The message that all of these are about.
const COPY: &str = "Received: from laptop.example.org by mail.example.org; Tue, 24 Nov 2026 06:40:12 +0000\n\
    Message-ID: <lunch@example.org>\nFrom: Alice <alice@example.org>\nTo: Bob <bob@example.net>\n\
    Subject: lunch\nDate: Tue, 24 Nov 2026 06:40:11 +0000\n";

const DAEMON: &str = "Mail Delivery System <MAILER-DAEMON@mail.example.org>";

/// One layout: the server, `From`, the subject, the text (`COPY` stands for the returned message), action.
type Layout = (
    &'static str,
    &'static str,
    &'static str,
    &'static str,
    Action,
);

#[rustfmt::skip]
const LAYOUTS: &[Layout] = &[
    ("qmail", DAEMON, "failure notice",
     "Hi. This is the qmail-send program at mail.example.org.\nI'm afraid I wasn't able to deliver your message to the following addresses.\n\
      This is a permanent error; I've given up. Sorry it didn't work out.\n\n<bob@example.net>:\n192.0.2.1 does not like recipient.\n\
      Remote host said: 550 5.1.1 <bob@example.net>... User unknown\nGiving up on 192.0.2.1.\n\n--- Below this line is a copy of the message.\n\nCOPY\nHello\n",
     Action::Failed),
    ("Exim before 4.86, bounce", DAEMON, "Mail delivery failed: returning message to sender",
     "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of its\n\
      recipients. This is a permanent error. The following address(es) failed:\n\n  bob@example.net\n    SMTP error from remote mail server after RCPT TO:<bob@example.net>:\n    \
      host mx.example.net [192.0.2.1]: 550 no such user\n\n------ This is a copy of the message, including all the headers. ------\n\nCOPY\nHello\n",
     Action::Failed),
    ("Exim before 4.86, warning", DAEMON, "Warning: message 1x0-0001-00 delayed 24 hours",
     "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\n\
      recipients after more than 24 hours on the queue on mail.example.org.\n\nThe message identifier is:     1x0-0001-00\nThe subject of the message is: lunch\n\n\
      The following address(es) have not yet been delivered:\n\n  bob@example.net\n\nNo action is required on your part. Delivery attempts will continue for\nsome time.\n",
     Action::Delayed),
    ("Gmail before 2016", "Mail Delivery Subsystem <mailer-daemon@googlemail.com>", "Delivery Status Notification (Failure)",
     "This is an automatically generated Delivery Status Notification\n\nDelivery to the following recipient failed permanently:\n\n     bob@example.net\n\n\
      Technical details of permanent failure:\nGoogle tried to deliver your message, but it was rejected by the recipient domain. The error that the other\n\
      server returned was: 550 550 <bob@example.net>: User unknown (state 14).\n\n----- Original message -----\n\nCOPY\nHello\n",
     Action::Failed),
    ("Zoho", "mailer-daemon@mail.example.com", "Undelivered Mail Returned to Sender",
     "This message was created automatically by mail delivery software.\nA message that you sent could not be delivered to one or more of its recipients. \
      This is a permanent error.\n\nbob@example.net Invalid Address, ERROR_CODE :550, ERROR_CODE :5.1.1 User unknown\n\nCOPY\n",
     Action::Failed),
    ("Zoho, expired", "mailer-daemon@mail.example.com", "Undelivered Mail Returned to Sender",
     "This message was created automatically by mail delivery software.\nA message that you sent could not be delivered to one or more of its recipients.\n\n\
      [Status: Error, Address: <bob@example.net>, ResponseCode 421, , Host not reachable.]\n\nCOPY\n",
     Action::Failed),
    ("Yahoo", "MAILER-DAEMON@mail.example.com", "Failure Notice",
     "Sorry, we were unable to deliver your message to the following address.\n\n<bob@example.net>:\nRemote host said:\n554 delivery error: dd no mailbox\n\n\
      --- Below this line is a copy of the message.\n\nCOPY\nHello\n",
     Action::Failed),
    ("GMX", DAEMON, "Mail delivery failed: returning message to sender",
     "This message was created automatically by mail delivery software.\n\nA message that you sent could not be delivered to one or more of\nits recipients. \
      This is a permanent error. The following address\nfailed:\n\n\"bob@example.net\":\nSMTP error from remote server after RCPT command:\nhost: mx.example.net\n\
      5.1.1 <bob@example.net>... User unknown\n\n--- The header of the original message is following. ---\n\nCOPY\n",
     Action::Failed),
    ("Sendmail 5", "Mail Delivery Subsystem <MAILER-DAEMON@mail.example.org>", "Returned mail: User unknown",
     "   ----- Transcript of session follows -----\n... while talking to mx.example.net:\n>>> RCPT To:<bob@example.net>\n<<< 550 <bob@example.net>, User unknown\n\
      550 <bob@example.net>... User unknown\n\n   ----- Unsent message follows -----\nCOPY\nHello\n",
     Action::Failed),
    ("Sendmail 8.6, warning", "Mail Delivery Subsystem <MAILER-DAEMON@mail.example.org>", "Warning: could not send message for past 4 hours",
     "    **********************************************\n    **      THIS IS A WARNING MESSAGE ONLY      **\n    **  YOU DO NOT NEED TO RESEND YOUR MESSAGE  **\n    \
      **********************************************\n\nThe original message was received at Tue, 24 Nov 2026 06:40:12 GMT\n\n   \
      ----- The following addresses had transient delivery problems -----\n<bob@example.net>  (unrecoverable error)\n\n   ----- Transcript of session follows -----\n\
      <bob@example.net>... Deferred: Connection timed out\n\n   ----- Original message follows -----\nCOPY\nHello\n",
     Action::Delayed),
    ("Lotus Notes", "Postmaster@mail.example.net", "Undeliverable message",
     "------- Failure Reasons  --------\n\nUser not listed in public Name & Address Book\nbob@example.net\n\n------- Returned Message --------\n\nCOPY\nHello\n",
     Action::Failed),
    ("IMail", "postmaster@mail.example.net", "Undeliverable Mail",
     "Unknown user: bob@example.net\n\n\nOriginal message follows.\n\nCOPY\nHello\n",
     Action::Failed),
    ("MailEnable", "postmaster@mail.example.org", "Message Delivery Failure",
     "Message could not be delivered to some recipients.\nThe following recipient(s) could not be reached:\n\n\tRecipient: [SMTP:bob@example.net]\n\
      \tReason: Remote SMTP Server Returned: 550 no such user\n\n\nMessage headers follow:\n\nCOPY\n",
     Action::Failed),
    ("Exchange 5.5", "System Administrator <postmaster@mail.example.net>", "Undeliverable: lunch",
     "Your message\n\n  To:      bob@example.net\n  Subject: lunch\n  Sent:    Tue, 24 Nov 2026 06:40:11 +0000\n\ndid not reach the following recipient(s):\n\n\
      bob@example.net on Tue, 24 Nov 2026 06:41:51 +0000\n    The recipient name is not recognized\n\tMSEXCH:IMS:EXAMPLE:SITE:SERVER 0 (000C05A6) Unknown Recipient\n\n",
     Action::Failed),
    ("Exchange 2007, text", "postmaster@mail.example.net", "Undeliverable: lunch",
     "Delivery has failed to these recipients or distribution lists:\n\nbob@example.net\nThe recipient's e-mail address was not found.\n\n\
      Diagnostic information for administrators:\n\nGenerating server: mail.example.net\n\nbob@example.net\n#550 5.1.1 RESOLVER.ADR.RecipNotFound; not found ##\n\n\
      Original message headers:\n\nCOPY\n",
     Action::Failed),
    ("DragonFly", "<>", "Mail delivery failed",
     "This is the DragonFly Mail Agent v0.13 at mail.example.org.\n\nThere was an error delivering your mail to <bob@example.net>.\n\n\
      mx.example.net [192.0.2.1] did not like our RCPT TO:\n550 no such user\n\nMessage headers follow.\n\nCOPY\n",
     Action::Failed),
    ("MailMarshal", "postmaster@mail.example.org", "Undeliverable Mail: \"lunch\"",
     "Your message:\n   From:    alice@example.org\n   Subject: lunch\n\nCould not be delivered because of\n\n550 5.1.1 User unknown\n\n\
      The following recipients were affected:\n    bob@example.net\n\nAdditional Information\n",
     Action::Failed),
    ("Smail", DAEMON, "mail failed, returning to sender",
     "|------------------------- Message log follows: -------------------------|\n no valid recipients were found for this message\n\
      |------------------------- Failed addresses follow: ---------------------|\n <bob@example.net> ... unknown user\n\
      |------------------------- Message text follows: ------------------------|\nCOPY\nHello\n",
     Action::Failed),
    ("an unknown one", DAEMON, "Delivery status notification",
     " This is an automatically generated Delivery Status Notification.\n\nDelivery to the following recipients failed permanently:\n\n  * bob@example.net\n\n\
      ====================\n     Technical details:\n\nSMTP:RCPT host 192.0.2.8: 553 5.3.0 No such user here\n",
     Action::Failed),
    ("prose", "Mail Administrator <postmaster@mail.example.org>", "Mail System Error - Returned Mail",
     "This Message was undeliverable due to the following reason:\n\nYour message was not delivered because the destination computer was\nnot found.\n\n\
      Host mx.example.net not found\n\nThe following recipients did not receive this message:\n\n     <bob@example.net>\n\nPlease reply to Postmaster@mail.example.org\n",
     Action::Failed),
    ("James, NotifySender", "postmaster@mail.example.org", "Re: lunch",
     "Your message could not be delivered.\n\nError message below:\n550 - Requested action not taken: no such user here\n\nMessage details:\n  Subject: lunch\n  \
      Sent date: Tue Nov 24 06:40:11 UTC 2026\n  MAIL FROM: alice@example.org\n  RCPT TO: bob@example.net\n\nCOPY\n",
     Action::Failed),
    ("an answer in German", DAEMON, "Unzustellbar: lunch",
     "Ihre Nachricht konnte dem Empf\u{e4}nger nicht zugestellt werden:\n\nbob@example.net\n  550 unbekannt\n\n--- Original message ---\n\nCOPY\nHello\n",
     Action::Failed),
];

fn with_copy(text: &str) -> String {
    text.replace("COPY\nHello", "COPY\n\nHello")
        .replace("COPY\n", COPY)
}

#[test]
fn every_layout_is_read() {
    for (server, from, subject, text, action) in LAYOUTS {
        let bounce = message(from, subject, &with_copy(text));
        let notice =
            notice::read(bounce.as_bytes()).unwrap_or_else(|| panic!("{server}: {bounce}"));
        assert!(notice::may_be(bounce.as_bytes()), "{server}");
        let recipients: Vec<_> = notice
            .recipients
            .iter()
            .map(|r| r.final_recipient.as_str())
            .collect();
        assert_eq!(recipients, ["bob@example.net"], "{server}");
        assert_eq!(notice.recipients[0].action, *action, "{server}");
        assert!(!notice.opt_out_helps() && !notice.tls_caused(), "{server}");
        let returned = text.contains("COPY\n");
        let id = returned.then_some("lunch@example.org");
        assert_eq!(notice.original.message_id.as_deref(), id, "{server}");
        let extent = match (returned, text.ends_with("COPY\nHello\n")) {
            (false, _) => Extent::None,
            (true, false) => Extent::Headers,
            (true, true) => Extent::Full,
        };
        assert_eq!(notice.original.extent, extent, "{server}");
        if returned {
            assert!(
                notice.original.header.starts_with(b"Received: from laptop"),
                "{server}"
            );
        }
    }
}

/// The same layouts in other clothes: as a part of a multipart, encoded, in HTML, in UTF-7.
#[test]
fn encodings_and_multiparts_change_nothing() {
    let (_, from, subject, text, _) = LAYOUTS[0];
    let text = with_copy(text);
    let read = |message: String| {
        let notice = notice::read(message.as_bytes()).unwrap_or_else(|| panic!("{message}"));
        let recipient = notice.recipients[0].clone();
        (
            recipient.final_recipient,
            recipient.action,
            notice.original.message_id,
        )
    };
    let expected = read(message(from, subject, &text));
    let head = |kind: &str| {
        format!(
            "Return-Path: <>\nFrom: {from}\nTo: alice@example.org\nSubject: {subject}\n{kind}\n\n"
        )
    };
    let quoted = text
        .replace('=', "=3D")
        .replace("program", "pro=\ngram")
        .replace("bob@", "bob=40");
    let (words, copy) = text.split_once("--- Below").unwrap();
    let copy = copy.split_once("\n\n").unwrap().1;
    let html = words
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('\n', "<br>\n");
    let utf7 = words
        .replace('@', "+AEA-")
        .replace('<', "+ADw-")
        .replace('>', "+AD4-");
    let part = |kind: &str, words: &str, copy_type: &str| {
        head("Content-Type: multipart/mixed; boundary=b")
            + &format!(
                "--b\nContent-Type: {kind}\n\n{words}\n--b\nContent-Type: {copy_type}\n\n{copy}\n--b--\n"
            )
    };
    for message in [
        head(
            "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: quoted-printable",
        ) + &quoted,
        part("text/plain", words, "message/rfc822"),
        part("text/plain", words, "text/rfc822-headers"),
        part("text/html", &html, "message/rfc822"),
        part("text/plain; charset=utf-7", &utf7, "message/rfc822"),
        part(
            "text/plain; charset=unicode-1-1-utf-7",
            &utf7,
            "message/rfc822",
        ),
    ] {
        assert_eq!(read(message), expected);
    }
}

#[test]
fn several_recipients_have_reasons_of_their_own() {
    let text = format!(
        "Hi. This is the qmail-send program at mail.example.org.\nI'm afraid I wasn't able to deliver your message.\n\n\
         <bob@example.net>:\nTLS connect failed: timed out; connected to 192.0.2.1.\n\n\
         <carol@example.com>:\nSorry, no mailbox here by that name. (#5.1.1)\n\n\
         --- Below this line is a copy of the message.\n\n{COPY}\nHello\n"
    );
    let bounce = message(DAEMON, "failure notice", &text);
    let notice = notice::read(bounce.as_bytes()).unwrap();
    let read: Vec<_> = notice
        .recipients
        .iter()
        .map(|r| (r.final_recipient.as_str(), r.cause, r.opt_out_helps))
        .collect();
    assert_eq!(
        read,
        [
            ("bob@example.net", Cause::HandshakeFailed, true),
            ("carol@example.com", Cause::NotTls, false)
        ]
    );
    assert_eq!(notice.mta, Mta::Qmail);
}

/// What the user wrote, in the returned message or the quoted subject, is no evidence.
#[test]
fn words_of_the_user_are_no_evidence() {
    let warning = message(
        DAEMON,
        "Warning: message 1x0-0001-00 delayed 24 hours",
        "This message was created automatically by mail delivery software.\nA message that you sent has not yet been delivered to one or more of its\n\
         recipients.\n\nThe subject of the message is: TLS is required, but was not offered by host x\n\n\
         The following address(es) have not yet been delivered:\n\n  bob@example.net\n\nNo action is required on your part.\n",
    );
    let notice = notice::read(warning.as_bytes()).unwrap();
    assert_eq!(
        (notice.mta, notice.recipients[0].cause),
        (Mta::Exim, Cause::Hidden)
    );
    let copy = COPY.replace("lunch\n", "no TLSA records found\n");
    let text = format!(
        "Your message could not be delivered.\n\n<bob@example.net>: no such user\n\n{copy}\nServer certificate not trusted\n"
    );
    let bounce = message(DAEMON, "Undeliverable mail", &text);
    assert_eq!(
        notice::read(bounce.as_bytes()).unwrap().recipients[0].cause,
        Cause::NotTls
    );
}

#[test]
fn what_is_no_notice_is_none() {
    let (_, daemon, failure, qmail, _) = LAYOUTS[0];
    let bounce = with_copy(qmail);
    let quoted: String = bounce.lines().map(|line| format!("> {line}\n")).collect();
    let plain = |headers: &str, text: &str| format!("{headers}\n\n{text}");
    let none = [
        // A person passes a bounce on, or answers one.
        (
            "forwarded",
            plain(
                "From: Bob <bob@example.net>\nSubject: Fwd: failure notice",
                &bounce,
            ),
        ),
        (
            "quoted",
            plain(
                "From: Bob <bob@example.net>\nSubject: failure notice",
                &quoted,
            ),
        ),
        (
            "from the postmaster",
            plain(
                "From: postmaster@example.net\nSubject: Re: failure notice",
                &bounce,
            ),
        ),
        (
            "quoted by a server",
            plain(
                &format!("Return-Path: <>\nFrom: {daemon}\nSubject: {failure}"),
                &quoted,
            ),
        ),
        (
            "on a list",
            plain(
                &format!("From: {daemon}\nSubject: {failure}\nList-Id: <l.example.net>"),
                &bounce,
            ),
        ),
        (
            "on an old list",
            plain(
                &format!("From: {daemon}\nSubject: {failure}\nMailing-List: contact l@example.net"),
                &bounce,
            ),
        ),
        (
            "from a friend",
            plain(
                "From: Bob <bob@example.net>\nSubject: failure notice",
                "Hi. This is the one. I wasn't able to deliver your message to\n<carol@example.com>:\n",
            ),
        ),
        // Automatic mail.
        (
            "vacation",
            plain(
                "Return-Path: <>\nFrom: Bob <bob@example.net>\nAuto-Submitted: auto-replied\nSubject: Re: lunch",
                "I am away until Monday and could not be reached. Mail to bob@example.net is not read.\n",
            ),
        ),
        (
            "an automatic answer to a bounce",
            plain(
                "Return-Path: <>\nFrom: Bob <bob@example.net>\nSubject: Mail delivery: automatic answer",
                "Write to\n\ncarol@example.com\n\n> Your message could not be delivered.\n",
            ),
        ),
        (
            "vacation of a mailbox that moved",
            plain(
                "Return-Path: <>\nFrom: Bob <bob@example.net>\nAuto-Submitted: auto-replied\nSubject: Auto: lunch",
                "Your message was not delivered. Write to\n\nbob.new@example.net\n",
            ),
        ),
        (
            "quota",
            plain(
                "From: postmaster@example.org\nSubject: Your mailbox is nearly full",
                "New messages could not be delivered to:\n\nalice@example.org\n",
            ),
        ),
        (
            "postfix to its postmaster",
            plain(
                "Return-Path: <>\nFrom: MAILER-DAEMON@mail.example.org (Mail Delivery System)\nSubject: Postfix SMTP server: errors from unknown[192.0.2.7]",
                "Transcript of session follows.\n\n Out: 220 mail.example.org ESMTP Postfix\n In:  RCPT TO:<bob@example.net>\n Out: 550 5.7.1 Relay access denied\n",
            ),
        ),
        (
            "newsletter",
            plain(
                "Return-Path: <bounce-1@example.com>\nFrom: Shop <news@example.com>\nSubject: Delivery status of your order",
                "Your parcel could not be delivered to:\n\nalice@example.org\n",
            ),
        ),
        (
            "parcel",
            plain(
                "Return-Path: <>\nFrom: Shop <news@example.com>\nSubject: Delivery failed: your parcel",
                "Your parcel could not be delivered today.\n",
            ),
        ),
        (
            "moderation",
            plain(
                "Return-Path: <>\nFrom: l-owner@example.net\nSubject: Your message to L awaits moderator approval",
                "It could not be delivered yet.\n",
            ),
        ),
        (
            "challenge",
            plain(
                "Return-Path: <>\nFrom: bob@example.net\nSubject: Please confirm your message",
                "Your message to bob@example.net has not been delivered.\n",
            ),
        ),
        (
            "empty",
            plain(
                &format!("Return-Path: <>\nFrom: {daemon}\nSubject: {failure}"),
                "",
            ),
        ),
    ];
    for (what, message) in none {
        assert_eq!(notice::read(message.as_bytes()), None, "{what}");
    }
}
