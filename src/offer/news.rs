//! What notices tell of a recipient, one after the other: does he still wait?
//!
//! Notices come in any order, more than once, and not all of them from the user's own server. So each
//! leaves a [`Fact`] for each recipient, which never changes, and [`super::fate`] reads what they come to.
//!
//! A forged notice can do no more than hide an offer, and for that it must pass for one of the user's own
//! server: an unverified one is shown and changes nothing. An offer never comes to rest on a
//! notice that is less sure than the one before ([`replaces`]).

use crate::notice::provenance::Provenance;
use crate::notice::{Action, Cause, Extent, Notice, RecipientReport};

use super::{Delivery, Recorded, consider, notice_key, offer_of};

/// What one notice says about one recipient, as the journal keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fact {
    /// `Original-Recipient`, the address that was submitted.
    pub original: Option<String>,
    /// `Final-Recipient`.
    pub last: String,
    /// What happened.
    pub action: Action,
    /// Does TLS still stand in the way?
    pub bearing: Bearing,
    /// Why, in words for people.
    pub words: String,
    /// When the notice was written, in seconds since 1970; never later than when it was read.
    pub written: i64,
    /// `Will-Retry-Until`, in seconds since 1970.
    pub expires: Option<i64>,
    /// How sure it is that the user's own server wrote it.
    pub provenance: Provenance,
    /// It is about a resubmission, and not about the first copy.
    pub is_again: bool,
}

/// What the reason of a delay or failure means for an offer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bearing {
    /// An opt-out would help, whether or not the sender's wish allows it.
    Helps,
    /// The notice does not say why: what was known before still holds. Most final failures are such.
    Hidden,
    /// Something that an opt-out does not help.
    Other,
}

/// All that a notice brings for the journal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct News {
    /// What makes the notice the same notice.
    pub notice_key: String,
    /// Message-ID of the original, without angle brackets.
    pub message_id: String,
    /// One for each recipient. `is_again` is false; the journal knows better.
    pub facts: Vec<Fact>,
    /// The offer, if the notice makes one.
    pub offer: Option<Recorded>,
    /// The envelope id, which tells a resubmission of ours.
    pub envelope_id: Option<String>,
    /// How far the notice shows which copy it is about.
    pub copy: Copy,
}

/// Which copy of a message a notice is about, as far as it shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Copy {
    /// One that carries the opt-out.
    OptedOut,
    /// One that does not: never a resubmission.
    Plain,
    /// Nothing was returned. `Arrival-Date`, in seconds since 1970.
    Unseen(Option<i64>),
}

/// Clocks differ, and the journal notes when a submission ended, not when it began.
const SLACK: i64 = 15 * 60;

impl Copy {
    /// Is the notice about the resubmission `delivery`? When in doubt it is: then nothing is offered for it.
    pub fn is_of(self, delivery: &Delivery) -> bool {
        match self {
            Copy::OptedOut => true,
            Copy::Plain => false,
            Copy::Unseen(arrived) => {
                arrived.is_none_or(|at| at.saturating_add(SLACK) >= delivery.at)
            }
        }
    }
}

/// What a notice brings; `None` when it does not say which message it is about. `now`: seconds since 1970.
pub fn news(notice: &Notice, message: &[u8], provenance: Provenance, now: i64) -> Option<News> {
    let original = &notice.original;
    let message_id = original.message_id.clone()?;
    let written = notice.envelope.date.unwrap_or(now).min(now);
    let facts = notice.recipients.iter().map(|report| Fact {
        original: report.original_recipient.clone(),
        last: report.final_recipient.clone(),
        action: report.action,
        bearing: bearing(report),
        words: words(report),
        written,
        expires: report.will_retry_until,
        provenance,
        is_again: false,
    });
    let helped = consider(notice).ok();
    Some(News {
        notice_key: notice_key(notice),
        message_id,
        facts: facts.collect(),
        offer: helped.map(|helped| offer_of(notice, &helped, message, now)),
        envelope_id: notice.envelope_id.clone(),
        copy: match original.extent {
            _ if original.opted_out => Copy::OptedOut,
            Extent::None => Copy::Unseen(notice.arrival_date),
            Extent::Full | Extent::Headers => Copy::Plain,
        },
    })
}

fn bearing(report: &RecipientReport) -> Bearing {
    match report.cause {
        // The sender's wish for security is no news: whether to go past it is asked elsewhere.
        _ if report.would_help => Bearing::Helps,
        Cause::RequiretlsUnsupported => Bearing::Helps,
        Cause::Hidden => Bearing::Hidden,
        _ => Bearing::Other,
    }
}

/// The cause, or what the notice says where that is no kind of TLS failure. At most 200 characters.
fn words(report: &RecipientReport) -> String {
    let said = report.diagnostic.as_ref().or(report.text.as_ref());
    match (report.cause, said) {
        (Cause::NotTls | Cause::SubmissionAuth, Some(said)) => said.chars().take(200).collect(),
        (Cause::NotTls, None) => report.status.clone().unwrap_or_default(),
        (cause, _) => cause.words().to_owned(),
    }
}

/// Does a notice take the place of the one that an offer rests on? Not a less sure one, however new.
pub fn replaces(new: (Provenance, i64), known: (Provenance, i64)) -> bool {
    new > known
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_copy_a_notice_is_about() {
        let sent = Delivery {
            recipient: "bob@example.net".to_owned(),
            state: crate::offer::State::Sent,
            at: 10_000,
            server: String::new(),
            reply: String::new(),
        };
        assert!(Copy::OptedOut.is_of(&sent) && !Copy::Plain.is_of(&sent));
        assert!(Copy::Unseen(None).is_of(&sent) && Copy::Unseen(Some(9_990)).is_of(&sent));
        assert!(!Copy::Unseen(Some(10_000 - SLACK - 1)).is_of(&sent));
    }

    #[test]
    fn a_less_sure_notice_replaces_none() {
        use Provenance::{Plausible, Unverified, Verified};
        assert!(
            replaces((Plausible, 2), (Plausible, 1)) && !replaces((Plausible, 1), (Plausible, 1))
        );
        assert!(
            replaces((Verified, 1), (Plausible, 2)) && !replaces((Unverified, 9), (Plausible, 1))
        );
    }
}
