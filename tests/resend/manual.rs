//! The manual page for mutt: it renders, and its screens are what the program shows.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::home::{Home, original};
use submission_server::Script;

const QUESTION: &str = "[y/N/d] ";

fn page() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/tls-optout-mutt.7")
}

/// Is every line of the screen that begins with one of these words in the page?
fn assert_shown(home: &Home, screen: &str, words: &[&str]) {
    let source = fs::read_to_string(page()).expect("the page");
    let source = source.replace("\\-", "-");
    let screen = screen
        .replace(home.path("").to_str().expect("UTF-8"), "/home/alice/")
        .replace(home.place(), "mail.example.org:465");
    for word in words {
        let mut lines = screen
            .lines()
            .filter(|line| line.starts_with(word))
            .peekable();
        assert!(lines.peek().is_some(), "no {word:?} in {screen}");
        for line in lines {
            assert!(source.lines().any(|shown| shown == line), "{line:?}");
        }
    }
}

#[test]
fn its_screens_are_true() {
    let home = Home::new(Script::tls());
    home.file("given", &original());
    let steps: &[(&str, &[u8])] = &[("or all: ", b"1\n"), (QUESTION, b"n")];
    let (_, screen) = home.in_steps("resend < given", steps);
    let words = [
        "No notice",
        "  1",
        "  2",
        "Who",
        "Waiting",
        "Because",
        "Message",
        "Copy",
        "   ",
        "To send",
        "Through",
        "Risk",
    ];
    assert_shown(&home, &screen, &words);

    home.file("given", &home.notice());
    let (_, screen) = home.at_terminal("resend < given", QUESTION, b"y");
    let words = [
        "Waiting", "Because", "Message", "Copy", "To send", "Through", "Risk", "   ", "Send it",
        "accepted",
    ];
    assert_shown(&home, &screen, &words);
}

#[test]
fn it_renders_without_a_warning() {
    let man = Command::new("man")
        .args(["--warnings", "-E", "UTF-8", "-l"])
        .arg(page())
        .env("MANWIDTH", "80")
        .output();
    let output = match man {
        Ok(output) => output,
        Err(_) => match Command::new("mandoc")
            .args(["-T", "lint", "-W", "warning"])
            .arg(page())
            .output()
        {
            Ok(output) => output,
            // A container without manual pages.
            Err(_) => return eprintln!("neither man nor mandoc is here: skipped"),
        },
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.is_empty(), "{output:?}");
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(text.contains("Who waits? Numbers, or all: 1"), "{text}");
}
