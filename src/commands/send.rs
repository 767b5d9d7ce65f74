//! The sending itself, with the journal on both sides of it.

use std::io::{self, IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};

use crate::cli::NAME;
use crate::config::Account;
use crate::offer::store::{self, Attempt, Journal, Sending};
use crate::offer::{Outcome, State};
use crate::submission::smtp::{self, Submitted};
use crate::submission::{Envelope, Error, Receipt, Secret, Server, credentials, sendmail};
use crate::terminal::shown;

use super::route::Route;
use super::{CONFIG, DATA, Failure, INTERNAL, IO, TRY_AGAIN, now};

/// Messages above this many bytes get a progress bar.
const LARGE: usize = 1 << 20;

/// A message on its way out.
pub(super) struct Outgoing<'a> {
    /// What the journal knows the submission by, with each recipient: nothing goes out twice under it.
    pub(super) key: &'a str,
    /// From whom, through which account.
    pub(super) route: &'a Route,
    /// To whom.
    pub(super) recipients: Vec<&'a str>,
    /// What, with the line ends as stored.
    pub(super) message: &'a [u8],
    /// It is sent on standing consent; `None`: on the user's word.
    pub(super) standing: Option<Standing<'a>>,
}

/// Consent that was given in advance.
#[derive(Clone, Copy)]
pub(super) struct Standing<'a> {
    /// It covers so many messages a day.
    pub(super) most: u32,
    /// Does it still hold? Asked right before the first byte of DATA.
    pub(super) holds: &'a dyn Fn() -> bool,
}

impl Outgoing<'_> {
    /// The envelope on standard error, the exact bytes on standard output; to a terminal they go made safe to
    /// show: a message may quote a stranger. Sends nothing.
    pub(super) fn print(&self) -> io::Result<()> {
        writeln!(io::stderr(), "MAIL FROM:<{}>", shown(&self.route.sender))?;
        for recipient in &self.recipients {
            writeln!(io::stderr(), "RCPT TO:<{}>", shown(recipient))?;
        }
        let mut out = io::stdout().lock();
        let bytes = crate::submission::wire(self.message);
        if out.is_terminal() {
            for line in String::from_utf8_lossy(&bytes).lines() {
                writeln!(out, "{}", shown(line))?;
            }
        } else {
            out.write_all(&bytes)?;
        }
        out.flush()
    }
}

/// Submits a message. Returns what became of each recipient.
///
/// The journal says `sending` for the accepted recipients before the first byte of DATA, and what
/// the server answered after the final reply. When the answer is lost it says `unknown`.
pub(super) fn send(
    journal: &mut Journal,
    outgoing: &Outgoing<'_>,
    quiet: bool,
) -> Result<Vec<Outcome>, Failure> {
    let Outgoing {
        key,
        route,
        recipients,
        message,
        standing,
    } = outgoing;
    let envelope = Envelope::new(&route.sender, recipients, &envelope_id()?)
        .map_err(|error| Failure::new(DATA, format!("{error}; nothing was sent")))?;
    let way = Way::of(&route.account, standing.is_some())?;
    let (server, begun) = (route.to_string(), None);
    let mut note = Note {
        journal,
        key,
        server,
        standing: *standing,
        begun,
    };
    let bar = bar(message.len(), quiet);
    let submitted = {
        let before_data = &mut |accepted: &[&str]| note.begin(accepted, envelope.id());
        let progress = &mut |sent, total| {
            bar.set_length(total);
            bar.set_position(sent);
        };
        way.submit(&envelope, message, before_data, progress)
    };
    bar.finish_and_clear();
    // Noted before QUIT: a server that is slow to say goodbye must not make the outcome unknown.
    let outcomes = note.finish(&envelope, &submitted.result);
    let _ = submitted.quit();
    outcomes
}

/// How an account submits, with the secret that it takes.
pub(super) enum Way {
    /// By this command.
    Command(Vec<String>),
    /// By this server.
    Server(Box<Server>, Secret),
}

impl Way {
    /// Nobody is asked for a secret where the user may not be there. It may be had later: what keeps it may
    /// be locked now.
    pub(super) fn of(account: &Account, is_unattended: bool) -> Result<Way, Failure> {
        if let Some(command) = &account.command {
            return Ok(Way::Command(command.clone()));
        }
        let Some(server) = account.server() else {
            let text = format!("account {} has no way out; nothing was sent", account.name);
            return Err(Failure::new(CONFIG, text));
        };
        let request = account.request(&server);
        let secret = match is_unattended {
            true => credentials::without_asking(&request)
                .map_err(|error| Failure::new(TRY_AGAIN, error)),
            false => {
                credentials::secret(&request).map_err(|error| Failure::new(error.status(), error))
            }
        }?;
        Ok(Way::Server(Box::new(server), secret))
    }

    /// See [`sendmail::submit`] and [`smtp::submit`].
    pub(super) fn submit(
        &self,
        envelope: &Envelope,
        message: &[u8],
        before_data: &mut dyn FnMut(&[&str]) -> io::Result<()>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Submitted<'_> {
        match self {
            Way::Command(command) => {
                sendmail::submit(command, envelope, message, before_data, progress).into()
            }
            Way::Server(server, secret) => {
                smtp::submit(server, secret, envelope, message, before_data, progress)
            }
        }
    }
}

/// Drawn on standard error, and only where that is a terminal.
fn bar(length: usize, quiet: bool) -> ProgressBar {
    if length < LARGE || quiet {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}");
    ProgressBar::new(length as u64)
        .with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}

/// The journal's side of one submission.
struct Note<'a> {
    journal: &'a mut Journal,
    key: &'a str,
    server: String,
    standing: Option<Standing<'a>>,
    begun: Option<Result<Sending, store::Error>>,
}

impl Note<'_> {
    fn begin(&mut self, accepted: &[&str], envelope_id: &str) -> io::Result<()> {
        let begun = match self.standing {
            Some(standing) if !(standing.holds)() => Err(store::Error::Withdrawn),
            standing => self.journal.begin(&Attempt {
                message_id: self.key,
                recipients: accepted,
                envelope_id,
                server: &self.server,
                now: now(),
                standing: standing.map(|standing| standing.most),
            }),
        };
        let result = match &begun {
            Ok(_) => Ok(()),
            Err(error) => Err(io::Error::other(error.to_string())),
        };
        self.begun = Some(begun);
        result
    }

    /// Writes what became of the recipients. Nothing was sent unless `begin` went well.
    fn finish(
        self,
        envelope: &Envelope,
        result: &Result<Receipt, Error>,
    ) -> Result<Vec<Outcome>, Failure> {
        let sending = match self.begun {
            None => return Err(failure(result)),
            Some(Err(error)) => return Err(error.into()),
            Some(Ok(sending)) => sending,
        };
        let all = |state, reply: &str| -> Vec<Outcome> {
            let one = |recipient: &String| Outcome {
                recipient: recipient.clone(),
                state,
                reply: reply.into(),
            };
            envelope.recipients().iter().map(one).collect()
        };
        let outcomes = match result {
            Ok(receipt) => outcomes(receipt),
            Err(error) if error.is_unknown() => all(State::Unknown, &error.to_string()),
            Err(error) => all(State::Refused, &error.to_string()),
        };
        let written = self.journal.finish(sending, &outcomes, now());
        match (result, written) {
            (Ok(_), Ok(())) => Ok(outcomes),
            (Ok(_), Err(error)) => Err(Failure::new(
                IO,
                format!(
                    "the message WAS sent, but the journal could not note it ({error}); do not send it again; \
                     `{NAME} offers` will show it as unknown"
                ),
            )),
            (error, _) => Err(failure(error)),
        }
    }
}

fn failure(result: &Result<Receipt, Error>) -> Failure {
    match result {
        Ok(_) => Failure::new(
            INTERNAL,
            "the submission ended before it began; nothing was sent",
        ),
        Err(error) => Failure::new(error.status(), error),
    }
}

fn outcomes(receipt: &Receipt) -> Vec<Outcome> {
    let one = |outcome: &crate::submission::Outcome| {
        let (state, reply) = match outcome.accepted {
            true if receipt.reply.is_empty() => (State::Sent, "accepted"),
            true => (State::Sent, &*receipt.reply),
            false => (State::Refused, &*outcome.reply),
        };
        Outcome {
            recipient: outcome.recipient.clone(),
            state,
            reply: reply.to_owned(),
        }
    };
    receipt.outcomes.iter().map(one).collect()
}

/// A fresh ENVID that nobody else can know (RFC 3461 section 4.4): a notice that returns it is about
/// this submission.
pub(super) fn envelope_id() -> Result<String, Failure> {
    let no_random = |error| {
        Failure::new(
            INTERNAL,
            format!("no random numbers: {error}; nothing was sent"),
        )
    };
    let (high, low) = (
        getrandom::u64().map_err(no_random)?,
        getrandom::u64().map_err(no_random)?,
    );
    Ok(format!("{high:016x}{low:016x}"))
}
