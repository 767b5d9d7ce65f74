//! Header patterns by which an organisation marks its messages as confidential: `X-Class: secret*`.

use crate::message::{header, text};

/// A field name and what its value must look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pattern {
    field: String,
    glob: Vec<char>,
}

/// What is wrong with a pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("must hold patterns such as `X-Classification: secret*`, a field and its value, not `{0}`")]
pub struct PatternError(String);

impl Pattern {
    /// Reads `Field: glob`: `*` stands for any text, `?` for one character, upper and lower case are one.
    ///
    /// # Errors
    /// [`PatternError`] where the field is no field name, or the value is missing.
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        let refused = || PatternError(text.escape_debug().to_string());
        let (field, glob) = text.split_once(':').ok_or_else(refused)?;
        let (field, glob) = (field.trim(), glob.trim());
        // RFC 5322 section 2.2.
        let is_name = !field.is_empty() && field.bytes().all(|byte| byte.is_ascii_graphic());
        if !is_name || glob.is_empty() {
            return Err(refused());
        }
        Ok(Pattern {
            field: field.to_owned(),
            glob: glob.to_lowercase().chars().collect(),
        })
    }

    /// The value of the first field that matches, decoded and at most 200 characters of it.
    fn find(&self, message: &[u8]) -> Option<String> {
        header::fields(message)
            .filter(|field| field.is(&self.field))
            .map(|field| text::decode(field.value()))
            .map(|value| value.split_whitespace().collect::<Vec<_>>().join(" "))
            .find(|value| matches(&self.glob, &value.to_lowercase()))
            .map(|value| value.chars().take(200).collect())
    }
}

/// The field that marks a message as confidential, and its value. `message` may be its header alone.
pub fn marked<'a>(patterns: &'a [Pattern], message: &[u8]) -> Option<(&'a str, String)> {
    patterns
        .iter()
        .find_map(|pattern| Some((pattern.field.as_str(), pattern.find(message)?)))
}

/// Does the whole value look like the glob? The time grows with both lengths, not faster than their product.
fn matches(glob: &[char], value: &str) -> bool {
    let value: Vec<char> = value.chars().collect();
    let (mut g, mut v) = (0, 0);
    // Where to go on when what follows the last star does not fit.
    let mut star: Option<(usize, usize)> = None;
    while v < value.len() {
        match glob.get(g) {
            Some('*') => {
                star = Some((g, v));
                g += 1;
            }
            Some(&c) if c == '?' || c == value[v] => (g, v) = (g + 1, v + 1),
            _ => match star {
                None => return false,
                Some((at, taken)) => {
                    star = Some((at, taken + 1));
                    (g, v) = (at + 1, taken + 1);
                }
            },
        }
    }
    glob[g..].iter().all(|&c| c == '*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_marked(pattern: &str, header: &str) -> bool {
        let pattern = Pattern::parse(pattern).unwrap();
        marked(
            &[pattern],
            format!("{header}\n\nX-Class: secret\n").as_bytes(),
        )
        .is_some()
    }

    #[test]
    fn what_a_pattern_matches() {
        for (pattern, header) in [
            ("X-Class: secret", "X-Class: Secret"),
            ("x-class:SECRET*", "X-Class: secret, for the board"),
            ("X-Class: *secret*", "X-Class: top\n secret plans"),
            ("X-Class: top secret", "X-Class: top\n\tsecret "),
            (
                "X-Class: vertrauliche Gr\u{fc}\u{df}e",
                "X-Class: vertrauliche =?utf-8?Q?Gr=C3=9C=C3=9Fe?=",
            ),
            ("X-Class: level ?", "X-Class: level 4"),
            ("X-Class: *", "X-Class:"),
            ("X-Class: a*b*c", "X-Class: a b bc c"),
            (
                "Subject: [secret]*",
                "Subject: open\nSUBJECT : [secret] plans",
            ),
        ] {
            assert!(is_marked(pattern, header), "{pattern} {header}");
        }
        for (pattern, header) in [
            ("X-Class: secret", "X-Class: secretary"),
            ("X-Class: secret", "X-Classy: secret"),
            ("X-Class: level ?", "X-Class: level 42"),
            ("X-Class: a*b", "X-Class: a b c"),
            ("X-Class: *", "Subject: x"),
            ("X-Class: s.cret", "X-Class: secret"),
        ] {
            assert!(!is_marked(pattern, header), "{pattern} {header}");
        }
    }

    #[test]
    fn many_stars_take_no_long_time() {
        let pattern = Pattern::parse(&format!("X-Class: {}b", "*a".repeat(2_000))).unwrap();
        let header = format!("X-Class: {}\n\n", "a".repeat(20_000));
        assert_eq!(marked(&[pattern], header.as_bytes()), None);
    }

    #[test]
    fn what_is_no_pattern() {
        for text in [
            "",
            "secret",
            "X-Class:",
            ": secret",
            "X Class: secret",
            "X-Cl\u{e4}ss: secret",
        ] {
            assert!(Pattern::parse(text).is_err(), "{text}");
        }
        let error = Pattern::parse("\u{1b}[2J").unwrap_err().to_string();
        assert!(!error.contains(char::is_control), "{error:?}");
    }
}
