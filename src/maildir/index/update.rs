//! Bringing the index up to date, at a cost by what has changed.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, mpsc};
use std::thread;

use rustix::fs::{Mode, OFlags, openat};

use crate::maildir::folder::{FileName, PARTS, Unreadable};
use crate::maildir::head::HeadReader;

use super::folder_state::{Change, Name, Names, Stamp, open_parts};
use super::store::{self, Known, Mark, Store};

/// So many files at most are read in the order of their place on the disk, and written in the order of
/// their keys.
const PORTION: usize = 16 << 10;
/// Fewer new files than this are not worth a thread.
const FEW: usize = 256;
/// Reading is waiting for the disk: more threads than processors would only take turns.
const READERS: usize = 2;

/// How far the work has come.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// Folders that are done, of [`Step::of`].
    pub folders: usize,
    /// All folders.
    pub of: usize,
    /// Messages that were read, because they are new to the index.
    pub read: u64,
}

/// One pass over all folders.
pub(super) struct Update<'a> {
    pub(super) store: &'a Store,
    pub(super) tell: &'a mut dyn FnMut(Step),
    pub(super) unreadable: &'a mut Unreadable,
    pub(super) step: Step,
}

impl Update<'_> {
    /// Brings these folders up to date and forgets all others.
    pub(super) fn all(&mut self, folders: &[PathBuf]) -> rusqlite::Result<()> {
        let mut known: HashMap<PathBuf, Known> = self.store.folders()?.into_iter().collect();
        self.step.of = folders.len();
        for folder in folders {
            let known = match known.remove(folder) {
                Some(known) => known,
                None => self.store.add_folder(folder)?,
            };
            self.folder(folder, known)?;
            self.step.folders += 1;
            (self.tell)(self.step);
        }
        for gone in known.values() {
            self.store.remove_folder(gone.number)?;
        }
        Ok(())
    }

    /// Brings one folder up to date. One that cannot be read is counted, and stays as it is.
    pub(super) fn folder(&mut self, folder: &Path, mut known: Known) -> rusqlite::Result<()> {
        match self.changes(folder, &known) {
            Ok(None) => Ok(()),
            Ok(Some((names, stamps, is_whole))) => {
                let unread = self.unreadable.count;
                self.compare(folder, &known, &names, is_whole)?;
                // What could not be read may be next time, with no change of the folder.
                known.stamps = match self.unreadable.count == unread {
                    true => stamps,
                    false => [Stamp::NEVER; 2],
                };
                self.store.set_stamps(&known)
            }
            Err(error) => {
                self.unreadable.add(folder, &error);
                Ok(())
            }
        }
    }

    /// What lies in a folder that has changed, its new stamps, and whether all of it was listed. Where
    /// only `new` has changed, `cur` with its many names is not listed.
    fn changes(
        &self,
        folder: &Path,
        known: &Known,
    ) -> io::Result<Option<(Names, [Stamp; 2], bool)>> {
        let stamps = [
            Stamp::of(&folder.join(PARTS[0]))?,
            Stamp::of(&folder.join(PARTS[1]))?,
        ];
        let still = [0, 1].map(|part| stamps[part].is_still(known.stamps[part]));
        if still == [true, true] {
            return Ok(None);
        }
        let mut names = Names::default();
        names.add(folder, known.number, 0)?;
        if !still[1] {
            names.add(folder, known.number, 1)?;
        }
        names.sort();
        Ok(Some((names, stamps, !still[1])))
    }

    fn compare(
        &mut self,
        folder: &Path,
        known: &Known,
        names: &Names,
        is_whole: bool,
    ) -> rusqlite::Result<()> {
        let changes = match is_whole {
            true => Changes::by_folder(self.store, known, names)?,
            false => Changes::by_name(self.store, names)?,
        };
        self.store.together(|| {
            changes
                .gone
                .iter()
                .try_for_each(|key| self.store.remove(*key))?;
            changes.renamed.iter().try_for_each(|file| {
                self.store
                    .rename(file.key, usize::from(file.part), names.name(file))
            })
        })?;
        if changes.new.is_empty() {
            return Ok(());
        }
        match open_parts(folder) {
            Ok(parts) => self.read(&Reading::new(folder, &parts, names, &changes.new)),
            Err(error) => {
                self.unreadable.add(folder, &error);
                Ok(())
            }
        }
    }

    /// Reads new files and writes what is found, in the order of the keys.
    fn read(&mut self, reading: &Reading) -> rusqlite::Result<()> {
        if reading.new.len() < FEW {
            let mut reader = HeadReader::default();
            let rows = reading.portion(0, &mut reader);
            return self.write(reading, &rows);
        }
        thread::scope(|scope| {
            let (sender, receiver) = mpsc::sync_channel(READERS);
            for _ in 0..READERS {
                let sender = sender.clone();
                scope.spawn(move || reading.portions(&sender));
            }
            drop(sender);
            let (mut early, mut next) = (BTreeMap::new(), 0);
            for (number, rows) in receiver {
                early.insert(number, rows);
                while let Some(rows) = early.remove(&next) {
                    next += 1;
                    if let Err(error) = self.write(reading, &rows) {
                        reading.is_over.store(true, Ordering::Relaxed);
                        return Err(error);
                    }
                }
            }
            Ok(())
        })
    }

    fn write(&mut self, reading: &Reading, rows: &[Row]) -> rusqlite::Result<()> {
        let names = reading.names;
        self.store.together(|| {
            rows.iter().try_for_each(|row| {
                let mark = Mark {
                    part: usize::from(row.file.part),
                    is_ours: row.is_ours,
                };
                let Name { key, inode, .. } = row.file;
                self.store
                    .put(key, row.id, mark, inode, names.name(&row.file))
            })
        })?;
        if let Ok(mut unreadable) = reading.unreadable.lock() {
            self.unreadable.join(std::mem::take(&mut *unreadable));
        }
        self.step.read += rows.len() as u64;
        (self.tell)(self.step);
        Ok(())
    }
}

/// What is to be done for a folder.
#[derive(Default)]
struct Changes {
    gone: Vec<i64>,
    renamed: Vec<Name>,
    /// Those in the place of another file as well. Their numbers in [`Names::files`]: a million of them at first.
    new: Vec<u32>,
}

impl Changes {
    /// Compares all names with all that are known. Both are in the order of their keys.
    fn by_folder(store: &Store, known: &Known, names: &Names) -> rusqlite::Result<Changes> {
        let mut changes = Changes::default();
        let mut at = (0..).zip(&names.files).peekable();
        store.each_file(known.number, |key, seen| {
            while let Some((number, _)) = at.next_if(|(_, file)| file.key < key) {
                changes.new.push(number);
            }
            match at.next_if(|(_, file)| file.key == key) {
                None => changes.gone.push(key),
                Some((number, file)) => changes.add(number, file, names.compare(file, &seen)),
            }
        })?;
        changes.new.extend(at.map(|(number, _)| number));
        Ok(changes)
    }

    /// Compares a few names with what is known of each. What is gone does not show.
    fn by_name(store: &Store, names: &Names) -> rusqlite::Result<Changes> {
        let mut changes = Changes::default();
        for (number, file) in (0..).zip(&names.files) {
            match store.file(file.key, |seen| names.compare(file, &seen))? {
                None => changes.new.push(number),
                Some(change) => changes.add(number, file, change),
            }
        }
        Ok(changes)
    }

    fn add(&mut self, number: u32, file: &Name, change: Change) {
        match change {
            Change::None => {}
            Change::Renamed => self.renamed.push(*file),
            Change::Replaced => {
                self.gone.push(file.key);
                self.new.push(number);
            }
        }
    }
}

/// What the index keeps of a file.
struct Row {
    file: Name,
    id: i64,
    is_ours: bool,
}

/// New files of one folder, read by some threads.
struct Reading<'a> {
    folder: &'a Path,
    parts: &'a [File; 2],
    names: &'a Names,
    new: &'a [u32],
    /// So many of them a reader takes at a time: all readers have a part even in a small folder.
    size: usize,
    next: AtomicUsize,
    is_over: AtomicBool,
    unreadable: Mutex<Unreadable>,
}

impl<'a> Reading<'a> {
    fn new(folder: &'a Path, parts: &'a [File; 2], names: &'a Names, new: &'a [u32]) -> Self {
        Self {
            folder,
            parts,
            names,
            new,
            size: new.len().div_ceil(READERS).clamp(FEW, PORTION),
            next: AtomicUsize::new(0),
            is_over: AtomicBool::new(false),
            unreadable: Mutex::default(),
        }
    }

    /// Reads portions until there are no more, or nobody wants them any longer.
    fn portions(&self, sender: &mpsc::SyncSender<(usize, Vec<Row>)>) {
        let mut reader = HeadReader::default();
        while !self.is_over.load(Ordering::Relaxed) {
            let number = self.next.fetch_add(1, Ordering::Relaxed);
            if number * self.size >= self.new.len()
                || sender
                    .send((number, self.portion(number, &mut reader)))
                    .is_err()
            {
                break;
            }
        }
    }

    /// A file that has gone is left out: its folder has changed again, and the next look sees it.
    fn portion(&self, number: usize, reader: &mut HeadReader) -> Vec<Row> {
        let start = number * self.size;
        let numbers = &self.new[start..self.new.len().min(start + self.size)];
        let files = numbers
            .iter()
            .map(|number| self.names.files[*number as usize]);
        let mut files: Vec<Name> = files.collect();
        files.sort_unstable_by_key(|file| file.inode);
        let mut rows = Vec::with_capacity(files.len());
        for file in files {
            match self.glance(&file, reader) {
                Ok(row) => rows.push(row),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => self.count(&file, &error),
            }
        }
        rows.sort_unstable_by_key(|row| row.file.key);
        rows
    }

    fn glance(&self, file: &Name, reader: &mut HeadReader) -> io::Result<Row> {
        // A name may be that of a pipe: NONBLOCK opens it without waiting for a writer.
        let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
        let directory = &self.parts[usize::from(file.part)];
        let opened = openat(directory, self.names.name(file), flags, Mode::empty())?;
        let glance = reader.glance(&mut File::from(opened))?;
        Ok(Row {
            file: *file,
            id: glance.id.as_deref().map_or(0, store::id),
            is_ours: glance.is_ours,
        })
    }

    fn count(&self, file: &Name, error: &io::Error) {
        let name = std::ffi::OsStr::from_bytes(self.names.name(file));
        let path = self.folder.join(PARTS[usize::from(file.part)]).join(name);
        if let Ok(mut unreadable) = self.unreadable.lock() {
            unreadable.add(&path, error);
        }
    }
}

/// Adds one file, or notes its new name. One in a folder that is not known is left to the next look.
pub(super) fn one(store: &Store, message: &Path) -> rusqlite::Result<()> {
    let (Some(name), Some(directory)) = (message.file_name(), message.parent()) else {
        return Ok(());
    };
    if name.as_bytes().starts_with(b".") {
        return Ok(());
    }
    let part = PARTS.iter().position(|part| directory.ends_with(part));
    let (Some(part), Some(folder)) = (part, directory.parent()) else {
        return Ok(());
    };
    let Some(known) = store.folder(folder)? else {
        return Ok(());
    };
    let key = store::key(known.number, FileName::parse(name).base);
    let mut options = std::fs::OpenOptions::new();
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let opened = options.read(true).custom_flags(flags).open(message);
    let read = opened.and_then(|mut file| {
        let inode = file.metadata()?.ino();
        Ok((inode, HeadReader::default().glance(&mut file)?))
    });
    let Ok((inode, glance)) = read else {
        return Ok(());
    };
    let mark = Mark {
        part,
        is_ours: glance.is_ours,
    };
    let id = glance.id.as_deref().map_or(0, store::id);
    store.put(key, id, mark, inode, name.as_bytes())
}
