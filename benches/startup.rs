//! What a key press costs: whole processes, beside `msmtp --version` in the same run.
//!
//! `cargo bench --bench startup` makes a home with 100,000 messages (the tree of `cargo bench --bench
//! maildir -- 100k`), runs each command in turns, and prints the median wall time of each and its ratio
//! to msmtp's. Warm cache.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use mail_tree::{Kind, TARGETS, Tree};

const MESSAGES: u64 = 100_000;
const RUNS: usize = 101;

fn main() {
    // `cargo test --all-targets` runs this file too, which is no moment to measure.
    if !std::env::args().any(|argument| argument == "--bench") {
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    furnish(home.path());
    let notice = home.path().join("notice.eml");
    let program = env!("CARGO_BIN_EXE_tls-optout");
    let mut commands = [
        ("msmtp --version", "msmtp", &["--version"][..], Vec::new()),
        ("tls-optout --version", program, &["--version"], Vec::new()),
        ("tls-optout inspect", program, &["inspect"], Vec::new()),
        (
            "tls-optout resend --dry-run",
            program,
            &["resend", "--dry-run"],
            Vec::new(),
        ),
    ];
    for _ in 0..RUNS {
        for (_, program, arguments, times) in &mut commands {
            times.push(time(program, arguments, home.path(), &notice));
        }
    }
    let median = |times: &mut Vec<Duration>| {
        times.sort_unstable();
        times[times.len() / 2]
    };
    let base = median(&mut commands[0].3);
    println!("{MESSAGES} messages, median of {RUNS} runs");
    for (name, .., times) in &mut commands {
        let median = median(times);
        let ratio = median.as_secs_f64() / base.as_secs_f64();
        println!(
            "{name:<28} {:>8.2} ms   {ratio:>5.2} x msmtp",
            median.as_secs_f64() * 1e3
        );
    }
}

fn time(program: &str, arguments: &[&str], home: &Path, notice: &Path) -> Duration {
    let mut command = Command::new(program);
    command
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .env("PATH", "/usr/bin:/bin");
    command.stdin(File::open(notice).expect("the notice"));
    command.stdout(Stdio::null()).stderr(Stdio::null());
    let start = Instant::now();
    let status = command
        .status()
        .unwrap_or_else(|error| panic!("{program}: {error}"));
    let elapsed = start.elapsed();
    assert!(status.success(), "{program} {arguments:?}: {status}");
    elapsed
}

/// The mail, a notice about a message in the middle of Sent, and a configuration that says it all.
fn furnish(home: &Path) {
    let tree = Tree::kept(MESSAGES).expect("a tree of mail");
    let target = tree.target(Kind::Fcc, TARGETS / 2);
    let date = target.date;
    let copy = fs::read_to_string(target.path).expect("the original");
    let (header, _) = copy.split_once("\n\n").expect("a header");
    let notice = format!(
        "Return-Path: <>\nFrom: MAILER-DAEMON@example.org\nSubject: Delayed Mail (still being retried)\n\
         Date: {date}\nMIME-Version: 1.0\nMessage-ID: <notice@mail.example.org>\n\
         Content-Type: multipart/report; report-type=delivery-status; boundary=b\n\n\
         --b\nContent-Type: text/plain\n\nThis is the mail system at host mail.example.org.\n\n\
         <bob@example.net>: TLS is required, but was not offered by host mx.example.net[192.0.2.1]\n\n\
         --b\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.org\n\
         X-Postfix-Queue-ID: 4794A13EC12\nArrival-Date: {date}\n\nFinal-Recipient: rfc822; bob@example.net\n\
         Action: delayed\nStatus: 4.7.4\nDiagnostic-Code: X-Postfix; TLS is required, but was not offered by \
         host mx.example.net[192.0.2.1]\n\n--b\nContent-Type: text/rfc822-headers\n\n{header}\n\n--b--\n"
    );
    fs::write(home.join("notice.eml"), notice).expect("a file");
    let config = home.join(".config/tls-optout");
    fs::create_dir_all(&config).expect("a folder");
    fs::write(
        config.join("config.toml"),
        format!(
            "[mail]\ninbox = []\nsent = \"{root}/Sent\"\nsearch = \"{root}\"\n\
             [[account]]\nfrom = \"me@example.org\"\nsubmission = \"smtps://me@mail.example.org\"\n",
            root = tree.root().display()
        ),
    )
    .expect("a file");
}
