//! aerc with the keys of `contrib/aerc`.

use std::cell::Cell;
use std::fs;

use crate::desk::{self, CAPTURED, Desk, NOTICE, QUESTION};
use crate::terminal::Terminal;

/// The end of a program that aerc ran in a tab of its own.
const OVER: &str = "Process complete";

#[test]
#[ignore = "needs aerc: tests/run"]
fn a_key_resends_from_the_list_and_from_the_view() {
    let desk = Desk::new();
    let screen = open(&desk);
    screen.press("zt");
    wait_for(&screen, QUESTION);
    screen.press("n");
    wait_for(&screen, OVER);
    screen.press(" ");
    wait_for(&screen, "[Alice]");

    screen.press_key("Enter");
    wait_for(&screen, "This is the mail system");
    screen.press("zt");
    wait_for(&screen, QUESTION);
    screen.press("y");
    let text = wait_for(&screen, OVER);
    assert!(text.contains("accepted"), "{text}");
    desk.assert_resent();
}

/// Marked messages come as one mbox, in no particular order.
#[test]
#[ignore = "needs aerc: tests/run"]
fn marked_messages_are_told_apart() {
    const OTHER: &str = "postfix-3.10.13-delay-00-0";
    let desk = Desk::new();
    desk.add(OTHER);
    let screen = open(&desk);
    screen.press("vjvzt");
    for question in 1..=2 {
        wait_until(&screen, "the next question", |seen| {
            seen.matches(QUESTION).count() == question && !seen.contains(OVER)
        });
        screen.press("y");
    }
    wait_for(&screen, OVER);
    desk.assert_all_resent(&[CAPTURED, OTHER]);
}

#[test]
#[ignore = "needs aerc: tests/run"]
fn the_opt_out_by_a_key_and_by_the_cookie() {
    let desk = Desk::new();
    let screen = open(&desk);
    for (subject, key) in [("Lunch", "t"), ("[tls-optout] Dinner", ""), ("Tea", "")] {
        screen.press(&format!(
            ":compose -H \"To: carol@example.com\" -H \"Subject: {subject}\" Hello"
        ));
        screen.press_key("Enter");
        wait_for(&screen, "Send this email?");
        screen.press(key);
        if !key.is_empty() {
            wait_for(&screen, "Tls-Required: No");
        }
        screen.press("y");
        wait_until(&screen, "that it is sent", |seen| {
            seen.contains("Message sent.") && !seen.contains("Send this email?")
        });
    }
    let [lunch, dinner, tea] = &desk.received()[..] else {
        panic!("not three messages")
    };
    desk::assert_written(lunch, "Lunch", "Hello");
    desk::assert_written(dinner, "Dinner", "Hello");
    desk::assert_without(tea);
}

fn wait_for(screen: &Terminal, text: &str) -> String {
    wait_until(screen, text, |seen| seen.contains(text))
}

/// Waits. aerc 0.14 may sleep on a key until something else happens, such as a change of size.
fn wait_until(screen: &Terminal, what: &str, condition: impl Fn(&str) -> bool) -> String {
    let looks = Cell::new(0_u16);
    screen.wait_until(what, |seen| {
        looks.set(looks.get() + 1);
        if looks.get().is_multiple_of(10) {
            screen.resize([100, 30 + looks.get() / 10 % 2]);
        }
        condition(seen)
    })
}

/// aerc with its own keys and ours, at the notice.
fn open(desk: &Desk) -> Terminal {
    let own = |name: &str| fs::read_to_string(format!("/usr/share/aerc/{name}")).expect(name);
    let ours = fs::read_to_string(desk::contrib("aerc/binds.conf")).expect("the keys");
    desk.write(".config/aerc/binds.conf", &(own("binds.conf") + &ours));
    let settings = own("aerc.conf").replace("#editor=", "editor=true");
    desk.write(".config/aerc/aerc.conf", &settings);
    desk.write(
        ".config/aerc/accounts.conf",
        &format!(
            "[Alice]\nsource = maildir://~/Mail\ndefault = INBOX\nfrom = Alice <alice@example.org>\n\
             copy-to = Sent\noutgoing = {} sendmail\n",
            env!("CARGO_BIN_EXE_tls-optout")
        ),
    );
    desk.keep_private(".config/aerc/accounts.conf");
    let screen = desk.terminal("aerc");
    wait_for(&screen, NOTICE);
    screen
}
