//! Tables in the form of Postfix's `smtp_tls_policy_maps` as policy (postconf(5), postmap(1)).

use super::{Decision, Error, Policy};

/// An error in a table, with its position, both counted from 1, the column in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TableError {
    /// The line.
    pub line: usize,
    /// The first character of the word that is wrong.
    pub column: usize,
    /// What is wrong with it.
    pub error: Error,
}

impl Policy {
    /// Adds the rules of a table in the form of Postfix's `smtp_tls_policy_maps` (postconf(5),
    /// postmap(1)): `example.com dane optout=yes`. Comments and continuation lines are understood.
    ///
    /// `optout=yes` allows the opt-out and so asks; only `optout=auto` sends without asking, because
    /// whoever keeps a table of what is allowed has not thereby given the sender's consent.
    /// `optout=no` forbids. A line without the attribute is no rule.
    ///
    /// # Errors
    /// At the first attribute or pattern that has no meaning: to skip a line could drop an
    /// `optout=no`.
    pub fn add_table(&mut self, text: &str, file: &str) -> Result<(), TableError> {
        let mut pattern = "";
        let mut start = 1;
        for (number, line) in (1..).zip(text.lines()) {
            let content = line.trim_start();
            if content.is_empty() || content.starts_with('#') {
                continue;
            }
            let mut attributes_at = 0;
            if content.len() == line.len() {
                attributes_at = line.find(char::is_whitespace).unwrap_or(line.len());
                (pattern, start) = (&line[..attributes_at], number);
            }
            for (offset, word) in words(line, attributes_at) {
                let column = || line[..offset].chars().count() + 1;
                let located = |error| TableError {
                    line: number,
                    column: column(),
                    error,
                };
                let Some(decision) = attribute(word).map_err(located)? else {
                    continue;
                };
                let added = self.add(pattern, decision, format!("{file}:{start}"));
                added.map_err(|error| TableError {
                    line: start,
                    column: 1,
                    error,
                })?;
            }
        }
        Ok(())
    }
}

/// The words of a line from an offset on, each with its own; Postfix takes blanks and commas.
fn words(line: &str, from: usize) -> impl Iterator<Item = (usize, &str)> {
    let is_between = |c: char| c.is_whitespace() || c == ',';
    let mut next = from;
    let pieces = line[from..].split_inclusive(is_between).map(move |piece| {
        let at = next;
        next += piece.len();
        (at, piece.trim_end_matches(is_between))
    });
    pieces.filter(|(_, word)| !word.is_empty())
}

/// What an attribute says; `None` where it is not about opting out.
fn attribute(word: &str) -> Result<Option<Decision>, Error> {
    let (name, value) = word.split_once('=').unwrap_or((word, ""));
    if !name.eq_ignore_ascii_case("optout") {
        return Ok(None);
    }
    match value {
        "yes" => Ok(Some(Decision::Ask)),
        "auto" => Ok(Some(Decision::Auto)),
        "no" => Ok(Some(Decision::Never)),
        _ => Err(Error::Attribute(word.escape_debug().to_string())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use Decision::{Ask, Auto, Never};

    const TABLE: &str = "\
# comment
example.com        dane optout=yes
Example.net  dane-only   match=a.example.net,
   # a comment between continuation lines

\t optout=no
.example.org encrypt optout=auto
silent.example secure match=nexthop
bob@silent.example secure optout=no
";

    #[test]
    fn a_postfix_table_is_read() {
        let mut policy = Policy {
            default: Auto,
            ..Policy::default()
        };
        policy.add_table(TABLE, "tls_policy").unwrap();
        assert_eq!(policy.decide("x@example.com").0, Ask);
        assert_eq!(policy.decide("x@example.net").0, Never);
        assert_eq!(policy.decide("x@a.example.org").0, Auto);
        assert_eq!(policy.decide("x@silent.example"), (Auto, None));
        let (decision, rule) = policy.decide("bob@silent.example");
        assert_eq!(decision, Never);
        assert_eq!(
            rule.unwrap().to_string(),
            "`bob@silent.example` = never (tls_policy:9)"
        );
    }

    #[test]
    fn an_error_in_a_table_has_its_position() {
        let read = |text: &str| Policy::default().add_table(text, "t").unwrap_err();
        let error = read("a.example dane\n  match=ü optout=maybe\n");
        assert_eq!((error.line, error.column), (2, 11));
        assert_eq!(
            error.error.to_string(),
            "`optout=maybe`: write `optout=yes`, `optout=no` or `optout=auto`"
        );
        let error = read("\n[mx.example]:587 encrypt\n optout=no\n");
        assert_eq!((error.line, error.column), (2, 1));
        assert!(matches!(
            read("a.example dane optout").error,
            Error::Attribute(_)
        ));
        assert!(matches!(read("  optout=no").error, Error::Pattern { .. }));
    }
}
