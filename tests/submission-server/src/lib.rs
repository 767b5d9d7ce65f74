//! A small submission server: real TLS with a certificate made on the spot, real logins, and a
//! script for what a real server does not do on demand.
//!
//! [`Server::start`] listens on 127.0.0.1 and serves every connection in a thread of its own;
//! [`Server::finish`] tells what was said and which messages were taken. It needs nothing but std,
//! rustls and rcgen, because the demo runs it too.

mod certificate;
mod gate;

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

pub use certificate::Certificate;
use gate::Gate;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

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

/// What connections wait at.
#[derive(Clone, Default)]
struct Gates {
    /// Opened by [`Server::go_on`].
    pause: Arc<Gate>,
    /// Opened by [`Server::finish`].
    end: Arc<Gate>,
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

/// What every connection needs.
#[derive(Clone)]
struct Served {
    script: Script,
    config: Arc<ServerConfig>,
    paused: Sender<()>,
    gates: Gates,
}

impl Served {
    /// One connection from greeting to end. A client that leaves or fails to do TLS just ends it.
    fn serve(&self, tcp: TcpStream) -> Session {
        // No test may hang, whatever goes wrong.
        tcp.set_read_timeout(Some(Duration::from_secs(30)))
            .expect("a time limit");
        tcp.set_nodelay(true).expect("no delay");
        let mut dialogue = Dialogue {
            served: self,
            stream: BufReader::new(Box::new(tcp)),
            tls: false,
            login: None,
            message: Received::default(),
            session: Session::default(),
        };
        // An error is how a dialogue ends; the record of it is what counts.
        let _ = dialogue.run();
        dialogue.session
    }
}

trait Stream: Read + Write {}
impl<T: Read + Write> Stream for T {}

struct Dialogue<'a> {
    served: &'a Served,
    stream: BufReader<Box<dyn Stream>>,
    tls: bool,
    login: Option<String>,
    message: Received,
    session: Session,
}

impl Dialogue<'_> {
    fn run(&mut self) -> io::Result<()> {
        if self.served.script.implicit_tls {
            self.start_tls()?;
        }
        self.answer("CONNECT", "220 mail.example.org ESMTP")?;
        loop {
            let line = self.line()?;
            let verb = line
                .split([' ', ':'])
                .next()
                .unwrap_or_default()
                .to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    let keywords = self.keywords().join("\r\n250-");
                    self.answer(
                        &line,
                        &format!("250-mail.example.org\r\n250-{keywords}\r\n250 HELP"),
                    )?;
                }
                "STARTTLS" if !self.tls => {
                    if self.answer(&line, "220 2.0.0 go ahead")? {
                        self.start_tls()?;
                    }
                }
                "AUTH" if self.tls => self.auth(&line)?,
                "MAIL" | "RCPT" | "DATA" if self.login.is_none() => {
                    self.say("530 5.7.0 log in first")?;
                }
                "MAIL" => {
                    if self.answer(&line, "250 2.1.0 ok")? {
                        let login = self.login.clone().unwrap_or_default();
                        self.message = Received {
                            login,
                            sender: path(&line),
                            ..Received::default()
                        };
                    }
                }
                "RCPT" => {
                    if self.answer(&line, "250 2.1.5 ok")? {
                        self.message.recipients.push(path(&line));
                    }
                }
                "DATA" if self.message.recipients.is_empty() => {
                    self.say("503 5.5.1 no recipients")?;
                }
                "DATA" => {
                    if self.answer(&line, "354 end with a dot")? {
                        self.data()?;
                    }
                }
                "QUIT" => {
                    self.answer(&line, "221 2.0.0 bye")?;
                    return Ok(());
                }
                _ => self.say("502 5.5.2 what?")?,
            }
        }
    }

    /// The lines of EHLO: all of them only inside TLS.
    fn keywords(&self) -> Vec<&str> {
        if self.tls {
            self.served
                .script
                .keywords
                .iter()
                .map(String::as_str)
                .collect()
        } else {
            vec!["STARTTLS"]
        }
    }

    fn auth(&mut self, line: &str) -> io::Result<()> {
        let mut words = line.split(' ').skip(1);
        let mechanism = words.next().unwrap_or_default().to_owned();
        let first = words.next().map(str::to_owned);
        let (user, secret) = (
            self.served.script.user.as_str(),
            self.served.script.secret.as_str(),
        );
        let right = if mechanism == "LOGIN" {
            let name = self.ask("334 VXNlcm5hbWU6")?;
            let password = self.ask("334 UGFzc3dvcmQ6")?;
            name == user && password == secret
        } else {
            let given = match first {
                Some(text) => base64(&text),
                None => self.ask("334 ")?,
            };
            match mechanism.as_str() {
                "PLAIN" => given == format!("\0{user}\0{secret}"),
                "XOAUTH2" => given == format!("user={user}\x01auth=Bearer {secret}\x01\x01"),
                "OAUTHBEARER" => {
                    given.starts_with(&format!("n,a={user},\x01"))
                        && given.ends_with(&format!("\x01auth=Bearer {secret}\x01\x01"))
                }
                _ => false,
            }
        };
        if !right && mechanism.contains("OAUTH") {
            // {"status":"401"}
            self.ask("334 eyJzdGF0dXMiOiI0MDEifQ==")?;
        }
        let usual = if right {
            "235 2.7.0 welcome"
        } else {
            "535 5.7.8 bad credentials"
        };
        if self.answer(line, usual)? {
            self.login = Some(user.to_owned());
        }
        Ok(())
    }

    fn ask(&mut self, challenge: &str) -> io::Result<String> {
        self.say(challenge)?;
        Ok(base64(&self.line()?))
    }

    /// Reads up to the final dot and keeps the message if the reply says so.
    fn data(&mut self) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            self.stream.read_until(b'\n', &mut line)?;
            let rule = self.served.script.rule("BODY");
            if let Some(then) = rule.filter(|then| !self.pauses(*then)) {
                self.perform(then)?;
            }
            match line.as_slice() {
                b".\r\n" => break,
                [b'.', rest @ ..] => self.message.data.extend_from_slice(rest),
                [] => return Err(io::ErrorKind::UnexpectedEof.into()),
                all => self.message.data.extend_from_slice(all),
            }
        }
        let message = std::mem::take(&mut self.message);
        // Taken before that is said, as by a real server: the client may be gone when it is.
        if self.takes() {
            self.session.messages.push(message);
        }
        self.answer(".", "250 2.0.0 queued as 4F00BA")?;
        Ok(())
    }

    /// Does the script let the server take messages?
    fn takes(&self) -> bool {
        match self.served.script.rule(".") {
            None | Some(Then::Pause) => true,
            Some(Then::Say(text)) => text.starts_with('2'),
            Some(_) => false,
        }
    }

    /// Replies as the script says, or as usual. Does the reply accept?
    fn answer(&mut self, what: &str, usual: &str) -> io::Result<bool> {
        let rule = self.served.script.rule(what);
        let accepts = match rule.filter(|then| !self.pauses(*then)) {
            Some(then) => self.perform(then)?,
            None => {
                self.say(usual)?;
                usual.starts_with(['2', '3'])
            }
        };
        if let Some(then) = self.served.script.rule(&format!("after {what}")) {
            self.pauses(then);
        }
        Ok(accepts)
    }

    /// Waits for the test where the script says so.
    fn pauses(&self, then: Then) -> bool {
        let is_pause = matches!(then, Then::Pause);
        if is_pause {
            // A server that is not asked any more needs no answer.
            let _ = self.served.paused.send(());
            self.served.gates.pause.wait();
        }
        is_pause
    }

    fn perform(&mut self, then: Then) -> io::Result<bool> {
        match then {
            Then::Say(text) => {
                self.say(text)?;
                return Ok(text.starts_with(['2', '3']));
            }
            Then::SayTwice(first, second) => {
                self.say(first)?;
                self.stream.fill_buf()?;
                self.say(second)?;
            }
            Then::SayHalf(text) => {
                self.stream.get_mut().write_all(text.as_bytes())?;
                self.stream.get_mut().flush()?;
            }
            Then::SayForever(line) => loop {
                self.say(line)?;
            },
            Then::Close | Then::Pause => (),
            Then::Stall => self.served.gates.end.wait(),
            Then::Nothing => while !self.line()?.is_empty() {},
        }
        Err(io::ErrorKind::ConnectionAborted.into())
    }

    fn say(&mut self, text: &str) -> io::Result<()> {
        let stream = self.stream.get_mut();
        stream.write_all(format!("{text}\r\n").as_bytes())?;
        stream.flush()
    }

    /// The next line, which must end with CRLF. The end of the connection is an error.
    fn line(&mut self) -> io::Result<String> {
        let mut line = Vec::new();
        self.stream.read_until(b'\n', &mut line)?;
        let line = String::from_utf8_lossy(&line);
        let line = line
            .strip_suffix("\r\n")
            .ok_or(io::ErrorKind::UnexpectedEof)?;
        self.session.lines.push(line.to_owned());
        Ok(line.to_owned())
    }

    fn start_tls(&mut self) -> io::Result<()> {
        let connection =
            ServerConnection::new(self.served.config.clone()).map_err(io::Error::other)?;
        let placeholder = BufReader::new(Box::new(io::Cursor::new(Vec::new())) as Box<dyn Stream>);
        let plain = std::mem::replace(&mut self.stream, placeholder).into_inner();
        let mut tls = StreamOwned::new(connection, plain);
        while tls.conn.is_handshaking() {
            tls.conn.complete_io(&mut tls.sock)?;
        }
        self.session.lines.push("(TLS)".to_owned());
        self.stream = BufReader::new(Box::new(tls));
        self.tls = true;
        Ok(())
    }
}

/// `<path> parameters` of a MAIL or RCPT line.
fn path(line: &str) -> (String, String) {
    let rest = line.split_once('<').map_or("", |(_, rest)| rest);
    let (path, parameters) = rest.split_once('>').unwrap_or((rest, ""));
    (path.to_owned(), parameters.trim_start().to_owned())
}

/// Undoes base64; what is none gives rubbish, which is no login.
fn base64(text: &str) -> String {
    const ALPHABET: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bytes, mut bits, mut count) = (Vec::new(), 0_u32, 0);
    for value in text
        .bytes()
        .filter_map(|byte| ALPHABET.iter().position(|&one| one == byte))
    {
        bits = (bits << 6) | value as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
