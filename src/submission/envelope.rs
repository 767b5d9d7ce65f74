//! Who gets the message, and who hears of trouble (RFC 5321 section 2.3.1).

use std::collections::HashSet;

use thiserror::Error;

use crate::message::recipients::mailbox_key;

/// Sender, recipients and envelope ID, each fit to stand in an SMTP command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Envelope {
    sender: String,
    recipients: Vec<String>,
    id: String,
    notify: String,
    returns: String,
    is_whole: bool,
}

/// Why an envelope is refused.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum EnvelopeError {
    /// Nobody to send to.
    #[error("no recipients: nothing to send")]
    NoRecipients,
    /// Not `local@domain`.
    #[error("`{0}` is no address: it needs a part before and after `@`")]
    NoAddress(String),
    /// Two addresses that ran together, as `Bob <bob@example.net> <carol@example.com>` does in a header.
    #[error("`{0}` is no address: of its two @ the first would have to stand in quotes")]
    TwoAt(String),
    /// A character that could end the argument or the command.
    #[error("`{}` cannot be used as an address: it contains {:?}", .address.escape_debug(), .character)]
    Character {
        /// The address as given.
        address: String,
        /// The first offending character.
        character: char,
    },
    /// RFC 3461 section 4.4 allows 100 printable ASCII characters.
    #[error("the envelope ID must be 1 to 100 printable ASCII characters")]
    Id,
}

impl Envelope {
    /// Checks every part. A recipient named twice, in whatever spelling, is kept once. `id` becomes the ENVID and should
    /// be a value that nobody can guess.
    ///
    /// CR, LF, NUL and other control characters, blanks and angle brackets are refused everywhere:
    /// with them an address could become a second argument or a second command.
    pub fn new(
        sender: &str,
        recipients: impl IntoIterator<Item = impl AsRef<str>>,
        id: &str,
    ) -> Result<Envelope, EnvelopeError> {
        Envelope::checked(sender, recipients, id, check)
    }

    /// The same for a command, which may know recipients without a domain, such as `root`.
    ///
    /// # Errors
    /// Those of [`Envelope::new`].
    pub fn for_command(
        sender: &str,
        recipients: impl IntoIterator<Item = impl AsRef<str>>,
        id: &str,
    ) -> Result<Envelope, EnvelopeError> {
        let checked = |recipient: &str| match recipient.contains('@') {
            true => check(recipient),
            false => check_characters(recipient),
        };
        Envelope::checked(sender, recipients, id, checked)
    }

    fn checked(
        sender: &str,
        recipients: impl IntoIterator<Item = impl AsRef<str>>,
        id: &str,
        check_recipient: impl Fn(&str) -> Result<(), EnvelopeError>,
    ) -> Result<Envelope, EnvelopeError> {
        check(sender)?;
        let (mut unique, mut known) = (Vec::new(), HashSet::new());
        for recipient in recipients {
            let recipient = recipient.as_ref();
            check_recipient(recipient)?;
            let key = mailbox_key(recipient);
            if known.insert(key.unwrap_or_else(|| (recipient.to_owned(), String::new()))) {
                unique.push(recipient.to_owned());
            }
        }
        if unique.is_empty() {
            return Err(EnvelopeError::NoRecipients);
        }
        // xtext writes `+` and `=` as three characters; the limit counts what is meant.
        if id.is_empty() || id.len() > 100 || !id.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(EnvelopeError::Id);
        }
        Ok(Envelope {
            sender: sender.to_owned(),
            recipients: unique,
            id: id.to_owned(),
            notify: "FAILURE,DELAY".to_owned(),
            returns: "HDRS".to_owned(),
            is_whole: false,
        })
    }

    /// Asks for other notices than of failure and delay, returning other than the header: the values of
    /// NOTIFY and RET (RFC 3461 sections 4.1 and 4.3), where given. Both must be letters and commas.
    pub fn with_notices(mut self, notify: Option<String>, returns: Option<String>) -> Envelope {
        self.notify = notify.unwrap_or(self.notify);
        self.returns = returns.unwrap_or(self.returns);
        self
    }

    /// Where one recipient is refused, none gets the message.
    pub fn all_or_none(mut self) -> Envelope {
        self.is_whole = true;
        self
    }

    /// The value of NOTIFY.
    pub(super) fn notify(&self) -> &str {
        &self.notify
    }

    /// The value of RET.
    pub(super) fn returns(&self) -> &str {
        &self.returns
    }

    /// Must each recipient be accepted?
    pub(super) fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// The reverse-path: notices go there.
    pub fn sender(&self) -> &str {
        &self.sender
    }

    /// The forward-paths, in the order given.
    pub fn recipients(&self) -> &[String] {
        &self.recipients
    }

    /// The envelope ID (ENVID, RFC 3461 section 4.4).
    pub fn id(&self) -> &str {
        &self.id
    }
}

fn check_characters(address: &str) -> Result<(), EnvelopeError> {
    let forbidden = |c: char| c.is_control() || c.is_whitespace() || matches!(c, '<' | '>');
    match address.chars().find(|&c| forbidden(c)) {
        Some(character) => Err(EnvelopeError::Character {
            address: address.to_owned(),
            character,
        }),
        None => Ok(()),
    }
}

fn check(address: &str) -> Result<(), EnvelopeError> {
    check_characters(address)?;
    match address.rsplit_once('@') {
        Some((local, domain)) if !local.is_empty() && !domain.is_empty() => {
            match has_bare_at(local) {
                true => Err(EnvelopeError::TwoAt(address.to_owned())),
                false => Ok(()),
            }
        }
        _ => Err(EnvelopeError::NoAddress(address.to_owned())),
    }
}

/// Does an `@` stand outside of quotes, or in some that do not end (RFC 5321 section 4.1.2)?
fn has_bare_at(local: &str) -> bool {
    let mut is_quoted = false;
    let mut chars = local.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => is_quoted = !is_quoted,
            '\\' if is_quoted => drop(chars.next()),
            '@' if !is_quoted => return true,
            _ => (),
        }
    }
    is_quoted && local.contains('@')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(address: &str) -> EnvelopeError {
        Envelope::new("me@example.org", [address], "id").unwrap_err()
    }

    #[test]
    fn nothing_that_could_become_a_command() {
        for bad in [
            "\r", "\n", "\0", "<", ">", " ", "\t", "\u{a0}", "\u{2028}", "\u{7f}",
        ] {
            let address = format!("bob{bad}@example.net");
            assert!(
                matches!(refused(&address), EnvelopeError::Character { .. }),
                "{bad:?}"
            );
            assert!(Envelope::new(&address, ["bob@example.net"], "id").is_err());
            assert_eq!(refused(&address).to_string().lines().count(), 1);
        }
    }

    #[test]
    fn what_is_no_address() {
        assert_eq!(
            refused("postmaster"),
            EnvelopeError::NoAddress("postmaster".into())
        );
        assert_eq!(
            refused("@example.net"),
            EnvelopeError::NoAddress("@example.net".into())
        );
        // What a reader of headers makes of `Bob <bob@example.net> <carol@example.com>`.
        for joined in [
            "bob@example.netcarol@example.com",
            "bob@x@example.net",
            "\"b@b\"o@b@example.net",
            "\"bob@x\\\"@example.net",
            "a@\"b\"@example.net",
        ] {
            assert!(
                Envelope::new("me@example.org", [joined], "id").is_err(),
                "{joined}"
            );
            assert!(Envelope::new(joined, ["bob@example.net"], "id").is_err());
        }
        assert!(Envelope::new("", ["bob@example.net"], "id").is_err());
        let nobody: [&str; 0] = [];
        assert_eq!(
            Envelope::new("me@example.org", nobody, "id").unwrap_err(),
            EnvelopeError::NoRecipients
        );
    }

    #[test]
    fn odd_but_right_addresses_pass_and_doubles_go() {
        let to = [
            "a..b@example.net",
            "\"x@y\"@example.net",
            "a..b@example.net",
            "-f@example.net",
            "\"x@\\\"@\".\"@\"@example.net",
            "A..b@example.net",
            "a..b@Example.NET",
            "b@b\u{fc}cher.example",
            "b@xn--bcher-kva.example",
        ];
        let envelope = Envelope::new("me@example.org", to, "id").unwrap();
        assert_eq!(
            envelope.recipients(),
            [to[0], to[1], to[3], to[4], to[5], to[7]]
        );
        let names = Envelope::for_command("me@example.org", ["root", "Root", "root"], "id");
        assert_eq!(names.unwrap().recipients(), ["root", "Root"]);
    }

    #[test]
    fn the_id_is_short_and_printable() {
        for bad in ["", "a b", "gr\u{fc}n", &"x".repeat(101)] {
            assert_eq!(
                Envelope::new("me@example.org", ["bob@example.net"], bad).unwrap_err(),
                EnvelopeError::Id
            );
        }
    }
}
