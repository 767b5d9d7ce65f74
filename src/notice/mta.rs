//! Which server software wrote a notice.

use crate::message::header;
use crate::notice::Mta;
use crate::notice::status::PerMessage;

/// Of a value at most this many bytes are read.
const MAX_VALUE: usize = 1024;

/// The author, by what only this software writes: extension fields first, then the notice's own
/// header, then set phrases of the text. The first sign that is found decides.
pub(super) fn recognise(message: &[u8], fields: &PerMessage, text: &str) -> Mta {
    by_extension(&fields.extensions)
        .or_else(|| by_host(fields.reporting_mta.as_deref()?))
        .or_else(|| by_header(message))
        .or_else(|| by_origin(message))
        .or_else(|| by_text(text))
        .unwrap_or(Mta::Unknown)
}

/// Postfix puts its `mail_name` into the field names (`bounce_notify_util.c`), so any name that has
/// both a queue id and a sender is a Postfix; ZoneMTA copied the pattern.
fn by_extension(names: &[String]) -> Option<Mta> {
    let has = |name: &str| names.iter().any(|n| n == name);
    if has("x-maddy-msgid") {
        return Some(Mta::Maddy);
    }
    names
        .iter()
        .find_map(|name| match name.strip_suffix("-queue-id")? {
            "x-zonemta" => Some(Mta::Zonemta),
            prefix => has(&format!("{prefix}-sender")).then_some(Mta::Postfix),
        })
}

/// The two services that everybody meets report under their own names.
fn by_host(reporting_mta: &str) -> Option<Mta> {
    let host = reporting_mta.to_ascii_lowercase();
    match host.as_str() {
        "googlemail.com" => Some(Mta::Gmail),
        host if host.ends_with(".outlook.com") => Some(Mta::Exchange),
        _ => None,
    }
}

/// The signs in their order: what several servers write stands last.
#[rustfmt::skip]
fn by_header(message: &[u8]) -> Option<Mta> {
    const FIELDS: [(&str, &str, Mta); 22] = [
        ("X-ZoneMTA-Queue-ID", "", Mta::Zonemta),
        ("X-MS-Exchange-Message-Is-Ndr", "", Mta::Exchange),
        ("X-MS-Embedded-Report", "", Mta::Exchange),
        ("X-MS-TNEF-Correlator", "", Mta::Exchange),
        ("X-MimeOLE", "Produced By Microsoft Exchange", Mta::Exchange),
        ("X-Mailer", "Internet Mail Service (", Mta::Exchange),
        ("Content-Type", "-eximdsn-", Mta::Exim),
        ("From", "mailer-daemon@googlemail.com", Mta::Gmail),
        ("From", "mailer-daemon@google.com", Mta::Gmail),
        ("From", "MicrosoftExchange", Mta::Exchange),
        ("Received", "(Haraka ", Mta::Haraka),
        ("Received", " invoked for bounce)", Mta::Qmail),
        ("Subject", "Warning: could not send message for past", Mta::Sendmail),
        ("Subject", "Returned mail: see transcript for details", Mta::Sendmail),
        ("Subject", "Warning: Delay in message delivery", Mta::Stalwart),
        ("Subject", "Warning: Temporary and permanent failures during message delivery", Mta::Stalwart),
        ("Subject", "Partially delivered message", Mta::Stalwart),
        ("Subject", "Failed to deliver message", Mta::Stalwart),
        ("Subject", "Successfully delivered message", Mta::Stalwart),
        ("Subject", "Delivery status notification: ", Mta::Opensmtpd),
        ("Message-ID", ".JavaMail.", Mta::James),
        ("X-Failed-Recipients", "", Mta::Exim),
    ];
    let mut best = FIELDS.len();
    for field in header::fields(message) {
        if !FIELDS[..best].iter().any(|(name, ..)| field.is(name)) {
            continue;
        }
        let value = field.text_of(MAX_VALUE);
        let says = |(name, sign, _): &(&str, &str, Mta)| field.is(name) && value.contains(sign);
        best = FIELDS[..best].iter().position(says).unwrap_or(best);
    }
    FIELDS.get(best).map(|(.., mta)| *mta)
}

/// The author's own server wrote the lowest `Received`; it has no client that sent it the notice.
fn by_origin(message: &[u8]) -> Option<Mta> {
    let lowest = header::fields(message)
        .filter(|field| field.is("Received"))
        .last()?
        .text();
    let local = !lowest.starts_with("from ");
    if local && lowest.contains("(Postfix)") {
        Some(Mta::Postfix)
    } else if lowest.contains("with local (Exim ") {
        Some(Mta::Exim)
    } else if lowest.contains("[local])") && lowest.contains("(OpenSMTPD)") {
        Some(Mta::Opensmtpd)
    } else {
        None
    }
}

#[rustfmt::skip]
fn by_text(text: &str) -> Option<Mta> {
    const PHRASES: [(&str, Mta); 12] = [
        ("This is the qmail-send program", Mta::Qmail),
        ("This is the Haraka Mailer program", Mta::Haraka),
        ("This is the James mail server at", Mta::James),
        ("----- Transcript of session follows -----", Mta::Sendmail),
        ("Technical details of temporary failure:", Mta::Gmail),
        ("Technical details of permanent failure:", Mta::Gmail),
        ("This is the mail system at host ", Mta::Postfix),
        ("This is the MAILER-DAEMON, please DO NOT REPLY to this email", Mta::Opensmtpd),
        ("This message was created automatically by mail delivery software", Mta::Exim),
        ("Diagnostic information for administrators:", Mta::Exchange),
        ("Error during the last delivery attempt:", Mta::Mox),
        ("There was a temporary problem delivering your message to the following", Mta::Stalwart),
    ];
    PHRASES.iter().find(|(phrase, _)| text.contains(phrase)).map(|(_, mta)| *mta)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mta(header: &str, extensions: &[&str], reporting_mta: &str, text: &str) -> Mta {
        let fields = PerMessage {
            reporting_mta: Some(reporting_mta.to_owned()),
            extensions: extensions.iter().map(|name| (*name).to_owned()).collect(),
            ..PerMessage::default()
        };
        recognise(header.as_bytes(), &fields, text)
    }

    #[test]
    fn the_author_not_the_server_that_received_it() {
        let received = "Received: from relay.example.com by mx.example.org (Postfix)\n";
        assert_eq!(mta(received, &[], "", ""), Mta::Unknown);
        let own = format!("{received}Received: by mail.example.com (Postfix)\n\tid 1\n");
        assert_eq!(mta(&own, &[], "", ""), Mta::Postfix);
        let exim = format!("{received}X-Failed-Recipients: a@b\n");
        assert_eq!(mta(&exim, &[], "", ""), Mta::Exim);
    }

    #[test]
    fn names_of_fields_and_hosts() {
        assert_eq!(
            mta("", &["x-my_mail-queue-id", "x-my_mail-sender"], "", ""),
            Mta::Postfix
        );
        assert_eq!(
            mta("", &["x-zonemta-queue-id", "x-zonemta-sender"], "", ""),
            Mta::Zonemta
        );
        assert_eq!(mta("", &["x-maddy-msgid"], "", ""), Mta::Maddy);
        assert_eq!(mta("", &["x-other-queue-id"], "", ""), Mta::Unknown);
        assert_eq!(
            mta("", &[], "AM0PR01.eurprd01.PROD.OUTLOOK.COM", ""),
            Mta::Exchange
        );
        assert_eq!(mta("", &[], "googlemail.com", ""), Mta::Gmail);
    }
}
