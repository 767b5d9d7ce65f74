//! Does an rc file of mutt's run commands when it is read? Nobody is there to answer what they may ask.
//!
//! mutt runs a command in backticks and one that ends in `|` as the file to source (muttrc(5)); NeoMutt runs Lua too.
//! Whatever is not understood counts as a command.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// More files than that nobody has.
const MOST_FILES: usize = 50;
/// More bytes than that no rc file has.
const LARGEST: u64 = 1 << 20;

/// Do these files, and those that they source, run no command? `home`: where mutt is run.
pub(super) fn runs_nothing(files: Vec<PathBuf>, home: &Path) -> bool {
    let (mut to_do, mut seen) = (files, BTreeSet::new());
    while let Some(file) = to_do.pop() {
        if !seen.insert(file.clone()) {
            continue;
        }
        let is_good = fs::metadata(&file).is_ok_and(|meta| meta.is_file() && meta.len() < LARGEST);
        let text = fs::read(&file)
            .ok()
            .filter(|_| is_good && seen.len() <= MOST_FILES);
        let sourced = text.and_then(|text| sourced(&String::from_utf8_lossy(&text)));
        let Some(sourced) = sourced else {
            return false;
        };
        for name in sourced {
            let found: Vec<_> = places(&name, &file, home)
                .into_iter()
                .filter(|path| path.exists())
                .collect();
            // mutt would say that it is not there; somebody may put it there.
            if found.is_empty() {
                return false;
            }
            to_do.extend(found);
        }
    }
    true
}

/// Where a sourced file may be: mutt looks in the folder in which it runs, NeoMutt in that of the file too.
fn places(name: &str, file: &Path, home: &Path) -> Vec<PathBuf> {
    match name.strip_prefix("~/") {
        Some(below) => vec![home.join(below)],
        None => {
            let beside = file.parent().unwrap_or(home).join(name);
            vec![home.join(name), beside]
        }
    }
}

/// The names of the files that the text sources; `None` where it runs a command, or may do so.
fn sourced(text: &str) -> Option<Vec<String>> {
    let text = text.replace("\\\n", " ");
    let mut names = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if line.contains('`') || line.contains("lua") {
            return None;
        }
        // What a hook does it does later, but for this one; behind a `;` another command may stand.
        let is_later = line.split_once("-hook").is_some_and(|(kind, _)| {
            kind.chars().all(|c| c.is_ascii_alphanumeric() || c == '-') && kind != "startup"
        });
        if line.starts_with('#') || (is_later && !line.contains(';')) {
            continue;
        }
        for command in line.split(';') {
            let mut words = command.split_whitespace();
            match (words.next(), words.next(), words.next()) {
                (Some("source"), Some(name), None) => names.push(plain(name)?),
                _ if command.contains("source") && command.contains('|') => return None,
                (Some("source" | "startup-hook"), ..) => return None,
                _ => {}
            }
        }
    }
    Some(names)
}

/// The name of a file that is nothing more than that.
fn plain(name: &str) -> Option<String> {
    let name = name.trim_matches(['"', '\'']);
    let is_plain = |c: char| c.is_alphanumeric() || "/._-~+@".contains(c);
    let is_home = name.starts_with("~/") || !name.starts_with('~');
    (is_home && name.chars().all(is_plain)).then(|| name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_runs_a_command() {
        for text in [
            "set smtp_pass=\"`pass mail`\"",
            "source \"gpg -dq ~/.mutt/secret.gpg |\"",
            "source 'echo set x|'",
            "source echo|",
            "set my_x = 1; source \"cat x |\"",
            "source \\\n  \"gpg -d x|\"",
            "source $my_file",
            "source ~bob/muttrc",
            "source a b",
            "lua-source x.lua",
            "startup-hook 'source x'",
            "# a comment with `date`",
            "send-hook . 'set x'; source \"cat x |\"",
            "folder-hook . 'source a'; source \"cat x|\"",
            "mbox-hook x y;source x|",
        ] {
            assert_eq!(sourced(text), None, "{text}");
        }
    }

    #[test]
    fn what_does_not() {
        let text = "set folder=~/Mail\nset spoolfile = \"=INBOX\"\n# source \"gpg -d x|\"\n\
            macro index a \"<pipe-message>cat | less<enter>\"\nfolder-hook . 'source \"gpg -d x |\"'\n\
            folder-hook . 'set sort=date; set index_format=\"%s\"'\n\
            set sendmail=\"/usr/bin/msmtp\"\nsource ~/.mutt/colours\nsource 'other.rc'\n";
        assert_eq!(
            sourced(text),
            Some(vec!["~/.mutt/colours".to_owned(), "other.rc".to_owned()])
        );
    }

    #[test]
    fn files_that_are_sourced_count_too() {
        let home = tempfile::tempdir().unwrap();
        let home = home.path();
        let rc = home.join(".muttrc");
        let judge = || runs_nothing(vec![rc.clone()], home);
        fs::write(&rc, "source ~/a\n").unwrap();
        assert!(!judge(), "it is not there");
        fs::write(home.join("a"), "source ~/.muttrc\nset folder=~/Mail\n").unwrap();
        assert!(judge());
        fs::write(home.join("a"), "source b\n").unwrap();
        fs::write(home.join("b"), "set my_pass=`pass mail`\n").unwrap();
        assert!(!judge());
    }
}
