//! Drafts and what was thrown away.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use tls_optout::maildir::search::Flaw;

use crate::{Tree, with_id};

/// What speaks against a copy at this place, but that it is not in a folder for sent mail.
fn flaws(path: &str, more: &str) -> Vec<&'static str> {
    let tree = Tree::new();
    tree.message(path, &with_id(more));
    let found = tree.find_all();
    assert_eq!(found.copies.len(), 1, "{path}");
    let copy = &found.copies[0];
    let flaws: Vec<_> = copy.flaws.iter().map(|flaw| Flaw::name(*flaw)).collect();
    assert_eq!(copy.is_sendable(), flaws == ["not-in-sent"], "{path}");
    flaws
        .into_iter()
        .filter(|name| *name != "not-in-sent")
        .collect()
}

#[test]
fn folders_for_drafts_by_their_names() {
    for folder in [
        "Drafts",
        "Drafts/old",
        ".INBOX.Drafts.2026",
        "[Gmail].Drafts",
        "Entwürfe",
        "Entw&APw-rfe",
        "INBOX/.Entw&APw-rfe",
        "brouillons",
        "&BCcENQRABD0EPgQyBDgEOgQ4-",
        "下書き",
        "postponed",
    ] {
        let path = format!("{folder}/cur/1700000000.a:2,S");
        assert_eq!(flaws(&path, ""), ["draft"], "{folder}");
    }
    for folder in ["Draftsmen", "Projects", "R&D", "A&-B", "&broken", "Sent"] {
        let path = format!("{folder}/cur/1700000000.a:2,S");
        let tree = Tree::new();
        tree.message(&path, &with_id(""));
        assert!(tree.find_all().copies[0].is_sendable(), "{folder}");
    }
}

#[test]
fn drafts_by_their_headers() {
    for field in [
        "X-Mozilla-Draft-Info: internal/draft; vcard=0\n",
        "X-Mutt-Fcc: =Sent\n",
        "X-Mutt-PGP: S\n",
        "X-Uniform-Type-Identifier: com.apple.mail-draft\n",
    ] {
        assert_eq!(
            flaws("Box/cur/1700000000.a:2,S", field),
            ["draft"],
            "{field}"
        );
    }
    let other = "X-Uniform-Type-Identifier: com.apple.mail-note\n";
    assert!(flaws("Box/cur/1700000000.a:2,S", other).is_empty());
}

#[test]
fn what_was_thrown_away_is_not_sent_again() {
    for path in [
        "Trash/cur/1700000000.a:2,S",
        "INBOX/.Papierkorb/cur/1700000000.a:2,S",
        "Gel&APY-schte Elemente/cur/1700000000.a:2,S",
        "Deleted Items/2026/cur/1700000000.a:2,S",
        "Box/cur/1700000000.a:2,ST",
    ] {
        assert_eq!(flaws(path, ""), ["deleted"], "{path}");
    }
}

#[test]
fn what_lies_above_the_mail_says_nothing() {
    let tree = Tree::new();
    let mut places = tree.places();
    places.search = vec![tree.path("drafts/Trash/Mail")];
    places.sent = vec![tree.path("drafts/Trash/Mail/Sent")];
    tree.message("drafts/Trash/Mail/Sent/cur/1700000000.a:2,S", &with_id(""));
    let found = tls_optout::maildir::search::find(&places, crate::ID, None, &|_| true);
    assert!(found.copies[0].is_right(), "{found:?}");
}

#[test]
fn names_that_are_not_utf8_are_no_drafts() {
    let tree = Tree::new();
    let name = OsStr::from_bytes(b"b\xfcro");
    for part in ["cur", "new"] {
        std::fs::create_dir_all(tree.path("").join(name).join(part)).unwrap();
    }
    let file = tree.path("").join(name).join("cur/1700000000.a:2,S");
    std::fs::write(file, format!("{}\nx\n", with_id(""))).unwrap();
    assert!(tree.find_all().copies[0].is_sendable());
}
