//! Consent that was given in advance ends with the user's word, however late that comes.

use submission_server::{Script, Then};

use crate::home::{BOB, Home, finish};
use crate::standing::{AUTO, UNTRUSTED, home, press, sql, state, warning};
use crate::watch::deliver;

/// Says no to the offer of that number.
type No = fn(&Home, u32);
const DISMISS: No = |home, offer| drop(home.run(&["dismiss", &offer.to_string()], ""));
const KEY: No = |home, offer| press(home, offer, 'n');
const NEVER: No = |home, _| home.write_config(&home.config().replace("\"auto\"", "\"never\""));

/// The server has the recipients by then.
#[test]
fn a_no_before_data_is_in_time() {
    for (no, state_after) in [(DISMISS, "dismissed"), (KEY, "open"), (NEVER, "open")] {
        let home = home(Script::tls().on("RCPT", Then::Pause), AUTO);
        deliver(&home, "1.notice", &warning(&[(BOB, UNTRUSTED)]));
        let run = home.start(&["watch", "--once"], "");
        home.wait_for_pause();
        no(&home, 1);
        home.go_on();
        let run = finish(run);
        assert_eq!(run.status, 0, "{run:?}");
        assert_eq!(state(&home), state_after, "{run:?}");
        assert!(home.received().is_empty(), "{run:?}");
    }
}

/// Another offer is under way while the user says no to this one.
#[test]
fn a_no_to_one_that_is_not_under_way_yet() {
    for no in [DISMISS, KEY, NEVER] {
        let home = home(Script::tls().on(".", Then::Pause), AUTO);
        let another = |text: &str| text.replace("lunch-1@", "lunch-2@");
        let copy = another(&std::fs::read_to_string(home.copy()).expect("the copy"));
        home.file("Mail/Sent/cur/1795500012.1.laptop:2,S", &copy);
        sql(
            &home,
            "INSERT INTO delivery VALUES ('lunch-2@example.org', 'x@example.org', 'sent', 0, 'ours', '', '')",
        );
        let notice = warning(&[(BOB, UNTRUSTED)]);
        home.run(&["process"], &notice);
        let second = another(&notice).replace("warning-1@", "warning-2@");
        home.run(&["process"], &second);
        let run = home.start(&["watch", "--once"], "");
        home.wait_for_pause();
        no(&home, 2);
        home.go_on();
        let run = finish(run);
        let messages = home.received();
        assert_eq!(messages.len(), 1, "{run:?}");
        let text = String::from_utf8_lossy(&messages[0].data);
        assert!(text.contains("<lunch-1@"), "{text}");
    }
}
