//! Reading no more of a file than its header block.

use std::ffi::OsStr;
use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::os::fd::AsFd;
use std::path::Path;

use memchr::memmem;
use rustix::fs::{CWD, Mode, OFlags, openat};

use super::copy::is_foreign;
use crate::message::media::Media;
use crate::message::{header, text};

/// How much is read at first: nearly every header block is shorter.
const FIRST: usize = 4 << 10;
/// A longer header block is no mail.
const LONGEST: usize = 16 << 20;
/// Where the last boundary of a message must lie, from the end of the file.
const TAIL: u64 = 64 << 10;

/// How gzip, bzip2, xz and zstd files begin: archives, or what Dovecot's compression leaves in a Maildir.
const COMPRESSED: [&[u8]; 4] = [b"\x1f\x8b", b"BZh", b"\xfd7zXZ\0", b"\x28\xb5\x2f\xfd"];

/// Is this the error of [`HeadReader::with_id`] for a compressed file?
pub(super) fn is_compressed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::Unsupported && error.raw_os_error().is_none()
}

/// Reads header blocks, one after the other, into one buffer.
#[derive(Default)]
pub(super) struct HeadReader {
    buffer: Vec<u8>,
}

/// The header block of a message with the wanted Message-ID.
pub(super) struct Head {
    /// The block without the empty line that ends it.
    pub(super) header: Vec<u8>,
    /// The message has what its header promises: an end of the header block and, if its body is in
    /// parts, the final boundary.
    pub(super) complete: bool,
}

/// What the index keeps of a message.
pub(super) struct Glance {
    /// Its Message-ID, without brackets.
    pub(super) id: Option<String>,
    /// The part of the header that was read shows no trace of a server or a list.
    pub(super) is_ours: bool,
}

impl HeadReader {
    /// Looks at a message, no further than its Message-ID.
    pub(super) fn glance(&mut self, file: &mut File) -> io::Result<Glance> {
        let mut filled = 0;
        loop {
            let (got, at_end) = self.more(file, filled)?;
            filled += got;
            let seen = scan(&self.buffer[..filled], at_end);
            if seen.id.is_some() || seen.ended || at_end || filled >= LONGEST {
                let header = &self.buffer[..seen.length];
                return Ok(Glance {
                    id: seen.id.filter(|id| !id.is_empty()),
                    is_ours: !header::fields(header).any(|field| is_foreign(&field)),
                });
            }
        }
    }

    /// The header block of the file at `path`, if its `Message-ID` is `id` (without brackets).
    pub(super) fn with_id_at(&mut self, path: &Path, id: &str) -> io::Result<Option<Head>> {
        self.with_id(&mut open(CWD, path.as_os_str())?, id)
    }

    /// The header block of an open file, if its `Message-ID` is `id` (without brackets).
    pub(super) fn with_id(&mut self, file: &mut File, id: &str) -> io::Result<Option<Head>> {
        let mut filled = 0;
        loop {
            let (got, at_end) = self.more(file, filled)?;
            filled += got;
            if COMPRESSED
                .iter()
                .any(|magic| self.buffer[..filled].starts_with(magic))
            {
                return Err(io::Error::new(io::ErrorKind::Unsupported, "compressed"));
            }
            let seen = scan(&self.buffer[..filled], at_end);
            match seen.id {
                Some(found) if found != id => return Ok(None),
                None if seen.ended || at_end => return Ok(None),
                Some(_) if seen.ended || at_end => {
                    let header = self.buffer[..seen.length].to_vec();
                    let complete = seen.ended && has_last_boundary(file, &header)?;
                    return Ok(Some(Head { header, complete }));
                }
                _ if filled >= LONGEST => {
                    let text = format!("its header block is longer than {} MiB", LONGEST >> 20);
                    return Err(io::Error::new(io::ErrorKind::InvalidData, text));
                }
                _ => {}
            }
        }
    }

    /// The start of a file, which holds nearly every header block.
    pub(super) fn start(&mut self, file: &mut File) -> io::Result<&[u8]> {
        let (got, _) = self.more(file, 0)?;
        Ok(&self.buffer[..got])
    }

    /// Reads on behind the `filled` bytes that were read before: how many bytes, and whether the file
    /// ends there. The first time one call of the system has to do, as most files are decided by it;
    /// after that four times as much each time.
    fn more(&mut self, file: &mut File, filled: usize) -> io::Result<(usize, bool)> {
        let size = FIRST.max(filled * 4);
        if self.buffer.len() < size {
            self.buffer.resize(size, 0);
        }
        let mut got = 0;
        while filled + got < size {
            match file.read(&mut self.buffer[filled + got..size]) {
                Ok(0) => return Ok((got, true)),
                Ok(more) => got += more,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            }
            if filled == 0 {
                break;
            }
        }
        Ok((got, false))
    }
}

/// Opens a file in a directory.
pub(super) fn open(directory: impl AsFd, name: &OsStr) -> io::Result<File> {
    // A name in a Maildir may be that of a pipe: NONBLOCK opens it without waiting for a writer.
    let flags = OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    Ok(File::from(openat(directory, name, flags, Mode::empty())?))
}

/// What the start of a message shows.
struct Seen {
    /// The Message-ID, if it has come to its end.
    id: Option<String>,
    /// How long the header block is so far.
    length: usize,
    /// Has the empty line come?
    ended: bool,
}

/// Looks through the header block at the start of `bytes`, no further than a Message-ID if the block
/// goes on behind `bytes`.
fn scan(bytes: &[u8], at_end: bool) -> Seen {
    let mut seen = Seen {
        id: None,
        length: 0,
        ended: false,
    };
    for field in header::fields(bytes) {
        seen.length += field.raw().len();
        let whole = at_end || seen.length < bytes.len();
        if whole && seen.id.is_none() && field.is("Message-ID") {
            // A Message-ID without content is one that is not the wanted one.
            seen.id = Some(text::message_id(&field.text()).unwrap_or_default());
        }
    }
    seen.ended = seen.length < bytes.len();
    seen
}

/// Does a message in parts end with the boundary that its header announces?
fn has_last_boundary(file: &mut File, header: &[u8]) -> io::Result<bool> {
    let media = Media::of(header);
    if !media.is_multipart() {
        return Ok(true);
    }
    let Some(boundary) = media.boundary else {
        return Ok(false);
    };
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut tail = Vec::new();
    file.take(TAIL).read_to_end(&mut tail)?;
    Ok(memmem::find(&tail, format!("\n--{boundary}--").as_bytes()).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn head(content: &[u8], id: &str) -> Option<Head> {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("m");
        std::fs::write(&path, content).unwrap();
        HeadReader::default().with_id_at(&path, id).unwrap()
    }

    #[test]
    fn finds_an_id_wherever_it_stands() {
        let late = [
            b"X: ".to_vec(),
            vec![b'x'; 40_000],
            b"\nMESSAGE-id :\n <a@b>\nY: z\n\nbody".to_vec(),
        ];
        let found = head(&late.concat(), "a@b").unwrap();
        assert!(found.header.ends_with(b"Y: z\n") && found.complete);
        for cut in FIRST - 12..FIRST + 12 {
            let mut message = [b"X: ".to_vec(), vec![b'x'; cut - 3]].concat();
            message.extend_from_slice(b"\nMessage-ID:\n <a@b>\n\nbody");
            assert!(head(&message, "a@b").is_some(), "{cut}");
            assert!(head(&message, "a").is_none(), "{cut}");
        }
    }

    #[test]
    fn other_places_do_not_count() {
        for message in [
            "In-Reply-To: <a@b>\nReferences: <a@b>\n\n",
            "Message-ID: <c@d>\nResent-Message-ID: <a@b>\n\n",
            "Subject: x\n\nMessage-ID: <a@b>\n",
            "Message-ID: <A@b>\n\n",
            "Message-ID: <c@d>\nMessage-ID: <a@b>\n\n",
            "Message-ID:\n\n",
            "",
        ] {
            assert!(head(message.as_bytes(), "a@b").is_none(), "{message}");
        }
    }

    #[test]
    fn what_is_complete() {
        let complete = |message: &str| head(message.as_bytes(), "a@b").unwrap().complete;
        assert!(complete("Message-ID: <a@b>\n\n"));
        assert!(!complete("Message-ID: <a@b>\nSubject: x\n"));
        let parts =
            "Message-ID: <a@b>\nContent-Type: multipart/mixed; boundary=\"q\"\n\n--q\n\nx\n";
        assert!(!complete(parts));
        assert!(!complete(&format!("{parts}--q--x--q")[..parts.len()]));
        assert!(complete(&format!("{parts}--q--\n")));
        assert!(complete(&format!(
            "{parts}--q--\r\nepilogue {}",
            "x".repeat(1000)
        )));
        assert!(!complete(
            "Message-ID: <a@b>\nContent-Type: multipart/mixed\n\n"
        ));
    }
}
