//! The configuration: errors to the letter, the reference against the parser, and what the real mutt
//! and the real NeoMutt say.

mod readers;
mod written;

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tls_optout::config::{
    self, ACCOUNT_KEYS, Account, Asking, COMPOSE_KEYS, CommandLine, Compose, Config, MAIL_KEYS,
    POLICY_KEYS, Places, TELL_KEYS, discover,
};
use tls_optout::policy::Decision;
use tls_optout::submission::Mechanism;

const REFERENCE: &str = include_str!("../../docs/configuration.md");

/// A throw-away home folder.
struct Home {
    folder: tempfile::TempDir,
    places: Places,
}

impl Home {
    /// Without mutt: no program is found.
    fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut places = Places::below(folder.path());
        places.search_path = folder.path().join("bin").into();
        Self { folder, places }
    }

    /// With one of the mail readers of this machine, and nothing else that could answer.
    fn with(reader: &str) -> Self {
        let home = Self::bare();
        let system = Places::below(home.folder.path());
        let installed = system.program(reader);
        let installed = installed.unwrap_or_else(|| panic!("this test needs {reader}"));
        fs::create_dir(home.path("bin")).unwrap();
        std::os::unix::fs::symlink(installed, home.path("bin").join(reader)).unwrap();
        // What an rc file runs needs the system's programs; none of them is a mail reader.
        for tool in ["sh", "sleep", "true"] {
            let installed = system.program(tool).unwrap();
            std::os::unix::fs::symlink(installed, home.path("bin").join(tool)).unwrap();
        }
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() {
            self.folder.path().to_owned()
        } else {
            self.folder.path().join(name)
        }
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.path(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn maildir(&self, name: &str) {
        for sub in ["cur", "new", "tmp"] {
            fs::create_dir_all(self.path(name).join(sub)).unwrap();
        }
    }

    fn program(&self, name: &str, text: &str) {
        self.write(name, text);
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn load(&self) -> Config {
        Config::load(&self.places, Asking::IfChanged).unwrap()
    }

    fn config(&self, text: &str) -> Config {
        self.write(".config/tls-optout/config.toml", text);
        self.load()
    }

    /// The error for a configuration file, with `FILE` for its path.
    fn error(&self, text: &str) -> String {
        self.write(".config/tls-optout/config.toml", text);
        let error = Config::load(&self.places, Asking::IfChanged)
            .unwrap_err()
            .to_string();
        assert!(!error.contains('\n'), "{error}");
        error.replace(&self.places.config_file().display().to_string(), "FILE")
    }

    /// How often the counting rc file was run.
    fn runs(&self) -> usize {
        fs::read_to_string(self.path("runs"))
            .unwrap_or_default()
            .lines()
            .count()
    }
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn two_stars_stand_for_no_more_than_one_and_are_refused() {
    let home = Home::bare();
    for key in ["inbox", "sent", "search"] {
        let error = home.error(&format!("[mail]\n{key} = [\"~/Mail/**/INBOX\"]\n"));
        assert!(error.contains("FILE:2") && error.contains("**"), "{error}");
    }
}
