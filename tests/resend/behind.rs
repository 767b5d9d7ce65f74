//! What changes behind the daemon's back: the clock, folders, the journal, the configuration.

use std::fs;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use submission_server::Script;

use crate::home::{BOB, Home, original};
use crate::standing::{self, AUTO, UNTRUSTED, sql, warning};
use crate::wait::poll;
use crate::watch::{
    Daemon, deliver, deliver_to, home, make_folder, numbered, offers, wait_for_offers,
};

/// The times of the last looks, `seconds` later than they were.
fn shift_looks(home: &Home, seconds: u64) {
    let file = home.state().join("looked");
    let text = fs::read_to_string(&file).expect("looks");
    let later = |line: &str| {
        let (time, rest) = line.split_once(' ').expect("a time");
        let time: u64 = time.parse().expect("a time");
        format!("{} {rest}\0", time + seconds)
    };
    fs::write(
        &file,
        text.split_terminator('\0').map(later).collect::<String>(),
    )
    .expect("a file");
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

/// Tells of each offer.
const HOOK: &str = "[tell]\non_offer = [\"true\"]\n";

/// What the log says above the level of debugging, of that kind.
fn said(daemon: &Daemon, level: &str) -> Vec<String> {
    let level = format!(" {level} ");
    let log = daemon.log();
    let lines = log.lines().filter(|line| line.contains(&level));
    lines.map(str::to_owned).collect()
}

/// A notice that standing consent covers, about the message of that number.
fn covered(home: &Home, number: usize) -> String {
    sql(
        home,
        &format!(
            "INSERT OR IGNORE INTO delivery VALUES \
             ('lunch-{number}@example.org', 'x@example.org', 'sent', 0, 'ours', '', '')"
        ),
    );
    let id = format!("lunch-{number}@");
    let copy = original().replace("lunch-1@", &id);
    fs::write(home.path(&format!("Mail/Sent/cur/{number}.copy:2,S")), copy).expect("a file");
    warning(&[(BOB, UNTRUSTED)])
        .replace("lunch-1@", &id)
        .replace("warning-1@", &format!("warning-{number}@"))
}

#[test]
fn a_configuration_that_is_no_good_stops_standing_consent_alone() {
    let home = standing::home(Script::tls(), &format!("{AUTO}{HOOK}"));
    let mut daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    let good = home.config();
    home.write_config(&format!("{good}\nbroken [\n"));
    daemon.signal("HUP");
    daemon.wait_for_log("going on with the configuration as it was");
    for number in 1..=3 {
        let notice = covered(&home, number);
        deliver(&home, &format!("{number}.notice"), &notice);
        wait_for_offers(&home, number);
        daemon.wait_for_log(&format!("offer {number}: told"));
    }
    let errors = said(&daemon, "ERROR");
    assert_eq!(errors.len(), 1, "{errors:?}");
    let warnings = said(&daemon, "WARN");
    let [warning] = &warnings[..] else {
        panic!("not one line: {warnings:?}")
    };
    assert!(
        warning.contains("nothing is sent on standing consent"),
        "{warning}"
    );
    // Mended, and nobody says so.
    home.write_config(&good);
    make_folder(&home, "INBOX/.More");
    daemon.wait_for_log("offer 3: sent again");
    daemon.stop();
    assert_eq!(home.received().len(), 3);
}

/// Of what the daemon has read and what the file says now the stricter holds.
#[test]
fn consent_takes_both_configurations() {
    let home = standing::home(Script::tls(), &format!("\"example.net\" = \"ask\"\n{HOOK}"));
    let mut daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    let asking = home.config();
    let auto = asking.replace("\"ask\"", "\"auto\"");
    // A fresh `auto` that was not read yet.
    home.write_config(&auto);
    deliver(&home, "1.notice", &covered(&home, 1));
    daemon.wait_for_log("offer 1: told");
    assert_eq!(offers(&home), 1);
    daemon.signal("HUP");
    daemon.wait_for_log("offer 1: sent again");
    // A fresh `never` or `ask`, a smaller number a day, another account.
    let command =
        "\n[[account]]\nname = \"other\"\nfrom = \"zoe@example.org\"\ncommand = [\"true\"]\n";
    for (number, fresh) in [
        (2, auto.replace("\"auto\"", "\"never\"")),
        (3, asking),
        (4, auto.replace("[policy]", "[policy]\nauto_per_day = 1")),
        (
            5,
            auto.replace("[policy]", "[policy]\nconfidential = [\"Subject: Lunch*\"]"),
        ),
        (6, format!("{auto}{command}")),
    ] {
        home.write_config(&fresh);
        deliver(&home, &format!("{number}.notice"), &covered(&home, number));
        daemon.wait_for_log(&format!("offer {number}: told"));
        let run = home.run(&["offers", "--json"], "");
        assert_eq!(
            run.stdout.lines().count(),
            number - 1,
            "{run:?} {}",
            daemon.log()
        );
    }
    daemon.stop();
    assert_eq!(home.received().len(), 1);
}

#[test]
fn a_journal_that_was_removed_is_begun_anew() {
    let home = home();
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    deliver(&home, "1.notice", &numbered(&home, 1));
    wait_for_offers(&home, 1);
    for end in ["", "-wal", "-shm"] {
        let _ = fs::remove_file(home.state().join(format!("journal.sqlite3{end}")));
    }
    for number in 2..=3 {
        let name = format!("{number}.notice");
        deliver(&home, &name, &numbered(&home, number));
    }
    wait_for_offers(&home, 2);
    daemon.wait_for_log("WARN the journal was removed or replaced");
    // All of the state.
    fs::remove_dir_all(home.state()).expect("the state");
    deliver(&home, "4.notice", &numbered(&home, 4));
    wait_for_offers(&home, 1);
    daemon.stop();
    home.received();
}

#[test]
fn folders_that_have_gone_are_forgotten() {
    let home = home();
    let inbox = home.path("Mail/INBOX");
    for name in [".one", ".two\nlines"] {
        make_folder(&home, &format!("INBOX/{name}"));
    }
    let remembered = || {
        assert_eq!(home.run(&["watch", "--once"], "").status, 1);
        let text = fs::read_to_string(home.state().join("looked")).expect("looks");
        [".one", ".two\nlines"].map(|name| text.contains(&format!("{}/{name}", inbox.display())))
    };
    assert_eq!(remembered(), [true, true]);
    fs::remove_dir_all(inbox.join(".one")).expect("removed");
    assert_eq!(remembered(), [false, true]);
    home.received();
}
