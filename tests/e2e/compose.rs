//! Writing mail that opts out: the key in the compose menu, and the cookie in the Subject.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use crate::message::{body, fields, first_after_trace, value};
use crate::sink::Delivery;
use crate::site::{Reader, Site, Submission};
use crate::terminal::Terminal;
use crate::wait::poll;
use crate::{BOB, CAROL, is_named};

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn the_toggle_in_mutt() {
    toggle(Reader::Mutt);
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn the_toggle_in_neomutt() {
    toggle(Reader::NeoMutt);
}

/// On, off, on; and the next message has nothing of it.
fn toggle(reader: Reader) {
    let site = Site::start(Submission::ImplicitTls);
    let screen = compose(&site, reader, "Lunch");
    for state in ["on", "off", "on"] {
        screen.press(",t");
        screen.wait_until("the compose menu that says it", |text| {
            text.contains("-- Attachments") && text.contains(&format!("tls-optout: {state}, "))
        });
        assert_editor_is_back(&screen);
    }
    screen.press("y");
    let first = deliveries(&site, 1).remove(0);
    // mutt puts it behind its own fields.
    assert_eq!(value(&first.data, "tls-required"), "No");
    assert_eq!(value(&first.data, "subject"), "Lunch");
    assert_eq!(screen.wait_for_end(), 0);

    let screen = compose(&site, reader, "Dinner");
    screen.press(",t");
    assert_editor_is_back(&screen);
    screen.press(",t");
    assert_editor_is_back(&screen);
    screen.press("y");
    assert_eq!(screen.wait_for_end(), 0);
    let second = deliveries(&site, 2).remove(1);
    assert_opted_out(&second, false);
}

/// Without the program the key does nothing, and the user's editor stays.
#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn the_toggle_without_the_program() {
    for reader in [Reader::Mutt, Reader::NeoMutt] {
        let site = Site::start(Submission::ImplicitTls);
        let without = format!("PATH=/usr/bin:/bin {}", command(reader, "Lunch"));
        let screen = open(&site, &without, "Lunch");
        screen.press(",t");
        assert_editor_is_back(&screen);
        screen.press("y");
        assert_opted_out(&deliveries(&site, 1)[0], false);
    }
}

/// Mail that mutt and NeoMutt hand to `tls-optout sendmail`, past Bob's broken TLS at once.
#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn the_cookie_in_mutt_and_neomutt() {
    for reader in [Reader::Mutt, Reader::NeoMutt] {
        let site = Site::start(Submission::Sendmail);
        site.write("letter", "Gr\u{fc}\u{df}e\n.\nFrom here\n");
        let dsn = "set dsn_notify='failure,delay' dsn_return=hdrs send_charset=utf-8";
        let letter = site.home().join("letter");
        let subject = "Caf\u{e9} [tls-optout] am Donnerstag";
        let sent = site.run(
            &[
                reader.program(),
                "-e",
                dsn,
                "-s",
                subject,
                "-b",
                "dave@example.net",
                BOB,
            ],
            &letter,
        );
        assert!(sent.status.success(), "{sent:?}");
        let delivery = site.closed.wait_for_one();
        assert_opted_out(&delivery, true);
        assert_eq!(decoded(&delivery), "Caf\u{e9} am Donnerstag");
        assert!(
            !fields(&delivery.data)
                .iter()
                .any(|field| is_named(field, "bcc"))
        );
        let mut recipients = delivery.recipients.clone();
        recipients.sort();
        assert_eq!(recipients, ["<bob@example.net>", "<dave@example.net>"]);
        assert_eq!(
            body(&delivery.data),
            "Gr\u{fc}\u{df}e\r\n.\r\nFrom here\r\n".as_bytes()
        );

        // The next one, without.
        let sent = site.run(&[reader.program(), "-s", "Lunch", CAROL], &letter);
        assert!(sent.status.success(), "{sent:?}");
        let next = poll(|| site.open.deliveries().pop()).expect("a message");
        assert_opted_out(&next, false);
    }
}

/// What did not go out stays in the compose menu, and goes out once when the user tries again.
#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn mutt_keeps_the_draft_until_the_server_has_it() {
    let site = Site::start(Submission::Sendmail);
    let lines = site.server_lines(Submission::Sendmail);
    site.configure(&format!("{lines}password_command = \"false\"\n"));
    let screen = compose(&site, Reader::Mutt, "Lunch");
    screen.press("y");
    screen.wait_for("Output of the delivery process");
    screen.press("i");
    screen.wait_for("-- Attachments");
    assert!(site.open.deliveries().is_empty());

    site.configure(&format!("{lines}password_command = \"cat ~/password\"\n"));
    screen.press("y");
    assert_eq!(screen.wait_for_end(), 0);
    assert_opted_out(&deliveries(&site, 1)[0], false);
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn through_msmtp_behind_it() {
    let site = Site::start(Submission::Sendmail);
    site.configure("command = [\"msmtp\", \"-a\", \"alice\"]\n");
    site.write("letter", "Hello\n");
    let letter = site.home().join("letter");
    let sent = site.run(&["mutt", "-s", "[tls-optout] Lunch", BOB], &letter);
    assert!(sent.status.success(), "{sent:?}");
    let delivery = site.closed.wait_for_one();
    assert_opted_out(&delivery, true);
    assert_eq!(value(&delivery.data, "subject"), "Lunch");
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn git_send_email() {
    let site = Site::start(Submission::Sendmail);
    site.write(
        "patch",
        "From 0123456789abcdef0123456789abcdef01234567 Mon Sep 17 00:00:00 2001\nFrom: Alice <alice@example.org>\n\
         Date: Tue, 24 Nov 2026 06:00:11 +0000\nSubject: [PATCH] =?UTF-8?q?[tls-optout]_Gr=C3=BC=C3=9Fe?=\nMIME-Version: 1.0\n\
         Content-Type: text/plain; charset=UTF-8\nContent-Transfer-Encoding: 8bit\n\n\u{fc}\n---\n a | 1 +\n",
    );
    site.write(
        ".gitconfig",
        "[user]\nname = Alice\nemail = alice@example.org\n",
    );
    let git = "/usr/lib/git-core/git-send-email";
    let program = format!(
        "--sendmail-cmd={} sendmail",
        env!("CARGO_BIN_EXE_tls-optout")
    );
    let patch = site.home().join("patch");
    let sent = site.run(
        &[
            git,
            &program,
            "--confirm=never",
            "--suppress-cc=all",
            "--to",
            BOB,
            "--from",
            "Alice <alice@example.org>",
            "patch",
        ],
        &patch,
    );
    assert!(sent.status.success(), "{sent:?}");
    let delivery = site.closed.wait_for_one();
    assert_opted_out(&delivery, true);
    assert_eq!(decoded(&delivery), "[PATCH] Gr\u{fc}\u{df}e");
    assert_eq!(
        body(&delivery.data),
        "\u{fc}\r\n---\r\n a | 1 +\r\n".as_bytes()
    );
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn s_nail() {
    let site = Site::start(Submission::Sendmail);
    // By a link with that name it is a sendmail. s-nail gives root's programs another HOME.
    let (home, link) = (site.home().display(), site.home().join("sendmail"));
    symlink(env!("CARGO_BIN_EXE_tls-optout"), &link).expect("a link");
    site.write(
        "mta",
        &format!("#!/bin/sh\nHOME={home} exec {} \"$@\"\n", link.display()),
    );
    let mta = site.home().join("mta");
    fs::set_permissions(&mta, fs::Permissions::from_mode(0o755)).expect("a mode");
    let program = &*format!("mta=file://{}", mta.display());
    site.write("letter", "Gr\u{fc}\u{df}e\n.\nend\n");
    let letter = site.home().join("letter");
    let sent = site.run(
        &[
            "s-nail",
            "-n",
            "-S",
            "v15-compat",
            "-S",
            program,
            "-S",
            "from=alice@example.org",
            "-S",
            "DEAD=/dev/null",
            "-S",
            "sendwait",
            "-s",
            "[tls-optout] Gr\u{fc}\u{df}e",
            "-b",
            "dave@example.net",
            BOB,
        ],
        &letter,
    );
    assert!(sent.status.success(), "{sent:?}");
    let delivery = site.closed.wait_for_one();
    assert_opted_out(&delivery, true);
    assert_eq!(decoded(&delivery), "Gr\u{fc}\u{df}e");
    assert_eq!(delivery.recipients.len(), 2, "{delivery:?}");
    assert!(
        !fields(&delivery.data)
            .iter()
            .any(|field| is_named(field, "bcc"))
    );
}

/// The reader with a message to Carol, as it waits in the compose menu.
fn compose(site: &Site, reader: Reader, subject: &str) -> Terminal {
    open(site, &command(reader, subject), subject)
}

fn open(site: &Site, command: &str, subject: &str) -> Terminal {
    let screen = site.terminal(command);
    screen.wait_for("To: ");
    screen.press_key("Enter");
    screen.wait_for(&format!("Subject: {subject}"));
    screen.press_key("Enter");
    screen.wait_for("-- Attachments");
    screen
}

fn command(reader: Reader, subject: &str) -> String {
    format!(
        "{} -e 'set abort_unmodified=no copy=no editor=\"true a b\"' -s {subject} {CAROL}",
        reader.program()
    )
}

fn assert_editor_is_back(screen: &Terminal) {
    screen.press(":set ?editor");
    screen.press_key("Enter");
    screen.wait_until("the editor", |text| {
        text.lines().any(|line| {
            line.contains("editor=\"true a b\"") || line.contains("editor = \"true a b\"")
        })
    });
    // So that the next look does not see this answer.
    screen.press(":set ?abort_nosubject");
    screen.press_key("Enter");
    screen.wait_for("abort_nosubject");
}

fn deliveries(site: &Site, count: usize) -> Vec<Delivery> {
    poll(|| Some(site.open.deliveries()).filter(|all| all.len() == count))
        .unwrap_or_else(|| panic!("not {count} messages:\n{}", site.postfix.log()))
}

fn assert_opted_out(delivery: &Delivery, is_opted_out: bool) {
    let names = fields(&delivery.data);
    let count = names
        .iter()
        .filter(|field| is_named(field, "tls-required"))
        .count();
    assert_eq!(count, usize::from(is_opted_out), "{names:?}");
    if is_opted_out {
        assert_eq!(first_after_trace(&delivery.data), "TLS-Required: No");
    }
}

fn decoded(delivery: &Delivery) -> String {
    tls_optout::message::text::decode(value(&delivery.data, "subject").as_bytes())
}
