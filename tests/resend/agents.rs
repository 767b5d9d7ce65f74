//! The recipes of `contrib/` in the real delivery agents: a notice makes an offer, and no message is lost or bounced,
//! whatever becomes of tls-optout.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use submission_server::Script;

use crate::home::{Home, Run, original};
use crate::tell::wait_for;
use crate::watch::make_folder;

/// How tls-optout fares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Program {
    /// It works.
    Works,
    /// It cannot keep anything.
    Fails,
    /// It is not installed.
    Missing,
    /// It ends without reading.
    Deaf,
}

const ALL: [Program; 4] = [
    Program::Works,
    Program::Fails,
    Program::Missing,
    Program::Deaf,
];

/// A home with a folder for programs.
fn home(program: Program) -> Home {
    let home = Home::new(Script::tls());
    make_folder(&home, "INBOX");
    fs::create_dir(home.path("bin")).expect("a folder");
    let installed = home.path("bin/tls-optout");
    match program {
        Program::Works | Program::Fails => {
            std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_tls-optout"), &installed)
                .expect("a link");
        }
        Program::Missing => {}
        Program::Deaf => script(&installed, "#!/bin/sh\nexit 75\n"),
    }
    if program == Program::Fails {
        fs::create_dir_all(home.path(".local/state")).expect("a folder");
        home.file(".local/state/tls-optout", "no folder");
    }
    home
}

fn script(path: &Path, text: &str) {
    fs::write(path, text).expect("a file");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("permissions");
}

fn contrib(name: &str) -> String {
    format!("{}/contrib/{name}", env!("CARGO_MANIFEST_DIR"))
}

/// Runs a command line. Some agents take the home from the password database, and so are told of this one.
fn run(home: &Home, command: &str, message: &str) -> Run {
    let path = format!("PATH={}:/usr/bin:/bin", home.path("bin").display());
    home.run_program("env", &[&path, "sh", "-c", command], message)
}

fn inbox(home: &Home) -> Vec<String> {
    let files = crate::home::files(&home.path("Mail/INBOX/new"));
    files
        .iter()
        .map(|file| fs::read_to_string(file).expect("a message"))
        .collect()
}

/// Delivers an ordinary message and a notice, each with a long body, by `deliver`, which runs the agent.
fn deliver_all(deliver: impl Fn(&Home, &str) -> Run) {
    for program in ALL {
        let home = home(program);
        // Longer than a pipe, so that who does not read is noticed.
        let long = "A line of a message that is longer than the pipe.\n".repeat(4_000);
        for (number, message) in [original() + &long, home.notice() + &long]
            .iter()
            .enumerate()
        {
            let run = deliver(&home, message);
            assert_eq!(run.status, 0, "{program:?}: {run:?}");
            let delivered = inbox(&home);
            assert_eq!(delivered.len(), number + 1, "{program:?}: {run:?}");
            let is_whole = |text: &String| text.matches("than the pipe.\n").count() == 4_000;
            assert!(delivered.iter().all(is_whole), "{program:?}");
        }
        if program == Program::Works {
            // Some agents do not wait.
            wait_for("the offer", || {
                (home.run(&["offers", "--count"], "").stdout == "1\n").then_some(())
            });
        }
        assert!(home.received().is_empty());
    }
}

#[test]
#[ignore = "needs procmail: tests/run"]
fn procmail_delivers_and_tells() {
    deliver_all(|home, message| {
        home.file(
            "procmailrc",
            &format!(
                "HOME={0}\nDEFAULT={0}/Mail/INBOX/\nLOGFILE={0}/procmail.log\nINCLUDERC={1}\n",
                home.path("").display(),
                contrib("procmail/tls-optout.rc")
            ),
        );
        run(
            home,
            "procmail PATH=\"$PATH\" \"$HOME/procmailrc\"",
            message,
        )
    });
}

#[test]
#[ignore = "needs maildrop: tests/run"]
fn maildrop_delivers_and_tells() {
    deliver_all(|home, message| {
        home.file(
            "mailfilter",
            &format!(
                "HOME=\"{2}\"\nPATH=\"{0}:/usr/bin:/bin\"\ninclude \"{1}\"\nto \"{2}/Mail/INBOX\"\n",
                home.path("bin").display(),
                contrib("maildrop/tls-optout.mailfilter"),
                home.path("").display(),
            ),
        );
        let own = home.path("mailfilter");
        fs::set_permissions(own, fs::Permissions::from_mode(0o600)).expect("permissions");
        run(home, "maildrop \"$HOME/mailfilter\"", message)
    });
}

#[test]
#[ignore = "needs fdm: tests/run"]
fn fdm_delivers_and_tells() {
    deliver_all(|home, message| {
        home.file(
            "fdm.conf",
            &format!(
                "set lock-file \"{0}/fdm.lock\"\naccount \"stdin\" stdin\ninclude \"{1}\"\n\
                 action \"inbox\" maildir \"{0}/Mail/INBOX\"\nmatch all action \"inbox\"\n",
                home.path("").display(),
                contrib("fdm/tls-optout.conf")
            ),
        );
        run(home, "fdm -m -f \"$HOME/fdm.conf\" -a stdin fetch", message)
    });
}

#[test]
#[ignore = "needs root and dovecot-sieve: tests/run"]
fn sieve_delivers_and_tells() {
    deliver_all(|home, message| {
        let folder = home.path("sieve-pipe");
        fs::create_dir_all(&folder).expect("a folder");
        // Dovecot gives the program a bare environment.
        let wrapper = fs::read_to_string(contrib("sieve/tls-optout")).expect("the wrapper");
        let set = format!(
            "#!/bin/sh\nexport HOME={} PATH={}:/usr/bin:/bin\n",
            home.path("").display(),
            home.path("bin").display()
        );
        script(
            &folder.join("tls-optout"),
            &wrapper.replace("#!/bin/sh\n", &set),
        );
        home.file(
            "dovecot.conf",
            &format!(
                "plugin {{\n  sieve_plugins = sieve_extprograms\n  sieve_extensions = +vnd.dovecot.pipe\n  \
                 sieve_pipe_bin_dir = {}\n}}\nlog_path = {}\n\
                 mail_uid = 65534\nmail_gid = 65534\n",
                folder.display(),
                home.path("dovecot.log").display()
            ),
        );
        home.file("mail", message);
        let script = contrib("sieve/tls-optout.sieve");
        fs::copy(script, home.path("user.sieve")).expect("a copy");
        // Dovecot delivers to nobody who is root, and nobody else may look into the folder of the build.
        let installed = home.path("bin/tls-optout");
        if installed.is_symlink() {
            fs::remove_file(&installed).expect("the link");
            fs::copy(env!("CARGO_BIN_EXE_tls-optout"), installed).expect("a copy");
        }
        run(
            home,
            "chown -R 65534:65534 . && setpriv --reuid 65534 --regid 65534 --clear-groups \
             sieve-test -e -c dovecot.conf -l maildir:$HOME/Mail/INBOX user.sieve mail",
            "",
        )
    });
}

#[test]
#[ignore = "needs notmuch: tests/run"]
fn notmuch_tags_after_new_mail() {
    for program in ALL {
        let home = home(program);
        let hooks = home.path(".config/notmuch/default/hooks");
        fs::create_dir_all(&hooks).expect("a folder");
        fs::copy(contrib("notmuch/post-new"), hooks.join("post-new")).expect("a copy");
        home.file(
            ".config/notmuch/default/config",
            &format!(
                "[database]\npath={}/Mail\n[user]\nprimary_email=alice@example.org\n",
                home.path("").display()
            ),
        );
        let today = run(&home, "date -R", "").stdout;
        let notice = home
            .notice()
            .replace("Tue, 24 Nov 2026 07:00:12 +0000 (UTC)", today.trim());
        fs::write(home.path("Mail/INBOX/new/1.mail"), original()).expect("a message");
        fs::write(home.path("Mail/INBOX/new/2.notice"), notice).expect("a notice");
        for _ in 0..2 {
            let run = run(&home, "notmuch new", "");
            assert_eq!(run.status, 0, "{program:?}: {run:?}");
            assert_eq!(inbox(&home).len(), 2);
        }
        let tagged = run(&home, "notmuch count tag:tls-delay", "").stdout;
        if program == Program::Works {
            assert_eq!(home.run(&["offers", "--count"], "").stdout, "1\n");
            assert_eq!(tagged, "1\n");
        } else {
            assert_eq!(tagged, "0\n", "{program:?}");
        }
        home.received();
    }
}
