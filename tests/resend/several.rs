//! Several messages at once, and notices that a mail reader took apart.

use std::fs;

use crate::home::{BOB, Home, notice, original};
use submission_server::Script;

const NO_TLS: &str = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";
const LINE: &str = "From MAILER-DAEMON Tue Nov 24 07:00:12 2026\n";

/// The same about another message.
fn numbered(text: &str, number: usize) -> String {
    text.replace("lunch-1@", &format!("lunch-{number}@"))
        .replace("warning-1@", &format!("warning-{number}@"))
}

fn home_with(originals: usize) -> Home {
    let home = Home::new(Script::tls());
    for number in 2..=originals {
        let file = format!("Mail/Sent/cur/179550001{number}.1.laptop:2,S");
        fs::write(home.path(&file), numbered(&original(), number)).expect("a file");
    }
    home
}

#[test]
fn an_mbox_stream_is_told_apart() {
    let home = home_with(3);
    let stream: String = (1..=3)
        .map(|number| format!("{LINE}{}\n", numbered(&home.notice(), number)))
        .collect();
    let run = home.resend(&["--yes"], &stream);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(
        run.stdout.matches("accepted: sent again to").count(),
        3,
        "{run:?}"
    );
    let sent = home.received();
    assert_eq!(sent.len(), 3);
    for (number, message) in (1..).zip(&sent) {
        let text = String::from_utf8_lossy(&message.data);
        assert!(text.contains(&format!("<lunch-{number}@")), "{text}");
    }
}

/// The first has no copy, the second is no notice: the third goes out, and the status is the worst.
#[test]
fn one_failure_does_not_stop_the_others() {
    let home = home_with(3);
    fs::remove_file(home.copy()).expect("gone");
    let stream = format!(
        "{LINE}{}\n{LINE}From: carol@example.com\n\nHello\n\n{LINE}{}\n",
        home.notice(),
        numbered(&home.notice(), 3)
    );
    let run = home.resend(&["--yes"], &stream);
    assert_eq!(run.status, 66, "{run:?}");
    assert_eq!(run.stderr.lines().count(), 2, "{run:?}");
    assert_eq!(home.received().len(), 1);
}

/// Each has its own question.
#[test]
fn a_no_is_for_one_message() {
    const QUESTION: &str = "[y/N/d] ";
    let home = home_with(3);
    let stream: String = (1..=3)
        .map(|number| format!("{LINE}{}\n", numbered(&home.notice(), number)))
        .collect();
    home.file("given", &stream);
    let steps: &[(&str, &[u8])] = &[(QUESTION, b"y"), (QUESTION, b"n"), (QUESTION, b"y")];
    let (status, screen) = home.in_steps("resend < given", steps);
    assert_eq!(status, 2, "{screen}");
    assert_eq!(home.received().len(), 2);
}

/// As mutt writes tagged messages of a Maildir, unless `$pipe_split` is set.
#[test]
fn messages_that_run_together_are_refused() {
    let home = home_with(2);
    let stream = format!("{}\n{}\n", home.notice(), numbered(&home.notice(), 2));
    let run = home.resend(&["--yes"], &stream);
    let text = "several messages run together, and where one ends cannot be told for certain; pipe them one at a \
                time (mutt: set pipe_split)";
    home.assert_refused(&run, 65, text);
}

/// Two notices of qmail, and two messages of one's own: nothing in the first ends it. A message that forwards
/// another is one.
#[test]
fn plain_messages_that_run_together_are_refused() {
    let home = home_with(2);
    let qmail = include_str!("../data/notices/qmail.eml");
    let notices = format!("{qmail}\n{}", qmail.replace("bob", "carol"));
    let own = format!("{}\n{}", original(), numbered(&original(), 2));
    for stream in [notices, own] {
        let run = home.resend(&["--yes", "--to", BOB], &stream);
        assert_eq!(run.status, 65, "{run:?}");
        assert!(run.stderr.contains("run together"), "{run:?}");
    }
    let file = home.copy();
    fs::write(
        &file,
        format!("{}\n{}", original(), numbered(&original(), 2)),
    )
    .expect("a file");
    let stream = fs::read_to_string(&file).expect("the copy");
    let run = home.resend(&["--yes", "--to", BOB], &stream);
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(home.received().len(), 1);
}

#[test]
fn inspect_refuses_notices_that_run_together() {
    let home = home_with(1);
    let qmail = include_str!("../data/notices/qmail.eml");
    let two = format!("{qmail}\n{}", qmail.replace("bob", "carol"));
    let run = home.run(&["inspect"], &two);
    assert_eq!(run.status, 65, "{run:?}");
    assert!(run.stderr.contains("run together"), "{run:?}");
}

/// Nothing was decoded, and so nothing is said about that.
#[test]
fn a_message_of_somebody_else_is_called_what_it_is() {
    let home = home_with(1);
    let stream = "From: Dave <dave@example.net>\nSubject: Hello\n\nHello\n";
    let text = "neither a delivery notice nor a message from one of your addresses (From: dave@example.net); \
 pipe one of these, whole and raw";
    home.assert_refused(&home.resend(&[], stream), 65, text);
}

/// What mutt 2.2 makes of the notice; NeoMutt drops the returned header, too.
fn decoded(has_id: bool) -> String {
    let id = if has_id {
        "Message-Id: <warning-1@mail.example.org>\n"
    } else {
        ""
    };
    format!(
        "Date: Tue, 24 Nov 2026 07:00:12 +0000 (UTC)\nFrom: Mail Delivery System <MAILER-DAEMON@example.org>\n\
         To: alice@example.org\nSubject: Delayed Mail (still being retried)\n{id}MIME-Version: 1.0\n\
         Content-Transfer-Encoding: 8bit\nContent-Type: text/plain; charset=utf-8\n\nThis is the mail system at \
         host mail.example.org.\n\n<{BOB}>: {NO_TLS}\n\nReporting-MTA: dns; mail.example.org\n\
         X-Postfix-Queue-ID: 4794A13EC12\n\nFinal-Recipient: rfc822; {BOB}\nAction: delayed\nStatus: 4.7.4\n\
         Diagnostic-Code: X-Postfix; {NO_TLS}\n\n"
    )
}

#[test]
fn a_decoded_notice_is_read_from_its_file() {
    let home = Home::new(Script::tls());
    home.make_folder("Mail/Inbox");
    let file = home.path("Mail/Inbox/new/1795503612.1.laptop");
    fs::write(&file, notice(&[(BOB, "4.7.4", NO_TLS)])).expect("a file");
    let run = home.resend(&["--yes"], &decoded(true));
    assert_eq!(run.status, 0, "{run:?}");
    let expected = format!(
        "this notice was decoded on its way here (mutt: $pipe_decode); its file is read in its place: {}\n",
        file.display()
    );
    assert!(run.stderr.contains(&expected), "{run:?}");
    assert_eq!(home.received().len(), 1);
}

#[test]
fn a_decoded_notice_without_its_file_says_what_to_set() {
    for (has_id, words) in [
        (true, "and its file is in none of your folders"),
        (false, "without its Message-ID ($pipe_decode_weed)"),
    ] {
        let home = Home::new(Script::tls());
        let run = home.resend(&["--yes"], &decoded(has_id));
        assert_ne!(run.status, 0, "{run:?}");
        assert!(
            run.stderr.contains(words) && run.stderr.contains("unset pipe_decode"),
            "{run:?}"
        );
        assert!(home.received().is_empty());
    }
}
