//! `process`: a filter for delivery time. A message on standard input, an offer recorded where there is
//! one. No message gives a delivery agent a reason to lose or bounce the mail.

use std::io::{self, Read};

use crate::cli::NAME;
use crate::config::{Asking, Config, Places};
use crate::maildir::LARGEST;
use crate::watch::arrival;

use super::arrived::take_in;
use super::{DONE, Failure, NOTHING, TRY_AGAIN, inputs, journal};

/// 0: an offer waits; 1: nothing to do; 75: it could not be read or recorded now.
pub(super) fn run(places: &Places) -> Result<u8, Failure> {
    inputs(&[])?;
    let mut message = io::stdin().lock();
    let unread = |error| Failure::new(TRY_AGAIN, format!("standard input: {error}"));
    let arrived = arrival::notice_in(&mut message).map_err(unread)?;
    // A delivery agent that cannot write all of the message may take that for a failed delivery.
    io::copy(&mut message.take(LARGEST), &mut io::sink()).map_err(unread)?;
    let Some(arrived) = arrived else {
        return Ok(NOTHING);
    };
    let later = |failure: Failure| Failure::new(TRY_AGAIN, failure);
    // Without a configuration no notice is known to be genuine, and an offer waits all the same. Never asks
    // mutt, which takes its time and may ask for a passphrase.
    let config = Config::load(places, Asking::Never).unwrap_or_else(|error| {
        tracing::warn!("{error}");
        Config::default()
    });
    let state = places.state_home.join(NAME);
    let recorded = journal(places)
        .and_then(|mut journal| take_in(&mut journal, &config, &state, &arrived))
        .map_err(later)?;
    Ok(if recorded.is_some() { DONE } else { NOTHING })
}
