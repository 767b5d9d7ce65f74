//! Which of the places that mutt names are of use, without waiting for a mount whose server is gone.

use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

/// So long the system may take to look at a path. Whoever opens it later says what is wrong there.
const PATIENCE: Duration = Duration::from_secs(1);

/// mutt's inbox, if it is a Maildir and not, as by default, a spool file.
pub(super) fn maildir(spoolfile: Option<PathBuf>) -> Vec<PathBuf> {
    keep_unless(spoolfile, |path| !path.join("cur").is_dir())
}

/// The folder for copies, which mutt makes when the first message is sent.
pub(super) fn not_mbox(record: Option<PathBuf>) -> Vec<PathBuf> {
    keep_unless(record, Path::is_file)
}

/// The folder above all others.
pub(super) fn folder(folder: Option<PathBuf>) -> Vec<PathBuf> {
    keep_unless(folder, |path| !path.is_dir())
}

/// The path, unless it is known to be no good: one that gives no answer stays.
fn keep_unless(path: Option<PathBuf>, is_no_good: fn(&Path) -> bool) -> Vec<PathBuf> {
    let Some(path) = path else {
        return Vec::new();
    };
    let (sender, answer) = channel();
    let asked = path.clone();
    thread::spawn(move || sender.send(is_no_good(&asked)));
    match answer.recv_timeout(PATIENCE) {
        Ok(true) => Vec::new(),
        _ => vec![path],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_that_gives_no_answer_stays() {
        let path = PathBuf::from("/net/mail");
        let hangs = |_: &Path| loop {
            thread::park();
        };
        let kept = keep_unless(Some(path.clone()), hangs);
        assert_eq!(kept, std::slice::from_ref(&path));
        assert!(keep_unless(Some(path), |_| true).is_empty());
    }

    #[test]
    fn a_spool_file_is_no_maildir() {
        let home = tempfile::tempdir().unwrap();
        let (file, mail) = (home.path().join("spool"), home.path().join("Mail"));
        std::fs::write(&file, "").unwrap();
        std::fs::create_dir_all(mail.join("cur")).unwrap();
        let missing = home.path().join("Sent");
        for (test, kept) in [
            (maildir as fn(_) -> _, vec![&mail]),
            (not_mbox, vec![&mail, &missing]),
            (folder, vec![&mail]),
        ] {
            let all = [&file, &mail, &missing].into_iter();
            let found: Vec<PathBuf> = all.flat_map(|path| test(Some(path.clone()))).collect();
            assert_eq!(found.iter().collect::<Vec<_>>(), kept);
        }
    }
}
