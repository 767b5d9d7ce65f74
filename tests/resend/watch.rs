//! The daemon and the filter: notices become offers, each once, and nothing is sent.

use std::fs::{self, File};
use std::io::Write;
use std::process::{Child, Command};
use std::thread;
use std::time::{Duration, SystemTime};

use submission_server::Script;

use crate::home::{Home, original};
use crate::wait::poll;

/// A home whose configuration names an inbox, which may not exist yet.
fn home_without_inbox() -> Home {
    let home = Home::new(Script::tls());
    home.write_config(
        &home
            .config()
            .replace("inbox = []", "inbox = \"~/Mail/INBOX\""),
    );
    home
}

/// A home whose inbox is watched.
pub(crate) fn home() -> Home {
    let home = home_without_inbox();
    make_folder(&home, "INBOX");
    home
}

pub(crate) fn make_folder(home: &Home, folder: &str) {
    home.make_folder(&format!("Mail/{folder}"));
}

/// Delivers as a mail server does: written to `tmp`, renamed into `new`.
pub(crate) fn deliver(home: &Home, name: &str, message: &str) {
    deliver_to(home, "INBOX", name, message);
}

pub(crate) fn deliver_to(home: &Home, folder: &str, name: &str, message: &str) {
    let folder = home.path("Mail").join(folder);
    let [from, to] = ["tmp", "new"].map(|part| folder.join(part).join(name));
    fs::write(&from, message).expect("a file");
    fs::rename(from, to).expect("a delivery");
}

pub(crate) fn set_delivered(home: &Home, message: &str, days_ago: u64) {
    let past = SystemTime::now() - Duration::from_secs(days_ago * 24 * 3600);
    let file = File::open(home.path("Mail").join(message)).expect("a file");
    file.set_modified(past).expect("a time");
}

pub(crate) fn numbered(home: &Home, number: usize) -> String {
    home.notice()
        .replace("warning-1@", &format!("warning-{number}@"))
        .replace("lunch-1@", &format!("lunch-{number}@"))
}

pub(crate) fn offers(home: &Home) -> usize {
    home.run(&["offers", "--json"], "").stdout.lines().count()
}

/// Waits for the offers, and fails when there are others in the end.
pub(crate) fn wait_for_offers(home: &Home, count: usize) {
    poll(|| (offers(home) >= count).then_some(()));
    assert_eq!(offers(home), count);
}

/// A running daemon. Its log goes to a file: what it has done so far can be read there.
pub(crate) struct Daemon<'a> {
    home: &'a Home,
    child: Child,
}

impl<'a> Daemon<'a> {
    pub(crate) fn start(home: &'a Home, before: &[&str]) -> Daemon<'a> {
        let log = home.path("log");
        fs::write(&log, "").expect("a file");
        let program = env!("CARGO_BIN_EXE_tls-optout");
        let script = format!(
            "exec {} {program} -v watch 2>{}",
            before.join(" "),
            log.display()
        );
        let child = home.start_program("sh", &["-c", &script], "");
        Daemon { home, child }
    }

    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.home.path("log")).expect("the log")
    }

    pub(crate) fn wait_for_log(&self, text: &str) {
        let found = poll(|| self.log().contains(text).then_some(()));
        assert!(found.is_some(), "no {text:?} in {:?}", self.log());
    }

    pub(crate) fn signal(&mut self, name: &str) {
        let ended = self.child.try_wait().expect("a process");
        assert!(ended.is_none(), "it ended by itself: {:?}", self.log());
        let kill = format!("kill -{name} {}", self.child.id());
        let kill = Command::new("sh").args(["-c", &kill]).status();
        assert!(kill.expect("sh").success());
    }

    /// Asks it to end as systemd does. Its log.
    pub(crate) fn stop(self) -> String {
        self.end("TERM")
    }

    fn end(mut self, signal: &str) -> String {
        self.signal(signal);
        self.has_ended()
    }

    /// Waits for its end. Its log.
    pub(crate) fn has_ended(mut self) -> String {
        let status = poll(|| self.child.try_wait().expect("a process"));
        let status = status.expect("an end");
        let log = self.log();
        assert_eq!(status.code(), Some(0), "{log}");
        let mut told = log
            .lines()
            .filter(|line| !line.contains("DEBUG ") && !line.starts_with("<7>"));
        assert!(!told.any(|line| line.contains('@')), "an address: {log}");
        log
    }
}

/// A test that fails leaves no daemon behind.
impl Drop for Daemon<'_> {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("the daemon's log:\n{}", self.log());
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn a_notice_becomes_an_offer_once_wherever_it_moves() {
    let home = home();
    deliver(&home, "1.old", &home.notice());
    let daemon = Daemon::start(&home, &[]);
    wait_for_offers(&home, 1);
    for number in 0..200 {
        deliver(&home, &format!("2.{number}"), &original());
    }
    for number in 2..7 {
        deliver(&home, &format!("3.{number}"), &numbered(&home, number));
    }
    wait_for_offers(&home, 6);
    let inbox = home.path("Mail/INBOX");
    for name in ["1.old", "3.2", "2.7"] {
        let cur = inbox.join(format!("cur/{name},U=7:2,S"));
        fs::rename(inbox.join("new").join(name), &cur).expect("a move");
        fs::rename(&cur, inbox.join(format!("cur/{name},U=7:2,FS"))).expect("a flag");
    }
    deliver(&home, "4.last", &numbered(&home, 7));
    wait_for_offers(&home, 7);
    let log = daemon.stop();
    assert_eq!(log.matches("an opt-out would help").count(), 7, "{log}");

    let daemon = Daemon::start(&home, &[]);
    deliver(&home, "5.new", &numbered(&home, 8));
    wait_for_offers(&home, 8);
    let log = daemon.end("INT");
    assert_eq!(log.matches("an opt-out would help").count(), 1, "{log}");
    assert!(home.received().is_empty());
}

#[test]
fn a_message_is_read_whichever_way_it_gets_there() {
    let home = home();
    let inbox = home.path("Mail/INBOX");
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    // A link to a complete file.
    fs::write(inbox.join("tmp/1.link"), numbered(&home, 1)).expect("a file");
    fs::hard_link(inbox.join("tmp/1.link"), inbox.join("new/1.link")).expect("a link");
    wait_for_offers(&home, 1);
    // Written in place and slowly: the daemon has seen it incomplete when the rest comes.
    let notice = numbered(&home, 2);
    let mut file = File::create(inbox.join("cur/2.slow:2,S")).expect("a file");
    file.write_all(&notice.as_bytes()[..400]).expect("a part");
    deliver(&home, "3.between", &numbered(&home, 3));
    wait_for_offers(&home, 2);
    file.write_all(&notice.as_bytes()[400..]).expect("the rest");
    drop(file);
    wait_for_offers(&home, 3);
    // What does no harm: a file that is gone at once, a folder, an endless header block.
    for number in 0..50 {
        let name = format!("4.{number}");
        deliver(&home, &name, &original());
        fs::remove_file(inbox.join("new").join(name)).expect("removed");
    }
    fs::create_dir(inbox.join("new/folder")).expect("a folder");
    deliver(&home, "5.long", &"x".repeat(1 << 20));
    deliver(&home, "6.last", &numbered(&home, 4));
    wait_for_offers(&home, 4);
    daemon.stop();
    home.received();
}

#[test]
fn a_folder_that_comes_later_is_watched() {
    let home = home_without_inbox();
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("no Maildir folder there yet");
    daemon.wait_for_log("watching");
    make_folder(&home, "INBOX");
    deliver(&home, "1.first", &numbered(&home, 1));
    wait_for_offers(&home, 1);
    make_folder(&home, "INBOX/.Bounces");
    deliver_to(&home, "INBOX/.Bounces", "2.below", &numbered(&home, 2));
    wait_for_offers(&home, 2);
    fs::rename(home.path("Mail/INBOX"), home.path("Mail/Old")).expect("a move");
    make_folder(&home, "INBOX");
    deliver(&home, "3.again", &numbered(&home, 3));
    wait_for_offers(&home, 3);
    let log = daemon.stop();
    assert_eq!(log.matches("no Maildir folder").count(), 1, "{log}");
    home.received();
}

#[test]
fn the_journal_fails_for_a_while() {
    let home = home();
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    let journal = home.state().join("journal.sqlite3");
    let sql = |text: &str| {
        let db = rusqlite::Connection::open(&journal).expect("the journal");
        db.execute_batch(text).expect("SQL");
    };
    sql("ALTER TABLE waiting RENAME TO away");
    deliver(&home, "1.notice", &home.notice());
    daemon.wait_for_log("ERROR the journal");
    sql("ALTER TABLE away RENAME TO waiting");
    // A new folder has everything looked through again.
    make_folder(&home, "INBOX/.More");
    wait_for_offers(&home, 1);
    daemon.stop();
    home.received();
}

/// A new account beside the others, whose folder comes after its directory.
#[test]
fn folders_that_a_wildcard_stands_for_are_watched_as_they_come() {
    let home = home_without_inbox();
    let one = "inbox = \"~/Mail/INBOX\"";
    home.write_config(&home.config().replace(one, "inbox = \"~/Mail/w*/INBOX\""));
    make_folder(&home, "work/INBOX");
    make_folder(&home, "other/INBOX");
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    deliver_to(&home, "other/INBOX", "0.notice", &numbered(&home, 3));
    deliver_to(&home, "work/INBOX", "1.notice", &home.notice());
    wait_for_offers(&home, 1);
    fs::create_dir(home.path("Mail/weekend")).expect("a folder");
    daemon.wait_for_log("directories=6");
    make_folder(&home, "weekend/INBOX");
    deliver_to(&home, "weekend/INBOX", "2.notice", &numbered(&home, 2));
    wait_for_offers(&home, 2);
    daemon.stop();
    home.received();
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
    // Fetched late: the file has the time at which the server got it, before the last look.
    deliver(&home, "2.late", &numbered(&home, 2));
    set_delivered(&home, "INBOX/new/2.late", 3);
    assert_eq!(home.run(&["watch", "--once"], "").status, 0);
    deliver(&home, "3.old", &numbered(&home, 3));
    set_delivered(&home, "INBOX/new/3.old", 300);
    assert_eq!(home.run(&["watch", "--once"], "").status, 1);
    home.received();
}

#[test]
fn a_folder_that_is_new_in_the_configuration_is_looked_at_from_its_start() {
    let home = home();
    make_folder(&home, "Work");
    deliver_to(&home, "Work", "1.notice", &home.notice());
    set_delivered(&home, "Work/new/1.notice", 4);
    assert_eq!(home.run(&["watch", "--once"], "").status, 1);
    let both = "inbox = [\"~/Mail/INBOX\", \"~/Mail/Work\"]";
    let config = home.config().replace("inbox = \"~/Mail/INBOX\"", both);
    home.write_config(&config);
    assert_eq!(home.run(&["watch", "--once"], "").status, 0);
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

/// A writer that is cut off may take the mail for lost.
#[test]
fn process_takes_all_of_a_message() {
    let home = Home::new(Script::tls());
    home.file("mail", &(original() + &"x\n".repeat(1 << 20)));
    let program = env!("CARGO_BIN_EXE_tls-optout");
    let script = format!("set -o pipefail; cat mail | {program} process; echo ${{PIPESTATUS[*]}}");
    let run = home.run_program("bash", &["-c", &script], "");
    assert_eq!((run.stdout.as_str(), run.stderr.as_str()), ("0 1\n", ""));
    home.received();
}

#[test]
fn the_daemon_keeps_the_index_current() {
    let home = home();
    let daemon = Daemon::start(&home, &[]);
    let is_indexed = |files: u64| {
        let run = home.run(&["index", "--check"], "");
        run.stdout
            .starts_with(&format!("{files} messages in 2 folders"))
    };
    let wait = |files| {
        let found = poll(|| is_indexed(files).then_some(()));
        assert!(found.is_some(), "{files}: {}", daemon.log());
    };
    wait(1);
    deliver_to(
        &home,
        "Sent",
        "2.sent",
        "Message-ID: <2@example.org>\n\nx\n",
    );
    wait(2);
    deliver(&home, "3.inbox", "Message-ID: <3@example.org>\n\nx\n");
    wait(3);
    // It may be deleted at any time.
    fs::remove_file(home.state().join("index.sqlite3")).expect("an index");
    let run = home.run(&["find", "2@example.org"], "");
    let path = home.path("Mail/Sent/new/2.sent");
    assert_eq!(run.stdout, format!("{}\n", path.display()));
    make_folder(&home, "Other");
    let index = home.state().join("index.sqlite3");
    let found = poll(|| index.exists().then_some(()));
    assert!(found.is_some(), "not built again: {}", daemon.log());
    daemon.stop();
}
