//! Reports of the servers that few people run themselves, and of the services that everybody meets.

use super::{ORIGINAL, report};

const FROM: &str = "Mail Delivery System <Mailer-Daemon@mail.example.org>";

/// Exim since 4.86. Of a remote reply it quotes the command too; its own findings it keeps.
pub(super) fn exim(own: bool, words: &str) -> String {
    let reason = if own {
        words.to_owned()
    } else {
        format!("SMTP error from remote mail server after MAIL FROM:<alice@example.org>: {words}")
    };
    let diagnostic = reason.split_once(": ").map_or("", |(_, reply)| reply);
    let text = format!(
        "This message was created automatically by mail delivery software.\n\
         A message that you sent has not yet been delivered to one or more of its\n\
         recipients after more than 24 hours on the queue on mail.example.org.\n\n\
         The message identifier is:     1x0-0001-00\nThe subject of the message is: TLS is required\n\n\
         The address to which the message has not yet been delivered is:\n\n  bob@example.net\n    \
         host mx.example.net [192.0.2.1]\n    Delay reason: {reason}\n\nNo action is required on your part.\n"
    );
    let status = format!(
        "Reporting-MTA: dns; mail.example.org\n\nAction: delayed\nFinal-Recipient: rfc822;bob@example.net\n\
         Status: 4.0.0\nRemote-MTA: dns; mx.example.net\nDiagnostic-Code: smtp; {diagnostic}\n"
    );
    let subject = "Warning: message 1x0-0001-00 delayed 24 hours";
    report(FROM, subject, &text, &status, "text/rfc822-headers").replace("b/1", "1-eximdsn-2")
}

/// maddy gives the type `smtp` to its own findings with a code.
pub(super) fn maddy(status: &str, words: &str) -> String {
    let text = format!(
        "This is the mail delivery system.\n\nDelivery to bob@example.net failed with error: {words}\n"
    );
    let status = format!(
        "Reporting-MTA: dns; mail.example.org\nX-Maddy-Sender: utf8; alice@example.org\nX-Maddy-MsgID: 1a2b\n\n\
         Final-Recipient: utf8; bob@example.net\nAction: failed\nStatus: {status}\nDiagnostic-Code: smtp; {words}\n"
    );
    let subject = "Undelivered Mail Returned to Sender";
    report(FROM, subject, &text, &status, "message/rfc822-headers")
}

/// Haraka repeats the reason as a comment behind the status code.
pub(super) fn haraka(own: bool, status: &str, words: &str) -> String {
    let reason = if own {
        format!("Too many failures ({words})")
    } else {
        format!("Some recipients failed: Upstream error: {words}")
    };
    let text = format!(
        "Hi. This is the Haraka Mailer program at mail.example.org.\n\
         I'm afraid I wasn't able to deliver your message to the following addresses.\n\
         This is a permanent error; I've given up.\n\n\
         Intended Recipients: <bob@example.net>\nFailure Reason: {reason}\n"
    );
    let status = format!(
        "Reporting-MTA: dns;mail.example.org\nOriginal-Envelope-Id: <original@example.org>\n\n\
         Final-Recipient: rfc822;bob@example.net\nAction: failed\nStatus: {status} ({reason})\n\
         Diagnostic-Code: smtp;{words}\n"
    );
    report(
        "MAILER-DAEMON@mail.example.org",
        "failure notice",
        &text,
        &status,
        "message/rfc822",
    )
}

/// ZoneMTA gives the type `smtp` to every text, and one status to all failures.
pub(super) fn zonemta(words: &str) -> String {
    let text = format!(
        "Delivery to the following recipient has been delayed:\n\n    bob@example.net\n\n\
         Technical details of the failure:\n\n{words}\n"
    );
    let status = format!(
        "Reporting-MTA: dns; mail.example.org\nX-ZoneMTA-Queue-ID: 1a2b\nX-ZoneMTA-Sender: rfc822; alice@example.org\n\n\
         Final-Recipient: rfc822; bob@example.net\nAction: delayed\nStatus: 4.0.0\n\
         Diagnostic-Code: smtp; {words}\n"
    );
    let subject = "Delivery Status Notification (Delay: bob@example.net)";
    report(FROM, subject, &text, &status, "text/rfc822-headers").replace(
        "\nSubject: Delivery",
        "\nX-Failed-Recipients: bob@example.net\nSubject: Delivery",
    )
}

pub(super) fn james(status: &str, words: &str) -> String {
    let text = format!(
        "Hi. This is the James mail server at mail.example.org.\n\
         I'm afraid I wasn't able to deliver your message to the following addresses.\n\
         This is a permanent error; I've given up.\n\n\
         Failed recipient(s):\nbob@example.net\n\nError message:\n{words}\n"
    );
    let status = format!(
        "Reporting-MTA: dns; mail.example.org\nReceived-From-MTA: dns; 192.0.2.7\n\n\
         Final-Recipient: rfc822; bob@example.net\nAction: failed\nStatus: {status}\n\
         Diagnostic-Code: X-James; {words}\n"
    );
    report(
        "postmaster@mail.example.org",
        "Re: TLS is required",
        &text,
        &status,
        "message/rfc822",
    )
}

/// Exchange: the words for people are in the language of the reader, plain and as HTML.
pub(super) fn exchange(status: &str, words: &str) -> String {
    let plain = format!(
        "Die Zustellung an folgende Empf=C3=A4nger wurde verz=C3=B6gert:\n\n\
         bob@example.net (bob@example.net)\n\n\
         Diagnoseinformationen f=C3=BCr Administratoren:\n\nGenerierender Server: AM0PR01.example.org\n\n\
         bob@example.net\nRemote Server returned '{words}'\n\n\
         Urspr=C3=BCngliche Nachrichtenkopfzeilen:\n\n{ORIGINAL}"
    );
    let text = format!(
        "Content-Type: multipart/alternative; boundary=\"b/2\"\n\n\
         --b/2\nContent-Type: text/plain; charset=\"utf-8\"\nContent-Transfer-Encoding: quoted-printable\n\n{plain}\n\
         --b/2\nContent-Type: text/html; charset=\"utf-8\"\n\n<p>bob@example.net<br>TLS required</p>\n--b/2--\n"
    );
    let status = format!(
        "Reporting-MTA: dns;AM0PR01.example.org\nReceived-From-MTA: dns;AM0PR02.example.org\n\n\
         Final-Recipient: rfc822;bob@example.net\nAction: delayed\nStatus: {status}\n\
         Diagnostic-Code: smtp;{words}\nRemote-MTA: dns;mx.example.net\nX-Display-Name: Bob\n"
    );
    let from = "MicrosoftExchange329e71ec88ae4615bbc36ab6ce41109e@example.org";
    let subject = "=?utf-8?Q?Verz=C3=B6gerte_Zustellung?=: TLS is required";
    let message = report(from, subject, "", &status, "message/rfc822");
    message.replace("Content-Type: text/plain\n\n", &text)
}

/// Gmail since 2016: its prose is in the machine part too, folded.
pub(super) fn gmail(status: &str, words: &str) -> String {
    let text = format!(
        "Content-Type: multipart/related; boundary=\"b/2\"\n\n--b/2\n\
         Content-Type: multipart/alternative; boundary=\"b/3\"\n\n\
         --b/3\nContent-Type: text/plain; charset=\"UTF-8\"\n\n\n** Delivery incomplete **\n\n\
         There was a temporary problem delivering your message to bob@example.net. Gmail will retry \
         for 46 more hours.\n\nThe response was:\n\n{words}\n\
         --b/3\nContent-Type: text/html; charset=\"UTF-8\"\n\n<p>TLS required</p>\n--b/3--\n\
         --b/2\nContent-Type: image/png\n\nx\n--b/2--\n"
    );
    let folded = words.replace(' ', "\n ");
    let status = format!(
        "Reporting-MTA: dns; googlemail.com\nArrival-Date: Tue, 24 Nov 2026 06:40:12 -0800 (PST)\n\
         X-Original-Message-ID: <original@example.org>\n\n\
         Final-Recipient: rfc822; bob@example.net\nAction: delayed\nStatus: {status}\n\
         Diagnostic-Code: smtp; {folded}\nWill-Retry-Until: Thu, 26 Nov 2026 06:40:12 -0800 (PST)\n"
    );
    let from = "Mail Delivery Subsystem <mailer-daemon@googlemail.com>";
    let message = report(
        from,
        "Delivery Status Notification (Delay)",
        "",
        &status,
        "message/rfc822",
    );
    message
        .replace("Content-Type: text/plain\n\n", &text)
        .replace(
            "\nSubject: Delivery",
            "\nX-Failed-Recipients: bob@example.net\nSubject: Delivery",
        )
}

/// A server that nobody knows: RFC 3464 and no more.
pub(super) fn unknown(own: bool, status: &str, words: &str) -> String {
    let kind = if own { "X-Mail" } else { "smtp" };
    let status = format!(
        "Reporting-MTA: dns; mail.example.org\n\nFinal-Recipient: rfc822; bob@example.net\nAction: delayed\n\
         Status: {status}\nDiagnostic-Code: {kind}; {words}\n"
    );
    report(
        "postmaster@mail.example.org",
        "Your message",
        "It waits.\n",
        &status,
        "text/rfc822-headers",
    )
}
