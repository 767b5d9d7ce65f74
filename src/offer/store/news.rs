//! What notices tell: facts that are kept, and offers that they make, renew or end.

use rusqlite::{OptionalExtension, Transaction, TransactionBehavior, params};

use super::fact::{facts, keep, provenance_of};
use super::{Error, Journal, told};
use crate::message::text::without_xtext;
use crate::notice::provenance::Provenance;
use crate::offer::fate::Fate;
use crate::offer::news::{self, Fact, News};
use crate::offer::sorted::{Recipients, Sorted};
use crate::offer::{Delivery, Recorded};

/// The offer of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Recording {
    /// Number of the offer.
    pub id: i64,
    /// How many of its recipients the notice says that an opt-out would help.
    pub waiting: usize,
    /// Somebody waits in it of whom no offer knew before.
    pub is_new: bool,
}

/// An offer about the same message.
struct Known {
    id: i64,
    notice_key: String,
    is_dismissed: bool,
    /// Provenance and date of the notice that it rests on.
    rests_on: (Provenance, i64),
    recipients: Vec<String>,
    /// The same, to be asked for.
    set: Recipients,
}

impl Journal {
    /// Keeps what a notice tells. The offer that its recipients wait in, if it has any: there is one for each
    /// message and recipient, and it rests on the surest and newest notice.
    ///
    /// # Errors
    /// When the journal cannot be written.
    pub fn take_in(&mut self, news: &News) -> Result<Option<Recording>, Error> {
        let path = self.database();
        self.try_take_in(news)
            .map_err(|source| Error::Sql { path, source })
    }

    fn try_take_in(&mut self, news: &News) -> rusqlite::Result<Option<Recording>> {
        let tx = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let resent = Resent::of(&tx, news)?;
        let known = known(&tx, &news.message_id)?;
        let offer = news.offer.clone().map(|mut offer| {
            offer.waiting.retain(|(who, _)| !resent.has(who));
            offer
        });
        let offer = offer.filter(|offer| !offer.waiting.is_empty());
        let is_sure = |fact: &Fact| fact.provenance != Provenance::Unverified;
        // What anybody may send leaves nothing about a message that nobody here has heard of.
        if offer.is_some() || !known.is_empty() || resent.is_any || news.facts.iter().any(is_sure) {
            for fact in &news.facts {
                keep(&tx, news, fact, resent.is_about(fact))?;
            }
        }
        let recording = match &offer {
            None => None,
            Some(offer) => Some(settle(&tx, news, offer, &known)?),
        };
        tx.commit()?;
        Ok(recording)
    }

    /// All that notices have told about one message, in no order.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn facts(&self, message_id: &str) -> Result<Vec<Fact>, Error> {
        if self.format < 2 {
            return Ok(Vec::new());
        }
        facts(&self.db, message_id).map_err(|source| self.sql(source))
    }

    /// How sure the notice is that an offer rests on, and when it was written, in seconds since 1970; `None` for
    /// an offer from before facts were kept.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn rests_on(&self, offer: &Recorded) -> Result<Option<(Provenance, i64)>, Error> {
        if self.format < 2 {
            return Ok(None);
        }
        rests_on(&self.db, &offer.notice_key).map_err(|source| self.sql(source))
    }

    /// The submission server that took the resubmission with this envelope id. Exim prints the id in xtext.
    ///
    /// # Errors
    /// When the journal cannot be read.
    pub fn server_of(&self, envelope_id: &str, message_id: &str) -> Result<Option<String>, Error> {
        self.db
            .query_row(
                "SELECT server FROM delivery WHERE envelope_id IN (?1, ?2) AND message_id = ?3",
                [envelope_id, &without_xtext(envelope_id), message_id],
                |row| row.get(0),
            )
            .optional()
            .map_err(|source| self.sql(source))
    }
}

/// The resubmissions of the message that a notice is about, as far as the notice is about them.
struct Resent {
    /// The notice shows that it is about none but opted-out copies.
    is_all: bool,
    is_any: bool,
    recipients: Recipients,
}

impl Resent {
    fn of(tx: &Transaction<'_>, news: &News) -> rusqlite::Result<Resent> {
        let mut rows = tx.prepare(
            "SELECT recipient, state, at, server, reply, envelope_id FROM delivery
             WHERE message_id = ?1 AND state <> 'refused'",
        )?;
        let rows = rows.query_map([&news.message_id], |row| {
            Ok((super::sending::delivery(row)?, row.get::<_, String>(5)?))
        })?;
        let rows: Vec<(Delivery, String)> = rows.collect::<rusqlite::Result<_>>()?;
        let named = news.envelope_id.as_deref();
        let is_named =
            |id: &str| named.is_some_and(|named| named == id || without_xtext(named) == id);
        let is_about = |(row, id): &(Delivery, String)| is_named(id) || news.copy.is_of(row);
        let mut rows = rows.iter().filter(|row| is_about(row)).peekable();
        Ok(Resent {
            is_all: news.copy == news::Copy::OptedOut,
            is_any: rows.peek().is_some(),
            recipients: Recipients::new(rows.map(|(row, _)| &*row.recipient)),
        })
    }

    fn has(&self, who: &str) -> bool {
        self.is_all || self.recipients.has(who)
    }

    fn is_about(&self, fact: &Fact) -> bool {
        self.is_all || self.recipients.has_one_of(fact)
    }
}

/// Finds or makes the offer for those that wait.
fn settle(
    tx: &Transaction<'_>,
    news: &News,
    offer: &Recorded,
    all: &[Known],
) -> rusqlite::Result<Recording> {
    let rests_on = news
        .facts
        .first()
        .map(|fact| (fact.provenance, fact.written));
    let rests_on = rests_on.unwrap_or((Provenance::Unverified, 0));
    let is_new_to = |known: &Known| news::replaces(rests_on, known.rests_on);
    if let Some(known) = all
        .iter()
        .find(|known| known.notice_key == offer.notice_key)
    {
        let (id, waiting) = (known.id, offer.waiting.len());
        if is_new_to(known) {
            read_again(tx, offer, id, all)?;
        }
        return Ok(Recording {
            id,
            waiting,
            is_new: false,
        });
    }
    let waiting = Recipients::new(offer.waiting.iter().map(|(who, _)| &**who));
    let waits = |who: &str| waiting.has(who);
    let (old, new): (Vec<_>, Vec<_>) = offer
        .waiting
        .iter()
        .cloned()
        .partition(|(who, _)| all.iter().any(|known| known.has(who)));
    let facts = facts(tx, &news.message_id)?;
    let mut owners = all
        .iter()
        .filter(|known| old.iter().any(|(who, _)| known.has(who)));
    let first = owners.clone().min_by_key(|known| known.is_dismissed);
    let first = first.map(|known| known.id);
    let owner = owners.find(|known| {
        is_new_to(known)
            && known.waiting(&facts).all(waits)
            // One that the user has said no to comes to rest on no notice about others.
            && (!known.is_dismissed || offer.waiting.iter().all(|(who, _)| known.has(who)))
    });
    let id = match (owner, first) {
        (Some(owner), _) => {
            let has: Vec<_> = offer
                .waiting
                .iter()
                .filter(|(who, _)| owner.has(who))
                .cloned()
                .collect();
            renew(tx, owner.id, offer, &[has, new.clone()].concat())?;
            if !new.is_empty() {
                told::forget(tx, owner.id)?;
            }
            owner.id
        }
        (None, Some(first)) if new.is_empty() => first,
        (None, _) => insert(tx, offer, &new)?,
    };
    let (waiting, is_new) = (offer.waiting.len(), !new.is_empty());
    Ok(Recording {
        id,
        waiting,
        is_new,
    })
}

/// The offer rests on the same notice as before. What pretended to be that loses its recipients.
fn read_again(
    tx: &Transaction<'_>,
    offer: &Recorded,
    id: i64,
    all: &[Known],
) -> rusqlite::Result<()> {
    let unwanted = all
        .iter()
        .filter(|known| known.id != id && known.is_dismissed);
    let mut waiting = offer.waiting.clone();
    waiting.retain(|(who, _)| !unwanted.clone().any(|known| known.has(who)));
    tx.execute("DELETE FROM waiting WHERE offer = ?1", [id])?;
    renew(tx, id, offer, &waiting)
}

impl Known {
    fn has(&self, who: &str) -> bool {
        self.set.has(who)
    }

    /// Those of whom nothing else is known.
    fn waiting<'a>(&'a self, facts: &'a [Fact]) -> impl Iterator<Item = &'a str> {
        let all = || self.recipients.iter().map(String::as_str);
        let facts = Sorted::new(facts, all());
        all().filter(move |who| {
            let known = facts.fate(who);
            known.is_none_or(|known| known.fate <= Fate::GivenUp)
        })
    }
}

fn insert(
    tx: &Transaction<'_>,
    offer: &Recorded,
    waiting: &[(String, String)],
) -> rusqlite::Result<i64> {
    tx.execute(
        "INSERT INTO offer (notice_key, notice, message_id, subject, recorded, expires)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        params![
            offer.notice_key,
            offer.notice,
            offer.message_id,
            offer.subject,
            offer.recorded,
            offer.expires
        ],
    )?;
    let id = tx.last_insert_rowid();
    set_waiting(tx, id, waiting)?;
    Ok(id)
}

/// The offer rests on another notice from now on. Its number, its age and a no of the user stay.
fn renew(
    tx: &Transaction<'_>,
    id: i64,
    offer: &Recorded,
    waiting: &[(String, String)],
) -> rusqlite::Result<()> {
    tx.execute(
        "UPDATE offer SET notice_key = ?2, notice = ?3, subject = ?4, expires = ?5 WHERE id = ?1",
        params![
            id,
            offer.notice_key,
            offer.notice,
            offer.subject,
            offer.expires
        ],
    )?;
    // Standing consent may have been of no use, or done, for the notice before.
    tx.execute("DELETE FROM turn WHERE offer = ?1 AND state = 'over'", [id])?;
    set_waiting(tx, id, waiting)
}

fn set_waiting(
    tx: &Transaction<'_>,
    id: i64,
    waiting: &[(String, String)],
) -> rusqlite::Result<()> {
    for (recipient, cause) in waiting {
        tx.execute(
            "INSERT OR REPLACE INTO waiting VALUES (?1, ?2, ?3)",
            params![id, recipient, cause],
        )?;
    }
    Ok(())
}

/// The offers about a message, oldest first.
fn known(tx: &Transaction<'_>, message_id: &str) -> rusqlite::Result<Vec<Known>> {
    let mut rows = tx.prepare(
        "SELECT id, notice_key, dismissed, recorded FROM offer WHERE message_id = ?1 ORDER BY id",
    )?;
    let mut waiting =
        tx.prepare("SELECT recipient FROM waiting WHERE offer = ?1 ORDER BY rowid")?;
    let offers = rows.query_map([message_id], |row| {
        let (id, notice_key): (i64, String) = (row.get(0)?, row.get(1)?);
        // Of one from before facts were kept nothing is known: only another that looks genuine takes its place.
        let unknown = (Provenance::Plausible, row.get(3)?);
        let recipients = waiting.query_map([id], |row| row.get(0))?;
        let recipients: Vec<String> = recipients.collect::<rusqlite::Result<_>>()?;
        Ok(Known {
            id,
            rests_on: rests_on(tx, &notice_key)?.unwrap_or(unknown),
            notice_key,
            is_dismissed: row.get::<_, Option<i64>>(2)?.is_some(),
            set: Recipients::new(recipients.iter().map(String::as_str)),
            recipients,
        })
    })?;
    offers.collect()
}

/// Provenance and date of a notice. What pretended to be it, and was less sure, is not asked.
fn rests_on(
    db: &rusqlite::Connection,
    notice_key: &str,
) -> rusqlite::Result<Option<(Provenance, i64)>> {
    db.query_row(
        "SELECT provenance, written FROM news WHERE notice_key = ?1
         ORDER BY provenance DESC, written DESC LIMIT 1",
        [notice_key],
        |row| Ok((provenance_of(row.get(0)?), row.get(1)?)),
    )
    .optional()
}
