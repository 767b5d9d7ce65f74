//! New messages in the watched folders.
//!
//! Events of the system are hints; the folders are the truth. [`Folders`] looks through them and says
//! which messages it has not named before; [`events`] says when a look is due. A message is known by
//! its folder and base name, so that moving it from `new` to `cur` or changing its flags does not
//! make it new again.

use std::collections::HashSet;
use std::ffi::OsString;
use std::fs;
use std::os::unix::ffi::OsStringExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::time::{Duration, SystemTime};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RenameMode};
use notify::{Config, EventKind, PollWatcher, RecommendedWatcher, RecursiveMode, Watcher};

use crate::maildir::folder::{FileName, PARTS, Unreadable, Walk};

/// How often a folder is read where the system tells of no changes (NFS, a limit that is reached).
const POLL: Duration = Duration::from_secs(30);

/// Why the daemon wakes up.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// This file may be a new message.
    Message(PathBuf),
    /// Events were lost: look through everything.
    Look,
    /// The user or the session ends the daemon.
    Stop,
}

/// The watched folders and the messages in them that have been named.
#[derive(Debug)]
pub struct Folders {
    roots: Vec<PathBuf>,
    named: HashSet<(PathBuf, OsString)>,
}

impl Folders {
    /// `roots` are Maildir folders, or directories with Maildir folders below.
    pub fn new(roots: Vec<PathBuf>) -> Folders {
        Folders {
            roots,
            named: HashSet::new(),
        }
    }

    /// The folders that are there now.
    pub fn folders(&self) -> Vec<PathBuf> {
        let mut walk = Walk::default();
        let mut unreadable = Unreadable::default();
        let mut folders = Vec::new();
        for root in self.roots.iter().filter(|root| root.is_dir()) {
            match walk.only(root) {
                Some(folder) => folders.push(folder),
                None => folders.extend(walk.below(root, &mut unreadable)),
            }
        }
        for (path, reason) in unreadable.named {
            tracing::warn!("cannot look into {}: {reason}", path.display());
        }
        folders
    }

    /// The messages changed since `since` that have not been named before.
    pub fn look(&mut self, since: SystemTime) -> Vec<PathBuf> {
        let mut found = Vec::new();
        for folder in self.folders() {
            for part in PARTS {
                let entries = fs::read_dir(folder.join(part)).into_iter().flatten();
                for path in entries.flatten().map(|entry| entry.path()) {
                    let changed = fs::metadata(&path).and_then(|meta| meta.modified());
                    if changed.is_ok_and(|changed| changed >= since) && self.is_new(&path) {
                        found.push(path);
                    }
                }
            }
        }
        found
    }

    /// Is this a message that has not been named before? From now on it has.
    pub fn is_new(&mut self, path: &Path) -> bool {
        let folder = path.ancestors().nth(2);
        let (Some(folder), Some(name)) = (folder, path.file_name()) else {
            return false;
        };
        let base = FileName::parse(name).base.to_vec();
        self.named
            .insert((folder.to_owned(), OsString::from_vec(base)))
    }
}

/// Tells `sender` of messages that appear in the folders. The result must be kept; it stops when it
/// is dropped.
///
/// # Errors
/// When the system can neither tell of changes nor be polled.
pub fn events(folders: &[PathBuf], sender: &Sender<Event>) -> notify::Result<Box<dyn Watcher>> {
    let native = RecommendedWatcher::new(handler(sender), Config::default()).and_then(|watcher| {
        let mut watcher: Box<dyn Watcher> = Box::new(watcher);
        add(&mut *watcher, folders)?;
        Ok(watcher)
    });
    native.or_else(|error| {
        let seconds = POLL.as_secs();
        tracing::warn!("the system does not tell of changes ({error}); looking every {seconds} s");
        let config = Config::default().with_poll_interval(POLL);
        let mut watcher: Box<dyn Watcher> = Box::new(PollWatcher::new(handler(sender), config)?);
        add(&mut *watcher, folders)?;
        Ok(watcher)
    })
}

fn add(watcher: &mut dyn Watcher, folders: &[PathBuf]) -> notify::Result<()> {
    for folder in folders {
        for part in PARTS {
            watcher.watch(&folder.join(part), RecursiveMode::NonRecursive)?;
        }
    }
    Ok(())
}

fn handler(sender: &Sender<Event>) -> impl FnMut(notify::Result<notify::Event>) + Send + 'static {
    let sender = sender.clone();
    move |event| {
        // The receiver goes only when the daemon ends.
        match event {
            Ok(event) if event.need_rescan() => drop(sender.send(Event::Look)),
            Ok(event) if is_arrival(event.kind) => {
                for path in event.paths {
                    let _ = sender.send(Event::Message(path));
                }
            }
            Ok(_) => (),
            Err(error) => {
                tracing::debug!(%error, "watching");
                let _ = sender.send(Event::Look);
            }
        }
    }
}

/// A rename into the folder, a link to it, or the end of a write there. All else is no message yet.
fn is_arrival(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Create(CreateKind::File | CreateKind::Any)
            | EventKind::Modify(ModifyKind::Name(RenameMode::To))
            | EventKind::Access(AccessKind::Close(AccessMode::Write))
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_named_once_wherever_it_moves() {
        let root = tempfile::tempdir().unwrap();
        for part in ["cur", "new", "tmp"] {
            fs::create_dir(root.path().join(part)).unwrap();
        }
        let new = root.path().join("new/1.host");
        fs::write(&new, "").unwrap();
        let mut folders = Folders::new(vec![root.path().to_owned(), root.path().join("gone")]);
        let since = SystemTime::UNIX_EPOCH;
        assert_eq!(folders.look(since), std::slice::from_ref(&new));
        let cur = root.path().join("cur/1.host:2,S");
        fs::rename(new, &cur).unwrap();
        assert!(folders.look(since).is_empty());
        assert!(!folders.is_new(&cur));
        let future = SystemTime::now() + Duration::from_secs(60);
        fs::write(root.path().join("cur/2.host:2,"), "").unwrap();
        assert!(folders.look(future).is_empty());
        assert_eq!(folders.look(since).len(), 1);
    }
}
