//! The Maildir room with real directory trees, and the copy proof with real notices.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, UNIX_EPOCH};

use tls_optout::maildir;
use tls_optout::maildir::folder::{Unreadable, Walk, is_maildir};
use tls_optout::maildir::proof::{COMPARED, Mismatch, prove};
use tls_optout::maildir::pulse::Pulse;
use tls_optout::maildir::search::{Copy, Flaw, Found, Places, Search, find};
use tls_optout::message::header;
use tls_optout::notice::{Extent, Returned};

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
    let mut found = walk.below(&tree.path(""), &mut unreadable);
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
    assert!(walk.below(&tree.path(""), &mut unreadable).is_empty());
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
fn what_is_near_in_another_folder_comes_before_what_is_far_in_sent() {
    let tree = Tree::new();
    for number in 0..2000 {
        let name = format!("Sent/cur/{}.far:2,S", SENT_AT + 10_000 + number);
        tree.message(&name, "Message-ID: <other@example.org>\n");
    }
    let wanted = tree.message("Projects/cur/1700000001.near:2,S", &with_id(""));
    let (found, read) = tree.find_and_count();
    assert_eq!(paths(&found), [&wanted]);
    assert!(read < 300, "{read} files were read");
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

/// What a captured notice returned. The reader of notices has its own tests.
fn returned(notice: &[u8]) -> Option<Returned> {
    let mut at = 0;
    for line in notice.split_inclusive(|byte| *byte == b'\n') {
        at += line.len();
        let line = String::from_utf8_lossy(line).to_ascii_lowercase();
        let extent = match line.strip_prefix("content-type:").map(str::trim) {
            Some("message/rfc822" | "message/global") => Extent::Full,
            Some("text/rfc822-headers" | "message/global-headers") => Extent::Headers,
            _ => continue,
        };
        let part = header::body(&notice[at..]);
        let header = part[..header::length(part)].to_vec();
        return Some(Returned {
            extent,
            header,
            ..Returned::default()
        });
    }
    None
}

#[test]
fn every_original_proves_against_its_own_notice_and_no_other() {
    let data = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/data/dsn"));
    let mut pairs = Vec::new();
    for entry in fs::read_dir(data.join("originals")).unwrap() {
        let original = entry.unwrap().path();
        let name = original.file_stem().unwrap().to_str().unwrap();
        let notice = data.join(format!("{name}.eml"));
        let returned = returned(&fs::read(&notice).unwrap());
        pairs.push((notice, fs::read(&original).unwrap(), returned));
    }
    pairs.sort_by(|one, other| one.0.cmp(&other.0));
    let mut proven = 0;
    for (index, (name, original, returned)) in pairs.iter().enumerate() {
        let returned = returned
            .as_ref()
            .unwrap_or_else(|| panic!("{name:?} returned nothing"));
        let has_id = header::first(original, "Message-ID").is_some();
        match prove(original, returned) {
            Ok(proof) => {
                assert!(has_id && proof.is_whole(), "{name:?} {proof:?}");
                assert_eq!(proof.agreed, COMPARED);
                proven += 1;
            }
            Err(Mismatch::NoMessageId) => assert!(!has_id, "{name:?}"),
            Err(mismatch) => assert!(!has_id, "{name:?} {mismatch}"),
        }
        for other in [1, 2, 17, 250] {
            let (_, other, _) = &pairs[(index + other) % pairs.len()];
            // Some messages have two notices.
            let same = header::text(other, "Message-ID") == header::text(original, "Message-ID");
            assert_eq!(prove(other, returned).is_ok(), same && has_id, "{name:?}");
        }
    }
    assert_eq!(pairs.len(), 563);
    assert_eq!(proven, 560);
}
