//! Telling the other side: a letter to the postmaster of a domain whose TLS fails.
//!
//! It carries `TLS-Required: No`, or it would be held back by what it reports: the use that RFC 8689
//! (section 3, appendix A.2) has in mind. It is a letter by a person, no TLS report of RFC 8460. What
//! it tells is what the domain's own server did and what ours said of it, nothing about the message
//! that waits: no subject, no text, no recipient but the domain.

use mail_builder::MessageBuilder;

use crate::message::resubmission::OPT_OUT;
use crate::message::text::rfc3339;
use crate::notice::{Cause, Notice, RecipientReport};
use crate::terminal::shown;

/// A letter that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// `postmaster@` the failing domain, which must exist (RFC 5321 section 4.5.1).
    pub to: String,
    /// The whole message with CRLF line ends, [`OPT_OUT`] first.
    pub bytes: Vec<u8>,
    /// The text alone, for people; safe to show.
    pub text: String,
}

/// The letter about the first recipient of the notice for whom TLS failed at the other side. `None`
/// when there is none. `now`: seconds since 1970. `id`: the left side of its Message-ID.
pub fn letter(notice: &Notice, from: &str, id: &str, now: i64) -> Option<Letter> {
    let report = notice
        .recipients
        .iter()
        .find(|report| report.cause.is_tls() && advice(report.cause).is_some())?;
    let recipient = report
        .original_recipient
        .as_ref()
        .unwrap_or(&report.final_recipient);
    let (_, domain) = recipient.rsplit_once('@')?;
    let (_, own) = from.rsplit_once('@')?;
    if !is_domain(domain) {
        return None;
    }
    let text = text(notice, report, domain)?;
    let to = format!("postmaster@{domain}");
    let message = MessageBuilder::new()
        .from(from)
        .to(to.as_str())
        .subject(format!("TLS failure at the mail server of {domain}"))
        .date(now)
        .message_id(format!("{id}@{own}"))
        .text_body(text.as_str())
        .write_to_vec()
        .ok()?;
    let mut bytes = format!("{OPT_OUT}\r\n").into_bytes();
    bytes.extend(message);
    Some(Letter { to, bytes, text })
}

fn text(notice: &Notice, report: &RecipientReport, domain: &str) -> Option<String> {
    let mut text = format!(
        "Hello,\n\nmail for {domain} does not get through: TLS with your mail server\nfails, and our mail \
         server may not deliver without.\n\n    {}\n\n",
        report.cause.words()
    );
    let mut line = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            text += &format!("{name:<16}{}\n", without_mailboxes(value, report));
        }
    };
    line("Your server", report.remote_mta.as_deref());
    line("Our server", notice.reporting_mta.as_deref());
    line("Since", notice.arrival_date.map(rfc3339).as_deref());
    line("Status", report.status.as_deref());
    line(
        "It says",
        report.text.as_deref().or(report.diagnostic.as_deref()),
    );
    text += &format!("\nWhat may help: {}\n\n", advice(report.cause)?);
    text += "This letter asks the servers on its way not to insist on TLS (RFC 8689),\n\
             so that it can reach you. Other mail does not.\n";
    Some(text)
}

/// The words of a server, without the mailboxes of the recipient in them, safe to show.
fn without_mailboxes(words: &str, report: &RecipientReport) -> String {
    let mut words = words.to_owned();
    let addresses = [
        Some(&report.final_recipient),
        report.original_recipient.as_ref(),
    ];
    for (local, _) in addresses
        .into_iter()
        .flatten()
        .filter_map(|a| a.rsplit_once('@'))
    {
        words = words.replace(&format!("{local}@"), "...@");
    }
    shown(&words)
}

/// What the other side can do. `None` where the fault is not there.
fn advice(cause: Cause) -> Option<&'static str> {
    Some(match cause {
        Cause::StarttlsNotOffered => "let the server offer STARTTLS to everyone",
        Cause::StarttlsRejected => {
            "see why the server refuses STARTTLS, which it offers; its log has the reason"
        }
        Cause::HandshakeFailed => {
            "see that the server's key and certificate can be read, and that it speaks TLS 1.2 or 1.3"
        }
        Cause::CertificateUntrusted | Cause::CertificateUnspecified => {
            "see that the certificate is current, is for the name of the MX, and comes with its chain"
        }
        Cause::CertificateExpired => "renew the certificate, and restart the server with it",
        Cause::CertificateNameMismatch => {
            "use a certificate for the name of the MX, or change the MX record"
        }
        Cause::DaneTlsaLookupFailed => {
            "see that the zone's DNSSEC and its TLSA records can be looked up"
        }
        Cause::DaneTlsaMissing | Cause::DaneTlsaUnusable => {
            "publish TLSA records that can be used (3 1 1), or none"
        }
        Cause::DaneMismatch => {
            "publish the TLSA records of the present certificate; after a change both the old and the new"
        }
        Cause::MtaStsPolicy => {
            "see that the MTA-STS policy can be fetched and names every MX; its id must change with it"
        }
        Cause::MxNotAuthenticated => "sign the zone with DNSSEC, the MX records included",
        Cause::TlsRequiredUnspecified => {
            "see that the server offers STARTTLS with a good certificate"
        }
        _ => return None,
    })
}

/// A name that can stand behind an `@`, and in a subject. What a notice says is not to be trusted.
fn is_domain(domain: &str) -> bool {
    !domain.is_empty()
        && domain.len() <= 255
        && domain
            .chars()
            .all(|c| c.is_alphanumeric() || matches!(c, '.' | '-'))
}
