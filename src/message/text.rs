//! What field values mean: words (RFC 2047), addresses, dates, Message-IDs (RFC 5322 section 3).
//!
//! mail-parser interprets; nothing here looks for fields or changes bytes.

use mail_parser::parsers::MessageStream;
use mail_parser::{DateTime, HeaderValue};

/// An unstructured value decoded for display. Control characters may still be in it.
pub fn decode(value: &[u8]) -> String {
    let value = terminated(value);
    match MessageStream::new(&value).parse_unstructured() {
        HeaderValue::Text(text) => text.into_owned(),
        _ => String::new(),
    }
}

/// The addresses (`local@domain`) of an address list, groups opened, in their order. Words that are
/// no address are left out.
pub fn addresses(value: &[u8]) -> Vec<String> {
    let value = terminated(value);
    match MessageStream::new(&value).parse_address() {
        HeaderValue::Address(list) => list
            .iter()
            .filter_map(|addr| addr.address.as_deref())
            .map(|address| address.trim().to_owned())
            .filter(|address| address.contains('@'))
            .collect(),
        _ => Vec::new(),
    }
}

/// The entries of an address list that have no domain, such as `root`, and so are no address.
pub fn without_domain(value: &[u8]) -> Vec<String> {
    let value = terminated(value);
    match MessageStream::new(&value).parse_address() {
        HeaderValue::Address(list) => list
            .iter()
            .filter_map(|addr| addr.address.as_deref().or(addr.name.as_deref()))
            .map(str::trim)
            .filter(|entry| !entry.is_empty() && !entry.contains('@'))
            .map(str::to_owned)
            .collect(),
        _ => Vec::new(),
    }
}

/// Seconds since 1970 of an RFC 5322 date.
pub fn date(value: &str) -> Option<i64> {
    DateTime::parse_rfc822(value)
        .filter(DateTime::is_valid)
        .map(|date| date.to_timestamp())
}

/// `2026-11-24T10:03:00Z` for seconds since 1970.
pub fn rfc3339(seconds: i64) -> String {
    DateTime::from_timestamp(seconds).to_rfc3339()
}

/// A Message-ID without angle brackets and the blanks around it; `None` where nothing is left.
pub fn message_id(value: &str) -> Option<String> {
    let value = value.trim();
    let inner = match (value.find('<'), value.rfind('>')) {
        (Some(open), Some(close)) if open < close => &value[open + 1..close],
        _ => value,
    };
    let id: String = inner.chars().filter(|c| !c.is_whitespace()).collect();
    (!id.is_empty()).then_some(id)
}

/// What xtext stands for: `+2B` is a plus sign (RFC 3461 section 4). Other bytes stay as they are.
pub fn without_xtext(value: &str) -> String {
    let mut result = Vec::with_capacity(value.len());
    let mut rest = value;
    while let Some((before, after)) = rest.split_once('+') {
        result.extend_from_slice(before.as_bytes());
        match after
            .get(..2)
            .and_then(|hex| u8::from_str_radix(hex, 16).ok())
        {
            Some(byte) => {
                result.push(byte);
                rest = &after[2..];
            }
            None => {
                result.push(b'+');
                rest = after;
            }
        }
    }
    result.extend_from_slice(rest.as_bytes());
    String::from_utf8_lossy(&result).into_owned()
}

/// The parser wants a value that ends with a line end.
fn terminated(value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if !value.ends_with(b"\n") {
        value.push(b'\n');
    }
    value
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decodes_words() {
        assert_eq!(
            decode(b" =?utf-8?Q?Gr=C3=BC=C3=9Fe?=\n =?utf-8?B?IQ==?=\n"),
            "Gr\u{fc}\u{df}e!"
        );
        assert_eq!(decode(b" plain\n text"), "plain text");
    }

    #[test]
    fn opens_groups() {
        let list = b" Team: bob@example.net, \"C, D\" <carol@example.com>; , eve@example.org";
        assert_eq!(
            addresses(list),
            ["bob@example.net", "carol@example.com", "eve@example.org"]
        );
        assert!(addresses(b" undisclosed-recipients:;").is_empty());
        assert_eq!(
            without_domain(b" bob@example.net, root, Al <al>, Team: x@y, ops;"),
            ["root", "al", "ops"]
        );
        assert!(without_domain(b" undisclosed-recipients:;").is_empty());
    }

    #[test]
    fn dates_there_and_back() {
        let seconds = date("Tue, 24 Nov 2026 06:48:46 +0100 (CET)").unwrap();
        assert_eq!(rfc3339(seconds), "2026-11-24T05:48:46Z");
        assert_eq!(date("soon"), None);
    }

    #[test]
    fn xtext() {
        for (xtext, plain) in [
            ("a+2Bb+3Dc", "a+b=c"),
            ("+zz+2", "+zz+2"),
            ("+C3+BC", "\u{fc}"),
            ("", ""),
        ] {
            assert_eq!(without_xtext(xtext), plain);
        }
    }

    #[test]
    fn message_ids() {
        assert_eq!(message_id(" <a@b> ").as_deref(), Some("a@b"));
        assert_eq!(message_id("a@b").as_deref(), Some("a@b"));
        assert_eq!(message_id("<>"), None);
    }
}
