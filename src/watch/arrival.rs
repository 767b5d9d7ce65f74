//! Reading no more of a message than its header block, unless it may be a notice.

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use rustix::fs::OFlags;

use crate::message::header;
use crate::notice::{self, Notice};

/// How much is read at first: nearly every header block is shorter.
const FIRST: usize = 16 << 10;
/// What a notice says stands before the message that it returns: of a larger one the rest is left out.
const LARGEST: usize = 16 << 20;

/// A notice as it came, and what it says.
#[derive(Debug, PartialEq, Eq)]
pub struct Arrived {
    /// What it says.
    pub notice: Notice,
    /// Its bytes, as far as they were read.
    pub message: Vec<u8>,
}

/// The message, if it is a notice.
///
/// # Errors
/// Whatever the system says when it reads.
pub fn notice_in(mut message: impl Read) -> io::Result<Option<Arrived>> {
    let mut bytes = Vec::new();
    let mut size = FIRST;
    while read_to(&mut message, size, &mut bytes)? && header::length(&bytes) == bytes.len() {
        if size >= LARGEST {
            return Ok(None);
        }
        size *= 4;
    }
    if !notice::may_be(&bytes) {
        return Ok(None);
    }
    read_to(&mut message, LARGEST, &mut bytes)?;
    Ok(notice::read(&bytes).map(|notice| Arrived {
        notice,
        message: bytes,
    }))
}

/// The notice in the file of a message.
///
/// # Errors
/// Whatever the system says; `InvalidInput` for what is no file.
pub fn notice_in_file(path: &Path) -> io::Result<Option<Arrived>> {
    // A name in a Maildir may be that of a pipe: NONBLOCK opens it without waiting for a writer.
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let mut options = OpenOptions::new();
    let file = options.read(true).custom_flags(flags).open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::ErrorKind::InvalidInput.into());
    }
    notice_in(file)
}

/// Reads until there are `size` bytes. False when the message ends before.
fn read_to(message: &mut impl Read, size: usize, bytes: &mut Vec<u8>) -> io::Result<bool> {
    let wanted = size.saturating_sub(bytes.len());
    Ok(message.take(wanted as u64).read_to_end(bytes)? == wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A message, and how much of it was read.
    struct Counted<'a>(&'a [u8], usize);

    impl Read for Counted<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let got = self.0.read(buffer)?;
            self.1 += got;
            Ok(got)
        }
    }

    fn notice(fields: &str, text: &str) -> Vec<u8> {
        format!(
            "{fields}From: MAILER-DAEMON@example.org\nContent-Type: multipart/report; \
             report-type=delivery-status; boundary=q\n\n--q\n\n<bob@example.net>: TLS is required, but \
             was not offered by host mx.example.net\n{text}\n--q\nContent-Type: \
             message/delivery-status\n\nReporting-MTA: dns; mail.example.org (Postfix)\nX-Postfix-Queue-ID: \
             1\n\nFinal-Recipient: rfc822; bob@example.net\nAction: delayed\nStatus: 4.7.4\n\
             Diagnostic-Code: X-Postfix; TLS is required, but was not offered by host mx.example.net\n\n\
             --q\nContent-Type: text/rfc822-headers\n\nMessage-ID: <lunch-1@example.org>\n\n--q--\n"
        )
        .into_bytes()
    }

    #[test]
    fn a_notice_is_read_however_long_it_is() {
        let long = "x".repeat(76) + "\n";
        for message in [
            notice("", ""),
            notice("", &long.repeat(2_000)),
            notice(&format!("X-Long: {}\n", "x".repeat(300_000)), ""),
            [notice("", ""), long.repeat(400_000).into_bytes()].concat(),
        ] {
            let arrived = notice_in(&message[..]).unwrap().expect("a notice");
            let id = arrived.notice.original.message_id.as_deref();
            assert_eq!(id, Some("lunch-1@example.org"));
            assert!(arrived.message.len() <= LARGEST && message.starts_with(&arrived.message));
        }
    }

    #[test]
    fn of_other_mail_only_the_start_is_read() {
        let body = "x\n".repeat(1 << 20);
        let mail = format!("From: bob@example.net\nSubject: lunch\n\n{body}");
        let mut counted = Counted(mail.as_bytes(), 0);
        assert_eq!(notice_in(&mut counted).unwrap(), None);
        assert_eq!(counted.1, FIRST);
        let endless = io::repeat(b'x');
        assert_eq!(notice_in(endless).unwrap(), None);
        assert_eq!(notice_in(&b""[..]).unwrap(), None);
    }

    #[test]
    fn a_pipe_or_folder_does_not_hold_us_up() {
        let folder = tempfile::tempdir().unwrap();
        let pipe = folder.path().join("pipe");
        let made = std::process::Command::new("mkfifo").arg(&pipe).status();
        assert!(made.unwrap().success());
        for path in [&*pipe, folder.path()] {
            let error = notice_in_file(path).unwrap_err();
            assert_eq!(error.kind(), io::ErrorKind::InvalidInput);
        }
    }
}
