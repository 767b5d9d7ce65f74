//! `find`: where the original lies.

use std::io::{self, IsTerminal, Write};
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde::Serialize;

use crate::cli::{Find, NAME};
use crate::config::{Config, Places};
use crate::maildir::index;
use crate::maildir::pulse::Pulse;
use crate::maildir::search::{self, Copy, Found, Search};
use crate::message::text;
use crate::terminal::shown;

use super::index::{named, say_unreadable};
use super::patience::Patience;
use super::{DATA, DONE, Failure, NO_INPUT};

/// So many of what could not be read are named where nothing was found.
const NAMED: usize = 3;

/// A message that is looked for.
pub(super) struct Wanted<'a> {
    /// Its Message-ID, without angle brackets.
    pub(super) id: &'a str,
    /// About when it was sent, in seconds since 1970.
    pub(super) near: Option<i64>,
    /// All copies, not only the best.
    pub(super) is_for_all: bool,
    /// Somebody is there to be shown how far it is, and to be asked whether to wait.
    pub(super) is_attended: bool,
}

/// Prints the path of the best copy, or all copies.
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
    let wanted = Wanted {
        id: &id,
        near,
        is_for_all: args.all,
        is_attended: true,
    };
    let found = look(&config, places, &wanted, |_| true)?;
    if args.all {
        say_unreadable(&found.unreadable);
    }
    if found.copies.is_empty() {
        return Err(missing(&config, &id, &found));
    }
    let mut out = io::stdout().lock();
    for copy in &found.copies[..if args.all { found.copies.len() } else { 1 }] {
        if args.json {
            serde_json::to_writer(&mut out, &Line::of(copy)).map_err(io::Error::from)?;
            writeln!(out)?;
            continue;
        }
        // A program gets the name as it is; a terminal gets nothing that acts on it.
        match out.is_terminal() {
            true => write!(out, "{}", shown(&copy.path.display().to_string()))?,
            false => out.write_all(copy.path.as_os_str().as_bytes())?,
        }
        match args.all {
            true => writeln!(out, "\t{}", reasons(copy).join(", "))?,
            false => writeln!(out)?,
        }
    }
    Ok(DONE)
}

/// What speaks against a copy, in words.
fn reasons(copy: &Copy) -> Vec<String> {
    match copy.flaws.as_slice() {
        [] => vec!["as it was sent".to_owned()],
        flaws => flaws.iter().map(ToString::to_string).collect(),
    }
}

/// A copy as JSON.
#[derive(Serialize)]
struct Line {
    path: String,
    /// In base64, where the path is no UTF-8.
    #[serde(skip_serializing_if = "Option::is_none")]
    path_bytes: Option<String>,
    as_sent: bool,
    sendable: bool,
    flaws: Vec<&'static str>,
}

impl Line {
    fn of(copy: &Copy) -> Line {
        Line {
            path: copy.path.to_string_lossy().into_owned(),
            path_bytes: match copy.path.to_str() {
                Some(_) => None,
                None => Some(STANDARD.encode(copy.path.as_os_str().as_bytes())),
            },
            as_sent: copy.is_right(),
            sendable: copy.is_sendable(),
            flaws: copy.flaws.iter().map(|flaw| flaw.name()).collect(),
        }
    }
}

/// The configured folders.
pub(super) fn folders_of(config: &Config) -> search::Places {
    search::Places {
        sent: config.mail.sent.clone(),
        search: config.mail.search.clone(),
    }
}

/// Searches the configured folders, by the index where there is one. A search that hangs is left behind.
pub(super) fn look(
    config: &Config,
    places: &Places,
    wanted: &Wanted,
    accept: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
) -> Result<Found, Failure> {
    let index = index::file(&places.state_home.join(NAME));
    look_in(folders_of(config), config, Some(index), wanted, accept)
}

/// Searches these folders. `index`: of exactly them. A search that hangs is left behind.
pub(super) fn look_in(
    folders: search::Places,
    config: &Config,
    index: Option<PathBuf>,
    wanted: &Wanted,
    accept: impl Fn(&[u8]) -> bool + Send + Sync + 'static,
) -> Result<Found, Failure> {
    let (id, near, is_for_all) = (wanted.id.to_owned(), wanted.near, wanted.is_for_all);
    let external = config.mail.external.filter(|_| index.is_some());
    let pulse = Pulse::default();
    let limit = Some(Duration::from_secs(config.mail.search_timeout)).filter(|l| !l.is_zero());
    let working = pulse.clone();
    let patience = Patience {
        limit,
        is_attended: wanted.is_attended,
    };
    patience.wait(&pulse, move || {
        Search {
            places: &folders,
            message_id: &id,
            near,
            accept: &accept,
            is_for_all,
            index: index.as_deref(),
            external,
            pulse: &working,
        }
        .run()
    })
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
    let mut left_out = Vec::new();
    match found.unreadable.count {
        0 => {}
        count => left_out.push(format!(
            "{count} files or folders could not be read: {}",
            named(&found.unreadable, NAMED)
        )),
    }
    match found.compressed {
        0 => {}
        count => left_out.push(format!("{count} compressed messages were left alone")),
    }
    match found.archives {
        0 => {}
        count => left_out.push(format!("{count} compressed archives were not looked into")),
    }
    let left_out = match left_out.is_empty() {
        true => String::new(),
        false => format!(" ({})", left_out.join("; ")),
    };
    Failure::new(
        NO_INPUT,
        format!(
            "no copy of <{id}> in {}: {} messages in {} folders{left_out}; if it lies elsewhere, add \
             the folder to [mail] search in {file}",
            roots.join(", "),
            found.files_seen,
            found.looked_in.len(),
        ),
    )
}
