//! `process`: a filter for delivery time. A message on standard input, an offer recorded where there is
//! one. No message gives a delivery agent a reason to lose or bounce the mail.

use std::io::{self, Read};

use crate::config::Places;
use crate::maildir::LARGEST;
use crate::watch::arrival;

use super::{DONE, Failure, NOTHING, TRY_AGAIN, inputs, journal, now};

/// 0: an offer waits; 1: nothing to do; 75: it could not be read or recorded now.
pub(super) fn run(places: &Places) -> Result<u8, Failure> {
    inputs(&[])?;
    let mut message = io::stdin().lock();
    let unread = |error| Failure::new(TRY_AGAIN, format!("standard input: {error}"));
    let offer = arrival::offer_in(&mut message, now()).map_err(unread)?;
    // A delivery agent that cannot write all of the message may take that for a failed delivery.
    io::copy(&mut message.take(LARGEST), &mut io::sink()).map_err(unread)?;
    let Some(offer) = offer else {
        return Ok(NOTHING);
    };
    let later = |failure: Failure| Failure::new(TRY_AGAIN, failure);
    journal(places)
        .and_then(|mut journal| Ok(journal.record(&offer)?))
        .map_err(later)?;
    Ok(DONE)
}
