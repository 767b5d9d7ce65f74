//! Standing consent in the journal: whose turn it is to be tried, and how many went out within a day.

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};

use super::{Error, Journal};
use crate::offer::Recorded;
use crate::offer::standing::PATIENCE;

/// Tables beside those of the first format. A program that does not know them never sends on standing
/// consent.
pub(super) const SCHEMA: &str = "
CREATE TABLE IF NOT EXISTS turn (
    offer INTEGER PRIMARY KEY REFERENCES offer(id),
    tries INTEGER NOT NULL,
    next INTEGER NOT NULL,
    state TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS standing (
    envelope_id TEXT PRIMARY KEY,
    at INTEGER NOT NULL
) STRICT;
";

/// What "a day" means for the most that may go out on standing consent, in seconds.
const DAY: i64 = 24 * 3600;
/// An offer that could not be sent is tried again after this many seconds, then after twice as many.
const FIRST_PAUSE: i64 = 4 * 60;
/// The longest pause, in seconds.
const LONGEST_PAUSE: i64 = 2 * 3600;

/// The messages about which the user has said no to an offer.
const DECLINED: &str = "
SELECT message_id FROM offer LEFT JOIN turn ON turn.offer = offer.id
WHERE (dismissed IS NOT NULL OR turn.state = 'declined')";

impl Journal {
    /// The offers that standing consent may be about: not too old, and the user has said no to none about
    /// the same message. `now`: seconds since 1970.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn standing_offers(&self, now: i64) -> Result<Vec<Recorded>, Error> {
        // A day more than the decision allows: server and laptop may not agree on the time.
        let oldest = now - PATIENCE - DAY;
        self.select(
            "notice",
            &format!(
                "WHERE (expires > ?1 OR expires IS NULL AND recorded > ?2)
                 AND NOT EXISTS (SELECT 1 FROM turn WHERE turn.offer = offer.id AND turn.state = 'over')
                 AND message_id NOT IN ({DECLINED})"
            ),
            [now, oldest],
        )
    }

    /// Takes the turn to try an offer. The number of the try, from 1, or `None` while it is too early after
    /// the last one, whichever process made that.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn take_turn(&mut self, offer: i64, now: i64) -> Result<Option<u32>, Error> {
        let path = self.database();
        self.try_turn(offer, now)
            .map_err(|source| Error::Sql { path, source })
    }

    fn try_turn(&mut self, offer: i64, now: i64) -> rusqlite::Result<Option<u32>> {
        let tx = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let known: Option<(u32, i64, String)> = tx
            .query_row(
                "SELECT tries, next, state FROM turn WHERE offer = ?1",
                [offer],
                |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?)),
            )
            .optional()?;
        let (tries, next, state) = known.unwrap_or((0, now, "due".to_owned()));
        // One that is due later than any pause can make it was noted by a clock that was wrong.
        let is_early = next > now && next <= now + LONGEST_PAUSE;
        if is_early || state != "due" {
            return Ok(None);
        }
        let pause = (FIRST_PAUSE << tries.min(10)).min(LONGEST_PAUSE);
        tx.execute(
            "INSERT OR REPLACE INTO turn VALUES (?1, ?2, ?3, 'due')",
            params![offer, tries + 1, now + pause],
        )?;
        tx.commit()?;
        Ok(Some(tries + 1))
    }

    /// No more turns for this offer: it was sent, or another try would end like the last.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn end_turns(&mut self, offer: i64) -> Result<(), Error> {
        self.set_turn(offer, "over")
    }

    /// The user said no to the question: standing consent is not used for the message of this offer.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn decline(&mut self, offer: i64) -> Result<(), Error> {
        self.set_turn(offer, "declined")
    }

    /// A no stays a no.
    fn set_turn(&mut self, offer: i64, state: &str) -> Result<(), Error> {
        self.db
            .execute(
                "INSERT INTO turn VALUES (?1, 0, 0, ?2)
                 ON CONFLICT (offer) DO UPDATE SET state = excluded.state WHERE state <> 'declined'",
                params![offer, state],
            )
            .map(|_| ())
            .map_err(|source| self.sql(source))
    }

    /// How many messages went out on standing consent within a day. `now`: seconds since 1970.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn standing_sent(&self, now: i64) -> Result<u32, Error> {
        sent(&self.db, now).map_err(|source| self.sql(source))
    }
}

/// Has the user said no to an offer about this message?
pub(super) fn is_declined(db: &Connection, message_id: &str) -> rusqlite::Result<bool> {
    let declined = format!("SELECT EXISTS ({DECLINED} AND message_id = ?1)");
    db.query_row(&declined, [message_id], |row| row.get(0))
}

/// What the clock of an earlier moment put into the future counts too: a clock that is set back gives no
/// more room.
pub(super) fn sent(db: &Connection, now: i64) -> rusqlite::Result<u32> {
    db.query_row(
        "SELECT count(*) FROM standing WHERE at > ?1",
        [now - DAY],
        |row| row.get(0),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offer::news::{Copy, News};
    use crate::offer::store::{Attempt, Sending};

    const NOW: i64 = 1_795_500_000;

    /// Records an offer for a recipient of its own. Its number.
    fn record(journal: &mut Journal, key: &str, message_id: &str) -> i64 {
        let offer = Recorded {
            id: 0,
            notice_key: key.to_owned(),
            notice: Vec::new(),
            message_id: message_id.to_owned(),
            subject: String::new(),
            recorded: NOW,
            expires: Some(NOW + 3 * DAY),
            dismissed: None,
            waiting: vec![(format!("{key}@example.net"), String::new())],
        };
        let news = News {
            notice_key: key.to_owned(),
            message_id: message_id.to_owned(),
            facts: Vec::new(),
            offer: Some(offer),
            envelope_id: None,
            copy: Copy::Plain,
        };
        journal.take_in(&news).unwrap().unwrap().id
    }

    fn begin(journal: &mut Journal, number: i64, now: i64) -> Result<Sending, Error> {
        let id = format!("message-{number}");
        journal.begin(&Attempt {
            message_id: &id,
            recipients: &["bob@example.net"],
            envelope_id: &id,
            server: "mail.example.org",
            now,
            standing: Some(3),
        })
    }

    fn is_spent(journal: &mut Journal, number: i64, now: i64) -> bool {
        matches!(begin(journal, number, now), Err(Error::Spent(3)))
    }

    #[test]
    fn so_many_a_day_whatever_the_clock_says() {
        let state = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(state.path()).unwrap();
        for number in 0..3 {
            let sending = begin(&mut journal, number, NOW + number).unwrap();
            journal.finish(sending, &[], NOW).unwrap();
        }
        for (number, now) in [
            (10, NOW + 3),
            (11, NOW + DAY - 1),
            (12, NOW - 1),
            (13, NOW - 400 * DAY),
            (14, 0),
        ] {
            assert!(is_spent(&mut journal, number, now), "{now}");
        }
        assert!(journal.deliveries("message-10").unwrap().is_empty());
        // One of them is a day old: there is room for one more.
        begin(&mut journal, 20, NOW + DAY).unwrap();
        assert!(is_spent(&mut journal, 21, NOW + DAY));
        assert_eq!(journal.standing_sent(NOW + DAY).unwrap(), 3);
        // The user's own word needs no room.
        let attempt = Attempt {
            message_id: "message-30",
            recipients: &["bob@example.net"],
            envelope_id: "30",
            server: "mail.example.org",
            now: NOW + DAY,
            standing: None,
        };
        journal.begin(&attempt).unwrap();
        assert_eq!(journal.standing_sent(NOW + DAY).unwrap(), 3);
    }

    #[test]
    fn a_turn_comes_ever_later() {
        let state = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(state.path()).unwrap();
        let id = record(&mut journal, "a", "lunch");
        let mut now = NOW;
        for (tries, minutes) in [
            (1, 4),
            (2, 8),
            (3, 16),
            (4, 32),
            (5, 64),
            (6, 120),
            (7, 120),
        ] {
            assert_eq!(journal.take_turn(id, now).unwrap(), Some(tries));
            let next = now + minutes * 60;
            assert_eq!(journal.take_turn(id, next - 1).unwrap(), None);
            now = next;
        }
        // Set back a little: later. Set back by a year: the clock was wrong then.
        assert_eq!(journal.take_turn(id, now - 3600).unwrap(), None);
        assert_eq!(journal.take_turn(id, now - 365 * DAY).unwrap(), Some(8));
    }

    #[test]
    fn a_no_holds_for_the_message() {
        let state = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(state.path()).unwrap();
        let ids: Vec<i64> = [
            ("a", "lunch"),
            ("b", "lunch"),
            ("c", "tea"),
            ("d", "tea"),
            ("e", "walk"),
        ]
        .map(|(key, message)| record(&mut journal, key, message))
        .to_vec();
        let open = |journal: &Journal, now| -> Vec<i64> {
            let offers = journal.standing_offers(now).unwrap();
            offers.iter().map(|offer| offer.id).collect()
        };
        assert_eq!(open(&journal, NOW), ids);
        journal.decline(ids[0]).unwrap();
        journal.dismiss(ids[2], NOW).unwrap();
        assert_eq!(open(&journal, NOW), ids[4..]);
        // A try that was under way meanwhile.
        journal.end_turns(ids[0]).unwrap();
        assert_eq!(open(&journal, NOW), ids[4..]);
        assert_eq!(open(&journal, NOW + 4 * DAY), [0; 0]);
        journal.end_turns(ids[4]).unwrap();
        assert_eq!(open(&journal, NOW), [0; 0]);
        assert_eq!(journal.take_turn(ids[4], NOW).unwrap(), None);
    }
}
