//! Reading files, one after the other.

use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use super::{Bases, Copy, Found, PORTION, Stage};
use crate::maildir::copy::{Place, leaf};
use crate::maildir::folder::{FileName, Unreadable};
use crate::maildir::head::{Head, HeadReader, is_compressed};
use crate::maildir::listing::Listing;

/// Reads files, in one thread.
pub(super) struct Examiner<'a> {
    stage: &'a Stage<'a>,
    done: &'a AtomicBool,
    reader: HeadReader,
    copies: Vec<Copy>,
    gone: Bases,
    compressed: usize,
    unreadable: Unreadable,
}

impl<'a> Examiner<'a> {
    pub(super) fn new(stage: &'a Stage<'a>, done: &'a AtomicBool) -> Self {
        Self {
            stage,
            done,
            reader: HeadReader::default(),
            copies: Vec::new(),
            gone: Bases::new(),
            compressed: 0,
            unreadable: Unreadable::default(),
        }
    }

    /// Takes portions of a listing until it is at its end.
    pub(super) fn portions(&mut self, listing: &Listing, next: &AtomicUsize) {
        while !self.done.load(Ordering::Relaxed) {
            let start = next.fetch_add(PORTION, Ordering::Relaxed);
            if start >= listing.len() {
                break;
            }
            self.files(listing, start..listing.len().min(start + PORTION));
        }
    }

    pub(super) fn files(&mut self, listing: &Listing, files: impl IntoIterator<Item = usize>) {
        let mut files = files.into_iter().peekable();
        if let Some(first) = files.peek() {
            self.stage.search.pulse.enter(listing.directory(*first));
        }
        for index in files {
            if self.done.load(Ordering::Relaxed) {
                break;
            }
            let id = self.stage.search.message_id;
            let opened = listing.open(index);
            let read = opened.and_then(|mut file| self.reader.with_id(&mut file, id));
            let path = || listing.path(index);
            self.judge(read, path, listing.name(index), listing.distance(index));
        }
    }

    pub(super) fn file(&mut self, path: PathBuf, name: FileName, distance: u64) {
        let id = self.stage.search.message_id;
        let read = self.reader.with_id_at(&path, id);
        self.judge(read, || path, name, distance);
    }

    fn judge(
        &mut self,
        read: io::Result<Option<Head>>,
        path: impl FnOnce() -> PathBuf,
        name: FileName,
        distance: u64,
    ) {
        match read {
            Ok(head) => {
                self.stage.search.pulse.file();
                self.gone.remove(name.base);
                if let Some(head) = head {
                    let accepted = (self.stage.search.accept)(&head.header);
                    let path = path();
                    let folder = path.ancestors().nth(2).unwrap_or(&path);
                    let place = Place {
                        is_for_sent: self.stage.in_sent,
                        folder: self
                            .stage
                            .search
                            .places
                            .below(folder)
                            .unwrap_or(leaf(&path)),
                    };
                    let copy = Copy::judge(path.clone(), name, distance, head, &place, accepted);
                    let is_last = !self.stage.search.is_for_all && copy.is_as_sent();
                    self.done.fetch_or(is_last, Ordering::Relaxed);
                    self.copies.push(copy);
                }
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                self.gone.insert(name.base.to_vec());
            }
            Err(error) if is_compressed(&error) => self.compressed += 1,
            Err(error) => self.unreadable.add(&path(), &error),
        }
    }

    /// Hands over what was found; the answer: what has vanished.
    pub(super) fn finish(self, found: &mut Found) -> Bases {
        found.copies.extend(self.copies);
        found.compressed += self.compressed;
        found.unreadable.join(self.unreadable);
        self.gone
    }
}
