//! What a notice returned of the message that it is about.

use crate::message::{header, text};
use crate::notice::mime::Entity;
use crate::notice::{Extent, Mta, Returned};

/// Of the returned part at most this many bytes are read: its header block is at the top.
const MAX_RETURNED: usize = 1 << 20;

/// Reads the returned part. Where there is none, the notice's own header still names the original:
/// servers put its Message-ID into `References` or `In-Reply-To`.
pub(super) fn read(part: Option<&Entity<'_>>, mta: Mta, notice: &[u8]) -> Returned {
    let Some(part) = part else {
        return named_by(notice);
    };
    let content = part.content(MAX_RETURNED);
    let block = &content[..header::length(&content)];
    if block.is_empty() {
        return named_by(notice);
    }
    let value = |name| header::first(block, name).map(|field| text::decode(field.value()));
    Returned {
        extent: extent(part, &content, mta),
        message_id: header::text(block, "Message-ID").and_then(|id| text::message_id(&id)),
        from: value("From"),
        subject: value("Subject"),
        date: header::text(block, "Date"),
        opted_out: opted_out(block),
        requires_tls: header::first(block, "Require-TLS-ESMTP").is_some(),
        header: block.to_vec(),
    }
}

/// The part's type says how much came back. Stalwart puts a header block alone into
/// `message/rfc822` (`queue/dsn.rs`), so there the body must be seen.
fn extent(part: &Entity<'_>, content: &[u8], mta: Mta) -> Extent {
    let whole = matches!(part.media(), "message/rfc822" | "message/global");
    let ends_early = header::length(content) == content.len();
    let empty = header::body(content).trim_ascii().is_empty();
    if whole && !ends_early && !(mta == Mta::Stalwart && empty) {
        Extent::Full
    } else {
        Extent::Headers
    }
}

fn named_by(notice: &[u8]) -> Returned {
    let last = |name| {
        let ids = header::text(notice, name)?;
        text::message_id(&ids[ids.rfind('<').unwrap_or(0)..])
    };
    Returned {
        message_id: last("References").or_else(|| last("In-Reply-To")),
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
