//! At most once: whatever breaks, whoever asks, how often.

use crate::home::{BOB, CAROL, Home, finish, original};
use crate::news::{delayed, is, offers};
use crate::wait::poll;
use submission_server::{Script, Then};

#[test]
fn the_second_time_says_when_and_sends_nothing() {
    let home = Home::new(Script::tls());
    assert_eq!(home.resend(&["--yes"], &home.notice()).status, 0);
    // The same notice, and another notice about the same message.
    let another = home.notice().replace("warning-1@", "warning-2@");
    for notice in [home.notice(), another] {
        let run = home.resend(&["--yes"], &notice);
        assert_eq!(run.status, 1, "{run:?}");
        assert!(
            run.stdout
                .starts_with(&format!("{BOB}: was already sent again at 2")),
            "{run:?}"
        );
    }
    assert_eq!(home.received().len(), 1);
}

#[test]
fn many_at_once_make_one_submission() {
    let home = Home::new(Script::tls());
    let runs: Vec<_> = (0..8)
        .map(|_| home.start(&["resend", "--yes"], &home.notice()))
        .collect();
    let statuses: Vec<i32> = runs.into_iter().map(|run| finish(run).status).collect();
    assert_eq!(
        statuses.iter().filter(|&&status| status == 0).count(),
        1,
        "{statuses:?}"
    );
    assert!(statuses.iter().all(|&status| status <= 1), "{statuses:?}");
    assert_eq!(home.received().len(), 1);
}

#[test]
fn a_lost_answer_is_unknown_and_never_tried_again() {
    let home = Home::new(Script::tls().on(".", Then::Close));
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 74, "{run:?}");
    assert!(run.stderr.contains("it may be under way"), "{run:?}");
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 1, "{run:?}");
    assert!(
        run.stdout.contains("may have been sent again at"),
        "{run:?}"
    );
    assert!(home.run(&["offers"], "").stdout.contains("unknown"));
    let sessions = home.received();
    assert!(sessions.len() <= 1, "{sessions:?}");
}

#[test]
fn a_refusal_leaves_the_offer_open() {
    let home = Home::new(Script::tls().on("RCPT", Then::Say("450 4.2.1 later")));
    for _ in 0..2 {
        let run = home.resend(&["--yes"], &home.notice());
        assert_eq!(run.status, 75, "{run:?}");
        assert!(run.stderr.contains("450 4.2.1 later"), "{run:?}");
    }
    assert!(home.run(&["offers"], "").stdout.contains(BOB));
    assert!(home.received().is_empty());
}

/// The journal says `sending` before DATA; the kill comes while the server keeps silent.
fn kill_while_sending(home: &Home) {
    let mut child = home.start(&["resend", "--yes"], &home.notice());
    while !home.run(&["offers"], "").stdout.contains("sending") {
        assert!(
            child.try_wait().expect("a process").is_none(),
            "it ended early"
        );
    }
    child.kill().expect("a process");
    child.wait().expect("a process");
}

#[test]
fn killed_after_the_dot_it_is_unknown() {
    let home = Home::new(Script::tls().on(".", Then::Nothing));
    kill_while_sending(&home);
    assert!(home.run(&["offers"], "").stdout.contains("unknown"));
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 1, "{run:?}");
    assert!(
        run.stdout.contains("may have been sent again at"),
        "{run:?}"
    );
    home.received();
}

#[test]
fn only_the_user_resolves_what_is_unknown() {
    let home = Home::new(Script::tls().on(".", Then::Close));
    assert_eq!(home.resend(&["--yes"], &home.notice()).status, 74);
    let run = home.run(&["resolve", "1"], "");
    assert_eq!(run.status, 64, "{run:?}");
    assert!(
        run.stdout
            .starts_with(&format!("{BOB}: may have been sent again at")),
        "{run:?}"
    );
    assert!(
        run.stderr.contains("arrives twice if you are wrong"),
        "{run:?}"
    );

    let run = home.run(&["resolve", "--not-sent", "1"], "");
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (0, "offer 1: 1 recipient(s) now read refused\n")
    );
    // Another try, which this server leaves unknown again.
    assert_eq!(home.resend(&["--yes"], &home.notice()).status, 74);
    assert_eq!(home.run(&["resolve", "--sent", "1"], "").status, 0);
    let run = home.resend(&["--yes"], &home.notice());
    assert!(run.stdout.contains("was already sent again"), "{run:?}");
    assert_eq!(home.run(&["resolve", "--sent", "1"], "").status, 1);
    assert_eq!(home.run(&["resolve", "7"], "").status, 66);
    home.received();
}

/// Each offer about a message has its own recipients, and the word is about one offer. Whom no offer names, the
/// word about any of them resolves.
#[test]
fn the_word_about_one_offer_says_nothing_of_another() {
    let home = Home::new(Script::tls().on(".", Then::Close));
    home.write_copy(&original().replace("\nSubject", "\nCc: dave@example.net\nSubject"));
    for (number, who) in [("1", BOB), ("2", CAROL)] {
        let hour = number.parse().expect("a number");
        assert_eq!(home.run(&["process"], &delayed(hour, &[who])).status, 0);
        assert_eq!(home.resend(&["--yes", number], "").status, 74);
    }
    let dave = &["--yes", "--to", "dave@example.net", "2"];
    assert_eq!(home.resend(dave, "").status, 74);

    let run = home.run(&["resolve", "1"], "");
    assert!(
        run.stdout.contains(BOB) && run.stdout.contains("dave@example.net"),
        "{run:?}"
    );
    assert!(!run.stdout.contains(CAROL), "{run:?}");
    let run = home.run(&["resolve", "--not-sent", "1"], "");
    assert_eq!(
        (run.status, run.stdout.as_str()),
        (0, "offer 1: 2 recipient(s) now read refused\n")
    );
    assert_eq!(
        offers(&home, &["--all"]),
        [is(1, BOB, "refused"), is(2, CAROL, "unknown")]
    );
    assert_eq!(home.run(&["resolve", "--sent", "2"], "").status, 0);
    let run = home.resend(&["--yes", "2"], "");
    assert!(run.stdout.contains("was already sent again"), "{run:?}");
    home.received();
}

/// ssh, for one, ends with 255 when the connection breaks after the delivery.
#[test]
fn a_command_that_fails_oddly_may_have_delivered() {
    let home = Home::new(Script::tls());
    home.file("odd", "#!/bin/sh\ncat >> delivered\nexit 255\n");
    let config = home.config();
    let (before, _) = config.split_once("submission").expect("an account");
    home.write_config(&format!("{before}command = [\"sh\", \"odd\"]\n"));
    let run = home.resend(&["--yes"], &home.notice());
    assert_eq!(run.status, 74, "{run:?}");
    let run = home.resend(&["--yes"], &home.notice());
    assert!(run.stdout.contains("may have been sent again"), "{run:?}");
    let delivered = std::fs::read_to_string(home.path("delivered")).expect("a file");
    assert_eq!(delivered.matches("Message-ID").count(), 1);
    home.received();
}

/// From a pipe the command would take what had come by then for the whole message.
#[test]
fn a_command_outlives_us_and_has_the_whole_message() {
    let home = Home::new(Script::tls());
    home.write_copy(&(original() + &"many words\n".repeat(100_000)));
    home.file("slow", "#!/bin/sh\necho started > started\nwhile test ! -e go; do sleep 0.05; done\ncat > late\nmv late delivered\n");
    let config = home.config();
    let (before, _) = config.split_once("submission").expect("an account");
    home.write_config(&format!("{before}command = [\"sh\", \"slow\"]\n"));
    let mut child = home.start(&["resend", "--yes"], &home.notice());
    wait_for(&home, "started");
    child.kill().expect("a process");
    child.wait().expect("a process");
    home.file("go", "");
    wait_for(&home, "delivered");
    let delivered = std::fs::read_to_string(home.path("delivered")).expect("a file");
    assert!(delivered.ends_with("many words\n"));
    assert_eq!(delivered.matches("many words").count(), 100_000);
    home.received();
}

fn wait_for(home: &Home, name: &str) {
    let found = poll(|| home.path(name).exists().then_some(()));
    assert!(found.is_some(), "no {name}");
}

#[test]
fn a_reader_that_went_away_stops_no_work() {
    let home = Home::new(Script::tls());
    home.file("one.eml", &home.notice());
    let two = home.notice().replace("warning-1@", "warning-2@");
    home.file("two.eml", &two.replace(BOB, CAROL));
    let script = format!(
        "'{}' resend --yes one.eml two.eml | true; exec '{0}' offers --all >/dev/full",
        env!("CARGO_BIN_EXE_tls-optout")
    );
    let run = home.run_program("sh", &["-c", &script], "");
    assert_eq!(run.status, 74, "{run:?}");
    assert!(!run.stderr.contains("panicked"), "{run:?}");
    assert_eq!(home.run(&["offers", "--all"], "").stdout.lines().count(), 2);
    assert_eq!(home.received().len(), 2);
}

#[test]
fn a_dry_run_leaves_a_dead_sender_alone() {
    let home = Home::new(Script::tls().on(".", Then::Nothing));
    kill_while_sending(&home);
    let run = home.resend(&["--dry-run"], &home.notice());
    assert!(run.stderr.contains("is being sent again"), "{run:?}");
    let locks = std::fs::read_dir(home.state().join("locks")).expect("a folder");
    assert_eq!(locks.count(), 1);
    home.received();
}
