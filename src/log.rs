//! Logs go to standard error: warnings, and of the daemon one line for each offer. `-v` or `RUST_LOG` say
//! that it shall be more. No subject, no address, nothing secret stands in them above the level `debug`.

use std::io::{IsTerminal, stderr};

use tracing_subscriber::EnvFilter;

/// Starts logging. `usual` counts from 0, warnings, to 3, everything; each `-v` makes it one more and
/// comes before `RUST_LOG`.
pub fn start(usual: u8, verbose: u8) {
    let level = match usual.saturating_add(verbose) {
        0 => "warn",
        1 => "info",
        2 => "debug",
        _ => "trace",
    };
    // Libraries stay quiet: what they would say below a warning may hold what is nobody's business.
    let filter = || EnvFilter::new(format!("warn,tls_optout={level}"));
    let filter = match verbose {
        0 => EnvFilter::try_from_default_env().unwrap_or_else(|_| filter()),
        _ => filter(),
    };
    // A second start in one process, as tests have it, keeps the first.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false)
        .without_time()
        .try_init();
}
