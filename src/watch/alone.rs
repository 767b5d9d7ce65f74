//! One daemon for each user: two would tell everything twice.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::io::Errno;

/// The daemon of this user. The kernel ends it with the process, however that ends.
#[derive(Debug)]
pub struct Alone {
    _lock: File,
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

impl Alone {
    /// Becomes the daemon of the user whose state folder is `folder`. The file stays when the process ends; what
    /// counts is the lock on it.
    ///
    /// # Errors
    /// See [`Error`].
    pub fn become_it(folder: &Path) -> Result<Alone, Error> {
        let path = folder.join("watch.lock");
        match lock(&path) {
            Ok(Some(alone)) => Ok(alone),
            Ok(None) => Err(Error::Taken {
                process: process_in(&path),
            }),
            Err(source) => Err(Error::Io { path, source }),
        }
    }
}

/// `None`: somebody else has the lock.
fn lock(path: &Path) -> io::Result<Option<Alone>> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)?;
    // Not flock(2): a program that the daemon was about to start when it was killed would hold that for a moment.
    match fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive) {
        Err(Errno::AGAIN | Errno::ACCESS) => return Ok(None),
        other => other?,
    }
    // Only for the message of a second one: that it cannot be written is no reason to end.
    let _ = file
        .set_len(0)
        .and_then(|()| write!(file, "{}", process::id()));
    Ok(Some(Alone { _lock: file }))
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
    }
}
