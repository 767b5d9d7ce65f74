//! Bad input: one line that says what, where and what next, its exit status, and nothing sent.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::home::{BOB, Home, files, notice, original};
use submission_server::{Certificate, Script, Then};

const NOT_A_NOTICE: &str =
    "not a delivery notice; pipe the whole, raw notice (mutt: unset pipe_decode)";

#[test]
fn not_a_notice() {
    for input in [
        "",
        "\0\0\0",
        "Subject: x\n\nTLS is required\n",
        "From nobody\n\n\n",
    ] {
        let home = Home::new(Script::tls());
        home.assert_refused(&home.resend(&["--yes"], input), 65, NOT_A_NOTICE);
    }
    let home = Home::new(Script::tls());
    let of_another = original().replace("alice@example.org", "mallory@example.com");
    let text = "neither a delivery notice nor a message from one of your addresses (From: \
                mallory@example.com); pipe one of these, whole and raw";
    home.assert_refused(&home.resend(&["--yes"], &of_another), 65, text);
}

#[test]
fn no_such_file_or_offer() {
    let home = Home::new(Script::tls());
    home.assert_refused(
        &home.resend(&["--yes", "gone.eml"], ""),
        66,
        "gone.eml: no such file",
    );
    let home = Home::new(Script::tls());
    let text = "no offer 12; `tls-optout offers` lists them";
    home.assert_refused(&home.resend(&["--yes", "12"], ""), 66, text);
}

#[test]
fn what_is_no_message_at_all() {
    let home = Home::new(Script::tls());
    let run = home.resend(&["--yes", "Mail"], "");
    home.assert_refused(&run, 74, "Mail: Is a directory (os error 21)");
    let home = Home::new(Script::tls());
    let run = home.resend(&["--yes", "/dev/zero"], "");
    home.assert_refused(&run, 65, "/dev/zero: larger than 512 MiB, no message");
}

#[test]
fn no_tls_cause() {
    let home = Home::new(Script::tls());
    let reason = "connect to mx.example.net[192.0.2.1]:25: Connection refused";
    let run = home.resend(&["--yes"], &notice(&[(BOB, "4.4.1", reason)]));
    let text = format!(
        "{BOB}: not held back by a TLS failure; an opt-out would not help (X-Postfix; {reason})"
    );
    home.assert_refused(&run, 1, &text);
}

#[test]
fn the_message_had_opted_out_already() {
    let home = Home::new(Script::tls());
    let notice = home.notice().replace(
        "\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n",
        "\nTLS-Required: No\nMIME-Version: 1.0\nContent-Type: text/plain; charset=us-ascii\n",
    );
    let run = home.resend(&["--yes"], &notice);
    let text = format!(
        "{BOB}: this message carries TLS-Required already and was held back all the same; the servers on \
         the way do not honour it, sending it again would change nothing"
    );
    home.assert_refused(&run, 1, &text);
}

#[test]
fn the_original_is_missing() {
    let home = Home::new(Script::tls());
    fs::remove_file(home.copy()).expect("the copy");
    let run = home.resend(&["--yes"], &home.notice());
    let (sent, mail) = (home.path("Mail/Sent"), home.path("Mail"));
    let text = format!(
        "no copy of <lunch-1@example.org> in {}, {}: 0 messages in 1 folders; if it lies elsewhere, add the \
         folder to [mail] search in {}",
        sent.display(),
        mail.display(),
        home.path(".config/tls-optout/config.toml").display()
    );
    home.assert_refused(&run, 66, &text);
}

#[test]
fn a_copy_that_is_not_what_was_sent() {
    let home = Home::new(Script::tls());
    home.write_copy(&original().replace("Lunch on Thursday", "Lunch on Friday"));
    let run = home.resend(&["--yes"], &home.notice());
    let text = format!(
        "{}: Subject differs: the copy has \"Lunch on Friday\", the message that was sent had \"Lunch on \
         Thursday\"; this copy is not what was sent and stays here",
        home.copy().display()
    );
    home.assert_refused(&run, 65, &text);
}

/// From a file, from an offer, in a dry run, by number, with a named recipient: the proof is asked each time.
#[test]
fn each_field_of_the_proof_on_every_path() {
    for (field, sent, kept) in [
        (
            "Date",
            "Tue, 24 Nov 2026 06:00:11 +0000",
            "Tue, 24 Nov 2026 09:00:11 +0000",
        ),
        (
            "From",
            "Alice <alice@example.org>",
            "Alice <alice@example.com>",
        ),
        ("Subject", "Lunch on Thursday", "Lunch on Friday"),
        (
            "Content-Type",
            "text/plain; charset=us-ascii",
            "text/html; charset=us-ascii",
        ),
    ] {
        let home = Home::new(Script::tls());
        let notice = home.notice();
        home.file("notice.eml", &notice);
        assert_eq!(home.run(&["process"], &notice).status, 0);
        home.write_copy(&original().replace(sent, kept));
        for arguments in [
            &["--yes"][..],
            &["--dry-run"],
            &["--yes", "--json"],
            &["--yes", "--force"],
            &["--yes", "--to", BOB],
            &["--yes", "notice.eml"],
            &["--yes", "1"],
        ] {
            let run = home.resend(arguments, &notice);
            assert_eq!(run.status, 65, "{field} {arguments:?} {run:?}");
            let text = format!(
                ": {field} differs: the copy has \"{kept}\", the message that was sent had \"{sent}\"; this"
            );
            assert!(run.stderr.contains(&text), "{field} {arguments:?} {run:?}");
        }
        assert!(home.received().is_empty());
    }
}

/// mutt's `fcc_clear`: what went out encrypted lies here in the clear.
#[test]
fn the_plain_copy_of_an_encrypted_message() {
    let home = Home::new(Script::tls());
    let encrypted = "Content-Type: multipart/encrypted; protocol=\"application/pgp-encrypted\"; boundary=\"x\"\n";
    let notice = home.notice();
    let (before, after) = notice
        .rsplit_once("Content-Type: text/plain; charset=us-ascii\n")
        .expect("a field");
    let run = home.resend(&["--yes"], &format!("{before}{encrypted}{after}"));
    assert_eq!(run.status, 65, "{run:?}");
    assert!(run.stderr.contains("Content-Type differs"), "{run:?}");
    assert!(home.received().is_empty());
}

/// The same with inline PGP: nothing but a parameter tells.
#[test]
fn the_plain_copy_of_an_inline_encrypted_message() {
    let home = Home::new(Script::tls());
    let notice = home.notice().replace(
        "charset=us-ascii\n\n--4794A--",
        "charset=us-ascii; x-action=pgp-encrypted\n\n--4794A--",
    );
    assert!(notice.contains("x-action"));
    let run = home.resend(&["--yes"], &notice);
    assert_eq!(run.status, 65, "{run:?}");
    assert!(run.stderr.contains("Content-Type differs"), "{run:?}");
    assert!(home.received().is_empty());
}

/// A stranger writes the user's name into a mail, and a notice about it.
#[test]
fn a_received_message_is_never_sent_in_the_users_name() {
    for (from, status, words) in [
        (
            "Alice <alice@example.org>",
            65,
            "not what you sent (came back through a server",
        ),
        (
            "CEO <ceo@example.com>\nSender: alice@example.org",
            78,
            "belongs to no account",
        ),
    ] {
        let home = Home::new(Script::tls());
        fs::remove_file(home.copy()).expect("the copy");
        home.make_folder("Mail/INBOX");
        let forged = original().replace("Alice <alice@example.org>", from);
        let forged = if status == 65 {
            format!(
                "Received: from attacker.test by mail.example.org; Tue, 24 Nov 2026 06:00:12 +0000\n{forged}"
            )
        } else {
            forged
        };
        home.file("Mail/INBOX/cur/1795500012.1_1.laptop:2,S", &forged);
        let notice = home.notice().replace("Alice <alice@example.org>", from);
        let run = home.resend(&["--yes"], &notice);
        assert_eq!(run.status, status, "{run:?}");
        assert!(run.stderr.contains(words), "{run:?}");
        assert!(home.received().is_empty());
    }
}

#[test]
fn a_list_echo_or_a_draft_is_not_what_was_sent() {
    let home = Home::new(Script::tls());
    home.write_copy(&original().replace("Subject:", "List-Id: <lunch.example.org>\nSubject:"));
    let run = home.resend(&["--yes"], &home.notice());
    let text = format!(
        "{}: not what you sent (came from a mailing list), and no better copy was found; nothing was sent",
        home.copy().display()
    );
    home.assert_refused(&run, 65, &text);

    let home = Home::new(Script::tls());
    let draft = home.path("Mail/Sent/cur/1795500011.4242_1.laptop:2,DS");
    fs::rename(home.copy(), draft).expect("a file");
    let run = home.resend(&["--yes"], &home.notice());
    assert!(
        run.stderr.contains("not what you sent (a draft)"),
        "{run:?}"
    );
    assert!(home.received().is_empty());
}

#[test]
fn a_message_of_somebody_else() {
    let home = Home::new(Script::tls());
    home.write_config(
        &home
            .config()
            .replace("alice@example.org", "eve@example.org"),
    );
    let run = home.resend(&["--yes"], &home.notice());
    let text = format!(
        "the original is from alice@example.org, which belongs to no account: it is not yours to send \
         again; if it is, add [[account]] from = [\"alice@example.org\"] to {}",
        home.path(".config/tls-optout/config.toml").display()
    );
    home.assert_refused(&run, 78, &text);
}

#[test]
fn an_account_that_is_not_there() {
    let home = Home::new(Script::tls());
    let run = home.resend(&["--yes", "--account", "home"], &home.notice());
    let file = home.path(".config/tls-optout/config.toml");
    home.assert_refused(
        &run,
        78,
        &format!("no account home in {}; there is: work", file.display()),
    );
}

#[test]
fn a_refused_login() {
    let home = Home::new(Script::tls());
    home.write_config(&home.config().replace("echo sesame", "echo hunter2"));
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 77, "{run:?}");
    assert!(run.stderr.contains("refused the login of alice"), "{run:?}");
    assert!(!run.stderr.contains("hunter2"), "{run:?}");
    assert!(home.received().is_empty());
}

#[test]
fn a_bad_certificate() {
    for certificate in [Certificate::Expired, Certificate::WrongName] {
        let home = Home::new(Script::tls().certificate(certificate));
        let run = home.resend(&["--yes"], &home.notice());
        assert_eq!(run.status, 69, "{run:?}");
        assert!(run.stderr.contains("is refused: "), "{run:?}");
        assert_eq!(run.stderr.lines().count(), 1);
        assert!(home.received().is_empty());
    }
}

#[test]
fn a_server_that_goes_in_mid_data_and_the_offer_stays() {
    let home = Home::new(Script::tls().on("BODY", Then::Close));
    home.write_copy(&(original() + &"many words\n".repeat(200_000)));
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 75, "{run:?}");
    assert!(
        run.stderr.contains("nothing was sent; try again"),
        "{run:?}"
    );
    assert!(home.run(&["offers"], "").stdout.contains("refused"));
    assert!(home.received().is_empty());
}

/// The journal cannot be written: a file lies where its folder should be, as no space or no permission
/// would have it.
#[test]
fn no_room_for_the_journal() {
    let home = Home::new(Script::tls());
    fs::create_dir_all(home.path(".local/state")).expect("a folder");
    home.file(".local/state/tls-optout", "");
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 74, "{run:?}");
    assert!(run.stderr.contains("nothing was sent"), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    assert!(home.received().is_empty());
}

/// Files may not grow beyond 4 KiB, which the database needs: to the program that is a full disk.
#[test]
fn a_full_disk() {
    let home = Home::new(Script::tls());
    home.file("notice.eml", &home.notice());
    let script = format!(
        "trap '' XFSZ; ulimit -f 8; exec '{}' resend --yes notice.eml",
        env!("CARGO_BIN_EXE_tls-optout")
    );
    let run = home.run_program("sh", &["-c", &script], "");
    assert_eq!(run.status, 74, "{run:?}");
    assert!(run.stderr.contains("look there for free space"), "{run:?}");
    assert_eq!(run.stderr.lines().count(), 1, "{run:?}");
    assert!(home.received().is_empty());
}

#[test]
fn a_journal_that_is_none() {
    let home = Home::new(Script::tls());
    fs::create_dir_all(home.state()).expect("a folder");
    home.file(
        ".local/state/tls-optout/journal.sqlite3",
        &"no database ".repeat(100),
    );
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 74, "{run:?}");
    assert!(run.stderr.contains("move the file away"), "{run:?}");
    assert!(home.received().is_empty());
}

#[test]
fn a_broken_configuration_names_line_column_and_the_nearest_key() {
    let home = Home::new(Script::tls());
    home.write_config("[[account]]\npasword_command = \"x\"\n");
    let run = home.resend(&["--yes"], &home.notice());
    let file = home.path(".config/tls-optout/config.toml");
    let text = format!(
        "unknown key `pasword_command` in [[account]] at {}:2:1; did you mean `password_command`?",
        file.display()
    );
    home.assert_refused(&run, 78, &text);
}

#[test]
fn what_a_server_says_cannot_act_on_the_terminal() {
    let home = Home::new(Script::tls().on("MAIL", Then::Say("550 5.7.1 \x1b[2Jno\u{202e}")));
    let run = home.resend(&["--yes"], &home.notice());
    assert!(!run.stderr.contains(['\x1b', '\u{202e}']), "{run:?}");
    assert!(run.stderr.contains("550 5.7.1"), "{run:?}");
    home.received();
}

#[test]
fn what_is_written_is_the_users_alone() {
    let home = Home::new(Script::tls());
    assert_eq!(home.resend(&["--yes"], &home.notice()).status, 0);
    let state = home.state();
    let mode =
        |path: &std::path::Path| fs::metadata(path).expect("a file").permissions().mode() & 0o777;
    assert_eq!(mode(&state), 0o700);
    assert_eq!(mode(&state.join("locks")), 0o700);
    let files = files(&state);
    assert!(!files.is_empty());
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    home.received();
}
