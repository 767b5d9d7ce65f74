//! Where the words of a server end and the returned message begins, in a text that holds both.

use std::collections::VecDeque;
use std::ops::Range;

use crate::message::header;
use crate::notice::Extent;
use crate::notice::phrases::COPIES;

/// A server may say more between its heading and the returned message: Exim tells how much of it
/// is included (`deliver.c`). At most this many lines are skipped.
const MAX_LINES_BETWEEN: usize = 8;

/// So much of a header block is looked at to tell that it is one.
const MAX_BLOCK_START: usize = 8192;

/// A text of a server, cut in two.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Cut<'a> {
    /// What the server says.
    pub(super) words: &'a [u8],
    /// The returned message, or its header block.
    pub(super) copy: Option<&'a [u8]>,
    /// How much of it came back.
    pub(super) extent: Extent,
}

/// Cuts at a heading that a header block follows, else (`without_heading`) before the first header
/// block that stands alone.
pub(super) fn cut(text: &[u8], without_heading: bool) -> Cut<'_> {
    let mut above = Above::default();
    let mut at = 0;
    while at < text.len() {
        let end = memchr::memchr(b'\n', &text[at..]).map_or(text.len(), |lf| at + lf + 1);
        let rest = &text[at..];
        let heading = starts_block(rest, 2).then(|| above.heading(text)).flatten();
        if let Some(start) = heading {
            return Cut {
                words: &text[..start],
                copy: Some(rest),
                extent: extent(rest),
            };
        }
        if without_heading && above.ends_paragraph(text) && starts_block(rest, 4) {
            return Cut {
                words: &text[..at],
                copy: Some(rest),
                extent: extent(rest),
            };
        }
        above.push(at..end);
        at = end;
    }
    Cut {
        words: text,
        copy: None,
        extent: Extent::None,
    }
}

/// The lines above the one that is looked at, as far as a heading may stand there.
#[derive(Default)]
struct Above {
    lines: VecDeque<Range<usize>>,
}

impl Above {
    fn push(&mut self, line: Range<usize>) {
        if self.lines.len() > MAX_LINES_BETWEEN {
            self.lines.pop_front();
        }
        self.lines.push_back(line);
    }

    /// Where the heading starts. Between it and the block stand empty lines and lines with a rule
    /// before them.
    fn heading(&self, text: &[u8]) -> Option<usize> {
        for line in self.lines.iter().rev() {
            let bare = text[line.clone()].trim_ascii();
            if is_heading(bare) {
                return Some(line.start);
            }
            if !bare.is_empty() && !bare.starts_with(b"-") && !bare.starts_with(b"|") {
                return None;
            }
        }
        None
    }

    /// Is the line above empty, or a rule?
    fn ends_paragraph(&self, text: &[u8]) -> bool {
        self.lines.back().is_none_or(|line| {
            let bare = text[line.clone()].trim_ascii();
            bare.iter().all(|byte| b"-=_*".contains(byte))
        })
    }
}

/// Does `text` begin with a header block of at least `wanted` well-known fields?
pub(super) fn starts_block(text: &[u8], wanted: usize) -> bool {
    if text.first().is_none_or(u8::is_ascii_whitespace) {
        return false;
    }
    let mut known = 0;
    let start = &text[..text.len().min(MAX_BLOCK_START)];
    for (at, field) in header::fields(start).enumerate().take(24) {
        if is_known(field.name()) {
            known += 1;
        } else if at == 0 && !is_mbox_line(field.raw()) && !is_extension(field.name()) {
            return false;
        }
        if known >= wanted {
            return true;
        }
    }
    false
}

/// Does the line announce the returned message?
fn is_heading(line: &[u8]) -> bool {
    if line.len() < 8 || line.len() > 160 {
        return false;
    }
    let line = String::from_utf8_lossy(line).to_lowercase();
    let bare = line.trim_matches(|c: char| !c.is_alphanumeric());
    COPIES.iter().any(|start| bare.starts_with(start))
}

fn extent(copy: &[u8]) -> Extent {
    if header::body(copy).trim_ascii().is_empty() {
        Extent::Headers
    } else {
        Extent::Full
    }
}

fn is_known(name: &[u8]) -> bool {
    const NAMES: [&[u8]; 17] = [
        b"Received",
        b"Return-Path",
        b"From",
        b"To",
        b"Cc",
        b"Subject",
        b"Date",
        b"Message-ID",
        b"MIME-Version",
        b"Content-Type",
        b"Content-Transfer-Encoding",
        b"Reply-To",
        b"Sender",
        b"Delivered-To",
        b"DKIM-Signature",
        b"User-Agent",
        b"In-Reply-To",
    ];
    NAMES.iter().any(|known| name.eq_ignore_ascii_case(known))
}

fn is_extension(name: &[u8]) -> bool {
    name.len() > 2 && name[..2].eq_ignore_ascii_case(b"x-")
}

fn is_mbox_line(line: &[u8]) -> bool {
    line.starts_with(b"From ") || line.starts_with(b">From ")
}

#[cfg(test)]
mod tests {
    use super::*;

    const COPY: &str = "Received: by mail.example.org\nFrom: alice@example.org\nTo: bob@example.net\n\
        Subject: hi\nMessage-ID: <1@example.org>\n";

    fn parts(text: &str) -> (String, Option<String>, Extent) {
        let cut = cut(text.as_bytes(), true);
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(cut.words), cut.copy.map(text), cut.extent)
    }

    #[test]
    fn at_a_heading() {
        for heading in [
            "--- Below this line is a copy of the message.\n\n",
            "------ This is a copy of the message, including all the headers. ------\n\
             ------ The body of the message is 9000 characters long; only the first\n\
             ------ 5000 or so are included here.\n\n",
            "   ----- Unsent message follows -----\n",
            "  |------------------------- Message text follows: ---------|\n",
            "Original message follows.\n\n",
        ] {
            let text = format!("Sorry.\n\n{heading}{COPY}\nHello\n");
            let whole = format!("{COPY}\nHello\n");
            assert_eq!(
                parts(&text),
                ("Sorry.\n\n".to_owned(), Some(whole), Extent::Full),
                "{heading}"
            );
        }
        let text =
            format!("Sorry.\n------ This is a copy of the message's headers. ------\n\n{COPY}");
        assert_eq!(parts(&text).2, Extent::Headers);
    }

    #[test]
    fn at_a_block_without_a_heading() {
        let text = format!("Sorry.\n\n{COPY}");
        let (words, copy, extent) = parts(&text);
        assert_eq!(
            (words.as_str(), copy.as_deref()),
            ("Sorry.\n\n", Some(COPY))
        );
        assert_eq!(extent, Extent::Headers);
        assert_eq!(cut(text.as_bytes(), false).copy, None);
    }

    #[test]
    fn not_at_prose() {
        for text in [
            "Original message: none\n\nHello\n",
            "To: bob@example.net\nReason: no such user\n\nBye\n",
            "Message follows\n",
            "",
        ] {
            assert_eq!(parts(text), (text.to_owned(), None, Extent::None));
        }
    }
}
