//! Logging in (RFC 4954), only ever inside TLS.

use base64::prelude::{BASE64_STANDARD, Engine};
use zeroize::Zeroizing;

use super::smtp::Session;
use super::{Error, Mechanism, Secret, Server};

/// Longest command line without its CRLF (RFC 5321 section 4.5.3.1.4). A response that would make
/// AUTH longer waits for the server's go-ahead (RFC 4954 section 4).
const MAX_COMMAND: usize = 510;

/// Logs in with the best mechanism that both sides know.
pub(super) fn log_in(session: &mut Session<'_>, secret: &Secret) -> Result<(), Error> {
    let server = session.server;
    let mechanism = choose(server, &session.features.mechanisms(), secret)?;
    let mut responses = responses(mechanism, server, secret).into_iter();
    let mut line = Zeroizing::new(format!("AUTH {}", mechanism.name()));
    if mechanism != Mechanism::Login
        && let Some(first) = responses.as_slice().first()
        && line.len() + 1 + first.len() <= MAX_COMMAND
    {
        *line = format!("{} {}", *line, **first);
        responses.next();
    }
    let step = format!("AUTH {}", mechanism.name());
    let mut detail = String::new();
    loop {
        let reply = session.exchange(&step, &line)?;
        line = match reply.code() {
            code if code / 100 == 2 => return Ok(()),
            334 => match responses.next() {
                Some(response) => response,
                // Not another question but the reason of a refusal: the client must take note
                // (RFC 7628 section 3.2.3; XOAUTH2 wants an empty line), then the refusal comes.
                None if mechanism.takes_token() && detail.is_empty() => {
                    detail = format!(" {}", reason(reply.lines()));
                    let cancel = if mechanism == Mechanism::Oauthbearer {
                        "AQ=="
                    } else {
                        ""
                    };
                    Zeroizing::new(cancel.to_owned())
                }
                None => {
                    let reason = "the server asks on after the whole login was given".to_owned();
                    return Err(session.out_of_step(&step, reason));
                }
            },
            // 454 and 421 say nothing about the secret.
            _ if reply.is_temporary() => return Err(session.refused(&step, reply)),
            _ => {
                let (server, user) = (server.to_string(), server.user.clone());
                return Err(Error::Login {
                    server,
                    user,
                    reply,
                    detail,
                });
            }
        };
    }
}

/// The mechanism that was asked for, or the first one in our order that the server lists.
fn choose(server: &Server, offered: &[&str], secret: &Secret) -> Result<Mechanism, Error> {
    let wanted: &[Mechanism] = match &server.auth {
        Some(mechanism) => std::slice::from_ref(mechanism),
        None if secret.is_token() => &[Mechanism::Oauthbearer, Mechanism::Xoauth2],
        None => &[Mechanism::Plain, Mechanism::Login],
    };
    let listed = |mechanism: &Mechanism| {
        offered
            .iter()
            .any(|name| name.eq_ignore_ascii_case(mechanism.name()))
    };
    wanted
        .iter()
        .copied()
        .find(listed)
        .ok_or_else(|| Error::NoMechanism {
            server: server.to_string(),
            secret: match server.auth {
                Some(mechanism) => mechanism.name().to_owned(),
                None if secret.is_token() => "an OAuth2 token".to_owned(),
                None => "a password".to_owned(),
            },
            offered: if offered.is_empty() {
                "none".to_owned()
            } else {
                offered.join(" ")
            },
        })
}

/// What we have to say, in base64, in order.
fn responses(mechanism: Mechanism, server: &Server, secret: &Secret) -> Vec<Zeroizing<String>> {
    let (user, secret) = (server.user.as_str(), secret.expose());
    let encode = |text: &str| Zeroizing::new(BASE64_STANDARD.encode(text));
    let one = |text: String| vec![encode(&Zeroizing::new(text))];
    match mechanism {
        Mechanism::Plain => one(format!("\0{user}\0{secret}")),
        Mechanism::Login => vec![encode(user), encode(secret)],
        Mechanism::Xoauth2 => one(format!("user={user}\x01auth=Bearer {secret}\x01\x01")),
        Mechanism::Oauthbearer => {
            // The saslname of RFC 5801 section 4.
            let name = user.replace('=', "=3D").replace(',', "=2C");
            let Server { host, port, .. } = server;
            one(format!(
                "n,a={name},\x01host={host}\x01port={port}\x01auth=Bearer {secret}\x01\x01"
            ))
        }
    }
}

/// The error that an OAuth2 server puts into its last challenge: JSON in base64.
fn reason(lines: &[String]) -> String {
    let text = lines.first().map(|line| line.trim()).unwrap_or_default();
    match BASE64_STANDARD.decode(text) {
        Ok(bytes) => crate::terminal::shown(&String::from_utf8_lossy(&bytes)),
        Err(_) => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        "smtps://a,b=c@mail.example.org".parse().unwrap()
    }

    fn decoded(mechanism: Mechanism) -> Vec<String> {
        let secret = Secret::password("s".to_owned()).unwrap();
        responses(mechanism, &server(), &secret)
            .iter()
            .map(|text| String::from_utf8(BASE64_STANDARD.decode(&**text).unwrap()).unwrap())
            .collect()
    }

    #[test]
    fn what_is_said() {
        assert_eq!(decoded(Mechanism::Plain), ["\0a,b=c\0s"]);
        assert_eq!(decoded(Mechanism::Login), ["a,b=c", "s"]);
        assert_eq!(
            decoded(Mechanism::Xoauth2),
            ["user=a,b=c\x01auth=Bearer s\x01\x01"]
        );
        assert_eq!(
            decoded(Mechanism::Oauthbearer),
            ["n,a=a=2Cb=3Dc,\x01host=mail.example.org\x01port=465\x01auth=Bearer s\x01\x01"]
        );
    }

    #[test]
    fn the_choice() {
        let password = Secret::password("s".to_owned()).unwrap();
        let token = Secret::token("s".to_owned()).unwrap();
        let choose = |auth, offered: &str, secret| {
            let server = Server { auth, ..server() };
            choose(
                &server,
                &offered.split_whitespace().collect::<Vec<_>>(),
                secret,
            )
        };
        let all = "login plain XOAUTH2 OAuthBearer";
        assert_eq!(choose(None, all, &password).unwrap(), Mechanism::Plain);
        assert_eq!(choose(None, "LOGIN", &password).unwrap(), Mechanism::Login);
        assert_eq!(choose(None, all, &token).unwrap(), Mechanism::Oauthbearer);
        assert_eq!(
            choose(None, "PLAIN XOAUTH2", &token).unwrap(),
            Mechanism::Xoauth2
        );
        let login = Some(Mechanism::Login);
        assert_eq!(choose(login, all, &password).unwrap(), Mechanism::Login);
        assert!(
            choose(login, "PLAIN", &password)
                .unwrap_err()
                .to_string()
                .contains("fits LOGIN")
        );
        assert!(
            choose(None, "XOAUTH2", &password)
                .unwrap_err()
                .to_string()
                .contains("offers: XOAUTH2")
        );
        assert!(
            choose(None, "", &token)
                .unwrap_err()
                .to_string()
                .contains("offers: none")
        );
    }
}
