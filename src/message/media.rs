//! The type of a message's body, as far as a copy is judged by it (RFC 2045 section 5).

use super::header;

/// A media type and its boundary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Media {
    /// `type/subtype` in lower case, comments and blanks removed.
    pub(crate) kind: String,
    /// The boundary as it stands between the parts.
    pub(crate) boundary: Option<String>,
    /// Parameters that tell how the body is protected: mutt marks inline PGP with `x-action` alone, so
    /// that nothing else tells an encrypted message from its plain copy.
    protection: Vec<(String, String)>,
}

/// The parameters of [`Media::protection`].
const PROTECTION: [&str; 3] = ["x-action", "smime-type", "protocol"];

impl Media {
    /// The type that a header block gives its body. Where it says nothing: plain text (RFC 2045
    /// section 5.2).
    pub(crate) fn of(header: &[u8]) -> Self {
        header::text(header, "Content-Type")
            .map_or_else(|| Self::parse("text/plain"), |v| Self::parse(&v))
    }

    /// Reads the unfolded value of a `Content-Type`.
    pub(crate) fn parse(value: &str) -> Self {
        let parts = split(value);
        let kind = parts
            .first()
            .map_or("", String::as_str)
            .to_ascii_lowercase();
        let kind = kind.split_whitespace().collect();
        let mut protection: Vec<(String, String)> = parts
            .iter()
            .skip(1)
            .filter_map(|part| {
                let (name, value) = part.split_once('=')?;
                let name = name.trim().to_ascii_lowercase();
                let counts = PROTECTION.contains(&name.as_str());
                counts.then(|| (name, value.trim().to_ascii_lowercase()))
            })
            .collect();
        protection.sort();
        let boundary = parts.iter().skip(1).find_map(|part| {
            let (name, value) = part.split_once('=')?;
            let name = name.trim().to_ascii_lowercase();
            // RFC 2231 lets a boundary be written in its extended form; nobody cuts it in pieces.
            match name.as_str() {
                "boundary" => Some(value.trim().to_owned()),
                "boundary*" => Some(value.trim().rsplit('\'').next()?.to_owned()),
                _ => None,
            }
        });
        Self {
            kind,
            boundary: boundary.filter(|boundary| !boundary.is_empty()),
            protection,
        }
    }

    /// Is the body one in parts?
    pub(crate) fn is_multipart(&self) -> bool {
        self.kind.starts_with("multipart/")
    }
}

/// The parts between semicolons, with quotes opened and comments left out.
fn split(value: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let (mut quoted, mut depth) = (false, 0usize);
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        let part = parts.last_mut().expect("never empty");
        match c {
            '\\' if quoted || depth > 0 => {
                if let Some(escaped) = chars.next().filter(|_| depth == 0) {
                    part.push(escaped);
                }
            }
            '"' if depth == 0 => quoted = !quoted,
            '(' if !quoted => depth += 1,
            ')' if !quoted && depth > 0 => depth -= 1,
            _ if depth > 0 => {}
            ';' if !quoted => parts.push(String::new()),
            _ => part.push(c),
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_boundaries() {
        let is = |value: &str, kind: &str, boundary: Option<&str>| {
            let media = Media::parse(value);
            assert_eq!(
                (media.kind.as_str(), media.boundary.as_deref()),
                (kind, boundary),
                "{value}"
            );
        };
        is(
            "Multipart/Mixed; BOUNDARY=abc",
            "multipart/mixed",
            Some("abc"),
        );
        is(
            "multipart/signed; protocol=\"a;boundary=no\"; boundary=\"a b;\\\"c\"",
            "multipart/signed",
            Some("a b;\"c"),
        );
        is(
            "text / plain (really; boundary=no) ; charset=utf-8",
            "text/plain",
            None,
        );
        is(
            "multipart/mixed; boundary*=us-ascii'en'abc",
            "multipart/mixed",
            Some("abc"),
        );
        is("multipart/mixed; boundary=\"\"", "multipart/mixed", None);
        is(
            "multipart/mixed; boundary=\"open",
            "multipart/mixed",
            Some("open"),
        );
        is("", "", None);
    }

    #[test]
    fn nothing_said_is_plain_text() {
        assert_eq!(Media::of(b"Subject: x\n\n").kind, "text/plain");
    }
}
