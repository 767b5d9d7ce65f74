//! `inspect` from the outside: many files, Maildir folders, bad ones among them.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::layouts;

struct Run {
    status: i32,
    lines: Vec<String>,
    errors: String,
}

fn inspect(home: &Path, arguments: &[&str]) -> Run {
    let output = Command::new(env!("CARGO_BIN_EXE_tls-optout"))
        .arg("inspect")
        .args(arguments)
        .env_clear()
        .env("HOME", home)
        .current_dir(home)
        .output()
        .unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    Run {
        status: output.status.code().unwrap(),
        lines: text(&output.stdout).lines().map(str::to_owned).collect(),
        errors: text(&output.stderr),
    }
}

fn maildir(home: &Path) {
    for part in ["new", "cur", "tmp"] {
        fs::create_dir_all(home.join("Mail").join(part)).unwrap();
    }
    let words = "TLS connect failed: timed out; connected to 192.0.2.1.";
    let qmail = layouts::notice("qmail", true, "", words);
    fs::write(home.join("Mail/new/1.a.host"), &qmail).unwrap();
    fs::write(home.join("Mail/cur/2.b.host:2,S"), "Subject: lunch\n\nhi\n").unwrap();
    fs::write(home.join("Mail/tmp/4.d.host"), &qmail).unwrap();
    fs::write(home.join("Mail/cur/.hidden"), &qmail).unwrap();
    fs::write(home.join("notice"), &qmail).unwrap();
}

#[test]
fn a_maildir_folder_gives_one_json_line_each_and_a_bad_file_is_reported() {
    let home = tempfile::tempdir().unwrap();
    maildir(home.path());
    symlink("nowhere", home.path().join("Mail/cur/3.c.host:2,")).unwrap();
    let run = inspect(home.path(), &["--json", "Mail", "missing", "notice"]);
    assert_eq!(run.status, 66, "{}", run.errors);
    let lines: Vec<Value> = run
        .lines
        .iter()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let read: Vec<_> = lines
        .iter()
        .map(|line| {
            (
                line["file"].as_str().unwrap(),
                line["notice"]["mta"].as_str(),
            )
        })
        .collect();
    assert_eq!(
        read,
        [
            ("Mail/new/1.a.host", Some("qmail")),
            ("Mail/cur/2.b.host:2,S", None),
            ("notice", Some("qmail"))
        ]
    );
    let errors: Vec<_> = run.errors.lines().collect();
    assert_eq!(errors.len(), 2, "{errors:?}");
    assert!(errors[0].contains("Mail/cur/3.c.host:2,: "), "{errors:?}");
    assert!(errors[1].ends_with("missing: no such file"), "{errors:?}");
}

#[test]
fn people_see_the_notices_of_a_folder_only() {
    let home = tempfile::tempdir().unwrap();
    maildir(home.path());
    let run = inspect(home.path(), &["Mail"]);
    assert_eq!((run.status, run.errors.as_str()), (0, ""));
    assert!(
        run.lines[0].starts_with("Mail/new/1.a.host: a notice of "),
        "{:?}",
        run.lines
    );
    assert!(
        run.lines.iter().all(|line| !line.contains("2.b.host")),
        "{:?}",
        run.lines
    );
    let run = inspect(home.path(), &["Mail/cur/2.b.host:2,S"]);
    assert_eq!(run.status, 1);
    assert_eq!(run.lines, ["Mail/cur/2.b.host:2,S: not a delivery notice"]);
}

#[test]
fn a_folder_that_is_no_maildir_is_reported() {
    let home = tempfile::tempdir().unwrap();
    maildir(home.path());
    fs::create_dir(home.path().join("plain")).unwrap();
    let run = inspect(home.path(), &["--json", "plain", "Mail"]);
    assert_eq!((run.status, run.lines.len()), (66, 2));
    assert!(
        run.errors.contains("plain is a folder, but no Maildir"),
        "{}",
        run.errors
    );
}
