//! The reading of a notice as JSON: the contract of `inspect --json`.

use serde::Serialize;

use crate::message::text;
use crate::notice::provenance::Provenance;
use crate::notice::{Action, Cause, Evidence, Extent, Mta, Notice, RecipientReport, Returned};

/// One line of `inspect --json`: what one input means.
#[derive(Debug, Serialize)]
pub struct Reading<'a> {
    /// The name of the input.
    pub file: &'a str,
    /// The notice; `null` for a message that is none.
    pub notice: Option<NoticeReading<'a>>,
}

/// A notice. Dates are RFC 3339 in UTC; Message-IDs stand without angle brackets; `null` stands for
/// what the notice does not say.
#[derive(Debug, Serialize)]
pub struct NoticeReading<'a> {
    mta: Mta,
    reporting_mta: Option<&'a str>,
    arrival_date: Option<String>,
    envelope_id: Option<&'a str>,
    provenance: Provenance,
    tls_caused: bool,
    opt_out_helps: bool,
    recipients: Vec<RecipientReading<'a>>,
    original: OriginalReading<'a>,
}

#[derive(Debug, Serialize)]
struct RecipientReading<'a> {
    r#final: &'a str,
    original: Option<&'a str>,
    action: Action,
    status: Option<&'a str>,
    remote_mta: Option<&'a str>,
    diagnostic: Option<&'a str>,
    will_retry_until: Option<String>,
    cause: Cause,
    opt_out_helps: bool,
    evidence: Option<&'a Evidence>,
}

#[derive(Debug, Serialize)]
struct OriginalReading<'a> {
    message_id: Option<&'a str>,
    from: Option<&'a str>,
    subject: Option<&'a str>,
    date: Option<String>,
    returned: Extent,
    opted_out: bool,
    requires_tls: bool,
}

impl<'a> Reading<'a> {
    /// The reading of the input `file`: a notice with its provenance, or none.
    pub fn new(file: &'a str, notice: Option<(&'a Notice, Provenance)>) -> Self {
        Reading {
            file,
            notice: notice.map(|(notice, provenance)| read(notice, provenance)),
        }
    }
}

fn read(notice: &Notice, provenance: Provenance) -> NoticeReading<'_> {
    NoticeReading {
        mta: notice.mta,
        reporting_mta: notice.reporting_mta.as_deref(),
        arrival_date: notice.arrival_date.map(text::rfc3339),
        envelope_id: notice.envelope_id.as_deref(),
        provenance,
        tls_caused: notice.tls_caused(),
        opt_out_helps: notice.opt_out_helps(),
        recipients: notice.recipients.iter().map(recipient).collect(),
        original: original(&notice.original),
    }
}

fn recipient(report: &RecipientReport) -> RecipientReading<'_> {
    RecipientReading {
        r#final: &report.final_recipient,
        original: report.original_recipient.as_deref(),
        action: report.action,
        status: report.status.as_deref(),
        remote_mta: report.remote_mta.as_deref(),
        diagnostic: report.diagnostic.as_deref(),
        will_retry_until: report.will_retry_until.map(text::rfc3339),
        cause: report.cause,
        opt_out_helps: report.opt_out_helps,
        evidence: report.evidence.as_ref(),
    }
}

fn original(returned: &Returned) -> OriginalReading<'_> {
    OriginalReading {
        message_id: returned.message_id.as_deref(),
        from: returned.from.as_deref(),
        subject: returned.subject.as_deref(),
        date: returned
            .date
            .as_deref()
            .and_then(text::date)
            .map(text::rfc3339),
        returned: returned.extent,
        opted_out: returned.opted_out,
        requires_tls: returned.requires_tls,
    }
}
