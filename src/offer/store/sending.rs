//! Who is being sent what, at most once: the rows of `delivery` and their locks.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rusqlite::{Connection, Row, TransactionBehavior, params};

use super::{Error, Journal, standing};
use crate::offer::sorted::Recipients;
use crate::offer::{Delivery, LETTER, Outcome, State};

/// The right to send one resubmission, from `sending` to its outcome. Held by one process at most.
#[derive(Debug)]
pub struct Sending {
    lock: File,
    path: PathBuf,
    message_id: String,
}

/// What [`Journal::begin`] is asked for.
#[derive(Debug, Clone, Copy)]
pub struct Attempt<'a> {
    /// Message-ID of the original, or what else the submission is known by.
    pub message_id: &'a str,
    /// The recipients that the server has accepted.
    pub recipients: &'a [&'a str],
    /// The ENVID. Nobody else can know it.
    pub envelope_id: &'a str,
    /// The submission server, for people.
    pub server: &'a str,
    /// The time, in seconds since 1970.
    pub now: i64,
    /// It is sent on standing consent, and so many may be within a day; `None`: on the user's word, which alone
    /// goes past an earlier no.
    pub standing: Option<u32>,
}

impl Journal {
    /// What became of the resubmissions of one original.
    ///
    /// # Errors
    /// When the journal cannot be read, or a dead sender's mark not be changed.
    pub fn deliveries(&mut self, message_id: &str) -> Result<Vec<Delivery>, Error> {
        self.bury_the_dead(message_id)?;
        rows(&self.db, message_id).map_err(|source| self.sql(source))
    }

    /// The letters to postmasters, each with what it is about, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read, or a dead sender's mark not be changed.
    pub fn letters(&mut self) -> Result<Vec<(String, Delivery)>, Error> {
        let read = || -> rusqlite::Result<Vec<String>> {
            self.db
                .prepare("SELECT DISTINCT message_id FROM delivery WHERE message_id GLOB ?1 ORDER BY rowid")?
                .query_map([format!("{LETTER}*")], |row| row.get(0))?
                .collect()
        };
        let mut letters = Vec::new();
        for key in read().map_err(|source| self.sql(source))? {
            let about = key.strip_prefix(LETTER).unwrap_or_default();
            for letter in self.deliveries(&key)? {
                letters.push((about.to_owned(), letter));
            }
        }
        Ok(letters)
    }

    /// Is this the ENVID of one of our submissions of this message, the first or a later one?
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn knows_envelope(&self, id: &str, message_id: &str) -> Result<bool, Error> {
        let sent_again = self.db.query_row(
            "SELECT EXISTS (SELECT 1 FROM delivery WHERE envelope_id = ?1 AND message_id = ?2)",
            [id, message_id],
            |row| row.get(0),
        );
        sent_again
            .and_then(|known: bool| Ok(known || self.knows_submitted(id, message_id)?))
            .map_err(|source| self.sql(source))
    }

    /// Marks every one of `recipients` as `sending`, or none of them.
    ///
    /// # Errors
    /// [`Error::Taken`] when one of them was sent the message already, may have been, or is being
    /// sent it now; [`Error::Withdrawn`] and [`Error::Spent`] when standing consent ended by a no of the
    /// user, or has no more room today; otherwise when the journal cannot be written.
    pub fn begin(&mut self, attempt: &Attempt<'_>) -> Result<Sending, Error> {
        self.bury_the_dead(attempt.message_id)?;
        let path = self.lock_path(attempt.envelope_id);
        let lock = locked(&path).map_err(|source| Error::Io {
            path: path.clone(),
            source,
        })?;
        let sending = Sending {
            lock,
            path,
            message_id: attempt.message_id.to_owned(),
        };
        let database = self.database();
        let taken = self.try_begin(attempt);
        let taken = taken.map_err(|source| Error::Sql {
            path: database,
            source,
        })?;
        match taken {
            None => Ok(sending),
            Some(obstacle) => {
                sending.release();
                Err(obstacle)
            }
        }
    }

    /// What stands in the way, if something does.
    fn try_begin(&mut self, attempt: &Attempt<'_>) -> rusqlite::Result<Option<Error>> {
        let Attempt {
            message_id,
            envelope_id,
            server,
            now,
            ..
        } = attempt;
        let tx = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let ours = Recipients::new(attempt.recipients.iter().copied());
        let rows = rows(&tx, message_id)?;
        for row in rows.into_iter().filter(|row| ours.has(&row.recipient)) {
            if row.state != State::Refused {
                return Ok(Some(Error::Taken(row)));
            }
            tx.execute(
                "DELETE FROM delivery WHERE message_id = ?1 AND recipient = ?2",
                params![message_id, row.recipient],
            )?;
        }
        for recipient in attempt.recipients {
            tx.execute(
                "INSERT INTO delivery VALUES (?1, ?2, 'sending', ?3, ?4, ?5, '')",
                params![message_id, key(recipient), now, envelope_id, server],
            )?;
        }
        if let Some(most) = attempt.standing {
            if standing::is_declined(&tx, message_id)? {
                return Ok(Some(Error::Withdrawn));
            }
            if standing::sent(&tx, *now)? >= most {
                return Ok(Some(Error::Spent(most)));
            }
            tx.execute(
                "INSERT INTO standing VALUES (?1, ?2)",
                params![envelope_id, now],
            )?;
        }
        tx.commit()?;
        Ok(None)
    }

    /// Writes what the server said, or that it is not known, and gives up the right to send.
    ///
    /// # Errors
    /// When the journal cannot be written; the rows then stay `sending` and will read `unknown`.
    pub fn finish(
        &mut self,
        sending: Sending,
        outcomes: &[Outcome],
        now: i64,
    ) -> Result<(), Error> {
        let path = self.database();
        self.try_finish(&sending, outcomes, now)
            .map_err(|source| Error::Sql { path, source })?;
        sending.release();
        // What is not let go of now is let go of the next time.
        let _ = self.let_go(now);
        Ok(())
    }

    fn try_finish(
        &mut self,
        sending: &Sending,
        outcomes: &[Outcome],
        now: i64,
    ) -> rusqlite::Result<()> {
        let tx = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        for outcome in outcomes {
            tx.execute(
                "UPDATE delivery SET state = ?3, at = ?4, reply = ?5
                 WHERE message_id = ?1 AND recipient = ?2 AND state = 'sending'",
                params![
                    sending.message_id,
                    key(&outcome.recipient),
                    outcome.state.name(),
                    now,
                    outcome.reply
                ],
            )?;
        }
        tx.commit()
    }

    /// Turns what is unknown of one recipient of an original into what the user has found out. The number of
    /// recipients: 0 where another process was faster.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn resolve(
        &mut self,
        message_id: &str,
        recipient: &str,
        state: State,
        now: i64,
    ) -> Result<usize, Error> {
        self.db
            .execute(
                "UPDATE delivery SET state = ?3, at = ?4, reply = 'by your own word'
                 WHERE message_id = ?1 AND recipient = ?2 AND state = 'unknown'",
                params![message_id, key(recipient), state.name(), now],
            )
            .map_err(|source| self.sql(source))
    }

    /// Rows `sending` whose sender is gone become `unknown`.
    fn bury_the_dead(&mut self, message_id: &str) -> Result<(), Error> {
        if self.is_read_only {
            return Ok(());
        }
        let read = || -> rusqlite::Result<Vec<String>> {
            self.db
                .prepare("SELECT DISTINCT envelope_id FROM delivery WHERE message_id = ?1 AND state = 'sending'")?
                .query_map([message_id], |row| row.get(0))?
                .collect()
        };
        for envelope_id in read().map_err(|source| self.sql(source))? {
            let path = self.lock_path(&envelope_id);
            match locked(&path) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => continue,
                Err(source) => return Err(Error::Io { path, source }),
                Ok(_lock) => {
                    self.db
                        .execute(
                            "UPDATE delivery SET state = 'unknown' WHERE envelope_id = ?1 AND state = 'sending'",
                            [&envelope_id],
                        )
                        .map_err(|source| self.sql(source))?;
                    let _ = fs::remove_file(&path);
                }
            }
        }
        Ok(())
    }

    fn lock_path(&self, envelope_id: &str) -> PathBuf {
        self.folder.join("locks").join(envelope_id)
    }
}

impl Sending {
    /// The lock file has no use once its rows have an outcome. One that stays behind does no harm.
    fn release(self) {
        let _ = fs::remove_file(&self.path);
        drop(self.lock);
    }
}

/// Opens and locks a file; `WouldBlock` when another process holds it.
fn locked(path: &Path) -> io::Result<File> {
    let file = OpenOptions::new()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(io::ErrorKind::WouldBlock.into()),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// How a recipient is written in the journal. That two spellings are one mailbox shows where they are compared
/// ([`Recipients`]), wider than RFC 5321 on purpose: what most servers hold for one must not get two copies.
fn key(recipient: &str) -> String {
    recipient.to_lowercase()
}

/// The rows about one message.
fn rows(db: &Connection, message_id: &str) -> rusqlite::Result<Vec<Delivery>> {
    let mut rows = db.prepare(
        "SELECT recipient, state, at, server, reply FROM delivery WHERE message_id = ?1 ORDER BY rowid",
    )?;
    rows.query_map([message_id], delivery)?.collect()
}

pub(super) fn delivery(row: &Row<'_>) -> rusqlite::Result<Delivery> {
    let state: String = row.get(1)?;
    Ok(Delivery {
        recipient: row.get(0)?,
        state: State::from_name(&state),
        at: row.get(2)?,
        server: row.get(3)?,
        reply: row.get(4)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(journal: &mut Journal, recipient: &str) -> Result<Sending, Error> {
        journal.begin(&Attempt {
            message_id: "a@b",
            recipients: &[recipient],
            envelope_id: "1",
            server: "",
            now: 0,
            standing: None,
        })
    }

    /// A journal that was written when spellings were told apart may have several rows for one mailbox.
    #[test]
    fn the_spellings_of_a_mailbox_share_a_row() {
        let names = [
            "bob@b\u{fc}cher.example",
            "\"bob\"@xn--bcher-kva.example",
            "BOB@B\u{dc}CHER.example",
        ];
        for state in ["refused", "sent", "unknown"] {
            for name in names {
                let folder = tempfile::tempdir().unwrap();
                let mut journal = Journal::open(folder.path()).unwrap();
                for old in &names[..2] {
                    let row = "INSERT INTO delivery VALUES ('a@b', ?1, ?2, 0, '', '', '')";
                    journal.db.execute(row, [old, "refused"]).unwrap();
                }
                let change = "UPDATE delivery SET state = ?1 WHERE recipient = ?2";
                journal.db.execute(change, [state, names[1]]).unwrap();
                let begun = begin(&mut journal, name);
                let rows = journal.deliveries("a@b").unwrap().len();
                match state {
                    "refused" => assert!(begun.is_ok() && rows == 1, "{name}: {begun:?}"),
                    _ => assert!(matches!(begun, Err(Error::Taken(_))) && rows == 2, "{name}"),
                }
            }
        }
    }
}
