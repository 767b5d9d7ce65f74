//! `Authentication-Results`: what a server found out about a message that it took (RFC 8601).
//!
//! Anyone can write such a field into the mail that he sends, in the name of any server. RFC 8601
//! section 5 wants a server to remove those that use its name, and many do not. So what counts is the
//! place. A server on the way writes on top of what it was given (RFC 5321 section 4.4), so everything
//! above the `Received` field of the server that took the message from outside was written by the
//! user's own servers, and everything below may be the sender's.
//!
//! Which `Received` field that is cannot be told from the hosts in it: the client chooses the name that
//! it gives, and behind an address translation every client comes from a private address. It is taken
//! to be the topmost one that does not speak of LMTP, which is for the way into the mailbox only
//! (RFC 2033 section 5). A field below it does not count, even where it is genuine: OpenDKIM has Postfix
//! and Sendmail put it there, just where a sender's own field would stand (OpenDKIM: `dkimf_add_ar_fields`;
//! Postfix: `cleanup_milter.c`). Exim's `:at_start:` puts it on top.

use super::MAX_VALUE;
use crate::message::header::Field;

/// One `Authentication-Results` field.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Results {
    /// The authserv-id: who says so, or who the sender pretends does. In lower case.
    pub server: String,
    /// Domains whose DKIM signature holds (`dkim=pass`), in lower case.
    pub signers: Vec<String>,
    /// A DKIM signature does not hold (`dkim=fail`).
    pub is_broken: bool,
    /// It stands above the `Received` field of the server that took the message from outside.
    pub is_above: bool,
}

impl Results {
    /// Reads a field. `None` for one that is not well-formed, which says nothing.
    pub(super) fn read(field: &Field<'_>, is_above: bool) -> Option<Results> {
        // A cut value could end in the midst of a domain name.
        if field.value().len() > MAX_VALUE {
            return None;
        }
        let segments = segments(&field.text())?;
        let (head, infos) = segments.split_first()?;
        let is_version_1 = head.get(1).is_none_or(|version| version == "1");
        let server = head.first().filter(|_| is_version_1)?;
        let mut results = Results {
            server: server.to_ascii_lowercase(),
            is_above,
            ..Results::default()
        };
        for info in infos {
            let method = info.first().map(|word| word.to_ascii_lowercase());
            match method.as_deref() {
                Some("dkim=pass" | "dkim/1=pass") => results.signers.extend(signer(info)),
                Some("dkim=fail" | "dkim/1=fail") => results.is_broken = true,
                _ => {}
            }
        }
        Some(results)
    }
}

/// The domain that a signature stands for: `header.d`, or what `header.i` has behind its `@`, which is
/// the same domain or one below it (RFC 6376 section 3.5). Two that differ stand for none.
fn signer(info: &[String]) -> Option<String> {
    let values = |name: &str| -> Vec<String> {
        let values = info.iter().filter_map(|word| word.split_once('='));
        let named = values.filter(|(key, _)| key.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.to_ascii_lowercase()).collect()
    };
    let mut domains = values("header.d");
    if domains.is_empty() {
        let identities = values("header.i").into_iter();
        domains = identities
            .filter_map(|id| Some(id.rsplit_once('@')?.1.to_owned()))
            .collect();
    }
    domains.dedup();
    match &mut domains[..] {
        [domain] => Some(std::mem::take(domain)),
        _ => None,
    }
}

/// Does this `Received` field tell of the way from a server into the mailbox? Its client names itself as
/// it likes, so a field in which a word comes twice is not believed.
pub(super) fn is_lmtp(received: &str) -> bool {
    // Most fields are told by this alone, without taking them apart.
    let mut fours = received.as_bytes().windows(4);
    if !fours.any(|four| four.eq_ignore_ascii_case(b"lmtp")) {
        return false;
    }
    let Some(segments) = segments(received) else {
        return false;
    };
    let words: Vec<String> = segments
        .concat()
        .iter()
        .map(|word| word.to_ascii_lowercase())
        .collect();
    let once = |word: &str| words.iter().filter(|w| *w == word).count() == 1;
    let at = words.iter().position(|word| word == "with");
    let protocol = at.and_then(|at| words.get(at + 1));
    let is_lmtp = protocol.is_some_and(|name| {
        // RFC 3848 and RFC 6531 section 4.3.
        let name = name.strip_prefix("utf8").unwrap_or(name);
        matches!(name, "lmtp" | "lmtpa" | "lmtps" | "lmtpsa")
    });
    is_lmtp && once("by") && once("with")
}

/// The words between semicolons, comments left out; what is quoted stays within its word. `None` where a
/// comment or quote has no end.
fn segments(value: &str) -> Option<Vec<Vec<String>>> {
    let mut segments = vec![Vec::new()];
    let mut word = String::new();
    let mut chars = value.chars();
    while let Some(c) = chars.next() {
        if c == '"' {
            quoted(&mut chars, &mut word)?;
            continue;
        }
        if c != '(' && c != ';' && !c.is_whitespace() {
            word.push(c);
            continue;
        }
        if c == '(' {
            skip_comment(&mut chars)?;
        }
        if !word.is_empty() {
            segments.last_mut()?.push(std::mem::take(&mut word));
        }
        if c == ';' {
            segments.push(Vec::new());
        }
    }
    if !word.is_empty() {
        segments.last_mut()?.push(word);
    }
    Some(segments)
}

fn quoted(chars: &mut std::str::Chars<'_>, word: &mut String) -> Option<()> {
    loop {
        match chars.next()? {
            '"' => return Some(()),
            '\\' => word.push(chars.next()?),
            c => word.push(c),
        }
    }
}

/// Comments may hold comments (RFC 5322 section 3.2.2).
fn skip_comment(chars: &mut std::str::Chars<'_>) -> Option<()> {
    let mut depth = 1;
    while depth > 0 {
        match chars.next()? {
            '(' => depth += 1,
            ')' => depth -= 1,
            '\\' => {
                chars.next()?;
            }
            _ => {}
        }
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::header;

    fn read(value: &str) -> Option<Results> {
        let message = format!("Authentication-Results: {value}\n\n");
        let field = header::fields(message.as_bytes()).next().unwrap();
        Results::read(&field, true)
    }

    fn signers(value: &str) -> Vec<String> {
        read(value).map_or_else(Vec::new, |results| results.signers)
    }

    #[test]
    fn what_servers_write() {
        for value in [
            "mail.example.org; dkim=pass header.d=example.org",
            "Mail.Example.ORG 1;\n\tspf=none smtp.mailfrom=x;\n\tDKIM=Pass (2048-bit (RSA); \") reason=\"ok; \
             no\"\n\theader.D=Example.org header.i=@example.org header.b=aB/+=",
            "(c) mail.example.org(c);dkim/1=pass(good)header.i=\"@example.org\"",
        ] {
            let results = read(value).expect(value);
            assert_eq!(results.server, "mail.example.org", "{value}");
            assert_eq!(results.signers, ["example.org"], "{value}");
            assert!(!results.is_broken, "{value}");
        }
        let failed = read("m; dkim=fail header.d=a.test; dkim=pass header.d=b.test").unwrap();
        assert!(failed.is_broken);
        assert_eq!(failed.signers, ["b.test"]);
        assert_eq!(read("mail.example.org; none").unwrap().signers.len(), 0);
    }

    /// What an attacker can bring into a field that the server wrote itself.
    #[test]
    fn a_value_never_ends_early() {
        for value in [
            "m; spf=pass smtp.mailfrom=\"x; dkim=pass header.d=example.org\"@evil.test",
            "m; dkim=pass header.d=evil.test header.i=\"x header.d=example.org\"@evil.test",
            "m; dkim=pass (header.d=example.org) header.d=evil.test",
            "m; dkim=fail reason=\"x\\\"; dkim=pass header.d=example.org\"",
            "m; dkim=none (; dkim=pass header.d=example.org)",
            "m; dkim=pass header.d=evil.test header.d=example.org",
            "m; x-dkim=pass header.d=example.org",
            "m; auth=pass header.d=example.org",
            "m 2; dkim=pass header.d=example.org",
            "m; dkim=pass header.d=example.org (no end",
            "m; dkim=pass header.d=example.org x=\"no end",
            "",
        ] {
            assert!(
                !signers(value).contains(&"example.org".to_owned()),
                "{value}"
            );
        }
        let long = format!(
            "m; dkim=pass header.d=example.org{}.evil.test",
            "x".repeat(MAX_VALUE)
        );
        assert_eq!(read(&long), None);
    }

    #[test]
    fn the_way_into_the_mailbox() {
        for lmtp in [
            "from mx.example.org by imap.example.org (Dovecot) with LMTP id x; Tue",
            "from mx by imap with UTF8LMTPS (c) id x",
        ] {
            assert!(is_lmtp(lmtp), "{lmtp}");
        }
        for other in [
            "from evil.test (evil.test [203.0.113.9]) by mx.example.org with ESMTP; Tue",
            "from x by y with LMTP (evil.test [203.0.113.9]) by mx.example.org with ESMTP",
            "from (with LMTP) by mx.example.org with SMTP",
            "by mx.example.org (Postfix) id 1; Tue",
            "from x (open by y with LMTP",
        ] {
            assert!(!is_lmtp(other), "{other}");
        }
    }
}
