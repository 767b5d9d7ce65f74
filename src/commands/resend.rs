//! `resend`: the main job. A notice in, or the message itself, an offer shown, the user's word, the message out.

use std::cell::Cell;
use std::io::{self, Write};

use serde_json::json;

use crate::cli::{NAME, Resend};
use crate::config::{Config, Places};
use crate::message::mbox::{RunTogether, runs_into_another};
use crate::offer::Outcome;
use crate::terminal::{self, Terminal, shown};

use case::Case;
use given::{Given, Kind};
use question::Answer;

use super::arrived::prune_kept;
use super::offers::awaits_word;
use super::send::{Outgoing, send};
use super::{
    DATA, DECLINED, DONE, Failure, INTERNAL, IO, NOTHING, TRY_AGAIN, each, inputs, journal,
    offer_bytes, tell_doubt,
};

pub(super) mod case;
mod given;
mod known;
mod original;
mod question;

/// Goes through the messages, and holds the screen at the end where that was asked for.
pub(super) fn run(args: &Resend, places: &Places) -> Result<u8, Failure> {
    if let (true, Ok(mut terminal)) = (args.pause, Terminal::open()) {
        let _ = terminal.erase_below();
    }
    let seen = Cell::new(false);
    let go = |given: &Given| {
        let result = one(args, places, given);
        // The user who said no has seen everything.
        seen.set(seen.get() || !matches!(result, Ok(DECLINED)));
        result
    };
    let unread = |_: &Failure| seen.set(true);
    let status = match args.all {
        true => each(waiting(places)?, |offer| {
            let bytes = offer_bytes(places, *offer).inspect_err(unread)?;
            go(&Given { bytes, file: None })
        }),
        false => each(inputs(&args.notices)?, |name| {
            let messages = given::messages(places, name).inspect_err(unread)?;
            Ok(each(messages, go))
        }),
    };
    if args.pause {
        if seen.get() {
            hold();
        }
        return Ok(DONE);
    }
    Ok(status)
}

/// The numbers of all offers that wait.
fn waiting(places: &Places) -> Result<Vec<i64>, Failure> {
    let mut journal = journal(places)?;
    let mut waiting = Vec::new();
    for offer in journal.briefs()? {
        if awaits_word(&mut journal, &offer)? {
            waiting.push(offer.id);
        }
    }
    match waiting.is_empty() {
        true => Err(Failure::new(NOTHING, "no offer waits")),
        false => Ok(waiting),
    }
}

/// Keeps the screen until a key is pressed: mutt would redraw it at once.
fn hold() {
    if let Ok(mut terminal) = Terminal::open() {
        let _ = terminal.key("Press any key to go back.");
        let _ = terminal.print("\r\n");
    }
}

fn one(args: &Resend, places: &Places, given: &Given) -> Result<u8, Failure> {
    let config = super::configuration(places)?;
    let result = offer(args, places, &config, given);
    // A copy whose time is over still serves the message at hand.
    if !args.sending.dry_run {
        prune_kept(&places.state_home.join(NAME), &config);
    }
    result
}

fn offer(args: &Resend, places: &Places, config: &Config, given: &Given) -> Result<u8, Failure> {
    let mended = given.mended(config)?;
    let given = mended.as_ref().unwrap_or(given);
    let mut case = match given.kind(config)? {
        Kind::Notice => Case::open(&given.bytes, args, config, places)?,
        Kind::Own => {
            let case = Case::of_message(given, args, config, places)?;
            if given.file.is_none() && runs_into_another(&given.bytes, &case.message) {
                return Err(Failure::new(DATA, RunTogether));
            }
            case
        }
    };
    tell_left_out(&case, args)?;
    if case.plan.send.is_empty() {
        return Ok(NOTHING);
    }
    if args.sending.dry_run {
        write!(io::stderr(), "{}", lines(&question::summary(&case)))?;
        outgoing(&case).print()?;
        return Ok(DONE);
    }
    if !args.sending.yes || !case.wishes.is_empty() {
        if consent(&mut case, args)? == Answer::No {
            return Ok(DECLINED);
        }
    } else {
        match case.notice {
            Some(_) => tell_doubt(&case.judgement)?,
            None => {
                let ground = match case.facts.is_empty() {
                    true => "no notice about it was seen",
                    false => "no offer about it is taken up",
                };
                writeln!(io::stderr(), "{NAME}: {ground}; --yes sends all the same")?;
            }
        }
    }
    let Some(mut journal) = case.journal.take() else {
        return Err(Failure::new(
            INTERNAL,
            "no journal is open; nothing was sent",
        ));
    };
    let outcomes = send(&mut journal, &outgoing(&case), args.json)?;
    report(&case, &outcomes, args.json).map_err(|error| {
        Failure::new(
            IO,
            format!("the server has the message, but the result cannot be shown: {error}"),
        )
    })
}

/// Says who gets nothing, and why. Standard output belongs to the bytes of a dry run, and to JSON.
fn tell_left_out(case: &Case, args: &Resend) -> io::Result<()> {
    for left in &case.plan.left_out {
        let (address, reason) = (shown(&left.address), shown(&left.reason.to_string()));
        match args.sending.dry_run || args.json {
            true => writeln!(io::stderr(), "{address}: {reason}")?,
            false => writeln!(io::stdout(), "{address}: {reason}")?,
        }
    }
    Ok(())
}

/// Asks: first whom, where no notice tells.
fn consent(case: &mut Case, args: &Resend) -> Result<Answer, Failure> {
    let Ok(mut terminal) = Terminal::open() else {
        let summary = lines(&question::summary(case));
        match args.json {
            true => write!(io::stderr(), "{summary}")?,
            false => write!(io::stdout(), "{summary}")?,
        }
        return Err(Failure::new(TRY_AGAIN, no_terminal(case)));
    };
    if case.notice.is_none() && args.to.is_empty() && case.plan.send.len() > 1 {
        case.plan.send = question::choose(&mut terminal, case)?;
        if case.plan.send.is_empty() {
            return Ok(Answer::No);
        }
    }
    let answer = question::ask(&mut terminal, case)?;
    // A no to the question is stronger than a consent that was given in advance.
    let journal = case.journal.as_mut().filter(|_| case.offer != 0);
    if let Some(journal) = journal.filter(|_| answer == Answer::No) {
        journal.decline(case.offer)?;
    }
    Ok(answer)
}

fn no_terminal(case: &Case) -> String {
    let offer = case.offer;
    match case.wishes.is_empty() {
        true if case.notice.is_none() => {
            "no terminal to ask on, nothing was sent; in one, or with --yes and whom to send to (--to)".to_owned()
        }
        true => format!(
            "no terminal to ask on, nothing was sent; offer {offer} is recorded: `{NAME} resend {offer}` in a \
             terminal, or with --yes"
        ),
        false => "no terminal to ask on, nothing was sent; what goes against the sender's wish is sent only by a \
                  word typed in a terminal, whatever --yes says"
            .to_owned(),
    }
}

/// What the case would send, on the user's word.
pub(super) fn outgoing(case: &Case) -> Outgoing<'_> {
    let recipients = case.plan.send.iter();
    Outgoing {
        key: &case.message_id,
        route: &case.route,
        recipients: recipients.map(|chosen| &*chosen.address).collect(),
        message: &case.message,
        standing: None,
    }
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn report(case: &Case, outcomes: &[Outcome], as_json: bool) -> io::Result<u8> {
    let mut out = io::stdout().lock();
    let mut status = DONE;
    for outcome in outcomes {
        let accepted = outcome.state == crate::offer::State::Sent;
        if !accepted {
            status = super::UNAVAILABLE;
        }
        if as_json {
            let line = json!({
                "message_id": case.message_id, "recipient": outcome.recipient,
                "state": outcome.state.name(), "server": case.route.to_string(), "reply": outcome.reply,
            });
            writeln!(out, "{}", terminal::json(&line)?)?;
        } else {
            let verb = if accepted {
                "accepted: sent again to"
            } else {
                "refused: not sent to"
            };
            let (recipient, reply) = (shown(&outcome.recipient), shown(&outcome.reply));
            let said = if reply.is_empty() {
                reply
            } else {
                format!(": {reply}")
            };
            writeln!(
                out,
                "{verb} {recipient} through {}{said}",
                shown(&case.route.to_string())
            )?;
        }
    }
    Ok(status)
}
