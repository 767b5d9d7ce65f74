//! A program in a real terminal: tmux draws the screen, the test reads it and presses keys.

use std::ffi::{OsStr, OsString};
use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use tempfile::TempDir;

use crate::wait::poll;

/// A pane stays when its program ends, so that the last screen can be read.
const SETTINGS: &str = "set -g status off
set -g default-shell /bin/sh
set -g remain-on-exit on
set -g default-terminal screen-256color
set -s escape-time 0
";

/// A terminal of 100 columns and 30 rows with one program in it. Dropping it ends both.
pub(crate) struct Terminal {
    server: Child,
    folder: TempDir,
    environment: Vec<(OsString, OsString)>,
}

impl Terminal {
    /// Runs a shell command in `folder`, in a new terminal. The program sees `environment` and what
    /// tmux adds, such as `TERM`.
    pub(crate) fn start(
        folder: &Path,
        environment: Vec<(OsString, OsString)>,
        command: &str,
    ) -> Self {
        Self::sized(folder, environment, command, [100, 30])
    }

    /// The same with so many columns and rows.
    pub(crate) fn sized(
        folder: &Path,
        environment: Vec<(OsString, OsString)>,
        command: &str,
        [columns, rows]: [u16; 2],
    ) -> Self {
        let own = tempfile::tempdir().expect("a folder");
        fs::write(own.path().join("tmux.conf"), SETTINGS).expect("a settings file");
        // -D keeps the server a child of ours, and setpriv ends it should this process be killed.
        let server = Command::new("setpriv")
            .args([
                "--pdeathsig",
                "KILL",
                "tmux",
                "-D",
                "-f",
                "tmux.conf",
                "-S",
                "socket",
            ])
            .current_dir(own.path())
            .env_clear()
            .envs(environment.clone())
            .stdin(Stdio::null())
            .spawn()
            .expect("setpriv and tmux");
        let terminal = Self {
            server,
            folder: own,
            environment,
        };
        // tmux itself does not always learn the exit status of a program, so the shell keeps it.
        let status = terminal.folder.path().join("status");
        let status = status.display();
        let command = format!("{command}\nprintf %s $? > {status}.new && mv {status}.new {status}");
        let [columns, rows] = [columns, rows].map(|number| number.to_string());
        let started = poll(|| {
            terminal
                .try_tmux(
                    &["new-session", "-d", "-x", &columns, "-y", &rows, "-c"],
                    &[folder.as_os_str(), OsStr::new(&command)],
                )
                .ok()
        });
        assert!(started.is_some(), "tmux did not start");
        terminal
    }

    /// Types text: letters, digits, signs.
    pub(crate) fn press(&self, keys: &str) {
        self.tmux(&["send-keys", "-l", keys]);
    }

    /// Presses a key that has a name in tmux, such as `Enter`.
    pub(crate) fn press_key(&self, name: &str) {
        self.tmux(&["send-keys", name]);
    }

    /// Gives the terminal so many columns and rows.
    pub(crate) fn resize(&self, [columns, rows]: [u16; 2]) {
        let [columns, rows] = [columns, rows].map(|number| number.to_string());
        self.tmux(&["resize-window", "-x", &columns, "-y", &rows]);
    }

    /// What the screen shows now.
    pub(crate) fn screen(&self) -> String {
        self.tmux(&["capture-pane", "-p"])
    }

    /// Waits until the screen shows `text`, and gives the screen.
    pub(crate) fn wait_for(&self, text: &str) -> String {
        self.wait_until(&format!("{text:?}"), |screen| screen.contains(text))
    }

    /// Waits until the screen is as `condition` wants it, and gives the screen. `what` names it in
    /// a failure.
    pub(crate) fn wait_until(&self, what: &str, condition: impl Fn(&str) -> bool) -> String {
        poll(|| Some(self.screen()).filter(|screen| condition(screen))).unwrap_or_else(|| {
            panic!("the screen does not show {what}, but:\n{}", self.screen());
        })
    }

    /// Waits for the program's end and gives its exit status: 128 + n if signal n ended it.
    pub(crate) fn wait_for_end(&self) -> i32 {
        let status = poll(|| fs::read_to_string(self.folder.path().join("status")).ok());
        let Some(status) = status else {
            panic!("the program goes on:\n{}", self.screen());
        };
        status.parse().expect("a number from the shell")
    }

    fn tmux(&self, arguments: &[&str]) -> String {
        self.try_tmux(arguments, &[])
            .unwrap_or_else(|error| panic!("tmux {arguments:?}: {error}"))
    }

    fn try_tmux(&self, arguments: &[&str], more: &[&OsStr]) -> Result<String, String> {
        let output = Command::new("tmux")
            // -N: while our server is not there yet, start no other one.
            .args(["-N", "-S", "socket"])
            .args(arguments)
            .args(more)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.environment.clone())
            .output()
            .expect("tmux");
        if output.status.success() {
            Ok(String::from_utf8_lossy(&output.stdout).into_owned())
        } else {
            Err(String::from_utf8_lossy(&output.stderr).into_owned())
        }
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        if std::thread::panicking()
            && let Ok(screen) = self.try_tmux(&["capture-pane", "-p"], &[])
        {
            eprintln!("--- the screen ---\n{screen}---");
        }
        // The program gets a hang-up, like one whose window is closed.
        let _ = self.try_tmux(&["kill-server"], &[]);
        let _ = self.server.kill();
        let _ = self.server.wait();
    }
}
