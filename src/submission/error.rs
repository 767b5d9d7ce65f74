//! What can go wrong on the way to the submission server, and what that means.

use std::io;
use std::path::PathBuf;

use thiserror::Error;

use super::{Outcome, Reply};

/// Why a submission failed. Unless [`Error::is_unknown`] says otherwise nothing was sent.
///
/// The text is one line: what failed, where, what the server said, what to do next.
#[derive(Debug, Error)]
pub enum Error {
    /// The server's name has no address.
    #[error(
        "cannot find the address of {host}: {source}; check the name and the network, then try again"
    )]
    Resolve {
        /// The name.
        host: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// No address of the server took the connection.
    #[error("cannot connect to {server}: {source}; check the port and the network, then try again")]
    Connect {
        /// `host:port`.
        server: String,
        /// What the last address tried gave.
        source: io::Error,
    },
    /// The CA file cannot be used.
    #[error("cannot read certificates from {}: {reason}; `tls_trust_file` must name a PEM file", .path.display())]
    TrustFile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// No root certificates at all.
    #[error(
        "no certificate authorities to trust: {0}; install ca-certificates or set `tls_trust_file`"
    )]
    NoRoots(rustls::Error),
    /// The server's certificate cannot be trusted.
    #[error(
        "the certificate of {server} is refused: {reason}; nothing was sent, not even the login; {advice}"
    )]
    Certificate {
        /// `host:port`.
        server: String,
        /// What is wrong with it.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// TLS did not come about for another reason.
    #[error("no TLS with {server}: {source}; nothing was sent; {advice}")]
    Tls {
        /// `host:port`.
        server: String,
        /// What rustls said.
        source: Box<rustls::Error>,
        /// What to do.
        advice: &'static str,
    },
    /// EHLO did not list STARTTLS: the server has no TLS there, or someone hides it.
    #[error(
        "{0} offers no STARTTLS; nothing was sent; try smtps:// (port 465), or ask who runs the server"
    )]
    NoStarttls(String),
    /// Bytes in the clear between the 220 of STARTTLS and the handshake.
    #[error(
        "{0} sent something between its answer to STARTTLS and the handshake: someone may be tampering with \
         the connection; nothing was sent; use smtps:// (port 465), and another network"
    )]
    Injected(String),
    /// The server offers no way to log in that suits the secret.
    #[error(
        "{server} offers no login that fits {secret} (it offers: {offered}); nothing was sent; \
         check `auth` and what `password_command` prints"
    )]
    NoMechanism {
        /// `host:port`.
        server: String,
        /// What we have: `a password`, `an OAuth2 token`, or the mechanism asked for.
        secret: String,
        /// What the server lists.
        offered: String,
    },
    /// The login was refused.
    #[error(
        "{server} refused the login of {user}: {reply}{detail}; nothing was sent; check user and secret"
    )]
    Login {
        /// `host:port`.
        server: String,
        /// The name used.
        user: String,
        /// The server's words.
        reply: Reply,
        /// What an OAuth2 server added, with a blank before it; else empty.
        detail: String,
    },
    /// The message is larger than the server takes (SIZE, RFC 1870).
    #[error(
        "{server} takes messages of at most {limit} bytes, this one has {size}; nothing was sent"
    )]
    TooLarge {
        /// `host:port`.
        server: String,
        /// Size of the message on the wire, in bytes.
        size: u64,
        /// What the server takes.
        limit: u64,
    },
    /// 8-bit content and no 8BITMIME (RFC 6152). Encoding it anew would break signatures.
    #[error(
        "the message has 8-bit text, which {0} does not take (no 8BITMIME); nothing was sent; \
         submit through another server"
    )]
    NoEightBit(String),
    /// A header or an address that is not ASCII, and no SMTPUTF8 (RFC 6531).
    #[error(
        "the message has an address or header that is not ASCII, which {0} does not take (no SMTPUTF8); \
         nothing was sent; submit through another server"
    )]
    NoUtf8(String),
    /// A command was refused, or the message itself at the end.
    #[error("{} refused {}: {}; nothing was sent", .0.server, .0.what, .0.reply)]
    Refused(Box<Refusal>),
    /// Every recipient was refused.
    #[error("{server} refused every recipient: {}; nothing was sent", refusals(.outcomes))]
    AllRefused {
        /// `host:port`.
        server: String,
        /// What it said to each.
        outcomes: Vec<Outcome>,
        /// Did it say that each may work later?
        temporary: bool,
    },
    /// Some recipients were refused, and the message goes to all or to none.
    #[error(
        "{server} refused {}; nothing was sent, to the other recipients neither; mend or remove that \
         address, and send again", refusals(.outcomes)
    )]
    SomeRefused {
        /// `host:port`.
        server: String,
        /// What it said to those that it refused.
        outcomes: Vec<Outcome>,
        /// Did it say that each of them may work later?
        temporary: bool,
    },
    /// What came is no SMTP, or breaks its rules.
    #[error(
        "{server} does not speak SMTP as it should (during {during}): {reason}; nothing was sent; check host and port"
    )]
    Protocol {
        /// `host:port`.
        server: String,
        /// The command or step.
        during: String,
        /// What came.
        reason: String,
    },
    /// The connection broke before the message was complete.
    #[error("lost {server} during {during}: {source}; nothing was sent; try again")]
    Lost {
        /// `host:port`.
        server: String,
        /// The command or step.
        during: String,
        /// What happened.
        source: io::Error,
    },
    /// The message was complete and no answer came: it may be under way.
    #[error(
        "{server} had the whole message but did not confirm it: {source}; it may be under way: \
         look for it at the recipient or in the server's log before sending again"
    )]
    Unknown {
        /// `host:port`, or the command.
        server: String,
        /// What happened.
        source: io::Error,
    },
    /// `before_data` failed, so that nothing was sent.
    #[error("cannot note the submission in the journal: {0}; nothing was sent")]
    Journal(io::Error),
    /// No room for the message on its way to the command.
    #[error(
        "cannot write the message to a temporary file: {0}; nothing was sent; look for free space"
    )]
    Spool(io::Error),
    /// The command could not be started.
    #[error("cannot run `{command}`: {source}; nothing was sent; check `command` of the account")]
    Start {
        /// The program.
        command: String,
        /// What the system said.
        source: io::Error,
    },
    /// The command ended with a failure, so that it did not take the message.
    #[error(
        "`{command}` did not take the message (exit status {status}): {stderr}; nothing was sent"
    )]
    Command {
        /// The program.
        command: String,
        /// Its exit status, by sysexits.h.
        status: i32,
        /// What it wrote to stderr, on one line, fit for a terminal.
        stderr: String,
    },
}

/// A command that was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    /// `host:port`.
    pub server: String,
    /// The command, or `the message`.
    pub what: String,
    /// The server's words.
    pub reply: Reply,
}

impl Error {
    /// May the message be under way all the same? Then only the user can say what is next; in every
    /// other case nothing was sent.
    pub fn is_unknown(&self) -> bool {
        matches!(self, Error::Unknown { .. })
    }

    /// May the same submission work later, with nothing changed? Never so where the outcome is unknown.
    pub fn is_temporary(&self) -> bool {
        match self {
            Error::Resolve { .. } | Error::Connect { .. } | Error::Lost { .. } => true,
            Error::Login { reply, .. } => reply.is_temporary(),
            Error::Refused(refusal) => refusal.reply.is_temporary(),
            Error::AllRefused { temporary, .. } | Error::SomeRefused { temporary, .. } => {
                *temporary
            }
            Error::Command { status, .. } => matches!(status, 71 | 75),
            _ => false,
        }
    }

    /// The exit status that fits (sysexits.h).
    pub fn status(&self) -> u8 {
        match self {
            error if error.is_temporary() => 75,
            Error::Unknown { .. } | Error::Journal(_) | Error::Spool(_) => 74,
            Error::Login { .. } => 77,
            Error::Command { status: 77, .. } => 77,
            Error::TrustFile { .. } | Error::NoRoots(_) | Error::NoMechanism { .. } => 78,
            Error::Start { .. } => 78,
            _ => 69,
        }
    }
}

fn refusals(outcomes: &[Outcome]) -> String {
    let each: Vec<String> = outcomes
        .iter()
        .map(|one| format!("{} ({})", one.recipient, one.reply))
        .collect();
    each.join(", ")
}
