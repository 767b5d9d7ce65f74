//! What cannot be read, or is no ordinary file.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;

use tls_optout::maildir;
use tls_optout::maildir::folder::Unreadable;
use tls_optout::maildir::search::{Places, find};

use crate::{ID, SENT_AT, Tree, paths, with_id};

#[test]
fn what_cannot_be_read_is_named_and_not_fatal() {
    let tree = Tree::new();
    let wanted = tree.message("Box/cur/1700000000.a:2,S", &with_id(""));
    fs::write(tree.path("Box/cur/empty"), "").unwrap();
    symlink(tree.path("Box/cur/circle"), tree.path("Box/cur/circle")).unwrap();
    let found = find(
        &Places {
            sent: vec![tree.path("No/Sent")],
            search: vec![tree.path("")],
        },
        ID,
        Some(SENT_AT),
        &|_| false,
    );
    assert_eq!(paths(&found), [&wanted]);
    let named: Vec<_> = found
        .unreadable
        .named
        .iter()
        .map(|(path, _)| path.clone())
        .collect();
    assert_eq!(named, [tree.path("No/Sent"), tree.path("Box/cur/circle")]);
    assert_eq!(found.unreadable.count, 2);
}

#[test]
fn a_pipe_in_a_folder_does_not_stop_the_search() {
    let tree = Tree::new();
    let wanted = tree.message("Box/cur/1700000000.a:2,S", &with_id(""));
    let made = std::process::Command::new("mkfifo")
        .arg(tree.path("Box/cur/1700000000.0"))
        .status();
    assert!(made.unwrap().success());
    assert_eq!(paths(&tree.find()), [&wanted]);
}

#[test]
fn long_headers_and_names_of_any_bytes() {
    let tree = Tree::new();
    let folder = tree.folder("Sent");
    let long = format!("X-Long: {}\n", "x ".repeat(1 << 19));
    fs::write(folder.join("cur/1.empty"), "").unwrap();
    let name = OsStr::from_bytes(b"cur/1700000000.\xff\xfe\n.host:2,S");
    let wanted = folder.join(name);
    fs::write(&wanted, format!("{}\nbody\n", with_id(&long))).unwrap();
    let found = tree.find();
    assert_eq!(paths(&found), [&wanted]);
    assert!(found.copies[0].header.len() > 1 << 20);
    assert_eq!(found.unreadable, Unreadable::default());
}

#[test]
fn a_file_too_large_for_mail_is_not_read() {
    let tree = Tree::new();
    let path = tree.message("Sent/cur/1700000000.a:2,S", &with_id(""));
    fs::File::options()
        .write(true)
        .open(&path)
        .unwrap()
        .set_len(maildir::LARGEST + 1)
        .unwrap();
    let error = maildir::read(&path).unwrap_err();
    assert_eq!(error.kind(), std::io::ErrorKind::FileTooLarge);
}

#[test]
fn wildcards_with_a_slash_behind_and_names_of_any_bytes() {
    let tree = Tree::new();
    let folder = tree
        .path("")
        .join(OsStr::from_bytes(b"b\xfcro"))
        .join("Box");
    for part in ["cur", "new"] {
        fs::create_dir_all(folder.join(part)).unwrap();
    }
    let wanted = folder.join("cur/1700000000.a:2,S");
    fs::write(&wanted, format!("{}\nx\n", with_id(""))).unwrap();
    for root in ["*/Box/", "b?ro/*/", "*"] {
        let places = Places {
            sent: Vec::new(),
            search: vec![tree.path(root)],
        };
        let found = find(&places, ID, Some(SENT_AT), &|_| true);
        assert_eq!(paths(&found), [&wanted], "{root}");
    }
}

#[test]
fn what_wildcards_cannot_read_is_named() {
    let tree = Tree::new();
    tree.folder("a/Box");
    symlink(tree.path("circle"), tree.path("circle")).unwrap();
    for root in ["*/Box", "c*/*"] {
        let places = Places {
            sent: Vec::new(),
            search: vec![tree.path(root)],
        };
        let unreadable = find(&places, ID, Some(SENT_AT), &|_| true).unreadable;
        assert_eq!(unreadable.count, 1, "{root}");
        let name = &unreadable.named[0].0;
        assert!(name.starts_with(tree.path("circle")), "{name:?}");
    }
}
