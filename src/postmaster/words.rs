//! The words of a letter: what a server said, without what is private in it, in short lines.

use crate::notice::{Notice, RecipientReport};
use crate::terminal::shown;

/// What stands in place of what is hidden.
const HIDDEN: &str = "...";
/// Of one saying at most this many characters are told.
const MAX_WORDS: usize = 1000;
/// Characters in a line, as far as words allow (RFC 5322 section 2.1.1 asks for at most 78).
const COLUMNS: usize = 72;

/// The part of an address that says whose it is, for every recipient of a notice.
pub(super) struct Private(Vec<String>);

impl Private {
    pub(super) fn of(notice: &Notice) -> Private {
        let mut locals: Vec<String> = notice
            .recipients
            .iter()
            .flat_map(|report| {
                [
                    Some(&report.final_recipient),
                    report.original_recipient.as_ref(),
                ]
            })
            .flatten()
            .filter_map(|address| address.rsplit_once('@'))
            .map(|(local, _)| local.to_lowercase())
            .collect();
        locals.sort();
        locals.dedup();
        Private(locals)
    }

    /// The words in one line, safe to show, cut to a length, without the local part of any address and
    /// without a recipient's where it stands alone.
    pub(super) fn hide(&self, words: &str) -> String {
        let all = shown(words);
        let mut said: String = all.chars().take(MAX_WORDS).collect();
        if said.len() < all.len() {
            // An address that was cut in two would no longer be known as one.
            said.truncate(said.rfind(' ').unwrap_or(0));
            said += " [...]";
        }
        let words: Vec<String> = without_local_parts(&said)
            .split_whitespace()
            .map(|word| self.hide_word(word))
            .collect();
        words.join(" ")
    }

    fn hide_word(&self, word: &str) -> String {
        let bare = word.trim_matches(|c: char| "<>()[]{}\"'`:;,.!?".contains(c));
        match self.0.binary_search(&bare.to_lowercase()) {
            Ok(_) if !bare.is_empty() => word.replacen(bare, HIDDEN, 1),
            _ => word.to_owned(),
        }
    }
}

/// Whatever could be a local part goes, back to a blank or bracket, a quoted one with its quotes. That
/// takes a word too many along rather than one too few.
fn without_local_parts(words: &str) -> String {
    let mut pieces = words.split('@').peekable();
    let mut result = String::with_capacity(words.len());
    while let Some(piece) = pieces.next() {
        if pieces.peek().is_none() {
            result += piece;
            break;
        }
        let start = match piece.strip_suffix('"') {
            Some(quoted) => quoted.rfind('"').unwrap_or(0),
            None => piece
                .rfind(|c: char| c.is_whitespace() || "<>()[],:;".contains(c))
                .map_or(0, |at| at + 1),
        };
        result += &piece[..start];
        result += HIDDEN;
        result.push('@');
    }
    result
}

/// What the sending server wrote for people, and what it noted for machines where that says more.
pub(super) fn said(report: &RecipientReport) -> Vec<&String> {
    let diagnostic = report.diagnostic.as_ref();
    let Some(text) = &report.text else {
        return diagnostic.into_iter().collect();
    };
    let is_new = |diagnostic: &&String| {
        let (_, words) = diagnostic.split_once(';').unwrap_or(("", diagnostic));
        !text.contains(words.trim())
    };
    [Some(text), diagnostic.filter(is_new)]
        .into_iter()
        .flatten()
        .collect()
}

/// The first `host[address]` in the words of a server, as Postfix writes it.
pub(super) fn host(words: &str) -> Option<String> {
    let is_host = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '-');
    let is_ip = |c: char| c.is_ascii_hexdigit() || matches!(c, '.' | ':');
    words.split_whitespace().find_map(|word| {
        let (name, rest) = word.split_once('[')?;
        let (address, _) = rest.split_once(']')?;
        let is_one = name.contains('.') && name.chars().all(is_host);
        (is_one && !address.is_empty() && address.chars().all(is_ip))
            .then(|| format!("{name}[{address}]"))
    })
}

/// A paragraph of our own.
pub(super) fn paragraph(words: &str) -> String {
    wrapped("", "", words)
}

/// A paragraph of somebody else's.
pub(super) fn quote(words: &str) -> String {
    wrapped("> ", "> ", words)
}

/// Words in lines, the first line after `first`, the others after `rest`. A long word stands alone.
pub(super) fn wrapped(first: &str, rest: &str, words: &str) -> String {
    let mut result = first.to_owned();
    let mut used = first.chars().count();
    let mut is_start = true;
    for word in words.split_whitespace() {
        let length = word.chars().count();
        if !is_start && used + 1 + length > COLUMNS {
            result += "\n";
            result += rest;
            (used, is_start) = (rest.chars().count(), true);
        }
        if !is_start {
            result.push(' ');
            used += 1;
        }
        result += word;
        (used, is_start) = (used + length, false);
    }
    result.push('\n');
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hide(words: &str) -> String {
        Private(vec!["bob".into(), "mx".into()]).hide(words)
    }

    #[test]
    fn nobody_is_named() {
        for (words, hidden) in [
            ("<bob@example.net>: no TLS", "<...@example.net>: no TLS"),
            ("to=<Carol.C+x@example.net>, x", "to=<...@example.net>, x"),
            ("\"bob x\"@example.net, no", "...@example.net, no"),
            ("v+bob=example.net@example.org", "...@example.org"),
            ("a@b@example.net", "...@...@example.net"),
            ("user BOB: (bob), 'bob'", "user ...: (...), '...'"),
            (
                "host mx.example.net[192.0.2.1] said",
                "host mx.example.net[192.0.2.1] said",
            ),
            ("@", "...@"),
            ("", ""),
        ] {
            assert_eq!(hide(words), hidden, "{words}");
        }
    }

    #[test]
    fn words_are_one_safe_line_of_some_length() {
        assert_eq!(hide("a\r\nBcc: x\t\u{202e}y"), "a Bcc: x \\u{202e}y");
        let long = format!("{} bob@example.net", "x".repeat(MAX_WORDS - 3));
        assert_eq!(hide(&long), format!("{} [...]", "x".repeat(MAX_WORDS - 3)));
        assert_eq!(hide(&"y".repeat(MAX_WORDS + 1)), "[...]");
    }

    #[test]
    fn the_host_as_postfix_writes_it() {
        let host = |words| host(words).unwrap_or_default();
        assert_eq!(
            host("by host mx.example.net[192.0.2.1]:25: x"),
            "mx.example.net[192.0.2.1]"
        );
        assert_eq!(
            host("mx.example.net[2001:db8::1] said"),
            "mx.example.net[2001:db8::1]"
        );
        for words in [
            "x[y]",
            "mx.example.net[]",
            "a.b[1",
            "/x.y[1.2.3.4]",
            "[192.0.2.1]",
        ] {
            assert_eq!(host(words), "", "{words}");
        }
    }

    #[test]
    fn lines_are_short() {
        let text = quote(&"word ".repeat(40));
        assert!(
            text.lines()
                .all(|line| line.len() <= COLUMNS && line.starts_with("> word"))
        );
        assert_eq!(wrapped("A: ", "   ", ""), "A: \n");
        let long = "x".repeat(100);
        assert_eq!(
            quote(&format!("a {long} b")),
            format!("> a\n> {long}\n> b\n")
        );
    }
}
