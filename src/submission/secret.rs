//! A secret that no log, error or debug output can show.

use std::fmt;

use rustix::process::{Resource, Rlimit, setrlimit};
use thiserror::Error;
use zeroize::Zeroizing;

/// A password, or an OAuth2 access token. Its memory is overwritten when it is dropped.
pub struct Secret {
    text: Zeroizing<String>,
    token: bool,
}

/// Why a secret cannot be used. The secret itself is never part of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum SecretError {
    /// Nothing, or only a line end.
    #[error("is empty")]
    Empty,
    /// NUL and line ends separate fields in SASL and SMTP; a password cannot have them.
    #[error("contains a control character")]
    Control,
}

impl Secret {
    /// A password, for PLAIN and LOGIN.
    pub fn password(text: impl Into<Zeroizing<String>>) -> Result<Secret, SecretError> {
        Secret::new(text.into(), false)
    }

    /// An OAuth2 access token, for OAUTHBEARER and XOAUTH2.
    pub fn token(text: impl Into<Zeroizing<String>>) -> Result<Secret, SecretError> {
        Secret::new(text.into(), true)
    }

    fn new(text: Zeroizing<String>, token: bool) -> Result<Secret, SecretError> {
        if text.is_empty() {
            return Err(SecretError::Empty);
        }
        if text.chars().any(char::is_control) {
            return Err(SecretError::Control);
        }
        Ok(Secret { text, token })
    }

    pub(super) fn expose(&self) -> &str {
        &self.text
    }

    pub(super) fn is_token(&self) -> bool {
        self.token
    }
}

/// From now on a crash of this process leaves no core file, which would hold its secrets. Programs that it
/// starts leave none either.
pub fn forbid_core_files() {
    let none = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    // To lower a limit is always allowed.
    let _ = setrlimit(Resource::Core, none);
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(hidden)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_hides_it() {
        let secret = Secret::password("hunter2".to_owned()).unwrap();
        assert_eq!(format!("{secret:?}"), "Secret(hidden)");
    }

    #[test]
    fn what_cannot_be_a_secret() {
        assert_eq!(
            Secret::password(String::new()).unwrap_err(),
            SecretError::Empty
        );
        assert_eq!(
            Secret::token("a\0b".to_owned()).unwrap_err(),
            SecretError::Control
        );
        assert_eq!(
            Secret::token("a\r\nb".to_owned()).unwrap_err(),
            SecretError::Control
        );
    }
}
