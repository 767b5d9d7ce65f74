//! What is said in a submission that goes well, or is refused by the server.

use super::*;

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

/// Every server knows a domain by its A-labels (RFC 5890); only a local part needs SMTPUTF8.
#[test]
fn an_international_domain_needs_no_smtputf8() {
    let mut this = case(Script::tls().without("SMTPUTF8"));
    this.recipients = vec!["bob@b\u{fc}cher.test", "carol@example.net"];
    let run = this.run();
    let receipt = run.result.as_ref().unwrap();
    // The caller knows them by what he gave.
    assert_eq!(receipt.outcomes[0].recipient, "bob@b\u{fc}cher.test");
    let message = &run.messages()[0];
    assert!(!message.sender.1.contains("SMTPUTF8"), "{message:?}");
    let (address, parameters) = &message.recipients[0];
    assert_eq!(address, "bob@xn--bcher-kva.test");
    assert!(
        parameters.ends_with("ORCPT=rfc822;bob@xn--bcher-kva.test"),
        "{parameters}"
    );

    let mut this = case(Script::tls());
    this.recipients = vec!["bob@b\u{fc}cher.test"];
    let run = this.run();
    run.result.as_ref().unwrap();
    assert_eq!(run.messages()[0].recipients[0].0, "bob@b\u{fc}cher.test");
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
