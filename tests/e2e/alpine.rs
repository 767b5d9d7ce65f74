//! Alpine with what `contrib/README.md` says. Debian's reads no Maildir, so the notice lies in an mbox.

use std::fs;

use crate::desk::{self, Desk, NOTICE, QUESTION};
use crate::terminal::Terminal;

#[test]
#[ignore = "needs Alpine: tests/run"]
fn a_raw_pipe_with_free_output_resends() {
    let desk = Desk::new();
    let inbox = desk.home().join("Mail/INBOX/cur");
    let notice = fs::read_dir(inbox).expect("the inbox").next();
    let notice = fs::read_to_string(notice.expect("one").expect("a file").path());
    let from = "From MAILER-DAEMON Tue Nov 24 06:49:56 2026\n";
    desk.write("inbox", &format!("{from}{}\n", notice.expect("a notice")));
    let screen = open(&desk, "alpine -i");
    screen.wait_for(NOTICE);
    let command = desk::recipe("tls-optout resend --pause");
    screen.press("|");
    screen.wait_for("Pipe message 1 to");
    screen.press_key("C-w");
    screen.wait_for("Pipe RAW message 1 to");
    screen.press_key("C-y");
    screen.wait_for("(uncaptured)");
    screen.press(command);
    screen.press_key("Enter");
    screen.wait_for(QUESTION);
    screen.press("n");
    screen.wait_for("Pipe command completed");

    // Alpine remembers all of it.
    screen.press("|");
    screen.wait_for(&format!("Pipe RAW message 1 to (uncaptured) : {command}"));
    screen.press_key("Enter");
    // Above stands the question that was answered.
    screen.wait_until("the question", |text| text.trim_end().ends_with(QUESTION));
    screen.press("y");
    let text = screen.wait_for("Press any key");
    assert!(text.contains("accepted"), "{text}");
    screen.press(" ");
    screen.wait_until("the index", |text| {
        text.contains(NOTICE) && !text.contains("accepted")
    });
    desk.assert_resent();
}

#[test]
#[ignore = "needs Alpine: tests/run"]
fn the_opt_out_by_a_field_and_by_the_cookie() {
    let desk = Desk::new();
    desk.write("inbox", "");
    for (subject, field) in [("Lunch", "No"), ("[tls-optout] Dinner", ""), ("Tea", "")] {
        let url = format!(
            "mailto:carol@example.com?subject={}&body=Hello",
            encoded(subject)
        );
        let screen = open(&desk, &format!("alpine -url '{url}'"));
        screen.wait_for("Hello");
        if !field.is_empty() {
            // From the text to the Subject; all fields; to the last.
            screen.press_key("Up");
            screen.press_key("C-r");
            screen.wait_for("TLS-Requ:");
            screen.press_key("Down");
            screen.press(field);
            screen.wait_for("TLS-Requ: No");
        }
        screen.press_key("C-x");
        screen.wait_for("Send message?");
        screen.press("y");
        assert_eq!(screen.wait_for_end(), 0);
    }
    let [lunch, dinner, tea] = &desk.received()[..] else {
        panic!("not three messages")
    };
    desk::assert_written(lunch, "Lunch", "Hello");
    desk::assert_written(dinner, "Dinner", "Hello");
    desk::assert_without(tea);
}

/// A Subject as it stands in a URL.
fn encoded(subject: &str) -> String {
    subject
        .replace('[', "%5B")
        .replace(']', "%5D")
        .replace(' ', "%20")
}

fn open(desk: &Desk, command: &str) -> Terminal {
    let program = env!("CARGO_BIN_EXE_tls-optout");
    let sendmail = desk::recipe("sendmail-path=/usr/bin/tls-optout sendmail -t -oi");
    let lines = [
        "user-domain=example.org".to_owned(),
        "last-version-used=7.00".to_owned(),
        "default-fcc=\"\"".to_owned(),
        format!("inbox-path={}/inbox", desk.home().display()),
        format!("feature-list={}", desk::recipe("enable-unix-pipe-cmd")),
        // The user is root here.
        format!(
            "{},\n\tFrom: Alice <alice@example.org>",
            desk::recipe("customized-hdrs=TLS-Required:")
        ),
        sendmail.replace("/usr/bin/tls-optout", program),
    ];
    desk.write(".pinerc", &(lines.join("\n") + "\n"));
    fs::create_dir_all(desk.home().join("mail")).expect("a folder that Alpine would create");
    desk.terminal(command)
}
