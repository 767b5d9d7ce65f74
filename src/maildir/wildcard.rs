//! Names of folders in the configuration that stand for several, as in a shell: `~/Mail/*/INBOX`.
//!
//! `*` and `?` stand for what a name has between two slashes, but for a dot at its beginning. Brackets stand for
//! themselves (`[Gmail]` is a folder of many), and so does a name that exists as it is written.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::folder::Unreadable;

/// What `name` stands for now, in order. One without wildcards stands for itself, whether it exists or not.
pub fn expand(name: &Path) -> Vec<PathBuf> {
    expand_noting(name, &mut Unreadable::default())
}

/// The same; notes the directories in which it could not be seen what is there.
pub fn expand_noting(name: &Path, unreadable: &mut Unreadable) -> Vec<PathBuf> {
    if !has_wildcards(name) || name.exists() {
        return vec![name.to_owned()];
    }
    let mut found = vec![PathBuf::new()];
    for part in name.components() {
        if has_wildcards(part) {
            let all = found.iter();
            found = all
                .flat_map(|directory| matching(part.as_ref(), directory, unreadable))
                .collect();
        } else {
            found.iter_mut().for_each(|path| path.push(part));
        }
    }
    found.retain(|path| match path.try_exists() {
        Ok(exists) => exists,
        Err(error) => {
            note(path, &error, unreadable);
            false
        }
    });
    found.sort_unstable();
    found
}

/// What in a directory has such a name.
fn matching(pattern: &OsStr, directory: &Path, unreadable: &mut Unreadable) -> Vec<PathBuf> {
    // The empty path stands for the current directory.
    let here = directory.join(".");
    let listed = fs::read_dir(here).and_then(Iterator::collect::<io::Result<Vec<_>>>);
    let entries = listed.unwrap_or_else(|error| {
        note(directory, &error, unreadable);
        Vec::new()
    });
    let names = entries.into_iter().map(|entry| entry.file_name());
    names
        .filter(|name| is_match(pattern, name))
        .map(|name| directory.join(name))
        .collect()
}

/// What is not there, or is a file in which nothing can lie, is nothing that was overlooked.
fn note(path: &Path, error: &io::Error, unreadable: &mut Unreadable) {
    let (missing, file) = (io::ErrorKind::NotFound, io::ErrorKind::NotADirectory);
    if error.kind() != missing && error.kind() != file {
        unreadable.add(path, error);
    }
}

/// Does `name` stand for this path, by the spelling alone?
pub(super) fn stands_for(name: &Path, path: &Path) -> bool {
    if name == path {
        return true;
    }
    let (names, parts) = (name.components(), path.components());
    has_wildcards(name)
        && names.clone().count() == parts.clone().count()
        && names.zip(parts).all(|(name, part)| {
            name == part || has_wildcards(name) && is_match(name.as_ref(), part.as_ref())
        })
}

fn has_wildcards(name: impl AsRef<OsStr>) -> bool {
    let bytes = name.as_ref().as_bytes();
    bytes.iter().any(|byte| matches!(byte, b'*' | b'?'))
}

/// Does the pattern of one part of a path stand for this name?
fn is_match(pattern: &OsStr, name: &OsStr) -> bool {
    let (pattern, name) = (pattern.as_bytes(), name.as_bytes());
    if name.starts_with(b".") && !pattern.starts_with(b".") {
        return false;
    }
    let (mut p, mut n) = (0, 0);
    // Where the last star stands, and what of the name follows all that it stands for.
    let mut star = None;
    while n < name.len() {
        match pattern.get(p) {
            Some(b'*') => {
                star = Some((p, n));
                p += 1;
            }
            Some(b'?') => {
                p += 1;
                n += character(&name[n..]);
            }
            Some(byte) if *byte == name[n] => {
                p += 1;
                n += 1;
            }
            _ => {
                let Some((at, from)) = star else {
                    return false;
                };
                let from = from + character(&name[from..]);
                star = Some((at, from));
                (p, n) = (at + 1, from);
            }
        }
    }
    pattern[p..].iter().all(|byte| *byte == b'*')
}

/// The length of the first character; of what is no UTF-8 a byte is one.
fn character(text: &[u8]) -> usize {
    let start = text.utf8_chunks().next().map_or("", |chunk| chunk.valid());
    start.chars().next().map_or(1, char::len_utf8)
}

/// The directories in which something may come that `name` will stand for. Of a name without wildcards that is the
/// nearest one above it that exists: it may be removed and made again.
pub fn directories_above(name: &Path) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    for above in name.ancestors().skip(1) {
        directories.extend(expand(above).into_iter().filter(|path| path.is_dir()));
        if !has_wildcards(above) && !directories.is_empty() {
            break;
        }
    }
    directories
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn home(folders: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        home
    }

    #[test]
    fn what_names_stand_for() {
        let home = home(&[
            "a/INBOX",
            "b/INBOX",
            ".c/INBOX",
            "d/INBOX/sub",
            "[G]/x",
            "G/x",
            "e*/INBOX",
        ]);
        let is = |name: &str, expected: &[&str]| {
            let expected: Vec<PathBuf> =
                expected.iter().map(|path| home.path().join(path)).collect();
            assert_eq!(expand(&home.path().join(name)), expected, "{name}");
        };
        is("*/INBOX", &["a/INBOX", "b/INBOX", "d/INBOX", "e*/INBOX"]);
        is("?/INBOX", &["a/INBOX", "b/INBOX", "d/INBOX"]);
        is(".*/INBOX", &[".c/INBOX"]);
        is("[G]/*", &["[G]/x"]);
        is("[G]/x", &["[G]/x"]);
        is("e*/INBOX", &["e*/INBOX"]);
        is("nothing/*", &[]);
        is("nothing", &["nothing"]);
    }

    #[test]
    fn spelling_alone() {
        let is = |name: &str, path: &str| stands_for(Path::new(name), Path::new(path));
        assert!(is("/m/*/INBOX", "/m/a/INBOX"));
        assert!(is("/m/[G]/*", "/m/[G]/x"));
        assert!(is("/m/a", "/m/a"));
        assert!(!is("/m/*", "/m/a/INBOX"));
        assert!(!is("/m/*", "/m/.a"));
        assert!(!is("/m/[G]/*", "/m/G/x"));
        assert!(is("/m/*/", "/m/a"));
        assert!(is("/m/a*/b", "/m/a*/b"));
    }

    #[test]
    fn names_one_by_one() {
        let is = |pattern: &[u8], name: &[u8]| {
            is_match(OsStr::from_bytes(pattern), OsStr::from_bytes(name))
        };
        for (pattern, name) in [
            ("*", "a"),
            ("a*", "a"),
            ("*b", "abab"),
            ("a*b*c", "aXbXbXc"),
            ("?", "ü"),
            ("b?ro", "büro"),
            ("*ü", "üüü"),
            (".*", ".a"),
        ] {
            assert!(is(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("*", ".a"),
            ("?", "ab"),
            ("a*b", "abc"),
            ("?", ""),
            ("a", "b"),
        ] {
            assert!(!is(pattern.as_bytes(), name.as_bytes()), "{pattern} {name}");
        }
        assert!(is(b"b?ro", b"b\xfcro") && is(b"*ro", b"b\xfcro") && is(b"b\xfc*", b"b\xfcro"));
        // The time does not grow with a power of the stars.
        let many = format!("{}b", "a*".repeat(60));
        assert!(!is(many.as_bytes(), "a".repeat(250).as_bytes()));
    }

    #[test]
    fn where_more_may_come() {
        let home = home(&["Mail/a", "Mail/b/INBOX"]);
        let above = |name: &str| {
            let found = directories_above(&home.path().join(name));
            let names = found
                .iter()
                .map(|path| path.strip_prefix(home.path()).unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(
            above("Mail/*/INBOX"),
            ["Mail/a", "Mail/b", "Mail"].map(PathBuf::from)
        );
        assert_eq!(above("Mail/a/INBOX"), ["Mail/a"].map(PathBuf::from));
        assert_eq!(above("none/*/INBOX"), [PathBuf::new()]);
    }
}
