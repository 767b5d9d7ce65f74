//! What the `sendmail` verb has sent, byte for byte, for a later resubmission.
//!
//! A file for each message in the state folder: a line of JSON with the envelope, then the message. The copy
//! that a mail reader keeps may differ from what it sent (no signature, no attachments); this one does not.

use std::fs::{self, DirBuilder, File};
use std::io::{self, BufRead, BufReader, Read};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use crate::config::durable;
use crate::maildir::LARGEST;

/// The envelope of a message that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Slip {
    /// Message-ID, without angle brackets; empty where the message has none.
    pub message_id: String,
    /// When, in seconds since 1970.
    pub sent: i64,
    /// The ENVID, also the name of the file.
    pub envelope_id: String,
    /// The envelope sender.
    pub sender: String,
    /// All recipients, `Bcc` included.
    pub recipients: Vec<String>,
    /// The submission server or command.
    pub server: String,
}

/// A message that was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Where it lies.
    pub path: PathBuf,
    /// Its envelope.
    pub slip: Slip,
    /// The message as it was sent, with the line ends of the mail reader.
    pub message: Vec<u8>,
}

/// The longest first line that is read, in bytes.
const LONGEST_SLIP: u64 = 1 << 20;

/// The folder for what was sent, in the state folder `state`.
pub fn folder(state: &Path) -> PathBuf {
    state.join("sent")
}

/// Keeps a message that was sent, in a file that only its owner may read.
///
/// # Errors
/// What the system says; then nothing is left behind.
pub fn keep(state: &Path, slip: &Slip, message: &[u8]) -> io::Result<()> {
    let folder = folder(state);
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    let mut bytes = serde_json::to_vec(slip)?;
    bytes.push(b'\n');
    bytes.extend_from_slice(message);
    durable::write(&folder.join(&slip.envelope_id), &bytes)
}

/// Removes what was sent longer ago than `days`, and what a crash has left half-written as long ago.
///
/// # Errors
/// What the system says of the folder. A file that cannot be removed is tried again the next time.
pub fn prune(state: &Path, days: u16, now: SystemTime) -> io::Result<()> {
    let oldest = now - Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    let entries = match fs::read_dir(folder(state)) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries?,
    };
    for entry in entries.filter_map(Result::ok) {
        let written = entry.metadata().and_then(|file| file.modified());
        if written.is_ok_and(|written| written <= oldest) {
            let _ = fs::remove_file(entry.path());
        }
    }
    Ok(())
}

/// The message with this Message-ID that `rank` puts highest, the newest of several; what it gives no rank is none.
///
/// A message that was resent (mutt's bounce) lies there more than once under one Message-ID.
pub fn find(state: &Path, message_id: &str, rank: &dyn Fn(&Kept) -> Option<u8>) -> Option<Kept> {
    let entries = fs::read_dir(folder(state)).ok()?;
    let found = entries
        .filter_map(Result::ok)
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .filter_map(|entry| read(entry.path(), |slip| slip.message_id == message_id).ok()?)
        .filter_map(|kept| Some((rank(&kept)?, kept)));
    let best = found.max_by_key(|(rank, kept)| (*rank, kept.slip.sent));
    best.map(|(_, kept)| kept)
}

/// The message that was sent under this ENVID.
pub fn by_envelope(state: &Path, envelope_id: &str) -> Option<Kept> {
    // What a notice says becomes a file name only if it cannot lead elsewhere.
    let is_name = envelope_id.bytes().all(|byte| byte.is_ascii_alphanumeric());
    let path = folder(state).join(Some(envelope_id).filter(|_| is_name)?);
    read(path, |slip| slip.envelope_id == envelope_id).ok()?
}

/// Only the first line of a file about another message is read.
fn read(path: PathBuf, is_wanted: impl Fn(&Slip) -> bool) -> io::Result<Option<Kept>> {
    let mut file = BufReader::new(File::open(&path)?);
    let mut line = Vec::new();
    (&mut file)
        .take(LONGEST_SLIP)
        .read_until(b'\n', &mut line)?;
    let slip: Slip = serde_json::from_slice(&line)?;
    if !is_wanted(&slip) {
        return Ok(None);
    }
    let mut message = Vec::new();
    file.take(LARGEST).read_to_end(&mut message)?;
    Ok(Some(Kept {
        path,
        slip,
        message,
    }))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn slip(message_id: &str, envelope_id: &str, sent: i64) -> Slip {
        Slip {
            message_id: message_id.to_owned(),
            sent,
            envelope_id: envelope_id.to_owned(),
            sender: "me@example.org".to_owned(),
            recipients: vec!["bob@example.net".to_owned()],
            server: "mail.example.org:465".to_owned(),
        }
    }

    #[test]
    fn what_was_kept_is_found_byte_for_byte() {
        let state = tempfile::tempdir().unwrap();
        let message = b"Subject: x\r\n\n\0\xff{\n";
        keep(state.path(), &slip("a@b", "1", 5), message).unwrap();
        keep(state.path(), &slip("a@b", "2", 4), b"older").unwrap();
        keep(state.path(), &slip("c@d", "3", 6), b"another").unwrap();
        fs::write(folder(state.path()).join("4"), "no slip\nx").unwrap();
        let kept = find(state.path(), "a@b", &|_| Some(0)).unwrap();
        assert_eq!(
            (kept.message.as_slice(), kept.slip),
            (&message[..], slip("a@b", "1", 5))
        );
        let is_older = |kept: &Kept| u8::from(kept.message == b"older");
        let older = find(state.path(), "a@b", &|kept| Some(is_older(kept))).unwrap();
        assert_eq!(older.slip.envelope_id, "2");
        let only = find(state.path(), "a@b", &|kept| {
            (is_older(kept) == 1).then_some(0)
        });
        assert_eq!(only, Some(older));
        assert_eq!(find(state.path(), "a@b", &|_| None), None);
        let mode = kept.path.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn what_is_old_goes() {
        let state = tempfile::tempdir().unwrap();
        prune(state.path(), 7, SystemTime::now()).unwrap();
        keep(state.path(), &slip("a@b", "1", 5), b"x").unwrap();
        let in_days = |days: u64| SystemTime::now() + Duration::from_secs(days * 24 * 60 * 60);
        prune(state.path(), 7, in_days(6)).unwrap();
        assert!(find(state.path(), "a@b", &|_| Some(0)).is_some());
        prune(state.path(), 7, in_days(8)).unwrap();
        assert!(find(state.path(), "a@b", &|_| Some(0)).is_none());
    }
}
