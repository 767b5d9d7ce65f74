//! What field values mean: words (RFC 2047), addresses, dates, Message-IDs (RFC 5322 section 3).
//!
//! mail-parser interprets; nothing here looks for fields or changes bytes.

use mail_parser::decoders::charsets::map::charset_decoder;
use mail_parser::parsers::MessageStream;
use mail_parser::{Addr, DateTime, HeaderValue};
use memchr::memmem;

/// An unstructured value decoded for display. Control characters may still be in it.
pub fn decode(value: &[u8]) -> String {
    let value = terminated(value);
    match MessageStream::new(&value).parse_unstructured() {
        HeaderValue::Text(text) => text.into_owned(),
        _ => String::new(),
    }
}

/// What the bytes of an encoded word read as (RFC 2047). Of a charset that mail-parser does not know, and
/// of ASCII, for which it guesses another, the bytes that are not ASCII are replaced.
pub(super) fn charset_decoded(charset: &[u8], bytes: &[u8]) -> String {
    let is = |names: &[&str]| {
        let mut names = names.iter();
        names.any(|name| charset.eq_ignore_ascii_case(name.as_bytes()))
    };
    match charset_decoder(charset) {
        _ if is(&["utf-8", "utf8"]) => String::from_utf8_lossy(bytes).into_owned(),
        Some(decoder) if !is(&["us-ascii", "ascii"]) => decoder(bytes),
        _ => {
            let bytes = bytes.iter().map(|&byte| match byte.is_ascii() {
                true => char::from(byte),
                false => char::REPLACEMENT_CHARACTER,
            });
            bytes.collect()
        }
    }
}

/// The addresses (`local@domain`) of an address list, groups opened, in their order. Words that are
/// no address are left out.
pub fn addresses(value: &[u8]) -> Vec<String> {
    let entries = entries(value).into_iter();
    entries
        .filter_map(|(address, _)| address)
        .filter(|address| address.contains('@'))
        .collect()
}

/// The entries of an address list that nothing can be sent to: without a domain, such as `root`, or without
/// a local part.
pub fn unusable(value: &[u8]) -> Vec<String> {
    let is_usable = |address: &String| address.contains('@') && !address.starts_with('@');
    let entries = entries(value).into_iter();
    entries
        .filter(|(address, _)| !address.as_ref().is_some_and(is_usable))
        .filter_map(|(address, name)| address.or(name))
        .collect()
}

/// Address and name of each entry.
fn entries(value: &[u8]) -> Vec<(Option<String>, Option<String>)> {
    let value = terminated(value);
    let HeaderValue::Address(list) = MessageStream::new(&value).parse_address() else {
        return Vec::new();
    };
    let text = |text: Option<&str>| {
        let text = text.map(str::trim).filter(|text| !text.is_empty());
        text.map(str::to_owned)
    };
    let entry = |addr: &Addr<'_>| {
        let address = quoted(addr, &value).or_else(|| text(addr.address().map(without_route)));
        (address, text(addr.name()))
    };
    list.iter().map(entry).collect()
}

/// The address without the route that old mail writes before it, `@a.test,@b.test:` (RFC 5322 section 4.4).
fn without_route(address: &str) -> &str {
    let is_domain = |part: &str| {
        let part = part.trim();
        part.is_empty() || part.starts_with('@') && part.contains('[') == part.contains(']')
    };
    match address.split_once(':') {
        Some((route, rest)) if address.starts_with('@') && route.split(',').all(is_domain) => rest,
        _ => address,
    }
}

/// `"bob smith"@example.net` without angle brackets: the parser takes the local part for a name, and adds
/// a comment that follows in parentheses.
fn quoted(addr: &Addr<'_>, value: &[u8]) -> Option<String> {
    let domain = addr.address().filter(|address| address.starts_with('@'))?;
    let name = addr.name()?;
    let without_comment = name.rsplit_once(" (").map(|(name, _)| name);
    [Some(name), without_comment]
        .into_iter()
        .flatten()
        .map(|name| name.replace('\\', "\\\\").replace('"', "\\\""))
        .map(|local| format!("\"{local}\"{domain}"))
        .find(|address| memmem::find(value, address.as_bytes()).is_some())
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

/// A Message-ID without angle brackets and the blanks around it; `None` where nothing is left. Of
/// several the first; comments before and after it do not count (RFC 5322 section 3.6.4).
pub fn message_id(value: &str) -> Option<String> {
    let value = without_comments(value);
    let bracketed = value.find('<').map(|open| &value[open + 1..]);
    let inner = match bracketed {
        // A header block may be cut in the middle of it.
        Some(rest) => rest.split('>').next().unwrap_or(rest),
        None => value.split(" (").next().unwrap_or(value),
    };
    let id: String = inner.chars().filter(|c| !c.is_whitespace()).collect();
    (!id.is_empty()).then_some(id)
}

/// The value from behind the comments that it starts with.
fn without_comments(value: &str) -> &str {
    let mut rest = value.trim_start();
    while let Some(comment) = rest.strip_prefix('(') {
        let mut depth = 1;
        let end = comment.find(|c: char| {
            depth += i32::from(c == '(') - i32::from(c == ')');
            depth == 0
        });
        match end {
            Some(end) => rest = comment[end + 1..].trim_start(),
            None => break,
        }
    }
    rest
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
            unusable(b" bob@example.net, root, Al <al>, Team: x@y, ops;, <@example.com>"),
            ["root", "al", "ops", "@example.com"]
        );
        assert!(unusable(b" undisclosed-recipients:;").is_empty());
        // A name is no address, whatever it looks like.
        assert!(addresses(b" \"bob@example.net\"").is_empty());
        assert_eq!(unusable(b" \"bob@example.net\""), ["bob@example.net"]);
    }

    /// RFC 5322 section 4.4: the route that old mail gives is to be ignored.
    #[test]
    fn an_old_route_is_ignored() {
        for list in [
            "<@a.test,@b.test:bob@example.net>",
            "Bob <@a.test,@b.test:bob@example.net>, carol@example.com",
            "T: <@a.test:bob@example.net>;, <@a.test , ,\r\n @[192.0.2.1] : bob@example.net>",
            "\"<@a:x@y>\" <@a.test:\"<@a:b\"@example.net>",
            "(<@a.test:) Al <al@example.net> (:), \"B\\\"<@c.test:\" <b@example.net>",
        ] {
            let list = list.as_bytes();
            let without: Vec<String> = addresses(list);
            assert!(
                unusable(list).is_empty(),
                "{without:?} {:?}",
                unusable(list)
            );
            assert!(
                without
                    .iter()
                    .all(|one| one.ends_with("@example.net") || one == "carol@example.com"),
                "{without:?}"
            );
        }
        let list = b"<@a.test,@b.test:bob@example.net>, T: carol@example.com;";
        assert_eq!(addresses(list), ["bob@example.net", "carol@example.com"]);
        for nobody in [
            &b"<@a.test>"[..],
            b"<@a.test:>",
            b"<@a.test,b:bob@example.net>",
        ] {
            assert!(addresses(nobody).iter().all(|one| one != "bob@example.net"));
        }
    }

    #[test]
    fn a_quoted_local_part_needs_no_angle_brackets() {
        let list =
            b" \"bob smith\"@example.net (Bob), T: \"a@b\"@example.com;, \"C\" <c@example.org>";
        assert_eq!(
            addresses(list),
            [
                "\"bob smith\"@example.net",
                "\"a@b\"@example.com",
                "c@example.org"
            ]
        );
        // A comment within an address is no local part.
        assert_eq!(addresses(b" bob(\"c\")@example.net"), ["@example.net"]);
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
        for value in [
            "a@b",
            "a@b (by mail)",
            "<a@b> <c@d>",
            "<a@b> (was <c@d>)",
            "(one (two) <c@d>) () <a@b>",
            "<a@b",
            "<a@\t b>",
        ] {
            assert_eq!(message_id(value).as_deref(), Some("a@b"), "{value}");
        }
        assert_eq!(message_id("<>"), None);
        assert_eq!(message_id("(("), Some("((".to_owned()));
    }
}
