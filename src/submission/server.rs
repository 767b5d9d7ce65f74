//! Where and how to submit: `smtps://me@mail.example.org`.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use rustls::pki_types::ServerName;
use thiserror::Error;

/// A submission server and the login there.
///
/// Parsed from a URL; the other fields are set by whoever knows them:
///
/// ```
/// use tls_optout::submission::{Security, Server};
///
/// let server: Server = "smtp://me@mail.example.org".parse()?;
/// assert_eq!((server.port, server.security), (587, Security::Starttls));
/// # Ok::<(), tls_optout::submission::ServerError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Server {
    /// DNS name or IP address, without the brackets of an IPv6 literal. The certificate must be for it.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// How TLS starts. There is no way without.
    pub security: Security,
    /// The name to log in with.
    pub user: String,
    /// A PEM file with more authorities to trust, beside those of the system.
    pub trust_file: Option<PathBuf>,
    /// The mechanism to log in with; `None` takes the best that the server offers for the secret.
    pub auth: Option<Mechanism>,
    /// How long to wait for what.
    pub timeouts: Timeouts,
}

/// How TLS starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// With the first byte (RFC 8314): port 465.
    Tls,
    /// By STARTTLS (RFC 3207), always demanded: port 587.
    Starttls,
}

/// A way to log in (SASL, RFC 4954).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mechanism {
    /// Password (RFC 4616).
    Plain,
    /// Password, in the old way that some servers still know alone.
    Login,
    /// OAuth2 token (RFC 7628).
    Oauthbearer,
    /// OAuth2 token, in the way of before RFC 7628.
    Xoauth2,
}

/// How long to wait (RFC 5321 section 4.5.3.2). Each limit holds for a whole step, so a server that
/// sends a byte now and then does not stretch it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For one address of the server to take the connection.
    pub connect: Duration,
    /// For the greeting, and for the TLS handshake.
    pub greeting: Duration,
    /// For the reply to a command.
    pub command: Duration,
    /// For the reply to DATA.
    pub data: Duration,
    /// For one block of the message to be taken.
    pub block: Duration,
    /// For the reply to the final dot, while which the server stores the message.
    pub end: Duration,
    /// For the reply to QUIT, which nobody needs.
    pub quit: Duration,
}

impl Default for Timeouts {
    fn default() -> Timeouts {
        let minutes = |count: u64| Duration::from_secs(60 * count);
        Timeouts {
            connect: Duration::from_secs(30),
            greeting: minutes(5),
            command: minutes(5),
            data: minutes(2),
            block: minutes(3),
            end: minutes(10),
            quit: Duration::from_secs(2),
        }
    }
}

/// Why a URL names no submission server. Nothing that stands before an `@` is ever part of the text:
/// it could be a password.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum ServerError {
    /// Neither of the two schemes.
    #[error(
        "a submission server is written smtps://USER@HOST (TLS at once) or smtp://USER@HOST (STARTTLS)"
    )]
    Scheme,
    /// A password where only a name belongs.
    #[error(
        "the submission URL has a password in it; take it out (and write a `:` in the user name as %3A): \
         passwords come from `password_command` or the keyring"
    )]
    Password,
    /// No name to log in with.
    #[error(
        "the submission URL names no user; write smtps://USER@HOST: mail is only submitted after a login"
    )]
    NoUser,
    /// `%` without two hexadecimal digits, or what they stand for is no text.
    #[error("the user name in the submission URL has a broken %-escape; write `%` itself as %25")]
    Escape,
    /// Neither a DNS name nor an IP address.
    #[error(
        "`{}` in the submission URL is no host name; write a DNS name, an IPv4 address or [IPv6], and \
         nothing after the port", .0.escape_debug()
    )]
    Host(String),
    /// Not a number from 1 to 65535.
    #[error("`{}` in the submission URL is no port; write a number from 1 to 65535", .0.escape_debug())]
    Port(String),
}

impl FromStr for Server {
    type Err = ServerError;

    fn from_str(url: &str) -> Result<Server, ServerError> {
        let (scheme, rest) = url.trim().split_once("://").ok_or(ServerError::Scheme)?;
        let security = match scheme.to_ascii_lowercase().as_str() {
            "smtps" => Security::Tls,
            "smtp" => Security::Starttls,
            _ => return Err(ServerError::Scheme),
        };
        // The last `@` counts: most user names are addresses. What stands before is looked at only
        // as far as needed, so that no message can repeat a password.
        let (user, place) = rest.rsplit_once('@').ok_or(ServerError::NoUser)?;
        if user.contains(':') {
            return Err(ServerError::Password);
        }
        let user = unescape(user)?;
        if user.is_empty() {
            return Err(ServerError::NoUser);
        }
        let (host, port) = host_and_port(place.strip_suffix('/').unwrap_or(place))?;
        let port = match (port, security) {
            (None, Security::Tls) => 465,
            (None, Security::Starttls) => 587,
            (Some(port), _) => port
                .parse()
                .ok()
                .filter(|&number: &u16| number > 0 && port.bytes().all(|b| b.is_ascii_digit()))
                .ok_or_else(|| ServerError::Port(port.to_owned()))?,
        };
        let (trust_file, auth, timeouts) = (None, None, Timeouts::default());
        Ok(Server {
            host: host.to_owned(),
            port,
            security,
            user,
            trust_file,
            auth,
            timeouts,
        })
    }
}

/// `host:port`, an IPv6 address in brackets.
impl fmt::Display for Server {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]:{}", self.host, self.port)
        } else {
            write!(f, "{}:{}", self.host, self.port)
        }
    }
}

impl Mechanism {
    /// The name as it stands in EHLO and AUTH.
    pub fn name(self) -> &'static str {
        match self {
            Mechanism::Plain => "PLAIN",
            Mechanism::Login => "LOGIN",
            Mechanism::Oauthbearer => "OAUTHBEARER",
            Mechanism::Xoauth2 => "XOAUTH2",
        }
    }

    /// Does it take an OAuth2 token, not a password?
    pub fn takes_token(self) -> bool {
        matches!(self, Mechanism::Oauthbearer | Mechanism::Xoauth2)
    }
}

/// The name of a mechanism is not known here.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("`{}` is no way to log in that is known here; write plain, login, oauthbearer or xoauth2", .0.escape_debug())]
pub struct MechanismError(String);

impl FromStr for Mechanism {
    type Err = MechanismError;

    fn from_str(name: &str) -> Result<Mechanism, MechanismError> {
        [
            Mechanism::Plain,
            Mechanism::Login,
            Mechanism::Oauthbearer,
            Mechanism::Xoauth2,
        ]
        .into_iter()
        .find(|mechanism| mechanism.name().eq_ignore_ascii_case(name))
        .ok_or_else(|| MechanismError(name.to_owned()))
    }
}

fn host_and_port(place: &str) -> Result<(&str, Option<&str>), ServerError> {
    let bad = || ServerError::Host(place.to_owned());
    let (host, rest, literal) = match place.strip_prefix('[') {
        Some(inner) => {
            let (host, rest) = inner.split_once(']').ok_or_else(bad)?;
            (host, rest, true)
        }
        None => {
            let (host, rest) = place.split_at(place.find(':').unwrap_or(place.len()));
            (host, rest, false)
        }
    };
    let port = match rest.strip_prefix(':') {
        Some(port) => Some(port),
        None if rest.is_empty() => None,
        None => return Err(bad()),
    };
    let is_ipv6 = host.parse::<std::net::Ipv6Addr>().is_ok();
    if literal != is_ipv6 || ServerName::try_from(host).is_err() {
        return Err(bad());
    }
    Ok((host, port))
}

/// Undoes percent-encoding (RFC 3986 section 2.1).
fn unescape(text: &str) -> Result<String, ServerError> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let digits = tail
            .get(..2)
            .filter(|two| two.iter().all(u8::is_ascii_hexdigit));
        let digits = digits.and_then(|two| std::str::from_utf8(two).ok());
        let byte = digits.and_then(|two| u8::from_str_radix(two, 16).ok());
        bytes.push(byte.ok_or(ServerError::Escape)?);
        rest = &tail[2..];
    }
    let text = String::from_utf8(bytes).map_err(|_| ServerError::Escape)?;
    if text.chars().any(char::is_control) {
        Err(ServerError::Escape)
    } else {
        Ok(text)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> (String, String, u16, Security) {
        let server: Server = url.parse().unwrap_or_else(|error| panic!("{url}: {error}"));
        (server.user, server.host, server.port, server.security)
    }

    fn error(url: &str) -> ServerError {
        url.parse::<Server>().unwrap_err()
    }

    #[test]
    fn the_forms() {
        let expect = |user: &str, host: &str, port, security| {
            (user.to_owned(), host.to_owned(), port, security)
        };
        use Security::{Starttls, Tls};
        assert_eq!(
            parse("smtps://me@mail.example.org"),
            expect("me", "mail.example.org", 465, Tls)
        );
        assert_eq!(
            parse("SMTP://me@mail.example.org/"),
            expect("me", "mail.example.org", 587, Starttls)
        );
        assert_eq!(
            parse("smtps://me@example.org@mail.example.org:4465"),
            expect("me@example.org", "mail.example.org", 4465, Tls)
        );
        assert_eq!(
            parse("smtp://m%C3%BC%3ae%40example.org@192.0.2.1:25"),
            expect("m\u{fc}:e@example.org", "192.0.2.1", 25, Starttls)
        );
        assert_eq!(
            parse("smtps://me@[2001:db8::1]"),
            expect("me", "2001:db8::1", 465, Tls)
        );
        assert_eq!(parse("smtps://me@[::1]:99"), expect("me", "::1", 99, Tls));
    }

    #[test]
    fn shown_with_the_port() {
        assert_eq!(
            "smtps://me@[::1]:99".parse::<Server>().unwrap().to_string(),
            "[::1]:99"
        );
        assert_eq!(
            "smtp://me@a.test".parse::<Server>().unwrap().to_string(),
            "a.test:587"
        );
    }

    #[test]
    fn a_password_is_refused_and_never_repeated() {
        for url in [
            "smtps://me:hunter2@mail.example.org",
            "smtps://me:hun/hunter2@mail.example.org:99999",
            "smtps://me:hunter2@hunter2@bad host",
            "smtps://me:hunter2",
            "smtps://hunter2%@bad host",
            "smtp+hunter2://x@y",
        ] {
            let error = error(url);
            assert!(!error.to_string().contains("hunter2"), "{error}");
            assert!(!format!("{error:?}").contains("hunter2"), "{error:?}");
        }
        assert_eq!(
            error("smtps://me:hunter2@mail.example.org"),
            ServerError::Password
        );
    }

    #[test]
    fn what_is_wrong_is_named() {
        assert_eq!(error("imaps://me@mail.example.org"), ServerError::Scheme);
        assert_eq!(error("mail.example.org"), ServerError::Scheme);
        assert_eq!(error("smtps://mail.example.org"), ServerError::NoUser);
        assert_eq!(error("smtps://@mail.example.org"), ServerError::NoUser);
        assert_eq!(error("smtps://me%4@mail.example.org"), ServerError::Escape);
        assert_eq!(error("smtps://me%ff@mail.example.org"), ServerError::Escape);
        assert_eq!(error("smtps://me%0d@mail.example.org"), ServerError::Escape);
        for port in ["0", "65536", "+25", "", "smtp"] {
            let url = format!("smtps://me@mail.example.org:{port}");
            assert_eq!(error(&url), ServerError::Port(port.to_owned()));
        }
        for host in [
            "",
            "a b",
            "mail_.example.org/x",
            "[::1",
            "[1.2.3.4]",
            "::1",
            "[::1]x",
            "gr\u{fc}n.test",
        ] {
            assert!(
                matches!(error(&format!("smtps://me@{host}")), ServerError::Host(_)),
                "{host}"
            );
        }
    }

    #[test]
    fn mechanisms_by_name() {
        assert_eq!("XOAuth2".parse(), Ok(Mechanism::Xoauth2));
        assert!(
            "cram-md5"
                .parse::<Mechanism>()
                .unwrap_err()
                .to_string()
                .contains("cram-md5")
        );
    }
}
