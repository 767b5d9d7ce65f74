//! Header fields, found without touching another byte (RFC 5322 section 2.2).
//!
//! [`fields`] tiles the header block: every byte of it belongs to exactly one [`Field`], whatever
//! the message looks like, so that taking one field out can never take a byte of its neighbour
//! along. Lines end with LF or CRLF; a bare CR is an ordinary byte. Of this crate's code only this
//! module decides where a field begins and ends.

use memchr::{memchr, memchr2};

/// One header field, or one line of the header block that is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    raw: &'a [u8],
    colon: Option<usize>,
}

impl<'a> Field<'a> {
    /// The whole field with its folded lines and line ends.
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// The name as it is written, without the blanks that old syntax allows before the colon
    /// (RFC 5322 section 4.5.8). Empty for a line that is no field.
    pub fn name(&self) -> &'a [u8] {
        self.colon
            .map_or(&[][..], |colon| self.raw[..colon].trim_ascii_end())
    }

    /// Is this the field `name`? Case does not count.
    pub fn is(&self, name: &str) -> bool {
        self.colon.is_some() && self.name().eq_ignore_ascii_case(name.as_bytes())
    }

    /// Everything after the colon, folds and line end included.
    pub fn value(&self) -> &'a [u8] {
        self.colon.map_or(&[][..], |colon| &self.raw[colon + 1..])
    }

    /// The value on one line: folds and line ends removed, blanks at both ends trimmed, bytes that
    /// are not UTF-8 replaced.
    pub fn text(&self) -> String {
        self.text_of(usize::MAX)
    }

    /// The first `length` bytes of the value, as [`Field::text`] gives them.
    pub fn text_of(&self, length: usize) -> String {
        let value = self.value();
        let value = value[..value.len().min(length)].trim_ascii();
        if memchr2(b'\r', b'\n', value).is_none() {
            return String::from_utf8_lossy(value).into_owned();
        }
        let mut unfolded = value.to_vec();
        unfolded.retain(|byte| !matches!(byte, b'\r' | b'\n'));
        String::from_utf8_lossy(unfolded.trim_ascii()).into_owned()
    }
}

/// The fields of a message from the top, up to the empty line that ends the header block.
pub fn fields(message: &[u8]) -> Fields<'_> {
    Fields { rest: message }
}

/// Length of the header block in bytes, without the empty line that ends it.
pub fn length(message: &[u8]) -> usize {
    fields(message).map(|field| field.raw.len()).sum()
}

/// The body: everything after the empty line that ends the header block.
pub fn body(message: &[u8]) -> &[u8] {
    let rest = &message[length(message)..];
    &rest[empty_line(rest).unwrap_or(0)..]
}

/// The first field `name`.
pub fn first<'a>(message: &'a [u8], name: &str) -> Option<Field<'a>> {
    fields(message).find(|field| field.is(name))
}

/// The value of the first field `name`, as [`Field::text`] gives it.
pub fn text(message: &[u8], name: &str) -> Option<String> {
    first(message, name).map(|field| field.text())
}

/// Iterator of [`fields`].
#[derive(Debug, Clone)]
pub struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for Fields<'a> {
    type Item = Field<'a>;

    fn next(&mut self) -> Option<Field<'a>> {
        if self.rest.is_empty() || empty_line(self.rest).is_some() {
            return None;
        }
        let first = line(self.rest);
        let mut end = first;
        while matches!(self.rest.get(end), Some(b' ' | b'\t')) {
            end += line(&self.rest[end..]);
        }
        let (raw, rest) = self.rest.split_at(end);
        self.rest = rest;
        Some(Field {
            raw,
            colon: colon(&raw[..first]),
        })
    }
}

/// Where the name ends, if a field starts with this line: one or more printable characters, blanks only at the
/// end of them. A `From ` line of mbox and a line that starts with a blank are none.
fn colon(line: &[u8]) -> Option<usize> {
    let colon = memchr(b':', line)?;
    let name = line[..colon].trim_ascii_end();
    let printable = !name.is_empty() && name.iter().all(|byte| (33..=126).contains(byte));
    printable.then_some(colon)
}

/// Length of the first line with its line end.
fn line(bytes: &[u8]) -> usize {
    memchr(b'\n', bytes).map_or(bytes.len(), |lf| lf + 1)
}

/// Length of an empty line at the start, if there is one.
fn empty_line(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [b'\n', ..] => Some(1),
        [b'\r', b'\n', ..] => Some(2),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MESSAGE: &[u8] = b"From alice Tue Nov 24 06:48:46 2026\nSubject: one\n two\r\nBCC : x\nno field\n\nFrom: body\n";

    #[test]
    fn names_folds_and_odd_lines() {
        let names: Vec<_> = fields(MESSAGE)
            .map(|f| String::from_utf8_lossy(f.name()))
            .collect();
        assert_eq!(names, ["", "Subject", "BCC", ""]);
        assert_eq!(text(MESSAGE, "subject").as_deref(), Some("one two"));
        assert_eq!(text(MESSAGE, "bcc").as_deref(), Some("x"));
        assert_eq!(text(MESSAGE, "from"), None);
        assert_eq!(body(MESSAGE), b"From: body\n");
    }

    #[test]
    fn header_without_body_and_without_last_newline() {
        assert_eq!(text(b"A: 1\nB: 2", "b").as_deref(), Some("2"));
        assert_eq!(body(b"A: 1\nB: 2"), b"");
        assert_eq!(body(b"\r\nbody"), b"body");
        assert_eq!(fields(b"").count(), 0);
    }

    #[test]
    fn an_empty_fold_belongs_to_its_field() {
        let message = b"A: 1\n \nB: 2\n\n";
        assert_eq!(first(message, "A").unwrap().raw(), b"A: 1\n \n");
    }

    proptest! {
        #[test]
        fn the_fields_tile_the_block(bytes in proptest::collection::vec(
            prop_oneof![Just(b'\n'), Just(b'\r'), Just(b':'), Just(b' '), any::<u8>()], 0..200,
        )) {
            let joined: Vec<u8> = fields(&bytes).flat_map(|f| f.raw().to_vec()).collect();
            prop_assert_eq!(&bytes[..joined.len()], &joined[..]);
            let rest = &bytes[joined.len()..];
            prop_assert!(rest.is_empty() || empty_line(rest).is_some());
        }
    }
}
