//! Standing consent at work: what the policy allows in advance is sent by `watch`, with nobody there.
//!
//! `process` leaves it to `watch`: a delivery agent waits for its filter, for some seconds only, and one
//! that is stopped while the server has the message leaves an outcome that nobody knows.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::cli::{NAME, Resend, Sending};
use crate::config::{Config, Places};
use crate::notice;
use crate::offer::sorted::Recipients;
use crate::offer::standing::{Facts, Waits, consents};
use crate::offer::store::Journal;
use crate::offer::{Recorded, State, consider};
use crate::terminal::shown;
use crate::watch::{Event, Turn};

use super::consent::Consent;
use super::resend::case::Case;
use super::resend::outgoing;
use super::send::{Outgoing, Standing, send};
use super::{CONFIG, DATA, Failure, INTERNAL, IO, NO_INPUT, NOTHING, TRY_AGAIN, journal, now};

/// How long the daemon waits at its end for a submission that is under way.
const PATIENCE: Duration = Duration::from_secs(60);

/// Sends beside the daemon, which goes on recording offers meanwhile.
pub(super) struct Worker {
    wake: Sender<(Turn, Arc<Config>)>,
    turn: Turn,
    is_over: Arc<AtomicBool>,
    ended: Receiver<()>,
}

impl Worker {
    /// `events` hears when a turn is over.
    pub(super) fn start(places: &Places, events: &Sender<Event>) -> Worker {
        let (wake, woken) = channel::<(Turn, Arc<Config>)>();
        let (end, ended) = channel();
        let is_over = Arc::new(AtomicBool::new(false));
        let (places, events, is_told) = (places.clone(), events.clone(), Arc::clone(&is_over));
        let mut doubt = Doubt::default();
        thread::spawn(move || {
            while let Ok(woken_first) = woken.recv() {
                // One look sees all that it was woken for meanwhile.
                let (turn, config) = woken.try_iter().last().unwrap_or(woken_first);
                if let Err(failure) = act(&config, &places, &mut doubt, &is_told) {
                    tracing::error!("{failure}");
                }
                let _ = events.send(Event::Acted(turn));
            }
            let _ = end.send(());
        });
        Worker {
            wake,
            turn: 0,
            is_over,
            ended,
        }
    }

    /// Something may be there to send, where this configuration allows it. The turn in which it will be looked at.
    pub(super) fn wake(&mut self, config: &Arc<Config>) -> Turn {
        self.turn += 1;
        let _ = self.wake.send((self.turn, Arc::clone(config)));
        self.turn
    }

    /// Begins nothing more. What is under way gets some time: cut off, its outcome would be unknown.
    pub(super) fn end(self) {
        tracing::debug!("ending");
        self.is_over.store(true, Ordering::Relaxed);
        drop(self.wake);
        let _ = self.ended.recv_timeout(PATIENCE);
    }
}

/// Why nothing is sent, as the log has it already.
#[derive(Debug, Default)]
pub(super) struct Doubt(Option<String>);

impl Doubt {
    /// What standing consent rests on now. Says once why it rests on nothing.
    fn consent(&mut self, loaded: &Arc<Config>, places: &Places) -> Option<Consent> {
        match Consent::now(loaded, places) {
            Ok(consent) => {
                self.0 = None;
                Some(consent)
            }
            Err(reason) => {
                if self.0.as_ref() != Some(&reason) {
                    tracing::warn!("nothing is sent on standing consent: {}", shown(&reason));
                }
                self.0 = Some(reason);
                None
            }
        }
    }
}

/// Sends what standing consent covers and whose turn it is, until `is_over`. The number of messages.
///
/// The configuration is read anew for each, beside the one that was `loaded`: a `never` that was just written holds.
pub(super) fn act(
    loaded: &Arc<Config>,
    places: &Places,
    doubt: &mut Doubt,
    is_over: &AtomicBool,
) -> Result<usize, Failure> {
    if !loaded.policy.has_auto() {
        return Ok(0);
    }
    let Some(mut consent) = doubt.consent(loaded, places).filter(Consent::has_auto) else {
        return Ok(0);
    };
    let mut journal = journal(places)?;
    let mut sent = 0;
    for offer in journal.standing_offers(now())? {
        if is_over.load(Ordering::Relaxed) {
            break;
        }
        if !is_wanted(&consent, &mut journal, &offer)? {
            continue;
        }
        consent = match doubt.consent(loaded, places) {
            Some(consent) => consent,
            None => break,
        };
        if let Some(tries) = journal.take_turn(offer.id, now())? {
            let result = one(&consent, places, &mut journal, &offer);
            sent += usize::from(matches!(result, Ok(Done::Sent(_))));
            settle(&mut journal, offer.id, tries, result)?;
        }
    }
    Ok(sent)
}

/// Is anybody waiting for whom the policy says `auto`? A quick look, to leave the others in peace.
fn is_wanted(consent: &Consent, journal: &mut Journal, offer: &Recorded) -> Result<bool, Failure> {
    let Some(notice) = notice::read(&offer.notice) else {
        return Ok(false);
    };
    let deliveries = journal.deliveries(&offer.message_id)?;
    let done = deliveries.iter().filter(|one| one.state != State::Refused);
    let done = Recipients::new(done.map(|one| &*one.recipient));
    let is_auto = |address: &String| consent.is_auto(address);
    Ok(consider(&notice).unwrap_or_default().iter().any(|report| {
        let original = report.original_recipient.as_ref();
        let mut names = original.into_iter().chain([&report.final_recipient]);
        names.clone().any(is_auto) && !names.any(|name| done.has(name))
    }))
}

/// What came of a try.
enum Done {
    /// The server accepted so many recipients.
    Sent(usize),
    /// The user is needed.
    Waits(Waits),
    /// There is no offer for anybody.
    Unfit(Failure),
}

/// The same way as `resend` goes, but for who consents.
fn one(
    consent: &Consent,
    places: &Places,
    journal: &mut Journal,
    offer: &Recorded,
) -> Result<Done, Failure> {
    let config = &consent.config;
    // Nobody is there to be asked.
    let sending = Sending {
        yes: true,
        ..Sending::default()
    };
    let args = Resend {
        sending,
        ..Resend::default()
    };
    let mut case = match Case::open(&offer.notice, &args, config, places) {
        Ok(case) => case,
        Err(failure) => return Ok(Done::Unfit(failure)),
    };
    if let ([], Some(left)) = (&case.plan.send[..], case.plan.left_out.first()) {
        let text = format!("{}: {}", left.address, left.reason);
        return Ok(Done::Unfit(Failure::new(NOTHING, text)));
    }
    let consented = consents(&Facts {
        send: &case.plan.send,
        policies: consent.policies(),
        provenance: case.judgement.provenance,
        is_by_id_alone: case.judgement.is_by_id_alone,
        is_flawed: !case.flaws.is_empty(),
        honours: case.honour.map(|(honours, _)| honours),
        accounts: config.accounts_for(&case.route.sender).len(),
        written: case
            .notice
            .as_ref()
            .and_then(|notice| notice.envelope.date.or(notice.arrival_date)),
        now: now(),
        sent: journal.standing_sent(now())?,
        most: config.auto_per_day,
    });
    case.plan.send = match consented {
        Ok(send) => send,
        Err(waits) => return Ok(Done::Waits(waits)),
    };
    // Finding the message and talking to the server take their time.
    let holds = || consent.holds(places);
    let standing = Standing {
        most: config.auto_per_day,
        holds: &holds,
    };
    let outgoing = Outgoing {
        standing: Some(standing),
        ..outgoing(&case)
    };
    let outcomes = send(journal, &outgoing, true)?;
    let accepted = outcomes.iter().filter(|one| one.state == State::Sent);
    Ok(Done::Sent(accepted.count()))
}

/// Logs what came of it, naming nobody, and decides whether there will be another try. That it is told
/// once is enough: the same reason each hour helps nobody.
fn settle(
    journal: &mut Journal,
    id: i64,
    tries: u32,
    result: Result<Done, Failure>,
) -> Result<(), Failure> {
    let tell = |reason: &str| {
        let text = format!("offer {id} waits for you: {reason}; `{NAME} resend {id}`");
        match tries {
            1 => tracing::info!("{text}"),
            _ => tracing::debug!("{text}"),
        }
    };
    match result {
        Ok(Done::Sent(accepted)) => {
            tracing::info!("offer {id}: sent again to {accepted} recipient(s) on standing consent");
            journal.end_turns(id)?;
        }
        Ok(Done::Waits(waits)) => tell(&waits.to_string()),
        Ok(Done::Unfit(failure)) => {
            tracing::debug!("offer {id}: {failure}");
            tell(unfit(failure.status));
        }
        Err(failure) => {
            tracing::debug!("offer {id}: {failure}");
            match failure.status {
                // Somebody else was faster, the user has said no, or the day is full.
                NOTHING => {}
                TRY_AGAIN => tracing::info!("offer {id}: could not be sent now; tried again later"),
                IO => {
                    tracing::error!("offer {id}: sending failed; see `{NAME} offers`");
                }
                _ => {
                    tell("sending failed for a reason that will last");
                    journal.end_turns(id)?;
                }
            }
        }
    }
    Ok(())
}

/// What the status of a [`Failure`] of [`Case::open`] says without naming anybody.
fn unfit(status: u8) -> &'static str {
    match status {
        NOTHING => "this message is not sent again",
        DATA => "no copy is proven to be what was sent",
        NO_INPUT => "no copy of the message was found",
        CONFIG => "the configuration lacks something",
        INTERNAL => "a fault of this program",
        _ => "something could not be read",
    }
}
