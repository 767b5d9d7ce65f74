//! The files of some folders, in the order in which they are worth reading.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::folder::{FileName, PARTS, Unreadable};
use super::pulse::Pulse;

/// Two changes of a directory within a tick of the file system's clock look like one.
const TICK: Duration = Duration::from_millis(20);

/// Names of files. They lie in one block of bytes: a million of them cost no million allocations.
#[derive(Default)]
pub(super) struct Listing {
    directories: Vec<PathBuf>,
    /// The time of the last change of each, if it surely was listed without a gap.
    unchanged_since: Vec<Option<SystemTime>>,
    names: Vec<u8>,
    files: Vec<Listed>,
}

/// One file of a [`Listing`]. The order of these is the order of reading.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Listed {
    /// How far its time lies from the time that is looked for, in seconds.
    distance: u64,
    directory: u32,
    start: usize,
    length: u16,
}

impl Listing {
    /// Adds the files of `folder`. `near` is the time that is looked for, in seconds since 1970;
    /// without one the newest come first.
    pub(super) fn add(
        &mut self,
        folder: &Path,
        near: Option<i64>,
        pulse: &Pulse,
        unreadable: &mut Unreadable,
    ) {
        for part in PARTS {
            let directory = folder.join(part);
            pulse.enter(&directory);
            if let Err(error) = self.add_directory(&directory, near, pulse) {
                unreadable.add(&directory, &error);
            }
        }
    }

    fn add_directory(
        &mut self,
        directory: &Path,
        near: Option<i64>,
        pulse: &Pulse,
    ) -> io::Result<()> {
        self.directories.push(directory.to_owned());
        self.unchanged_since.push(None);
        let still = list(directory, |name| {
            pulse.beat();
            self.push(directory, &name, near);
        })?;
        *self.unchanged_since.last_mut().expect("pushed above") = still;
        Ok(())
    }

    fn push(&mut self, directory: &Path, name: &OsStr, near: Option<i64>) {
        let time = FileName::parse(name).time.or_else(|| {
            fs::metadata(directory.join(name))
                .ok()
                .map(|meta| meta.mtime())
        });
        let distance = distance(time, near);
        let (Ok(length), Ok(directory)) = (
            u16::try_from(name.len()),
            u32::try_from(self.directories.len() - 1),
        ) else {
            return;
        };
        self.files.push(Listed {
            distance,
            directory,
            start: self.names.len(),
            length,
        });
        self.names.extend_from_slice(name.as_bytes());
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
        let file = &self.files[index];
        self.directories[file.directory as usize].join(file.name(&self.names))
    }

    pub(super) fn directory(&self, index: usize) -> &Path {
        &self.directories[self.files[index].directory as usize]
    }

    /// The directories, each with the time since which it has surely not changed.
    pub(super) fn directories(&self) -> impl Iterator<Item = (&Path, Option<SystemTime>)> {
        let directories = self.directories.iter().map(PathBuf::as_path);
        directories.zip(self.unchanged_since.iter().copied())
    }

    /// The names that were listed in a directory.
    pub(super) fn names_in(&self, directory: &Path) -> HashSet<OsString> {
        let number = self.directories.iter().position(|known| known == directory);
        self.files
            .iter()
            .filter(|file| Some(file.directory as usize) == number)
            .map(|file| file.name(&self.names).to_owned())
            .collect()
    }

    pub(super) fn name(&self, index: usize) -> FileName<'_> {
        FileName::parse(self.files[index].name(&self.names))
    }

    pub(super) fn distance(&self, index: usize) -> u64 {
        self.files[index].distance
    }
}

impl Listed {
    fn name<'a>(&self, names: &'a [u8]) -> &'a OsStr {
        OsStr::from_bytes(&names[self.start..self.start + usize::from(self.length)])
    }
}

/// How far a time lies from the one that is looked for; without one the newest are nearest.
pub(super) fn distance(time: Option<i64>, near: Option<i64>) -> u64 {
    time.map_or(u64::MAX, |time| time.abs_diff(near.unwrap_or(i64::MAX)))
}

/// Lists the names in a directory that can be those of messages. None begins with a dot; programs
/// keep their state in such files.
///
/// A file that is renamed meanwhile may be missed. The answer is the time of the last change, if the
/// directory has stood still, so that surely none was.
pub(super) fn list(
    directory: &Path,
    mut see: impl FnMut(OsString),
) -> io::Result<Option<SystemTime>> {
    let before = changed(directory)?;
    for entry in fs::read_dir(directory)? {
        let entry = entry?;
        let name = entry.file_name();
        if !name.as_bytes().starts_with(b".") && !entry.file_type().is_ok_and(|kind| kind.is_dir())
        {
            see(name);
        }
    }
    let is_still = changed(directory)? == before && is_long_ago(before);
    Ok(is_still.then_some(before))
}

/// When something in the directory has come, gone or got another name.
pub(super) fn changed(directory: &Path) -> io::Result<SystemTime> {
    fs::metadata(directory)?.modified()
}

fn is_long_ago(time: SystemTime) -> bool {
    SystemTime::now()
        .duration_since(time)
        .is_ok_and(|age| age > TICK)
}
