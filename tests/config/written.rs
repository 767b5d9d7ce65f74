//! What the configuration file says.

use super::*;

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
