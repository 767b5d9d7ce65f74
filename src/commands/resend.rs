//! `resend`: the main job. A notice in, an offer shown, the user's word, the message out.

use std::io::{self, Write};
use std::path::Path;

use serde_json::json;

use crate::cli::{NAME, Resend};
use crate::config::Places;
use crate::offer::Outcome;
use crate::terminal::{Terminal, shown};

use case::Case;
use question::Answer;

use super::send::{Outgoing, send};
use super::{DECLINED, DONE, Failure, INTERNAL, NOTHING, TRY_AGAIN, inputs, notice_bytes};

mod case;
mod question;

/// Goes through the notices one by one. One that fails does not stop the others.
pub(super) fn run(args: &Resend, places: &Places) -> Result<u8, Failure> {
    let mut status = DONE;
    let mut seen = false;
    for notice in inputs(&args.notices)? {
        let result = one(args, places, &notice);
        if let Err(failure) = &result {
            eprintln!("{NAME}: {failure}");
        }
        let this = result.unwrap_or_else(|failure| failure.status);
        // The user who said no has seen everything.
        seen |= this != DECLINED;
        status = status.max(this);
    }
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
        println!(
            "{}: {}",
            shown(&left.address),
            shown(&left.reason.to_string())
        );
    }
    if case.plan.send.is_empty() {
        return Ok(NOTHING);
    }
    if args.sending.dry_run {
        return dry_run(&case);
    }
    if !args.sending.yes {
        let Ok(terminal) = Terminal::open() else {
            print!("{}", lines(&question::summary(&case)));
            return Err(Failure::new(
                TRY_AGAIN,
                format!(
                    "no terminal to ask on, nothing was sent; offer {} is recorded: `{NAME} resend {}` in a \
                     terminal, or with --yes",
                    case.offer, case.offer
                ),
            ));
        };
        if question::ask(terminal, &case)? == Answer::No {
            return Ok(DECLINED);
        }
    }
    let Some(journal) = case.journal.as_mut() else {
        return Err(Failure::new(
            INTERNAL,
            "no journal is open; nothing was sent",
        ));
    };
    let outgoing = Outgoing {
        key: &case.message_id,
        route: &case.route,
        recipients: case
            .plan
            .send
            .iter()
            .map(|chosen| &*chosen.address)
            .collect(),
        message: &case.message,
    };
    let outcomes = send(journal, &outgoing, args.json)?;
    report(&case, &outcomes, args.json)
}

/// What would happen and the envelope on standard error, the exact bytes on standard output.
fn dry_run(case: &Case) -> Result<u8, Failure> {
    eprint!("{}", lines(&question::summary(case)));
    eprintln!("MAIL FROM:<{}>", shown(&case.route.sender));
    for chosen in &case.plan.send {
        eprintln!("RCPT TO:<{}>", shown(&chosen.address));
    }
    let mut out = io::stdout().lock();
    out.write_all(&crate::submission::wire(&case.message))?;
    out.flush()?;
    Ok(DONE)
}

fn lines(lines: &[String]) -> String {
    lines.iter().map(|line| format!("{line}\n")).collect()
}

fn report(case: &Case, outcomes: &[Outcome], as_json: bool) -> Result<u8, Failure> {
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
            writeln!(out, "{line}")?;
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
