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
