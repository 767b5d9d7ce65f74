//! A message that is being written: the field put in, or changed there and back, and what never leaves.

use super::header;
use super::resubmission::{OPT_OUT, is_mbox_line, line_end};

const NAME: &str = "TLS-Required";

/// Is the opt-out there, once and with no other word on it?
pub fn is_there(header: &[u8]) -> bool {
    let mut fields = header::fields(header).filter(|field| field.is(NAME));
    let is_opt_out = |field: header::Field<'_>| field.text() == "No";
    fields.next().is_some_and(is_opt_out) && fields.next().is_none()
}

/// The message with [`OPT_OUT`] as first field in place of all such fields (RFC 8689 section 3: one, with that
/// value), unless that is what it has.
pub fn added(message: &[u8]) -> Vec<u8> {
    added_with(message, line_end(message))
}

pub(super) fn added_with(message: &[u8], line_end: &[u8]) -> Vec<u8> {
    if is_there(message) {
        return message.to_vec();
    }
    let mut with = Vec::with_capacity(message.len() + OPT_OUT.len() + line_end.len());
    let mut fields = header::fields(message).peekable();
    if let Some(line) = fields.next_if(is_mbox_line) {
        with.extend_from_slice(line.raw());
    }
    with.extend_from_slice(OPT_OUT.as_bytes());
    with.extend_from_slice(line_end);
    for field in fields.filter(|field| !field.is(NAME)) {
        with.extend_from_slice(field.raw());
    }
    with.extend_from_slice(&message[header::length(message)..]);
    with
}

/// The message without the fields that no recipient may see (RFC 5322 section 3.6.3), and without the line
/// of an mbox at its top.
pub fn without_bcc(message: &[u8]) -> Vec<u8> {
    let mut without = Vec::with_capacity(message.len());
    for (number, field) in header::fields(message).enumerate() {
        let is_private = field.is("Bcc") || field.is("Resent-Bcc");
        let is_mbox = number == 0 && is_mbox_line(&field);
        if !is_private && !is_mbox {
            without.extend_from_slice(field.raw());
        }
    }
    without.extend_from_slice(&message[header::length(message)..]);
    without
}

/// The message with the opt-out, where it had none, or else without it; and whether it has it now. `None`
/// for what has no header of a message, such as a body alone.
pub fn toggled(message: &[u8]) -> Option<(Vec<u8>, bool)> {
    let is_header = ["From", "To", "Subject"];
    if !is_header
        .iter()
        .any(|name| header::first(message, name).is_some())
    {
        return None;
    }
    if !is_there(message) {
        return Some((added(message), true));
    }
    let mut without = Vec::with_capacity(message.len());
    for field in header::fields(message).filter(|field| !field.is(NAME)) {
        without.extend_from_slice(field.raw());
    }
    without.extend_from_slice(&message[header::length(message)..]);
    Some((without, false))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn on_off_on() {
        let draft = b"From: a@example.org\r\nTo: b@example.net\r\nSubject: x\r\n\r\nbody\n\0\xff";
        let (on, is_on) = toggled(draft).unwrap();
        assert!(is_on);
        assert_eq!(on, [&b"TLS-Required: No\r\n"[..], draft].concat());
        let (off, is_on) = toggled(&on).unwrap();
        assert!(!is_on);
        assert_eq!(off, draft);
        assert_eq!(toggled(&off).unwrap(), (on, true));
    }

    #[test]
    fn one_field_in_place_of_all_that_say_something_else() {
        for fields in [
            "tls-required : yes\nSubject: x\n",
            "tls-required: yes\nSubject: x\nTLS-REQUIRED:\n No\n",
            "TLS-Required: No\nSubject: x\nTLS-Required: No\n",
            "TLS-Required: no\nSubject: x\n",
            "Subject: x\nTLS-Required:\n",
        ] {
            let draft = format!("To: b@example.net\n{fields}\nTLS-Required: No\n");
            let on = "TLS-Required: No\nTo: b@example.net\nSubject: x\n\nTLS-Required: No\n";
            assert_eq!(toggled(draft.as_bytes()).unwrap(), (on.into(), true));
            assert_eq!(added(draft.as_bytes()), on.as_bytes());
            let (off, is_on) = toggled(on.as_bytes()).unwrap();
            assert!(!is_on);
            assert_eq!(off, b"To: b@example.net\nSubject: x\n\nTLS-Required: No\n");
        }
        let folded = b"tls-REQUIRED :\n No\nTo: b@example.net\n\n";
        assert_eq!(added(folded), folded);
        assert!(!toggled(folded).unwrap().1);
    }

    #[test]
    fn a_body_alone_is_left_alone() {
        for text in [&b""[..], b"Hello\n", b"\nTo: x\n", b"Note: this\n\n"] {
            assert_eq!(toggled(text), None);
        }
    }

    #[test]
    fn bcc_goes_and_nothing_else() {
        let message =
            b"From a Tue Nov 24 06:48:46 2026\nBCC : x,\n y\nTo: b\r\nresent-bcc: z\n\nBcc: body\n";
        assert_eq!(without_bcc(message), b"To: b\r\n\nBcc: body\n");
    }

    #[test]
    fn behind_the_line_of_an_mbox() {
        let message = b"From a Tue Nov 24 06:48:46 2026\nSubject: x\n\n";
        assert_eq!(
            added(message),
            b"From a Tue Nov 24 06:48:46 2026\nTLS-Required: No\nSubject: x\n\n"
        );
    }
}
