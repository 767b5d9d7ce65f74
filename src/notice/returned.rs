//! What a notice returned of the message that it is about.

use std::borrow::Cow;

use crate::message::{header, text};
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
    let headers_only = mta == Mta::Stalwart && header::body(&copy.bytes).trim_ascii().is_empty();
    let block = &copy.bytes[..header::length(&copy.bytes)];
    if block.is_empty() {
        return named_by(notice, named);
    }
    let value = |name| header::first(block, name).map(|field| text::decode(field.value()));
    Returned {
        extent: if headers_only {
            Extent::Headers
        } else {
            copy.extent
        },
        message_id: header::text(block, "Message-ID")
            .and_then(|id| text::message_id(&id))
            .or(named),
        from: value("From"),
        subject: value("Subject"),
        date: header::text(block, "Date"),
        opted_out: opted_out(block),
        requires_tls: header::first(block, "Require-TLS-ESMTP").is_some(),
        header: block.to_vec(),
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
        opted_out: opted_out(notice),
        ..Returned::default()
    }
}

/// `TLS-Required: No` (RFC 8689 section 5).
fn opted_out(block: &[u8]) -> bool {
    header::fields(block)
        .any(|field| field.is("TLS-Required") && field.text().eq_ignore_ascii_case("no"))
}
