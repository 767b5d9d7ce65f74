//! What other programs do to the folders while the daemon watches: temporary files, slow writers, folders that come,
//! go and change places.

use std::collections::BTreeSet;
use std::fs::{self, File};
use std::io::Write;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use rustix::fs::{CWD, RenameFlags, renameat_with};

use crate::home::Home;
use crate::watch::{Daemon, deliver, deliver_to, home, make_folder, numbered, wait_for_offers};

/// rsync, Syncthing and unison write under a name with a dot at its beginning and rename the file when it is whole.
#[test]
fn a_temporary_file_of_another_program_stays_its_own() {
    let home = home();
    home.write_config(&format!("{}\n[tell]\nflag = true\n", home.config()));
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    let new = home.path("Mail/INBOX/new");
    let temporary = new.join(".17.a.XyZ");
    fs::write(&temporary, numbered(&home, 1)).expect("a file");
    deliver(&home, "18.b", &numbered(&home, 2));
    daemon.wait_for_log("told (flag)");
    wait_for_offers(&home, 1);
    fs::rename(&temporary, new.join("17.a")).expect("a rename");
    wait_for_offers(&home, 2);
    daemon.stop();
    home.received();
}

/// The watches that the process holds, as the kernel numbers them.
fn watches(daemon: &Daemon) -> BTreeSet<String> {
    let infos = fs::read_dir(format!("/proc/{}/fdinfo", daemon.id())).expect("the process");
    let infos = infos.filter_map(|info| fs::read_to_string(info.expect("an entry").path()).ok());
    let text: String = infos.collect();
    let lines = text.lines().filter(|line| line.starts_with("inotify "));
    lines.map(str::to_owned).collect()
}

/// A home without an index, so that one thread alone watches.
fn home_without_index() -> Home {
    let home = home();
    home.write_config(&home.config().replace("[mail]", "[mail]\nindex = false"));
    home
}

#[test]
fn a_folder_that_comes_or_goes_leaves_the_other_watches_alone() {
    let home = home_without_index();
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("directories=4");
    let before = watches(&daemon);
    assert_eq!(before.len(), 4);
    make_folder(&home, "INBOX/.A");
    daemon.wait_for_log("directories=7");
    let with_another = watches(&daemon);
    assert!(
        with_another.is_superset(&before),
        "{before:?} {with_another:?}"
    );
    fs::remove_dir_all(home.path("Mail/INBOX/.A")).expect("removed");
    make_folder(&home, "INBOX/.B");
    // One that is removed and made anew is another, and what comes there is told of.
    for number in 0..10 {
        deliver_to(
            &home,
            "INBOX/.B",
            &format!("1.{number}"),
            &numbered(&home, number),
        );
        wait_for_offers(&home, number + 1);
        fs::remove_dir_all(home.path("Mail/INBOX/.B")).expect("removed");
        make_folder(&home, "INBOX/.B");
    }
    assert!(watches(&daemon).is_superset(&before));
    // Moved away and back: the system no longer tells of it under its name, and then does again.
    let [there, away] = ["INBOX/.B", "B"].map(|folder| home.path("Mail").join(folder));
    for number in 10..20 {
        fs::rename(&there, &away).expect("moved");
        fs::rename(&away, &there).expect("moved back");
        deliver_to(
            &home,
            "INBOX/.B",
            &format!("2.{number}"),
            &numbered(&home, number),
        );
        wait_for_offers(&home, number + 1);
    }
    daemon.stop();
    home.received();
}

#[test]
fn folders_come_and_go_while_messages_are_written_in_place() {
    let home = home();
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    let inbox = home.path("Mail/INBOX");
    let is_over = AtomicBool::new(false);
    thread::scope(|scope| {
        scope.spawn(|| {
            while !is_over.load(Ordering::Relaxed) {
                fs::create_dir(inbox.join(".churn")).expect("a folder");
                fs::remove_dir(inbox.join(".churn")).expect("removed");
                thread::sleep(Duration::from_millis(10));
            }
        });
        for number in 0..40 {
            let notice = numbered(&home, number);
            let mut file = File::create(inbox.join(format!("new/1.{number}"))).expect("a file");
            file.write_all(&notice.as_bytes()[..200]).expect("a part");
            thread::sleep(Duration::from_millis(number as u64 * 7 % 50));
            file.write_all(&notice.as_bytes()[200..]).expect("the rest");
        }
        is_over.store(true, Ordering::Relaxed);
    });
    wait_for_offers(&home, 40);
    daemon.stop();
    home.received();
}

#[test]
fn a_name_that_is_used_again_is_another_message() {
    let home = home();
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    let new = home.path("Mail/INBOX/new/msg");
    deliver(&home, "msg", &numbered(&home, 1));
    wait_for_offers(&home, 1);
    // Over the old one.
    deliver(&home, "msg", &numbered(&home, 2));
    wait_for_offers(&home, 2);
    // In its place, and for all that the file system says with its number.
    for number in 3..6 {
        fs::remove_file(&new).expect("removed");
        deliver(&home, "msg", &numbered(&home, number));
        wait_for_offers(&home, number);
    }
    fs::rename(&new, home.path("Mail/INBOX/cur/msg:2,S")).expect("a move");
    deliver(&home, "7.last", &numbered(&home, 7));
    wait_for_offers(&home, 6);
    let log = daemon.stop();
    assert_eq!(log.matches("a notice about it").count(), 0, "{log}");
    home.received();
}

/// A first filling that is still under way when the configuration is read again, or `tls-optout index`.
#[test]
fn an_index_that_another_process_is_at_is_taken_up_soon() {
    let home = home();
    home.run(&["offers"], "");
    let lock = File::create(home.state().join("index.lock")).expect("a file");
    lock.lock().expect("a lock");
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("another tls-optout is working on the index");
    drop(lock);
    daemon.wait_for_log("DEBUG index");
    assert!(home.state().join("index.sqlite3").exists());
    daemon.stop();
    home.received();
}

/// Nobody watches the directory in which that of all mail lies.
#[test]
fn another_directory_of_all_mail_is_watched_at_once() {
    let home = home_without_index();
    let inbox = "inbox = \"~/Mail/INBOX\"";
    home.write_config(&home.config().replace(inbox, "inbox = \"~/Mail/*/INBOX\""));
    make_folder(&home, "work/INBOX");
    home.make_folder("Other/work/INBOX");
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    let [mail, other, old] = ["Mail", "Other", "Old"].map(|name| home.path(name));
    fs::rename(&mail, old).expect("a move");
    fs::rename(&other, &mail).expect("a move");
    deliver_to(&home, "work/INBOX", "1.notice", &numbered(&home, 1));
    wait_for_offers(&home, 1);
    home.make_folder("Other/work/INBOX");
    for number in 2..6 {
        renameat_with(CWD, &mail, CWD, &other, RenameFlags::EXCHANGE).expect("an exchange");
        let name = format!("{number}.notice");
        deliver_to(&home, "work/INBOX", &name, &numbered(&home, number));
        wait_for_offers(&home, number);
    }
    daemon.stop();
    home.received();
}
