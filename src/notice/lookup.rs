//! Where in the words of a notice a row of the tables stands.

use crate::notice::Mta;
use crate::notice::speech::Speech;
use crate::notice::wording::Wording;

/// A row that was found.
pub(super) struct Hit {
    pub(super) row: &'static Wording,
    /// Where it stands in the words.
    pub(super) range: std::ops::Range<usize>,
}

/// Rows for what the server of a notice says itself: nobody else's words.
pub(super) fn of_the_server(row: &Wording, mta: Mta) -> bool {
    row.mta == mta || (mta == Mta::Unknown && row.mta != Mta::Sendmail)
}

/// Rows that do not depend on who wrote the notice, too.
pub(super) fn of_anybody(row: &Wording, mta: Mta) -> bool {
    row.mta == Mta::Unknown || of_the_server(row, mta)
}

/// The first row for notices of `mta` that stands in `words`, which are some of `speech`.
pub(super) fn find(
    table: &'static [Wording],
    applies: fn(&Wording, Mta) -> bool,
    mta: Mta,
    speech: &Speech<'_>,
    words: &str,
) -> Option<Hit> {
    if words.trim().is_empty() {
        return None;
    }
    let rows = table.iter().filter(|row| applies(row, mta));
    rows.filter(|row| speech.may_say(row.words))
        .find_map(|row| {
            Some(Hit {
                row,
                range: position(row.words, words)?,
            })
        })
}

/// Where the pattern stands: its pieces between `*`, in their order.
fn position(pattern: &str, words: &str) -> Option<std::ops::Range<usize>> {
    let mut pieces = pattern.split('*').map(str::trim);
    let first = pieces.next()?;
    let start = words.find(first)?;
    let end = pieces.try_fold(start + first.len(), |at, piece| {
        words[at..]
            .find(piece)
            .map(|found| at + found + piece.len())
    })?;
    Some(start..end)
}
