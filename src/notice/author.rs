//! Who wrote a message, as far as its top header block tells: the quick look.
//!
//! One pass over the fields, nothing decoded, nothing copied but a few words: an ordinary message is
//! dismissed here, before anything else of it is read.

use memchr::memmem;

use crate::message::{header, header::Field, text};
use crate::notice::phrases::{AUTHORS, SUBJECTS};

/// Longer values of `From`, `Subject` and `Content-Type` are looked at up to here.
const MAX_VALUE: usize = 256;

/// What the header says about the author.
#[derive(Debug, Default)]
pub(super) struct Look<'a> {
    /// A list passed it on (RFC 2369, RFC 2919; `Mailing-List` of ezmlm).
    from_a_list: bool,
    /// Null return path (RFC 3461 section 6.1).
    null_path: bool,
    return_path: Option<Field<'a>>,
    /// `From` is a name that only servers use.
    server: bool,
    /// A `multipart/report` about delivery.
    report: bool,
    /// A `multipart/report` about something else.
    other_report: bool,
    /// The subject is one that servers write.
    pub(super) subject: bool,
    /// The subject starts as an answer or a forwarded message does.
    answer: bool,
    /// `X-Failed-Recipients` of Exim, Gmail and ZoneMTA.
    pub(super) failed_recipients: Option<Field<'a>>,
}

impl<'a> Look<'a> {
    /// Looks at the top header block of `message`.
    pub(super) fn at(message: &'a [u8]) -> Self {
        let mut look = Look::default();
        let (mut has_from, mut has_subject, mut has_type) = (false, false, false);
        for field in header::fields(message) {
            // The first letter first: most fields are none of these.
            match field.raw().first().map(u8::to_ascii_lowercase) {
                Some(b'c') if !has_type && field.is("Content-Type") => {
                    has_type = true;
                    (look.report, look.other_report) = report(&words(&field));
                }
                Some(b'f') if !has_from && field.is("From") => {
                    has_from = true;
                    look.server = is_server(&words(&field));
                }
                Some(b'l') => look.from_a_list |= field.is("List-Id") || field.is("List-Post"),
                Some(b'm') => look.from_a_list |= field.is("Mailing-List"),
                Some(b'r') if field.is("Return-Path") => {
                    // qmail-send.c gives a bounce of a bounce the path `#@[]`.
                    look.null_path |= matches!(field.value().trim_ascii(), b"<>" | b"<#@[]>");
                    look.return_path = look.return_path.or(Some(field));
                }
                Some(b's') if !has_subject && field.is("Subject") => {
                    has_subject = true;
                    look.take_subject(&field);
                }
                Some(b'x') if field.is("X-Failed-Recipients") => {
                    look.failed_recipients = Some(field);
                }
                _ => {}
            }
        }
        look
    }

    /// Is it worth reading the rest? Never `false` for a notice.
    pub(super) fn may_be(&self) -> bool {
        !self.from_a_list
            && !self.other_report
            && (self.report
                || self.is_from_a_server()
                || self.subject
                || self.failed_recipients.is_some())
    }

    /// A mail server wrote it, by its own word.
    pub(super) fn is_from_a_server(&self) -> bool {
        self.null_path || self.server
    }

    /// Null return path.
    pub(super) fn is_from_nobody(&self) -> bool {
        self.null_path
    }

    /// It calls itself a mail server, and came from nobody else.
    pub(super) fn has_the_name_of_a_server(&self) -> bool {
        let path = self.return_path.as_ref();
        self.server && (self.null_path || path.is_none_or(|path| is_server(&words(path))))
    }

    /// A person's answer, or a notice that a person passes on.
    pub(super) fn is_passed_on(&self) -> bool {
        self.answer && !self.null_path
    }

    fn take_subject(&mut self, field: &Field<'_>) {
        let mut subject = words(field);
        if memmem::find(subject.as_bytes(), b"=?").is_some() {
            subject = text::decode(start(field)).to_lowercase();
        }
        let subject = subject.trim();
        self.answer = ["re:", "fw:", "fwd:", "aw:", "wg:", "tr:", "rv:"]
            .iter()
            .any(|prefix| subject.starts_with(prefix));
        self.subject = !self.answer && SUBJECTS.iter().any(|start| subject.starts_with(start));
    }
}

/// The start of a value in lower case.
fn words(field: &Field<'_>) -> String {
    String::from_utf8_lossy(start(field)).to_ascii_lowercase()
}

fn start<'a>(field: &Field<'a>) -> &'a [u8] {
    let value = field.value();
    &value[..value.len().min(MAX_VALUE)]
}

/// Is it a report about delivery, or about something else? One that does not say may be the first.
fn report(content_type: &str) -> (bool, bool) {
    let is_report = content_type.trim_start().starts_with("multipart/report");
    let about_delivery = content_type
        .split_once("report-type")
        .is_none_or(|(_, kind)| kind.contains("delivery-status"));
    (is_report && about_delivery, is_report && !about_delivery)
}

fn is_server(from: &str) -> bool {
    from.trim() == "<>" || AUTHORS.iter().any(|name| from.contains(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn may_be(header: &str) -> bool {
        Look::at(header.as_bytes()).may_be()
    }

    #[test]
    fn ordinary_messages_are_dismissed() {
        for header in [
            "",
            "From: Bob <bob@example.net>\nSubject: lunch\nContent-Type: text/plain\n",
            "From: bob@example.net\nSubject: Re: Undelivered Mail Returned to Sender\n",
            "From: bob@example.net\nContent-Type: multipart/report; report-type=disposition-notification\n",
            "Return-Path: <>\nFrom: MAILER-DAEMON@example.net\nList-Id: <l.example.net>\n",
            "From: bob@example.net\n\nReturn-Path: <>\n",
            "Return-Path: <>\nContent-Type: multipart/report; report-type=\"feedback-report\"\n",
        ] {
            assert!(!may_be(header), "{header}");
        }
    }

    #[test]
    fn what_servers_write_is_read() {
        for header in [
            "Return-Path: <>\n",
            "RETURN-PATH :\n <>\nFrom: bob@example.net\n",
            "from: \"Mail Delivery System\"\n <Mailer-Daemon@example.net>\n",
            "From: <>\n",
            "From: bob@example.net\nContent-Type: Multipart/Report; boundary=x\n",
            "From: bob@example.net\nSubject: Undelivered Mail Returned to Sender\n",
            "From: bob@example.net\nSubject: =?utf-8?Q?Unzustellbar=3A?= lunch\n",
            "From: bob@example.net\nX-Failed-Recipients: carol@example.net\n",
        ] {
            assert!(may_be(header), "{header}");
        }
    }
}
