//! Ways to log in.

use super::*;

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
