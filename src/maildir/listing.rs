//! The files of some folders, in the order in which they are worth reading.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use super::folder::{FileName, PARTS, Unreadable};

/// How often a directory is listed anew that changes under our eyes.
const ATTEMPTS: usize = 4;

/// Names of files. They lie in one block of bytes: a million of them cost no million allocations.
#[derive(Default)]
pub(super) struct Listing {
    directories: Vec<PathBuf>,
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
    pub(super) fn add(&mut self, folder: &Path, near: Option<i64>, unreadable: &mut Unreadable) {
        for part in PARTS {
            let directory = folder.join(part);
            if let Err(error) = self.add_directory(&directory, near) {
                unreadable.add(&directory, &error);
            }
        }
    }

    /// A file that is renamed while its directory is listed may be missed. So where the directory
    /// has changed meanwhile the list is made anew.
    fn add_directory(&mut self, directory: &Path, near: Option<i64>) -> io::Result<()> {
        let (files, names) = (self.files.len(), self.names.len());
        self.directories.push(directory.to_owned());
        for _ in 0..ATTEMPTS {
            let before = changed(directory)?;
            self.files.truncate(files);
            self.names.truncate(names);
            for entry in fs::read_dir(directory)? {
                let entry = entry?;
                let name = entry.file_name();
                // No message has a name that begins with a dot; programs keep their state so.
                if !name.as_bytes().starts_with(b".") && !entry.file_type()?.is_dir() {
                    self.push(directory, &name, near);
                }
            }
            if changed(directory)? == before {
                break;
            }
        }
        Ok(())
    }

    fn push(&mut self, directory: &Path, name: &OsStr, near: Option<i64>) {
        let time = FileName::parse(name).time.or_else(|| {
            fs::metadata(directory.join(name))
                .ok()
                .map(|meta| meta.mtime())
        });
        let distance = match (time, near) {
            (Some(time), Some(near)) => time.abs_diff(near),
            (Some(time), None) => time.abs_diff(i64::MAX),
            (None, _) => u64::MAX,
        };
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

    /// Keeps the files for which `keep` says so.
    pub(super) fn retain(&mut self, keep: impl Fn(FileName) -> bool) {
        let names = &self.names;
        self.files
            .retain(|file| keep(FileName::parse(file.name(names))));
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

fn changed(directory: &Path) -> io::Result<SystemTime> {
    fs::metadata(directory)?.modified()
}
