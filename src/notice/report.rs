//! Delivery reports (RFC 3464, RFC 6533): which parts make one.

use crate::notice::Account;
use crate::notice::author::Look;
use crate::notice::copy;
use crate::notice::mime::Entity;
use crate::notice::returned::{self, Copy};
use crate::notice::status::{self, PerMessage};

/// Multiparts inside multiparts are opened this deep; a report lies at most two deep in practice.
const MAX_DEPTH: usize = 6;

/// Parts after these are not looked at, wherever they lie.
const MAX_PARTS: usize = 256;

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
    if parts.is_other_report {
        return None;
    }
    let (mut per_message, mut groups) = (PerMessage::default(), Vec::new());
    for part in &parts.statuses {
        status::read(part, &mut per_message, &mut groups);
    }
    if groups.is_empty() {
        return None;
    }
    let words = human_text(&parts.human);
    let cut = copy::cut(words.as_bytes(), false);
    per_message.original_id = per_message
        .original_id
        .or_else(|| returned::named_in(&words[..cut.words.len()]));
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
    let mut text = String::new();
    for part in parts {
        text.push_str(&part.text(MAX_TEXT.saturating_sub(text.len())));
        text.push_str("\n\n");
    }
    text
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
    /// A receipt (RFC 8098), an abuse report (RFC 5965) or a TLS report (RFC 8460).
    pub(super) is_other_report: bool,
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
            } else if part.media() == "multipart/report" && !is_about_delivery(&part) {
                self.is_other_report = true;
            } else if depth < MAX_DEPTH {
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
            "message/disposition-notification"
            | "message/global-disposition-notification"
            | "message/feedback-report"
            | "application/tlsrpt+json"
            | "application/tlsrpt+gzip" => self.is_other_report = true,
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

#[cfg(test)]
mod tests {
    use super::*;

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
