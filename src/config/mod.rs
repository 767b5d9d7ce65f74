//! The configuration: the file, its defaults, and what mutt or msmtp already know.
//!
//! ```text
//! config.toml --file--> Written --+
//!                                 +--> Config
//! mutt -Q --discover--> Answers --+
//! ```
//!
//! Each key is optional. mutt is asked only where a key is missing that it could know, and what it
//! says is remembered. Where it knows nothing either, the key stays empty; whoever needs it then says
//! what to write into [`Config::file`].

mod compose;
pub mod discover;
pub mod durable;
mod entry;
mod file;
mod harmless;
mod msmtp;
mod mutt;
mod paths;
mod probe;
mod server_url;
mod source;
mod tell;

use std::net::IpAddr;
use std::path::{Path, PathBuf};

pub use compose::{COMPOSE_KEYS, Compose};
pub use discover::Asking;
pub use file::{ACCOUNT_KEYS, AUTH_WORDS, MAIL_KEYS, POLICY_KEYS, SECTIONS};
pub use mutt::Answers;
pub use paths::Places;
pub use source::{Error, Place};
pub use tell::{TELL_KEYS, Tell};

pub use crate::submission::credentials::Command as CommandLine;

use crate::maildir::external::Program;
use crate::policy::Policy;
use crate::submission::credentials::Request;
use crate::submission::{Mechanism, Server};
use file::Written;
use source::Source;

/// [`Config::auto_per_day`] where the file does not say.
const AUTO_PER_DAY: u32 = 10;

/// Everything that the user, or mutt in the user's stead, has said.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Config {
    /// The file that was read, or that would be.
    pub file: PathBuf,
    /// Where mail lies.
    pub mail: Mail,
    /// Through whom mail is sent, in the order of preference.
    pub accounts: Vec<Account>,
    /// What happens to mail that the user is writing.
    pub compose: Compose,
    /// Where opting out is allowed.
    pub policy: Policy,
    /// How the daemon tells of offers.
    pub tell: Tell,
    /// How many messages may be sent on standing consent (`auto`) within 24 hours.
    pub auto_per_day: u32,
    /// What mutt or NeoMutt said, where they were needed.
    pub answers: Option<Answers>,
    /// mutt or NeoMutt could know what is missing, and was not asked.
    pub is_mutt_unasked: bool,
    /// What went wrong without being fatal: a line each, for the user.
    pub warnings: Vec<String>,
}

/// How long a look-up may stand still before the user hears of it, in seconds.
const SEARCH_TIMEOUT: u64 = 5;

/// The Maildir folders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// Watched for notices.
    pub inbox: Vec<PathBuf>,
    /// Searched first for an original.
    pub sent: Vec<PathBuf>,
    /// Searched next, with what lies below.
    pub search: Vec<PathBuf>,
    /// Servers whose `Authentication-Results` are believed (RFC 8601 section 2.5).
    pub authserv_ids: Vec<String>,
    /// The daemon keeps an index of the folders above.
    pub index: bool,
    /// How many seconds a look-up may stand still before the user is asked; 0: without end.
    pub search_timeout: u64,
    /// Asked where our own index does not know the answer.
    pub external: Option<Program>,
}

impl Default for Mail {
    fn default() -> Mail {
        Mail {
            inbox: Vec::new(),
            sent: Vec::new(),
            search: Vec::new(),
            authserv_ids: Vec::new(),
            index: true,
            search_timeout: SEARCH_TIMEOUT,
            external: None,
        }
    }
}

/// A sender and the way out for its mail.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Account {
    /// What `--account` names it by: the key `name`, or else the first address.
    pub name: String,
    /// Its addresses; `*@example.org` is every address of the domain.
    pub from: Vec<String>,
    /// The submission server, without `auth` and `tls_trust_file`.
    pub submission: Option<Server>,
    /// The program and its arguments that submit in place of us.
    pub command: Option<Vec<String>>,
    /// The only authentication mechanism to use.
    pub auth: Option<Mechanism>,
    /// One more certificate authority, beside those of the system.
    pub tls_trust_file: Option<PathBuf>,
    /// Prints the password.
    pub password_command: Option<CommandLine>,
    /// Prints an OAuth 2 access token.
    pub token_command: Option<CommandLine>,
}

impl Config {
    /// Reads the file and fills in what mutt knows.
    ///
    /// # Errors
    /// Where the file, or a table that it names, cannot be read or understood. That mutt gives no
    /// answer is a warning.
    pub fn load(places: &Places, asking: Asking) -> Result<Self, Error> {
        let file = places.config_file();
        let is_optional = places.named_config.is_none();
        let mut written = if is_optional && !file.exists() {
            Written::default()
        } else {
            file::parse(&Source::read(&file)?, &places.home)?
        };
        for table in std::mem::take(&mut written.tables) {
            read_table(&mut written.policy, &Source::read(&table)?)?;
        }
        let mut config = Self {
            file,
            ..Self::default()
        };
        if written.lacks_what_mutt_knows() {
            config.ask_mutt(places, asking);
        }
        let answers = config.answers.clone().unwrap_or_default();
        config.mail = Mail {
            inbox: written
                .inbox
                .unwrap_or_else(|| probe::maildir(answers.spoolfile.clone())),
            sent: written
                .sent
                .unwrap_or_else(|| probe::not_mbox(answers.record.clone())),
            search: written
                .search
                .unwrap_or_else(|| probe::folder(answers.folder.clone())),
            authserv_ids: written.authserv_ids,
            index: written.index.unwrap_or(config.mail.index),
            search_timeout: written.search_timeout.unwrap_or(config.mail.search_timeout),
            external: written.external.unwrap_or(config.mail.external),
        };
        config.accounts = accounts(written.accounts, &answers, places);
        if answers.smtp_url_is_unusable {
            config.warnings.push(
                "mutt's smtp_url names no user, or has a form that is not understood".to_owned(),
            );
        }
        config.compose = written.compose;
        config.policy = written.policy;
        config.tell = written.tell;
        config.auto_per_day = written.auto_per_day.unwrap_or(AUTO_PER_DAY);
        Ok(config)
    }

    /// The account that an address belongs to: one that names it before one that names its domain.
    /// The domain matches in either case (RFC 5321 section 2.4), the part before `@` as it is.
    pub fn account_for(&self, address: &str) -> Option<&Account> {
        self.accounts_for(address).first().copied()
    }

    /// All the accounts that have the same right to an address.
    pub fn accounts_for(&self, address: &str) -> Vec<&Account> {
        let Some((local, domain)) = address.rsplit_once('@') else {
            return Vec::new();
        };
        let belong = |wanted: &str| -> Vec<&Account> {
            let names = |account: &&Account| {
                let mut parts = account.from.iter().filter_map(|from| from.rsplit_once('@'));
                parts.any(|(l, d)| l == wanted && d.eq_ignore_ascii_case(domain))
            };
            self.accounts.iter().filter(names).collect()
        };
        let named = belong(local);
        match named.is_empty() {
            true => belong("*"),
            false => named,
        }
    }

    /// The account with this name.
    pub fn account_named(&self, name: &str) -> Option<&Account> {
        self.accounts.iter().find(|account| account.name == name)
    }

    fn ask_mutt(&mut self, places: &Places, asking: Asking) {
        match discover::answers(places, asking) {
            Ok(answers) => {
                self.is_mutt_unasked = answers.is_none() && discover::could_be_asked(places);
                self.answers = answers;
            }
            Err(error) => self.warnings.push(format!(
                "{error}; write [mail] and [[account]] into {} to do without",
                self.file.display()
            )),
        }
    }
}

impl Written {
    /// With several accounts nobody can know which of them mutt's answer would belong to.
    fn lacks_what_mutt_knows(&self) -> bool {
        let account_lacks = match self.accounts.as_slice() {
            [] => true,
            [account] => account.lacks_sender() || account.lacks_way(),
            _ => false,
        };
        self.inbox.is_none() || self.sent.is_none() || self.search.is_none() || account_lacks
    }
}

impl Account {
    /// The submission server with everything that is known about it.
    pub fn server(&self) -> Option<Server> {
        let mut server = self.submission.clone()?;
        server.trust_file.clone_from(&self.tls_trust_file);
        server.auth = self.auth;
        Some(server)
    }

    /// Whose secret is wanted at the submission server `server`, and where it comes from.
    pub fn request<'a>(&'a self, server: &'a Server) -> Request<'a> {
        Request {
            user: &server.user,
            host: &server.host,
            command: self
                .token_command
                .as_ref()
                .or(self.password_command.as_ref()),
            token: self.token_command.is_some() || self.auth.is_some_and(Mechanism::takes_token),
        }
    }

    /// Where a notice of the user's own server comes from: the host of the submission server, or,
    /// where a command or a server on this machine submits and no host is known, the domains of the
    /// addresses.
    pub fn notice_hosts(&self) -> Vec<String> {
        match &self.submission {
            Some(server) if !is_this_machine(&server.host) => vec![server.host.clone()],
            _ => {
                let domains = self.from.iter().filter_map(|from| from.rsplit_once('@'));
                domains.map(|(_, domain)| domain.to_owned()).collect()
            }
        }
    }

    fn lacks_sender(&self) -> bool {
        self.from.is_empty()
    }

    fn lacks_way(&self) -> bool {
        self.submission.is_none() && self.command.is_none()
    }
}

/// A local mail server, which calls itself by another name than this.
fn is_this_machine(host: &str) -> bool {
    let address = host.trim_start_matches('[').trim_end_matches(']');
    let is_loopback = |address: IpAddr| address.is_loopback();
    host.eq_ignore_ascii_case("localhost") || address.parse().is_ok_and(is_loopback)
}

fn read_table(policy: &mut Policy, source: &Source) -> Result<(), Error> {
    let file = source.file.display().to_string();
    policy
        .add_table(&source.text, &file)
        .map_err(|error| Error::Table {
            place: Place {
                file: source.file.clone(),
                line: error.line,
                column: error.column,
            },
            source: error.error,
        })
}

/// The written accounts. A single one, or none, is filled up with what mutt and msmtp know.
fn accounts(mut accounts: Vec<Account>, answers: &Answers, places: &Places) -> Vec<Account> {
    if accounts.len() > 1 {
        return accounts;
    }
    let is_written = !accounts.is_empty();
    let mut account = accounts.pop().unwrap_or_default();
    if account.lacks_way() {
        account.submission = answers
            .submission
            .as_deref()
            .and_then(|url| url.parse().ok());
        if account.submission.is_none() {
            account.command = command(&answers.sendmail, places);
        }
    }
    if account.lacks_sender() {
        account.from.extend(answers.from.clone());
    }
    if account.lacks_sender() {
        let command = account.command.as_deref().unwrap_or_default();
        account.from = msmtp::addresses(places, command);
    }
    if !is_written {
        if account.lacks_sender() && account.lacks_way() {
            return Vec::new();
        }
        account.name = account
            .from
            .first()
            .cloned()
            .unwrap_or_else(|| "mutt".to_owned());
    }
    vec![account]
}

/// mutt's `$sendmail` where that program exists, else msmtp where its user has set it up.
fn command(sendmail: &[String], places: &Places) -> Option<Vec<String>> {
    let program = Path::new(sendmail.first().map_or("", String::as_str));
    let exists = if program.components().count() > 1 {
        paths::is_executable(program)
    } else {
        program
            .to_str()
            .is_some_and(|name| !name.is_empty() && places.program(name).is_some())
    };
    if exists {
        return Some(sendmail.to_vec());
    }
    let msmtp = vec!["msmtp".to_owned()];
    let is_set_up =
        places.program("msmtp").is_some() && !msmtp::addresses(places, &msmtp).is_empty();
    is_set_up.then_some(msmtp)
}
