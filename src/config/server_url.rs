//! The URL of a submission server, as mutt's `$smtp_url` and our own `submission` key write it.

/// `smtps://me@mail.example.org:465`, taken apart, without the password that may have stood in it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct ServerUrl<'a> {
    /// `smtps` or `smtp`.
    pub(super) scheme: &'static str,
    /// The user as written, percent signs included.
    pub(super) user: Option<&'a str>,
    /// Whether a password stood in the URL. It is not kept.
    pub(super) had_password: bool,
    /// The host name or bracketed address.
    pub(super) host: &'a str,
    /// The port, where one is given.
    pub(super) port: Option<u16>,
}

impl<'a> ServerUrl<'a> {
    /// Takes a URL apart. Like mutt, the last `@` ends the user, so that `me@example.org@host` works.
    ///
    /// # Errors
    /// What is wrong, without any part of the URL, which may hold a password.
    pub(super) fn parse(text: &'a str) -> Result<Self, &'static str> {
        let (scheme, rest) = text.split_once("://").unwrap_or(("", text));
        let scheme = ["smtps", "smtp"]
            .into_iter()
            .find(|known| known.eq_ignore_ascii_case(scheme))
            .ok_or("must start with `smtps://` or `smtp://`")?;
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        if rest.contains(['/', '?', '#']) || rest.contains(char::is_whitespace) {
            return Err("must end after the host and the port");
        }
        let (login, server) = match rest.rsplit_once('@') {
            Some((login, server)) => (Some(login), server),
            None => (None, rest),
        };
        let (user, had_password) = match login.map(|login| login.split_once(':')) {
            Some(Some((user, _))) => (Some(user), true),
            _ => (login, false),
        };
        let (host, port) = host_and_port(server)?;
        Ok(Self {
            scheme,
            user: user.filter(|user| !user.is_empty()),
            had_password,
            host,
            port,
        })
    }
}

fn host_and_port(server: &str) -> Result<(&str, Option<u16>), &'static str> {
    let after_address = server.rfind(']').map_or(0, |end| end + 1);
    let (host, port) = match server[after_address..].find(':') {
        Some(colon) => {
            let (host, port) = server.split_at(after_address + colon);
            (host, Some(&port[1..]))
        }
        None => (server, None),
    };
    let bare = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'))
        .unwrap_or(host);
    let known = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '%');
    if bare.is_empty() || !bare.chars().all(known) {
        return Err("has no valid host name");
    }
    let port = match port {
        None => None,
        Some(digits) => match digits.parse() {
            Ok(0) | Err(_) => return Err("has no valid port"),
            Ok(port) => Some(port),
        },
    };
    Ok((host, port))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        for (text, scheme, user, had_password, host, port) in [
            (
                "smtps://mail.example.org",
                "smtps",
                None,
                false,
                "mail.example.org",
                None,
            ),
            (
                "SMTP://me@mail.example.org:587/",
                "smtp",
                Some("me"),
                false,
                "mail.example.org",
                Some(587),
            ),
            (
                "smtp://me:p:w@h.test",
                "smtp",
                Some("me"),
                true,
                "h.test",
                None,
            ),
            (
                "smtp://me:p@w@h.test:25",
                "smtp",
                Some("me"),
                true,
                "h.test",
                Some(25),
            ),
            (
                "smtp://me@example.org@h.test",
                "smtp",
                Some("me@example.org"),
                false,
                "h.test",
                None,
            ),
            (
                "smtps://:secret@h.test",
                "smtps",
                None,
                true,
                "h.test",
                None,
            ),
            (
                "smtps://me@[2001:db8::1]:465",
                "smtps",
                Some("me"),
                false,
                "[2001:db8::1]",
                Some(465),
            ),
        ] {
            let expected = ServerUrl {
                scheme,
                user,
                had_password,
                host,
                port,
            };
            assert_eq!(ServerUrl::parse(text), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_meant_is_refused() {
        for text in [
            "",
            "mail.example.org",
            "imaps://h.test",
            "smtps://",
            "smtps://me@",
            "smtps://h.test:",
            "smtps://h.test:0",
            "smtps://h.test:70000",
            "smtps://h.test/x",
            "smtp://me:pa/ss@h.test",
            "smtps://h test",
            "smtps://h.test?a=b",
            "smtps://[::1",
            "smtps://h.test\r\nQUIT",
        ] {
            assert!(ServerUrl::parse(text).is_err(), "{text}");
        }
    }
}
