//! Submission on the wire, against a scripted server, a real msmtp and a real keyring.

mod command;
mod connection;
mod dialogue;
mod failures;
mod login;
mod secrets;

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use submission_server::{Certificate, Script, Then};
use tls_optout::submission::{
    Envelope, Error, Mechanism, Receipt, Secret, Server, Timeouts, credentials, sendmail, smtp,
};

const MESSAGE: &[u8] = b"From: alice@example.org\nTo: bob@example.net\n\nLunch?\n.\n..\n.hidden\n";
const ON_THE_WIRE: &[u8] =
    b"From: alice@example.org\r\nTo: bob@example.net\r\n\r\nLunch?\r\n.\r\n..\r\n.hidden\r\n";

/// One submission, everything it did, and everything the server saw.
struct Run {
    result: Result<Receipt, Error>,
    sessions: Vec<submission_server::Session>,
    /// What `before_data` was told, once per call.
    noted: Vec<Vec<String>>,
    progress: Vec<(u64, u64)>,
}

/// What to submit. The defaults make a plain, good submission.
struct Case {
    script: Script,
    secret: Secret,
    recipients: Vec<&'static str>,
    message: Vec<u8>,
    auth: Option<Mechanism>,
    limit: Duration,
    host: &'static str,
    trust: bool,
    journal: fn() -> io::Result<()>,
}

fn case(script: Script) -> Case {
    Case {
        script,
        secret: Secret::password("wonderland".to_owned()).unwrap(),
        recipients: vec!["bob@example.net"],
        message: MESSAGE.to_vec(),
        auth: None,
        limit: Duration::from_secs(20),
        host: "127.0.0.1",
        trust: true,
        journal: || Ok(()),
    }
}

fn envelope(recipients: &[&str]) -> Envelope {
    Envelope::new("alice@example.org", recipients, "id+1=2").unwrap()
}

impl Case {
    fn run(self) -> Run {
        let home = tempfile::tempdir().unwrap();
        let running = submission_server::Server::start(self.script, home.path());
        let mut server: Server = running
            .url()
            .replace("127.0.0.1", self.host)
            .parse()
            .unwrap();
        server.trust_file = self.trust.then(|| running.ca_file().to_owned());
        server.auth = self.auth;
        let limit = self.limit;
        server.timeouts = Timeouts {
            connect: limit,
            greeting: limit,
            command: limit,
            data: limit,
            block: limit,
            end: limit,
            quit: limit,
        };
        let (mut noted, mut progress) = (Vec::new(), Vec::new());
        let result = smtp::submit(
            &server,
            &self.secret,
            &envelope(&self.recipients),
            &self.message,
            &mut |accepted| {
                noted.push(accepted.iter().map(|&address| address.to_owned()).collect());
                (self.journal)()
            },
            &mut |sent, total| progress.push((sent, total)),
        )
        .quit();
        Run {
            result,
            sessions: running.finish(),
            noted,
            progress,
        }
    }

    fn short(mut self) -> Case {
        self.limit = Duration::from_secs(1);
        self
    }
}

impl Run {
    fn lines(&self) -> Vec<&str> {
        self.sessions
            .iter()
            .flat_map(|session| &session.lines)
            .map(String::as_str)
            .collect()
    }

    fn messages(&self) -> Vec<&submission_server::Received> {
        self.sessions
            .iter()
            .flat_map(|session| &session.messages)
            .collect()
    }

    /// A failure after which nothing may have been sent, as the server agrees.
    #[track_caller]
    fn not_sent(&self) -> &Error {
        let error = self.result.as_ref().expect_err("this must fail");
        assert!(!error.is_unknown(), "{error}");
        assert!(error.to_string().contains("nothing was sent"), "{error}");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
        assert!(self.messages().is_empty());
        error
    }

    #[track_caller]
    fn unknown(&self) -> &Error {
        let error = self.result.as_ref().expect_err("this must fail");
        assert!(error.is_unknown() && !error.is_temporary(), "{error}");
        assert_eq!(error.status(), 74);
        assert!(error.to_string().contains("may be under way"), "{error}");
        error
    }
}

fn ok() -> Run {
    case(Script::tls()).run()
}
