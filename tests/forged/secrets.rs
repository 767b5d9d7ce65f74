//! Who looks for the password: in the log, in the output, in what other processes of the machine can see.

use std::fs;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::PermissionsExt;
use std::process::Child;

use memchr::memmem;

use submission_server::{Script, Then};

use crate::home::{Home, Run, files, finish, original};
use crate::trial::{home, swap};

/// In place of `sesame`, which the server takes. No other word has it.
const SECRET: &str = "sesame";

/// Its forms: as it is, and as SASL PLAIN and LOGIN carry it (base64 of `\0alice\0sesame` and `sesame`).
const FORMS: [&str; 3] = [SECRET, "AGFsaWNlAHNlc2FtZQ", "c2VzYW1l"];

/// The password comes from a file, so that no command line of ours could name it.
fn hide_the_password(home: &Home) {
    home.file("password", SECRET);
    home.write_config(&home.config().replace("echo sesame", "cat ~/password"));
}

fn assert_absent(text: &str, what: &str) {
    for form in FORMS {
        assert!(!text.contains(form), "{what} holds {form:?}: {text}");
    }
}

/// Everything at the lowest level of the log, libraries included.
fn traced(home: &Home, arguments: &str) -> Run {
    let line = format!(
        "RUST_LOG=trace RUST_BACKTRACE=full exec '{}' {arguments}",
        env!("CARGO_BIN_EXE_tls-optout")
    );
    home.run_program("sh", &["-c", &line], "")
}

/// Good and bad ends of a submission, each by each login that the server may offer.
#[test]
fn the_password_is_in_no_output_at_any_level() {
    for (mechanism, then) in [
        ("AUTH PLAIN", None),
        ("AUTH LOGIN", None),
        (
            "AUTH PLAIN",
            Some(("AUTH", "535 5.7.8 no: AGFsaWNlAHNlc2FtZQ==")),
        ),
        ("AUTH LOGIN", Some(("MAIL", "550 5.7.1 no"))),
        ("AUTH PLAIN", Some((".", "451 4.3.0 later"))),
    ] {
        let mut script = Script::tls().with(mechanism);
        if let Some((at, words)) = then {
            script = script.on(at, Then::Say(words));
        }
        let home = Home::new(script);
        hide_the_password(&home);
        home.file("notice.eml", &home.notice());
        for arguments in [
            "resend --yes notice.eml",
            "-vvv resend --yes --json notice.eml",
            "-vvv offers --all --json",
            "-vvv notify-postmaster --yes notice.eml",
        ] {
            let run = traced(&home, arguments);
            // A server that repeats the login in its answer tells it to whoever reads the answer.
            let is_echo = then.is_some_and(|(at, _)| at == "AUTH");
            let forms = if is_echo { &FORMS[..1] } else { &FORMS[..] };
            for form in forms {
                assert!(!run.stdout.contains(form), "{arguments}: {run:?}");
                assert!(!run.stderr.contains(form), "{arguments}: {run:?}");
            }
        }
        for file in files(&home.path(".local")) {
            let bytes = fs::read(&file).expect("a file");
            if then.is_none_or(|(at, _)| at != "AUTH") {
                assert_absent(
                    &String::from_utf8_lossy(&bytes),
                    &file.display().to_string(),
                );
            }
        }
        home.received();
    }
}

/// Each program that ours starts notes what everybody on the machine, or its owner, can see of both: command
/// line and environment.
#[test]
fn the_password_is_in_no_command_line_and_no_environment() {
    let home = home();
    home.file("password", SECRET);
    home.file(
        "spy",
        "#!/bin/sh\nfor process in $PPID $$; do for file in cmdline environ; do\n\
         tr '\\0' '\\n' </proc/$process/$file; done; done >>seen\n\
         if test $# = 0; then cat password; else cat >/dev/null; fi\n",
    );
    let spy = home.path("spy");
    fs::set_permissions(&spy, fs::Permissions::from_mode(0o700)).expect("a file of ours");
    // The one that prints the password, and one that submits.
    let config = home.config();
    home.write_config(&swap(&config, "\"echo sesame\"", "[\"./spy\"]"));
    assert_eq!(home.resend(&["--yes"], &home.notice()).status, 0);
    let (before, _) = config.split_once("submission").expect("an account");
    home.write_config(&format!(
        "{before}command = [\"./spy\"]\npassword_command = \"echo sesame\"\n"
    ));
    let other = |text: &str| text.replace("lunch-1@", "lunch-2@");
    home.write_copy(&other(&original()));
    let run = home.resend(&["--yes"], &other(&home.notice()));
    assert_eq!(run.status, 0, "{run:?}");
    let seen = fs::read_to_string(home.path("seen")).expect("what the spy saw");
    assert_eq!(seen.matches("PATH=/usr/bin:/bin").count(), 4, "{seen}");
    assert_eq!(seen.matches("\n--yes\n").count(), 2, "{seen}");
    assert_absent(&seen, "a process");
    assert_eq!(home.received().len(), 1);
}

/// While the server keeps the program waiting after the login, its own command line and environment are read.
#[test]
fn the_running_program_shows_no_password() {
    let home = Home::new(Script::tls().on("MAIL", Then::Pause));
    let child = start_logged(&home);
    let process = format!("/proc/{}", child.id());
    home.wait_for_pause();
    for file in ["cmdline", "environ"] {
        let bytes = fs::read(format!("{process}/{file}")).expect("a process of ours");
        assert!(!bytes.is_empty());
        assert_absent(&String::from_utf8_lossy(&bytes), file);
    }
    assert_ends_well(&home, child);
}

/// Where somebody wrote the password itself into the configuration, no complaint about the file repeats it.
#[test]
fn a_broken_configuration_does_not_repeat_its_lines() {
    for broken in [
        "password_command = \"echo sesame",
        "password_command = echo sesame",
        "password = \"sesame\"",
        "submission = \"smtps://alice:sesame@mail.example.org\"",
        "submission = \"smtps://alice:ses ame@mail.example.org\"\npassword_command = \"sesame\" x",
        "command = \"msmtp\"\npassword_command = 'sesame",
    ] {
        let home = home();
        home.write_config(&format!(
            "[[account]]\nfrom = [\"alice@example.org\"]\n{broken}\n"
        ));
        for arguments in [
            "resend --yes",
            "-vvv offers",
            "-vvv watch --once",
            "-vvv login",
        ] {
            let run = traced(&home, arguments);
            assert!(!run.stderr.contains("sesame"), "{broken}: {run:?}");
            assert!(!run.stdout.contains("sesame"), "{broken}: {run:?}");
        }
        assert!(home.received().is_empty());
    }
}

/// While the server keeps the program waiting, long after the login: nothing but the secret itself is left.
#[test]
fn one_copy_of_the_password_is_in_memory() {
    for (mechanism, encoded) in [("AUTH PLAIN", FORMS[1]), ("AUTH LOGIN", FORMS[2])] {
        let home = Home::new(Script::tls().with(mechanism).on("MAIL", Then::Pause));
        let child = start_logged(&home);
        home.wait_for_pause();
        let memory = memory(child.id());
        let count = |form: &str| memmem::find_iter(&memory, form).count();
        assert_eq!((count(SECRET), count(encoded)), (1, 0), "{mechanism}");
        assert_ends_well(&home, child);
    }
}

#[test]
fn a_crash_writes_no_password_into_a_file() {
    let home = Home::new(Script::tls().on("MAIL", Then::Pause));
    let line = format!(
        "ulimit -S -c $(ulimit -H -c); exec '{}' -vvv resend --yes notice.eml",
        env!("CARGO_BIN_EXE_tls-optout")
    );
    home.file("notice.eml", &home.notice());
    let child = home.start_program("sh", &["-c", &line], "");
    home.wait_for_pause();
    let limits = fs::read_to_string(format!("/proc/{}/limits", child.id())).expect("limits");
    let core = limits
        .lines()
        .find(|line| line.starts_with("Max core file size"));
    let core: Vec<&str> = core.expect("the limit").split_whitespace().collect();
    assert_eq!(core[4..6], ["0", "0"]);
    assert_ends_well(&home, child);
}

/// Everything that a child of ours may write to.
fn memory(process: u32) -> Vec<u8> {
    let maps = fs::read_to_string(format!("/proc/{process}/maps")).expect("a process of ours");
    let mut file = fs::File::open(format!("/proc/{process}/mem")).expect("its memory");
    let mut all = Vec::new();
    for line in maps.lines().filter(|line| line.contains(" rw")) {
        let range = line
            .split(' ')
            .next()
            .and_then(|range| range.split_once('-'));
        let (start, end) = range.expect("a range");
        let number = |text| u64::from_str_radix(text, 16).expect("a number");
        let (start, end) = (number(start), number(end));
        file.seek(SeekFrom::Start(start)).expect("an address");
        // Pages that were never used may not be readable.
        let _ = file.by_ref().take(end - start).read_to_end(&mut all);
    }
    all
}

fn start_logged(home: &Home) -> Child {
    hide_the_password(home);
    home.file("notice.eml", &home.notice());
    home.start(&["-vvv", "resend", "--yes", "notice.eml"], "")
}

/// The server goes on, the message is sent, and the log, which is there, has no password.
fn assert_ends_well(home: &Home, child: Child) {
    home.go_on();
    let run = finish(child);
    assert_eq!(run.status, 0, "{run:?}");
    assert!(run.stderr.contains("MAIL FROM"), "{run:?}");
    assert_absent(&run.stderr, "the log");
    home.received();
}
