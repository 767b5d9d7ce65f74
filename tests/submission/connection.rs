//! Certificates, ports and addresses.

use super::*;

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
        let error = refusal(&server);
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
    let error = refusal(&server);
    assert!(matches!(error, Error::Connect { .. }));
    assert_eq!(error.status(), 75);
}

/// Why nothing can be submitted to the server.
fn refusal(server: &Server) -> Error {
    let secret = Secret::password("wonderland".to_owned()).unwrap();
    smtp::submit(
        server,
        &secret,
        &envelope(&["bob@example.net"]),
        MESSAGE,
        &mut |_| Ok(()),
        &mut |_, _| (),
    )
    .quit()
    .unwrap_err()
}
