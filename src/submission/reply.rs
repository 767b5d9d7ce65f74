//! A server's replies (RFC 5321 section 4.2).

use std::fmt;
use std::io;

use crate::terminal::shown;

/// RFC 5321 section 4.5.3.1.5 allows 512 octets; some servers send more.
pub(super) const MAX_LINE: usize = 4096;
/// No real reply comes near this; an endless one must end somewhere.
const MAX_LINES: usize = 200;

/// One reply: a code and its lines, cleaned of everything that could play tricks on a terminal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    lines: Vec<String>,
}

impl Reply {
    /// The three digits as a number.
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The text of each line, without the code.
    pub fn lines(&self) -> &[String] {
        &self.lines
    }

    /// 2yz: done.
    pub fn is_positive(&self) -> bool {
        self.code / 100 == 2
    }

    /// 4yz: the same command may work later.
    pub fn is_temporary(&self) -> bool {
        self.code / 100 == 4
    }

    /// 421: the server closes the connection (RFC 5321 section 3.8). May come at any time.
    pub fn is_goodbye(&self) -> bool {
        self.code == 421
    }
}

/// Code and text on one line; an enhanced code (RFC 2034) that every line repeats stands once.
impl fmt::Display for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.code)?;
        let mut seen = "";
        for line in &self.lines {
            let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
            let text = if !seen.is_empty() && word == seen {
                rest
            } else {
                line
            };
            seen = if is_enhanced(word) { word } else { seen };
            if !text.trim().is_empty() {
                write!(f, " {}", text.trim())?;
            }
        }
        Ok(())
    }
}

fn is_enhanced(word: &str) -> bool {
    let mut parts = word.split('.');
    let numbers = parts.by_ref().all(|part| {
        (1..=3).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit())
    });
    numbers && word.matches('.').count() == 2
}

/// Collects the lines of one reply.
#[derive(Default)]
pub(super) struct Builder {
    code: Option<u16>,
    lines: Vec<String>,
}

impl Builder {
    /// Takes a line without its line end; gives the reply when it was the last one.
    ///
    /// Fails with [`io::ErrorKind::InvalidData`] where the line is no SMTP reply, the code differs
    /// from that of the lines before, or the reply does not end.
    pub(super) fn push(&mut self, line: &[u8]) -> io::Result<Option<Reply>> {
        let line = shown(&String::from_utf8_lossy(line));
        let invalid = |what: &str| {
            let shown: String = line.chars().take(80).collect();
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                format!("{what}: `{shown}`"),
            ))
        };
        let Some((digits, rest)) = line.split_at_checked(3) else {
            return invalid("this is no SMTP reply");
        };
        let code = digits
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| digits.parse().ok());
        let Some(code) = code.flatten().filter(|code| (200..600).contains(code)) else {
            return invalid("this is no SMTP reply");
        };
        if *self.code.get_or_insert(code) != code {
            return invalid("one reply with two codes");
        }
        if self.lines.len() == MAX_LINES {
            return invalid("a reply without end");
        }
        let (more, text) = match rest.split_at_checked(1) {
            Some(("-", text)) => (true, text),
            Some((" ", text)) => (false, text),
            None => (false, ""),
            _ => return invalid("this is no SMTP reply"),
        };
        self.lines.push(text.to_owned());
        Ok((!more).then(|| Reply {
            code,
            lines: std::mem::take(&mut self.lines),
        }))
    }

    /// Has a line been taken?
    pub(super) fn is_empty(&self) -> bool {
        self.code.is_none()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(lines: &[&str]) -> io::Result<Option<Reply>> {
        let mut builder = Builder::default();
        let mut last = Ok(None);
        for line in lines {
            last = Ok(builder.push(line.as_bytes())?);
        }
        last
    }

    #[test]
    fn one_and_many_lines() {
        assert_eq!(
            read(&["250 2.1.0 ok"]).unwrap().unwrap().to_string(),
            "250 2.1.0 ok"
        );
        assert_eq!(read(&["250"]).unwrap().unwrap().to_string(), "250");
        assert!(read(&["250-first"]).unwrap().is_none());
        let reply = read(&["550-5.7.1 no,", "550-5.7.1 really", "550 5.7.1 not"])
            .unwrap()
            .unwrap();
        assert_eq!(reply.to_string(), "550 5.7.1 no, really not");
        assert_eq!(reply.code(), 550);
    }

    #[test]
    fn what_is_no_reply() {
        for line in [
            "",
            "2",
            "25",
            "HTTP/1.1 400",
            "2500 x",
            "250+x",
            "199 x",
            "600 x",
            "\u{e9}50 x",
        ] {
            assert_eq!(
                read(&[line]).unwrap_err().kind(),
                io::ErrorKind::InvalidData,
                "{line}"
            );
        }
        assert!(
            read(&["250-a", "550 b"])
                .unwrap_err()
                .to_string()
                .contains("two codes")
        );
        assert!(
            read(&["250-x"; 300])
                .unwrap_err()
                .to_string()
                .contains("without end")
        );
    }

    #[test]
    fn nothing_plays_tricks_on_the_terminal() {
        let reply = read(&["550 a\x1b[2Jb\u{202e}c\u{9b}d"]).unwrap().unwrap();
        assert_eq!(reply.to_string(), "550 a\\u{1b}[2Jb\\u{202e}c\\u{9b}d");
    }
}
