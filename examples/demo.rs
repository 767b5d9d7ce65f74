//! The main job on real input, from beginning to end: `cargo run --release --example demo`.
//!
//! Builds a throw-away home with a Maildir, an original in it and a delay warning that a real Postfix
//! wrote about it, starts a small submission server in this process (TLS with a certificate made on
//! the spot, authentication), runs the real program against it as a process of its own, and prints
//! what the user would see and what the server received. On a terminal you are the user; with `--yes`,
//! or without a terminal, the answer is yes.

use std::error::Error;
use std::fs;
use std::io::{self, IsTerminal};
use std::path::Path;
use std::process::{Command, ExitCode, ExitStatus};

use tempfile::TempDir;

use submission_server::{Received, Script, Server};

const NOTICE: &[u8] = include_bytes!("../tests/data/dsn/postfix-3.10.13-delay-00-0.eml");
const ORIGINAL: &[u8] =
    include_bytes!("../tests/data/dsn/originals/postfix-3.10.13-delay-00-0.msg");
/// Set for the process that is to be the program, and not the demo.
const AS_PROGRAM: &str = "TLS_OPTOUT_DEMO_AS_PROGRAM";

fn main() -> ExitCode {
    if std::env::var_os(AS_PROGRAM).is_some() {
        // What src/main.rs does.
        return tls_optout::commands::main();
    }
    match demo() {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("the demo failed: {error}");
            ExitCode::FAILURE
        }
    }
}

/// True when the server got what it should: the message once, or not at all where the user said no.
fn demo() -> Result<bool, Box<dyn Error>> {
    let home = tempfile::tempdir()?;
    let server = Server::start(
        Script::tls().login("alice@example.org", "sesame"),
        home.path(),
    );
    furnish(home.path(), &server)?;
    let interactive = io::stdin().is_terminal()
        && io::stdout().is_terminal()
        && !std::env::args().any(|argument| argument == "--yes");

    say("Alice's mail server wrote her this, hours after she had written to Bob:");
    let notice = String::from_utf8_lossy(NOTICE);
    let readable = notice
        .lines()
        .skip_while(|line| !line.starts_with("This is the mail system"))
        .take_while(|line| !line.starts_with("--"));
    readable.for_each(|line| println!("  | {line}"));
    say("What it means, and what becomes of it:");
    run(&home, &["inspect", "notice.eml"])?;
    let first = if interactive {
        run(&home, &["resend", "notice.eml"])?
    } else {
        run(&home, &["resend", "--dry-run", "notice.eml"])?;
        run(&home, &["resend", "--yes", "notice.eml"])?
    };
    if first.success() {
        say("Once more, as if the key had been pressed twice:");
        run(&home, &["resend", "--yes", "notice.eml"])?;
        run(&home, &["offers", "--all"])?;
    }

    let messages: Vec<Received> = server
        .finish()
        .into_iter()
        .flat_map(|session| session.messages)
        .collect();
    say(&format!(
        "The submission server received {}:",
        count(messages.len())
    ));
    messages.iter().for_each(show);
    Ok(match &messages[..] {
        [] => interactive && !first.success(),
        [one] => first.success() && one.data.starts_with(b"TLS-Required: No\r\n"),
        _ => false,
    })
}

/// A home as Alice has it: the message she sent, the notice about it, and how to submit.
fn furnish(home: &Path, server: &Server) -> io::Result<()> {
    let sent = home.join("Mail/Sent");
    for part in ["cur", "new", "tmp"] {
        fs::create_dir_all(sent.join(part))?;
    }
    fs::write(sent.join("cur/1795500011.4242_1.laptop:2,S"), ORIGINAL)?;
    fs::write(home.join("notice.eml"), NOTICE)?;
    let config = home.join(".config/tls-optout");
    fs::create_dir_all(&config)?;
    fs::write(
        config.join("config.toml"),
        format!(
            "[mail]\ninbox = []\nsent = [\"~/Mail/Sent\"]\nsearch = [\"~/Mail\"]\n\n\
             [[account]]\nfrom = [\"alice@example.org\"]\nsubmission = \"{}\"\n\
             password_command = \"echo sesame\"\ntls_trust_file = \"{}\"\n",
            server.url(),
            server.ca_file().display()
        ),
    )
}

/// Runs the program in Alice's home, as a process of its own with nothing else in its environment.
fn run(home: &TempDir, arguments: &[&str]) -> io::Result<ExitStatus> {
    println!("$ tls-optout {}", arguments.join(" "));
    let mut program = Command::new(std::env::current_exe()?);
    program.args(arguments).current_dir(home.path()).env_clear();
    program
        .env(AS_PROGRAM, "1")
        .env("HOME", home.path())
        .env("PATH", "/usr/bin:/bin");
    let status = program.status()?;
    if let Some(code) = status.code().filter(|&code| code != 0) {
        println!("(exit status {code})");
    }
    println!();
    Ok(status)
}

fn show(message: &Received) {
    println!("  login {} (in TLS)", message.login);
    println!("  MAIL FROM:<{}> {}", message.sender.0, message.sender.1);
    for (address, parameters) in &message.recipients {
        println!("  RCPT TO:<{address}> {parameters}");
    }
    for line in String::from_utf8_lossy(&message.data).lines() {
        println!("  | {line}");
    }
}

fn count(messages: usize) -> String {
    match messages {
        0 => "nothing".to_owned(),
        1 => "this message, once".to_owned(),
        more => format!("{more} messages, which is a mistake"),
    }
}

fn say(text: &str) {
    println!("\n== {text}\n");
}
