//! Looking through the inbox folders, and reading what has come.

use std::fs;
use std::io;
use std::path::Path;
use std::time::SystemTime;

use crate::notice::Notice;
use crate::offer::consider;
use crate::offer::store::Journal;
use crate::terminal::shown;
use crate::watch::arrival;
use crate::watch::survey::Survey;

use super::super::arrived::{prune_kept, take_in};
use super::super::{Failure, IO};
use super::{ATTEMPTS, Daemon};

impl Daemon {
    /// Looks through all folders of the survey. The number of new offers.
    pub(super) fn look(&mut self, survey: Survey) -> Result<usize, Failure> {
        self.has_failed = false;
        self.heed_journal()?;
        let (mut new, mut result) = (0, Ok(()));
        self.folders.begin(&survey);
        // A folder that cannot be seen now may be there again at the next look.
        if self.folders.missed() == 0 {
            self.progress.keep(&survey.folders);
        }
        for folder in survey.folders {
            match self.look_at(&folder) {
                Ok(count) => new += count,
                Err(failure) => result = Err(failure),
            }
        }
        prune_kept(&self.state, &self.config);
        let saved = self.progress.save();
        result?;
        saved.map_err(|error| Failure::new(IO, format!("cannot note what was read: {error}")))?;
        Ok(new)
    }

    /// Goes on with the journal that is there now, or with a new one.
    fn heed_journal(&mut self) -> Result<(), Failure> {
        if self.journal.has_gone() {
            self.journal = Journal::open(&self.state)?;
            self.telling.begins_anew();
            tracing::warn!(
                "the journal was removed or replaced; what the old one knew of earlier sendings is forgotten"
            );
        }
        Ok(())
    }

    /// What vanishes while it is looked at was renamed: the next attempt finds it.
    fn look_at(&mut self, folder: &Path) -> Result<usize, Failure> {
        let start = SystemTime::now();
        let (mut new, mut has_changed) = (0, false);
        let missed = self.folders.missed();
        for _ in 0..ATTEMPTS {
            let window = |identity| self.progress.window(folder, identity, start);
            let found = match self.folders.look(folder, window) {
                Ok(Some(found)) => found,
                Ok(None) => break,
                Err(error) => {
                    self.cannot_read(folder, &error);
                    return Ok(new);
                }
            };
            has_changed = true;
            for (at, path) in found.iter().enumerate() {
                self.manager.alive();
                if self.is_over() {
                    return Ok(new);
                }
                match self.read(path) {
                    Ok(is_new) => new += usize::from(is_new),
                    Err(failure) => {
                        found[at..]
                            .iter()
                            .for_each(|path| self.folders.forget(path));
                        return Err(failure);
                    }
                }
            }
            if found.is_empty() {
                break;
            }
        }
        // The new time is noted after the work: what was cut short, or could not be read, is done again.
        if self.folders.missed() == missed {
            let identity = self.folders.seen(folder);
            self.progress.complete(folder, identity, start, has_changed);
        }
        Ok(new)
    }

    /// A message that an event told of. The journal fails: the next look, which comes soon, reads it again.
    pub(super) fn take(&mut self, path: &Path) {
        if !self.is_worth_a_look(path) {
            return;
        }
        match self.read(path) {
            Ok(_) if self.has_news => self.act(),
            Ok(_) => {}
            Err(failure) => {
                self.folders.forget(path);
                self.fails(&failure);
            }
        }
    }

    /// As a look would judge. Of what cannot be asked its reading says why.
    fn is_worth_a_look(&self, path: &Path) -> bool {
        let folder = path.ancestors().nth(2).unwrap_or(path);
        let identity = self.folders.seen(folder);
        let window = self.progress.window(folder, identity, SystemTime::now());
        fs::metadata(path).map_or(true, |file| window.has(&file))
    }

    /// What has gone, or is no file, is nothing to say.
    fn cannot_read(&mut self, path: &Path, error: &io::Error) {
        match error.kind() {
            io::ErrorKind::NotFound | io::ErrorKind::InvalidInput => {
                tracing::debug!("{}: {error}", shown(&path.display().to_string()));
            }
            _ => self.folders.miss(path, error),
        }
    }

    /// Takes in what a message tells, if it is a notice. True when it makes a new offer. A file that has gone
    /// or cannot be read stays one to look at.
    fn read(&mut self, path: &Path) -> Result<bool, Failure> {
        let arrived = match arrival::notice_in_file(path) {
            Ok(Some(arrived)) => arrived,
            Ok(None) => return Ok(false),
            Err(error) => {
                self.cannot_read(path, &error);
                self.folders.forget(path);
                return Ok(false);
            }
        };
        self.heed_journal()?;
        let Some(recorded) = take_in(&mut self.journal, &self.config, &self.state, &arrived)?
        else {
            tracing::info!("a notice without an offer: {}", why_not(&arrived.notice));
            return Ok(false);
        };
        self.telling.lies_at(recorded.id, path);
        self.has_news = true;
        if recorded.is_new {
            let (id, waiting) = (recorded.id, recorded.waiting);
            tracing::info!("offer {id}: an opt-out would help {waiting} recipient(s)");
        } else {
            tracing::debug!("offer {}: a notice about it", recorded.id);
        }
        Ok(recorded.is_new)
    }
}

/// Why the notice makes no offer, naming nobody.
fn why_not(notice: &Notice) -> &'static str {
    match consider(notice) {
        Ok(_) => "who waits was sent the message again, or has it",
        Err(no_offer) => no_offer.kind(),
    }
}
