//! The user whose program is measured: her configuration, her state.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use mail_tree::{OWNER, SENT, Target, Tree};
use tempfile::TempDir;

use crate::measure::{Cost, Run, run};
use crate::others::size;

/// A Message-ID that no message has.
pub(crate) const ABSENT: &str = "0123456789abcdef.nobody@laptop.example.org";
/// The exit status of ours where no message has the ID (`EX_NOINPUT`).
const NO_INPUT: i32 = 66;

/// A home of her own for each kind of measurement: one never has an index, another has.
pub(crate) struct Home {
    program: PathBuf,
    folder: TempDir,
}

impl Home {
    pub(crate) fn new(program: &Path, tree: &Tree) -> io::Result<Self> {
        let inbox = tree.root().join("INBOX");
        Self::with(program, tree, &inbox, &[tree.root()])
    }

    /// One who watches `inbox` and searches these roots.
    pub(crate) fn with(
        program: &Path,
        tree: &Tree,
        inbox: &Path,
        search: &[&Path],
    ) -> io::Result<Self> {
        let folder = tempfile::tempdir()?;
        let config = folder.path().join(".config/tls-optout");
        fs::create_dir_all(&config)?;
        let root = tree.root().display();
        fs::write(
            config.join("config.toml"),
            format!(
                "[mail]\ninbox = [{inbox:?}]\nsent = [\"{root}/{}\", \"{root}/{}\"]\n\
                 search = {search:?}\n[[account]]\nfrom = [\"{OWNER}\"]\n\
                 submission = \"smtps://me@mail.example.org\"\n",
                SENT[0], SENT[1],
            ),
        )?;
        Ok(Self {
            program: program.to_owned(),
            folder,
        })
    }

    /// Our program, run by her.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(&self.program);
        command
            .args(arguments)
            .env_clear()
            .env("HOME", self.folder.path());
        command
    }

    /// Finds a message, and checks that it is the copy that was saved when it was sent.
    pub(crate) fn find(&self, target: &Target) -> Result<Cost, String> {
        let run = run(&mut self.command(&["find", &target.id, "--date", &target.date]))?;
        match run.output.trim_end() == target.path.to_string_lossy() {
            true => Ok(run.cost),
            false => Err(format!("wrong answer: {:?}", run.output.trim_end())),
        }
    }

    /// Makes the index or brings it up to date.
    pub(crate) fn index(&self) -> Result<Cost, String> {
        self.index_and_tell().map(|run| run.cost)
    }

    /// Is the index up to date?
    pub(crate) fn demand_nothing_to_index(&self) -> Result<(), String> {
        let run = self.index_and_tell()?;
        match run.output.contains(", 0 of them read") {
            true => Ok(()),
            false => Err(format!("not in the index: {}", run.output.trim())),
        }
    }

    fn index_and_tell(&self) -> Result<Run, String> {
        let run = run(&mut self.command(&["index"]))?;
        match run.status.success() {
            true => Ok(run),
            false => Err(format!("tls-optout index: {}", run.status)),
        }
    }

    /// Does the program know how to make an index?
    pub(crate) fn has_index(&self) -> bool {
        run(&mut self.command(&["index", "--help"])).is_ok_and(|run| run.status.success())
    }

    /// Looks for a Message-ID that no message has.
    pub(crate) fn find_none(&self, date: &str) -> Result<Cost, String> {
        let run = run(&mut self.command(&["find", ABSENT, "--date", date]))?;
        match run.output.is_empty() && run.status.code() == Some(NO_INPUT) {
            true => Ok(run.cost),
            false => Err(format!("wrong answer: {} {:?}", run.status, run.output)),
        }
    }

    /// What the program keeps, in bytes.
    pub(crate) fn state(&self) -> u64 {
        size(&self.folder.path().join(".local/state"))
    }
}
