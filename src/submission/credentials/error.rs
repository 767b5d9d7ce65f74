//! Why there is no password or token.

use std::io;
use std::process::ExitStatus;

use thiserror::Error;

use super::super::SecretError;

/// Why there is no secret. Neither the secret nor `password_command`, which some write the secret
/// into, is ever part of it.
#[derive(Debug, Error)]
pub enum Error {
    /// The command could not be started.
    #[error("cannot run `password_command` for {account}: {source}; check it in the configuration")]
    Start {
        /// `USER@HOST`.
        account: String,
        /// What the system said.
        source: io::Error,
    },
    /// The command failed.
    #[error("`password_command` for {account} failed ({status}); run it by hand to see why")]
    Failed {
        /// `USER@HOST`.
        account: String,
        /// How it ended.
        status: ExitStatus,
    },
    /// What the command printed is no secret.
    #[error(
        "the first line that `password_command` printed for {account} {reason}; it must be the \
         password alone"
    )]
    Output {
        /// `USER@HOST`.
        account: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The keyring has an entry that is no secret.
    #[error("the keyring's entry for {account} {reason}; store it again")]
    Entry {
        /// `USER@HOST`.
        account: String,
        /// What is wrong with it.
        reason: String,
    },
    /// The keyring may have it but cannot be read now.
    #[error("{reason}, and there is no terminal to ask for the password of {account}; {advice}")]
    KeyringClosed {
        /// `USER@HOST`.
        account: String,
        /// What is the matter.
        reason: String,
        /// What to do.
        advice: String,
    },
    /// The keyring does not take it.
    #[error("cannot store the password for {account}: {reason}; set `password_command` instead")]
    Store {
        /// `USER@HOST`.
        account: String,
        /// What is the matter.
        reason: String,
    },
    /// Nothing knows it and nobody can be asked.
    #[error("no password for {account}, and no terminal to ask for it; {advice}")]
    Nowhere {
        /// `USER@HOST`.
        account: String,
        /// What to do.
        advice: String,
    },
    /// The prompt was left, or is impossible.
    #[error("no password for {account} was given at the prompt: {source}; nothing was sent")]
    Prompt {
        /// `USER@HOST`.
        account: String,
        /// What happened.
        source: io::Error,
    },
    /// What was typed is no secret.
    #[error("the password for {account} {reason}; nothing was sent")]
    Typed {
        /// `USER@HOST`.
        account: String,
        /// What is wrong with it.
        reason: SecretError,
    },
}

impl Error {
    /// The exit status that fits (sysexits.h).
    pub fn status(&self) -> u8 {
        match self {
            Error::Start { .. } | Error::Output { .. } | Error::Entry { .. } => 78,
            Error::KeyringClosed { .. } | Error::Store { .. } => 75,
            _ => 77,
        }
    }
}
