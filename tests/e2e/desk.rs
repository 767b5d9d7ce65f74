//! Alice's desk: her mail in Maildirs, with a notice that a real Postfix wrote and its original, a
//! submission server with a script, and any mail reader in a terminal.

use std::ffi::OsString;
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use submission_server::{Received, Script, Server};
use tempfile::TempDir;

use crate::message::{body, fields, value};
use crate::terminal::Terminal;

/// Who waits, as the notice says.
pub(crate) const BOB: &str = "bob@alder.example.net";
/// The Subject of the notice.
pub(crate) const NOTICE: &str = "Delayed Mail";
/// The end of the question.
pub(crate) const QUESTION: &str = "[y/N/d]";

/// The notice that lies in the inbox, by its name in `tests/data/dsn`.
pub(crate) const CAPTURED: &str = "postfix-3.7.11-delay-00-0";

pub(crate) struct Desk {
    folder: TempDir,
    server: Server,
}

impl Desk {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a home");
        let server = Server::start(Script::tls().login("alice", "sesame"), folder.path());
        let desk = Self { folder, server };
        for part in ["cur", "new", "tmp"] {
            for name in ["INBOX", "Sent", "Drafts"] {
                let folder = desk.home().join("Mail").join(name).join(part);
                fs::create_dir_all(folder).expect("a Maildir");
            }
        }
        desk.add(CAPTURED);
        desk.write(
            ".config/tls-optout/config.toml",
            &format!(
                "[mail]\ninbox = \"~/Mail/INBOX\"\nsent = \"~/Mail/Sent\"\nsearch = \"~/Mail\"\n\n\
                 [[account]]\nfrom = \"alice@example.org\"\nsubmission = \"{}\"\n\
                 password_command = \"echo sesame\"\ntls_trust_file = {:?}\n",
                desk.server.url(),
                desk.server.ca_file(),
            ),
        );
        desk
    }

    /// Adds a captured notice to the inbox, and its original to the sent messages.
    pub(crate) fn add(&self, name: &str) {
        // Once that day is over nothing waits any more.
        let notice = data(&format!("{name}.eml")).replace("29 Nov 2026", "29 Nov 2099");
        self.write(
            &format!("Mail/INBOX/cur/1795503000.{name}.laptop:2,"),
            &notice,
        );
        self.write(
            &format!("Mail/Sent/cur/1795500011.{name}.laptop:2,S"),
            &original(name),
        );
    }

    pub(crate) fn home(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a file into the home.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.home().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file in the home");
    }

    /// Takes from all others the right to read a file.
    pub(crate) fn keep_private(&self, name: &str) {
        let mode = fs::Permissions::from_mode(0o600);
        fs::set_permissions(self.home().join(name), mode).expect("a mode");
    }

    /// Runs a shell command, which has to succeed.
    pub(crate) fn run(&self, command: &str) {
        let output = Command::new("sh")
            .args(["-c", command])
            .current_dir(self.home())
            .env_clear()
            .envs(self.environment())
            .output()
            .expect("a shell");
        assert!(output.status.success(), "{command}: {output:?}");
    }

    /// Runs a shell command in a terminal.
    pub(crate) fn terminal(&self, command: &str) -> Terminal {
        Terminal::start(self.home(), self.environment(), command)
    }

    /// What Alice's programs see: nothing of the one who runs the tests.
    fn environment(&self) -> Vec<(OsString, OsString)> {
        let program = Path::new(env!("CARGO_BIN_EXE_tls-optout"));
        let mut path = OsString::from(program.parent().expect("a folder"));
        path.push(":/usr/bin:/bin");
        vec![
            ("HOME".into(), self.home().into()),
            ("PATH".into(), path),
            // For sockets; the usual place is not the test's own.
            ("XDG_RUNTIME_DIR".into(), self.home().into()),
            ("LC_ALL".into(), "C.UTF-8".into()),
        ]
    }

    /// Ends the server. The messages that it took.
    pub(crate) fn received(self) -> Vec<Received> {
        let sessions = self.server.finish();
        sessions
            .into_iter()
            .flat_map(|session| session.messages)
            .collect()
    }

    /// Did the server get the original, once, with the opt-out, for Bob alone?
    pub(crate) fn assert_resent(self) {
        self.assert_all_resent(&[CAPTURED]);
    }

    /// The same for the originals of these notices, in any order.
    pub(crate) fn assert_all_resent(self, notices: &[&str]) {
        let expected =
            |name: &&str| format!("TLS-Required: No\n{}", original(name)).replace('\n', "\r\n");
        let mut expected: Vec<String> = notices.iter().map(expected).collect();
        let messages = self.received();
        let data = |message: &Received| {
            assert_eq!(addresses(message), [BOB]);
            String::from_utf8_lossy(&message.data).into_owned()
        };
        let mut sent: Vec<String> = messages.iter().map(data).collect();
        expected.sort();
        sent.sort();
        assert_eq!(sent, expected);
    }
}

/// Is this a message that the reader wrote, with the opt-out, once, and without the cookie?
pub(crate) fn assert_written(message: &Received, subject: &str, text: &str) {
    let data = &message.data;
    assert_eq!(addresses(message), ["carol@example.com"]);
    assert_eq!(value(data, "tls-required"), "No");
    assert_eq!(value(data, "subject"), subject);
    let body = String::from_utf8_lossy(body(data));
    assert_eq!(body.trim_end(), text, "{:?}", fields(data));
}

/// Is this a message that the reader wrote, with no opt-out?
pub(crate) fn assert_without(message: &Received) {
    let names = fields(&message.data);
    let is_opt_out = |field: &String| field.to_ascii_lowercase().starts_with("tls-required");
    assert!(!names.iter().any(is_opt_out), "{names:?}");
}

fn addresses(message: &Received) -> Vec<&str> {
    let paths = message.recipients.iter();
    paths.map(|(path, _)| path.as_str()).collect()
}

fn original(name: &str) -> String {
    data(&format!("originals/{name}.msg"))
}

/// A captured message with the line ends that a Maildir has.
fn data(name: &str) -> String {
    let file = project().join("tests/data/dsn").join(name);
    let text = fs::read_to_string(&file).expect("a captured message");
    text.replace("\r\n", "\n")
}

/// A file that users copy or source, as it stands.
pub(crate) fn contrib(name: &str) -> PathBuf {
    project().join("contrib").join(name)
}

/// What `contrib/README.md` tells the user to type.
pub(crate) fn recipe(text: &str) -> &str {
    let readme = fs::read_to_string(contrib("README.md")).expect("the recipes");
    assert!(readme.contains(text), "contrib/README.md has no {text:?}");
    text
}

fn project() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}
