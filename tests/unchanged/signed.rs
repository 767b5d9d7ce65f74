//! Real signatures, by GnuPG and by OpenSSL, over a text that is easily damaged. They are good in the
//! original; they must be good in what arrives.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use tempfile::TempDir;
use tls_optout::message::resubmission::rewrite;
use tls_optout::submission::wire;

use crate::wait::poll;
use crate::{SECRET, contains, header_block};

/// The signed part, with blanks at line ends, 8-bit text and dots.
const PART: &str = "Content-Type: text/plain; charset=utf-8\nContent-Transfer-Encoding: 8bit\n\n\
    Trailing blanks   \nand a tab\t\n.\n..\n.dot\n \n-- \nJörg, café\nFrom here\n\n\n";

/// What Alice's mail reader puts on top.
const HEADER: &str = "From: Alice <alice@example.org>\nTo: bob@example.net\nBCC : hidden1@example.net,\n\t\
    hidden2@example.net\nSubject: signed\nMIME-Version: 1.0\nStatus: RO\n";

#[test]
fn a_pgp_signature_stays_good() {
    let private = Permissions::from_mode(0o700);
    let folder = tempfile::Builder::new().permissions(private).tempdir();
    let folder = folder.expect("a folder");
    let gpg = Gpg::start(&folder);
    gpg.succeeds(&[
        "--pinentry-mode=loopback",
        "--passphrase=",
        "--quick-generate-key",
        "alice@example.org",
        "ed25519",
    ]);
    fs::write(folder.path().join("part"), crlf(PART)).expect("a file");
    gpg.succeeds(&["--armor", "--detach-sign", "part"]);
    let signature = fs::read_to_string(folder.path().join("part.asc")).expect("a signature");
    let message = format!(
        "{HEADER}Content-Type: multipart/signed; micalg=pgp-sha512;\n protocol=\"application/pgp-signature\"; \
         boundary=b1\n\n--b1\n{PART}\n--b1\nContent-Type: application/pgp-signature\n\n{signature}\n--b1--\n"
    );
    let is_good = |sent: &[u8]| {
        let text = std::str::from_utf8(sent).expect("UTF-8");
        let part = text.split("--b1\r\n").nth(1).expect("the signed part");
        let part = part
            .strip_suffix("\r\n")
            .expect("the line end of the boundary");
        fs::write(folder.path().join("part"), part).expect("a file");
        gpg.run(&["--verify", "part.asc", "part"]).status.success()
    };
    check(&message, &is_good);
}

#[test]
fn an_smime_signature_stays_good() {
    let folder = tempfile::tempdir().expect("a folder");
    let openssl = |arguments: &str| {
        let mut command = Command::new("openssl");
        command
            .args(arguments.split(' '))
            .current_dir(folder.path());
        command.output().expect("openssl")
    };
    let made = openssl(
        "req -x509 -newkey rsa:2048 -nodes -keyout key -out certificate -days 2 -subj \
         /CN=Alice/emailAddress=alice@example.org -addext keyUsage=digitalSignature -addext \
         extendedKeyUsage=emailProtection",
    );
    assert!(made.status.success(), "{made:?}");
    fs::write(folder.path().join("part"), PART).expect("a file");
    let signed = openssl("cms -sign -in part -signer certificate -inkey key");
    assert!(signed.status.success(), "{signed:?}");
    let signed = String::from_utf8(signed.stdout)
        .expect("UTF-8")
        .replace("\r\n", "\n");
    let signed = signed
        .strip_prefix("MIME-Version: 1.0\n")
        .expect("a header");
    let is_good = |sent: &[u8]| {
        fs::write(folder.path().join("sent"), sent).expect("a file");
        openssl("cms -verify -in sent -CAfile certificate -out read")
            .status
            .success()
    };
    check(&format!("{HEADER}{signed}"), &is_good);
}

/// Is the signature good in what is sent, however the original is stored? And would it be bad if one
/// blank at a line end were lost?
fn check(message: &str, is_good: &dyn Fn(&[u8]) -> bool) {
    for stored in [message.to_owned(), crlf(message)] {
        let sent = wire(&rewrite(stored.as_bytes()).expect("nothing to refuse").bytes);
        assert!(sent.starts_with(b"TLS-Required: No\r\n"));
        assert!(!contains(header_block(&sent), SECRET));
        assert!(is_good(&sent), "{}", String::from_utf8_lossy(&sent));
        let damaged = String::from_utf8_lossy(&sent).replace("blanks   \r\n", "blanks  \r\n");
        assert!(!is_good(damaged.as_bytes()), "it is good whatever is sent");
    }
}

fn crlf(text: &str) -> String {
    text.replace('\n', "\r\n")
}

/// GnuPG in a folder of its own, and the agent that guards the key. Dropping it ends the agent.
struct Gpg<'a> {
    folder: &'a Path,
    agent: Child,
}

impl<'a> Gpg<'a> {
    fn start(folder: &'a TempDir) -> Gpg<'a> {
        let folder = folder.path();
        // Were it left to gpg to start the agent, nothing would end it should this process be killed.
        let agent = Command::new("setpriv")
            .args([
                "--pdeathsig",
                "KILL",
                "gpg-agent",
                "--no-detach",
                "--daemon",
            ])
            .env("GNUPGHOME", folder)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("setpriv and gpg-agent");
        let gpg = Gpg { folder, agent };
        let answers = poll(|| {
            let asked = gpg.tool("gpg-connect-agent", &["--no-autostart", "/bye"]);
            asked.status.success().then_some(())
        });
        assert!(answers.is_some(), "gpg-agent does not answer");
        gpg
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let general = ["--batch", "--no-tty", "--no-autostart"];
        self.tool("gpg", &[&general, arguments].concat())
    }

    fn tool(&self, program: &str, arguments: &[&str]) -> Output {
        let mut command = Command::new(program);
        command.args(arguments).current_dir(self.folder);
        command.env("GNUPGHOME", self.folder);
        command.output().expect("GnuPG")
    }

    fn succeeds(&self, arguments: &[&str]) {
        let output = self.run(arguments);
        assert!(output.status.success(), "{output:?}");
    }
}

impl Drop for Gpg<'_> {
    fn drop(&mut self) {
        let _ = self.agent.kill();
        let _ = self.agent.wait();
        // It may lie outside of the home.
        self.tool("gpgconf", &["--remove-socketdir"]);
    }
}
