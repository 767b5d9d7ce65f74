//! One `key = value` of the file, with the ways to read it and the errors that go with them.

use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use toml::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use super::CommandLine;
use super::paths::expand;
use super::source::{Error, Place, Source};

/// How alike two words must be, by Jaro's measure, for one to be offered for the other. As in clap.
const ALIKE: f64 = 0.7;

/// A key of a section, with its value.
pub(super) struct Entry<'a> {
    source: &'a Source,
    section: &'static str,
    pub(super) key: &'a str,
    key_at: usize,
    pub(super) value: &'a DeValue<'a>,
    value_at: usize,
}

/// The entries of a table, in the order of the file so that the first error is told first.
pub(super) fn entries<'a>(
    source: &'a Source,
    section: &'static str,
    table: &'a DeTable<'a>,
) -> Vec<Entry<'a>> {
    let entry = |(key, value): (&'a Spanned<DeString<'a>>, &'a Spanned<DeValue<'a>>)| Entry {
        source,
        section,
        key: key.get_ref(),
        key_at: key.span().start,
        value: value.get_ref(),
        value_at: value.span().start,
    };
    let mut entries: Vec<Entry> = table.iter().map(entry).collect();
    entries.sort_by_key(|entry| entry.key_at);
    entries
}

impl<'a> Entry<'a> {
    /// A table, as which a section stands.
    pub(super) fn table(&self, expected: &'static str) -> Result<&'a DeTable<'a>, Error> {
        self.value
            .as_table()
            .ok_or_else(|| self.wrong_type(expected))
    }

    pub(super) fn array(&self, expected: &'static str) -> Result<&'a DeArray<'a>, Error> {
        self.value
            .as_array()
            .ok_or_else(|| self.wrong_type(expected))
    }

    pub(super) fn string(&self) -> Result<String, Error> {
        match self.value.as_str() {
            Some("") => Err(self.refuse("is empty")),
            Some(text) => Ok(text.to_owned()),
            None => Err(self.wrong_type("a string")),
        }
    }

    /// A string that may be empty.
    pub(super) fn text(&self) -> Result<String, Error> {
        let text = self.value.as_str();
        text.map(str::to_owned)
            .ok_or_else(|| self.wrong_type("a string"))
    }

    pub(super) fn boolean(&self) -> Result<bool, Error> {
        self.value
            .as_bool()
            .ok_or_else(|| self.wrong_type("true or false"))
    }

    /// A whole number, at most 65535.
    pub(super) fn number(&self) -> Result<u16, Error> {
        let DeValue::Integer(number) = self.value else {
            return Err(self.wrong_type("a whole number"));
        };
        u16::from_str_radix(number.as_str(), number.radix())
            .map_err(|_| self.refuse("must be a whole number from 0 to 65535"))
    }

    /// A list of strings that is not empty.
    pub(super) fn words(&self) -> Result<Vec<String>, Error> {
        const EXPECTED: &str = "a list of strings";
        let list = self.array(EXPECTED)?;
        if list.is_empty() {
            return Err(self.refuse("is an empty list"));
        }
        let item = |value: &'a Spanned<DeValue<'a>>| Entry {
            value: value.get_ref(),
            value_at: value.span().start,
            ..*self
        };
        list.iter()
            .map(item)
            .map(|item| item.string_in(EXPECTED))
            .collect()
    }

    /// One string, or a list of strings that may be empty.
    pub(super) fn strings(&self) -> Result<Vec<String>, Error> {
        match self.value {
            DeValue::String(_) => Ok(vec![self.string()?]),
            DeValue::Array(list) if list.is_empty() => Ok(Vec::new()),
            DeValue::Array(_) => self.words(),
            _ => Err(self.wrong_type("a string or a list of strings")),
        }
    }

    /// A whole number from 0.
    pub(super) fn count(&self) -> Result<u32, Error> {
        let Some(number) = self.value.as_integer() else {
            return Err(self.wrong_type("a whole number"));
        };
        u32::from_str_radix(number.as_str(), number.radix())
            .map_err(|_| self.refuse("must be a whole number from 0"))
    }

    pub(super) fn path(&self, home: &Path) -> Result<PathBuf, Error> {
        self.expand(&self.string()?, home)
    }

    pub(super) fn paths(&self, home: &Path) -> Result<Vec<PathBuf>, Error> {
        self.strings()?
            .iter()
            .map(|text| self.expand(text, home))
            .collect()
    }

    /// Folders, by names that may hold wildcards.
    pub(super) fn folders(&self, home: &Path) -> Result<Vec<PathBuf>, Error> {
        let folders = self.paths(home)?;
        // In some shells it would stand for all below, which a folder without wildcards does here.
        let is_wrong = |folder: &PathBuf| {
            folder
                .as_os_str()
                .as_bytes()
                .windows(2)
                .any(|at| at == b"**")
        };
        match folders.iter().any(is_wrong) {
            true => Err(self.refuse("must not hold **; write one * for each part of the path")),
            false => Ok(folders),
        }
    }

    /// A program and its arguments. The program may be written with `~/`.
    pub(super) fn program(&self, home: &Path) -> Result<Vec<String>, Error> {
        let mut words = self.words()?;
        if let Some(below) = words[0].strip_prefix("~/") {
            words[0] = home.join(below).to_string_lossy().into_owned();
        }
        Ok(words)
    }

    /// A command for the shell (string) or to be run as it stands (list).
    pub(super) fn command_line(&self) -> Result<CommandLine, Error> {
        match self.value {
            DeValue::String(_) => self.string().map(CommandLine::Shell),
            DeValue::Array(_) => self.words().map(CommandLine::Exec),
            _ => Err(self.wrong_type("a string or a list of strings")),
        }
    }

    /// What is not absolute lies beside the configuration file.
    fn expand(&self, text: &str, home: &Path) -> Result<PathBuf, Error> {
        let folder = self.source.file.parent().unwrap_or(Path::new(""));
        expand(text, folder, home).map_err(|reason| self.refuse(reason))
    }

    fn string_in(&self, expected: &'static str) -> Result<String, Error> {
        if self.value.is_str() {
            self.string()
        } else {
            Err(self.wrong_type(expected))
        }
    }

    fn wrong_type(&self, expected: &'static str) -> Error {
        Error::Type {
            key: self.key.escape_debug().to_string(),
            section: self.section,
            place: self.source.place(self.value_at),
            expected,
            found: type_name(self.value),
        }
    }

    /// The value has no meaning, because of `reason`.
    pub(super) fn refuse(&self, reason: impl Into<String>) -> Error {
        Error::Value {
            key: self.key.escape_debug().to_string(),
            section: self.section,
            place: self.source.place(self.value_at),
            reason: reason.into(),
        }
    }

    /// The entry holds a secret.
    pub(super) fn refuse_password(&self) -> Error {
        Error::Password {
            key: self.key.escape_debug().to_string(),
            section: self.section,
            place: self.key_place(),
        }
    }

    /// The key is none of `known`.
    pub(super) fn refuse_key(&self, known: &[&str]) -> Error {
        let advice = match nearest(self.key, known) {
            Some(near) => format!("did you mean `{near}`?"),
            None => format!("known are {}", list(known)),
        };
        Error::UnknownKey {
            key: self.key.escape_debug().to_string(),
            section: self.section,
            place: self.key_place(),
            advice,
        }
    }

    pub(super) fn key_place(&self) -> Place {
        self.source.place(self.key_at)
    }

    /// `FILE:LINE`.
    pub(super) fn origin(&self) -> String {
        format!(
            "{}:{}",
            self.source.file.display(),
            self.source.line(self.key_at)
        )
    }
}

fn type_name(value: &DeValue) -> &'static str {
    match value {
        DeValue::String(_) => "a string",
        DeValue::Integer(_) | DeValue::Float(_) => "a number",
        DeValue::Boolean(_) => "true or false",
        DeValue::Datetime(_) => "a date",
        DeValue::Array(_) => "a list",
        DeValue::Table(_) => "a table",
    }
}

/// The known word most like `word`, if any is much like it.
pub(super) fn nearest<'k>(word: &str, known: &[&'k str]) -> Option<&'k str> {
    let word = word.to_lowercase();
    let likeness = |known: &&'k str| (strsim::jaro(&word, known), *known);
    let best = known
        .iter()
        .map(likeness)
        .max_by(|a, b| a.0.total_cmp(&b.0));
    best.filter(|(likeness, _)| *likeness > ALIKE)
        .map(|(_, known)| known)
}

/// "`a`, `b` and `c`".
pub(super) fn list(words: &[&str]) -> String {
    let quoted: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}
