//! The dialogue with a submission server (RFC 5321, RFC 6409).
//!
//! One transaction a session: greeting, EHLO, STARTTLS and EHLO again where TLS did not come first,
//! AUTH, MAIL, RCPT for each recipient, DATA, the message, QUIT. Whatever the message needs and the
//! server does not offer is found before the login. The only step after which the outcome can be
//! unknown is the final dot.

use std::io;
use std::net::Ipv4Addr;
use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::commands::{Data, Ehlo, Mail, Quit, Rcpt, Starttls};
use lettre::transport::smtp::extension::{ClientId, MailParameter};

use super::connection::Connection;
use super::features::Features;
use super::wire::{self, Encoder};
use super::{
    Envelope, Error, Outcome, Receipt, Refusal, Reply, Secret, Security, Server, Timeouts, auth,
};

/// How much of the message goes out at a time.
const BLOCK: usize = 32 * 1024;

/// A submission that has its outcome, with the session that it leaves open.
///
/// Whatever the server answers to QUIT, and however long that takes, changes nothing: note the outcome
/// first, then [`quit`](Submitted::quit).
#[must_use]
pub struct Submitted<'a> {
    /// What became of the message.
    pub result: Result<Receipt, Error>,
    session: Option<Session<'a>>,
}

impl Submitted<'_> {
    /// Leaves the server, and gives the outcome.
    ///
    /// # Errors
    ///
    /// Those of [`submit`].
    pub fn quit(self) -> Result<Receipt, Error> {
        if let Some(session) = self.session {
            session.quit();
        }
        self.result
    }
}

/// An outcome with no session behind it.
impl From<Result<Receipt, Error>> for Submitted<'_> {
    fn from(result: Result<Receipt, Error>) -> Self {
        Submitted {
            result,
            session: None,
        }
    }
}

/// Submits one message.
///
/// `message` is as it is stored, with LF or CRLF line ends; [`super::wire`] says what arrives.
///
/// `before_data` is called with the accepted recipients, at least one, before the DATA command; if
/// it fails, nothing is sent. `progress` is called with the bytes sent and the bytes there are.
///
/// In the result [`Error`] says whether the message may be under way all the same. All recipients
/// refused is an error, some of them refused is not.
pub fn submit<'a>(
    server: &'a Server,
    secret: &Secret,
    envelope: &Envelope,
    message: &[u8],
    before_data: &mut dyn FnMut(&[&str]) -> io::Result<()>,
    progress: &mut dyn FnMut(u64, u64),
) -> Submitted<'a> {
    let connection = match Connection::open(server) {
        Ok(connection) => connection,
        Err(error) => return Err(error).into(),
    };
    let mut session = Session {
        server,
        connection,
        features: Features::default(),
    };
    let result = session.start().and_then(|()| {
        let parameters = session
            .features
            .mail_parameters(server, envelope, message)?;
        auth::log_in(&mut session, secret)?;
        session.transaction(envelope, parameters, message, before_data, progress)
    });
    Submitted {
        result,
        session: Some(session),
    }
}

/// A session with its server.
pub(super) struct Session<'a> {
    pub(super) server: &'a Server,
    pub(super) features: Features,
    connection: Connection,
}

impl Session<'_> {
    /// Up to the EHLO inside TLS.
    fn start(&mut self) -> Result<(), Error> {
        if self.server.security == Security::Tls {
            self.connection.start_tls(self.server)?;
        }
        let greeting = self
            .connection
            .read_reply(self.timeouts().greeting)
            .map_err(|error| self.lost("the greeting", error))?;
        self.positive("the connection", greeting)?;
        self.hello()?;
        if self.server.security == Security::Starttls {
            if !self.features.has("STARTTLS") {
                return Err(Error::NoStarttls(self.server.to_string()));
            }
            let reply = self.command("STARTTLS", &Starttls)?;
            self.positive("STARTTLS", reply)?;
            self.connection.start_tls(self.server)?;
            // What was learned in the clear counts for nothing (RFC 3207 section 4.2).
            self.hello()?;
        }
        Ok(())
    }

    /// `EHLO [127.0.0.1]`: a literal is valid, and the true name or address of a laptop is nobody's
    /// business. Other mail programs that care do the same.
    fn hello(&mut self) -> Result<(), Error> {
        let reply = self.command("EHLO", &Ehlo::new(ClientId::Ipv4(Ipv4Addr::LOCALHOST)))?;
        let reply = self.positive("EHLO", reply)?;
        self.features = Features::new(&reply);
        Ok(())
    }

    fn transaction(
        &mut self,
        envelope: &Envelope,
        parameters: Vec<MailParameter>,
        message: &[u8],
        before_data: &mut dyn FnMut(&[&str]) -> io::Result<()>,
        progress: &mut dyn FnMut(u64, u64),
    ) -> Result<Receipt, Error> {
        let sender = address(&self.features.spelled(envelope.sender()));
        let mail = Mail::new(Some(sender), parameters);
        let reply = self.command("MAIL FROM", &mail)?;
        self.positive("MAIL FROM", reply)?;
        let outcomes = self.recipients(envelope)?;
        let accepted = outcomes.iter().filter(|one| one.accepted);
        let accepted: Vec<&str> = accepted.map(|one| one.recipient.as_str()).collect();
        before_data(&accepted).map_err(Error::Journal)?;
        let reply = self.data(message, progress)?;
        let envelope_id_sent = self.features.has("DSN");
        let (server, reply) = (self.server.to_string(), reply.to_string());
        Ok(Receipt {
            server,
            outcomes,
            reply,
            envelope_id_sent,
        })
    }

    /// Asks for each recipient. One refusal does not stop the asking, nor the message unless the envelope
    /// must be accepted as a whole; a server that leaves does.
    fn recipients(&mut self, envelope: &Envelope) -> Result<Vec<Outcome>, Error> {
        let mut outcomes = Vec::new();
        let mut temporary = true;
        for recipient in envelope.recipients() {
            let what = format!("RCPT TO:<{recipient}>");
            let spelled = self.features.spelled(recipient);
            let parameters = self.features.rcpt_parameters(envelope, &spelled);
            let rcpt = Rcpt::new(address(&spelled), parameters);
            let reply = self.command(&what, &rcpt)?;
            if reply.is_goodbye() {
                return Err(self.refused(&what, reply));
            }
            temporary &= reply.is_positive() || reply.is_temporary();
            outcomes.push(Outcome {
                recipient: recipient.clone(),
                accepted: reply.is_positive(),
                reply: reply.to_string(),
            });
        }
        let is_enough = match envelope.is_whole() {
            true => outcomes.iter().all(|one| one.accepted),
            false => outcomes.iter().any(|one| one.accepted),
        };
        if is_enough {
            return Ok(outcomes);
        }
        if outcomes.iter().any(|one| one.accepted) {
            outcomes.retain(|one| !one.accepted);
            return Err(Error::SomeRefused {
                server: self.server.to_string(),
                outcomes,
                temporary,
            });
        }
        Err(Error::AllRefused {
            server: self.server.to_string(),
            outcomes,
            temporary,
        })
    }

    /// DATA, the message, the dot.
    fn data(&mut self, message: &[u8], progress: &mut dyn FnMut(u64, u64)) -> Result<Reply, Error> {
        let line = Data.to_string();
        let reply = self.exchange_within("DATA", line.trim_end(), self.timeouts().data)?;
        if reply.is_positive() {
            return Err(self.out_of_step("DATA", format!("it wants no message: `{reply}`")));
        }
        if reply.code() != 354 {
            return Err(self.refused("DATA", reply));
        }
        self.body(message, progress)
            .map_err(|error| self.lost("the message", error))?;
        let unknown = |source| Error::Unknown {
            server: self.server.to_string(),
            source,
        };
        let Timeouts { block, end, .. } = self.server.timeouts;
        self.connection.write(b".\r\n", block).map_err(unknown)?;
        let reply = self.connection.read_reply(end).map_err(unknown)?;
        match reply.code() / 100 {
            2 => Ok(reply),
            4 | 5 => Err(self.refused("the message", reply)),
            _ => Err(unknown(io::Error::other(format!(
                "its answer has no sense: `{reply}`"
            )))),
        }
    }

    /// Everything before the final dot: as long as that is missing, the server must forget it all.
    fn body(&mut self, message: &[u8], progress: &mut dyn FnMut(u64, u64)) -> io::Result<()> {
        let total = wire::length(message);
        let mut sent = 0;
        let mut encoder = Encoder::new(true);
        let mut out = Vec::with_capacity(2 * BLOCK);
        let mut blocks = message.chunks(BLOCK).peekable();
        while let Some(block) = blocks.next() {
            out.clear();
            encoder.push(block, &mut out);
            if blocks.peek().is_none() {
                encoder.finish(&mut out);
            }
            self.connection.write(&out, self.timeouts().block)?;
            sent += out.len() as u64;
            progress(sent - encoder.stuffed(), total);
        }
        Ok(())
    }

    /// Leaves, where the server is still listening. Whatever it answers changes nothing.
    fn quit(mut self) {
        if self.connection.is_usable() {
            let line = Quit.to_string();
            let _ = self.exchange_within("QUIT", line.trim_end(), self.timeouts().quit);
            self.connection.close(self.server.timeouts.quit);
        }
    }

    fn command(&mut self, step: &str, command: &dyn std::fmt::Display) -> Result<Reply, Error> {
        let line = command.to_string();
        let line = line.trim_end_matches("\r\n");
        tracing::debug!(line = crate::terminal::shown(line), "client");
        self.exchange(step, line)
    }

    /// Sends a line, which is not logged, and reads the answer.
    pub(super) fn exchange(&mut self, step: &str, line: &str) -> Result<Reply, Error> {
        self.exchange_within(step, line, self.timeouts().command)
    }

    fn exchange_within(&mut self, step: &str, line: &str, limit: Duration) -> Result<Reply, Error> {
        // Envelope and secrets were checked before; this is the last door.
        if line
            .bytes()
            .any(|byte| matches!(byte, b'\r' | b'\n' | b'\0'))
        {
            return Err(self.out_of_step(step, "our own command has a line end in it".to_owned()));
        }
        let line = zeroize::Zeroizing::new(format!("{line}\r\n"));
        self.connection
            .write(line.as_bytes(), limit)
            .and_then(|()| self.connection.read_reply(limit))
            .map_err(|error| self.lost(step, error))
    }

    fn positive(&self, what: &str, reply: Reply) -> Result<Reply, Error> {
        if reply.is_positive() {
            Ok(reply)
        } else {
            Err(self.refused(what, reply))
        }
    }

    pub(super) fn refused(&self, what: &str, reply: Reply) -> Error {
        let (server, what) = (self.server.to_string(), what.to_owned());
        Error::Refused(Box::new(Refusal {
            server,
            what,
            reply,
        }))
    }

    /// The two sides disagree on what comes next: nothing more may be said, not even QUIT.
    pub(super) fn out_of_step(&mut self, during: &str, reason: String) -> Error {
        self.connection.abandon();
        self.protocol(during, reason)
    }

    fn protocol(&self, during: &str, reason: String) -> Error {
        Error::Protocol {
            server: self.server.to_string(),
            during: during.to_owned(),
            reason,
        }
    }

    fn lost(&self, during: &str, source: io::Error) -> Error {
        if source.kind() == io::ErrorKind::InvalidData {
            return self.protocol(during, source.to_string());
        }
        Error::Lost {
            server: self.server.to_string(),
            during: during.to_owned(),
            source,
        }
    }

    fn timeouts(&self) -> Timeouts {
        self.server.timeouts
    }
}

/// The address as lettre's commands want it. [`Envelope`] has checked it.
fn address(address: &str) -> Address {
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    Address::new_dangerous(local, domain)
}
