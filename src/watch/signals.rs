//! Signals to the daemon, as events.

use std::fs::File;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::thread;

use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use super::Event;

/// SIGINT and SIGTERM set `is_over` and send [`Event::Stop`]; SIGHUP sends [`Event::Reload`], but ends a daemon
/// whose terminal it is that hangs up.
///
/// # Errors
/// When the system does not let us wait for signals.
pub fn heed(is_over: &Arc<AtomicBool>, sender: &Sender<Event>) -> io::Result<()> {
    let mut signals = Signals::new([SIGINT, SIGTERM, SIGHUP])?;
    let (is_over, sender) = (Arc::clone(is_over), sender.clone());
    let had_terminal = has_terminal();
    thread::spawn(move || {
        for signal in signals.forever() {
            let is_reload = signal == SIGHUP && (!had_terminal || has_terminal());
            let event = match is_reload {
                true => Event::Reload,
                false => {
                    is_over.store(true, Ordering::Relaxed);
                    Event::Stop
                }
            };
            let _ = sender.send(event);
        }
    });
    Ok(())
}

fn has_terminal() -> bool {
    File::open("/dev/tty").is_ok()
}
