//! What a notice returned of the message that it is about.

use std::borrow::Cow;

use crate::message::{header, header::Field, text};
use crate::notice::mime::Entity;
use crate::notice::{Extent, Mta, Returned};

/// Of the returned part at most this many bytes are read: its header block is at the top.
const MAX_RETURNED: usize = 1 << 20;

/// A returned message, or its header block.
#[derive(Debug, Default)]
pub(super) struct Copy<'a> {
    /// The bytes from the header block on.
    pub(super) bytes: Cow<'a, [u8]>,
    /// How much came back.
    pub(super) extent: Extent,
}

impl<'a> Copy<'a> {
    /// What a part of a notice returns. Some servers put empty lines on top.
    pub(super) fn of_part(part: &Entity<'a>) -> Self {
        let mut bytes = part.content(MAX_RETURNED);
        let empty = bytes
            .iter()
            .take_while(|byte| matches!(byte, b'\r' | b'\n'))
            .count();
        if empty > 0 {
            bytes = match bytes {
                Cow::Borrowed(bytes) => Cow::Borrowed(&bytes[empty..]),
                Cow::Owned(bytes) => Cow::Owned(bytes[empty..].to_vec()),
            };
        }
        Copy {
            extent: extent(part, &bytes),
            bytes,
        }
    }
}

/// The part's type says how much came back.
fn extent(part: &Entity<'_>, content: &[u8]) -> Extent {
    let whole = matches!(
        part.media(),
        "message/rfc822" | "message/global" | "text/rfc822"
    );
    if whole && header::length(content) < content.len() {
        Extent::Full
    } else {
        Extent::Headers
    }
}

/// Reads the header block that came back. Where there is none, the notice's own words or header
/// still name the original: `named` is what its fields say; servers put the Message-ID into
/// `References` or `In-Reply-To`.
///
/// Stalwart puts a header block alone into `message/rfc822` (`queue/dsn.rs`), so there the body must
/// be seen.
pub(super) fn read(copy: &Copy<'_>, mta: Mta, named: Option<String>, notice: &[u8]) -> Returned {
    let mut returned = Returned::default();
    let mut length = 0;
    for field in header::fields(&copy.bytes) {
        length += field.raw().len();
        returned.take(&field);
    }
    if length == 0 {
        return named_by(notice, named);
    }
    let body = &copy.bytes[length..];
    let headers_only = mta == Mta::Stalwart && body.trim_ascii().is_empty();
    returned.extent = if headers_only {
        Extent::Headers
    } else {
        copy.extent
    };
    returned.header = copy.bytes[..length].to_vec();
    returned.message_id = returned.message_id.or(named);
    returned
}

impl Returned {
    /// Takes what counts of one field; of several by one name the first.
    fn take(&mut self, field: &Field<'_>) {
        let once = |place: &mut Option<String>, value: Option<String>| {
            if place.is_none() {
                *place = value;
            }
        };
        let decoded = || Some(text::decode(field.value()));
        if field.is("Message-ID") {
            once(&mut self.message_id, text::message_id(&field.text()));
        } else if field.is("From") {
            once(&mut self.from, decoded());
        } else if field.is("Subject") {
            once(&mut self.subject, decoded());
        } else if field.is("Date") {
            once(&mut self.date, Some(field.text()));
        } else if field.is("TLS-Required") {
            self.opted_out |= opts_out(field);
        } else if field.is("Require-TLS-ESMTP") {
            self.requires_tls = true;
        }
    }
}

fn named_by(notice: &[u8], named: Option<String>) -> Returned {
    let last = |name| {
        let ids = header::text(notice, name)?;
        text::message_id(&ids[ids.rfind('<').unwrap_or(0)..])
    };
    Returned {
        message_id: named
            .or_else(|| last("References"))
            .or_else(|| last("In-Reply-To")),
        // Postfix 3.10 copies the field of the original into its notice (`bounce_notify_util.c`).
        opted_out: header::fields(notice).any(|field| opts_out(&field)),
        ..Returned::default()
    }
}

/// Some servers name the original among their words (`Message-id: <...>`). What has no `@` is the
/// server's own name for it.
pub(super) fn named_in(words: &str) -> Option<String> {
    words
        .lines()
        .filter(|line| line.contains('@'))
        .find_map(|line| {
            let (name, value) = line.split_once(':')?;
            let name = name.trim_matches([' ', '\t', '*']);
            let named = ["message-id", "message id", "original message-id"]
                .iter()
                .any(|known| name.eq_ignore_ascii_case(known));
            named.then(|| text::message_id(value)).flatten()
        })
}

/// `TLS-Required: No` (RFC 8689 section 5).
fn opts_out(field: &Field<'_>) -> bool {
    field.is("TLS-Required") && field.text().eq_ignore_ascii_case("no")
}
