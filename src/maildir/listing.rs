//! The files of some folders, in the order in which they are worth reading.

use std::collections::{HashMap, HashSet};
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use rustix::fs::{CWD, Dir, FileType};

use super::folder::{self, FileName, PARTS, Unreadable};
use super::head;
use super::pulse::Pulse;

/// Two changes of a directory within a tick of the file system's clock look like one.
const TICK: Duration = Duration::from_millis(20);

/// So many directories stay open, so that their files are opened without walking the whole path. The
/// system allows a process about a thousand open files.
const OPEN: usize = 256;
/// Fewer directories than this are listed by one thread.
const FEW: usize = 6;
/// More threads than this only get in each other's way.
const THREADS: usize = 4;

/// Names of files. Those of a directory lie in one block of bytes: a million of them cost no million
/// allocations.
#[derive(Default)]
pub(super) struct Listing {
    directories: Vec<Directory>,
    files: Vec<Listed>,
    /// Directories that were no longer there.
    missing: Vec<PathBuf>,
}

/// A directory that was listed.
struct Directory {
    path: PathBuf,
    open: Option<File>,
    names: Vec<u8>,
    /// The time of its last change, if it was listed without a gap, as far as its times can tell.
    unchanged_since: Option<SystemTime>,
}

/// One file of a [`Listing`]. The order of these is the order of reading.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Listed {
    /// How far its time lies from the time that is looked for, in seconds.
    distance: u32,
    directory: u32,
    start: u32,
    length: u16,
}

impl Listing {
    /// The files of `folders`. `near` is the time that is looked for, in seconds since 1970; without one
    /// the newest come first.
    pub(super) fn of(
        folders: &[PathBuf],
        near: Option<i64>,
        pulse: &Pulse,
        unreadable: &mut Unreadable,
    ) -> Self {
        let parts = folders
            .iter()
            .flat_map(|folder| PARTS.map(|part| folder.join(part)));
        let parts: Vec<PathBuf> = parts.collect();
        let next = AtomicUsize::new(0);
        let work = || {
            let mut done = Vec::new();
            loop {
                let number = next.fetch_add(1, Ordering::Relaxed);
                let Some(path) = parts.get(number) else {
                    return done;
                };
                pulse.enter(path);
                done.push((number, Directory::list(path, number, near, pulse)));
            }
        };
        let threads = match parts.len() {
            ..FEW => 1,
            _ => thread::available_parallelism().map_or(1, usize::from),
        };
        let mut done = thread::scope(|scope| {
            let others: Vec<_> = (1..threads.min(THREADS))
                .map(|_| scope.spawn(work))
                .collect();
            let mut done = work();
            for other in others {
                match other.join() {
                    Ok(more) => done.extend(more),
                    Err(panic) => std::panic::resume_unwind(panic),
                }
            }
            done
        });
        done.sort_unstable_by_key(|(number, _)| *number);
        let mut listing = Self::default();
        for (number, (directory, files, result)) in done {
            match result {
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    listing.missing.push(parts[number].clone());
                }
                Err(error) => unreadable.add(&parts[number], &error),
                Ok(()) => {}
            }
            listing.directories.push(directory);
            listing.files.extend(files);
        }
        listing
    }

    pub(super) fn len(&self) -> usize {
        self.files.len()
    }

    /// Puts the `count` nearest files first and in order, and the others behind in none.
    pub(super) fn sort_nearest(&mut self, count: usize) {
        if count < self.files.len() {
            self.files.select_nth_unstable(count);
        }
        let count = count.min(self.files.len());
        self.files[..count].sort_unstable();
    }

    /// Puts the files from `start` on in order.
    pub(super) fn sort_from(&mut self, start: usize) {
        self.files[start..].sort_unstable();
    }

    pub(super) fn path(&self, index: usize) -> PathBuf {
        self.directory(index).join(self.file_name(index))
    }

    /// Opens a file to read its header block.
    pub(super) fn open(&self, index: usize) -> io::Result<File> {
        let directory = &self.directories[self.files[index].directory as usize];
        match &directory.open {
            Some(open) => head::open(open, self.file_name(index)),
            None => head::open(CWD, self.path(index).as_os_str()),
        }
    }

    pub(super) fn directory(&self, index: usize) -> &Path {
        &self.directories[self.files[index].directory as usize].path
    }

    /// The directories, each with the time since which it has not changed, as far as that can be told.
    pub(super) fn directories(&self) -> impl Iterator<Item = (&Path, Option<SystemTime>)> {
        let directories = self.directories.iter();
        directories.map(|directory| (directory.path.as_path(), directory.unchanged_since))
    }

    /// Directories that were no longer there when they were to be listed.
    pub(super) fn missing(&self) -> &[PathBuf] {
        &self.missing
    }

    /// The names that were listed in some directories, by their numbers in [`Listing::directories`].
    pub(super) fn names_in(&self, directories: &[usize]) -> HashMap<usize, HashSet<OsString>> {
        let names = directories.iter().map(|number| (*number, HashSet::new()));
        let mut names: HashMap<usize, HashSet<OsString>> = names.collect();
        for file in &self.files {
            if let Some(names) = names.get_mut(&(file.directory as usize)) {
                names.insert(self.name_of(file).to_owned());
            }
        }
        names
    }

    pub(super) fn name(&self, index: usize) -> FileName<'_> {
        FileName::parse(self.file_name(index))
    }

    pub(super) fn distance(&self, index: usize) -> u64 {
        self.files[index].distance.into()
    }

    pub(super) fn directory_number(&self, index: usize) -> usize {
        self.files[index].directory as usize
    }

    pub(super) fn file_name(&self, index: usize) -> &OsStr {
        self.name_of(&self.files[index])
    }

    fn name_of(&self, file: &Listed) -> &OsStr {
        let names = &self.directories[file.directory as usize].names;
        let start = file.start as usize;
        OsStr::from_bytes(&names[start..start + usize::from(file.length)])
    }
}

impl Directory {
    /// Lists the directory with this number, as far as it can be read.
    fn list(
        path: &Path,
        number: usize,
        near: Option<i64>,
        pulse: &Pulse,
    ) -> (Self, Vec<Listed>, io::Result<()>) {
        let mut directory = Self {
            path: path.to_owned(),
            open: None,
            names: Vec::new(),
            unchanged_since: None,
        };
        let mut files = Vec::new();
        let result = File::open(path).and_then(|open| {
            let still = list_open(path, &open, |name| {
                pulse.beat();
                files.extend(directory.push(name, number, near));
            });
            directory.open = (number < OPEN).then_some(open);
            directory.unchanged_since = still?;
            Ok(())
        });
        (directory, files, result)
    }

    fn push(&mut self, name: &OsStr, number: usize, near: Option<i64>) -> Option<Listed> {
        let time = folder::time(name.as_bytes()).or_else(|| {
            fs::metadata(self.path.join(name))
                .ok()
                .map(|meta| meta.mtime())
        });
        let listed = Listed {
            distance: u32::try_from(distance(time, near)).unwrap_or(u32::MAX),
            directory: u32::try_from(number).ok()?,
            start: u32::try_from(self.names.len()).ok()?,
            length: u16::try_from(name.len()).ok()?,
        };
        self.names.extend_from_slice(name.as_bytes());
        Some(listed)
    }
}

/// How far a time lies from the one that is looked for; without one the newest are nearest.
pub(super) fn distance(time: Option<i64>, near: Option<i64>) -> u64 {
    let near = near.unwrap_or(i64::from(u32::MAX));
    time.map_or(u64::MAX, |time| time.abs_diff(near))
}

/// Lists the names in a directory that can be those of messages. None begins with a dot; programs
/// keep their state in such files.
///
/// A file that is renamed meanwhile may be missed. The answer is the time of the last change, if the
/// directory has stood still, so that none was. By a time that is [yet to come](is_to_come) one cannot be sure.
pub(super) fn list(directory: &Path, see: impl FnMut(&OsStr)) -> io::Result<Option<SystemTime>> {
    list_open(directory, &File::open(directory)?, see)
}

fn list_open(
    path: &Path,
    open: &File,
    mut see: impl FnMut(&OsStr),
) -> io::Result<Option<SystemTime>> {
    let changed = || open.metadata()?.modified();
    let before = changed()?;
    for entry in Dir::read_from(open)? {
        let entry = entry?;
        let name = OsStr::from_bytes(entry.file_name().to_bytes());
        let is_folder = || match entry.file_type() {
            FileType::Unknown => {
                fs::symlink_metadata(path.join(name)).is_ok_and(|meta| meta.is_dir())
            }
            kind => kind == FileType::Directory,
        };
        if !name.as_bytes().starts_with(b".") && !is_folder() {
            see(name);
        }
    }
    let is_still = changed()? == before && is_settled(before);
    Ok(is_still.then_some(before))
}

/// When something in the directory has come, gone or got another name.
pub(super) fn changed(directory: &Path) -> io::Result<SystemTime> {
    fs::metadata(directory)?.modified()
}

/// Is this time so far from now that the next change has another?
pub(super) fn is_settled(time: SystemTime) -> bool {
    let now = SystemTime::now();
    let apart = now.duration_since(time);
    apart.unwrap_or_else(|ahead| ahead.duration()) > TICK
}

/// Was a clock wrong?
pub(super) fn is_to_come(time: SystemTime) -> bool {
    time > SystemTime::now()
}

/// Is one time surely before the other?
pub(super) fn is_before(time: SystemTime, other: SystemTime) -> bool {
    other.duration_since(time).is_ok_and(|apart| apart > TICK)
}
