//! The daemon beside programs that put messages into a folder of its own, and move them there.

use std::fs;

use crate::home::{Home, Run, files};
use crate::watch::{Daemon, deliver, home, make_folder, numbered, wait_for_offers};

/// Debian's mbsync, dovecot-lda and mutt. However a message comes and wherever it goes, its offer is one.
#[test]
#[ignore = "needs root, isync, dovecot-core and mutt: tests/run"]
fn programs_that_deliver_and_move() {
    let home = home();
    make_folder(&home, "Server");
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");

    fs::write(home.path("Mail/Server/new/1.a"), numbered(&home, 1)).expect("a message");
    synchronise(&home);
    wait_for_offers(&home, 1);
    deliver_by_dovecot(&home, &numbered(&home, 2));
    wait_for_offers(&home, 2);

    // mutt shows them and marks them as old; what was fetched gets another flag on the server.
    let mutt = "mutt -n -F /dev/null -m Maildir -f ~/Mail/INBOX -e 'set confirmappend=no' -e 'push <quit>'";
    let script = format!("script -qec \"{mutt}\" /dev/null");
    assert_ended(&home.run_program("sh", &["-c", &format!("TERM=vt100 {script}")], ""));
    assert!(files(&home.path("Mail/INBOX/new")).is_empty());
    let cur = home.path("Mail/INBOX/cur");
    assert_eq!(files(&cur).len(), 2);
    let [on_server] = &files(&home.path("Mail/Server/new"))[..] else {
        panic!("the message has gone from the server");
    };
    let name = on_server
        .file_name()
        .expect("a name")
        .to_str()
        .expect("text");
    let stem = name.split(':').next().expect("a stem");
    let flagged = home.path("Mail/Server/cur").join(format!("{stem}:2,F"));
    fs::rename(on_server, flagged).expect("a rename");
    synchronise(&home);
    let is_flagged = |file: &std::path::PathBuf| file.to_string_lossy().ends_with(":2,F");
    assert!(files(&cur).iter().any(is_flagged), "{:?}", files(&cur));
    assert!(
        files(&cur)
            .iter()
            .all(|file| file.to_string_lossy().contains(",U="))
    );

    // All that went before has been seen when this one has.
    deliver(&home, "3.c", &numbered(&home, 3));
    wait_for_offers(&home, 3);
    assert_eq!(daemon.log().matches("an opt-out would help").count(), 3);
    assert!(!daemon.log().contains("ERROR"), "{}", daemon.log());
}

fn assert_ended(run: &Run) {
    assert_eq!(run.status, 0, "{run:?}");
}

/// Both folders are made alike, as if one of them lay on a server.
fn synchronise(home: &Home) {
    let mail = home.path("Mail");
    let mail = mail.display();
    home.file(
        "mbsyncrc",
        &format!(
            "MaildirStore far\nInbox {mail}/Server\n\nMaildirStore near\nInbox {mail}/INBOX\n\n\
             Channel inbox\nFar :far:\nNear :near:\nSync All\nExpunge None\nSyncState *\n"
        ),
    );
    assert_ended(&home.run_program("mbsync", &["-c", "mbsyncrc", "inbox"], ""));
}

/// Dovecot delivers to nobody who is root.
fn deliver_by_dovecot(home: &Home, message: &str) {
    home.file(
        "dovecot.conf",
        &format!(
            "mail_location = maildir:{0}/Mail/INBOX\npostmaster_address = postmaster@example.org\n\
             hostname = example.org\nssl = no\nlog_path = {0}/dovecot.log\nbase_dir = {0}\n",
            home.path("").display()
        ),
    );
    let deliver = "chown 65534 . && chown -R 65534 Mail && setpriv --reuid 65534 --regid 65534 --clear-groups \
                   /usr/lib/dovecot/dovecot-lda -c dovecot.conf && chown -R 0:0 .";
    assert_ended(&home.run_program("sh", &["-c", deliver], message));
}
