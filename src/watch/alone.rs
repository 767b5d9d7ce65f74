//! One daemon for each user, or one look (`watch --once`): two would tell everything twice.
//!
//! Each has a lock file of its own and looks at that of the other once it holds it, so that of two that start at the
//! same moment at least one sees the other.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;
use rustix::process::{Flock, FlockType, fcntl_getlk};

/// The daemon of this user, or the look. The kernel ends it with the process, however that ends.
#[derive(Debug)]
pub struct Alone {
    lock: File,
}

/// There is one already, or nobody can tell.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Another process is the daemon.
    #[error(
        "`tls-optout watch` is running already{}; it does all that this one would",
        of(process)
    )]
    Taken {
        /// Its number as it stands in the file.
        process: String,
    },
    /// The file cannot be made or locked.
    #[error("{}: {source}; look there for free space and permissions", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

fn of(process: &str) -> String {
    match process.is_empty() {
        true => String::new(),
        false => format!(" (process {process})"),
    }
}

const DAEMON: &str = "watch.lock";
const LOOK: &str = "once.lock";

impl Alone {
    /// Becomes the daemon of the user whose state folder is `folder`, after a look that is under way. The file stays
    /// when the process ends; what counts is the lock on it.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn become_it(folder: &Path) -> Result<Alone, Error> {
        let path = folder.join(DAEMON);
        let alone = of_file(&path, lock)?.ok_or_else(|| Error::Taken {
            process: process_in(&path),
        })?;
        // Only for the message of a second one: that it cannot be written is no reason to end.
        let mut file = &alone.lock;
        let _ = file
            .set_len(0)
            .and_then(|()| write!(file, "{}", process::id()));
        let look = folder.join(LOOK);
        if of_file(&look, lock)?.is_none() {
            tracing::info!("waiting for `tls-optout watch --once` to end");
            of_file(&look, |file| {
                fcntl_lock(&file, FlockOperation::LockExclusive)
            })?;
        }
        Ok(alone)
    }

    /// Becomes the only look. `None`: there is a daemon, or another look.
    ///
    /// # Errors
    /// [`Error::Io`].
    pub fn to_look(folder: &Path) -> Result<Option<Alone>, Error> {
        let look = of_file(&folder.join(LOOK), lock)?;
        // Asks without taking it: a daemon that starts at this moment must not find it taken.
        let is_daemon_there = of_file(&folder.join(DAEMON), |file| {
            Ok(fcntl_getlk(&file, &Flock::from(FlockType::WriteLock))?.is_some())
        })?;
        Ok(look.filter(|_| !is_daemon_there))
    }
}

/// What `ask` says of the file, which is made if it is not there.
fn of_file<T>(path: &Path, ask: impl FnOnce(File) -> rustix::io::Result<T>) -> Result<T, Error> {
    let file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path);
    let said = file.and_then(|file| Ok(ask(file)?));
    said.map_err(|source| Error::Io {
        path: path.to_owned(),
        source,
    })
}

/// `None`: somebody else has the lock.
fn lock(file: File) -> rustix::io::Result<Option<Alone>> {
    // Not flock(2): a program that the daemon was about to start when it was killed would hold that for a moment.
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::AGAIN | Errno::ACCESS) => Ok(None),
        other => other.map(|()| Some(Alone { lock: file })),
    }
}

/// The number in the file; empty where there is none.
fn process_in(path: &Path) -> String {
    let mut text = String::new();
    let read = File::open(path).and_then(|file| file.take(20).read_to_string(&mut text));
    match read {
        Ok(_) if text.bytes().all(|byte| byte.is_ascii_digit()) => text,
        _ => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let error = Alone::become_it(Path::new("/nowhere")).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
        let error = Alone::to_look(Path::new("/nowhere")).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
    }
}
