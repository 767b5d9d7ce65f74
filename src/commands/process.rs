//! `process`: a filter for delivery time. A message on standard input, an offer recorded where there is
//! one. It never gives a delivery agent a reason to lose or bounce the mail.

use std::path::Path;

use crate::config::Places;
use crate::offer;

use super::{DATA, DONE, Failure, NOTHING, TRY_AGAIN, input, journal, now};

/// 0: an offer waits; 1: nothing to do; 75: the journal cannot be written now.
pub(super) fn run(places: &Places) -> Result<u8, Failure> {
    let message = match input(Path::new("-")) {
        Ok(message) => message,
        // Too large for a notice.
        Err(failure) if failure.status == DATA => return Ok(NOTHING),
        Err(failure) => return Err(failure),
    };
    let Some(offer) = offer::in_message(&message, now()) else {
        return Ok(NOTHING);
    };
    let later = |failure: Failure| Failure::new(TRY_AGAIN, failure);
    journal(places)
        .and_then(|mut journal| Ok(journal.record(&offer)?))
        .map_err(later)?;
    Ok(DONE)
}
