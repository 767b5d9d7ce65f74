//! Secrets from a real keyring, a prompt and a pinentry.

use super::*;

/// Runs one test of this file again, inside of `wrapper` (a program and its arguments, `$TEST` the
/// command to run), with nothing of this session but its programs. What it asks is answered.
fn again(test: &str, home: &Path, wrapper: &[&str], dialogue: Option<(&str, &str)>) -> String {
    let exe = std::env::current_exe().unwrap();
    let command = format!("{} --exact secrets::{test} --nocapture", exe.display());
    let mut child = Command::new(wrapper[0])
        .args(&wrapper[1..])
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", home)
        .env("XDG_RUNTIME_DIR", home)
        .env("TEST", command)
        .env("INSIDE", "1")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap_or_else(|error| panic!("{}: {error}", wrapper[0]));
    let mut said = Vec::new();
    let mut stdin = child.stdin.take().unwrap();
    let mut stdout = child.stdout.take().unwrap();
    if let Some((question, answer)) = dialogue {
        let mut byte = [0];
        while !said.ends_with(question.as_bytes()) && stdout.read(&mut byte).unwrap() == 1 {
            said.extend(byte);
        }
        stdin.write_all(answer.as_bytes()).unwrap();
    }
    stdout.read_to_end(&mut said).unwrap();
    drop(stdin);
    let output = child.wait_with_output().unwrap();
    said.extend(output.stderr);
    let said = String::from_utf8_lossy(&said);
    assert!(
        output.status.success() && said.contains("1 passed"),
        "{said}"
    );
    assert!(!said.contains("wonderland"), "{said}");
    said.into_owned()
}

fn inside() -> bool {
    std::env::var_os("INSIDE").is_some()
}

fn request<'a>() -> credentials::Request<'a> {
    credentials::Request {
        user: "alice",
        host: "127.0.0.1",
        command: None,
        token: false,
    }
}

fn log_in_with(secret: Secret) {
    let run = Case {
        secret,
        ..case(Script::tls())
    }
    .run();
    assert_eq!(run.result.unwrap().outcomes.len(), 1);
}

/// A keyring with a daemon of its own, filled by secret-tool as the documentation says.
#[cfg(feature = "keyring")]
#[test]
fn a_secret_from_a_real_keyring() {
    if inside() {
        return log_in_with(credentials::secret(&request()).unwrap());
    }
    let home = tempfile::tempdir().unwrap();
    let script = "set -e
        eval \"$(printf pass | gnome-keyring-daemon --unlock --components=secrets)\"
        printf wonderland | secret-tool store --label=tls-optout \\
            service tls-optout username alice@127.0.0.1
        exec $TEST";
    let wrapper = ["dbus-run-session", "--", "sh", "-c", script];
    again("a_secret_from_a_real_keyring", home.path(), &wrapper, None);
}

#[cfg(feature = "keyring")]
#[test]
fn an_empty_keyring_says_how_to_fill_it() {
    if inside() {
        let error = credentials::secret(&request()).unwrap_err();
        let words =
            "secret-tool store --label=tls-optout service tls-optout username 'alice@127.0.0.1'";
        assert!(error.to_string().contains(words), "{error}");
        return assert_eq!(error.status(), 77);
    }
    let home = tempfile::tempdir().unwrap();
    let script = "eval \"$(printf pass | gnome-keyring-daemon --unlock --components=secrets)\"
        exec setsid -w $TEST";
    let wrapper = ["dbus-run-session", "--", "sh", "-c", script];
    again(
        "an_empty_keyring_says_how_to_fill_it",
        home.path(),
        &wrapper,
        None,
    );
}

#[cfg(feature = "keyring")]
#[test]
fn a_session_without_keyring_and_terminal_says_so() {
    if inside() {
        let error = credentials::secret(&request()).unwrap_err();
        assert!(
            error
                .to_string()
                .starts_with("no keyring is running in this session"),
            "{error}"
        );
        return assert_eq!(error.status(), 75);
    }
    let home = tempfile::tempdir().unwrap();
    let wrapper = ["setsid", "-w", "sh", "-c", "exec $TEST"];
    again(
        "a_session_without_keyring_and_terminal_says_so",
        home.path(),
        &wrapper,
        None,
    );
}

#[test]
fn a_hidden_prompt_on_the_terminal() {
    if inside() {
        return log_in_with(credentials::secret(&request()).unwrap());
    }
    let home = tempfile::tempdir().unwrap();
    // `script` runs this on a terminal of its own, and shows what the terminal echoes. We type once
    // the terminal has stopped to echo.
    let shell = "(until stty -a </dev/tty | grep -q ' -echo '; do :; done; echo HIDDEN) &
        exec $TEST </dev/null";
    std::fs::write(home.path().join("run"), shell).unwrap();
    let wrapper = ["script", "-qec", "sh $HOME/run", "/dev/null"];
    let dialogue = ("HIDDEN", "wonderland\n");
    let said = again(
        "a_hidden_prompt_on_the_terminal",
        home.path(),
        &wrapper,
        Some(dialogue),
    );
    assert!(said.contains("Password for alice@127.0.0.1: "), "{said}");
}

#[test]
fn a_pinentry_of_a_password_command_finds_the_terminal() {
    if inside() {
        // Stdin is the message, as in a pipe from mutt: it is not for the command.
        let line = "cat; test -c \"$GPG_TTY\" && test \"$GPG_TTY\" != /dev/tty && echo wonderland";
        let command = credentials::Command::Shell(line.to_owned());
        let request = credentials::Request {
            command: Some(&command),
            ..request()
        };
        return log_in_with(credentials::secret(&request).unwrap());
    }
    let home = tempfile::tempdir().unwrap();
    let wrapper = [
        "script",
        "-qec",
        "sh -c 'echo message | $TEST'",
        "/dev/null",
    ];
    again(
        "a_pinentry_of_a_password_command_finds_the_terminal",
        home.path(),
        &wrapper,
        None,
    );
}
