//! What `sendmail` has kept, and how `resend` finds it.

use std::fs;

use crate::home::{BOB, CAROL, Home, original};
use crate::news::delivered;
use crate::sendmail::{MUTT, assert_sent, sent_copies};
use submission_server::Script;

#[test]
fn what_was_sent_goes_after_its_days() {
    let home = Home::new(Script::tls());
    assert_sent(&home.run(MUTT, &original()));
    let old = sent_copies(&home)[0].clone();
    make_old(&home);
    assert_sent(&home.run(MUTT, &original()));
    let copies = sent_copies(&home);
    assert!(copies.len() == 1 && copies[0] != old, "{copies:?}");

    home.write_config(&format!("{}\n[compose]\nkeep_days = 0\n", home.config()));
    assert_sent(&home.run(MUTT, &original()));
    assert!(sent_copies(&home).is_empty());
}

/// Makes the only copy eight days old.
fn make_old(home: &Home) {
    let [old] = &sent_copies(home)[..] else {
        panic!("no copy")
    };
    let file = fs::File::options().write(true).open(old).expect("the copy");
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(8 * 24 * 60 * 60);
    file.set_modified(long_ago).expect("another time");
}

/// Whoever sends no more by it keeps nothing for longer all the same.
#[test]
fn what_was_sent_goes_without_another_sending() {
    let home = Home::new(Script::tls());
    home.make_folder("Mail/INBOX");
    home.write_config(
        &home
            .config()
            .replace("inbox = []", "inbox = \"~/Mail/INBOX\""),
    );
    assert_sent(&home.run(MUTT, &original()));
    assert_eq!(home.run(&["watch", "--once"], "").status, 1);
    assert_eq!(sent_copies(&home).len(), 1);
    make_old(&home);
    assert_eq!(home.run(&["watch", "--once"], "").status, 1);
    assert!(sent_copies(&home).is_empty());

    assert_sent(&home.run(MUTT, &original()));
    make_old(&home);
    let dry = home.resend(&["--dry-run"], &home.notice());
    assert_eq!((dry.status, sent_copies(&home).len()), (0, 1), "{dry:?}");
    // The one that is at hand still serves.
    fs::remove_file(home.copy()).expect("gone");
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!((run.status, sent_copies(&home).len()), (0, 0), "{run:?}");
    home.received();
}

#[test]
fn what_all_recipients_have_is_kept_no_longer() {
    let home = Home::new(Script::tls());
    assert_sent(&home.run(MUTT, &original()));
    let id = format!(
        "Original-Envelope-Id: {}\nReporting-MTA:",
        envelope_id(&home, BOB)
    );
    let report = |who: &str, action: &str, id: &str| {
        let report = delivered(8, who, action).replace("Reporting-MTA:", id);
        assert_eq!(home.run(&["process"], &report).status, 1);
        sent_copies(&home).len()
    };
    let guessed = "Original-Envelope-Id: guessed\nReporting-MTA:";
    for (who, action, id) in [
        (BOB, "delivered", &*id),
        (CAROL, "relayed", &id),
        (CAROL, "delivered", guessed),
    ] {
        assert_eq!(report(who, action, id), 1, "{who} {action}");
    }
    let later = delivered(9, CAROL, "delivered").replace("Reporting-MTA:", &id);
    assert_eq!(home.run(&["process"], &later).status, 1);
    assert!(sent_copies(&home).is_empty());
    home.received();
}

/// mutt's `fcc_clear`: its copy is not what was sent. And a Bcc recipient stands in the envelope alone.
#[test]
fn resend_takes_what_was_sent_and_the_notice_is_verified() {
    let home = Home::new(Script::tls());
    let blind = "dave@example.net";
    let signed = original().replace(
        "text/plain; charset=us-ascii",
        "multipart/signed; boundary=x",
    );
    assert_sent(&home.run(&[MUTT, &[blind]].concat(), &signed));
    let slip = fs::read_to_string(&sent_copies(&home)[0]).expect("the copy");
    let slip: serde_json::Value =
        serde_json::from_str(slip.lines().next().expect("a line")).expect("JSON");
    let envelope_id = slip["envelope_id"].as_str().expect("an ID");
    let notice = home
        .notice()
        .replace(
            "text/plain; charset=us-ascii",
            "multipart/signed; boundary=x",
        )
        .replace(
            "Reporting-MTA:",
            &format!("Original-Envelope-Id: {envelope_id}\nReporting-MTA:"),
        )
        .replace(BOB, blind)
        .replace(&format!("To: Bob <{blind}>"), &format!("To: Bob <{BOB}>"));
    let asked = home.resend(&[], &notice);
    assert!(!asked.stdout.contains("Notice "), "{asked:?}");
    let guessed = notice.replace(envelope_id, "guessed");
    let asked = home.resend(&["--dry-run"], &guessed);
    assert!(asked.stderr.contains("Notice     plausible"), "{asked:?}");
    let run = home.resend(&["--yes"], &notice);
    assert_eq!(run.status, 0, "{run:?}");
    let messages = home.received();
    assert_eq!(messages.len(), 2);
    assert_eq!(messages[1].recipients[0].0, blind);
    let expected = format!("TLS-Required: No\n{signed}").replace('\n', "\r\n");
    assert_eq!(String::from_utf8_lossy(&messages[1].data), expected);
}

/// cron and scripts write no Message-ID; the server gives the message one, and the notice has it and the ENVID.
#[test]
fn a_message_without_message_id_is_found_by_its_envelope() {
    let home = Home::new(Script::tls());
    let id = "Message-ID: <lunch-1@example.org>\n";
    let bare = original().replace(id, "").replace("Date: ", "X-Date: ");
    assert_sent(&home.run(MUTT, &bare));
    let envelope = |envelope: &str| {
        let notice = home.notice().replace("lunch-1@", "made-by-server@");
        let envelope = format!("Original-Envelope-Id: {envelope}\nReporting-MTA:");
        notice.replace("Reporting-MTA:", &envelope)
    };
    let known = envelope_id(&home, BOB);
    let another = envelope(&known).replace("Subject: Lunch", "Subject: Dinner");
    for notice in [
        envelope("guessed"),
        envelope(&format!("../sent/{known}")),
        another,
    ] {
        let run = home.resend(&["--yes"], &notice);
        assert_eq!(run.status, 66, "{run:?}");
    }
    let run = home.resend(&["--yes"], &envelope(&known));
    assert_eq!(run.status, 0, "{run:?}");
    // Under the Message-ID that those have who got it the first time.
    let expected = format!("TLS-Required: No\nMessage-ID: <made-by-server@example.org>\n{bare}");
    assert_eq!(
        String::from_utf8_lossy(&home.received()[1].data),
        expected.replace('\n', "\r\n")
    );
}

/// A copy of another message under the same Message-ID proves nothing, and the mail reader's is taken.
#[test]
fn a_kept_copy_is_proven_like_any_other() {
    let home = Home::new(Script::tls());
    assert_sent(&home.run(
        MUTT,
        &original().replace("Subject: Lunch", "Subject: Dinner"),
    ));
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 0, "{run:?}");
    let expected = format!("TLS-Required: No\n{}", original()).replace('\n', "\r\n");
    assert_eq!(String::from_utf8_lossy(&home.received()[1].data), expected);
}

/// As mutt's bounce, to that address: the message with `Resent-` fields, under its old Message-ID.
fn bounce(home: &Home, to: &str) {
    let bounced = format!(
        "Resent-From: Alice <alice@example.org>\nResent-Date: Tue, 24 Nov 2026 06:30:00 +0000\n\
         Resent-Message-ID: <bounce-1@example.org>\nResent-To: {to}\n{}",
        original()
    );
    let arguments = ["sendmail", "-oi", "-f", "alice@example.org", "--", to];
    assert_sent(&home.run(&arguments, &bounced));
}

/// The ENVID of what was kept of the message that went to this recipient.
fn envelope_id(home: &Home, to: &str) -> String {
    let slips = sent_copies(home).into_iter().map(|copy| {
        let slip = fs::read_to_string(copy).expect("a copy");
        serde_json::from_str::<serde_json::Value>(slip.lines().next().expect("a slip"))
            .expect("JSON")
    });
    let mut to_him = slips.filter(|slip| slip["recipients"][0] == to);
    let slip = to_him.next().expect("a slip");
    slip["envelope_id"].as_str().expect("an ID").to_owned()
}

/// The notice tells by its ENVID, or by whom it is about, which of the two it means.
#[test]
fn a_bounce_does_not_hide_the_first_sending() {
    const DAVE: &str = "dave@example.net";
    let home = Home::new(Script::tls());
    assert_sent(&home.run(MUTT, &original()));
    bounce(&home, DAVE);
    // What the user keeps is another message by now.
    home.write_copy(&original().replace("Shall we", "Shan't we"));
    let by_id = |to: &str, id: &str| {
        let notice = home
            .notice()
            .replace(&format!("rfc822; {BOB}"), &format!("rfc822; {to}"));
        let notice = notice.replace(&format!("rfc822;{BOB}"), &format!("rfc822;{to}"));
        let id = format!("Original-Envelope-Id: {id}\nReporting-MTA:");
        notice.replace("Reporting-MTA:", &id)
    };
    let first = home.resend(&["--dry-run"], &by_id(BOB, &envelope_id(&home, BOB)));
    let unknown = home.resend(&["--dry-run"], &by_id(BOB, "unknown"));
    for run in [first, unknown, home.resend(&["--dry-run"], &home.notice())] {
        assert_eq!(run.status, 0, "{run:?}");
        assert_eq!(
            run.stdout,
            format!("TLS-Required: No\n{}", original()).replace('\n', "\r\n")
        );
    }
    for id in [&*envelope_id(&home, DAVE), "unknown"] {
        let run = home.resend(&["--dry-run"], &by_id(DAVE, id));
        assert_eq!(run.status, 0, "{run:?}");
        assert!(run.stderr.contains("RCPT TO:<dave@example.net>"), "{run:?}");
        assert!(
            run.stdout.contains("Resent-To: dave@example.net"),
            "{run:?}"
        );
    }
    home.received();
}

/// Where both went to the same recipient, the ENVID or the returned header tells.
#[test]
fn a_bounce_to_the_same_recipient() {
    let home = Home::new(Script::tls());
    assert_sent(&home.run(MUTT, &original()));
    let first = envelope_id(&home, BOB);
    bounce(&home, BOB);
    let resent = "\nResent-To: bob@example.net\nDate: Tue, 24 Nov 2026 06:00:11";
    let of_bounce = home
        .notice()
        .replace("\nDate: Tue, 24 Nov 2026 06:00:11", resent);
    let first = format!("Original-Envelope-Id: {first}\nReporting-MTA:");
    for (notice, is_bounce) in [
        (home.notice(), false),
        (of_bounce.replace("Reporting-MTA:", &first), false),
        (of_bounce, true),
    ] {
        let run = home.resend(&["--dry-run"], &notice);
        assert_eq!(run.status, 0, "{run:?}");
        assert_eq!(run.stdout.contains("Resent-"), is_bounce, "{run:?}");
    }
    home.received();
}

/// The first sending went past `sendmail`; where there is no copy of it the bounce is all that there is.
#[test]
fn a_bounce_is_not_taken_for_the_copy_of_the_mail_reader() {
    let home = Home::new(Script::tls());
    bounce(&home, "dave@example.net");
    let run = home.resend(&["--dry-run"], &home.notice());
    assert_eq!(run.status, 0, "{run:?}");
    assert!(!run.stdout.contains("Resent-"), "{run:?}");
    let own = home.resend(&["--dry-run"], &original());
    assert!(own.stderr.contains(&format!("RCPT TO:<{BOB}>")), "{own:?}");

    fs::remove_file(home.copy()).expect("gone");
    let run = home.resend(&["--dry-run"], &home.notice());
    assert_eq!(run.status, 1, "{run:?}");
    assert!(
        run.stderr
            .contains("is not among the recipients of the original"),
        "{run:?}"
    );
    let own = home.resend(&["--dry-run"], &original());
    assert!(own.stderr.contains("RCPT TO:<dave@example.net>"), "{own:?}");
    home.received();
}
