//! The journal: what was offered, and what was sent to whom. It survives `kill -9` at any moment.
//!
//! SQLite in WAL mode with `synchronous=FULL`: a commit is on the disk before it returns. One row of
//! `delivery` for each original and mailbox, however it is spelled, says how far a resubmission came.
//! It is looked for in the transaction that writes it: that makes "never twice" true, whichever
//! notice, key press or process asks. A row becomes `sending` before the first byte of DATA and `sent`
//! after the final reply. The process that sends holds a lock on a file named after its envelope id;
//! a row `sending` whose lock is free belongs to a process that died, and becomes `unknown`, which
//! only the user resolves.

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::{
    Connection, ErrorCode, OpenFlags, OptionalExtension, Row, TransactionBehavior, params,
};

use super::{Delivery, Recorded};

pub use news::Recording;
pub use sending::{Attempt, Sending};

mod dismissed;
mod fact;
mod news;
mod sending;
mod standing;
mod submitted;
mod told;

/// The journal cannot do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The state folder or a file in it cannot be used.
    #[error("{}: {source}; look there for free space and permissions", path.display())]
    Io {
        /// The folder or file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// SQLite failed.
    #[error("the journal {}: {source}; {}", path.display(), advice(source))]
    Sql {
        /// The database file.
        path: PathBuf,
        /// What SQLite said.
        source: rusqlite::Error,
    },
    /// Another program, newer than this one, wrote the journal.
    #[error("the journal {} has format {found}, newer than this program knows; update tls-optout", path.display())]
    Newer {
        /// The database file.
        path: PathBuf,
        /// `PRAGMA user_version` found there.
        found: i64,
    },
    /// A recipient already got, or may have got, the message.
    #[error("{}", already(.0))]
    Taken(Delivery),
    /// So many messages went out on standing consent within a day, and no more may.
    #[error(
        "{0} messages were sent on standing consent within 24 hours, and no more may (auto_per_day); nothing was sent"
    )]
    Spent(u32),
    /// The user has said no after all, to an offer about the same message or in the policy.
    #[error("the consent that was given in advance was withdrawn meanwhile; nothing was sent")]
    Withdrawn,
}

fn advice(error: &rusqlite::Error) -> &'static str {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another tls-optout is busy with it, try again"
        }
        Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt) => {
            "move the file away to start anew, which forgets what was sent again"
        }
        _ => "look there for free space and permissions",
    }
}

/// One line for a delivery that stands in the way of another.
fn already(delivery: &Delivery) -> String {
    format!(
        "{}: {}; nothing was sent",
        delivery.recipient,
        delivery.words()
    )
}

/// The journal of one user.
#[derive(Debug)]
pub struct Journal {
    db: Connection,
    folder: PathBuf,
    is_read_only: bool,
    /// `PRAGMA user_version`. Older than [`FORMAT`] only where nothing may be changed.
    format: i64,
}

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
    /// The database in the state folder `folder`.
    pub fn file(folder: &Path) -> PathBuf {
        folder.join("journal.sqlite3")
    }

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
        let read = db.and_then(|db| {
            let format = db.query_row("PRAGMA user_version", [], |row| row.get(0))?;
            Ok((db, format))
        });
        let (db, format) = read.map_err(|source| Error::Sql { path, source })?;
        let folder = folder.to_owned();
        Ok(Journal {
            db,
            folder,
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
        tx.commit().map_err(sql)
    }

    /// All offers, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn offers(&self) -> Result<Vec<Recorded>, Error> {
        self.select("notice", "", [])
    }

    /// All offers, oldest first, without the notices that they rest on.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn briefs(&self) -> Result<Vec<Recorded>, Error> {
        self.select("x''", "", [])
    }

    /// One offer by its number.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn offer(&self, id: i64) -> Result<Option<Recorded>, Error> {
        Ok(self.select("notice", "WHERE id = ?1", [id])?.pop())
    }

    /// The offers about one message, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn offers_about(&self, message_id: &str) -> Result<Vec<Recorded>, Error> {
        self.select("notice", "WHERE message_id = ?1", [message_id])
    }

    /// The same without the notice that it rests on.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn brief(&self, id: i64) -> Result<Option<Recorded>, Error> {
        Ok(self.select("x''", "WHERE id = ?1", [id])?.pop())
    }

    fn select<P: rusqlite::Params>(
        &self,
        notice: &str,
        which: &str,
        params: P,
    ) -> Result<Vec<Recorded>, Error> {
        let read = || -> rusqlite::Result<Vec<Recorded>> {
            let sql = format!(
                "SELECT id, notice_key, {notice}, message_id, subject, recorded, expires, dismissed
                 FROM offer {which} ORDER BY id"
            );
            let mut offers: Vec<Recorded> = self
                .db
                .prepare(&sql)?
                .query_map(params, recorded)?
                .collect::<rusqlite::Result<_>>()?;
            let mut waiting = self
                .db
                .prepare("SELECT recipient, cause FROM waiting WHERE offer = ?1 ORDER BY rowid")?;
            for offer in &mut offers {
                let rows = waiting.query_map([offer.id], |row| Ok((row.get(0)?, row.get(1)?)))?;
                offer.waiting = rows.collect::<rusqlite::Result<_>>()?;
            }
            Ok(offers)
        };
        read().map_err(|source| self.sql(source))
    }

    /// Notes whether a submission server acts on the opt-out, as a notice has shown.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn learn(&mut self, server: &str, honours: bool, now: i64) -> Result<(), Error> {
        self.db
            .execute(
                "INSERT OR REPLACE INTO honour VALUES (?1, ?2, ?3)",
                params![server, honours, now],
            )
            .map(|_| ())
            .map_err(|source| self.sql(source))
    }

    /// Does the server act on the opt-out, and when was that seen? `None`: not known.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn honour(&self, server: &str) -> Result<Option<(bool, i64)>, Error> {
        self.db
            .query_row(
                "SELECT honours, at FROM honour WHERE server = ?1",
                [server],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .optional()
            .map_err(|source| self.sql(source))
    }

    /// The servers that do not act on the opt-out, and when that was seen.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn refusers(&self) -> Result<Vec<(String, i64)>, Error> {
        let read = || -> rusqlite::Result<Vec<(String, i64)>> {
            self.db
                .prepare("SELECT server, at FROM honour WHERE honours = 0 ORDER BY server")?
                .query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        };
        read().map_err(|source| self.sql(source))
    }

    fn database(&self) -> PathBuf {
        Journal::file(&self.folder)
    }

    fn sql(&self, source: rusqlite::Error) -> Error {
        Error::Sql {
            path: self.database(),
            source,
        }
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

fn recorded(row: &Row<'_>) -> rusqlite::Result<Recorded> {
    Ok(Recorded {
        id: row.get(0)?,
        notice_key: row.get(1)?,
        notice: row.get(2)?,
        message_id: row.get(3)?,
        subject: row.get(4)?,
        recorded: row.get(5)?,
        expires: row.get(6)?,
        dismissed: row.get(7)?,
        waiting: Vec::new(),
    })
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
