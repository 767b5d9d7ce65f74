//! `filter`: the cookie becomes the field, and nothing else changes; the toggle for a draft.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::home::Home;
use submission_server::Script;

/// Where no edit is known of.
const CANNOT_TELL: &str =
    "tls-optout: cannot tell whether it is on; the header shows it (E in mutt)\n";

/// What comes out, byte for byte, with the status and what was said.
fn filter(home: &Home, message: &[u8]) -> (Vec<u8>, i32, String) {
    // From a file: the program writes while it reads.
    fs::write(home.path("message"), message).expect("a file");
    let program = env!("CARGO_BIN_EXE_tls-optout");
    let script = ["-c", "exec \"$0\" filter < message", program];
    let output = home
        .start_program("sh", &script, "")
        .wait_with_output()
        .expect("the output");
    let stderr = String::from_utf8(output.stderr).expect("UTF-8");
    (
        output.stdout,
        output.status.code().expect("a status"),
        stderr,
    )
}

#[test]
fn the_cookie_becomes_the_field() {
    let home = Home::new(Script::tls());
    let message = b"From: Alice <alice@example.org>\r\nSubject: [tls-optout] Lunch\r\n\r\nSubject: [tls-optout]\n\0\xff.\r\n.";
    let (out, status, stderr) = filter(&home, message);
    assert_eq!((status, &*stderr), (0, ""));
    let expected = b"TLS-Required: No\r\nFrom: Alice <alice@example.org>\r\nSubject: Lunch\r\n\r\nSubject: [tls-optout]\n\0\xff.\r\n.";
    assert_eq!(out, expected);
    // Once more changes nothing.
    assert_eq!(filter(&home, &out).0, expected);
}

#[test]
fn everything_else_passes_byte_for_byte() {
    let home = Home::new(Script::tls());
    let large: Vec<u8> = (0..3_000_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let header = b"From: alice@example.org\nSubject: Lunch\n\n";
    let endless = [
        &b"From: alice@example.org\nX: "[..],
        &vec![b'x'; 3 << 20],
        b"\nSubject: [tls-optout]\n\n",
    ]
    .concat();
    for message in [
        b"".to_vec(),
        b"\n".to_vec(),
        b"no header".to_vec(),
        header.to_vec(),
        [header, &large[..]].concat(),
        large,
        endless,
        b"From: mallory@example.net\nSubject: [tls-optout] x\n\n".to_vec(),
        b"From: alice@example.org\nSubject: Re: [tls-optout] x\n\n".to_vec(),
        b"Resent-From: alice@example.org\nFrom: alice@example.org\nSubject: [tls-optout] x\n\n"
            .to_vec(),
        b"From: alice@example.org\n\nSubject: [tls-optout] x\n".to_vec(),
    ] {
        let (out, status, stderr) = filter(&home, &message);
        assert!(
            out == message,
            "{:?}",
            String::from_utf8_lossy(&message[..message.len().min(80)])
        );
        let without_effect = "tls-optout: [tls-optout]: the word in the Subject does not count: ";
        assert!(
            status == 0 && (stderr.is_empty() || stderr.starts_with(without_effect)),
            "{stderr}"
        );
    }
}

#[test]
fn the_configuration_says_which_cookie() {
    let home = Home::new(Script::tls());
    let config = home.config();
    let subject = |subject: &str| format!("From: alice@example.org\nSubject: {subject}\n\n");
    home.write_config(&format!(
        "{config}\n[compose]\ncookie = \"!plain\"\nin_replies = true\n"
    ));
    let (out, ..) = filter(&home, subject("Re: x !Plain").as_bytes());
    assert_eq!(
        String::from_utf8_lossy(&out),
        format!("TLS-Required: No\n{}", subject("Re: x"))
    );
    home.write_config(&format!("{config}\n[compose]\ncookie = \"\"\n"));
    let message = subject("[tls-optout] x");
    assert_eq!(filter(&home, message.as_bytes()).0, message.as_bytes());
}

/// The next program in the pipe must not take half a message, or none, for the whole.
#[test]
fn what_goes_wrong_is_told_and_the_message_passes() {
    let home = Home::new(Script::tls());
    let message = b"From: alice@example.org\nSensitivity: Company-Confidential\nSubject: [tls-optout] x\n\nbody";
    let (out, status, stderr) = filter(&home, message);
    assert_eq!((out.as_slice(), status), (&message[..], 65));
    assert!(stderr.contains("asked for security"), "{stderr}");
    assert!(!stderr.contains("--force"), "{stderr}");
    home.write_config("nonsense");
    let (out, status, stderr) = filter(&home, message);
    assert_eq!((out.as_slice(), status), (&message[..], 78));
    assert!(
        stderr.ends_with("; the message is passed on as it is\n"),
        "{stderr}"
    );
}

#[test]
fn a_draft_is_toggled_in_place() {
    let home = Home::new(Script::tls());
    let draft = "From: Alice <alice@example.org>\nTo: bob@example.net\nCc: \nBcc: \nSubject: Lunch\nReply-To: \n\nHello\n";
    home.file("draft", draft);
    let path = home.path("draft");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).expect("a mode");
    for (state, expected) in [
        ("on", format!("TLS-Required: No\n{draft}")),
        ("off", draft.to_owned()),
        ("on", format!("TLS-Required: No\n{draft}")),
    ] {
        let run = home.run(&["filter", "--edit", "draft"], "");
        assert_eq!((run.status, &*run.stdout), (0, ""), "{run:?}");
        assert!(
            run.stderr.starts_with(&format!("tls-optout: {state}, ")),
            "{run:?}"
        );
        assert_eq!(fs::read_to_string(&path).expect("the draft"), expected);
        // Said again, once.
        let again = home.run(&["filter", "--edited"], "");
        assert_eq!(again.stdout, run.stderr);
        let nothing = home.run(&["filter", "--edited"], "");
        assert_eq!(nothing.stdout, CANNOT_TELL);
        let mode = path.metadata().expect("the draft").permissions().mode();
        assert_eq!(mode & 0o777, 0o640);
    }
    home.file("body", "Hello\n");
    let run = home.run(&["filter", "--edit", "body"], "");
    assert_eq!(run.status, 65, "{run:?}");
    let nothing = home.run(&["filter", "--edited"], "");
    assert_eq!(nothing.stdout, "tls-optout: nothing changed\n");
    assert_eq!(
        fs::read_to_string(home.path("body")).expect("the body"),
        "Hello\n"
    );
    assert_eq!(home.run(&["filter", "--edit", "none"], "").status, 66);
}

#[test]
fn a_cookie_that_does_not_count_is_told() {
    let home = Home::new(Script::tls());
    for (header, reason) in [
        (
            "From: mallory@example.net\nSubject: [tls-optout] x",
            "From is no address of yours",
        ),
        (
            "From: alice@example.org\nSubject: Re: x [tls-optout]",
            "it is a reply or a forward",
        ),
        (
            "From: alice@example.org\nIn-Reply-To: <1@x>\nSubject: [tls-optout] 2/2",
            "it is a reply or a forward",
        ),
        (
            "From: alice@example.org\nSubject: =?utf-32?B?\
             AAAAWwAAAHQAAABsAAAAcwAAAC0AAABvAAAAcAAAAHQAAABvAAAAdQAAAHQAAABd?=",
            "nobody here can read its charset",
        ),
    ] {
        let message = format!("{header}\n\nx");
        let (out, status, stderr) = filter(&home, message.as_bytes());
        assert_eq!((out, status), (message.into_bytes(), 0));
        let expected = format!(
            "tls-optout: [tls-optout]: the word in the Subject does not count: {reason}; no TLS-Required was put in\n"
        );
        assert_eq!(stderr, expected, "{header}");
    }
    for quiet in [
        "Resent-From: alice@example.org\nSubject: [tls-optout] x",
        "Subject: Re: x",
    ] {
        assert_eq!(filter(&home, format!("{quiet}\n\nx").as_bytes()).2, "");
    }
}

/// Where the state folder cannot be used nobody knows what the toggle did: then it is not "nothing".
#[test]
fn what_the_toggle_did_is_never_made_up() {
    let home = Home::new(Script::tls());
    home.file("draft", "From: alice@example.org\n\nHello\n");
    fs::create_dir_all(home.path(".local")).expect("a folder");
    home.file(".local/state", "no folder");
    let run = home.run(&["filter", "--edit", "draft"], "");
    assert_eq!(run.status, 0, "{run:?}");
    let draft = fs::read_to_string(home.path("draft")).expect("the draft");
    assert!(draft.starts_with("TLS-Required: No\n"), "{draft}");
    let said = home.run(&["filter", "--edited"], "");
    assert_eq!(said.stdout, CANNOT_TELL);
}

/// Two mutts, each in a terminal of its own.
#[test]
fn what_the_toggle_did_is_said_in_the_same_terminal() {
    let home = Home::new(Script::tls());
    home.file("draft", "From: alice@example.org\n\nHello\n");
    let run = home.run(&["filter", "--edit", "draft"], "");
    assert!(run.stderr.starts_with("tls-optout: on, "), "{run:?}");
    let (_, other) = home.in_steps("filter --edited", &[]);
    assert_eq!(other, CANNOT_TELL);
    let (_, other) = home.in_steps("filter --edit draft", &[]);
    assert!(other.starts_with("tls-optout: off, "), "{other}");
    assert_eq!(home.run(&["filter", "--edited"], "").stdout, run.stderr);
}
