//! The daemon while it runs, as the system sees it.

use std::fs;
use std::process::{Child, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use mail_tree::{Tree, arrival};

use crate::home::Home;

/// How often it is looked at.
const PACE: Duration = Duration::from_millis(50);
/// It is quiet when it has used no processor for so long.
const QUIET: Duration = Duration::from_secs(2);
/// It must become quiet within this time.
const LONGEST: Duration = Duration::from_secs(1200);
/// The system counts a process's time in hundredths of a second.
const TICKS: u64 = 100;

/// So many messages arrive, one after the other.
const ARRIVALS: u32 = 400;

/// Lets messages arrive in `INBOX`. The answer: the processor time that one costs the daemon.
pub(crate) fn arrivals(home: &Home, tree: &Tree) -> Result<Duration, String> {
    let daemon = Daemon::start(home)?;
    let before = daemon.cpu();
    let inbox = tree.root().join("INBOX");
    let name = |number: u32| format!("1774000000.A{number}.mail");
    let deliver = |number: u32| {
        let (from, to) = (
            inbox.join("tmp").join(name(number)),
            inbox.join("new").join(name(number)),
        );
        fs::write(&from, arrival(number.into()).1)?;
        fs::rename(from, to)
    };
    let delivered = (0..ARRIVALS).try_for_each(|number| {
        thread::sleep(PACE);
        deliver(number)
    });
    let cost = delivered
        .map_err(|error| error.to_string())
        .and_then(|()| daemon.wait_until_quiet())
        .map(|()| (daemon.cpu() - before) / ARRIVALS);
    drop(daemon);
    let cost = cost.and_then(|cost| home.demand_nothing_to_index().map(|()| cost));
    for number in 0..ARRIVALS {
        let _ = fs::remove_file(inbox.join("new").join(name(number)));
    }
    cost
}

/// A running `tls-optout watch`.
pub(crate) struct Daemon {
    child: Child,
}

impl Daemon {
    /// Starts it and waits until it has looked through everything.
    pub(crate) fn start(home: &Home) -> Result<Self, String> {
        let mut command = home.command(&["watch"]);
        command
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let daemon = Self {
            child: command.spawn().map_err(|error| error.to_string())?,
        };
        daemon.wait_until_quiet()?;
        Ok(daemon)
    }

    /// Waits until it has nothing to do.
    pub(crate) fn wait_until_quiet(&self) -> Result<(), String> {
        let (start, mut since, mut used) = (Instant::now(), Instant::now(), self.cpu());
        while since.elapsed() < QUIET {
            if start.elapsed() > LONGEST {
                return Err("the daemon does not become quiet".to_owned());
            }
            thread::sleep(PACE);
            let now = self.cpu();
            if now != used {
                (used, since) = (now, Instant::now());
            }
        }
        Ok(())
    }

    /// The processor time that it has used.
    pub(crate) fn cpu(&self) -> Duration {
        let stat = self.proc("stat");
        // Behind the name in brackets: state, ten more, and then the time in user and in system mode.
        let fields = stat.rsplit(") ").next().unwrap_or_default().split(' ');
        let ticks: u64 = fields
            .skip(11)
            .take(2)
            .filter_map(|field| field.parse::<u64>().ok())
            .sum();
        Duration::from_millis(ticks * 1000 / TICKS)
    }

    /// The most memory that it has held, in bytes.
    pub(crate) fn peak(&self) -> u64 {
        let status = self.proc("status");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
        kilobytes.unwrap_or_default() << 10
    }

    /// How many directories the system watches for it.
    pub(crate) fn watches(&self) -> usize {
        let folder = format!("/proc/{}/fdinfo", self.child.id());
        fs::read_dir(folder)
            .into_iter()
            .flatten()
            .flatten()
            .filter_map(|entry| fs::read_to_string(entry.path()).ok())
            .map(|text| text.matches("inotify wd:").count())
            .sum()
    }

    fn proc(&self, file: &str) -> String {
        fs::read_to_string(format!("/proc/{}/{file}", self.child.id())).unwrap_or_default()
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
