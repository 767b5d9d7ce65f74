//! Logs go to standard error. `RUST_LOG` says how much; without it warnings, and of the daemon one line
//! for each offer. No subject, no address, nothing secret stands in them above the level `debug`.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// Starts logging. `usual` is the level where `RUST_LOG` is not set.
pub fn start(usual: &str) {
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(usual));
    // A second start in one process, as tests have it, keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false)
        .without_time()
        .try_init();
}
