//! `[compose]`: what happens to mail that the user is writing.

use std::path::Path;

use toml::de::DeTable;

use super::entry::entries;

use super::source::{Error, Source};
use crate::message::cookie::Cookie;

/// The keys of `[compose]`.
pub const COMPOSE_KEYS: &[&str] = &["cookie", "in_replies", "command", "keep_days"];

/// The longest cookie, in bytes.
const LONGEST: usize = 64;

/// What happens to mail that the user is writing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Compose {
    /// The word in a Subject that asks for the opt-out. Empty: there is none.
    pub cookie: String,
    /// Does the cookie count in replies and forwards?
    pub in_replies: bool,
    /// The program and its arguments that the `sendmail` verb hands mail to; `None`: as the account says.
    pub command: Option<Vec<String>>,
    /// How many days what was sent is kept. 0: not at all.
    pub keep_days: u16,
}

impl Default for Compose {
    fn default() -> Compose {
        Compose {
            cookie: "[tls-optout]".to_owned(),
            in_replies: false,
            command: None,
            keep_days: 7,
        }
    }
}

impl Compose {
    /// The cookie to look for.
    pub fn cookie(&self) -> Cookie<'_> {
        Cookie {
            text: &self.cookie,
            in_replies: self.in_replies,
        }
    }
}

pub(super) fn compose(source: &Source, table: &DeTable, home: &Path) -> Result<Compose, Error> {
    let mut compose = Compose::default();
    for entry in entries(source, "[compose]", table) {
        match entry.key {
            "cookie" => {
                compose.cookie = entry.text()?;
                if let Err(reason) = check(&compose.cookie) {
                    return Err(entry.refuse(reason));
                }
            }
            "in_replies" => compose.in_replies = entry.boolean()?,
            "command" => compose.command = Some(entry.program(home)?),
            "keep_days" => compose.keep_days = entry.number()?,
            _ => return Err(entry.refuse_key(COMPOSE_KEYS)),
        }
    }
    Ok(compose)
}

/// A cookie of two or three letters would be found in words that mean something else.
fn check(cookie: &str) -> Result<(), String> {
    let count = cookie.chars().count();
    if cookie.is_empty() {
        Ok(())
    } else if cookie.trim() != cookie || cookie.contains(char::is_control) {
        Err("must be without blanks at its ends and without control characters".to_owned())
    } else if count < 4 || cookie.len() > LONGEST {
        Err(format!(
            "must have 4 characters or more, and {LONGEST} bytes at most; \"\" turns it off"
        ))
    } else {
        Ok(())
    }
}
