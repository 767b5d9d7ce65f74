//! Which offers the user was told of, in which way.

use rusqlite::{Transaction, params};

use super::{Error, Journal};

pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS told (
    offer INTEGER NOT NULL REFERENCES offer(id),
    way TEXT NOT NULL,
    at INTEGER NOT NULL,
    PRIMARY KEY (offer, way)
) STRICT;
";

/// Somebody else waits in the offer too, of whom the user was not told.
pub(super) fn forget(tx: &Transaction<'_>, offer: i64) -> rusqlite::Result<()> {
    tx.execute("DELETE FROM told WHERE offer = ?1", [offer])?;
    Ok(())
}

impl Journal {
    /// The offers recorded since `since` that the user was not told of in this way, oldest first.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn untold(&self, way: &str, since: i64) -> Result<Vec<i64>, Error> {
        let read = || -> rusqlite::Result<Vec<i64>> {
            self.db
                .prepare(
                    "SELECT id FROM offer WHERE recorded >= ?2 AND dismissed IS NULL
                     AND NOT EXISTS (SELECT 1 FROM told WHERE offer = id AND way = ?1) ORDER BY id",
                )?
                .query_map(params![way, since], |row| row.get(0))?
                .collect()
        };
        read().map_err(|source| self.sql(source))
    }

    /// The user was told of the offer in this way, or need not be any more.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn note_told(&mut self, offer: i64, way: &str, now: i64) -> Result<(), Error> {
        self.db
            .execute(
                "INSERT OR IGNORE INTO told VALUES (?1, ?2, ?3)",
                params![offer, way, now],
            )
            .map(|_| ())
            .map_err(|source| self.sql(source))
    }
}
