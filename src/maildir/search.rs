//! Finding the original.
//!
//! An index that knows it ([`super::index`]) is asked first. Without one
//! folders for sent mail come first, then all others; within each, files whose time is nearest to
//! the one that is looked for. Only header blocks are read, and no more once the right copy is found.
//! Otherwise every file is read, by several threads, and the copies found are ranked.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::SystemTime;

mod appeared;
mod examine;
mod numbered;
mod settle;

pub use super::copy::{Copy, Flaw};
use super::folder::{Unreadable, Walk, is_maildir};
use examine::Examiner;

use super::external::Program;
use super::listing::Listing;
use super::pulse::Pulse;
use super::wildcard::{expand_noting, stands_for};

/// So many files are read in order before threads are started: a hit is nearly always among them.
const NEAREST: usize = 256;
/// So many files a thread takes at a time.
const PORTION: usize = 64;
/// More threads than this only get in each other's way at the disk.
const THREADS: usize = 4;
/// How often renamed files are followed, should they be renamed again and again.
const ROUNDS: usize = 50;

/// Where to look.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Folders for sent mail. One that is no Maildir itself stands for all folders below it. Names may hold
    /// [wildcards](super::wildcard), here and below.
    pub sent: Vec<PathBuf>,
    /// Folders or roots of folders; everything below them is searched next.
    pub search: Vec<PathBuf>,
}

/// What an index knows of a message.
pub(super) struct Known {
    /// With at least one copy, the best [as it was sent](Copy::is_as_sent).
    pub(super) found: Found,
    /// No better one can lie in a folder for sent mail.
    pub(super) is_sure: bool,
}

/// What a look-up has found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Found {
    /// The copies, the best first. After an early end: those seen until then.
    pub copies: Vec<Copy>,
    /// The folders that were searched, in their order.
    pub looked_in: Vec<PathBuf>,
    /// How many files they hold.
    pub files_seen: usize,
    /// How many files are compressed, and were left alone.
    pub compressed: usize,
    /// How many compressed files lie outside of folders, and were left alone.
    pub archives: usize,
    /// What could not be read.
    pub unreadable: Unreadable,
}

/// The test that a copy must pass: the copy proof, and whatever the caller knows of the user. It gets
/// the header block and may be called by several threads.
pub type Accept<'a> = dyn Fn(&[u8]) -> bool + Sync + 'a;

/// Looks for the message `message_id` (without angle brackets), sent about the time `near` (seconds
/// since 1970), without an index: [`Search::run`].
pub fn find(places: &Places, message_id: &str, near: Option<i64>, accept: &Accept<'_>) -> Found {
    Search {
        places,
        message_id,
        near,
        accept,
        is_for_all: false,
        index: None,
        external: None,
        pulse: &Pulse::default(),
    }
    .run()
}

/// What is looked for, and how.
pub struct Search<'a> {
    /// Where to look.
    pub places: &'a Places,
    /// Without angle brackets.
    pub message_id: &'a str,
    /// About when it was sent, in seconds since 1970.
    pub near: Option<i64>,
    /// The test that a copy must pass.
    pub accept: &'a Accept<'a>,
    /// Looks for all copies, asks no index and does not end early.
    pub is_for_all: bool,
    /// The file of the index ([`super::index::file`]), which need not exist.
    pub index: Option<&'a Path>,
    /// Asked for what the index does not know.
    pub external: Option<Program>,
    /// Shows to others how far the look-up is.
    pub pulse: &'a Pulse,
}

impl Search<'_> {
    /// Looks for the message: in the index, in another program's, then in all folders. Ends early at a copy that nothing speaks
    /// against ([`Copy::is_right`]), and at one that only lies elsewhere ([`Copy::is_as_sent`]) once all folders
    /// for sent mail have been read or the index has surely all of them.
    ///
    /// Only a file's own `Message-ID` counts, so neither a reply nor the notice is ever found. Files that
    /// are renamed or moved meanwhile are followed. What cannot be read is counted in the answer.
    pub fn run(&self) -> Found {
        let index = self.index.filter(|_| !self.is_for_all);
        let external = self.external.filter(|_| !self.is_for_all);
        let known = index
            .and_then(|index| super::index::answer(self, index))
            .or_else(|| super::external::answer(self, external?));
        match known {
            Some(known) if known.is_sure => known.found,
            Some(known) => self.without_index(known.found.copies),
            None => self.without_index(Vec::new()),
        }
    }

    /// `known`: copies that were found already. A better one is looked for only where sent mail lies.
    fn without_index(&self, known: Vec<Copy>) -> Found {
        let mut found = Found {
            copies: known,
            ..Found::default()
        };
        let mut walk = Walk::with(self.pulse);
        let mut stages = Vec::new();
        let mut gone = Bases::new();
        let begun = SystemTime::now();
        // What is likely in all folders comes before the rest of any.
        for in_sent in [true, false] {
            let folders = self.places.stage(in_sent, &mut walk, &mut found.unreadable);
            let stage = Stage {
                search: self,
                in_sent,
            };
            let mut listing = stage.list(&folders, &mut found);
            gone.extend(stage.examine_likely(&mut listing, &mut found));
            found.looked_in.extend(folders);
            stages.push((stage, listing));
            if !gone.is_empty() {
                settle::settle(&stages, &mut gone, &mut found);
            }
            if self.is_enough(&found) {
                break;
            }
        }
        for number in 0..stages.len() {
            // A copy elsewhere may be a draft that bears no sign of it: it is enough once all that was
            // sent has been read.
            let is_read = number > 0;
            if self.has_right(&found) || is_read && self.is_enough(&found) {
                break;
            }
            let (stage, listing) = &mut stages[number];
            gone.extend(stage.examine_rest(listing, &mut found));
            settle::settle(&stages, &mut gone, &mut found);
        }
        appeared::read_appeared(self, &mut stages, begun, &mut gone, &mut found);
        found.archives = walk.archives();
        found.copies.sort_by(Copy::rank);
        // A file that was renamed between two looks is one copy.
        let mut seen = HashSet::new();
        found.copies.retain(|copy| seen.insert(copy.identity()));
        found
    }

    /// Is there a copy than which nothing better lies in the folders that are not for sent mail?
    fn is_enough(&self, found: &Found) -> bool {
        !self.is_for_all && found.copies.iter().any(Copy::is_as_sent)
    }

    /// Is there a copy than which nothing better lies anywhere?
    fn has_right(&self, found: &Found) -> bool {
        !self.is_for_all && found.copies.iter().any(Copy::is_right)
    }
}

impl Places {
    /// What of a path in the searched folders lies below what stands above them.
    pub(super) fn below<'a>(&self, folder: &'a Path) -> Option<&'a Path> {
        let roots = || self.sent.iter().chain(&self.search);
        let is_root = |path: &&Path| roots().any(|root| stands_for(root, path));
        let root = folder.ancestors().filter(is_root).last()?;
        folder.strip_prefix(root.parent().unwrap_or(root)).ok()
    }

    /// All folders, those for sent mail first.
    pub(super) fn folders(&self, unreadable: &mut Unreadable) -> Vec<PathBuf> {
        let mut walk = Walk::default();
        let mut folders = self.stage(true, &mut walk, unreadable);
        folders.extend(self.stage(false, &mut walk, unreadable));
        folders
    }

    /// The folders for sent mail, or all others.
    pub(super) fn stage(
        &self,
        in_sent: bool,
        walk: &mut Walk,
        unreadable: &mut Unreadable,
    ) -> Vec<PathBuf> {
        let mut folders = Vec::new();
        self.each_directory(in_sent, walk, unreadable, &mut |directory, is_folder| {
            folders.extend(is_folder.then_some(directory));
        });
        folders
    }

    /// All directories in which such folders lie or may be made, and whether they are such themselves.
    fn each_directory(
        &self,
        in_sent: bool,
        walk: &mut Walk,
        unreadable: &mut Unreadable,
        see: &mut dyn FnMut(PathBuf, bool),
    ) {
        let roots = if in_sent { &self.sent } else { &self.search };
        let mut expanded = Vec::new();
        for root in roots {
            expanded.extend(expand_noting(root, unreadable));
        }
        for root in expanded {
            if in_sent && is_maildir(&root) {
                let is_new = walk.only(&root).is_some();
                see(root, is_new);
                continue;
            }
            let below = walk.directories_below(&root, unreadable);
            if below.is_empty() {
                see(root, false);
            }
            for (directory, is_folder) in below {
                see(directory, is_folder);
            }
        }
    }
}

/// Base names of files that were there and then were not.
type Bases = HashSet<Vec<u8>>;

/// The folders for sent mail, or all others.
struct Stage<'a> {
    search: &'a Search<'a>,
    in_sent: bool,
}

impl Stage<'_> {
    fn list(&self, folders: &[PathBuf], found: &mut Found) -> Listing {
        let search = self.search;
        let listing = Listing::of(folders, search.near, search.pulse, &mut found.unreadable);
        found.files_seen += listing.len();
        listing
    }

    /// Reads the files that are nearest in time, by their names or by their numbers. The answer: what has
    /// vanished.
    fn examine_likely(&self, listing: &mut Listing, found: &mut Found) -> Bases {
        listing.sort_nearest(NEAREST);
        let done = AtomicBool::new(false);
        let mut examiner = Examiner::new(self, &done);
        let nearest = listing.len().min(NEAREST);
        examiner.files(listing, 0..nearest);
        if let Some(near) = self.search.near
            && !done.load(Ordering::Relaxed)
        {
            let likely = numbered::likely(listing, nearest..listing.len(), near);
            examiner.files(listing, likely);
        }
        examiner.finish(found)
    }

    /// Reads all other files until the right copy is found. The answer: what has vanished.
    fn examine_rest(&self, listing: &mut Listing, found: &mut Found) -> Bases {
        let mut gone = Bases::new();
        if listing.len() <= NEAREST {
            return gone;
        }
        listing.sort_from(NEAREST);
        let listing = &*listing;
        let done = AtomicBool::new(false);
        let next = AtomicUsize::new(NEAREST);
        let work = || {
            let mut examiner = Examiner::new(self, &done);
            examiner.portions(listing, &next);
            examiner
        };
        let threads = thread::available_parallelism()
            .map_or(1, usize::from)
            .min(THREADS);
        thread::scope(|scope| {
            let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
            gone.extend(work().finish(found));
            for other in others {
                match other.join() {
                    Ok(examiner) => gone.extend(examiner.finish(found)),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
        });
        gone
    }
}
