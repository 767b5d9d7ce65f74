//! What the daemon costs: memory, idle time of the processor, and how soon an offer is recorded, beside
//! `inotifywait -m` (Debian: inotify-tools) as the floor.
//!
//! `cargo bench --bench daemon` makes a home with 100 watched folders of 1,000 messages (`FOLDERS=1 MESSAGES=300000`
//! for a large one), starts the daemon, waits until it has filled the index and rests, and starts it once more, as the
//! next login does. It measures for ten minutes what the daemon does when nothing happens (`IDLE=60` for one minute),
//! and then delivers notices by renaming them into `new`. Warm cache, but for the program.

use std::fs::{self, File};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, OpenFlags};
use rustix::fs::{Advice, fadvise, sync};

const DELIVERIES: usize = 101;
const NOTICE: &str = include_str!("../tests/data/dsn/postfix-3.10.13-delay-00-0.eml");
/// The Message-ID that the notice returns, and its own.
const ORIGINAL: &str = "Message-ID: <";

fn main() {
    // `cargo test --all-targets` runs this file too, which is no moment to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let (folders, messages) = (number("FOLDERS", 100), number("MESSAGES", 1_000));
    let idle = Duration::from_secs(number("IDLE", 600));
    let home = tempfile::tempdir().expect("a folder");
    let home = home.path();
    furnish(home, folders, messages);
    println!("{folders} folders, {} messages", folders * messages);
    println!("after the first filling of the index");
    start(home);
    println!("after the next start");
    let daemon = start(home);
    let before = daemon.on_processor();
    thread::sleep(idle);
    let used = daemon.on_processor() - before;
    println!(
        "idle       {:>8} ms of the processor in {} s",
        used.as_millis(),
        idle.as_secs()
    );

    let inbox = home.join("Mail/folder-0");
    let mut to_offer = offers(home, &inbox);
    println!(
        "to offer   {:>8.2} ms, the median of {DELIVERIES}",
        median(&mut to_offer)
    );
    drop(daemon);
    let mut to_line = lines(&inbox);
    println!("inotifywait{:>8.2} ms", median(&mut to_line));
}

fn number(name: &str, usual: u64) -> u64 {
    let named = std::env::var(name).map_or(Ok(usual), |text| text.parse());
    named.unwrap_or_else(|_| panic!("{name}: a number"))
}

/// The daemon at rest, and what it takes.
fn start(home: &Path) -> Running {
    let program = env!("CARGO_BIN_EXE_tls-optout");
    forget(Path::new(program));
    let daemon = Running::start(
        Command::new(program)
            .arg("watch")
            .env_clear()
            .env("HOME", home)
            .env("PATH", "/usr/bin:/bin")
            .stderr(Stdio::null()),
    );
    daemon.rest();
    for name in ["VmRSS", "RssAnon"] {
        println!("{name:<10} {:>8.1} MB", daemon.memory(name));
    }
    daemon
}

/// The program comes from the disk, as after a boot. One that was just built lies in the cache in large pieces, each of
/// which counts as a whole.
fn forget(program: &Path) {
    let file = File::open(program).expect("the program");
    file.sync_all().expect("the program on the disk");
    fadvise(file, 0, None, Advice::DontNeed).expect("an empty cache");
}

fn median(times: &mut [Duration]) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1e3
}

/// Folders with mail that is older than the daemon cares for, as most mail is.
fn furnish(home: &Path, folders: u64, messages: u64) {
    let old = SystemTime::now() - Duration::from_secs(400 * 24 * 3600);
    let body = "Lorem ipsum dolor sit amet, consectetur adipisici elit.\n".repeat(40);
    for folder in 0..folders {
        let folder = home.join(format!("Mail/folder-{folder}"));
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(folder.join(part)).expect("a folder");
        }
        for number in 0..messages {
            let message = format!(
                "From: b@example.net\nSubject: {number}\nMessage-ID: <{number}@example.net>\n\n{body}"
            );
            let name = format!("1700000000.{number}_1.laptop,U={number}:2,S");
            let mut file = File::create_new(folder.join("cur").join(name)).expect("a file");
            file.write_all(message.as_bytes()).expect("a message");
            file.set_modified(old).expect("its time");
        }
    }
    // The daemon syncs its index, and would wait for all of this.
    sync();
    let config = home.join(".config/tls-optout");
    fs::create_dir_all(&config).expect("a folder");
    let text = "[mail]\ninbox = \"~/Mail\"\nsent = []\nsearch = \"~/Mail\"\n\n[[account]]\nfrom = \"a@example.org\"\n\
                submission = \"smtps://a@mail.example.org\"\n\n[tell]\ndesktop = false\n";
    fs::write(config.join("config.toml"), text).expect("the configuration");
}

/// A process that ends with us.
struct Running(Child);

impl Running {
    fn start(command: &mut Command) -> Running {
        Running(command.spawn().expect("a process"))
    }

    fn proc(&self, name: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}", self.0.id())).join(name)
    }

    /// Waits until it has done nothing for five seconds.
    fn rest(&self) {
        let mut last = self.on_processor();
        loop {
            thread::sleep(Duration::from_secs(5));
            let now = self.on_processor();
            if now == last {
                break;
            }
            last = now;
        }
    }

    /// A row of `/proc/PID/status`, in megabytes.
    fn memory(&self, name: &str) -> f64 {
        let status = fs::read_to_string(self.proc("status")).expect("its status");
        let row = status
            .lines()
            .find(|line| line.starts_with(name))
            .expect("a row");
        let kilobytes = row
            .split_whitespace()
            .nth(1)
            .and_then(|text| text.parse::<f64>().ok());
        kilobytes.expect("a number") / 1024.0
    }

    /// How long it has run, with the threads that have ended meanwhile: proc_pid_stat(5), in hundredths of a second.
    fn on_processor(&self) -> Duration {
        let stat = fs::read_to_string(self.proc("stat")).expect("its state");
        let (_, fields) = stat.rsplit_once(") ").expect("a name in brackets");
        // In user mode, and in the kernel.
        let times = fields.split(' ').skip(11).take(2);
        let ticks: u64 = times
            .map(|text| text.parse::<u64>().expect("a number"))
            .sum();
        Duration::from_millis(ticks * 10)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// From the renaming of a notice to its offer in the journal.
fn offers(home: &Path, inbox: &Path) -> Vec<Duration> {
    let journal = home.join(".local/state/tls-optout/journal.sqlite3");
    let db = Connection::open_with_flags(journal, OpenFlags::SQLITE_OPEN_READ_ONLY)
        .expect("the journal");
    let count = || -> usize {
        let count: Result<u32, _> =
            db.query_row("SELECT count(*) FROM offer", [], |row| row.get(0));
        count.expect("a number") as usize
    };
    let deliver = |number: usize| {
        // Each notice, and each original, is another one.
        let notice = NOTICE
            .replace(ORIGINAL, &format!("{ORIGINAL}{number}."))
            .replace("Message-Id: <", &format!("Message-Id: <{number}."));
        let start = rename(inbox, number, &notice);
        while count() <= number {
            assert!(start.elapsed() < Duration::from_secs(30), "no offer comes");
        }
        let elapsed = start.elapsed();
        thread::sleep(Duration::from_millis(50));
        elapsed
    };
    (0..DELIVERIES).map(deliver).collect()
}

/// From the renaming of a message to the line that `inotifywait` prints.
fn lines(inbox: &Path) -> Vec<Duration> {
    let mut watcher = Running::start(
        Command::new("inotifywait")
            .args(["-m", "-q", "-e", "moved_to", "--format", "%f"])
            .arg(inbox.join("new"))
            .stdout(Stdio::piped()),
    );
    let mut lines = BufReader::new(watcher.0.stdout.take().expect("its output")).lines();
    thread::sleep(Duration::from_secs(1));
    let deliver = |number: usize| {
        let start = rename(inbox, DELIVERIES + number, "From: b@example.net\n\n");
        lines.next().expect("a line").expect("a line");
        let elapsed = start.elapsed();
        thread::sleep(Duration::from_millis(50));
        elapsed
    };
    (0..DELIVERIES).map(deliver).collect()
}

fn rename(inbox: &Path, number: usize, message: &str) -> Instant {
    let [tmp, new] = ["tmp", "new"].map(|part| inbox.join(part).join(format!("1.{number}.bench")));
    fs::write(&tmp, message).expect("a file");
    let start = Instant::now();
    fs::rename(tmp, new).expect("a delivery");
    start
}
