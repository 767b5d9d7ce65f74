//! What changes behind the daemon's back: the clock, folders, the journal, the configuration.

use std::fs;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::standing::sql;
use crate::wait::poll;
use crate::watch::{
    Daemon, deliver, deliver_to, home, make_folder, numbered, offers, wait_for_offers,
};

/// The times of the last looks, `seconds` later than they were.
fn shift_looks(home: &crate::home::Home, seconds: u64) {
    let file = home.state().join("looked");
    let text = fs::read_to_string(&file).expect("looks");
    let later = |line: &str| {
        let (time, rest) = line.split_once(' ').expect("a time");
        let time: u64 = time.parse().expect("a time");
        format!("{} {rest}\n", time + seconds)
    };
    fs::write(&file, text.lines().map(later).collect::<String>()).expect("a file");
}

/// The last look was at a time that is still to come.
#[test]
fn a_clock_that_was_set_back_hides_no_mail() {
    let home = home();
    assert_eq!(home.run(&["watch", "--once"], "").status, 1);
    shift_looks(&home, 2 * 3600);
    deliver(&home, "1.notice", &numbered(&home, 1));
    assert_eq!(home.run(&["watch", "--once"], "").status, 0);
    home.received();
}

/// Between two looks, so that the path was never empty.
#[test]
fn another_folder_at_the_same_path_is_read() {
    let home = home();
    make_folder(&home, "INBOX/.Work");
    make_folder(&home, "Stage");
    deliver_to(&home, "INBOX/.Work", "1.notice", &numbered(&home, 1));
    deliver_to(&home, "Stage", "1.notice", &numbered(&home, 2));
    let daemon = Daemon::start(&home, &[]);
    wait_for_offers(&home, 1);
    daemon.wait_for_log("watching");
    let [here, stage] = ["Mail/INBOX/.Work", "Mail/Stage"].map(|folder| home.path(folder));
    renameat_with(CWD, stage, CWD, here, RenameFlags::EXCHANGE).expect("an exchange");
    wait_for_offers(&home, 2);
    daemon.stop();
    home.received();
}

/// Half a minute, as the daemon says in its documentation, and not until the next look at everything.
#[test]
fn what_the_journal_did_not_take_is_tried_again_soon() {
    let home = home();
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    sql(&home, "ALTER TABLE waiting RENAME TO away");
    deliver(&home, "1.notice", &numbered(&home, 1));
    daemon.wait_for_log("ERROR the journal");
    sql(&home, "ALTER TABLE away RENAME TO waiting");
    let is_there = || (offers(&home) == 1).then_some(());
    let found = poll(is_there).or_else(|| poll(is_there));
    assert!(found.is_some(), "{}", daemon.log());
    daemon.stop();
    home.received();
}
