//! The way out: which account a message belongs to.

use std::fmt;

use crate::config::{Account, Config};
use crate::message::recipients::Mailbox;

use super::{CONFIG, Failure, no_account};

/// How a message leaves, and from whom.
#[derive(Debug)]
pub(super) struct Route {
    /// Envelope sender: notices about the resubmission go there.
    pub(super) sender: String,
    /// The account.
    pub(super) account: Account,
}

impl Route {
    /// The way out for a message with these possible senders: the account that one of them belongs
    /// to, or the one with the given name. A message that is from none of the user's addresses has
    /// no way out.
    pub(super) fn choose(
        config: &Config,
        name: Option<&str>,
        senders: &[Mailbox],
    ) -> Result<Route, Failure> {
        let file = config.file.display();
        // Return-Path and Sender may name the user in somebody else's message: the author counts.
        let is_author =
            |sender: &&Mailbox| !matches!(sender.field, "Return-Path" | "Sender" | "Resent-Sender");
        let mut authors = senders.iter().filter(is_author);
        let is_own = authors.any(|author| config.account_for(&author.address).is_some());
        let of_sender = senders.iter().filter(|_| is_own).find_map(|sender| {
            let account = config.account_for(&sender.address)?;
            Some((sender.address.clone(), account))
        });
        let Some((sender, mut account)) = of_sender else {
            let author = senders.iter().find(is_author).or(senders.first());
            let from = author.map_or("nobody", |sender| &sender.address);
            // Where mutt could not be asked that may be why.
            let warning = config.warnings.first();
            let warning = warning.map_or(String::new(), |warning| format!(" ({warning})"));
            let text = format!(
                "the original is from {from}, which belongs to no account: it is not yours to send \
                 again; if it is, add [[account]] from = [\"{from}\"] to {file}{warning}"
            );
            return Err(Failure::new(CONFIG, text));
        };
        if let Some(name) = name {
            account = config
                .account_named(name)
                .ok_or_else(|| no_account(config, Some(name)))?;
        }
        if account.command.is_none() && account.submission.is_none() {
            let name = &account.name;
            let warning = config.warnings.first();
            let warning = warning.map_or(String::new(), |warning| format!(" ({warning})"));
            let text = format!(
                "account {name} has no way out{warning}; write submission or command into {file}"
            );
            return Err(Failure::new(CONFIG, text));
        }
        let account = account.clone();
        Ok(Route { sender, account })
    }
}

impl fmt::Display for Route {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (&self.account.command, &self.account.submission) {
            (Some(words), _) => f.write_str(&words.join(" ")),
            (None, Some(server)) => write!(f, "{server}"),
            (None, None) => f.write_str("nothing yet"),
        }
    }
}
