//! What a server says about a message of ours.
//!
//! A notice is a delivery status notification (RFC 3464, internationalised: RFC 6533) or one of the
//! older plain formats. [`read`] takes the bytes of any message and says what the notice means, or
//! that the message is no notice. It never guesses: where a notice hides its cause the cause is
//! [`Cause::Hidden`].

use serde::Serialize;

use crate::message::media::Media;
use crate::message::{header, mbox, text};
use authentication::Results;
use author::Look;
pub use cause::Cause;
use cause::Facts;
use human::Passage;
use returned::Copy;
use status::{PerMessage, PerRecipient};
use wording::Helps;

pub mod authentication;
mod author;
pub mod cause;
mod copy;
pub mod decoded;
mod freeform;
mod html;
mod human;
mod lookup;
mod mailbox;
mod mime;
mod mta;
mod phrases;
pub mod provenance;
pub mod reading;
mod report;
mod returned;
mod signature;
mod speech;
mod status;
mod transcript;
pub mod wording;

/// Of a value of the notice's own header at most this many bytes are read.
const MAX_VALUE: usize = 16 << 10;

/// The start of a field's value.
fn start<'a>(field: &header::Field<'a>) -> &'a [u8] {
    let value = field.value();
    &value[..value.len().min(MAX_VALUE)]
}

/// Can the message be a notice? A quick look at its top header block, without reading the rest.
///
/// `false` is sure; `true` is worth a call of [`read`].
pub fn may_be(message: &[u8]) -> bool {
    Look::at(message).may_be()
}

/// Does a second notice follow in plain text, so that this is more than one message? Only a mail server is an
/// author of both: what people forward is theirs.
pub fn runs_into_another(message: &[u8]) -> bool {
    let is_of_a_server = |block: &[u8]| {
        header::first(block, "Subject").is_some() && Look::at(block).has_the_name_of_a_server()
    };
    is_of_a_server(message)
        && !Media::of(message).is_multipart()
        && mbox::blocks(message).any(is_of_a_server)
}

/// What the message says about delivery, or `None` if it is no notice.
///
/// Takes any bytes: messages with LF, CRLF or both, a `From ` line of mbox on top, cut anywhere.
/// Time and memory grow with the length of the input only. A message that passes a notice on
/// (forwarded, quoted, from a list) is no notice.
pub fn read(message: &[u8]) -> Option<Notice> {
    let look = Look::at(message);
    if !look.may_be() {
        return None;
    }
    let account = report::account(message, &look).or_else(|| freeform::account(message, &look))?;
    let mta = mta::recognise(message, &account.per_message, &account.words);
    let named = account.per_message.original_id;
    let original = returned::read(&account.copy.unwrap_or_default(), mta, named, message);
    let names: Vec<_> = account.groups.iter().map(PerRecipient::names).collect();
    let mut passages = human::passages(&account.words, &names);
    if account.in_prose && mta != Mta::Exim && passages.iter().all(|p| p.reason.is_empty()) {
        // One reason for all: Exim alone leaves it out, and quotes the subject of the message.
        let reason = human::prose(&account.words);
        passages
            .iter_mut()
            .for_each(|p| p.reason.clone_from(&reason));
    }
    let recipients = account
        .groups
        .into_iter()
        .zip(passages)
        .filter_map(|(group, passage)| recipient(mta, group, passage));
    let mut notice = Notice {
        mta,
        recipients: recipients.collect(),
        reporting_mta: account.per_message.reporting_mta,
        arrival_date: account.per_message.arrival_date,
        envelope_id: account.per_message.envelope_id,
        original,
        envelope: NoticeHeader::read(message),
    };
    notice.heed_the_original();
    Some(notice)
}

/// What a notice says, in whatever layout it says it.
struct Account<'a> {
    /// The words for people, without the returned message.
    words: String,
    /// The words are all there is: no machine part.
    in_prose: bool,
    per_message: PerMessage,
    groups: Vec<PerRecipient>,
    copy: Option<Copy<'a>>,
}

fn recipient(mta: Mta, group: PerRecipient, passage: Passage) -> Option<RecipientReport> {
    let action = group.action?;
    let verdict = cause::judge(&Facts {
        mta,
        action,
        status: group.status.as_deref(),
        status_comment: group.status_comment.as_deref(),
        has_remote: group.remote_mta.is_some(),
        diagnostic: group.diagnostic.as_deref(),
        own_words: group.own_words.as_deref(),
        passage: &passage,
    });
    Some(RecipientReport {
        final_recipient: group.final_recipient?,
        original_recipient: group.original_recipient,
        action,
        status: group.status,
        remote_mta: group.remote_mta,
        diagnostic: group.diagnostic,
        text: Some(passage.reason).filter(|reason| !reason.is_empty()),
        will_retry_until: group.will_retry_until,
        cause: verdict.cause,
        opt_out_helps: verdict.helps == Helps::Yes,
        would_help: verdict.helps == Helps::Yes,
        evidence: verdict.evidence,
    })
}

/// What one notice says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which server software wrote it.
    pub mta: Mta,
    /// `Reporting-MTA` without its type (RFC 3464 section 2.2.2).
    pub reporting_mta: Option<String>,
    /// `Arrival-Date` as seconds since 1970 (RFC 3464 section 2.2.5).
    pub arrival_date: Option<i64>,
    /// `Original-Envelope-Id` as it stands there (RFC 3464 section 2.2.1). Exim leaves it in xtext
    /// (RFC 3461 section 4), others decode it.
    pub envelope_id: Option<String>,
    /// One report for each recipient, in the order of the notice.
    pub recipients: Vec<RecipientReport>,
    /// What the notice returned of the message that it is about.
    pub original: Returned,
    /// What the header of the notice itself says.
    pub envelope: NoticeHeader,
}

/// The notice's own header, as far as somebody may want to judge by it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoticeHeader {
    /// Message-ID of the notice, without angle brackets.
    pub message_id: Option<String>,
    /// `Return-Path`: `Some("")` for the null path of a genuine notice (RFC 3461 section 6.1).
    pub return_path: Option<String>,
    /// Address in `From`.
    pub from: Option<String>,
    /// `Date` as seconds since 1970.
    pub date: Option<i64>,
    /// The hops, topmost first.
    pub received: Vec<Hop>,
    /// What servers say that they found out about it, topmost first.
    pub authentication: Vec<Results>,
    /// The notice carries `TLS-Required` itself: its writer understands the field (Postfix 3.10,
    /// `bounce_notify_util.c`).
    pub tls_required: bool,
}

/// One `Received` field (RFC 5321 section 4.4).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hop {
    /// What follows `from`: the name that the client gave, then what the server found out.
    pub from: Option<String>,
    /// The host behind `by`.
    pub by: Option<String>,
}

/// What a notice says about one recipient (RFC 3464 section 2.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecipientReport {
    /// `Final-Recipient` without its type.
    pub final_recipient: String,
    /// `Original-Recipient` without its type: the address that was submitted.
    pub original_recipient: Option<String>,
    /// What happened.
    pub action: Action,
    /// Enhanced status code such as `4.7.5` (RFC 3463), comments removed.
    pub status: Option<String>,
    /// `Remote-MTA` without its type.
    pub remote_mta: Option<String>,
    /// `Diagnostic-Code` unfolded, with its type (`smtp; 454 4.7.0 ...`); where the notice has none, null.
    pub diagnostic: Option<String>,
    /// The reason in the part for people that was matched to this recipient, unfolded.
    pub text: Option<String>,
    /// `Will-Retry-Until` as seconds since 1970.
    pub will_retry_until: Option<i64>,
    /// Why.
    pub cause: Cause,
    /// Would a resubmission with `TLS-Required: No` get past this?
    pub opt_out_helps: bool,
    /// The same, if the message had neither opted out already nor asked for security.
    pub would_help: bool,
    /// How the verdict came about.
    pub evidence: Option<Evidence>,
}

/// What a verdict rests on.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Evidence {
    /// The words that decided, as they stand in the notice.
    pub phrase: String,
    /// Where they stand: `text`, `diagnostic` or `status`.
    pub part: &'static str,
    /// The rule or wording row that matched.
    pub rule: &'static str,
}

/// `Action` of a recipient (RFC 3464 section 2.3.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Action {
    /// Given up.
    Failed,
    /// Not yet delivered; the server goes on trying.
    Delayed,
    /// Delivered.
    Delivered,
    /// Passed on to a server that does not send notices.
    Relayed,
    /// Delivered to more than one address in its place.
    Expanded,
}

impl Action {
    /// The word of RFC 3464.
    pub fn name(self) -> &'static str {
        match self {
            Action::Failed => "failed",
            Action::Delayed => "delayed",
            Action::Delivered => "delivered",
            Action::Relayed => "relayed",
            Action::Expanded => "expanded",
        }
    }

    /// The action of that [`Action::name`]. A word that is not known reads as the one that changes nothing.
    pub fn from_name(name: &str) -> Action {
        match name {
            "failed" => Action::Failed,
            "delivered" => Action::Delivered,
            "relayed" => Action::Relayed,
            "expanded" => Action::Expanded,
            _ => Action::Delayed,
        }
    }
}

/// What a notice returned of the original.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Returned {
    /// How much.
    pub extent: Extent,
    /// The returned header block, transfer encoding removed; empty where nothing was returned.
    pub header: Vec<u8>,
    /// Message-ID without angle brackets; from the notice's `References` where no header was returned.
    pub message_id: Option<String>,
    /// `From`, decoded for display.
    pub from: Option<String>,
    /// `Subject`, decoded for display.
    pub subject: Option<String>,
    /// `Date` as it stands there.
    pub date: Option<String>,
    /// The original carries `TLS-Required: No`.
    pub opted_out: bool,
    /// The sender asked for security: REQUIRETLS (`Require-TLS-ESMTP`, 5.7.30).
    pub requires_tls: bool,
}

/// How much of the original a notice returned.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Extent {
    /// Header and body.
    Full,
    /// The header block, or the start of it.
    Headers,
    /// Nothing.
    #[default]
    None,
}

/// The server software that wrote a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Mta {
    /// Postfix, whatever its `mail_name`.
    Postfix,
    /// Exim.
    Exim,
    /// Sendmail.
    Sendmail,
    /// OpenSMTPD.
    Opensmtpd,
    /// mox.
    Mox,
    /// maddy.
    Maddy,
    /// Stalwart.
    Stalwart,
    /// qmail, netqmail, notqmail.
    Qmail,
    /// Exchange and Exchange Online.
    Exchange,
    /// Gmail.
    Gmail,
    /// Haraka.
    Haraka,
    /// ZoneMTA and WildDuck.
    Zonemta,
    /// Apache James.
    James,
    /// Any other.
    Unknown,
}

impl Notice {
    /// Is TLS the cause for at least one recipient?
    pub fn tls_caused(&self) -> bool {
        self.recipients.iter().any(|r| r.cause.is_tls())
    }

    /// Would an opt-out help at least one recipient?
    pub fn opt_out_helps(&self) -> bool {
        self.recipients.iter().any(|r| r.opt_out_helps)
    }

    /// An opt-out does not help a message that has one already, and is never offered for one whose
    /// sender asked for security.
    fn heed_the_original(&mut self) {
        let requiretls = self
            .recipients
            .iter()
            .any(|r| r.cause == Cause::RequiretlsUnsupported);
        self.original.requires_tls |= requiretls;
        if self.original.opted_out || self.original.requires_tls {
            for recipient in &mut self.recipients {
                recipient.opt_out_helps = false;
            }
        }
    }
}

impl NoticeHeader {
    fn read(message: &[u8]) -> Self {
        let mut result = NoticeHeader::default();
        let mut is_above = true;
        for field in header::fields(message) {
            if field.is("Received") {
                let text = field.text_of(MAX_VALUE);
                is_above &= authentication::is_lmtp(&text);
                result.received.push(Hop::read(&text));
            } else if field.is("Authentication-Results") {
                result
                    .authentication
                    .extend(Results::read(&field, is_above));
            } else if field.is("Return-Path") && result.return_path.is_none() {
                let path = field.text_of(MAX_VALUE);
                result.return_path = Some(
                    path.trim_start_matches('<')
                        .trim_end_matches('>')
                        .trim()
                        .to_owned(),
                );
            } else if field.is("Message-ID") && result.message_id.is_none() {
                result.message_id = text::message_id(&field.text_of(MAX_VALUE));
            } else if field.is("From") && result.from.is_none() {
                result.from = text::addresses(start(&field)).into_iter().next();
            } else if field.is("Date") && result.date.is_none() {
                result.date = text::date(&field.text_of(MAX_VALUE));
            } else if field.is("TLS-Required") {
                result.tls_required = true;
            }
        }
        result
    }
}

impl Hop {
    fn read(value: &str) -> Self {
        // The date stands behind the last semicolon; one before it may be in a name that a client gave.
        let clause = value.rsplit_once(';').map_or(value, |(clause, _)| clause);
        let words: Vec<&str> = clause.split_whitespace().collect();
        let by = words
            .iter()
            .position(|word| word.eq_ignore_ascii_case("by"));
        let from = words
            .first()
            .filter(|word| word.eq_ignore_ascii_case("from"));
        Hop {
            from: from.map(|_| words[1..by.unwrap_or(words.len()).max(1)].join(" ")),
            by: by
                .and_then(|at| words.get(at + 1))
                .map(|host| (*host).to_owned()),
        }
    }
}
