//! The daemon as a part of the user's session: one at a time, signals, the service manager, the journal.

use std::fs;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use crate::home::{Home, finish};
use crate::tell::wait_for;
use crate::wait::PATIENCE;
use crate::watch::{Daemon, deliver, deliver_to, home, make_folder, numbered, wait_for_offers};

#[test]
fn a_second_daemon_says_so_and_ends() {
    let home = home();
    let mut first = Daemon::start(&home, &[]);
    first.wait_for_log("watching");
    for _ in 0..2 {
        let run = home.run(&["watch"], "");
        let said = format!(
            "tls-optout: `tls-optout watch` is running already (process {}); it does all that this one would\n",
            first.id()
        );
        assert_eq!((run.status, run.stderr), (75, said));
    }
    // A look beside it does no harm.
    assert_eq!(home.run(&["watch", "--once"], "").status, 1);
    // What is left of one that was killed does not stop the next.
    first.signal("KILL");
    drop(first);
    let second = Daemon::start(&home, &[]);
    deliver(&home, "1.notice", &home.notice());
    wait_for_offers(&home, 1);
    second.stop();
    home.received();
}

/// A unit that starts while cron has it look once would otherwise stay down.
#[test]
fn a_daemon_waits_for_one_look_to_end() {
    let home = home();
    let hook =
        "on_offer = [\"sh\", \"-c\", \"echo >> told; until [ -e go ]; do sleep 0.05; done\"]";
    home.write_config(&format!("{}\n[tell]\n{hook}\n", home.config()));
    deliver(&home, "1.notice", &home.notice());
    let look = home.start(&["watch", "--once"], "");
    let told = || fs::read_to_string(home.path("told")).unwrap_or_default();
    wait_for("the hook", || (told() == "\n").then_some(()));
    // Another look tells of nothing.
    assert_eq!(home.run(&["watch", "--once"], "").status, 1);
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("waiting for `tls-optout watch --once` to end");
    home.file("go", "");
    assert_eq!(finish(look).status, 0);
    daemon.wait_for_log("watching");
    deliver(&home, "2.notice", &numbered(&home, 2));
    daemon.wait_for_log("offer 2: told (hook)");
    daemon.stop();
    assert_eq!(told(), "\n\n");
    home.received();
}

/// Killed by SIGTERM in the middle of its work, again and again: the next one does all that was left.
#[test]
fn an_end_in_the_middle_leaves_nothing_behind() {
    let home = home();
    for number in 0..60 {
        deliver(&home, &format!("1.{number}"), &numbered(&home, number));
    }
    let mut ended = 0;
    while crate::watch::offers(&home) < 60 {
        let daemon = Daemon::start(&home, &[]);
        daemon.wait_for_log("an opt-out would help");
        daemon.stop();
        ended += 1;
        assert!(ended < 60, "no way forward");
        assert!(crate::home::files(&home.state().join("locks")).is_empty());
    }
    assert!(ended > 1, "it was never ended in the middle");
    wait_for_offers(&home, 60);
    home.received();
}

#[test]
fn a_hangup_has_the_configuration_read_again() {
    let home = home();
    make_folder(&home, "Work");
    let mut daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    let good = home.config();
    home.write_config(&good.replace("[mail]", "[mail]\ninbocks = \"~/Mail/Work\""));
    daemon.signal("HUP");
    daemon.wait_for_log("going on with the configuration as it was");
    let log = daemon.log();
    let said = |line: &&str| line.contains("going on with the configuration as it was");
    let errors: Vec<_> = log.lines().filter(said).collect();
    let [error] = errors[..] else {
        panic!("not one line: {log}")
    };
    assert!(
        error.contains("unknown key `inbocks` in [mail] at "),
        "{error}"
    );
    assert!(error.contains("config.toml:2:1"), "{error}");
    deliver(&home, "1.notice", &numbered(&home, 1));
    wait_for_offers(&home, 1);

    let both = "inbox = [\"~/Mail/INBOX\", \"~/Mail/Work\"]";
    home.write_config(&good.replace("inbox = \"~/Mail/INBOX\"", both));
    daemon.signal("HUP");
    daemon.wait_for_log("the configuration was read again");
    deliver_to(&home, "Work", "2.notice", &numbered(&home, 2));
    deliver(&home, "3.notice", &numbered(&home, 3));
    wait_for_offers(&home, 3);
    daemon.stop();
    home.received();
}

/// All that the daemon tells the manager, until it has ended.
fn told(socket: &UnixDatagram, name: &str) -> Vec<String> {
    socket.set_read_timeout(Some(PATIENCE)).expect("a timeout");
    let home = home();
    let mut daemon = Daemon::start(
        &home,
        &[
            "env",
            &format!("NOTIFY_SOCKET={name}"),
            "WATCHDOG_USEC=200000",
        ],
    );
    let mut told = Vec::new();
    let mut next = |text: &str| {
        loop {
            let mut buffer = [0; 4096];
            let length = socket.recv(&mut buffer).expect("a word of the daemon");
            let words = String::from_utf8_lossy(&buffer[..length]).into_owned();
            let is_it = words.contains(text);
            told.push(words);
            if is_it {
                break;
            }
        }
    };
    next("READY=1");
    next("WATCHDOG=1");
    next("WATCHDOG=1");
    daemon.signal("HUP");
    next("RELOADING=1");
    next("READY=1");
    next("WATCHDOG=1");
    daemon.signal("TERM");
    next("STOPPING=1");
    home.received();
    told
}

#[test]
fn the_service_manager_hears_how_it_is() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("notify");
    let on_disk = UnixDatagram::bind(&path).expect("a socket");
    let name = format!("tls-optout-test-{}", std::process::id());
    let address = SocketAddr::from_abstract_name(&name).expect("a name");
    let without_file = UnixDatagram::bind_addr(&address).expect("a socket");
    for (socket, name) in [
        (&on_disk, path.display().to_string()),
        (&without_file, format!("@{name}")),
    ] {
        let told = told(socket, &name);
        let reloading = told.iter().find(|words| words.contains("RELOADING=1"));
        let (_, micros) = reloading
            .and_then(|words| words.split_once("MONOTONIC_USEC="))
            .expect("when");
        let micros: i64 = micros.trim().parse().expect("a number");
        let now = monotonic();
        assert!((now - 60_000_000..=now).contains(&micros), "{micros} {now}");
    }
}

/// Microseconds of CLOCK_MONOTONIC, as the kernel tells its uptime where nothing was ever suspended.
fn monotonic() -> i64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
    now.tv_sec * 1_000_000 + now.tv_nsec / 1_000
}

#[test]
fn in_the_journal_a_line_has_a_priority_and_no_time() {
    let home = home();
    let file = home.path("log");
    fs::write(&file, "").expect("a file");
    let stream = |home: &Home, inode: u64| {
        let device = home.path("log").metadata().expect("the log").dev();
        format!("JOURNAL_STREAM={device}:{inode}")
    };
    let inode = file.metadata().expect("the log").ino();
    deliver(&home, "1.notice", &home.notice());
    let daemon = Daemon::start(&home, &["env", &stream(&home, inode)]);
    daemon.wait_for_log("<6>offer 1: an opt-out would help 1 recipient(s)\n");
    let log = daemon.stop();
    assert!(
        log.lines()
            .all(|line| line.starts_with("<6>") || line.starts_with("<7>")),
        "{log}"
    );
    // A variable that is about another stream than standard error means nothing.
    let daemon = Daemon::start(&home, &["env", &stream(&home, inode + 1)]);
    daemon.wait_for_log("watching");
    let log = daemon.stop();
    assert!(!log.contains("<7>") && log.contains("DEBUG"), "{log}");
    home.received();
}
