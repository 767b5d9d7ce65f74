//! What a message that the user writes asks for, for `filter` and `sendmail`.

use std::io::{self, Write};

use crate::cli::NAME;
use crate::config::Config;
use crate::message::refusal::{Refusal, asks_for_security};
use crate::message::{header, text};
use crate::terminal::shown;

use super::{DATA, Failure};

/// The header block with the opt-out in place of the cookie. `None`: no cookie, or none that counts, which
/// is told.
///
/// # Errors
/// Where the message asks for security as well.
pub(super) fn turned(header: &[u8], config: &Config) -> Result<Option<Vec<u8>>, Failure> {
    let cookie = config.compose.cookie();
    let is_own = is_own(header, config);
    let Some(turned) = cookie.turn(header).filter(|_| is_own) else {
        let reason = cookie.why_not(header);
        if let Some(reason) = reason.or(cookie.turn(header).map(|_| "From is no address of yours"))
        {
            let text = format!(
                "{}: the word in the Subject does not count: {reason}; no TLS-Required was put in",
                cookie.text
            );
            let _ = writeln!(io::stderr(), "{NAME}: {}", shown(&text));
        }
        return Ok(None);
    };
    let Some(refusal) = asks_for_security(header) else {
        return Ok(Some(turned));
    };
    let why = match refusal {
        // Its own words are about sending again.
        Refusal::SecurityRequested { field, value } => {
            format!("its sender asked for security ({field}: {value:?})")
        }
        other => other.to_string(),
    };
    let cookie = &cookie.text;
    let text = format!(
        "{cookie}: the Subject asks for delivery without TLS policy, but {why}; take one of them out"
    );
    Err(Failure::new(DATA, text))
}

/// Is the user the author? Where a message names none, nobody else is.
fn is_own(header: &[u8], config: &Config) -> bool {
    let mut authors = header::fields(header)
        .filter(|field| field.is("From"))
        .flat_map(|field| text::addresses(field.value()))
        .peekable();
    authors.peek().is_none() || authors.any(|author| config.account_for(&author).is_some())
}
