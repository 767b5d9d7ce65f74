//! Keeping the index current while the daemon runs.
//!
//! A thread of its own, so that a long first filling never delays a notice. Events of the system are
//! gathered until it is quiet; what they do not tell, a look at the times of all folders does.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::survey::Survey;
use super::{Event, Events};
use crate::maildir::index;
use crate::maildir::search::Places;

/// How often the times of all folders are looked at, whatever the system tells. Who asks an index that is behind
/// waits a little longer, and misses nothing.
const LOOK: Duration = Duration::from_secs(600);
/// How soon again where another process, or a keeper of the configuration before, is at work on the index.
const AGAIN: Duration = Duration::from_secs(5);
/// So long nothing must have happened before the index is written.
const QUIET: Duration = Duration::from_secs(1);
/// More files than these are found sooner by a look at the folders.
const MANY: usize = 1_000;

/// Keeps an index current, until it is dropped.
#[derive(Debug)]
pub struct Keeper {
    events: Sender<Event>,
    watches: Watches,
}

/// The watches of the index; none once they were given up.
type Watches = Arc<Mutex<Option<Events>>>;

/// It is said once, however often the configuration is read again.
static HAS_SAID: AtomicBool = AtomicBool::new(false);

impl Keeper {
    /// Starts with the index in the folder `state`. It may be killed at any moment.
    pub fn start(state: &Path, places: Places) -> Keeper {
        let (sender, receiver) = channel();
        let watches = Arc::new(Mutex::new(Some(Events::new(sender.clone()))));
        let (state, shared) = (state.to_owned(), Arc::clone(&watches));
        thread::spawn(move || keep(&state, &places, &shared, &receiver));
        Keeper {
            events: sender,
            watches,
        }
    }

    /// Leaves its watches to somebody who needs them more, for this reason. False when it had none.
    pub fn give_up_watches(&self, reason: &str) -> bool {
        give_up(&self.watches, reason)
    }
}

fn lock(watches: &Watches) -> MutexGuard<'_, Option<Events>> {
    watches.lock().unwrap_or_else(PoisonError::into_inner)
}

/// False when it had none.
fn give_up(watches: &Watches, reason: &str) -> bool {
    let is_given_up = end(watches);
    if is_given_up && !HAS_SAID.swap(true, Ordering::Relaxed) {
        let minutes = LOOK.as_secs() / 60;
        tracing::info!("the index follows every {minutes} minutes ({reason})");
    }
    is_given_up
}

/// All have ended when this returns. False when there were none.
fn end(watches: &Watches) -> bool {
    let events = lock(watches).take();
    let ended = events.map(|mut events| events.watch(&BTreeSet::new()));
    ended.is_some()
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // A first filling may go on for a while.
        end(&self.watches);
        let _ = self.events.send(Event::Stop);
    }
}

fn keep(state: &Path, places: &Places, watches: &Watches, receiver: &Receiver<Event>) {
    let roots: Vec<PathBuf> = places.sent.iter().chain(&places.search).cloned().collect();
    loop {
        // Watching starts before looking, so that nothing is missed.
        watch(watches, &roots);
        let mut wait = LOOK;
        match index::update(state, places, &mut |_| {}) {
            Ok(report) if report.is_new || report.read > 0 => {
                tracing::debug!(files = report.files, read = report.read, "index");
            }
            Ok(_) => {}
            Err(error) => {
                if matches!(error, index::Error::Busy(_)) {
                    wait = AGAIN;
                }
                tracing::debug!("{error}");
            }
        }
        let due = Instant::now() + wait;
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

/// Where there are not enough watches for all, those there are serve others better.
fn watch(watches: &Watches, roots: &[PathBuf]) {
    // What appeared in a directory before that was watched shows the second time.
    for _ in 0..2 {
        if lock(watches).is_none() {
            return;
        }
        // Not under the lock: a long walk must not keep the daemon waiting that wants the watches.
        let directories = Survey::of(roots).directories;
        let mut events = lock(watches);
        let watched = events.as_mut().map(|events| events.watch(&directories));
        drop(events);
        let watching = watched.unwrap_or_default();
        if let Some(untold) = &watching.untold
            && untold.is_limit
        {
            give_up(watches, &untold.reason);
        }
        if !watching.has_begun {
            return;
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
            // A look finds what is no more.
            Ok(Event::Removed(_)) if Instant::now() < due => {}
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
