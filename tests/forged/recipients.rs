//! Notices that name others than those who were sent the message.

use std::time::{Duration, Instant};

use crate::home::{BOB, CAROL, notice};
use crate::trial::{NO_TLS, assert_only_bob, assert_refused, forged, home, swap};

const FINAL: &str = "Final-Recipient: rfc822; bob@example.net";
const ORIGINAL: &str = "Original-Recipient: rfc822;bob@example.net";
const NOT_AMONG: &str = "is not among the recipients of the original; nothing goes there";

#[test]
fn a_stranger_as_recipient() {
    for address in [
        "mallory@evil.test",
        // Near, and somebody else.
        "Bob@example.net",
        "bob+x@example.net",
        "bob@example.net.evil.test",
        "bob@mail.example.net",
        "b\u{43e}b@example.net",
        "bob@example.net.",
        // More than an address.
        "bob@example.net,mallory@evil.test",
        "bob@example.net mallory@evil.test",
        "bob@example.net> NOTIFY=NEVER",
        "bob@example.net\0mallory@evil.test",
        "@evil.test:bob@example.net",
        "bob%example.net@evil.test",
        "Bob <bob@example.net>",
        "-fmallory@evil.test",
    ] {
        let home = home();
        assert_refused(&home, &notice(&[(address, "4.7.4", NO_TLS)]), 1, NOT_AMONG);
    }
}

#[test]
fn a_true_recipient_beside_a_strange_one() {
    for (field, name) in [(ORIGINAL, "Original-Recipient"), (FINAL, "Final-Recipient")] {
        let home = home();
        let strange = format!("{name}: rfc822; mallory@evil.test");
        assert_only_bob(&home, &forged(&home, field, &strange));
    }
}

/// A line end in an address ends the field there, and what follows is none of the notice's.
#[test]
fn a_line_end_in_an_address() {
    for address in [
        "bob@example.net\r\nRCPT TO:<mallory@evil.test>",
        "bob@example.net>\nDATA",
    ] {
        let home = home();
        assert_only_bob(
            &home,
            &forged(&home, FINAL, &format!("Final-Recipient: rfc822; {address}")),
        );
    }
}

#[test]
fn a_list_of_recipients_with_one_of_ours() {
    let home = home();
    let notice = notice(&[
        ("mallory@evil.test", "4.7.4", NO_TLS),
        (BOB, "4.7.4", NO_TLS),
        ("eve@evil.test", "4.7.4", NO_TLS),
    ]);
    assert_only_bob(&home, &notice);
}

/// Only the user's own copy says to whom the message went.
#[test]
fn a_returned_header_with_other_recipients() {
    let home = home();
    let strange = notice(&[("mallory@evil.test", "4.7.4", NO_TLS)]);
    let to = format!("To: Bob <{BOB}>, {CAROL}");
    let strange = swap(
        &strange,
        &to,
        &format!("{to}, mallory@evil.test\nBcc: mallory@evil.test"),
    );
    assert_refused(&home, &strange, 1, NOT_AMONG);
}

#[test]
fn to_names_nobody_that_only_the_notice_knows() {
    let home = home();
    let notice = notice(&[("mallory@evil.test", "4.7.4", NO_TLS)]);
    let run = home.resend(&["--yes", "--to", "mallory@evil.test"], &notice);
    assert_eq!(run.status, 1, "{run:?}");
    assert!(run.stdout.contains(NOT_AMONG), "{run:?}");
    assert!(home.received().is_empty());
}

/// As many as are read, all but one of them strangers, in no more time than a person has.
#[test]
fn ten_thousand_recipients_and_one_of_ours() {
    let home = home();
    let mut names: Vec<String> = (1..10_000).map(|n| format!("r{n}@evil.test")).collect();
    names.insert(5_000, BOB.to_owned());
    let groups: Vec<_> = names
        .iter()
        .map(|name| (&**name, "4.7.4", NO_TLS))
        .collect();
    let begin = Instant::now();
    assert_only_bob(&home, &notice(&groups));
    let took = begin.elapsed();
    assert!(took < Duration::from_secs(20), "{took:?}");
}
