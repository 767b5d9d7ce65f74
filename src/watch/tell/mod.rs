//! Telling the user of an offer, in the ways that the configuration names.
//!
//! Each way has a thread of its own, so that one that is slow holds up neither the daemon nor the others. The
//! daemon says what is to be told, hears by [`Event::Told`] how it went, and keeps that in the journal.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use crate::config::Tell;
use crate::notice::provenance::Provenance;

use super::Event;

mod command;
#[cfg(feature = "desktop")]
mod desktop;
mod flag;
mod hook;
mod letter;
mod tag;
#[cfg(feature = "desktop")]
mod window;

pub use letter::Letter;

/// What there is to tell of an offer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tidings {
    /// Its number.
    pub offer: i64,
    /// Who waits, each with the cause in words.
    pub recipients: Vec<(String, String)>,
    /// Subject of the original.
    pub subject: String,
    /// Message-ID of the original, without angle brackets.
    pub message_id: String,
    /// Message-ID of the notice, without angle brackets. For [`Way::Tag`] only; `None` where it has none.
    pub notice: Option<String>,
    /// When the server gives up, in seconds since 1970.
    pub expires: Option<i64>,
    /// How sure it is that the user's own server wrote that notice. `Unverified` is said wherever it is told.
    pub provenance: Provenance,
    /// Where the notice lay last, if it lies in a watched folder.
    pub path: Option<PathBuf>,
}

/// A way to tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// A notification on the desktop.
    Desktop,
    /// The user's own command.
    Hook,
    /// The Maildir flag F on the notice.
    Flag,
    /// A tag of notmuch.
    Tag,
    /// A message in the inbox.
    Letter,
}

impl Way {
    /// The word in the journal.
    pub fn name(self) -> &'static str {
        match self {
            Way::Desktop => "desktop",
            Way::Hook => "hook",
            Way::Flag => "flag",
            Way::Tag => "tag",
            Way::Letter => "letter",
        }
    }
}

/// How an attempt to tell went.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Telling {
    /// Told, or nothing that another attempt would better.
    Done,
    /// Not now: to be tried again.
    Later,
}

/// The threads that tell.
#[derive(Debug)]
pub struct Teller {
    threads: Vec<Thread>,
    /// What has not been answered yet, and whether the answer comes from one of `threads`.
    in_hand: HashMap<(i64, Way), bool>,
    is_over: Arc<AtomicBool>,
}

/// A thread that tells in one way.
#[derive(Debug)]
struct Thread {
    way: Way,
    tidings: Sender<Tidings>,
    /// An answer was noted: only then the thread tells the next. A crash in between has at most one told again.
    noted: Sender<()>,
}

impl Teller {
    /// Starts a thread for each way that `tell` names. `letter`: what a message in the inbox needs; `None` where
    /// there is no folder for it.
    pub fn start(tell: &Tell, letter: Option<Letter>, events: &Sender<Event>) -> Teller {
        let mut teller = Teller {
            threads: Vec::new(),
            in_hand: HashMap::new(),
            is_over: Arc::default(),
        };
        #[cfg(feature = "desktop")]
        if tell.desktop {
            let window = window::Opener::new(tell.terminal.clone());
            let mut desktop = desktop::Desktop::new(window, events.clone());
            let all_at_once = desktop::GATHER;
            teller.add(Way::Desktop, all_at_once, events, move |all| {
                desktop.tell(all)
            });
        }
        let at_once = Duration::ZERO;
        if let Some(words) = tell.on_offer.clone() {
            let each =
                move |all: &[Tidings]| all.iter().map(|one| hook::run(&words, one)).collect();
            teller.add(Way::Hook, at_once, events, each);
        }
        if tell.flag {
            let each = |all: &[Tidings]| all.iter().map(flag::set).collect();
            teller.add(Way::Flag, at_once, events, each);
        }
        if let Some(name) = tell.notmuch_tag.clone() {
            let each = move |all: &[Tidings]| all.iter().map(|one| tag::add(&name, one)).collect();
            teller.add(Way::Tag, at_once, events, each);
        }
        if let Some(letter) = letter.filter(|_| tell.mail) {
            let each = move |all: &[Tidings]| all.iter().map(|one| letter.deliver(one)).collect();
            teller.add(Way::Letter, at_once, events, each);
        }
        teller
    }

    fn add(
        &mut self,
        way: Way,
        gather: Duration,
        events: &Sender<Event>,
        tell: impl FnMut(&[Tidings]) -> Vec<Telling> + Send + 'static,
    ) {
        let (tidings, untold) = channel();
        let (noted, notes) = channel();
        let work = Work {
            way,
            gather,
            untold,
            notes,
            events: events.clone(),
            is_over: Arc::clone(&self.is_over),
        };
        thread::spawn(move || work.go_on(tell));
        self.threads.push(Thread {
            way,
            tidings,
            noted,
        });
    }

    fn thread(&self, way: Way) -> Option<&Thread> {
        self.threads.iter().find(|thread| thread.way == way)
    }

    /// The ways that are used.
    pub fn ways(&self) -> Vec<Way> {
        self.threads.iter().map(|thread| thread.way).collect()
    }

    /// Has this been given to [`Teller::tell`], and no answer yet?
    pub fn has_in_hand(&self, offer: i64, way: Way) -> bool {
        self.in_hand.contains_key(&(offer, way))
    }

    /// Has it told. Nothing where it is in hand already.
    pub fn tell(&mut self, way: Way, tidings: Tidings) {
        let key = (tidings.offer, way);
        if let Some(thread) = self.thread(way)
            && !self.in_hand.contains_key(&key)
        {
            // A thread that has panicked tells nothing any more; the others go on.
            let _ = thread.tidings.send(tidings);
            self.in_hand.insert(key, true);
        }
    }

    /// An answer came, and was noted. Where it could not be noted (`is_noted`) it stays in hand, so that at least this
    /// process does not tell it again. True where the answer is that of another, see [`Teller::inherit`].
    pub fn answered(&mut self, offer: i64, way: Way, is_noted: bool) -> bool {
        let key = (offer, way);
        let is_own = match is_noted {
            true => self.in_hand.remove(&key),
            false => self.in_hand.get(&key).copied(),
        };
        if let Some(thread) = self.thread(way).filter(|_| is_own == Some(true)) {
            let _ = thread.noted.send(());
        }
        is_own == Some(false)
    }

    /// Takes over what another has in hand, so that it is not told twice.
    pub fn inherit(&mut self, other: &mut Teller) {
        let keys = other.in_hand.drain().map(|(key, _)| (key, false));
        self.in_hand.extend(keys);
    }

    /// Is something still being told?
    pub fn is_busy(&self) -> bool {
        !self.in_hand.is_empty()
    }

    /// Begins nothing any more.
    pub fn stop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        self.threads.clear();
    }
}

/// What a thread works with.
struct Work {
    way: Way,
    gather: Duration,
    untold: Receiver<Tidings>,
    notes: Receiver<()>,
    events: Sender<Event>,
    is_over: Arc<AtomicBool>,
}

impl Work {
    /// Tells all that comes, until the daemon ends.
    fn go_on(self, mut tell: impl FnMut(&[Tidings]) -> Vec<Telling>) {
        while let Ok(first) = self.untold.recv() {
            let mut all = vec![first];
            if !self.gather.is_zero() {
                thread::sleep(self.gather);
                all.extend(self.untold.try_iter());
            }
            let tellings = match self.is_over.load(Ordering::Relaxed) {
                true => vec![Telling::Later; all.len()],
                false => tell(&all),
            };
            for (one, telling) in all.iter().zip(tellings) {
                let _ = self.events.send(Event::Told {
                    offer: one.offer,
                    way: self.way,
                    is_done: telling == Telling::Done,
                });
            }
            // At the end of the daemon, or with a new configuration, nobody answers.
            let _ = all.iter().try_for_each(|_| self.notes.recv());
        }
    }
}

/// The folder of a message in `new` or `cur`.
fn folder_of(path: &Path) -> Option<&Path> {
    path.parent()?.parent()
}
