//! The daemon where Postfix delivers.

use std::process::{Child, Command, Stdio};

use crate::site::{Reader, Site, Submission};
use crate::wait::poll;
use crate::words::{ACCEPTED, QUESTION};
use crate::{BOB, assert_settings};

/// A daemon that ends with the test.
struct Daemon(Child);

impl Daemon {
    fn start(site: &Site) -> Daemon {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tls-optout"));
        command.arg("watch").env_clear().envs(site.environment());
        command.current_dir(site.home()).stderr(Stdio::null());
        Daemon(command.spawn().expect("the daemon"))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The warning that Postfix delivers becomes an offer, which stays one when the mail reader moves the warning, and is
/// sent from any terminal.
#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn a_warning_becomes_an_offer_and_is_sent_from_a_terminal() {
    for reader in [Reader::Mutt, Reader::NeoMutt] {
        let site = Site::start(Submission::ImplicitTls);
        let daemon = Daemon::start(&site);
        site.send(reader, &[BOB]);
        site.wait_for_notice();
        let count = || {
            let input = site.home().join("body");
            let program = env!("CARGO_BIN_EXE_tls-optout");
            let output = site.run(&[program, "offers", "--count"], &input);
            String::from_utf8(output.stdout).expect("a number")
        };
        assert!(
            poll(|| (count() == "1\n").then_some(())).is_some(),
            "{}",
            count()
        );

        let screen = site.terminal(reader.program());
        screen.wait_for("Delayed Mail");
        assert_settings(&screen, [true, false, true]);
        screen.press("$q");
        let moved = || {
            let mut left = site
                .postfix
                .mailbox()
                .join("new")
                .read_dir()
                .expect("a folder");
            left.next().is_none().then_some(())
        };
        assert!(poll(moved).is_some(), "{}", screen.screen());
        let screen = site.terminal("tls-optout resend 1; tls-optout offers --all; cat");
        screen.wait_for(QUESTION);
        screen.press("y");
        let text = screen.wait_for(ACCEPTED);
        assert_eq!(
            site.closed.wait_for_one().recipients,
            [format!("<{BOB}>")],
            "{text}"
        );
        assert_eq!(count(), "0\n");
        assert_eq!(site.postfix.submissions(), 2, "{}", site.postfix.log());
        drop(daemon);
    }
}
