//! Mail that the daemon does not read: it is too old, or cannot be read.

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt};

use crate::watch::{
    Daemon, deliver, deliver_to, home, make_folder, numbered, set_delivered, wait_for_offers,
};

/// Whether an event tells of it or a look finds it: mail from an archive is no news.
#[test]
fn mail_that_is_old_makes_no_offer() {
    let home = home();
    let inbox = home.path("Mail/INBOX");
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    for (number, days_ago) in [(1, 300), (2, 20)] {
        let name = format!("{number}.archived");
        fs::write(inbox.join("tmp").join(&name), numbered(&home, number)).expect("a file");
        set_delivered(&home, &format!("INBOX/tmp/{name}"), days_ago);
        fs::rename(inbox.join("tmp").join(&name), inbox.join("cur").join(&name)).expect("a move");
    }
    deliver(&home, "3.last", &numbered(&home, 3));
    wait_for_offers(&home, 2);
    assert!(!daemon.log().contains("offer 3:"), "{}", daemon.log());
    // It is known: a change of its flags is nothing new either.
    fs::rename(
        inbox.join("cur/1.archived"),
        inbox.join("cur/1.archived:2,S"),
    )
    .expect("a flag");
    deliver(&home, "4.last", &numbered(&home, 4));
    wait_for_offers(&home, 3);
    daemon.stop();
    home.received();
}

/// Permissions, which would not hold root back.
#[test]
fn what_cannot_be_read_is_said_once_and_tried_again() {
    let home = home();
    for folder in ["INBOX/.Closed", "INBOX/.NoEntry"] {
        make_folder(&home, folder);
        deliver_to(&home, folder, "1.below", &numbered(&home, folder.len()));
    }
    let allow = |name: &str, mode| {
        let mode = fs::Permissions::from_mode(mode);
        fs::set_permissions(home.path("Mail/INBOX").join(name), mode).expect("a mode");
    };
    deliver(&home, "2.old", &numbered(&home, 2));
    for closed in ["new/2.old", ".Closed/new", ".NoEntry"] {
        allow(closed, 0);
    }
    let as_user = [
        "setpriv",
        "--bounding-set",
        "-dac_override,-dac_read_search",
    ];
    let is_root = fs::metadata(home.path("Mail")).expect("a folder").uid() == 0;
    let before = if is_root { &as_user[..] } else { &[] };
    let daemon = Daemon::start(&home, before);
    let says = |name: &str, times: usize| {
        let log = daemon.log();
        let is_it = |line: &&str| line.contains(name) && line.contains("Permission denied");
        let lines: Vec<_> = log.lines().filter(is_it).collect();
        assert!(lines.iter().all(|line| line.contains("WARN")), "{log}");
        assert_eq!(lines.len(), times, "{name}: {log}");
    };
    daemon.wait_for_log("index files");
    deliver(&home, "4.good", &numbered(&home, 4));
    wait_for_offers(&home, 1);
    // Unreadable as it comes.
    let tmp = home.path("Mail/INBOX/tmp/3.new");
    fs::write(&tmp, numbered(&home, 3)).expect("a file");
    allow("tmp/3.new", 0);
    fs::rename(tmp, home.path("Mail/INBOX/new/3.new")).expect("a delivery");
    // Another look.
    make_folder(&home, "INBOX/.More");
    deliver_to(&home, "INBOX/.More", "5.good", &numbered(&home, 5));
    wait_for_offers(&home, 2);
    for name in ["new/2.old", "new/3.new", ".Closed", ".NoEntry"] {
        says(name, 1);
    }
    for (name, mode) in [
        ("new/2.old", 0o600),
        ("new/3.new", 0o600),
        (".Closed/new", 0o700),
        (".NoEntry", 0o700),
    ] {
        allow(name, mode);
    }
    make_folder(&home, "INBOX/.Again");
    wait_for_offers(&home, 6);
    daemon.stop();
    home.received();
}
