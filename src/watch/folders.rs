//! The watched folders, and which of the messages in them have been looked at.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::fmt::Display;
use std::fs::{self, Metadata};
use std::hash::RandomState;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::DirEntryExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::known::{Known, NUMBER, name_digest, numbered};
use super::progress::{Identity, Window};
use super::survey::Survey;
use crate::maildir::folder::PARTS;
use crate::terminal::shown;

/// Two changes of a directory within a tick of the file system's clock look like one; that of some
/// file systems ticks once in two seconds.
const TICK: Duration = Duration::from_secs(3);
/// So many files at most are looked after in that way, of all folders.
const MOST_FRESH: usize = 1_000;
/// Of more nothing is said: a folder may be full of what cannot be read.
const MOST_SAID: usize = 1_000;

/// The watched folders. A message is known by its folder, its base name and the number of its file, so that moving
/// it from `new` to `cur` or changing its flags does not make it new again, and another message under its name is new.
#[derive(Debug)]
pub struct Folders {
    known: HashMap<PathBuf, Known>,
    digest: RandomState,
    /// So many more files can be looked after until they are complete.
    room: usize,
    said: BTreeSet<String>,
    missed: usize,
}

impl Default for Folders {
    fn default() -> Folders {
        Folders {
            known: HashMap::new(),
            digest: RandomState::new(),
            room: MOST_FRESH,
            said: BTreeSet::new(),
            missed: 0,
        }
    }
}

impl Folders {
    /// Begins a look at all folders of this survey. Says once what is wrong with it.
    pub fn begin(&mut self, survey: &Survey) {
        self.missed = 0;
        for (path, reason) in &survey.unreadable {
            self.miss(path, reason);
        }
        for root in &survey.empty {
            self.say(root, &"no Maildir folder there yet");
        }
        let present: HashSet<&PathBuf> = survey.folders.iter().collect();
        self.known.retain(|folder, _| present.contains(folder));
        let fresh: usize = self.known.values().map(|known| known.fresh.len()).sum();
        self.room = MOST_FRESH.saturating_sub(fresh);
    }

    /// The mail in this file or folder cannot be read. Says once why.
    pub fn miss(&mut self, path: &Path, reason: &impl Display) {
        self.missed += 1;
        self.say(path, reason);
    }

    /// How often that happened since the last [`Folders::begin`].
    pub fn missed(&self) -> usize {
        self.missed
    }

    fn say(&mut self, path: &Path, what: &impl Display) {
        let text = format!("{}: {what}", shown(&path.display().to_string()));
        if self.said.len() < MOST_SAID && self.said.insert(text.clone()) {
            tracing::warn!("{text}");
        }
    }

    /// Which folder lay at this path at the last look.
    pub fn seen(&self, folder: &Path) -> Identity {
        let known = self.known.get(folder);
        known.map_or_else(Identity::default, |known| known.identity)
    }

    /// The messages of `folder` that are not known, in the window that it has; now they are known. `None` when
    /// nothing in the folder has changed since the last look.
    ///
    /// # Errors
    /// When the folder cannot be listed.
    pub fn look(
        &mut self,
        folder: &Path,
        window: impl Fn(Identity) -> Window,
    ) -> io::Result<Option<Vec<PathBuf>>> {
        let parts = stat(folder)?;
        let identity = Identity::of(&parts);
        let changed = [parts[0].modified()?, parts[1].modified()?];
        let window = window(identity);
        let known = self.known.entry(folder.to_owned()).or_default();
        if known.identity != identity {
            self.room += known.fresh.len();
            *known = Known::default();
        }
        if known.listed == changed.map(Some) && known.fresh.is_empty() {
            return Ok(None);
        }
        let now = SystemTime::now();
        let is_settled = |time: &SystemTime| now.duration_since(*time).is_ok_and(|age| age > TICK);
        let (mut present, mut found) = (HashSet::new(), Vec::new());
        let mut has_moved = false;
        for part in PARTS {
            for entry in fs::read_dir(folder.join(part))? {
                let entry = entry?;
                let name = entry.file_name();
                let message = name_digest(&self.digest, &name) | entry.ino() & NUMBER;
                if name.as_bytes().starts_with(b".") || present.contains(&message) {
                    continue;
                }
                let as_read = known.fresh.get(&message);
                if as_read.is_some() || known.messages.binary_search(&message).is_err() {
                    match fs::metadata(entry.path()) {
                        Ok(file) if window.has(&file) => {
                            if as_read != Some(&(file.modified()?, file.len())) {
                                found.push(entry.path());
                            }
                            known.look_after(message, &file, &mut self.room);
                        }
                        Ok(_) => {}
                        // It has another name by now, and is still one to look at.
                        Err(error) if error.kind() == io::ErrorKind::NotFound => {
                            has_moved = true;
                            continue;
                        }
                        // Who reads it says why.
                        Err(_) => found.push(entry.path()),
                    }
                }
                present.insert(message);
            }
        }
        // Where it was moved away during the look, what was listed may be another's.
        let is_same = stat(folder).is_ok_and(|parts| Identity::of(&parts) == identity);
        known.identity = if is_same {
            identity
        } else {
            Identity::default()
        };
        known.keep(present, &mut self.room);
        known.listed = changed.map(|time| Some(time).filter(is_settled).filter(|_| !has_moved));
        Ok(Some(found))
    }

    /// Is this a message that is not known? Now it is. One that has gone may be known under its next name.
    pub fn is_new(&mut self, path: &Path) -> bool {
        let Some((folder, name)) = self.identity(path) else {
            return false;
        };
        let known = self.known.entry(folder.to_owned()).or_default();
        let message = numbered(name, path);
        if message.is_none() && !known.named(name).is_empty() {
            return false;
        }
        let message = message.unwrap_or(name);
        let place = known.messages.binary_search(&message);
        if let Err(place) = place {
            known.messages.insert(place, message);
            if let Ok(file) = fs::metadata(path) {
                known.look_after(message, &file, &mut self.room);
            }
        }
        place.is_err()
    }

    /// This message, of which an event told, will be read as it is now.
    pub fn will_read(&mut self, path: &Path) {
        if let Some((folder, name)) = self.identity(path)
            && let Some(known) = self.known.get_mut(folder)
            && let Some(message) = numbered(name, path)
            && let Ok(file) = fs::metadata(path)
        {
            known.look_after(message, &file, &mut self.room);
        }
    }

    /// What has this name is to be looked at again.
    pub fn forget(&mut self, path: &Path) {
        let Some((folder, name)) = self.identity(path) else {
            return;
        };
        if let Some(known) = self.known.get_mut(folder) {
            let named = known.named(name);
            for message in known.messages.drain(named) {
                self.room += usize::from(known.fresh.remove(&message).is_some());
            }
            known.listed = [None; 2];
        }
    }

    /// The folder of a message, and the digest of its base name.
    fn identity<'a>(&self, path: &'a Path) -> Option<(&'a Path, u64)> {
        let name = path.file_name()?;
        let folder = path.parent()?.parent()?;
        Some((folder, name_digest(&self.digest, name)))
    }
}

/// What the system says of `new` and `cur`.
fn stat(folder: &Path) -> io::Result<[Metadata; 2]> {
    let [new, cur] = PARTS.map(|part| fs::metadata(folder.join(part)));
    Ok([new?, cur?])
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::time::UNIX_EPOCH;

    use super::*;

    const ALL: fn(Identity) -> Window = |_| Window {
        since: UNIX_EPOCH,
        delivered: UNIX_EPOCH,
    };

    const NONE: [PathBuf; 0] = [];

    fn maildir(root: &Path) {
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(root.join(part)).unwrap();
        }
    }

    #[test]
    fn a_message_is_named_once_wherever_it_moves() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        maildir(root);
        let new = root.join("new/1.host");
        fs::write(&new, "").unwrap();
        let mut folders = Folders::default();
        let mut look = |window| folders.look(root, window).unwrap().expect("changes");
        assert_eq!(look(ALL), std::slice::from_ref(&new));
        let cur = root.join("cur/1.host,U=5:2,S");
        fs::rename(new, &cur).unwrap();
        assert!(look(ALL).is_empty());
        fs::write(root.join("cur/.state"), "").unwrap();
        assert!(look(ALL).is_empty());
        assert!(!folders.is_new(&cur));
        folders.forget(&cur);
        assert_eq!(folders.look(root, ALL).unwrap(), Some(vec![cur]));
    }

    /// No event tells of it: the file alone is another.
    #[test]
    fn a_name_that_is_used_again_is_another_message() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        maildir(root);
        let (new, other) = (root.join("new/1.host"), root.join("tmp/2.host"));
        fs::write(&new, "").unwrap();
        fs::write(&other, "").unwrap();
        let mut folders = Folders::default();
        let mut look = || folders.look(root, ALL).unwrap().expect("changes");
        assert_eq!(look(), std::slice::from_ref(&new));
        fs::rename(&other, &new).unwrap();
        assert_eq!(look(), std::slice::from_ref(&new));
        assert!(look().is_empty());
        // Two that lie there at once are two.
        let cur = root.join("cur/1.host:2,S");
        fs::write(&cur, "").unwrap();
        assert_eq!(look(), [cur]);
        assert!(look().is_empty());
        fs::write(&other, "").unwrap();
        fs::rename(&other, &new).unwrap();
        assert!(folders.is_new(&new));
        assert!(!folders.is_new(&new));
    }

    /// A link that leads nowhere stands for a name that has gone when it is looked at.
    #[test]
    fn a_message_that_moves_during_a_look_is_found_where_it_is() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        maildir(root);
        let mut folders = Folders::default();
        for name in ["1.host", "2.host"] {
            std::os::unix::fs::symlink("/nowhere/1", root.join("new").join(name)).unwrap();
        }
        let cur = root.join("cur/1.host:2,S");
        fs::write(&cur, "").unwrap();
        for part in PARTS {
            let directory = fs::File::open(root.join(part)).unwrap();
            directory.set_modified(UNIX_EPOCH).unwrap();
        }
        let found = |folders: &mut Folders| folders.look(root, ALL).unwrap();
        assert_eq!(found(&mut folders), Some(vec![cur]));
        // The other is one to look at, whether an event tells of it or a look finds it.
        assert!(found(&mut folders).is_some());
        assert!(folders.is_new(&root.join("cur/2.host:2,S")));
    }

    #[test]
    fn what_lies_before_the_window_is_not_read() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        maildir(root);
        let later = SystemTime::now() + Duration::from_secs(60);
        for (since, delivered) in [(later, UNIX_EPOCH), (UNIX_EPOCH, later)] {
            let window = |_| Window { since, delivered };
            fs::write(root.join("cur/1.host:2,"), "").unwrap();
            let mut folders = Folders::default();
            assert_eq!(folders.look(root, window).unwrap(), Some(Vec::new()));
            // It is known: a change of its flags is nothing new.
            assert!(!folders.is_new(&root.join("cur/1.host:2,S")));
        }
    }

    #[test]
    fn a_folder_that_stands_still_is_not_listed_again() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        maildir(root);
        let long_ago = SystemTime::now() - Duration::from_secs(60);
        for part in PARTS {
            let directory = fs::File::open(root.join(part)).unwrap();
            directory.set_modified(long_ago).unwrap();
        }
        let mut folders = Folders::default();
        assert!(folders.look(root, ALL).unwrap().is_some());
        assert!(folders.look(root, ALL).unwrap().is_none());
        fs::write(root.join("new/1.host"), "").unwrap();
        assert_eq!(folders.look(root, ALL).unwrap().unwrap().len(), 1);
        assert!(
            folders.look(root, ALL).unwrap().is_some(),
            "may have changed twice in a tick"
        );
    }

    /// Equal names, and times that say nothing.
    #[test]
    fn another_folder_at_the_same_path_was_never_looked_at() {
        let home = tempfile::tempdir().unwrap();
        let [here, other, away] = ["here", "other", "away"].map(|name| home.path().join(name));
        for folder in [&here, &other] {
            maildir(folder);
            fs::write(folder.join("cur/1.host:2,"), "").unwrap();
            for part in PARTS {
                let directory = fs::File::open(folder.join(part)).unwrap();
                directory.set_modified(UNIX_EPOCH).unwrap();
            }
        }
        let mut folders = Folders::default();
        let mut look = || folders.look(&here, ALL).unwrap().unwrap_or_default().len();
        assert_eq!((look(), look()), (1, 0));
        fs::rename(&here, &away).unwrap();
        fs::rename(&other, &here).unwrap();
        assert_eq!((look(), look()), (1, 0));
    }

    /// Nothing but the file itself shows that there is more in it.
    #[test]
    fn a_file_that_grows_after_a_look_is_looked_at_again() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        maildir(root);
        let slow = root.join("new/1.host");
        fs::write(&slow, "half").unwrap();
        let long_ago = SystemTime::now() - Duration::from_secs(3600);
        for part in PARTS {
            let directory = fs::File::open(root.join(part)).unwrap();
            directory.set_modified(long_ago).unwrap();
        }
        let mut folders = Folders::default();
        assert_eq!(folders.look(root, ALL).unwrap().unwrap(), [&*slow]);
        assert_eq!(folders.look(root, ALL).unwrap().unwrap(), NONE);
        let mut file = fs::OpenOptions::new().append(true).open(&slow).unwrap();
        file.write_all(b" and half").unwrap();
        assert_eq!(folders.look(root, ALL).unwrap().unwrap(), [&*slow]);
        // Nor does it matter that an event told of it first.
        let other = root.join("new/2.host");
        fs::write(&other, "half").unwrap();
        assert!(folders.is_new(&other));
        assert_eq!(folders.look(root, ALL).unwrap().unwrap(), NONE);
        fs::write(&other, "half and half").unwrap();
        folders.will_read(&other);
        assert_eq!(folders.look(root, ALL).unwrap().unwrap(), NONE);
        fs::write(&other, "half and half and more").unwrap();
        assert_eq!(folders.look(root, ALL).unwrap().unwrap(), [&*other]);
        // One that nobody has written for so long is complete.
        for path in [&slow, &other] {
            let file = fs::File::open(path).unwrap();
            file.set_modified(long_ago).unwrap();
        }
        for part in PARTS {
            let directory = fs::File::open(root.join(part)).unwrap();
            directory.set_modified(long_ago).unwrap();
        }
        assert_eq!(folders.look(root, ALL).unwrap().unwrap().len(), 2);
        assert!(folders.look(root, ALL).unwrap().is_none());
    }
}
