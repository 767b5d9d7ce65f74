//! A no to one recipient holds when another waits in a notice about both.

use rusqlite::Connection;

use crate::home::{BOB, CAROL, Home};
use crate::news::{delayed, forged, home, is, offers, process};

const NO: &str = "bob@example.net: you have said no to it (offer 1); if it is to be sent all the same, name it with --to\n";

/// Bob is dismissed, and Carol waits in an offer about both.
fn home_with_two() -> Home {
    let home = home();
    process(&home, &delayed(1, &[BOB]), 0);
    assert_eq!(home.run(&["dismiss", "1"], "").status, 0);
    process(&home, &delayed(2, &[BOB, CAROL]), 0);
    assert_eq!(offers(&home, &[]), [is(2, CAROL, "open")]);
    home
}

#[test]
fn a_no_holds_in_the_offer_of_another() {
    let about_both = delayed(2, &[BOB, CAROL]);
    for (arguments, input) in [
        (&["--yes", "2"][..], ""),
        (&["--yes", "--all"], ""),
        (&["--yes"], &*about_both),
    ] {
        let home = home_with_two();
        let dry = home.resend(&[&["--dry-run"], &arguments[1..]].concat(), input);
        assert!(dry.stderr.starts_with(NO), "{dry:?}");
        let run = home.resend(arguments, input);
        assert_eq!(run.status, 0, "{run:?}");
        assert!(run.stdout.starts_with(NO), "{run:?}");
        // Nor is he the one who is left.
        let run = home.resend(&["--yes", "2"], "");
        assert_eq!(run.status, 1, "{run:?}");
        let messages = home.received();
        assert_eq!(messages.len(), 1);
        let to: Vec<_> = messages[0].recipients.iter().map(|one| &*one.0).collect();
        assert_eq!(to, [CAROL]);
    }
}

#[test]
fn a_no_ends_by_a_word_about_the_same() {
    for arguments in [&["--yes", "1"][..], &["--yes", "--to", BOB, "2"]] {
        let home = home_with_two();
        let run = home.resend(arguments, "");
        assert_eq!(run.status, 0, "{run:?}");
        let messages = home.received();
        let to: Vec<_> = messages[0].recipients.iter().map(|one| &*one.0).collect();
        assert_eq!(to, [BOB]);
    }
}

/// The journal keeps the no, and not the notice.
#[test]
fn what_was_dismissed_long_ago_takes_the_notice_itself() {
    let home = home();
    let notice = delayed(1, &[BOB]);
    process(&home, &notice, 0);
    assert_eq!(home.run(&["dismiss", "1"], "").status, 0);
    let db = Connection::open(home.state().join("journal.sqlite3")).expect("the journal");
    let ago = "UPDATE offer SET recorded = recorded - 40000000, dismissed = dismissed - 40000000";
    db.execute(ago, []).expect("SQL");
    process(&home, &delayed(2, &[CAROL]), 0);
    assert_eq!(home.run(&["dismiss", "2"], "").status, 0);
    let run = home.resend(&["--yes", "1"], "");
    assert_eq!(run.status, 66, "{run:?}");
    assert!(run.stderr.contains("give the notice itself"), "{run:?}");
    process(&home, &notice, 0);
    assert_eq!(offers(&home, &[]), []);
    assert_eq!(home.resend(&["--yes"], &notice).status, 0);
    assert_eq!(home.received().len(), 1);
}

#[test]
fn a_newer_notice_renews_the_offer_that_waits() {
    let home = home_with_two();
    process(&home, &delayed(3, &[BOB, CAROL]), 0);
    assert_eq!(offers(&home, &[]), [is(2, CAROL, "open")]);
    assert_eq!(rests_on(&home, 3), [2]);
    home.received();
}

/// Taken up again it would be about Carol, too.
#[test]
fn what_is_dismissed_rests_on_no_notice_about_others() {
    let home = home();
    process(&home, &delayed(1, &[BOB]), 0);
    assert_eq!(home.run(&["dismiss", "1"], "").status, 0);
    process(&home, &delayed(2, &[CAROL, "dave@example.com"]), 0);
    process(&home, &delayed(3, &[BOB, CAROL]), 0);
    assert_eq!(rests_on(&home, 3), [0; 0]);
    home.received();
}

#[test]
fn a_notice_that_is_read_again_takes_nobody_from_another_offer() {
    let home = home();
    process(&home, &delayed(1, &[BOB]), 0);
    assert_eq!(home.run(&["dismiss", "1"], "").status, 0);
    let about_both = delayed(2, &[BOB, CAROL]);
    for notice in [forged(&about_both), about_both] {
        process(&home, &notice, 0);
        assert_eq!(offers(&home, &[]), [is(2, CAROL, "open")]);
    }
    home.received();
}

/// The offers that rest on that notice.
fn rests_on(home: &Home, hour: u32) -> Vec<i64> {
    let db = Connection::open(home.state().join("journal.sqlite3")).expect("the journal");
    let query = format!("SELECT id FROM offer WHERE notice_key LIKE 'warning-{hour}@%'");
    let mut rows = db.prepare(&query).expect("SQL");
    let ids = rows.query_map([], |row| row.get(0)).expect("offers");
    ids.map(|id| id.expect("a number")).collect()
}
