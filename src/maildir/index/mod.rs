//! The index: Message-ID to file, in an SQLite database of its own in the state folder.
//!
//! It is a cache. It may be missing, old, damaged or deleted at any moment: each file that it names is
//! opened and compared, and what it does not know is looked for without it. A damaged one is removed.

use std::collections::HashSet;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::folder::{PARTS, Unreadable};
use super::search::Places;

use folder_state::Stamp;
use store::{Store, is_broken};
use update::Update;

mod folder_state;
mod look;
mod store;
mod update;

pub(super) use look::{answer, best};
pub(super) use store::{Hit, Mark};
pub use update::Step;

/// The index cannot be built, brought up to date or checked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state folder or a file in it cannot be used.
    #[error("the index {}: {source}; look there for free space and permissions", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite failed.
    #[error("the index {}: {source}; look there for free space and permissions", path.display())]
    Sql {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Another process is at it.
    #[error("another tls-optout is working on the index {}; try again when it is done", .0.display())]
    Busy(PathBuf),
}

/// What became of [`update`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// Folders in the index.
    pub folders: usize,
    /// Files in the index.
    pub files: u64,
    /// Files that were read because they were new.
    pub read: u64,
    /// It was built from nothing.
    pub is_new: bool,
    /// What could not be read, and is not in the index.
    pub unreadable: Unreadable,
}

/// What [`check`] has found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// There is no index.
    Missing,
    /// It is damaged, in SQLite's words.
    Broken(String),
    /// It can be used.
    Good {
        /// Folders in it.
        folders: usize,
        /// Files in it.
        files: u64,
        /// Folders that have changed since, come or gone.
        changed: usize,
    },
}

/// The database in the state folder `state`.
pub fn file(state: &Path) -> PathBuf {
    state.join("index.sqlite3")
}

/// Brings the index in the folder `state` up to date, or builds it where there is none that can be used.
/// `tell` hears how far it has come.
///
/// # Errors
/// When it cannot be written, or another process writes it. Mail that cannot be read is none: it is
/// counted in the report.
pub fn update(state: &Path, places: &Places, tell: &mut dyn FnMut(Step)) -> Result<Report, Error> {
    let path = file(state);
    let _lock = lock(state)?;
    let mut unreadable = Unreadable::default();
    let folders = places.folders(&mut unreadable);
    let mut fill = |store: &Store, unreadable: &mut Unreadable| {
        let step = Step::default();
        let mut update = Update {
            store,
            tell: &mut *tell,
            unreadable,
            step,
        };
        update.all(&folders)?;
        let (read, files) = (update.step.read, store.len()?);
        Ok::<_, rusqlite::Error>((read, files))
    };
    let is_there = path.exists();
    let old = is_there.then(|| Store::open(&path).and_then(|store| fill(&store, &mut unreadable)));
    let (is_new, filled) = match old {
        Some(Err(error)) if is_broken(&error) => (true, None),
        Some(Err(source)) => return Err(Error::Sql { path, source }),
        Some(Ok(filled)) => (false, Some(filled)),
        None => (true, None),
    };
    let (read, files) = match filled {
        Some(filled) => filled,
        None => {
            unreadable = Unreadable::default();
            build(&path, |store| fill(store, &mut unreadable))?
        }
    };
    Ok(Report {
        folders: folders.len(),
        files,
        read,
        is_new,
        unreadable,
    })
}

/// Fills a new database beside the place of the old one, and puts it there when it is whole.
fn build<T>(path: &Path, fill: impl FnOnce(&Store) -> rusqlite::Result<T>) -> Result<T, Error> {
    let new = path.with_extension("new");
    let io_error = |source| Error::Io {
        path: path.to_owned(),
        source,
    };
    let built = make_private(&new).map_err(io_error).and_then(|()| {
        let filled = Store::create(&new).and_then(|store| {
            let filled = fill(&store)?;
            store.finish()?;
            Ok(filled)
        });
        let filled = filled.map_err(|source| Error::Sql {
            path: path.to_owned(),
            source,
        })?;
        // A crash between these leaves no index, never one with another's journal.
        File::open(&new)
            .and_then(|file| file.sync_all())
            .and_then(|()| remove(path))
            .and_then(|()| fs::rename(&new, path))
            .map_err(io_error)?;
        Ok(filled)
    });
    if built.is_err() {
        let _ = fs::remove_file(&new);
    }
    built
}

/// An empty file that is nobody else's to read from its first moment.
fn make_private(path: &Path) -> io::Result<()> {
    if let Err(error) = fs::remove_file(path)
        && error.kind() != io::ErrorKind::NotFound
    {
        return Err(error);
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true).mode(0o600);
    options.open(path).map(drop)
}

/// Adds files of which the system has told, if there is an index and nobody else is at work on it. What
/// cannot be done now the next [`update`] does. False: somebody else is at work on it.
pub fn note<'a>(state: &Path, files: impl IntoIterator<Item = &'a PathBuf>) -> bool {
    let path = file(state);
    if !path.exists() {
        return true;
    }
    let Ok(_lock) = lock(state) else {
        return false;
    };
    let noted = Store::open(&path).and_then(|store| {
        store.together(|| {
            let mut files = files.into_iter();
            files.try_for_each(|file| update::one(&store, file))
        })
    });
    if let Err(error) = noted {
        tracing::debug!("index: {error}");
        if is_broken(&error) {
            let _ = remove(&path);
        }
    }
    true
}

/// Looks at the index without changing it.
///
/// # Errors
/// When it is there and cannot be read, or another process is at work on it.
pub fn check(state: &Path, places: &Places) -> Result<State, Error> {
    let path = file(state);
    if !path.exists() {
        return Ok(State::Missing);
    }
    let _lock = lock(state)?;
    let checked = Store::open_to_look(&path).and_then(|store| {
        if let Some(fault) = store.fault()? {
            return Ok(State::Broken(fault));
        }
        let known = store.folders()?;
        let present: HashSet<_> = HashSet::from_iter(places.folders(&mut Unreadable::default()));
        let is_still = |folder: &Path, stamps: [Stamp; 2]| {
            [0, 1].into_iter().all(|part| {
                Stamp::of(&folder.join(PARTS[part])).is_ok_and(|now| now.is_still(stamps[part]))
            })
        };
        let still = known
            .iter()
            .filter(|(folder, known)| present.contains(folder) && is_still(folder, known.stamps))
            .count();
        Ok(State::Good {
            folders: known.len(),
            files: store.len()?,
            changed: known.len().max(present.len()) - still,
        })
    });
    match checked {
        Ok(state) => Ok(state),
        Err(error) if is_broken(&error) => Ok(State::Broken(error.to_string())),
        Err(source) => Err(Error::Sql { path, source }),
    }
}

/// Removes the database and what SQLite has left beside it.
fn remove(path: &Path) -> io::Result<()> {
    let mut journal = path.as_os_str().to_owned();
    journal.push("-journal");
    for path in [path, Path::new(&journal)] {
        match fs::remove_file(path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// One process at a time writes.
fn lock(state: &Path) -> Result<File, Error> {
    let path = state.join("index.lock");
    let mut options = OpenOptions::new();
    let opened = options.create(true).append(true).mode(0o600).open(&path);
    let locked = opened.and_then(|file| match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    });
    match locked {
        Ok(Some(lock)) => Ok(lock),
        Ok(None) => Err(Error::Busy(file(state))),
        Err(source) => Err(Error::Io { path, source }),
    }
}
