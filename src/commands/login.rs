//! `login`: the password goes into the keyring.

use std::io::{self, Write};

use crate::cli::Login;
use crate::config::{Account, Config, Places};
use crate::submission::credentials;

use super::{CONFIG, DONE, Failure, configuration};

/// Asks for the secret of an account and stores it.
pub(super) fn run(args: &Login, places: &Places) -> Result<u8, Failure> {
    let config = configuration(places)?;
    let account = choose(&config, args.account.as_deref())?;
    let Some(server) = account.server().filter(|_| account.command.is_none()) else {
        let name = &account.name;
        let text = format!("account {name} submits by a command, which has its own password");
        return Err(Failure::new(CONFIG, text));
    };
    let request = account.request(&server);
    if request.command.is_some() {
        let (name, file) = (&account.name, config.file.display());
        let text = format!(
            "account {name} has a password_command, which comes first; remove it from {file}"
        );
        return Err(Failure::new(CONFIG, text));
    }
    credentials::store(&request).map_err(|error| Failure::new(error.status(), error))?;
    writeln!(io::stdout(), "stored for {}@{}", server.user, server.host)?;
    Ok(DONE)
}

fn choose<'a>(config: &'a Config, name: Option<&str>) -> Result<&'a Account, Failure> {
    let found = match (name, &config.accounts[..]) {
        (Some(name), _) => config.account_named(name),
        (None, [only]) => Some(only),
        (None, _) => None,
    };
    found.ok_or_else(|| super::no_account(config, name))
}
