//! A disk that takes nothing. (One that is full: `tests/soak`, at each write.)

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use crate::home::{Home, Run, files};
use crate::trial::home;

/// Runs the program as somebody whom permissions hold back: root with the capability to ignore them taken
/// away for good, anybody else as they are.
fn run(home: &Home, arguments: &[&str]) -> Run {
    home.file("notice.eml", &home.notice());
    let program = env!("CARGO_BIN_EXE_tls-optout");
    let line = format!(
        "if test $(id -u) = 0; then limit='setpriv --inh-caps=-all --bounding-set=-dac_override,-dac_read_search'; \
         fi; exec $limit '{program}' {}",
        arguments.join(" ")
    );
    home.run_program("sh", &["-c", &line], "")
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).expect("a file of ours");
}

/// The state folder with all in it, made read-only or writable.
fn set_read_only(home: &Home, read_only: bool) {
    let (file, folder) = if read_only {
        (0o400, 0o500)
    } else {
        (0o600, 0o700)
    };
    for path in files(&home.state()) {
        set_mode(&path, file);
    }
    for path in [home.state().join("locks"), home.state()] {
        set_mode(&path, folder);
    }
}

/// One line that says what to look at, and nothing was sent: the caller counts.
fn assert_told(run: &Run) {
    assert_eq!(run.status, 74, "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    let advice = "look there for free space and permissions";
    assert!(run.stderr.contains(advice), "{run:?}");
}

#[test]
fn a_read_only_state_folder() {
    let home = home();
    fs::create_dir_all(home.state().join("locks")).expect("a folder");
    set_read_only(&home, true);
    for arguments in [&["resend", "--yes", "notice.eml"][..], &["offers"]] {
        assert_told(&run(&home, arguments));
    }
    set_read_only(&home, false);
    // The disk is well again, and nothing was lost or taken for sent.
    assert_eq!(run(&home, &["resend", "--yes", "notice.eml"]).status, 0);
    assert_eq!(home.received().len(), 1);
}

/// What was sent before is not sent again while that cannot be looked up or noted.
#[test]
fn a_journal_that_became_read_only() {
    let home = home();
    assert_eq!(run(&home, &["resend", "--yes", "notice.eml"]).status, 0);
    set_read_only(&home, true);
    for _ in 0..2 {
        assert_told(&run(&home, &["resend", "--yes", "notice.eml"]));
    }
    set_read_only(&home, false);
    let again = run(&home, &["resend", "--yes", "notice.eml"]);
    assert_eq!(again.status, 1, "{again:?}");
    assert!(again.stdout.contains("was already sent again"), "{again:?}");
    assert_eq!(home.received().len(), 1);
}

/// Only the file is read-only: SQLite opens it, and fails at the first write.
#[test]
fn a_read_only_journal_in_a_writable_folder() {
    let home = home();
    assert_eq!(run(&home, &["offers"]).status, 1);
    let journal = home.state().join("journal.sqlite3");
    set_mode(&journal, 0o400);
    assert_told(&run(&home, &["resend", "--yes", "notice.eml"]));
    set_mode(&journal, 0o600);
    assert!(home.received().is_empty());
}

/// A lock that cannot be made: the last thing before the message goes out.
#[test]
fn a_read_only_folder_of_locks() {
    let home = home();
    assert_eq!(run(&home, &["offers"]).status, 1);
    set_mode(&home.state().join("locks"), 0o500);
    let refused = run(&home, &["resend", "--yes", "notice.eml"]);
    assert_told(&refused);
    set_mode(&home.state().join("locks"), 0o700);
    assert_eq!(run(&home, &["resend", "--yes", "notice.eml"]).status, 0);
    assert_eq!(home.received().len(), 1);
}
