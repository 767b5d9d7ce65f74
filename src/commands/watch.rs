//! `watch`: the daemon. It records offers, and has those sent for which the policy gives standing consent.

use std::io::{self, IsTerminal};
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use crate::cli::Watch;
use crate::config::{Asking, Config, Places, Tell};
use crate::offer::store::Journal;
use crate::watch::alone::{self, Alone};
use crate::watch::folders::Folders;
use crate::watch::keeper::Keeper;
use crate::watch::manager::Manager;
use crate::watch::progress::Progress;
use crate::watch::survey::Survey;
use crate::watch::{Event, Events, Turn, Watching, clock, memory, signals};

use super::auto::{self, Doubt, Worker};
use super::find::folders_of;
use super::telling::Telling;
use super::{CONFIG, DONE, Failure, IO, NOTHING, TRY_AGAIN, journal};

mod look;

/// How often everything is looked through, whatever the system tells.
const LOOK: Duration = Duration::from_secs(300);
/// How often where the system does not tell of every change, or the last look has failed.
const POLL: Duration = Duration::from_secs(30);
/// How often a folder is looked through that changes meanwhile.
const ATTEMPTS: usize = 4;

/// Looks through the inbox folders, and goes on as messages come.
pub(super) fn run(args: &Watch, places: &Places) -> Result<u8, Failure> {
    memory::give_back();
    let mut config = settings(places)?;
    let journal = journal(places)?;
    let state = places.state_home.join(super::NAME);
    let alone = match args.once {
        true => Alone::to_look(&state),
        false => Alone::become_it(&state).map(Some),
    };
    let alone = alone.map_err(|error| {
        let status = match error {
            alone::Error::Taken { .. } => TRY_AGAIN,
            alone::Error::Io { .. } => IO,
        };
        Failure::new(status, error)
    })?;
    // A look beside the daemon, or beside another, does no harm.
    if alone.is_none() {
        config.tell = Tell::none();
    }
    // Nobody would be there to hear a click.
    config.tell.desktop &= !args.once;
    let config = Arc::new(config);
    let (sender, receiver) = channel();
    let mut daemon = Daemon {
        telling: Telling::start(&config, &sender),
        worker: Worker::start(places, &sender),
        keeper: None,
        folders: Folders::default(),
        config,
        journal,
        progress: Progress::load(state.join("looked")),
        state,
        manager: Manager::from_env(),
        has_warned: false,
        has_news: false,
        has_failed: false,
        is_over: Arc::new(AtomicBool::new(false)),
    };
    if args.once {
        let survey = daemon.survey();
        let new = daemon.look(survey)?;
        let sent = auto::act(
            &daemon.config,
            places,
            &mut Doubt::default(),
            &daemon.is_over,
        )?;
        daemon.telling.was_acted(Turn::MAX);
        daemon.tell();
        daemon.telling.finish(&mut daemon.journal, &receiver);
        return Ok(if new + sent > 0 { DONE } else { NOTHING });
    }
    daemon.watch(places, &sender, &receiver)?;
    daemon.worker.end();
    daemon.telling.end(&mut daemon.journal, &receiver);
    Ok(DONE)
}

/// The configuration, with a folder to watch.
fn settings(places: &Places) -> Result<Config, Failure> {
    // The start of a daemon must not open a passphrase prompt.
    let asking = match io::stdin().is_terminal() {
        true => Asking::IfChanged,
        false => Asking::IfHarmless,
    };
    let config = Config::load(places, asking)?;
    for warning in &config.warnings {
        tracing::warn!("{warning}");
    }
    if !config.mail.inbox.is_empty() {
        return Ok(config);
    }
    let mut text = format!(
        "no folder to watch; write [mail] inbox into {}",
        config.file.display()
    );
    if config.is_mutt_unasked {
        text += ", or run `tls-optout watch --once` once in a terminal: it asks mutt, whose rc file runs commands";
    }
    Err(Failure::new(CONFIG, text))
}

struct Daemon {
    /// Tells where notices of the user's own servers come from, and what may be sent on standing consent.
    config: Arc<Config>,
    folders: Folders,
    journal: Journal,
    telling: Telling,
    worker: Worker,
    keeper: Option<Keeper>,
    progress: Progress,
    /// The state folder.
    state: PathBuf,
    manager: Manager,
    /// It was said that the system does not tell of every change.
    has_warned: bool,
    /// There may be something to tell.
    has_news: bool,
    /// Something that came since the last look could not be noted.
    has_failed: bool,
    /// A signal ended the daemon.
    is_over: Arc<AtomicBool>,
}

impl Daemon {
    fn watch(
        &mut self,
        places: &Places,
        sender: &Sender<Event>,
        receiver: &Receiver<Event>,
    ) -> Result<(), Failure> {
        signals::heed(&self.is_over, sender)
            .map_err(|error| Failure::new(IO, format!("cannot wait for signals: {error}")))?;
        if let Err(error) = clock::look_after_jumps(sender) {
            tracing::debug!("jumps of the clock are not seen: {error}");
        }
        let mut events = Events::new(sender.clone());
        while !self.is_over() {
            // Watching starts before looking, so that nothing is missed.
            let (survey, is_told_all) = self.watch_what_is_there(&mut events);
            self.keep_index();
            self.manager.ready("watching the inbox folders");
            let looked = self.look(survey);
            if let Err(failure) = &looked {
                tracing::error!("{failure}");
            }
            self.act();
            if self.take_until_due(is_told_all && looked.is_ok(), receiver) {
                self.manager.reloading();
                self.reload(places, sender);
            }
        }
        self.manager.stopping();
        Ok(())
    }

    /// Takes what comes until a look is due. Is the configuration to be read again?
    fn take_until_due(&mut self, is_all_well: bool, events: &Receiver<Event>) -> bool {
        let mut is_reload = false;
        let start = Instant::now();
        loop {
            let is_all_well = is_all_well && !self.has_failed && self.folders.missed() == 0;
            let due = start + if is_all_well { LOOK } else { POLL };
            self.manager.alive();
            if let Err(failure) = self.telling.count_if_due(&mut self.journal) {
                self.fails(&failure);
            }
            let left = due.saturating_duration_since(Instant::now());
            let sleep = left
                .min(self.manager.may_sleep())
                .min(self.telling.may_sleep());
            match events.recv_timeout(sleep) {
                Ok(Event::Message(path)) if self.folders.is_new(&path) => self.take(&path),
                Ok(Event::Message(_)) => {}
                Ok(Event::Removed(path)) => self.folders.forget(&path),
                Ok(Event::Written(path)) => {
                    self.folders.will_read(&path);
                    self.take(&path);
                }
                Ok(Event::Journal) => self.telling.journal_changed(),
                Ok(Event::Reload) => {
                    is_reload = true;
                    break;
                }
                Err(RecvTimeoutError::Timeout) if !left.is_zero() => {}
                Ok(Event::Look | Event::Stop) | Err(_) => break,
                Ok(event) => self.hear(&event),
            }
        }
        // The look that follows sees all that these tell of.
        for event in events.try_iter() {
            match event {
                Event::Written(path) | Event::Removed(path) => self.folders.forget(&path),
                Event::Reload => is_reload = true,
                Event::Message(_) | Event::Look | Event::Stop | Event::Journal => {}
                event => self.hear(&event),
            }
        }
        is_reload
    }

    fn hear(&mut self, event: &Event) {
        if let Event::Acted(turn) = *event {
            self.telling.was_acted(turn);
            self.tell();
        }
        if let Err(failure) = self.telling.hear(&mut self.journal, event) {
            self.fails(&failure);
        }
    }

    /// Has those sent that may be, and tells of the others.
    fn act(&mut self) {
        self.has_news = false;
        let turn = self.worker.wake(&self.config);
        self.telling.will_act(turn);
        self.tell();
    }

    fn tell(&mut self) {
        if let Err(failure) = self.telling.tell(&mut self.journal) {
            self.fails(&failure);
        }
    }

    /// It is tried again at the next look, which comes soon.
    fn fails(&mut self, failure: &Failure) {
        tracing::error!("{failure}");
        self.has_failed = true;
    }

    /// Of the folders that the configuration names now. It begins when the inbox has what it needs.
    fn keep_index(&mut self) {
        if self.keeper.is_none() && self.config.mail.index {
            self.keeper = Some(Keeper::start(&self.state, folders_of(&self.config)));
        }
    }

    /// A configuration that is no good leaves everything as it was.
    fn reload(&mut self, places: &Places, sender: &Sender<Event>) {
        match settings(places) {
            Ok(config) => {
                self.telling.restart(&config, sender);
                self.folders = Folders::default();
                self.config = Arc::new(config);
                // The next comes when the folders of this configuration are watched.
                self.keeper = None;
                tracing::info!("the configuration was read again");
            }
            Err(failure) => {
                tracing::error!("{failure}; going on with the configuration as it was");
            }
        }
    }

    fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Relaxed)
    }

    /// Watches, and looks what is there until nothing can have come unseen meanwhile. Does the system tell all?
    fn watch_what_is_there(&mut self, events: &mut Events) -> (Survey, bool) {
        let mut survey = self.survey();
        let mut watching = Watching::default();
        for _ in 0..ATTEMPTS {
            watching = self.watch_these(&survey, events);
            if !watching.has_begun {
                break;
            }
            survey = self.survey();
        }
        let is_told_all = watching == Watching::default();
        let directories = survey.directories.len();
        tracing::debug!(directories, is_told_all, "watching");
        if let Some(untold) = watching.untold
            && !self.has_warned
        {
            self.has_warned = true;
            let reason = untold.reason;
            tracing::warn!(
                "the system does not tell of every change ({reason}); looking by the clock"
            );
        }
        (survey, is_told_all)
    }

    fn watch_these(&self, survey: &Survey, events: &mut Events) -> Watching {
        let watching = events.watch(&survey.directories);
        if let Some(untold) = &watching.untold
            && untold.is_limit
            && let Some(keeper) = &self.keeper
            && keeper.give_up_watches(&untold.reason)
        {
            let has_begun = watching.has_begun;
            let again = events.watch(&survey.directories);
            return Watching {
                has_begun: has_begun | again.has_begun,
                ..again
            };
        }
        watching
    }

    /// Of the mail, with the folder of the journal where its changes are to be seen.
    fn survey(&self) -> Survey {
        let mut survey = Survey::of(&self.config.mail.inbox);
        if self.telling.has_status_file() {
            survey.directories.insert(self.state.clone());
        }
        survey
    }
}
