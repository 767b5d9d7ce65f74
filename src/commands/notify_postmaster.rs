//! `notify-postmaster`: a letter to the failing domain.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::{NAME, NotifyPostmaster};
use crate::config::Places;
use crate::message::recipients::senders;
use crate::notice::{self, Notice};
use crate::offer::State;
use crate::postmaster::{Letter, letter};
use crate::terminal::{Terminal, shown};

use super::route::Route;
use super::send::{Outgoing, envelope_id, send};
use super::{
    DATA, DECLINED, DONE, Failure, NOTHING, TRY_AGAIN, UNAVAILABLE, configuration, inputs, journal,
    notice_bytes, now,
};

/// Shows the letter, and sends it when the user says so.
pub(super) fn run(args: &NotifyPostmaster, places: &Places) -> Result<u8, Failure> {
    let given: Vec<PathBuf> = args.notice.iter().cloned().collect();
    let mut status = NOTHING;
    for file in inputs(&given)? {
        status = one(args, places, &file)?;
    }
    Ok(status)
}

fn one(args: &NotifyPostmaster, places: &Places, file: &Path) -> Result<u8, Failure> {
    let bytes = notice_bytes(places, file)?;
    let notice = notice::read(&bytes).ok_or_else(|| Failure::new(DATA, "not a delivery notice"))?;
    let config = configuration(places)?;
    let route = Route::choose(
        &config,
        args.sending.account.as_deref(),
        &senders(&notice.original.header),
    )?;
    let letter = letter(&notice, &route.sender, &envelope_id()?, now()).ok_or_else(|| {
        let text = "the notice shows no TLS failure at the other side; there is nothing to tell";
        Failure::new(NOTHING, text)
    })?;
    if args.sending.dry_run {
        io::stdout().write_all(&letter.bytes)?;
        return Ok(DONE);
    }
    if !args.sending.yes && !consents(&letter)? {
        return Ok(DECLINED);
    }
    dispatch(&notice, &route, &letter, places)
}

fn consents(letter: &Letter) -> Result<bool, Failure> {
    let page = format!(
        "To {}, with TLS-Required: No:\n\n{}\n",
        shown(&letter.to),
        letter.text
    );
    let Ok(mut terminal) = Terminal::open() else {
        print!("{page}");
        let text = format!(
            "no terminal to ask on, nothing was sent; `{NAME} notify-postmaster --yes` sends it"
        );
        return Err(Failure::new(TRY_AGAIN, text));
    };
    terminal.print(&page.replace('\n', "\r\n"))?;
    let key = terminal.key("Send this letter? [y/N] ")?;
    terminal.print("\r\n")?;
    Ok(matches!(key, Some(b'y' | b'Y')))
}

/// One letter for each message that failed and each domain.
fn dispatch(
    notice: &Notice,
    route: &Route,
    letter: &Letter,
    places: &Places,
) -> Result<u8, Failure> {
    let mut journal = journal(places)?;
    let about = notice.original.message_id.as_deref().unwrap_or_default();
    let key = format!("letter about {about}");
    let earlier = journal.deliveries(&key)?;
    let earlier = earlier
        .iter()
        .find(|delivery| delivery.recipient == letter.to.to_lowercase());
    if let Some(earlier) = earlier.filter(|delivery| delivery.state != State::Refused) {
        println!("{}: {}", shown(&letter.to), shown(&earlier.words()));
        return Ok(NOTHING);
    }
    let (recipients, message) = (vec![letter.to.as_str()], letter.bytes.as_slice());
    let outgoing = Outgoing {
        key: &key,
        route,
        recipients,
        message,
    };
    for outcome in send(&mut journal, &outgoing, true)? {
        if outcome.state != State::Sent {
            let text = format!("{} refused: {}", outcome.recipient, outcome.reply);
            return Err(Failure::new(UNAVAILABLE, text));
        }
        println!(
            "accepted: sent to {}: {}",
            shown(&outcome.recipient),
            shown(&outcome.reply)
        );
    }
    Ok(DONE)
}
