//! Where things lie: the user's home, and the XDG folders.

use std::env;
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The folder of ours in each of the XDG folders.
const OURS: &str = "tls-optout";

/// The folders that everything else is found in, read once from the environment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Places {
    /// `$HOME`, or what the password database says.
    pub home: PathBuf,
    /// `$XDG_CONFIG_HOME`, or `~/.config`.
    pub config_home: PathBuf,
    /// `$XDG_STATE_HOME`, or `~/.local/state`.
    pub state_home: PathBuf,
    /// `$XDG_CACHE_HOME`, or `~/.cache`.
    pub cache_home: PathBuf,
    /// `$PATH`: where mutt and msmtp are looked for.
    pub search_path: OsString,
    /// A configuration file that was named (`--config`, `$TLS_OPTOUT_CONFIG`) and so must exist.
    pub named_config: Option<PathBuf>,
}

impl Places {
    /// What the environment says; `None` where there is no home folder.
    pub fn from_env() -> Option<Self> {
        let home = dirs::home_dir().filter(|home| home.is_absolute())?;
        Some(Self::from_variables(&home, |name| env::var_os(name)))
    }

    /// The usual folders of the user whose home is `home`, with the `$PATH` of this process.
    pub fn below(home: &Path) -> Self {
        Self::from_variables(home, |name| {
            (name == "PATH").then(|| env::var_os(name)).flatten()
        })
    }

    /// The XDG folders on every system, macOS included: that is where mutt looks too. The base
    /// directory specification has relative values ignored.
    fn from_variables(home: &Path, variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let xdg = |name, usual| {
            let set = variable(name)
                .map(PathBuf::from)
                .filter(|folder| folder.is_absolute());
            set.unwrap_or_else(|| home.join(usual))
        };
        Self {
            home: home.to_owned(),
            config_home: xdg("XDG_CONFIG_HOME", ".config"),
            state_home: xdg("XDG_STATE_HOME", ".local/state"),
            cache_home: xdg("XDG_CACHE_HOME", ".cache"),
            search_path: variable("PATH").unwrap_or_default(),
            named_config: variable("TLS_OPTOUT_CONFIG")
                .filter(|n| !n.is_empty())
                .map(PathBuf::from),
        }
    }

    /// The configuration file, whether it exists or not.
    pub fn config_file(&self) -> PathBuf {
        let usual = || self.config_home.join(OURS).join("config.toml");
        self.named_config.clone().unwrap_or_else(usual)
    }

    /// The folder of the journal, made with mode 0700 where it does not exist.
    ///
    /// # Errors
    /// What the system says where it cannot be made.
    pub fn state_folder(&self) -> io::Result<PathBuf> {
        private_folder(self.state_home.join(OURS))
    }

    /// The folder for what can be found out again, made with mode 0700 where it does not exist.
    ///
    /// # Errors
    /// What the system says where it cannot be made.
    pub fn cache_folder(&self) -> io::Result<PathBuf> {
        private_folder(self.cache_home.join(OURS))
    }

    /// The file in which mutt's answers are remembered.
    pub(super) fn remembered_answers(&self) -> PathBuf {
        self.cache_home.join(OURS).join("mutt.json")
    }

    /// The first executable file of this name in the search path.
    pub fn program(&self, name: &str) -> Option<PathBuf> {
        env::split_paths(&self.search_path)
            .filter(|folder| folder.is_absolute())
            .map(|folder| folder.join(name))
            .find(|file| is_executable(file))
    }
}

/// Whether `file` is a file that somebody may run.
pub(super) fn is_executable(file: &Path) -> bool {
    file.metadata()
        .is_ok_and(|meta| meta.is_file() && meta.permissions().mode() & 0o111 != 0)
}

/// A path as the user writes it: `~` is the home folder, and what is not absolute lies below `base`.
///
/// # Errors
/// What the user should know where the text cannot mean what it looks like.
pub(super) fn expand(text: &str, base: &Path, home: &Path) -> Result<PathBuf, &'static str> {
    if text.is_empty() {
        return Err("is empty");
    }
    if text.starts_with('$') {
        return Err(
            "starts with `$`; variables are not expanded here: write `~/` or the full path",
        );
    }
    if let Some(rest) = text.strip_prefix('~') {
        return match rest.strip_prefix('/') {
            Some(below) => Ok(home.join(below.trim_start_matches('/'))),
            None if rest.is_empty() => Ok(home.to_owned()),
            None => Err("names another user's home; only `~/` is understood: write the full path"),
        };
    }
    Ok(base.join(text))
}

fn private_folder(folder: PathBuf) -> io::Result<PathBuf> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)?;
    Ok(folder)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_expanded() {
        let expand = |text| expand(text, Path::new("/etc/x"), Path::new("/home/me"));
        assert_eq!(expand("~"), Ok(PathBuf::from("/home/me")));
        assert_eq!(expand("~/Mail"), Ok(PathBuf::from("/home/me/Mail")));
        assert_eq!(expand("~//Mail"), Ok(PathBuf::from("/home/me/Mail")));
        assert_eq!(expand("/a"), Ok(PathBuf::from("/a")));
        assert_eq!(expand("ca.pem"), Ok(PathBuf::from("/etc/x/ca.pem")));
        assert!(expand("~bob/Mail").unwrap_err().contains("another user"));
        assert!(expand("$HOME/Mail").unwrap_err().contains('$'));
        assert!(expand("").is_err());
    }

    #[test]
    fn the_environment_moves_the_folders() {
        let set = |name: &str| match name {
            "XDG_CONFIG_HOME" => Some("/etc/me".into()),
            "XDG_CACHE_HOME" => Some("relative".into()),
            "TLS_OPTOUT_CONFIG" => Some("".into()),
            "PATH" => Some("/opt/bin".into()),
            _ => None,
        };
        let places = Places::from_variables(Path::new("/home/me"), set);
        assert_eq!(
            places.config_file(),
            Path::new("/etc/me/tls-optout/config.toml")
        );
        assert_eq!(places.state_home, Path::new("/home/me/.local/state"));
        assert_eq!(places.cache_home, Path::new("/home/me/.cache"));
        assert_eq!(places.search_path, "/opt/bin");
        let named = |name: &str| (name == "TLS_OPTOUT_CONFIG").then(|| "c.toml".into());
        let places = Places::from_variables(Path::new("/home/me"), named);
        assert_eq!(places.config_file(), Path::new("c.toml"));
    }

    #[test]
    fn our_folders_are_private() {
        let home = tempfile::tempdir().unwrap();
        let folder = Places::below(home.path()).state_folder().unwrap();
        assert_eq!(folder, home.path().join(".local/state/tls-optout"));
        assert_eq!(
            folder.metadata().unwrap().permissions().mode() & 0o777,
            0o700
        );
    }
}
