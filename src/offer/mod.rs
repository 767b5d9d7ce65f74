//! What the user is asked: an offer, its recipients, and what became of it.
//!
//! [`consider`] turns a notice into the recipients that wait, or says why there is nothing to offer.
//! [`plan`] joins them with the original that was found. Both are pure. The journal is in [`store`].

pub mod fate;
pub mod news;
pub mod plan;
pub mod sorted;
pub mod standing;
pub mod store;

use crate::message::refusal::{Refusal, automatic};
use crate::message::text::rfc3339;
use crate::notice::{Action, Cause, Notice, RecipientReport};

/// An offer as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Its number; 0 before it is recorded.
    pub id: i64,
    /// What makes a notice the same notice: its Message-ID, or a digest of its bytes.
    pub notice_key: String,
    /// The notice itself, so that the offer outlives the file.
    pub notice: Vec<u8>,
    /// Message-ID of the original, without angle brackets.
    pub message_id: String,
    /// Subject of the original, decoded.
    pub subject: String,
    /// When it was recorded, in seconds since 1970.
    pub recorded: i64,
    /// `Will-Retry-Until`, in seconds since 1970: the server gives up then.
    pub expires: Option<i64>,
    /// When the user said no, in seconds since 1970.
    pub dismissed: Option<i64>,
    /// The recipients that an opt-out would help, each with its cause in words.
    pub waiting: Vec<(String, String)>,
}

/// How far the resubmission to one recipient came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// The recipient, in lower case.
    pub recipient: String,
    /// The state.
    pub state: State,
    /// Since when, in seconds since 1970.
    pub at: i64,
    /// The submission server.
    pub server: String,
    /// What it answered.
    pub reply: String,
}

impl Delivery {
    /// The state as a clause that follows the recipient.
    pub fn words(&self) -> String {
        let at = rfc3339(self.at);
        match self.state {
            State::Sending => format!("is being sent again since {at} by another tls-optout"),
            State::Sent => format!(
                "was already sent again at {at} ({} said: {})",
                self.server, self.reply
            ),
            State::Refused => format!("was refused at {at} ({} said: {})", self.server, self.reply),
            State::Unknown => format!(
                "may have been sent again at {at}: {} was given the message and its answer was lost; \
                 find out at the recipient or in its log, then tell `tls-optout resolve`",
                self.server
            ),
        }
    }
}

/// States of a [`Delivery`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    /// A process is sending.
    Sending,
    /// The submission server accepted the message for this recipient.
    Sent,
    /// The submission server refused; another try is allowed.
    Refused,
    /// Nobody knows. Never tried again by itself.
    Unknown,
}

impl State {
    /// The word in the journal and in JSON.
    pub fn name(self) -> &'static str {
        match self {
            State::Sending => "sending",
            State::Sent => "sent",
            State::Refused => "refused",
            State::Unknown => "unknown",
        }
    }

    /// A word that is not known reads as the state that never sends.
    fn from_name(name: &str) -> State {
        match name {
            "sending" => State::Sending,
            "sent" => State::Sent,
            "refused" => State::Refused,
            _ => State::Unknown,
        }
    }
}

/// What came of one recipient, to be written into the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The recipient.
    pub recipient: String,
    /// The new state.
    pub state: State,
    /// What the server answered.
    pub reply: String,
}

/// Why there is nothing to offer for a notice. Shown to the user as it is.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NoOffer {
    /// The original had opted out already.
    #[error(
        "{recipient}: this message carries TLS-Required already and was held back all the same; the servers \
         on the way do not honour it, sending it again would change nothing"
    )]
    OptedOut {
        /// The first recipient concerned.
        recipient: String,
    },
    /// The sender asked for security.
    #[error(
        "the sender of this message asked for secure delivery (REQUIRETLS); it is not sent without, unless you \
         say so in a terminal with --force"
    )]
    RequiresTls,
    /// Everything arrived, or nobody is waiting.
    #[error("this notice reports no delay and no failure; there is nothing to send again")]
    NobodyWaits,
    /// TLS failed, but it is not the sender's side that insists.
    #[error("{recipient}: {words}; an opt-out would not help")]
    WouldNotHelp {
        /// The first recipient concerned.
        recipient: String,
        /// The cause in words.
        words: &'static str,
    },
    /// The notice names no cause.
    #[error(
        "{recipient}: the notice does not say why; whether an opt-out would help cannot be told from it"
    )]
    Hidden {
        /// The first recipient concerned.
        recipient: String,
    },
    /// Not TLS.
    #[error("{recipient}: not held back by a TLS failure; an opt-out would not help ({reason})")]
    NotTls {
        /// The first recipient concerned.
        recipient: String,
        /// What the notice says.
        reason: String,
    },
    /// Nobody repeats a notice or an automatic reply.
    #[error("the message that this notice is about is none to send again: {0}")]
    Automatic(Refusal),
    /// The notice does not tell which message it is about.
    #[error("the notice names no Message-ID; the original cannot be found by it")]
    NoMessageId,
}

impl NoOffer {
    /// The reason in words that name nobody, so that they may stand in a log.
    pub fn kind(&self) -> &'static str {
        match self {
            NoOffer::OptedOut { .. } => "the message had opted out already",
            NoOffer::RequiresTls => "the sender asked for secure delivery",
            NoOffer::NobodyWaits => "nobody waits",
            NoOffer::WouldNotHelp { .. } => "an opt-out would not help",
            NoOffer::Hidden { .. } => "it does not say why",
            NoOffer::NotTls { .. } => "TLS is not the cause",
            NoOffer::Automatic(_) => "the message is an automatic one",
            NoOffer::NoMessageId => "it does not say which message it is about",
        }
    }
}

/// What the journal keeps of a notice and the recipients that [`consider`] named.
pub fn offer_of(
    notice: &Notice,
    helped: &[&RecipientReport],
    message: &[u8],
    now: i64,
) -> Recorded {
    let waiting = helped.iter().map(|report| {
        let address = submitted(report).to_owned();
        (address, report.cause.words().to_owned())
    });
    let original = &notice.original;
    Recorded {
        id: 0,
        notice_key: notice_key(notice),
        notice: message.to_vec(),
        message_id: original.message_id.clone().unwrap_or_default(),
        subject: original.subject.clone().unwrap_or_default(),
        recorded: now,
        expires: helped
            .iter()
            .filter_map(|report| report.will_retry_until)
            .max(),
        dismissed: None,
        waiting: waiting.collect(),
    }
}

/// The address that the message was submitted to, as far as the notice tells. A recipient is known by it.
fn submitted(report: &RecipientReport) -> &str {
    let original = report.original_recipient.as_ref();
    original.unwrap_or(&report.final_recipient)
}

/// What makes a notice the same notice, wherever it lies: its Message-ID and what it is about. One that has no
/// Message-ID is known by its first recipient and when it was written.
pub fn notice_key(notice: &Notice) -> String {
    let header = &notice.envelope;
    let original = notice.original.message_id.as_deref().unwrap_or_default();
    if let Some(id) = &header.message_id {
        return format!("{id} about {original}");
    }
    let first = notice
        .recipients
        .first()
        .map_or("", |report| &report.final_recipient);
    format!(
        "{original} {} {first}",
        header.date.or(notice.arrival_date).unwrap_or(0)
    )
}

/// Message-ID under which the journal keeps a letter to a postmaster: what it is about, which may be a notice.
pub fn letter_key(notice: &Notice) -> String {
    let about = notice.original.message_id.clone();
    format!("{LETTER}{}", about.unwrap_or_else(|| notice_key(notice)))
}

/// How the key of a letter begins, and that of no message.
pub const LETTER: &str = "letter about ";

/// The recipients of a notice that a resubmission with `TLS-Required: No` would help.
///
/// # Errors
/// Says why there is none.
pub fn consider(notice: &Notice) -> Result<Vec<&RecipientReport>, NoOffer> {
    choose(notice, false)
}

/// The same where the user goes against the wish of a sender who asked for security. A resubmission does not
/// ask for it (REQUIRETLS), so what failed for that reason is helped, too.
///
/// # Errors
/// Says why there is none.
pub fn consider_against_wish(notice: &Notice) -> Result<Vec<&RecipientReport>, NoOffer> {
    choose(notice, true)
}

/// RFC 8689 section 5: 5.7.30 and 5.7.10 are how a message with REQUIRETLS comes back.
fn helps_if_forced(notice: &Notice, report: &RecipientReport) -> bool {
    let is_10 = || {
        report
            .status
            .as_deref()
            .is_some_and(|status| status.ends_with(".7.10"))
    };
    report.would_help
        || report.cause == Cause::RequiretlsUnsupported
        || notice.original.requires_tls && is_10()
}

fn choose(notice: &Notice, is_forced: bool) -> Result<Vec<&RecipientReport>, NoOffer> {
    let waits =
        |report: &&RecipientReport| matches!(report.action, Action::Delayed | Action::Failed);
    let first = notice
        .recipients
        .iter()
        .find(waits)
        .ok_or(NoOffer::NobodyWaits)?;
    if let Some(refusal) = automatic(&notice.original.header) {
        return Err(NoOffer::Automatic(refusal));
    }
    if notice.original.requires_tls && !is_forced {
        return Err(NoOffer::RequiresTls);
    }
    if notice.original.opted_out {
        return Err(NoOffer::OptedOut {
            recipient: first.final_recipient.clone(),
        });
    }
    let helped: Vec<_> = notice
        .recipients
        .iter()
        .filter(waits)
        .filter(|report| report.opt_out_helps || is_forced && helps_if_forced(notice, report))
        .collect();
    if helped.is_empty() {
        return Err(why_not(
            notice
                .recipients
                .iter()
                .filter(waits)
                .min_by_key(|r| !r.cause.is_tls())
                .unwrap_or(first),
        ));
    }
    if notice.original.message_id.is_none() {
        return Err(NoOffer::NoMessageId);
    }
    Ok(helped)
}

/// What a notice shows of its server: does it act on the opt-out? `None` where the message had none.
///
/// A server that understands the field carries it into its notices (Postfix 3.10,
/// `bounce_notify_util.c`). One that does not, and holds an opted-out message back for its TLS policy,
/// ignores it. A broken handshake shows nothing: it is deferred once more by those that honour, too.
pub fn honours(notice: &Notice) -> Option<bool> {
    if !notice.original.opted_out {
        return None;
    }
    if notice.envelope.tls_required {
        return Some(true);
    }
    let ignored = |report: &RecipientReport| {
        matches!(report.action, Action::Delayed | Action::Failed) && is_policy(report.cause)
    };
    notice.recipients.iter().any(ignored).then_some(false)
}

/// Causes for which an opt-out would get the message past the sender's own server at once.
fn is_policy(cause: Cause) -> bool {
    matches!(
        cause,
        Cause::StarttlsNotOffered
            | Cause::StarttlsRejected
            | Cause::CertificateUntrusted
            | Cause::CertificateExpired
            | Cause::CertificateNameMismatch
            | Cause::CertificateUnspecified
            | Cause::DaneTlsaLookupFailed
            | Cause::DaneTlsaMissing
            | Cause::DaneTlsaUnusable
            | Cause::DaneMismatch
            | Cause::MtaStsPolicy
            | Cause::MxNotAuthenticated
            | Cause::TlsRequiredUnspecified
    )
}

fn why_not(report: &RecipientReport) -> NoOffer {
    let recipient = report.final_recipient.clone();
    match report.cause {
        Cause::Hidden => NoOffer::Hidden { recipient },
        Cause::NotTls | Cause::SubmissionAuth => {
            let reason = report
                .diagnostic
                .as_ref()
                .or(report.text.as_ref())
                .or(report.status.as_ref());
            NoOffer::NotTls {
                recipient,
                reason: reason.cloned().unwrap_or_default(),
            }
        }
        cause => NoOffer::WouldNotHelp {
            recipient,
            words: cause.words(),
        },
    }
}
