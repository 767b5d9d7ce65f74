//! Has a folder changed since it was looked at, and what lies in it now?

use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirEntryExt, MetadataExt};
use std::path::Path;
use std::time::{Duration, SystemTime};

use crate::maildir::folder::{FileName, PARTS};

use super::store::{self, Seen};

/// A directory that has changed within this time may change again without showing it: clocks of file
/// systems tick as seldom as once in two seconds.
const TICK: Duration = Duration::from_secs(3);

/// What a directory was like: a digest of its device, number and times. It changes with each file that
/// comes, goes or is renamed there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp(pub(super) i64);

impl Stamp {
    /// Not looked at, or too early to tell.
    pub(super) const NEVER: Stamp = Stamp(0);

    /// The stamp of a directory at this moment. It is [`Stamp::NEVER`] where the next look could not tell
    /// a change by it.
    pub(super) fn of(directory: &Path) -> io::Result<Stamp> {
        let meta = fs::metadata(directory)?;
        let is_settled = |time: SystemTime| {
            SystemTime::now()
                .duration_since(time)
                .is_ok_and(|age| age > TICK)
        };
        if !is_settled(meta.modified()?) {
            return Ok(Stamp::NEVER);
        }
        let text = format!(
            "{} {} {} {} {} {}",
            meta.dev(),
            meta.ino(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec()
        );
        Ok(Stamp(store::id(&text)))
    }

    /// Does this stamp say that nothing has changed since the other?
    pub(super) fn is_still(self, before: Stamp) -> bool {
        self != Stamp::NEVER && self == before
    }
}

/// The names in a folder, in one block of bytes, in the order of their keys.
#[derive(Default)]
pub(super) struct Names {
    bytes: Vec<u8>,
    pub(super) files: Vec<Name>,
}

/// One of [`Names`].
#[derive(Clone, Copy)]
pub(super) struct Name {
    pub(super) key: i64,
    /// Its number in the file system: files are read in this order, which is about that on the disk.
    pub(super) inode: u64,
    start: u32,
    length: u8,
    pub(super) part: u8,
}

/// What has become of a file that is still there.
#[derive(Clone, Copy)]
pub(super) enum Change {
    None,
    /// It has another name.
    Renamed,
    /// Another file has its name.
    Replaced,
}

impl Names {
    /// Adds what lies in one part of a folder.
    pub(super) fn add(&mut self, folder: &Path, number: i64, part: usize) -> io::Result<()> {
        for entry in fs::read_dir(folder.join(PARTS[part]))? {
            let entry = entry?;
            let name = entry.file_name();
            let bytes = name.as_bytes();
            let is_folder = || entry.file_type().is_ok_and(|kind| kind.is_dir());
            let (Ok(start), Ok(length), Ok(part)) = (
                u32::try_from(self.bytes.len()),
                u8::try_from(bytes.len()),
                u8::try_from(part),
            ) else {
                continue;
            };
            if bytes.starts_with(b".") || is_folder() {
                continue;
            }
            self.files.push(Name {
                key: store::key(number, FileName::parse(&name).base),
                inode: entry.ino(),
                start,
                length,
                part,
            });
            self.bytes.extend_from_slice(bytes);
        }
        Ok(())
    }

    /// Puts them in order. Of two with one key, such as a file seen in `new` and then in `cur`, the one
    /// that was seen last stays.
    pub(super) fn sort(&mut self) {
        self.files
            .sort_unstable_by_key(|file| (file.key, std::cmp::Reverse(file.start)));
        self.files.dedup_by_key(|file| file.key);
    }

    /// What has become of a file since the index has seen it.
    pub(super) fn compare(&self, file: &Name, seen: &Seen<'_>) -> Change {
        if seen.inode != store::short(file.inode) {
            return Change::Replaced;
        }
        match seen.name == self.name(file) && seen.part == usize::from(file.part) {
            true => Change::None,
            false => Change::Renamed,
        }
    }

    pub(super) fn name(&self, file: &Name) -> &[u8] {
        let start = file.start as usize;
        &self.bytes[start..start + usize::from(file.length)]
    }
}

/// Opens the directories of a folder, so that its files are opened without walking the whole path.
pub(super) fn open_parts(folder: &Path) -> io::Result<[File; 2]> {
    Ok([
        File::open(folder.join(PARTS[0]))?,
        File::open(folder.join(PARTS[1]))?,
    ])
}
