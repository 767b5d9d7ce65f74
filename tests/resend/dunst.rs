//! Notifications as dunst shows them, on a screen in memory (Xvfb), and what its user does with them.

use std::fs::{self, File};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Child, Command, Stdio};

use crate::desktop::{Bus, terminal};
use crate::home::Home;
use crate::tell::wait_for;
use crate::watch::{Daemon, deliver, home, numbered};

/// A process that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A screen, and the variable that names it.
fn screen() -> (Running, String) {
    let mut server = Command::new("Xvfb")
        .args(["-displayfd", "1", "-nolisten", "tcp"])
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("Xvfb");
    let stdout = server.stdout.take().expect("its output");
    let server = Running(server);
    let mut number = String::new();
    BufReader::new(stdout)
        .read_line(&mut number)
        .expect("its number");
    (server, format!("DISPLAY=:{}", number.trim_end()))
}

struct Dunst<'a> {
    home: &'a Home,
    bus: &'a Bus,
    _process: Running,
}

impl Dunst<'_> {
    /// What it shows it also prints. Its menu is answered with the last thing that can be done.
    fn start<'a>(home: &'a Home, bus: &'a Bus, display: &str) -> Dunst<'a> {
        let menu = home.path("menu");
        fs::write(&menu, "#!/bin/sh\ngrep dismiss\n").expect("a script");
        fs::set_permissions(&menu, fs::Permissions::from_mode(0o700)).expect("a mode");
        // Markup is what the configuration has that comes with it.
        let config = format!("[global]\nmarkup = full\ndmenu = \"{}\"\n", menu.display());
        home.file("dunstrc", &config);
        let printed = File::create(home.path("printed")).expect("a file");
        let process = Command::new("env")
            .args(["-i", &bus.plain_variable(), display, "PATH=/usr/bin:/bin"])
            .arg(format!("HOME={}", home.path("").display()))
            .args(["dunst", "-print", "-conf"])
            .arg(home.path("dunstrc"))
            .stdout(printed)
            .stderr(Stdio::null())
            .spawn()
            .expect("dunst");
        let dunst = Dunst {
            home,
            bus,
            _process: Running(process),
        };
        wait_for("dunst", || {
            (dunst.ctl(&["count", "displayed"]) == "0\n").then_some(())
        });
        dunst
    }

    /// Does what a click or a key does.
    fn ctl(&self, arguments: &[&str]) -> String {
        let bus = self.bus.plain_variable();
        let words = [&[bus.as_str(), "dunstctl"], arguments].concat();
        self.home.run_program("env", &words, "").stdout
    }

    fn wait_until_shown(&self) {
        wait_for("a notification", || {
            (self.ctl(&["count", "displayed"]) == "1\n").then_some(())
        });
    }

    fn printed(&self) -> String {
        fs::read_to_string(self.home.path("printed")).expect("the file")
    }
}

#[test]
#[ignore = "needs dunst and Xvfb: tests/run"]
fn dunst_shows_offers_and_its_user_acts_on_them() {
    let home = home();
    terminal(&home);
    let bus = Bus::start();
    let (_screen, display) = screen();
    let dunst = Dunst::start(&home, &bus, &display);
    let daemon = Daemon::start(&home, &["env", &bus.variable()]);
    daemon.wait_for_log("watching");

    let evil = home
        .notice()
        .replace("Lunch on Thursday", "<b>Lunch</b> & more");
    deliver(&home, "1.notice", &evil);
    daemon.wait_for_log("offer 1: told (desktop)");
    for text in [
        "summary: 'Mail to bob@example.net is delayed'",
        "body: '&lt;b&gt;Lunch&lt;/b&gt; &amp; more\nthe server of the recipient offers no encryption (STARTTLS)'",
        "\"default\": \"Review\"",
        "\"dismiss\": \"Dismiss\"",
    ] {
        wait_for(&format!("{text} in {}", dunst.printed()), || {
            dunst.printed().contains(text).then_some(())
        });
    }
    // A click on the notification itself.
    dunst.wait_until_shown();
    dunst.ctl(&["action"]);
    let program = env!("CARGO_BIN_EXE_tls-optout");
    let expected = format!("{program} resend --pause 1\n");
    let opened = || fs::read_to_string(home.path("opened")).unwrap_or_default();
    wait_for("the terminal", || (opened() == expected).then_some(()));

    dunst.ctl(&["close-all"]);
    deliver(&home, "2.notice", &numbered(&home, 2));
    daemon.wait_for_log("offer 2: told (desktop)");
    // Its menu.
    dunst.wait_until_shown();
    dunst.ctl(&["context"]);
    daemon.wait_for_log("offer 2: dismissed");

    // Another dunst: what the first has shown means nothing to it.
    drop(dunst);
    let dunst = Dunst::start(&home, &bus, &display);
    deliver(&home, "3.notice", &numbered(&home, 3));
    daemon.wait_for_log("offer 3: told (desktop)");
    dunst.wait_until_shown();
    dunst.ctl(&["context"]);
    daemon.wait_for_log("offer 3: dismissed");
    assert_eq!(opened(), expected);
    daemon.stop();
    assert!(home.received().is_empty());
}
