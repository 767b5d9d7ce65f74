//! The configuration file: its sections, its keys, and what each value may be.

use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::Account;
use super::compose::{self, Compose};
use super::entry::{Entry, entries, list, nearest};
use super::source::{Error, Place, Source};
use super::tell::{self, Tell};
use crate::maildir::external::Program;
use crate::policy::{Decision, Pattern, Policy};
use crate::submission::{Mechanism, MechanismError, Server, ServerError};

/// The sections of the file.
pub const SECTIONS: &[&str] = &["mail", "account", "compose", "policy", "tell"];
/// The keys of `[mail]`.
pub const MAIL_KEYS: &[&str] = &[
    "inbox",
    "sent",
    "search",
    "authserv_id",
    "index",
    "search_timeout",
    "external",
];
/// The keys of an `[[account]]`.
pub const ACCOUNT_KEYS: &[&str] = &[
    "name",
    "from",
    "submission",
    "command",
    "auth",
    "tls_trust_file",
    "password_command",
    "token_command",
];
/// The keys of `[policy]`, beside the addresses and domains.
pub const POLICY_KEYS: &[&str] = &["default", "tables", "confidential", "auto_per_day"];
/// The words for `auth`.
pub const AUTH_WORDS: &[&str] = &["plain", "login", "xoauth2", "oauthbearer"];

/// What people write where they think that a password belongs here.
const PASSWORD_KEYS: &[&str] = &[
    "password",
    "passwd",
    "pass",
    "passphrase",
    "secret",
    "token",
];

/// What stands in the file; `None` where it says nothing.
#[derive(Debug, Default)]
pub(super) struct Written {
    pub(super) inbox: Option<Vec<PathBuf>>,
    pub(super) sent: Option<Vec<PathBuf>>,
    pub(super) search: Option<Vec<PathBuf>>,
    pub(super) authserv_ids: Vec<String>,
    pub(super) index: Option<bool>,
    pub(super) search_timeout: Option<u64>,
    pub(super) external: Option<Option<Program>>,
    pub(super) accounts: Vec<Account>,
    pub(super) compose: Compose,
    pub(super) auto_per_day: Option<u32>,
    pub(super) policy: Policy,
    /// Tables with policy, still to be read.
    pub(super) tables: Vec<PathBuf>,
    pub(super) tell: Tell,
}

/// Reads the text of the file.
pub(super) fn parse(source: &Source, home: &Path) -> Result<Written, Error> {
    let document = DeTable::parse(&source.text).map_err(|error| syntax(source, &error))?;
    let mut written = Written::default();
    for entry in entries(source, "the configuration", document.get_ref()) {
        match entry.key {
            "mail" => mail(
                source,
                entry.table("a section, `[mail]`")?,
                home,
                &mut written,
            )?,
            "account" => accounts(source, &entry, home, &mut written)?,
            "compose" => {
                let table = entry.table("a section, `[compose]`")?;
                written.compose = compose::compose(source, table, home)?;
            }
            "policy" => policy(
                source,
                entry.table("a section, `[policy]`")?,
                home,
                &mut written,
            )?,
            "tell" => {
                let table = entry.table("a section, `[tell]`")?;
                written.tell = tell::parse(source, table, home)?;
            }
            _ => return Err(entry.refuse_key(SECTIONS)),
        }
    }
    Ok(written)
}

/// The parser's own message is one line without the text of the file, which might be a secret.
fn syntax(source: &Source, error: &toml::de::Error) -> Error {
    let offset = error.span().map_or(source.text.len(), |span| span.start);
    Error::Syntax {
        place: source.place(offset),
        message: error.message().replace('\n', ", "),
    }
}

fn mail(source: &Source, table: &DeTable, home: &Path, written: &mut Written) -> Result<(), Error> {
    for entry in entries(source, "[mail]", table) {
        match entry.key {
            "inbox" => written.inbox = Some(entry.folders(home)?),
            "sent" => written.sent = Some(entry.folders(home)?),
            "search" => written.search = Some(entry.folders(home)?),
            "authserv_id" => written.authserv_ids = entry.strings()?,
            "index" => written.index = Some(entry.boolean()?),
            "search_timeout" => written.search_timeout = Some(entry.number()?.into()),
            "external" => written.external = Some(external(&entry)?),
            _ => return Err(entry.refuse_key(MAIL_KEYS)),
        }
    }
    Ok(())
}

fn external(entry: &Entry) -> Result<Option<Program>, Error> {
    match &*entry.string()? {
        "none" => Ok(None),
        "notmuch" => Ok(Some(Program::Notmuch)),
        "mu" => Ok(Some(Program::Mu)),
        _ => Err(entry.refuse("must be one of `none`, `notmuch`, `mu`")),
    }
}

fn accounts(
    source: &Source,
    entry: &Entry,
    home: &Path,
    written: &mut Written,
) -> Result<(), Error> {
    const EXPECTED: &str = "a list of sections, each `[[account]]` with two brackets";
    for item in entry.array(EXPECTED)? {
        let DeValue::Table(table) = item.get_ref() else {
            return Err(entry.refuse(format!("must be {EXPECTED}")));
        };
        let (mut account, name_at) = account(source, table, home)?;
        if account.name.is_empty() {
            let number = written.accounts.len() + 1;
            account.name = account
                .from
                .first()
                .cloned()
                .unwrap_or(format!("account {number}"));
        }
        if written
            .accounts
            .iter()
            .any(|other| other.name == account.name)
        {
            return Err(Error::Value {
                key: "name".to_owned(),
                section: "[[account]]",
                place: name_at.unwrap_or_else(|| source.place(item.span().start)),
                reason: format!(
                    "must differ: an account above is called `{}` too",
                    account.name.escape_debug()
                ),
            });
        }
        written.accounts.push(account);
    }
    Ok(())
}

/// One account, and the place of its name; the name is empty where none is given.
fn account(
    source: &Source,
    table: &DeTable,
    home: &Path,
) -> Result<(Account, Option<Place>), Error> {
    let mut account = Account::default();
    let mut name_at = None;
    for entry in entries(source, "[[account]]", table) {
        match entry.key {
            "name" => {
                account.name = entry.string()?;
                name_at = Some(entry.key_place());
            }
            "from" => account.from = addresses(&entry)?,
            "submission" => account.submission = Some(submission(&entry)?),
            "command" => account.command = Some(entry.program(home)?),
            "auth" => account.auth = Some(auth(&entry)?),
            "tls_trust_file" => account.tls_trust_file = Some(entry.path(home)?),
            "password_command" => account.password_command = Some(entry.command_line()?),
            "token_command" => account.token_command = Some(entry.command_line()?),
            key if PASSWORD_KEYS.contains(&key) => return Err(entry.refuse_password()),
            _ => return Err(entry.refuse_key(ACCOUNT_KEYS)),
        }
        if account.submission.is_some() && account.command.is_some() {
            return Err(entry.refuse("cannot be joined: give `submission` or `command`, not both"));
        }
    }
    Ok((account, name_at))
}

fn addresses(entry: &Entry) -> Result<Vec<String>, Error> {
    let addresses = entry.strings()?;
    for address in &addresses {
        let parts = address.rsplit_once('@');
        let is_good = |(local, domain): (&str, &str)| {
            !local.is_empty() && !domain.is_empty() && !domain.contains('*')
        };
        if !parts.is_some_and(is_good) || address.contains([' ', '<', '>', ',']) {
            return Err(entry.refuse(format!(
                "must hold addresses, `me@example.org` or `*@example.org`, not `{}`",
                address.escape_debug()
            )));
        }
    }
    Ok(addresses)
}

/// The URL is not shown in an error: a password may stand in it.
fn submission(entry: &Entry) -> Result<Server, Error> {
    entry.string()?.parse().map_err(|error| match error {
        ServerError::Password => entry.refuse_password(),
        error => entry.refuse(format!("cannot be used: {error}")),
    })
}

fn auth(entry: &Entry) -> Result<Mechanism, Error> {
    let known = |_| format!("must be one of {}", list(AUTH_WORDS));
    entry
        .string()?
        .parse()
        .map_err(|error: MechanismError| entry.refuse(known(error)))
}

fn policy(
    source: &Source,
    table: &DeTable,
    home: &Path,
    written: &mut Written,
) -> Result<(), Error> {
    for entry in entries(source, "[policy]", table) {
        match entry.key {
            "default" => written.policy.default = decision(&entry)?,
            "tables" => written.tables = entry.paths(home)?,
            "confidential" => written.policy.confidential = patterns(&entry)?,
            "auto_per_day" => written.auto_per_day = Some(entry.count()?),
            key if entry.value.is_table() => {
                return Err(entry.refuse(format!(
                    "is no rule: put the whole domain between quotes, \"{}...\" = \"ask\"",
                    key.escape_debug()
                )));
            }
            key if !key.contains(['.', '@']) => {
                return Err(entry.refuse_key(POLICY_KEYS));
            }
            pattern => {
                let added = written
                    .policy
                    .add(pattern, decision(&entry)?, entry.origin());
                added.map_err(|source| Error::Table {
                    place: entry.key_place(),
                    source,
                })?;
            }
        }
    }
    Ok(())
}

fn patterns(entry: &Entry) -> Result<Vec<Pattern>, Error> {
    let patterns = entry.strings()?.into_iter();
    let parsed = patterns.map(|text| Pattern::parse(&text));
    let all: Result<Vec<_>, _> = parsed.collect();
    all.map_err(|error| entry.refuse(error.to_string()))
}

fn decision(entry: &Entry) -> Result<Decision, Error> {
    let word = entry.string()?;
    word.parse().map_err(|error: crate::policy::Error| {
        let near = nearest(&word, &["ask", "auto", "never"]);
        let hint = near
            .map(|near| format!("; did you mean `{near}`?"))
            .unwrap_or_default();
        entry.refuse(format!("{error}{hint}"))
    })
}
