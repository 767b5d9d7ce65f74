//! Which files are read first.

use std::fs;
use std::time::{Duration, UNIX_EPOCH};

use tls_optout::maildir::search::find;

use crate::{ID, SENT_AT, Tree, paths, with_id};

#[test]
fn the_nearest_file_is_read_first_whatever_its_name_tells() {
    for near in [Some(SENT_AT), None] {
        let tree = Tree::new();
        for day in 1..400 {
            tree.message(
                &format!("Sent/cur/{}.far:2,S", SENT_AT - day * 86_400),
                &with_id(""),
            );
        }
        let wanted = tree.message(&format!("Sent/cur/{}.near:2,S", SENT_AT + 2), &with_id(""));
        assert_eq!(paths(&find(&tree.places(), ID, near, &|_| true)), [&wanted]);
    }
    let tree = Tree::new();
    tree.message("Sent/cur/1700009000.far:2,S", &with_id(""));
    let wanted = tree.message("Sent/cur/no-time:2,S", &with_id(""));
    let written = fs::File::options().write(true).open(&wanted).unwrap();
    let at = UNIX_EPOCH + Duration::from_secs(1_700_000_001);
    written.set_modified(at).unwrap();
    assert_eq!(paths(&tree.find()), [&wanted]);
}

#[test]
fn far_from_its_time_among_many_files() {
    let tree = Tree::new();
    for number in 0..3000 {
        let id = format!("Message-Id: <{number}@example.org>\nReferences: <{ID}>\n");
        tree.message(
            &format!(
                "Sent/cur/{}.R{number}.host,U={number}:2,S",
                SENT_AT + number
            ),
            &id,
        );
    }
    let wanted = tree.message("Sent/cur/1800000000.R9.host,U=9:2,S", &with_id(""));
    assert_eq!(paths(&tree.find()), [&wanted]);
}

#[test]
fn numbers_of_the_server_lead_to_the_date() {
    let tree = Tree::new();
    let written = |number: i64| SENT_AT + number * 86_400;
    // As mbsync leaves it: all fetched at one time, numbered as they were written, nearly.
    for number in 1..=3000 {
        let name = format!("work/cur/1800000000.9_{number}.host,U={number}:2,S");
        let date = match number {
            _ if number % 11 == 0 => mail_parser::DateTime::from_timestamp(SENT_AT),
            _ => mail_parser::DateTime::from_timestamp(written(number)),
        };
        let date = match number % 7 {
            0 => String::new(),
            _ => format!("Date: {}\n", date.to_rfc822()),
        };
        tree.message(
            &name,
            &format!("{date}Message-ID: <{number}@example.org>\n"),
        );
    }
    for number in [1, 700, 1500, 3000] {
        let id = format!("{number}@example.org");
        let (found, read) = tree.search(&id, written(number), false);
        assert_eq!(found.copies.len(), 1, "{number}");
        assert!(read < 700, "{number}: {read} files were read");
    }
}

#[test]
fn what_is_near_in_another_folder_comes_before_what_is_far_in_any_other() {
    let tree = Tree::new();
    for number in 0..2000 {
        for folder in ["Sent", "Lists"] {
            let name = format!("{folder}/cur/{}.far:2,S", SENT_AT + 10_000 + number);
            tree.message(&name, "Message-ID: <other@example.org>\n");
        }
    }
    let wanted = tree.message("Projects/cur/1700000001.near:2,S", &with_id(""));
    let (found, read) = tree.find_and_count();
    assert_eq!(paths(&found), [&wanted]);
    // All of Sent, and what is nearest elsewhere.
    assert!(read < 2000 + 300, "{read} files were read");
    // What has come back is not what was sent: the rest of Sent is read.
    fs::remove_file(&wanted).unwrap();
    tree.message(
        "Projects/cur/1700000001.back:2,S",
        &with_id("Received: x\n"),
    );
    let sent = tree.message("Sent/cur/1800000000.far:2,S", &with_id(""));
    assert_eq!(paths(&tree.find())[0], &sent);
}

#[test]
fn what_lies_in_sent_wins_however_far_its_time() {
    let tree = Tree::new();
    for number in 0..600 {
        let name = format!("Sent/cur/{}.x:2,S", SENT_AT + number);
        tree.message(&name, "Message-ID: <other@example.org>\n");
    }
    let sent = tree.message("Sent/cur/1800000000.far:2,S", &with_id(""));
    tree.message("Unfinished/cur/1700000001.near:2,", &with_id(""));
    assert_eq!(paths(&tree.find())[0], &sent);
}
