//! A small submission server: real TLS with a certificate made on the spot, real logins, and a
//! script for what a real server does not do on demand.
//!
//! [`Server::start`] listens on 127.0.0.1 and serves every connection in a thread of its own;
//! [`Server::finish`] tells what was said and which messages were taken. It needs nothing but std,
//! rustls and rcgen, because the demo runs it too.

mod certificate;
mod dialogue;
mod gate;

use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, channel};
use std::thread::JoinHandle;
use std::time::Duration;

pub use certificate::Certificate;
use dialogue::{Gates, Served};

/// What one connection was about.
#[derive(Debug, Default)]
pub struct Session {
    /// Every line the client sent outside of a message, without its CRLF, `(TLS)` for the handshake.
    pub lines: Vec<String>,
    /// The messages that were taken.
    pub messages: Vec<Received>,
}

/// A message with its envelope.
#[derive(Debug, Default, Clone)]
pub struct Received {
    /// Who had logged in.
    pub login: String,
    /// The path of MAIL FROM, without angle brackets, and its parameters.
    pub sender: (String, String),
    /// The path of each accepted RCPT TO, without angle brackets, and its parameters.
    pub recipients: Vec<(String, String)>,
    /// The message byte for byte, stuffed dots removed.
    pub data: Vec<u8>,
}

/// How the server behaves. As made it is a well-behaved one with all the extensions it needs.
#[derive(Debug, Clone)]
pub struct Script {
    implicit_tls: bool,
    keywords: Vec<String>,
    user: String,
    secret: String,
    certificate: Certificate,
    rules: Vec<(String, Then)>,
}

/// What the server does in place of its usual reply.
#[derive(Debug, Clone, Copy)]
pub enum Then {
    /// Says this, with CRLF added at the end. The command takes effect if the words say so (2yz, 3yz).
    Say(&'static str),
    /// Says this, waits until the client has sent something, and says the other thing.
    SayTwice(&'static str, &'static str),
    /// Says this without CRLF, and closes the connection.
    SayHalf(&'static str),
    /// Says this line until the client leaves.
    SayForever(&'static str),
    /// Closes the connection without a word.
    Close,
    /// Waits without a word until the client leaves.
    Nothing,
    /// Neither reads nor writes until [`Server::finish`].
    Stall,
    /// Tells the test, waits for [`Server::go_on`], then goes on as usual, whether the client is
    /// still there or not.
    Pause,
}

impl Script {
    /// TLS from the first byte.
    pub fn tls() -> Script {
        Script {
            implicit_tls: true,
            keywords: [
                "SIZE 10000000",
                "8BITMIME",
                "SMTPUTF8",
                "DSN",
                "AUTH PLAIN LOGIN",
            ]
            .map(str::to_owned)
            .to_vec(),
            user: "alice".to_owned(),
            secret: "wonderland".to_owned(),
            certificate: Certificate::Good,
            rules: Vec::new(),
        }
    }

    /// TLS by STARTTLS. In the clear nothing else is offered.
    pub fn starttls() -> Script {
        Script {
            implicit_tls: false,
            ..Script::tls()
        }
    }

    /// Who may log in.
    pub fn login(mut self, user: &str, secret: &str) -> Script {
        (self.user, self.secret) = (user.to_owned(), secret.to_owned());
        self
    }

    /// Which certificate to show.
    pub fn certificate(mut self, certificate: Certificate) -> Script {
        self.certificate = certificate;
        self
    }

    /// Lists `line` in EHLO, in place of a line with the same keyword.
    pub fn with(mut self, line: &str) -> Script {
        self = self.without(line.split(' ').next().unwrap_or(line));
        self.keywords.push(line.to_owned());
        self
    }

    /// Does not list `keyword` in EHLO.
    pub fn without(mut self, keyword: &str) -> Script {
        self.keywords
            .retain(|line| line.split(' ').next() != Some(keyword));
        self
    }

    /// Does something else when a command starts with `what`. Three more moments have names:
    /// `CONNECT` (the greeting), `BODY` (some of the message has come), `.` (all of it has). With
    /// `after ` before it, it is the moment when the reply has gone out; only [`Then::Pause`] has a
    /// meaning there.
    pub fn on(mut self, what: &str, then: Then) -> Script {
        self.rules.push((what.to_owned(), then));
        self
    }

    fn rule(&self, what: &str) -> Option<Then> {
        self.rules
            .iter()
            .find(|(start, _)| what.starts_with(start.as_str()))
            .map(|(_, then)| *then)
    }
}

/// A running server.
pub struct Server {
    port: u16,
    implicit_tls: bool,
    user: String,
    ca_file: PathBuf,
    stop: Arc<AtomicBool>,
    thread: JoinHandle<Vec<Session>>,
    pauses: Receiver<()>,
    gates: Gates,
}

impl Server {
    /// Starts a server on a free port. `ca.pem`, the authority to trust, is written into `directory`.
    pub fn start(script: Script, directory: &Path) -> Server {
        let ca_file = directory.join("ca.pem");
        let config = Arc::new(certificate::tls_config(script.certificate, &ca_file));
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let port = listener.local_addr().expect("an address").port();
        let (implicit_tls, user) = (script.implicit_tls, script.user.clone());
        let stop = Arc::new(AtomicBool::new(false));
        let stopped = stop.clone();
        let (paused, pauses) = channel();
        let gates = Gates::default();
        let served = Served {
            script,
            config,
            paused,
            gates: gates.clone(),
        };
        let thread = std::thread::spawn(move || {
            let mut connections = Vec::new();
            for tcp in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::SeqCst) {
                    break;
                }
                let served = served.clone();
                connections.push(std::thread::spawn(move || served.serve(tcp)));
            }
            let session = |thread: JoinHandle<Session>| thread.join().expect("a connection");
            connections.into_iter().map(session).collect()
        });
        Server {
            port,
            implicit_tls,
            user,
            ca_file,
            stop,
            thread,
            pauses,
            gates,
        }
    }

    /// The port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The submission URL, as it stands in the configuration.
    pub fn url(&self) -> String {
        let scheme = if self.implicit_tls { "smtps" } else { "smtp" };
        format!("{scheme}://{}@127.0.0.1:{}", self.user, self.port)
    }

    /// The authority to trust, in PEM.
    pub fn ca_file(&self) -> &Path {
        &self.ca_file
    }

    /// Waits until one connection stands at a [`Then::Pause`]. False if none does within `limit`.
    pub fn paused(&self, limit: Duration) -> bool {
        self.pauses.recv_timeout(limit).is_ok()
    }

    /// Lets all connections go on that stand at a [`Then::Pause`]. From now on none stops there.
    pub fn go_on(&self) {
        self.gates.pause.open();
    }

    /// Stops, and tells what happened, one entry a connection, in the order of their beginnings.
    pub fn finish(self) -> Vec<Session> {
        self.stop.store(true, Ordering::SeqCst);
        self.gates.pause.open();
        self.gates.end.open();
        // Wakes the thread that waits for connections.
        let _ = TcpStream::connect(("127.0.0.1", self.port));
        self.thread.join().expect("the server's thread")
    }
}
