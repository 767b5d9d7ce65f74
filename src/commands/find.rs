//! `find`: where the original lies.

use std::io::{self, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;

use crate::cli::Find;
use crate::config::{Config, Places};
use crate::maildir::search::{self, Accept, Found};
use crate::message::text;
use crate::terminal::shown;

use super::{DATA, DONE, Failure, NO_INPUT};

/// Prints the path of the best copy.
pub(super) fn run(args: &Find, places: &Places) -> Result<u8, Failure> {
    let config = super::configuration(places)?;
    let id = text::message_id(&args.message_id)
        .ok_or_else(|| Failure::new(DATA, "the Message-ID is empty; write it as in the message"))?;
    let near = match &args.date {
        None => None,
        Some(date) => Some(text::date(date).ok_or_else(|| {
            Failure::new(
                DATA,
                format!("{date:?} is no date; write it as in the Date field"),
            )
        })?),
    };
    let found = look(&config, &id, near, &|_| true);
    let Some(copy) = found.copies.first() else {
        return Err(missing(&config, &id, &found));
    };
    let mut out = io::stdout().lock();
    // A program gets the name as it is; a terminal gets nothing that acts on it.
    match out.is_terminal() {
        true => writeln!(out, "{}", shown(&copy.path.display().to_string()))?,
        false => out.write_all(&[copy.path.as_os_str().as_bytes(), b"\n"].concat())?,
    }
    Ok(DONE)
}

/// Searches the configured folders.
pub(super) fn look(config: &Config, id: &str, near: Option<i64>, accept: &Accept<'_>) -> Found {
    let places = search::Places {
        sent: config.mail.sent.clone(),
        search: config.mail.search.clone(),
    };
    search::find(&places, id, near, accept)
}

/// The original is not there: says where it was looked for.
pub(super) fn missing(config: &Config, id: &str, found: &Found) -> Failure {
    let roots: Vec<String> = config
        .mail
        .sent
        .iter()
        .chain(&config.mail.search)
        .map(|root| root.display().to_string())
        .collect();
    let file = config.file.display();
    if roots.is_empty() {
        let text =
            format!("no folder to look for <{id}> in; write [mail] sent and search into {file}");
        return Failure::new(super::CONFIG, text);
    }
    let unreadable = match found.unreadable.count {
        0 => String::new(),
        count => format!(" ({count} files or folders could not be read)"),
    };
    Failure::new(
        NO_INPUT,
        format!(
            "no copy of <{id}> in {}: {} messages in {} folders{unreadable}; if it lies elsewhere, add \
             the folder to [mail] search in {file}",
            roots.join(", "),
            found.files_seen,
            found.looked_in.len(),
        ),
    )
}
