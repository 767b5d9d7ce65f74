//! The facts that notices have told, one row each.

use rusqlite::{Connection, Row, Transaction, params};

use crate::notice::Action;
use crate::notice::provenance::Provenance;
use crate::offer::news::{Bearing, Fact, News};

/// Format 2. Facts are never changed, but for one that is read again and then is surer.
pub(super) const SCHEMA: &str = "
CREATE TABLE news (
    notice_key TEXT NOT NULL,
    message_id TEXT NOT NULL,
    original TEXT NOT NULL,
    last TEXT NOT NULL,
    action TEXT NOT NULL,
    bearing TEXT NOT NULL,
    words TEXT NOT NULL,
    written INTEGER NOT NULL,
    expires INTEGER,
    provenance INTEGER NOT NULL,
    is_again INTEGER NOT NULL,
    PRIMARY KEY (notice_key, original, last)
) STRICT;
CREATE INDEX news_message ON news (message_id);
CREATE INDEX offer_message ON offer (message_id);
PRAGMA user_version = 2;
";

/// Keeps a fact, unless it is there and no less sure.
pub(super) fn keep(
    tx: &Transaction<'_>,
    news: &News,
    fact: &Fact,
    is_again: bool,
) -> rusqlite::Result<()> {
    tx.execute(
        "INSERT INTO news VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)
         ON CONFLICT DO UPDATE SET message_id = ?2, action = ?5, bearing = ?6, words = ?7, written = ?8,
             expires = ?9, provenance = ?10, is_again = ?11
         WHERE provenance < ?10",
        params![
            news.notice_key,
            news.message_id,
            fact.original.as_deref().unwrap_or_default(),
            fact.last,
            fact.action.name(),
            bearing_name(fact.bearing),
            fact.words,
            fact.written,
            fact.expires,
            fact.provenance as i64,
            is_again,
        ],
    )?;
    Ok(())
}

/// All facts about one message.
pub(super) fn facts(db: &Connection, message_id: &str) -> rusqlite::Result<Vec<Fact>> {
    let mut rows = db.prepare(
        "SELECT original, last, action, bearing, words, written, expires, provenance, is_again
         FROM news WHERE message_id = ?1",
    )?;
    rows.query_map([message_id], fact)?.collect()
}

fn fact(row: &Row<'_>) -> rusqlite::Result<Fact> {
    let original: String = row.get(0)?;
    let (action, bearing): (String, String) = (row.get(2)?, row.get(3)?);
    Ok(Fact {
        original: Some(original).filter(|original| !original.is_empty()),
        last: row.get(1)?,
        action: Action::from_name(&action),
        bearing: bearing_of(&bearing),
        words: row.get(4)?,
        written: row.get(5)?,
        expires: row.get(6)?,
        provenance: provenance_of(row.get(7)?),
        is_again: row.get(8)?,
    })
}

fn bearing_name(bearing: Bearing) -> &'static str {
    match bearing {
        Bearing::Helps => "helps",
        Bearing::Hidden => "hidden",
        Bearing::Other => "other",
    }
}

/// A word that is not known reads as the one that changes nothing.
fn bearing_of(name: &str) -> Bearing {
    match name {
        "helps" => Bearing::Helps,
        "other" => Bearing::Other,
        _ => Bearing::Hidden,
    }
}

/// What was written as a number.
pub(super) fn provenance_of(number: i64) -> Provenance {
    [Provenance::Plausible, Provenance::Verified]
        .into_iter()
        .find(|provenance| *provenance as i64 == number)
        .unwrap_or(Provenance::Unverified)
}
