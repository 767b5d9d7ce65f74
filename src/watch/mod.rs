//! New messages in the watched folders.
//!
//! Events of the system are hints; the folders are the truth. [`folders`] says which messages have not
//! been looked at yet, [`Events`] when a look is due, [`progress`] how far the last run came,
//! [`arrival`] reads a message no further than needed, and [`keeper`] keeps the index of all mail current.

use std::collections::BTreeSet;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;

use notify::event::{AccessKind, AccessMode, CreateKind, ModifyKind, RemoveKind, RenameMode};
use notify::{Config, ErrorKind, EventKind, RecommendedWatcher, RecursiveMode, Watcher};

use crate::maildir::folder::PARTS;

pub mod alone;
pub mod arrival;
pub mod clock;
pub mod folders;
pub mod keeper;
pub mod manager;
pub mod progress;
pub mod signals;
pub mod tell;

/// Counts how often the daemon had looked for what standing consent covers.
pub type Turn = u64;

/// Why the daemon wakes up.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// This file has appeared under this name.
    Message(PathBuf),
    /// This file, which may have been looked at when it was incomplete, has been written.
    Written(PathBuf),
    /// Folders came or went, or events were lost: look through everything.
    Look,
    /// The configuration has changed.
    Reload,
    /// Standing consent had its turn: what it did not send waits for the user.
    Acted(Turn),
    /// A process has written to the journal.
    Journal,
    /// An offer was told of, or could not be told of now.
    Told {
        /// Its number.
        offer: i64,
        /// The way.
        way: tell::Way,
        /// Nothing is left to do in this way.
        is_done: bool,
    },
    /// The user does not want the offer of this number.
    Dismiss(i64),
    /// The user or the session ends the daemon.
    Stop,
}

/// Whoever watches, and however often: it is said once.
static HAS_WARNED: AtomicBool = AtomicBool::new(false);

/// The events of the system.
#[derive(Debug)]
pub struct Events {
    sender: Sender<Event>,
    watcher: Option<RecommendedWatcher>,
}

impl Events {
    /// Events will go to `sender`.
    pub fn new(sender: Sender<Event>) -> Events {
        Events {
            sender,
            watcher: None,
        }
    }

    /// Watches these directories, and no others any longer. False when the system may not tell of all
    /// changes there, because a limit is reached or other hosts make changes: they have to be looked
    /// through every now and then. The first time it says so on standard error.
    pub fn watch(&mut self, directories: &BTreeSet<PathBuf>) -> bool {
        // The old one first: what it holds counts towards the limits.
        self.watcher = None;
        let reason = self.start(directories);
        if let Some(reason) = &reason
            && !HAS_WARNED.swap(true, Ordering::Relaxed)
        {
            tracing::warn!(
                "the system does not tell of every change ({reason}); looking by the clock"
            );
        }
        reason.is_none()
    }

    /// The reason why not everything is told.
    fn start(&mut self, directories: &BTreeSet<PathBuf>) -> Option<String> {
        let watcher = RecommendedWatcher::new(handler(&self.sender), Config::default());
        let watcher = match watcher {
            Ok(watcher) => self.watcher.insert(watcher),
            Err(error) => return Some(reason(&error)),
        };
        let mut first = None;
        for directory in directories {
            match watcher.watch(directory, RecursiveMode::NonRecursive) {
                Err(error) if is_gone(&error) => {}
                Err(error) => {
                    first.get_or_insert_with(|| reason(&error));
                }
                Ok(()) if is_remote(directory) => {
                    first.get_or_insert_with(|| "a file system that others change".to_owned());
                }
                Ok(()) => {}
            }
        }
        first
    }
}

/// A directory that went before it could be watched. That it comes again is seen in the one above.
fn is_gone(error: &notify::Error) -> bool {
    match &error.kind {
        ErrorKind::PathNotFound => true,
        ErrorKind::Io(error) => error.kind() == std::io::ErrorKind::NotFound,
        _ => false,
    }
}

fn reason(error: &notify::Error) -> String {
    match &error.kind {
        ErrorKind::MaxFilesWatch => "raise fs.inotify.max_user_watches".to_owned(),
        ErrorKind::Io(error)
            if error.raw_os_error() == Some(rustix::io::Errno::MFILE.raw_os_error()) =>
        {
            "raise fs.inotify.max_user_instances".to_owned()
        }
        ErrorKind::Io(error) => error.to_string(),
        _ => error.to_string(),
    }
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

fn handler(sender: &Sender<Event>) -> impl FnMut(notify::Result<notify::Event>) + Send + 'static {
    let sender = sender.clone();
    move |event| {
        let events = match event {
            Ok(event) if event.need_rescan() => {
                tracing::debug!("events were lost; looking through everything");
                vec![Event::Look]
            }
            Ok(event) => event
                .paths
                .into_iter()
                .filter_map(|path| meaning(event.kind, path))
                .collect(),
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
