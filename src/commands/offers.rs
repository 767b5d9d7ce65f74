//! `offers`, `dismiss` and `resolve`: what waits for the user.

use std::io::{self, Write};

use serde_json::json;

use crate::cli::{Dismiss, NAME, Offers, Resolve};
use crate::config::Places;
use crate::message::recipients::same_address;
use crate::message::text::rfc3339;
use crate::offer::{Delivery, Recorded, State};
use crate::terminal::{self, shown};

use super::{DONE, Failure, NO_INPUT, NOTHING, USAGE, journal, now};

/// Prints the offers that wait, or all of them.
pub(super) fn list(args: &Offers, places: &Places) -> Result<u8, Failure> {
    let mut journal = journal(places)?;
    let (now, mut status) = (now(), NOTHING);
    let mut out = io::stdout().lock();
    for offer in journal.offers()? {
        let deliveries = journal.deliveries(&offer.message_id)?;
        for (recipient, cause) in &offer.waiting {
            let delivery = deliveries
                .iter()
                .find(|d| same_address(&d.recipient, &recipient.to_lowercase()));
            let state = state(&offer, delivery, now);
            if !args.all && !matches!(state, "open" | "refused" | "unknown" | "sending") {
                continue;
            }
            status = DONE;
            if args.json {
                let line = json!({
                    "offer": offer.id, "recipient": recipient, "state": state, "cause": cause,
                    "subject": offer.subject, "message_id": offer.message_id,
                    "recorded": rfc3339(offer.recorded), "expires": offer.expires.map(rfc3339),
                    "at": delivery.map(|d| rfc3339(d.at)), "server": delivery.map(|d| &d.server),
                    "reply": delivery.map(|d| &d.reply),
                });
                writeln!(out, "{}", terminal::json(&line)?)?;
            } else {
                let (subject, recipient) = (shown(&offer.subject), shown(recipient));
                writeln!(
                    out,
                    "{:>4}  {state:<9}  {recipient}  {}  \"{subject}\"",
                    offer.id,
                    shown(cause)
                )?;
            }
        }
    }
    Ok(status)
}

fn state(offer: &Recorded, delivery: Option<&Delivery>, now: i64) -> &'static str {
    // Another try would be allowed after a refusal.
    let delivery =
        delivery.filter(|delivery| delivery.state != State::Refused || offer.dismissed.is_none());
    match delivery {
        Some(delivery) => delivery.state.name(),
        None if offer.dismissed.is_some() => "dismissed",
        None if offer.expires.is_some_and(|expires| expires < now) => "expired",
        None => "open",
    }
}

/// Marks offers as unwanted.
pub(super) fn dismiss(args: &Dismiss, places: &Places) -> Result<u8, Failure> {
    let mut journal = journal(places)?;
    for &id in &args.offers {
        if !journal.dismiss(id, now())? {
            return Err(no_offer(id));
        }
    }
    Ok(DONE)
}

/// What only the user can find out: did the server take a message whose answer was lost?
pub(super) fn resolve(args: &Resolve, places: &Places) -> Result<u8, Failure> {
    let mut journal = journal(places)?;
    let id = args.offer;
    let offer = journal.offer(id)?.ok_or_else(|| no_offer(id))?;
    let deliveries = journal.deliveries(&offer.message_id)?;
    let unknown: Vec<_> = deliveries
        .iter()
        .filter(|one| one.state == State::Unknown)
        .collect();
    if unknown.is_empty() {
        writeln!(io::stdout(), "nothing about offer {id} is unknown")?;
        return Ok(NOTHING);
    }
    let state = match (args.sent, args.not_sent) {
        (true, _) => State::Sent,
        (_, true) => State::Refused,
        _ => {
            for delivery in unknown {
                writeln!(
                    io::stdout(),
                    "{}: {}",
                    shown(&delivery.recipient),
                    shown(&delivery.words())
                )?;
            }
            let text = format!(
                "look for the message at the recipients or in the server's log, then say `{NAME} resolve --sent \
                 {id}` or `{NAME} resolve --not-sent {id}`; after the latter it can be sent again, and arrives \
                 twice if you are wrong"
            );
            return Err(Failure::new(USAGE, text));
        }
    };
    let count = journal.resolve(&offer.message_id, state, now())?;
    writeln!(
        io::stdout(),
        "offer {id}: {count} recipient(s) now read {}",
        state.name()
    )?;
    Ok(DONE)
}

fn no_offer(id: i64) -> Failure {
    Failure::new(
        NO_INPUT,
        format!("no offer {id}; `{NAME} offers` lists them"),
    )
}
