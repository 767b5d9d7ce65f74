//! Waiting for something to become true, with a deadline.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// How long a condition may take before a test gives up. Generous: it is only ever used up by a
/// failure.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Asks `condition` again and again until it gives a value; `None` once [`PATIENCE`] is used up.
pub(crate) fn poll<T>(mut condition: impl FnMut() -> Option<T>) -> Option<T> {
    let deadline = Instant::now() + PATIENCE;
    loop {
        if let Some(value) = condition() {
            return Some(value);
        }
        if Instant::now() > deadline {
            return None;
        }
        sleep(Duration::from_millis(20));
    }
}
