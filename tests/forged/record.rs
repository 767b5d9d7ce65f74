//! Notices that speak of what the journal knows: envelope ids, earlier notices, what a server honours.

use std::fs;

use crate::home::{BOB, CAROL, Home, files, notice, original};
use crate::trial::{NO_TLS, forged, home, journal, provenance};

/// Sends the message to Bob. The envelope id, which only the server learns.
fn sent_to_bob(home: &Home) -> String {
    assert_eq!(home.resend(&["--yes"], &home.notice()).status, 0);
    journal(home, "SELECT envelope_id FROM delivery").remove(0)
}

/// A notice that a stranger wrote, about Carol, with an envelope id.
fn with_envelope_id(id: &str) -> String {
    notice(&[(CAROL, "4.7.4", NO_TLS)]).replace(
        "Reporting-MTA: dns; mail.example.org\n",
        &format!("Reporting-MTA: dns; mail.evil.test\nOriginal-Envelope-Id: {id}\n"),
    )
}

#[test]
fn only_the_envelope_id_itself_verifies() {
    let home = home();
    let id = sent_to_bob(&home);
    assert_eq!(provenance(&home, &with_envelope_id(&id)), "verified");
    let flipped = match id.strip_prefix('0') {
        Some(rest) => format!("1{rest}"),
        None => format!("0{}", &id[1..]),
    };
    let wrong = [
        &flipped,
        &id[1..],
        &format!("{id}0"),
        &id.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A"),
        &format!("{id}\0"),
        &format!("{}\u{200b}", id),
        "",
        "%",
        "' OR 1=1 --",
        "+",
        "../locks",
    ];
    for wrong in wrong {
        let notice = with_envelope_id(wrong);
        assert_eq!(provenance(&home, &notice), "unverified", "{wrong:?}");
    }
    assert_eq!(home.received().len(), 1);
}

/// Who handled one message of ours knows its envelope id, and nothing of another.
#[test]
fn the_envelope_id_of_another_message() {
    let home = home();
    let id = sent_to_bob(&home);
    let other = |text: &str| text.replace("lunch-1@", "lunch-2@");
    home.file(
        "Mail/Sent/cur/1795500011.4243_1.laptop:2,S",
        &other(&original()),
    );
    let replayed = other(&with_envelope_id(&id)).replace("warning-1@", "warning-2@");
    assert_eq!(provenance(&home, &replayed), "unverified");
    let run = home.resend(&[], &replayed);
    assert_eq!(run.status, 75, "{run:?}");
    assert!(
        run.stdout
            .contains("\nNotice     unverified: it comes from mail.evil.test"),
        "{run:?}"
    );
    assert_eq!(home.received().len(), 1);
}

/// The envelope id of what went to Bob does not make him get it twice.
#[test]
fn a_replayed_notice_sends_nothing() {
    let home = home();
    let id = sent_to_bob(&home);
    let replayed = with_envelope_id(&id).replace(CAROL, BOB);
    for replayed in [
        home.notice(),
        replayed.replace("warning-1@", "replay@"),
        replayed,
    ] {
        let run = home.resend(&["--yes"], &replayed);
        assert_eq!(run.status, 1, "{run:?}");
        assert!(run.stdout.contains("was already sent again"), "{run:?}");
    }
    assert_eq!(home.received().len(), 1);
}

/// What a server honours is learned from a notice that knows the envelope id, and from no other.
#[test]
fn a_strangers_notice_teaches_nothing() {
    let home = home();
    let id = sent_to_bob(&home);
    let opted_out =
        |notice: &str| notice.replace("\nSubject: Lunch", "\nTLS-Required: No\nSubject: Lunch");
    let honoured = |notice: &str| format!("TLS-Required: No\n{notice}");
    let guess = "0".repeat(32);
    for forged in [
        opted_out(&home.notice()),
        honoured(&opted_out(&home.notice())),
        opted_out(&with_envelope_id(&guess)),
        honoured(&opted_out(&with_envelope_id(&guess))),
        // Of another message.
        opted_out(&with_envelope_id(&id)).replace("lunch-1@", "lunch-2@"),
        // About a message that had no opt-out.
        honoured(&with_envelope_id(&id)),
    ] {
        home.resend(&["--dry-run"], &forged);
        home.resend(&[], &forged);
        home.run(&["process"], &forged);
        assert!(
            journal(&home, "SELECT server FROM honour").is_empty(),
            "{forged}"
        );
    }
    home.resend(&[], &opted_out(&with_envelope_id(&id)));
    assert_eq!(journal(&home, "SELECT server FROM honour"), [home.place()]);
    assert_eq!(home.received().len(), 1);
}

/// A notice that has the Message-ID of an earlier one is that one: it changes nothing of the offer.
#[test]
fn a_notice_that_takes_the_place_of_an_earlier_one() {
    let home = home();
    assert_eq!(home.run(&["process"], &home.notice()).status, 0);
    let offers = home.run(&["offers", "--json"], "");
    let strange = notice(&[
        ("mallory@evil.test", "4.7.4", NO_TLS),
        (CAROL, "4.7.4", NO_TLS),
    ])
    .replace("Thursday", "payday");
    home.run(&["process"], &strange);
    home.resend(&[], &strange);
    assert_eq!(home.run(&["offers", "--json"], "").stdout, offers.stdout);
    assert_eq!(home.run(&["resend", "--yes", "1"], "").status, 0);
    let messages = home.received();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].recipients.len(), 1);
    assert_eq!(messages[0].recipients[0].0, BOB);
}

/// What it leaves in the journal does not make the offer rest on it, either.
#[test]
fn a_notice_that_takes_the_place_of_an_earlier_one_twice() {
    let home = home();
    assert_eq!(home.run(&["process"], &home.notice()).status, 0);
    let offers = home.run(&["offers", "--json"], "");
    let strange = notice(&[("aa@evil.test", "4.7.4", NO_TLS)]).replacen(
        "by mail.example.org",
        "from evil.test by mail.example.org",
        1,
    );
    for hour in ["07:00:13", "07:00:14"] {
        let later = strange.replacen(
            "\nDate: Tue, 24 Nov 2026 07:00:12",
            &format!("\nDate: Tue, 24 Nov 2026 {hour}"),
            1,
        );
        home.run(&["process"], &later);
        assert_eq!(home.run(&["offers", "--json"], "").stdout, offers.stdout);
    }
    home.received();
}

/// What the user has said no to does not come back under its old name.
#[test]
fn a_dismissed_notice_stays_so() {
    let home = home();
    home.run(&["process"], &home.notice());
    assert_eq!(home.run(&["dismiss", "1"], "").status, 0);
    home.run(
        &["process"],
        &forged(&home, "Subject: Delayed", "Subject: URGENT Delayed"),
    );
    assert_eq!(home.run(&["offers"], "").status, 1);
    assert!(home.received().is_empty());
}

/// No field of a notice chooses the name of a file.
#[test]
fn names_that_lead_out_of_the_state_folder() {
    let home = home();
    let odd = "../../../../odd";
    let notice = with_envelope_id(odd)
        .replace("warning-1@mail.example.org", odd)
        .replace(
            "X-Postfix-Queue-ID: 4794A13EC12",
            &format!("X-Postfix-Queue-ID: {odd}"),
        );
    assert_eq!(home.resend(&["--yes"], &notice).status, 0);
    for file in files(&home.state()) {
        let name = file
            .file_name()
            .expect("a name")
            .to_string_lossy()
            .into_owned();
        assert!(name.starts_with("journal.sqlite3"), "{name}");
    }
    let mut there: Vec<_> = fs::read_dir(home.path(""))
        .expect("the home")
        .map(|entry| entry.expect("an entry").file_name())
        .collect();
    there.sort();
    assert_eq!(there, [".config", ".local", "Mail", "ca.pem"]);
    home.received();
}

/// The policy is asked about the recipient of the original, not about the address that a notice shows.
#[test]
fn a_notice_that_names_an_address_of_an_allowed_domain() {
    let home = home();
    home.write_config(
        &(home.config() + "[policy]\n\"example.net\" = \"never\"\n\"evil.test\" = \"auto\"\n"),
    );
    let allowed = notice(&[("bob@evil.test", "4.7.4", NO_TLS)]).replace(
        "Original-Recipient: rfc822;bob@evil.test",
        &format!("Original-Recipient: rfc822;{BOB}"),
    );
    let run = home.resend(&["--yes"], &allowed);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stdout.contains("may not be opted out"), "{run:?}");
    assert!(home.received().is_empty());
}
