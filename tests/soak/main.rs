//! At most once, whatever breaks and whoever asks: the program is killed as by `kill -9` in the middle of its work, is
//! started again on the same notice, and the server counts what it got.
//!
//! The normal run takes a sample of the moments. With `SOAK_KILLS=1000` in the environment it takes all
//! steps of the journal, and that many random moments.

mod alice;
mod journal;
mod moments;
mod phases;
mod together;
mod trial;

use std::time::Duration;

/// How long a test waits for what must come. Only used up by a failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// How thorough the run is.
pub(crate) enum Budget {
    /// A sample that takes some seconds.
    Sample,
    /// Every step, and this many kills at random moments.
    Kills(usize),
}

pub(crate) fn budget() -> Budget {
    match std::env::var("SOAK_KILLS") {
        Err(_) => Budget::Sample,
        Ok(kills) => Budget::Kills(kills.parse().expect("SOAK_KILLS: a number")),
    }
}
