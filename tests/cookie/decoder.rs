//! A reading of Subjects for the tests, with nothing of the program in it.
//!
//! Bytes that no charset here explains are characters of their own, one for each byte and charset: what is
//! lost, replaced or moved to another charset reads differently.

/// The blank that a folded line begins with.
pub(super) const FOLD: char = '\u{e000}';

/// What a value reads as.
pub(super) fn read(value: &[u8]) -> String {
    let value = value.trim_ascii();
    let mut read = String::new();
    let (mut text, mut at, mut is_behind_word) = (0, 0, false);
    while at < value.len() {
        let Some((length, word)) = word(&value[at..]) else {
            at += 1;
            continue;
        };
        if !is_behind_word || !value[text..at].trim_ascii().is_empty() {
            read.push_str(&plain(&value[text..at]));
        }
        read.push_str(&word);
        at += length;
        (text, is_behind_word) = (at, true);
    }
    read + &plain(&value[text..])
}

/// Length and text of the encoded word at the start.
fn word(bytes: &[u8]) -> Option<(usize, String)> {
    let rest = bytes.strip_prefix(b"=?")?;
    let rest = &rest[..rest.iter().position(|&b| b == b'\n').unwrap_or(rest.len())];
    let rest = &rest[..rest.len().min(998)];
    let mut parts = rest.splitn(3, |&byte| byte == b'?');
    let (charset, encoding, data) = (parts.next()?, parts.next()?, parts.next()?);
    if charset.len() < 2 || !charset.iter().all(u8::is_ascii_graphic) {
        return None;
    }
    let end = data.windows(2).position(|two| two == b"?=")?;
    let raw = match encoding {
        b"q" | b"Q" => quoted(&data[..end])?,
        b"b" | b"B" => base64(&data[..end])?,
        _ => return None,
    };
    let charset = String::from_utf8_lossy(charset).to_ascii_lowercase();
    let one = |opaque: u32| {
        move |&byte: &u8| match byte {
            0..0x80 => char::from(byte),
            byte => char::from_u32(opaque + u32::from(byte)).expect("private use"),
        }
    };
    let text = match charset.as_str() {
        "utf-8" => utf_8(&raw),
        "iso-8859-1" => raw.iter().map(latin_1).collect(),
        "us-ascii" => raw.iter().map(one(0xf_2000)).collect(),
        name => raw
            .iter()
            .map(one(0xf_3000 + 256 * u32::from(name.as_bytes()[2])))
            .collect(),
    };
    Some((charset.len() + encoding.len() + end + 6, text))
}

/// With what everybody takes the control characters for (windows-1252).
fn latin_1(&byte: &u8) -> char {
    const CONTROLS: &str = "\u{20ac}\u{81}\u{201a}\u{192}\u{201e}\u{2026}\u{2020}\u{2021}\u{2c6}\u{2030}\u{160}\u{2039}\u{152}\u{8d}\u{17d}\u{8f}\u{90}\u{2018}\u{2019}\u{201c}\u{201d}\u{2022}\u{2013}\u{2014}\u{2dc}\u{2122}\u{161}\u{203a}\u{153}\u{9d}\u{17e}\u{178}";
    match byte {
        0x80..0xa0 => CONTROLS.chars().nth(usize::from(byte) - 0x80).expect("32"),
        byte => char::from(byte),
    }
}

fn quoted(data: &[u8]) -> Option<Vec<u8>> {
    match data {
        [] => Some(Vec::new()),
        [b'=', one, other, rest @ ..] => {
            let digit = |digit: &u8| char::from(*digit).to_digit(16);
            let byte = digit(one)? * 16 + digit(other)?;
            Some([vec![u8::try_from(byte).ok()?], quoted(rest)?].concat())
        }
        [b'=', ..] => None,
        [b'_', rest @ ..] => Some([vec![b' '], quoted(rest)?].concat()),
        [byte, rest @ ..] => Some([vec![*byte], quoted(rest)?].concat()),
    }
}

fn base64(data: &[u8]) -> Option<Vec<u8>> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let digits = data.trim_ascii_end();
    let digits = &digits[..digits
        .iter()
        .rposition(|&b| b != b'=')
        .map_or(0, |last| last + 1)];
    let bits = digits.iter().map(|&digit| {
        let value = DIGITS.find(char::from(digit))?;
        Some(format!("{value:06b}"))
    });
    let bits = bits.collect::<Option<String>>()?;
    let bytes = bits.as_bytes().chunks_exact(8);
    bytes
        .map(|byte| u8::from_str_radix(std::str::from_utf8(byte).ok()?, 2).ok())
        .collect()
}

/// Text as it is, with its folds.
fn plain(bytes: &[u8]) -> String {
    let mut text = utf_8(bytes);
    for blank in [" ", "\t"] {
        for end in ["\r\n", "\n"] {
            text = text.replace(&format!("{end}{blank}"), &FOLD.to_string());
        }
    }
    text
}

fn utf_8(bytes: &[u8]) -> String {
    let mut text = String::new();
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        let opaque = chunk
            .invalid()
            .iter()
            .map(|&byte| 0xf_1000 + u32::from(byte));
        text.extend(opaque.map(|byte| char::from_u32(byte).expect("private use")));
    }
    text
}

#[test]
fn reads() {
    for (value, text) in [
        (" Lunch\r\n \tover\n", "Lunch\u{e000}\tover"),
        (
            "=?utf-8?q?a_=c3=BC?=  =?ISO-8859-1?B?/GI=?= c\n",
            "a \u{fc}\u{fc}b c",
        ),
        ("=?utf-8?q?=c3?= =?utf-8?q?=bc?=", "\u{f10c3}\u{f10bc}"),
        ("=?utf-8?q?=c?==?utf-8?b?YQ?=", "=?utf-8?q?=c?=a"),
    ] {
        assert_eq!(read(value.as_bytes()), text);
    }
}
