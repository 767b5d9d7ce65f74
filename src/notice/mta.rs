//! Which server software wrote a notice.

use crate::message::header;
use crate::notice::Mta;
use crate::notice::report::PerMessage;

/// The author, by what only this software writes: extension fields first, then the notice's own
/// header, then set phrases of the text. The first sign that is found decides.
pub(super) fn recognise(message: &[u8], fields: &PerMessage, text: &str) -> Mta {
    by_extension(&fields.extensions)
        .or_else(|| by_host(fields.reporting_mta.as_deref()?))
        .or_else(|| by_header(message))
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

fn by_header(message: &[u8]) -> Option<Mta> {
    const FIELDS: [(&str, Mta); 3] = [
        ("X-Failed-Recipients", Mta::Exim),
        ("X-ZoneMTA-Queue-ID", Mta::Zonemta),
        ("X-MS-Exchange-Message-Is-Ndr", Mta::Exchange),
    ];
    const VALUES: [(&str, &str, Mta); 10] = [
        ("Content-Type", "-eximdsn-", Mta::Exim),
        ("Received", "(Exim ", Mta::Exim),
        ("Received", "(OpenSMTPD)", Mta::Opensmtpd),
        ("Received", "(Postfix)", Mta::Postfix),
        ("Received", "(Haraka", Mta::Haraka),
        (
            "Subject",
            "Warning: could not send message for past",
            Mta::Sendmail,
        ),
        (
            "Subject",
            "Returned mail: see transcript for details",
            Mta::Sendmail,
        ),
        ("From", "mailer-daemon@googlemail.com", Mta::Gmail),
        ("From", "MicrosoftExchange", Mta::Exchange),
        (
            "Subject",
            "Warning: Delay in message delivery",
            Mta::Stalwart,
        ),
    ];
    let mut received = false;
    header::fields(message).find_map(|field| {
        // Only the first hop from below is the author's; the topmost is near enough for a name.
        let first_received = field.is("Received") && !std::mem::replace(&mut received, true);
        let value = field.text();
        let by_value = VALUES.iter().find(|(name, sign, _)| {
            field.is(name) && value.contains(sign) && (*name != "Received" || first_received)
        });
        let by_name = FIELDS.iter().find(|(name, _)| field.is(name));
        by_name
            .map(|(_, mta)| *mta)
            .or_else(|| by_value.map(|(_, _, mta)| *mta))
    })
}

fn by_text(text: &str) -> Option<Mta> {
    const PHRASES: [(&str, Mta); 10] = [
        ("This is the mail system at host ", Mta::Postfix),
        ("Transcript of session follows -----", Mta::Sendmail),
        (
            "This is the MAILER-DAEMON, please DO NOT REPLY to this email",
            Mta::Opensmtpd,
        ),
        (
            "This message was created automatically by mail delivery software",
            Mta::Exim,
        ),
        ("Diagnostic information for administrators:", Mta::Exchange),
        ("Error during the last delivery attempt:", Mta::Mox),
        (
            "There was a temporary problem delivering your message to the following",
            Mta::Stalwart,
        ),
        (
            "Your message could not be delivered to the following recipients:",
            Mta::Stalwart,
        ),
        (
            "Your message could not be delivered to some recipients:",
            Mta::Stalwart,
        ),
        ("Your message has been partially delivered:", Mta::Stalwart),
    ];
    PHRASES
        .iter()
        .find(|(phrase, _)| text.contains(phrase))
        .map(|(_, mta)| *mta)
}
