//! The Maildir room with real directory trees.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use tls_optout::maildir::folder::{Unreadable, Walk, is_maildir};
use tls_optout::maildir::pulse::Pulse;
use tls_optout::maildir::search::{Copy, Flaw, Found, Places, Search, find};
use tls_optout::message::header;

mod moving;
mod odd;
mod order;
mod proof;
mod purpose;

const ID: &str = "wanted@example.org";
const SENT_AT: i64 = 1_700_000_000;

/// A tree of Maildir folders that is gone at the end of the test.
struct Tree(tempfile::TempDir);

impl Tree {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn path(&self, path: &str) -> PathBuf {
        self.0.path().join(path)
    }

    fn folder(&self, name: &str) -> PathBuf {
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(self.path(name).join(part)).unwrap();
        }
        self.path(name)
    }

    /// A file under `path`, such as `Sent/cur/name`.
    fn message(&self, path: &str, header: &str) -> PathBuf {
        let path = self.path(path);
        self.folder(
            path.ancestors()
                .nth(2)
                .unwrap()
                .strip_prefix(self.0.path())
                .unwrap()
                .to_str()
                .unwrap(),
        );
        fs::write(&path, format!("{header}\nbody\n")).unwrap();
        path
    }

    fn places(&self) -> Places {
        Places {
            sent: vec![self.path("Sent")],
            search: vec![self.path("")],
        }
    }

    /// All copies, without an index.
    fn find_all(&self) -> Found {
        self.search(ID, SENT_AT, true).0
    }

    /// The right copy, and how many files were read.
    fn find_and_count(&self) -> (Found, u64) {
        self.search(ID, SENT_AT, false)
    }

    fn search(&self, message_id: &str, near: i64, is_for_all: bool) -> (Found, u64) {
        let pulse = Pulse::default();
        let search = Search {
            places: &self.places(),
            message_id,
            near: Some(near),
            accept: &|_| true,
            is_for_all,
            index: None,
            external: None,
            pulse: &pulse,
        };
        (search.run(), pulse.files())
    }

    fn find(&self) -> Found {
        find(&self.places(), ID, Some(SENT_AT), &|_| true)
    }
}

fn with_id(more: &str) -> String {
    format!("From: me@example.org\n{more}Message-ID: <{ID}>\n")
}

fn paths(found: &Found) -> Vec<&Path> {
    found
        .copies
        .iter()
        .map(|copy| copy.path.as_path())
        .collect()
}

#[test]
fn folders_of_all_layouts_each_once() {
    let tree = Tree::new();
    for name in [
        "",
        ".Sent",
        ".Lists.rust",
        "nested/deep/box",
        "nested/deep/box/inner",
    ] {
        tree.folder(name);
    }
    fs::create_dir_all(tree.path("not/cur")).unwrap();
    symlink(tree.path(""), tree.path("nested/loop")).unwrap();
    let elsewhere = Tree::new();
    elsewhere.folder("archive");
    symlink(elsewhere.path("archive"), tree.path("linked")).unwrap();
    symlink(tree.path("nowhere"), tree.path("dangling")).unwrap();

    let mut unreadable = Unreadable::default();
    let mut walk = Walk::default();
    let mut folders_below = |root: &Path, unreadable: &mut Unreadable| {
        let directories = walk.directories_below(root, unreadable).into_iter();
        let folders = directories.filter_map(|(path, is_folder)| is_folder.then_some(path));
        folders.collect::<Vec<_>>()
    };
    let mut found = folders_below(&tree.path(""), &mut unreadable);
    found.sort();
    let names: Vec<_> = found
        .iter()
        .map(|path| path.strip_prefix(tree.path("")).unwrap())
        .collect();
    let expected = [
        "",
        ".Lists.rust",
        ".Sent",
        "linked",
        "nested/deep/box",
        "nested/deep/box/inner",
    ];
    assert_eq!(names, expected.map(Path::new));
    assert_eq!(unreadable.count, 1);
    assert_eq!(unreadable.named[0].0, tree.path("dangling"));
    assert!(folders_below(&tree.path(""), &mut unreadable).is_empty());
    assert!(is_maildir(&tree.path(".Sent")) && !is_maildir(&tree.path("not")));
}

#[test]
fn the_saved_copy_is_found_and_ends_the_search() {
    let tree = Tree::new();
    let sent = tree.message(
        "Sent/cur/1700000003.R1.host:2,S",
        &with_id("To: b@example.net\n"),
    );
    tree.message(
        "INBOX/cur/1700000001.R2.host:2,S",
        &with_id("Received: by list\n"),
    );
    let found = tree.find();
    assert_eq!(paths(&found), [&sent]);
    assert!(found.copies[0].is_right());
    assert_eq!(found.looked_in, [tree.path("Sent")]);
    assert_eq!(
        header::text(&found.copies[0].header, "to").as_deref(),
        Some("b@example.net")
    );
}

#[test]
fn neither_replies_nor_notices_nor_quotations_are_copies() {
    let tree = Tree::new();
    tree.message(
        "Sent/cur/1.a:2,S",
        &format!("Message-ID: <x@y>\nIn-Reply-To: <{ID}>\nReferences: <{ID}>\n"),
    );
    tree.message(
        "INBOX/new/2.b",
        &format!("Message-ID: <n@mta>\nSubject: x\n\nMessage-ID: <{ID}>\n"),
    );
    tree.message("INBOX/tmp/3.c", &with_id(""));
    let found = tree.find();
    assert!(found.copies.is_empty(), "{found:?}");
    assert_eq!(found.files_seen, 2);
    let mut looked_in = found.looked_in;
    looked_in.sort();
    assert_eq!(looked_in, [tree.path("INBOX"), tree.path("Sent")]);
}

#[test]
fn copies_are_ranked() {
    let tree = Tree::new();
    let received = tree.message("INBOX/new/1700000000.a", &with_id("Received: by mx\n"));
    let list = tree.message(
        "Lists/cur/1700000000.b:2,S",
        &with_id("List-Id: <l.example.net>\nReceived: x\n"),
    );
    let draft = tree.message("Drafts/cur/1700000000.c:2,S", &with_id(""));
    let marked = tree.message("Box/cur/1700000000.d:2,DS", &with_id(""));
    let torn = tree.message(
        "Sent/cur/1700000000.e:2,S",
        &with_id("Content-Type: multipart/mixed; boundary=b\n"),
    );
    let archived = tree.message("Old/2023/cur/1700000000.f:2,S", &with_id(""));
    let found = tree.find_all();
    let order = [&archived, &received, &list, &marked, &draft, &torn];
    assert_eq!(paths(&found), order);
    assert_eq!(found.copies[0].flaws, [Flaw::NotInSent]);
    assert_eq!(found.copies[5].flaws, [Flaw::Incomplete]);
    let sendable: Vec<_> = found.copies.iter().map(Copy::is_sendable).collect();
    assert_eq!(sendable, [true, false, false, false, false, false]);
}

#[test]
fn a_copy_that_is_not_accepted_does_not_end_the_search() {
    let tree = Tree::new();
    let plain = tree.message("Sent/cur/1700000000.a:2,S", &with_id("Subject: clear\n"));
    let right = tree.message(
        "Archive/cur/1600000000.b:2,S",
        &with_id("Subject: encrypted\n"),
    );
    let found = find(&tree.places(), ID, Some(SENT_AT), &|header| {
        header::text(header, "Subject").as_deref() == Some("encrypted")
    });
    assert_eq!(paths(&found), [&right, &plain]);
    assert_eq!(found.copies[1].flaws, [Flaw::Unproven]);
}
