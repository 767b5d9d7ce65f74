//! The other programs that find a message, and their indexes.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;

use mail_tree::Tree;

use crate::measure::{Cost, Run, run};

/// A program with an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Indexer {
    Notmuch,
    Mairix,
    Mu,
}

impl Indexer {
    pub(crate) const ALL: [Self; 3] = [Self::Notmuch, Self::Mairix, Self::Mu];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Notmuch => "notmuch",
            Self::Mairix => "mairix",
            Self::Mu => "mu",
        }
    }

    /// For more messages than this it takes more than ten minutes to make an index.
    fn most(self) -> u64 {
        match self {
            Self::Notmuch => 200_000,
            Self::Mairix => u64::MAX,
            Self::Mu => 50_000,
        }
    }
}

/// Is a program there?
pub(crate) fn is_there(program: &str) -> bool {
    std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|folder| folder.join(program).is_file())
}

/// The first line of what a program says of its version.
pub(crate) fn version(program: &str) -> String {
    if !is_there(program) {
        return format!("{program} missing");
    }
    match run(Command::new(program).arg("--version")) {
        Ok(run) => run.output.lines().next().unwrap_or_default().to_owned(),
        Err(error) => error,
    }
}

/// The index of another program, in a folder of its own beside the tree.
pub(crate) struct Index {
    pub(crate) indexer: Indexer,
    folder: PathBuf,
    root: PathBuf,
    /// What making it has cost, in this run or an earlier one.
    pub(crate) cost: Option<Cost>,
}

impl Index {
    /// The index that is there, or a new one. None where the program is missing, or too slow for so
    /// much mail.
    pub(crate) fn kept(indexer: Indexer, tree: &Tree) -> io::Result<Option<Self>> {
        let folder = tree.root().with_file_name(indexer.name());
        let complete = folder.join("complete");
        if !is_there(indexer.name()) {
            println!("{} is not installed", indexer.name());
            return Ok(None);
        }
        if !complete.exists() && tree.messages() > indexer.most() {
            println!("{} is left out: too slow for so much mail", indexer.name());
            return Ok(None);
        }
        let mut index = Self {
            indexer,
            folder,
            root: tree.root().to_owned(),
            cost: None,
        };
        if !complete.exists() {
            index.make()?;
            fs::write(complete, "")?;
        }
        Ok(Some(index))
    }

    /// Makes it anew.
    pub(crate) fn make(&mut self) -> io::Result<()> {
        if self.folder.exists() {
            fs::remove_dir_all(&self.folder)?;
        }
        fs::create_dir_all(&self.folder)?;
        let (folder, root) = (self.folder.display(), self.root.display());
        let base = self.root.parent().unwrap_or(&self.root).display();
        match self.indexer {
            Indexer::Notmuch => fs::write(
                self.config(),
                format!(
                    "[database]\npath={folder}\nmail_root={root}\n[user]\nname=Me\n\
                     primary_email={}\n[maildir]\nsynchronize_flags=false\n",
                    mail_tree::OWNER
                ),
            )?,
            Indexer::Mairix => fs::write(
                self.config(),
                format!(
                    "base={base}\nmaildir=Mail...\nmfolder={folder}/found\ndatabase={folder}/database\n"
                ),
            )?,
            Indexer::Mu => {
                let mut init = Command::new("mu");
                init.arg("init")
                    .arg(format!("--maildir={root}"))
                    .arg(self.mu_home());
                run(&mut init).map_err(io::Error::other)?;
            }
        }
        self.cost = Some(self.update().map_err(io::Error::other)?.cost);
        Ok(())
    }

    /// Brings it up to date.
    pub(crate) fn update(&self) -> Result<Run, String> {
        let mut command = self.command();
        match self.indexer {
            Indexer::Notmuch => command.arg("new"),
            Indexer::Mairix => command.arg("-p"),
            Indexer::Mu => command.args(["index", "--quiet"]).arg(self.mu_home()),
        };
        let run = run(&mut command)?;
        match run.status.success() {
            true => Ok(run),
            false => Err(format!("{}: {}", self.indexer.name(), run.status)),
        }
    }

    /// The command that prints the files with a Message-ID.
    pub(crate) fn find(&self, id: &str) -> Command {
        let mut command = self.command();
        match self.indexer {
            Indexer::Notmuch => command
                .args(["search", "--output=files"])
                .arg(format!("id:{id}")),
            Indexer::Mairix => command.arg("-r").arg(format!("m:{id}")),
            Indexer::Mu => command
                .args(["find", "--fields=l"])
                .arg(self.mu_home())
                .arg(format!("msgid:{id}")),
        };
        command
    }

    /// How many bytes it takes on the disk.
    pub(crate) fn size(&self) -> u64 {
        size(&self.folder)
    }

    fn command(&self) -> Command {
        let mut command = Command::new(self.indexer.name());
        match self.indexer {
            Indexer::Notmuch => command.env("NOTMUCH_CONFIG", self.config()),
            Indexer::Mairix => command.arg("-f").arg(self.config()),
            Indexer::Mu => &mut command,
        };
        command
    }

    fn config(&self) -> PathBuf {
        self.folder.join("config")
    }

    fn mu_home(&self) -> String {
        format!("--muhome={}/mu", self.folder.display())
    }
}

/// The bytes of all files below a folder.
pub(crate) fn size(folder: &Path) -> u64 {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .map(|entry| match entry.metadata() {
            Ok(meta) if meta.is_dir() => size(&entry.path()),
            Ok(meta) => meta.len(),
            Err(_) => 0,
        })
        .sum()
}
