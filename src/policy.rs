//! Where opting out is allowed: ask, auto or never, by recipient.
//!
//! Rules name a full address, a domain, or a domain and every domain below it. The most specific
//! rule decides. Nothing here opens a file: the configuration reads its keys and tables and adds
//! them.

use std::collections::HashMap;
use std::fmt;
use std::str::FromStr;

pub use confidential::{Pattern, PatternError, marked};
pub use table::TableError;

mod confidential;
mod table;

/// The longest domain name that DNS can hold (RFC 1035 section 2.3.4), and thus a rule can match.
const LONGEST_DOMAIN: usize = 255;

/// What may happen without the user's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Decision {
    /// The user is asked each time.
    #[default]
    Ask,
    /// The user's consent is given in advance.
    Auto,
    /// Never opted out, not even on the user's word.
    Never,
}

/// What is wrong with a rule or a table.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A word that is no decision.
    #[error("must be `ask`, `auto` or `never`, not `{0}`")]
    Decision(String),
    /// A pattern that is neither an address nor a domain.
    #[error("`{pattern}` is no address and no domain; {hint}")]
    Pattern {
        /// The pattern as written.
        pattern: String,
        /// What to write instead.
        hint: &'static str,
    },
    /// An `optout` attribute of a table with a value that has no meaning.
    #[error("`{0}`: write `optout=yes`, `optout=no` or `optout=auto`")]
    Attribute(String),
}

/// One line of the policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// `bob@example.com`, `example.com` or `.example.com`, in lower case.
    pub pattern: String,
    /// What it says.
    pub decision: Decision,
    /// Where it stands, for the user to find it: `FILE:LINE`.
    pub origin: String,
}

/// The default and the rules.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Policy {
    /// Where no rule matches.
    pub default: Decision,
    /// A message whose header matches one of these is confidential.
    pub confidential: Vec<Pattern>,
    rules: HashMap<String, Rule>,
}

impl Policy {
    /// Adds a rule. Of two rules for one pattern `never` wins; else the one that was added first.
    ///
    /// # Errors
    /// [`Error::Pattern`] where the pattern could match nothing.
    pub fn add(&mut self, pattern: &str, decision: Decision, origin: String) -> Result<(), Error> {
        let pattern = normal_pattern(pattern)?;
        let rule = Rule {
            pattern: pattern.clone(),
            decision,
            origin,
        };
        let known = self.rules.entry(pattern).or_insert_with(|| rule.clone());
        if decision == Decision::Never && known.decision != Decision::Never {
            *known = rule;
        }
        Ok(())
    }

    /// Is there anybody for whom consent is given in advance?
    pub fn has_auto(&self) -> bool {
        let mut decisions = self.rules.values().map(|rule| rule.decision);
        self.default == Decision::Auto || decisions.any(|decision| decision == Decision::Auto)
    }

    /// What the policy says of a recipient, and the rule that says it (`None`: the default).
    ///
    /// Full address before domain before the nearest domain above. Letters match in either case. A
    /// recipient that is no address is never `auto`.
    pub fn decide(&self, recipient: &str) -> (Decision, Option<&Rule>) {
        let address = normal(recipient);
        let domain = address.rsplit_once('@').map(|(_, domain)| domain);
        let Some(domain) = domain.filter(|d| !d.is_empty() && d.len() <= LONGEST_DOMAIN) else {
            let careful = if self.default == Decision::Auto {
                Decision::Ask
            } else {
                self.default
            };
            return (careful, None);
        };
        let dotted = format!(".{domain}");
        let above = dotted.match_indices('.').map(|(at, _)| &dotted[at..]);
        let rule = [address.as_str(), domain]
            .into_iter()
            .chain(above)
            .find_map(|pattern| self.rules.get(pattern));
        (rule.map_or(self.default, |rule| rule.decision), rule)
    }
}

impl FromStr for Decision {
    type Err = Error;

    fn from_str(word: &str) -> Result<Self, Error> {
        match word {
            "ask" => Ok(Self::Ask),
            "auto" => Ok(Self::Auto),
            "never" => Ok(Self::Never),
            other => Err(Error::Decision(other.escape_debug().to_string())),
        }
    }
}

impl fmt::Display for Decision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Ask => "ask",
            Self::Auto => "auto",
            Self::Never => "never",
        })
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "`{}` = {} ({})",
            self.pattern, self.decision, self.origin
        )
    }
}

/// Lower case, without blanks around it and without the dot of a fully qualified domain. A domain with
/// letters beyond ASCII in its A-label form (RFC 5890), so that a rule holds for both.
fn normal(address: &str) -> String {
    let address = address.trim();
    let address = address.strip_suffix('.').unwrap_or(address).to_lowercase();
    if address.is_ascii() {
        return address;
    }
    let start = address.rfind('@').map_or(0, |at| at + 1);
    let (local, domain) = address.split_at(start);
    let (dot, domain) = match domain.strip_prefix('.') {
        Some(domain) => (".", domain),
        None => ("", domain),
    };
    let domain = idna::domain_to_ascii(domain).unwrap_or_else(|_| domain.to_owned());
    format!("{local}{dot}{domain}")
}

fn normal_pattern(written: &str) -> Result<String, Error> {
    let refuse = |hint| {
        Err(Error::Pattern {
            pattern: written.escape_debug().to_string(),
            hint,
        })
    };
    let pattern = normal(written);
    let (local, domain) = match pattern.rsplit_once('@') {
        Some((local, domain)) => (Some(local), domain),
        None => (None, pattern.strip_prefix('.').unwrap_or(&pattern)),
    };
    if let Some("" | "*") = local {
        return refuse("for a whole domain write `example.com`");
    }
    if domain.starts_with("*.") {
        return refuse("for a domain and all below it write `.example.com`");
    }
    if domain.contains(['[', ']', ':', '/', '*']) {
        return refuse("it is matched against recipients, so a host or next hop has no place here");
    }
    let labels_are_empty = domain.split('.').any(str::is_empty);
    if labels_are_empty || domain.len() > LONGEST_DOMAIN || pattern.contains(char::is_whitespace) {
        return refuse("write `bob@example.com`, `example.com` or `.example.com`");
    }
    Ok(pattern)
}

#[cfg(test)]
mod tests {
    use super::Decision::{Ask, Auto, Never};
    use super::*;

    fn policy(default: Decision, rules: &[(&str, Decision)]) -> Policy {
        let mut policy = Policy {
            default,
            ..Policy::default()
        };
        for (pattern, decision) in rules {
            policy.add(pattern, *decision, "test".to_owned()).unwrap();
        }
        policy
    }

    fn decides(policy: &Policy, recipient: &str) -> (Decision, Option<String>) {
        let (decision, rule) = policy.decide(recipient);
        (decision, rule.map(|rule| rule.pattern.clone()))
    }

    #[test]
    fn the_most_specific_rule_decides() {
        let policy = policy(
            Ask,
            &[
                (".example.org", Never),
                (".lists.example.org", Auto),
                ("www.lists.example.org", Ask),
                ("bob@www.lists.example.org", Auto),
            ],
        );
        for (recipient, decision, rule) in [
            ("x@example.net", Ask, None),
            ("x@notexample.org", Ask, None),
            ("x@example.org", Never, Some(".example.org")),
            ("x@a.b.example.org", Never, Some(".example.org")),
            ("x@lists.example.org", Auto, Some(".lists.example.org")),
            ("x@a.lists.example.org", Auto, Some(".lists.example.org")),
            (
                "x@www.lists.example.org",
                Ask,
                Some("www.lists.example.org"),
            ),
            (
                "bob@www.lists.example.org",
                Auto,
                Some("bob@www.lists.example.org"),
            ),
            (
                "\"bob@x\"@www.lists.example.org",
                Ask,
                Some("www.lists.example.org"),
            ),
        ] {
            assert_eq!(
                decides(&policy, recipient),
                (decision, rule.map(str::to_owned)),
                "{recipient}"
            );
        }
    }

    #[test]
    fn a_domain_outranks_a_subdomain_rule_of_the_same_name() {
        let policy = policy(Ask, &[(".example.org", Never), ("example.org", Auto)]);
        assert_eq!(policy.decide("x@example.org").0, Auto);
        assert_eq!(policy.decide("x@a.example.org").0, Never);
    }

    #[test]
    fn never_wins_at_equal_rank_in_either_order() {
        for rules in [
            [("example.com", Auto), ("Example.COM.", Never)],
            [("example.com", Never), ("example.com", Auto)],
        ] {
            assert_eq!(policy(Auto, &rules).decide("x@example.com").0, Never);
        }
        let first_wins = policy(Ask, &[("example.com", Auto), ("example.com", Ask)]);
        assert_eq!(first_wins.decide("x@example.com").0, Auto);
    }

    #[test]
    fn letters_match_in_either_case_and_a_final_dot_does_not_matter() {
        let policy = policy(Ask, &[("Bob@Example.COM", Never), (".ÜBER.example", Never)]);
        assert_eq!(policy.decide("bOB@eXample.com.").0, Never);
        assert_eq!(policy.decide("x@a.über.EXAMPLE").0, Never);
    }

    #[test]
    fn what_is_no_address_is_never_auto() {
        let policy = policy(Auto, &[("example.com", Auto)]);
        for recipient in ["", "bob", "bob@", "@", "example.com"] {
            assert_eq!(policy.decide(recipient), (Ask, None), "{recipient}");
        }
        let long = format!("x@{}example.com", "a.".repeat(100_000));
        assert_eq!(policy.decide(&long), (Ask, None));
    }

    #[test]
    fn a_pattern_that_could_match_nothing_is_refused() {
        let mut policy = Policy::default();
        for (pattern, hint) in [
            ("*@example.com", "for a whole domain"),
            ("@example.com", "for a whole domain"),
            ("*.example.com", "all below it"),
            ("[mx.example.com]:587", "next hop"),
            ("example.com:25", "next hop"),
            ("a b@example.com", "write `bob@"),
            ("example..com", "write `bob@"),
            ("..example.com", "write `bob@"),
            ("bob@", "write `bob@"),
            ("", "write `bob@"),
        ] {
            let error = policy
                .add(pattern, Auto, String::new())
                .unwrap_err()
                .to_string();
            assert!(error.contains(hint), "{pattern}: {error}");
        }
        assert_eq!(policy, Policy::default());
    }

    #[test]
    fn both_forms_of_a_domain_are_one() {
        for (pattern, recipient) in [
            ("b\u{fc}cher.example", "bob@xn--bcher-kva.example"),
            ("xn--bcher-kva.example", "bob@B\u{dc}CHER.example"),
            (".b\u{fc}cher.example", "bob@mail.xn--bcher-kva.example"),
            ("bob@b\u{fc}cher.example", "bob@xn--bcher-kva.example"),
        ] {
            let mut policy = Policy::default();
            policy.add(pattern, Decision::Never, String::new()).unwrap();
            assert_eq!(policy.decide(recipient).0, Decision::Never, "{pattern}");
        }
    }
}
