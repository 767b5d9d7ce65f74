//! `sendmail`: takes a message that the user has written, as mutt's `$sendmail`, and submits it.
//!
//! The message leaves as it came, but for `Bcc`, which nobody may see, and a cookie in the Subject, which
//! becomes the opt-out. It goes to all recipients or to none, and 0 means that the server has it: the mail
//! program keeps the draft otherwise. What is only for later (the ENVID in the journal, the copy of what was
//! sent) never stands in the way of sending.

use std::env;
use std::io::{self, Write};
use std::time::SystemTime;

use crate::cli::{NAME, Sendmail};
use crate::config::{Compose, Config, Places};
use crate::kept::{self, Slip};
use crate::message::header::Field;
use crate::message::recipients::{recipients, senders, unusable};
use crate::message::{header, optout, refusal, text};
use crate::submission::sendmail::GUARD;
use crate::submission::{Envelope, Error, Receipt};
use crate::terminal::shown;

use flags::Flags;

use super::route::Route;
use super::send::{Way, envelope_id};
use super::{
    CONFIG, DATA, DONE, Failure, IO, NO_USER, USAGE, compose, configuration, journal, no_account,
    now, read_all,
};

mod flags;

const UNSENT: &str = "; nothing was sent";

pub(super) fn run(args: &Sendmail, places: &Places) -> Result<u8, Failure> {
    let flags = Flags::read(&args.arguments)?;
    for warning in &flags.warnings {
        warn(warning);
    }
    let config = configuration(places)?;
    let message = message()?;
    let everybody = Everybody::of(&flags, &message)?;
    let message = optout::without_bcc(&message);
    let turned = compose::turned(&message, &config)
        .map_err(|failure| Failure::new(failure.status, format!("{failure}{UNSENT}")))?;
    let message = turned.unwrap_or(message);
    let route = route(&flags, &config, &message)?;
    let recipients = everybody.going(&route)?;
    let id = envelope_id()?;
    let envelope = match &route.account.command {
        Some(_) => Envelope::for_command(&route.sender, &recipients, &id),
        None => Envelope::new(&route.sender, &recipients, &id),
    };
    let envelope = envelope
        .map_err(|error| Failure::new(DATA, format!("{error}; nothing was sent")))?
        .with_notices(flags.notify.clone(), flags.returns.clone())
        .all_or_none();
    let way = way(&flags, &route)?;
    let message_id = header::text(&message, "Message-ID").and_then(|id| text::message_id(&id));
    let sent = Sent {
        places,
        compose: &config.compose,
        route: &route,
        message_id: message_id.as_deref(),
    };
    let before_data = &mut |_: &[&str]| -> io::Result<()> {
        sent.note(&envelope);
        Ok(())
    };
    let submitted = way.submit(&envelope, &message, before_data, &mut |_, _| ());
    sent.keep(&envelope, &message, &submitted.result);
    let result = submitted.quit();
    result
        .map(|_| DONE)
        .map_err(|error| Failure::new(status(&error), error))
}

/// The message on standard input. Text without a header gets an empty one, unless that shows a `Bcc`.
fn message() -> Result<Vec<u8>, Failure> {
    let mut message = read_all(io::stdin().lock())
        .map_err(|error| Failure::new(IO, format!("standard input: {error}; nothing was sent")))?;
    refusal::refuse_hidden(&message)
        .map_err(|refusal| Failure::new(DATA, format!("{refusal}; nothing was sent")))?;
    let is_bcc = |field: Field| field.is("Bcc") || field.is("Resent-Bcc");
    let first = header::fields(&message).next();
    let is_text =
        first.is_some_and(|first| first.name().is_empty() && !first.raw().starts_with(b"From "));
    if message.is_empty() || is_text && header::fields(&message).any(is_bcc) {
        let text = "no message on standard input: it must begin with a header; nothing was sent";
        return Err(Failure::new(DATA, text));
    }
    if is_text {
        message.insert(0, b'\n');
    }
    Ok(message)
}

/// The recipients of the command line and, with `-t`, those of the header.
struct Everybody {
    addresses: Vec<String>,
    /// What has no domain, or is no address at all.
    others: Vec<String>,
}

impl Everybody {
    fn of(flags: &Flags, message: &[u8]) -> Result<Everybody, Failure> {
        let (mut addresses, mut others) = (Vec::new(), Vec::new());
        for argument in &flags.recipients {
            // One address is taken as it is; sendmail takes lists and names as well.
            if argument.contains('@') && !argument.contains([',', '<', '(', '"', ';', ' ']) {
                addresses.push(argument.clone());
                continue;
            }
            addresses.extend(text::addresses(argument.as_bytes()));
            others.extend(text::unusable(argument.as_bytes()));
        }
        if flags.read_recipients {
            let named = recipients(message).into_iter();
            addresses.extend(named.map(|mailbox| mailbox.address));
            others.extend(unusable(message));
        }
        match addresses.is_empty() && others.is_empty() {
            true => Err(Failure::new(USAGE, "no recipients; nothing was sent")),
            false => Ok(Everybody { addresses, others }),
        }
    }

    /// Those that the message goes to. A command may know `root`, by its aliases or on its machine.
    fn going(self, route: &Route) -> Result<Vec<String>, Failure> {
        let is_command = route.account.command.is_some();
        let is_name = |one: &str| {
            let may_be = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
            one.bytes().all(may_be)
        };
        let mut lost = self
            .others
            .iter()
            .filter(|one| !is_command || !is_name(one));
        if let Some(entry) = lost.next() {
            let needs = match is_command {
                true => "neither a full address nor a name",
                false => "no full address, which a submission server needs",
            };
            let text = format!("`{entry}` is {needs}; nothing was sent");
            return Err(Failure::new(NO_USER, text));
        }
        Ok([self.addresses, self.others].concat())
    }
}

/// The account that was named, else that of the sender, of the author, of who resends it, else the first:
/// somebody else's message that the user passes on belongs to none.
fn route(flags: &Flags, config: &Config, message: &[u8]) -> Result<Route, Failure> {
    let senders: Vec<String> = senders(message)
        .into_iter()
        .map(|one| one.address)
        .collect();
    let own = |address: &String| Some((address.clone(), config.account_for(address)?));
    let of_message = senders.iter().find_map(own);
    let of_sender = flags.sender.as_ref().and_then(own);
    let found = of_sender.or(of_message.clone());
    let name = flags.account.as_deref();
    let named = name.and_then(|name| config.account_named(name));
    let account = named
        .or(found.map(|(_, account)| account))
        .or(config.accounts.first());
    let mut account = account.cloned().unwrap_or_default();
    let sender = flags.sender.clone().filter(|sender| sender.contains('@'));
    let sender = sender
        .or(of_message.map(|(address, _)| address))
        .or_else(|| {
            account
                .from
                .iter()
                .find(|from| !from.starts_with("*@"))
                .cloned()
        });
    if let Some(command) = &config.compose.command {
        account.command = Some(command.clone());
    }
    if let Some(name) = name.filter(|_| named.is_none()) {
        // msmtp has accounts of its own.
        match &mut account.command {
            Some(words) => words.extend(["-a".to_owned(), name.to_owned()]),
            None => return Err(no_account(config, Some(name))),
        }
    }
    let file = config.file.display();
    let Some(sender) = sender.or(senders.first().cloned()) else {
        let text = format!("no sender: write from into an [[account]] of {file}, or give -f");
        return Err(Failure::new(CONFIG, text));
    };
    if account.command.is_none() && account.submission.is_none() {
        let warning = config
            .warnings
            .first()
            .map_or(String::new(), |w| format!(" ({w})"));
        let text = format!(
            "no way out for mail from {sender}{warning}; write submission or command into {file}; nothing was sent"
        );
        return Err(Failure::new(CONFIG, text));
    }
    Ok(Route { sender, account })
}

fn way(flags: &Flags, route: &Route) -> Result<Way, Failure> {
    if route.account.command.is_some() && env::var_os(GUARD).is_some() {
        let text =
            format!("`{route}` leads back to {NAME}: mail would go in circles; nothing was sent");
        return Err(Failure::new(CONFIG, text));
    }
    Ok(match Way::of(&route.account, false)? {
        Way::Command(mut words) => {
            words.extend(flags.rest.iter().cloned());
            let notices = [("-N", &flags.notify), ("-R", &flags.returns)];
            for (option, value) in notices {
                if let Some(value) = value {
                    words.extend([option.to_owned(), value.to_ascii_lowercase()]);
                }
            }
            Way::Command(words)
        }
        server => {
            flags.lost_on_a_server().for_each(|warning| warn(&warning));
            server
        }
    })
}

/// A command's own status says more to a mail program than ours.
fn status(error: &Error) -> u8 {
    match error {
        Error::Command { status, .. } => u8::try_from(*status).unwrap_or(error.status()),
        error => error.status(),
    }
}

/// What is noted and kept of a message.
struct Sent<'a> {
    places: &'a Places,
    compose: &'a Compose,
    route: &'a Route,
    message_id: Option<&'a str>,
}

impl Sent<'_> {
    /// The ENVID goes into the journal: notices that return it are from the server that got it from us. Not that of
    /// a message without Message-ID: a server on the way, which learns it, could use it for any other message.
    fn note(&self, envelope: &Envelope) {
        let is_server = self.route.account.command.is_none();
        let Some(message_id) = self.message_id.filter(|_| is_server) else {
            return;
        };
        let noted = journal(self.places)
            .and_then(|mut journal| Ok(journal.submitting(envelope.id(), message_id, now())?));
        if let Err(failure) = noted {
            let failure = failure.to_string();
            // The journal cannot know that the sending goes on.
            let failure = failure.strip_suffix(UNSENT).unwrap_or(&failure);
            warn(&format!(
                "no notice about this message will be verified: {failure}"
            ));
        }
    }

    /// The copy, unless it is certain that nothing was sent; and the old ones go.
    fn keep(&self, envelope: &Envelope, message: &[u8], result: &Result<Receipt, Error>) {
        let days = self.compose.keep_days;
        let state = self.places.state_home.join(NAME);
        if let Err(error) = kept::prune(&state, days, SystemTime::now()) {
            warn(&format!(
                "cannot look through {}: {error}",
                kept::folder(&state).display()
            ));
        }
        let is_sent = result.as_ref().map_or_else(Error::is_unknown, |_| true);
        if !is_sent || days == 0 {
            return;
        }
        let slip = Slip {
            message_id: self.message_id.unwrap_or_default().to_owned(),
            sent: now(),
            envelope_id: envelope.id().to_owned(),
            sender: envelope.sender().to_owned(),
            recipients: envelope.recipients().to_vec(),
            server: self.route.to_string(),
        };
        let folder = self.places.state_folder();
        let kept = folder.and_then(|folder| kept::keep(&folder, &slip, message));
        if let Err(error) = kept {
            let folder = kept::folder(&state);
            warn(&format!(
                "sent, but no copy is kept in {}: {error}",
                folder.display()
            ));
        }
    }
}

fn warn(text: &str) {
    let _ = writeln!(io::stderr(), "{NAME}: {}", shown(text));
}
