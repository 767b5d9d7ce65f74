//! `resend --all`: one offer after another.

use std::fs;

use submission_server::{Script, Then};

use crate::home::{BOB, Home, original};

/// Three messages, each with its copy and its offer.
fn home(script: Script) -> Home {
    let home = Home::new(script);
    for number in 1..4 {
        let id = |text: String| text.replace("lunch-1@", &format!("lunch-{number}@"));
        let copy = home.copy().with_file_name(format!("{number}.copy:2,S"));
        fs::write(copy, id(original())).expect("a copy");
        let notice = id(home.notice()).replace("warning-1@", &format!("warning-{number}@"));
        assert_eq!(home.run(&["process"], &notice).status, 0);
    }
    fs::remove_file(home.copy()).expect("the first copy");
    home
}

#[test]
fn all_that_wait_are_sent() {
    let home = home(Script::tls());
    assert_eq!(home.run(&["dismiss", "2"], "").status, 0);
    // A file of that name is no offer.
    home.file("1", "no notice");
    let run = home.resend(&["--all", "--yes"], "");
    assert_eq!(run.status, 0, "{run:?}");
    assert_eq!(run.stdout.matches("accepted: ").count(), 2, "{run:?}");
    let run = home.resend(&["--all", "--yes"], "");
    assert_eq!(
        (run.status, run.stderr.as_str()),
        (1, "tls-optout: no offer waits\n")
    );
    assert_eq!(home.received().len(), 2);
}

#[test]
fn one_that_fails_does_not_stop_the_others() {
    let home = home(Script::tls());
    let missing = home.copy().with_file_name("2.copy:2,S");
    fs::remove_file(missing).expect("a copy");
    let run = home.resend(&["--all", "--yes"], "");
    assert_eq!(run.status, 66, "{run:?}");
    assert_eq!(run.stdout.matches("accepted: ").count(), 2, "{run:?}");
    assert_eq!(home.run(&["offers", "--count"], "").stdout, "1\n");
    assert_eq!(home.received().len(), 2);
}

#[test]
fn a_refusal_does_not_stop_the_others() {
    let refuse = Then::Say("550 5.7.1 not today");
    let home = home(Script::tls().on(&format!("RCPT TO:<{BOB}"), refuse));
    let run = home.resend(&["--all", "--yes"], "");
    assert_eq!(run.status, 69, "{run:?}");
    assert_eq!(
        run.stderr.matches("refused every recipient").count(),
        3,
        "{run:?}"
    );
    assert!(home.received().is_empty());
}

#[test]
fn without_a_word_nothing_is_sent() {
    let home = home(Script::tls());
    let run = home.resend(&["--all"], "");
    assert_eq!(run.status, 75, "{run:?}");
    assert_eq!(
        run.stderr.matches("no terminal to ask on").count(),
        3,
        "{run:?}"
    );
    assert!(home.received().is_empty());
}
