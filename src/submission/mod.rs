//! Sending, over TLS and with authentication, always (RFC 6409).
//!
//! Two ways lead out: [`smtp::submit`] speaks to the submission server itself, [`sendmail::submit`]
//! hands the message to a command such as msmtp. Both take an [`Envelope`] and the message as it is
//! stored, both give a [`Receipt`] or an [`Error`], and both call `before_data` at the last moment
//! at which nothing has been sent, so that the journal can note it first.
//!
//! The one question after a failure is whether the message may be under way all the same:
//! [`Error::is_unknown`] answers it. Only a server that was given the final dot, or a command that
//! was given the whole message, can leave that open; whatever fails before sends nothing.
//!
//! The grammar of commands and parameters is lettre's; the connection is ours, because STARTTLS
//! must forget every byte read before the handshake, and because RFC 5321 sets a time limit for
//! each step.

mod auth;
mod connection;
pub mod credentials;
mod envelope;
mod error;
mod features;
mod reply;
mod secret;
pub mod sendmail;
mod server;
pub mod smtp;
mod wire;

pub use envelope::{Envelope, EnvelopeError};
pub use error::{Error, Refusal};
pub use reply::Reply;
pub use secret::{Secret, SecretError, forbid_core_files};
pub use server::{Mechanism, MechanismError, Security, Server, ServerError, Timeouts};
pub use wire::wire;

/// What the submission server answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Receipt {
    /// Who took the message: `host:port`, or the name of the command.
    pub server: String,
    /// One entry a recipient, in the order of the envelope. At least one was accepted.
    pub outcomes: Vec<Outcome>,
    /// The reply to the message itself, where the server often names its queue ID. Empty for a
    /// command.
    pub reply: String,
    /// The server took our ENVID (RFC 3461 section 4.4): notices about this message will return it.
    pub envelope_id_sent: bool,
}

/// What became of one recipient.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The address as it stands in the envelope.
    pub recipient: String,
    /// Did the server take it?
    pub accepted: bool,
    /// The server's words, fit for a terminal. Empty for a command.
    pub reply: String,
}
