//! How the daemon tells of an offer: each once in each way, whatever happens to the daemon.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use crate::home::{BOB, CAROL, Home, files, notice};
use crate::wait::poll;
use crate::watch::{Daemon, deliver, home, numbered, wait_for_offers};

/// A home whose configuration has this `[tell]` section.
fn home_telling(lines: &str) -> Home {
    let home = home();
    tell(&home, lines);
    home
}

fn tell(home: &Home, lines: &str) {
    let config = home.config();
    let rest = config
        .split("\n[tell]\n")
        .next()
        .expect("the configuration");
    home.write_config(&format!("{rest}\n[tell]\n{lines}\n"));
}

/// Waits until `found` finds something.
pub(crate) fn wait_for<T>(what: &str, found: impl FnMut() -> Option<T>) -> T {
    poll(found).unwrap_or_else(|| panic!("{what} does not come"))
}

fn lines_of(home: &Home, file: &str) -> Vec<String> {
    let text = fs::read_to_string(home.path(file)).unwrap_or_default();
    text.lines().map(str::to_owned).collect()
}

/// The names of the messages in a part of the inbox.
fn names(home: &Home, part: &str) -> Vec<String> {
    let paths: Vec<PathBuf> = files(&home.path("Mail/INBOX").join(part));
    let name = |path: PathBuf| {
        path.file_name()
            .map(|name| name.to_string_lossy().into_owned())
    };
    let mut names: Vec<_> = paths.into_iter().filter_map(name).collect();
    names.sort();
    names
}

const HOOK: &str = "on_offer = [\"sh\", \"-c\", \"env | grep ^TLS_OPTOUT_ | sort >> told; echo >> told; \
                    env | grep -c NOTIFY_SOCKET >> leak\"]";

#[test]
fn the_hook_is_run_once_for_each_offer() {
    let home = home_telling(HOOK);
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    deliver(&home, "1.notice", &home.notice());
    daemon.wait_for_log("told (hook)");
    // The same notice elsewhere, moved, and again.
    deliver(&home, "2.copy", &home.notice());
    let inbox = home.path("Mail/INBOX");
    fs::rename(inbox.join("new/1.notice"), inbox.join("cur/1.notice:2,S")).expect("a move");
    daemon.stop();
    let daemon = Daemon::start(&home, &["env", "NOTIFY_SOCKET=/nowhere"]);
    deliver(&home, "3.other", &numbered(&home, 2));
    daemon.wait_for_log("told (hook)");
    daemon.stop();

    let told = lines_of(&home, "told");
    assert_eq!(
        &told[..9],
        [
            "TLS_OPTOUT_CAUSE=the server of the recipient offers no encryption (STARTTLS)",
            "TLS_OPTOUT_EXPIRES=2099-11-29T06:00:12Z",
            "TLS_OPTOUT_MESSAGE_ID=lunch-1@example.org",
            &format!("TLS_OPTOUT_NOTICE={}", inbox.join("new/1.notice").display()),
            "TLS_OPTOUT_OFFER=1",
            "TLS_OPTOUT_PROVENANCE=plausible",
            "TLS_OPTOUT_RECIPIENTS=bob@example.net",
            "TLS_OPTOUT_SUBJECT=Lunch on Thursday",
            "",
        ],
        "{told:?}"
    );
    let offers = |told: &[String]| {
        told.iter()
            .filter(|line| line.starts_with("TLS_OPTOUT_OFFER="))
            .count()
    };
    assert_eq!(offers(&told), 2, "{told:?}");
    assert_eq!(lines_of(&home, "leak"), ["0", "0"]);
    home.received();
}

/// The server warns of one recipient, and later of another one too.
#[test]
fn somebody_else_who_waits_is_told_of_too() {
    let home = home_telling(HOOK);
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    deliver(&home, "1.notice", &home.notice());
    daemon.wait_for_log("told (hook)");
    let reason = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";
    let both = notice(&[(BOB, "4.7.4", reason), (CAROL, "4.7.4", reason)])
        .replace("warning-1@", "warning-2@")
        .replace("Tue, 24 Nov 2026 07:00:12", "Tue, 24 Nov 2026 08:00:12");
    deliver(&home, "2.notice", &both);
    let recipients = || {
        let told = lines_of(&home, "told");
        let is_it = |line: &&String| line.starts_with("TLS_OPTOUT_RECIPIENTS=");
        told.iter().filter(is_it).cloned().collect::<Vec<_>>()
    };
    wait_for("the other", || (recipients().len() == 2).then_some(()));
    daemon.stop();
    let [one, two] = [BOB, "bob@example.net carol@example.com"]
        .map(|who| format!("TLS_OPTOUT_RECIPIENTS={who}"));
    assert_eq!(recipients(), [one, two]);
    home.received();
}

/// A daemon that is killed between the telling and the note of it tells once more, and only once.
#[test]
fn after_a_crash_it_is_told_at_most_once_more() {
    let home = home_telling("on_offer = [\"sh\", \"-c\", \"echo >> told; exec sleep 60\"]");
    deliver(&home, "1.notice", &home.notice());
    let mut daemon = Daemon::start(&home, &[]);
    wait_for("the hook", || {
        (lines_of(&home, "told").len() == 1).then_some(())
    });
    daemon.signal("KILL");
    drop(daemon);
    tell(&home, "on_offer = [\"sh\", \"-c\", \"echo >> told\"]");
    for _ in 0..2 {
        let daemon = Daemon::start(&home, &[]);
        daemon.wait_for_log("watching");
        wait_for("the hook", || {
            (lines_of(&home, "told").len() == 2).then_some(())
        });
        deliver(&home, "2.last", &home.notice());
        daemon.stop();
    }
    assert_eq!(lines_of(&home, "told").len(), 2);
    home.received();
}

/// What the old configuration would have told next is told by the new one, and not at the next look only.
#[test]
fn a_new_configuration_goes_on_where_the_old_one_was() {
    let hook = "on_offer = [\"sh\", \"-c\", \"echo $TLS_OPTOUT_OFFER >> told; until [ -e go ]; do sleep 0.05; done\"]";
    let home = home_telling(hook);
    let mut daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    deliver(&home, "1.notice", &home.notice());
    wait_for("the hook", || {
        (lines_of(&home, "told") == ["1"]).then_some(())
    });
    deliver(&home, "2.notice", &numbered(&home, 2));
    wait_for_offers(&home, 2);
    tell(
        &home,
        "on_offer = [\"sh\", \"-c\", \"echo new $TLS_OPTOUT_OFFER >> told\"]",
    );
    daemon.signal("HUP");
    daemon.wait_for_log("the configuration was read again");
    home.file("go", "");
    daemon.wait_for_log("offer 2: told (hook)");
    daemon.stop();
    assert_eq!(lines_of(&home, "told"), ["1", "new 2"]);
    home.received();
}

/// A hook that hangs, or cannot be run, holds nothing up.
#[test]
fn a_bad_hook_does_no_harm() {
    let home = home_telling("on_offer = [\"sleep\", \"60\"]");
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    for number in 1..4 {
        deliver(&home, &format!("1.{number}"), &numbered(&home, number));
    }
    wait_for_offers(&home, 3);
    let start = Instant::now();
    daemon.stop();
    assert!(start.elapsed() < Duration::from_secs(10));
    tell(&home, "on_offer = [\"/nowhere/hook\"]");
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("offer 3: the on_offer command cannot be run");
    let log = daemon.stop();
    assert_eq!(log.matches("cannot be run").count(), 3, "{log}");
    home.received();
}

#[test]
fn the_notice_is_flagged_in_its_folder() {
    let home = home_telling("flag = true");
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    deliver(&home, "1.notice", &home.notice());
    daemon.wait_for_log("told (flag)");
    assert_eq!(names(&home, "cur"), ["1.notice:2,F"]);
    assert!(names(&home, "new").is_empty());
    // What the user takes away stays away.
    let cur = home.path("Mail/INBOX/cur");
    fs::rename(cur.join("1.notice:2,F"), cur.join("1.notice:2,S")).expect("a move");
    daemon.stop();
    let run = home.run(&["watch", "--once"], "");
    assert_eq!(run.status, 1, "{run:?}");
    assert_eq!(names(&home, "cur"), ["1.notice:2,S"]);
    home.received();
}

/// notmuch with all mail of the home, as `notmuch setup` leaves it: flags and tags are kept alike.
fn notmuch(home: &Home, arguments: &[&str]) -> String {
    let config = format!(
        "[database]\npath={}\n[new]\ntags=new;unread\n[maildir]\nsynchronize_flags=true\n",
        home.path("Mail").display()
    );
    home.file(".notmuch-config", &config);
    let run = home.run_program("notmuch", arguments, "");
    assert_eq!(run.status, 0, "{run:?}");
    run.stdout
}

#[test]
#[ignore = "needs notmuch: tests/run"]
fn the_notice_is_tagged_once_notmuch_has_seen_it() {
    let home = home_telling("notmuch_tag = \"tls-delay\"");
    notmuch(&home, &["new"]);
    let mut daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    deliver(&home, "1.notice", &home.notice());
    let nameless = numbered(&home, 2).replace("Message-Id: <warning-2@mail.example.org>\n", "");
    deliver(&home, "2.nameless", &nameless);
    // Nothing can find this one.
    daemon.wait_for_log("offer 2: told (tag)");
    notmuch(&home, &["new"]);
    assert_eq!(notmuch(&home, &["count", "tag:tls-delay"]), "0\n");
    // The next look, which a signal brings at once.
    daemon.signal("HUP");
    daemon.wait_for_log("offer 1: told (tag)");
    daemon.stop();
    let found = notmuch(&home, &["search", "--output=files", "tag:tls-delay"]);
    let notice = home.path("Mail/INBOX/new/1.notice");
    assert_eq!(found, format!("{}\n", notice.display()));
    home.received();
}

/// notmuch renames what it tags, and follows what is renamed.
#[test]
#[ignore = "needs notmuch: tests/run"]
fn a_flag_and_a_tag_do_not_undo_each_other() {
    let home = home_telling("flag = true\nnotmuch_tag = \"tls-delay\"");
    deliver(&home, "1.notice", &home.notice());
    deliver(&home, "2.notice", &numbered(&home, 2));
    let inbox = home.path("Mail/INBOX");
    fs::rename(inbox.join("new/2.notice"), inbox.join("cur/2.notice:2,S")).expect("a move");
    notmuch(&home, &["new"]);
    let daemon = Daemon::start(&home, &[]);
    for offer in 1..3 {
        daemon.wait_for_log(&format!("offer {offer}: told (flag)"));
        daemon.wait_for_log(&format!("offer {offer}: told (tag)"));
    }
    // As the delivery of other mail does, and a mail reader that works on the tags.
    notmuch(&home, &["new"]);
    notmuch(&home, &["tag", "-new", "-unread", "--", "tag:tls-delay"]);
    daemon.stop();
    let query = "tag:tls-delay and tag:flagged and not tag:unread";
    assert_eq!(notmuch(&home, &["count", query]), "2\n");
    assert_eq!(names(&home, "cur"), ["1.notice:2,FS", "2.notice:2,FS"]);
    assert!(names(&home, "new").is_empty());
    assert_eq!(home.run(&["watch", "--once"], "").status, 1);
    home.received();
}

/// One that waits for its database, as `notmuch` does while another program writes.
#[test]
fn a_notmuch_that_hangs_is_ended() {
    let home = home_telling("notmuch_tag = \"tls-delay\"");
    let script = "#!/bin/sh\necho \"$NOTIFY_SOCKET.\" > asked\nexec sleep 600\n";
    let notmuch = home.path("bin/notmuch");
    fs::create_dir(home.path("bin")).expect("a folder");
    fs::write(&notmuch, script).expect("a script");
    fs::set_permissions(&notmuch, fs::Permissions::from_mode(0o700)).expect("a mode");
    deliver(&home, "1.notice", &home.notice());
    let path = format!("PATH={}:/usr/bin:/bin", home.path("bin").display());
    let program = env!("CARGO_BIN_EXE_tls-optout");
    let start = Instant::now();
    let words = [&path, "NOTIFY_SOCKET=/nowhere", program, "watch", "--once"];
    let run = home.run_program("env", &words, "");
    assert!(start.elapsed() < Duration::from_secs(30), "{run:?}");
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stderr.contains("offer 1: notmuch was ended after"),
        "{run:?}"
    );
    assert_eq!(lines_of(&home, "asked"), ["."]);
    home.received();
}

#[test]
fn a_message_tells_in_the_inbox() {
    let home = home_telling("mail = true");
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    deliver(&home, "1.notice", &home.notice());
    daemon.wait_for_log("told (letter)");
    daemon.stop();
    let new = names(&home, "new");
    let [_, letter] = &new[..] else {
        panic!("not two: {new:?}")
    };
    let text = fs::read_to_string(home.path("Mail/INBOX/new").join(letter)).expect("a message");
    assert!(text.contains("\nTo: <alice@example.org>\n"), "{text}");
    assert!(
        text.contains("Broken TLS holds back: Lunch on Thursday\n"),
        "{text}"
    );
    assert!(text.contains("bob@example.net\n"), "{text}");
    // It is no notice itself, to nobody.
    assert_eq!(home.run(&["process"], &text).status, 1);
    assert_eq!(home.run(&["inspect"], &text).status, 1);
    assert_eq!(home.run(&["watch", "--once"], "").status, 1);
    assert_eq!(names(&home, "new"), new);
    home.received();
}

#[test]
fn one_look_tells_too_and_what_is_decided_is_not_told() {
    let home = home_telling(HOOK);
    assert_eq!(home.run(&["process"], &home.notice()).status, 0);
    assert_eq!(home.run(&["process"], &numbered(&home, 2)).status, 0);
    assert_eq!(home.run(&["dismiss", "1"], "").status, 0);
    assert_eq!(home.run(&["watch", "--once"], "").status, 1);
    let told = lines_of(&home, "told");
    let offers: Vec<_> = told
        .iter()
        .filter(|line| line.contains("_OFFER="))
        .collect();
    assert_eq!(offers, ["TLS_OPTOUT_OFFER=2"]);
    home.received();
}

/// A genuine notice about the message, and what became of one that was sent again, say nothing of another
/// notice.
#[test]
fn the_provenance_is_that_of_the_notice_of_the_offer() {
    let home = home_telling(HOOK);
    let told = || -> Vec<String> {
        assert_eq!(home.run(&["watch", "--once"], "").status, 1);
        let all = lines_of(&home, "told").into_iter();
        all.filter(|line| line.contains("_OFFER=") || line.contains("_PROVENANCE="))
            .collect()
    };
    assert_eq!(home.run(&["process"], &home.notice()).status, 0);
    let genuine = ["TLS_OPTOUT_OFFER=1", "TLS_OPTOUT_PROVENANCE=plausible"];
    assert_eq!(told(), genuine);
    let reason = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";
    let forged = notice(&[(CAROL, "4.7.4", reason)])
        .replace("warning-1@", "warning-2@")
        .replacen(
            "by mail.example.org",
            "from mallory.test by mail.example.org",
            1,
        );
    assert_eq!(home.run(&["process"], &forged).status, 0);
    let doubtful = ["TLS_OPTOUT_OFFER=2", "TLS_OPTOUT_PROVENANCE=unverified"];
    assert_eq!(told(), [genuine, doubtful].concat());
    home.received();
}

#[test]
fn the_status_file_holds_how_many_wait() {
    let home = home_telling("status_file = \"~/offers\"");
    let daemon = Daemon::start(&home, &[]);
    let holds = |count: &str| {
        wait_for(count, || {
            (lines_of(&home, "offers") == [count]).then_some(())
        });
        let run = home.run(&["offers", "--count"], "");
        assert_eq!((run.status, run.stdout), (0, format!("{count}\n")));
    };
    holds("0");
    deliver(&home, "1.notice", &home.notice());
    holds("1");
    deliver(&home, "2.notice", &numbered(&home, 2));
    holds("2");
    // What another process does is seen too.
    assert_eq!(home.run(&["dismiss", "2"], "").status, 0);
    holds("1");
    assert_eq!(home.resend(&["--yes", "1"], "").status, 0);
    holds("0");
    daemon.stop();
    home.received();
}

#[test]
fn without_a_desktop_there_is_one_line() {
    let home = home();
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    for number in 1..4 {
        deliver(&home, &format!("1.{number}"), &numbered(&home, number));
        daemon.wait_for_log(&format!("offer {number}: "));
    }
    daemon.wait_for_log("no desktop to tell of offers");
    let log = daemon.stop();
    assert_eq!(log.matches("no desktop").count(), 1, "{log}");
    assert!(!log.contains("WARN") && !log.contains("ERROR"), "{log}");
    home.received();
}
