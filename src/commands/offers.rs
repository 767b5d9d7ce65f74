//! `offers`, `dismiss` and `resolve`: what waits for the user.

use std::io::{self, Write};

use serde_json::json;

use crate::cli::{Dismiss, NAME, Offers, Resolve};
use crate::config::Places;
use crate::message::text::rfc3339;
use crate::notice::Action;
use crate::offer::fate::{Fate, Known, same};
use crate::offer::news::{Bearing, Fact};
use crate::offer::sorted::{ByRecipient, Sorted};
use crate::offer::store::Journal;
use crate::offer::{Delivery, LETTER, Recorded, State};
use crate::terminal::{self, shown};

use super::{DONE, Failure, NO_INPUT, NOTHING, USAGE, journal, now};

/// Prints the offers that wait, or all of them.
pub(super) fn list(args: &Offers, places: &Places) -> Result<u8, Failure> {
    let mut journal = journal(places)?;
    if args.count {
        let count = count(&mut journal)?;
        writeln!(io::stdout(), "{count}")?;
        return Ok(DONE);
    }
    let mut lines = Vec::new();
    for offer in journal.briefs()? {
        lines.extend(lines_of(&mut journal, &offer)?);
    }
    lines.extend(journal.letters()?.iter().map(letter));
    lines.retain(|line| args.all || waits(line.state));
    let mut out = io::stdout().lock();
    for line in &lines {
        match args.json {
            true => writeln!(out, "{}", terminal::json(&line.json)?)?,
            false => writeln!(out, "{}", line.text)?,
        }
    }
    if !args.json && lines.iter().any(|line| line.number != 0) {
        for (server, at) in journal.refusers()? {
            let (server, at) = (shown(&server), rfc3339(at));
            writeln!(
                out,
                "{server} did not honour TLS-Required: No, as a notice of {at} showed"
            )?;
        }
    }
    Ok(if lines.is_empty() { NOTHING } else { DONE })
}

/// Is there somebody of whom the user has to decide?
pub(super) fn awaits_word(journal: &mut Journal, offer: &Recorded) -> Result<bool, Failure> {
    let now = now();
    let awaits = |state| matches!(state, "open" | "given-up" | "refused");
    seen(journal, offer, |view| view.states(now).any(awaits))
}

/// How many offers wait for the user.
pub(super) fn count(journal: &mut Journal) -> Result<usize, Failure> {
    let mut count = 0;
    let now = now();
    for offer in journal.briefs()? {
        let waits = seen(journal, &offer, |view| view.states(now).any(waits))?;
        count += usize::from(waits);
    }
    Ok(count)
}

/// A line for each recipient of the offer.
fn lines_of(journal: &mut Journal, offer: &Recorded) -> Result<Vec<Line>, Failure> {
    seen(journal, offer, |view| view.lines(now()))
}

/// What `look` sees in all that is known about the offer.
fn seen<T>(
    journal: &mut Journal,
    offer: &Recorded,
    look: impl FnOnce(&View<'_>) -> T,
) -> Result<T, Failure> {
    let deliveries = journal.deliveries(&offer.message_id)?;
    let facts = journal.facts(&offer.message_id)?;
    let recipients = offer.waiting.iter().map(|(who, _)| &**who);
    Ok(look(&View {
        offer,
        deliveries: ByRecipient::first(&deliveries, |delivery| &delivery.recipient),
        facts: Sorted::new(&facts, recipients),
    }))
}

/// An offer and all that is known about it.
struct View<'a> {
    offer: &'a Recorded,
    deliveries: ByRecipient<&'a Delivery>,
    facts: Sorted<'a>,
}

/// One recipient of one offer, or a letter.
struct Line {
    /// Number of the offer, 0 for a letter.
    number: i64,
    state: &'static str,
    text: String,
    json: serde_json::Value,
}

/// Is it for the user to do something?
fn waits(state: &'static str) -> bool {
    matches!(
        state,
        "open" | "given-up" | "refused" | "unknown" | "sending"
    )
}

impl View<'_> {
    fn lines(&self, now: i64) -> Vec<Line> {
        let waiting = self.offer.waiting.iter();
        waiting
            .map(|(who, cause)| self.line(who, cause, now))
            .collect()
    }

    /// The state of each recipient.
    fn states(&self, now: i64) -> impl Iterator<Item = &'static str> {
        let waiting = self.offer.waiting.iter();
        waiting.map(move |(who, _)| self.state(who, self.facts.fate(who), now))
    }

    fn state(&self, who: &str, known: Option<Known<'_>>, now: i64) -> &'static str {
        let delivery = self.deliveries.of(who).copied();
        state(self.offer, delivery, known, now)
    }

    fn line(&self, who: &str, cause: &str, now: i64) -> Line {
        let offer = self.offer;
        let delivery = self.deliveries.of(who);
        let known = self.facts.fate(who);
        let state = self.state(who, known, now);
        let outcome = self.facts.history(who);
        let doubtful = self.facts.hearsay(who);
        let fact = known.map(|known| known.fact);
        // A notice that hides the cause, or tells of a delivery, does not make us forget it.
        let tells = |known: &&Known<'_>| {
            known.fate != Fate::Arrived && known.fact.bearing != Bearing::Hidden
        };
        let cause = known
            .as_ref()
            .filter(tells)
            .map_or(cause, |known| &known.fact.words);
        let expires = match state {
            "given-up" => None,
            _ => fact.and_then(|fact| fact.expires).or(offer.expires),
        };
        let json = json!({
            "offer": offer.id, "recipient": who, "state": state, "cause": cause,
            "subject": offer.subject, "message_id": offer.message_id,
            "recorded": rfc3339(offer.recorded), "expires": expires.map(rfc3339),
            "at": delivery.map(|d| rfc3339(d.at)), "server": delivery.map(|d| &d.server),
            "reply": delivery.map(|d| &d.reply),
            "outcome": outcome.map(said), "unverified": doubtful.map(said),
        });
        let mut notes = String::new();
        if let Some(fact) = outcome {
            notes += &format!("; then {}", in_words(fact));
        }
        if let Some(fact) = doubtful {
            notes += &format!("; {}, says an unverified notice", in_words(fact));
        }
        let left = expires
            .filter(|expires| state == "open" && *expires > now)
            .map(|expires| format!(", {} left", span(expires - now)));
        let text = format!(
            "{:>4}  {:>4}  {state:<9}  {}  {}  \"{}\"{}",
            offer.id,
            span(now - offer.recorded),
            shown(who),
            shown(&format!("{cause}{notes}")),
            shown(&offer.subject),
            left.unwrap_or_default()
        );
        Line {
            number: offer.id,
            state,
            text,
            json,
        }
    }
}

/// "5m", "3h", "4d": a length of time, in seconds, rounded down.
fn span(seconds: i64) -> String {
    const HOUR: i64 = 3600;
    match seconds {
        ..HOUR => format!("{}m", seconds.max(0) / 60),
        HOUR..172_800 => format!("{}h", seconds / HOUR),
        _ => format!("{}d", seconds / (24 * HOUR)),
    }
}

/// What a notice says, for JSON.
fn said(fact: &Fact) -> serde_json::Value {
    json!({"action": fact.action.name(), "at": rfc3339(fact.written), "words": fact.words})
}

/// The same for people.
fn in_words(fact: &Fact) -> String {
    match fact.action {
        Action::Failed | Action::Delayed => format!("{}: {}", fact.action.name(), fact.words),
        action => action.name().to_owned(),
    }
}

fn letter((about, letter): &(String, Delivery)) -> Line {
    let state = letter.state.name();
    let (to, about) = (&letter.recipient, about.as_str());
    Line {
        number: 0,
        state,
        text: format!(
            "   -  {:>4}  {state:<9}  {}  letter about <{}>",
            span(now() - letter.at),
            shown(to),
            shown(about)
        ),
        json: json!({
            "offer": null, "recipient": to, "state": state, "cause": "letter", "subject": null,
            "message_id": about, "recorded": null, "expires": null, "at": rfc3339(letter.at),
            "server": letter.server, "reply": letter.reply, "outcome": null, "unverified": null,
        }),
    }
}

fn state(
    offer: &Recorded,
    delivery: Option<&Delivery>,
    known: Option<Known<'_>>,
    now: i64,
) -> &'static str {
    let refused = match delivery.map(|delivery| delivery.state) {
        Some(State::Refused) => true,
        Some(state) => return state.name(),
        None => false,
    };
    let fate = known.map_or(Fate::Waits, |known| known.fate);
    let expires = known.and_then(|known| known.fact.expires).or(offer.expires);
    match (fate, known) {
        (Fate::Arrived, Some(known)) => known.fact.action.name(),
        (Fate::Changed, _) => "changed",
        _ if offer.dismissed.is_some() => "dismissed",
        // Another try is allowed.
        _ if refused => State::Refused.name(),
        (Fate::GivenUp, _) => "given-up",
        _ if expires.is_some_and(|expires| expires < now) => "expired",
        _ => "open",
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

/// What only the user can find out: did the server take a message, or letters to a postmaster, whose answer was
/// lost?
pub(super) fn resolve(args: &Resolve, places: &Places) -> Result<u8, Failure> {
    let mut journal = journal(places)?;
    let mut unknown = match args.offer.parse() {
        Ok(id) => {
            let offer = journal.brief(id)?.ok_or_else(|| no_offer(id))?;
            deliveries_of(&mut journal, &offer.message_id, &offer.waiting)?
        }
        Err(_) => {
            let letters = journal.letters()?.into_iter();
            let to_same = letters.filter(|(_, letter)| same(&letter.recipient, &args.offer));
            let keyed = to_same.map(|(about, letter)| (format!("{LETTER}{about}"), letter));
            let id = args.offer.trim_matches(['<', '>']);
            keyed.chain(deliveries_of(&mut journal, id, &[])?).collect()
        }
    };
    unknown.retain(|(_, one)| one.state == State::Unknown);
    let name = &args.offer;
    if unknown.is_empty() {
        writeln!(io::stdout(), "nothing about {} is unknown", called(name))?;
        return Ok(NOTHING);
    }
    let state = match (args.sent, args.not_sent) {
        (true, _) => State::Sent,
        (_, true) => State::Refused,
        _ => {
            for (_, one) in unknown {
                let (who, words) = (shown(&one.recipient), shown(&one.words()));
                writeln!(io::stdout(), "{who}: {words}")?;
            }
            let text = format!(
                "look for the message at the recipients or in the server's log, then say `{NAME} resolve --sent \
                 {name}` or `{NAME} resolve --not-sent {name}`; after the latter it can be sent again, and arrives \
                 twice if you are wrong"
            );
            return Err(Failure::new(USAGE, text));
        }
    };
    let mut count = 0;
    for (key, one) in unknown {
        count += journal.resolve(&key, &one.recipient, state, now())?;
    }
    writeln!(
        io::stdout(),
        "{}: {count} recipient(s) now read {}",
        called(name),
        state.name()
    )?;
    Ok(DONE)
}

/// What became of the resubmissions to those of an offer (`waiting`), and to those whom no offer about the message
/// names: the user had named them. With the Message-ID.
fn deliveries_of(
    journal: &mut Journal,
    message_id: &str,
    waiting: &[(String, String)],
) -> Result<Vec<(String, Delivery)>, Failure> {
    let names = |waiting: &[(String, String)], one: &Delivery| {
        waiting.iter().any(|(who, _)| same(who, &one.recipient))
    };
    let about = journal.briefs_about(message_id)?;
    let mut deliveries = journal.deliveries(message_id)?;
    deliveries.retain(|one| {
        let is_named = about.iter().any(|offer| names(&offer.waiting, one));
        !is_named || names(waiting, one)
    });
    let keyed = deliveries.into_iter();
    Ok(keyed.map(|one| (message_id.to_owned(), one)).collect())
}

/// An offer, the address of a postmaster, or a Message-ID.
fn called(name: &str) -> String {
    match name.parse::<i64>() {
        Ok(id) => format!("offer {id}"),
        Err(_) => shown(name),
    }
}

fn no_offer(id: i64) -> Failure {
    Failure::new(
        NO_INPUT,
        format!("no offer {id}; `{NAME} offers` lists them"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_are_short() {
        for (seconds, text) in [
            (-5, "0m"),
            (59, "0m"),
            (3_599, "59m"),
            (3_600, "1h"),
            (172_799, "47h"),
            (172_800, "2d"),
            (432_000, "5d"),
        ] {
            assert_eq!(span(seconds), text);
        }
    }
}
