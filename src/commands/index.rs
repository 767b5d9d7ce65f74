//! `index`: builds the index, brings it up to date, or checks it.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::{Index, NAME};
use crate::config::Places;
use crate::maildir::folder::Unreadable;
use crate::maildir::index::{self, Error, State, Step};
use crate::maildir::search;
use crate::terminal::shown;

use super::find::folders_of;
use super::{CONFIG, DONE, Failure, IO, NOTHING, TRY_AGAIN};

/// How often the progress line is drawn.
const DRAW: Duration = Duration::from_millis(100);

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        let status = match error {
            Error::Busy(_) => TRY_AGAIN,
            Error::Io { .. } | Error::Sql { .. } => IO,
        };
        Failure::new(status, error)
    }
}

/// Brings the index up to date, and says what is in it.
pub(super) fn run(args: &Index, places: &Places) -> Result<u8, Failure> {
    let config = super::configuration(places)?;
    let folders = folders_of(&config);
    if folders.sent.is_empty() && folders.search.is_empty() {
        let file = config.file.display();
        let text = format!("no folder to index; write [mail] sent and search into {file}");
        return Err(Failure::new(CONFIG, text));
    }
    if args.check {
        return check(places, &folders);
    }
    let state = places
        .state_folder()
        .map_err(|error| Failure::new(IO, format!("the state folder: {error}")))?;
    let line = progress();
    let mut tell = |step: Step| {
        let Step { folders, of, read } = step;
        line.set_message(format!("{folders} of {of} folders, {read} messages read"));
        line.tick();
    };
    let report = index::update(&state, &folders, &mut tell);
    line.finish_and_clear();
    let report = report?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "{} messages in {} folders, {} of them read",
        report.files, report.folders, report.read
    )?;
    say_unreadable(&report.unreadable);
    Ok(DONE)
}

fn check(places: &Places, folders: &search::Places) -> Result<u8, Failure> {
    let state = places.state_home.join(NAME);
    let (text, status) = match index::check(&state, folders)? {
        State::Missing => ("there is no index; `index` builds it".to_owned(), NOTHING),
        State::Broken(fault) => {
            let text = format!("damaged ({fault}); `index` builds it anew");
            (text, NOTHING)
        }
        State::Good {
            folders,
            files,
            changed,
        } => {
            let text = format!(
                "{files} messages in {folders} folders, {changed} folders have changed since"
            );
            (text, if changed == 0 { DONE } else { NOTHING })
        }
    };
    writeln!(io::stdout(), "{}", shown(&text))?;
    Ok(status)
}

/// What could not be read, on standard error: the first of them by name.
pub(super) fn say_unreadable(unreadable: &Unreadable) {
    if unreadable.count == 0 {
        return;
    }
    let names = shown(&named(unreadable, Unreadable::NAMED));
    tracing::warn!("could not be read: {names}");
}

/// What could not be read, at most so many by name.
pub(super) fn named(unreadable: &Unreadable, most: usize) -> String {
    let named = unreadable.named.iter().take(most);
    let names = named.map(|(path, reason)| format!("{} ({reason})", path.display()));
    let mut names: Vec<String> = names.collect();
    match unreadable.count - names.len() {
        0 => {}
        more => names.push(format!("and {more} more")),
    }
    names.join(", ")
}

/// A line on standard error, if that is a terminal.
pub(super) fn progress() -> ProgressBar {
    if !io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let line = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {elapsed} {msg}") {
        line.set_style(style);
    }
    line.enable_steady_tick(DRAW);
    line
}
