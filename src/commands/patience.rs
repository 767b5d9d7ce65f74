//! Waiting for a look-up, but not without end.
//!
//! A thread that reads from a network mount whose server is gone cannot be stopped; it can be left
//! behind. The limit is for standing still: a long search that goes on shows a line and is waited for.

use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::{Duration, Instant};

use crate::maildir::pulse::Pulse;
use crate::terminal::{Terminal, shown};

use super::index::progress;
use super::{Failure, INTERNAL, TRY_AGAIN};

/// How often the pulse is felt.
const TURN: Duration = Duration::from_millis(50);
/// A shorter search shows no line.
const SHORT: Duration = Duration::from_millis(700);

/// How long to wait.
pub(super) struct Patience {
    /// For so long nothing may go on. None: without end.
    pub(super) limit: Option<Duration>,
    /// Somebody is there to see and to answer.
    pub(super) is_attended: bool,
}

impl Patience {
    /// What `work` returns. When it stands still for too long the user is asked whether to wait on; where
    /// nobody can be asked, or on any key but `w`, it is given up.
    pub(super) fn wait<T: Send + 'static>(
        &self,
        pulse: &Pulse,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, Failure> {
        let (sender, receiver) = channel();
        thread::spawn(move || {
            // Nobody waits any longer: so be it.
            let _ = sender.send(work());
        });
        let begun = Instant::now();
        let (mut beats, mut since) = (pulse.beats(), begun);
        let mut line = None;
        loop {
            match receiver.recv_timeout(TURN) {
                Ok(result) => return Ok(result),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Failure::new(INTERNAL, "the search ended without an answer"));
                }
            }
            if pulse.beats() != beats {
                (beats, since) = (pulse.beats(), Instant::now());
            } else if self.limit.is_some_and(|limit| since.elapsed() >= limit) {
                line = None;
                self.ask_whether_to_go_on(pulse, since.elapsed())?;
                since = Instant::now();
            }
            if self.is_attended && begun.elapsed() > SHORT {
                line.get_or_insert_with(Line::new).show(pulse);
            }
        }
    }

    fn ask_whether_to_go_on(&self, pulse: &Pulse, waited: Duration) -> Result<(), Failure> {
        let place = shown(&pulse.at().display().to_string());
        let what = format!(
            "{place} has not answered for {} s; is a network mount there out of reach?",
            waited.as_secs()
        );
        let given_up = || {
            let text = format!(
                "{what} nothing was done; try again later, or wait longer by [mail] search_timeout"
            );
            Failure::new(TRY_AGAIN, text)
        };
        if !self.is_attended {
            return Err(given_up());
        }
        let answer = Terminal::open().and_then(|mut terminal| {
            let key = terminal.key(&format!("{what} w: wait on, any other key: give up "));
            terminal.print("\n")?;
            key
        });
        // An error: there is no terminal, and nobody to ask.
        match answer {
            Ok(Some(b'w' | b'W')) => Ok(()),
            _ => Err(given_up()),
        }
    }
}

/// The progress line; gone when it is dropped.
struct Line(indicatif::ProgressBar);

impl Line {
    fn new() -> Line {
        Line(progress())
    }

    fn show(&self, pulse: &Pulse) {
        self.0
            .set_message(format!("searching, {} messages read", pulse.files()));
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::mpsc;

    use super::*;

    #[test]
    fn what_stands_still_is_left_behind_and_named() {
        let pulse = Pulse::default();
        pulse.enter(Path::new("/net/Mail\u{1b}"));
        let (_hold, never) = mpsc::channel::<()>();
        let limit = Some(Duration::from_millis(100));
        let failure = Patience {
            limit,
            is_attended: false,
        }
        .wait(&pulse, move || never.recv())
        .unwrap_err();
        assert_eq!(failure.status, TRY_AGAIN);
        let said = failure.to_string();
        assert!(
            said.starts_with("/net/Mail\\u{1b} has not answered"),
            "{said}"
        );
    }

    #[test]
    fn what_goes_on_is_waited_for() {
        let pulse = Pulse::default();
        let working = pulse.clone();
        let work = move || {
            for _ in 0..20 {
                thread::sleep(Duration::from_millis(25));
                working.enter(Path::new("/Mail"));
            }
            7
        };
        let patience = Patience {
            limit: Some(Duration::from_millis(250)),
            is_attended: false,
        };
        assert_eq!(patience.wait(&pulse, work).unwrap(), 7);
    }
}
