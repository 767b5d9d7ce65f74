//! `find`, `index` and what a look-up says: ranking, damage, mounts that hang.

use std::ffi::OsStr;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use base64::Engine;
use submission_server::Script;

use crate::home::Home;

const ID: &str = "lunch-1@example.org";

fn home_with_copies() -> Home {
    let home = Home::new(Script::tls());
    let echo = format!("Received: by list\nList-Id: <l.example.com>\nMessage-ID: <{ID}>\n\nx\n");
    for (folder, text) in [("Lists", echo), ("Drafts", crate::home::original())] {
        home.make_folder(&format!("Mail/{folder}"));
        fs::write(home.path("Mail").join(folder).join("cur/1.x:2,S"), text).expect("a file");
    }
    home
}

#[test]
fn all_copies_the_best_first_and_why() {
    let home = home_with_copies();
    let mail = home.path("Mail");
    let mail = mail.display();
    let run = home.run(&["find", ID], "");
    assert_eq!(
        run.stdout,
        format!("{}\n", home.copy().display()),
        "{run:?}"
    );
    let run = home.run(&["find", "--all", ID], "");
    let expected = format!(
        "{}\tas it was sent\n\
         {mail}/Lists/cur/1.x:2,S\tcame from a mailing list, came back through a server, not in a folder for \
         sent mail\n\
         {mail}/Drafts/cur/1.x:2,S\ta draft, not in a folder for sent mail\n",
        home.copy().display()
    );
    assert_eq!((run.status, run.stdout), (0, expected));
    let run = home.run(&["find", "--all", "--json", ID], "");
    let last = run.stdout.lines().last().expect("three lines");
    let expected = format!(
        "{{\"path\":\"{mail}/Drafts/cur/1.x:2,S\",\"as_sent\":false,\"sendable\":false,\"flaws\":[\"draft\",\
         \"not-in-sent\"]}}"
    );
    assert_eq!(last, expected);
    let run = home.run(&["find", "--json", ID], "");
    assert_eq!(run.stdout.lines().count(), 1);
    assert!(run.stdout.contains("\"as_sent\":true"), "{run:?}");
}

#[test]
fn the_index_is_built_checked_and_used() {
    let home = home_with_copies();
    let check = |status, text: &str| {
        let run = home.run(&["index", "--check"], "");
        assert_eq!((run.status, run.stdout.as_str()), (status, text));
    };
    check(1, "there is no index; `index` builds it\n");
    assert!(!home.state().exists());
    let run = home.run(&["index"], "");
    let said = "3 messages in 3 folders, 3 of them read\n";
    assert_eq!((run.status, &*run.stdout, &*run.stderr), (0, said, ""));
    // The folders have changed just now: the next look takes no risk.
    check(1, "3 messages in 3 folders, 3 folders have changed since\n");
    let run = home.run(&["-vv", "find", ID], "");
    assert_eq!(run.stdout, format!("{}\n", home.copy().display()));
    fs::write(home.state().join("index.sqlite3"), "no database at all").expect("a file");
    let run = home.run(&["index", "--check"], "");
    assert!(
        run.status == 1 && run.stdout.starts_with("damaged ("),
        "{run:?}"
    );
    let run = home.run(&["find", ID], "");
    let found = format!("{}\n", home.copy().display());
    assert_eq!((run.status, run.stdout, &*run.stderr), (0, found, ""));
    check(1, "there is no index; `index` builds it\n");
}

/// Sent folders of several accounts by one name, with and without the index.
#[test]
fn wildcards_stand_for_folders_as_in_a_shell() {
    let home = Home::new(Script::tls());
    let sent = home.copy();
    for (name, is_found) in [("~/Mail/S*", true), ("~/Mail/?", false)] {
        let config = home
            .config()
            .replace("~/Mail/Sent", name)
            .replace("search = [\"~/Mail\"]", "search = []");
        home.write_config(&config);
        let mut found = Vec::new();
        for index in [false, true] {
            if index {
                assert_eq!(home.run(&["index"], "").status, 0);
            }
            let run = home.run(&["find", "--json", ID], "");
            found.push((run.status, run.stdout));
        }
        let line = format!(
            "{{\"path\":\"{}\",\"as_sent\":true,\"sendable\":true,\"flaws\":[]}}\n",
            sent.display()
        );
        let expected = if is_found {
            (0, line)
        } else {
            (66, String::new())
        };
        assert_eq!(found, [expected.clone(), expected]);
        home.write_config(
            &config
                .replace(name, "~/Mail/Sent")
                .replace("search = []", "search = [\"~/Mail\"]"),
        );
    }
}

#[test]
fn what_cannot_be_read_is_said_once() {
    let home = Home::new(Script::tls());
    fs::remove_file(home.copy()).expect("a file");
    for number in 0..3 {
        let squeezed = [b"\x1f\x8b\x08".to_vec(), vec![b'x'; 100]].concat();
        let name = format!("Mail/Sent/cur/17000000{number}.z:2,S");
        fs::write(home.path(&name), squeezed).expect("a file");
    }
    fs::write(home.path("Mail/2019.mbox.gz"), "").expect("a file");
    fs::write(home.path("Mail/Sent/older.tar.xz"), "").expect("a file");
    std::os::unix::fs::symlink("circle", home.path("Mail/Sent/cur/circle")).expect("a link");
    let run = home.run(&["find", ID], "");
    let circle = home.path("Mail/Sent/cur/circle");
    let text = format!(
        "4 messages in 1 folders (1 files or folders could not be read: {} (Too many levels of symbolic links (os \
         error 40)); 3 compressed messages were left alone; 2 compressed archives were not looked into)",
        circle.display()
    );
    assert!(run.status == 66 && run.stderr.contains(&text), "{run:?}");
}

/// The program with a file system on ~/Mail/Net that never answers: FUSE without its other end. It exists
/// only for this process and its children.
fn hanging(home: &Home, command: &str) -> Command {
    fs::create_dir(home.path("Mail/Net")).expect("a folder");
    home.write_config(
        &home
            .config()
            .replace("[mail]", "[mail]\nsearch_timeout = 1"),
    );
    let program = env!("CARGO_BIN_EXE_tls-optout");
    let script = format!(
        "exec 3<>/dev/fuse && mount -i -t fuse -o fd=3,rootmode=040000,user_id=0,group_id=0 none Mail/Net \
         && exec timeout -s KILL 30 {}",
        command.replace("tls-optout", program)
    );
    let mut unshare = Command::new("setsid");
    unshare
        .args(["unshare", "-rm", "sh", "-c", &script])
        .current_dir(home.path(""))
        .env_clear()
        .env("HOME", home.path(""))
        .env("PATH", "/usr/bin:/bin");
    unshare
}

fn with_a_hanging_mount(home: &Home, command: &str) -> (i32, String, String, Duration) {
    let begun = Instant::now();
    let output = hanging(home, command)
        .output()
        .expect("unshare, of util-linux");
    let text = |bytes| String::from_utf8(bytes).expect("text");
    let status = output.status.code().expect("no signal");
    (
        status,
        text(output.stdout),
        text(output.stderr),
        begun.elapsed(),
    )
}

#[test]
#[ignore = "mounts a file system: needs /dev/fuse and user namespaces or root"]
fn a_mount_that_hangs_does_not_hang_the_look_up() {
    let home = Home::new(Script::tls());
    let (status, _, stderr, took) =
        with_a_hanging_mount(&home, "tls-optout find nobody@example.org");
    let expected = format!(
        "tls-optout: {}/Net has not answered for 1 s; is a network mount there out of reach? nothing was done; \
         try again later, or wait longer by [mail] search_timeout\n",
        home.path("Mail").display()
    );
    assert_eq!((status, stderr), (75, expected));
    assert!(took < Duration::from_secs(10), "{took:?}");
}

#[test]
#[ignore = "mounts a file system: needs /dev/fuse and user namespaces or root"]
fn a_mount_that_hangs_is_not_touched_for_what_lies_in_sent() {
    let home = Home::new(Script::tls());
    let (status, stdout, stderr, _) = with_a_hanging_mount(&home, &format!("tls-optout find {ID}"));
    let found = format!("{}\n", home.copy().display());
    assert_eq!((status, stdout), (0, found), "{stderr}");
}

/// Nor does one that mutt names, whose answer is looked at before anything else.
#[test]
#[ignore = "mounts a file system: needs /dev/fuse and user namespaces or root, and mutt"]
fn a_mount_that_mutt_names_does_not_hang_the_start() {
    let home = Home::new(Script::tls());
    let rc = "set folder=~/Mail/Net\nset spoolfile=~/Mail/Net/INBOX\nset record=~/Mail/Sent\n";
    fs::write(home.path(".muttrc"), rc).expect("a file");
    let config = home.config();
    let (_, account) = config.split_once("[[account]]").expect("an account");
    home.write_config(&format!("[mail]\n\n[[account]]{account}"));
    let (status, stdout, stderr, took) =
        with_a_hanging_mount(&home, &format!("tls-optout find {ID}"));
    let found = format!("{}\n", home.copy().display());
    assert_eq!((status, stdout), (0, found), "{stderr}");
    assert!(took < Duration::from_secs(10), "{took:?}");
}

/// script(1) gives the program a terminal. Each key is pressed when the question stands there.
#[test]
#[ignore = "mounts a file system: needs /dev/fuse and user namespaces or root"]
fn on_a_terminal_the_user_may_wait_on() {
    let home = Home::new(Script::tls());
    let find = "script -qec 'tls-optout find nobody@example.org' /dev/null";
    let mut child = hanging(&home, find)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("unshare, of util-linux");
    let mut keys = child.stdin.take().expect("a pipe");
    let mut screen = child.stdout.take().expect("a pipe");
    let (mut seen, mut byte) = (Vec::new(), [0]);
    for key in [b"w", b"w", b"g"] {
        let length = seen.len();
        while !seen[length..].ends_with(b"w: wait on, any other key: give up ") {
            assert_eq!(screen.read(&mut byte).expect("the screen"), 1, "{seen:?}");
            seen.push(byte[0]);
        }
        keys.write_all(key).expect("a key");
    }
    screen.read_to_end(&mut seen).expect("the screen");
    let seen = String::from_utf8_lossy(&seen);
    assert!(seen.contains("nothing was done; try again later"), "{seen}");
    assert_eq!(child.wait().expect("an end").code(), Some(75));
}

/// The user's own notmuch or mu.
#[test]
#[ignore = "needs notmuch and mu"]
fn what_another_program_says_is_used_and_checked() {
    for (program, set_up) in [
        (
            "notmuch",
            "printf '[database]\\npath=%s/Mail\\n' \"$HOME\" > .notmuch-config; notmuch new",
        ),
        ("mu", "mu init --maildir=$HOME/Mail && mu index"),
    ] {
        let home = home_with_copies();
        let external = format!("[mail]\nindex = false\nexternal = \"{program}\"");
        home.write_config(&home.config().replace("[mail]", &external));
        let ready = home.run_program("sh", &["-ec", set_up], "");
        assert_eq!(ready.status, 0, "{ready:?}");
        let find = |id: &str| {
            let run = home.run(&["-vv", "find", id], "");
            let knew_it = run.stderr.contains("knew_it=true");
            (run.status, run.stdout.trim_end().to_owned(), knew_it)
        };
        // What the program does not know yet would be the better copy: who finds it has searched.
        let newer = home.path("Mail/Sent/cur/1795500000.new:2,S");
        let copy = home.copy();
        assert_eq!(find(ID), (0, copy.display().to_string(), true), "{program}");
        // Its answer is old: the file has other flags now. mu leaves out what it cannot read itself.
        let renamed = home.path("Mail/Sent/cur/1795500011.4242_1.laptop:2,RS");
        fs::rename(&copy, &renamed).expect("a rename");
        assert_eq!(
            find(ID),
            (0, renamed.display().to_string(), program == "notmuch"),
            "{program}"
        );
        // The file is another message now.
        fs::rename(&renamed, &newer).expect("a rename");
        fs::write(&copy, "Message-ID: <other@example.org>\n\nx\n").expect("a file");
        assert_eq!(
            find(ID),
            (0, newer.display().to_string(), false),
            "{program}"
        );
        // Not an answer to another question: no case is folded, no wildcard is read.
        for id in [
            "LUNCH-1@example.org",
            "lunch*",
            "\" or \"",
            "lunch-1@example.org\" or id:\"x",
        ] {
            assert_eq!(find(id).0, 66, "{program} {id}");
        }
    }
}

#[test]
fn a_program_that_is_not_there_stops_no_look_up() {
    let home = Home::new(Script::tls());
    home.write_config(&home.config().replace("[mail]", "[mail]\nexternal = \"mu\""));
    let script = format!(
        "PATH=/nowhere exec {} find {ID}",
        env!("CARGO_BIN_EXE_tls-optout")
    );
    let run = home.run_program("sh", &["-c", &script], "");
    assert_eq!(
        run.stdout,
        format!("{}\n", home.copy().display()),
        "{run:?}"
    );
    assert!(run.stderr.contains("mu: "), "{run:?}");
}

#[test]
fn a_program_that_hangs_stops_no_look_up_and_does_not_stay() {
    use std::os::unix::fs::PermissionsExt;

    let home = Home::new(Script::tls());
    home.write_config(
        &home
            .config()
            .replace("[mail]", "[mail]\nexternal = \"notmuch\""),
    );
    let pid = home.path("pid");
    let notmuch = home.path("bin/notmuch");
    fs::create_dir(home.path("bin")).expect("a folder");
    let hang = format!("#!/bin/sh\necho $$ > {}\nexec sleep 1000\n", pid.display());
    fs::write(&notmuch, hang).expect("a file");
    fs::set_permissions(&notmuch, fs::Permissions::from_mode(0o755)).expect("a mode");
    let script = format!(
        "PATH={}:$PATH exec {} find {ID}",
        home.path("bin").display(),
        env!("CARGO_BIN_EXE_tls-optout")
    );
    let run = home.run_program("sh", &["-c", &script], "");
    let pid = fs::read_to_string(pid).expect("a file");
    let stays = fs::exists(format!("/proc/{}", pid.trim())).expect("an answer");
    if stays {
        let _ = std::process::Command::new("kill").arg(pid.trim()).status();
    }
    assert_eq!(
        (run.status, run.stdout, stays),
        (0, format!("{}\n", home.copy().display()), false)
    );
    assert!(run.stderr.contains("notmuch: "), "{}", run.stderr);
}

#[test]
fn what_lies_in_the_way_is_named() {
    let home = Home::new(Script::tls());
    let mbox = home.path("Mail/sent.mbox");
    fs::write(&mbox, "From me\n").expect("a file");
    home.write_config(&home.config().replace("~/Mail/Sent", "~/Mail/sent.mbox"));
    let text = format!("{} (is a file, not a Maildir)", mbox.display());
    let run = home.run(&["find", "nothing@example.org"], "");
    assert!(run.status == 66 && run.stderr.contains(&text), "{run:?}");
    for number in 0..3 {
        let circle = home.path(&format!("Mail/Sent/cur/circle{number}"));
        std::os::unix::fs::symlink(&circle, &circle).expect("a link");
    }
    let run = home.run(&["index"], "");
    for name in ["sent.mbox", "circle0", "circle1", "circle2"] {
        assert!(run.stderr.contains(name), "{name} {run:?}");
    }
}

#[test]
fn a_name_that_is_no_utf8_is_told_whole_in_json() {
    let home = Home::new(Script::tls());
    let odd = home
        .path("Mail/Sent/cur")
        .join(OsStr::from_bytes(b"1795500011.\xfc:2,S"));
    fs::rename(home.copy(), &odd).expect("a rename");
    let run = home.run(&["find", "--json", ID], "");
    let line: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let bytes = line["path_bytes"].as_str().expect("the bytes");
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(bytes)
        .expect("base64");
    assert_eq!(bytes, odd.as_os_str().as_bytes());
}
