//! Files that move while they are looked for.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tls_optout::maildir;
use tls_optout::maildir::folder::Unreadable;
use tls_optout::maildir::pulse::Pulse;
use tls_optout::maildir::search::{Search, find};
use tls_optout::message::header;

use crate::{ID, SENT_AT, Tree, paths, with_id};

#[test]
fn a_file_renamed_during_the_search_is_followed() {
    let tree = Tree::new();
    let first = tree.message("Sent/cur/1700000000.a:2,S", &with_id("Subject: first\n"));
    let second = tree.message("Sent/new/1700000005.b", &with_id("Subject: second\n"));
    let renamed = tree.path("Sent/cur/1700000005.b,U=7:2,FS");
    // The first copy is refused, and while it is looked at the second is renamed.
    let found = find(&tree.places(), ID, Some(SENT_AT), &|header| {
        let is_first = header::text(header, "Subject").as_deref() == Some("first");
        if is_first {
            fs::rename(&second, &renamed).unwrap();
        }
        !is_first
    });
    assert_eq!(paths(&found), [&renamed, &first]);
    assert_eq!(found.unreadable, Unreadable::default());
}

#[test]
fn a_file_on_its_way_from_new_to_cur_is_one_copy() {
    let tree = Tree::new();
    tree.message("INBOX/new/1700000000.a", &with_id(""));
    tree.message("INBOX/cur/1700000000.a:2,S", &with_id(""));
    tree.message("INBOX/cur/1700000000.b:2,S", &with_id(""));
    assert_eq!(tree.find_all().copies.len(), 2);
}

#[test]
fn a_file_moved_to_a_folder_that_was_searched_already_is_followed() {
    let tree = Tree::new();
    tree.folder("Sent");
    let wanted = tree.message("INBOX/cur/1700000009.w:2,S", &with_id("Subject: wanted\n"));
    let decoy = tree.message("INBOX/cur/1700000000.d:2,S", &with_id("Subject: decoy\n"));
    let moved = tree.path("Sent/cur/1700000009.w:2,S");
    let found = find(&tree.places(), ID, Some(SENT_AT), &|header| {
        let is_decoy = header::text(header, "Subject").as_deref() == Some("decoy");
        if is_decoy {
            fs::rename(&wanted, &moved).unwrap();
        }
        !is_decoy
    });
    assert_eq!(paths(&found), [&moved, &decoy]);
    assert!(found.copies[0].is_right());
}

#[test]
fn while_a_reader_changes_flags_all_the_time() {
    let tree = Tree::new();
    // So many names that the system needs several calls to list them: a file that is renamed between
    // two calls can be missed by a single listing.
    for number in 100..3000 {
        tree.message(
            &format!("Sent/cur/{}.x:2,", SENT_AT + number),
            "Message-ID: <x@y>\n",
        );
    }
    let mut path = tree.message("Sent/cur/1700000007.w:2,", &with_id(""));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for flags in ["", "S", "FS", "RS"].iter().cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                let new = tree.path(&format!("Sent/cur/1700000007.w:2,{flags}"));
                fs::rename(&path, &new).unwrap();
                path = new;
                std::thread::sleep(Duration::from_micros(500));
            }
        });
        let missed = (0..50).filter(|_| tree.find().copies.is_empty()).count();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(missed, 0);
    });
}

#[test]
fn reading_follows_a_rename() {
    let tree = Tree::new();
    let old = tree.message("Sent/new/1700000000.a", &with_id(""));
    tree.message("Sent/cur/1700000000.ab:2,S", "Subject: another\n");
    let new = tree.path("Sent/cur/1700000000.a,U=4:2,S");
    fs::rename(&old, &new).unwrap();
    assert_eq!(maildir::read(&old).unwrap(), fs::read(&new).unwrap());
    fs::remove_file(&new).unwrap();
    assert_eq!(
        maildir::read(&old).unwrap_err().kind(),
        std::io::ErrorKind::NotFound
    );
}

#[test]
fn while_a_folder_gets_another_name_all_the_time() {
    let tree = Tree::new();
    for number in 0..60 {
        tree.message(
            &format!("Lists/{number}/cur/1700000000.x:2,"),
            "Message-ID: <x@y>\n",
        );
    }
    tree.message("A/cur/1700000007.w:2,", &with_id(""));
    let stop = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for (from, to) in [("A", "B"), ("B", "A")].iter().cycle() {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                fs::rename(tree.path(from), tree.path(to)).unwrap();
                std::thread::sleep(Duration::from_millis(10));
            }
        });
        let missed = (0..300).filter(|_| tree.find().copies.is_empty()).count();
        stop.store(true, Ordering::Relaxed);
        assert_eq!(missed, 0);
    });
}

/// A clock was wrong, or a copy kept such times.
#[test]
fn directories_from_the_future_stand_still_as_well() {
    let tree = Tree::new();
    let soon = std::time::SystemTime::now() + Duration::from_secs(7200);
    for number in 0..10 {
        tree.message(
            &format!("{number}/cur/1700000000.x:2,"),
            "Message-ID: <x@y>\n",
        );
    }
    let parts = |number| ["cur", "new", "."].map(|part| format!("{number}/{part}"));
    for directory in (0..10).flat_map(parts).chain([String::new()]) {
        let directory = fs::File::open(tree.path(&directory)).unwrap();
        directory.set_modified(soon).unwrap();
    }
    let pulse = Pulse::default();
    let search = Search {
        places: &tree.places(),
        message_id: ID,
        near: Some(SENT_AT),
        accept: &|_| true,
        is_for_all: false,
        index: None,
        external: None,
        pulse: &pulse,
    };
    assert!(search.run().copies.is_empty());
    // Each directory is listed twice, and looked at once more.
    assert!(pulse.beats() < 300, "{}", pulse.beats());
}
