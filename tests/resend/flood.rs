//! The daemon under hard conditions: killed over and over in a flood of mail, more events than the system keeps, no
//! watches left, and file systems that tell nothing.

use std::fs::{self, File};
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::home::{Home, original};
use crate::tell::wait_for;
use crate::watch::{
    Daemon, deliver, deliver_to, home, make_folder, numbered, offers, wait_for_offers,
};

/// Numbers that look random and are the same in each run.
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (self.0 >> 33) % limit
    }
}

/// One of so many messages is a notice.
const ONE_IN: usize = 20;

/// Delivers, and moves some as a mail reader does.
fn pour(inbox: &Path, notices: &[String], messages: usize) {
    let mail = original();
    let mut dice = Dice(7);
    for number in 0..messages {
        let name = format!("{number}.flood");
        let message = match number % ONE_IN {
            0 => &notices[number / ONE_IN],
            _ => &mail,
        };
        let [tmp, new] = ["tmp", "new"].map(|part| inbox.join(part).join(&name));
        fs::write(&tmp, message).expect("a file");
        fs::rename(tmp, &new).expect("a delivery");
        if dice.below(3) == 0 {
            fs::rename(new, inbox.join(format!("cur/{name}:2,S"))).expect("a move");
        }
    }
}

/// Kills the daemon so often while the messages come. Each notice is one offer in the end, told of at most once more
/// for each kill.
fn killed(messages: usize, kills: usize) {
    let home = home();
    let config = home.config();
    let hook = "on_offer = [\"sh\", \"-c\", \"echo $TLS_OPTOUT_OFFER >> told\"]";
    home.write_config(&format!("{config}\n[tell]\n{hook}\n"));
    let count = messages.div_ceil(ONE_IN);
    let notices: Vec<_> = (0..count).map(|number| numbered(&home, number)).collect();
    let inbox = home.path("Mail/INBOX");
    let is_poured = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            pour(&inbox, &notices, messages);
            is_poured.store(true, Ordering::Relaxed);
        });
        let mut dice = Dice(11);
        for _ in 0..kills {
            let mut daemon = Daemon::start(&home, &[]);
            thread::sleep(Duration::from_millis(dice.below(300)));
            daemon.signal("KILL");
        }
    });
    assert!(is_poured.load(Ordering::Relaxed));
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    let all_told = || {
        let told = fs::read_to_string(home.path("told")).unwrap_or_default();
        let mut offers: Vec<usize> = told.lines().filter_map(|line| line.parse().ok()).collect();
        let tellings = offers.len();
        offers.sort_unstable();
        offers.dedup();
        (offers == (1..=count).collect::<Vec<_>>()).then_some(tellings)
    };
    let end = Instant::now() + Duration::from_secs(90);
    let told = loop {
        if let Some(tellings) = all_told() {
            break tellings;
        }
        assert!(
            Instant::now() < end,
            "not all are told of: {}",
            offers(&home)
        );
        thread::sleep(Duration::from_millis(50));
    };
    daemon.stop();
    assert_eq!(offers(&home), count);
    assert!(told <= count + kills, "{told} tellings");
    let keys = rusqlite::Connection::open(home.state().join("journal.sqlite3")).and_then(|db| {
        db.query_row("SELECT count(DISTINCT message_id) FROM offer", [], |row| {
            row.get::<_, u32>(0)
        })
    });
    assert_eq!(keys, Ok(count as u32));
    assert!(home.received().is_empty());
}

#[test]
fn killed_while_mail_comes() {
    killed(600, 8);
}

#[test]
#[ignore = "takes a minute: tests/run"]
fn killed_fifty_times_in_ten_thousand_messages() {
    killed(10_000, 50);
}

/// 16,384 events are kept for a daemon that does not read them; of what comes after these it hears only that it came.
#[test]
#[ignore = "delivers 17,000 messages: tests/run"]
fn more_events_than_the_system_keeps() {
    let home = home();
    let mut daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    daemon.signal("STOP");
    for number in 0..17_000 {
        deliver(
            &home,
            &format!("1.{number}"),
            "From: bob@example.net\n\nLunch?\n",
        );
    }
    for number in 0..3 {
        deliver(&home, &format!("2.{number}"), &numbered(&home, number));
    }
    daemon.signal("CONT");
    daemon.wait_for_log("events were lost");
    wait_for_offers(&home, 3);
    daemon.stop();
    home.received();
}

/// Waits for an offer where nothing but the clock has the daemon look.
fn found_by_the_clock(home: &Home) {
    let end = Instant::now() + Duration::from_secs(50);
    while offers(home) == 0 {
        assert!(Instant::now() < end, "it does not look");
        thread::sleep(Duration::from_millis(200));
    }
}

/// A daemon that may have so many watches.
fn with_watches(home: &Home, count: usize) -> Daemon<'_> {
    let limited = format!("'echo {count} > /proc/sys/user/max_inotify_watches; exec \"$@\"'");
    let unshare = ["unshare", "--user", "--map-root-user"];
    Daemon::start(home, &[&unshare[..], &["sh", "-c", &limited, "-"]].concat())
}

/// The index is a cache: it takes no watch that the inbox has a use for, whoever comes first.
#[test]
#[ignore = "needs user namespaces: tests/run"]
fn few_watches_are_for_the_inbox() {
    // With 12 those of the index find no room; with 13 they have it until the new folder comes.
    for (folders, count) in [(32, 12), (0, 13)] {
        let home = home();
        for number in 0..folders {
            make_folder(&home, &format!("Old/{number}"));
        }
        let mut daemon = with_watches(&home, count);
        daemon.wait_for_log("DEBUG index");
        make_folder(&home, "INBOX/.New");
        daemon.wait_for_log("directories=7");
        deliver_to(&home, "INBOX/.New", "1.notice", &numbered(&home, 1));
        deliver(&home, "2.notice", &numbered(&home, 2));
        wait_for_offers(&home, 2);
        daemon.signal("HUP");
        daemon.wait_for_log("the configuration was read again");
        deliver(&home, "3.notice", &numbered(&home, 3));
        wait_for_offers(&home, 3);
        let log = daemon.stop();
        assert!(!log.contains("is_told_all=false"), "{log}");
        let said = log.matches("the index follows every 10 minutes").count();
        assert_eq!(said, 1, "{log}");
        home.received();
    }
}

/// Each look sees that there is more in the file.
#[test]
#[ignore = "needs user namespaces, and waits for more than a minute: tests/run"]
fn without_watches_a_slow_writer_is_waited_for() {
    let home = home();
    let daemon = with_watches(&home, 0);
    daemon.wait_for_log("raise fs.inotify.max_user_watches");
    let notice = home.notice();
    let path = home.path("Mail/INBOX/new/1.slow");
    let mut file = File::create(path).expect("a file");
    file.write_all(&notice.as_bytes()[..300]).expect("a part");
    thread::sleep(Duration::from_secs(40));
    file.write_all(&notice.as_bytes()[300..]).expect("the rest");
    found_by_the_clock(&home);
    daemon.stop();
    home.received();
}

#[test]
#[ignore = "needs user namespaces, and waits for half a minute: tests/run"]
fn without_watches_the_daemon_looks_by_the_clock() {
    let home = home();
    let mut daemon = with_watches(&home, 0);
    daemon.wait_for_log("raise fs.inotify.max_user_watches");
    // Said once, however often it looks.
    daemon.signal("HUP");
    daemon.wait_for_log("the configuration was read again");
    deliver(&home, "1.notice", &home.notice());
    found_by_the_clock(&home);
    let log = daemon.stop();
    assert_eq!(log.matches("looking by the clock").count(), 1, "{log}");
    home.received();
}

/// A file system of which others hold the other end: what they change there, nobody tells.
#[test]
#[ignore = "needs root and bindfs, and waits for half a minute: tests/run"]
fn on_a_file_system_that_tells_nothing_the_daemon_looks_by_the_clock() {
    let home = home();
    let (there, here) = (home.path("Mail/INBOX"), home.path("mounted"));
    fs::create_dir(&here).expect("a folder");
    let mounted = Command::new("bindfs").args([&there, &here]).status();
    assert!(mounted.expect("bindfs").success());
    let mount = Mount(here);
    let config = home.config().replace("~/Mail/INBOX", "~/mounted");
    home.write_config(&config);
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("a file system that others change");
    wait_for("the look", || {
        daemon.log().contains("watching").then_some(())
    });
    deliver(&home, "1.notice", &home.notice());
    found_by_the_clock(&home);
    let log = daemon.stop();
    assert_eq!(log.matches("looking by the clock").count(), 1, "{log}");
    drop(mount);
    home.received();
}

struct Mount(PathBuf);

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(&self.0).status();
    }
}
