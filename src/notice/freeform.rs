//! Notices without a machine part: qmail and all who write its format, Exim before 4.86, Gmail
//! before 2016, Zoho, Sendmail before 8.8, Exchange's plain ones, and whatever says the same in prose.
//!
//! Several things must come together, so that nothing else is taken for a notice: a mail server as
//! author, a recipient, and two of these: the words of an opening ([`OPENINGS`]) outside any
//! quotation, a subject as servers write it, the returned message. Exim's and Gmail's own field
//! `X-Failed-Recipients` counts as much as two, and so does a returned message that whoever got the
//! notice had sent. Without that, nothing from a person's mailbox is a notice.

use std::borrow::Cow;
use std::collections::HashSet;

use crate::message::{header, text};
use crate::notice::author::Look;
use crate::notice::copy::{self, Cut};
use crate::notice::mime::Entity;
use crate::notice::phrases::{DELAYED, DELIVERED, GIVEN_UP, OPENINGS};
use crate::notice::report::{self, Parts};
use crate::notice::returned::{self, Copy};
use crate::notice::status::{PerMessage, PerRecipient};
use crate::notice::{Account, Action, mailbox};

/// Of the text at most this many bytes are read; the returned message may go on.
const MAX_TEXT: usize = 1 << 20;

/// Recipients after these are not read.
const MAX_RECIPIENTS: usize = 1000;

/// The account of a notice without a machine part, if the message is one.
pub(super) fn account<'a>(message: &'a [u8], look: &Look<'_>) -> Option<Account<'a>> {
    let by_a_server = look.is_from_a_server() || look.failed_recipients.is_some();
    if look.is_passed_on() || !(by_a_server || look.subject) {
        return None;
    }
    let parts = Parts::of(&Entity::new(message));
    if parts.is_other_report {
        return None;
    }
    let content: Cow<'_, [u8]> = match plain_part(&parts.human) {
        Some(part) => part.content(MAX_TEXT),
        None => Cow::Owned(report::human_text(&parts.human).into_bytes()),
    };
    let cut = copy::cut(&content, parts.returned.is_none());
    let copy = match &parts.returned {
        Some(part) => Copy::of_part(part),
        None => Copy {
            bytes: cut.copy.unwrap_or_default().to_vec().into(),
            extent: cut.extent,
        },
    };
    let words = decoded(&parts.human, &cut);
    let plain = plain(&words);
    let opened = OPENINGS.iter().any(|opening| plain.contains(opening));
    let returns = !copy.bytes.is_empty();
    if !is_notice(look, opened, returns, || is_ours(message, &copy.bytes)) {
        return None;
    }
    let action = action(&plain);
    let groups: Vec<PerRecipient> = recipients(&words, look, message, &copy.bytes)
        .into_iter()
        .map(|recipient| PerRecipient {
            final_recipient: Some(recipient),
            action: Some(action),
            ..PerRecipient::default()
        })
        .collect();
    let per_message = PerMessage {
        original_id: returned::named_in(&words).filter(|_| !returns),
        ..PerMessage::default()
    };
    (!groups.is_empty()).then_some(Account {
        words,
        in_prose: true,
        per_message,
        groups,
        copy: returns.then_some(copy),
    })
}

/// Do enough signs come together? `opened`: one of the openings is in the words; `returns`: a message
/// came back; `ours`: whoever got the notice had sent it.
fn is_notice(look: &Look<'_>, opened: bool, returns: bool, ours: impl Fn() -> bool) -> bool {
    let named = look.has_the_name_of_a_server();
    if look.failed_recipients.is_some() {
        true
    } else if named || look.is_from_nobody() {
        // In a language that the tables do not know, a message of ours must do.
        let signs = [opened, look.subject, returns];
        signs.iter().filter(|sign| **sign).count() >= 2 || (named && ours())
    } else {
        // People write about notices too, and quote what came back.
        opened && ours()
    }
}

/// Is the returned message one that whoever got the notice had sent?
fn is_ours(message: &[u8], copy: &[u8]) -> bool {
    let sent = header::first(copy, "Received").or(header::first(copy, "Message-ID"));
    let got = addresses(
        message,
        &["To", "Delivered-To", "X-Original-To", "Envelope-To"],
    );
    let ours = |address| got.contains(address);
    sent.is_some()
        && addresses(copy, &["From", "Sender", "Return-Path", "Reply-To"])
            .iter()
            .any(ours)
}

/// The addresses in the first fields of these names, in lower case.
fn addresses(block: &[u8], names: &[&str]) -> Vec<String> {
    names
        .iter()
        .filter_map(|name| header::first(block, name))
        .flat_map(|field| text::addresses(super::start(&field)))
        .map(|address| address.to_lowercase())
        .collect()
}

/// The only part, if words and returned message can be told apart in its bytes.
fn plain_part<'p, 'a>(parts: &'p [Entity<'a>]) -> Option<&'p Entity<'a>> {
    match parts {
        [part] if !part.is_html() && part.is_ascii_based() => Some(part),
        _ => None,
    }
}

/// The words in the charset of their part.
fn decoded(parts: &[Entity<'_>], cut: &Cut<'_>) -> String {
    match plain_part(parts) {
        Some(part) => part.decode(cut.words),
        None => String::from_utf8_lossy(cut.words).into_owned(),
    }
}

/// Lower case, one blank between words, quoted lines left out.
fn plain(words: &str) -> String {
    let mut plain = String::with_capacity(words.len());
    for line in words.lines().filter(|line| !is_quoted(line)) {
        for word in line.split_whitespace() {
            plain.push_str(&word.to_lowercase());
            plain.push(' ');
        }
    }
    plain.replace('\u{2019}', "'")
}

/// Quoted by a person. Servers write `>>>` before a command, MDaemon `>` before an address and
/// nothing else, others `|---` around a heading.
fn is_quoted(line: &str) -> bool {
    let line = line.trim_start();
    let person = |rest: &str| !rest.starts_with(">>") && !mailbox::is_address(rest.trim());
    line.strip_prefix('>').is_some_and(person) || (line.starts_with('|') && !line.contains("---"))
}

fn action(plain: &str) -> Action {
    let says = |phrases: &[&str]| phrases.iter().any(|phrase| plain.contains(phrase));
    if says(GIVEN_UP) {
        Action::Failed
    } else if says(DELAYED) {
        Action::Delayed
    } else if says(DELIVERED) {
        Action::Delivered
    } else {
        Action::Failed
    }
}

/// Whom the notice is about, by the surest source that names anybody: the server's own field, the
/// lines that start with an address, an address in the prose that the original was sent to, the
/// only recipient of the original.
fn recipients(words: &str, look: &Look<'_>, message: &[u8], copy: &[u8]) -> Vec<String> {
    let own = addresses(message, &["From", "To", "Delivered-To", "Return-Path"]);
    let foreign = |address: &String| {
        let address = address.to_lowercase();
        !own.contains(&address) && !mailbox::is_of_a_server(&address)
    };
    let sent_to: Vec<String> = ["To", "Cc", "Bcc", "Envelope-To", "X-Envelope-To"]
        .iter()
        .filter_map(|name| header::first(copy, name))
        .flat_map(|field| text::addresses(super::start(&field)))
        .collect();
    let named = |address: &&String| sent_to.iter().any(|to| to.eq_ignore_ascii_case(address));

    let by_field = look
        .failed_recipients
        .map(|field| text::addresses(super::start(&field)))
        .unwrap_or_default();
    let lines = || words.lines().filter(|line| !is_quoted(line));
    let leading: Vec<String> = lines().flat_map(mailbox::leading).collect();
    let anywhere: Vec<String> = lines().flat_map(mailbox::anywhere).collect();

    // Anybody may use the null return path: then an address that merely occurs is no recipient.
    let one = usize::from(look.has_the_name_of_a_server() || !copy.is_empty());
    // Somebody may write to themselves, or to a postmaster: such an address counts where no other does.
    let sources = [
        by_field,
        leading.iter().filter(|a| foreign(a)).cloned().collect(),
        anywhere
            .iter()
            .filter(|a| foreign(a) && named(a))
            .cloned()
            .collect(),
        leading.iter().filter(named).cloned().collect(),
        anywhere
            .iter()
            .filter(|a| foreign(a))
            .take(one)
            .cloned()
            .collect(),
        if sent_to.len() == 1 {
            sent_to.clone()
        } else {
            Vec::new()
        },
        leading,
    ];
    let found = sources
        .into_iter()
        .find(|source: &Vec<String>| !source.is_empty());
    let mut seen = HashSet::new();
    let mut found = found.unwrap_or_default();
    found.retain(|address| seen.insert(address.to_lowercase()));
    found.truncate(MAX_RECIPIENTS);
    found
}
