//! Logs go to standard error: warnings, and of the daemon one line for each notice. `-v` or `RUST_LOG` say
//! that it shall be more. No subject, no address, nothing secret stands in them above the level `debug`.

use std::env;
use std::fmt;
use std::io::{IsTerminal, stderr};

use rustix::fs::fstat;
use tracing::level_filters::LevelFilter;
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::filter::{ParseError, Targets, filter_fn};
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use crate::terminal::shown;

/// Starts logging: warnings, and of a `daemon` more; each `-v` makes it one step more and comes before
/// `RUST_LOG`. A daemon says the time with each line, unless the journal of systemd does.
pub fn start(daemon: bool, verbose: u8) {
    let level = match u8::from(daemon).saturating_add(verbose) {
        0 => LevelFilter::WARN,
        1 => LevelFilter::INFO,
        2 => LevelFilter::DEBUG,
        _ => LevelFilter::TRACE,
    };
    // Libraries stay quiet: what they would say below a warning may hold what is nobody's business.
    let usual = Targets::new()
        .with_default(LevelFilter::WARN)
        .with_target("tls_optout", level);
    let asked = match verbose {
        0 => env::var("RUST_LOG").ok().and_then(|text| named(&text)),
        _ => None,
    };
    let (filter, fault) = match asked {
        None => (usual, None),
        Some(Ok(filter)) => (filter, None),
        Some(Err(fault)) => (usual, Some(fault)),
    };
    let lines = tracing_subscriber::fmt::layer()
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false);
    let lines = match (is_journal(), daemon) {
        (true, _) => lines.event_format(Journal).boxed(),
        (_, true) => lines.boxed(),
        _ => lines.without_time().boxed(),
    };
    // A second start in one process, as tests have it, keeps the first.
    let _ = tracing_subscriber::registry()
        .with(filter)
        .with(filter_fn(is_ours_or_warns))
        .with(lines)
        .try_init();
    if let Some(fault) = fault {
        tracing::warn!("RUST_LOG is left aside ({fault}); write LEVEL or TARGET=LEVEL");
    }
}

/// What the text of `RUST_LOG` asks for, if anything.
fn named(text: &str) -> Option<Result<Targets, ParseError>> {
    let parts = text.split(',').map(str::trim);
    let parts: Vec<_> = parts.filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join(",").parse())
}

/// Is standard error a stream of systemd's journal (systemd.exec(5), `JOURNAL_STREAM`)? A program that sends it
/// elsewhere keeps the variable.
fn is_journal() -> bool {
    let named = env::var("JOURNAL_STREAM").unwrap_or_default();
    fstat(stderr()).is_ok_and(|file| named == format!("{}:{}", file.st_dev, file.st_ino))
}

/// A line as the journal takes it: its priority (sd-daemon(3)) and the message. It has the time itself.
struct Journal;

impl<S, N> FormatEvent<S, N> for Journal
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        context: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let priority = match *event.metadata().level() {
            Level::ERROR => 3,
            Level::WARN => 4,
            Level::INFO => 6,
            _ => 7,
        };
        let mut text = String::new();
        context.format_fields(Writer::new(&mut text), event)?;
        // A line end would begin another entry, of a priority that the text could name.
        writeln!(writer, "<{priority}>{}", shown(&text))
    }
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
