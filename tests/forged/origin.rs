//! Notices that the user's own server did not write.

use crate::trial::{assert_doubted, forged, home, provenance};

const TRACE: &str = "Received: by mail.example.org (Postfix)";

/// A stranger's mail, as the user's server lets it in: with the way that it came.
fn came_from(client: &str) -> String {
    let trace = format!("Received: from {client}\n\tby mail.example.org (Postfix) with ESMTP");
    forged(&home(), TRACE, &trace)
}

/// What all others are measured by: nothing speaks against it.
#[test]
fn the_genuine_notice_is_not_doubted() {
    let home = home();
    assert_eq!(provenance(&home, &home.notice()), "plausible");
    home.received();
}

#[test]
fn a_notice_that_came_from_a_strangers_host() {
    assert_doubted(
        &came_from("mx.evil.test (mx.evil.test [203.0.113.9])"),
        "it passed through mx.evil.test, which is not your mail server",
    );
}

#[test]
fn a_stranger_who_says_to_be_our_server() {
    assert_doubted(
        &came_from("mail.example.org (unknown [203.0.113.9])"),
        "it passed through 203.0.113.9, which is not your mail server",
    );
    assert_doubted(
        &came_from("[IPv6:2001:db8::9]"),
        "it passed through 2001:db8::9, which is not your mail server",
    );
}

/// The name that a client gives for itself is its own choice, and the date stands behind the last semicolon.
#[test]
fn a_host_name_that_ends_the_field_early() {
    for name in ["x;", "x; Tue", "mail.example.org;by mail.example.org;"] {
        assert_doubted(
            &came_from(&format!("{name} (unknown [203.0.113.9])")),
            "it passed through 203.0.113.9, which is not your mail server",
        );
    }
}

#[test]
fn a_second_hop_does_not_hide_behind_the_first() {
    let hop =
        "Received: from mx.evil.test by mail.example.org; Tue, 24 Nov 2026 07:00:10 +0000\nDate:";
    assert_doubted(
        &forged(&home(), "Date:", hop),
        "it passed through mx.evil.test, which is not your mail server",
    );
}

#[test]
fn a_notice_without_received() {
    assert_doubted(
        &forged(&home(), TRACE, "X-Received: by mail.example.org"),
        "it has no Received field",
    );
}

#[test]
fn a_notice_with_a_return_path() {
    for (path, told) in [
        ("<mallory@evil.test>", "mallory@evil.test"),
        ("<MAILER-DAEMON@example.org>", "MAILER-DAEMON@example.org"),
        // The path of mox counts only where no server has left its trace.
        (
            "<postmaster@mail.example.org>",
            "postmaster@mail.example.org",
        ),
        // The topmost is the one that the user's server wrote.
        ("<mallory@evil.test>\nReturn-Path: <>", "mallory@evil.test"),
    ] {
        let notice = forged(&home(), "Return-Path: <>", &format!("Return-Path: {path}"));
        assert_doubted(
            &notice,
            &format!("its return path is {told}, a notice has none"),
        );
    }
    assert_doubted(
        &forged(&home(), "Return-Path: <>\n", ""),
        "it has no Return-Path field",
    );
}

#[test]
fn a_notice_of_another_server() {
    assert_doubted(
        &forged(&home(), "dns; mail.example.org", "dns; mail.evil.test"),
        "it comes from mail.evil.test, which is not your mail server",
    );
    assert_doubted(
        &forged(&home(), "Reporting-MTA:", "X-Reporting-MTA:"),
        "it does not say which server wrote it",
    );
}

#[test]
fn a_server_with_a_similar_name() {
    for name in [
        "mail.example.org.evil.test",
        "mail.example.org.evil.test.",
        "xexample.org",
        "mail.example-org.test",
        "mail.example.or",
        "org",
        "mail.ex\u{430}mple.org",
        "mail.xn--exmple-4nf.org",
        "mail.example.org@evil.test",
    ] {
        let notice = forged(&home(), "dns; mail.example.org", &format!("dns; {name}"));
        assert_doubted(
            &notice,
            &format!("it comes from {name}, which is not your mail server"),
        );
    }
    // The same host, as it may be written in the DNS.
    let home = home();
    let notice = forged(&home, "dns; mail.example.org", "dns; mail.EXAMPLE.org.");
    assert_eq!(provenance(&home, &notice), "plausible");
    home.received();
}

/// The user's word counts for a notice that may be forged, too. It must not be forged without being told.
#[test]
fn yes_in_advance_is_told_the_doubt() {
    let home = home();
    let notice = forged(&home, "dns; mail.example.org", "dns; mail.evil.test");
    let doubt = "tls-optout: this notice is unverified (it comes from mail.evil.test, which is not your mail \
                 server); --yes sends all the same\n";
    for verb in ["resend", "notify-postmaster"] {
        let run = home.run(&[verb, "--yes"], &notice);
        assert_eq!((run.status, &*run.stderr), (0, doubt), "{run:?}");
    }
    assert_eq!(home.received().len(), 2);
}

/// A key that was pressed before the question stood there is no answer to it.
#[test]
fn a_yes_before_the_question_does_not_count() {
    let home = home();
    home.file("notice.eml", &home.notice());
    // The program waits for the notice until the terminal has the key, which it shows.
    let line = format!(
        "mkfifo pipe; : >screen; (printf y; until grep -q '^y' screen; do sleep 0.02; done; cat notice.eml >pipe; \
         until grep -qF '[y/N/d]' screen; do sleep 0.02; done; printf '\\r') | \
         script -qefc \"'{}' resend pipe\" screen >/dev/null",
        env!("CARGO_BIN_EXE_tls-optout")
    );
    let run = home.run_program("sh", &["-c", &line], "");
    assert_eq!(run.status, 2, "{run:?}");
    assert!(home.received().is_empty());
}
