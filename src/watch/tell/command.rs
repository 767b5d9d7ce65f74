//! Running a program of the user's beside the daemon.

use std::io;
use std::os::unix::process::CommandExt;
use std::process::{Command, Output, Stdio};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};

/// What systemd tells the daemon and nobody else.
const OURS: [&str; 4] = [
    "NOTIFY_SOCKET",
    "WATCHDOG_PID",
    "WATCHDOG_USEC",
    "INVOCATION_ID",
];

/// The program and its arguments, without a shell, and without standard input and output.
pub(super) fn program(words: &[String]) -> Command {
    let (name, arguments) = words
        .split_first()
        .map_or(("", &[][..]), |(name, rest)| (name, rest));
    let mut command = Command::new(name);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .process_group(0);
    for name in OURS {
        command.env_remove(name);
    }
    command
}

/// Runs it, and ends it with all that it has started once `limit` is over; `None` then. Standard output is there where
/// the command has a pipe for it.
///
/// # Errors
/// When it cannot be run.
pub(super) fn run(command: &mut Command, limit: Duration) -> io::Result<Option<Output>> {
    let child = command.spawn()?;
    let group = Pid::from_child(&child);
    let (sender, ended) = channel();
    thread::spawn(move || sender.send(child.wait_with_output()));
    match ended.recv_timeout(limit) {
        Ok(output) => output.map(Some),
        Err(_) => {
            let _ = kill_process_group(group, Signal::KILL);
            Ok(None)
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Instant;

    use super::*;

    fn shell(script: &str) -> Command {
        program(&["sh".to_owned(), "-c".to_owned(), script.to_owned()])
    }

    #[test]
    fn it_ends_or_is_ended() {
        let limit = Duration::from_secs(20);
        let output = run(&mut shell("exit 7"), limit).unwrap().unwrap();
        assert_eq!(output.status.code(), Some(7));
        let output = run(shell("echo x").stdout(Stdio::piped()), limit);
        assert_eq!(output.unwrap().unwrap().stdout, b"x\n");
        let folder = tempfile::tempdir().unwrap();
        let survivor = folder.path().join("survivor");
        let script = format!("(sleep 2; touch {}) & sleep 60", survivor.display());
        let start = Instant::now();
        let limit = Duration::from_millis(200);
        assert_eq!(run(&mut shell(&script), limit).unwrap(), None);
        assert!(start.elapsed() < Duration::from_secs(2));
        thread::sleep(Duration::from_secs(3).saturating_sub(start.elapsed()));
        assert!(!survivor.exists(), "a process of the group lives on");
        assert!(run(&mut program(&[]), limit).is_err());
    }
}
