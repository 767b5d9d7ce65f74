//! End to end, with real parts at both ends: mutt or NeoMutt, Postfix, and the servers of the
//! recipients.
//!
//! A message goes out by authenticated submission; Postfix defers it, since the recipient's server
//! offers no TLS, and writes a delay warning into the sender's mailbox; tls-optout sends the
//! message again; the recipient's server gets it. `tests/run` sets up what this needs and runs
//! these tests, which a plain `cargo test` leaves out.

use std::fs;
use std::path::Path;

use message::{body, fields, first_after_trace, value};
use sink::Delivery;
use site::{Reader, Site, Submission};
use terminal::Terminal;

#[path = "e2e/compose.rs"]
mod compose;
#[path = "e2e/daemon.rs"]
mod daemon;
#[path = "e2e/keyring.rs"]
mod keyring;
#[path = "e2e/keys.rs"]
mod keys;
#[path = "e2e/message.rs"]
mod message;
#[path = "support/postfix.rs"]
mod postfix;
#[path = "e2e/signed.rs"]
mod signed;
#[path = "e2e/sink.rs"]
mod sink;
#[path = "e2e/site.rs"]
mod site;
#[path = "support/terminal.rs"]
mod terminal;
#[path = "support/wait.rs"]
mod wait;

/// The words of tls-optout that these tests wait for.
mod words {
    /// Ends the question.
    pub(crate) const QUESTION: &str = "[y/N/d]";
    /// Stands among the details.
    pub(crate) const DETAILS: &str = "goes on trying until";
    /// The server has taken the message.
    pub(crate) const ACCEPTED: &str = "accepted";
    /// The notice has been dealt with before.
    pub(crate) const ALREADY: &str = "already sent";
    /// The end of a run with `--pause`.
    pub(crate) const PAUSE: &str = "Press any key";
}

const BOB: &str = "bob@example.net";
const DAVE: &str = "dave@example.net";
const CAROL: &str = "carol@example.com";

/// The rows of a screen that say what would be sent, the question included.
const ROWS: usize = 12;

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn postfix_defers_and_warns_and_nothing_arrives() {
    let site = Site::start(Submission::ImplicitTls);
    site.send(Reader::Mutt, &[BOB]);
    let notice = fs::read_to_string(site.wait_for_notice()).expect("a notice");

    assert!(notice.contains("\nAction: delayed\n"), "{notice}");
    assert!(
        notice.contains("TLS is required, but was not offered"),
        "{notice}"
    );
    assert!(notice.contains("more than 4 hour(s)"), "{notice}");
    assert_eq!(site.postfix.submissions(), 1);
    assert!(site.closed.deliveries().is_empty());
    let copy = site.sent_copy();
    assert!(
        notice.contains(&format!("Message-ID: {}", value(&copy, "message-id"))),
        "{notice}"
    );
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn one_key_in_mutt() {
    one_key(Reader::Mutt);
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn one_key_in_neomutt() {
    one_key(Reader::NeoMutt);
}

/// The main job, as the user sees it. Then the key once more, which must send nothing.
fn one_key(reader: Reader) {
    let site = Site::start(Submission::ImplicitTls);
    site.send(reader, &[BOB]);
    site.wait_for_notice();

    let screen = site.terminal(reader.program());
    screen.wait_for("Delayed Mail");
    screen.press(",t");
    let question = screen.wait_for(words::QUESTION);
    assert!(question.contains(BOB), "{question}");
    assert!(
        site.closed.deliveries().is_empty(),
        "sent before the answer"
    );
    screen.press("y");
    screen.wait_for(words::PAUSE);
    let delivery = site.closed.wait_for_one();
    assert_resent(&site, &delivery, &[BOB]);
    screen.press(" ");
    assert_settings_are_back(&screen);

    screen.press(",t");
    // The first run's words may still stand above.
    screen.wait_until("that it was sent, then the prompt", |text| {
        text.rsplit_once(words::ALREADY)
            .is_some_and(|(_, rest)| rest.contains(words::PAUSE))
    });
    screen.press(" ");
    assert_settings_are_back(&screen);
    assert_sent_once(&site);
}

/// The macro changes three settings of the mail reader. Two of them were not at the reader's
/// default.
fn assert_settings_are_back(screen: &Terminal) {
    screen.wait_for("Delayed Mail");
    assert_settings(screen, [true, false, true]);
}

/// Asks the mail reader for the values of `$pipe_decode`, `$pipe_split` and `$wait_key`.
fn assert_settings(screen: &Terminal, values: [bool; 3]) {
    for (setting, value) in ["pipe_decode", "pipe_split", "wait_key"].iter().zip(values) {
        screen.press(&format!(":set ?{setting}"));
        screen.press_key("Enter");
        let [mutt, neomutt] = match value {
            true => [format!("{setting} is set"), format!("{setting}=\"yes\"")],
            false => [format!("{setting} is unset"), format!("{setting}=\"no\"")],
        };
        screen.wait_until(&format!("that {setting} is back at {value}"), |text| {
            text.contains(&mutt) || text.contains(&neomutt)
        });
    }
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn no_is_the_default_and_the_key_is_on_the_help_screen() {
    let site = Site::start(Submission::ImplicitTls);
    site.send(Reader::Mutt, &[BOB]);
    site.wait_for_notice();

    let screen = site.terminal("mutt");
    screen.wait_for("Delayed Mail");
    screen.press("?/TLS delay");
    screen.press_key("Enter");
    screen.wait_for("send again past a TLS delay");
    screen.press("q");
    screen.wait_for("Delayed Mail");
    screen.press_key("Enter");
    screen.wait_for("TLS is required");
    screen.press(",t");
    screen.wait_for(words::QUESTION);
    // More to read, and the question again.
    screen.press("d");
    screen.wait_until("the details and the question below", |text| {
        text.rsplit_once(words::DETAILS)
            .is_some_and(|(_, rest)| rest.contains(words::QUESTION))
    });
    screen.press_key("Enter");
    // After a no there is nothing more to read: mutt is back at once.
    screen.wait_until("the pager", |text| text.starts_with("i:Exit"));
    assert_eq!(site.postfix.submissions(), 1, "{}", site.postfix.log());
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn only_the_delayed_recipient_gets_it_again() {
    let site = Site::start(Submission::ImplicitTls);
    site.send(Reader::Mutt, &[BOB, CAROL]);
    let first = site.open.wait_for_one();
    say_yes(&site);

    let delivery = site.closed.wait_for_one();
    assert_resent(&site, &delivery, &[BOB]);
    assert_eq!(body(&delivery.data), body(&first.data));
    assert_eq!(site.open.deliveries().len(), 1, "Carol has it already");
    assert_sent_once(&site);
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn no_bcc_leaks() {
    let site = Site::start(Submission::ImplicitTls);
    site.send(Reader::Mutt, &["-b", DAVE, BOB]);
    assert_eq!(value(&site.sent_copy(), "bcc"), DAVE, "the copy names him");
    say_yes(&site);

    let delivery = site.closed.wait_for_one();
    assert_resent(&site, &delivery, &[BOB, DAVE]);
    let text = String::from_utf8_lossy(&delivery.data).to_lowercase();
    assert!(!text.contains("bcc") && !text.contains(DAVE), "{text}");
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn through_a_starttls_port() {
    let site = Site::start(Submission::StartTls);
    site.send(Reader::Mutt, &[BOB]);
    say_yes(&site);
    assert_resent(&site, &site.closed.wait_for_one(), &[BOB]);
    assert_sent_once(&site);
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn through_msmtp() {
    let site = Site::start(Submission::Msmtp);
    site.send(Reader::Mutt, &[BOB]);
    say_yes(&site);
    assert_resent(&site, &site.closed.wait_for_one(), &[BOB]);
    assert_sent_once(&site);
}

/// mutt writes its copy once the message is sent, and gives it the date of that moment. The copy is
/// what was sent all the same.
#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn after_a_slow_submission_the_date_of_the_copy_is_later() {
    let site = Site::start(Submission::Msmtp);
    site.write("slow", "#!/bin/sh\nmsmtp \"$@\" && sleep 1.2\n");
    site.send(
        Reader::Mutt,
        &["-e", "set sendmail=\"sh slow -a alice\"", BOB],
    );
    let notice = fs::read_to_string(site.wait_for_notice()).expect("a notice");
    let date = value(&site.sent_copy(), "date");
    assert!(
        !notice.contains(&format!("\nDate: {date}\n")),
        "{date} in {notice}"
    );
    say_yes(&site);
    assert_resent(&site, &site.closed.wait_for_one(), &[BOB]);
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn with_a_password_from_the_keyring() {
    let site = Site::start(Submission::ImplicitTls);
    site.configure(&site.server_lines(Submission::ImplicitTls));
    site.send(Reader::Mutt, &[BOB]);
    let notice = site.wait_for_notice();
    let screen = site.terminal(&keyring::session(&site, &resend(&notice)));
    answer_yes(&screen);
    assert_resent(&site, &site.closed.wait_for_one(), &[BOB]);
    assert_sent_once(&site);
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn a_signature_stays_good() {
    let site = Site::start(Submission::ImplicitTls);
    let key = signed::Key::make(&site);
    key.send_signed(&site, BOB);
    say_yes(&site);
    let delivery = site.closed.wait_for_one();
    assert_resent(&site, &delivery, &[BOB]);
    key.assert_good_signature(&site, &delivery.data);
}

/// A server that ignores the opt-out holds the second message back too. Its next user is told.
#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn a_server_that_does_not_honour_it_is_found_out() {
    let site = Site::with_server(Submission::ImplicitTls, false);
    site.send(Reader::Mutt, &[BOB]);
    let first = site.wait_for_notice();
    answer_yes(&site.terminal(&resend(&first)));
    let second = site.wait_for_notice_after(&[&first]);
    let filtered = site.run(&["tls-optout", "process"], &second);
    assert_eq!(filtered.status.code(), Some(1), "{filtered:?}");
    let about_the_second = site.run(&["tls-optout", "resend"], &second);
    let text = String::from_utf8_lossy(&about_the_second.stderr);
    assert!(text.contains("carries TLS-Required already"), "{text}");
    assert_eq!(about_the_second.status.code(), Some(1));

    site.send(Reader::Mutt, &[BOB]);
    let third = site.wait_for_notice_after(&[&first, &second]);
    let screen = site.terminal(&resend(&third));
    let question = screen.wait_for(words::QUESTION);
    assert!(question.contains("which did not honour it"), "{question}");
    screen.press_key("Enter");
    assert_eq!(screen.wait_for_end(), 2);
    assert!(site.closed.deliveries().is_empty());
}

/// Waits for the notice, runs tls-optout on it in a terminal, and says yes.
fn say_yes(site: &Site) {
    let notice = site.wait_for_notice();
    answer_yes(&site.terminal(&resend(&notice)));
}

fn answer_yes(screen: &Terminal) {
    let question = screen.wait_for(words::QUESTION);
    let rows = question
        .lines()
        .filter(|line| !line.trim().is_empty())
        .count();
    assert!(rows <= ROWS, "{rows} rows:\n{question}");
    screen.press("y");
    assert_eq!(screen.wait_for_end(), 0, "{}", screen.screen());
    screen.wait_for(words::ACCEPTED);
}

fn resend(notice: &Path) -> String {
    format!("tls-optout resend < '{}'", notice.display())
}

/// Is this what was sent, with the opt-out as first field after the trace fields, for these
/// recipients alone?
fn assert_resent(site: &Site, delivery: &Delivery, recipients: &[&str]) {
    let copy = site.sent_copy();
    let text = String::from_utf8_lossy(&delivery.data);
    let mut envelope = delivery.recipients.clone();
    envelope.sort();
    let expected: Vec<String> = recipients
        .iter()
        .map(|address| format!("<{address}>"))
        .collect();
    assert_eq!(envelope, expected);
    assert!(
        delivery.sender.starts_with("<alice@example.org>"),
        "{}",
        delivery.sender
    );

    assert_eq!(
        first_after_trace(&delivery.data),
        "TLS-Required: No",
        "{text}"
    );
    let wanted: Vec<_> = fields(&copy)
        .into_iter()
        .filter(|field| !is_named(field, "bcc"))
        .collect();
    let got: Vec<_> = fields(&delivery.data)
        .into_iter()
        .filter(|field| !is_named(field, "received") && !is_named(field, "tls-required"))
        .collect();
    assert_eq!(got, wanted, "the other fields are those of the copy");
    assert_eq!(
        body(&delivery.data),
        body(&copy),
        "the body is that of the copy"
    );
}

fn is_named(field: &str, name: &str) -> bool {
    field.to_ascii_lowercase().starts_with(&format!("{name}:"))
}

/// The original and one resubmission, and no more.
fn assert_sent_once(site: &Site) {
    assert_eq!(site.postfix.submissions(), 2, "{}", site.postfix.log());
    site.closed.wait_for_one();
}
