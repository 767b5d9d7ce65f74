//! A text that the user wrote, read with care, and what can be wrong with it, to the column.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// The largest file that is read, in bytes. A table of 100,000 domains is far below.
const LARGEST: u64 = 8 * 1024 * 1024;

/// A position in a file, both numbers counted from 1, the column in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// The file.
    pub file: PathBuf,
    /// The line.
    pub line: usize,
    /// The character within the line.
    pub column: usize,
}

/// What is wrong with the configuration: each a line that says where and what to do.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// A file could not be read.
    #[error("cannot read {}: {source}", file.display())]
    Read {
        /// The configuration file or a table that it names.
        file: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// Somebody else could have written the file, and thereby the commands in it.
    #[error("{} {why}", file.display())]
    Unsafe {
        /// The configuration file or a table that it names.
        file: PathBuf,
        /// The reason, and what to do.
        why: &'static str,
    },
    /// Not TOML.
    #[error("{place}: {message}")]
    Syntax {
        /// Where.
        place: Place,
        /// The words of the TOML parser.
        message: String,
    },
    /// A key that does not exist.
    #[error("unknown key `{key}` in {section} at {place}; {advice}")]
    UnknownKey {
        /// The key as written.
        key: String,
        /// `[mail]`, `[[account]]`, `[policy]`, or the file.
        section: &'static str,
        /// Where.
        place: Place,
        /// The nearest known key, or all of them.
        advice: String,
    },
    /// A value of the wrong type.
    #[error("`{key}` in {section} at {place} must be {expected}, not {found}")]
    Type {
        /// The key.
        key: String,
        /// The section.
        section: &'static str,
        /// Where the value stands.
        place: Place,
        /// The types that fit.
        expected: &'static str,
        /// The type found.
        found: &'static str,
    },
    /// A value that has no meaning.
    #[error("`{key}` in {section} at {place} {reason}")]
    Value {
        /// The key.
        key: String,
        /// The section.
        section: &'static str,
        /// Where the value stands.
        place: Place,
        /// Why, and what would do.
        reason: String,
    },
    /// A secret in the file.
    #[error(
        "`{key}` in {section} at {place} holds a password, which does not belong in a file; take it out, \
         then run `tls-optout login` or write a `password_command`"
    )]
    Password {
        /// The key.
        key: String,
        /// The section.
        section: &'static str,
        /// Where the key stands.
        place: Place,
    },
    /// A line of a table.
    #[error("{place}: {source}")]
    Table {
        /// Where.
        place: Place,
        /// What is wrong with it.
        source: crate::policy::Error,
    },
}

/// A file and its text.
pub(super) struct Source {
    pub(super) file: PathBuf,
    pub(super) text: String,
    /// Where each line begins.
    lines: Vec<usize>,
}

impl Source {
    /// Reads a file that only its owner, who is the user or root, can have written.
    pub(super) fn read(path: &Path) -> Result<Self, Error> {
        let failed = |source| Error::Read {
            file: path.to_owned(),
            source,
        };
        let file = File::open(path).map_err(failed)?;
        let meta = file.metadata().map_err(failed)?;
        if meta.is_file() {
            let us = rustix::process::geteuid().as_raw();
            if let Some(why) = distrust(meta.uid(), us, meta.mode()) {
                return Err(Error::Unsafe {
                    file: path.to_owned(),
                    why,
                });
            }
        }
        let mut text = String::new();
        let read = file
            .take(LARGEST + 1)
            .read_to_string(&mut text)
            .map_err(failed)?;
        if read as u64 > LARGEST {
            return Err(failed(io::ErrorKind::FileTooLarge.into()));
        }
        Ok(Self::new(path.to_owned(), text))
    }

    pub(super) fn new(file: PathBuf, text: String) -> Self {
        let after_newlines = text.match_indices('\n').map(|(at, _)| at + 1);
        let lines = std::iter::once(0).chain(after_newlines).collect();
        Self { file, text, lines }
    }

    /// The line, counted from 1, in which a byte stands.
    pub(super) fn line(&self, offset: usize) -> usize {
        self.lines.partition_point(|start| *start <= offset)
    }

    /// Where in the file a byte stands.
    pub(super) fn place(&self, offset: usize) -> Place {
        let line = self.line(offset);
        let before = self.text[self.lines[line - 1]..].char_indices();
        let column = before
            .take_while(|(at, _)| self.lines[line - 1] + at < offset)
            .count()
            + 1;
        Place {
            file: self.file.clone(),
            line,
            column,
        }
    }
}

/// Why a file with this owner and mode is not to be believed. It may name commands that we run, so
/// it is held to what ssh(1) demands, except that the group may write: many systems give each user a
/// group of their own and let it write by default.
fn distrust(owner: u32, us: u32, mode: u32) -> Option<&'static str> {
    if owner != us && owner != 0 {
        return Some(
            "belongs to another user, who could put commands into it; use a file of your own",
        );
    }
    (mode & 0o002 != 0).then_some("can be written by everybody; run `chmod o-w` on it")
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_count_characters() {
        let source = Source::new("f".into(), "a\nüb = 1\n".to_owned());
        assert_eq!(source.place(0).to_string(), "f:1:1");
        assert_eq!(source.place(4).to_string(), "f:2:2");
        assert_eq!(source.place(2).to_string(), "f:2:1");
        assert_eq!(source.place(99).to_string(), "f:3:1");
    }

    #[test]
    fn only_our_own_or_roots_files_are_believed() {
        assert_eq!(distrust(1000, 1000, 0o664), None);
        assert_eq!(distrust(0, 1000, 0o644), None);
        assert!(distrust(1000, 1000, 0o646).unwrap().contains("chmod o-w"));
        assert!(
            distrust(1001, 1000, 0o600)
                .unwrap()
                .contains("another user")
        );
        assert!(distrust(1000, 0, 0o600).unwrap().contains("another user"));
    }
}
