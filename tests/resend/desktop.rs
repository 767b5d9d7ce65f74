//! Notifications on a real session bus, with a notification server of the test's own on it.

use std::collections::HashMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use zbus::blocking::Connection;
use zbus::blocking::connection::Builder;
use zbus::zvariant::OwnedValue;

use crate::home::Home;
use crate::wait::PATIENCE;
use crate::watch::{Daemon, deliver, home, numbered, wait_for_offers};

const PATH: &str = "/org/freedesktop/Notifications";
const NAME: &str = "org.freedesktop.Notifications";

/// A session bus that ends with the test.
struct Bus {
    daemon: Child,
    address: String,
}

impl Bus {
    fn start() -> Bus {
        let mut daemon = Command::new("dbus-daemon")
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

    fn variable(&self) -> String {
        format!("DBUS_SESSION_BUS_ADDRESS='{}'", self.address)
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
    ) -> u32 {
        assert_eq!((app_name, replaces_id), ("tls-optout", 0));
        assert!(!app_icon.is_empty() && hints.contains_key("category") && expire_timeout == -1);
        self.count += 1;
        let _ = self.shown.send(Shown {
            summary,
            body,
            actions,
        });
        self.count
    }
}

/// The desktop: a server that shows notifications, and a user who clicks on them.
struct Desktop {
    connection: Connection,
    shown: Receiver<Shown>,
}

impl Desktop {
    fn start(bus: &Bus, capabilities: &[&'static str]) -> Desktop {
        let (sender, shown) = channel();
        let server = Notifications {
            capabilities: capabilities.to_vec(),
            shown: sender,
            count: 0,
        };
        let connection = Builder::address(bus.address.as_str())
            .and_then(|builder| builder.serve_at(PATH, server))
            .and_then(|builder| builder.name(NAME))
            .and_then(Builder::build)
            .expect("a place on the bus");
        Desktop { connection, shown }
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
fn terminal(home: &Home) {
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
    crate::tell::wait_for("the terminal", || {
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
    drop(desktop);
    let desktop = Desktop::start(&bus, &["actions", "body"]);
    deliver(&home, "2.notice", &numbered(&home, 2));
    desktop.next();
    daemon.wait_for_log("offer 2: told (desktop)");
    daemon.stop();
    assert!(
        desktop
            .shown
            .recv_timeout(Duration::from_millis(100))
            .is_err()
    );
    home.received();
}
