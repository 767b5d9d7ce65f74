//! The program from the outside: a home with a Maildir, a submission server, and what `resend` and the
//! verbs around it make of good and bad input. Every test counts what the server received.

mod agents;
mod all;
mod bad_input;
mod behind;
mod changes;
mod deliveries;
#[cfg(feature = "desktop")]
mod desktop;
mod dismissed;
#[cfg(feature = "desktop")]
mod dunst;
mod filter;
mod finding;
mod flood;
mod force;
mod history;
mod home;
mod kept;
mod log;
mod manual;
mod many;
mod news;
mod once;
mod options;
mod own;
mod postmaster;
mod recipients;
mod sendmail;
mod session;
mod several;
mod spelling;
mod standing;
mod tell;
mod unattended;
mod unread;
#[path = "../support/wait.rs"]
mod wait;
mod watch;
mod withdrawn;

use std::fs;

use home::{BOB, Home};
use submission_server::Script;

#[test]
fn a_notice_in_and_the_original_out() {
    let home = Home::new(Script::tls());
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(
        run.stdout,
        format!(
            "accepted: sent again to {BOB} through {}: 250 2.0.0 queued as 4F00BA\n",
            home.place()
        )
    );
    assert_eq!(run.stderr, "");
    let [message] = &home.received()[..] else {
        panic!("not one message")
    };
    assert_eq!(message.sender.0, "alice@example.org");
    assert_eq!(message.recipients.len(), 1);
    assert_eq!(message.recipients[0].0, BOB);
    let expected = format!("TLS-Required: No\n{}", home::original());
    assert_eq!(
        String::from_utf8_lossy(&message.data),
        expected.replace('\n', "\r\n")
    );
}

#[test]
fn a_dry_run_prints_the_exact_bytes_and_changes_nothing() {
    let home = Home::new(Script::tls());
    let run = home.resend(&["--dry-run"], &home.notice());
    assert_eq!(run.status, 0, "{run:?}");
    let expected = format!("TLS-Required: No\n{}", home::original());
    assert_eq!(run.stdout, expected.replace('\n', "\r\n"));
    assert!(
        run.stderr.contains("MAIL FROM:<alice@example.org>\n"),
        "{run:?}"
    );
    assert!(
        run.stderr.contains(&format!("RCPT TO:<{BOB}>\n")),
        "{run:?}"
    );
    assert!(!home.state().exists());
    assert!(home.received().is_empty());
}

#[test]
fn without_a_terminal_the_offer_is_recorded_and_can_be_taken_up() {
    let home = Home::new(Script::tls());
    let run = home.resend(&[], &home.notice());
    assert_eq!(run.status, 75, "{run:?}");
    assert!(
        run.stdout.contains(&format!("Waiting    {BOB}\n")),
        "{run:?}"
    );
    assert!(run.stdout.lines().count() <= 12, "{run:?}");
    assert_eq!(
        run.stderr,
        "tls-optout: no terminal to ask on, nothing was sent; offer 1 is recorded: `tls-optout resend 1` in \
         a terminal, or with --yes\n"
    );
    let open = home.run(&["offers", "--json"], "");
    assert_eq!(open.status, 0, "{open:?}");
    assert!(open.stdout.contains("\"state\":\"open\""), "{open:?}");
    assert!(open.stdout.contains(BOB), "{open:?}");

    let run = home.run(&["resend", "--yes", "1"], "");
    assert_eq!(run.status, 0, "{run:?}");
    let done = home.run(&["offers"], "");
    assert_eq!((done.status, done.stdout.as_str()), (1, ""), "{done:?}");
    let all = home.run(&["offers", "--all"], "");
    assert!(all.stdout.starts_with("   1    0m  sent "), "{all:?}");
    assert_eq!(home.received().len(), 1);
}

#[test]
fn a_copy_from_another_folder_is_told_as_such() {
    let home = Home::new(Script::tls());
    home.make_folder("Mail/Archive");
    let elsewhere = home.path("Mail/Archive/cur/1795500011.4242_1.laptop:2,S");
    fs::rename(home.copy(), elsewhere).expect("a move");
    let run = home.resend(&[], &home.notice());
    assert!(
        run.stdout
            .contains("\n           not in a folder for sent mail\n"),
        "{run:?}"
    );
    assert!(run.stdout.lines().count() < 12, "{run:?}");
    assert_eq!(home.resend(&["--yes"], &home.notice()).status, 0);
    assert_eq!(home.received().len(), 1);
}

#[test]
fn a_dismissed_offer_waits_no_longer() {
    let home = Home::new(Script::tls());
    home.resend(&[], &home.notice());
    assert_eq!(home.run(&["dismiss", "1"], "").status, 0);
    assert_eq!(home.run(&["offers"], "").status, 1);
    assert!(
        home.run(&["offers", "--all"], "")
            .stdout
            .contains("dismissed")
    );
    let run = home.run(&["dismiss", "7"], "");
    assert_eq!(run.status, 66);
    assert_eq!(
        run.stderr,
        "tls-optout: no offer 7; `tls-optout offers` lists them\n"
    );
}

/// No file of ours: mutt says where the mail lies, who the user is, and that msmtp submits.
#[test]
fn a_mutt_user_needs_no_configuration() {
    let home = Home::new(Script::tls());
    set_up_msmtp(&home);
    let rc = "set folder=~/Mail record==Sent from=alice@example.org sendmail=\"/usr/bin/msmtp\"\n";
    home.file(".muttrc", rc);
    fs::remove_dir_all(home.path(".config")).expect("the configuration");
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 0, "{run:?}");
    assert!(
        run.stdout
            .contains(&format!("sent again to {BOB} through /usr/bin/msmtp")),
        "{run:?}"
    );
    let messages = home.received();
    assert_eq!(messages.len(), 1);
    assert!(messages[0].data.starts_with(b"TLS-Required: No\r\n"));
}

/// mutt would not run its sendmail then, and neither do we.
#[test]
fn an_smtp_url_that_is_no_use_is_told() {
    let home = Home::new(Script::tls());
    home.file(
        ".muttrc",
        "set folder=~/Mail record==Sent from=alice@example.org sendmail=\"/usr/bin/msmtp\"\n\
         set smtp_url=\"smtps://mail.example.org\"\n",
    );
    fs::remove_dir_all(home.path(".config")).expect("the configuration");
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 78, "{run:?}");
    assert!(run.stderr.contains("smtp_url names no user"), "{run:?}");
    assert!(home.received().is_empty());
}

#[test]
fn pause_ends_with_0_whatever_happened() {
    let home = Home::new(Script::tls());
    let run = home.resend(&["--pause"], "Subject: lunch\n\nno notice\n");
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stderr.contains("not a delivery notice"), "{run:?}");
}

#[test]
fn the_outcome_as_json() {
    let home = Home::new(Script::tls());
    let run = home.resend(&["--yes", "--json"], &home.notice());
    let line: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    assert_eq!(line["recipient"], BOB);
    assert_eq!(line["state"], "sent");
    assert_eq!(line["reply"], "250 2.0.0 queued as 4F00BA");
}

#[test]
fn find_prints_the_path() {
    let home = Home::new(Script::tls());
    let run = home.run(&["find", "<lunch-1@example.org>"], "");
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(run.stdout, format!("{}\n", home.copy().display()));
    let run = home.run(&["find", "dinner-1@example.org"], "");
    assert_eq!(run.status, 66, "{run:?}");
    assert!(
        run.stderr
            .starts_with("tls-optout: no copy of <dinner-1@example.org> in "),
        "{run:?}"
    );
}

#[test]
fn inspect_tells_by_status_and_goes_on_after_a_bad_file() {
    let home = Home::new(Script::tls());
    home.file("notice.eml", &home.notice());
    home.file("lunch.eml", &home::original());
    let run = home.run(
        &["inspect", "--json", "notice.eml", "gone.eml", "lunch.eml"],
        "",
    );
    assert_eq!(run.status, 66, "{run:?}");
    assert_eq!(run.stderr, "tls-optout: gone.eml: no such file\n");
    let lines: Vec<serde_json::Value> = run
        .stdout
        .lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(
        lines[0]["notice"]["recipients"][0]["cause"],
        "starttls-not-offered"
    );
    assert!(lines[1]["notice"].is_null());
    assert_eq!(home.run(&["inspect", "notice.eml"], "").status, 0);
    assert_eq!(home.run(&["inspect", "lunch.eml"], "").status, 1);
}

#[test]
fn the_manual_and_the_completions_know_every_verb() {
    let home = Home::new(Script::tls());
    for arguments in [
        &["man"][..],
        &["completions", "bash"],
        &["completions", "zsh"],
        &["completions", "fish"],
    ] {
        let run = home.run(arguments, "");
        assert_eq!(run.status, 0, "{run:?}");
        for verb in [
            "inspect",
            "resend",
            "process",
            "watch",
            "offers",
            "dismiss",
            "find",
            "login",
            "notify-postmaster",
        ] {
            assert!(
                run.stdout.replace("\\-", "-").contains(verb),
                "{arguments:?}: no {verb}"
            );
        }
    }
}

/// An msmtp that speaks to the server of the home itself.
pub(crate) fn set_up_msmtp(home: &Home) {
    let (host, port) = home.place().split_once(':').expect("a place");
    home.file(
        ".msmtprc",
        &format!(
            "account default\nhost {host}\nport {port}\nfrom alice@example.org\nauth on\nuser alice\n\
             passwordeval echo sesame\ntls on\ntls_starttls off\ntls_trust_file {}\n",
            home.path("ca.pem").display()
        ),
    );
}
