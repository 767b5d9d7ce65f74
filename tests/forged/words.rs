//! What stands in a forged notice, shown on a terminal and handed to a server.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::home::{BOB, Home, original};
use crate::trial::{NO_TLS, home, swap};

/// Clears the screen, sets its title, turns the direction, hides, starts a sequence in one character (C1), and
/// what ends a line or a string.
const EVIL: &str = "\x1b[2J\x1b]0;title\x07\u{202e}\u{200b}\u{9b}31m\u{7f}\rbob\0";

/// Fields of a notice, each with a place where words of the attacker can stand.
const FIELDS: [(&str, &str); 12] = [
    (
        "From: Mail Delivery System",
        "From: EVIL Mail Delivery System",
    ),
    ("<warning-1@mail", "<EVIL warning-1@mail"),
    ("This is the mail system", "EVIL This is the mail system"),
    (">: TLS is required", ">: EVIL TLS is required"),
    ("dns; mail.example.org", "dns; EVILmail.evil.test"),
    (
        "X-Postfix-Queue-ID: ",
        "Original-Envelope-Id: EVIL\nX-Postfix-Queue-ID: EVIL",
    ),
    ("Arrival-Date: Tue", "Arrival-Date: EVIL Tue"),
    ("Status: 4.7.4", "Status: 4.7.4 (EVIL)"),
    (
        "Diagnostic-Code: X-Postfix;",
        "Remote-MTA: dns; EVIL\nDiagnostic-Code: X-Postfix; EVIL",
    ),
    ("Will-Retry-Until: Sun", "Will-Retry-Until: EVIL Sun"),
    ("Return-Path: <>", "Return-Path: <EVIL@evil.test>"),
    (
        "by mail.example.org",
        "from EVIL.evil.test by EVILmail.example.org",
    ),
];

/// Nothing that acts on a terminal, but for line ends.
fn assert_clean(text: &str, what: &str) {
    let odd = |c: char| {
        (c.is_control() && c != '\n')
            || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{200b}'..='\u{200f}')
    };
    if let Some(c) = text.chars().find(|&c| odd(c)) {
        panic!("{what} shows {c:?}: {text:?}");
    }
}

/// Every verb that shows something of a notice.
fn assert_nothing_acts(home: &Home, notice: &str, what: &str) {
    home.file("notice.eml", notice);
    for arguments in [
        &["inspect", "notice.eml"][..],
        &["inspect", "--json", "notice.eml"],
        &["-vvv", "process"],
        &["-vvv", "resend", "notice.eml"],
        &["resend", "--json", "notice.eml"],
        &["-vvv", "watch", "--once"],
        &["offers", "--all"],
        &["offers", "--all", "--json"],
        &["-vvv", "notify-postmaster", "notice.eml"],
        &["notify-postmaster", "--domain", "evil.test", "notice.eml"],
    ] {
        let run = home.run(arguments, notice);
        let what = format!("{what}, {arguments:?}");
        assert_clean(&run.stdout, &what);
        assert_clean(&run.stderr, &what);
        if arguments.contains(&"--json") {
            for line in run.stdout.lines() {
                serde_json::from_str::<serde_json::Value>(line).expect("JSON");
            }
        }
    }
    // The question and its details, on a terminal, which puts one more CR before each line end.
    let keys = [("[y/N/d] ", &b"d"[..]), ("[y/N/d] ", b"\r")];
    let (_, screen) = home.on_screen("resend notice.eml", &keys);
    let screen = String::from_utf8(screen).expect("UTF-8 on the screen");
    assert_clean(&screen.replace("\r\r\n", "\n").replace("\r\n", "\n"), what);
}

fn watched() -> Home {
    let home = home();
    home.make_folder("Mail/INBOX");
    home.write_config(&swap(
        &home.config(),
        "inbox = []",
        "inbox = [\"~/Mail/INBOX\"]",
    ));
    home
}

#[test]
fn no_field_of_a_notice_acts_on_the_terminal() {
    for (from, to) in FIELDS {
        let home = watched();
        let notice = swap(&home.notice(), from, &to.replace("EVIL", EVIL));
        home.file("Mail/INBOX/new/1.notice", &notice);
        assert_nothing_acts(&home, &notice, to);
        assert!(home.received().is_empty());
    }
}

/// In words that only decoding brings to light (RFC 2047), in the message and in the notice.
#[test]
fn no_decoded_subject_acts_on_the_terminal() {
    let home = watched();
    let word = format!("=?utf-8?B?{}?=", STANDARD.encode(EVIL));
    home.write_copy(&swap(&original(), "Lunch on Thursday", &word));
    let notice = swap(&home.notice(), "Lunch on Thursday", &word);
    home.file("Mail/INBOX/new/1.notice", &notice);
    assert_nothing_acts(&home, &notice, "Subject");
    // One that differs is shown as well.
    let notice = swap(&notice, &word, &format!("{word} x"));
    assert_nothing_acts(&home, &notice, "another Subject");
    assert!(home.received().is_empty());
}

#[test]
fn no_recipient_acts_on_the_terminal() {
    let home = watched();
    let group = format!(
        "Final-Recipient: rfc822; {EVIL}mallory@evil.test\nOriginal-Recipient: rfc822; {EVIL}@evil.test\n\
         Action: delayed\nStatus: 4.7.4\nDiagnostic-Code: X-Postfix; TLS is required, but was not offered by \
         host {EVIL}\n\nFinal-Recipient: rfc822; {BOB}"
    );
    let notice = swap(
        &home.notice(),
        &format!("Final-Recipient: rfc822; {BOB}"),
        &group,
    );
    home.file("Mail/INBOX/new/1.notice", &notice);
    assert_nothing_acts(&home, &notice, "a recipient");
    assert!(home.received().is_empty());
}

/// A refusal quotes what it refuses.
#[test]
fn no_refusal_acts_on_the_terminal() {
    let refused = format!("{EVIL} connect to mx.example.net[192.0.2.1]:25: Connection refused");
    let word = format!("=?utf-8?B?{}?=", STANDARD.encode(EVIL));
    for (from, to, status) in [
        (NO_TLS, &*refused, 1),
        ("Message-ID: <lunch-1", &format!("Message-ID: <{EVIL}"), 66),
        ("Subject: Lunch", &format!("Subject: {word}"), 65),
        ("From: Alice", &format!("From: {EVIL}@evil.test, Alice"), 65),
        (
            "Content-Type: text/plain; charset=us-ascii\n\n--",
            &format!("Content-Type: {EVIL}\n\n--"),
            65,
        ),
    ] {
        let home = home();
        let run = home.resend(&["-vvv", "--yes"], &home.notice().replace(from, to));
        assert_eq!(run.status, status, "{to:?}: {run:?}");
        assert_clean(&run.stderr, to);
        assert!(home.received().is_empty());
    }
    // A copy that is from somebody else.
    let home = home();
    let from = format!("From: \"{EVIL}\"@evil.test");
    home.write_copy(&swap(&original(), "From: Alice <alice@example.org>", &from));
    let notice = swap(&home.notice(), "From: Alice <alice@example.org>", &from);
    let run = home.resend(&["-vvv", "--yes"], &notice);
    assert_ne!(run.status, 0, "{run:?}");
    assert_clean(&run.stderr, "the author");
    assert!(home.received().is_empty());
}

/// Whatever a notice says, the server hears nothing of it.
#[test]
fn no_field_of_a_notice_reaches_the_server() {
    let injected = "x>\r\nRCPT TO:<mallory@evil.test>\r\nDATA\r\n";
    for (from, to) in FIELDS {
        let home = home();
        let notice = swap(&home.notice(), from, &to.replace("EVIL", injected));
        let run = home.resend(&["--yes"], &notice);
        let messages = home.received();
        // Some of these are no notice any more.
        assert_eq!(
            messages.len(),
            usize::from(run.status == 0),
            "{to}: {run:?}"
        );
        for message in messages {
            assert_eq!(message.sender.0, "alice@example.org");
            let id = message
                .sender
                .1
                .split(' ')
                .find_map(|word| word.strip_prefix("ENVID="));
            let id = id.expect("an envelope id");
            assert!(
                id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
                "{id}"
            );
            let [(recipient, parameters)] = &message.recipients[..] else {
                panic!("{to}: {message:?}")
            };
            assert_eq!(recipient, BOB);
            assert_eq!(
                parameters,
                &format!("NOTIFY=FAILURE,DELAY ORCPT=rfc822;{BOB}")
            );
            let expected = format!("TLS-Required: No\n{}", original()).replace('\n', "\r\n");
            assert_eq!(String::from_utf8_lossy(&message.data), expected, "{to}");
        }
    }
}

/// The exact bytes go to a file or a pipe. A terminal gets what does no harm there: a message may quote a stranger.
#[test]
fn a_dry_run_does_not_act_on_the_terminal() {
    let home = home();
    home.write_copy(&(original() + EVIL));
    home.file("notice.eml", &home.notice());
    let line = format!(
        "script -qec '{} resend --dry-run notice.eml' /dev/null </dev/null",
        env!("CARGO_BIN_EXE_tls-optout")
    );
    let run = home.run_program("sh", &["-c", &line], "");
    assert!(run.stdout.contains("Shall we meet at one?"), "{run:?}");
    // script passes its end of input on: ^D, and two steps back over it.
    let shown = run.stdout.replace("^D\x08\x08", "");
    assert_clean(&shown.replace("\r\n", "\n"), "a dry run");
    let piped = home.resend(&["--dry-run"], &home.notice());
    assert!(piped.stdout.contains("\x1b[2J"), "{piped:?}");
    assert!(home.received().is_empty());
}
