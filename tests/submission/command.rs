//! Submission through a real msmtp.

use super::*;

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
