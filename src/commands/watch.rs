//! `watch`: the daemon. It records offers and never sends.

use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread;
use std::time::{Duration, SystemTime};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::cli::Watch;
use crate::config::{Asking, Config, Places, durable};
use crate::maildir;
use crate::notice;
use crate::offer;
use crate::offer::store::Journal;
use crate::watch::{Event, Folders, events};

use super::{CONFIG, DONE, Failure, IO, NOTHING, journal, now};

/// The header block of a message, and then some: enough to tell that it is no notice.
const START: u64 = 64 * 1024;
/// How often everything is looked through, whatever the system tells.
const LOOK: Duration = Duration::from_secs(300);
/// How far back the first look goes: the time for which servers usually go on trying.
const FIRST: Duration = Duration::from_secs(5 * 24 * 3600);
/// How much later than its delivery a message may show, by clocks that differ and by synchronisation.
const OVERLAP: Duration = Duration::from_secs(3600);

/// Looks through the inbox folders, and goes on as messages come.
pub(super) fn run(args: &Watch, places: &Places) -> Result<u8, Failure> {
    // Never asks mutt: a daemon's start must not open a passphrase prompt.
    let config = Config::load(places, Asking::Never)?;
    if config.mail.inbox.is_empty() {
        let file = config.file.display();
        let text = format!("no folder to watch; write [mail] inbox into {file}");
        return Err(Failure::new(CONFIG, text));
    }
    let mut daemon = Daemon {
        folders: Folders::new(config.mail.inbox),
        journal: journal(places)?,
        looked: places.state_home.join(super::NAME).join("looked"),
    };
    if args.once {
        let new = daemon.look()?;
        return Ok(if new > 0 { DONE } else { NOTHING });
    }
    daemon.watch()
}

struct Daemon {
    folders: Folders,
    journal: Journal,
    /// Its modification time is that of the last look.
    looked: PathBuf,
}

impl Daemon {
    fn watch(&mut self) -> Result<u8, Failure> {
        let (sender, receiver) = channel();
        stop_on_signals(&sender)
            .map_err(|error| Failure::new(IO, format!("cannot wait for signals: {error}")))?;
        loop {
            // Folders may have come or gone. Watching starts before looking, so that nothing is missed.
            let folders = self.folders.folders();
            let _watcher = events(&folders, &sender)
                .map_err(|error| Failure::new(IO, format!("cannot watch the folders: {error}")))?;
            self.look()?;
            tracing::debug!(folders = folders.len(), "watching");
            let due = SystemTime::now() + LOOK;
            loop {
                let left = due.duration_since(SystemTime::now()).unwrap_or_default();
                match receiver.recv_timeout(left) {
                    Ok(Event::Message(path)) => {
                        if self.folders.is_new(&path) {
                            self.read(&path)?;
                        }
                    }
                    Ok(Event::Look) | Err(RecvTimeoutError::Timeout) => break,
                    Ok(Event::Stop) | Err(RecvTimeoutError::Disconnected) => return Ok(DONE),
                }
            }
        }
    }

    /// Looks through all folders. The number of new offers.
    fn look(&mut self) -> Result<usize, Failure> {
        let last = fs::metadata(&self.looked).and_then(|meta| meta.modified());
        let since = match last {
            Ok(last) => last.checked_sub(OVERLAP),
            Err(_) => SystemTime::now().checked_sub(FIRST),
        };
        let mut new = 0;
        for path in self.folders.look(since.unwrap_or(SystemTime::UNIX_EPOCH)) {
            new += usize::from(self.read(&path)?);
        }
        // The new time is written after the work: what was cut short is done again.
        durable::write(&self.looked, b"")
            .map_err(|error| Failure::new(IO, format!("{}: {error}", self.looked.display())))?;
        Ok(new)
    }

    /// Records the offer of a message, if it has one. True when it is new. A file that has gone or
    /// cannot be read is none.
    fn read(&mut self, path: &Path) -> Result<bool, Failure> {
        let offer = match offer_in(path) {
            Ok(Some(offer)) => offer,
            Ok(None) => return Ok(false),
            Err(error) => {
                tracing::debug!("{}: {error}", path.display());
                return Ok(false);
            }
        };
        let recording = self.journal.record(&offer)?;
        if recording.is_new {
            let (id, waiting) = (recording.id, offer.waiting.len());
            tracing::info!("offer {id}: an opt-out would help {waiting} recipient(s)");
        }
        Ok(recording.is_new)
    }
}

/// Reads the whole file only where its start is that of a notice.
fn offer_in(path: &Path) -> io::Result<Option<offer::Recorded>> {
    let mut start = Vec::new();
    File::open(path)?.take(START).read_to_end(&mut start)?;
    if notice::read(&start).is_none() {
        return Ok(None);
    }
    Ok(offer::in_message(&maildir::read(path)?, now()))
}

fn stop_on_signals(sender: &Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM])?;
    let sender = sender.clone();
    thread::spawn(move || {
        for _ in signals.forever() {
            let _ = sender.send(Event::Stop);
        }
    });
    Ok(())
}
