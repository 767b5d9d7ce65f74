//! The sender's addresses as msmtp knows them, for those whose mutt does not say `$from`.
//!
//! Only `account`, `defaults` and `from` are read (msmtp(1), "Configuration files"); what connects to
//! a server stays msmtp's own affair.

use std::fs;
use std::path::Path;

use super::paths::Places;

/// The addresses for a command that runs msmtp: that of the account which the command names, or of
/// all accounts, because msmtp then takes the one to which the sender belongs.
pub(super) fn addresses(places: &Places, command: &[String]) -> Vec<String> {
    let is_msmtp = |program: &String| Path::new(program).file_name().is_some_and(|n| n == "msmtp");
    if !command.first().is_some_and(is_msmtp) {
        return Vec::new();
    }
    let usual = [
        places.home.join(".msmtprc"),
        places.config_home.join("msmtp/config"),
    ];
    let text = usual
        .iter()
        .find_map(|file| fs::read_to_string(file).ok())
        .unwrap_or_default();
    let accounts = read(&text);
    match chosen_account(command) {
        Some(name) => accounts
            .into_iter()
            .filter(|(n, _)| n == name)
            .map(|(_, from)| from)
            .collect(),
        None => {
            let mut all = Vec::new();
            for (_, from) in accounts {
                if !all.contains(&from) {
                    all.push(from);
                }
            }
            all
        }
    }
}

/// The account that the command names.
fn chosen_account(command: &[String]) -> Option<&str> {
    if let Some(at) = command
        .iter()
        .position(|word| word == "-a" || word == "--account")
    {
        return command.get(at + 1).map(String::as_str);
    }
    command
        .iter()
        .find_map(|word| word.strip_prefix("--account=").or(word.strip_prefix("-a")))
}

/// The accounts that have an address, with it, in their order.
fn read(text: &str) -> Vec<(String, String)> {
    let mut accounts: Vec<(&str, Option<String>)> = Vec::new();
    let mut defaults = None;
    let mut in_defaults = true;
    for line in text.lines().map(str::trim) {
        let (word, argument) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
        match word {
            "defaults" => in_defaults = true,
            "account" => {
                in_defaults = false;
                let (name, parents) = argument.split_once(':').unwrap_or((argument, ""));
                let from_of = |parent: &str| {
                    accounts
                        .iter()
                        .find(|(name, _)| *name == parent.trim())?
                        .1
                        .clone()
                };
                let inherited = parents.split(',').filter_map(from_of).next_back();
                accounts.push((name.trim(), inherited.or_else(|| defaults.clone())));
            }
            "from" => {
                let address = argument.trim().trim_matches('"');
                // `%U` and its like are filled in by msmtp.
                let is_address = address.contains('@') && !address.contains('%');
                let address = is_address.then(|| address.to_owned());
                match accounts.last_mut() {
                    Some((_, from)) if !in_defaults => *from = address,
                    _ => defaults = address,
                }
            }
            _ => {}
        }
    }
    accounts
        .into_iter()
        .filter_map(|(name, from)| Some((name.to_owned(), from?)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &str = "\
# from commented@example.org
defaults
auth on
from  me@example.org
account work
  host mail.example.com
  from \"me@example.com\"
account list : work
account home
from %U@example.net
defaults
from later@example.org
account default : work, home
account last
from *@example.net
";

    fn choose(command: &str) -> Vec<String> {
        let home = tempfile::tempdir().unwrap();
        fs::write(home.path().join(".msmtprc"), FILE).unwrap();
        let command: Vec<String> = command.split(' ').map(str::to_owned).collect();
        addresses(&Places::below(home.path()), &command)
    }

    #[test]
    fn accounts_inherit() {
        let accounts = read(FILE);
        let accounts: Vec<_> = accounts
            .iter()
            .map(|(n, f)| (n.as_str(), f.as_str()))
            .collect();
        let expected = [
            ("work", "me@example.com"),
            ("list", "me@example.com"),
            ("default", "me@example.com"),
            ("last", "*@example.net"),
        ];
        assert_eq!(accounts, expected);
        assert_eq!(
            read("from me@example.org\naccount a"),
            [("a".into(), "me@example.org".into())]
        );
    }

    #[test]
    fn the_account_of_the_command_counts() {
        for command in [
            "/usr/bin/msmtp -a last",
            "msmtp -alast",
            "msmtp --account=last",
        ] {
            assert_eq!(choose(command), ["*@example.net"], "{command}");
        }
        assert_eq!(choose("msmtp"), ["me@example.com", "*@example.net"]);
        assert_eq!(choose("msmtp -a home"), [] as [&str; 0]);
        assert_eq!(choose("/usr/sbin/sendmail"), [] as [&str; 0]);
    }
}
