//! Finding the original without an index.
//!
//! Folders for sent mail come first, then all others; within each, files whose time is nearest to
//! the one that is looked for. Only header blocks are read, and no more once the right copy is found.
//! Otherwise every file is read, by several threads, and the copies found are ranked.

use std::collections::HashSet;
use std::io;
use std::ops::Range;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

pub use super::copy::{Copy, Flaw};
use super::folder::{FileName, PARTS, Unreadable, Walk, is_maildir};
use super::head::HeadReader;
use super::listing::{Listing, distance, list};

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
    /// Folders for sent mail. One that is no Maildir itself stands for all folders below it.
    pub sent: Vec<PathBuf>,
    /// Folders or roots of folders; everything below them is searched next.
    pub search: Vec<PathBuf>,
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
    /// What could not be read.
    pub unreadable: Unreadable,
}

/// The test that a copy must pass: the copy proof, and whatever the caller knows of the user. It gets
/// the header block and may be called by several threads.
pub type Accept<'a> = dyn Fn(&[u8]) -> bool + Sync + 'a;

/// Looks for the message `message_id` (without angle brackets), sent about the time `near` (seconds
/// since 1970). Ends early at a copy that `accept` takes and that has no [`Flaw`].
///
/// Only a file's own `Message-ID` counts, so neither a reply nor the notice is ever found. Files that
/// are renamed meanwhile are followed. What cannot be read is counted in the answer.
pub fn find(places: &Places, message_id: &str, near: Option<i64>, accept: &Accept<'_>) -> Found {
    let mut found = Found::default();
    let mut walk = Walk::default();
    let mut stages = Vec::new();
    let mut gone = Bases::new();
    for (roots, in_sent) in [(&places.sent, true), (&places.search, false)] {
        let mut folders = Vec::new();
        for root in roots {
            if in_sent && is_maildir(root) {
                folders.extend(walk.only(root));
            } else {
                folders.extend(walk.below(root, &mut found.unreadable));
            }
        }
        let query = Query {
            message_id,
            near,
            accept,
            in_sent,
        };
        gone.extend(query.look_in(&folders, &mut found));
        found.looked_in.extend_from_slice(&folders);
        stages.push((query, folders));
        if found.copies.iter().any(Copy::is_right) {
            break;
        }
    }
    // A file may have gone from one folder to another.
    for (query, folders) in &stages {
        query.follow(folders, gone.clone(), &mut found);
    }
    found.copies.sort_by(Copy::rank);
    // A file that was renamed between two looks is one copy.
    let mut seen = HashSet::new();
    found.copies.retain(|copy| seen.insert(copy.identity()));
    found
}

/// Base names of files that were there and then were not.
type Bases = HashSet<Vec<u8>>;

struct Query<'a> {
    message_id: &'a str,
    near: Option<i64>,
    accept: &'a Accept<'a>,
    in_sent: bool,
}

impl Query<'_> {
    /// Looks through some folders. The answer: files that have vanished and were not seen again.
    fn look_in(&self, folders: &[PathBuf], found: &mut Found) -> Bases {
        let mut listing = Listing::default();
        for folder in folders {
            listing.add(folder, self.near, &mut found.unreadable);
        }
        found.files_seen += listing.len();
        let gone = self.examine(&mut listing, found);
        self.follow(folders, gone, found)
    }

    /// Looks for files under their new names, and reads each at once where it is seen. The answer:
    /// those that are in none of the folders.
    fn follow(&self, folders: &[PathBuf], mut gone: Bases, found: &mut Found) -> Bases {
        let done = AtomicBool::new(false);
        for _ in 0..ROUNDS {
            if gone.is_empty() || found.copies.iter().any(Copy::is_right) {
                break;
            }
            let mut examiner = Examiner::new(self, &done);
            let mut seen = Bases::new();
            let mut sure = true;
            for directory in folders
                .iter()
                .flat_map(|folder| PARTS.map(|part| folder.join(part)))
            {
                let listed = list(&directory, |name| {
                    let parsed = FileName::parse(&name);
                    if gone.contains(parsed.base) {
                        seen.insert(parsed.base.to_vec());
                        let distance = distance(parsed.time, self.near);
                        examiner.file(directory.join(&name), parsed, distance);
                    }
                });
                // What cannot be listed has been counted before.
                sure &= listed.unwrap_or(true);
            }
            gone.retain(|base| !seen.contains(base));
            gone.extend(examiner.finish(found));
            if seen.is_empty() && sure {
                break;
            }
        }
        gone
    }

    /// Reads the files of a listing until the right copy is found. The answer: what has vanished.
    fn examine(&self, listing: &mut Listing, found: &mut Found) -> Bases {
        listing.sort_nearest(NEAREST);
        let done = AtomicBool::new(false);
        let mut first = Examiner::new(self, &done);
        first.files(listing, 0..listing.len().min(NEAREST));
        let mut gone = first.finish(found);
        if listing.len() <= NEAREST || done.load(Ordering::Relaxed) {
            return gone;
        }
        listing.sort_from(NEAREST);
        let listing = &*listing;
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

/// Reads files, in one thread.
struct Examiner<'a> {
    query: &'a Query<'a>,
    done: &'a AtomicBool,
    reader: HeadReader,
    copies: Vec<Copy>,
    gone: Bases,
    unreadable: Unreadable,
}

impl<'a> Examiner<'a> {
    fn new(query: &'a Query<'a>, done: &'a AtomicBool) -> Self {
        Self {
            query,
            done,
            reader: HeadReader::default(),
            copies: Vec::new(),
            gone: Bases::new(),
            unreadable: Unreadable::default(),
        }
    }

    /// Takes portions of a listing until it is at its end.
    fn portions(&mut self, listing: &Listing, next: &AtomicUsize) {
        while !self.done.load(Ordering::Relaxed) {
            let start = next.fetch_add(PORTION, Ordering::Relaxed);
            if start >= listing.len() {
                break;
            }
            self.files(listing, start..listing.len().min(start + PORTION));
        }
    }

    fn files(&mut self, listing: &Listing, files: Range<usize>) {
        for index in files {
            if self.done.load(Ordering::Relaxed) {
                break;
            }
            self.file(
                listing.path(index),
                listing.name(index),
                listing.distance(index),
            );
        }
    }

    fn file(&mut self, path: PathBuf, name: FileName, distance: u64) {
        match self.reader.with_id(&path, self.query.message_id) {
            Ok(head) => {
                self.gone.remove(name.base);
                if let Some(head) = head {
                    let accepted = (self.query.accept)(&head.header);
                    let in_sent = self.query.in_sent;
                    let copy = Copy::judge(path, name, distance, head, in_sent, accepted);
                    self.done.fetch_or(copy.is_right(), Ordering::Relaxed);
                    self.copies.push(copy);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.gone.insert(name.base.to_vec());
            }
            Err(error) => self.unreadable.add(&path, &error),
        }
    }

    /// Hands over what was found; the answer: what has vanished.
    fn finish(self, found: &mut Found) -> Bases {
        found.copies.extend(self.copies);
        found.unreadable.join(self.unreadable);
        self.gone
    }
}
