//! Who gets the message: those whose cause an opt-out helps, and nobody else.

use crate::home::{BOB, CAROL, Home, notice, original};
use submission_server::{Script, Then};

const NO_TLS: &str = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";
const REFUSED: &str = "connect to mx.example.com[192.0.2.2]:25: Connection refused";

fn recipients(home: &Home) -> Vec<String> {
    let messages = home.received();
    assert_eq!(messages.len(), 1);
    messages[0]
        .recipients
        .iter()
        .map(|(address, _)| address.clone())
        .collect()
}

#[test]
fn only_the_recipient_that_an_opt_out_helps() {
    let home = Home::new(Script::tls());
    let notice = notice(&[(CAROL, "4.4.1", REFUSED), (BOB, "4.7.4", NO_TLS)]);
    assert_eq!(home.resend(&["--yes"], &notice).status, 0);
    assert_eq!(recipients(&home), [BOB]);
}

#[test]
fn nobody_who_was_no_recipient_of_the_original() {
    let home = Home::new(Script::tls());
    let run = home.resend(
        &["--yes"],
        &notice(&[("mallory@example.net", "4.7.4", NO_TLS)]),
    );
    assert_eq!(run.status, 1, "{run:?}");
    assert!(
        run.stdout
            .starts_with("mallory@example.net: is not among the recipients of the original"),
        "{run:?}"
    );
    assert!(home.received().is_empty());
}

#[test]
fn to_names_a_recipient_of_the_original_or_nobody() {
    let home = Home::new(Script::tls());
    let run = home.resend(&["--yes", "--to", "mallory@example.net"], &home.notice());
    assert_eq!(run.status, 1, "{run:?}");
    let notice = notice(&[("end-of-an-alias@example.com", "4.7.4", NO_TLS)]);
    assert_eq!(home.resend(&["--yes", "--to", CAROL], &notice).status, 0);
    assert_eq!(recipients(&home), [CAROL]);
}

#[test]
fn a_bcc_recipient_gets_it_and_is_named_nowhere() {
    let home = Home::new(Script::tls());
    let copy = original().replace("Subject:", "Bcc: dave@example.net\nSubject:");
    home.write_copy(&copy);
    let notice = notice(&[("dave@example.net", "4.7.4", NO_TLS)]);
    assert_eq!(home.resend(&["--yes"], &notice).status, 0);
    let messages = home.received();
    assert_eq!(messages[0].recipients[0].0, "dave@example.net");
    assert!(!String::from_utf8_lossy(&messages[0].data).contains("dave"));
}

#[test]
fn the_policy_forbids() {
    let home = Home::new(Script::tls());
    home.write_config(&(home.config() + "[policy]\n\"example.net\" = \"never\"\n"));
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 1, "{run:?}");
    assert!(
        run.stdout
            .starts_with(&format!("{BOB}: may not be opted out")),
        "{run:?}"
    );
    assert!(home.received().is_empty());
}

#[test]
fn one_refusal_does_not_stop_the_others() {
    let home = Home::new(Script::tls().on("RCPT TO:<bob", Then::Say("550 5.1.1 no Bob here")));
    let notice = notice(&[(CAROL, "4.7.4", NO_TLS), (BOB, "4.7.4", NO_TLS)]);
    let run = home.resend(&["--yes"], &notice);
    assert_eq!(run.status, 69, "{run:?}");
    assert!(
        run.stdout
            .contains(&format!("accepted: sent again to {CAROL} ")),
        "{run:?}"
    );
    let refused = format!(
        "refused: not sent to {BOB} through {}: 550 5.1.1 no Bob here\n",
        home.place()
    );
    assert!(run.stdout.contains(&refused), "{run:?}");

    let again = home.resend(&["--yes"], &notice);
    assert!(
        again
            .stdout
            .contains(&format!("{CAROL}: was already sent again at")),
        "{again:?}"
    );
    assert_eq!(recipients(&home), [CAROL]);
}

#[test]
fn the_bytes_of_a_dry_run_stand_alone() {
    let home = Home::new(Script::tls());
    let notice = notice(&[
        ("mallory@example.net", "4.7.4", NO_TLS),
        (BOB, "4.7.4", NO_TLS),
    ]);
    let run = home.resend(&["--dry-run"], &notice);
    assert!(run.stdout.starts_with("TLS-Required: No\r\n"), "{run:?}");
    assert!(
        run.stderr.contains("mallory@example.net: is not among"),
        "{run:?}"
    );
    let run = home.resend(&["--yes", "--json"], &notice);
    assert!(
        run.stdout.lines().all(|line| line.starts_with('{')),
        "{run:?}"
    );
    home.received();
}

/// Addresses as the notice spells them, against those of the copy.
#[test]
fn one_mailbox_in_another_spelling() {
    for (in_copy, in_notice) in [
        ("bob@Example.NET", "bob@example.net"),
        ("bob@b\u{fc}cher.example", "bob@xn--bcher-kva.example"),
        ("bob@xn--bcher-kva.example", "bob@B\u{dc}CHER.example"),
        ("\"bob\"@example.net", "bob@example.net"),
        ("bob+lunch@example.net", "bob+lunch@example.net"),
    ] {
        let home = Home::new(Script::tls());
        home.write_copy(&original().replace(BOB, in_copy));
        let run = home.resend(&["--dry-run"], &notice(&[(in_notice, "4.7.4", NO_TLS)]));
        assert_eq!(run.status, 0, "{in_notice}: {run:?}");
        let rcpt = format!("RCPT TO:<{in_copy}>\n");
        assert!(run.stderr.contains(&rcpt), "{in_notice}: {run:?}");
        home.received();
    }
}

#[test]
fn never_a_near_match() {
    for (in_copy, in_notice) in [
        ("bob+lunch@example.net", BOB),
        (BOB, "bob+lunch@example.net"),
        ("Bob@example.net", BOB),
        ("b.ob@example.net", BOB),
        ("bob@mail.example.net", BOB),
        ("bob@b\u{fc}cher.example", "bob@bucher.example"),
    ] {
        let home = Home::new(Script::tls());
        home.write_copy(&original().replace(BOB, in_copy));
        let notice = notice(&[(in_notice, "4.7.4", NO_TLS)]);
        for arguments in [&["--yes"][..], &["--yes", "--to", in_notice]] {
            let run = home.resend(arguments, &notice);
            assert_eq!(run.status, 1, "{in_notice}: {run:?}");
            assert!(
                run.stdout.contains("is not among the recipients"),
                "{run:?}"
            );
        }
        assert!(home.received().is_empty());
    }
}

/// `Final-Recipient` may be the far end of an alias, and even another recipient.
#[test]
fn the_original_recipient_counts_first() {
    let groups = |original: &str, last: &str| {
        notice(&[(BOB, "4.7.4", NO_TLS)])
            .replace(&format!("Original-Recipient: rfc822;{BOB}"), original)
            .replace(
                &format!("Final-Recipient: rfc822; {BOB}"),
                &format!("Final-Recipient: rfc822; {last}"),
            )
    };
    for (original, last, expected) in [
        ("Original-Recipient: rfc822;carol@example.com", BOB, CAROL),
        (
            "Original-Recipient: rfc822;carol@example.com",
            "far@example.net",
            CAROL,
        ),
        ("Original-Recipient: rfc822;list@example.net", CAROL, CAROL),
        ("X-Other: 1", CAROL, CAROL),
    ] {
        let home = Home::new(Script::tls());
        let run = home.resend(&["--yes"], &groups(original, last));
        assert_eq!(run.status, 0, "{original}: {run:?}");
        assert_eq!(recipients(&home), [expected], "{original}");
    }
}

#[test]
fn a_copy_that_was_resent_goes_to_whom_it_was_resent() {
    let copy = format!(
        "Resent-From: Alice <alice@example.org>\nResent-To: dave@example.net\nResent-Cc: erin@example.net\n\
         Resent-Bcc: frank@example.net\n{}",
        original()
    );
    for who in ["dave@example.net", "erin@example.net", "frank@example.net"] {
        let home = Home::new(Script::tls());
        home.write_copy(&copy);
        let run = home.resend(&["--yes"], &notice(&[(who, "4.7.4", NO_TLS)]));
        assert_eq!(run.status, 0, "{who}: {run:?}");
        let messages = home.received();
        assert_eq!(messages[0].recipients[0].0, who);
        assert!(!String::from_utf8_lossy(&messages[0].data).contains("frank"));
    }
    let home = Home::new(Script::tls());
    home.write_copy(&copy);
    let run = home.resend(&["--yes"], &home.notice());
    assert!(
        run.stdout.contains(&format!("{BOB}: is not among")),
        "{run:?}"
    );
    assert!(home.received().is_empty());
}

/// One alias, two behind it, of whom one has the message.
#[test]
fn an_alias_is_not_mailed_again_for_one_of_its_members() {
    let home = Home::new(Script::tls());
    let notice = notice(&[
        ("erin@far.test", "2.0.0", "sent"),
        ("dave@far.test", "4.7.4", NO_TLS),
    ])
    .replacen("Action: delayed", "Action: relayed", 1)
    .replace("rfc822;erin@far.test", &format!("rfc822;{BOB}"))
    .replace("rfc822;dave@far.test", &format!("rfc822;{BOB}"));
    let run = home.resend(&["--yes"], &notice);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(
        run.stdout
            .starts_with(&format!("{BOB}: stands for several recipients")),
        "{run:?}"
    );
    assert_eq!(home.resend(&["--yes", "--to", BOB], &notice).status, 0);
    assert_eq!(recipients(&home), [BOB]);
}
