//! One daemon for each user: two would tell everything twice.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process;

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
        try_lock(&path).map_err(|error| match error {
            TryLockError::WouldBlock => Error::Taken {
                process: process_in(&path),
            },
            TryLockError::Error(source) => Error::Io { path, source },
        })
    }
}

fn try_lock(path: &Path) -> Result<Alone, TryLockError> {
    let mut file = OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(path)
        .map_err(TryLockError::Error)?;
    file.try_lock()?;
    // Only for the message of a second one: that it cannot be written is no reason to end.
    let _ = file
        .set_len(0)
        .and_then(|()| write!(file, "{}", process::id()));
    Ok(Alone { _lock: file })
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
    fn there_is_one_at_a_time() {
        let state = tempfile::tempdir().unwrap();
        let first = Alone::become_it(state.path()).unwrap();
        let error = Alone::become_it(state.path()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "`tls-optout watch` is running already (process {}); it does all that this one would",
                process::id()
            )
        );
        drop(first);
        Alone::become_it(state.path()).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_told() {
        let error = Alone::become_it(Path::new("/nowhere")).unwrap_err();
        assert!(matches!(error, Error::Io { .. }), "{error}");
    }
}
