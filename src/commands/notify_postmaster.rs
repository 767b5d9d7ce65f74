//! `notify-postmaster`: a letter to each domain whose TLS failed.

use std::io::{self, Write};
use std::path::Path;

use crate::cli::{NAME, NotifyPostmaster};
use crate::config::{Config, Places};
use crate::message::recipients::{recipients, same_domain, senders};
use crate::message::resubmission::OPT_OUT;
use crate::message::text::rfc3339;
use crate::notice::Notice;
use crate::notice::provenance::Judgement;
use crate::offer::fate::same;
use crate::offer::{Delivery, State, letter_key};
use crate::postmaster::{Failing, Letter, failing, letter};
use crate::terminal::{Terminal, shown};

use super::route::Route;
use super::send::{Outgoing, envelope_id, send};
use super::{
    CONFIG, DECLINED, DONE, Failure, NOTHING, TRY_AGAIN, UNAVAILABLE, USAGE, configuration, each,
    inputs, journal, judge, notice_bytes, now, read_notice, tell_doubt, word,
};

/// Where more domains than this fail at once the fault is hardly theirs.
const MAX_DOMAINS: usize = 5;

/// Shows each letter, and sends it when the user says so.
pub(super) fn run(args: &NotifyPostmaster, places: &Places) -> Result<u8, Failure> {
    let notices = inputs(&args.notices)?;
    Ok(each(notices, |notice| one(args, places, notice)))
}

fn one(args: &NotifyPostmaster, places: &Places, file: &Path) -> Result<u8, Failure> {
    let bytes = notice_bytes(places, file)?;
    let notice = read_notice(&bytes)?;
    let domains = domains(args, &notice)?;
    let config = configuration(places)?;
    // A notice that returned nothing went to the sender all the same.
    let mut ours = senders(&notice.original.header);
    ours.extend(recipients(&bytes));
    let route = Route::choose(&config, args.sending.account.as_deref(), &ours)?;
    Ok(each(domains, |domain| {
        let letter = letter(&notice, domain, &route.sender, &envelope_id()?, now())
            .map_err(|error| Failure::new(CONFIG, error))?;
        offer(args, places, &config, &notice, &route, &letter)
    }))
}

/// The domains that are to be told, at least one.
fn domains<'a>(args: &NotifyPostmaster, notice: &'a Notice) -> Result<Vec<Failing<'a>>, Failure> {
    let mut domains = failing(notice);
    let count = domains.len();
    if let Some(wanted) = &args.domain {
        domains.retain(|failing| same_domain(&failing.domain, wanted));
    }
    if domains.is_empty() {
        let place = args.domain.as_deref().unwrap_or("the other side");
        let text = format!("the notice shows no TLS failure at {place}; there is nothing to tell");
        return Err(Failure::new(NOTHING, text));
    }
    if domains.len() > MAX_DOMAINS {
        let text = format!(
            "TLS failed with {count} domains at once, so look at your own server first; --domain names the one \
             to tell all the same"
        );
        return Err(Failure::new(USAGE, text));
    }
    Ok(domains)
}

/// One letter: shown, asked about, sent. At most one goes to each domain about each message.
fn offer(
    args: &NotifyPostmaster,
    places: &Places,
    config: &Config,
    notice: &Notice,
    route: &Route,
    letter: &Letter,
) -> Result<u8, Failure> {
    let key = letter_key(notice);
    let outgoing = Outgoing {
        key: &key,
        route,
        recipients: vec![&letter.to],
        message: &letter.bytes,
        standing: None,
    };
    if args.sending.dry_run {
        outgoing.print()?;
        return Ok(DONE);
    }
    let mut journal = journal(places)?;
    let earlier = journal.deliveries(&key)?;
    let to_same = |earlier: &&Delivery| same(&earlier.recipient, &letter.to);
    if let Some(words) = earlier.iter().find(to_same).and_then(already) {
        writeln!(io::stdout(), "{}: {}", shown(&letter.to), shown(&words))?;
        return Ok(NOTHING);
    }
    let judgement = judge(
        notice,
        &route.account.notice_hosts(),
        config,
        Some(&journal),
    );
    if args.sending.yes {
        tell_doubt(&judgement)?;
    } else if !consents(&page(&judgement, route, letter))? {
        return Ok(DECLINED);
    }
    for outcome in send(&mut journal, &outgoing, true)? {
        let (to, reply) = (&outcome.recipient, &outcome.reply);
        if outcome.state != State::Sent {
            return Err(Failure::new(UNAVAILABLE, format!("{to} refused: {reply}")));
        }
        writeln!(
            io::stdout(),
            "accepted: sent to {} through {}: {}",
            shown(to),
            shown(&route.to_string()),
            shown(reply)
        )?;
    }
    Ok(DONE)
}

/// What stands in the way of another letter.
fn already(earlier: &Delivery) -> Option<String> {
    let (at, server) = (rfc3339(earlier.at), &earlier.server);
    match earlier.state {
        State::Refused => None,
        State::Sent => Some(format!(
            "was already sent a letter about this message at {at} ({server} said: {})",
            earlier.reply
        )),
        State::Sending => Some(format!(
            "is being sent a letter since {at} by another {NAME}"
        )),
        State::Unknown => Some(format!(
            "may have been sent a letter at {at}: {server} was given it and its answer was lost; find out in its \
             log, then tell `{NAME} resolve {}`",
            earlier.recipient
        )),
    }
}

/// The whole letter as the postmaster will see it, and how sure it is that the notice is genuine.
fn page(judgement: &Judgement, route: &Route, letter: &Letter) -> String {
    let mut page = format!(
        "{OPT_OUT}\nFrom: {}\nTo: {}\nSubject: {}\n\n{}\n",
        shown(&route.sender),
        letter.to,
        letter.subject,
        letter.text
    );
    if let Some(doubt) = &judgement.doubt {
        page += &format!(
            "Notice     {}: {}\n",
            word(&judgement.provenance),
            shown(doubt)
        );
    }
    page + &format!("Through    {}\n", shown(&route.to_string()))
}

fn consents(page: &str) -> Result<bool, Failure> {
    let Ok(mut terminal) = Terminal::open() else {
        write!(io::stdout(), "{page}")?;
        let text = format!(
            "no terminal to ask on, nothing was sent; `{NAME} notify-postmaster` in a terminal, or with --yes"
        );
        return Err(Failure::new(TRY_AGAIN, text));
    };
    terminal.print(&page.replace('\n', "\r\n"))?;
    let key = terminal.key("Send this letter? [y/N] ")?;
    let is_yes = matches!(key, Some(b'y' | b'Y'));
    terminal.print(if is_yes { "yes\r\n" } else { "no\r\n" })?;
    Ok(is_yes)
}
