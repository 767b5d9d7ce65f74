//! Which messages of one folder have been looked at.

use std::collections::{HashMap, HashSet};
use std::ffi::OsStr;
use std::fs::{self, Metadata};
use std::hash::{BuildHasher, RandomState};
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::{Duration, SystemTime};

use super::progress::Identity;
use crate::maildir::folder::FileName;

/// A file that was written within this time may not be complete: as long as that lasts each look sees whether
/// it has changed. Whoever takes longer breaks has given up.
const WRITING: Duration = Duration::from_secs(300);

/// The part of a message's digest that its file's number is, the rest being of its base name.
pub(super) const NUMBER: u64 = (1 << 20) - 1;

/// What is known of one folder.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Which folder it is: another may come to the same path.
    pub(super) identity: Identity,
    /// Digests of the messages that need no look, in order: 100,000 names themselves would take ten megabytes, and
    /// a hash set twice the room of the digests.
    pub(super) messages: Vec<u64>,
    /// When `new` and `cur` had last changed as they were listed.
    pub(super) listed: [Option<SystemTime>; 2],
    /// What those of the messages were like when they were read that may not have been complete.
    pub(super) fresh: HashMap<u64, State>,
}

impl Known {
    /// Where the messages of this name stand.
    pub(super) fn named(&self, name: u64) -> Range<usize> {
        let start = self.messages.partition_point(|message| *message < name);
        let end = |message: &u64| *message <= name | NUMBER;
        start..self.messages.partition_point(end)
    }

    /// Notes what the file of a message is like, as long as there may be more of it to come.
    pub(super) fn look_after(&mut self, message: u64, file: &Metadata, room: &mut usize) {
        let is_there = self.fresh.contains_key(&message);
        match fresh_state(file, SystemTime::now()) {
            Some(state) if is_there || *room > 0 => {
                self.fresh.insert(message, state);
                *room -= usize::from(!is_there);
            }
            Some(_) => {}
            None => *room += usize::from(self.fresh.remove(&message).is_some()),
        }
    }

    /// These messages are all that are left.
    pub(super) fn keep(&mut self, present: HashSet<u64>, room: &mut usize) {
        let fresh = self.fresh.len();
        self.fresh.retain(|message, _| present.contains(message));
        *room += fresh - self.fresh.len();
        self.fresh.shrink_to_fit();
        self.messages = present.into_iter().collect();
        self.messages.sort_unstable();
    }
}

/// When a file was written, and its size.
pub(super) type State = (SystemTime, u64);

/// What the file is like, if it may not be complete. One of another host may have a time to come.
fn fresh_state(file: &Metadata, now: SystemTime) -> Option<State> {
    let time = file.modified().ok()?;
    let age = now
        .duration_since(time)
        .unwrap_or_else(|error| error.duration());
    (age < WRITING).then_some((time, file.len()))
}

/// The digest of a name alone.
pub(super) fn name_digest(digest: &RandomState, name: &OsStr) -> u64 {
    digest.hash_one(FileName::parse(name).base) & !NUMBER
}

/// The digest of the message that has the name now.
pub(super) fn numbered(name: u64, path: &Path) -> Option<u64> {
    let file = fs::symlink_metadata(path).ok()?;
    Some(name | file.ino() & NUMBER)
}
