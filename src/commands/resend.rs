//! `resend`: the main job. A notice in, an offer shown, the user's word, the message out.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use crate::cli::{NAME, Resend};
use crate::config::Places;
use crate::offer::Outcome;
use crate::terminal::{self, Terminal, shown};

use case::Case;
use question::Answer;

use super::send::{Outgoing, send};
use super::{
    DECLINED, DONE, Failure, INTERNAL, IO, NOTHING, TRY_AGAIN, each, inputs, notice_bytes,
    tell_doubt,
};

pub(super) mod case;
mod question;

/// Goes through the notices, and holds the screen at the end where that was asked for.
pub(super) fn run(args: &Resend, places: &Places) -> Result<u8, Failure> {
    let mut seen = false;
    let status = each(inputs(&args.notices)?, |notice| {
        let result = one(args, places, notice);
        // The user who said no has seen everything.
        seen |= !matches!(result, Ok(DECLINED));
        result
    });
    if args.pause {
        if seen {
            hold();
        }
        return Ok(DONE);
    }
    Ok(status)
}

/// Keeps the screen until a key is pressed: mutt would redraw it at once.
fn hold() {
    if let Ok(mut terminal) = Terminal::open() {
        let _ = terminal.key("Press any key to go back.");
        let _ = terminal.print("\r\n");
    }
}

fn one(args: &Resend, places: &Places, notice: &Path) -> Result<u8, Failure> {
    let (bytes, config) = (notice_bytes(places, notice)?, super::configuration(places)?);
    let mut case = Case::open(&bytes, args, &config, places)?;
    for left in &case.plan.left_out {
        let text = format!(
            "{}: {}",
            shown(&left.address),
            shown(&left.reason.to_string())
        );
        // Standard output belongs to the bytes of a dry run, and to JSON.
        match args.sending.dry_run || args.json {
            true => writeln!(io::stderr(), "{text}")?,
            false => writeln!(io::stdout(), "{text}")?,
        }
    }
    if case.plan.send.is_empty() {
        return Ok(NOTHING);
    }
    if args.sending.dry_run {
        write!(io::stderr(), "{}", lines(&question::summary(&case)))?;
        outgoing(&case).print()?;
        return Ok(DONE);
    }
    if !args.sending.yes || !case.wishes.is_empty() {
        let Ok(terminal) = Terminal::open() else {
            let summary = lines(&question::summary(&case));
            match args.json {
                true => write!(io::stderr(), "{summary}")?,
                false => write!(io::stdout(), "{summary}")?,
            }
            return Err(Failure::new(TRY_AGAIN, no_terminal(&case)));
        };
        if question::ask(terminal, &case)? == Answer::No {
            // A no to the question is stronger than a consent that was given in advance.
            if let Some(journal) = case.journal.as_mut().filter(|_| case.offer != 0) {
                journal.decline(case.offer)?;
            }
            return Ok(DECLINED);
        }
    } else {
        tell_doubt(&case.judgement)?;
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

fn no_terminal(case: &Case) -> String {
    let offer = case.offer;
    match case.wishes.is_empty() {
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
