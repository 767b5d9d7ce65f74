//! What moved while we looked: a file can go from a folder that is still to be listed to one that was
//! listed already, and be in no listing at all.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::Path;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use super::{Bases, Examiner, Found, ROUNDS, Stage};
use crate::maildir::folder::FileName;
use crate::maildir::listing::{Listing, changed, distance, is_to_come, list};

/// Folders that never stand still are looked at for no longer than this, once each has been looked at a
/// few times.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);
/// A few times.
pub(super) const FEW: usize = 4;

/// A directory that was listed.
struct Directory<'a> {
    /// Where it was listed, and its number there.
    stage: usize,
    number: usize,
    path: &'a Path,
    unchanged_since: Option<SystemTime>,
    /// Nothing can have been missed if it has not changed since.
    is_sure: bool,
    /// The names that were read, once the directory has changed.
    names: Option<HashSet<OsString>>,
}

/// Lists again what has changed since it was listed, and reads what was not there before, until all
/// directories stand still. `gone`: files that vanished before they could be read.
pub(super) fn settle(stages: &[(Stage, Listing)], gone: &mut Bases, found: &mut Found) {
    let mut directories = Vec::new();
    for (stage, (_, listing)) in stages.iter().enumerate() {
        let all = listing.directories().enumerate();
        directories.extend(all.map(|(number, (path, unchanged_since))| Directory {
            stage,
            number,
            path,
            unchanged_since,
            is_sure: unchanged_since.is_some_and(|time| !is_to_come(time)),
            names: None,
        }));
    }
    let begun = Instant::now();
    for round in 0..ROUNDS {
        if round >= FEW && begun.elapsed() > PATIENCE {
            break;
        }
        let mut changed: Vec<&mut Directory> = directories
            .iter_mut()
            .filter(|directory| directory.has_changed(&stages[directory.stage].0))
            .collect();
        if changed.is_empty() {
            break;
        }
        recall(stages, &mut changed);
        for directory in changed {
            let (stage, _) = &stages[directory.stage];
            if stage.search.has_right(found) {
                return;
            }
            directory.list_again(stage, gone, found);
        }
    }
}

/// Gives the directories the names that were read there.
fn recall(stages: &[(Stage, Listing)], directories: &mut [&mut Directory]) {
    for (stage, (_, listing)) in stages.iter().enumerate() {
        let needs = |directory: &Directory| directory.stage == stage && directory.names.is_none();
        let needy = directories.iter().filter(|directory| needs(directory));
        let numbers: Vec<usize> = needy.map(|directory| directory.number).collect();
        if numbers.is_empty() {
            continue;
        }
        let mut names = listing.names_in(&numbers);
        for directory in directories.iter_mut().filter(|directory| needs(directory)) {
            directory.names = names.remove(&directory.number);
        }
    }
}

impl Directory<'_> {
    fn has_changed(&self, stage: &Stage) -> bool {
        stage.search.pulse.enter(self.path);
        match changed(self.path) {
            Ok(now) => !self.is_sure || Some(now) != self.unchanged_since,
            // It has been counted as unreadable, or has another name.
            Err(_) => false,
        }
    }

    /// Reads what is new.
    fn list_again(&mut self, stage: &Stage, gone: &mut Bases, found: &mut Found) {
        let names = self.names.get_or_insert_default();
        let done = AtomicBool::new(false);
        let mut examiner = Examiner::new(stage, &done);
        let mut has_new = false;
        let listed = list(self.path, |name| {
            let parsed = FileName::parse(name);
            if !names.contains(name) || gone.contains(parsed.base) {
                gone.remove(parsed.base);
                let distance = distance(parsed.time, stage.search.near);
                examiner.file(self.path.join(name), parsed, distance);
                names.insert(name.to_owned());
                has_new = true;
            }
        });
        gone.extend(examiner.finish(found));
        match listed {
            Ok(still) => {
                // By a time to come one is sure when a second listing brings nothing new.
                let is_same = !has_new && still == self.unchanged_since;
                self.is_sure = still.is_some_and(|time| !is_to_come(time) || is_same);
                self.unchanged_since = still;
            }
            // It has been counted as unreadable.
            Err(_) => {
                self.unchanged_since = changed(self.path).ok();
                self.is_sure = true;
            }
        }
    }
}
