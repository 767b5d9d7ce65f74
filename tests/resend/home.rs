//! Alice's home: her mail, her configuration, her submission server.

use std::cell::RefCell;
use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use submission_server::{Received, Script, Server};

pub(crate) const BOB: &str = "bob@example.net";
pub(crate) const CAROL: &str = "carol@example.com";

/// How long the program may wait for a key, in seconds. Only ever used up by a failure.
const LIMIT: &str = "30";

/// What a run of the program came to.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

pub(crate) struct Home {
    folder: TempDir,
    server: RefCell<Option<Server>>,
    place: String,
}

impl Home {
    pub(crate) fn new(script: Script) -> Home {
        let folder = tempfile::tempdir().expect("a folder");
        let server = Server::start(script.login("alice", "sesame"), folder.path());
        let place = format!("127.0.0.1:{}", server.port());
        let config = format!(
            "[mail]\ninbox = []\nsent = [\"~/Mail/Sent\"]\nsearch = [\"~/Mail\"]\n\n\
             [[account]]\nname = \"work\"\nfrom = [\"alice@example.org\"]\nsubmission = \"{}\"\n\
             password_command = \"echo sesame\"\ntls_trust_file = \"{}\"\n",
            server.url(),
            server.ca_file().display()
        );
        let home = Home {
            folder,
            server: RefCell::new(Some(server)),
            place,
        };
        home.make_folder("Mail/Sent");
        home.write_copy(&original());
        home.write_config(&config);
        home
    }

    pub(crate) fn path(&self, below: &str) -> PathBuf {
        self.folder.path().join(below)
    }

    /// Makes a Maildir.
    pub(crate) fn make_folder(&self, below: &str) {
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(self.path(below).join(part)).expect("a folder");
        }
    }

    /// The server as messages name it.
    pub(crate) fn place(&self) -> &str {
        &self.place
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.path(".local/state/tls-optout")
    }

    /// The copy in the Sent folder.
    pub(crate) fn copy(&self) -> PathBuf {
        self.path("Mail/Sent/cur/1795500011.4242_1.laptop:2,S")
    }

    pub(crate) fn write_copy(&self, message: &str) {
        fs::write(self.copy(), message).expect("a file");
    }

    pub(crate) fn file(&self, name: &str, text: &str) {
        fs::write(self.path(name), text).expect("a file");
    }

    pub(crate) fn config(&self) -> String {
        fs::read_to_string(self.path(".config/tls-optout/config.toml")).expect("the configuration")
    }

    /// As editors do, so that a daemon never reads a part of it.
    pub(crate) fn write_config(&self, text: &str) {
        let folder = self.path(".config/tls-optout");
        fs::create_dir_all(&folder).expect("a folder");
        fs::write(folder.join("config.new"), text).expect("a file");
        fs::rename(folder.join("config.new"), folder.join("config.toml")).expect("a file");
    }

    /// The delay warning about [`original`].
    pub(crate) fn notice(&self) -> String {
        notice(&[(
            BOB,
            "4.7.4",
            "TLS is required, but was not offered by host mx.example.net[192.0.2.1]",
        )])
    }

    pub(crate) fn resend(&self, arguments: &[&str], notice: &str) -> Run {
        self.run(&[&["resend"], arguments].concat(), notice)
    }

    pub(crate) fn run(&self, arguments: &[&str], stdin: &str) -> Run {
        finish(self.start(arguments, stdin))
    }

    /// Starts the program in a session of its own, so that it has no terminal, wherever the tests run.
    /// setsid does not fork, so that the process is the program: a child leads no process group.
    pub(crate) fn start(&self, arguments: &[&str], stdin: &str) -> Child {
        self.start_program(env!("CARGO_BIN_EXE_tls-optout"), arguments, stdin)
    }

    /// A program that knows nothing but this home.
    fn command(&self, program: &str) -> Command {
        let mut command = Command::new(program);
        command
            .current_dir(self.folder.path())
            .env_clear()
            .env("HOME", self.folder.path())
            .env("PATH", "/usr/bin:/bin");
        command
    }

    /// Runs a program that runs ours.
    pub(crate) fn run_program(&self, program: &str, arguments: &[&str], stdin: &str) -> Run {
        finish(self.start_program(program, arguments, stdin))
    }

    pub(crate) fn start_program(&self, program: &str, arguments: &[&str], stdin: &str) -> Child {
        let mut child = self
            .command("setsid")
            .arg(program)
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .expect("setsid, of util-linux");
        let mut pipe = child.stdin.take().expect("a pipe");
        // One that ends without reading is no fault of the test.
        let _ = pipe.write_all(stdin.as_bytes());
        child
    }

    /// script(1) gives the program a terminal. The keys are pressed when the question stands there. The exit
    /// status and the screen.
    pub(crate) fn at_terminal(
        &self,
        arguments: &str,
        question: &str,
        keys: &[u8],
    ) -> (i32, String) {
        self.in_steps(arguments, &[(question, keys)])
    }

    /// The same for questions that come one after the other.
    pub(crate) fn in_steps(&self, arguments: &str, steps: &[(&str, &[u8])]) -> (i32, String) {
        let (status, screen) = self.on_screen(arguments, steps);
        (status, String::from_utf8_lossy(&screen).replace('\r', ""))
    }

    /// The same, with all bytes that went to the screen. Where the program waits for more than these keys
    /// timeout(1) ends it, and the test fails.
    pub(crate) fn on_screen(&self, arguments: &str, steps: &[(&str, &[u8])]) -> (i32, Vec<u8>) {
        let program = env!("CARGO_BIN_EXE_tls-optout");
        let command = format!("{program} {arguments}");
        let mut child = self
            .command("timeout")
            .args([LIMIT, "script", "-q", "-e", "-c", &command, "/dev/null"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("timeout, of coreutils");
        let mut input = child.stdin.take().expect("a pipe");
        let mut screen = child.stdout.take().expect("a pipe");
        let (mut seen, mut byte) = (Vec::new(), [0]);
        for (question, keys) in steps {
            while screen.read(&mut byte).expect("the screen") == 1 {
                seen.push(byte[0]);
                if seen.ends_with(question.as_bytes()) {
                    break;
                }
            }
            // A program that has ended without this question reads no keys; its status and its screen tell.
            let _ = input.write_all(keys);
        }
        screen.read_to_end(&mut seen).expect("the screen");
        let status = child.wait().expect("an end").code().expect("no signal");
        let text = || String::from_utf8_lossy(&seen);
        assert_ne!(status, 124, "it waits for more than {steps:?}: {}", text());
        (status, seen)
    }

    /// Waits until the server's script stops at a pause.
    pub(crate) fn wait_for_pause(&self) {
        let server = self.server.borrow();
        let server = server.as_ref().expect("a server");
        assert!(server.paused(Duration::from_secs(20)), "no pause");
    }

    /// Lets the server go on after its pause.
    pub(crate) fn go_on(&self) {
        self.server.borrow().as_ref().expect("a server").go_on();
    }

    /// Stops the server. The messages that it took.
    pub(crate) fn received(&self) -> Vec<Received> {
        let server = self.server.borrow_mut().take().expect("asked once");
        server
            .finish()
            .into_iter()
            .flat_map(|session| session.messages)
            .collect()
    }

    /// Sends nothing, says `stderr` in one line, ends with `status`.
    pub(crate) fn assert_refused(&self, run: &Run, status: i32, stderr: &str) {
        let expected = format!("tls-optout: {stderr}\n");
        assert_eq!(
            (run.status, run.stderr.as_str()),
            (status, expected.as_str()),
            "{run:?}"
        );
        assert!(self.received().is_empty());
    }
}

pub(crate) fn finish(child: Child) -> Run {
    let output = child.wait_with_output().expect("the program's output");
    Run {
        status: output.status.code().expect("no signal"),
        stdout: String::from_utf8(output.stdout).expect("UTF-8"),
        stderr: String::from_utf8(output.stderr).expect("UTF-8"),
    }
}

/// What Alice sent.
pub(crate) fn original() -> String {
    let header = header();
    format!("{header}\nShall we meet at one?\n.\n. dots\n-- \nAlice\n")
}

fn header() -> String {
    format!(
        "Date: Tue, 24 Nov 2026 06:00:11 +0000\nFrom: Alice <alice@example.org>\n\
         To: Bob <{BOB}>, {CAROL}\nSubject: Lunch on Thursday\n\
         Message-ID: <lunch-1@example.org>\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=us-ascii\n"
    )
}

/// A delay warning as Postfix writes it, about recipients with their status and reason.
pub(crate) fn notice(recipients: &[(&str, &str, &str)]) -> String {
    let text: String = recipients
        .iter()
        .map(|(address, _, reason)| format!("<{address}>: {reason}\n\n"))
        .collect();
    let groups: String = recipients
        .iter()
        .map(|(address, status, reason)| {
            format!(
                "\nFinal-Recipient: rfc822; {address}\nOriginal-Recipient: rfc822;{address}\n\
                 Action: delayed\nStatus: {status}\nDiagnostic-Code: X-Postfix; {reason}\n\
                 Will-Retry-Until: Sun, 29 Nov 2099 06:00:12 +0000\n"
            )
        })
        .collect();
    format!(
        "Return-Path: <>\nReceived: by mail.example.org (Postfix)\n\tid 4794A13EC12; Tue, 24 Nov 2026 07:00:12 \
         +0000 (UTC)\nDate: Tue, 24 Nov 2026 07:00:12 +0000 (UTC)\nFrom: Mail Delivery System \
         <MAILER-DAEMON@example.org>\nSubject: Delayed Mail (still being retried)\nTo: alice@example.org\n\
         Auto-Submitted: auto-replied\nMIME-Version: 1.0\nContent-Type: multipart/report; \
         report-type=delivery-status;\n\tboundary=\"4794A\"\nMessage-Id: <warning-1@mail.example.org>\n\n\
         --4794A\nContent-Type: text/plain; charset=utf-8\n\nThis is the mail system at host \
         mail.example.org.\n\n{text}--4794A\nContent-Type: message/delivery-status\n\n\
         Reporting-MTA: dns; mail.example.org\nX-Postfix-Queue-ID: 4794A13EC12\nX-Postfix-Sender: rfc822; \
         alice@example.org\nArrival-Date: Tue, 24 Nov 2026 06:00:12 +0000 (UTC)\n{groups}\n\
         --4794A\nContent-Type: text/rfc822-headers\n\n{}\n--4794A--\n",
        header()
    )
}

/// Lists the files below a folder.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else {
        return Vec::new();
    };
    let paths = entries.map(|entry| entry.expect("an entry").path());
    paths
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}
