//! One file a verb: read the arguments, call the rooms, print.

use std::env;
use std::fmt;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use clap::{CommandFactory, Parser};
use serde::Serialize;

use crate::cli::{self, Cli, Completions, NAME, Verb};
use crate::config::{self, Asking, Config, Places};
use crate::log;
use crate::maildir::LARGEST;
use crate::notice::provenance::{self, Judgement, Known, Provenance};
use crate::notice::{self, Notice};
use crate::offer::store::Journal;
use crate::submission::forbid_core_files;
use crate::terminal::shown;

mod arrived;
mod auto;
mod compose;
mod consent;
mod filter;
mod find;
mod index;
mod inspect;
mod login;
mod notify_postmaster;
mod offers;
mod patience;
mod process;
mod resend;
mod route;
mod send;
mod sendmail;
mod telling;
mod watch;

/// Done; or: yes, TLS is the cause.
pub const DONE: u8 = 0;
/// Nothing to do; or: TLS is not the cause.
pub const NOTHING: u8 = 1;
/// The user said no.
pub const DECLINED: u8 = 2;
/// sysexits.h `EX_USAGE`: the command line is wrong.
pub const USAGE: u8 = 64;
/// sysexits.h `EX_DATAERR`: what was given is not what is needed.
pub const DATA: u8 = 65;
/// sysexits.h `EX_NOINPUT`: a file or message is missing.
pub const NO_INPUT: u8 = 66;
/// sysexits.h `EX_NOUSER`: a recipient that cannot be one.
pub const NO_USER: u8 = 67;
/// sysexits.h `EX_UNAVAILABLE`: a server refused or cannot be reached.
pub const UNAVAILABLE: u8 = 69;
/// sysexits.h `EX_SOFTWARE`: a fault of this program.
pub const INTERNAL: u8 = 70;
/// sysexits.h `EX_IOERR`: reading or writing failed.
pub const IO: u8 = 74;
/// sysexits.h `EX_TEMPFAIL`: try again.
pub const TRY_AGAIN: u8 = 75;
/// sysexits.h `EX_CONFIG`: the configuration is wrong or lacks something.
pub const CONFIG: u8 = 78;

/// Why a verb failed: one line for the user, and the exit status.
#[derive(Debug)]
pub struct Failure {
    /// Exit status.
    pub status: u8,
    text: String,
}

impl Failure {
    fn new(status: u8, text: impl fmt::Display) -> Failure {
        Failure {
            status,
            text: text.to_string(),
        }
    }
}

impl Failure {
    /// One line on standard error, unless there is nothing to say.
    fn tell(&self) {
        if !self.text.is_empty() {
            let _ = writeln!(io::stderr(), "{NAME}: {self}");
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&shown(&self.text))
    }
}

impl From<config::Error> for Failure {
    fn from(error: config::Error) -> Failure {
        Failure::new(CONFIG, error)
    }
}

impl From<crate::offer::store::Error> for Failure {
    fn from(error: crate::offer::store::Error) -> Failure {
        use crate::offer::store::Error;
        let status = match error {
            Error::Taken(_) | Error::Spent(_) | Error::Withdrawn => NOTHING,
            _ => IO,
        };
        Failure::new(status, error)
    }
}

/// Standard output or the terminal failed. A reader that went away (`| head`) is no failure.
impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        match error.kind() {
            io::ErrorKind::BrokenPipe => Failure::new(DONE, ""),
            _ => Failure::new(IO, format!("cannot write the result: {error}")),
        }
    }
}

/// The whole program: parses the command line, runs the verb, turns the result into an exit status.
pub fn main() -> ExitCode {
    forbid_core_files();
    let cli = match Cli::try_parse_from(cli::words(env::args_os())) {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { USAGE } else { DONE });
        }
    };
    let is_daemon = matches!(cli.verb, Verb::Watch(_));
    log::start(is_daemon, cli.verbose);
    match run(cli) {
        Ok(status) => ExitCode::from(status),
        Err(failure) => {
            failure.tell();
            ExitCode::from(failure.status)
        }
    }
}

/// Runs the verb and says with which status to end.
///
/// # Errors
/// One line for the user, with its exit status.
pub fn run(cli: Cli) -> Result<u8, Failure> {
    let mut places =
        Places::from_env().ok_or_else(|| Failure::new(CONFIG, "no home folder; set HOME"))?;
    places.named_config = cli.config.or(places.named_config);
    match cli.verb {
        Verb::Inspect(args) => inspect::run(&args, &places),
        Verb::Resend(args) => resend::run(&args, &places),
        Verb::Process => process::run(&places),
        Verb::Watch(args) => watch::run(&args, &places),
        Verb::Offers(args) => offers::list(&args, &places),
        Verb::Dismiss(args) => offers::dismiss(&args, &places),
        Verb::Resolve(args) => offers::resolve(&args, &places),
        Verb::Find(args) => find::run(&args, &places),
        Verb::Sendmail(args) => sendmail::run(&args, &places),
        Verb::Filter(args) => filter::run(&args, &places),
        Verb::Index(args) => index::run(&args, &places),
        Verb::NotifyPostmaster(args) => notify_postmaster::run(&args, &places),
        Verb::Login(args) => login::run(&args, &places),
        Verb::Completions(args) => completions(&args),
        Verb::Man => manual(),
    }
}

fn completions(args: &Completions) -> Result<u8, Failure> {
    let mut script = Vec::new();
    clap_complete::generate(args.shell, &mut Cli::command(), NAME, &mut script);
    io::stdout().write_all(&script)?;
    Ok(DONE)
}

fn manual() -> Result<u8, Failure> {
    let mut page = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut page)?;
    io::stdout().write_all(&page)?;
    Ok(DONE)
}

/// The bytes of a file, or of standard input for "-".
fn input(file: &Path) -> Result<Vec<u8>, Failure> {
    let name = match file == Path::new("-") {
        true => "standard input".to_owned(),
        false => file.display().to_string(),
    };
    let bytes = match file == Path::new("-") {
        true => read_all(io::stdin().lock()),
        false => File::open(file).and_then(read_all),
    };
    bytes.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => Failure::new(NO_INPUT, format!("{name}: no such file")),
        io::ErrorKind::FileTooLarge => Failure::new(
            DATA,
            format!("{name}: larger than {} MiB, no message", LARGEST >> 20),
        ),
        _ => Failure::new(IO, format!("{name}: {error}")),
    })
}

fn read_all(from: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    from.take(LARGEST + 1).read_to_end(&mut bytes)?;
    match bytes.len() as u64 > LARGEST {
        true => Err(io::ErrorKind::FileTooLarge.into()),
        false => Ok(bytes),
    }
}

/// The notice in a file or in an offer: a number that names no file is an offer.
fn notice_bytes(places: &Places, notice: &Path) -> Result<Vec<u8>, Failure> {
    let number = notice.to_str().and_then(|text| text.parse::<i64>().ok());
    let Some(number) = number.filter(|_| !notice.exists()) else {
        return input(notice);
    };
    offer_bytes(places, number)
}

/// The notice that an offer rests on.
fn offer_bytes(places: &Places, number: i64) -> Result<Vec<u8>, Failure> {
    let text = match journal(places)?.offer(number)? {
        Some(offer) if !offer.notice.is_empty() => return Ok(offer.notice),
        Some(_) => format!(
            "offer {number} is done since more than a year, and its notice was not kept; give the notice itself"
        ),
        None => format!("no offer {number}; `{NAME} offers` lists them"),
    };
    Err(Failure::new(NO_INPUT, text))
}

/// The files given, or standard input where none is. A terminal is no message: say so at once.
fn inputs(files: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let files = if files.is_empty() {
        vec![PathBuf::from("-")]
    } else {
        files.to_vec()
    };
    if files.iter().any(|file| file == Path::new("-")) && io::IsTerminal::is_terminal(&io::stdin())
    {
        return Err(Failure::new(
            USAGE,
            "no message: give a file, or pipe a notice to standard input",
        ));
    }
    Ok(files)
}

/// Goes through things one by one. One that fails does not stop the others; the highest status counts.
fn each<T>(
    things: impl IntoIterator<Item = T>,
    mut one: impl FnMut(&T) -> Result<u8, Failure>,
) -> u8 {
    let statuses = things.into_iter().map(|thing| {
        one(&thing).unwrap_or_else(|failure| {
            failure.tell();
            failure.status
        })
    });
    statuses.max().unwrap_or(DONE)
}

/// What the bytes say, if they are a notice.
fn read_notice(bytes: &[u8]) -> Result<Notice, Failure> {
    notice::read(bytes).ok_or_else(not_a_notice)
}

fn not_a_notice() -> Failure {
    Failure::new(
        DATA,
        "not a delivery notice; pipe the whole, raw notice (mutt: unset pipe_decode)",
    )
}

fn configuration(places: &Places) -> Result<Config, Failure> {
    Ok(Config::load(places, Asking::IfChanged)?)
}

/// There is no account of that name, or none was named and there is not just one.
fn no_account(config: &Config, name: Option<&str>) -> Failure {
    let file = config.file.display();
    let known: Vec<_> = config
        .accounts
        .iter()
        .map(|account| account.name.as_str())
        .collect();
    let known = if known.is_empty() {
        "none".to_owned()
    } else {
        known.join(", ")
    };
    let text = match name {
        Some(name) => format!("no account {name} in {file}; there is: {known}"),
        None => format!("which account? name it; there is: {known} (in {file})"),
    };
    Failure::new(CONFIG, text)
}

/// Has anything ever been recorded? Asked where nothing may be made.
fn has_journal(places: &Places) -> bool {
    Journal::file(&places.state_home.join(NAME)).exists()
}

fn journal(places: &Places) -> Result<Journal, Failure> {
    let folder = places.state_folder().map_err(|error| {
        let state = places.state_home.display();
        Failure::new(
            IO,
            format!("cannot make the state folder in {state}: {error}; nothing was sent"),
        )
    })?;
    Ok(Journal::open(&folder)?)
}

/// Did the user's own server write the notice?
fn judge(
    notice: &Notice,
    servers: &[String],
    config: &Config,
    journal: Option<&Journal>,
) -> Judgement {
    // A server on the way learns the ENVID of what it handled, so it proves nothing of other messages.
    let message_id = notice.original.message_id.as_deref().unwrap_or_default();
    let is_our_envelope_id = &|id: &str| {
        journal.is_some_and(|journal| journal.knows_envelope(id, message_id).unwrap_or(false))
    };
    provenance::judge(
        notice,
        &Known {
            is_our_envelope_id,
            servers,
            authserv_ids: &config.mail.authserv_ids,
        },
    )
}

/// `--yes` is the user's word for a notice that may be forged, too. Nobody acts on one without saying so.
fn tell_doubt(judgement: &Judgement) -> io::Result<()> {
    let Some(doubt) = &judgement.doubt else {
        return Ok(());
    };
    match judgement.provenance {
        Provenance::Unverified => writeln!(
            io::stderr(),
            "{NAME}: this notice is unverified ({}); --yes sends all the same",
            shown(doubt)
        ),
        _ => Ok(()),
    }
}

/// The word that a value has in JSON, for people too.
fn word(value: &impl Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Seconds since 1970. A clock before 1970 reads 0.
fn now() -> i64 {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |time| time.as_secs() as i64)
}
