//! New messages in the watched folders.
//!
//! Events of the system are hints; the folders are the truth. [`survey`] says which folders there are,
//! [`folders`] which messages have not been looked at yet, [`Events`] when a look is due, [`progress`] how
//! far the last run came, [`arrival`] reads a message no further than needed, and [`keeper`] keeps the
//! index of all mail current.

use std::path::PathBuf;

pub use events::{Events, Untold, Watching};

pub mod alone;
pub mod arrival;
pub mod clock;
mod events;
pub mod folders;
pub mod keeper;
mod known;
pub mod manager;
pub mod memory;
pub mod progress;
pub mod signals;
pub mod survey;
pub mod tell;

/// Counts how often the daemon had looked for what standing consent covers.
pub type Turn = u64;

/// Why the daemon wakes up.
#[derive(Debug, PartialEq, Eq)]
pub enum Event {
    /// This file has appeared under this name.
    Message(PathBuf),
    /// This file, which may have been looked at when it was incomplete, has been written.
    Written(PathBuf),
    /// The file of this name is no more: what comes under the name is another.
    Removed(PathBuf),
    /// Folders came or went, or events were lost: look through everything.
    Look,
    /// The configuration has changed.
    Reload,
    /// Standing consent had its turn: what it did not send waits for the user.
    Acted(Turn),
    /// A process has written to the journal.
    Journal,
    /// An offer was told of, or could not be told of now.
    Told {
        /// Its number.
        offer: i64,
        /// The way.
        way: tell::Way,
        /// Nothing is left to do in this way.
        is_done: bool,
    },
    /// The user does not want the offer of this number.
    Dismiss(i64),
    /// The user or the session ends the daemon.
    Stop,
}
