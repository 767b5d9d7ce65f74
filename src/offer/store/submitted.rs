//! The first sends of the `sendmail` verb: their ENVIDs, by which later notices are known.
//!
//! They are no deliveries: nothing speaks against sending such a message again.

use rusqlite::params;

use super::{Error, Journal};

/// Made also in a journal that is older than this table.
pub(super) const TABLE: &str = "
CREATE TABLE IF NOT EXISTS submitted (
    envelope_id TEXT PRIMARY KEY,
    message_id TEXT NOT NULL,
    at INTEGER NOT NULL
) STRICT;
";

/// Servers give up after days; so many seconds later no notice comes any more.
const LONGEST_WAIT: i64 = 60 * 24 * 60 * 60;

impl Journal {
    /// Notes the ENVID under which a message is being sent for the first time. `now`: seconds since 1970.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn submitting(
        &mut self,
        envelope_id: &str,
        message_id: &str,
        now: i64,
    ) -> Result<(), Error> {
        let write = || -> rusqlite::Result<()> {
            self.db
                .execute("DELETE FROM submitted WHERE at < ?1", [now - LONGEST_WAIT])?;
            self.db.execute(
                "INSERT INTO submitted VALUES (?1, ?2, ?3)",
                params![envelope_id, message_id, now],
            )?;
            Ok(())
        };
        write().map_err(|source| self.sql(source))
    }

    /// Is this the ENVID under which this message was sent for the first time?
    pub(super) fn knows_submitted(&self, id: &str, message_id: &str) -> rusqlite::Result<bool> {
        // A journal that was only opened to look may not have the table yet.
        if !self.db.table_exists(None, "submitted")? {
            return Ok(false);
        }
        self.db.query_row(
            "SELECT EXISTS (SELECT 1 FROM submitted WHERE envelope_id = ?1 AND message_id = ?2)",
            [id, message_id],
            |row| row.get(0),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_envelope_is_known_with_its_message_only() {
        let state = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(state.path()).unwrap();
        journal.submitting("secret", "a@b", 1).unwrap();
        let knows = |journal: &Journal, id, message| journal.knows_envelope(id, message).unwrap();
        assert!(knows(&journal, "secret", "a@b"));
        assert!(!knows(&journal, "secret", "c@d"));
        assert!(!knows(&journal, "other", "a@b"));
        assert!(journal.deliveries("a@b").unwrap().is_empty());
        journal
            .submitting("later", "c@d", 2 + LONGEST_WAIT)
            .unwrap();
        assert!(!knows(&journal, "secret", "a@b"));
    }

    #[test]
    fn a_journal_without_the_table_gets_it() {
        let state = tempfile::tempdir().unwrap();
        let journal = Journal::open(state.path()).unwrap();
        journal.db.execute_batch("DROP TABLE submitted").unwrap();
        let looking = Journal::open_to_look(state.path()).unwrap();
        assert!(!looking.knows_envelope("secret", "a@b").unwrap());
        let mut journal = Journal::open(state.path()).unwrap();
        journal.submitting("secret", "a@b", 1).unwrap();
        assert!(looking.knows_envelope("secret", "a@b").unwrap());
    }
}
