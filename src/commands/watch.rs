//! `watch`: the daemon. It records offers, and has those sent for which the policy gives standing consent.

use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::Watch;
use crate::config::{Asking, Config, Places};
use crate::offer::store::Journal;
use crate::terminal::shown;
use crate::watch::folders::Folders;
use crate::watch::progress::Progress;
use crate::watch::{Event, Events, arrival, keeper};

use super::arrived::take_in;
use super::auto::{self, Worker};
use super::find::folders_of;
use super::{CONFIG, DONE, Failure, IO, NOTHING, journal};

/// How often everything is looked through, whatever the system tells.
const LOOK: Duration = Duration::from_secs(300);
/// How often where the system does not tell of every change, or the last look has failed.
const POLL: Duration = Duration::from_secs(30);
/// How often a folder is looked through that changes meanwhile.
const ATTEMPTS: usize = 4;

/// Looks through the inbox folders, and goes on as messages come.
pub(super) fn run(args: &Watch, places: &Places) -> Result<u8, Failure> {
    // Never asks mutt: a daemon's start must not open a passphrase prompt.
    let config = Config::load(places, Asking::Never)?;
    if config.mail.inbox.is_empty() {
        let file = config.file.display();
        let text = format!("no folder to watch; write [mail] inbox into {file}");
        return Err(Failure::new(CONFIG, text));
    }
    let index = config.mail.index.then(|| folders_of(&config));
    let mut daemon = Daemon {
        folders: Folders::new(config.mail.inbox.clone()),
        config,
        journal: journal(places)?,
        progress: Progress::load(places.state_home.join(super::NAME).join("looked")),
        is_over: Arc::new(AtomicBool::new(false)),
    };
    if args.once {
        let new = daemon.look()?;
        let sent = auto::act(places, &daemon.is_over)?;
        return Ok(if new + sent > 0 { DONE } else { NOTHING });
    }
    if let Some(folders) = index {
        let state = places.state_home.join(super::NAME);
        thread::spawn(move || keeper::keep(&state, &folders));
    }
    let worker = Worker::start(places);
    let result = daemon.watch(&worker);
    worker.end();
    result
}

struct Daemon {
    /// Tells where notices of the user's own servers come from.
    config: Config,
    folders: Folders,
    journal: Journal,
    progress: Progress,
    /// A signal ended the daemon.
    is_over: Arc<AtomicBool>,
}

impl Daemon {
    fn watch(&mut self, worker: &Worker) -> Result<u8, Failure> {
        let (sender, receiver) = channel();
        end_on_signals(&self.is_over, &sender)
            .map_err(|error| Failure::new(IO, format!("cannot wait for signals: {error}")))?;
        let mut events = Events::new(sender);
        while !self.is_over() {
            // Watching starts before looking, so that nothing is missed.
            let is_told_all = self.watch_what_is_there(&mut events);
            let looked = self.look();
            if let Err(failure) = &looked {
                tracing::error!("{failure}");
            }
            worker.wake();
            let is_all_well = is_told_all && looked.is_ok();
            let due = Instant::now() + if is_all_well { LOOK } else { POLL };
            let left = || due.saturating_duration_since(Instant::now());
            while let Ok(event) = receiver.recv_timeout(left()) {
                match event {
                    Event::Message(path) if self.folders.is_new(&path) => self.take(&path, worker),
                    Event::Message(_) => {}
                    Event::Written(path) => self.take(&path, worker),
                    Event::Look | Event::Stop => break,
                }
            }
            // The look that follows sees all that these tell of.
            for event in receiver.try_iter() {
                if let Event::Written(path) = event {
                    self.folders.forget(&path);
                }
            }
        }
        Ok(DONE)
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Watches until no folder comes or goes while the watching begins. Does the system tell all?
    fn watch_what_is_there(&mut self, events: &mut Events) -> bool {
        let mut directories = self.folders.directories();
        for _ in 1..ATTEMPTS {
            let is_told_all = events.watch(&directories);
            let now = self.folders.directories();
            if now == directories {
                tracing::debug!(directories = now.len(), is_told_all, "watching");
                return is_told_all;
            }
            directories = now;
        }
        events.watch(&directories)
    }

    /// Looks through all folders. The number of new offers.
    fn look(&mut self) -> Result<usize, Failure> {
        let (mut new, mut result) = (0, Ok(()));
        for folder in self.folders.folders() {
            match self.look_at(&folder) {
                Ok(count) => new += count,
                Err(failure) => result = Err(failure),
            }
        }
        let saved = self.progress.save();
        result?;
        saved.map_err(|error| Failure::new(IO, format!("cannot note what was read: {error}")))?;
        Ok(new)
    }

    /// What vanishes while it is looked at was renamed: the next attempt finds it.
    fn look_at(&mut self, folder: &Path) -> Result<usize, Failure> {
        let start = SystemTime::now();
        let window = self.progress.window(folder, start);
        let (mut new, mut has_changed) = (0, false);
        for _ in 0..ATTEMPTS {
            let found = match self.folders.look(folder, window) {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(error) => {
                    tracing::debug!("{}: {error}", shown(&folder.display().to_string()));
                    return Ok(new);
                }
            };
            has_changed = true;
            for (at, path) in found.iter().enumerate() {
                if self.is_over() {
                    return Ok(new);
                }
                match self.read(path) {
                    Ok(is_new) => new += usize::from(is_new),
                    Err(failure) => {
                        found[at..]
                            .iter()
                            .for_each(|path| self.folders.forget(path));
                        return Err(failure);
                    }
                }
            }
            if found.is_empty() {
                break;
            }
        }
        // The new time is noted after the work: what was cut short is done again.
        if has_changed {
            self.progress.complete(folder, start);
        }
        Ok(new)
    }

    /// A message that an event told of. The journal fails: the next look reads it again.
    fn take(&mut self, path: &Path, worker: &Worker) {
        match self.read(path) {
            Ok(true) => worker.wake(),
            Ok(false) => {}
            Err(failure) => {
                self.folders.forget(path);
                tracing::error!("{failure}");
            }
        }
    }

    /// Takes in what a message tells, if it is a notice. True when it makes a new offer. A file that has gone
    /// or cannot be read stays one to look at.
    fn read(&mut self, path: &Path) -> Result<bool, Failure> {
        let arrived = match arrival::notice_in_file(path) {
            Ok(Some(arrived)) => arrived,
            Ok(None) => return Ok(false),
            Err(error) => {
                tracing::debug!("{}: {error}", shown(&path.display().to_string()));
                self.folders.forget(path);
                return Ok(false);
            }
        };
        let Some(recorded) = take_in(&mut self.journal, &self.config, &arrived)? else {
            return Ok(false);
        };
        if recorded.is_new {
            let (id, waiting) = (recorded.id, recorded.waiting);
            tracing::info!("offer {id}: an opt-out would help {waiting} recipient(s)");
        }
        Ok(recorded.is_new)
    }
}

fn end_on_signals(is_over: &Arc<AtomicBool>, sender: &Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let (is_over, sender) = (Arc::clone(is_over), sender.clone());
    thread::spawn(move || {
        for _ in signals.forever() {
            is_over.store(true, Ordering::Relaxed);
            let _ = sender.send(Event::Stop);
        }
    });
    Ok(())
}
