//! A Subject value as characters that remember their bytes, so that some of them can be taken out.
//!
//! The value is a sequence of plain text and encoded words (RFC 2047); the blanks between two encoded words
//! are not seen. What is left keeps its bytes, and an encoded word its charset, whether we know it or not.
//! Only a word whose bytes cannot be told apart is written in another charset, and only if all of it was read.

use std::ops::Range;

use memchr::memmem;

use super::encoded::{Word, words};

/// A value with its characters.
pub(super) struct Subject<'a> {
    value: &'a [u8],
    /// They tile the value without the blanks at both ends.
    tokens: Vec<Token<'a>>,
    /// What the value reads as, character by character.
    pub(super) units: Vec<Unit>,
}

struct Token<'a> {
    at: Range<usize>,
    word: Option<Word<'a>>,
}

/// One character of the reading.
#[derive(Debug, Clone)]
pub(super) struct Unit {
    pub(super) character: char,
    /// The token it belongs to.
    token: usize,
    /// Its bytes in plain text, with the line end before the blank of a fold.
    at: Range<usize>,
    pub(super) is_kept: bool,
    is_plain: bool,
    /// Is it the blank that a folded line begins with?
    pub(super) is_fold: bool,
}

impl Unit {
    pub(super) fn is_blank(&self) -> bool {
        matches!(self.character, ' ' | '\t')
    }

    /// How much a blank is needed where it stands: one beside an encoded word tells it from the text, and a
    /// fold keeps the line short.
    pub(super) fn needed(&self) -> (bool, bool) {
        (self.is_plain, self.is_fold)
    }
}

impl<'a> Subject<'a> {
    /// Reads the value of a field, with its folds and its line end.
    pub(super) fn read(value: &'a [u8]) -> Subject<'a> {
        let tokens = tokens(value);
        let mut units: Vec<Unit> = Vec::new();
        for (number, token) in tokens.iter().enumerate() {
            match &token.word {
                Some(word) => units.extend(word.text.chars().map(|character| Unit {
                    character,
                    token: number,
                    at: token.at.clone(),
                    is_kept: true,
                    is_plain: false,
                    is_fold: false,
                })),
                None if is_gap(value, &tokens, number) => (),
                None => plain(value, &token.at, number, &mut units),
            }
        }
        Subject {
            value,
            tokens,
            units,
        }
    }

    /// What all encoded words stand for, before their charset is considered.
    pub(super) fn encoded_bytes(&self) -> Vec<u8> {
        let words = self.tokens.iter().filter_map(|token| token.word.as_ref());
        words.flat_map(Word::bytes).collect()
    }

    /// The value of the units that are kept. `None` where that cannot be written without a loss.
    pub(super) fn write(&self) -> Option<Vec<u8>> {
        let kept = self.units.iter().filter(|unit| unit.is_kept);
        let wanted: String = kept.map(|unit| unit.character).collect();
        let written = self.write_tokens();
        if let Some(written) = written.filter(|written| Subject::read(written).reads_as(&wanted)) {
            return Some(written);
        }
        // What is left may look like an encoded word now, which it was not before.
        (!wanted.contains(char::REPLACEMENT_CHARACTER)).then(|| {
            let words = words(&wanted, b'B', self.line_end());
            [" ", &words, self.line_end()].concat().into_bytes()
        })
    }

    /// Does it read as that? A blank may have become another blank.
    fn reads_as(&self, text: &str) -> bool {
        let blank = |character| if character == '\t' { ' ' } else { character };
        let characters = self.units.iter().map(|unit| blank(unit.character));
        characters.eq(text.chars().map(blank))
    }

    fn line_end(&self) -> &'static str {
        match memchr::memchr(b'\n', self.value) {
            Some(lf) if lf > 0 && self.value[lf - 1] == b'\r' => "\r\n",
            _ => "\n",
        }
    }

    fn write_tokens(&self) -> Option<Vec<u8>> {
        let end = self.value.len();
        let (first, last) = match (self.tokens.first(), self.tokens.last()) {
            (Some(first), Some(last)) => (first.at.start, last.at.end),
            _ => (end, end),
        };
        let mut out = self.value[..first].to_vec();
        let mut between = Between::default();
        let mut is_behind_word = false;
        for (number, token) in self.tokens.iter().enumerate() {
            let Some(word) = &token.word else {
                self.add_text(number, &mut between);
                continue;
            };
            let kept: Vec<bool> = self.units_of(number).iter().map(|u| u.is_kept).collect();
            let rest = word.rest(&kept, self.line_end())?;
            if !rest.is_empty() {
                out.extend(std::mem::take(&mut between).written(is_behind_word));
                out.extend(rest);
                is_behind_word = true;
            }
        }
        out.extend(between.seen);
        out.extend_from_slice(&self.value[last..]);
        Some(without_empty_lines(&out))
    }

    /// What is left of plain text.
    fn add_text(&self, number: usize, between: &mut Between) {
        let bytes = &self.value[self.tokens[number].at.clone()];
        if is_gap(self.value, &self.tokens, number) {
            between.add_unseen(bytes);
        }
        for unit in self.units_of(number) {
            let bytes = &self.value[unit.at.clone()];
            match unit.is_kept {
                true => {
                    between.seen.extend_from_slice(bytes);
                    between.count += 1;
                }
                false if unit.is_blank() => between.add_unseen(bytes),
                false => (),
            }
        }
    }

    fn units_of(&self, token: usize) -> &[Unit] {
        let start = self.units.partition_point(|unit| unit.token < token);
        let end = self.units.partition_point(|unit| unit.token <= token);
        &self.units[start..end]
    }
}

/// What is left between two encoded words.
#[derive(Default)]
struct Between {
    /// What a reader sees.
    seen: Vec<u8>,
    /// How many characters that is.
    count: usize,
    /// Blanks that are not seen, or were taken out: with a fold, if there was one.
    unseen: Vec<u8>,
}

impl Between {
    fn add_unseen(&mut self, blanks: &[u8]) {
        if self.unseen.is_empty() || blanks.contains(&b'\n') {
            self.unseen = blanks.to_vec();
        }
    }

    fn written(self, is_behind_word: bool) -> Vec<u8> {
        if !is_behind_word || !self.seen.trim_ascii().is_empty() {
            return self.seen;
        }
        match (self.seen.is_empty(), self.unseen.is_empty()) {
            (true, true) => b" ".to_vec(),
            (true, false) => self.unseen,
            // Blanks between two encoded words are not seen: they must be a word themselves.
            (false, _) => {
                let blanks = "_".repeat(self.count);
                [format!(" =?utf-8?Q?{blanks}?=").as_bytes(), &self.seen].concat()
            }
        }
    }
}

/// A line of blanks alone would end the header for some: its blanks go to the line before.
fn without_empty_lines(value: &[u8]) -> Vec<u8> {
    let mut out: Vec<u8> = Vec::with_capacity(value.len());
    for line in value.split_inclusive(|&byte| byte == b'\n') {
        if line.starts_with(b" ") || line.starts_with(b"\t") {
            let is_empty = line.trim_ascii().is_empty();
            for end in [b'\n', b'\r'] {
                if is_empty && out.last() == Some(&end) {
                    out.pop();
                }
            }
        }
        out.extend_from_slice(line);
    }
    out
}

/// Plain text and encoded words, without the blanks at both ends of the value.
fn tokens(value: &[u8]) -> Vec<Token<'_>> {
    let end = value.trim_ascii_end().len();
    let start = end - value[..end].trim_ascii_start().len();
    let mut tokens: Vec<Token> = Vec::new();
    let mut text = start;
    let mut at = start;
    while let Some(found) = memmem::find(&value[at..end], b"=?") {
        at += found;
        let Some(word) = Word::read(&value[at..end]) else {
            at += 1;
            continue;
        };
        if text < at {
            tokens.push(Token {
                at: text..at,
                word: None,
            });
        }
        text = at + word.raw.len();
        tokens.push(Token {
            at: at..text,
            word: Some(word),
        });
        at = text;
    }
    if text < end {
        tokens.push(Token {
            at: text..end,
            word: None,
        });
    }
    tokens
}

/// Is it nothing but the blanks between two encoded words?
fn is_gap(value: &[u8], tokens: &[Token<'_>], number: usize) -> bool {
    let token = &tokens[number];
    // At both ends there are no blanks, and no two texts follow each other.
    token.word.is_none() && value[token.at.clone()].trim_ascii().is_empty()
}

/// The characters of plain text. Bytes that are not UTF-8 read as one replacement character a piece.
fn plain(value: &[u8], at: &Range<usize>, token: usize, units: &mut Vec<Unit>) {
    let first = units.len();
    let mut start = at.start;
    let mut push = |character: char, length: usize| {
        let mut at = start..start + length;
        start = at.end;
        let mut is_fold = false;
        if matches!(character, ' ' | '\t') {
            // The line end before it is not seen.
            for end in ['\n', '\r'] {
                let is_line_end = |unit: &mut Unit| unit.character == end;
                let is_next = end == '\n' || is_fold;
                if units.len() > first && is_next && units.last_mut().is_some_and(is_line_end) {
                    at.start = units.pop().map_or(at.start, |unit| unit.at.start);
                    is_fold = true;
                }
            }
        }
        units.push(Unit {
            character,
            token,
            at,
            is_kept: true,
            is_plain: true,
            is_fold,
        });
    };
    for chunk in value[at.clone()].utf8_chunks() {
        for character in chunk.valid().chars() {
            push(character, character.len_utf8());
        }
        if !chunk.invalid().is_empty() {
            push(char::REPLACEMENT_CHARACTER, chunk.invalid().len());
        }
    }
}
