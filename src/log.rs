//! Logs go to standard error: warnings, and of the daemon one line for each offer. `-v` or `RUST_LOG` say
//! that it shall be more. No subject, no address, nothing secret stands in them above the level `debug`.

use std::io::{IsTerminal, stderr};

use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

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
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false)
        .without_time();
    // A second start in one process, as tests have it, keeps the first.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(is_ours_or_warns))
        .with(lines)
        .try_init();
}

/// Whatever `RUST_LOG` asks for: the keyring's library may log what passes through it.
fn is_ours_or_warns(log: &Metadata<'_>) -> bool {
    log.target().starts_with("tls_optout") || *log.level() <= Level::WARN
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn libraries_stay_quiet_at_any_level() {
        let everything = tracing_subscriber::registry().with(filter_fn(is_ours_or_warns));
        tracing::subscriber::with_default(everything, || {
            assert!(tracing::enabled!(target: "tls_optout::submission", Level::TRACE));
            assert!(tracing::enabled!(target: "zbus::connection", Level::WARN));
            assert!(!tracing::enabled!(target: "zbus::connection", Level::INFO));
        });
    }
}
