//! Where the password or token comes from: a command, the keyring of the operating system, or a
//! hidden prompt; in this order.
//!
//! In the keyring the secret stands under the attributes `service` = `tls-optout` and `username` =
//! `USER@HOST`, which is the submission URL without scheme and port. So this stores one:
//!
//! ```text
//! secret-tool store --label=tls-optout service tls-optout username me@mail.example.org
//! ```

use std::fs::OpenOptions;
use std::io::{self, Read};
use std::os::unix::ffi::OsStringExt;
use std::process::{Command as Process, Stdio};

use rustix::termios::ttyname;
use zeroize::Zeroizing;

use super::{Secret, SecretError};

pub use error::Error;

mod error;

/// The service under which secrets stand in the keyring.
#[cfg(feature = "keyring")]
const SERVICE: &str = "tls-optout";
/// Longest first line that a command may print, in bytes. OAuth2 tokens have a few thousand.
const MAX_SECRET: usize = 64 * 1024;

/// A command that prints a secret as its first line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Command {
    /// Run by `sh -c`.
    Shell(String),
    /// Run as it is, without a shell.
    Exec(Vec<String>),
}

/// Whose secret is wanted.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// The login.
    pub user: &'a str,
    /// The submission server's host.
    pub host: &'a str,
    /// The account's `password_command`. Where there is one, nothing else is tried.
    pub command: Option<&'a Command>,
    /// The secret is an OAuth2 token, not a password.
    pub token: bool,
}

/// Gets the secret. Asks on the terminal where nothing else knows it.
pub fn secret(request: &Request<'_>) -> Result<Secret, Error> {
    let trouble = match stored(request, true) {
        // A locked keyring may have it; whoever sits there may know it too.
        Err(trouble @ (Error::Nowhere { .. } | Error::KeyringClosed { .. })) => trouble,
        result => return result,
    };
    if OpenOptions::new()
        .read(true)
        .write(true)
        .open("/dev/tty")
        .is_ok()
    {
        return prompt(request, Some(&trouble));
    }
    Err(trouble)
}

/// Gets the secret where nobody may be there to answer: no prompt, and no terminal for a pinentry.
pub fn without_asking(request: &Request<'_>) -> Result<Secret, Error> {
    stored(request, false)
}

/// Gets the secret from the command or the keyring. `may_ask`: a pinentry may draw on the terminal.
fn stored(request: &Request<'_>, may_ask: bool) -> Result<Secret, Error> {
    if let Some(command) = request.command {
        return from_command(command, request, may_ask);
    }
    from_keyring(request)?.ok_or_else(|| Error::Nowhere {
        account: request.account(),
        advice: request.advice(),
    })
}

/// Asks for the secret on /dev/tty and puts it into the keyring, where [`secret`] finds it.
pub fn store(request: &Request<'_>) -> Result<(), Error> {
    to_keyring(request, &prompt(request, None)?)
}

impl Request<'_> {
    fn account(&self) -> String {
        format!("{}@{}", self.user, self.host)
    }

    fn advice(&self) -> String {
        let account = self.account();
        if cfg!(feature = "keyring") {
            format!(
                "set `password_command`, or store it: \
                 secret-tool store --label=tls-optout service tls-optout username '{account}'"
            )
        } else {
            "set `password_command`".to_owned()
        }
    }

    fn make(&self, text: impl Into<Zeroizing<String>>) -> Result<Secret, SecretError> {
        if self.token {
            Secret::token(text)
        } else {
            Secret::password(text)
        }
    }
}

/// The first line of the command's stdout. Its stderr goes where ours goes. It gets no stdin, which
/// may be the message; a pinentry that draws on a terminal finds it by `GPG_TTY`.
fn from_command(command: &Command, request: &Request<'_>, may_ask: bool) -> Result<Secret, Error> {
    let mut process = match command {
        Command::Shell(line) => {
            let mut process = Process::new("sh");
            process.args(["-c", line]);
            process
        }
        Command::Exec(words) => {
            let mut process = Process::new(words.first().map_or("", String::as_str));
            process.args(words.iter().skip(1));
            process
        }
    };
    if !may_ask {
        process.env_remove("GPG_TTY");
    } else if std::env::var_os("GPG_TTY").is_none()
        && let Some(name) = terminal_name()
    {
        process.env("GPG_TTY", name);
    }
    let account = || request.account();
    let start_error = |source| Error::Start {
        account: account(),
        source,
    };
    process
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit());
    let mut child = process.spawn().map_err(start_error)?;
    // Reserved at once: a vector that grows leaves copies of the secret behind.
    let mut output = Zeroizing::new(Vec::with_capacity(MAX_SECRET + 1));
    if let Some(mut stdout) = child.stdout.take() {
        let mut byte = [0];
        while output.len() < MAX_SECRET && output.last() != Some(&b'\n') {
            match stdout.read(&mut byte).map_err(start_error)? {
                0 => break,
                _ => output.push(byte[0]),
            }
        }
        // The command may go on printing, and may leave a child behind that keeps the pipe open.
        std::thread::spawn(move || io::copy(&mut stdout, &mut io::sink()));
    }
    let status = child.wait().map_err(start_error)?;
    if !status.success() {
        return Err(Error::Failed {
            account: account(),
            status,
        });
    }
    let output_error = |reason: &str| Error::Output {
        account: account(),
        reason: reason.to_owned(),
    };
    let line = output
        .split(|byte| *byte == b'\n')
        .next()
        .unwrap_or_default();
    let line = line.strip_suffix(b"\r").unwrap_or(line);
    if line.len() == MAX_SECRET {
        return Err(output_error("has no end"));
    }
    let line = std::str::from_utf8(line).map_err(|_| output_error("is not UTF-8"))?;
    request
        .make(line.to_owned())
        .map_err(|error| output_error(&error.to_string()))
}

/// The terminal of this session under a name that other processes can open. Only `/dev/tty` would
/// not do: the agent that starts the pinentry belongs to no terminal.
fn terminal_name() -> Option<std::ffi::OsString> {
    let names = [
        ttyname(io::stdin(), Vec::new()),
        ttyname(io::stderr(), Vec::new()),
        ttyname(io::stdout(), Vec::new()),
    ];
    let name = names.into_iter().find_map(Result::ok)?;
    Some(std::ffi::OsString::from_vec(name.into_bytes()))
}

#[cfg(feature = "keyring")]
fn from_keyring(request: &Request<'_>) -> Result<Option<Secret>, Error> {
    let entry = keyring::Entry::new(SERVICE, &request.account());
    match entry
        .and_then(|entry| entry.get_password())
        .map(Zeroizing::new)
    {
        Ok(text) => request.make(text).map(Some).map_err(|error| Error::Entry {
            account: request.account(),
            reason: error.to_string(),
        }),
        Err(keyring::Error::NoEntry) => Ok(None),
        Err(error) => Err(keyring_error(request, &error)),
    }
}

#[cfg(feature = "keyring")]
fn to_keyring(request: &Request<'_>, secret: &Secret) -> Result<(), Error> {
    keyring::Entry::new(SERVICE, &request.account())
        .and_then(|entry| entry.set_password(secret.expose()))
        .map_err(|error| Error::Store {
            account: request.account(),
            reason: keyring_reason(&error),
        })
}

#[cfg(feature = "keyring")]
fn keyring_error(request: &Request<'_>, error: &keyring::Error) -> Error {
    let account = request.account();
    let reason = keyring_reason(error);
    match error {
        keyring::Error::BadEncoding(_) | keyring::Error::Ambiguous(_) => {
            Error::Entry { account, reason }
        }
        _ => Error::KeyringClosed {
            account,
            reason,
            advice: request.advice(),
        },
    }
}

/// The keyring's own words are shown only where they name no content.
#[cfg(feature = "keyring")]
fn keyring_reason(error: &keyring::Error) -> String {
    use keyring::Error as Keyring;

    let reason = match error {
        Keyring::BadEncoding(_) => "is not UTF-8",
        Keyring::Ambiguous(_) => "is there more than once",
        Keyring::NoDefaultStore => "no keyring is running in this session",
        Keyring::NoStorageAccess(_) => "the keyring is locked",
        Keyring::PlatformFailure(_) | Keyring::Invalid(..) => {
            return format!("the keyring failed ({error})");
        }
        _ => "the keyring failed",
    };
    reason.to_owned()
}

#[cfg(not(feature = "keyring"))]
fn from_keyring(_: &Request<'_>) -> Result<Option<Secret>, Error> {
    Ok(None)
}

#[cfg(not(feature = "keyring"))]
fn to_keyring(request: &Request<'_>, _: &Secret) -> Result<(), Error> {
    Err(Error::Store {
        account: request.account(),
        reason: "this tls-optout was built without the keyring".to_owned(),
    })
}

/// Asks on /dev/tty without echo.
fn prompt(request: &Request<'_>, trouble: Option<&Error>) -> Result<Secret, Error> {
    let what = if request.token {
        "OAuth2 token"
    } else {
        "Password"
    };
    let trouble = match trouble {
        Some(Error::KeyringClosed { reason, .. }) => format!("({reason}) "),
        _ => String::new(),
    };
    let text = format!("{trouble}{what} for {}: ", request.account());
    let account = || request.account();
    // A signal that ends the program here brings the echo back.
    let _terminal = crate::terminal::Terminal::open();
    let typed = rpassword::prompt_password(text).map_err(|source| Error::Prompt {
        account: account(),
        source,
    })?;
    request.make(typed).map_err(|reason| Error::Typed {
        account: account(),
        reason,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(command: &Command) -> Result<Secret, Error> {
        let command = Some(command);
        secret(&Request {
            user: "me",
            host: "mail.example.org",
            command,
            token: false,
        })
    }

    fn shell(line: &str) -> Result<String, Error> {
        run(&Command::Shell(line.to_owned())).map(|secret| secret.expose().to_owned())
    }

    #[test]
    fn the_first_line_without_its_end() {
        assert_eq!(shell("printf 'one\\ntwo\\n'").unwrap(), "one");
        assert_eq!(shell("printf ' one \\r\\n'").unwrap(), " one ");
        assert_eq!(shell("printf one").unwrap(), "one");
        assert_eq!(shell("echo one; head -c 1000000 /dev/zero").unwrap(), "one");
    }

    #[test]
    fn a_list_is_no_shell_line() {
        let words = ["printf", "%s", "a; echo $HOME"]
            .map(str::to_owned)
            .to_vec();
        assert_eq!(
            run(&Command::Exec(words)).unwrap().expose(),
            "a; echo $HOME"
        );
    }

    #[test]
    fn stdin_is_empty() {
        assert_eq!(shell("cat; echo end").unwrap(), "end");
    }

    #[test]
    fn failures_name_neither_the_command_nor_its_output() {
        let error = shell("echo hunter2; exit 3").unwrap_err();
        assert_eq!(
            error.to_string(),
            "`password_command` for me@mail.example.org failed (exit status: 3); run it by hand to see why"
        );
        assert!(!format!("{error:?}").contains("hunter2"));
        for (line, reason) in [
            ("true", "is empty"),
            ("printf '\\nx'", "is empty"),
            ("printf 'hunter\\0002'", "contains a control character"),
            ("printf 'hunter2\\377'", "is not UTF-8"),
            ("head -c 70000 /dev/zero", "has no end"),
        ] {
            let error = shell(line).unwrap_err();
            assert!(error.to_string().contains(reason), "{error}");
            assert_eq!(error.status(), 78);
            assert!(!format!("{error} {error:?}").contains("hunter"));
        }
        let error = run(&Command::Exec(vec!["/no/such/program".to_owned()])).unwrap_err();
        assert!(matches!(error, Error::Start { .. }), "{error}");
        assert!(run(&Command::Exec(Vec::new())).is_err());
    }
}
