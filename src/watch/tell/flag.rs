//! The Maildir flag F ("flagged") on the notice: a new name for the file, nothing within it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use crate::maildir::{self, folder::FileName};

use super::{Telling, Tidings, folder_of};

/// How often it is tried while a mail reader renames the file too.
const ATTEMPTS: usize = 5;

/// Sets the flag. A notice that lies in no watched folder, or no longer, gets none.
pub(super) fn set(tidings: &Tidings) -> Telling {
    let Some(path) = &tidings.path else {
        return Telling::Done;
    };
    match flag(path) {
        Ok(()) => Telling::Done,
        Err(error) if error.kind() == io::ErrorKind::NotFound => Telling::Done,
        Err(error) => {
            tracing::warn!(
                "offer {}: its notice cannot be flagged: {error}",
                tidings.offer
            );
            Telling::Later
        }
    }
}

fn flag(path: &Path) -> io::Result<()> {
    let mut path = path.to_owned();
    for _ in 0..ATTEMPTS {
        let Some(flagged) = flagged(&path) else {
            return Ok(());
        };
        match rename(&path, &flagged) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                path = maildir::follow(&path).ok_or(error)?;
            }
            other => return other,
        }
    }
    Err(io::Error::other("it is renamed all the time"))
}

/// The name with the flag, in `cur`, the only place where names have flags; `None` where it has it, or where the
/// path is that of no message.
fn flagged(path: &Path) -> Option<PathBuf> {
    let name = FileName::parse(path.file_name()?);
    if name.flags.contains(&b'F') {
        return None;
    }
    // In the order of their letters, as all programs expect.
    let mut flags = name.flags.to_vec();
    let at = flags.iter().position(|flag| *flag > b'F');
    flags.insert(at.unwrap_or(flags.len()), b'F');
    Some(folder_of(path)?.join("cur").join(name.with_flags(&flags)))
}

/// Never over another file, where the file system can do that.
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Err(Errno::INVAL | Errno::NOSYS) if !to.exists() => fs::rename(from, to),
        other => Ok(other?),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_says_it() {
        let name = |path: &str| flagged(Path::new(path)).map(|path| path.display().to_string());
        for (before, after) in [
            ("/m/new/1.a.host", Some("/m/cur/1.a.host:2,F")),
            ("/m/new/1.a.host,U=5", Some("/m/cur/1.a.host,U=5:2,F")),
            ("/m/cur/1.a.host:2,", Some("/m/cur/1.a.host:2,F")),
            ("/m/cur/1.a.host:2,DS", Some("/m/cur/1.a.host:2,DFS")),
            ("/m/cur/1.a.host!2,S", Some("/m/cur/1.a.host!2,FS")),
            ("/m/cur/1.a.host:2,FS", None),
        ] {
            assert_eq!(name(before).as_deref(), after, "{before}");
        }
    }

    #[test]
    fn a_file_that_is_renamed_meanwhile_is_found_again() {
        let root = tempfile::tempdir().unwrap();
        for part in ["cur", "new"] {
            fs::create_dir(root.path().join(part)).unwrap();
        }
        let (new, cur) = (root.path().join("new/1.a"), root.path().join("cur/1.a:2,S"));
        fs::write(&cur, "notice").unwrap();
        flag(&new).unwrap();
        assert_eq!(
            fs::read(root.path().join("cur/1.a:2,FS")).unwrap(),
            b"notice"
        );
        assert!(!cur.exists());
        // Gone: nothing to flag, and nothing is made.
        assert_eq!(
            flag(&root.path().join("new/2.b")).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
        assert_eq!(fs::read_dir(root.path().join("cur")).unwrap().count(), 1);
    }
}
