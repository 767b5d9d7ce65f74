//! Delivery reports (RFC 3464, RFC 6533): which parts make one, and what the machine part says.

use crate::message::{header, header::Field, text};
use crate::notice::author::Look;
use crate::notice::copy;
use crate::notice::mime::Entity;
use crate::notice::returned::Copy;
use crate::notice::{Account, Action};

/// Multiparts inside multiparts are opened this deep; a report lies at most two deep in practice.
const MAX_DEPTH: usize = 6;

/// Parts after these are not looked at, wherever they lie.
const MAX_PARTS: usize = 256;

/// Recipients after these are not read: a notice about more is no help to a person.
const MAX_RECIPIENTS: usize = 10_000;

/// The machine part is read up to this many bytes.
const MAX_STATUS: usize = 8 << 20;

/// Of the text for people at most this many bytes are read.
const MAX_TEXT: usize = 1 << 20;

/// The account of a report (RFC 6522 section 3), if the message is one.
///
/// A `multipart/report` says so itself. Any other multipart is taken for a report only where a mail
/// server is its author (OpenSMTPD writes `multipart/mixed`): people forward reports, and
/// lists pass them on.
pub(super) fn account<'a>(message: &'a [u8], look: &Look<'_>) -> Option<Account<'a>> {
    let top = Entity::new(message);
    if !top.media().starts_with("multipart/") {
        return None;
    }
    let is_report = if top.media() == "multipart/report" {
        is_about_delivery(&top)
    } else {
        look.is_from_a_server()
    };
    if !is_report {
        return None;
    }
    let parts = Parts::of(&top);
    let (mut per_message, mut groups) = (PerMessage::default(), Vec::new());
    for part in &parts.statuses {
        status(part, &mut per_message, &mut groups);
    }
    if groups.is_empty() {
        return None;
    }
    let words = human_text(&parts.human);
    let cut = copy::cut(words.as_bytes(), false);
    let in_text = || {
        let bytes = cut.copy?.to_vec().into();
        let extent = cut.extent;
        Some(Copy { bytes, extent })
    };
    Some(Account {
        copy: parts.returned.as_ref().map(Copy::of_part).or_else(in_text),
        words: words[..cut.words.len()].to_owned(),
        in_prose: false,
        per_message,
        groups,
    })
}

fn is_about_delivery(report: &Entity<'_>) -> bool {
    let kind = report.parameter("report-type").unwrap_or("delivery-status");
    kind.trim().eq_ignore_ascii_case("delivery-status")
}

/// The text of some parts, one below the other.
pub(super) fn human_text(parts: &[Entity<'_>]) -> String {
    let texts: Vec<_> = parts.iter().map(|part| part.text(MAX_TEXT)).collect();
    texts.join("\n\n")
}

/// The parts of a notice by what they are for.
#[derive(Default)]
pub(super) struct Parts<'a> {
    /// What people are to read, before the other two.
    pub(super) human: Vec<Entity<'a>>,
    /// `message/delivery-status` or its international form.
    statuses: Vec<Entity<'a>>,
    /// The returned message, or its header block.
    pub(super) returned: Option<Entity<'a>>,
    html: Vec<Entity<'a>>,
    seen: usize,
}

impl<'a> Parts<'a> {
    /// Sorts the parts of a message; a message that is no multipart is its own text.
    pub(super) fn of(top: &Entity<'a>) -> Self {
        let mut parts = Parts::default();
        if top.media().starts_with("multipart/") {
            parts.collect(top, 0);
        } else {
            parts.take(top.clone());
        }
        let blank = |part: &Entity<'_>| part.content(MAX_TEXT).trim_ascii().is_empty();
        if parts.human.iter().all(blank) {
            parts.human = std::mem::take(&mut parts.html);
        }
        parts
    }

    fn collect(&mut self, multipart: &Entity<'a>, depth: usize) {
        for part in multipart.parts() {
            self.seen += 1;
            if self.seen > MAX_PARTS {
                return;
            }
            if !part.media().starts_with("multipart/") {
                self.take(part);
            } else if depth < MAX_DEPTH
                && (part.media() != "multipart/report" || is_about_delivery(&part))
            {
                self.collect(&part, depth + 1);
            }
        }
    }

    fn take(&mut self, part: Entity<'a>) {
        let before = self.statuses.is_empty() && self.returned.is_none();
        match part.media() {
            "message/delivery-status" | "message/global-delivery-status" => {
                self.statuses.push(part);
            }
            "message/rfc822"
            | "message/global"
            | "text/rfc822"
            | "text/rfc822-headers"
            | "text/rfc822-header"
            | "message/rfc822-headers"
            | "message/global-headers" => {
                self.returned.get_or_insert(part);
            }
            "text/plain" if before => self.human.push(part),
            "text/html" if before => self.html.push(part),
            // Some servers give the returned header block no type of its own.
            "text/plain"
                if self.returned.is_none() && copy::starts_block(&part.content(MAX_TEXT), 3) =>
            {
                self.returned = Some(part);
            }
            _ => {}
        }
    }
}

/// The fields about the message as a whole (RFC 3464 section 2.2), as they stand.
#[derive(Debug, Default)]
pub(super) struct PerMessage {
    pub(super) reporting_mta: Option<String>,
    pub(super) arrival_date: Option<i64>,
    pub(super) envelope_id: Option<String>,
    /// `X-Original-Message-ID` of Gmail, without angle brackets.
    pub(super) original_id: Option<String>,
    /// Names of the extension fields (`X-...`), in lower case.
    pub(super) extensions: Vec<String>,
}

/// The fields about one recipient (RFC 3464 section 2.3).
#[derive(Debug, Default)]
pub(super) struct PerRecipient {
    pub(super) final_recipient: Option<String>,
    pub(super) original_recipient: Option<String>,
    pub(super) action: Option<Action>,
    pub(super) status: Option<String>,
    /// What stands in parentheses behind the status code: mox puts the error there.
    pub(super) status_comment: Option<String>,
    pub(super) remote_mta: Option<String>,
    pub(super) diagnostic: Option<String>,
    pub(super) will_retry_until: Option<i64>,
}

/// Reads the machine part. Groups of fields are separated by empty lines; servers differ in the
/// order within a group, and some leave out the empty line before the first recipient.
fn status(part: &Entity<'_>, message: &mut PerMessage, recipients: &mut Vec<PerRecipient>) {
    let content = part.content(MAX_STATUS);
    let mut rest = &*content;
    while !rest.is_empty() && recipients.len() < MAX_RECIPIENTS {
        let mut recipient = PerRecipient::default();
        for field in header::fields(rest) {
            if field.is("Final-Recipient") && recipient.final_recipient.is_some() {
                recipients.extend(complete(std::mem::take(&mut recipient)));
            }
            if !recipient.take(&field) {
                message.take(&field);
            }
        }
        recipients.extend(complete(recipient));
        rest = header::body(rest);
    }
    recipients.truncate(MAX_RECIPIENTS);
}

/// A group is about a recipient if it names one and what became of it.
fn complete(mut group: PerRecipient) -> Option<PerRecipient> {
    if group.final_recipient.is_none() {
        group.final_recipient.clone_from(&group.original_recipient);
    }
    let by_status = group
        .status
        .as_deref()
        .and_then(|status| match status.as_bytes()[0] {
            b'2' => Some(Action::Delivered),
            b'4' => Some(Action::Delayed),
            b'5' => Some(Action::Failed),
            _ => None,
        });
    group.action = group.action.or(by_status);
    (group.final_recipient.is_some() && group.action.is_some()).then_some(group)
}

impl PerMessage {
    fn take(&mut self, field: &Field<'_>) {
        if field.is("Reporting-MTA") {
            self.reporting_mta = host(field);
        } else if field.is("Arrival-Date") {
            self.arrival_date = text::date(&field.text());
        } else if field.is("Original-Envelope-Id") {
            self.envelope_id = Some(field.text()).filter(|id| !id.is_empty());
        } else if field.is("X-Original-Message-ID") {
            self.original_id = text::message_id(&field.text());
        } else if self.extensions.len() < 32 && field.name().to_ascii_lowercase().starts_with(b"x-")
        {
            self.extensions
                .push(String::from_utf8_lossy(field.name()).to_ascii_lowercase());
        }
    }
}

impl PerRecipient {
    /// The addresses under which the text part may speak of the recipient.
    pub(super) fn names(&self) -> Vec<&str> {
        [&self.final_recipient, &self.original_recipient]
            .into_iter()
            .filter_map(|name| name.as_deref())
            .collect()
    }

    /// Takes the field if it is one about a recipient.
    fn take(&mut self, field: &Field<'_>) -> bool {
        if field.is("Final-Recipient") {
            self.final_recipient = address(field);
        } else if field.is("Original-Recipient") {
            self.original_recipient = address(field);
        } else if field.is("Action") {
            self.action = action(field);
        } else if field.is("Status") {
            (self.status, self.status_comment) = status_code(field);
        } else if field.is("Remote-MTA") {
            self.remote_mta = host(field);
        } else if field.is("Diagnostic-Code") {
            self.diagnostic = Some(unfold(field)).filter(|code| !code.is_empty());
        } else if field.is("Will-Retry-Until") {
            self.will_retry_until = text::date(&field.text());
        } else {
            return false;
        }
        true
    }
}

/// The value on one line, every run of blanks and folds made one blank.
fn unfold(field: &Field<'_>) -> String {
    let value = String::from_utf8_lossy(field.value());
    value.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The value without its type (`rfc822;`, `dns;`).
fn untyped(value: &str) -> (&str, &str) {
    value
        .split_once(';')
        .map_or(("", value), |(kind, rest)| (kind.trim(), rest.trim()))
}

fn address(field: &Field<'_>) -> Option<String> {
    let value = unfold(field);
    let (kind, address) = untyped(&value);
    let address = address.trim().trim_start_matches('<').trim_end_matches('>');
    let address = if kind.eq_ignore_ascii_case("utf-8") {
        escaped(address)
    } else {
        address.to_owned()
    };
    (!address.is_empty()).then_some(address)
}

/// `\x{E9}` of an internationalised address (RFC 6533 section 3).
fn escaped(address: &str) -> String {
    let mut result = String::with_capacity(address.len());
    let mut rest = address;
    while let Some((before, after)) = rest.split_once("\\x{") {
        let character = after
            .split_once('}')
            .and_then(|(hex, rest)| Some((u32::from_str_radix(hex, 16).ok()?, rest)))
            .and_then(|(code, rest)| Some((char::from_u32(code)?, rest)));
        result.push_str(before);
        let Some((character, after)) = character else {
            result.push_str("\\x{");
            rest = after;
            continue;
        };
        result.push(character);
        rest = after;
    }
    result + rest
}

/// A host without its type, and without the address that mox adds in parentheses.
fn host(field: &Field<'_>) -> Option<String> {
    let value = unfold(field);
    let host = untyped(&value)
        .1
        .split([' ', '\t', '('])
        .next()
        .unwrap_or("");
    (!host.is_empty()).then(|| host.to_owned())
}

fn action(field: &Field<'_>) -> Option<Action> {
    let value = field.text().to_ascii_lowercase();
    Some(
        match value.split(|c: char| !c.is_ascii_alphabetic()).next()? {
            "failed" => Action::Failed,
            "delayed" => Action::Delayed,
            "delivered" => Action::Delivered,
            "relayed" => Action::Relayed,
            "expanded" => Action::Expanded,
            _ => return None,
        },
    )
}

/// `4.0.0 (comment)`: the code and the comment.
fn status_code(field: &Field<'_>) -> (Option<String>, Option<String>) {
    let value = unfold(field);
    let end = value
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(value.len());
    let (code, rest) = value.split_at(end);
    let is_code = code.split('.').count() == 3 && code.split('.').all(|digits| !digits.is_empty());
    let comment = rest
        .trim()
        .strip_prefix('(')
        .map(|c| c.strip_suffix(')').unwrap_or(c).trim());
    (
        is_code.then(|| code.to_owned()),
        comment.filter(|c| !c.is_empty()).map(str::to_owned),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn groups(body: &str) -> (PerMessage, Vec<PerRecipient>) {
        let part = format!("Content-Type: message/delivery-status\n\n{body}");
        let (mut message, mut recipients) = (PerMessage::default(), Vec::new());
        status(&Entity::new(part.as_bytes()), &mut message, &mut recipients);
        (message, recipients)
    }

    #[test]
    fn fields_in_any_order_and_without_empty_lines() {
        let (message, recipients) = groups(
            "Reporting-MTA: dns; a.example.org\nX-Mail-Queue-ID: 1\nAction: delayed (soon)\n\
             Final-Recipient: rfc822;<b@example.net>\nStatus: 4.0.0 (it (really) hurts)\n\
             Final-Recipient: rfc822;c@example.net\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; d@example.net\n",
        );
        assert_eq!(message.reporting_mta.as_deref(), Some("a.example.org"));
        assert_eq!(message.extensions, ["x-mail-queue-id"]);
        assert_eq!(recipients.len(), 2);
        assert_eq!(
            recipients[0].final_recipient.as_deref(),
            Some("b@example.net")
        );
        assert_eq!(
            recipients[0].status_comment.as_deref(),
            Some("it (really) hurts")
        );
        assert_eq!(recipients[1].action, Some(Action::Failed));
    }

    #[test]
    fn international_addresses() {
        let (_, recipients) = groups(
            "Original-Recipient: utf-8; j\\x{FC}r\\x{zz}\\x{@example.net\nAction: failed\n\
             Remote-MTA: dns;mx.example.net (192.0.2.1)\n",
        );
        let recipient = recipients[0].final_recipient.as_deref();
        assert_eq!(recipient, Some("j\u{fc}r\\x{zz}\\x{@example.net"));
        assert_eq!(recipients[0].remote_mta.as_deref(), Some("mx.example.net"));
    }

    #[test]
    fn a_forwarded_report_is_none() {
        let is_one = |from: &str, extra: &str| {
            let message = format!(
                "From: {from}\n{extra}Content-Type: multipart/mixed; boundary=x\n\n--x\n\
                 Content-Type: message/delivery-status\n\nFinal-Recipient: rfc822; b@c\nAction: failed\n\n--x--\n"
            );
            account(message.as_bytes(), &Look::at(message.as_bytes())).is_some()
        };
        assert!(!is_one("bob@example.net", ""));
        assert!(is_one("MAILER-DAEMON@example.net", ""));
        assert!(is_one("bob@example.net", "Return-Path: <>\n"));
    }
}
