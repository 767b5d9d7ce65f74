//! A recipient's mail server without TLS, which keeps what it gets.

use std::io::{BufRead, BufReader, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::thread;

use crate::wait::poll;

/// One message as it came in.
#[derive(Clone, Debug)]
pub(crate) struct Delivery {
    /// The argument of `MAIL`, parameters included.
    pub(crate) sender: String,
    /// The arguments of `RCPT`, parameters included, in lower case.
    pub(crate) recipients: Vec<String>,
    /// The message, lines ended by CRLF, the dots of the transfer taken away.
    pub(crate) data: Vec<u8>,
}

/// A server on a port of its own. It offers no STARTTLS and takes every message.
pub(crate) struct Sink {
    pub(crate) address: SocketAddr,
    deliveries: Arc<Mutex<Vec<Delivery>>>,
}

impl Sink {
    pub(crate) fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a free port");
        let sink = Self {
            address: listener.local_addr().expect("an address"),
            deliveries: Arc::default(),
        };
        let deliveries = Arc::clone(&sink.deliveries);
        thread::spawn(move || {
            for connection in listener.incoming().flatten() {
                let deliveries = Arc::clone(&deliveries);
                // A client that goes away in the middle has delivered nothing.
                thread::spawn(move || serve(&connection, &deliveries));
            }
        });
        sink
    }

    /// All messages so far.
    pub(crate) fn deliveries(&self) -> Vec<Delivery> {
        self.deliveries
            .lock()
            .expect("no thread has panicked")
            .clone()
    }

    /// Waits for a message and gives it; it has to be the only one.
    pub(crate) fn wait_for_one(&self) -> Delivery {
        let deliveries = poll(|| Some(self.deliveries()).filter(|all| !all.is_empty()));
        let deliveries = deliveries.expect("the recipient's server gets a message");
        assert_eq!(deliveries.len(), 1, "{deliveries:?}");
        deliveries.into_iter().next().expect("one")
    }
}

fn serve(connection: &TcpStream, deliveries: &Mutex<Vec<Delivery>>) -> std::io::Result<()> {
    let mut input = BufReader::new(connection);
    let mut output = connection;
    let mut envelope = (String::new(), Vec::new());
    output.write_all(b"220 mx.example.net ESMTP\r\n")?;
    let mut line = String::new();
    while input.read_line(&mut line)? > 0 {
        let command = line.trim_end().to_ascii_lowercase();
        let reply: &[u8] = if command.starts_with("ehlo") {
            b"250-mx.example.net\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
        } else if let Some(sender) = command.strip_prefix("mail from:") {
            envelope = (sender.into(), Vec::new());
            b"250 2.1.0 ok\r\n"
        } else if let Some(recipient) = command.strip_prefix("rcpt to:") {
            envelope.1.push(recipient.into());
            b"250 2.1.5 ok\r\n"
        } else if command == "data" {
            output.write_all(b"354 go on\r\n")?;
            let data = read_data(&mut input)?;
            let (sender, recipients) = envelope.clone();
            deliveries
                .lock()
                .expect("no thread has panicked")
                .push(Delivery {
                    sender,
                    recipients,
                    data,
                });
            b"250 2.0.0 taken\r\n"
        } else if command == "quit" {
            output.write_all(b"221 2.0.0 bye\r\n")?;
            return Ok(());
        } else {
            b"250 2.0.0 ok\r\n"
        };
        output.write_all(reply)?;
        line.clear();
    }
    Ok(())
}

fn read_data(input: &mut impl BufRead) -> std::io::Result<Vec<u8>> {
    let mut data = Vec::new();
    loop {
        let start = data.len();
        if input.read_until(b'\n', &mut data)? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if &data[start..] == b".\r\n" {
            data.truncate(start);
            return Ok(data);
        }
        if data[start] == b'.' {
            data.remove(start);
        }
    }
}
