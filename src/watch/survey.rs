//! Which folders are there, and where others may appear.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::maildir::folder::{PARTS, Unreadable, Walk};
use crate::maildir::wildcard::{directories_above, expand_noting};

/// What one walk has found.
#[derive(Debug, Default)]
pub struct Survey {
    /// The Maildir folders.
    pub folders: Vec<PathBuf>,
    /// The directories in which something may appear: those of messages, and those of folders. For a root that
    /// does not exist, the directory in which it, or the way to it, will be made.
    pub directories: BTreeSet<PathBuf>,
    /// What cannot be read, and why.
    pub unreadable: Vec<(PathBuf, String)>,
    /// The roots that have no folder, or none that another has not.
    pub empty: Vec<PathBuf>,
}

impl Survey {
    /// `roots` are Maildir folders, or directories with Maildir folders below. They need not exist yet, and may hold
    /// [wildcards](crate::maildir::wildcard).
    pub fn of(roots: &[PathBuf]) -> Survey {
        let mut survey = Survey::default();
        let mut walk = Walk::default();
        for root in roots {
            survey.add(root, &mut walk);
        }
        survey
    }

    fn add(&mut self, root: &Path, walk: &mut Walk) {
        let mut unreadable = Unreadable::default();
        let count = self.folders.len();
        for root in expand_noting(root, &mut unreadable) {
            for (directory, is_folder) in walk.directories_below(&root, &mut unreadable) {
                if is_folder {
                    self.directories
                        .extend(PARTS.map(|part| directory.join(part)));
                    self.folders.push(directory.clone());
                }
                self.directories.insert(directory);
            }
        }
        self.directories.extend(directories_above(root));
        // What is not there may come, and is no fault.
        let there = unreadable.named.into_iter();
        self.unreadable
            .extend(there.filter(|(path, _)| !matches!(path.try_exists(), Ok(false))));
        if self.folders.len() == count {
            self.empty.push(root.to_owned());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn folders_below_and_folders_to_come() {
        let home = tempfile::tempdir().unwrap();
        let root = home.path().join("Mail/INBOX");
        let look = || Survey::of(std::slice::from_ref(&root));
        let survey = look();
        assert!(survey.folders.is_empty());
        assert!(survey.directories.contains(home.path()));
        assert_eq!(survey.empty, std::slice::from_ref(&root));
        for folder in [&root, &root.join(".Bounces")] {
            for part in PARTS {
                fs::create_dir_all(folder.join(part)).unwrap();
            }
        }
        let mut survey = look();
        survey.folders.sort();
        assert_eq!(survey.folders, [root.clone(), root.join(".Bounces")]);
        assert!(survey.directories.contains(&root));
        assert!(survey.directories.contains(&root.join(".Bounces/new")));
        assert!(survey.empty.is_empty() && survey.unreadable.is_empty());
    }
}
