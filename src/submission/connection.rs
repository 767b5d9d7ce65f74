//! One connection to the server: bytes, TLS and time limits, nothing of what is said.

use std::io::{self, Read, Write};
use std::net::{TcpStream, ToSocketAddrs};
use std::sync::Arc;
use std::time::{Duration, Instant};

use memchr::memchr;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, ClientConfig, ClientConnection, StreamOwned};
use rustls_platform_verifier::Verifier;

use super::reply::{Builder, MAX_LINE, Reply};
use super::{Error, Security, Server};
use crate::message::text::rfc3339;
use crate::terminal::shown;

/// A connection. After the first failure nothing more goes out: client and server may no longer
/// agree on where in the dialogue they are.
pub(super) struct Connection {
    stream: Stream,
    unread: Vec<u8>,
    usable: bool,
}

enum Stream {
    Plain(Socket),
    Tls(Box<StreamOwned<ClientConnection, Socket>>),
}

/// A TCP stream whose reads and writes together end at a deadline.
struct Socket {
    tcp: TcpStream,
    deadline: Instant,
}

impl Connection {
    /// Connects, trying every address of the host in turn.
    pub(super) fn open(server: &Server) -> Result<Connection, Error> {
        let host = || server.host.clone();
        let addresses = (server.host.as_str(), server.port)
            .to_socket_addrs()
            .map_err(|source| Error::Resolve {
                host: host(),
                source,
            })?;
        let mut last = io::Error::new(io::ErrorKind::NotFound, "it has no address");
        for address in addresses {
            match TcpStream::connect_timeout(&address, server.timeouts.connect) {
                Ok(tcp) => {
                    // The dot goes out alone: it must not wait for an acknowledgement of the text.
                    tcp.set_nodelay(true).map_err(|source| Error::Connect {
                        server: server.to_string(),
                        source,
                    })?;
                    tracing::debug!(%address, "connected");
                    let socket = Socket {
                        tcp,
                        deadline: Instant::now(),
                    };
                    let stream = Stream::Plain(socket);
                    return Ok(Connection {
                        stream,
                        unread: Vec::new(),
                        usable: true,
                    });
                }
                Err(error) => last = error,
            }
        }
        Err(Error::Connect {
            server: server.to_string(),
            source: last,
        })
    }

    /// Does the TLS handshake. A byte that came in the clear before it is an attack and ends the
    /// session: kept, it would pass for an answer that the server gave under TLS. A byte that comes
    /// later reaches the TLS layer, for which it is no handshake.
    pub(super) fn start_tls(&mut self, server: &Server) -> Result<(), Error> {
        let Stream::Plain(socket) = &self.stream else {
            return Ok(());
        };
        self.usable = false;
        if !self.unread.is_empty() {
            return Err(Error::Injected(server.to_string()));
        }
        let tcp = socket
            .tcp
            .try_clone()
            .map_err(|error| handshake_error(server, error))?;
        let deadline = Instant::now() + server.timeouts.greeting;
        let mut socket = Socket { tcp, deadline };
        let config = Arc::new(tls_config(server)?);
        let name = ServerName::try_from(server.host.clone()).map_err(|_| Error::Certificate {
            server: server.to_string(),
            reason: "no certificate can be for this name".to_owned(),
            advice: "use a DNS name or an IP address".to_owned(),
        })?;
        let mut tls =
            ClientConnection::new(config, name).map_err(|error| explain(server, error))?;
        while tls.is_handshaking() {
            tls.complete_io(&mut socket)
                .map_err(|error| handshake_error(server, error))?;
        }
        tracing::debug!(version = ?tls.protocol_version(), "TLS");
        self.stream = Stream::Tls(Box::new(StreamOwned::new(tls, socket)));
        self.usable = true;
        Ok(())
    }

    /// Reads one reply, which must be complete within `limit`.
    ///
    /// Fails with [`io::ErrorKind::InvalidData`] where the answer is no SMTP reply.
    pub(super) fn read_reply(&mut self, limit: Duration) -> io::Result<Reply> {
        self.guarded(limit, |connection| {
            let mut builder = Builder::default();
            loop {
                let line = connection.read_line(builder.is_empty())?;
                if let Some(reply) = builder.push(&line)? {
                    tracing::debug!(reply = shown(&reply.to_string()), "server");
                    return Ok(reply);
                }
            }
        })
    }

    /// Writes and flushes `bytes` within `limit`.
    pub(super) fn write(&mut self, bytes: &[u8], limit: Duration) -> io::Result<()> {
        self.guarded(limit, |connection| {
            let writer: &mut dyn Write = match &mut connection.stream {
                Stream::Plain(socket) => socket,
                Stream::Tls(tls) => tls,
            };
            writer.write_all(bytes)?;
            writer.flush()
        })
    }

    /// Sends and reads nothing more.
    pub(super) fn abandon(&mut self) {
        self.usable = false;
    }

    /// Is the dialogue still in step?
    pub(super) fn is_usable(&self) -> bool {
        self.usable
    }

    /// Says good-bye to the TLS layer. Nobody waits for an answer.
    pub(super) fn close(mut self, limit: Duration) {
        self.stream.socket().deadline = Instant::now() + limit;
        if let Stream::Tls(tls) = &mut self.stream {
            tls.conn.send_close_notify();
            // The dialogue is over: what happens to this last record changes nothing.
            let _ = tls.flush();
        }
    }

    fn guarded<T>(
        &mut self,
        limit: Duration,
        step: impl FnOnce(&mut Connection) -> io::Result<T>,
    ) -> io::Result<T> {
        if !self.usable {
            return Err(io::Error::new(
                io::ErrorKind::NotConnected,
                "the session has failed",
            ));
        }
        self.stream.socket().deadline = Instant::now() + limit;
        let result = step(self).map_err(|error| match error.kind() {
            io::ErrorKind::TimedOut => {
                let text = format!("no answer within {} s", limit.as_secs_f32());
                io::Error::new(io::ErrorKind::TimedOut, text)
            }
            _ => error,
        });
        self.usable = result.is_ok();
        result
    }

    /// One line without its line end. `fresh`: no line of this reply came before.
    fn read_line(&mut self, fresh: bool) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = memchr(b'\n', &self.unread) {
                let mut line: Vec<u8> = self.unread.drain(..=end).collect();
                line.pop();
                line.pop_if(|last| *last == b'\r');
                return Ok(line);
            }
            if self.unread.len() > MAX_LINE {
                let text = format!("a reply line of more than {MAX_LINE} bytes");
                return Err(io::Error::new(io::ErrorKind::InvalidData, text));
            }
            let mut block = [0; MAX_LINE];
            let read = match &mut self.stream {
                Stream::Plain(socket) => socket.read(&mut block),
                Stream::Tls(tls) => tls.read(&mut block),
            };
            let count = match read {
                // A server that closes without a TLS good-bye.
                Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => 0,
                other => other?,
            };
            if count == 0 {
                let half = !fresh || !self.unread.is_empty();
                let place = if half {
                    " in the middle of a reply"
                } else {
                    ""
                };
                let text = format!("the server closed the connection{place}");
                return Err(io::Error::new(io::ErrorKind::UnexpectedEof, text));
            }
            self.unread.extend_from_slice(&block[..count]);
        }
    }
}

impl Stream {
    fn socket(&mut self) -> &mut Socket {
        match self {
            Stream::Plain(socket) => socket,
            Stream::Tls(tls) => &mut tls.sock,
        }
    }
}

impl Socket {
    fn remaining(&self) -> io::Result<Duration> {
        let left = self.deadline.saturating_duration_since(Instant::now());
        if left.is_zero() {
            Err(io::ErrorKind::TimedOut.into())
        } else {
            Ok(left)
        }
    }
}

impl Read for Socket {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.tcp.set_read_timeout(Some(self.remaining()?))?;
        self.tcp.read(buffer).map_err(timed_out)
    }
}

impl Write for Socket {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.tcp.set_write_timeout(Some(self.remaining()?))?;
        self.tcp.write(bytes).map_err(timed_out)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.tcp.flush()
    }
}

/// Unix reports a passed time limit as `WouldBlock`.
fn timed_out(error: io::Error) -> io::Error {
    if error.kind() == io::ErrorKind::WouldBlock {
        io::ErrorKind::TimedOut.into()
    } else {
        error
    }
}

/// TLS 1.2 or 1.3, checked against the roots of the system and those of the trust file.
fn tls_config(server: &Server) -> Result<ClientConfig, Error> {
    let mut extra = Vec::new();
    if let Some(path) = &server.trust_file {
        let failed = |reason: String| Error::TrustFile {
            path: path.clone(),
            reason,
        };
        extra = CertificateDer::pem_file_iter(path)
            .and_then(Iterator::collect::<Result<Vec<_>, _>>)
            .map_err(|error| failed(error.to_string()))?;
        if extra.is_empty() {
            return Err(failed("there is none in it".to_owned()));
        }
        for certificate in &extra {
            let mut roots = rustls::RootCertStore::empty();
            roots
                .add(certificate.clone())
                .map_err(|error| failed(error.to_string()))?;
        }
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let verifier =
        Verifier::new_with_extra_roots(extra, provider.clone()).map_err(Error::NoRoots)?;
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| explain(server, error))?
        .dangerous()
        .with_custom_certificate_verifier(Arc::new(verifier))
        .with_no_client_auth();
    Ok(config)
}

fn handshake_error(server: &Server, error: io::Error) -> Error {
    match error.downcast::<rustls::Error>() {
        Ok(error) => explain(server, error),
        Err(error) => {
            let during = "the TLS handshake".to_owned();
            let source = match error.kind() {
                io::ErrorKind::TimedOut => io::Error::new(error.kind(), "no answer in time"),
                io::ErrorKind::UnexpectedEof => {
                    io::Error::new(error.kind(), "the server closed the connection")
                }
                _ => error,
            };
            Error::Lost {
                server: server.to_string(),
                during,
                source,
            }
        }
    }
}

/// Says in plain words what is wrong, and what to do.
fn explain(server: &Server, error: rustls::Error) -> Error {
    let rustls::Error::InvalidCertificate(certificate) = &error else {
        if server.security == Security::Starttls
            && matches!(error, rustls::Error::InvalidMessage(_))
        {
            return Error::Injected(server.to_string());
        }
        let advice = match error {
            rustls::Error::InvalidMessage(_) => {
                "the port may want the other scheme: smtps:// is TLS at once, smtp:// is STARTTLS"
            }
            _ => "TLS 1.2 or 1.3 is needed; ask who runs the server",
        };
        return Error::Tls {
            server: server.to_string(),
            source: Box::new(error),
            advice,
        };
    };
    let operator = "tell who runs the server".to_owned();
    let (reason, advice) = match certificate {
        CertificateError::ExpiredContext { not_after, .. } => {
            let day = rfc3339(i64::try_from(not_after.as_secs()).unwrap_or(i64::MAX));
            (format!("it expired at {day}"), operator)
        }
        CertificateError::Expired => ("it has expired".to_owned(), operator),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => (
            "it is not valid yet".to_owned(),
            "check the clock of this machine".to_owned(),
        ),
        CertificateError::NotValidForNameContext { presented, .. } => {
            let names: Vec<&str> = presented.iter().map(|name| plain_name(name)).collect();
            let names = if names.is_empty() {
                "no name".to_owned()
            } else {
                names.join(", ")
            };
            (
                format!("it is for {}, not for {}", shown(&names), server.host),
                "if this is the right server, use a name of its certificate in `submission`"
                    .to_owned(),
            )
        }
        CertificateError::NotValidForName => (format!("it is not for {}", server.host), operator),
        CertificateError::UnknownIssuer => (
            "its authority is not known here".to_owned(),
            "if the server has an authority of its own, name its file in `tls_trust_file`"
                .to_owned(),
        ),
        CertificateError::Revoked => ("it was revoked".to_owned(), operator),
        other => (shown(&other.to_string()), operator),
    };
    Error::Certificate {
        server: server.to_string(),
        reason,
        advice,
    }
}

/// webpki shows a name as `DnsName("a.example.net")`.
fn plain_name(shown: &str) -> &str {
    let inner = shown
        .split_once('(')
        .and_then(|(_, rest)| rest.strip_suffix(')'));
    inner.map_or(shown, |inner| inner.trim_matches('"'))
}
