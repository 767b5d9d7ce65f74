//! Notices in the layouts of the servers, written for the tests from how these servers work.

mod others;
pub(crate) mod prose;

/// The servers that [`notice`] can speak for.
pub(crate) const SERVERS: [&str; 15] = [
    "postfix",
    "sendmail",
    "opensmtpd",
    "mox",
    "stalwart",
    "exim",
    "maddy",
    "haraka",
    "zonemta",
    "james",
    "exchange",
    "gmail",
    "unknown",
    "qmail",
    "gmail before 2016",
];

const ORIGINAL: &str = "From: Alice <alice@example.org>\nTo: bob@example.net\nSubject: TLS is required\n\
    Message-ID: <original@example.org>\nDate: Tue, 24 Nov 2026 06:40:11 +0000\n";

/// A delay warning about bob@example.net. `own`: the server speaks itself, else `words` are the
/// remote's reply.
pub(crate) fn notice(server: &str, own: bool, status: &str, words: &str) -> String {
    match server {
        "postfix" => postfix(own, status, words),
        "sendmail" => sendmail(own, status, words),
        "opensmtpd" => opensmtpd(status, words),
        "mox" => mox(own, status, words),
        "stalwart" => stalwart(own, status, words),
        "exim" => others::exim(own, words),
        "maddy" => others::maddy(status, words),
        "haraka" => others::haraka(own, status, words),
        "zonemta" => others::zonemta(words),
        "james" => others::james(status, words),
        "exchange" => others::exchange(status, words),
        "gmail" => others::gmail(status, words),
        "unknown" => others::unknown(own, status, words),
        "qmail" => prose::qmail(own, words),
        "gmail before 2016" => prose::gmail(words),
        _ => panic!("no layout for {server}"),
    }
}

fn postfix(own: bool, status: &str, words: &str) -> String {
    let quoted = words
        .split_once("refused to start TLS: ")
        .or(words.split_once(" said: "));
    let (text, diagnostic) = match (own, quoted) {
        (true, None) => (words.to_owned(), format!("X-Postfix; {words}")),
        (true, Some((_, reply))) => (
            words.to_owned(),
            format!("smtp; {reply}\nRemote-MTA: dns; mx.example.net"),
        ),
        (false, _) => (
            format!("host mx.example.net[192.0.2.1] said: {words} (in reply to MAIL FROM command)"),
            format!("smtp; {words}\nRemote-MTA: dns; mx.example.net"),
        ),
    };
    let text = format!(
        "This is the mail system at host mail.example.org.\n\n<bob@example.net>: {}\n",
        text.replace(' ', "\n    ")
    );
    let status = format!(
        "Reporting-MTA: dns; mail.example.org\nX-Postfix-Queue-ID: 5DC\nX-Postfix-Sender: rfc822; alice@example.org\n\n\
         Final-Recipient: rfc822; bob@example.net\nAction: delayed\nStatus: {status}\nDiagnostic-Code: {diagnostic}\n"
    );
    let from = "Mail Delivery System <MAILER-DAEMON@example.org>";
    report(
        from,
        "Delayed Mail (still being retried)",
        &text,
        &status,
        "text/rfc822-headers",
    )
}

fn sendmail(own: bool, status: &str, words: &str) -> String {
    let session = if own {
        String::new()
    } else {
        format!(
            "... while talking to mx.example.net.:\n>>> MAIL From:<alice@example.org>\n<<< {words}\n"
        )
    };
    let text = format!(
        "The original message was received at Mon, 23 Nov 2026 05:48:44 GMT\n\n\
         \x20  ----- Transcript of session follows -----\n{session}\
         <bob@example.net>... Deferred: {words}\nWarning: message still undelivered after 4 hours\n"
    );
    let status = format!(
        "Reporting-MTA: dns; mail.example.org\n\nFinal-Recipient: RFC822; bob@example.net\n\
         Action: delayed\nStatus: {status}\nRemote-MTA: DNS; mx.example.net\nDiagnostic-Code: SMTP; {words}\n"
    );
    let subject = "Warning: could not send message for past 4 hours";
    report(
        "MAILER-DAEMON@mail.example.org",
        subject,
        &text,
        &status,
        "message/rfc822",
    )
}

fn opensmtpd(status: &str, words: &str) -> String {
    let text = format!(
        "    Hi!\n\n    This is the MAILER-DAEMON, please DO NOT REPLY to this email.\n\n\
         bob@example.net: {words}\n\n    Below is a copy of the original message:\n"
    );
    let status = format!(
        "Reporting-MTA: dns; mail.example.org\n\nFinal-Recipient: rfc822; bob@example.net\n\
         Action: delayed\nStatus: {status}\n"
    );
    let from = "Mailer Daemon <MAILER-DAEMON@mail.example.org>";
    let subject = "Delivery status notification: delayed";
    report(from, subject, &text, &status, "text/rfc822-headers").replace(
        "multipart/report; report-type=delivery-status; ",
        "multipart/mixed;",
    )
}

/// mox: the error is in the text and in a comment behind the status code; a reply is also the
/// `Diagnostic-Code`. With SMTPUTF8 originals the headers part is base64.
fn mox(own: bool, status: &str, words: &str) -> String {
    let (error, reply) = if own {
        (words.to_owned(), String::new())
    } else {
        let error = format!(
            "MAIL FROM: smtp error: got {}, transient: {words}",
            &words[..3]
        );
        (error, format!("Diagnostic-Code: smtp; {words}\n"))
    };
    let text = format!(
        "\nDelivery has been delayed of your email to:\n\n\tbob@example.net\n\n\
         Next attempts to deliver: in 4 hours, 8 hours and 16 hours.\n\n\
         Error during the last delivery attempt:\n\n\t{error}\n"
    );
    let status = format!(
        "Reporting-MTA: dns; mail.example.org\nArrival-Date: Tue, 24 Nov 2026 06:40:12 +0000\n\n\
         Final-Recipient: rfc822;bob@example.net\nAction: delayed\nStatus: {status} ({error})\n\
         Remote-MTA: dns;mx.example.net (192.0.2.1)\n{reply}"
    );
    let headers = "text/rfc822-headers; charset=utf-8\nContent-Transfer-Encoding: BASE64";
    let plain = report(
        "<postmaster@mail.example.org>",
        "mail delivery delayed",
        &text,
        &status,
        headers,
    );
    plain.replace(ORIGINAL, &base64(ORIGINAL.as_bytes()))
}

/// Stalwart: the reason is in the text only; the header block comes as message/rfc822.
fn stalwart(own: bool, status: &str, words: &str) -> String {
    let (reason, reply) = if own {
        (words.to_owned(), String::new())
    } else {
        let (code, reply) = words.split_once(' ').unwrap();
        let command = "command 'MAIL FROM:<alice@example.org>'";
        (
            format!(
                "(host 'mx.example.net' rejected {command} with code {code} (4.0.0) '{reply}')"
            ),
            format!("Diagnostic-Code: smtp;{words}\n"),
        )
    };
    let text = format!(
        "There was a temporary problem delivering your message to the following recipients:\n\n\
         <bob@example.net> {reason}\n\n"
    );
    let text = text
        .replace('=', "=3D")
        .replace(" the following", " the fol=\nlowing");
    let status = format!(
        "Reporting-MTA: dns;mail.example.org\nArrival-Date: Tue, 24 Nov 2026 06:40:12 +0000\n\n\
         Final-Recipient: rfc822;bob@example.net\nAction: delayed\nStatus: {status}\n{reply}\
         Remote-MTA: dns;mx.example.net\nWill-Retry-Until: Sat, 28 Nov 2026 05:56:21 +0000\n\n"
    );
    let from = "\"Mail Delivery Subsystem\" <MAILER-DAEMON@example.org>";
    report(
        from,
        "Warning: Delay in message delivery",
        &text,
        &status,
        "message/rfc822",
    )
    .replace(
        "Content-Type: text/plain",
        "Content-Type: text/plain\nContent-Transfer-Encoding: quoted-printable",
    )
}

fn report(from: &str, subject: &str, text: &str, status: &str, returned: &str) -> String {
    format!(
        "Return-Path: <>\nFrom: {from}\nTo: alice@example.org\nSubject: {subject}\nMIME-Version: 1.0\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=\"b/1\"\n\n\
         --b/1\nContent-Type: text/plain\n\n{text}\n\
         --b/1\nContent-Type: message/delivery-status\n\n{status}\n\
         --b/1\nContent-Type: {returned}\n\n{ORIGINAL}\n--b/1--\n"
    )
}

fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut encoded = String::new();
    for (at, chunk) in bytes.chunks(3).enumerate() {
        let block = chunk
            .iter()
            .chain([&0, &0])
            .take(3)
            .fold(0, |sum, b| sum << 8 | usize::from(*b));
        let digit = |shift: usize| DIGITS[block >> shift & 63] as char;
        encoded.extend([digit(18), digit(12)]);
        encoded.push(if chunk.len() > 1 { digit(6) } else { '=' });
        encoded.push(if chunk.len() > 2 { digit(0) } else { '=' });
        if at % 20 == 19 {
            encoded.push('\n');
        }
    }
    encoded
}
