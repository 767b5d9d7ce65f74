//! An encoded word (RFC 2047), its bytes, and what they read as.

use std::ops::Range;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use memchr::memmem;

use super::text::charset_decoded;

/// Some programs write no padding, and some write bits that mean nothing.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new()
        .with_decode_padding_mode(DecodePaddingMode::Indifferent)
        .with_decode_allow_trailing_bits(true),
);

/// An encoded word.
pub(super) struct Word<'a> {
    /// As it is written.
    pub(super) raw: &'a [u8],
    /// What it reads as.
    pub(super) text: String,
    /// `Q` or `B`.
    encoding: u8,
    /// Where the encoded text begins.
    data: usize,
    /// Each byte that it stands for, with where it is written (in the Q encoding).
    bytes: Vec<(u8, Range<usize>)>,
}

impl<'a> Word<'a> {
    /// The word that these bytes begin with, if they do.
    pub(super) fn read(bytes: &'a [u8]) -> Option<Word<'a>> {
        /// RFC 2047 allows 75 bytes; some programs write more.
        const LONGEST: usize = 1000;
        let bytes = &bytes[..bytes.len().min(LONGEST)];
        let line = &bytes[..memchr::memchr(b'\n', bytes).unwrap_or(bytes.len())];
        let label = line.strip_prefix(b"=?")?;
        let label = &label[..memchr::memchr(b'?', label)?];
        if label.len() < 2 || !label.iter().all(u8::is_ascii_graphic) {
            return None;
        }
        let data = label.len() + 5;
        let [b'?', encoding, b'?'] = *line.get(data - 3..data)? else {
            return None;
        };
        let end = data + memmem::find(&line[data..], b"?=")?;
        let raw = &line[..end + 2];
        let encoding = encoding.to_ascii_uppercase();
        let bytes = match encoding {
            b'Q' => q_decoded(&line[..end], data)?,
            b'B' => {
                let bytes = BASE64.decode(&line[data..end]).ok()?;
                bytes.into_iter().map(|byte| (byte, data..data)).collect()
            }
            _ => return None,
        };
        Some(Word {
            raw,
            text: charset_decoded(charset(label), &values(&bytes)),
            encoding,
            data,
            bytes,
        })
    }

    /// The bytes that it stands for.
    pub(super) fn bytes(&self) -> Vec<u8> {
        values(&self.bytes)
    }

    /// What is left when only these of its characters are kept: nothing, a word of the same charset, or words
    /// of UTF-8. `None` where that would lose something.
    pub(super) fn rest(&self, is_kept: &[bool], line_end: &str) -> Option<Vec<u8>> {
        if is_kept.iter().all(|&kept| kept) {
            return Some(self.raw.to_vec());
        }
        let characters = self.text.chars().zip(is_kept);
        let text: String = characters
            .filter(|(_, kept)| **kept)
            .map(|(c, _)| c)
            .collect();
        if text.is_empty() {
            return Some(Vec::new());
        }
        if let Some(left) = self.left(is_kept, &text) {
            let data = self.encoded(&left);
            return Some([&self.raw[..self.data], data.as_bytes(), b"?="].concat());
        }
        (!self.text.contains(char::REPLACEMENT_CHARACTER))
            .then(|| words(&text, self.encoding, line_end).into_bytes())
    }

    /// The bytes that read as `text`, which is what is left.
    fn left(&self, is_kept: &[bool], text: &str) -> Option<Vec<(u8, Range<usize>)>> {
        let label = charset(&self.raw[2..self.data - 3]);
        let raw = values(&self.bytes);
        // How many characters the bytes up to here stand for.
        let counts: Vec<Option<usize>> = (0..=raw.len())
            .map(|end| charset_decoded(label, &raw[..end]))
            .map(|read| self.text.starts_with(&read).then(|| read.chars().count()))
            .collect();
        // An escape sequence or a byte order mark before the cut belongs to what is before it; half a
        // character does not.
        (0..4).find_map(|back| {
            let left = kept_ranges(is_kept, &counts, back)?;
            let left = left.into_iter().flat_map(|at| self.bytes[at].to_vec());
            let left: Vec<_> = left.collect();
            (charset_decoded(label, &values(&left)) == text).then_some(left)
        })
    }

    fn encoded(&self, bytes: &[(u8, Range<usize>)]) -> String {
        let written = |(_, at): &(u8, Range<usize>)| match &self.raw[at.clone()] {
            // It might end the word where it stands now.
            b"?" => "=3F".to_owned(),
            written => String::from_utf8_lossy(written).into_owned(),
        };
        match self.encoding {
            b'Q' => bytes.iter().map(written).collect(),
            _ => BASE64.encode(values(bytes)),
        }
    }
}

fn values(bytes: &[(u8, Range<usize>)]) -> Vec<u8> {
    bytes.iter().map(|(byte, _)| *byte).collect()
}

/// Which bytes are left. `counts` says of each place how many characters are before it; of several such
/// places a cut begins `back` before the last, and ends at the first.
fn kept_ranges(
    is_kept: &[bool],
    counts: &[Option<usize>],
    back: usize,
) -> Option<Vec<Range<usize>>> {
    let first = |count| counts.iter().position(|&c| c == Some(count));
    let last = |count| counts.iter().rposition(|&c| c == Some(count));
    let mut ranges = Vec::new();
    let (mut from, mut at) = (0, 0);
    for run in is_kept.chunk_by(|one, other| one == other) {
        if !run[0] {
            ranges.push(from..first(at)?.max(last(at)?.saturating_sub(back)));
            from = first(at + run.len())?;
        }
        at += run.len();
    }
    ranges.push(from..counts.len() - 1);
    ranges.iter().all(|at| at.start <= at.end).then_some(ranges)
}

/// The name of a charset without its language (RFC 2231 section 5).
fn charset(label: &[u8]) -> &[u8] {
    label.split(|&byte| byte == b'*').next().unwrap_or(label)
}

/// The bytes of the Q encoding (RFC 2047 section 4.2) from `start` on, each with where it is written.
fn q_decoded(word: &[u8], start: usize) -> Option<Vec<(u8, Range<usize>)>> {
    let digit = |at: usize| char::from(*word.get(at)?).to_digit(16);
    let mut bytes = Vec::new();
    let mut at = start;
    while let Some(&byte) = word.get(at) {
        let (byte, length) = match byte {
            b'_' => (b' ', 1),
            b'=' => {
                let byte = digit(at + 1)? << 4 | digit(at + 2)?;
                (u8::try_from(byte).ok()?, 3)
            }
            byte => (byte, 1),
        };
        bytes.push((byte, at..at + length));
        at += length;
    }
    Some(bytes)
}

/// Encoded words of at most 75 characters (RFC 2047 section 2), one a line.
pub(super) fn words(text: &str, encoding: u8, line_end: &str) -> String {
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
                _ => BASE64.encode(&rest.as_bytes()[..end]),
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
