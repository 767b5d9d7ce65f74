//! Notifications on a real session bus, with a notification server of the test's own on it.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::zvariant::OwnedValue;

use crate::home::Home;
use crate::tell::wait_for;
use crate::wait::PATIENCE;
use crate::watch::{Daemon, deliver, home, numbered, wait_for_offers};

const PATH: &str = "/org/freedesktop/Notifications";
const NAME: &str = "org.freedesktop.Notifications";

/// A session bus that ends with the test.
pub(crate) struct Bus {
    daemon: Child,
    address: String,
}

impl Bus {
    pub(crate) fn start() -> Bus {
        let mut daemon = Command::new("dbus-daemon")
            // What is installed on this machine, and would be started by the bus, finds no screen.
            .env_clear()
            .args(["--session", "--nofork", "--nopidfile", "--print-address=1"])
            .stdout(Stdio::piped())
            .spawn()
            .expect("dbus-daemon");
        let mut address = String::new();
        let stdout = daemon.stdout.take().expect("its output");
        BufReader::new(stdout)
            .read_line(&mut address)
            .expect("its address");
        let address = address.trim_end().to_owned();
        Bus { daemon, address }
    }

    /// For a shell.
    pub(crate) fn variable(&self) -> String {
        format!("DBUS_SESSION_BUS_ADDRESS='{}'", self.address)
    }

    pub(crate) fn plain_variable(&self) -> String {
        format!("DBUS_SESSION_BUS_ADDRESS={}", self.address)
    }
}

impl Drop for Bus {
    fn drop(&mut self) {
        let _ = self.daemon.kill();
        let _ = self.daemon.wait();
    }
}

/// A notification as the server gets it.
#[derive(Debug)]
struct Shown {
    summary: String,
    body: String,
    actions: Vec<String>,
}

struct Notifications {
    capabilities: Vec<&'static str>,
    shown: Sender<Shown>,
    count: u32,
    is_broken: Arc<AtomicBool>,
}

#[zbus::interface(name = "org.freedesktop.Notifications")]
impl Notifications {
    fn get_capabilities(&self) -> Vec<&'static str> {
        self.capabilities.clone()
    }

    #[expect(
        clippy::too_many_arguments,
        clippy::needless_pass_by_value,
        reason = "the method of the specification"
    )]
    fn notify(
        &mut self,
        app_name: &str,
        replaces_id: u32,
        app_icon: &str,
        summary: String,
        body: String,
        actions: Vec<String>,
        hints: HashMap<String, OwnedValue>,
        expire_timeout: i32,
    ) -> zbus::fdo::Result<u32> {
        assert_eq!((app_name, replaces_id), ("tls-optout", 0));
        assert!(!app_icon.is_empty() && hints.contains_key("category") && expire_timeout == -1);
        let _ = self.shown.send(Shown {
            summary,
            body,
            actions,
        });
        if self.is_broken.load(Ordering::Relaxed) {
            return Err(zbus::fdo::Error::Failed("no room".to_owned()));
        }
        self.count += 1;
        Ok(self.count)
    }
}

/// The desktop: a server that shows notifications, and a user who clicks on them.
struct Desktop {
    connection: Connection,
    shown: Receiver<Shown>,
    /// It then shows nothing, and says so.
    is_broken: Arc<AtomicBool>,
}

impl Desktop {
    fn start(bus: &Bus, capabilities: &[&'static str]) -> Desktop {
        let (sender, shown) = channel();
        let is_broken = Arc::<AtomicBool>::default();
        let server = Notifications {
            is_broken: Arc::clone(&is_broken),
            capabilities: capabilities.to_vec(),
            shown: sender,
            count: 0,
        };
        let connection = Builder::address(bus.address.as_str())
            .and_then(|builder| builder.serve_at(PATH, server))
            .and_then(|builder| builder.name(NAME))
            .and_then(Builder::build)
            .expect("a place on the bus");
        Desktop {
            connection,
            shown,
            is_broken,
        }
    }

    fn next(&self) -> Shown {
        self.shown.recv_timeout(PATIENCE).expect("a notification")
    }

    fn click(&self, number: u32, action: &str) {
        let clicked = self.connection.emit_signal(
            None::<&str>,
            PATH,
            NAME,
            "ActionInvoked",
            &(number, action),
        );
        clicked.expect("a signal");
    }
}

/// A terminal that writes down what it is to run.
pub(crate) fn terminal(home: &Home) {
    let config = home.config();
    let script = "terminal = [\"sh\", \"-c\", \"echo \\\"$@\\\" >> opened\", \"-\"]";
    home.write_config(&format!("{config}\n[tell]\n{script}\n"));
}

#[test]
#[ignore = "needs dbus-daemon: tests/run"]
fn a_notification_with_actions() {
    let home = home();
    terminal(&home);
    let bus = Bus::start();
    let desktop = Desktop::start(&bus, &["actions", "body", "body-markup"]);
    let daemon = Daemon::start(&home, &["env", &bus.variable()]);
    daemon.wait_for_log("watching");

    let evil = home
        .notice()
        .replace("Lunch on Thursday", "<b>Lunch</b> & \u{202e}more");
    deliver(&home, "1.notice", &evil);
    let shown = desktop.next();
    assert_eq!(shown.summary, "Mail to bob@example.net is delayed");
    assert_eq!(
        shown.body,
        "&lt;b&gt;Lunch&lt;/b&gt; &amp; \\u{202e}more\nthe server of the recipient offers no encryption (STARTTLS)"
    );
    let actions = [
        "default", "Review", "review", "Review", "dismiss", "Dismiss",
    ];
    assert_eq!(shown.actions, actions);
    daemon.wait_for_log("offer 1: told (desktop)");

    // Review opens a terminal, and nothing else happens.
    desktop.click(1, "review");
    let opened = home.path("opened");
    let program = env!("CARGO_BIN_EXE_tls-optout");
    let expected = format!("{program} resend --pause 1\n");
    wait_for("the terminal", || {
        (fs::read_to_string(&opened).ok()? == expected).then_some(())
    });
    // A click on what is no notification of ours, or is one no longer, does nothing.
    desktop.click(1, "review");
    desktop.click(99, "dismiss");

    deliver(&home, "2.notice", &numbered(&home, 2));
    desktop.next();
    daemon.wait_for_log("offer 2: told (desktop)");
    wait_for_offers(&home, 2);
    desktop.click(2, "dismiss");
    daemon.wait_for_log("offer 2: dismissed");
    wait_for_offers(&home, 1);
    daemon.stop();

    // Nothing is shown again. Of one that a stranger may have written that is said.
    let daemon = Daemon::start(&home, &["env", &bus.variable()]);
    let forged =
        numbered(&home, 3).replace("Return-Path: <>\n", "Return-Path: <eve@example.com>\n");
    deliver(&home, "3.notice", &forged);
    assert!(
        desktop
            .next()
            .body
            .ends_with("\nNothing shows that your own mail server says so: it may be forged.")
    );
    daemon.wait_for_log("offer 3: told (desktop)");
    daemon.stop();
    assert!(desktop.shown.try_recv().is_err());
    assert_eq!(fs::read_to_string(opened).expect("the file"), expected);
    assert!(home.received().is_empty());
}

#[test]
#[ignore = "needs dbus-daemon: tests/run"]
fn many_at_once_are_one_notification() {
    let home = home();
    let bus = Bus::start();
    // One that shows the plainest text, and nothing to click on.
    let desktop = Desktop::start(&bus, &["body"]);
    for number in 0..50 {
        deliver(&home, &format!("1.{number}"), &numbered(&home, number));
    }
    let daemon = Daemon::start(&home, &["env", &bus.variable()]);
    let shown = desktop.next();
    assert_eq!(shown.summary, "50 messages are delayed by broken TLS");
    assert_eq!(shown.body, "`tls-optout offers` lists them.");
    assert!(shown.actions.is_empty());
    daemon.wait_for_log("offer 49: told (desktop)");
    let one = numbered(&home, 99).replace("Lunch on Thursday", "Tea & <cake>");
    deliver(&home, "2.notice", &one);
    assert!(desktop.next().body.starts_with("Tea & <cake>\n"));
    daemon.stop();
    assert!(desktop.shown.try_recv().is_err());
    home.received();
}

/// The session's desktop starts after the daemon, or anew.
#[test]
#[ignore = "needs dbus-daemon: tests/run"]
fn what_no_desktop_showed_is_shown_when_there_is_one() {
    let home = home();
    let bus = Bus::start();
    let mut daemon = Daemon::start(&home, &["env", &bus.variable()]);
    deliver(&home, "1.notice", &home.notice());
    daemon.wait_for_log("no desktop to tell of offers");
    let desktop = Desktop::start(&bus, &["actions", "body"]);
    // The next look, which a signal brings at once.
    daemon.signal("HUP");
    assert!(desktop.next().summary.contains("bob@example.net"));
    daemon.wait_for_log("offer 1: told (desktop)");
    drop(desktop);
    let desktop = Desktop::start(&bus, &["actions", "body"]);
    // Its numbers begin anew: this is a notification of another program.
    desktop.click(1, "dismiss");
    deliver(&home, "2.notice", &numbered(&home, 2));
    desktop.next();
    daemon.wait_for_log("offer 2: told (desktop)");
    desktop.click(1, "dismiss");
    daemon.wait_for_log("offer 2: dismissed");
    wait_for_offers(&home, 1);
    daemon.stop();
    assert!(
        desktop
            .shown
            .recv_timeout(Duration::from_millis(100))
            .is_err()
    );
    home.received();
}

/// How many sockets and threads the daemon has.
fn held(daemon: &Daemon) -> (usize, usize) {
    let of = |name: &str| {
        let folder = format!("/proc/{}/{name}", daemon.id());
        fs::read_dir(folder).expect("the process").flatten()
    };
    let is_socket = |path: &PathBuf| path.to_string_lossy().starts_with("socket:");
    let targets = of("fd").filter_map(|entry| fs::read_link(entry.path()).ok());
    (targets.filter(is_socket).count(), of("task").count())
}

/// A server that fails, or a new configuration, leaves no connection behind that nobody needs.
#[test]
#[ignore = "needs dbus-daemon: tests/run"]
fn no_connection_is_left_behind() {
    let home = home();
    let plain = home.config();
    let bus = Bus::start();
    let desktop = Desktop::start(&bus, &["actions", "body"]);
    desktop.is_broken.store(true, Ordering::Relaxed);
    let mut daemon = Daemon::start(&home, &["env", &bus.variable()]);
    daemon.wait_for_log("watching");
    deliver(&home, "1.notice", &home.notice());
    desktop.next();
    daemon.wait_for_log("no desktop to tell of offers");
    let (sockets, threads) = held(&daemon);
    let settled = |daemon: &Daemon| {
        wait_for("as little as before", || {
            let now = held(daemon);
            (now.0 <= sockets && now.1 <= threads).then_some(())
        });
    };
    for _ in 0..10 {
        // The next look, which a signal brings at once; not before the last attempt is known to have failed.
        daemon.signal("HUP");
        while desktop.shown.recv_timeout(PATIENCE / 10).is_err() {
            daemon.signal("HUP");
        }
    }
    settled(&daemon);
    desktop.is_broken.store(false, Ordering::Relaxed);
    daemon.signal("HUP");
    daemon.wait_for_log("offer 1: told (desktop)");
    while desktop.shown.try_recv().is_ok() {}
    for number in 2..12 {
        home.write_config(&format!("{plain}\n[tell]\nterminal = [\"{number}\"]\n"));
        let reloads = |daemon: &Daemon| daemon.log().matches("read again").count();
        let before = reloads(&daemon);
        daemon.signal("HUP");
        wait_for("the new configuration", || {
            (reloads(&daemon) > before).then_some(())
        });
        deliver(&home, &format!("{number}.notice"), &numbered(&home, number));
        desktop.next();
        daemon.wait_for_log(&format!("offer {number}: told (desktop)"));
    }
    // What is still shown is heard, whatever configuration it was shown with.
    for number in 1..11 {
        desktop.click(number, "dismiss");
        daemon.wait_for_log(&format!("offer {number}: dismissed"));
    }
    settled(&daemon);
    daemon.stop();
    home.received();
}
