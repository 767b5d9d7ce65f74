//! The part of a notice that people read: which words belong to which recipient.
//!
//! Every server names a recipient at the start of a line and gives the reason behind it or on the
//! lines below, further indented. Sendmail adds a transcript of the session. One pass over the text;
//! only addresses that the machine part knows count, so that prose and quoted subjects do not.

use std::collections::HashMap;
use std::rc::Rc;

use crate::notice::transcript::{Heard, MAX_REASON, Session, Transcript, push};

/// What the text says about one recipient.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Passage {
    /// The reason, on one line.
    pub(super) reason: String,
    /// What Sendmail's transcript shows before it.
    pub(super) session: Rc<Session>,
    /// All that remote servers say in that transcript.
    pub(super) heard: Rc<Heard>,
    /// Sendmail's transcript has a line about the recipient.
    in_transcript: bool,
}

/// Words after these headings are about the only recipient: mox (`queue/dsn.go`), ZoneMTA
/// (`bounces.js`), Gmail, Haraka (`outbound/hmail.js`), James (`AbstractNotify.java`), Exchange,
/// Cisco AsyncOS.
const HEADINGS: [&str; 10] = [
    "Error during the last delivery attempt:",
    "Technical details of the failure:",
    "Technical details of temporary failure:",
    "Technical details of permanent failure:",
    "The error that the other server returned was:",
    "Failure Reason:",
    "Error message below:",
    "Error message:",
    "The reason for the problem:",
    "Remote Server returned",
];

/// For each of `recipients` (its final address first, then others for it) what `text` says about it.
///
/// An address may stand for several recipients; the text then speaks of all of them.
pub(super) fn passages(text: &str, recipients: &[Vec<&str>]) -> Vec<Passage> {
    let mut known = HashMap::new();
    for rank in 0..3 {
        for (i, names) in recipients.iter().enumerate() {
            if let Some(name) = names.get(rank) {
                known.entry(name.to_lowercase()).or_insert(i);
            }
        }
    }
    let mut reader = Reader {
        bare_names: known.keys().any(|name| !name.contains('@')),
        known,
        passages: vec![Passage::default(); recipients.len()],
        is_open: false,
        entry: Vec::new(),
        indent: Some(0),
        transcript: Transcript::default(),
        heading: false,
    };
    for line in text.lines() {
        reader.line(line);
    }
    let (unclaimed, heard) = std::mem::take(&mut reader.transcript).finish();
    for passage in &mut reader.passages {
        passage.heard = Rc::clone(&heard);
        if !passage.in_transcript {
            passage.session = Rc::clone(&unclaimed);
        }
    }
    let slot = |name: &&str| reader.known.get(&name.to_lowercase()).copied();
    let places = recipients.iter().enumerate().map(|(own, names)| {
        // The members of an alias may have its address as their final one, all of them.
        let by_own_name = names.iter().filter_map(slot).find(|i| *i == own);
        by_own_name.or_else(|| slot(names.first()?))
    });
    handed_out(reader.passages, &places.collect::<Vec<_>>())
}

/// The passages at these places. Only one that several have is copied: there may be ten thousand.
fn handed_out(mut passages: Vec<Passage>, places: &[Option<usize>]) -> Vec<Passage> {
    let mut takers = vec![0; passages.len()];
    places.iter().flatten().for_each(|&i| takers[i] += 1);
    let mut hand_out = |place: &Option<usize>| {
        let i = (*place)?;
        takers[i] -= 1;
        Some(match takers[i] {
            0 => std::mem::take(&mut passages[i]),
            _ => passages[i].clone(),
        })
    };
    places
        .iter()
        .map(|place| hand_out(place).unwrap_or_default())
        .collect()
}

struct Reader {
    known: HashMap<String, usize>,
    /// Some recipient is a name without a domain.
    bare_names: bool,
    passages: Vec<Passage>,
    /// A reason goes on.
    is_open: bool,
    /// The recipients whose reason it is and still has room, and how far their line was indented; without
    /// that the reason is a paragraph below, which ends at an empty line (qmail, Gmail).
    entry: Vec<usize>,
    indent: Option<usize>,
    transcript: Transcript,
    /// The last line with words was one of the headings.
    heading: bool,
}

impl Reader {
    fn line(&mut self, line: &str) {
        let content = line.trim();
        if content.is_empty() {
            self.is_open = false;
            return;
        }
        let indent = line.len() - line.trim_start().len();
        let below = self.is_open && self.indent.is_none();
        let transcript = match self.is_open {
            true => indent == 0 && !below,
            false => indent == 0 || content.starts_with(['<', '>']),
        };
        if transcript && self.transcript.take(content) {
            self.is_open = false;
            return;
        }
        let (named, rest) = self.addresses(without_noise(content));
        if !named.is_empty() {
            let sendmail = rest.starts_with("...");
            let session = sendmail.then(|| self.transcript.claim());
            for &i in &named {
                push(&mut self.passages[i].reason, reason(rest));
                if let Some(session) = &session {
                    Session::follow(&mut self.passages[i].session, session);
                    self.passages[i].in_transcript = true;
                }
            }
            let below = content.ends_with(':') && matches!(rest.trim(), "" | ":" | "\":");
            self.indent = (!below).then_some(indent);
            (self.is_open, self.entry) = (true, named);
        } else if self.is_open && self.indent.is_none_or(|entry| indent > entry) {
            let passages = &mut self.passages;
            self.entry.retain(|&i| {
                push(&mut passages[i].reason, content);
                passages[i].reason.len() < MAX_REASON
            });
        } else {
            self.is_open = false;
            self.prose(content);
        }
    }

    /// The reason of the only recipient, under its heading.
    fn prose(&mut self, content: &str) {
        let [passage] = &mut self.passages[..] else {
            return;
        };
        let heading = HEADINGS
            .iter()
            .find_map(|heading| content.strip_prefix(heading));
        if std::mem::take(&mut self.heading) && heading.is_none() {
            push(&mut passage.reason, content);
            (self.is_open, self.entry, self.indent) = (true, vec![0], None);
        }
        if let Some(rest) = heading {
            push(&mut passage.reason, rest.trim());
            self.heading = rest.trim().is_empty();
        }
    }

    /// The known recipients at the start of a line, and what follows them.
    fn addresses<'t>(&self, content: &'t str) -> (Vec<usize>, &'t str) {
        let mut rest = content.strip_prefix("Delivery to ").unwrap_or(content);
        if is_reply(rest) {
            rest = rest
                .trim_start_matches(|c: char| !c.is_whitespace() && c != '<')
                .trim_start();
            rest = rest
                .trim_start_matches(|c: char| c.is_ascii_digit() || c == '.')
                .trim_start();
        }
        let mut named = Vec::new();
        loop {
            let quoted = |open, close| {
                rest.strip_prefix(open)
                    .and_then(|r: &'t str| r.split_once(close))
            };
            let (address, after) = match quoted('<', '>').or_else(|| quoted('"', '"')) {
                Some(pair) => pair,
                None => rest.split_at(word_end(rest)),
            };
            let address = address.strip_suffix(':').unwrap_or(address);
            // Most lines start with a word that cannot be an address.
            let Some(&i) = (address.contains('@') || self.bare_names)
                .then(|| self.known.get(&unescaped(address).to_lowercase()))
                .flatten()
            else {
                return (named, rest);
            };
            named.push(i);
            let Some(next) = after.strip_prefix(',') else {
                return (named, after);
            };
            rest = next.trim_start();
        }
    }
}

/// Where the first word ends: at a blank, or at the dots of Sendmail (`bob@example.net... Deferred`).
fn word_end(rest: &str) -> usize {
    let end = rest.find(char::is_whitespace).unwrap_or(rest.len());
    rest[..end].find("...").unwrap_or(end)
}

/// Does the line start with an SMTP reply code?
pub(super) fn is_reply(line: &str) -> bool {
    let bytes = line.as_bytes();
    bytes.len() > 3
        && bytes[..3].iter().all(u8::is_ascii_digit)
        && matches!(bytes[0], b'2'..=b'5')
        && matches!(bytes[3], b' ' | b'-')
}

/// Sendmail copies what a peer sent in place of a TLS handshake before the line of the recipient.
fn without_noise(content: &str) -> &str {
    let noisy = content.starts_with(|c: char| c.is_control()) && content.contains(">... ");
    content
        .find('<')
        .filter(|_| noisy)
        .map_or(content, |at| &content[at..])
}

/// All that a notice says, where it has one reason for everybody: on one line, without the subject
/// of the message, which is the user's.
pub(super) fn prose(text: &str) -> String {
    let mut reason = String::new();
    for line in text.lines() {
        let line = line.trim();
        let lower = line.get(..24).unwrap_or(line).to_ascii_lowercase();
        if !lower.contains("subject") && !line.starts_with('>') {
            push(&mut reason, line);
        }
    }
    reason
}

/// What follows an address, without the punctuation that joins them.
fn reason(rest: &str) -> &str {
    let rest = rest.trim_start();
    let rest = match rest
        .strip_prefix("(expanded from ")
        .and_then(|r| r.split_once("):"))
    {
        Some((_, rest)) => rest,
        None => rest,
    };
    rest.trim_start_matches([':', '.']).trim()
}

/// Exim writes bytes that are not ASCII as `\303\274` (`string.c`, `string_printing`).
fn unescaped(address: &str) -> String {
    if !address.contains('\\') {
        return address.to_owned();
    }
    let bytes = address.as_bytes();
    let (mut result, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while at < bytes.len() {
        let octal = (bytes[at] == b'\\')
            .then(|| address.get(at + 1..at + 4))
            .flatten()
            .and_then(|digits| u8::from_str_radix(digits, 8).ok());
        result.push(octal.unwrap_or(bytes[at]));
        at += if octal.is_some() { 4 } else { 1 };
    }
    String::from_utf8_lossy(&result).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reasons(text: &str, recipients: &[&str]) -> Vec<String> {
        let recipients: Vec<_> = recipients.iter().map(|name| vec![*name]).collect();
        passages(text, &recipients)
            .into_iter()
            .map(|passage| passage.reason)
            .collect()
    }

    #[test]
    fn postfix() {
        let text = "Hello\n\n<B@example.net>: host mx[1] said:\n    450 later\n\n\
            <c@example.net> (expanded from\n    <d@example.net>): no\n\n<e@example.net>: other";
        assert_eq!(
            reasons(text, &["b@example.net", "c@example.net"]),
            [
                "host mx[1] said: 450 later",
                "(expanded from <d@example.net>): no"
            ]
        );
    }

    #[test]
    fn exim() {
        let text = "The subject is: b@example.net\n\n  b@example.net\n    host mx [192.0.2.1]\n  \
            j\\303\\274@example.net\n    (generated from x@example.org)\n    Unrouteable\n";
        assert_eq!(
            reasons(text, &["b@example.net", "j\u{fc}@example.net"]),
            [
                "host mx [192.0.2.1]",
                "(generated from x@example.org) Unrouteable"
            ]
        );
    }

    #[test]
    fn opensmtpd() {
        let text =
            "    Hi!\n\no'neil@example.net: 451 later\nb@example.net: Network error\n\n    Please";
        assert_eq!(
            reasons(text, &["b@example.net", "o'neil@example.net"]),
            ["Network error", "451 later"]
        );
    }

    #[test]
    fn mox_names_no_recipient_at_the_reason() {
        let text = "Delivery has been delayed of your email to:\n\n\tb@example.net\n\nNext attempts.\n\n\
            Error during the last delivery attempt:\n\n\ttls error: bad, transient\n\nFull SMTP response:\n\n\t4";
        assert_eq!(
            reasons(text, &["b@example.net"]),
            ["tls error: bad, transient"]
        );
    }

    #[test]
    fn one_address_for_several_recipients() {
        let recipients = [
            vec!["b@example.net", "c@example.net"],
            vec!["c@example.net"],
            vec!["B@example.net"],
        ];
        let text = "<c@example.net>: three\n<b@example.net>: two\n";
        let reasons: Vec<_> = passages(text, &recipients)
            .into_iter()
            .map(|p| p.reason)
            .collect();
        assert_eq!(reasons, ["two", "three", "two"]);
        let submitted = [vec!["d@example.net", "e@example.net"]];
        assert_eq!(
            passages("<e@example.net>: four", &submitted)[0].reason,
            "four"
        );
    }

    #[test]
    fn sendmail_transcript() {
        let text = "   ----- Transcript -----\n... while talking to mx.:\n>>> STARTTLS dialogue\n<<< 454 no\n\
            454 4.7.0 DANE check failed.\n<b@example.net>,<c@example.net>... Deferred: 454 no\n\
            550 5.1.1 <d@example.net>... User unknown\n";
        let recipients = [
            vec!["b@example.net"],
            vec!["c@example.net"],
            vec!["d@example.net"],
        ];
        let passages = passages(text, &recipients);
        let first = Session {
            command: Some("STARTTLS dialogue".to_owned()),
            replies: "454 no".to_owned(),
            remarks: "454 4.7.0 DANE check failed.".to_owned(),
        };
        let read: Vec<_> = passages
            .iter()
            .map(|p| (p.reason.as_str(), &*p.session))
            .collect();
        let none = &Session::default();
        let expected = [
            ("Deferred: 454 no", &first),
            ("Deferred: 454 no", &first),
            ("User unknown", none),
        ];
        assert_eq!(read, expected);
    }
}
