//! Submission on the wire, against a scripted server, a real msmtp and a real keyring.

use std::io::{self, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use submission_server::{Certificate, Script, Then};
use tls_optout::submission::{
    Envelope, Error, Mechanism, Receipt, Secret, Server, Timeouts, credentials, sendmail, smtp,
};

const MESSAGE: &[u8] = b"From: alice@example.org\nTo: bob@example.net\n\nLunch?\n.\n..\n.hidden\n";
const ON_THE_WIRE: &[u8] =
    b"From: alice@example.org\r\nTo: bob@example.net\r\n\r\nLunch?\r\n.\r\n..\r\n.hidden\r\n";

/// One submission, everything it did, and everything the server saw.
struct Run {
    result: Result<Receipt, Error>,
    sessions: Vec<submission_server::Session>,
    /// What `before_data` was told, once per call.
    noted: Vec<Vec<String>>,
    progress: Vec<(u64, u64)>,
}

/// What to submit. The defaults make a plain, good submission.
struct Case {
    script: Script,
    secret: Secret,
    recipients: Vec<&'static str>,
    message: Vec<u8>,
    auth: Option<Mechanism>,
    limit: Duration,
    host: &'static str,
    trust: bool,
    journal: fn() -> io::Result<()>,
}

fn case(script: Script) -> Case {
    Case {
        script,
        secret: Secret::password("wonderland".to_owned()).unwrap(),
        recipients: vec!["bob@example.net"],
        message: MESSAGE.to_vec(),
        auth: None,
        limit: Duration::from_secs(20),
        host: "127.0.0.1",
        trust: true,
        journal: || Ok(()),
    }
}

fn envelope(recipients: &[&str]) -> Envelope {
    Envelope::new("alice@example.org", recipients, "id+1=2").unwrap()
}

impl Case {
    fn run(self) -> Run {
        let home = tempfile::tempdir().unwrap();
        let running = submission_server::Server::start(self.script, home.path());
        let mut server: Server = running
            .url()
            .replace("127.0.0.1", self.host)
            .parse()
            .unwrap();
        server.trust_file = self.trust.then(|| running.ca_file().to_owned());
        server.auth = self.auth;
        let limit = self.limit;
        server.timeouts = Timeouts {
            connect: limit,
            greeting: limit,
            command: limit,
            data: limit,
            block: limit,
            end: limit,
            quit: limit,
        };
        let (mut noted, mut progress) = (Vec::new(), Vec::new());
        let result = smtp::submit(
            &server,
            &self.secret,
            &envelope(&self.recipients),
            &self.message,
            &mut |accepted| {
                noted.push(accepted.iter().map(|&address| address.to_owned()).collect());
                (self.journal)()
            },
            &mut |sent, total| progress.push((sent, total)),
        )
        .quit();
        Run {
            result,
            sessions: running.finish(),
            noted,
            progress,
        }
    }

    fn short(mut self) -> Case {
        self.limit = Duration::from_secs(1);
        self
    }
}

impl Run {
    fn lines(&self) -> Vec<&str> {
        self.sessions
            .iter()
            .flat_map(|session| &session.lines)
            .map(String::as_str)
            .collect()
    }

    fn messages(&self) -> Vec<&submission_server::Received> {
        self.sessions
            .iter()
            .flat_map(|session| &session.messages)
            .collect()
    }

    /// A failure after which nothing may have been sent, as the server agrees.
    #[track_caller]
    fn not_sent(&self) -> &Error {
        let error = self.result.as_ref().expect_err("this must fail");
        assert!(!error.is_unknown(), "{error}");
        assert!(error.to_string().contains("nothing was sent"), "{error}");
        assert_eq!(error.to_string().lines().count(), 1, "{error}");
        assert!(self.messages().is_empty());
        error
    }

    #[track_caller]
    fn unknown(&self) -> &Error {
        let error = self.result.as_ref().expect_err("this must fail");
        assert!(error.is_unknown() && !error.is_temporary(), "{error}");
        assert_eq!(error.status(), 74);
        assert!(error.to_string().contains("may be under way"), "{error}");
        error
    }
}

fn ok() -> Run {
    case(Script::tls()).run()
}

#[test]
fn every_line_of_a_submission_over_tls() {
    let run = ok();
    let receipt = run.result.as_ref().unwrap();
    assert_eq!(
        run.lines(),
        [
            "(TLS)",
            "EHLO [127.0.0.1]",
            "AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=",
            "MAIL FROM:<alice@example.org> SIZE=72 RET=HDRS ENVID=id+2B1+3D2",
            "RCPT TO:<bob@example.net> NOTIFY=FAILURE,DELAY ORCPT=rfc822;bob@example.net",
            "DATA",
            "QUIT",
        ]
    );
    assert_eq!(run.messages()[0].data, ON_THE_WIRE);
    assert_eq!(run.noted, [["bob@example.net"]]);
    assert_eq!(run.progress, [(72, 72)]);
    assert_eq!(receipt.reply, "250 2.0.0 queued as 4F00BA");
    assert!(receipt.envelope_id_sent && receipt.outcomes[0].accepted);
    assert_eq!(receipt.outcomes[0].reply, "250 2.1.5 ok");
}

#[test]
fn starttls_greets_again_and_logs_in_only_then() {
    let run = case(Script::starttls()).run();
    assert_eq!(
        run.lines()[..5],
        [
            "EHLO [127.0.0.1]",
            "STARTTLS",
            "(TLS)",
            "EHLO [127.0.0.1]",
            "AUTH PLAIN AGFsaWNlAHdvbmRlcmxhbmQ=",
        ]
    );
    assert!(run.result.unwrap().envelope_id_sent);
}

#[test]
fn bytes_after_the_220_of_starttls_end_the_session() {
    // What a man in the middle would have us take for the answers to EHLO and AUTH inside TLS.
    let injected = "220 go\r\n250-evil.example.net\r\n250 AUTH PLAIN\r\n235 welcome";
    let run = case(Script::starttls().on("STARTTLS", Then::Say(injected))).run();
    assert!(
        matches!(run.not_sent(), Error::Injected(_)),
        "{}",
        run.not_sent()
    );
    assert_eq!(run.lines(), ["EHLO [127.0.0.1]", "STARTTLS"]);
    assert_eq!(run.not_sent().status(), 69);
}

#[test]
fn bytes_that_come_during_the_handshake_end_it() {
    let then = Then::SayTwice(
        "220 go",
        "250-evil.example.net\r\n250 AUTH PLAIN\r\n235 welcome",
    );
    let run = case(Script::starttls().on("STARTTLS", then)).run();
    assert!(
        matches!(run.not_sent(), Error::Injected(_)),
        "{}",
        run.not_sent()
    );
    assert_eq!(run.lines(), ["EHLO [127.0.0.1]", "STARTTLS"]);
}

#[test]
fn half_a_line_after_the_220_is_an_attack_too() {
    let run = case(Script::starttls().on("STARTTLS", Then::SayHalf("220 go\r\n2"))).run();
    assert!(
        matches!(run.not_sent(), Error::Injected(_)),
        "{}",
        run.not_sent()
    );
}

#[test]
fn a_server_without_starttls_gets_no_login() {
    let clear = "250-mail.example.org\r\n250-AUTH PLAIN LOGIN\r\n250 SIZE 1000";
    let run = case(Script::starttls().on("EHLO", Then::Say(clear))).run();
    assert!(matches!(run.not_sent(), Error::NoStarttls(_)));
    assert_eq!(run.lines(), ["EHLO [127.0.0.1]", "QUIT"]);
    let run = case(Script::starttls().on("STARTTLS", Then::Say("454 4.7.0 not now"))).run();
    assert_eq!(run.not_sent().status(), 75);
    assert_eq!(run.lines(), ["EHLO [127.0.0.1]", "STARTTLS", "QUIT"]);
}

#[test]
fn keywords_have_no_case() {
    let run = case(Script::tls().on(
        "EHLO",
        Then::Say("250-mail.example.org\r\n250-size 500\r\n250-dsn\r\n250-8bitmime\r\n250 auth login plain"),
    ))
    .run();
    assert!(run.result.as_ref().unwrap().envelope_id_sent);
    assert!(
        run.lines()[3].contains("SIZE=72 RET=HDRS"),
        "{:?}",
        run.lines()
    );
}

#[test]
fn only_what_the_server_offers_is_used() {
    let run = case(Script::tls().without("DSN").without("SIZE")).run();
    assert!(!run.result.as_ref().unwrap().envelope_id_sent);
    assert_eq!(
        run.lines()[3..5],
        ["MAIL FROM:<alice@example.org>", "RCPT TO:<bob@example.net>"]
    );
}

#[test]
fn eight_bit_text() {
    let mut this = case(Script::tls());
    this.message = b"Subject: x\n\ngr\xc3\xbcn \xff\n".to_vec();
    let run = this.run();
    assert_eq!(
        run.messages()[0].data,
        b"Subject: x\r\n\r\ngr\xc3\xbcn \xff\r\n"
    );
    assert_eq!(
        run.messages()[0].sender.1,
        "SIZE=23 BODY=8BITMIME RET=HDRS ENVID=id+2B1+3D2"
    );

    let mut this = case(Script::tls().without("8BITMIME"));
    this.message = b"Subject: x\n\ngr\xc3\xbcn\n".to_vec();
    let run = this.run();
    assert!(matches!(run.not_sent(), Error::NoEightBit(_)));
    assert_eq!(run.lines(), ["(TLS)", "EHLO [127.0.0.1]", "QUIT"]);
}

#[test]
fn international_addresses_and_headers() {
    let mut this = case(Script::tls());
    this.recipients = vec!["gr\u{fc}n@example.net"];
    let run = this.run();
    run.result.as_ref().unwrap();
    assert_eq!(
        run.messages()[0].sender.1,
        "SIZE=72 SMTPUTF8 RET=HDRS ENVID=id+2B1+3D2"
    );
    let parameters = "NOTIFY=FAILURE,DELAY ORCPT=utf-8;gr\\x{FC}n@example.net";
    assert_eq!(
        run.messages()[0].recipients,
        [("gr\u{fc}n@example.net".to_owned(), parameters.to_owned())]
    );

    for (recipient, message) in [
        ("gr\u{fc}n@example.net", "Subject: x\n\nx\n"),
        ("bob@example.net", "Subject: gr\u{fc}n\n\nx\n"),
    ] {
        let mut this = case(Script::tls().without("SMTPUTF8"));
        (this.recipients, this.message) = (vec![recipient], message.as_bytes().to_vec());
        let run = this.run();
        assert!(matches!(run.not_sent(), Error::NoUtf8(_)));
    }
}

#[test]
fn a_message_that_is_too_large_is_not_offered() {
    let run = case(Script::tls().with("SIZE 71")).run();
    assert!(matches!(
        run.not_sent(),
        Error::TooLarge {
            size: 72,
            limit: 71,
            ..
        }
    ));
    assert_eq!(run.lines(), ["(TLS)", "EHLO [127.0.0.1]", "QUIT"]);
    case(Script::tls().with("SIZE 72")).run().result.unwrap();
    case(Script::tls().with("SIZE 0")).run().result.unwrap();
}

#[test]
fn each_recipient_is_accepted_or_refused_on_its_own() {
    let mut this = case(
        Script::tls()
            .on(
                "RCPT TO:<bob@",
                Then::Say("550-5.1.1 no\r\n550 5.1.1 such user"),
            )
            .on("RCPT TO:<dave@", Then::Say("450 4.2.1 later")),
    );
    this.recipients = vec![
        "bob@example.net",
        "carol@example.net",
        "dave@example.net",
        "al+ice@example.net",
    ];
    let run = this.run();
    let outcomes = &run.result.as_ref().unwrap().outcomes;
    let accepted: Vec<bool> = outcomes.iter().map(|one| one.accepted).collect();
    assert_eq!(accepted, [false, true, false, true]);
    assert_eq!(outcomes[0].reply, "550 5.1.1 no such user");
    assert_eq!(run.noted, [["carol@example.net", "al+ice@example.net"]]);
    let reached: Vec<_> = run.messages()[0]
        .recipients
        .iter()
        .map(|(path, _)| path)
        .collect();
    assert_eq!(reached, ["carol@example.net", "al+ice@example.net"]);
    assert!(
        run.lines()[7].ends_with("ORCPT=rfc822;al+2Bice@example.net"),
        "{:?}",
        run.lines()
    );
}

#[test]
fn all_recipients_refused_is_an_error() {
    let refuse = |text| case(Script::tls().on("RCPT", Then::Say(text))).run();
    let run = refuse("550 5.1.1 no");
    assert!(
        run.not_sent()
            .to_string()
            .contains("bob@example.net (550 5.1.1 no)")
    );
    assert_eq!((run.not_sent().status(), run.noted.len()), (69, 0));
    assert_eq!(run.lines().last(), Some(&"QUIT"));
    assert_eq!(refuse("450 4.2.1 later").not_sent().status(), 75);
}

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

#[test]
fn passwords_go_by_login_where_there_is_no_plain() {
    let run = case(Script::tls().with("AUTH LOGIN XOAUTH2")).run();
    run.result.as_ref().unwrap();
    assert_eq!(
        run.lines()[2..5],
        ["AUTH LOGIN", "YWxpY2U=", "d29uZGVybGFuZA=="]
    );
    let mut this = case(Script::tls());
    this.auth = Some(Mechanism::Login);
    assert_eq!(this.run().lines()[2], "AUTH LOGIN");
}

fn with_token(mechanisms: &str, token: &str) -> Case {
    let script = Script::tls()
        .with(&format!("AUTH {mechanisms}"))
        .login("alice", "good-token");
    let mut this = case(script);
    this.secret = Secret::token(token.to_owned()).unwrap();
    this
}

#[test]
fn tokens() {
    let run = with_token("PLAIN XOAUTH2 OAUTHBEARER", "good-token").run();
    assert_eq!(run.messages()[0].login, "alice");
    assert!(run.lines()[2].starts_with("AUTH OAUTHBEARER "));
    let run = with_token("PLAIN XOAUTH2", "good-token").run();
    run.result.as_ref().unwrap();
    assert_eq!(
        run.lines()[2],
        "AUTH XOAUTH2 dXNlcj1hbGljZQFhdXRoPUJlYXJlciBnb29kLXRva2VuAQE="
    );
}

#[test]
fn a_refused_token_shows_the_servers_error() {
    for (mechanism, cancel) in [("XOAUTH2", ""), ("OAUTHBEARER", "AQ==")] {
        let run = with_token(mechanism, "old-token").run();
        let text = run.not_sent().to_string();
        assert!(
            text.contains("535 5.7.8 bad credentials {\"status\":\"401\"}"),
            "{text}"
        );
        assert_eq!(run.lines()[3..], [cancel, "QUIT"]);
        assert_eq!(run.not_sent().status(), 77);
        assert!(!text.contains("old-token"));
    }
}

#[test]
fn a_long_token_waits_for_the_go_ahead() {
    let token = "t".repeat(2000);
    let mut this = with_token("XOAUTH2", &token);
    this.script = this.script.login("alice", &token);
    let run = this.run();
    run.result.as_ref().unwrap();
    assert_eq!(run.lines()[2], "AUTH XOAUTH2");
}

#[test]
fn refused_logins() {
    let mut this = case(Script::tls());
    this.secret = Secret::password("hunter2".to_owned()).unwrap();
    let run = this.run();
    let error = run.not_sent();
    assert!(matches!(error, Error::Login { .. }));
    assert_eq!(error.status(), 77);
    assert!(
        error
            .to_string()
            .contains("refused the login of alice: 535 5.7.8 bad credentials")
    );
    assert!(!format!("{error} {error:?}").contains("hunter2"));
    assert_eq!(run.lines().last(), Some(&"QUIT"));

    let run = case(Script::tls().on("AUTH", Then::Say("454 4.7.0 try later"))).run();
    assert_eq!(run.not_sent().status(), 75);
    let run = case(Script::tls().with("AUTH GSSAPI")).run();
    assert!(matches!(run.not_sent(), Error::NoMechanism { .. }));
    assert_eq!(run.not_sent().status(), 78);
    let run = case(Script::tls().without("AUTH")).run();
    assert!(run.not_sent().to_string().contains("it offers: none"));
}

#[test]
fn bad_certificates_say_what_is_wrong_and_get_no_login() {
    let bad = |certificate| case(Script::tls().certificate(certificate)).run();
    for (run, words) in [
        (
            bad(Certificate::Expired),
            "it expired at 2001-01-01T00:00:00Z",
        ),
        (
            bad(Certificate::WrongName),
            "it is for other.example.net, not for 127.0.0.1",
        ),
        (
            Case {
                trust: false,
                ..case(Script::tls())
            }
            .run(),
            "its authority is not known here",
        ),
        (
            case(Script::starttls().certificate(Certificate::Expired)).run(),
            "it expired at 2001-01-01T00:00:00Z",
        ),
    ] {
        assert!(
            matches!(run.not_sent(), Error::Certificate { .. }),
            "{}",
            run.not_sent()
        );
        assert!(
            run.not_sent().to_string().contains(words),
            "{}",
            run.not_sent()
        );
        assert_eq!(run.not_sent().status(), 69);
        assert!(!run.lines().iter().any(|line| line.starts_with("AUTH")));
    }
}

#[test]
fn the_wrong_scheme_for_the_port_is_named() {
    let home = tempfile::tempdir().unwrap();
    let running = submission_server::Server::start(Script::starttls(), home.path());
    let mut server: Server = running.url().replace("smtp:", "smtps:").parse().unwrap();
    server.trust_file = Some(running.ca_file().to_owned());
    let secret = Secret::password("wonderland".to_owned()).unwrap();
    let result = smtp::submit(
        &server,
        &secret,
        &envelope(&["bob@example.net"]),
        MESSAGE,
        &mut |_| Ok(()),
        &mut |_, _| (),
    )
    .quit();
    assert!(result.unwrap_err().to_string().contains("the other scheme"));
    running.finish();
}

#[test]
fn the_trust_file_is_checked() {
    let home = tempfile::tempdir().unwrap();
    for (content, reason) in [(None, "No such file"), (Some("x"), "there is none in it")] {
        let path = home.path().join("extra.pem");
        if let Some(content) = content {
            std::fs::write(&path, content).unwrap();
        }
        let running = submission_server::Server::start(Script::tls(), home.path());
        let mut server: Server = running.url().parse().unwrap();
        server.trust_file = Some(path);
        let secret = Secret::password("wonderland".to_owned()).unwrap();
        let error = smtp::submit(
            &server,
            &secret,
            &envelope(&["bob@example.net"]),
            MESSAGE,
            &mut |_| Ok(()),
            &mut |_, _| (),
        )
        .quit()
        .unwrap_err();
        assert!(error.to_string().contains(reason), "{error}");
        assert_eq!(error.status(), 78);
        running.finish();
    }
}

#[test]
fn every_address_of_a_name_is_tried() {
    // `localhost` may be ::1 first, where nobody listens.
    Case {
        host: "localhost",
        ..case(Script::tls())
    }
    .run()
    .result
    .unwrap();
}

#[test]
fn nobody_listens() {
    let port = std::net::TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port();
    let server: Server = format!("smtps://alice@127.0.0.1:{port}").parse().unwrap();
    let secret = Secret::password("wonderland".to_owned()).unwrap();
    let error = smtp::submit(
        &server,
        &secret,
        &envelope(&["bob@example.net"]),
        MESSAGE,
        &mut |_| Ok(()),
        &mut |_, _| (),
    )
    .quit()
    .unwrap_err();
    assert!(matches!(error, Error::Connect { .. }));
    assert_eq!(error.status(), 75);
}

/// Submits through the msmtp of this machine. Its absence is a failure.
fn msmtp(script: Script, recipients: &[&str], message: &[u8]) -> Run {
    let home = tempfile::tempdir().unwrap();
    let running = submission_server::Server::start(script, home.path());
    let config = home.path().join("msmtprc");
    let ca_file = running.ca_file().display();
    let port = running.port();
    let text = format!(
        "account work\nhost localhost\nport {port}\nfrom nobody@example.org\nauth plain\nuser alice\n\
         passwordeval echo wonderland\ntls on\ntls_starttls off\ntls_trust_file {ca_file}\ntimeout 5\n"
    );
    std::fs::write(&config, text).unwrap();
    let command = ["msmtp", "-C", config.to_str().unwrap(), "-a", "work"].map(str::to_owned);
    let (mut noted, mut progress) = (Vec::new(), Vec::new());
    let result = sendmail::submit(
        &command,
        &envelope(recipients),
        message,
        &mut |accepted| {
            noted.push(accepted.iter().map(|&address| address.to_owned()).collect());
            Ok(())
        },
        &mut |sent, total| progress.push((sent, total)),
    );
    Run {
        result,
        sessions: running.finish(),
        noted,
        progress,
    }
}

/// A message that msmtp has no reason to add a field to.
const COMPLETE: &[u8] = b"TLS-Required: No\nFrom: alice@example.org\nTo: bob@example.net\n\
    Date: Tue, 24 Nov 2026 10:00:00 +0000\nMessage-ID: <a@example.org>\n\nLunch?\n.\n..\n.hidden\n";

#[test]
fn through_a_real_msmtp() {
    let recipients = ["bob@example.net", "-f@example.net"];
    let run = msmtp(Script::tls(), &recipients, COMPLETE);
    let receipt = run.result.as_ref().unwrap();
    assert_eq!(
        (receipt.server.as_str(), receipt.envelope_id_sent),
        ("msmtp", false)
    );
    assert!(receipt.outcomes.iter().all(|one| one.accepted));
    let message = run.messages()[0];
    assert_eq!(message.sender.0, "alice@example.org");
    let reached: Vec<_> = message
        .recipients
        .iter()
        .map(|(path, _)| path.as_str())
        .collect();
    assert_eq!(reached, recipients);
    let text = String::from_utf8(message.data.clone()).unwrap();
    assert_eq!(text.replace("\r\n", "\n").as_bytes(), COMPLETE);
    assert_eq!(run.noted, [recipients]);
    assert_eq!(
        run.progress,
        [(COMPLETE.len() as u64, COMPLETE.len() as u64)]
    );
}

#[test]
fn what_a_real_msmtp_could_not_send() {
    let refused = Script::tls().on("RCPT", Then::Say("550 5.1.1 no such user"));
    let run = msmtp(refused, &["bob@example.net"], COMPLETE);
    let text = run.not_sent().to_string();
    assert!(text.contains("550 5.1.1 no such user"), "{text}");
    assert_eq!(run.not_sent().status(), 69);

    let run = msmtp(
        Script::tls().login("alice", "other"),
        &["bob@example.net"],
        COMPLETE,
    );
    assert_eq!(run.not_sent().status(), 77, "{}", run.not_sent());
    assert!(!run.not_sent().to_string().contains("wonderland"));

    let run = msmtp(
        Script::tls().on(".", Then::Say("451 4.3.0 later")),
        &["bob@example.net"],
        COMPLETE,
    );
    run.not_sent();
}

#[test]
fn an_answer_that_a_real_msmtp_never_got_leaves_it_unknown() {
    for then in [Then::Close, Then::SayHalf("250 2.0"), Then::Say("HTTP/1.1")] {
        msmtp(Script::tls().on(".", then), &["bob@example.net"], COMPLETE).unknown();
    }
}

/// Runs one test of this file again, inside of `wrapper` (a program and its arguments, `$TEST` the
/// command to run), with nothing of this session but its programs. What it asks is answered.
fn again(test: &str, home: &Path, wrapper: &[&str], dialogue: Option<(&str, &str)>) -> String {
    let exe = std::env::current_exe().unwrap();
    let command = format!("{} --exact {test} --nocapture", exe.display());
    let mut child = Command::new(wrapper[0])
        .args(&wrapper[1..])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("TEST", command)
        .env("INSIDE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", wrapper[0]));
    let mut said = Vec::new();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    if let Some((question, answer)) = dialogue {
        let mut byte = [0];
        while !said.ends_with(question.as_bytes()) && stdout.read(&mut byte).unwrap() == 1 {
            said.extend(byte);
        }
        stdin.write_all(answer.as_bytes()).unwrap();
    }
    stdout.read_to_end(&mut said).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    said.extend(output.stderr);
    let said = String::from_utf8_lossy(&said);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    assert!(!said.contains("wonderland"), "{said}");
    said.into_owned()
}

fn inside() -> bool {
    std::env::var_os("INSIDE").is_some()
}

fn request<'a>() -> credentials::Request<'a> {
    credentials::Request {
        user: "alice",
        host: "127.0.0.1",
        command: None,
        token: false,
    }
}

fn log_in_with(secret: Secret) {
    let run = Case {
        secret,
        ..case(Script::tls())
    }
    .run();
    assert_eq!(run.result.unwrap().outcomes.len(), 1);
}

/// A keyring with a daemon of its own, filled by secret-tool as the documentation says.
#[cfg(feature = "keyring")]
#[test]
fn a_secret_from_a_real_keyring() {
    if inside() {
        return log_in_with(credentials::secret(&request()).unwrap());
    }
    let home = tempfile::tempdir().unwrap();
    let script = "set -e
        eval \"$(printf pass | gnome-keyring-daemon --unlock --components=secrets)\"
        printf wonderland | secret-tool store --label=tls-optout \\
            service tls-optout username alice@127.0.0.1
        exec $TEST";
    let wrapper = ["dbus-run-session", "--", "sh", "-c", script];
    again("a_secret_from_a_real_keyring", home.path(), &wrapper, None);
}

#[cfg(feature = "keyring")]
#[test]
fn an_empty_keyring_says_how_to_fill_it() {
    if inside() {
        let error = credentials::secret(&request()).unwrap_err();
        let words =
            "secret-tool store --label=tls-optout service tls-optout username 'alice@127.0.0.1'";
        assert!(error.to_string().contains(words), "{error}");
        return assert_eq!(error.status(), 77);
    }
    let home = tempfile::tempdir().unwrap();
    let script = "eval \"$(printf pass | gnome-keyring-daemon --unlock --components=secrets)\"
        exec setsid -w $TEST";
    let wrapper = ["dbus-run-session", "--", "sh", "-c", script];
    again(
        "an_empty_keyring_says_how_to_fill_it",
        home.path(),
        &wrapper,
        None,
    );
}

#[cfg(feature = "keyring")]
#[test]
fn a_session_without_keyring_and_terminal_says_so() {
    if inside() {
        let error = credentials::secret(&request()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("no keyring is running in this session"),
            "{error}"
        );
        return assert_eq!(error.status(), 75);
    }
    let home = tempfile::tempdir().unwrap();
    let wrapper = ["setsid", "-w", "sh", "-c", "exec $TEST"];
    again(
        "a_session_without_keyring_and_terminal_says_so",
        home.path(),
        &wrapper,
        None,
    );
}

#[test]
fn a_hidden_prompt_on_the_terminal() {
    if inside() {
        return log_in_with(credentials::secret(&request()).unwrap());
    }
    let home = tempfile::tempdir().unwrap();
    // `script` runs this on a terminal of its own, and shows what the terminal echoes. We type once
    // the terminal has stopped to echo.
    let shell = "(until stty -a </dev/tty | grep -q ' -echo '; do :; done; echo HIDDEN) &
        exec $TEST </dev/null";
    std::fs::write(home.path().join("run"), shell).unwrap();
    let wrapper = ["script", "-qec", "sh $HOME/run", "/dev/null"];
    let dialogue = ("HIDDEN", "wonderland\n");
    let said = again(
        "a_hidden_prompt_on_the_terminal",
        home.path(),
        &wrapper,
        Some(dialogue),
    );
    assert!(said.contains("Password for alice@127.0.0.1: "), "{said}");
}

#[test]
fn a_pinentry_of_a_password_command_finds_the_terminal() {
    if inside() {
        // Stdin is the message, as in a pipe from mutt: it is not for the command.
        let line = "cat; test -c \"$GPG_TTY\" && test \"$GPG_TTY\" != /dev/tty && echo wonderland";
        let command = credentials::Command::Shell(line.to_owned());
        let request = credentials::Request {
            command: Some(&command),
            ..request()
        };
        return log_in_with(credentials::secret(&request).unwrap());
    }
    let home = tempfile::tempdir().unwrap();
    let wrapper = [
        "script",
        "-qec",
        "sh -c 'echo message | $TEST'",
        "/dev/null",
    ];
    again(
        "a_pinentry_of_a_password_command_finds_the_terminal",
        home.path(),
        &wrapper,
        None,
    );
}
