//! The daemon and the filter: notices become offers, each once, and nothing is sent.

use std::fs;
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use submission_server::Script;

use crate::home::{Home, finish, original};

/// A home whose inbox is watched.
fn home() -> Home {
    let home = Home::new(Script::tls());
    home.write_config(
        &home
            .config()
            .replace("inbox = []", "inbox = \"~/Mail/INBOX\""),
    );
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(home.path("Mail/INBOX").join(part)).expect("a folder");
    }
    home
}

/// Delivers as a mail server does: written to `tmp`, renamed into `new`.
fn deliver(home: &Home, name: &str, message: &str) {
    home.file(&format!("Mail/INBOX/tmp/{name}"), message);
    let [from, to] = ["tmp", "new"].map(|part| home.path("Mail/INBOX").join(part).join(name));
    fs::rename(from, to).expect("a delivery");
}

fn numbered(home: &Home, number: usize) -> String {
    home.notice()
        .replace("warning-1@", &format!("warning-{number}@"))
}

fn offers(home: &Home) -> usize {
    home.run(&["offers", "--json"], "").stdout.lines().count()
}

/// Waits for the offers, and fails when there are others in the end.
fn wait_for_offers(home: &Home, count: usize) {
    let end = Instant::now() + Duration::from_secs(20);
    while offers(home) < count && Instant::now() < end {
        thread::sleep(Duration::from_millis(20));
    }
    assert_eq!(offers(home), count);
}

/// Asks the daemon to end as systemd does.
fn stop(mut daemon: Child) {
    assert!(
        daemon.try_wait().expect("a process").is_none(),
        "it ended by itself"
    );
    let kill = std::process::Command::new("sh")
        .args(["-c", &format!("kill {}", daemon.id())])
        .status();
    assert!(kill.expect("sh").success());
    let run = finish(daemon);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(!run.stderr.contains('@'), "no address in the log: {run:?}");
}

#[test]
fn a_notice_becomes_an_offer_once_wherever_it_moves() {
    let home = home();
    deliver(&home, "1.old", &home.notice());
    let daemon = home.start(&["watch"], "");
    wait_for_offers(&home, 1);
    for number in 0..200 {
        deliver(&home, &format!("2.{number}"), &original());
    }
    for number in 2..7 {
        deliver(&home, &format!("3.{number}"), &numbered(&home, number));
    }
    wait_for_offers(&home, 6);
    let inbox = home.path("Mail/INBOX");
    fs::rename(inbox.join("new/1.old"), inbox.join("cur/1.old:2,S")).expect("a move");
    deliver(&home, "4.last", &numbered(&home, 7));
    wait_for_offers(&home, 7);
    stop(daemon);

    let daemon = home.start(&["watch"], "");
    deliver(&home, "5.new", &numbered(&home, 8));
    wait_for_offers(&home, 8);
    stop(daemon);
    assert!(home.received().is_empty());
}

#[test]
fn one_look_tells_whether_there_is_something_new() {
    let home = home();
    assert_eq!(home.run(&["watch", "--once"], "").status, 1);
    deliver(&home, "1.notice", &home.notice());
    let run = home.run(&["watch", "--once"], "");
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stderr
            .contains("offer 1: an opt-out would help 1 recipient(s)"),
        "{run:?}"
    );
    assert_eq!(home.run(&["watch", "--once"], "").status, 1);
    assert_eq!(offers(&home), 1);
    home.received();
}

#[test]
fn a_daemon_without_a_folder_says_what_to_write() {
    let home = Home::new(Script::tls());
    let run = home.run(&["watch", "--once"], "");
    let file = home.path(".config/tls-optout/config.toml");
    home.assert_refused(
        &run,
        78,
        &format!(
            "no folder to watch; write [mail] inbox into {}",
            file.display()
        ),
    );
}

#[test]
fn process_tells_by_its_status_and_prints_nothing() {
    let home = Home::new(Script::tls());
    let connection_refused = home.notice().replace(
        "TLS is required, but was not offered by host mx.example.net[192.0.2.1]",
        "connect to mx.example.net[192.0.2.1]:25: Connection refused",
    );
    for (message, status) in [
        (home.notice(), 0),
        (home.notice(), 0),
        (original(), 1),
        (connection_refused, 1),
        (String::new(), 1),
        ("\0\n\0".to_owned(), 1),
    ] {
        let run = home.run(&["process"], &message);
        assert_eq!(
            (run.status, run.stdout.as_str(), run.stderr.as_str()),
            (status, "", ""),
            "{message}"
        );
    }
    assert_eq!(offers(&home), 1);
    fs::remove_dir_all(home.state()).expect("the state");
    home.file(".local/state/tls-optout", "");
    let run = home.run(&["process"], &home.notice());
    assert_eq!(run.status, 75, "{run:?}");
    home.received();
}
