//! `sendmail`: the options and recipients that mail programs give, and those that cannot be.

use crate::home::{BOB, CAROL, Home, original};
use crate::sendmail::{assert_sent, only};
use submission_server::Script;

#[test]
fn the_options_about_notices_are_passed_on() {
    let home = Home::new(Script::tls());
    let run = home.run(
        &[
            "sendmail",
            "-N",
            "success,delay",
            "-R",
            "full",
            "-f",
            "alice@example.org",
            BOB,
        ],
        &original(),
    );
    assert_sent(&run);
    let message = only(&home.received());
    assert!(message.sender.1.contains("RET=FULL ENVID="), "{message:?}");
    assert!(
        message.recipients[0]
            .1
            .contains("NOTIFY=SUCCESS,DELAY ORCPT="),
        "{message:?}"
    );
}

#[test]
fn options_that_are_not_known_are_told_and_do_no_harm() {
    let home = Home::new(Script::tls());
    let run = home.run(&["sendmail", "-Z", "--tls=on", "-oi", BOB], &original());
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(
        run.stderr,
        "tls-optout: -Z has no effect here\ntls-optout: --tls=on has no effect here\n"
    );
    only(&home.received());
}

#[test]
fn what_cannot_be_sent() {
    for (arguments, message, status, stderr) in [
        (
            &["sendmail"][..],
            original(),
            64,
            "no recipients; nothing was sent",
        ),
        (
            &["sendmail", "-t"],
            "Subject: x\n\n".into(),
            64,
            "no recipients; nothing was sent",
        ),
        (
            &["sendmail", "-bs"],
            String::new(),
            64,
            "-bs is no sending; tls-optout only sends (-bm)",
        ),
        (
            &["sendmail", "-t", "--pretend"],
            String::new(),
            64,
            "--pretend is no sending; tls-optout only sends",
        ),
        (
            &["sendmail", "-iP", BOB],
            original(),
            64,
            "-P is no sending; tls-optout only sends",
        ),
        (
            &["sendmail", "-S", BOB],
            original(),
            64,
            "-S is no sending; tls-optout only sends",
        ),
        (
            &["sendmail", "--usr", "me@example.org", BOB],
            original(),
            64,
            "--usr is not known, so that the next word may be its value or a recipient; leave it out, or write \
             --usr=VALUE; nothing was sent",
        ),
        (
            &["sendmail", "-f", "", BOB],
            original(),
            64,
            "the envelope sender that was given is empty: the null reverse-path (RFC 5321 section 4.5.5) is for what \
             servers write and not for a message of yours; give an address, or leave the option out; nothing was sent",
        ),
        (
            &["sendmail", "-f", "<>", BOB],
            original(),
            64,
            "the envelope sender that was given is empty",
        ),
        (
            &["sendmail", "--from=", BOB],
            original(),
            64,
            "the envelope sender that was given is empty",
        ),
        (
            &["sendmail", "-t"],
            "From: alice@example.org\nTo: Bob <bob@example.net> <carol@example.com>\n\n".into(),
            65,
            "`bob@example.netcarol@example.com` is no address: of its two @ the first would have to stand in quotes; \
             nothing was sent",
        ),
        (
            &["sendmail", "-t"],
            "From: alice@example.org\nTo: bob@example.net, root\n\n".into(),
            67,
            "`root` is no full address, which a submission server needs; nothing was sent",
        ),
        (
            &["sendmail", BOB],
            String::new(),
            65,
            "no message on standard input: it must begin with a header; nothing was sent",
        ),
        (
            &["sendmail", BOB],
            "From: alice@example.org\rBcc: eve@example.org\n\n".into(),
            65,
            "an odd line end in its header hides a field Bcc, which nobody may see; it is not sent again; nothing was sent",
        ),
        (
            &["sendmail", "-a", "play", BOB],
            original(),
            78,
            "no account play in",
        ),
    ] {
        let home = Home::new(Script::tls());
        let run = home.run(arguments, &message);
        assert_eq!(run.status, status, "{run:?}");
        assert!(
            run.stderr.starts_with(&format!("tls-optout: {stderr}")),
            "{run:?}"
        );
        assert!(home.received().is_empty());
    }
}

/// `--user me@example.org` makes nobody a recipient; a password command is not repeated.
#[test]
fn the_values_of_msmtps_options_are_no_recipients() {
    let home = Home::new(Script::tls());
    let home_options = "--user me@example.org --host mail.example.org --passwordeval secret --tls-trust-file \
                        /etc/ssl/x --auth -t --logfile=x@example.org";
    let options: Vec<&str> = home_options.split(' ').collect();
    let run = home.run(&[&["sendmail"], &options[..]].concat(), &original());
    assert_eq!(run.status, 0, "{run:?}");
    let told: Vec<&str> = run.stderr.lines().collect();
    let options = [
        "user",
        "host",
        "passwordeval",
        "tls-trust-file",
        "auth",
        "logfile",
    ];
    assert_eq!(
        told,
        options.map(|name| format!("tls-optout: --{name} has no effect here"))
    );
    let message = only(&home.received());
    let to: Vec<&str> = message.recipients.iter().map(|(to, _)| &**to).collect();
    assert_eq!(to, [BOB, CAROL]);
}

#[test]
fn an_envelope_sender_in_angle_brackets() {
    for option in ["-f<bounces@example.org>", "--from=<bounces@example.org>"] {
        let home = Home::new(Script::tls());
        let run = home.run(&["sendmail", option, BOB], &original());
        assert_sent(&run);
        assert_eq!(only(&home.received()).sender.0, "bounces@example.org");
    }
}

/// Some programs give a hop count; `-h` and `-v` are no options of our own there, wherever they stand.
#[test]
fn no_option_of_sendmail_asks_for_our_help() {
    let home = Home::new(Script::tls());
    let config = home.path(".config/tls-optout/config.toml");
    let config = config.to_str().expect("UTF-8");
    let lines: &[&[&str]] = &[
        &["sendmail", "-h", "3", "-t"],
        &["sendmail", "-v", "-h", "3", "-t"],
        &["sendmail", "-vh", "3", "-t"],
        &["--verbose", "sendmail", "-h3", "-t"],
        &["--config", config, "sendmail", "-h", "3", "-t"],
    ];
    for line in lines {
        let run = home.run(line, &original());
        assert_eq!((run.status, &*run.stdout), (0, ""), "{run:?}");
    }
    for line in [["sendmail", "--help", "-t"], ["sendmail", "-t", "--help"]] {
        let run = home.run(&line, &original());
        assert_eq!((run.status, &*run.stdout), (64, ""), "{run:?}");
    }
    assert_eq!(home.received().len(), lines.len());
}

#[test]
fn one_mailbox_gets_one_copy_however_it_is_written() {
    let home = Home::new(Script::tls());
    let arguments = [
        "sendmail",
        "<@relay.test,@mx.test:bob@example.net>",
        "bob@EXAMPLE.net",
        "-t",
    ];
    assert_sent(&home.run(&arguments, &original()));
    let message = only(&home.received());
    let to: Vec<&str> = message.recipients.iter().map(|(to, _)| &**to).collect();
    assert_eq!(to, [BOB, CAROL]);
}
