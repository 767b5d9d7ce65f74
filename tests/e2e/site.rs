//! The whole stage of a test: Alice with her mail reader, her mail server, and two servers of other
//! people. Bob's (`example.net`) has no TLS though Alice's server is told to demand it there;
//! Carol's (`example.com`) is fine.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use tempfile::TempDir;

use crate::postfix::{PASSWORD, Postfix, Route, USER};
use crate::sink::Sink;
use crate::terminal::Terminal;
use crate::wait::poll;

/// A body with what mail programs like to change: dots and `From` at the start of a line, blanks at
/// the end, letters beyond ASCII.
const BODY: &str =
    "Hello,\n\n.\n..two dots\nFrom Monday on I am away.   \n\nGrüße aus Köln\n-- \nAlice\n";

/// The program that Alice reads mail with.
#[derive(Clone, Copy)]
pub(crate) enum Reader {
    Mutt,
    NeoMutt,
}

impl Reader {
    pub(crate) fn program(self) -> &'static str {
        match self {
            Self::Mutt => "mutt",
            Self::NeoMutt => "neomutt",
        }
    }
}

/// How Alice's programs hand in her mail.
#[derive(Clone, Copy)]
pub(crate) enum Submission {
    ImplicitTls,
    StartTls,
    Msmtp,
    /// tls-optout is the sendmail of Alice's programs.
    Sendmail,
}

pub(crate) struct Site {
    /// `example.net`: mail to it is deferred.
    pub(crate) closed: Sink,
    /// `example.com`: mail to it arrives.
    pub(crate) open: Sink,
    pub(crate) postfix: Postfix,
    home: TempDir,
}

impl Site {
    pub(crate) fn start(submission: Submission) -> Self {
        Self::with_server(submission, true)
    }

    /// `honours`: Alice's server acts on `TLS-Required: No`.
    pub(crate) fn with_server(submission: Submission, honours: bool) -> Self {
        let closed = Sink::start();
        let open = Sink::start();
        let route = |domain, server, tls| Route {
            domain,
            server,
            tls,
        };
        let routes = [
            route("example.net", closed.address, "encrypt"),
            route("example.com", open.address, "may"),
        ];
        let postfix = Postfix::start(&routes, honours);
        let site = Self {
            closed,
            open,
            postfix,
            home: tempfile::tempdir().expect("a home"),
        };
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(site.home().join("Mail/Sent").join(part)).expect("a Maildir");
        }
        site.write("password", &format!("{PASSWORD}\n"));
        site.write_reader_settings(submission);
        site.configure(&site.account(submission));
        site
    }

    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Writes a file into the home.
    pub(crate) fn write(&self, name: &str, text: &str) {
        let path = self.home().join(name);
        fs::create_dir_all(path.parent().expect("a folder")).expect("a folder");
        fs::write(path, text).expect("a file in the home");
    }

    /// Writes the configuration of tls-optout, with the lines given for the one account.
    pub(crate) fn configure(&self, account: &str) {
        let inbox = self.postfix.mailbox();
        self.write(
            ".config/tls-optout/config.toml",
            &format!(
                "[mail]\ninbox = [{inbox:?}]\nsent = [\"~/Mail/Sent\"]\nsearch = [\"~/Mail\"]\n\n\
                 [[account]]\nfrom = [{USER:?}]\n{account}"
            ),
        );
    }

    /// The account lines for direct submission without a way to the password.
    pub(crate) fn server_lines(&self, submission: Submission) -> String {
        let (scheme, port) = self.server(submission);
        let user = USER.replace('@', "%40");
        let ca = self.postfix.ca_file();
        format!("submission = \"{scheme}://{user}@localhost:{port}\"\ntls_trust_file = {ca:?}\n")
    }

    fn account(&self, submission: Submission) -> String {
        match submission {
            Submission::Msmtp => "command = [\"msmtp\", \"-a\", \"alice\"]\n".into(),
            Submission::ImplicitTls | Submission::StartTls | Submission::Sendmail => {
                self.server_lines(submission) + "password_command = \"cat ~/password\"\n"
            }
        }
    }

    fn server(&self, submission: Submission) -> (&'static str, u16) {
        match submission {
            Submission::ImplicitTls | Submission::Sendmail => {
                ("smtps", self.postfix.implicit_tls_port)
            }
            Submission::StartTls | Submission::Msmtp => ("smtp", self.postfix.starttls_port),
        }
    }

    fn write_reader_settings(&self, submission: Submission) {
        let (scheme, port) = self.server(submission);
        let user = USER.replace('@', "%40");
        let ca = self.postfix.ca_file();
        let ca = ca.display();
        let way = match submission {
            Submission::Msmtp => "set sendmail=\"msmtp -a alice\" use_envelope_from=yes".into(),
            Submission::Sendmail => {
                "set sendmail=\"tls-optout sendmail\" use_envelope_from=yes".into()
            }
            Submission::ImplicitTls | Submission::StartTls => format!(
                "set smtp_url={scheme}://{user}@localhost:{port}/ smtp_pass='{PASSWORD}'\n\
                 set ssl_force_tls=yes ssl_starttls=yes ssl_ca_certificates_file={ca}"
            ),
        };
        let inbox = self.postfix.mailbox();
        for (reader, file) in [(Reader::Mutt, ".muttrc"), (Reader::NeoMutt, ".neomuttrc")] {
            let key = Path::new(env!("CARGO_MANIFEST_DIR"))
                .join("contrib")
                .join(reader.program())
                .join("tls-optout.rc");
            self.write(
                file,
                &format!(
                    "set from={USER} realname=Alice mbox_type=Maildir\n\
                     set folder=~/Mail spoolfile={} record=~/Mail/Sent\n{way}\n\
                     set editor=true edit_headers=no sleep_time=0\n\
                     set pipe_decode=yes wait_key=yes\nsource {}\n",
                    inbox.display(),
                    key.display(),
                ),
            );
        }
        self.write(
            ".msmtprc",
            &format!(
                "account alice\nhost localhost\nport {}\nfrom {USER}\nauth on\nuser {USER}\n\
                 passwordeval cat ~/password\ntls on\ntls_starttls on\ntls_trust_file {ca}\n",
                self.postfix.starttls_port,
            ),
        );
    }

    /// What Alice's programs see: nothing of the one who runs the tests but the search path.
    pub(crate) fn environment(&self) -> Vec<(OsString, OsString)> {
        let program = Path::new(env!("CARGO_BIN_EXE_tls-optout"));
        let mut path = OsString::from(program.parent().expect("a folder"));
        path.push(":/usr/local/bin:/usr/bin:/bin");
        vec![
            ("HOME".into(), self.home().into()),
            ("PATH".into(), path),
            // Not ~/.gnupg: in its usual place GnuPG would meet the agent of the one who runs the
            // tests.
            ("GNUPGHOME".into(), self.home().join("gnupg").into()),
            ("LC_ALL".into(), "C.UTF-8".into()),
        ]
    }

    /// Runs a program for Alice, without a terminal.
    pub(crate) fn run(&self, command: &[&str], input: &Path) -> Output {
        Command::new("setsid")
            .arg("--wait")
            .args(command)
            .current_dir(self.home())
            .env_clear()
            .envs(self.environment())
            .stdin(Stdio::from(fs::File::open(input).expect("the input")))
            .output()
            .unwrap_or_else(|error| panic!("{command:?}: {error}"))
    }

    /// Runs a shell command for Alice in a terminal.
    pub(crate) fn terminal(&self, command: &str) -> Terminal {
        Terminal::start(self.home(), self.environment(), command)
    }

    /// The same in one of so many columns and rows.
    pub(crate) fn sized_terminal(&self, command: &str, size: [u16; 2]) -> Terminal {
        Terminal::sized(self.home(), self.environment(), command, size)
    }

    /// Lets the mail reader send a message, without its screen. `recipients` are its arguments.
    pub(crate) fn send(&self, reader: Reader, recipients: &[&str]) {
        self.write("body", BODY);
        let mut command = vec![reader.program(), "-s", "Lunch on Thursday"];
        command.extend(recipients);
        let output = self.run(&command, &self.home().join("body"));
        assert!(
            output.status.success(),
            "{output:?}\n{}",
            self.postfix.log()
        );
    }

    /// Waits for a notice in Alice's mailbox and gives its file.
    pub(crate) fn wait_for_notice(&self) -> PathBuf {
        self.wait_for_notice_after(&[])
    }

    /// Waits for a notice that is none of these.
    pub(crate) fn wait_for_notice_after(&self, known: &[&Path]) -> PathBuf {
        let new = self.postfix.mailbox().join("new");
        poll(|| {
            files(&new)
                .into_iter()
                .find(|file| !known.contains(&file.as_path()))
        })
        .unwrap_or_else(|| panic!("no notice came; the log:\n{}", self.postfix.log()))
    }

    /// The copy of the sent message that the mail reader kept, lines ended by CRLF as on the wire.
    pub(crate) fn sent_copy(&self) -> Vec<u8> {
        let sent = self.home().join("Mail/Sent");
        let mut copies = files(&sent.join("cur"));
        copies.extend(files(&sent.join("new")));
        assert_eq!(copies.len(), 1, "{copies:?}");
        let mut message = Vec::new();
        for line in fs::read(&copies[0])
            .expect("a message")
            .split_inclusive(|byte| *byte == b'\n')
        {
            message.extend_from_slice(line.strip_suffix(b"\n").unwrap_or(line));
            message.extend_from_slice(b"\r\n");
        }
        message
    }
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).expect("a folder");
    entries
        .map(|entry| entry.expect("an entry").path())
        .collect()
}
