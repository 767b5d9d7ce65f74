//! What the journal need not keep for ever: the notice of an offer that is done.
//!
//! Everything else stays, however old. What was sent to whom, what the user has said no to and what notices have
//! told makes "never twice" true and a no last: old mail that is moved back into the inbox is read again.

use super::Journal;

/// Notices are long, and lie before the date in their rows.
pub(super) const INDEX: &str = "CREATE INDEX IF NOT EXISTS offer_recorded ON offer (recorded);";

/// How long the notice of an offer that is done stays, in seconds.
const KEEP: i64 = 400 * 24 * 3600;

/// Spellings do not count here: an offer whose end does not show at once keeps its notice.
const LET_GO: &str = "
UPDATE offer SET notice = x'' WHERE recorded < ?1 AND length(notice) > 0 AND (
    dismissed < ?1
    OR NOT EXISTS (SELECT 1 FROM waiting WHERE offer = offer.id AND NOT EXISTS (
        SELECT 1 FROM delivery WHERE message_id = offer.message_id AND recipient = lower(waiting.recipient)
        AND state = 'sent' AND at < ?1)))";

impl Journal {
    /// Lets go of the notices of offers that the user has dismissed, and of those with nobody left to send to,
    /// where that was long before `now`, in seconds since 1970.
    pub(super) fn let_go(&mut self, now: i64) -> rusqlite::Result<()> {
        self.db.execute(LET_GO, [now - KEEP]).map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::offer::news::{Copy, News};
    use crate::offer::store::{Attempt, Error};
    use crate::offer::{Outcome, Recorded, State};

    const RECIPIENT: &str = "Bob@example.net";

    fn news(key: &str, now: i64) -> News {
        let offer = Recorded {
            id: 0,
            notice_key: key.to_owned(),
            notice: b"a notice".to_vec(),
            message_id: key.to_owned(),
            subject: String::new(),
            recorded: now,
            expires: None,
            dismissed: None,
            waiting: vec![(RECIPIENT.to_owned(), String::new())],
        };
        News {
            notice_key: key.to_owned(),
            message_id: key.to_owned(),
            facts: Vec::new(),
            offer: Some(offer),
            envelope_id: None,
            copy: Copy::Plain,
        }
    }

    fn begin(journal: &mut Journal, key: &str) -> Result<crate::offer::store::Sending, Error> {
        journal.begin(&Attempt {
            message_id: key,
            recipients: &[RECIPIENT],
            envelope_id: key,
            server: "",
            now: 0,
            standing: None,
        })
    }

    fn send(journal: &mut Journal, key: &str, state: State, now: i64) {
        let sending = begin(journal, key).unwrap();
        let outcome = Outcome {
            recipient: RECIPIENT.to_owned(),
            state,
            reply: String::new(),
        };
        journal.finish(sending, &[outcome], now).unwrap();
    }

    /// The offers that have their notices.
    fn kept(journal: &Journal) -> Vec<i64> {
        let offers = journal.offers().unwrap().into_iter();
        let kept = offers.filter(|offer| !offer.notice.is_empty());
        kept.map(|offer| offer.id).collect()
    }

    #[test]
    fn the_notice_of_what_is_done_goes_and_all_else_stays() {
        let folder = tempfile::tempdir().unwrap();
        let mut journal = Journal::open(folder.path()).unwrap();
        for (key, now) in [
            ("dismissed", 0),
            ("sent", 0),
            ("unknown", 0),
            ("refused", 0),
            ("open", 0),
            ("dismissed later", 0),
            ("sent later", 0),
            ("new", KEEP),
        ] {
            journal.take_in(&news(key, now)).unwrap();
        }
        journal.dismiss(1, 0).unwrap();
        send(&mut journal, "sent", State::Sent, 0);
        send(&mut journal, "unknown", State::Unknown, 0);
        send(&mut journal, "refused", State::Refused, 0);
        journal.dismiss(6, 1).unwrap();
        send(&mut journal, "sent later", State::Sent, 1);
        journal.dismiss(8, KEEP).unwrap();
        assert_eq!(kept(&journal), [1, 2, 3, 4, 5, 6, 7, 8]);
        journal.dismiss(8, KEEP + 1).unwrap();
        assert_eq!(kept(&journal), [3, 4, 5, 6, 7, 8]);
        send(&mut journal, "another", State::Sent, KEEP + 2);
        assert_eq!(kept(&journal), [3, 4, 5, 8]);
        // The same notice finds all as it was.
        for (id, key) in [(1, "dismissed"), (2, "sent")] {
            let recording = journal.take_in(&news(key, KEEP)).unwrap();
            assert!(recording.is_none_or(|known| known.id == id && !known.is_new));
        }
        assert_eq!(journal.dismissed("dismissed").unwrap().len(), 1);
        assert!(matches!(begin(&mut journal, "sent"), Err(Error::Taken(_))));
        assert_eq!(journal.offers().unwrap().len(), 8);
    }
}
