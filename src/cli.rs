//! The command line: every verb and flag. Man page and completions are made from it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use clap::{ArgAction, Args, Parser, Subcommand};

/// What `--version` says and the errors start with.
pub const NAME: &str = env!("CARGO_PKG_NAME");

/// Resend a message that broken TLS delays, with `TLS-Required: No` (RFC 8689)
#[derive(Debug, Parser)]
#[command(name = NAME, version, max_term_width = 100, disable_help_subcommand = true)]
#[command(
    after_help = "Exit status: 0 done, 1 nothing to do, 2 you said no; errors as in sysexits.h."
)]
pub struct Cli {
    /// Configuration file to read in place of the usual one
    #[arg(long, global = true, value_name = "FILE", env = "TLS_OPTOUT_CONFIG")]
    pub config: Option<PathBuf>,
    /// Log more on standard error; twice: everything (RUST_LOG says it in detail)
    #[arg(long, short, global = true, action = ArgAction::Count)]
    pub verbose: u8,
    /// What to do
    #[command(subcommand)]
    pub verb: Verb,
}

/// The words of the command line as clap takes them. A program that is called `sendmail`, by a link, is that
/// verb; and everything behind the verb belongs to sendmail's own options: its `-h` is a hop count, and a message
/// must not be lost over a help text.
pub fn words(line: impl IntoIterator<Item = OsString>) -> Vec<OsString> {
    const VERB: &str = "sendmail";
    let mut words: Vec<OsString> = line.into_iter().collect();
    let called = words.first().map(Path::new).and_then(Path::file_name);
    if called.is_some_and(|name| name == VERB) {
        words.insert(1, VERB.into());
    }
    let verb = verb_at(&words);
    if words.get(verb).is_some_and(|word| word == VERB) {
        words.insert(verb + 1, "--".into());
    }
    words
}

/// Where the verb stands: behind the options of [`Cli`].
fn verb_at(words: &[OsString]) -> usize {
    let mut at = 1;
    while let Some(word) = words.get(at).filter(|word| is_option(word)) {
        at += if word == "--config" { 2 } else { 1 };
    }
    at
}

fn is_option(word: &OsString) -> bool {
    word.as_encoded_bytes().starts_with(b"-")
}

/// The verbs.
#[derive(Debug, Subcommand)]
pub enum Verb {
    /// Read notices and say what they mean; 0: TLS is the cause, 1: it is not
    Inspect(Inspect),
    /// Send the original of a notice, or a message that you have sent, again to the recipients that an opt-out helps
    Resend(Resend),
    /// Filter for delivery time: record an offer for the notice on standard input; 0: one waits
    Process,
    /// Watch the inbox folders, record an offer for each notice that has one, and send where the policy
    /// says auto
    Watch(Watch),
    /// List what waits for you
    Offers(Offers),
    /// Say no to offers
    Dismiss(Dismiss),
    /// Say what became of a message whose outcome is unknown
    Resolve(Resolve),
    /// Print where the original with a Message-ID lies
    Find(Find),
    /// Send a message that you write, as mutt's $sendmail; a cookie in the Subject becomes the opt-out
    Sendmail(Sendmail),
    /// Turn a cookie in the Subject into the opt-out, from standard input to standard output
    Filter(Filter),
    /// Build the index of all messages, or bring it up to date; without one every look-up searches
    Index(Index),
    /// Tell the postmaster of a failing domain what is wrong, by a letter that opts out itself
    NotifyPostmaster(NotifyPostmaster),
    /// Ask for the password of an account and put it into the keyring
    Login(Login),
    /// Print the completions for a shell
    Completions(Completions),
    /// Print the manual page
    Man,
}

/// Arguments of `inspect`.
#[derive(Debug, Args)]
pub struct Inspect {
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Notices as files, or a Maildir folder: every message in it; none or "-": standard input
    #[arg(value_name = "FILE or FOLDER")]
    pub files: Vec<PathBuf>,
}

/// Arguments of every verb that sends.
#[derive(Debug, Default, Args)]
pub struct Sending {
    /// Send without asking; without a notice only to whom --to names (of `resend`)
    #[arg(long, short, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Print the bytes that would be sent, the rest on standard error, and change nothing
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Account to send through, by its name in the configuration
    #[arg(long, value_name = "NAME")]
    pub account: Option<String>,
}

/// Arguments of `resend`.
#[derive(Debug, Default, Args)]
pub struct Resend {
    /// Send to this recipient of the original (may be given more than once)
    #[arg(long, value_name = "ADDRESS")]
    pub to: Vec<String>,
    /// Send even though its sender asked for security; asks for a typed word, in spite of --yes
    #[arg(long)]
    pub force: bool,
    /// How to send
    #[command(flatten)]
    pub sending: Sending,
    /// The outcome as one JSON object a line
    #[arg(long)]
    pub json: bool,
    /// For macros: wait for a key at the end, and end with status 0
    #[arg(long)]
    pub pause: bool,
    /// All offers that wait, one after another
    #[arg(long, conflicts_with_all = ["notices", "to"])]
    pub all: bool,
    /// Notices, or messages that you have sent, as files (mbox for several), or offers by number; none or "-":
    /// standard input
    #[arg(value_name = "FILE or OFFER")]
    pub notices: Vec<PathBuf>,
}

/// Arguments of `watch`.
#[derive(Debug, Args)]
pub struct Watch {
    /// Look through the folders once and end; 0: there are new offers, or something was sent
    #[arg(long)]
    pub once: bool,
}

/// Arguments of `offers`.
#[derive(Debug, Args)]
pub struct Offers {
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Those that are done, expired or dismissed too
    #[arg(long, short)]
    pub all: bool,
    /// Only how many wait, for a status line
    #[arg(long, conflicts_with_all = ["json", "all"])]
    pub count: bool,
}

/// Arguments of `dismiss`.
#[derive(Debug, Args)]
pub struct Dismiss {
    /// Numbers of offers
    #[arg(required = true, value_name = "OFFER")]
    pub offers: Vec<i64>,
}

/// Arguments of `resolve`.
#[derive(Debug, Args)]
pub struct Resolve {
    /// The recipients have it, or the server's log says that it took the message
    #[arg(long, conflicts_with = "not_sent")]
    pub sent: bool,
    /// The server did not take it: it may be sent again
    #[arg(long)]
    pub not_sent: bool,
    /// Number of the offer, the address of a postmaster whose letter it is about, or the Message-ID of a message
    /// that was sent again without an offer
    #[arg(value_name = "OFFER, POSTMASTER or MESSAGE-ID")]
    pub offer: String,
}

/// Arguments of `find`.
#[derive(Debug, Args)]
pub struct Find {
    /// When it was sent, as its Date field says; makes the search faster
    #[arg(long, value_name = "DATE")]
    pub date: Option<String>,
    /// All copies, the best first, with what speaks against each
    #[arg(long, short)]
    pub all: bool,
    /// One JSON object a line
    #[arg(long)]
    pub json: bool,
    /// Message-ID, with or without angle brackets
    #[arg(value_name = "MESSAGE-ID")]
    pub message_id: String,
}

/// Arguments of `sendmail`.
#[derive(Debug, Args)]
pub struct Sendmail {
    /// Options of sendmail and msmtp (-t -i -f -F -N -R -B -a ...), and recipients
    #[arg(
        value_name = "OPTION or RECIPIENT",
        trailing_var_arg = true,
        allow_hyphen_values = true
    )]
    pub arguments: Vec<OsString>,
}

/// Arguments of `filter`.
#[derive(Debug, Args)]
pub struct Filter {
    /// Put the field into this draft, or take it out, in place: to serve as mutt's $editor
    #[arg(long, value_name = "FILE")]
    pub edit: Option<PathBuf>,
    /// Print what the last --edit did, once: for mutt's status line
    #[arg(long, conflicts_with = "edit")]
    pub edited: bool,
}

/// Arguments of `index`.
#[derive(Debug, Args)]
pub struct Index {
    /// Change nothing; say how many folders have changed; 0: none, and the index is sound
    #[arg(long)]
    pub check: bool,
}

/// Arguments of `notify-postmaster`.
#[derive(Debug, Args)]
pub struct NotifyPostmaster {
    /// Only the letter to this domain
    #[arg(long, value_name = "DOMAIN")]
    pub domain: Option<String>,
    /// How to send
    #[command(flatten)]
    pub sending: Sending,
    /// Notices as files, or offers by number; none or "-": standard input
    #[arg(value_name = "FILE or OFFER")]
    pub notices: Vec<PathBuf>,
}

/// Arguments of `login`.
#[derive(Debug, Args)]
pub struct Login {
    /// Its name in the configuration; not needed where there is only one
    pub account: Option<String>,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct Completions {
    /// The shell
    pub shell: clap_complete::Shell,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_sendmail_gets() {
        for (line, expected) in [
            ("/usr/sbin/sendmail -v -f me -- bob", "-v -f me -- bob"),
            ("sendmail --help", "--help"),
            (
                "tls-optout sendmail -oi -f me -v -- -bob",
                "-oi -f me -v -- -bob",
            ),
            ("tls-optout sendmail -- -bob", "-- -bob"),
            ("tls-optout -v sendmail -t", "-t"),
            ("tls-optout sendmail --config x -t", "--config x -t"),
            ("tls-optout --config sendmail sendmail -h 3 -t", "-h 3 -t"),
            (
                "tls-optout -vv --config=x sendmail -vh 3 --help",
                "-vh 3 --help",
            ),
        ] {
            let cli = Cli::try_parse_from(words(line.split(' ').map(OsString::from))).unwrap();
            let Verb::Sendmail(sendmail) = cli.verb else {
                panic!("{line}")
            };
            assert_eq!(sendmail.arguments.join(" ".as_ref()), *expected, "{line}");
        }
    }
}
