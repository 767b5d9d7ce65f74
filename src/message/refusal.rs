//! What is never sent again in this way, whoever consents.

use thiserror::Error;

use super::header::{self, Field};
use super::resubmission::{PRIVATE, is_mbox_line};
use super::text;

/// Why a message is not sent again. Values are cut to 200 characters.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// It carries `TLS-Required` already: sending it once more changes nothing.
    #[error(
        "the message was sent with TLS-Required: {value:?} already, and the servers did not honour \
         it; sending it again would change nothing"
    )]
    AlreadyOptedOut {
        /// The value of the field.
        value: String,
    },
    /// Its sender asked for more security, not for less.
    #[error(
        "its sender asked for security ({field}: {value:?}); it is not sent without, unless you say so in a \
         terminal with --force"
    )]
    SecurityRequested {
        /// The field that asks.
        field: String,
        /// Its value.
        value: String,
    },
    /// The same, as the notice shows.
    #[error(
        "its sender asked for secure delivery (REQUIRETLS); it is not sent without, unless you say so in a \
         terminal with --force"
    )]
    RequireTls,
    /// It is a notice or an automatic reply, which nobody may repeat (RFC 3834 section 2, RFC 3461
    /// section 6.1).
    #[error(
        "it is a notice or an automatic reply ({field}: {value:?}); those are never sent again"
    )]
    Automatic {
        /// The field that tells.
        field: &'static str,
        /// Its value.
        value: String,
    },
    /// A bare CR stands before a field that nobody may see, or a fold before its colon. It is no field for
    /// us, and could be one for a server on the way, which would pass it on.
    #[error(
        "an odd line end in its header hides a field {field}, which nobody may see; it is not sent again"
    )]
    HiddenField {
        /// The name of the hidden field.
        field: &'static str,
    },
    /// It does not begin with a header field, so a field above it could change its meaning.
    #[error("it does not begin with a header field; give the whole, raw message")]
    NoHeader,
}

/// May this message be sent again with an opt-out? [`super::resubmission::rewrite`] asks this first.
///
/// # Errors
///
/// [`Refusal`] says why not.
pub fn refuse(original: &[u8]) -> Result<(), Refusal> {
    refuse_always(original)?;
    asks_for_security(original).map_or(Ok(()), Err)
}

/// The same, but for a message whose sender asked for security: [`asks_for_security`] tells that.
///
/// # Errors
///
/// [`Refusal`] says why not.
pub fn refuse_always(original: &[u8]) -> Result<(), Refusal> {
    let first = header::fields(original).next().ok_or(Refusal::NoHeader)?;
    if first.name().is_empty() && !is_mbox_line(&first) {
        return Err(Refusal::NoHeader);
    }
    for field in header::fields(original) {
        if let Some(field) = hidden(&field) {
            return Err(Refusal::HiddenField { field });
        }
        if field.is("TLS-Required") {
            let value = start(&field);
            return Err(Refusal::AlreadyOptedOut { value });
        }
    }
    automatic(original).map_or(Ok(()), Err)
}

/// Is it a notice or an automatic reply? [`Refusal::Automatic`] names the field that tells.
pub fn automatic(header: &[u8]) -> Option<Refusal> {
    let (field, value) = sign(header, AUTOMATIC)?;
    Some(Refusal::Automatic { field, value })
}

/// Did its sender ask for security? [`Refusal::SecurityRequested`] names the field that tells.
pub fn asks_for_security(header: &[u8]) -> Option<Refusal> {
    let (field, value) = sign(header, SECURITY)?;
    let field = field.to_owned();
    Some(Refusal::SecurityRequested { field, value })
}

/// The first field that shows one of the signs, and its value.
fn sign(header: &[u8], signs: &[Sign]) -> Option<(&'static str, String)> {
    header::fields(header).find_map(|field| {
        let shows =
            |(name, tells): &&Sign| field.is(name) && tells(&field.text().to_ascii_lowercase());
        signs
            .iter()
            .find(shows)
            .map(|(name, _)| (*name, start(&field)))
    })
}

/// As much of a value as is shown.
fn start(field: &Field) -> String {
    field.text().chars().take(200).collect()
}

/// Does an odd line end hide a field that nobody may see?
///
/// # Errors
///
/// [`Refusal::HiddenField`] names it.
pub fn refuse_hidden(message: &[u8]) -> Result<(), Refusal> {
    match header::fields(message).find_map(|field| hidden(&field)) {
        Some(field) => Err(Refusal::HiddenField { field }),
        None => Ok(()),
    }
}

/// The private field that would be there if a bare CR ended a line, or if a name could be folded.
fn hidden(field: &Field) -> Option<&'static str> {
    let unfolded: Vec<u8> = match field.name().is_empty() {
        true => field
            .raw()
            .iter()
            .copied()
            .filter(|byte| !b"\r\n".contains(byte))
            .collect(),
        false => Vec::new(),
    };
    let lines = field
        .raw()
        .split(|&byte| byte == b'\r')
        .skip(1)
        .chain([&*unfolded]);
    lines
        .filter_map(|line| header::fields(line).next())
        .find_map(|field| PRIVATE.iter().copied().find(|name| field.is(name)))
}

/// The name of a field, and the test that its value must pass to count. The value is given in lower
/// case.
type Sign = (&'static str, fn(&str) -> bool);

/// Fields by which a sender asks for security. `Require-TLS-ESMTP` is Postfix's mark of REQUIRETLS
/// (`REQUIRETLS_README`). `Sensitivity` (RFC 2156 section 5.3.4, RFC 4021): `Personal` says that the
/// message is no business matter, and asks for nothing.
const SECURITY: &[Sign] = &[
    ("Require-TLS-ESMTP", |value| word(value) != "no"),
    ("Sensitivity", |value| {
        word(value) == "private" || value.contains("confidential")
    }),
];

/// Fields that show that a machine wrote the message (RFC 3834).
const AUTOMATIC: &[Sign] = &[
    ("Auto-Submitted", |value| word(value) != "no"),
    ("Return-Path", |value| value.starts_with("<>")),
    ("Precedence", |value| word(value) == "auto_reply"),
    ("Content-Type", is_report),
    ("From", is_daemon),
    ("X-Failed-Recipients", |_| true),
    ("X-Autoreply", |_| true),
    ("X-Autorespond", |_| true),
    ("X-Auto-Response", |_| true),
];

/// DSN, MDN and feedback report, whole (RFC 6522) or bare.
fn is_report(content_type: &str) -> bool {
    const REPORTS: &[&str] = &[
        "multipart/report",
        "message/delivery-status",
        "message/global-delivery-status",
        "message/disposition-notification",
        "message/global-disposition-notification",
        "message/feedback-report",
    ];
    REPORTS.contains(&word(content_type))
}

fn is_daemon(from: &str) -> bool {
    text::addresses(from.as_bytes())
        .iter()
        .any(|address| address.starts_with("mailer-daemon@"))
}

/// The first word of a value, without parameters and comments.
pub(super) fn word(value: &str) -> &str {
    let end = value.find(|c: char| c.is_whitespace() || matches!(c, ';' | '('));
    &value[..end.unwrap_or(value.len())]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::resubmission::rewrite;

    #[test]
    fn what_is_refused() {
        let refused = |field: &str| rewrite(format!("{field}\n\n").as_bytes()).unwrap_err();
        for field in [
            "TLS-Required: No",
            "tls-required : yes",
            "TLS-Required:\n No",
        ] {
            assert!(
                matches!(refused(field), Refusal::AlreadyOptedOut { .. }),
                "{field}"
            );
        }
        for field in [
            "Require-TLS-ESMTP: yes",
            "Sensitivity: Company-Confidential",
            "sensitivity: PRIVATE (really)",
        ] {
            assert!(
                matches!(refused(field), Refusal::SecurityRequested { .. }),
                "{field}"
            );
        }
        for field in [
            "Auto-Submitted: auto-replied (vacation)",
            "Content-Type: Multipart/Report; report-type=delivery-status",
            "Content-Type: message/disposition-notification",
            "Return-Path: <>",
            "Precedence: auto_reply",
            "From: Mail Delivery System <MAILER-DAEMON@example.org>",
            "X-Failed-Recipients: bob@example.net",
        ] {
            assert!(
                matches!(refused(field), Refusal::Automatic { .. }),
                "{field}"
            );
        }
        for message in ["", "\n\nbody", " folded: x\n\n", "no field\nSubject: x\n\n"] {
            assert_eq!(
                rewrite(message.as_bytes()),
                Err(Refusal::NoHeader),
                "{message:?}"
            );
        }
    }

    #[test]
    fn an_odd_line_end_hides_no_bcc() {
        for original in [
            "From: a@example.org\rBcc: x@example.net\rSubject: y\r\rbody",
            "Subject: y\r\n z\rBCC : x@example.net\n\n",
            "Subject: y\nBcc\n : x@example.net\n\n",
            "Subject: y\r\nbcc \r\n\t:x@example.net\r\n\r\n",
        ] {
            let refusal = rewrite(original.as_bytes()).unwrap_err();
            assert_eq!(
                refusal,
                Refusal::HiddenField { field: "Bcc" },
                "{original:?}"
            );
        }
        for original in [
            "Subject: y\r\n\tBcc: folded\r\n\r\nx\rBcc: in the body",
            "Subject: bare\rcarriage return\n\n",
            "Subject: y\nno field\n Bcc: folded\n\n",
        ] {
            assert!(rewrite(original.as_bytes()).is_ok(), "{original:?}");
        }
    }

    #[test]
    fn a_refusal_is_one_line_without_control_characters() {
        let refusal = rewrite(b"Auto-Submitted: \x1b[2J\n evil\n\n")
            .unwrap_err()
            .to_string();
        assert!(!refusal.contains(char::is_control), "{refusal:?}");
    }
}
