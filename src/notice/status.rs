//! The machine part of a report: fields about the message, then about each recipient (RFC 3464
//! section 2; internationalised: RFC 6533).

use crate::message::{header, header::Field, text};
use crate::notice::Action;
use crate::notice::mime::Entity;

/// Recipients after these are not read: a notice about more is no help to a person.
const MAX_RECIPIENTS: usize = 10_000;

/// The machine part is read up to this many bytes.
const MAX_STATUS: usize = 8 << 20;

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
    /// `X-Actual-Recipient` of Sendmail (`savemail.c`): whom an alias stands for.
    pub(super) actual_recipient: Option<String>,
    pub(super) action: Option<Action>,
    pub(super) status: Option<String>,
    /// What stands in parentheses behind the status code: mox puts the error there.
    pub(super) status_comment: Option<String>,
    pub(super) remote_mta: Option<String>,
    pub(super) diagnostic: Option<String>,
    /// `X-Exim-Diagnostic`: Exim's own error, where it is built to tell it (`experimental-spec.txt`).
    pub(super) own_words: Option<String>,
    pub(super) will_retry_until: Option<i64>,
}

/// Reads the machine part. Groups of fields are separated by empty lines; servers differ in the
/// order within a group, and some leave out the empty line before the first recipient.
pub(super) fn read(
    part: &Entity<'_>,
    message: &mut PerMessage,
    recipients: &mut Vec<PerRecipient>,
) {
    let content = part.content(MAX_STATUS);
    let mut rest = &*content;
    while !rest.is_empty() && recipients.len() < MAX_RECIPIENTS {
        let (mut recipient, mut length) = (PerRecipient::default(), 0);
        for field in header::fields(rest) {
            length += field.raw().len();
            if recipient.ends_before(&field) {
                recipients.extend(complete(std::mem::take(&mut recipient)));
            }
            if !recipient.take(&field) {
                message.take(&field);
            }
        }
        recipients.extend(complete(recipient));
        rest = header::body(&rest[length..]);
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
    group.decode_xtext();
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
        } else if self.extensions.len() < 32 && matches!(field.name(), [b'x' | b'X', b'-', ..]) {
            self.extensions
                .push(String::from_utf8_lossy(field.name()).to_ascii_lowercase());
        }
    }
}

impl PerRecipient {
    /// The addresses under which the text part may speak of the recipient.
    pub(super) fn names(&self) -> Vec<&str> {
        [
            &self.final_recipient,
            &self.original_recipient,
            &self.actual_recipient,
        ]
        .into_iter()
        .filter_map(|name| name.as_deref())
        .collect()
    }

    /// A server that does not decode the `ORCPT` of the submission (RFC 3461 section 4.2) shows it in
    /// xtext. That is sure where the decoded address is the final one: `+` may stand in any address.
    fn decode_xtext(&mut self) {
        let Some(original) = self
            .original_recipient
            .as_deref()
            .filter(|a| a.contains('+'))
        else {
            return;
        };
        let decoded = text::without_xtext(original);
        let same = |address: &String| address.eq_ignore_ascii_case(&decoded);
        if self.final_recipient.as_ref().is_some_and(same) {
            self.original_recipient = Some(decoded);
        }
    }

    /// Does the field begin the next group? Some servers separate them by lines that are not quite
    /// empty, or not at all.
    fn ends_before(&self, field: &Field<'_>) -> bool {
        self.final_recipient.is_some()
            && (field.is("Final-Recipient")
                || (self.action.is_some() && field.is("Action"))
                || (self.original_recipient.is_some() && field.is("Original-Recipient")))
    }

    /// Takes the field if it is one about a recipient.
    fn take(&mut self, field: &Field<'_>) -> bool {
        if field.is("Final-Recipient") {
            self.final_recipient = address(field);
        } else if field.is("Original-Recipient") {
            self.original_recipient = address(field);
        } else if field.is("X-Actual-Recipient") {
            self.actual_recipient = address(field);
        } else if field.is("Action") {
            self.action = action(field);
        } else if field.is("Status") {
            (self.status, self.status_comment) = status_code(field);
        } else if field.is("Remote-MTA") {
            self.remote_mta = host(field);
        } else if field.is("Diagnostic-Code") {
            self.diagnostic = Some(unfold(field)).filter(|code| !code.is_empty());
        } else if field.is("X-Exim-Diagnostic") {
            self.own_words = Some(untyped(&unfold(field)).1.to_owned());
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
    let mut line = String::with_capacity(value.len());
    for word in value.split_whitespace() {
        if !line.is_empty() {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

/// The value without its type (`rfc822;`, `dns;`).
fn untyped(value: &str) -> (&str, &str) {
    value
        .split_once(';')
        .map_or(("", value), |(kind, rest)| (kind.trim(), rest.trim()))
}

/// The address without its type. `utf-8` addresses may have escapes; `rfc822` ones are as submitted.
fn address(field: &Field<'_>) -> Option<String> {
    let value = unfold(field);
    let (kind, address) = untyped(&value);
    // A comment may stand behind it.
    let address = match address.split_once('(') {
        Some((bare, _)) if bare.contains('@') && !bare.contains('"') => bare,
        _ => address,
    };
    let address = address.trim().trim_start_matches('<').trim_end_matches('>');
    let international = ["utf-8", "utf8"]
        .iter()
        .any(|name| kind.eq_ignore_ascii_case(name));
    let address = if international {
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
        read(&Entity::new(part.as_bytes()), &mut message, &mut recipients);
        (message, recipients)
    }

    #[test]
    fn fields_in_any_order_and_without_empty_lines() {
        let (message, recipients) = groups(
            "Reporting-MTA: dns; a.example.org\nX-Mail-Queue-ID: 1\nAction: delayed (soon)\n\
             Final-Recipient: rfc822;<b@example.net>\nStatus: 4.0.0 (it (really) hurts)\n\
             Final-Recipient: rfc822;c@example.net(Carol)\nStatus: 5.1.1\n\nFinal-Recipient: rfc822; d@example.net\n",
        );
        assert_eq!(
            recipients[1].final_recipient.as_deref(),
            Some("c@example.net")
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
    fn groups_that_nothing_separates() {
        for between in ["", " \n", "\t\r\n"] {
            let (_, recipients) = groups(&format!(
                "Reporting-MTA: dns; a.example.org\n\nAction: failed\nFinal-Recipient: rfc822;b@example.net\n\
                 Status: 5.1.1\n{between}Action: delayed\nOriginal-Recipient: rfc822;c@example.org\n\
                 Final-Recipient: rfc822;c@example.net\nStatus: 4.0.0\n\
                 {between}Original-Recipient: rfc822;d@example.net\nFinal-Recipient: rfc822;e@example.net\n\
                 Action: relayed\n"
            ));
            let read: Vec<_> = recipients
                .iter()
                .map(|r| (r.final_recipient.as_deref().unwrap(), r.action.unwrap()))
                .collect();
            let expected = [
                ("b@example.net", Action::Failed),
                ("c@example.net", Action::Delayed),
                ("e@example.net", Action::Relayed),
            ];
            assert_eq!(read, expected, "{between:?}");
            let original = recipients[1].original_recipient.as_deref();
            assert_eq!(original, Some("c@example.org"), "{between:?}");
        }
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
}
