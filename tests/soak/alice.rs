//! Alice, who runs the program and sees it die: her home, her submission server, a delay warning about
//! a message to two recipients.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use submission_server::{Script, Server, Session};
use tempfile::TempDir;

/// Those to whom the message is sent again.
pub(crate) const RECIPIENTS: [&str; 2] = ["bob@example.net", "carol@example.com"];

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_tls-optout");

pub(crate) struct Alice {
    home: TempDir,
    pub(crate) server: Server,
}

impl Alice {
    /// A home without a journal. `text` is the body of the message that Alice sent.
    pub(crate) fn new(script: Script, text: &str) -> Alice {
        let home = tempfile::tempdir().expect("a folder");
        let server = Server::start(script.login("alice", "sesame"), home.path());
        for folder in ["Mail/Sent/cur", "Mail/Sent/new", ".config/tls-optout"] {
            fs::create_dir_all(home.path().join(folder)).expect("a folder");
        }
        let config = format!(
            "[mail]\ninbox = []\nsent = [\"~/Mail/Sent\"]\nsearch = [\"~/Mail\"]\n\n\
             [[account]]\nname = \"work\"\nfrom = [\"alice@example.org\"]\nsubmission = \"{}\"\n\
             password_command = \"echo sesame\"\ntls_trust_file = \"{}\"\n",
            server.url(),
            server.ca_file().display()
        );
        let alice = Alice { home, server };
        alice.write(".config/tls-optout/config.toml", &config);
        alice.write(
            "Mail/Sent/cur/1795500011.4242_1.laptop:2,S",
            &original(text),
        );
        alice.write("notice.eml", &notice());
        alice
    }

    /// From now on msmtp submits.
    pub(crate) fn use_msmtp(&self) {
        let config = "[mail]\ninbox = []\nsent = [\"~/Mail/Sent\"]\nsearch = [\"~/Mail\"]\n\n\
                      [[account]]\nfrom = [\"alice@example.org\"]\ncommand = [\"msmtp\"]\n";
        let msmtp = format!(
            "account default\nhost 127.0.0.1\nport {}\nfrom alice@example.org\nauth on\nuser alice\n\
             passwordeval echo sesame\ntls on\ntls_starttls off\ntls_trust_file {}\n",
            self.server.port(),
            self.server.ca_file().display()
        );
        self.write(".config/tls-optout/config.toml", config);
        self.write(".msmtprc", &msmtp);
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.home.path().join(name), text).expect("a file");
    }

    pub(crate) fn path(&self) -> &Path {
        self.home.path()
    }

    /// The folder of the journal.
    pub(crate) fn state(&self) -> PathBuf {
        self.path().join(".local/state/tls-optout")
    }

    /// A program in Alice's home, with nothing from ours. setsid does not fork: its process is the program.
    pub(crate) fn command(&self, program: &str, arguments: &[&str]) -> Command {
        let mut command = Command::new("setsid");
        command
            .arg(program)
            .args(arguments)
            .current_dir(self.path())
            .env_clear()
            .env("HOME", self.path())
            .env("PATH", "/usr/bin:/bin")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    /// Starts a resubmission that is to be killed.
    pub(crate) fn start(&self) -> Child {
        let mut command = self.command(PROGRAM, &["resend", "--yes", "notice.eml"]);
        command.spawn().expect("setsid, of util-linux")
    }

    /// Runs the program to its end.
    pub(crate) fn run(&self, arguments: &[&str]) -> Output {
        let mut command = self.command(PROGRAM, arguments);
        command.output().expect("setsid, of util-linux")
    }

    /// What the journal says, by recipient. Empty before the offer is recorded.
    pub(crate) fn states(&self) -> BTreeMap<String, String> {
        let listed = self.run(&["offers", "--all", "--json"]);
        assert!(listed.status.code() <= Some(1), "{listed:?}");
        let text = String::from_utf8(listed.stdout).expect("UTF-8");
        let word =
            |line: &serde_json::Value, key: &str| line[key].as_str().expect("a string").to_owned();
        text.lines()
            .map(|line| serde_json::from_str(line).expect("JSON"))
            .map(|line| (word(&line, "recipient"), word(&line, "state")))
            .collect()
    }

    /// Ends the server, and tells what it was given.
    pub(crate) fn finish(self) -> Vec<Session> {
        self.server.finish()
    }
}

/// Kills a program as `kill -9` does. Was it still running?
pub(crate) fn kill(mut child: Child) -> bool {
    child.kill().expect("a process of ours");
    let status = child.wait().expect("an end");
    status.code().is_none()
}

const HEADER: &str = "Date: Tue, 24 Nov 2026 06:00:11 +0000\nFrom: Alice <alice@example.org>\n\
    To: Bob <bob@example.net>\nCc: carol@example.com\nSubject: Lunch on Thursday\n\
    Message-ID: <lunch-1@example.org>\n";

/// What Alice sent.
pub(crate) fn original(text: &str) -> String {
    format!("{HEADER}\n{text}")
}

/// A delay warning as Postfix writes it.
fn notice() -> String {
    let groups = RECIPIENTS.map(|recipient| {
        format!(
            "\nFinal-Recipient: rfc822; {recipient}\nAction: delayed\nStatus: 4.7.4\nDiagnostic-Code: X-Postfix; \
             TLS is required, but was not offered by host mx.example.net[192.0.2.1]\n"
        )
    });
    format!(
        "Return-Path: <>\nReceived: by mail.example.org (Postfix)\n\tid 4794A13EC12; Tue, 24 Nov 2026 07:00:12 \
         +0000 (UTC)\nDate: Tue, 24 Nov 2026 07:00:12 +0000 (UTC)\nFrom: MAILER-DAEMON@example.org\n\
         To: alice@example.org\nAuto-Submitted: auto-replied\nMIME-Version: 1.0\nContent-Type: multipart/report; \
         report-type=delivery-status;\n\tboundary=\"4794A\"\nMessage-Id: <warning-1@mail.example.org>\n\n\
         --4794A\nContent-Type: message/delivery-status\n\nReporting-MTA: dns; mail.example.org\n\
         X-Postfix-Queue-ID: 4794A13EC12\n{}\n--4794A\nContent-Type: text/rfc822-headers\n\n{HEADER}\n--4794A--\n",
        groups.concat()
    )
}
