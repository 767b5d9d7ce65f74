//! The parts of a message, by offsets in its bytes (RFC 2045, RFC 2046).
//!
//! Only multiparts are opened, never a message inside a message: what a notice returns cannot be
//! taken for what it says, and nesting cannot exhaust the stack. mail-parser sees field values and
//! the bodies of single parts, not structure.

use std::borrow::Cow;

use mail_parser::decoders::base64::base64_decode;
use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::decoders::quoted_printable::quoted_printable_decode;
use mail_parser::parsers::MessageStream;
use mail_parser::{ContentType, HeaderValue};
use memchr::memmem;

use crate::message::{header, header::Field};
use crate::notice::html;

/// More parts than this in one multipart are not looked at.
const MAX_PARTS: usize = 64;

/// A boundary that is not given is looked for in so many lines.
const MAX_PREAMBLE: usize = 64;

/// A message or a part of one.
#[derive(Debug, Clone)]
pub(super) struct Entity<'a> {
    body: &'a [u8],
    media: String,
    content_type: Option<ContentType<'static>>,
    encoding: Encoding,
}

/// Content-Transfer-Encoding (RFC 2045 section 6), where it must be removed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    None,
    Base64,
    QuotedPrintable,
}

impl<'a> Entity<'a> {
    /// The entity that `raw` (header block, empty line, content) is.
    pub(super) fn new(raw: &'a [u8]) -> Self {
        let (mut length, mut content_type, mut encoding) = (0, None, None);
        for field in header::fields(raw) {
            length += field.raw().len();
            if content_type.is_none() && field.is("Content-Type") {
                content_type = Some(media_type(field.value()));
            } else if encoding.is_none() && field.is("Content-Transfer-Encoding") {
                encoding = Some(Encoding::read(&field));
            }
        }
        let (media, content_type) = content_type.unwrap_or_default();
        Entity {
            body: header::body(&raw[length..]),
            media: media.unwrap_or_else(|| "text/plain".to_owned()),
            content_type,
            encoding: encoding.unwrap_or(Encoding::None),
        }
    }

    /// `type/subtype` in lower case; `text/plain` where none is given (RFC 2045 section 5.2).
    pub(super) fn media(&self) -> &str {
        &self.media
    }

    /// A parameter of `Content-Type`.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        self.content_type.as_ref()?.attribute(name)
    }

    /// The content without its transfer encoding; of the encoded form at most `limit` bytes are
    /// read. Content that cannot be decoded is given as it stands.
    pub(super) fn content(&self, limit: usize) -> Cow<'a, [u8]> {
        let body = &self.body[..self.body.len().min(limit)];
        let decoded = match self.encoding {
            Encoding::Base64 => base64_decode(body),
            Encoding::QuotedPrintable => quoted_printable_decode(body),
            Encoding::None => None,
        };
        decoded.map_or(Cow::Borrowed(body), Cow::Owned)
    }

    /// The content as text. Of HTML what a reader would see.
    pub(super) fn text(&self, limit: usize) -> String {
        let text = self.decode(&self.content(limit));
        if self.is_html() {
            html::text(&text)
        } else {
            text
        }
    }

    /// Bytes of the content in the charset that the part names; of an unknown one what is UTF-8.
    pub(super) fn decode(&self, bytes: &[u8]) -> String {
        match self.decoder() {
            Some(decode) => decode(bytes),
            None => String::from_utf8_lossy(bytes).into_owned(),
        }
    }

    /// Can ASCII words be found in the bytes of the content, whatever stands between them?
    pub(super) fn is_ascii_based(&self) -> bool {
        let charset = self.parameter("charset").unwrap_or_default();
        let charset = charset.to_ascii_lowercase();
        !charset.contains("utf-7") && !charset.contains("utf-16") && !charset.contains("utf-32")
    }

    /// `text/html`.
    pub(super) fn is_html(&self) -> bool {
        self.media == "text/html"
    }

    fn decoder(&self) -> Option<fn(&[u8]) -> String> {
        self.parameter("charset")
            .filter(|charset| !charset.eq_ignore_ascii_case("utf-8"))
            .filter(|charset| !charset.eq_ignore_ascii_case("us-ascii"))
            .and_then(|charset| charset_decoder(charset.as_bytes()))
    }

    /// The parts of a multipart; none of anything else. Where the boundary is not given, or is not
    /// there, as in a header that was cut on the way, the first line that looks like one counts.
    pub(super) fn parts(&self) -> Vec<Entity<'a>> {
        if !self.media.starts_with("multipart/") {
            return Vec::new();
        }
        let given = self.parameter("boundary").unwrap_or_default();
        let mut parts = split(self.body, given.as_bytes());
        if parts.is_empty()
            && let Some(boundary) = boundary_in(self.body)
        {
            parts = split(self.body, boundary);
        }
        parts.into_iter().map(Entity::new).collect()
    }
}

impl Encoding {
    fn read(field: &Field<'_>) -> Self {
        let name = field.value().trim_ascii();
        if name.eq_ignore_ascii_case(b"base64") {
            Encoding::Base64
        } else if name.eq_ignore_ascii_case(b"quoted-printable") {
            Encoding::QuotedPrintable
        } else {
            Encoding::None
        }
    }
}

/// `type/subtype` in lower case, and the whole where there is more to know.
fn media_type(value: &[u8]) -> (Option<String>, Option<ContentType<'static>>) {
    let bare = value.trim_ascii();
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"/-+.".contains(byte);
    if !bare.is_empty() && bare.iter().all(is_plain) && bare.contains(&b'/') {
        let media = String::from_utf8_lossy(bare).to_ascii_lowercase();
        return (Some(media), None);
    }
    let parsed = parse(value);
    let media = parsed
        .as_ref()
        .map(|ct| format!("{}/{}", ct.ctype(), ct.subtype().unwrap_or("")).to_ascii_lowercase());
    (media, parsed)
}

fn parse(value: &[u8]) -> Option<ContentType<'static>> {
    // The parser gives up a value that does not end its line.
    let mut value = Cow::Borrowed(value);
    if !value.ends_with(b"\n") {
        value.to_mut().push(b'\n');
    }
    match MessageStream::new(&value).parse_content_type().into_owned() {
        HeaderValue::ContentType(content_type) => Some(content_type),
        _ => None,
    }
}

/// The boundary that the first delimiter line shows: one word, not of dashes alone.
fn boundary_in(body: &[u8]) -> Option<&[u8]> {
    body.split(|byte| *byte == b'\n')
        .take(MAX_PREAMBLE)
        .find_map(|line| {
            let word = line.strip_prefix(b"--")?.trim_ascii_end();
            let is_one = (1..=70).contains(&word.len())
                && word.iter().all(u8::is_ascii_graphic)
                && word.iter().any(u8::is_ascii_alphanumeric);
            is_one.then_some(word)
        })
}

/// What stands between the delimiter lines (RFC 2046 section 5.1.1). A missing last delimiter ends
/// the last part at the end of the body.
fn split<'a>(body: &'a [u8], boundary: &[u8]) -> Vec<&'a [u8]> {
    let boundary = boundary.trim_ascii_end();
    if boundary.is_empty() {
        return Vec::new();
    }
    let delimiter = [b"--", boundary].concat();
    let mut parts = Vec::new();
    let mut start = None;
    for at in memmem::find_iter(body, &delimiter) {
        let line_start = at == 0 || body[at - 1] == b'\n';
        let Some((end, last)) = line_start
            .then(|| rest(body, at + delimiter.len()))
            .flatten()
        else {
            continue;
        };
        if let Some(start) = start {
            parts.push(without_line_end(&body[start..at.max(start)]));
        }
        start = (!last && parts.len() < MAX_PARTS).then_some(end);
        if start.is_none() {
            return parts;
        }
    }
    parts.extend(start.map(|start| &body[start..]));
    parts
}

/// The end of the delimiter line that goes on at `at`, and whether it is the last delimiter;
/// `None` if other text follows, as after a longer boundary.
fn rest(body: &[u8], at: usize) -> Option<(usize, bool)> {
    let last = body[at..].starts_with(b"--");
    let at = if last { at + 2 } else { at };
    let end = memchr::memchr(b'\n', &body[at..]).map_or(body.len(), |lf| at + lf + 1);
    body[at..end].trim_ascii().is_empty().then_some((end, last))
}

/// The line end before a delimiter belongs to the delimiter.
fn without_line_end(part: &[u8]) -> &[u8] {
    let part = part.strip_suffix(b"\n").unwrap_or(part);
    part.strip_suffix(b"\r").unwrap_or(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn media(message: &[u8]) -> Vec<String> {
        Entity::new(message)
            .parts()
            .iter()
            .map(|part| part.media().to_owned())
            .collect()
    }

    #[test]
    fn parts_between_delimiters() {
        let message =
            b"Content-Type: multipart/mixed; boundary=ab\r\n\r\npreamble\r\n--ab\r\n\r\ntext\r\n\
            --ab-1\r\n--ab \r\nContent-Type: Message/RFC822\r\n\r\nA: b\r\n--ab--\r\n--ab\r\n\r\nx";
        assert_eq!(media(message), ["text/plain", "message/rfc822"]);
        let parts = Entity::new(message).parts();
        assert_eq!(&*parts[0].content(99), b"text\r\n--ab-1");
        assert_eq!(&*parts[1].content(99), b"A: b");
    }

    #[test]
    fn a_cut_message_keeps_its_last_part() {
        let message = b"Content-Type: multipart/mixed; boundary=\"a b\"\n\n--a b\n\ntext\n--a";
        assert_eq!(&*Entity::new(message).parts()[0].content(99), b"text\n--a");
        assert!(
            Entity::new(b"Content-Type: multipart/mixed\n\n--\n\ntext")
                .parts()
                .is_empty()
        );
    }

    #[test]
    fn a_boundary_that_is_lost_is_found() {
        for header in [
            "Content-Type: multipart/report; report-type=delivery-status;\n\tbo",
            "Content-Type: multipart/report; boundary=other",
            "Content-Type: multipart/report",
        ] {
            let message = format!(
                "{header}\n\npreamble\n-----\n-- me\n--a.1/b\n\ntext\n--a.1/b\n\
                 Content-Type: message/rfc822\n\nA: b\n--a.1/b--\n"
            );
            assert_eq!(
                media(message.as_bytes()),
                ["text/plain", "message/rfc822"],
                "{header}"
            );
        }
        assert!(media(b"Content-Type: multipart/report\n\nno\n-- \n").is_empty());
    }

    #[test]
    fn decodes_encodings_and_charsets() {
        let part = b"Content-Type: text/plain; charset=iso-8859-1\n\
            Content-Transfer-Encoding: quoted-printable\n\nGr=FC=\n=DFe";
        assert_eq!(Entity::new(part).text(99), "Gr\u{fc}\u{df}e");
        let part = b"Content-Transfer-Encoding: BASE64\n\nbm90\r\naWNl\r\n";
        assert_eq!(Entity::new(part).text(99), "notice");
        let part =
            b"Content-Type: text/plain; charset=x-none\nContent-Transfer-Encoding: base64\n\n!?";
        assert_eq!(Entity::new(part).text(99), "!?");
    }
}
