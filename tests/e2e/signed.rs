//! A message with a PGP signature (RFC 3156), made by mutt, and its check at the recipient.

use std::fs::{self, DirBuilder};
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::message::{body, value};
use crate::postfix::USER;
use crate::site::Site;
use crate::wait::poll;

/// A throw-away signing key of Alice's, and the agent that guards it. Dropping it ends the agent.
pub(crate) struct Key {
    agent: Child,
    /// Takes the folder of the agent's socket away, which lies outside the home.
    sockets: Command,
}

impl Key {
    pub(crate) fn make(site: &Site) -> Self {
        let folder = site.home().join("gnupg");
        DirBuilder::new()
            .mode(0o700)
            .create(folder)
            .expect("a folder");
        // Were it left to gpg to start the agent, nothing would end it should this process be
        // killed.
        let agent = Command::new("setpriv")
            .args([
                "--pdeathsig",
                "KILL",
                "gpg-agent",
                "--no-detach",
                "--daemon",
            ])
            .env_clear()
            .envs(site.environment())
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv and gpg-agent");
        let mut sockets = Command::new("gpgconf");
        sockets
            .arg("--remove-socketdir")
            .env_clear()
            .envs(site.environment());
        let key = Self { agent, sockets };
        let answers = poll(|| {
            let answer = site.run(
                &["gpg-connect-agent", "--no-autostart", "/bye"],
                Path::new("/dev/null"),
            );
            answer.status.success().then_some(())
        });
        assert!(answers.is_some(), "gpg-agent does not answer");
        let made = gpg(
            site,
            &[
                "--pinentry-mode=loopback",
                "--passphrase=",
                "--quick-generate-key",
                USER,
                "ed25519",
            ],
        );
        assert!(made.status.success(), "{made:?}");
        key
    }

    /// Lets mutt sign and send a message, in its own screen: it signs none that it sends without
    /// one.
    pub(crate) fn send_signed(&self, site: &Site, recipient: &str) {
        site.write("body", "Signed.\n-- \nAlice   \n");
        let screen = site.terminal(&format!(
            "mutt -e 'set autoedit=yes edit_headers=yes abort_unmodified=no' \
             -e 'set crypt_use_gpgme=yes crypt_autosign=yes pgp_sign_as={USER}' \
             -s Signed -i body {recipient}"
        ));
        screen.wait_for("y:Send");
        screen.press("y");
        assert_eq!(screen.wait_for_end(), 0);
    }

    /// Does GnuPG find the signature good, in the message as the recipient got it?
    pub(crate) fn assert_good_signature(&self, site: &Site, message: &[u8]) {
        let content_type = value(message, "content-type");
        assert!(
            content_type.starts_with("multipart/signed;"),
            "{content_type}"
        );
        let boundary = content_type
            .split("boundary=\"")
            .nth(1)
            .expect("a boundary");
        let boundary = boundary.split('"').next().expect("an end");
        let text = String::from_utf8(body(message).into()).expect("ASCII");
        let parts: Vec<&str> = text.split(&format!("--{boundary}\r\n")).collect();
        let signed = parts[1]
            .strip_suffix("\r\n")
            .expect("the line end before a boundary");
        let (_, signature) = parts[2].split_once("\r\n\r\n").expect("an empty line");
        fs::write(site.home().join("signed"), signed).expect("a file");
        fs::write(site.home().join("signature"), signature).expect("a file");
        let verdict = gpg(site, &["--verify", "signature", "signed"]);
        assert!(verdict.status.success(), "{verdict:?}");
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
        let _ = self.sockets.output();
    }
}

fn gpg(site: &Site, arguments: &[&str]) -> Output {
    let mut command = vec!["gpg", "--batch"];
    command.extend(arguments);
    site.run(&command, Path::new("/dev/null"))
}
