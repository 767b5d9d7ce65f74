//! Opening an offer in a terminal, where the user reads it and answers. Nothing is sent before that.

use std::env;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::thread;

use crate::cli::NAME;

use super::command;

/// Terminals that open one of the user's choice, and take the command after these arguments.
const USUAL: [&[&str]; 2] = [&["xdg-terminal-exec"], &["x-terminal-emulator", "-e"]];

/// Opens terminals.
#[derive(Debug, Clone)]
pub(super) struct Opener {
    terminal: Option<Vec<String>>,
}

impl Opener {
    /// `terminal`: the one of the configuration.
    pub(super) fn new(terminal: Option<Vec<String>>) -> Opener {
        Opener { terminal }
    }

    /// Opens `tls-optout resend OFFER` in a terminal; without a number, `resend --all`.
    pub(super) fn review(&self, offer: Option<i64>) {
        let Some(mut words) = self.terminal() else {
            tracing::warn!(
                "no terminal is known; set $TERMINAL, or `terminal` in [tell] of the configuration"
            );
            return;
        };
        if env::var_os("INVOCATION_ID").is_some() && finds("systemd-run") {
            // Beside the unit and not within it: the window outlives the daemon, and is not confined as it is.
            let beside = ["systemd-run", "--user", "--quiet", "--collect", "--"];
            words.splice(0..0, beside.map(str::to_owned));
        }
        words.extend([program(), "resend".to_owned(), "--pause".to_owned()]);
        words.push(offer.map_or("--all".to_owned(), |offer| offer.to_string()));
        match command::program(&words).spawn() {
            // In a thread of its own, so that no zombie stays.
            Ok(mut child) => {
                thread::spawn(move || child.wait());
            }
            Err(error) => tracing::warn!("{} cannot be run: {error}", words[0]),
        }
    }

    /// The configured one, else that of `$TERMINAL`, else one that is installed.
    fn terminal(&self) -> Option<Vec<String>> {
        let named = || {
            let name = env::var("TERMINAL").ok().filter(|name| !name.is_empty())?;
            Some(vec![name, "-e".to_owned()])
        };
        let usual = || {
            let words = USUAL.iter().find(|words| finds(words[0]))?;
            Some(words.iter().map(|word| (*word).to_owned()).collect())
        };
        self.terminal.clone().or_else(named).or_else(usual)
    }
}

fn finds(name: &str) -> bool {
    let path = env::var_os("PATH").unwrap_or_default();
    env::split_paths(&path).any(|folder| folder.join(name).is_file())
}

/// This program, which an update may have replaced meanwhile.
fn program() -> String {
    let own = env::current_exe().ok().filter(|path| is_there(path));
    let own = own.map(PathBuf::into_os_string).map(OsString::into_string);
    own.and_then(Result::ok).unwrap_or_else(|| NAME.to_owned())
}

fn is_there(path: &Path) -> bool {
    path.is_file()
}
