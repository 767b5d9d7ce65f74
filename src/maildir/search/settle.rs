//! What moved while we looked: a file can go from a folder that is still to be listed to one that was
//! listed already, and be in no listing at all.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use super::{Bases, Examiner, Found, ROUNDS, Stage};
use crate::maildir::folder::FileName;
use crate::maildir::listing::{Listing, changed, distance, list};

/// Folders that never stand still are looked at for no longer than this, once each has been looked at a
/// few times.
const PATIENCE: Duration = Duration::from_secs(1);
/// A few times.
const FEW: usize = 4;

/// A directory that was listed.
struct Directory<'a> {
    stage: &'a Stage<'a>,
    listing: &'a Listing,
    path: PathBuf,
    unchanged_since: Option<SystemTime>,
    /// The names that were read, once the directory has changed.
    names: Option<HashSet<OsString>>,
}

/// Lists again what has changed since it was listed, and reads what was not there before, until all
/// directories stand still. `gone`: files that vanished before they could be read.
pub(super) fn settle(stages: &[(Stage, Listing)], gone: &mut Bases, found: &mut Found) {
    let mut directories: Vec<Directory> = stages
        .iter()
        .flat_map(|(stage, listing)| {
            listing
                .directories()
                .map(move |(path, unchanged_since)| Directory {
                    stage,
                    listing,
                    path: path.to_owned(),
                    unchanged_since,
                    names: None,
                })
        })
        .collect();
    let begun = Instant::now();
    for round in 0..ROUNDS {
        if round >= FEW && begun.elapsed() > PATIENCE {
            break;
        }
        let mut is_still = true;
        for directory in &mut directories {
            if stages
                .iter()
                .any(|(stage, _)| stage.search.has_right(found))
            {
                return;
            }
            is_still &= directory.look_again(gone, found);
        }
        if is_still {
            break;
        }
    }
}

impl Directory<'_> {
    /// Reads what is new. True when nothing has changed since the last time.
    fn look_again(&mut self, gone: &mut Bases, found: &mut Found) -> bool {
        self.stage.search.pulse.enter(&self.path);
        let now = changed(&self.path).ok();
        if now.is_none() || now == self.unchanged_since {
            return true;
        }
        let names = self
            .names
            .get_or_insert_with(|| self.listing.names_in(&self.path));
        let done = AtomicBool::new(false);
        let mut examiner = Examiner::new(self.stage, &done);
        let listed = list(&self.path, |name| {
            let parsed = FileName::parse(name);
            if !names.contains(name) || gone.contains(parsed.base) {
                gone.remove(parsed.base);
                let distance = distance(parsed.time, self.stage.search.near);
                examiner.file(self.path.join(name), parsed, distance);
                names.insert(name.to_owned());
            }
        });
        gone.extend(examiner.finish(found));
        match listed {
            Ok(still) => {
                self.unchanged_since = still;
                false
            }
            // It has been counted as unreadable.
            Err(_) => true,
        }
    }
}
