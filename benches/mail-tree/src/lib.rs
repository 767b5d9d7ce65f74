//! Trees of mail for benchmarks, made from a fixed seed: the same bytes under the same names wherever
//! and whenever they are made.
//!
//! A user with two accounts. One is delivered to locally, and mutt saves what she sends by Fcc: to
//! `Sent`, or to the folder of the project that it is about. The other is mbsync's, below `work`: the
//! times in its names say when they were fetched, not when they were written. Around every message
//! that a benchmark looks for ([`Tree::target`]) lie others that mention it: the list's copy, a reply,
//! a draft, and a notice with its header in the body.

use std::env;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use layout::{Folder, Message};
use letter::Writer;

mod layout;
mod letter;

/// How many messages of each [`Kind`] are looked for.
pub const TARGETS: u64 = 16;
/// Who owns the mail.
pub const OWNER: &str = "me@example.org";
/// The folders for sent mail, below the root.
pub const SENT: [&str; 2] = ["Sent", "work/Sent"];
/// Trees of another version are not used again.
const VERSION: u32 = 2;
/// So many messages a thread writes at a time.
const PORTION: u64 = 256;

/// The folder where trees are kept: the one that `TLS_OPTOUT_BENCH_MAIL` names, or one below `target`.
pub fn cache() -> PathBuf {
    let target = concat!(env!("CARGO_MANIFEST_DIR"), "/../../target/bench-mail");
    let named = env::var_os("TLS_OPTOUT_BENCH_MAIL").filter(|name| !name.is_empty());
    named.map_or_else(|| target.into(), PathBuf::from)
}

/// Where a message that the owner has sent lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// In `Sent`, under a name with the time of its Date.
    Fcc,
    /// The same in a folder of mixed mail.
    Filed,
    /// In `work/Sent`, under mbsync's name.
    SyncedSent,
    /// The same in a folder of mixed mail.
    SyncedElsewhere,
}

/// A message to look for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its Message-ID, without brackets.
    pub id: String,
    /// Its Date, as the field says it.
    pub date: String,
    /// The file that was saved when it was sent.
    pub path: PathBuf,
}

/// A tree on the disk.
#[derive(Debug)]
pub struct Tree {
    root: PathBuf,
    folders: Vec<Folder>,
}

impl Tree {
    /// The tree of `messages` messages (at least 5,000) in a folder of its own below [`cache`]: the one
    /// that is there from an earlier run, or a new one.
    ///
    /// # Errors
    ///
    /// Whatever the system says. A tree that is not complete is made anew next time.
    pub fn kept(messages: u64) -> io::Result<Self> {
        fs::create_dir_all(cache())?;
        // The program under test says where files are by the name of the root.
        let place = cache()
            .canonicalize()?
            .join(format!("{messages}-v{VERSION}"));
        let tree = Self {
            root: place.join("Mail"),
            folders: layout::folders(messages),
        };
        let complete = place.join("complete");
        if !complete.exists() {
            if place.exists() {
                fs::remove_dir_all(&place)?;
            }
            tree.plant()?;
            fs::write(complete, "")?;
        }
        Ok(tree)
    }

    /// Where the folders lie.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// How many messages there are.
    pub fn messages(&self) -> u64 {
        self.folders.iter().map(|folder| folder.messages).sum()
    }

    /// How many folders there are.
    pub fn folders(&self) -> usize {
        self.folders.len()
    }

    /// The message number `number` (taken modulo [`TARGETS`]) to look for.
    pub fn target(&self, kind: Kind, number: u64) -> Target {
        let (folder, index) = layout::target(&self.folders, kind, number % TARGETS);
        let message = Message::new(&self.folders, folder, index);
        Target {
            id: message.id(),
            date: message.date(),
            path: self.root.join(message.path(0)),
        }
    }

    fn plant(&self) -> io::Result<()> {
        for folder in &self.folders {
            for part in ["cur", "new", "tmp"] {
                fs::create_dir_all(self.root.join(&folder.path).join(part))?;
            }
        }
        let words = letter::words();
        let portions: Vec<(usize, u64)> = (0..self.folders.len())
            .flat_map(|folder| {
                let starts = (0..self.folders[folder].messages).step_by(PORTION as usize);
                starts.map(move |start| (folder, start))
            })
            .collect();
        in_parallel(portions.len() as u64, |number| {
            let (folder, start) = portions[number as usize];
            let end = self.folders[folder].messages.min(start + PORTION);
            let mut writer = Writer::new(&words);
            for index in start..end {
                let message = Message::new(&self.folders, folder, index);
                let text = writer.write(&message);
                fs::write(self.root.join(message.path(text.len())), text)?;
            }
            Ok(())
        })
    }
}

/// Makes `folders` folders below `root` with `messages` empty files in all: what a very large mail store is to
/// everything that looks at names.
///
/// # Errors
///
/// Whatever the system says.
pub fn plant_names(root: &Path, folders: u64, messages: u64) -> io::Result<()> {
    in_parallel(folders, |folder| {
        let path = root.join(format!("{}/{folder}", folder % 50));
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(path.join(part))?;
        }
        let first = messages * folder / folders;
        for number in first..messages * (folder + 1) / folders {
            let time = 1_450_000_000 + number % 315_000_000;
            let random = mixed(number);
            let name = format!("cur/{time}.M{}P{}.mail,S=3000:2,S", random >> 44, number);
            File::create_new(path.join(name))?;
        }
        Ok(())
    })
}

/// Does the same for all numbers below `count`, by as many threads as there are processors.
fn in_parallel(count: u64, work: impl Fn(u64) -> io::Result<()> + Sync) -> io::Result<()> {
    let next = AtomicU64::new(0);
    let work = || {
        loop {
            match next.fetch_add(1, Ordering::Relaxed) {
                number if number < count => work(number)?,
                _ => return Ok(()),
            }
        }
    };
    let threads = thread::available_parallelism().map_or(1, usize::from);
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .try_for_each(|thread| thread.join().expect("a thread that does not panic"))
    })
}

/// A message that arrives in `INBOX` now: its Message-ID and its bytes.
pub fn arrival(number: u64) -> (String, Vec<u8>) {
    let id = format!("arrival.{number}@example.net");
    let text = letter::received_now(&id, number);
    (id, text)
}

/// `SplitMix64`: numbers that look random and are the same in every run.
fn mixed(number: u64) -> u64 {
    let mut z = number
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
