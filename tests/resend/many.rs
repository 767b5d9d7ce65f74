//! A notice about thousands of recipients: anybody can send one.

use std::time::{Duration, Instant};

use crate::home::{Home, notice};
use crate::watch::{Daemon, deliver, home, numbered};

const REASON: &str = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";

/// A warning about so many recipients.
fn about(addresses: &[String]) -> String {
    let groups: Vec<_> = addresses
        .iter()
        .map(|address| (&**address, "4.7.4", REASON))
        .collect();
    notice(&groups)
}

fn telling(home: &Home, hook: &str) {
    let config = home.config();
    let lines = format!("on_offer = [\"sh\", \"-c\", \"{hook}\"]\nstatus_file = \"~/offers\"");
    home.write_config(&format!("{config}\n[tell]\n{lines}\n"));
}

#[test]
fn a_notice_about_thousands_holds_nothing_up() {
    let home = home();
    telling(&home, "true");
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    let all: Vec<_> = (0..2_000).map(|n| format!("User{n}@example.net")).collect();
    let start = Instant::now();
    deliver(&home, "1.many", &about(&all));
    daemon.wait_for_log("offer 1: told (hook)");
    // Another one about the same message, in another order.
    let mut others: Vec<_> = all[1_000..].to_vec();
    others.reverse();
    others.extend((0..1_000).map(|n| format!("other{n}@example.net")));
    let again = about(&others).replace("warning-1@", "warning-2@");
    deliver(&home, "2.again", &again);
    deliver(&home, "3.last", &numbered(&home, 3));
    daemon.wait_for_log("offer 3: told (hook)");
    assert_eq!(home.run(&["offers", "--count"], "").stdout, "3\n");
    let run = home.run(&["offers", "--json"], "");
    assert_eq!(run.stdout.lines().count(), 3_001);
    assert!(start.elapsed() < Duration::from_secs(20));
    daemon.stop();
    home.received();
}
