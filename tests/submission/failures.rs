//! What goes wrong on the way: before the dot nothing is sent, after it nobody knows.

use super::*;

#[test]
fn a_journal_that_fails_stops_before_data() {
    let mut this = case(Script::tls());
    this.journal = || Err(io::Error::other("disk full"));
    let run = this.run();
    assert!(run.not_sent().to_string().contains("disk full"));
    assert_eq!(run.not_sent().status(), 74);
    assert!(run.lines().last() == Some(&"QUIT") && !run.lines().contains(&"DATA"));
}

#[test]
fn refusals_of_each_command() {
    for what in ["CONNECT", "EHLO", "MAIL", "DATA", "."] {
        for (text, status) in [
            ("421 4.3.2 shutting down", 75),
            ("451 4.3.0 later", 75),
            ("550 5.7.1 never", 69),
        ] {
            let run = case(Script::tls().on(what, Then::Say(text))).run();
            assert_eq!(run.not_sent().status(), status, "{what} {text}");
            assert!(
                run.not_sent().to_string().contains(text),
                "{}",
                run.not_sent()
            );
        }
    }
    let run = case(Script::tls().on("RCPT", Then::Say("421 4.3.2 shutting down"))).run();
    assert!(matches!(run.not_sent(), Error::Refused(_)));
}

#[test]
fn a_connection_that_ends_before_the_dot_sends_nothing() {
    for what in ["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"] {
        for then in [
            Then::Close,
            Then::SayHalf("2"),
            Then::SayHalf("250-half\r\n250"),
        ] {
            let run = case(Script::tls().on(what, then)).run();
            assert_eq!(
                run.not_sent().status(),
                75,
                "{what} {then:?}: {}",
                run.not_sent()
            );
            assert!(run.not_sent().to_string().contains("closed the connection"));
        }
    }
    for what in ["EHLO", "STARTTLS"] {
        let run = case(Script::starttls().on(what, Then::Close)).run();
        assert_eq!(run.not_sent().status(), 75);
    }
}

#[test]
fn silence_before_the_dot_sends_nothing() {
    for what in ["CONNECT", "EHLO", "AUTH", "MAIL", "RCPT", "DATA"] {
        let run = case(Script::tls().on(what, Then::Nothing)).short().run();
        assert_eq!(run.not_sent().status(), 75, "{what}");
        assert!(
            run.not_sent().to_string().contains("no answer within 1 s"),
            "{}",
            run.not_sent()
        );
    }
}

#[test]
fn what_is_no_smtp_ends_the_session() {
    for then in [
        Then::Say("HTTP/1.1 400 Bad Request"),
        Then::Say("250-a\r\n550 b"),
        Then::Say("\u{1b}[2J"),
        Then::SayForever("250-and on"),
        Then::SayHalf(LONG_LINE),
    ] {
        for what in ["CONNECT", "EHLO", "MAIL", "RCPT", "DATA"] {
            let run = case(Script::tls().on(what, then)).run();
            assert!(
                matches!(run.not_sent(), Error::Protocol { .. }),
                "{}",
                run.not_sent()
            );
            assert!(!run.not_sent().to_string().contains('\u{1b}'));
            assert_ne!(run.lines().last(), Some(&"QUIT"), "{what} {then:?}");
        }
    }
    // A server that answers so may wait for more: QUIT would be taken for that.
    for (what, text) in [("DATA", "250 2.0.0 ok"), ("AUTH", "334 more")] {
        let run = case(Script::tls().on(what, Then::Say(text))).short().run();
        assert!(
            matches!(run.not_sent(), Error::Protocol { .. }),
            "{}",
            run.not_sent()
        );
        assert_ne!(run.lines().last(), Some(&"QUIT"));
    }
}

const LONG_LINE: &str = match str::from_utf8(&[b'2'; 10_000]) {
    Ok(line) => line,
    Err(_) => "",
};

#[test]
fn the_connection_lost_in_mid_data_sends_nothing() {
    let mut this = case(Script::tls().on("BODY", Then::Close).without("SIZE"));
    this.message = [MESSAGE, &b"x".repeat(70), b"\n"].concat().repeat(100_000);
    let run = this.run();
    assert_eq!(run.not_sent().status(), 75);
    assert!(
        run.not_sent().to_string().contains("during the message"),
        "{}",
        run.not_sent()
    );
    assert_ne!(run.lines().last(), Some(&"QUIT"));
}

#[test]
fn a_server_that_stops_reading_sends_nothing() {
    let mut this = case(Script::tls().on("BODY", Then::Stall).without("SIZE")).short();
    this.message = MESSAGE.repeat(500_000);
    let run = this.run();
    assert!(
        run.not_sent()
            .to_string()
            .contains("during the message: no answer within 1 s")
    );
}

#[test]
fn no_word_after_the_dot_leaves_it_unknown() {
    for then in [
        Then::Close,
        Then::SayHalf("250 2.0"),
        Then::Say("354 more?"),
        Then::Say("HTTP/1.1"),
    ] {
        let run = case(Script::tls().on(".", then)).run();
        run.unknown();
        assert_eq!(run.noted.len(), 1);
    }
    let run = case(Script::tls().on(".", Then::Nothing)).short().run();
    assert!(
        run.unknown().to_string().contains("no answer within 1 s"),
        "{}",
        run.unknown()
    );
}

#[test]
fn the_answer_to_quit_does_not_matter() {
    for then in [
        Then::Close,
        Then::Say("550 no"),
        Then::SayHalf("x"),
        Then::Say("x"),
    ] {
        case(Script::tls().on("QUIT", then)).run().result.unwrap();
    }
    case(Script::tls().on("QUIT", Then::Nothing))
        .short()
        .run()
        .result
        .unwrap();
}

#[test]
fn line_ends_and_large_messages_arrive_exactly() {
    for (stored, arrives) in [
        (
            &b"A: b\r\n\r\nc\n\rd\r\n"[..],
            &b"A: b\r\n\r\nc\r\n\rd\r\n"[..],
        ),
        (b"A: b\n\nno end", b"A: b\r\n\r\nno end\r\n"),
        (b"A: b\n\ntwo\n\n", b"A: b\r\n\r\ntwo\r\n\r\n"),
    ] {
        let mut this = case(Script::tls());
        this.message = stored.to_vec();
        assert_eq!(this.run().messages()[0].data, arrives);
    }
    let mut this = case(Script::tls());
    this.message = MESSAGE.repeat(60_000);
    let run = this.run();
    assert!(run.messages()[0].data == ON_THE_WIRE.repeat(60_000));
    let total = 60_000 * 72;
    assert!(run.progress.len() > 10 && run.progress.is_sorted());
    assert_eq!(run.progress.last(), Some(&(total, total)));
}
