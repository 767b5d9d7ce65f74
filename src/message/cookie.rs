//! The subject cookie: a word such as `[tls-optout]` in the Subject asks for the opt-out.
//!
//! It is found in what a reader sees, whatever charset, encoding or fold it was written with (RFC 2047), and
//! taken out so that the rest reads as before. No other byte of the message changes.

use memchr::memmem;

use super::header;
use super::optout::added_with;
use super::recipients::is_resent;
use super::resubmission::line_end;
use super::subject::{Subject, Unit};
use super::text;

/// Longer Subject values are left alone, in bytes.
const LONGEST: usize = 16 * 1024;

/// So many tags of mailing lists may stand before a `Re:`.
const MOST_TAGS: usize = 8;

/// What to look for, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cookie<'a> {
    /// The word. Case does not count. Empty: there is no cookie.
    pub text: &'a str,
    /// In replies and forwards too, where the Subject is somebody else's.
    pub in_replies: bool,
}

impl Cookie<'_> {
    /// The header block with [`OPT_OUT`](super::resubmission::OPT_OUT) as first field, once, and without
    /// the cookie; `None` where the cookie is not there or does not count. `header` may be a whole message.
    ///
    /// It does not count in a message that is resent (RFC 5322 section 3.6.6) or has been under way, nor
    /// in a reply or forward, unless [`in_replies`](Cookie::in_replies). Whether the message is the user's
    /// own is for the caller to say.
    pub fn turn(&self, header: &[u8]) -> Option<Vec<u8>> {
        if self.text.is_empty() || is_not_fresh(header) || !self.in_replies && self.is_reply(header)
        {
            return None;
        }
        let mut found = false;
        let mut turned = Vec::with_capacity(header.len());
        let mut length = 0;
        for field in header::fields(header) {
            let raw = field.raw();
            length += raw.len();
            let cut = match field.is("Subject") {
                true => self.cut(field.value()),
                false => None,
            };
            match cut {
                Some(value) => {
                    found = true;
                    turned.extend_from_slice(&raw[..raw.len() - field.value().len()]);
                    turned.extend(value);
                }
                None => turned.extend_from_slice(raw),
            }
        }
        turned.extend_from_slice(&header[length..]);
        found.then(|| added_with(&turned, line_end(header)))
    }

    /// Why a cookie that is there does not count, for the user who wrote it. `None`: there is none, or it does,
    /// or the message is not being written now.
    pub fn why_not(&self, header: &[u8]) -> Option<&'static str> {
        if self.text.is_empty() || is_not_fresh(header) {
            return None;
        }
        let subjects = || header::fields(header).filter(|field| field.is("Subject"));
        if subjects().any(|field| self.cut(field.value()).is_some()) {
            let is_reply = !self.in_replies && self.is_reply(header);
            return is_reply.then_some("it is a reply or a forward");
        }
        let is_hidden = subjects().any(|field| self.is_in_bytes(field.value()));
        is_hidden.then_some("nobody here can read its charset")
    }

    /// Do the bytes of the encoded words have it, whatever they read as?
    fn is_in_bytes(&self, value: &[u8]) -> bool {
        let value = &value[..value.len().min(LONGEST)];
        let mut bytes = Subject::read(value).encoded_bytes().to_ascii_lowercase();
        // UTF-32 and UTF-16.
        bytes.retain(|&byte| byte != 0);
        memmem::find(&bytes, self.text.to_ascii_lowercase().as_bytes()).is_some()
    }

    /// Is the Subject somebody else's?
    fn is_reply(&self, header: &[u8]) -> bool {
        header::fields(header).any(|field| {
            field.is("In-Reply-To")
                || field.is("References")
                || field.is("Subject") && self.is_reply_subject(&text::decode(field.value()))
        })
    }

    /// Does it say so at the beginning, where the tags of mailing lists (`[list]`) do not count, or at the
    /// end, as Alpine's forwards (`lunch (fwd)`)?
    fn is_reply_subject(&self, subject: &str) -> bool {
        let cookie = self.text.to_lowercase();
        let subject = subject.to_lowercase();
        let rest = subject.replace(&cookie, "");
        if rest.trim_end().ends_with("(fwd)") || rest.trim_start().starts_with("(fwd)") {
            return true;
        }
        let mut rest = subject.trim_start();
        for _ in 0..MOST_TAGS {
            if is_marked(rest) {
                return true;
            }
            let tag = rest.strip_prefix('[').and_then(|tag| tag.split_once(']'));
            match tag.filter(|(tag, _)| !tag.contains('[') && !rest.starts_with(&cookie)) {
                Some((_, behind)) => rest = behind.trim_start(),
                None => return false,
            }
        }
        false
    }

    /// The value of a Subject without the cookie and one of the blanks around it, or all of them at the
    /// beginning and at the end. `None` where it has no cookie. Where what is left could not be written
    /// without a loss, because its charset is not known, the value stays as it is.
    pub fn cut(&self, value: &[u8]) -> Option<Vec<u8>> {
        if self.text.is_empty() || value.len() > LONGEST {
            return None;
        }
        let wanted: Vec<String> = self.text.chars().map(folded).collect();
        let mut subject = Subject::read(value);
        let mut found = false;
        let mut at = 0;
        while at < subject.units.len() {
            match matched(&subject, at, &wanted) {
                Some(end) => {
                    found = true;
                    take_out(&mut subject, at, end);
                    at = end;
                }
                None => at += 1,
            }
        }
        found.then(|| subject.write().unwrap_or_else(|| value.to_vec()))
    }
}

/// Where the cookie that begins at `at` ends. A fold within it does not count.
fn matched(subject: &Subject, at: usize, wanted: &[String]) -> Option<usize> {
    let mut end = at;
    for (number, character) in wanted.iter().enumerate() {
        let mut is_in_fold = false;
        loop {
            let unit = subject.units.get(end)?;
            end += 1;
            if folded(unit.character) == *character {
                break;
            }
            let is_of_fold = unit.is_fold || is_in_fold && unit.is_blank();
            if number == 0 || !is_of_fold {
                return None;
            }
            is_in_fold = true;
        }
    }
    Some(end)
}

/// Takes out the units of a cookie, and one blank where there is one on both sides, the less needed
/// one.
fn take_out(subject: &mut Subject, start: usize, end: usize) {
    let units = &mut subject.units;
    units[start..end]
        .iter_mut()
        .for_each(|unit| unit.is_kept = false);
    let before = |units: &[Unit]| units[..start].iter().rposition(|unit| unit.is_kept);
    let left = before(units);
    let right = (end < units.len()).then_some(end);
    match (left, right) {
        (None, _) => {
            let blanks = units[end..].iter_mut().take_while(|unit| unit.is_blank());
            blanks.for_each(|unit| unit.is_kept = false);
        }
        (Some(_), None) => {
            while let Some(last) = before(units).filter(|&last| units[last].is_blank()) {
                units[last].is_kept = false;
            }
        }
        (Some(left), Some(right)) if units[left].is_blank() && units[right].is_blank() => {
            let goes = match units[left].needed() < units[right].needed() {
                true => left,
                false => right,
            };
            units[goes].is_kept = false;
        }
        _ => (),
    }
}

/// A character without its case; a tab is a blank.
fn folded(character: char) -> String {
    match character {
        '\t' => " ".to_owned(),
        character => character.to_lowercase().collect(),
    }
}

/// Was it resent, or has a server had it already? Then it is not being written now.
fn is_not_fresh(header: &[u8]) -> bool {
    header::fields(header)
        .any(|field| is_resent(&field) || field.is("Received") || field.is("Return-Path"))
}

/// `re:`, `fwd:` and their like in other languages, also counted (`re[2]:`) or in a bracket (`[fwd: lunch]`);
/// and mutt's `[bob@example.net: lunch]`, its way to forward.
fn is_marked(subject: &str) -> bool {
    const PREFIXES: &[&str] = &[
        "re",
        "fw",
        "fwd",
        "aw",
        "antw",
        "wg",
        "sv",
        "vs",
        "vl",
        "vb",
        "antwort",
        "betr",
        "doorst",
        "v\u{e1}",
        "\u{43e}\u{442}\u{432}",
        "\u{7b54}\u{590d}",
        "ref",
        "rif",
        "rv",
        "enc",
        "res",
        "odp",
        "pd",
        "ynt",
        "ilt",
        "tr",
        "r",
        "i",
        "\u{43d}\u{430}",
        "\u{56de}\u{590d}",
        "\u{8f6c}\u{53d1}",
        "\u{56de}\u{8986}",
        "\u{8f49}\u{5bc4}",
    ];
    let bracket = subject.strip_prefix('[');
    if let Some((sender, _)) = bracket.and_then(|rest| rest.split_once(": "))
        && sender.contains('@')
        && !sender.contains([' ', ']'])
    {
        return true;
    }
    let subject = bracket.unwrap_or(subject);
    let Some((prefix, _)) = subject.split_once([':', '\u{ff1a}']) else {
        return false;
    };
    let word = prefix.split(['[', '(', '^']).next().unwrap_or(prefix);
    let count = &prefix[word.len()..];
    let is_count =
        |c: char| c.is_ascii_digit() || matches!(c, '[' | ']' | '(' | ')' | '^' | '*' | ' ');
    PREFIXES.contains(&word.trim()) && count.chars().all(is_count)
}
