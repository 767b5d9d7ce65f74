//! Keeping the index current while the daemon runs.
//!
//! A thread of its own, so that a long first filling never delays a notice. Events of the system are
//! gathered until it is quiet; what they do not tell, a look at the times of all folders does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread;
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

/// Keeps an index current, until it is dropped.
#[derive(Debug)]
pub struct Keeper {
    events: Sender<Event>,
}

impl Keeper {
    /// Starts with the index in the folder `state`. It may be killed at any moment.
    pub fn start(state: &Path, places: Places) -> Keeper {
        let (sender, receiver) = channel();
        let (state, events) = (state.to_owned(), sender.clone());
        thread::spawn(move || keep(&state, &places, events, &receiver));
        Keeper { events: sender }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        let _ = self.events.send(Event::Stop);
    }
}

fn keep(state: &Path, places: &Places, events: Sender<Event>, receiver: &Receiver<Event>) {
    let mut events = Events::new(events);
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
        loop {
            match gather(receiver, due) {
                Next::Files(files) => {
                    while !index::note(state, &files) && Instant::now() < due {
                        thread::sleep(QUIET);
                    }
                }
                Next::Look => break,
                Next::Stop => return,
            }
        }
    }
}

/// What is to be done.
enum Next {
    /// These files are to be noted.
    Files(BTreeSet<PathBuf>),
    /// A look at all folders is due.
    Look,
    /// Nothing any more.
    Stop,
}

/// The files that the system has told of, once it is quiet.
fn gather(receiver: &Receiver<Event>, due: Instant) -> Next {
    let mut files = BTreeSet::new();
    loop {
        let left = due.saturating_duration_since(Instant::now());
        let wait = if files.is_empty() { left } else { QUIET };
        match receiver.recv_timeout(wait) {
            Ok(Event::Message(path) | Event::Written(path)) if files.len() < MANY => {
                files.insert(path);
            }
            Ok(Event::Stop) => return Next::Stop,
            Ok(_) => return wait_for_quiet(receiver, due),
            Err(RecvTimeoutError::Timeout) if !files.is_empty() => return Next::Files(files),
            Err(_) => return Next::Look,
        }
    }
}

/// Lets events go by that the look which follows sees anyway. What never ends is not waited for.
fn wait_for_quiet(receiver: &Receiver<Event>, due: Instant) -> Next {
    while Instant::now() < due {
        match receiver.recv_timeout(QUIET) {
            Ok(Event::Stop) => return Next::Stop,
            Ok(_) => {}
            Err(_) => break,
        }
    }
    Next::Look
}
