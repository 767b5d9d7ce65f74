//! `[tell]`: how the daemon tells the user of an offer.

use std::path::{Path, PathBuf};

use toml::de::DeTable;

use super::entry::entries;
use super::source::{Error, Source};

/// The keys of `[tell]`.
pub const TELL_KEYS: &[&str] = &[
    "desktop",
    "terminal",
    "on_offer",
    "flag",
    "notmuch_tag",
    "mail",
    "status_file",
];

/// How the user is told of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tell {
    /// A notification on the desktop.
    pub desktop: bool,
    /// What opens a terminal: a program and its arguments, which the command to run follows.
    pub terminal: Option<Vec<String>>,
    /// A program and its arguments that is run.
    pub on_offer: Option<Vec<String>>,
    /// The Maildir flag F on the notice.
    pub flag: bool,
    /// A tag of notmuch on the notice.
    pub notmuch_tag: Option<String>,
    /// A message in the inbox.
    pub mail: bool,
    /// The file that holds the number of offers that wait.
    pub status_file: Option<PathBuf>,
}

impl Default for Tell {
    fn default() -> Tell {
        Tell {
            desktop: true,
            ..Tell::none()
        }
    }
}

impl Tell {
    /// In no way at all.
    pub fn none() -> Tell {
        Tell {
            desktop: false,
            terminal: None,
            on_offer: None,
            flag: false,
            notmuch_tag: None,
            mail: false,
            status_file: None,
        }
    }
}

pub(super) fn parse(source: &Source, table: &DeTable, home: &Path) -> Result<Tell, Error> {
    let mut tell = Tell::default();
    for entry in entries(source, "[tell]", table) {
        match entry.key {
            "desktop" => tell.desktop = entry.boolean()?,
            "terminal" => tell.terminal = Some(entry.program(home)?),
            "on_offer" => tell.on_offer = Some(entry.program(home)?),
            "flag" => tell.flag = entry.boolean()?,
            "notmuch_tag" => {
                let tag = entry.string()?;
                let name = tag.strip_prefix('+').unwrap_or(&tag);
                if name.is_empty() || name.starts_with('-') || name.contains(char::is_whitespace) {
                    return Err(entry.refuse("must be one tag, such as `tls-delay`"));
                }
                tell.notmuch_tag = Some(name.to_owned());
            }
            "mail" => tell.mail = entry.boolean()?,
            "status_file" => tell.status_file = Some(entry.path(home)?),
            _ => return Err(entry.refuse_key(TELL_KEYS)),
        }
    }
    Ok(tell)
}
