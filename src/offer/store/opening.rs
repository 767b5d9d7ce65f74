//! Opening the journal: its file, its tables, and an older one that is brought up to date.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use super::{Error, Journal, fact, on_disk, pruned, standing, submitted, told};

/// How long to wait for another process that uses the journal.
const PATIENCE: Duration = Duration::from_secs(10);

/// Format of the database, in `PRAGMA user_version`. An older one is brought up to it, and keeps all it has.
const FORMAT: i64 = 2;

/// Format 1.
const SCHEMA: &str = "
CREATE TABLE offer (
    id INTEGER PRIMARY KEY,
    notice_key TEXT NOT NULL UNIQUE,
    notice BLOB NOT NULL,
    message_id TEXT NOT NULL,
    subject TEXT NOT NULL,
    recorded INTEGER NOT NULL,
    expires INTEGER,
    dismissed INTEGER
) STRICT;
CREATE TABLE waiting (
    offer INTEGER NOT NULL REFERENCES offer(id),
    recipient TEXT NOT NULL,
    cause TEXT NOT NULL,
    PRIMARY KEY (offer, recipient)
) STRICT;
CREATE TABLE delivery (
    message_id TEXT NOT NULL,
    recipient TEXT NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    envelope_id TEXT NOT NULL,
    server TEXT NOT NULL,
    reply TEXT NOT NULL,
    PRIMARY KEY (message_id, recipient)
) STRICT;
CREATE TABLE honour (
    server TEXT PRIMARY KEY,
    honours INTEGER NOT NULL,
    at INTEGER NOT NULL
) STRICT;
";

impl Journal {
    /// Opens the journal in the state folder `folder`; makes both where they are missing.
    ///
    /// # Errors
    /// When the folder or the database cannot be made, read or written.
    pub fn open(folder: &Path) -> Result<Journal, Error> {
        let locks = folder.join("locks");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&locks)
            .map_err(|source| Error::Io {
                path: locks.clone(),
                source,
            })?;
        let path = Journal::file(folder);
        // Made here and not by SQLite, so that it is nobody else's to read from its first moment.
        OpenOptions::new()
            .create(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(|source| Error::Io {
                path: path.clone(),
                source,
            })?;
        let db = Connection::open(&path).map_err(|source| Error::Sql {
            path: path.clone(),
            source,
        })?;
        let mut journal = Journal {
            db,
            folder: folder.to_owned(),
            file: on_disk(&path),
            is_read_only: false,
            format: FORMAT,
        };
        // SQLite does not wait for another process that turns a new file to WAL mode: it fails.
        let turn = File::open(&locks).and_then(wait_for_turn);
        let turn = turn.map_err(|source| Error::Io {
            path: locks,
            source,
        })?;
        journal.prepare(&path)?;
        drop(turn);
        Ok(journal)
    }

    /// Opens the journal in `folder` without changing anything there, for a look.
    ///
    /// # Errors
    /// When there is none, or it cannot be read.
    pub fn open_to_look(folder: &Path) -> Result<Journal, Error> {
        let path = Journal::file(folder);
        let db = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY);
        let file = on_disk(&path);
        let read = db.and_then(|db| {
            let format = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            Ok((db, format))
        });
        let (db, format) = read.map_err(|source| Error::Sql { path, source })?;
        let folder = folder.to_owned();
        Ok(Journal {
            db,
            folder,
            file,
            is_read_only: true,
            format,
        })
    }

    fn prepare(&mut self, path: &Path) -> Result<(), Error> {
        let sql = |source| Error::Sql {
            path: path.to_owned(),
            source,
        };
        self.db.busy_timeout(PATIENCE).map_err(sql)?;
        self.db
            .execute_batch(
                "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;",
            )
            .map_err(sql)?;
        let tx = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)
            .map_err(sql)?;
        let found: i64 = tx
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(sql)?;
        match found {
            0 => {
                make_names_last(&self.folder);
                tx.execute_batch(SCHEMA).map_err(sql)?;
                tx.execute_batch(fact::SCHEMA).map_err(sql)?;
            }
            1 => tx.execute_batch(fact::SCHEMA).map_err(sql)?,
            FORMAT => (),
            found => {
                return Err(Error::Newer {
                    path: path.to_owned(),
                    found,
                });
            }
        }
        tx.execute_batch(told::SCHEMA).map_err(sql)?;
        tx.execute_batch(submitted::TABLE).map_err(sql)?;
        tx.execute_batch(standing::SCHEMA).map_err(sql)?;
        tx.execute_batch(pruned::INDEX).map_err(sql)?;
        tx.commit().map_err(sql)
    }
}

/// A journal is lost, and with it what was sent, when the power goes before the name of a new folder above it
/// is on the disk. SQLite sees to the folder of the database, not to those above. One that may not be read was
/// not made by us.
fn make_names_last(folder: &Path) {
    for path in folder.ancestors() {
        if File::open(path).and_then(|file| file.sync_all()).is_err() {
            break;
        }
    }
}

/// Locks a folder, within the time that SQLite is given for the same.
fn wait_for_turn(folder: File) -> io::Result<File> {
    let end = Instant::now() + PATIENCE;
    loop {
        match folder.try_lock() {
            Ok(()) => return Ok(folder),
            Err(TryLockError::Error(error)) => return Err(error),
            Err(TryLockError::WouldBlock) if Instant::now() > end => {
                let text = "another tls-optout holds it and does not go on";
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
            Err(TryLockError::WouldBlock) => thread::sleep(Duration::from_millis(20)),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    #[test]
    fn a_new_journal_is_opened_by_many_at_once() {
        for _ in 0..20 {
            let state = tempfile::tempdir().unwrap();
            let start = Barrier::new(8);
            thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| {
                        start.wait();
                        Journal::open(state.path()).unwrap();
                    });
                }
            });
        }
    }
}
