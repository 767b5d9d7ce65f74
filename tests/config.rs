//! The configuration: errors to the letter, the reference against the parser, and what the real mutt
//! and the real NeoMutt say.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tls_optout::config::{
    self, ACCOUNT_KEYS, Account, Asking, COMPOSE_KEYS, CommandLine, Compose, Config, MAIL_KEYS,
    POLICY_KEYS, Places, TELL_KEYS, discover,
};
use tls_optout::policy::Decision;
use tls_optout::submission::Mechanism;

const REFERENCE: &str = include_str!("../docs/configuration.md");

/// A throw-away home folder.
struct Home {
    folder: tempfile::TempDir,
    places: Places,
}

impl Home {
    /// Without mutt: no program is found.
    fn bare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut places = Places::below(folder.path());
        places.search_path = folder.path().join("bin").into();
        Self { folder, places }
    }

    /// With one of the mail readers of this machine, and nothing else that could answer.
    fn with(reader: &str) -> Self {
        let home = Self::bare();
        let system = Places::below(home.folder.path());
        let installed = system.program(reader);
        let installed = installed.unwrap_or_else(|| panic!("this test needs {reader}"));
        fs::create_dir(home.path("bin")).unwrap();
        std::os::unix::fs::symlink(installed, home.path("bin").join(reader)).unwrap();
        // What an rc file runs needs the system's programs; none of them is a mail reader.
        for tool in ["sh", "sleep", "true"] {
            let installed = system.program(tool).unwrap();
            std::os::unix::fs::symlink(installed, home.path("bin").join(tool)).unwrap();
        }
        home
    }

    fn path(&self, name: &str) -> PathBuf {
        if name.is_empty() {
            self.folder.path().to_owned()
        } else {
            self.folder.path().join(name)
        }
    }

    fn write(&self, name: &str, text: &str) {
        let file = self.path(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, text).unwrap();
    }

    fn maildir(&self, name: &str) {
        for sub in ["cur", "new", "tmp"] {
            fs::create_dir_all(self.path(name).join(sub)).unwrap();
        }
    }

    fn program(&self, name: &str, text: &str) {
        self.write(name, text);
        fs::set_permissions(self.path(name), fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn load(&self) -> Config {
        Config::load(&self.places, Asking::IfChanged).unwrap()
    }

    fn config(&self, text: &str) -> Config {
        self.write(".config/tls-optout/config.toml", text);
        self.load()
    }

    /// The error for a configuration file, with `FILE` for its path.
    fn error(&self, text: &str) -> String {
        self.write(".config/tls-optout/config.toml", text);
        let error = Config::load(&self.places, Asking::IfChanged)
            .unwrap_err()
            .to_string();
        assert!(!error.contains('\n'), "{error}");
        error.replace(&self.places.config_file().display().to_string(), "FILE")
    }

    /// How often the counting rc file was run.
    fn runs(&self) -> usize {
        fs::read_to_string(self.path("runs"))
            .unwrap_or_default()
            .lines()
            .count()
    }
}

fn words(list: &[&str]) -> Vec<String> {
    list.iter().map(|&word| word.to_owned()).collect()
}

#[test]
fn without_a_file_and_without_mutt_all_is_empty() {
    let home = Home::bare();
    let config = home.load();
    let file = home.path(".config/tls-optout/config.toml");
    assert_eq!(
        config,
        Config {
            file,
            auto_per_day: 10,
            ..Config::default()
        }
    );
}

#[test]
fn the_example_of_the_reference_means_what_it_says() {
    let example = REFERENCE
        .split("```toml\n")
        .nth(1)
        .unwrap()
        .split("```")
        .next()
        .unwrap();
    let home = Home::bare();
    home.write(
        "tls_policy",
        "example.edu dane optout=yes\nexample.com dane optout=no\n",
    );
    let table = home.path("tls_policy");
    let example = example.replace("/etc/postfix/tls_policy", table.to_str().unwrap());
    let config = home.config(&example);

    assert_eq!(config.mail.inbox, [home.path("Mail/INBOX")]);
    assert_eq!(
        config.mail.sent,
        [home.path("Mail/Sent"), home.path("Mail/office/Sent")]
    );
    assert_eq!(config.mail.search, [home.path("Mail")]);
    let work = Account {
        name: "work".into(),
        from: words(&["me@example.com"]),
        submission: Some("smtp://me@smtp.example.com:587".parse().unwrap()),
        auth: Some(Mechanism::Xoauth2),
        tls_trust_file: Some(home.path(".config/tls-optout/work-ca.pem")),
        token_command: Some(CommandLine::Exec(words(&[
            "oauth2-token",
            "--account",
            "me@example.com",
        ]))),
        ..Account::default()
    };
    assert_eq!(config.account_named("work"), Some(&work));
    let home_account = config.account_named("home").unwrap();
    assert_eq!(
        home_account.password_command,
        Some(CommandLine::Shell("pass show mail/home".into()))
    );
    let list = config.account_named("list").unwrap();
    assert_eq!(list.command, Some(words(&["msmtp", "-a", "list"])));

    assert_eq!(config.mail.authserv_ids, ["mx.example.org"]);
    assert_eq!(config.auto_per_day, 5);
    assert_eq!(config.policy.decide("BOB@example.com").0, Decision::Auto);
    assert_eq!(config.policy.decide("al@example.com").0, Decision::Never);
    assert_eq!(config.policy.decide("al@a.example.org").0, Decision::Never);
    assert_eq!(
        config.policy.decide("al@example.test"),
        (Decision::Ask, None)
    );
    let (decision, rule) = config.policy.decide("al@example.edu");
    assert_eq!(decision, Decision::Ask);
    assert_eq!(rule.unwrap().origin, format!("{}:1", table.display()));
}

#[test]
fn the_reference_and_the_parser_know_the_same_keys() {
    let section = |name: &str| {
        let text = REFERENCE
            .split("\n## ")
            .find(|text| text.starts_with(name))
            .unwrap();
        let text = text.split("\n### ").next().unwrap();
        let rows = text.lines().filter_map(|line| line.strip_prefix("| `"));
        rows.map(|row| row.split('`').next().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(section("`[mail]`"), MAIL_KEYS);
    assert_eq!(section("`[[account]]`"), ACCOUNT_KEYS);
    assert_eq!(section("`[compose]`"), COMPOSE_KEYS);
    assert_eq!(section("`[policy]`"), POLICY_KEYS);
    assert_eq!(section("`[tell]`"), TELL_KEYS);

    // A key that is listed as known is read: a date fits none of them, and is not an unknown key.
    let home = Home::bare();
    for (section, keys) in [
        ("[mail]", MAIL_KEYS),
        ("[[account]]", ACCOUNT_KEYS),
        ("[compose]", COMPOSE_KEYS),
        ("[policy]", POLICY_KEYS),
        ("[tell]", TELL_KEYS),
    ] {
        for key in keys {
            let error = home.error(&format!("{section}\n{key} = 2026-11-24\n"));
            assert!(error.contains("not a date"), "{error}");
        }
    }
}

#[test]
fn what_is_written_about_composing() {
    let home = Home::bare();
    let compose = |text: &str| home.config(text).compose;
    assert_eq!(compose(""), Compose::default());
    let text = "[compose]\ncookie = \"!plain\"\nin_replies = true\ncommand = [\"~/bin/msmtp\", \"-a\", \"x\"]\nkeep_days = 0x10\n";
    let program = home.path("bin/msmtp").display().to_string();
    let expected = Compose {
        cookie: "!plain".into(),
        in_replies: true,
        command: Some(words(&[&program, "-a", "x"])),
        keep_days: 16,
    };
    assert_eq!(compose(text), expected);
    assert_eq!(compose("[compose]\ncookie = \"\"\n").cookie, "");
}

#[test]
fn errors_to_the_letter() {
    let home = Home::bare();
    for (text, expected) in [
        (
            "[mail]\n\n[[account]]\nname = \"a\"\nfrom = \"me@example.org\"\n\npasword_command = \"x\"\n",
            "unknown key `pasword_command` in [[account]] at FILE:7:1; did you mean `password_command`?",
        ),
        (
            "[mail]\nz = 1\n",
            "unknown key `z` in [mail] at FILE:2:1; known are `inbox`, `sent`, `search`, `authserv_id`, \
             `index`, `search_timeout` and `external`",
        ),
        (
            "[mial]\n",
            "unknown key `mial` in the configuration at FILE:1:2; did you mean `mail`?",
        ),
        (
            "[account]\nname = \"a\"\n",
            "`account` in the configuration at FILE:1:1 must be a list of sections, each `[[account]]` \
             with two brackets, not a table",
        ),
        (
            "account = [1]",
            "`account` in the configuration at FILE:1:11 must be a list of sections, each \
             `[[account]]` with two brackets",
        ),
        (
            "[[account]]\n  from = 3\n",
            "`from` in [[account]] at FILE:2:10 must be a string or a list of strings, not a number",
        ),
        (
            "[[account]]\nfrom = [\"me@example.org\",\n  true]\n",
            "`from` in [[account]] at FILE:3:3 must be a list of strings, not true or false",
        ),
        (
            "[[account]]\nfrom = \"me\"\n",
            "`from` in [[account]] at FILE:2:8 must hold addresses, `me@example.org` or \
             `*@example.org`, not `me`",
        ),
        (
            "[[account]]\ncommand = \"msmtp\"\n",
            "`command` in [[account]] at FILE:2:11 must be a list of strings, not a string",
        ),
        (
            "[[account]]\ncommand = []\n",
            "`command` in [[account]] at FILE:2:11 is an empty list",
        ),
        (
            "[[account]]\npassword_command = \"\"\n",
            "`password_command` in [[account]] at FILE:2:20 is empty",
        ),
        (
            "[[account]]\ncommand = [\"msmtp\"]\nsubmission = \"smtps://me@h.test\"\n",
            "`submission` in [[account]] at FILE:3:14 cannot be joined: give `submission` or `command`, \
             not both",
        ),
        (
            "[[account]]\nsubmission = \"mail.example.org\"\n",
            "`submission` in [[account]] at FILE:2:14 cannot be used: a submission server is written \
             smtps://USER@HOST (TLS at once) or smtp://USER@HOST (STARTTLS)",
        ),
        (
            "[[account]]\nsubmission = \"smtps://mail.example.org\"\n",
            "`submission` in [[account]] at FILE:2:14 cannot be used: the submission URL names no user; \
             write smtps://USER@HOST: mail is only submitted after a login",
        ),
        (
            "[[account]]\nauth = \"cram-md5\"\n",
            "`auth` in [[account]] at FILE:2:8 must be one of `plain`, `login`, `xoauth2` and \
             `oauthbearer`",
        ),
        (
            "[[account]]\nname = \"a\"\n[[account]]\nname = \"a\"\n",
            "`name` in [[account]] at FILE:4:1 must differ: an account above is called `a` too",
        ),
        (
            "[[account]]\ntls_trust_file = \"$HOME/ca.pem\"\n",
            "`tls_trust_file` in [[account]] at FILE:2:18 starts with `$`; variables are not expanded \
             here: write `~/` or the full path",
        ),
        (
            "[compose]\ncookie = \"tls\"\n",
            "`cookie` in [compose] at FILE:2:10 must have 4 characters or more, and 64 bytes at most; \"\" \
             turns it off",
        ),
        (
            "[compose]\ncookie = \" tls-optout\"\n",
            "`cookie` in [compose] at FILE:2:10 must be without blanks at its ends and without control \
             characters",
        ),
        (
            "[compose]\nin_replies = \"yes\"\n",
            "`in_replies` in [compose] at FILE:2:14 must be true or false, not a string",
        ),
        (
            "[compose]\nkeep_days = -1\n",
            "`keep_days` in [compose] at FILE:2:13 must be a whole number from 0 to 65535",
        ),
        (
            "[policy]\ndefault = \"atuo\"\n",
            "`default` in [policy] at FILE:2:11 must be `ask`, `auto` or `never`, not `atuo`; did you \
             mean `auto`?",
        ),
        (
            "[policy]\ndefualt = \"auto\"\n",
            "unknown key `defualt` in [policy] at FILE:2:1; did you mean `default`?",
        ),
        (
            "[policy]\nexample.com = \"auto\"\n",
            "`example` in [policy] at FILE:2:1 is no rule: put the whole domain between quotes, \
             \"example...\" = \"ask\"",
        ),
        (
            "[policy]\n\"*@example.com\" = \"auto\"\n",
            "FILE:2:1: `*@example.com` is no address and no domain; for a whole domain write \
             `example.com`",
        ),
        (
            "[policy]\ntables = [\"t\"]\n",
            "cannot read DIR/t: No such file or directory (os error 2)",
        ),
    ] {
        let folder = home.path(".config/tls-optout").display().to_string();
        assert_eq!(home.error(text).replace(&folder, "DIR"), expected);
    }
}

#[test]
fn an_error_of_the_toml_parser_has_its_position_and_not_the_line() {
    let error = Home::bare().error("[[account]]\npassword = hush-hush\n");
    assert!(error.starts_with("FILE:2:12: "), "{error}");
    assert!(!error.contains("hush"), "{error}");
}

#[test]
fn an_error_in_a_table_names_the_table() {
    let home = Home::bare();
    home.write(".config/tls-optout/t", "example.com dane optout=perhaps\n");
    let expected = "`optout=perhaps`: write `optout=yes`, `optout=no` or `optout=auto`";
    let place = home.path(".config/tls-optout/t:1:18");
    let error = home.error("[policy]\ntables = \"t\"\n");
    assert_eq!(error, format!("{}: {expected}", place.display()));
}

#[test]
fn a_password_is_refused_and_not_repeated() {
    let home = Home::bare();
    let advice = "holds a password, which does not belong in a file; take it out, then run `tls-optout \
                  login` or write a `password_command`";
    for (line, key) in [
        ("password = \"hush\"", "password"),
        ("token = \"hush\"", "token"),
        ("submission = \"smtps://me:hush@h.test\"", "submission"),
    ] {
        let error = home.error(&format!("[[account]]\n{line}\n"));
        assert_eq!(
            error,
            format!("`{key}` in [[account]] at FILE:2:1 {advice}")
        );
    }
    let error = home.error("[[account]]\nsubmission = \"smtps://me:hu/sh@h.test\"\n");
    assert!(!error.contains("sh@") && !error.contains("hu/"), "{error}");
}

#[test]
fn a_file_that_everybody_may_write_is_refused() {
    let home = Home::bare();
    let file = home.places.config_file();
    home.write(".config/tls-optout/config.toml", "");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).unwrap();
    let error = Config::load(&home.places, Asking::IfChanged)
        .unwrap_err()
        .to_string();
    let expected = "can be written by everybody; run `chmod o-w` on it";
    assert_eq!(error, format!("{} {expected}", file.display()));
    fs::set_permissions(&file, fs::Permissions::from_mode(0o664)).unwrap();
    home.load();
}

#[test]
fn a_named_file_must_exist_and_paths_are_relative_to_it() {
    let mut home = Home::bare();
    home.places.named_config = Some(home.path("other/c.toml"));
    let error = Config::load(&home.places, Asking::IfChanged)
        .unwrap_err()
        .to_string();
    assert!(error.starts_with(&format!(
        "cannot read {}",
        home.path("other/c.toml").display()
    )));
    home.write("other/c.toml", "[mail]\nsent = \"Sent\"\ninbox = []\n");
    assert_eq!(home.load().mail.sent, [home.path("other/Sent")]);
}

#[test]
fn the_account_is_found_by_the_sender() {
    let config = Home::bare().config(
        "[[account]]\nname = \"domain\"\nfrom = \"*@example.org\"\n\
         [[account]]\nname = \"one\"\nfrom = [\"me@EXAMPLE.org\", \"me@example.net\"]\n\
         [[account]]\nsubmission = \"smtps://me@h.test\"\n",
    );
    let name = |address| {
        config
            .account_for(address)
            .map(|account| account.name.as_str())
    };
    assert_eq!(name("me@Example.Org"), Some("one"));
    assert_eq!(name("me@example.net"), Some("one"));
    assert_eq!(name("Me@example.org"), Some("domain"));
    assert_eq!(name("*@example.org"), Some("domain"));
    assert_eq!(name("me@sub.example.org"), None);
    assert_eq!(name("me"), None);
    assert_eq!(config.accounts[2].name, "account 3");
}

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
