//! One connection: the dialogue from greeting to end.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::mpsc::Sender;
use std::time::Duration;

use rustls::{ServerConfig, ServerConnection, StreamOwned};

use crate::gate::Gate;
use crate::{Received, Script, Session, Then};

/// What connections wait at.
#[derive(Clone, Default)]
pub(crate) struct Gates {
    /// Opened by [`Server::go_on`].
    pub(crate) pause: Arc<Gate>,
    /// Opened by [`Server::finish`].
    pub(crate) end: Arc<Gate>,
}

/// What every connection needs.
#[derive(Clone)]
pub(crate) struct Served {
    pub(crate) script: Script,
    pub(crate) config: Arc<ServerConfig>,
    pub(crate) paused: Sender<()>,
    pub(crate) gates: Gates,
}

impl Served {
    /// One connection from greeting to end. A client that leaves or fails to do TLS just ends it.
    pub(crate) fn serve(&self, tcp: TcpStream) -> Session {
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
