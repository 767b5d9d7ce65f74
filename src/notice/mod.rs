//! What a server says about a message of ours.
//!
//! A notice is a delivery status notification (RFC 3464, internationalised: RFC 6533) or one of the
//! older plain formats. [`read`] takes the bytes of any message and says what the notice means, or
//! that the message is no notice. It never guesses: where a notice hides its cause the cause is
//! [`Cause::Hidden`].

use serde::Serialize;

pub use cause::Cause;

pub mod cause;

/// What one notice says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Which server software wrote it.
    pub mta: Mta,
    /// `Reporting-MTA` without its type (RFC 3464 section 2.2.2).
    pub reporting_mta: Option<String>,
    /// `Arrival-Date` as seconds since 1970 (RFC 3464 section 2.2.5).
    pub arrival_date: Option<i64>,
    /// `Original-Envelope-Id`, decoded from xtext (RFC 3464 section 2.2.1).
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
    /// `by` host of each `Received` field, topmost first.
    pub received_by: Vec<String>,
    /// The notice carries `TLS-Required` itself: its writer understands the field (Postfix 3.10,
    /// `bounce_notify_util.c`).
    pub tls_required: bool,
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
}
