//! What the system tells of the folders: the watched directories, and what a change there means.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::ffi::OsStr;
use std::fs;
use std::ops::Bound;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind, RenameMode};
use notify::{Config, ErrorKind, EventKind, RecommendedWatcher, RecursiveMode, Watcher};
use rustix::io::Errno;

use super::Event;
use crate::maildir::folder::PARTS;

/// The system may not tell of all changes: what is watched has to be looked through every now and then.
#[derive(Debug, PartialEq, Eq)]
pub struct Untold {
    /// Why, and where there is one, what to do about it.
    pub reason: String,
    /// No more directories can be watched.
    pub is_limit: bool,
}

/// What became of [`Events::watch`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Watching {
    /// Directories are watched that were not before: something may have appeared in them a moment earlier.
    pub has_begun: bool,
    /// The system may not tell of all changes: a limit is reached, or other hosts may change something there.
    pub untold: Option<Untold>,
}

/// The events of the system.
#[derive(Debug)]
pub struct Events {
    sender: Sender<Event>,
    watcher: Option<RecommendedWatcher>,
    watched: Watched,
}

/// The watched directories, by their paths.
#[derive(Debug, Clone, Default)]
struct Watched(Arc<Mutex<BTreeMap<PathBuf, Watch>>>);

#[derive(Debug)]
struct Watch {
    /// Its device and number: a directory that is made anew has the path of the old one, and no watch.
    identity: (u64, u64),
    /// Nothing was told since that may have ended the watch.
    is_sure: bool,
    is_remote: bool,
}

impl Watched {
    /// Never held while the watcher is called, whose thread waits for it.
    fn lock(&self) -> MutexGuard<'_, BTreeMap<PathBuf, Watch>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// This directory was moved or removed: the watcher has dropped it, and all below. False when none of
    /// these is watched.
    fn doubt(&self, path: &Path) -> bool {
        let mut watched = self.lock();
        let from_there = (Bound::Included(path), Bound::Unbounded);
        let below = watched.range_mut::<Path, _>(from_there);
        let below = below.take_while(|(at, _)| at.starts_with(path));
        below.map(|(_, watch)| watch.is_sure = false).count() > 0
    }

    /// Takes out those that are not wanted, or are other directories by now.
    fn unwanted(&self, wanted: &BTreeMap<&Path, (u64, u64)>) -> Vec<PathBuf> {
        let mut watched = self.lock();
        let is_unwanted = |(path, watch): &(&PathBuf, &Watch)| {
            wanted.get(path.as_path()) != Some(&watch.identity)
        };
        let unwanted = watched.iter().filter(is_unwanted);
        let unwanted: Vec<PathBuf> = unwanted.map(|(path, _)| path.clone()).collect();
        for path in &unwanted {
            watched.remove(path);
        }
        unwanted
    }

    /// Notes the directory before it is watched, so that no event about it comes too early. False when it is
    /// watched already.
    fn begin(&self, directory: &Path, identity: (u64, u64)) -> bool {
        let is_watched = |watch: &Watch| watch.is_sure;
        if self.lock().get(directory).is_some_and(is_watched) {
            return false;
        }
        let watch = Watch {
            identity,
            is_sure: true,
            is_remote: is_remote(directory),
        };
        self.lock().insert(directory.to_owned(), watch);
        true
    }

    fn doubt_all(&self) {
        let mut watched = self.lock();
        watched.values_mut().for_each(|watch| watch.is_sure = false);
    }
}

impl Events {
    /// Events will go to `sender`.
    pub fn new(sender: Sender<Event>) -> Events {
        Events {
            sender,
            watcher: None,
            watched: Watched::default(),
        }
    }

    /// Watches these directories, and no others any longer; those that are watched already go on being so
    /// without a gap.
    pub fn watch(&mut self, directories: &BTreeSet<PathBuf>) -> Watching {
        let mut watching = Watching::default();
        let wanted = identified(directories);
        let watcher = match &mut self.watcher {
            Some(watcher) => watcher,
            None => {
                let handler = handler(&self.sender, &self.watched);
                match RecommendedWatcher::new(handler, Config::default()) {
                    Ok(watcher) => self.watcher.insert(watcher),
                    Err(error) => {
                        watching.untold = Some(untold(&error));
                        return watching;
                    }
                }
            }
        };
        // These first: what they hold counts towards the limits, and a directory that was moved has its old
        // watch under its new name until that ends.
        for path in self.watched.unwanted(&wanted) {
            // One that is gone has ended already.
            let _ = watcher.unwatch(&path);
        }
        for (directory, identity) in &wanted {
            if !self.watched.begin(directory, *identity) {
                continue;
            }
            match watcher.watch(directory, RecursiveMode::NonRecursive) {
                Ok(()) => watching.has_begun = true,
                Err(error) => {
                    self.watched.lock().remove(*directory);
                    if !is_gone(&error) {
                        watching.untold.get_or_insert_with(|| untold(&error));
                    }
                }
            }
        }
        if self.watched.lock().values().any(|watch| watch.is_remote) {
            watching.untold.get_or_insert_with(|| Untold {
                reason: "a file system that others change".to_owned(),
                is_limit: false,
            });
        }
        watching
    }
}

/// Each directory once, whatever paths lead to it: all paths share one watch, and would end it for the others.
fn identified(directories: &BTreeSet<PathBuf>) -> BTreeMap<&Path, (u64, u64)> {
    let mut seen = HashSet::new();
    let identities = directories.iter().filter_map(|directory| {
        // One that has gone comes again in a directory that is watched.
        let meta = fs::metadata(directory).ok()?;
        Some((directory.as_path(), (meta.dev(), meta.ino())))
    });
    identities
        .filter(|(_, identity)| seen.insert(*identity))
        .collect()
}

/// A directory that went before it could be watched. That it comes again is seen in the one above.
fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

fn untold(error: &notify::Error) -> Untold {
    let is = |errno: Errno| {
        let ErrorKind::Io(error) = &error.kind else {
            return false;
        };
        error.raw_os_error() == Some(errno.raw_os_error())
    };
    let (reason, is_limit) = match &error.kind {
        ErrorKind::MaxFilesWatch => ("raise fs.inotify.max_user_watches".to_owned(), true),
        _ if is(Errno::MFILE) => ("raise fs.inotify.max_user_instances".to_owned(), true),
        ErrorKind::Io(error) => (error.to_string(), false),
        _ => (error.to_string(), false),
    };
    Untold { reason, is_limit }
}

/// Is this a file system whose files other hosts change unseen? The numbers are those of statfs(2):
/// NFS, SMB and CIFS, FUSE (sshfs), 9p, Ceph, AFS.
#[cfg(target_os = "linux")]
fn is_remote(directory: &Path) -> bool {
    const REMOTE: [u32; 8] = [
        0x6969,
        0x517b,
        0xfe53_4d42,
        0xff53_4d42,
        0x6573_5546,
        0x0102_1997,
        0x00c3_6400,
        0x5346_414f,
    ];
    rustix::fs::statfs(directory).is_ok_and(|system| REMOTE.contains(&(system.f_type as u32)))
}

#[cfg(not(target_os = "linux"))]
fn is_remote(_: &Path) -> bool {
    false
}

fn handler(
    sender: &Sender<Event>,
    watched: &Watched,
) -> impl FnMut(notify::Result<notify::Event>) + Send + 'static {
    let (sender, watched) = (sender.clone(), watched.clone());
    move |event| {
        let events = match event {
            Ok(event) if event.need_rescan() => {
                tracing::debug!("events were lost; looking through everything");
                // Among them may be the end of a directory.
                watched.doubt_all();
                vec![Event::Look]
            }
            Ok(event) => {
                let kind = event.kind;
                let paths = event.paths.into_iter();
                let meaning = |path: PathBuf| match is_departure(kind) && watched.doubt(&path) {
                    true => Some(Event::Look),
                    false => meaning(kind, path),
                };
                paths.filter_map(meaning).collect()
            }
            Err(error) => {
                tracing::debug!(%error, "watching");
                vec![Event::Look]
            }
        };
        for event in events {
            // The receiver goes only when the daemon ends.
            let _ = sender.send(event);
        }
    }
}

/// Is something no longer where it was?
fn is_departure(kind: EventKind) -> bool {
    matches!(
        kind,
        EventKind::Remove(_) | EventKind::Modify(ModifyKind::Name(RenameMode::From))
    )
}

/// What a change at `path` means. Delivery renames or links a complete file into the folder; programs
/// that write there directly end with a `Close`. A name that begins with a dot is another program's own
/// until that renames it.
fn meaning(kind: EventKind, path: PathBuf) -> Option<Event> {
    let is_in_part = || {
        let part = path.parent().and_then(Path::file_name);
        PARTS.iter().any(|name| part == Some(name.as_ref()))
    };
    let name = path.file_name().map(OsStr::as_bytes);
    if is_in_part() && name.is_some_and(|name| name.starts_with(b".")) {
        return None;
    }
    match kind {
        EventKind::Create(CreateKind::Folder) | EventKind::Remove(RemoveKind::Folder) => {
            Some(Event::Look)
        }
        EventKind::Remove(_) => is_in_part().then_some(Event::Removed(path)),
        EventKind::Create(_) | EventKind::Modify(ModifyKind::Name(RenameMode::To)) => {
            if is_in_part() {
                Some(Event::Message(path))
            } else {
                path.is_dir().then_some(Event::Look)
            }
        }
        EventKind::Access(AccessKind::Close(AccessMode::Write)) if is_in_part() => {
            Some(Event::Written(path))
        }
        EventKind::Modify(ModifyKind::Data(_)) => is_journal(&path).then_some(Event::Journal),
        _ => None,
    }
}

/// SQLite writes to the file beside the database (its write-ahead log) with each commit.
fn is_journal(path: &Path) -> bool {
    path.file_name() == Some("journal.sqlite3-wal".as_ref())
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use super::*;

    /// What is new says that something may have come just before; what is watched, or is not there, does not.
    #[test]
    fn only_a_new_watch_has_begun() {
        let home = tempfile::tempdir().unwrap();
        let [here, moved, nowhere] =
            ["here", "moved", "nowhere"].map(|name| home.path().join(name));
        fs::create_dir(&here).unwrap();
        let mut events = Events::new(channel().0);
        let mut begins = |directories: &[&PathBuf]| {
            let directories = directories.iter().map(|path| (*path).clone()).collect();
            events.watch(&directories).has_begun
        };
        assert!(begins(&[&here, &nowhere]));
        assert!(!begins(&[&here, &nowhere]));
        fs::rename(&here, &moved).unwrap();
        fs::create_dir(&here).unwrap();
        assert!(begins(&[&here]), "another directory at this path");
        assert!(!begins(&[&here]));
        assert!(begins(&[&here, &moved]));
        assert!(!begins(&[&moved]));
    }
}
