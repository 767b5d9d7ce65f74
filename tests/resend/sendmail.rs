//! `sendmail`: what mail programs give, and what the server, the journal and the state folder have then.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::home::{BOB, CAROL, Home, Run, files, original};
use crate::set_up_msmtp;
use submission_server::{Received, Script, Then};

/// As mutt runs it.
pub(crate) const MUTT: &[&str] = &[
    "sendmail",
    "-oem",
    "-oi",
    "-f",
    "alice@example.org",
    "--",
    BOB,
    CAROL,
];

fn with_cookie() -> String {
    original().replace("Subject: Lunch", "Subject: [tls-optout] Lunch")
}

pub(crate) fn only(messages: &[Received]) -> Received {
    let [message] = messages else {
        panic!("not one message: {messages:?}")
    };
    message.clone()
}

pub(crate) fn assert_sent(run: &Run) {
    assert_eq!(
        (run.status, &*run.stdout, &*run.stderr),
        (0, "", ""),
        "{run:?}"
    );
}

pub(crate) fn sent_copies(home: &Home) -> Vec<std::path::PathBuf> {
    files(&home.state().join("sent"))
}

#[test]
fn the_cookie_becomes_the_field_and_no_other_byte_changes() {
    let home = Home::new(Script::tls());
    assert_sent(&home.run(MUTT, &with_cookie()));
    let copies = sent_copies(&home);
    let message = only(&home.received());
    let expected = format!("TLS-Required: No\n{}", original());
    assert_eq!(
        String::from_utf8_lossy(&message.data),
        expected.replace('\n', "\r\n")
    );
    assert_eq!(message.sender.0, "alice@example.org");
    let recipients: Vec<&str> = message
        .recipients
        .iter()
        .map(|(address, _)| &**address)
        .collect();
    assert_eq!(recipients, [BOB, CAROL]);
    assert!(
        message.recipients[0].1.contains("NOTIFY=FAILURE,DELAY"),
        "{message:?}"
    );
    assert!(message.sender.1.contains("RET=HDRS ENVID="), "{message:?}");

    // What was sent is kept, for the user alone, with its envelope.
    let [copy] = &copies[..] else {
        panic!("{copies:?}")
    };
    let kept = fs::read_to_string(copy).expect("the copy");
    let (slip, kept) = kept.split_once('\n').expect("a slip");
    assert_eq!(kept, expected);
    let slip: serde_json::Value = serde_json::from_str(slip).expect("JSON");
    assert_eq!(slip["recipients"], serde_json::json!([BOB, CAROL]));
    assert_eq!(slip["sender"], "alice@example.org");
    assert_eq!(slip["message_id"], "lunch-1@example.org");
    let envelope_id = slip["envelope_id"].as_str().expect("an ID");
    assert!(
        message.sender.1.contains(&format!("ENVID={envelope_id}")),
        "{message:?}"
    );
    for path in [copy, copy.parent().expect("the folder")] {
        let mode = path.metadata().expect("it").permissions().mode();
        assert_eq!(mode & 0o077, 0, "{path:?}");
    }
}

#[test]
fn without_cookie_it_leaves_as_it_came() {
    let home = Home::new(Script::tls());
    let odd = "From: alice@example.org\r\nX: \u{fc}\t \r\nSubject: x\n\n.\n..\rlast line";
    assert_sent(&home.run(MUTT, odd));
    let message = only(&home.received());
    assert_eq!(
        String::from_utf8_lossy(&message.data),
        "From: alice@example.org\r\nX: \u{fc}\t \r\nSubject: x\r\n\r\n.\r\n..\rlast line\r\n"
    );
    assert!(message.sender.1.contains("SMTPUTF8"), "{message:?}");
    assert!(message.sender.1.contains("BODY=8BITMIME"), "{message:?}");
}

#[test]
fn somebody_elses_message_is_passed_on_untouched() {
    let home = Home::new(Script::tls());
    let bounce = format!(
        "Resent-From: alice@example.org\nResent-To: {CAROL}\nFrom: mallory@example.net\n\
         Subject: [tls-optout] x\n\nbody\n"
    );
    let theirs = "From: mallory@example.net\nSubject: [tls-optout] x\n\nbody\n";
    assert_sent(&home.run(MUTT, &bounce));
    let run = home.run(&["sendmail", "-i", BOB], theirs);
    assert_eq!((run.status, &*run.stdout), (0, ""));
    assert!(
        run.stderr
            .contains("does not count: From is no address of yours"),
        "{run:?}"
    );
    let messages = home.received();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[0].data, bounce.replace('\n', "\r\n").as_bytes());
    assert_eq!(messages[1].data, theirs.replace('\n', "\r\n").as_bytes());
    assert_eq!(messages[1].sender.0, "alice@example.org");
}

#[test]
fn t_takes_recipients_from_the_header_and_bcc_never_leaves() {
    let home = Home::new(Script::tls());
    let header =
        "From: alice@example.org\nTo: Team: bob@example.net, \"C, D\" <carol@example.com>;\n";
    let message = format!(
        "{header}bcc : dave@example.org,\n eve@example.org\nCc: bob@example.net\n\nBcc: body\n"
    );
    assert_sent(&home.run(&["sendmail", "-ti", "frank@example.org"], &message));
    // A message that is resent goes to the new recipients only.
    let resent = format!("Resent-To: {CAROL}\nResent-Bcc: dave@example.org\n{message}");
    assert_sent(&home.run(&["sendmail", "-t"], &resent));
    // Recipients as arguments: a Bcc line goes all the same (mutt's $write_bcc, its bounce).
    assert_sent(&home.run(MUTT, &message));
    let messages = home.received();
    let recipients = |message: &Received| -> Vec<String> {
        message
            .recipients
            .iter()
            .map(|(address, _)| address.clone())
            .collect()
    };
    assert_eq!(
        recipients(&messages[0]),
        [
            "frank@example.org",
            BOB,
            CAROL,
            "dave@example.org",
            "eve@example.org"
        ]
    );
    assert_eq!(recipients(&messages[1]), [CAROL, "dave@example.org"]);
    assert_eq!(recipients(&messages[2]), [BOB, CAROL]);
    let expected = format!("{header}Cc: bob@example.net\n\nBcc: body\n").replace('\n', "\r\n");
    assert_eq!(String::from_utf8_lossy(&messages[0].data), expected);
    assert_eq!(
        String::from_utf8_lossy(&messages[1].data),
        format!("Resent-To: {CAROL}\r\n{expected}")
    );
    assert_eq!(String::from_utf8_lossy(&messages[2].data), expected);
}

#[test]
fn one_refused_recipient_stops_the_message_for_all() {
    for (reply, status) in [("550 5.1.1 no such user", 69), ("450 4.2.1 later", 75)] {
        let home = Home::new(Script::tls().on("RCPT TO:<carol", Then::Say(reply)));
        let run = home.run(MUTT, &with_cookie());
        assert_eq!(run.status, status, "{run:?}");
        assert!(
            run.stderr.contains(&format!("refused {CAROL} ({reply})")),
            "{run:?}"
        );
        assert!(
            run.stderr
                .contains("nothing was sent, to the other recipients neither"),
            "{run:?}"
        );
        assert!(sent_copies(&home).is_empty());
        assert!(home.received().is_empty());
    }
}

#[test]
fn success_means_that_the_server_has_it() {
    for (step, then, status) in [
        ("CONNECT", Then::Close, 75),
        ("AUTH", Then::Say("535 5.7.8 no"), 77),
        ("MAIL", Then::Say("552 5.3.4 no"), 69),
        ("DATA", Then::Say("451 4.3.0 later"), 75),
        (".", Then::Say("554 5.6.0 no"), 69),
        (".", Then::Say("451 4.3.0 later"), 75),
        (".", Then::Close, 74),
    ] {
        let home = Home::new(Script::tls().on(step, then));
        let run = home.run(MUTT, &original());
        assert_eq!(run.status, status, "{step} {run:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
        // Kept where it may be under way.
        assert_eq!(
            sent_copies(&home).len(),
            usize::from(status == 74),
            "{step}"
        );
    }
}

/// A state folder that cannot be written stands for a full disk: both fail at the same calls.
#[test]
fn a_broken_state_folder_loses_no_mail() {
    let home = Home::new(Script::tls());
    fs::create_dir_all(home.path(".local/state")).expect("a folder");
    home.file(".local/state/tls-optout", "no folder");
    let run = home.run(MUTT, &with_cookie());
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stderr
            .contains("no notice about this message will be verified"),
        "{run:?}"
    );
    assert!(run.stderr.contains("sent, but no copy is kept"), "{run:?}");
    assert!(!run.stderr.contains("nothing was sent"), "{run:?}");
    assert!(
        only(&home.received())
            .data
            .starts_with(b"TLS-Required: No\r\n")
    );
}

/// `[compose] command`, before the way of the account: 0 only on its 0, and its own status else.
#[test]
fn a_command_gets_the_rest_of_the_options() {
    let home = Home::new(Script::tls());
    let command = |script: &str| {
        home.write_config(&format!("[[account]]\nfrom = \"alice@example.org\"\n[compose]\ncommand = [\"sh\", \"-c\", {script:?}, \"sh\"]\n"));
    };
    command("echo \"$@\" > arguments; cat > message");
    let options = ["-oem", "-FAlice", "-B8BITMIME", "-N", "delay", "-R", "hdrs"];
    let arguments = [
        &["sendmail"],
        &options[..],
        &["-f", "alice@example.org", "--", BOB],
    ]
    .concat();
    assert_sent(&home.run(&arguments, &with_cookie()));
    let given = fs::read_to_string(home.path("arguments")).expect("the arguments");
    assert_eq!(
        given,
        format!("-oem -FAlice -B8BITMIME -N delay -R hdrs -i -f alice@example.org -- {BOB}\n")
    );
    let message = fs::read_to_string(home.path("message")).expect("the message");
    assert_eq!(message, format!("TLS-Required: No\n{}", original()));
    assert_eq!(sent_copies(&home).len(), 1);

    for (script, status) in [
        ("cat > message; echo busy >&2; exit 75", 75),
        ("cat > message; exit 68", 68),
        ("exit 0", 74),
        ("cat > message; exit 1", 74),
    ] {
        command(script);
        let run = home.run(
            &arguments,
            &format!("{}{}", original(), "x".repeat(1 << 17)),
        );
        assert_eq!(run.status, status, "{script}: {run:?}");
    }
}

#[test]
fn a_command_that_leads_back_is_noticed() {
    let home = Home::new(Script::tls());
    let program = env!("CARGO_BIN_EXE_tls-optout");
    home.write_config(&format!(
        "[[account]]\nfrom = \"alice@example.org\"\ncommand = [{program:?}, \"sendmail\"]\n"
    ));
    let run = home.run(MUTT, &original());
    assert_eq!(run.status, 78, "{run:?}");
    assert!(run.stderr.contains("mail would go in circles"), "{run:?}");
}

/// An `msmtp` behind it that speaks to the server itself.
#[test]
fn through_msmtp() {
    let home = Home::new(Script::tls());
    set_up_msmtp(&home);
    home.write_config("[[account]]\nfrom = \"alice@example.org\"\ncommand = [\"msmtp\"]\n");
    let run = home.run(
        &[
            &MUTT[..1],
            &["-oem", "-B8BITMIME", "-N", "failure"],
            &MUTT[2..],
        ]
        .concat(),
        &with_cookie(),
    );
    assert_sent(&run);
    let message = only(&home.received());
    let expected = format!("TLS-Required: No\n{}", original()).replace('\n', "\r\n");
    assert_eq!(String::from_utf8_lossy(&message.data), expected);
    assert!(
        message.recipients[0].1.contains("NOTIFY=FAILURE"),
        "{message:?}"
    );
}

/// What names its account or its files is for msmtp, where we know none of that name.
#[test]
fn msmtp_gets_what_is_its_own() {
    let home = Home::new(Script::tls());
    set_up_msmtp(&home);
    let good = fs::read_to_string(home.path(".msmtprc")).expect("the file");
    let good = good.strip_prefix("account default\n").expect("an account");
    let nowhere = "account default\nhost nowhere.test\nfrom alice@example.org\n";
    home.file(".msmtprc", &format!("account work\n{good}\n{nowhere}"));
    fs::remove_file(home.path(".config/tls-optout/config.toml")).expect("gone");
    assert_sent(&home.run(&["sendmail", "-a", "work", "-t"], &original()));
    home.file(".msmtprc", nowhere);
    home.file("other", &format!("account default\n{good}"));
    assert_sent(&home.run(&["sendmail", "-C", "other", "-Xlog", "-t"], &original()));
    let log = fs::read_to_string(home.path("log")).expect("the log of msmtp");
    assert!(log.contains("exitcode=EX_OK"), "{log}");
    assert_eq!(home.received().len(), 2);

    let home = Home::new(Script::tls());
    let run = home.run(&["sendmail", "-Cother", "-X", "log", "-t"], &original());
    let told = "tls-optout: -C has no effect here\ntls-optout: -X has no effect here\n";
    assert_eq!((run.status, &*run.stderr), (0, told), "{run:?}");
    home.received();
}

/// An alias of a command, or somebody on its machine, is for the command to know: cron writes to root.
#[test]
fn a_recipient_without_a_domain_is_for_the_command_to_know() {
    let home = Home::new(Script::tls());
    home.write_config(
        "[[account]]\nfrom = \"alice@example.org\"\n\
         command = [\"sh\", \"-c\", 'echo \"$@\" > arguments; cat > message', \"sh\"]\n",
    );
    let given = || fs::read_to_string(home.path("arguments")).expect("the arguments");
    let cron = "From: alice@example.org\nTo: root, Bob <bob@example.net>\n\nx\n";
    for arguments in [&["sendmail", "-t"][..], &["sendmail", "root", BOB]] {
        assert_sent(&home.run(arguments, cron));
        let mut recipients: Vec<_> = given().split_whitespace().map(str::to_owned).collect();
        recipients.drain(..4);
        recipients.sort();
        assert_eq!(recipients, [BOB, "root"]);
        fs::remove_file(home.path("arguments")).expect("gone");
    }
    for nobody in ["<@example.com>", "\"A B\"", "|sh", "/etc/x"] {
        let run = home.run(&["sendmail", "--", nobody], cron);
        assert_eq!(run.status, 67, "{run:?}");
    }
}

/// As other sendmails do: `echo hello | sendmail bob@example.net`.
#[test]
fn a_message_without_a_header_has_an_empty_one() {
    let home = Home::new(Script::tls());
    let messages = ["hello\n", "\nhello\n", "hello\nurl: x\n", "\r\nhello"];
    for message in messages {
        assert_sent(&home.run(&["sendmail", BOB], message));
    }
    let text =
        "tls-optout: no message on standard input: it must begin with a header; nothing was sent\n";
    for hidden in [
        "",
        "hello\nBcc: eve@example.org\n",
        " x\nresent-bcc: eve@example.org\n\n",
    ] {
        let run = home.run(&["sendmail", BOB], hidden);
        assert_eq!((run.status, &*run.stderr), (65, text), "{run:?}");
    }
    assert_eq!(sent_copies(&home).len(), messages.len());
    let received: Vec<_> = home.received().into_iter().map(|one| one.data).collect();
    let bare = b"\r\nhello\r\n".to_vec();
    let with_more = b"\r\nhello\r\nurl: x\r\n".to_vec();
    assert_eq!(received, [bare.clone(), bare.clone(), with_more, bare]);
}

/// `--force` is an option of another verb.
#[test]
fn a_cookie_beside_a_wish_for_security_is_refused() {
    let home = Home::new(Script::tls());
    let both = format!("Sensitivity: Company-Confidential\n{}", with_cookie());
    home.assert_refused(
        &home.run(MUTT, &both),
        65,
        "[tls-optout]: the Subject asks for delivery without TLS policy, but its sender asked for security \
         (Sensitivity: \"Company-Confidential\"); take one of them out; nothing was sent",
    );
}
