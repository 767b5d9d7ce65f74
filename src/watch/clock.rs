//! Jumps of the clock. After a suspension, or when the clock is set, nobody knows what was missed: the time by
//! which the daemon looks stands still meanwhile, and so do events of other hosts.

use std::io;
use std::sync::mpsc::Sender;

use super::Event;

/// Sends [`Event::Look`] at each jump. Costs a thread that sleeps in the kernel.
///
/// # Errors
/// When the system has no such timer.
#[cfg(target_os = "linux")]
pub fn look_after_jumps(sender: &Sender<Event>) -> io::Result<()> {
    use rustix::time::{
        Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
        timerfd_settime,
    };

    // A timer that never goes off, in thousands of years, but is cancelled when CLOCK_REALTIME jumps, as it does at
    // the end of a suspension (timerfd_create(2), TFD_TIMER_CANCEL_ON_SET).
    let never = Timespec {
        tv_sec: i64::from(i32::MAX) * 100,
        tv_nsec: 0,
    };
    let time = Itimerspec {
        it_interval: Timespec::default(),
        it_value: never,
    };
    let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
    let timer = timerfd_create(TimerfdClockId::Realtime, TimerfdFlags::CLOEXEC)?;
    timerfd_settime(&timer, flags, &time)?;
    let sender = sender.clone();
    std::thread::spawn(move || {
        let mut count = [0; 8];
        while rustix::io::read(&timer, &mut count) == Err(rustix::io::Errno::CANCELED) {
            tracing::debug!("the clock has jumped");
            if sender.send(Event::Look).is_err() {
                break;
            }
        }
    });
    Ok(())
}

/// Elsewhere the next look by the clock has to do.
///
/// # Errors
/// None.
#[cfg(not(target_os = "linux"))]
pub fn look_after_jumps(_: &Sender<Event>) -> io::Result<()> {
    Ok(())
}
