//! Telling the service manager how the daemon is: the protocol of sd_notify(3), datagrams of `KEY=VALUE` lines.

use std::env;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::process;
use std::time::{Duration, Instant};

use rustix::time::{ClockId, clock_gettime};

/// A manager that does not read must not hold the daemon up for long.
const PATIENCE: Duration = Duration::from_secs(2);

/// The manager that started this process; without one nothing is told.
#[derive(Debug)]
pub struct Manager {
    socket: Option<(UnixDatagram, SocketAddr)>,
    watchdog: Option<Watchdog>,
}

/// The manager ends and starts anew a daemon that is silent for too long.
#[derive(Debug)]
struct Watchdog {
    every: Duration,
    next: Instant,
}

impl Manager {
    /// The one that the environment names.
    pub fn from_env() -> Manager {
        let socket = env::var_os("NOTIFY_SOCKET").and_then(|name| match connect(&name) {
            Ok(socket) => Some(socket),
            Err(error) => {
                tracing::warn!("cannot tell the service manager anything: {error}");
                None
            }
        });
        let number = |name| {
            env::var(name)
                .ok()
                .and_then(|text| text.parse::<u64>().ok())
        };
        let is_meant = number("WATCHDOG_PID").is_none_or(|id| id == u64::from(process::id()));
        let limit = number("WATCHDOG_USEC").filter(|limit| *limit > 0 && is_meant);
        Manager {
            watchdog: limit.filter(|_| socket.is_some()).map(|limit| Watchdog {
                // Half the time, as sd_watchdog_enabled(3) says.
                every: Duration::from_micros(limit / 2),
                next: Instant::now(),
            }),
            socket,
        }
    }

    /// All that was there is watched, and so will be what comes.
    pub fn ready(&self, status: &str) {
        self.tell(&format!("READY=1\nSTATUS={status}"));
    }

    /// The configuration is being read again; [`Manager::ready`] follows.
    pub fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let micros = now.tv_sec * 1_000_000 + now.tv_nsec / 1_000;
        self.tell(&format!("RELOADING=1\nMONOTONIC_USEC={micros}"));
    }

    /// The end has begun.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    /// The daemon does its work. Cheap: told only as often as the manager wants it.
    pub fn alive(&mut self) {
        let now = Instant::now();
        let Some(watchdog) = self.watchdog.as_mut().filter(|dog| dog.next <= now) else {
            return;
        };
        watchdog.next = now + watchdog.every;
        self.tell("WATCHDOG=1");
    }

    /// How long the daemon may sleep before it has to say that it is [`alive`](Manager::alive).
    pub fn may_sleep(&self) -> Duration {
        self.watchdog.as_ref().map_or(Duration::MAX, |watchdog| {
            watchdog.next.saturating_duration_since(Instant::now())
        })
    }

    fn tell(&self, text: &str) {
        let Some((socket, manager)) = &self.socket else {
            return;
        };
        if let Err(error) = socket.send_to_addr(text.as_bytes(), manager) {
            tracing::debug!("the service manager does not listen: {error}");
        }
    }
}

fn connect(name: &OsStr) -> io::Result<(UnixDatagram, SocketAddr)> {
    let address = match name.as_bytes() {
        [b'/', ..] => SocketAddr::from_pathname(name)?,
        [b'@', name @ ..] => abstract_name(name)?,
        _ => return Err(io::ErrorKind::Unsupported.into()),
    };
    let socket = UnixDatagram::unbound()?;
    socket.set_write_timeout(Some(PATIENCE))?;
    Ok((socket, address))
}

#[cfg(target_os = "linux")]
fn abstract_name(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn abstract_name(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}
