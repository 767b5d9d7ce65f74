//! What the user has said no to.

use rusqlite::params;

use super::{Error, Journal};

impl Journal {
    /// Marks an offer as unwanted. False when there is none of that number.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn dismiss(&mut self, id: i64, now: i64) -> Result<bool, Error> {
        let dismissed = self.db.execute(
            "UPDATE offer SET dismissed = ?2 WHERE id = ?1",
            params![id, now],
        );
        dismissed
            .and_then(|rows| self.let_go(now).map(|()| rows > 0))
            .map_err(|source| self.sql(source))
    }

    /// The recipients of a message who wait in an offer that is unwanted, each with the number of that.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn dismissed(&self, message_id: &str) -> Result<Vec<(String, i64)>, Error> {
        let read = || -> rusqlite::Result<Vec<(String, i64)>> {
            self.db
                .prepare(
                    "SELECT recipient, id FROM waiting JOIN offer ON id = offer
                     WHERE message_id = ?1 AND dismissed IS NOT NULL ORDER BY id",
                )?
                .query_map([message_id], |row| Ok((row.get(0)?, row.get(1)?)))?
                .collect()
        };
        read().map_err(|source| self.sql(source))
    }
}
