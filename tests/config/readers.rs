//! What mutt, NeoMutt and msmtp know already.

use super::*;

/// The rc file, and a line more in the file `runs` each time it is read.
fn rc(extra: &str) -> String {
    format!(
        "`echo x >> ~/runs; echo 'set folder=~/Mail'`\n\
         set spoolfile=+INBOX record=\"=Gesendet Übung\" from='Me <me@example.org>'\n{extra}\n"
    )
}

/// Each reader with the name of its rc file.
const READERS: [(&str, &str); 3] = [
    ("mutt", ".muttrc"),
    ("neomutt", ".neomuttrc"),
    ("neomutt", ".config/mutt/muttrc"),
];

fn reader_home(reader: &str, rc_file: &str, extra: &str) -> Home {
    let home = Home::with(reader);
    home.maildir("Mail/INBOX");
    home.write(rc_file, &rc(extra));
    home
}

#[test]
fn mutt_and_neomutt_tell_the_folders_and_the_server() {
    for (reader, rc_file) in READERS {
        let extra = "set smtp_url='smtp://me@example.org:se=cr\"et@mail.example.org:587/'";
        let home = reader_home(reader, rc_file, extra);
        let config = home.load();
        assert_eq!(config.warnings, [] as [&str; 0], "{reader}");
        assert_eq!(config.mail.inbox, [home.path("Mail/INBOX")], "{reader}");
        assert_eq!(
            config.mail.sent,
            [home.path("Mail/Gesendet Übung")],
            "{reader}"
        );
        assert_eq!(config.mail.search, [home.path("Mail")], "{reader}");
        let account = Account {
            name: "me@example.org".into(),
            from: words(&["me@example.org"]),
            submission: Some(
                "smtp://me%40example.org@mail.example.org:587"
                    .parse()
                    .unwrap(),
            ),
            ..Account::default()
        };
        assert_eq!(config.accounts, [account], "{reader}");
        assert!(config.answers.as_ref().unwrap().smtp_url_held_password);
        assert!(!format!("{config:?}").contains("se=cr"));
        assert_no_secret(&home.path(".cache"), "se=cr");
        assert_eq!(home.runs(), 1, "one run of the rc file for all names");
    }
}

/// Looks through all files below a folder, of which there must be one at least.
fn assert_no_secret(folder: &Path, secret: &str) {
    let mut seen = 0;
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let text = fs::read_to_string(&path).unwrap();
                assert!(!text.contains(secret), "{}: {text}", path.display());
                assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
                seen += 1;
            }
        }
    }
    assert_ne!(seen, 0);
}

#[test]
fn the_answer_is_remembered_until_an_rc_file_changes() {
    for (reader, rc_file) in READERS {
        let home = reader_home(reader, rc_file, "");
        let first = home.load();
        assert_eq!(home.load(), first);
        assert_eq!(home.runs(), 1, "{reader}");

        home.write(rc_file, &rc("set record=+Other"));
        let stale = Config::load(&home.places, Asking::Never).unwrap();
        assert_eq!((stale.mail, home.runs()), (first.mail, 1), "{reader}");
        assert_eq!(home.load().mail.sent, [home.path("Mail/Other")], "{reader}");
        assert_eq!(home.runs(), 2, "{reader}");

        // A sourced file is not seen, so there is a way to ask all the same.
        home.write(rc_file, &rc("source ~/more"));
        home.write("more", "set record=+A");
        assert_eq!(home.load().mail.sent, [home.path("Mail/A")], "{reader}");
        home.write("more", "set record=+B");
        assert_eq!(home.load().mail.sent, [home.path("Mail/A")], "{reader}");
        discover::ask_again(&home.places).unwrap();
        assert_eq!(home.load().mail.sent, [home.path("Mail/B")], "{reader}");
        assert_eq!(home.runs(), 4, "{reader}");
    }
}

#[test]
fn a_damaged_memory_is_replaced() {
    let home = reader_home("mutt", ".muttrc", "");
    let first = home.load();
    for damage in [
        "",
        "{\"version\":1",
        "{\"version\":99,\"stamps\":[],\"answers\":{}}",
    ] {
        home.write(".cache/tls-optout/mutt.json", damage);
        assert_eq!(home.load(), first, "{damage}");
    }
    assert_eq!(home.runs(), 4);
}

/// A daemon's start asks mutt where that can ask nothing of the user.
#[test]
fn with_nobody_there_no_rc_file_runs_a_command() {
    for (reader, rc_file) in READERS {
        let home = Home::with(reader);
        home.maildir("Mail/INBOX");
        home.write(rc_file, "source ~/more\n");
        home.write("more", "set folder=~/Mail spoolfile=+INBOX\n");
        let load = || Config::load(&home.places, Asking::IfHarmless).unwrap();
        let config = load();
        assert_eq!(config.mail.inbox, [home.path("Mail/INBOX")], "{reader}");
        assert!(!config.is_mutt_unasked);
        // Now it runs something: what is remembered must do.
        home.write(rc_file, "source ~/more\nset my_x=`sh -c ': > ran'`\n");
        assert_eq!(load().mail, config.mail, "{reader}");
        fs::remove_file(home.path(".cache/tls-optout/mutt.json")).unwrap();
        let config = load();
        assert!(config.mail.inbox.is_empty() && config.is_mutt_unasked);
        assert!(!home.path("ran").exists(), "{reader}");
        home.load();
        assert!(
            home.path("ran").exists(),
            "{reader}: the test proves nothing"
        );
        assert_eq!(load().mail.inbox, [home.path("Mail/INBOX")], "{reader}");
    }
}

#[test]
fn nothing_is_asked_where_the_file_says_it_all() {
    let home = reader_home("mutt", ".muttrc", "");
    let mail = "[mail]\ninbox = []\nsent = \"~/S\"\nsearch = []\n";
    let account = "[[account]]\nfrom = \"a@example.org\"\nsubmission = \"smtps://me@h.test\"\n";
    home.config(&format!("{mail}{account}"));
    home.config(&format!(
        "{mail}[[account]]\nname = \"a\"\n[[account]]\nname = \"b\"\n"
    ));
    assert_eq!(home.runs(), 0);
    let config = home.config(&format!(
        "{mail}[[account]]\nsubmission = \"smtps://me@h.test\"\n"
    ));
    assert_eq!(home.runs(), 1);
    assert_eq!(config.accounts[0].from, ["me@example.org"]);
    assert_eq!(
        config.accounts[0].submission.as_ref().unwrap().to_string(),
        "h.test:465"
    );
    assert_eq!(config.mail.sent, [home.path("S")]);
}

#[test]
fn sendmail_and_msmtp_are_the_way_out() {
    for (reader, rc_file) in READERS {
        let home = reader_home(
            reader,
            rc_file,
            "set sendmail=\"~/bin/msmtp -a work -oem -oi\" from=''",
        );
        home.program("bin/msmtp", "#!/bin/sh\n");
        home.write(
            ".msmtprc",
            "account work\nfrom work@example.com\naccount default\nfrom x@y.test\n",
        );
        let config = home.load();
        let msmtp = home.path("bin/msmtp").display().to_string();
        assert_eq!(
            config.accounts[0].command,
            Some(words(&[&msmtp, "-a", "work"])),
            "{reader}"
        );
        assert_eq!(config.accounts[0].from, ["work@example.com"], "{reader}");

        // Ourselves: not used. Then msmtp, as it is set up.
        home.write(rc_file, &rc("set sendmail='tls-optout sendmail'"));
        assert_eq!(
            home.load().accounts[0].command,
            Some(words(&["msmtp"])),
            "{reader}"
        );
        fs::remove_file(home.path(".msmtprc")).unwrap();
        assert_eq!(home.load().accounts[0].command, None, "{reader}");
    }
}

#[test]
fn an_mbox_and_an_imap_folder_are_left_out() {
    let home = Home::with("mutt");
    home.write("mbox", "");
    home.write("sent", "");
    home.write(
        ".muttrc",
        "set spoolfile=~/mbox record=~/sent folder=imaps://me@h.test/\n",
    );
    assert_eq!(home.load().mail, config::Mail::default());
}

#[test]
fn a_mutt_that_fails_is_a_warning_that_says_what_to_write() {
    let home = Home::with("neomutt");
    fs::remove_file(home.path("bin/neomutt")).unwrap();
    home.program(
        "bin/neomutt",
        "#!/bin/sh\necho secret\necho secret >&2\nexit 3\n",
    );
    let config = home.load();
    let program = home.path("bin/neomutt").display().to_string();
    let expected = format!(
        "`{program} -Q folder` gave no answer (exit status: 3); run it to see why; write [mail] and \
         [[account]] into {} to do without",
        config.file.display()
    );
    assert_eq!(config.warnings, [expected]);
    assert_eq!(config.accounts, []);
}

#[test]
fn an_unknown_name_does_not_hide_the_others() {
    let home = Home::with("mutt");
    fs::remove_file(home.path("bin/mutt")).unwrap();
    // Like a mutt without `spoolfile`: it stops there, with status 1.
    let program = "#!/bin/sh\nwhile [ $# -gt 0 ]; do\n[ $2 = spoolfile ] && exit 1\n\
                   [ $2 = smtp_url ] && shift 2 && continue\n\
                   echo \"$2=\\\"~/$2\\\"\"\nshift 2\ndone\n";
    home.program("bin/mutt", program);
    let answers = home.load().answers.unwrap();
    assert_eq!(answers.record, Some(home.path("record")));
    assert_eq!(answers.spoolfile, None);
    assert_eq!(
        answers.sendmail,
        [home.path("sendmail").display().to_string()]
    );
}

#[test]
fn a_daemon_started_by_the_rc_file_is_not_waited_for() {
    let home = Home::with("mutt");
    fs::remove_file(home.path("bin/mutt")).unwrap();
    home.program(
        "bin/mutt",
        "#!/bin/sh\nsleep 20 &\necho 'record=\"=S\"'\necho 'folder=\"~/M\"'\n",
    );
    let start = std::time::Instant::now();
    assert_eq!(home.load().answers.unwrap().record, Some(home.path("M/S")));
    assert!(start.elapsed().as_secs() < 15);
}

proptest::proptest! {
    #[test]
    fn no_text_makes_it_panic(text in "(?s)(\\[\\[account\\]\\]\n|\\[policy\\]\n)?.{0,200}") {
        let home = Home::bare();
        home.write(".config/tls-optout/config.toml", &text);
        home.write(".msmtprc", &text);
        let _ = Config::load(&home.places, Asking::IfChanged);
        let mut policy = tls_optout::policy::Policy::default();
        let _ = policy.add_table(&text, "t");
        let _ = policy.decide(&text);
    }
}
