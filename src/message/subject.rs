//! A Subject value as tokens that remember their bytes, so that some of its characters can be taken out.
//!
//! The tokens are those of mail-parser's reading: runs of plain text within a line, and encoded words
//! (RFC 2047). One blank stands between two tokens, none between two encoded words. What this module cannot
//! read in the same way as mail-parser is encoded anew as a whole, so that what a reader sees is always right.

use std::ops::Range;

use memchr::memmem;

use super::text::decode;

/// A value with its characters.
pub(super) struct Subject<'a> {
    value: &'a [u8],
    tokens: Vec<Token>,
    /// What the value reads as, character by character.
    pub(super) units: Vec<Unit>,
    /// Does the reading agree with mail-parser's?
    is_sure: bool,
    line_end: &'static str,
}

struct Token {
    at: Range<usize>,
    /// `Q` or `B` for an encoded word.
    encoding: Option<u8>,
}

/// One character of the reading.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) character: char,
    /// The token it belongs to; the one behind it for a [`Kind::Glue`].
    token: usize,
    pub(super) kind: Kind,
    pub(super) is_kept: bool,
}

/// Where a character comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Kind {
    /// From these bytes of the value.
    Plain(Range<usize>),
    /// From an encoded word.
    Encoded,
    /// The blank between two tokens; is it where a line was folded?
    Glue {
        /// The line ends here.
        folded: bool,
    },
}

impl Unit {
    pub(super) fn is_blank(&self) -> bool {
        matches!(self.character, ' ' | '\t')
    }

    pub(super) fn is_glue(&self) -> bool {
        matches!(self.kind, Kind::Glue { .. })
    }

    pub(super) fn is_fold(&self) -> bool {
        self.kind == Kind::Glue { folded: true }
    }
}

impl<'a> Subject<'a> {
    /// Reads the value of a field, with its folds and its line end.
    pub(super) fn read(value: &'a [u8]) -> Subject<'a> {
        let tokens = tokens(value);
        let mut units: Vec<Unit> = Vec::new();
        for (number, token) in tokens.iter().enumerate() {
            let mut push = |character, kind| {
                let (token, is_kept) = (number, true);
                units.push(Unit {
                    character,
                    token,
                    kind,
                    is_kept,
                });
            };
            let before = number.checked_sub(1).map(|before| &tokens[before]);
            if let Some(before) =
                before.filter(|before| before.encoding.is_none() || token.encoding.is_none())
            {
                let folded = value[before.at.end..token.at.start].contains(&b'\n');
                push(' ', Kind::Glue { folded });
            }
            match token.encoding {
                Some(_) => decode(&value[token.at.clone()])
                    .chars()
                    .for_each(|c| push(c, Kind::Encoded)),
                None => plain(value, &token.at, &mut push),
            }
        }
        let read: String = units.iter().map(|unit| unit.character).collect();
        let decoded = decode(value);
        let is_sure = read == decoded;
        if !is_sure {
            let unit = |character| Unit {
                character,
                token: 0,
                kind: Kind::Encoded,
                is_kept: true,
            };
            units = decoded.chars().map(unit).collect();
        }
        let line_end = match memchr::memchr(b'\n', value) {
            Some(lf) if lf > 0 && value[lf - 1] == b'\r' => "\r\n",
            _ => "\n",
        };
        Subject {
            value,
            tokens,
            units,
            is_sure,
            line_end,
        }
    }

    /// The value of the units that are kept. Tokens that lost nothing keep their bytes.
    pub(super) fn write(&self) -> Vec<u8> {
        let kept = self.units.iter().filter(|unit| unit.is_kept);
        let wanted: String = kept.map(|unit| unit.character).collect();
        let written = match self.is_sure {
            true => self.write_tokens(),
            false => Vec::new(),
        };
        if self.is_sure && decode(&written) == wanted {
            return written;
        }
        let mut anew = b" ".to_vec();
        anew.extend(words(&wanted, b'B', self.line_end).bytes());
        anew.extend_from_slice(self.line_end.as_bytes());
        anew
    }

    fn write_tokens(&self) -> Vec<u8> {
        let first = self
            .tokens
            .first()
            .map_or(self.value.len(), |token| token.at.start);
        let mut out = self.value[..first].to_vec();
        let mut last: Option<usize> = None;
        for number in 0..self.tokens.len() {
            let Some(bytes) = self.rest_of(number) else {
                continue;
            };
            if let Some(last) = last {
                out.extend(self.between(last, number));
            }
            out.extend(bytes);
            last = Some(number);
        }
        let end = self
            .tokens
            .last()
            .map_or(self.value.len(), |token| token.at.end);
        out.extend_from_slice(&self.value[end..]);
        out
    }

    /// What is left of a token; `None` where nothing is.
    fn rest_of(&self, number: usize) -> Option<Vec<u8>> {
        let token = &self.tokens[number];
        let of_token = || {
            let units = self.units.iter();
            units.filter(|unit| unit.token == number && !unit.is_glue())
        };
        if of_token().all(|unit| unit.is_kept) {
            return Some(self.value[token.at.clone()].to_vec());
        }
        let kept = of_token().filter(|unit| unit.is_kept);
        let rest = match token.encoding {
            Some(encoding) => {
                let text: String = kept.map(|unit| unit.character).collect();
                words(&text, encoding, self.line_end).into_bytes()
            }
            None => {
                let bytes = kept.filter_map(|unit| match &unit.kind {
                    Kind::Plain(at) => Some(&self.value[at.clone()]),
                    _ => None,
                });
                bytes.collect::<Vec<_>>().concat()
            }
        };
        (!rest.is_empty()).then_some(rest)
    }

    /// What stands between two tokens that follow each other now: a fold where there was one.
    fn between(&self, one: usize, other: usize) -> Vec<u8> {
        let gap = |number: usize| {
            let (before, after) = (&self.tokens[number - 1], &self.tokens[number]);
            &self.value[before.at.end..after.at.start]
        };
        let mut gaps = (one + 1..=other).map(gap);
        let gap = gaps
            .clone()
            .find(|gap| gap.contains(&b'\n'))
            .or(gaps.next_back());
        let gap = gap.unwrap_or_default();
        let gap = match other == one + 1 || !gap.is_empty() {
            true => gap,
            false => b" ",
        };
        let is_blank_kept = self
            .units
            .iter()
            .any(|unit| unit.is_glue() && unit.is_kept && (one + 1..=other).contains(&unit.token));
        let are_words =
            self.tokens[one].encoding.is_some() && self.tokens[other].encoding.is_some();
        match (are_words, is_blank_kept) {
            // The blank between two encoded words is not seen: it must be a word itself.
            (true, true) => [b" =?utf-8?Q?_?=", gap].concat(),
            (false, false) => Vec::new(),
            _ => gap.to_vec(),
        }
    }
}

/// The tokens of a value, as mail-parser finds them.
fn tokens(value: &[u8]) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let mut text: Option<Range<usize>> = None;
    let mut at = 0;
    while let Some(&byte) = value.get(at) {
        let word = if value[at..].starts_with(b"=?") {
            word(&value[at..])
        } else {
            None
        };
        if let Some((length, encoding)) = word {
            tokens.extend(text.take().map(|at| Token { at, encoding: None }));
            tokens.push(Token {
                at: at..at + length,
                encoding: Some(encoding),
            });
            at += length;
            continue;
        }
        match byte {
            b'\n' => tokens.extend(text.take().map(|at| Token { at, encoding: None })),
            b' ' | b'\t' | b'\r' => (),
            _ => text = Some(text.map_or(at, |text| text.start)..at + 1),
        }
        at += 1;
    }
    tokens.extend(text.map(|at| Token { at, encoding: None }));
    tokens
}

/// Length and encoding of the encoded word at the start, if there is one.
fn word(bytes: &[u8]) -> Option<(usize, u8)> {
    /// RFC 2047 allows 75 bytes; some programs write more.
    const LONGEST: usize = 1000;
    let bytes = &bytes[..bytes.len().min(LONGEST)];
    let line = &bytes[..memchr::memchr(b'\n', bytes).unwrap_or(bytes.len())];
    let charset = memchr::memchr(b'?', line.get(2..)?)? + 2;
    let [encoding, b'?'] = *line.get(charset + 1..charset + 3)? else {
        return None;
    };
    let encoding = encoding.to_ascii_uppercase();
    if !matches!(encoding, b'Q' | b'B') {
        return None;
    }
    let data = charset + 3;
    let end = data + memmem::find(&line[data..], b"?=")? + 2;
    let word = &line[..end];
    (decode(word).as_bytes() != word).then_some((end, encoding))
}

/// The characters of plain text. Bytes that are not UTF-8 read as one replacement character a piece.
fn plain(value: &[u8], at: &Range<usize>, push: &mut impl FnMut(char, Kind)) {
    let mut start = at.start;
    for chunk in value[at.clone()].utf8_chunks() {
        for character in chunk.valid().chars() {
            let end = start + character.len_utf8();
            push(character, Kind::Plain(start..end));
            start = end;
        }
        if !chunk.invalid().is_empty() {
            let end = start + chunk.invalid().len();
            push(char::REPLACEMENT_CHARACTER, Kind::Plain(start..end));
            start = end;
        }
    }
}

/// Encoded words of at most 75 characters (RFC 2047 section 2), one a line.
fn words(text: &str, encoding: u8, line_end: &str) -> String {
    /// What a word can hold beside `=?utf-8?Q?` and `?=`.
    const ROOM: usize = 75 - 12;
    let mut words = String::new();
    let mut rest = text;
    while !rest.is_empty() {
        let mut length = 0;
        let mut data = String::new();
        for character in rest.chars() {
            let end = length + character.len_utf8();
            let longer = match encoding {
                b'Q' => data.clone() + &quoted(character),
                _ => base64(&rest.as_bytes()[..end]),
            };
            if longer.len() > ROOM {
                break;
            }
            (length, data) = (end, longer);
        }
        if !words.is_empty() {
            words.push_str(line_end);
            words.push(' ');
        }
        let encoding = char::from(encoding);
        words.push_str(&format!("=?utf-8?{encoding}?{data}?="));
        rest = &rest[length..];
    }
    words
}

/// A character in the Q encoding (RFC 2047 section 4.2).
fn quoted(character: char) -> String {
    match character {
        ' ' => "_".to_owned(),
        c if c.is_ascii_alphanumeric() || "!*+-/.,:;()[]'\"#$%&<>@".contains(c) => c.to_string(),
        c => {
            let mut bytes = [0; 4];
            let bytes = c.encode_utf8(&mut bytes).bytes();
            bytes.map(|byte| format!("={byte:02X}")).collect()
        }
    }
}

/// RFC 4648 section 4.
fn base64(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for three in bytes.chunks(3) {
        let byte = |at: usize| u32::from(three.get(at).copied().unwrap_or(0));
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for digit in 0..4 {
            text.push(match digit > three.len() {
                true => '=',
                false => char::from(DIGITS[(bits >> (18 - 6 * digit)) as usize & 63]),
            });
        }
    }
    text
}
