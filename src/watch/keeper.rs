//! Keeping the index current while the daemon runs.
//!
//! A thread of its own, so that a long first filling never delays a notice. Events of the system are
//! gathered until it is quiet; what they do not tell, a look at the times of all folders does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::folders::Folders;
use super::{Event, Events};
use crate::maildir::index;
use crate::maildir::search::Places;

/// How often the times of all folders are looked at, whatever the system tells.
const LOOK: Duration = Duration::from_secs(300);
/// So long nothing must have happened before the index is written.
const QUIET: Duration = Duration::from_secs(1);
/// More files than these are found sooner by a look at the folders.
const MANY: usize = 1_000;

/// Keeps the index in the folder `state` current, until the process ends. It may be killed at any moment.
pub fn keep(state: &Path, places: &Places) {
    let (sender, receiver) = channel();
    let mut events = Events::new(sender);
    let roots: Vec<PathBuf> = places.sent.iter().chain(&places.search).cloned().collect();
    let folders = Folders::new(roots);
    loop {
        // Watching starts before looking, so that nothing is missed.
        events.watch(&folders.directories());
        match index::update(state, places, &mut |_| {}) {
            Ok(report) if report.is_new || report.read > 0 => {
                tracing::debug!(files = report.files, read = report.read, "index");
            }
            Ok(_) => {}
            Err(error) => tracing::debug!("{error}"),
        }
        let due = Instant::now() + LOOK;
        while let Some(files) = gather(&receiver, due) {
            index::note(state, &files);
        }
    }
}

/// The files that the system has told of, once it is quiet. `None`: a look at all folders is due.
fn gather(receiver: &Receiver<Event>, due: Instant) -> Option<BTreeSet<PathBuf>> {
    let mut files = BTreeSet::new();
    loop {
        let left = due.saturating_duration_since(Instant::now());
        let wait = if files.is_empty() { left } else { QUIET };
        match receiver.recv_timeout(wait) {
            Ok(Event::Message(path) | Event::Written(path)) if files.len() < MANY => {
                files.insert(path);
            }
            Ok(_) => {
                wait_for_quiet(receiver, due);
                return None;
            }
            Err(RecvTimeoutError::Timeout) if !files.is_empty() => return Some(files),
            Err(_) => return None,
        }
    }
}

/// Lets events go by that the look which follows sees anyway. What never ends is not waited for.
fn wait_for_quiet(receiver: &Receiver<Event>, due: Instant) {
    while Instant::now() < due && receiver.recv_timeout(QUIET).is_ok() {}
}
