//! Killed at each step of the journal: at each write into a file, and at each change in its folder.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::process::Output;
use std::sync::mpsc::channel;
use std::time::Duration;

use notify::{RecursiveMode, Watcher};
use submission_server::Script;

use crate::alice::{Alice, PROGRAM, RECIPIENTS, kill};
use crate::trial::{TEXT, settle};
use crate::{Budget, budget};

/// A file that grows beyond the limit is where the system ends the program: no handler runs, and a
/// page of the journal may be torn.
#[test]
fn at_each_write() {
    let (mut seen, mut kills) = (BTreeSet::new(), 0);
    for limit in limits() {
        let alice = Alice::new(Script::tls(), TEXT);
        let run = limited(&alice, "", limit);
        let verdict = settle(alice, TEXT, &format!("files of {limit} blocks"));
        seen.insert(verdict.state(RECIPIENTS[0]).to_owned());
        if run.status.code() == Some(0) {
            break;
        }
        const SIGXFSZ: i32 = 25;
        assert_eq!(run.status.signal(), Some(SIGXFSZ), "{run:?}");
        kills += 1;
    }
    eprintln!("{kills} kills at writes");
    // From before the first write to after the last.
    let all = ["new", "open", "sent", "unknown"];
    assert!(seen.iter().eq(&all), "{seen:?}");
}

/// The same places, but the program is told that nothing more can be written there.
#[test]
fn a_full_disk_at_each_write() {
    let mut said = BTreeSet::new();
    for limit in limits() {
        let alice = Alice::new(Script::tls(), TEXT);
        let run = limited(&alice, "trap '' XFSZ;", limit);
        settle(alice, TEXT, &format!("disk full at {limit} blocks"));
        if run.status.code() == Some(0) {
            break;
        }
        const IO: i32 = 74;
        assert_eq!(run.status.code(), Some(IO), "{run:?}");
        let text = String::from_utf8(run.stderr).expect("UTF-8");
        assert!(
            text.starts_with("tls-optout: ") && text.lines().count() == 1,
            "{text}"
        );
        said.insert(text.contains("the message WAS sent, but the journal could not note it"));
    }
    // Before the message, and after it.
    assert_eq!(said.len(), 2);
}

/// File sizes in blocks of 512 bytes, as sh counts. A page of SQLite is 8 of them: none is left out.
fn limits() -> impl Iterator<Item = usize> {
    let step = match budget() {
        Budget::Sample => 7,
        Budget::Kills(_) => 1,
    };
    (0..).step_by(step)
}

/// Runs the program with a limit for the files that it writes.
fn limited(alice: &Alice, before: &str, limit: usize) -> Output {
    let line =
        format!("{before} ulimit -c 0; ulimit -f {limit}; exec {PROGRAM} resend --yes notice.eml");
    let run = alice.command("sh", &["-c", &line]).output();
    run.expect("a shell")
}

/// Files made, opened, written, locked and removed.
#[test]
fn at_each_change_in_the_folder() {
    let step = match budget() {
        Budget::Sample => 9,
        Budget::Kills(_) => 1,
    };
    let mut kills = 0;
    for count in (1..).step_by(step) {
        let alice = Alice::new(Script::tls(), TEXT);
        fs::create_dir_all(alice.state().join("locks")).expect("a folder");
        let (sender, changes) = channel();
        let mut watcher = notify::recommended_watcher(sender).expect("a watcher");
        watcher
            .watch(&alice.state(), RecursiveMode::Recursive)
            .expect("a folder to watch");
        let child = alice.start();
        let came = (0..count).all(|_| changes.recv_timeout(Duration::from_secs(1)).is_ok());
        let was_running = kill(child);
        settle(alice, TEXT, &format!("change {count}"));
        if !came || !was_running {
            break;
        }
        kills += 1;
    }
    eprintln!("{kills} kills at changes in the folder");
    assert!(kills > 0);
}
