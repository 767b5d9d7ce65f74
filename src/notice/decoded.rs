//! Notices that a mail reader has taken apart for people before it passed them on.
//!
//! With `$pipe_decode` mutt and NeoMutt join the parts to one text, and by `$pipe_decode_weed` most of the
//! header is left out, the Message-ID among it (tried: mutt 2.2.12, NeoMutt 20220429). The fields that the mail
//! server wrote for programs then stand in the text, and NeoMutt drops the returned header.

use memchr::memmem;

use super::mailbox::is_of_a_server;
use crate::message::media::Media;
use crate::message::{header, text};

/// Fields of RFC 3464, which no text for people has at the start of a line.
const FIELDS: [&str; 2] = ["\nReporting-MTA:", "\nFinal-Recipient:"];

/// Was this a report (RFC 3464) before a mail reader made one text of it?
pub fn is_decoded(message: &[u8]) -> bool {
    let body = header::body(message);
    let from = header::text(message, "From").unwrap_or_default();
    let authors = text::addresses(from.as_bytes());
    let is_text = || Media::of(message).kind == "text/plain";
    let is_from_server = |address: &String| is_of_a_server(&address.to_lowercase());
    authors.iter().any(is_from_server)
        && is_text()
        && FIELDS
            .iter()
            .all(|field| memmem::find(body, field.as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "Sorry.\n\nReporting-MTA: dns; mail.example.org\n\nFinal-Recipient: rfc822; \
                        bob@example.net\nAction: delayed\n";

    #[test]
    fn only_what_was_a_report() {
        let daemon = "From: Mail <MAILER-DAEMON@example.org>\nContent-Type: text/plain\n\n";
        assert!(is_decoded(format!("{daemon}{TEXT}").as_bytes()));
        for message in [
            format!("From: alice@example.org\n\n{TEXT}"),
            format!("{daemon}Sorry, bob@example.net has not got it.\n"),
            format!("{daemon}{TEXT}").replace("text/plain", "multipart/report; boundary=x"),
            format!("{daemon}{TEXT}").replace("text/plain", "message/delivery-status"),
        ] {
            assert!(!is_decoded(message.as_bytes()), "{message}");
        }
    }
}
