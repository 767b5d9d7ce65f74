//! The keys in the mail reader: from the sent message, for tagged messages, and when something goes wrong.

use std::fs;
use std::path::Path;

use crate::site::{Reader, Site, Submission};
use crate::terminal::Terminal;
use crate::wait::poll;
use crate::words::{PAUSE, QUESTION};
use crate::{BOB, CAROL, assert_settings};

/// What both mail readers say when they wait for a key, in 40 columns too.
const ANY_KEY: &str = "Press any key to continue";
/// The first words of the index.
const INDEX: &str = "q:Quit";
/// Ends the list of recipients.
const WHO: &str = "or all:";

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn tagged_messages_and_the_original_in_mutt() {
    tagged_messages_and_the_original(Reader::Mutt);
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn tagged_messages_and_the_original_in_neomutt() {
    tagged_messages_and_the_original(Reader::NeoMutt);
}

/// Three notices: yes, no, yes. Then the message that was not sent, from the Sent folder.
fn tagged_messages_and_the_original(reader: Reader) {
    let site = Site::start(Submission::ImplicitTls);
    for _ in 0..3 {
        site.send(reader, &[BOB]);
    }
    wait_for_notices(&site, 3);
    let screen = site.sized_terminal(reader.program(), [80, 24]);
    screen.wait_for("Delayed Mail");
    // Nothing is tagged: nothing is run.
    screen.press(",T");
    assert_settings(&screen, [true, false, true]);

    screen.press("T~A");
    screen.press_key("Enter");
    screen.press(",T");
    let copy = |text: &str| {
        text.lines()
            .find(|line| line.starts_with("Copy"))
            .map(str::to_owned)
    };
    let mut last = None;
    for (key, sent) in [("y", 1), ("n", 1), ("y", 2)] {
        let text = screen.wait_until("the next question", |text| {
            text.trim_end().ends_with(QUESTION) && copy(text) != last
        });
        last = copy(&text);
        screen.press(key);
        let arrived = || (site.closed.deliveries().len() == sent).then_some(());
        assert!(poll(arrived).is_some(), "{}", site.postfix.log());
        if key == "y" {
            screen.wait_for(PAUSE);
            screen.press(" ");
        }
    }
    screen.wait_for(INDEX);
    assert_settings(&screen, [true, false, true]);

    // The journal knows the notices: no list. Two of the three were sent.
    let mut asked = 0;
    for number in ["1", "2", "3"] {
        let screen = site.sized_terminal(&format!("{} -f =Sent", reader.program()), [80, 24]);
        screen.wait_for(INDEX);
        screen.press(number);
        screen.press_key("Enter");
        screen.press(",t");
        let text = screen.wait_until("an answer", |text| {
            text.contains(QUESTION) || text.contains(PAUSE)
        });
        if text.contains(QUESTION) {
            assert!(text.contains("offers no encryption"), "{text}");
            asked += 1;
            screen.press("y");
            screen.wait_for(PAUSE);
        }
        screen.press(" ");
        screen.wait_for(INDEX);
        assert_settings(&screen, [true, false, true]);
    }
    assert_eq!(asked, 1);
    let arrived = || (site.closed.deliveries().len() == 3).then_some(());
    assert!(poll(arrived).is_some(), "{}", site.postfix.log());
    assert_eq!(site.postfix.submissions(), 6, "{}", site.postfix.log());
}

/// Before any notice has come. Ctrl-C ends the program while the list is asked for, and the macro goes on.
#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn the_original_without_a_notice() {
    for reader in [Reader::Mutt, Reader::NeoMutt] {
        let site = Site::start(Submission::ImplicitTls);
        site.send(reader, &[BOB, CAROL]);
        let screen = site.sized_terminal(&format!("{} -f =Sent", reader.program()), [80, 24]);
        screen.wait_for("Lunch on Thursday");
        screen.press(",t");
        screen.wait_for(WHO);
        screen.press_key("C-c");
        screen.wait_for(ANY_KEY);
        screen.press(" ");
        screen.wait_for(INDEX);
        assert_settings(&screen, [true, false, true]);

        screen.press(",t");
        screen.wait_until("the list", |text| text.trim_end().ends_with(WHO));
        screen.press("1");
        screen.press_key("Enter");
        let question = screen.wait_for(QUESTION);
        assert!(
            question.contains("no notice about this message was seen"),
            "{question}"
        );
        screen.press("y");
        screen.wait_for(PAUSE);
        let delivery = site.closed.wait_for_one();
        assert_eq!(delivery.recipients, [format!("<{BOB}>")]);
        screen.press(" ");
        screen.wait_for(INDEX);
        assert_settings(&screen, [true, false, true]);
    }
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn no_harm_whatever_happens_in_mutt() {
    no_harm_whatever_happens(Reader::Mutt);
}

#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn no_harm_whatever_happens_in_neomutt() {
    no_harm_whatever_happens(Reader::NeoMutt);
}

/// The user says no by Ctrl-C, in wide and narrow terminals, whatever the settings are, and they stay. The
/// program is not there, or ends by a signal.
fn no_harm_whatever_happens(reader: Reader) {
    let site = Site::start(Submission::ImplicitTls);
    site.send(reader, &[BOB, CAROL]);
    wait_for_notices(&site, 1);
    for (decode, split, wait, size) in [
        (false, false, false, [80, 24]),
        (true, true, false, [40, 10]),
        (false, true, true, [40, 10]),
    ] {
        let screen = open(&site, "", reader, [decode, split, wait], size);
        screen.press(",t");
        screen.wait_until("the question", |text| text.trim_end().ends_with(QUESTION));
        screen.press_key("C-c");
        screen.wait_for("1/1");
        assert!(!screen.screen().contains(QUESTION), "{}", screen.screen());
        assert_settings(&screen, [decode, split, wait]);
    }
    let path = "PATH=/usr/bin:/bin ";
    let screen = open(&site, path, reader, [true, false, false], [80, 24]);
    for key in [",t", "T~A\r,T"] {
        screen.press(key);
        screen.wait_until("that it is not there", |text| {
            text.contains("not found") && text.contains(ANY_KEY)
        });
        screen.press(" ");
        screen.wait_for("Delayed Mail");
        assert_settings(&screen, [true, false, false]);
    }
    assert_eq!(site.postfix.submissions(), 1, "{}", site.postfix.log());
}

/// Few columns and rows: the notices alone, all of them tagged, and yes to the question.
#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn the_keys_for_many_in_a_narrow_terminal() {
    for reader in [Reader::Mutt, Reader::NeoMutt] {
        let site = Site::start(Submission::ImplicitTls);
        site.send(reader, &[BOB]);
        wait_for_notices(&site, 1);
        let ordinary = site.postfix.mailbox().join("new/1.ordinary");
        let text = "From: Dave <dave@example.net>\nSubject: An ordinary one\n\nHello\n";
        fs::write(ordinary, text).expect("a message");
        let screen = open(&site, "", reader, [true, true, true], [40, 10]);
        screen.wait_for("An ordinary one");
        screen.press(",l");
        screen.wait_until("the notice alone", |text| {
            text.contains("Delayed Mail") && !text.contains("ordinary")
        });
        screen.press("T~A\r,T");
        screen.wait_until("the question", |text| text.trim_end().ends_with(QUESTION));
        screen.press("y");
        screen.wait_for(PAUSE);
        site.closed.wait_for_one();
        screen.press(" ");
        screen.wait_for("2/2");
        assert!(!screen.screen().contains("ordinary"), "{}", screen.screen());
        assert_settings(&screen, [true, true, true]);
    }
}

/// Where no message is there to be piped the key does nothing, and the settings stay: an empty folder, one
/// limited to nothing, the help screen.
#[test]
#[ignore = "needs root and Postfix: tests/run"]
fn where_there_is_no_message() {
    let site = Site::start(Submission::ImplicitTls);
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(site.home().join("Mail/Empty").join(part)).expect("a Maildir");
    }
    let text = "From: Dave <dave@example.net>\nSubject: An ordinary one\n\nHello\n";
    site.write("Mail/Sent/cur/1.ordinary:2,S", text);
    for reader in [Reader::Mutt, Reader::NeoMutt] {
        for (folder, keys, shown) in [
            ("Empty", "", INDEX),
            ("Sent", "l~s nothing\r", "Msgs:0/1"),
            ("Sent", "?", "Help for"),
            ("Sent", "\r?", "Help for pager"),
        ] {
            let command = format!("{} -f ={folder}", reader.program());
            let screen = site.sized_terminal(&command, [80, 24]);
            screen.wait_for(INDEX);
            screen.press(keys);
            screen.wait_for(shown);
            screen.press(",t");
            // After a key that does nothing there NeoMutt swallows one more.
            screen.wait_until("a command line", |text| {
                let at_it = |text: &str| {
                    let last = text.trim_end().lines().last();
                    last.is_some_and(|line| line.starts_with(':'))
                };
                if !at_it(text) {
                    screen.press(":");
                }
                at_it(text)
            });
            screen.press_key("C-u");
            screen.press_key("Enter");
            assert_settings(&screen, [true, false, true]);
        }
    }
}

fn open(site: &Site, before: &str, reader: Reader, set: [bool; 3], size: [u16; 2]) -> Terminal {
    let [decode, split, wait] = set.map(|value| if value { "yes" } else { "no" });
    let settings = format!("set pipe_decode={decode} pipe_split={split} wait_key={wait}");
    // 40 columns are too few for the usual line of a message.
    let line = "set index_format='%C/1 %s' status_format='%m/%m'";
    let command = format!(
        "{before}{} -e \"{settings}\" -e \"{line}\"",
        reader.program()
    );
    let screen = site.sized_terminal(&command, size);
    screen.wait_for("Delayed Mail");
    screen
}

fn wait_for_notices(site: &Site, count: usize) {
    let mut known = Vec::new();
    for _ in 0..count {
        let all: Vec<&Path> = known.iter().map(AsRef::as_ref).collect();
        let next = site.wait_for_notice_after(&all);
        known.push(next);
    }
}
