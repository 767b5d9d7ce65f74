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

/// The lines of the screens of the page that end with such a line, as they show.
fn screen_of_page(last: &str) -> Vec<String> {
    let source = fs::read_to_string(page()).expect("the page");
    let source = source.replace("\\-", "-");
    let screens = source.split("\n.EX\n").skip(1).map(|rest| {
        let (screen, _) = rest.split_once("\n.EE\n").expect("an end");
        screen.lines().map(str::to_owned).collect::<Vec<_>>()
    });
    let mut with_it = screens.filter(|screen| screen.iter().any(|line| line.starts_with(last)));
    let screen = with_it.next().expect("a screen");
    assert_eq!(with_it.next(), None, "{last:?} is in two screens");
    screen
}

/// Those that the program has shown, in Alice's home as the page has it.
fn screen_of_program(home: &Home, screen: &str) -> Vec<String> {
    let screen = screen
        .replace(home.path("").to_str().expect("UTF-8"), "/home/alice/")
        .replace(home.place(), "mail.example.org:465");
    screen.lines().map(str::to_owned).collect()
}

#[test]
fn its_screens_are_true() {
    let home = Home::new(Script::tls());
    home.file("given", &original());
    let steps: &[(&str, &[u8])] = &[("or all: ", b"1\n"), (QUESTION, b"n")];
    let (_, screen) = home.in_steps("resend < given", steps);
    assert_eq!(
        screen_of_page("No notice"),
        screen_of_program(&home, &screen)
    );

    home.file("given", &home.notice());
    let (_, screen) = home.at_terminal("resend < given", QUESTION, b"y");
    assert_eq!(
        screen_of_page("accepted"),
        screen_of_program(&home, &screen)
    );
}

#[test]
#[ignore = "needs man or mandoc: tests/run"]
fn it_renders_without_a_warning() {
    let renderers: [(&str, &[&str]); 2] = [
        ("man", &["--warnings", "-E", "UTF-8", "-l"]),
        ("mandoc", &["-T", "utf8", "-W", "warning"]),
    ];
    let mut count = 0;
    for (program, arguments) in renderers {
        let mut command = Command::new(program);
        command.args(arguments).arg(page()).env("MANWIDTH", "80");
        let Ok(output) = command.output() else {
            continue;
        };
        count += 1;
        let said = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success() && said.is_empty(), "{output:?}");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(text.contains("Who waits? Numbers, or all: 1"), "{text}");
    }
    assert!(count > 0, "neither man nor mandoc is here");
}
