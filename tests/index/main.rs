//! The index from outside: what it knows, what heals, and that it never misleads.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tls_optout::maildir::index::{self, State};
use tls_optout::maildir::pulse::Pulse;
use tls_optout::maildir::search::{Found, Places, Search};

mod damage;
mod moving;

pub(crate) const ID: &str = "wanted@example.org";

/// A home with mail and a state folder, gone at the end of the test.
pub(crate) struct Home(tempfile::TempDir);

impl Home {
    pub(crate) fn new() -> Home {
        let home = Home(tempfile::tempdir().unwrap());
        fs::create_dir(home.state()).unwrap();
        home
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.0.path().join("state")
    }

    pub(crate) fn mail(&self) -> PathBuf {
        self.0.path().join("Mail")
    }

    pub(crate) fn places(&self) -> Places {
        Places {
            sent: vec![self.mail().join("Sent")],
            search: vec![self.mail()],
        }
    }

    /// A message, such as `Sent/cur/1700000000.a:2,S`.
    pub(crate) fn message(&self, path: &str, fields: &str) -> PathBuf {
        let path = self.mail().join(path);
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(path.ancestors().nth(2).unwrap().join(part)).unwrap();
        }
        fs::write(&path, format!("From: me@example.org\n{fields}\nbody\n")).unwrap();
        path
    }

    pub(crate) fn wanted(&self, path: &str) -> PathBuf {
        self.message(path, &format!("Message-ID: <{ID}>\n"))
    }

    /// The number of messages that were read.
    pub(crate) fn update(&self) -> u64 {
        index::update(&self.state(), &self.places(), &mut |_| {})
            .unwrap()
            .read
    }

    pub(crate) fn look(&self, index: bool) -> Found {
        let file = index::file(&self.state());
        Search {
            places: &self.places(),
            message_id: ID,
            near: None,
            accept: &|_| true,
            is_for_all: false,
            index: index.then_some(&*file),
            external: None,
            pulse: &Pulse::default(),
        }
        .run()
    }

    /// The best copy by the index, and whether it was found without a search.
    pub(crate) fn found(&self) -> (Option<PathBuf>, bool) {
        let found = self.look(true);
        let by_index = found.files_seen == found.copies.len();
        (found.copies.first().map(|copy| copy.path.clone()), by_index)
    }

    /// Sets the time of all directories back, as if nothing had been done there for an hour.
    pub(crate) fn settle(&self) {
        let mut to_do = vec![self.mail()];
        let hour_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(3600);
        while let Some(directory) = to_do.pop() {
            for entry in fs::read_dir(&directory).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() {
                    to_do.push(entry.path());
                }
            }
            let directory = fs::File::open(directory).unwrap();
            directory.set_modified(hour_ago).unwrap();
        }
    }
}

#[test]
fn the_index_knows_where_the_copy_lies() {
    let home = Home::new();
    for number in 0..700 {
        let id = format!("Message-ID: <{number}@example.org>\nReferences: <{ID}>\n");
        home.message(&format!("Sent/cur/17000{number}.a{number}:2,S"), &id);
        home.message(
            &format!("INBOX/new/17000{number}.b{number}"),
            "Subject: no id\n",
        );
    }
    let wanted = home.wanted("Sent/cur/1700000000.w:2,S");
    assert_eq!(home.update(), 1401);
    assert_eq!(home.found(), (Some(wanted), true));
    let file = index::file(&home.state());
    let mode = file.metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    assert!(file.metadata().unwrap().len() < 120 * 1401 + 16_384);
}

#[test]
fn the_copy_that_was_sent_and_not_the_echo() {
    let home = Home::new();
    home.message(
        "Lists/cur/1700000000.l:2,S",
        &format!("List-Id: <l.example.com>\nReceived: x\nMessage-ID: <{ID}>\n"),
    );
    let wanted = home.wanted("Sent/cur/1700000000.w:2,S");
    home.update();
    let found = home.look(true);
    assert_eq!((found.copies.len(), found.files_seen), (2, 2));
    assert_eq!(found.copies[0].path, wanted);
    fs::remove_file(wanted).unwrap();
    // The index knows but the echo: all folders are searched, and it is said what speaks against it.
    let found = home.look(true);
    assert_eq!(found.copies.len(), 1);
    assert!(!found.copies[0].is_sendable());
}

#[test]
fn an_entry_that_is_no_longer_true_heals_at_the_look_up() {
    let home = Home::new();
    let old = home.wanted("Sent/new/1700000000.w");
    home.message("Archive/cur/1.a:2,S", "Subject: x\n");
    home.update();
    let mut last = old;
    for (now, by_index) in [
        ("Sent/cur/1700000000.w:2,S", true),
        ("Sent/cur/1700000000.w:2,abcRS", true),
        ("Sent/cur/1700000000.w,U=17:2,S", true),
        ("Archive/cur/1700000000.w:2,S", false),
        ("Archive/cur/99.other:2,S", false),
    ] {
        let now = home.mail().join(now);
        fs::rename(&last, &now).unwrap();
        assert_eq!(home.found().0.as_ref(), Some(&now));
        assert_eq!(home.found().1, by_index, "{now:?}");
        last = now;
    }
    fs::remove_file(&last).unwrap();
    assert_eq!(home.found().0, None);
}

#[test]
fn another_message_under_the_old_name_is_not_taken_for_it() {
    let home = Home::new();
    let old = home.wanted("Sent/cur/1700000000.w:2,S");
    home.update();
    let moved = home.mail().join("Sent/cur/1700000001.x:2,S");
    fs::rename(&old, &moved).unwrap();
    fs::write(&old, "Message-ID: <other@example.org>\n\nbody\n").unwrap();
    assert_eq!(home.found(), (Some(moved), false));
}

#[test]
fn what_has_not_changed_is_not_read_again() {
    let home = Home::new();
    home.message("Sent/cur/1.a:2,S", "Message-ID: <1@example.org>\n");
    home.message("Sent/cur/2.b:2,S", "Message-ID: <2@example.org>\n");
    home.settle();
    assert_eq!(home.update(), 2);
    assert_eq!(home.update(), 0);
    let checked = |changed| State::Good {
        folders: 1,
        files: 2,
        changed,
    };
    assert_eq!(
        index::check(&home.state(), &home.places()).unwrap(),
        checked(0)
    );

    let wanted = home.wanted("Sent/new/3.w");
    assert_eq!(
        index::check(&home.state(), &home.places()).unwrap(),
        checked(1)
    );
    assert_eq!(home.update(), 1);
    assert_eq!(home.found(), (Some(wanted.clone()), true));

    // Renamed, and another removed: nothing is read for that.
    let renamed = home.mail().join("Sent/cur/3.w:2,RS");
    fs::rename(wanted, &renamed).unwrap();
    fs::remove_file(home.mail().join("Sent/cur/1.a:2,S")).unwrap();
    let report = index::update(&home.state(), &home.places(), &mut |_| {}).unwrap();
    assert_eq!((report.read, report.files), (0, 2));
    assert_eq!(home.found(), (Some(renamed), true));

    // A folder goes.
    fs::rename(home.mail().join("Sent"), home.mail().join("gone.tmp")).unwrap();
    fs::remove_dir_all(home.mail().join("gone.tmp")).unwrap();
    home.update();
    let empty = State::Good {
        folders: 0,
        files: 0,
        changed: 0,
    };
    assert_eq!(index::check(&home.state(), &home.places()).unwrap(), empty);
}

/// Colons in a name are no flags: such names are those of three messages.
#[test]
fn names_that_differ_behind_a_colon_are_two_messages() {
    let home = Home::new();
    home.message("Sent/cur/2026-11-24T10:00:01:2,S", "Subject: x\n");
    home.message("Sent/cur/2026-11-24T10:00:02:2,S", "Subject: x\n");
    let wanted = home.wanted("Sent/new/2026-11-24T10:00:03");
    assert_eq!(home.update(), 3);
    assert_eq!(home.found(), (Some(wanted), true));
}

/// Another message that is put in the place of a known one, by a rename or an editor that does so.
#[test]
fn a_file_that_was_replaced_is_read_again() {
    let home = Home::new();
    let known = home.message("Sent/cur/1.a:2,S", "Message-ID: <1@example.org>\n");
    let known_new = home.message("Sent/new/2.b", "Message-ID: <2@example.org>\n");
    home.settle();
    assert_eq!(home.update(), 2);
    let other = home.wanted("tmp/cur/x");
    fs::rename(&other, &known).unwrap();
    assert_eq!(home.update(), 1);
    assert_eq!(home.found(), (Some(known), true));
    // Where `new` alone has changed.
    home.settle();
    home.update();
    let other = home.message("tmp/cur/x", "Message-ID: <3@example.org>\n");
    fs::rename(&other, &known_new).unwrap();
    assert_eq!(home.update(), 1);
    // Flags are no other file.
    fs::rename(&known_new, home.mail().join("Sent/cur/2.b:2,FS")).unwrap();
    assert_eq!(home.update(), 0);
}

#[test]
fn a_file_that_could_not_be_read_is_tried_again() {
    let home = Home::new();
    home.message("Sent/cur/1.a:2,S", "Subject: x\n");
    let broken = home.mail().join("broken");
    std::os::unix::fs::symlink(&broken, &broken).unwrap();
    let wanted = home.mail().join("Sent/cur/2.b:2,S");
    std::os::unix::fs::symlink(&broken, &wanted).unwrap();
    home.settle();
    let report = index::update(&home.state(), &home.places(), &mut |_| {}).unwrap();
    assert!(report.unreadable.count > 0, "{report:?}");
    // The folder stays as it is.
    fs::rename(home.wanted("tmp/cur/x"), &broken).unwrap();
    assert_eq!(home.update(), 1);
    assert_eq!(home.found(), (Some(wanted), true));
}

/// A configuration may lead up: `search = ["../../Mail"]`.
#[test]
fn roots_that_lead_up_are_looked_up_by_the_index() {
    let home = Home::new();
    home.wanted("Sent/cur/1700000000.w:2,S");
    let root = home.state().join("../Mail");
    let places = Places {
        sent: vec![root.join("Sent")],
        search: vec![root],
    };
    index::update(&home.state(), &places, &mut |_| {}).unwrap();
    let file = index::file(&home.state());
    let search = Search {
        places: &places,
        message_id: ID,
        near: None,
        accept: &|_| true,
        is_for_all: false,
        index: Some(&*file),
        external: None,
        pulse: &Pulse::default(),
    };
    assert_eq!(search.run().copies.len(), 1);
    // Only the index can know now where it lies, and that is no folder any longer.
    fs::remove_dir(home.mail().join("Sent/new")).unwrap();
    assert_eq!(search.run().copies.len(), 1);
}

/// Two changes of a directory within a tick of the clock look like one.
#[test]
fn what_has_changed_just_now_is_looked_at_again() {
    let home = Home::new();
    home.message("Sent/cur/1.a:2,S", "Subject: x\n");
    home.message("Old/cur/1.a:2,S", "Subject: x\n");
    home.settle();
    home.message("Sent/cur/2.b:2,S", "Subject: x\n");
    home.update();
    let good = State::Good {
        folders: 2,
        files: 3,
        changed: 1,
    };
    assert_eq!(index::check(&home.state(), &home.places()).unwrap(), good);
}

#[test]
fn what_the_system_tells_of_is_noted_at_once() {
    let home = Home::new();
    home.message("Sent/cur/1.a:2,S", "Subject: x\n");
    home.update();
    let wanted = home.wanted("Sent/new/1700000000.w");
    index::note(&home.state(), [&wanted]);
    assert_eq!(home.found(), (Some(wanted.clone()), true));
    let renamed = home.mail().join("Sent/cur/1700000000.w,U=5:2,abS");
    fs::rename(&wanted, &renamed).unwrap();
    index::note(&home.state(), [&renamed]);
    assert_eq!(home.found(), (Some(renamed.clone()), true));
    // A name with a dot is that of a file which a program is still writing, for a search too.
    let hidden = home.mail().join("Sent/cur/.1700000000.w");
    fs::rename(&renamed, &hidden).unwrap();
    index::note(&home.state(), [&hidden]);
    assert_eq!(home.found().0, None);
    // Without an index nothing is made.
    fs::remove_file(index::file(&home.state())).unwrap();
    index::note(&home.state(), [&wanted]);
    assert!(!index::file(&home.state()).exists());
}

#[test]
fn a_folder_that_is_no_longer_configured_is_not_used() {
    let home = Home::new();
    home.wanted("Sent/cur/1700000000.w:2,S");
    home.message("Other/cur/1.a:2,S", "Subject: x\n");
    home.update();
    let elsewhere = Places {
        sent: Vec::new(),
        search: vec![home.mail().join("Other")],
    };
    let found = Search {
        places: &elsewhere,
        message_id: ID,
        near: None,
        accept: &|_| true,
        is_for_all: false,
        index: Some(&index::file(&home.state())),
        external: None,
        pulse: &Pulse::default(),
    }
    .run();
    assert!(found.copies.is_empty(), "{found:?}");
}
