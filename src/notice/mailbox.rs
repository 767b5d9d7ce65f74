//! Addresses in lines that people read.

/// Words that servers put before the address of a recipient, in lower case.
const LABELS: &[&str] = &[
    "recipient address:",
    "original address:",
    "final recipient:",
    "failed recipient:",
    "intended recipients:",
    "intended recipient:",
    "recipients:",
    "recipient:",
    "rcpt to:",
    "address:",
    "e-mail:",
    "email:",
    "user:",
    "to:",
    "[status: error, address:",
    "delivery to the following recipient failed permanently:",
    "there was an error delivering your mail to",
    "your message was not delivered to",
    "could not be delivered to:",
    "could not be delivered to",
    "unable to deliver message to:",
    "unable to deliver message to",
    "addressed to:",
    "receiver:",
    ">>>",
    "unable to deliver mail to",
    "undeliverable to",
    "failed to deliver to",
    "delivery to",
    "unknown user:",
    "invalid final delivery userid:",
    "user mailbox exceeds allowed size:",
    "unknown local-part",
    "user unknown:",
];

/// The addresses that a line starts with, after a bullet, a reply code or a label; one behind a
/// short label of another kind at its end.
pub(super) fn leading(line: &str) -> Vec<String> {
    let mut rest = unlabelled(line.trim());
    let mut found = Vec::new();
    while let Some((address, after)) = token(rest) {
        found.push(address.to_owned());
        let Some(next) = after.trim_start().strip_prefix([',', ';']) else {
            break;
        };
        rest = next.trim_start();
    }
    found
}

/// Every address of a line.
pub(super) fn anywhere(line: &str) -> Vec<String> {
    if !line.contains('@') {
        return Vec::new();
    }
    line.split(|c: char| c.is_whitespace() || "<>()[]\"',;=".contains(c) || is_wide_mark(c))
        .filter_map(|word| word.strip_prefix("mailto:").or(Some(word)))
        .map(|word| word.trim_matches(|c: char| ".:!?".contains(c)))
        .map(|word| word.rsplit_once(':').map_or(word, |(_, address)| address))
        .filter(|word| is_address(word))
        .map(str::to_owned)
        .collect()
}

/// Mailboxes of servers, whom nobody writes to.
pub(super) fn is_of_a_server(address: &str) -> bool {
    let local = address.split('@').next().unwrap_or_default();
    [
        "mailer-daemon",
        "postmaster",
        "mail-daemon",
        "mailerdaemon",
        "abuse",
    ]
    .contains(&local)
}

/// `local@domain`, strictly enough that prose, links and Message-IDs of most kinds are none.
pub(super) fn is_address(word: &str) -> bool {
    let Some((local, domain)) = word.rsplit_once('@') else {
        return false;
    };
    let local_ok = !local.is_empty()
        && local.len() <= 64
        && !local.contains(|c: char| {
            c.is_whitespace() || c.is_control() || "<>()[],;:\\\"@".contains(c) || is_wide_mark(c)
        });
    let domain_ok = !domain.is_empty()
        && domain.len() <= 255
        && !domain.starts_with(['.', '-'])
        && !domain.ends_with(['.', '-'])
        && domain
            .chars()
            .all(|c| c.is_alphanumeric() || c == '.' || c == '-' || c == '_');
    local_ok && domain_ok
}

/// Punctuation of Chinese and Japanese, between which stand no blanks.
fn is_wide_mark(c: char) -> bool {
    matches!(
        c,
        '\u{3001}'..='\u{3011}' | '\u{ff08}' | '\u{ff09}' | '\u{ff0c}' | '\u{ff1a}' | '\u{ff1b}'
    )
}

fn unlabelled(line: &str) -> &str {
    let mut rest = line
        .trim_start_matches(['*', '\u{2022}', '\u{b7}', '-', '+', '>'])
        .trim_start();
    if crate::notice::human::is_reply(rest) && rest.contains('@') {
        let code = |c: char| c.is_ascii_digit() || c == '.' || c == '-';
        rest = rest
            .trim_start_matches(code)
            .trim_start()
            .trim_start_matches(code)
            .trim_start();
    }
    loop {
        let label = LABELS.iter().find(|label| {
            rest.get(..label.len())
                .is_some_and(|start| start.eq_ignore_ascii_case(label))
        });
        match label {
            Some(label) => rest = rest[label.len()..].trim_start(),
            None => break,
        }
    }
    rest
}

/// The address at the start, in any of the forms servers write it in, and what follows.
fn token(rest: &str) -> Option<(&str, &str)> {
    const PAIRS: [(char, char); 4] = [('<', '>'), ('"', '"'), ('\'', '\''), ('[', ']')];
    let pair = PAIRS.iter().find(|(open, _)| rest.starts_with(*open));
    let (word, after) = match pair {
        Some((_, close)) => {
            let inner = &rest[1..];
            let end = inner.find(*close)?;
            (&inner[..end], &inner[end + 1..])
        }
        None => {
            let end = rest
                .find(|c: char| c.is_whitespace() || ",;<(".contains(c))
                .unwrap_or(rest.len());
            (&rest[..end], &rest[end..])
        }
    };
    let word = ["smtp:", "SMTP:", "mailto:", "rfc822;", "RFC822;", "smtp;"]
        .iter()
        .find_map(|prefix| word.strip_prefix(prefix))
        .unwrap_or(word)
        .trim();
    let bare = word.trim_end_matches([':', '.']);
    is_address(bare).then_some((bare, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn at_the_start_of_a_line() {
        for line in [
            "<bob@example.net>:",
            "\"bob@example.net\":",
            "  bob@example.net",
            "  bob@example.net: forced freeze",
            " > bob@example.net",
            "\t* bob@example.net",
            "550 5.1.1 <bob@example.net>... User unknown",
            "421 bob@example.net... Deferred",
            "\tRecipient: [SMTP:bob@example.net]",
            "  RCPT TO: bob@example.net",
            "Recipient address: bob@example.net",
            "There was an error delivering your mail to <bob@example.net>.",
            "bob@example.net Invalid Address, ERROR_CODE :550",
            "[Status: Error, Address: <bob@example.net>, ResponseCode 421, , Host not reachable.]",
            "      bob@example.net on Tue, 24 Nov 2026 06:40:11 +0000",
            "bob@example.net<mailto:bob@example.net>",
            "Unknown user: bob@example.net",
            "Failed to deliver to 'bob@example.net'",
        ] {
            assert_eq!(leading(line), ["bob@example.net"], "{line}");
        }
        assert_eq!(
            leading("<a@example.net>, <b@example.net>: no"),
            ["a@example.net", "b@example.net"]
        );
    }

    #[test]
    fn prose_and_links_are_none() {
        for line in [
            "please write to bob@example.net",
            "https://example.net/@bob",
            "<https://example.net/?a@b>",
            "host mx.example.net said: 550 <bob@example.net> unknown",
            "@example.net",
            "a@b@",
            "550 No",
            "",
        ] {
            assert!(leading(line).is_empty(), "{line}");
        }
        assert_eq!(
            anywhere("ask <mailto:bob@example.net>, or eve@example.com."),
            ["bob@example.net", "eve@example.com"]
        );
        let chinese = "\u{6536}\u{4ef6}\u{4eba}\u{ff1a}bob@example.net\u{ff08}x\u{ff09}";
        assert!(leading(chinese).is_empty());
        assert_eq!(anywhere(chinese), ["bob@example.net"]);
    }
}
