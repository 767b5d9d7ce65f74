//! What leaves the machine: the original with the opt-out on top, and without what only the
//! machine at home or a server on the way has added.
//!
//! Everything else stays byte for byte, line ends included; putting CRLF on the wire is the task of
//! the submission. `Mail-Followup-To`, `Resent-From` and their like are the sender's words and stay.

use super::header::{self, Field};
use super::refusal::{Refusal, refuse, refuse_always, word};

/// The field that asks for delivery without TLS policy (RFC 8689 section 3), without line end. At
/// least one server compares the value with its case and does not trim it.
pub const OPT_OUT: &str = "TLS-Required: No";

/// Recipients that nobody else may see (RFC 5322 sections 3.6.3 and 3.6.6), and the private
/// bookkeeping of mail readers in the copy that they keep.
pub(super) const PRIVATE: &[&str] = &[
    "Bcc",
    "Resent-Bcc",
    "Apparently-To",
    "Fcc",
    "Gcc",
    "X-Label",
    "X-Identity-Key",
    "X-Account-Key",
];

/// What servers write on the way (RFC 5321 section 4.4, RFC 8601, and their older cousins).
const TRACE: &[&str] = &[
    "Return-Path",
    "Received",
    "Received-SPF",
    "X-Received",
    "Delivered-To",
    "X-Delivered-To",
    "X-Original-To",
    "Envelope-To",
    "X-Envelope-To",
    "X-Envelope-From",
    "Delivery-Date",
    "Authentication-Results",
    // Postfix's mark of REQUIRETLS, which would have the server ignore the opt-out.
    "Require-TLS-ESMTP",
    "X-Google-Smtp-Source",
    "X-Gm-Message-State",
];

/// What servers sign with. The submission server signs again. In a message that the user has resent
/// (`Resent-From`) the signature is its author's and stays.
const SIGNATURES: &[&str] = &[
    "DKIM-Signature",
    "X-Google-DKIM-Signature",
    "DomainKey-Signature",
    "ARC-Seal",
    "ARC-Message-Signature",
    "ARC-Authentication-Results",
];

/// What mail stores add: mbox and IMAP servers, mbsync, OfflineIMAP, Gnus.
const STORE: &[&str] = &[
    "Status",
    "X-Status",
    "X-Keywords",
    "X-UID",
    "X-UIDL",
    "X-IMAP",
    "X-IMAPbase",
    "X-TUID",
    "X-OfflineIMAP",
    "Content-Length",
    "Lines",
    "Xref",
    "X-From-Line",
    "X-Gnus-Mail-Source",
];

/// Fields that mail readers add to their copies, known by how their names begin.
const STORE_PREFIXES: &[&str] = &["X-Mutt-", "X-Mozilla-", "X-Evolution-"];

/// A message as it will be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rewritten {
    /// The whole message, [`OPT_OUT`] first, line ends as the original has them.
    pub bytes: Vec<u8>,
    /// Names of the fields that were taken out, as they are written and in their order. The `From `
    /// line of an mbox stands as `From `.
    pub removed: Vec<String>,
}

/// The message to submit for `original`: [`OPT_OUT`] added exactly once as the very first field,
/// private, trace and store fields removed, every other byte kept.
///
/// # Errors
///
/// [`Refusal`] for a message that must not be sent again in this way, whoever consents.
pub fn rewrite(original: &[u8]) -> Result<Rewritten, Refusal> {
    refuse(original)?;
    Ok(rewritten(original))
}

/// The same for a message whose sender asked for security, when the user goes against that wish.
///
/// # Errors
///
/// [`Refusal`] for every other reason.
pub fn rewrite_against_wish(original: &[u8]) -> Result<Rewritten, Refusal> {
    refuse_always(original)?;
    Ok(rewritten(original))
}

fn rewritten(original: &[u8]) -> Rewritten {
    let resent = header::first(original, "Resent-From").is_some();
    let mut bytes = Vec::with_capacity(original.len() + OPT_OUT.len() + 2);
    bytes.extend_from_slice(OPT_OUT.as_bytes());
    bytes.extend_from_slice(line_end(original));
    let mut removed = Vec::new();
    let mut length = 0;
    for field in header::fields(original) {
        length += field.raw().len();
        if is_mbox_line(&field) {
            removed.push("From ".to_owned());
        } else if is_removed(&field, resent) {
            removed.push(String::from_utf8_lossy(field.name()).into_owned());
        } else {
            bytes.extend_from_slice(field.raw());
        }
    }
    bytes.extend_from_slice(&original[length..]);
    Rewritten { bytes, removed }
}

/// Is the message encrypted itself (RFC 3156 section 4, RFC 8551 section 3.3, or PGP in the text)? Then
/// broken TLS exposes its header only.
pub fn is_encrypted(message: &[u8]) -> bool {
    let media = header::text(message, "Content-Type")
        .unwrap_or_default()
        .to_ascii_lowercase();
    match word(&media) {
        "multipart/encrypted" => true,
        "application/pkcs7-mime" | "application/x-pkcs7-mime" => media.contains("enveloped"),
        _ => {
            let body = header::body(message).trim_ascii();
            body.starts_with(b"-----BEGIN PGP MESSAGE-----")
                && body.ends_with(b"-----END PGP MESSAGE-----")
        }
    }
}

fn is_removed(field: &Field, resent: bool) -> bool {
    let is_any = |names: &[&str]| names.iter().any(|name| field.is(name));
    let begins = |prefix: &&str| {
        field
            .name()
            .get(..prefix.len())
            .is_some_and(|n| n.eq_ignore_ascii_case(prefix.as_bytes()))
    };
    is_any(PRIVATE)
        || is_any(TRACE)
        || is_any(STORE)
        || (!resent && is_any(SIGNATURES))
        || STORE_PREFIXES.iter().any(begins)
}

/// The line that separates the messages of an mbox (a pipe from an mbox folder begins with it), and
/// the same line after another mbox has quoted it.
pub(super) fn is_mbox_line(field: &Field) -> bool {
    let raw = field.raw();
    field.name().is_empty() && raw.strip_prefix(b">").unwrap_or(raw).starts_with(b"From ")
}

/// The line end that the first line of the message has.
pub(super) fn line_end(message: &[u8]) -> &'static [u8] {
    match memchr::memchr(b'\n', message) {
        Some(lf) if lf > 0 && message[lf - 1] == b'\r' => b"\r\n",
        _ => b"\n",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(original: &str) -> String {
        String::from_utf8(rewrite(original.as_bytes()).unwrap().bytes).unwrap()
    }

    #[test]
    fn the_field_comes_first_with_the_line_end_of_the_message() {
        assert_eq!(
            sent("Subject: x\n\nbody\r\n"),
            "TLS-Required: No\nSubject: x\n\nbody\r\n"
        );
        assert_eq!(
            sent("Subject: x\r\n\r\nb"),
            "TLS-Required: No\r\nSubject: x\r\n\r\nb"
        );
        assert_eq!(sent("Subject: x"), "TLS-Required: No\nSubject: x");
        assert_eq!(sent("Bcc: x"), "TLS-Required: No\n");
    }

    #[test]
    fn bcc_never_leaves_however_it_is_written() {
        let original = "BCC : a@example.org,\n b@example.org\nTo: c@example.net\nResent-bcc:\td\n\
                        X-Bcc-Note: stays\nbcc\t:\n e\n\nBcc: in the body\n";
        assert_eq!(
            sent(original),
            "TLS-Required: No\nTo: c@example.net\nX-Bcc-Note: stays\n\nBcc: in the body\n"
        );
        let removed = rewrite(original.as_bytes()).unwrap().removed;
        assert_eq!(removed, ["BCC", "Resent-bcc", "bcc"]);
    }

    #[test]
    fn encrypted_messages_are_known() {
        for (header, encrypted) in [
            ("Content-Type: multipart/encrypted;\n boundary=x\n\n", true),
            (
                "Content-Type: application/pkcs7-mime; smime-type=enveloped-data\n\n",
                true,
            ),
            (
                "Content-Type: application/pkcs7-mime; smime-type=signed-data\n\n",
                false,
            ),
            ("Content-Type: multipart/signed; boundary=x\n\n", false),
            (
                "Subject: x\n\n\n-----BEGIN PGP MESSAGE-----\nx\n-----END PGP MESSAGE-----\n",
                true,
            ),
            (
                "Subject: x\n\n-----BEGIN PGP MESSAGE-----\nx\n-----END PGP MESSAGE-----\nps\n",
                false,
            ),
            (
                "Content-Type: application/pkcs7-mime; name=smime.p7m\n\n",
                false,
            ),
            ("Subject: multipart/encrypted\n\ntext\n", false),
        ] {
            assert_eq!(is_encrypted(header.as_bytes()), encrypted, "{header}");
        }
    }

    #[test]
    fn mbox_lines_go_and_take_nothing_along() {
        let original = "From alice Tue Nov 24 06:48:46 2026\n>From x Tue Nov 24 06:48:46 2026\n\
                        From: a@example.org\nX-TUID: 1\n\nFrom the body\n>From it\n";
        assert_eq!(
            sent(original),
            "TLS-Required: No\nFrom: a@example.org\n\nFrom the body\n>From it\n"
        );
    }

    #[test]
    fn every_listed_field_goes_and_its_neighbours_stay() {
        for name in [PRIVATE, TRACE, SIGNATURES, STORE].concat() {
            let original = format!("A: 1\n{name}: x\n\ty\nB: 2\n\n");
            let rewritten = rewrite_against_wish(original.as_bytes()).unwrap();
            assert_eq!(
                rewritten.bytes, b"TLS-Required: No\nA: 1\nB: 2\n\n",
                "{name}"
            );
        }
        for prefix in STORE_PREFIXES {
            assert_eq!(
                sent(&format!("A: 1\n{prefix}Y: x\n\n")),
                "TLS-Required: No\nA: 1\n\n"
            );
        }
    }

    #[test]
    fn the_senders_words_stay() {
        let original = "From: a@example.org\nMail-Followup-To: l@example.net\nReply-To: r@example.org\n\
                        Resent-From: a@example.org\nDKIM-Signature: of the author\nX-Mutt: y\n\
                        Sensitivity: Personal\nAuto-Submitted: no\nPrecedence: list\n\n";
        assert_eq!(sent(original), format!("TLS-Required: No\n{original}"));
    }
}
