//! Handing the message to a command that submits it: msmtp, or any other `sendmail`.
//!
//! The command is run without a shell as `COMMAND... -i -f SENDER -- RECIPIENT...` and gets the
//! message on stdin, with the line ends it is stored with. No DSN options are given: msmtp fails if
//! the server lacks the extension, and knows no ENVID; who wants `-N failure,delay` writes it into
//! the configured command.

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::os::unix::process::ExitStatusExt;
use std::process::{ChildStderr, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

use super::{Envelope, Error, Outcome, Receipt};
use crate::terminal::shown;

/// Is set in the environment of the command, which might be this program again.
pub const GUARD: &str = "TLS_OPTOUT_SENDMAIL";

/// As much of stderr is kept; more is read and forgotten.
const MAX_STDERR: usize = 16 * 1024;
/// As much of stderr is shown, in characters. The end of it says most.
const SHOWN: usize = 600;
/// For the rest of stderr, once the command has ended: a child that it left behind may hold it open.
const STDERR_WAIT: Duration = Duration::from_secs(1);

/// Submits one message through `command`, whose first word is the program.
///
/// `before_data` is called with all recipients right before the command starts; `progress` with the
/// bytes handed over and the bytes there are. The command has no time limit: it knows its own.
///
/// # Errors
///
/// By the exit status (sysexits.h): 0 is success. A message that the command left unread was not sent,
/// nor one that it refused with a status that means a refusal. Every other end leaves the outcome unknown:
/// msmtp ends with 74 or 76 when the reply to the final dot is lost.
pub fn submit(
    command: &[String],
    envelope: &Envelope,
    message: &[u8],
    before_data: &mut dyn FnMut(&[&str]) -> io::Result<()>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Receipt, Error> {
    let (program, options) = command
        .split_first()
        .map_or(("", &[][..]), |(a, b)| (a.as_str(), b));
    let recipients: Vec<&str> = envelope.recipients().iter().map(String::as_str).collect();
    let mut file = spool(message).map_err(Error::Spool)?;
    let stdin = file.try_clone().map_err(Error::Spool)?;
    before_data(&recipients).map_err(Error::Journal)?;
    tracing::debug!(program, ?recipients, "running the submission command");
    let start_error = |source| Error::Start {
        command: program.to_owned(),
        source,
    };
    let mut child = Command::new(program)
        .args(options)
        .args(["-i", "-f", envelope.sender(), "--"])
        .args(&recipients)
        .env(GUARD, "1")
        .stdin(Stdio::from(stdin))
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(start_error)?;
    let stderr = child.stderr.take().map(collect);
    let status = child.wait().map_err(|source| Error::Unknown {
        server: program.to_owned(),
        source,
    })?;
    // The offset is shared: it tells how much the command has read.
    let read = file.stream_position().unwrap_or_default();
    progress(read, message.len() as u64);
    let written = match read < message.len() as u64 {
        true => Err(io::Error::other("it left some of it unread")),
        false => Ok(()),
    };
    let stderr = stderr.map_or_else(String::new, |chunks| one_line(&received(&chunks)));
    judge(program, status, written, stderr)?;
    let outcome = |recipient: &&str| Outcome {
        recipient: (*recipient).to_owned(),
        accepted: true,
        reply: String::new(),
    };
    Ok(Receipt {
        server: program.to_owned(),
        outcomes: recipients.iter().map(outcome).collect(),
        reply: String::new(),
        envelope_id_sent: false,
    })
}

/// The message as a file without a name. Not a pipe: were this process to die while it writes into one,
/// the command would take what it has for the whole message, and send it.
fn spool(message: &[u8]) -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    file.write_all(message)?;
    file.rewind()?;
    Ok(file)
}

/// What the end of the command says about the message.
fn judge(
    program: &str,
    status: ExitStatus,
    written: io::Result<()>,
    stderr: String,
) -> Result<(), Error> {
    let command = || program.to_owned();
    let unknown = |text: String| Error::Unknown {
        server: command(),
        source: io::Error::other(text),
    };
    match (status.code(), written) {
        (Some(0), Ok(())) => Ok(()),
        (Some(0), Err(error)) => Err(unknown(format!(
            "it reported success but did not read the message ({error})"
        ))),
        (Some(status), Ok(())) if !is_refusal(status) => Err(unknown(format!(
            "it ended with exit status {status}: {stderr}"
        ))),
        (Some(status), _) => Err(Error::Command {
            command: command(),
            status,
            stderr,
        }),
        (None, _) => {
            let signal = status.signal().unwrap_or_default();
            Err(unknown(format!(
                "it was ended by signal {signal}: {stderr}"
            )))
        }
    }
}

/// Statuses that say for sure that a message which was read was not taken: those of sysexits.h but for
/// an input/output or protocol error, which may come after the server's answer, and those of a shell
/// that found no program. Any other, such as 255 of ssh, may come after the delivery.
fn is_refusal(status: i32) -> bool {
    matches!(status, 64..=73 | 75 | 77 | 78 | 126 | 127)
}

/// Reads stderr beside the writing, so that neither side waits for the other.
fn collect(mut stderr: ChildStderr) -> Receiver<Vec<u8>> {
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut kept = 0;
        let mut block = [0; 4096];
        while let Ok(count @ 1..) = stderr.read(&mut block) {
            if kept < MAX_STDERR {
                kept += count;
                if sender.send(block[..count].to_vec()).is_err() {
                    return;
                }
            }
        }
    });
    receiver
}

fn received(chunks: &Receiver<Vec<u8>>) -> Vec<u8> {
    let mut all = Vec::new();
    while let Ok(chunk) = chunks.recv_timeout(STDERR_WAIT) {
        all.extend(chunk);
    }
    all
}

/// The lines joined with `; `, cut at the front.
fn one_line(stderr: &[u8]) -> String {
    let text = String::from_utf8_lossy(stderr);
    let lines: Vec<String> = text
        .lines()
        .map(|line| shown(line.trim()))
        .filter(|line| !line.is_empty())
        .collect();
    let joined = lines.join("; ");
    let count = joined.chars().count();
    if count == 0 {
        return "it said nothing".to_owned();
    }
    if count <= SHOWN {
        return joined;
    }
    let end: String = joined.chars().skip(count - SHOWN).collect();
    format!("... {end}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(script: &str, message: &[u8]) -> Result<Receipt, Error> {
        let command = ["sh", "-c", script, "sh"].map(str::to_owned);
        let envelope = Envelope::new("me@example.org", ["bob@example.net"], "id").unwrap();
        submit(
            &command,
            &envelope,
            message,
            &mut |_| Ok(()),
            &mut |_, _| (),
        )
    }

    #[test]
    fn exit_statuses() {
        let error = |script: &str| run(script, b"x\n").unwrap_err();
        for (status, temporary, unknown, ours) in [
            (1, false, true, 74),
            (67, false, false, 69),
            (71, true, false, 75),
            (74, false, true, 74),
            (75, true, false, 75),
            (76, false, true, 74),
            (77, false, false, 77),
        ] {
            let error = error(&format!("cat >/dev/null; exit {status}"));
            assert_eq!(error.is_temporary(), temporary, "{status}");
            assert_eq!(error.is_unknown(), unknown, "{status}");
            assert_eq!(error.status(), ours, "{status}");
        }
        assert!(error("cat >/dev/null; kill -9 $$").is_unknown());
    }

    #[test]
    fn a_message_that_was_not_read_was_not_sent() {
        let large = vec![b'x'; 1 << 20];
        assert!(!run("exit 74", &large).unwrap_err().is_unknown());
        let error = run("exit 0", &large).unwrap_err();
        assert!(error.is_unknown(), "{error}");
    }

    #[test]
    fn stderr_is_shown_on_one_clean_line() {
        let error = run(
            "cat >/dev/null; printf 'a\\033[2J\\n\\nb\\n' >&2; exit 69",
            b"x",
        )
        .unwrap_err();
        let text = error.to_string();
        assert_eq!(
            text,
            "`sh` did not take the message (exit status 69): a\\u{1b}[2J; b; nothing was sent"
        );
    }

    #[test]
    fn endless_stderr_is_cut() {
        let script = "cat >/dev/null; head -c 300000 /dev/zero | tr '\\0' e >&2; exit 69";
        let text = run(script, b"x").unwrap_err().to_string();
        assert!(text.len() < SHOWN + 200, "{}", text.len());
    }

    #[test]
    fn a_child_left_behind_does_not_hold_us() {
        let receipt = run(
            "cat >/dev/null; sleep 5 </dev/null >/dev/null & exit 0",
            b"x",
        );
        assert!(receipt.is_ok());
    }

    #[test]
    fn no_such_program() {
        let envelope = Envelope::new("me@example.org", ["bob@example.net"], "id").unwrap();
        for command in [vec![], vec!["/no/such/program".to_owned()]] {
            let result = submit(&command, &envelope, b"x", &mut |_| Ok(()), &mut |_, _| ());
            assert!(matches!(result, Err(Error::Start { .. })), "{result:?}");
        }
    }
}
