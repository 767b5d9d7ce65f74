//! Names of folders in the configuration that stand for several, as in a shell: `~/Mail/*/INBOX`.
//!
//! `*` and `?` stand for what a name has between two slashes, but for a dot at its beginning. Brackets stand for
//! themselves (`[Gmail]` is a folder of many), and so does a name that exists as it is written.

use std::path::{Path, PathBuf};

use glob::{MatchOptions, Pattern};

const AS_IN_A_SHELL: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// What `name` stands for now, in order. One without wildcards stands for itself, whether it exists or not.
pub fn expand(name: &Path) -> Vec<PathBuf> {
    let Some(pattern) = pattern(name).filter(|_| !name.exists()) else {
        return vec![name.to_owned()];
    };
    // The crate finds no name with a dot when a dot must be written, not even by `.*`.
    let any = MatchOptions {
        require_literal_leading_dot: false,
        ..AS_IN_A_SHELL
    };
    let found = glob::glob_with(&pattern, any)
        .into_iter()
        .flatten()
        .flatten();
    found.filter(|path| stands_for(name, path)).collect()
}

/// Does `name` stand for this path, by the spelling alone?
pub(super) fn stands_for(name: &Path, path: &Path) -> bool {
    let is_match = |pattern: String| {
        Pattern::new(&pattern).is_ok_and(|pattern| pattern.matches_path_with(path, AS_IN_A_SHELL))
    };
    name == path || pattern(name).is_some_and(is_match)
}

/// The directories in which something may come that `name` will stand for. Of a name without wildcards that is the
/// nearest one above it that exists: it may be removed and made again.
pub fn directories_above(name: &Path) -> Vec<PathBuf> {
    let mut directories = Vec::new();
    for above in name.ancestors().skip(1) {
        directories.extend(expand(above).into_iter().filter(|path| path.is_dir()));
        if pattern(above).is_none() && !directories.is_empty() {
            break;
        }
    }
    directories
}

fn pattern(name: &Path) -> Option<String> {
    let name = name.to_str().filter(|name| name.contains(['*', '?']))?;
    Some(name.replace('[', "[[]"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn home(folders: &[&str]) -> tempfile::TempDir {
        let home = tempfile::tempdir().unwrap();
        for folder in folders {
            fs::create_dir_all(home.path().join(folder)).unwrap();
        }
        home
    }

    #[test]
    fn what_names_stand_for() {
        let home = home(&[
            "a/INBOX",
            "b/INBOX",
            ".c/INBOX",
            "d/INBOX/sub",
            "[G]/x",
            "G/x",
            "e*/INBOX",
        ]);
        let is = |name: &str, expected: &[&str]| {
            let expected: Vec<PathBuf> =
                expected.iter().map(|path| home.path().join(path)).collect();
            assert_eq!(expand(&home.path().join(name)), expected, "{name}");
        };
        is("*/INBOX", &["a/INBOX", "b/INBOX", "d/INBOX", "e*/INBOX"]);
        is("?/INBOX", &["a/INBOX", "b/INBOX", "d/INBOX"]);
        is(".*/INBOX", &[".c/INBOX"]);
        is("[G]/*", &["[G]/x"]);
        is("[G]/x", &["[G]/x"]);
        is("e*/INBOX", &["e*/INBOX"]);
        is("nothing/*", &[]);
        is("nothing", &["nothing"]);
    }

    #[test]
    fn spelling_alone() {
        let is = |name: &str, path: &str| stands_for(Path::new(name), Path::new(path));
        assert!(is("/m/*/INBOX", "/m/a/INBOX"));
        assert!(is("/m/[G]/*", "/m/[G]/x"));
        assert!(is("/m/a", "/m/a"));
        assert!(!is("/m/*", "/m/a/INBOX"));
        assert!(!is("/m/*", "/m/.a"));
        assert!(!is("/m/[G]/*", "/m/G/x"));
    }

    #[test]
    fn where_more_may_come() {
        let home = home(&["Mail/a", "Mail/b/INBOX"]);
        let above = |name: &str| {
            let found = directories_above(&home.path().join(name));
            let names = found
                .iter()
                .map(|path| path.strip_prefix(home.path()).unwrap().to_owned());
            names.collect::<Vec<_>>()
        };
        assert_eq!(
            above("Mail/*/INBOX"),
            ["Mail/a", "Mail/b", "Mail"].map(PathBuf::from)
        );
        assert_eq!(above("Mail/a/INBOX"), ["Mail/a"].map(PathBuf::from));
        assert_eq!(above("none/*/INBOX"), [PathBuf::new()]);
    }
}
