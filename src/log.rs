//! Logs go to standard error: warnings, and of the daemon one line for each notice. `-v` or `RUST_LOG` say
//! that it shall be more. No subject, no address, nothing secret stands in them above the level `debug`.

use std::env;
use std::fmt;
use std::io::{IsTerminal, stderr};

use rustix::fs::fstat;
use tracing::{Event, Level, Subscriber};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::format::Writer;
use tracing_subscriber::fmt::{FmtContext, FormatEvent, FormatFields};
use tracing_subscriber::registry::LookupSpan;

use crate::terminal::shown;

/// Starts logging: warnings, and of a `daemon` more; each `-v` makes it one step more and comes before
/// `RUST_LOG`. A daemon says the time with each line, unless the journal of systemd does.
pub fn start(daemon: bool, verbose: u8) {
    let level = match u8::from(daemon).saturating_add(verbose) {
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
    let log = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(stderr)
        .with_ansi(stderr().is_terminal())
        .with_target(false);
    // A second start in one process, as tests have it, keeps the first.
    let _ = match (is_journal(), daemon) {
        (true, _) => log.event_format(Journal).try_init(),
        (_, true) => log.try_init(),
        _ => log.without_time().try_init(),
    };
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
