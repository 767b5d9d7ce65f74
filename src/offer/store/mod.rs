//! The journal: what was offered, and what was sent to whom. It survives `kill -9` at any moment.
//!
//! SQLite in WAL mode with `synchronous=FULL`: a commit is on the disk before it returns. One row of
//! `delivery` for each original and mailbox, however it is spelled, says how far a resubmission came.
//! It is looked for in the transaction that writes it: that makes "never twice" true, whichever
//! notice, key press or process asks. A row becomes `sending` before the first byte of DATA and `sent`
//! after the final reply. The process that sends holds a lock on a file named after its envelope id;
//! a row `sending` whose lock is free belongs to a process that died, and becomes `unknown`, which
//! only the user resolves.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, ErrorCode, OptionalExtension, Row, params};

use super::{Delivery, Recorded};

pub use news::Recording;
pub use sending::{Attempt, Sending};

mod dismissed;
mod fact;
mod news;
mod opening;
mod pruned;
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
    /// Device and inode of the database.
    file: Option<(u64, u64)>,
    /// `PRAGMA user_version`. Older than [`opening::FORMAT`] only where nothing may be changed.
    format: i64,
}

impl Journal {
    /// The database in the state folder `folder`.
    pub fn file(folder: &Path) -> PathBuf {
        folder.join("journal.sqlite3")
    }

    /// Was the file removed or replaced? What is written here then is seen by nobody.
    pub fn has_gone(&self) -> bool {
        on_disk(&self.database()) != self.file
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

    /// The offers about one message, oldest first, without the notices that they rest on.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn briefs_about(&self, message_id: &str) -> Result<Vec<Recorded>, Error> {
        self.select("x''", "WHERE message_id = ?1", [message_id])
    }

    /// One offer by its number, without the notice that it rests on.
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

/// Device and inode of a file that is there.
fn on_disk(path: &Path) -> Option<(u64, u64)> {
    let file = fs::metadata(path).ok()?;
    Some((file.dev(), file.ino()))
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
