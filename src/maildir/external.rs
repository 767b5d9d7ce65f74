//! The index that the user has already: notmuch's or mu's, asked by their commands.
//!
//! Their databases may be older than the mail, and their query languages fold case and punctuation: each
//! answer is opened and compared. Starting them takes longer than our own index needs for the answer, so
//! they are asked only where the user says so, and only what our own does not know.

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::{Duration, Instant};

use super::folder::PARTS;
use super::index::{Hit, Mark, best};
use super::pulse::Pulse;
use super::search::{Known, Search};

/// A program that takes longer than this to answer is left out: searching without it takes no longer.
const LIMIT: Duration = Duration::from_secs(2);
/// So often a sign of life is given meanwhile.
const BEAT: Duration = Duration::from_millis(100);

/// A program that indexes mail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// <https://notmuchmail.org>
    Notmuch,
    /// <https://www.djcbsoftware.nl/code/mu/>
    Mu,
}

impl Program {
    fn name(self) -> &'static str {
        match self {
            Self::Notmuch => "notmuch",
            Self::Mu => "mu",
        }
    }

    /// The question. In both languages a quotation mark within quotation marks is written twice; mu has no
    /// way to end a path but by the line.
    fn arguments(self, message_id: &str) -> Vec<OsString> {
        let quoted = message_id.replace('"', "\"\"");
        let arguments = match self {
            Self::Notmuch => vec![
                "search".to_owned(),
                "--output=files".to_owned(),
                "--format=text0".to_owned(),
                "--exclude=false".to_owned(),
                format!("id:\"{quoted}\""),
            ],
            Self::Mu => vec![
                "find".to_owned(),
                "--nocolor".to_owned(),
                "--fields=l".to_owned(),
                format!("msgid:\"{quoted}\""),
            ],
        };
        arguments.into_iter().map(OsString::from).collect()
    }

    /// The files that it names. It knows none, is not there or fails: none.
    fn files(self, message_id: &str, pulse: &Pulse) -> io::Result<Vec<PathBuf>> {
        let mut child = Command::new(self.name())
            .args(self.arguments(message_id))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()?;
        let output = output(&mut child, pulse);
        // It has said all, or will say nothing in time.
        let _ = child.kill();
        child.wait()?;
        let output = output?;
        let end = match self {
            Self::Notmuch => 0,
            Self::Mu => b'\n',
        };
        let names = output.split(|byte| *byte == end);
        let names = names.filter(|name| !name.is_empty());
        Ok(names.map(|name| OsStr::from_bytes(name).into()).collect())
    }
}

/// All that a program writes.
fn output(child: &mut Child, pulse: &Pulse) -> io::Result<Vec<u8>> {
    let (sender, receiver) = mpsc::channel();
    if let Some(mut stdout) = child.stdout.take() {
        thread::spawn(move || {
            let mut output = Vec::new();
            let read = stdout.read_to_end(&mut output);
            // Nobody listens any longer when the limit is over.
            let _ = sender.send(read.map(|_| output));
        });
    }
    let end = Instant::now() + LIMIT;
    loop {
        // That the program takes its time does not mean that the mail is out of reach.
        pulse.beat();
        match receiver.recv_timeout(BEAT) {
            Ok(output) => return output,
            Err(_) if Instant::now() < end => {}
            Err(_) => {
                let text = format!("no answer within {} seconds", LIMIT.as_secs());
                return Err(io::Error::new(io::ErrorKind::TimedOut, text));
            }
        }
    }
}

/// The copy that was sent, if the program knows it. `None`: look without. Its database may be older than
/// the mail, so only a copy in a folder for sent mail is sure.
pub(super) fn answer(search: &Search, program: Program) -> Option<Known> {
    search.pulse.enter(Path::new(program.name()));
    match program.files(search.message_id, search.pulse) {
        Ok(files) => {
            let hits: Vec<Hit> = files.iter().filter_map(|file| hit(file)).collect();
            let found = best(search, &hits);
            tracing::debug!(
                files = files.len(),
                knew_it = found.is_some(),
                "{} answered",
                program.name()
            );
            found.map(|found| Known {
                is_sure: found.copies[0].is_right(),
                found,
            })
        }
        Err(error) => {
            tracing::warn!("{}: {error}; searching without it", program.name());
            None
        }
    }
}

/// A file as our own index would name it.
fn hit(file: &Path) -> Option<Hit> {
    let directory = file.parent()?;
    Some(Hit {
        folder: directory.parent()?.to_owned(),
        mark: Mark {
            part: PARTS.iter().position(|part| directory.ends_with(part))?,
            is_ours: false,
        },
        name: file.file_name()?.as_bytes().to_vec(),
    })
}
