//! The options of sendmail(8), of Postfix's sendmail(1) and of msmtp(1), as mail programs give them.
//!
//! Read as getopt does: letters may stand together (`-ti`), a value may be joined (`-fme@example.org`) or
//! be the next word. A letter that is not known is told and has no effect, and so is a long option with `=`.
//! Without it the next word might be its value or a recipient: that is refused, and so is a mode that is no
//! sending, because standard input is no message then.

use std::ffi::OsString;

use crate::cli::NAME;

use super::super::{Failure, USAGE};

/// Letters without a value that are known and change nothing here.
const WITHOUT_VALUE: &str = "GinmsUvI";
/// Letters with a value that are known and change nothing here.
const WITH_VALUE: &str = "ABCDFLOXhopV";
/// What a submission command understands and gets: where more programs agree than on the others.
const HANDED_ON: &str = "BCFOXo";
/// Those of them that matter: the configuration and the log. Only a command can heed them.
const FOR_A_COMMAND: [&str; 2] = ["-C", "-X"];

/// Long options of msmtp whose value is joined by `=` or the next word, and which change nothing here.
const LONG_WITH_VALUE: &[&str] = &[
    "aliases",
    "domain",
    "file",
    "host",
    "logfile",
    "logfile-time-format",
    "maildomain",
    "passwordeval",
    "port",
    "protocol",
    "proxy-host",
    "proxy-port",
    "socket",
    "source-ip",
    "timeout",
    "tls-cert-file",
    "tls-crl-file",
    "tls-fingerprint",
    "tls-host-override",
    "tls-key-file",
    "tls-min-dh-prime-bits",
    "tls-priorities",
    "tls-trust-file",
    "user",
];
/// Those whose value is joined or left out, and those without, which change nothing here.
const LONG_ALONE: &[&str] = &[
    "add-missing-date-header",
    "add-missing-from-header",
    "auth",
    "auto-from",
    "debug",
    "keepbcc",
    "remove-bcc-headers",
    "set-date-header",
    "set-from-header",
    "set-msgid-header",
    "syslog",
    "tls",
    "tls-certcheck",
    "tls-force-sslv3",
    "tls-starttls",
    "undisclosed-recipients",
];
/// Those that ask for something else than sending.
const LONG_MODES: &[&str] = &[
    "configure",
    "help",
    "pretend",
    "rmqs",
    "serverinfo",
    "version",
];

/// What the options ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Flags {
    /// `-f`, `-r`: the envelope sender.
    pub(super) sender: Option<String>,
    /// `-t`: recipients are in the header too.
    pub(super) read_recipients: bool,
    /// Recipients as arguments.
    pub(super) recipients: Vec<String>,
    /// `-N`: when to send a notice, as RFC 3461 section 4.1 writes it.
    pub(super) notify: Option<String>,
    /// `-R`: how much a notice returns, `FULL` or `HDRS`.
    pub(super) returns: Option<String>,
    /// `-a` of msmtp: the account.
    pub(super) account: Option<String>,
    /// What goes on to a command as it is.
    pub(super) rest: Vec<String>,
    /// A line for each option that has no effect.
    pub(super) warnings: Vec<String>,
}

impl Flags {
    pub(super) fn read(arguments: &[OsString]) -> Result<Flags, Failure> {
        let words = arguments.iter().map(|argument| {
            let text = argument.to_str();
            text.ok_or_else(|| Failure::new(USAGE, "an argument is not UTF-8; nothing was sent"))
        });
        let words: Vec<&str> = words.collect::<Result<_, _>>()?;
        let mut flags = Flags::default();
        let mut words = words.into_iter();
        while let Some(word) = words.next() {
            if word == "--" {
                flags.recipients.extend(words.by_ref().map(str::to_owned));
            } else if let Some(long) = word.strip_prefix("--") {
                flags.long(long, &mut words)?;
            } else if let Some(letters) = word.strip_prefix('-').filter(|rest| !rest.is_empty()) {
                flags.letters(letters, &mut words)?;
            } else {
                flags.recipients.push(word.to_owned());
            }
        }
        Ok(flags)
    }

    fn letters<'a>(
        &mut self,
        letters: &'a str,
        words: &mut impl Iterator<Item = &'a str>,
    ) -> Result<(), Failure> {
        let mut rest = letters.chars();
        while let Some(letter) = rest.next() {
            let is_with_value = "frNRab".contains(letter) || WITH_VALUE.contains(letter);
            if is_with_value {
                let joined = Some(rest.as_str()).filter(|joined| !joined.is_empty());
                let value = joined.or_else(|| words.next());
                let no_value = || Failure::new(USAGE, format!("-{letter} needs a value"));
                return self.value(letter, value.ok_or_else(no_value)?);
            }
            match letter {
                't' => self.read_recipients = true,
                // What follows is joined, or nothing.
                'q' | 'd' | 'M' => {
                    self.warn(letters);
                    return Ok(());
                }
                // Those of msmtp that show what it would do, or what the server offers.
                'P' | 'S' => return Err(no_sending(&format!("-{letter}"))),
                letter if WITHOUT_VALUE.contains(letter) => (),
                _ => self.warn(&letter.to_string()),
            }
        }
        Ok(())
    }

    fn value(&mut self, letter: char, value: &str) -> Result<(), Failure> {
        let value = value.to_owned();
        match letter {
            'f' | 'r' => self.sender = Some(sender(&value)?),
            'a' => self.account = Some(value),
            'b' if value == "m" => (),
            'b' => {
                let text = format!("-b{value} is no sending; {NAME} only sends (-bm)");
                return Err(Failure::new(USAGE, text));
            }
            'N' => match notify(&value) {
                Some(notify) => self.notify = Some(notify),
                None => self.warn(&format!("N {value}")),
            },
            'R' => match value.to_ascii_uppercase() {
                upper if matches!(&*upper, "FULL" | "HDRS") => self.returns = Some(upper),
                _ => self.warn(&format!("R {value}")),
            },
            letter if HANDED_ON.contains(letter) => self.rest.push(format!("-{letter}{value}")),
            _ => (),
        }
        Ok(())
    }

    /// Those of msmtp.
    fn long<'a>(
        &mut self,
        long: &'a str,
        words: &mut impl Iterator<Item = &'a str>,
    ) -> Result<(), Failure> {
        let (name, joined) = match long.split_once('=') {
            Some((name, value)) => (name, Some(value)),
            None => (long, None),
        };
        let mut value = || {
            let no_value = || Failure::new(USAGE, format!("--{name} needs a value"));
            joined.or_else(|| words.next()).ok_or_else(no_value)
        };
        let letter = match name {
            "from" => Some('f'),
            "account" => Some('a'),
            "dsn-notify" => Some('N'),
            "dsn-return" => Some('R'),
            _ => None,
        };
        if let Some(letter) = letter {
            return self.value(letter, value()?);
        }
        match name {
            "read-recipients" => self.read_recipients = true,
            // That is what happens without -f.
            "read-envelope-from" => (),
            _ if LONG_WITH_VALUE.contains(&name) => {
                value()?;
                // Its value may be a secret.
                self.warn(&format!("-{name}"));
            }
            _ if LONG_ALONE.contains(&name) => self.warn(&format!("-{long}")),
            _ if LONG_MODES.contains(&name) => {
                return Err(no_sending(&format!("--{name}")));
            }
            _ if joined.is_some() => self.warn(&format!("-{name}")),
            _ => {
                let text = format!(
                    "--{name} is not known, so that the next word may be its value or a recipient; leave it out, \
                     or write --{name}=VALUE; nothing was sent"
                );
                return Err(Failure::new(USAGE, text));
            }
        }
        Ok(())
    }

    /// The lines for options that only a command could heed.
    pub(super) fn lost_on_a_server(&self) -> impl Iterator<Item = String> {
        let options = self
            .rest
            .iter()
            .map(|option| option.get(..2).unwrap_or(option));
        let lost = options.filter(|option| FOR_A_COMMAND.contains(option));
        lost.map(|option| format!("{option} has no effect here"))
    }

    fn warn(&mut self, option: &str) {
        self.warnings.push(format!("-{option} has no effect here"));
    }
}

fn no_sending(mode: &str) -> Failure {
    Failure::new(USAGE, format!("{mode} is no sending; {NAME} only sends"))
}

/// The envelope sender, out of its angle brackets.
fn sender(value: &str) -> Result<String, Failure> {
    let value = value.trim();
    let inner = value
        .strip_prefix('<')
        .and_then(|rest| rest.strip_suffix('>'));
    match inner.unwrap_or(value) {
        "" => Err(Failure::new(USAGE, NULL_SENDER)),
        sender => Ok(sender.to_owned()),
    }
}

const NULL_SENDER: &str = "the envelope sender that was given is empty: the null reverse-path (RFC 5321 section 4.5.5) \
                           is for what servers write and not for a message of yours; give an address, or leave the \
                           option out; nothing was sent";

/// `never`, or any of the other words once (RFC 3461 section 4.1).
fn notify(value: &str) -> Option<String> {
    let value = value.to_ascii_uppercase();
    let words: Vec<&str> = value.split(',').map(str::trim).collect();
    let is_known = |word: &&str| matches!(*word, "SUCCESS" | "FAILURE" | "DELAY");
    let is_good = words == ["NEVER"] || words.iter().all(is_known);
    is_good.then(|| words.join(","))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Flags {
        let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
        Flags::read(&words).unwrap()
    }

    #[test]
    fn what_programs_give() {
        let mutt = read(
            "-oem -oi -B8BITMIME -f me@example.org -N failure,delay -R hdrs -- bob@example.net -x@example.net",
        );
        assert_eq!(mutt.sender.as_deref(), Some("me@example.org"));
        assert_eq!(mutt.recipients, ["bob@example.net", "-x@example.net"]);
        assert_eq!(mutt.notify.as_deref(), Some("FAILURE,DELAY"));
        assert_eq!(mutt.returns.as_deref(), Some("HDRS"));
        assert_eq!(mutt.rest, ["-oem", "-oi", "-B8BITMIME"]);
        assert!(mutt.warnings.is_empty() && !mutt.read_recipients);

        for line in [
            "-ti -fme@example.org",
            "-i -t -r me@example.org",
            "-bm -tif me@example.org",
            "--read-recipients --from=me@example.org",
            "-t --from me@example.org",
        ] {
            let flags = read(line);
            assert!(
                flags.read_recipients && flags.recipients.is_empty(),
                "{line}"
            );
            assert_eq!(flags.sender.as_deref(), Some("me@example.org"), "{line}");
            assert!(flags.warnings.is_empty(), "{line}");
        }
        let cron = read("-FCronDaemon -i -odi -oem -oi -t -f root");
        assert_eq!(
            (&*cron.rest[0], cron.sender.as_deref()),
            ("-FCronDaemon", Some("root"))
        );
        let aerc = read(
            "bob@example.net -i carol@example.com -O DeliveryMode=b -G -v -L tag -h 5 -a work",
        );
        assert_eq!(aerc.recipients, ["bob@example.net", "carol@example.com"]);
        assert_eq!(aerc.account.as_deref(), Some("work"));
        assert!(aerc.warnings.is_empty(), "{:?}", aerc.warnings);
    }

    #[test]
    fn what_is_not_known_is_told_and_does_no_harm() {
        let flags = read("-Z -ti --tls=on -N sometimes -R all -q30m -f me@example.org");
        assert!(flags.read_recipients);
        assert_eq!(flags.sender.as_deref(), Some("me@example.org"));
        assert_eq!((flags.notify, flags.returns), (None, None));
        assert_eq!(
            flags.warnings,
            ["-Z", "--tls=on", "-N sometimes", "-R all", "-q30m"]
                .map(|o| format!("{o} has no effect here"))
        );
    }

    #[test]
    fn what_msmtp_takes() {
        let flags = read(
            "--file rc --user me@example.org --tls --auth=on bob@example.net --port=25 --new=x --dsn-notify \
             never --dsn-return=full --from <me@example.org> --account work --read-envelope-from",
        );
        assert_eq!(flags.recipients, ["bob@example.net"]);
        assert_eq!(flags.sender.as_deref(), Some("me@example.org"));
        assert_eq!(flags.account.as_deref(), Some("work"));
        assert_eq!(flags.notify.as_deref(), Some("NEVER"));
        assert_eq!(flags.returns.as_deref(), Some("FULL"));
        assert_eq!(
            flags.warnings,
            ["file", "user", "tls", "auth=on", "port", "new"]
                .map(|name| format!("--{name} has no effect here"))
        );
    }

    #[test]
    fn what_cannot_be() {
        for line in [
            "-bs",
            "-bp",
            "-b d",
            "-tP",
            "-S",
            "-f",
            "-t -N",
            "--from",
            "--user",
            "--usr me",
            "--configure=me@example.org",
            "-t --version",
            "-f <>",
            "-r<>",
            "--from=<>",
        ] {
            let words: Vec<OsString> = line.split(' ').map(OsString::from).collect();
            assert_eq!(Flags::read(&words).unwrap_err().status, USAGE, "{line}");
        }
    }

    #[test]
    fn notices() {
        assert_eq!(notify("never").as_deref(), Some("NEVER"));
        assert_eq!(notify("Delay,success").as_deref(), Some("DELAY,SUCCESS"));
        for bad in ["", "never,delay", "delay;x", "delay ORCPT=x"] {
            assert_eq!(notify(bad), None, "{bad}");
        }
    }
}
