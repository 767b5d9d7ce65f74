//! What the daemon tells the user, and what it notes about that: each offer once in each way.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender};
use std::time::{Duration, Instant};

use crate::config::{Config, Tell, durable};
use crate::maildir::wildcard::expand;
use crate::notice::{self, provenance::Provenance};
use crate::offer::Recorded;
use crate::offer::store::Journal;
use crate::policy::{Decision, Policy};
use crate::watch::tell::{Letter, Teller, Tidings, Way};
use crate::watch::{Event, Turn};

use super::offers::{awaits_word, count};
use super::{Failure, now};

/// What waits for longer is not told of any more: the user has seen it, or the server has given up.
const FRESH: i64 = 7 * 24 * 3600;
/// How long the end of the daemon waits for what is being told.
const GRACE: Duration = Duration::from_secs(3);
/// How long after a change the offers are counted anew.
const SETTLED: Duration = Duration::from_millis(200);

/// Tells of the offers in the journal.
pub(super) struct Telling {
    teller: Teller,
    config: Tell,
    letter: Option<Letter>,
    /// What the status file holds.
    count: Option<usize>,
    /// When it is to be looked at again.
    count_due: Option<Instant>,
    /// Where the notices of offers lay last.
    paths: HashMap<i64, PathBuf>,
    policy: Policy,
    /// What may be sent on standing consent is not told of before the turn that decides.
    decided_in: HashMap<i64, Turn>,
    /// The next turn of standing consent, and the last one that is over.
    turns: (Turn, Turn),
}

impl Telling {
    /// In the ways of the configuration.
    pub(super) fn start(config: &Config, events: &Sender<Event>) -> Telling {
        let letter = letter(config);
        if config.tell.mail && letter.is_none() {
            tracing::warn!(
                "no message can be put into the inbox: no inbox folder is there, or no address of yours is known"
            );
        }
        Telling {
            teller: Teller::start(&config.tell, letter.clone(), events),
            config: config.tell.clone(),
            letter,
            count: None,
            count_due: None,
            paths: HashMap::new(),
            policy: config.policy.clone(),
            decided_in: HashMap::new(),
            turns: (0, 0),
        }
    }

    /// In those of a new configuration.
    pub(super) fn restart(&mut self, config: &Config, events: &Sender<Event>) {
        self.policy = config.policy.clone();
        if config.tell == self.config && letter(config) == self.letter {
            return;
        }
        let mut old = std::mem::replace(self, Telling::start(config, events));
        old.teller.stop();
        self.teller.inherit(&mut old.teller);
        self.paths = old.paths;
        self.turns = old.turns;
    }

    /// The journal is another one, with numbers of its own.
    pub(super) fn begins_anew(&mut self) {
        self.paths.clear();
        self.decided_in.clear();
        self.count = None;
    }

    /// The notice of this offer lies there.
    pub(super) fn lies_at(&mut self, offer: i64, path: &Path) {
        self.paths.insert(offer, path.to_owned());
    }

    /// Standing consent looks in this turn at all that is in the journal now.
    pub(super) fn will_act(&mut self, turn: Turn) {
        self.turns.0 = turn;
    }

    /// The turn is over.
    pub(super) fn was_acted(&mut self, turn: Turn) {
        self.turns.1 = turn;
    }

    /// May it still be sent with nobody there?
    fn is_undecided(&mut self, offer: &Recorded) -> bool {
        let is_auto = |(who, _): &(String, String)| self.policy.decide(who).0 == Decision::Auto;
        if !offer.waiting.iter().any(is_auto) {
            return false;
        }
        let (next, over) = self.turns;
        *self.decided_in.entry(offer.id).or_insert(next) > over
    }

    /// Tells what was not told yet, and brings the status file up to date.
    pub(super) fn tell(&mut self, journal: &mut Journal) -> Result<(), Failure> {
        for way in self.teller.ways() {
            for offer in journal.untold(way.name(), now() - FRESH)? {
                if !self.teller.has_in_hand(offer, way) {
                    self.tell_of(offer, way, journal)?;
                }
            }
        }
        self.write_count(journal)
    }

    fn tell_of(&mut self, id: i64, way: Way, journal: &mut Journal) -> Result<(), Failure> {
        let Some(offer) = journal.brief(id)? else {
            return Ok(());
        };
        if !awaits_word(journal, &offer)? {
            return Ok(journal.note_told(id, way.name(), now())?);
        }
        if self.is_undecided(&offer) {
            return Ok(());
        }
        // That of its own notice: others about the message may be surer.
        let rests_on = journal.rests_on(&offer)?;
        let tidings = Tidings {
            provenance: rests_on.map_or(Provenance::Unverified, |(provenance, _)| provenance),
            offer: id,
            recipients: offer.waiting,
            subject: offer.subject,
            message_id: offer.message_id,
            notice: match way {
                Way::Tag => notice_id(journal, id)?,
                _ => None,
            },
            expires: offer.expires,
            path: self.paths.get(&id).cloned(),
        };
        self.teller.tell(way, tidings);
        Ok(())
    }

    /// Hears what comes from those who tell. What could not be told now is tried again by the next [`Telling::tell`].
    pub(super) fn hear(&mut self, journal: &mut Journal, event: &Event) -> Result<(), Failure> {
        match *event {
            Event::Told {
                offer,
                way,
                is_done,
            } => {
                let noted = match is_done {
                    true => journal.note_told(offer, way.name(), now()),
                    false => Ok(()),
                };
                let is_left_to_us = self.teller.answered(offer, way, noted.is_ok()) && !is_done;
                noted?;
                if is_done {
                    tracing::debug!("offer {offer}: told ({})", way.name());
                }
                // The threads of the old configuration have ended before they came to it.
                if is_left_to_us {
                    self.tell(journal)?;
                }
            }
            Event::Dismiss(offer) => {
                journal.dismiss(offer, now())?;
                tracing::info!("offer {offer}: dismissed");
            }
            _ => {}
        }
        Ok(())
    }

    fn write_count(&mut self, journal: &mut Journal) -> Result<(), Failure> {
        self.count_due = None;
        let Some(file) = &self.config.status_file else {
            return Ok(());
        };
        let count = count(journal)?;
        if self.count == Some(count) {
            return Ok(());
        }
        match durable::write(file, format!("{count}\n").as_bytes()) {
            Ok(()) => self.count = Some(count),
            Err(error) => tracing::warn!("{}: {error}", file.display()),
        }
        Ok(())
    }

    /// Is there a file to be written when another process changes the journal?
    pub(super) fn has_status_file(&self) -> bool {
        self.config.status_file.is_some()
    }

    /// The journal was written to; each commit is told several times.
    pub(super) fn journal_changed(&mut self) {
        self.count_due
            .get_or_insert_with(|| Instant::now() + SETTLED);
    }

    /// How long the status file may stay as it is.
    pub(super) fn may_sleep(&self) -> Duration {
        self.count_due.map_or(Duration::MAX, |due| {
            due.saturating_duration_since(Instant::now())
        })
    }

    /// Brings the status file up to date when that is due.
    pub(super) fn count_if_due(&mut self, journal: &mut Journal) -> Result<(), Failure> {
        match self.count_due {
            Some(due) if due <= Instant::now() => self.write_count(journal),
            _ => Ok(()),
        }
    }

    /// Waits until all has been told.
    pub(super) fn finish(mut self, journal: &mut Journal, events: &Receiver<Event>) {
        self.wait(journal, events, Duration::MAX);
    }

    /// Begins nothing any more, and notes what ends within the time of grace.
    pub(super) fn end(mut self, journal: &mut Journal, events: &Receiver<Event>) {
        self.teller.stop();
        self.wait(journal, events, GRACE);
    }

    fn wait(&mut self, journal: &mut Journal, events: &Receiver<Event>, limit: Duration) {
        let end = Instant::now().checked_add(limit);
        while self.teller.is_busy() {
            let left = end.map_or(limit, |end| end.saturating_duration_since(Instant::now()));
            let heard = match events.recv_timeout(left) {
                Ok(event) => self.hear(journal, &event),
                Err(_) => return,
            };
            if let Err(failure) = heard {
                tracing::error!("{failure}");
                return;
            }
        }
    }
}

/// Message-ID of the notice that the offer rests on.
fn notice_id(journal: &Journal, offer: i64) -> Result<Option<String>, Failure> {
    let kept = journal.offer(offer)?;
    let notice = kept.and_then(|offer| notice::read(&offer.notice));
    Ok(notice.and_then(|notice| notice.envelope.message_id))
}

/// The first inbox folder that is there, and the first address of the user's.
fn letter(config: &Config) -> Option<Letter> {
    let mut addresses = config.accounts.iter().flat_map(|account| &account.from);
    let address = addresses.find(|address| !address.starts_with('*'))?;
    let mut folders = config.mail.inbox.iter().flat_map(|inbox| expand(inbox));
    Some(Letter {
        folder: folders.find(|folder| folder.join("tmp").is_dir())?,
        address: address.clone(),
    })
}
