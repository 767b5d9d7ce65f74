//! Maildir and Maildir++: which directories are folders, and what the name of a file tells.
//!
//! <https://cr.yp.to/proto/maildir.html>; for Maildir++ the page of Courier. `tmp` is never read:
//! what lies there is not delivered yet.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use memchr::memmem;

use super::pulse::Pulse;

/// Where messages lie. `new` stands first: a message read while we look goes from there to `cur`.
pub const PARTS: [&str; 2] = ["new", "cur"];

/// What could not be read. The look-up goes on without it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unreadable {
    /// How many files and folders.
    pub count: usize,
    /// The first of them, at most [`Unreadable::NAMED`], each with the reason.
    pub named: Vec<(PathBuf, String)>,
}

impl Unreadable {
    /// How many are kept by name.
    pub const NAMED: usize = 10;

    pub(super) fn add(&mut self, path: &Path, error: &io::Error) {
        self.count += 1;
        if self.named.len() < Self::NAMED {
            let reason = match error.kind() {
                io::ErrorKind::NotADirectory => "is a file, not a Maildir".to_owned(),
                _ => error.to_string(),
            };
            self.named.push((path.to_owned(), reason));
        }
    }

    pub(super) fn join(&mut self, other: Unreadable) {
        self.count += other.count;
        self.named.extend(other.named);
        self.named.truncate(Self::NAMED);
    }
}

/// Is this directory a Maildir folder? `tmp` is not asked for: copies of a Maildir often lose it.
pub fn is_maildir(path: &Path) -> bool {
    PARTS.iter().all(|part| path.join(part).is_dir())
}

/// Walks to the folders below some roots, each folder once, however many paths and links lead to it.
#[derive(Debug, Default)]
pub struct Walk {
    entered: HashSet<(u64, u64)>,
    given: HashSet<(u64, u64)>,
    archives: usize,
    pulse: Pulse,
}

/// What names of compressed files end in.
const COMPRESSED: [&[u8]; 5] = [b".gz", b".bz2", b".xz", b".zst", b".zip"];

impl Walk {
    /// One whose progress `pulse` shows.
    pub fn with(pulse: &Pulse) -> Walk {
        Walk {
            pulse: pulse.clone(),
            ..Walk::default()
        }
    }

    /// How many compressed files lay beside the folders and in the directories above them.
    pub(super) fn archives(&self) -> usize {
        self.archives
    }

    /// The folder `path` alone, if it is one that this walk has not given before.
    pub fn only(&mut self, path: &Path) -> Option<PathBuf> {
        self.pulse.enter(path);
        let new = is_maildir(path) && self.given.insert(identity(path).ok()?);
        new.then(|| path.to_owned())
    }

    /// All directories at and below `root` in which a folder lies or may be made, and whether they are folders
    /// themselves that this walk has not given before. In no particular order: Maildir++ (`.Sub`), nested, mixed,
    /// through symbolic links. A loop of links ends.
    pub fn directories_below(
        &mut self,
        root: &Path,
        unreadable: &mut Unreadable,
    ) -> Vec<(PathBuf, bool)> {
        let mut directories = Vec::new();
        let mut to_do = vec![root.to_owned()];
        while let Some(directory) = to_do.pop() {
            self.pulse.enter(&directory);
            match identity(&directory) {
                Ok(identity) if self.entered.insert(identity) => {
                    let maildir = is_maildir(&directory);
                    match self.subdirectories(&directory, maildir, unreadable) {
                        Ok(found) => to_do.extend(found),
                        Err(error) => unreadable.add(&directory, &error),
                    }
                    let is_new_folder = maildir && self.given.insert(identity);
                    directories.push((directory, is_new_folder));
                }
                Ok(_) => {}
                Err(error) => unreadable.add(&directory, &error),
            }
        }
        directories
    }

    /// The directories in a directory. Of a Maildir not the three that hold its messages.
    /// Its compressed files are counted.
    fn subdirectories(
        &mut self,
        directory: &Path,
        maildir: bool,
        unreadable: &mut Unreadable,
    ) -> io::Result<Vec<PathBuf>> {
        let mut found = Vec::new();
        for entry in fs::read_dir(directory)? {
            let entry = entry?;
            if maildir
                && ["cur", "new", "tmp"]
                    .iter()
                    .any(|own| entry.file_name() == *own)
            {
                continue;
            }
            let kind = entry.file_type()?;
            if kind.is_dir() {
                found.push(entry.path());
            } else if kind.is_symlink() {
                match fs::metadata(entry.path()) {
                    Ok(meta) if meta.is_dir() => found.push(entry.path()),
                    Ok(_) => {}
                    Err(error) => unreadable.add(&entry.path(), &error),
                }
            } else {
                let name = entry.file_name();
                let is_compressed = |end: &&[u8]| name.as_bytes().ends_with(end);
                self.archives += usize::from(COMPRESSED.iter().any(is_compressed));
            }
        }
        Ok(found)
    }
}

/// What tells a directory from all others, whatever path leads to it.
fn identity(directory: &Path) -> io::Result<(u64, u64)> {
    let meta = fs::metadata(directory)?;
    Ok((meta.dev(), meta.ino()))
}

/// The name of a file in `cur` or `new`, taken apart. Any bytes are a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileName<'a> {
    /// What stays when flags change or a synchroniser renames the file: the name up to `:2,` or
    /// `:1,`, or `;2,` or `!2,` where the file system has no colons, and without what is appended as
    /// `,KEY=value` (`,U=5` of mbsync and OfflineIMAP, `,S=1234` of Dovecot). Any other colon is a
    /// letter of the name.
    pub base: &'a [u8],
    /// The letters after `:2,`, such as `S` seen, `D` draft. Empty where the name has none.
    pub flags: &'a [u8],
    /// All that stands before the flags.
    stem: &'a [u8],
    /// What the flags begin with: `:2,`, or another sign where the file system has no colons.
    info: &'a [u8],
    /// The time of delivery that the name begins with, in seconds since 1970.
    pub time: Option<i64>,
}

impl<'a> FileName<'a> {
    /// Takes a name apart.
    pub fn parse(name: &'a OsStr) -> Self {
        let name = name.as_bytes();
        let at = name
            .windows(3)
            .position(|at| matches!(at, [b':' | b';' | b'!', b'2', b',']));
        let (stem, rest) = name.split_at(at.unwrap_or(name.len()));
        let (info, flags) = rest.split_at_checked(3).unwrap_or((b":2,", rest));
        let end = (0..stem.len())
            .find(|&at| is_end_of_base(&stem[at..]))
            .unwrap_or(stem.len());
        let base = &stem[..end];
        Self {
            base,
            flags,
            stem,
            info,
            time: time(base),
        }
    }

    /// The name with these flags instead.
    pub fn with_flags(&self, flags: &[u8]) -> OsString {
        OsString::from_vec([self.stem, self.info, flags].concat())
    }

    /// Is the message marked as a draft?
    pub fn is_draft(&self) -> bool {
        self.flags.contains(&b'D')
    }
}

/// Does an info part or an appended `,KEY=` begin here?
fn is_end_of_base(rest: &[u8]) -> bool {
    let key = || {
        rest[1..]
            .iter()
            .take_while(|byte| byte.is_ascii_alphanumeric())
            .count()
    };
    match rest.first() {
        Some(b':') => rest.starts_with(b":1,"),
        Some(b',') => key() > 0 && rest.get(1 + key()) == Some(&b'='),
        _ => false,
    }
}

/// The number that a name begins with, if it can be a time: nine digits (1973) to eleven.
pub(super) fn time(base: &[u8]) -> Option<i64> {
    let digits = base.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let digits = (9..=11).contains(&digits).then(|| &base[..digits])?;
    std::str::from_utf8(digits).ok()?.parse().ok()
}

/// The number on the server that mbsync and OfflineIMAP write into a name, after `,U=`.
pub(super) fn number(name: &OsStr) -> Option<u32> {
    let name = name.as_bytes();
    let digits = &name[memmem::find(name, b",U=")? + 3..];
    let count = digits.iter().take_while(|byte| byte.is_ascii_digit());
    std::str::from_utf8(&digits[..count.count()])
        .ok()?
        .parse()
        .ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(name: &str) -> (String, String, Option<i64>) {
        let name = FileName::parse(OsStr::new(name));
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (text(name.base), text(name.flags), name.time)
    }

    #[test]
    fn names_of_all_makers() {
        let is = |name: &str, base: &str, flags: &str, time: Option<i64>| {
            assert_eq!(
                parsed(name),
                (base.to_owned(), flags.to_owned(), time),
                "{name}"
            );
        };
        let t = Some(1_700_000_000);
        is(
            "1700000000.R42_1.host:2,FS",
            "1700000000.R42_1.host",
            "FS",
            t,
        );
        is("1700000000.M1P2_3.host", "1700000000.M1P2_3.host", "", t);
        is(
            "1700000000.1_2.host,U=45:2,S",
            "1700000000.1_2.host",
            "S",
            t,
        );
        is(
            "1700000000_0.1.host,U=5,FMD5=7e33:2,",
            "1700000000_0.1.host",
            "",
            t,
        );
        is(
            "1700000000.M1P2.host,S=3252,W=3303:2,Sa",
            "1700000000.M1P2.host",
            "Sa",
            t,
        );
        is("1700000000.M1P2.host!2,D", "1700000000.M1P2.host", "D", t);
        is(
            "1700000000.a\\072b.host:1,x",
            "1700000000.a\\072b.host",
            "",
            t,
        );
        is("2026-11-24T10:00:01", "2026-11-24T10:00:01", "", None);
        is("17:02:40.a,U=5:2,S", "17:02:40.a", "S", None);
        is("17:02:41.b", "17:02:41.b", "", None);
        is("Smith, J.:2,S", "Smith, J.", "S", None);
        is("message-17:2,S", "message-17", "S", None);
        is("17000000001234567.x", "17000000001234567.x", "", None);
        is("12.x", "12.x", "", None);
        is("", "", "", None);
    }

    #[test]
    fn other_flags_leave_the_rest_of_the_name() {
        for (before, after) in [
            ("1.a.host", "1.a.host:2,FS"),
            ("1.a.host,U=5:2,", "1.a.host,U=5:2,FS"),
            ("1.a.host!2,D", "1.a.host!2,FS"),
            ("1.a.host:1,x", "1.a.host:1,x:2,FS"),
        ] {
            let name = FileName::parse(OsStr::new(before)).with_flags(b"FS");
            assert_eq!(name, after, "{before}");
        }
    }

    #[test]
    fn numbers_on_the_server() {
        let is = |name: &str| number(OsStr::new(name));
        assert_eq!(is("1700000000.1_2.host,U=45:2,S"), Some(45));
        assert_eq!(is("1700000000_0.1.host,U=5,FMD5=7e33:2,"), Some(5));
        assert_eq!(is("1700000000.M1P2.host,S=3252:2,U"), None);
        assert_eq!(is("1.host,U=:2,"), None);
        assert_eq!(is("1.host,U=99999999999:2,"), None);
    }

    #[test]
    fn a_name_that_is_not_utf8() {
        let name = FileName::parse(OsStr::from_bytes(b"1700000000.\xff:2,D"));
        assert_eq!(name.base, b"1700000000.\xff");
        assert!(name.is_draft());
    }

    proptest::proptest! {
        #[test]
        fn any_bytes_are_a_name(name in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..40)) {
            let parsed = FileName::parse(OsStr::from_bytes(&name));
            assert!(name.starts_with(parsed.base) && name.ends_with(parsed.flags));
        }

        /// Whatever a reader or a synchroniser does to a name, it stays that of the same message.
        #[test]
        fn the_base_stays(
            time in 100_000_000..99_999_999_999_i64,
            unique in "[a-zA-Z0-9_]{1,20}",
            host in "[a-z0-9.-]{1,20}",
            number in proptest::option::of(1..100_000_u32),
            size in proptest::option::of(1..100_000_u32),
            flags in proptest::option::of("[DFPRSTa-z]{0,8}"),
        ) {
            let base = format!("{time}.{unique}.{host}");
            let mut name = base.clone();
            for (key, value) in [("S", size), ("U", number)] {
                if let Some(value) = value {
                    name += &format!(",{key}={value}");
                }
            }
            if let Some(flags) = &flags {
                name += &format!(":2,{flags}");
            }
            let parsed = FileName::parse(OsStr::new(&name));
            assert_eq!(parsed.base, base.as_bytes());
            assert_eq!(parsed.time, Some(time));
            assert_eq!(parsed.flags, flags.unwrap_or_default().as_bytes());
        }
    }
}
