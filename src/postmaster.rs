//! Telling the other side: a letter to the postmaster of a domain whose TLS fails.
//!
//! It carries `TLS-Required: No`, or it would be held back by what it reports: the use that RFC 8689
//! (section 3, appendix A.2) has in mind. It is a letter by a person, no TLS report (RFC 8460), and
//! has none of that report's fields. It tells what failed, where and when, and nothing of the message
//! that waits: no subject, no text, no mailbox of a recipient.
//!
//! What a notice says is not to be trusted: every word of it is made safe, quoted and cut to a length.

use std::collections::HashMap;
use std::io;

use mail_builder::MessageBuilder;

use crate::message::resubmission::OPT_OUT;
use crate::message::text::rfc3339;
use crate::notice::{Action, Notice, RecipientReport};

mod fault;
mod words;

use words::{Private, paragraph, quote};

/// Of one domain at most this many different failures are told.
const MAX_FAILURES: usize = 3;

/// A domain whose TLS failed, as one notice tells it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failing<'a> {
    /// The domain in A-labels (RFC 5890), in lower case.
    pub domain: String,
    /// What the notice says of its recipients.
    reports: Vec<&'a RecipientReport>,
}

/// A letter that is ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Letter {
    /// `postmaster@` the failing domain, which must exist (RFC 5321 section 4.5.1).
    pub to: String,
    /// Its subject.
    pub subject: String,
    /// Its text with LF line ends, safe to show.
    pub text: String,
    /// The whole message with CRLF line ends, [`OPT_OUT`] first.
    pub bytes: Vec<u8>,
}

/// Why there is no letter.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The sender's address cannot stand in a header field as it is.
    #[error("{0:?} cannot be the sender of a letter; choose an account with a plain address")]
    From(String),
    /// Writing into memory failed.
    #[error("cannot write the letter: {0}")]
    Write(#[from] io::Error),
}

/// The domains of a notice where TLS failed at the other side, each once, in the order of the notice.
///
/// The domain is that of the final recipient: the server spoke to that one, whatever alias led there.
pub fn failing(notice: &Notice) -> Vec<Failing<'_>> {
    let mut domains: Vec<Failing> = Vec::new();
    let mut places = HashMap::new();
    for report in &notice.recipients {
        if fault::of(report.cause).is_none() {
            continue;
        }
        let Some(domain) = domain_of(&report.final_recipient) else {
            continue;
        };
        let place = *places.entry(domain.clone()).or_insert_with(|| {
            let reports = Vec::new();
            domains.push(Failing { domain, reports });
            domains.len() - 1
        });
        domains[place].reports.push(report);
    }
    domains
}

/// The letter about one domain of [`failing`].
///
/// `id` is the left side of its Message-ID and must be unique; the right side is the sender's domain.
/// `now` is its date, in seconds since 1970.
///
/// # Errors
/// When `from` is no plain address.
pub fn letter(
    notice: &Notice,
    failing: &Failing<'_>,
    from: &str,
    id: &str,
    now: i64,
) -> Result<Letter, Error> {
    let own = domain_of(from).filter(|_| is_plain(from));
    let own = own.ok_or_else(|| Error::From(from.to_owned()))?;
    let to = format!("postmaster@{}", failing.domain);
    let subject = format!("TLS failure delivering mail to {}", failing.domain);
    let text = text(notice, failing);
    let mut bytes = format!("{OPT_OUT}\r\n").into_bytes();
    MessageBuilder::new()
        .from(from)
        .to(to.as_str())
        .subject(subject.as_str())
        .date(now)
        .message_id(format!("{id}@{own}"))
        .text_body(text.as_str())
        .write_to(&mut bytes)?;
    Ok(Letter {
        to,
        subject,
        text,
        bytes,
    })
}

fn text(notice: &Notice, failing: &Failing<'_>) -> String {
    let private = Private::of(notice);
    let safe = |value: &Option<String>| value.as_deref().map(|value| private.hide(value));
    let mut text = String::from("Hello,\n\n");
    text += &paragraph(&format!(
        "TLS failed when mail for {} was to be delivered to its mail server, and the sending server does \
         not deliver that mail without TLS.",
        failing.domain
    ));
    text += "\n";
    text += &line("Sending server", safe(&notice.reporting_mta));
    text += &line("Mail accepted", notice.arrival_date.map(time));
    text += &line("Reported", notice.envelope.date.map(time));
    let mut failures: Vec<String> = Vec::new();
    for report in &failing.reports {
        let failure = failure(report, &private);
        if !failures.contains(&failure) {
            failures.push(failure);
        }
        if failures.len() == MAX_FAILURES {
            break;
        }
    }
    text += &failures.concat();
    text += "\n";
    text += &paragraph(
        "This letter carries the field TLS-Required: No (RFC 8689), which asks the servers on its way not \
         to insist on TLS, so that it can arrive in spite of the failure. Other mail may still be waiting.",
    );
    text
}

/// One failure: what, at which server, in whose words, and what to check.
fn failure(report: &RecipientReport, private: &Private) -> String {
    let Some(fault) = fault::of(report.cause) else {
        return String::new();
    };
    let hide = |value: &String| private.hide(value);
    let said: Vec<String> = words::said(report).into_iter().map(hide).collect();
    let server = report.remote_mta.as_ref().map(hide);
    let server = server.or_else(|| said.iter().find_map(|words| words::host(words)));
    let until = report.will_retry_until.map_or(String::new(), |until| {
        format!(", tried until {}", time(until))
    });
    let state = match report.action {
        Action::Failed => "given up".to_owned(),
        _ => format!("delayed{until}"),
    };
    let mut text = format!(
        "\n{}\n",
        line("What failed", Some(fault.what.to_owned())).trim_end()
    );
    text += &line("Receiving server", server);
    text += &line("Status", report.status.as_ref().map(hide));
    text += &line("State", Some(state));
    if !said.is_empty() {
        text += "\nIn the words of the notice:\n\n";
        text += &said
            .iter()
            .map(|words| quote(words))
            .collect::<Vec<_>>()
            .join(">\n");
    }
    text += "\nWhat to check:\n\n";
    text.extend(fault.check.lines().map(paragraph));
    text
}

fn line(name: &str, value: Option<String>) -> String {
    let name = format!("{name}:");
    value.map_or(String::new(), |value| {
        words::wrapped(&format!("{name:<18}"), &" ".repeat(18), &value)
    })
}

/// `2026-11-24 06:00:12 UTC`.
fn time(seconds: i64) -> String {
    rfc3339(seconds).replace('T', " ").replace('Z', " UTC")
}

/// The domain of an address in A-labels, if it is one that DNS could have. No address literal.
fn domain_of(address: &str) -> Option<String> {
    let (_, domain) = address.rsplit_once('@')?;
    let domain = idna::domain_to_ascii_strict(domain.trim_end_matches('.')).ok()?;
    let is_number = |label: &str| label.bytes().all(|byte| byte.is_ascii_digit());
    let is_name = domain.rsplit('.').next().is_some_and(|top| !is_number(top));
    is_name.then_some(domain)
}

/// Can the address stand between angle brackets without quotes (RFC 5322 section 3.4.1, RFC 6532)?
fn is_plain(address: &str) -> bool {
    let (local, _) = address.rsplit_once('@').unwrap_or_default();
    let is_text = |c: char| {
        c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || c.is_alphanumeric()
    };
    local
        .split('.')
        .all(|atom| !atom.is_empty() && atom.chars().all(is_text))
}
