//! How far each folder has been looked through, remembered from one run to the next.

use std::collections::{BTreeMap, HashSet};
use std::ffi::OsString;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::config::durable;

/// How far back the first look at a folder goes: the time for which servers usually go on trying.
const FIRST: Duration = Duration::from_secs(5 * 24 * 3600);
/// What was delivered earlier than this is not offered, even if it appears in the folder only now.
const OLD: Duration = Duration::from_secs(30 * 24 * 3600);
/// By how much clocks may differ, and a look may take.
const OVERLAP: Duration = Duration::from_secs(3600);

/// Which folder lies at a path: the devices and inodes of its `new` and `cur`. That of no folder is all zeros.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
pub struct Identity([(u64, u64); 2]);

impl Identity {
    /// From what the system says of `new` and `cur`.
    pub fn of(parts: &[Metadata; 2]) -> Identity {
        Identity(parts.each_ref().map(|part| (part.dev(), part.ino())))
    }
}

/// Which files are worth a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// Put into the folder since then: written, renamed or linked (`st_ctime`, which no program can
    /// set; mbsync's `CopyArrivalDate` sets `st_mtime` to a time before the last look).
    pub since: SystemTime,
    /// Delivered since then (`st_mtime`).
    pub delivered: SystemTime,
}

impl Window {
    /// Is this file worth a look?
    pub fn has(self, file: &Metadata) -> bool {
        let changed = u64::try_from(file.ctime()).unwrap_or(0);
        let changed = UNIX_EPOCH.checked_add(Duration::from_secs(changed));
        // The fraction of a second is cut off: `since` is earlier by an overlap.
        changed.is_none_or(|changed| changed >= self.since)
            && file.modified().is_ok_and(|time| time >= self.delivered)
    }
}

/// The time of the last completed look at each folder.
#[derive(Debug)]
pub struct Progress {
    file: PathBuf,
    looked: BTreeMap<PathBuf, (Identity, u64)>,
    is_saved: bool,
}

impl Progress {
    /// What `file` remembers. Without it, or where it cannot be read, nothing has been looked at.
    pub fn load(file: PathBuf) -> Progress {
        let text = fs::read(&file).unwrap_or_default();
        let looked = text.split(|byte| *byte == 0).filter_map(record).collect();
        Progress {
            file,
            looked,
            is_saved: true,
        }
    }

    /// What a look at `folder` has to cover. Another folder at this path was never looked at. A time that is still
    /// to come says that the clock was set back, and not when the last look was.
    pub fn window(&self, folder: &Path, identity: Identity, now: SystemTime) -> Window {
        let before = |time: SystemTime, by| time.checked_sub(by).unwrap_or(UNIX_EPOCH);
        match self.looked(folder, identity) {
            None => Window {
                since: UNIX_EPOCH,
                delivered: before(now, FIRST),
            },
            Some(looked) => Window {
                since: match looked <= now {
                    true => before(looked, OVERLAP),
                    false => UNIX_EPOCH,
                },
                delivered: before(now, OLD),
            },
        }
    }

    fn looked(&self, folder: &Path, identity: Identity) -> Option<SystemTime> {
        let (known, seconds) = self.looked.get(folder)?;
        (*known == identity).then(|| UNIX_EPOCH + Duration::from_secs(*seconds))
    }

    /// A look at `folder` that began at `start` is complete. Where nothing had changed the time that is noted
    /// does as well, unless it is still to come: so a folder that stands still costs no writing.
    pub fn complete(
        &mut self,
        folder: &Path,
        identity: Identity,
        start: SystemTime,
        has_changed: bool,
    ) {
        let looked = self.looked(folder, identity);
        if !has_changed && looked.is_some_and(|looked| looked <= start) {
            return;
        }
        let since = start.duration_since(UNIX_EPOCH).unwrap_or_default();
        let looked = (identity, since.as_secs());
        self.looked.insert(folder.to_owned(), looked);
        self.is_saved = false;
    }

    /// Forgets all folders but these.
    pub fn keep(&mut self, present: &[PathBuf]) {
        let present: HashSet<&PathBuf> = present.iter().collect();
        let before = self.looked.len();
        self.looked.retain(|folder, _| present.contains(folder));
        self.is_saved &= self.looked.len() == before;
    }

    /// Writes the file, if there is something new.
    ///
    /// # Errors
    /// What the system says; the old file then stays.
    pub fn save(&mut self) -> io::Result<()> {
        if self.is_saved {
            return Ok(());
        }
        let mut text = Vec::new();
        for (folder, (Identity(parts), seconds)) in &self.looked {
            let [(a, b), (c, d)] = parts;
            text.extend_from_slice(format!("{seconds} {a} {b} {c} {d} ").as_bytes());
            text.extend_from_slice(folder.as_os_str().as_bytes());
            text.push(0);
        }
        durable::write(&self.file, &text)?;
        self.is_saved = true;
        Ok(())
    }
}

/// `1795500000 2049 131 2049 132 /home/alice/Mail/INBOX`: the time, the [`Identity`], any bytes in the path. It ends
/// with a zero, which is in no path. What is none of these, or a time too large for a clock, leaves the folder one
/// that was never looked at.
fn record(record: &[u8]) -> Option<(PathBuf, (Identity, u64))> {
    let mut fields = record.splitn(6, |byte| *byte == b' ');
    let mut number = || {
        std::str::from_utf8(fields.next()?)
            .ok()?
            .parse::<u64>()
            .ok()
    };
    let seconds = number()?;
    UNIX_EPOCH.checked_add(Duration::from_secs(seconds))?;
    let identity = Identity([(number()?, number()?), (number()?, number()?)]);
    let path = OsString::from_vec(fields.next()?.to_vec());
    Some((path.into(), (identity, seconds)))
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;

    use super::*;

    const HERE: Identity = Identity([(1, 2), (1, 3)]);

    #[test]
    fn each_folder_has_its_own_time() {
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join("looked");
        let odd = Path::new(OsStr::from_bytes(b"/Mail/\xff odd"));
        let now = UNIX_EPOCH + Duration::from_secs(1_795_500_000);
        let first = Window {
            since: UNIX_EPOCH,
            delivered: now - FIRST,
        };
        let mut progress = Progress::load(file.clone());
        assert_eq!(progress.window(odd, HERE, now), first);
        progress.complete(odd, HERE, now, true);
        progress.save().unwrap();
        let progress = Progress::load(file.clone());
        let window = progress.window(odd, HERE, now);
        assert_eq!(window.since, now - OVERLAP);
        assert_eq!(window.delivered, now - OLD);
        let other = progress.window(Path::new("/Mail/other"), HERE, now);
        assert_eq!(other, first);
        // Another folder was moved to this path.
        let moved = Identity([(1, 2), (1, 4)]);
        assert_eq!(progress.window(odd, moved, now), first);
    }

    #[test]
    fn any_name_is_remembered_and_what_has_gone_is_not() {
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join("looked");
        let names = ["/Mail/two\nlines", "/Mail/1 2 3", "/Mail/gone"].map(PathBuf::from);
        let now = UNIX_EPOCH + Duration::from_secs(1_795_500_000);
        let known = |progress: &Progress| {
            let is_known = |name: &PathBuf| progress.looked(name, HERE) == Some(now);
            names.each_ref().map(is_known)
        };
        let mut progress = Progress::load(file.clone());
        for name in &names {
            progress.complete(name, HERE, now, true);
        }
        progress.save().unwrap();
        let mut progress = Progress::load(file.clone());
        assert_eq!(known(&progress), [true; 3]);
        progress.keep(&names[..2]);
        progress.save().unwrap();
        assert_eq!(known(&Progress::load(file)), [true, true, false]);
    }

    #[test]
    fn a_time_to_come_hides_nothing() {
        let state = tempfile::tempdir().unwrap();
        let mut progress = Progress::load(state.path().join("looked"));
        let (folder, now) = (
            Path::new("/Mail"),
            UNIX_EPOCH + Duration::from_secs(1_795_500_000),
        );
        let since = |progress: &Progress, now| progress.window(folder, HERE, now).since;
        progress.complete(folder, HERE, now + OVERLAP * 2, true);
        // The clock is set back.
        assert_eq!(since(&progress, now), UNIX_EPOCH);
        assert_eq!(progress.window(folder, HERE, now).delivered, now - OLD);
        progress.complete(folder, HERE, now, false);
        assert_eq!(since(&progress, now), now - OVERLAP);
        // A folder that stands still gives nothing to write.
        progress.save().unwrap();
        progress.complete(folder, HERE, now + OVERLAP, false);
        assert!(progress.is_saved);
    }

    #[test]
    fn a_broken_file_means_a_first_look() {
        let state = tempfile::tempdir().unwrap();
        let file = state.path().join("looked");
        fs::write(
            &file,
            "\n\0 x\0soon 1 2 1 3 /Mail\x009 /Mail\x0018446744073709551615 1 2 1 3 /Mail\0",
        )
        .unwrap();
        let now = SystemTime::now();
        let window = Progress::load(file).window(Path::new("/Mail"), HERE, now);
        assert_eq!(window.since, UNIX_EPOCH);
    }
}
