//! Sixteen at once on one offer: key presses, the notice with `--yes`, the number with `--yes`.

use std::fs::File;
use std::io::{Read, Write};
use std::process::{Child, ChildStdin, Stdio};

use submission_server::{Script, Then};

use crate::PATIENCE;
use crate::alice::{Alice, PROGRAM, RECIPIENTS};
use crate::trial::TEXT;

/// All have got as far as the recipients before the first may go on: sixteen want to begin at one moment.
#[test]
fn all_at_the_same_step() {
    for _ in 0..5 {
        let alice = Alice::new(Script::tls().on("RCPT TO:<bob", Then::Pause), TEXT);
        let runs = start(&alice);
        for _ in 0..runs.len() {
            assert!(alice.server.paused(PATIENCE), "not all came");
        }
        alice.server.go_on();
        one_sends(alice, runs);
    }
}

#[test]
fn all_as_they_come() {
    for _ in 0..5 {
        let alice = Alice::new(Script::tls(), TEXT);
        let runs = start(&alice);
        one_sends(alice, runs);
    }
}

/// Has the offer recorded, and starts them all.
fn start(alice: &Alice) -> Vec<Child> {
    let notice = File::open(alice.path().join("notice.eml")).expect("a notice");
    let recorded = alice.command(PROGRAM, &["process"]).stdin(notice).status();
    assert!(recorded.expect("setsid").success());
    let mut asked: Vec<(Child, ChildStdin)> = (0..6).map(|_| question(alice)).collect();
    let sure = |what: &str| {
        let mut command = alice.command(PROGRAM, &["resend", "--yes", what]);
        command.spawn().expect("setsid")
    };
    let mut runs: Vec<Child> = (0..5).flat_map(|_| ["notice.eml", "1"]).map(sure).collect();
    for (child, mut keys) in asked.drain(..) {
        keys.write_all(b"y").expect("a key");
        runs.push(child);
    }
    runs
}

/// The program on a terminal, which script(1) makes. The question stands there.
fn question(alice: &Alice) -> (Child, ChildStdin) {
    let program = format!("{PROGRAM} resend notice.eml");
    let mut child = alice
        .command("script", &["-q", "-e", "-c", &program, "/dev/null"])
        .stdin(Stdio::piped())
        .spawn()
        .expect("script, of util-linux");
    let screen = child.stdout.as_mut().expect("a pipe");
    let (mut seen, mut byte) = (Vec::new(), [0]);
    while !seen.ends_with(b"[y/N/d] ") {
        assert_eq!(
            screen.read(&mut byte).expect("the screen"),
            1,
            "no question"
        );
        seen.push(byte[0]);
    }
    let keys = child.stdin.take().expect("a pipe");
    (child, keys)
}

/// One submission. All the others say that and when it is or was sent, and end with 1: nothing to do.
fn one_sends(alice: Alice, runs: Vec<Child>) {
    assert_eq!(runs.len(), 16);
    let mut sent = 0;
    for run in runs {
        let output = run.wait_with_output().expect("an end");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8(said).expect("UTF-8");
        let other = [
            format!("{}: is being sent again since 2", RECIPIENTS[0]),
            format!("{}: was already sent again at 2", RECIPIENTS[0]),
        ];
        match output.status.code() {
            Some(0) => sent += 1,
            Some(1) => assert!(other.iter().any(|text| said.contains(text)), "{said}"),
            status => panic!("{status:?}: {said}"),
        }
    }
    assert_eq!(sent, 1);
    let states = alice.states();
    assert!(
        states.len() == 2 && states.values().all(|state| state == "sent"),
        "{states:?}"
    );
    let sessions = alice.finish();
    let messages: Vec<_> = sessions.iter().flat_map(|one| &one.messages).collect();
    assert_eq!(messages.len(), 1);
    assert_eq!(messages[0].recipients.len(), 2);
    // Who has lost has not even begun.
    let begun = sessions
        .iter()
        .filter(|one| one.lines.iter().any(|line| line == "DATA"));
    assert_eq!(begun.count(), 1);
}
