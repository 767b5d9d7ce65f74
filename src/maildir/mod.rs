//! Finding the original in the user's Maildir, and proving that the copy found is what was sent.
//!
//! [`search::find`] looks for copies, [`proof::prove`] compares one with what the notice returned,
//! [`read`] takes the whole file.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use folder::{FileName, PARTS};

mod copy;
pub mod external;
pub mod folder;
mod head;
pub mod index;
mod listing;
pub mod proof;
pub mod pulse;
mod purpose;
pub mod search;
pub mod wildcard;

/// The largest message that is read, in bytes. Submission servers take less; the mail parser's
/// offsets end at 4 GiB.
pub const LARGEST: u64 = 512 << 20;

/// The whole message at `path`, a file in `new` or `cur`. Where it has been renamed meanwhile (a mail
/// reader changed its flags) it is found again by its base name.
///
/// # Errors
///
/// Whatever the system says; `FileTooLarge` above [`LARGEST`].
pub fn read(path: &Path) -> io::Result<Vec<u8>> {
    match read_file(path) {
        Err(gone) if gone.kind() == io::ErrorKind::NotFound => {
            let renamed = follow(path).ok_or(gone)?;
            read_file(&renamed)
        }
        other => other,
    }
}

fn read_file(path: &Path) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?
        .take(LARGEST + 1)
        .read_to_end(&mut bytes)?;
    if bytes.len() as u64 > LARGEST {
        let text = format!("{} is larger than {} MiB", path.display(), LARGEST >> 20);
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, text));
    }
    Ok(bytes)
}

/// Where the file that was at `path` is now: in the same folder, under the same base name.
pub(crate) fn follow(path: &Path) -> Option<PathBuf> {
    let base = FileName::parse(path.file_name()?).base;
    let folder = path.parent()?.parent()?;
    let has_it = |name: &OsStr| !base.is_empty() && FileName::parse(name).base == base;
    PARTS.iter().find_map(|part| {
        let mut entries = fs::read_dir(folder.join(part)).ok()?.filter_map(Result::ok);
        entries
            .find(|entry| has_it(&entry.file_name()))
            .map(|entry| entry.path())
    })
}
