//! What notices tell of a recipient, one after the other: does he still wait?
//!
//! Notices come in any order, more than once, and not all of them from the user's own server. So each
//! leaves a [`Fact`] for each recipient, which never changes, and [`fate`] reads what they come to.
//!
//! A forged notice can do no more than hide an offer, and for that it must pass for one of the user's own
//! server: an unverified one is shown ([`hearsay`]) and changes nothing. An offer never comes to rest on a
//! notice that is less sure than the one before ([`replaces`]).

use crate::message::recipients::same_address;
use crate::notice::provenance::Provenance;
use crate::notice::{Action, Cause, Extent, Notice, RecipientReport};

use super::{Delivery, Recorded, State, consider, notice_key, offer_of};

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
    /// An opt-out would help.
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
        _ if report.opt_out_helps => Bearing::Helps,
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

/// How a recipient stands with the first copy.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fate {
    /// The server holds the message and goes on trying.
    Waits,
    /// The server has given up: sending again is the only way.
    GivenUp,
    /// It is not TLS any more that stands in the way.
    Changed,
    /// The recipient has the message, or a server that sends no notices does.
    Arrived,
}

/// What the facts say of one recipient.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// How he stands.
    pub fate: Fate,
    /// The fact that says so.
    pub fact: &'a Fact,
    /// The address stands for several, and some of them have the message.
    pub is_partial: bool,
}

/// What the facts about one message say of the recipient `who`, one of `all` that are known. Only facts that
/// are plausible at least count; `None` when none does.
///
/// Several addresses may be behind one (an alias): each has its own newest fact, and the recipient stands as
/// the one that is worst off.
pub fn fate<'a>(facts: &'a [Fact], who: &str, all: &[&str]) -> Option<Known<'a>> {
    let is_sure = |fact: &&Fact| fact.provenance != Provenance::Unverified;
    let mut newest: Vec<&Fact> = Vec::new();
    for fact in about(facts, who, all, false).filter(is_sure) {
        match newest
            .iter_mut()
            .find(|known| same(&known.last, &fact.last))
        {
            None => newest.push(fact),
            Some(known) if age(known) < age(fact) => *known = fact,
            Some(_) => (),
        }
    }
    // What was said of the address itself ends when the news is of those behind it.
    let latest = newest.iter().map(|fact| age(fact)).max();
    if newest.len() > 1 {
        newest.retain(|fact| !same(&fact.last, who) || Some(age(fact)) == latest);
    }
    let worst = newest.iter().copied().min_by_key(|fact| of(fact))?;
    let fate = of(worst);
    Some(Known {
        fate,
        fact: worst,
        is_partial: fate != Fate::Arrived && newest.iter().any(|fact| of(fact) == Fate::Arrived),
    })
}

/// The newest thing that a notice says of the resubmission to `who`.
pub fn history<'a>(facts: &'a [Fact], who: &str, all: &[&str]) -> Option<&'a Fact> {
    about(facts, who, all, true)
        .filter(|fact| fact.provenance != Provenance::Unverified)
        .max_by_key(|fact| age(fact))
}

/// What an unverified notice says of a recipient that no other says: shown, and nothing more.
pub fn hearsay<'a>(facts: &'a [Fact], who: &str, all: &[&str]) -> Option<&'a Fact> {
    about(facts, who, all, false)
        .filter(|fact| fact.provenance == Provenance::Unverified && of(fact) != Fate::Waits)
        .max_by_key(|fact| age(fact))
}

/// The facts about `who`: matched by `Original-Recipient` first, and by `Final-Recipient` where that is none
/// of the known ones.
fn about<'a>(
    facts: &'a [Fact],
    who: &str,
    all: &[&str],
    is_again: bool,
) -> impl Iterator<Item = &'a Fact> {
    facts
        .iter()
        .filter(move |fact| fact.is_again == is_again && concerns(fact, who, all))
}

/// Is the fact about `who`? See [`fate`].
pub fn concerns(fact: &Fact, who: &str, all: &[&str]) -> bool {
    let original = fact
        .original
        .as_deref()
        .filter(|original| same(original, who) || all.iter().any(|known| same(known, original)));
    same(original.unwrap_or(&fact.last), who)
}

/// As the journal compares: two spellings that most servers hold for one mailbox are one.
pub fn same(one: &str, other: &str) -> bool {
    same_address(&one.to_lowercase(), &other.to_lowercase())
}

/// Does a notice take the place of the one that an offer rests on? Not a less sure one, however new.
pub fn replaces(new: (Provenance, i64), known: (Provenance, i64)) -> bool {
    (rank(new.0), new.1) > (rank(known.0), known.1)
}

fn of(fact: &Fact) -> Fate {
    match (fact.action, fact.bearing) {
        (Action::Delivered | Action::Relayed | Action::Expanded, _) => Fate::Arrived,
        (_, Bearing::Other) => Fate::Changed,
        (Action::Failed, _) => Fate::GivenUp,
        (Action::Delayed, _) => Fate::Waits,
    }
}

/// What comes later in the life of a message counts as newer within the same second.
fn age(fact: &Fact) -> (i64, u8) {
    let step = match fact.action {
        Action::Delayed => 0,
        Action::Failed => 1,
        Action::Delivered | Action::Relayed | Action::Expanded => 2,
    };
    (fact.written, step)
}

fn rank(provenance: Provenance) -> u8 {
    match provenance {
        Provenance::Unverified => 0,
        Provenance::Plausible => 1,
        Provenance::Verified => 2,
    }
}

/// Only these say that the server has, or may have, the resubmission.
pub fn is_under_way(delivery: &Delivery) -> bool {
    delivery.state != State::Refused
}

#[cfg(test)]
mod tests {
    use super::*;

    const BOB: &str = "bob@example.net";

    fn fact(last: &str, action: Action, written: i64) -> Fact {
        Fact {
            original: Some(BOB.to_owned()),
            last: last.to_owned(),
            action,
            bearing: Bearing::Helps,
            words: String::new(),
            written,
            expires: None,
            provenance: Provenance::Plausible,
            is_again: false,
        }
    }

    fn stands(facts: &[Fact]) -> Option<Fate> {
        fate(facts, BOB, &[BOB]).map(|known| known.fate)
    }

    #[test]
    fn the_newest_counts_in_whatever_order_they_come() {
        let mut facts = [
            fact(BOB, Action::Delayed, 1),
            fact(BOB, Action::Failed, 3),
            fact(BOB, Action::Delayed, 2),
        ];
        assert_eq!(stands(&facts[..1]), Some(Fate::Waits));
        for _ in 0..3 {
            facts.rotate_left(1);
            assert_eq!(stands(&facts), Some(Fate::GivenUp));
        }
        let at_once = [
            fact(BOB, Action::Delivered, 1),
            fact(BOB, Action::Delayed, 1),
        ];
        assert_eq!(stands(&at_once), Some(Fate::Arrived));
        assert_eq!(stands(&[]), None);
    }

    #[test]
    fn a_cause_that_changes() {
        let other = |action| Fact {
            bearing: Bearing::Other,
            ..fact(BOB, action, 2)
        };
        let hidden = |action| Fact {
            bearing: Bearing::Hidden,
            ..fact(BOB, action, 2)
        };
        for (news, fate) in [
            (other(Action::Delayed), Fate::Changed),
            (other(Action::Failed), Fate::Changed),
            (hidden(Action::Delayed), Fate::Waits),
            (hidden(Action::Failed), Fate::GivenUp),
        ] {
            let facts = [fact(BOB, Action::Delayed, 1), news];
            assert_eq!(stands(&facts), Some(fate), "{facts:?}");
        }
        let back = [other(Action::Delayed), fact(BOB, Action::Delayed, 3)];
        assert_eq!(stands(&back), Some(Fate::Waits));
    }

    #[test]
    fn what_is_not_sure_counts_nothing() {
        let forged = Fact {
            provenance: Provenance::Unverified,
            ..fact(BOB, Action::Delivered, 9)
        };
        let facts = [fact(BOB, Action::Delayed, 1), forged];
        assert_eq!(stands(&facts), Some(Fate::Waits));
        assert_eq!(
            hearsay(&facts, BOB, &[BOB]).map(|fact| fact.action),
            Some(Action::Delivered)
        );
        assert_eq!(stands(&facts[1..]), None);
    }

    #[test]
    fn who_is_behind_an_alias() {
        // A relay further on names the mailbox in place of the address.
        let facts = [
            fact(BOB, Action::Delayed, 1),
            fact("robert@inside.example.net", Action::Delivered, 2),
        ];
        assert_eq!(stands(&facts), Some(Fate::Arrived));
        let facts = [
            fact(BOB, Action::Expanded, 1),
            fact("a@far.test", Action::Delivered, 2),
            fact("b@far.test", Action::Delayed, 2),
        ];
        let known = fate(&facts, BOB, &[BOB]).unwrap();
        assert_eq!((known.fate, known.is_partial), (Fate::Waits, true));
    }

    #[test]
    fn the_original_recipient_comes_first() {
        let carol = "carol@example.com";
        let all = [BOB, carol];
        let facts = [Fact {
            original: Some(carol.to_owned()),
            ..fact(BOB, Action::Delivered, 1)
        }];
        assert!(fate(&facts, BOB, &all).is_none());
        assert!(fate(&facts, carol, &all).is_some());
        let facts = [Fact {
            original: Some("x@far.test".to_owned()),
            ..fact("Bob@EXAMPLE.net", Action::Delivered, 1)
        }];
        assert!(fate(&facts, BOB, &all).is_some());
        let plus = [Fact {
            original: None,
            ..fact("bob+x@example.net", Action::Delivered, 1)
        }];
        assert!(fate(&plus, BOB, &all).is_none());
    }

    #[test]
    fn the_history_of_a_resubmission_is_its_own() {
        let again = Fact {
            is_again: true,
            ..fact(BOB, Action::Delivered, 5)
        };
        let facts = [fact(BOB, Action::Failed, 6), again];
        assert_eq!(stands(&facts), Some(Fate::GivenUp));
        assert_eq!(
            history(&facts, BOB, &[BOB]).map(|fact| fact.written),
            Some(5)
        );
        let forged = [Fact {
            is_again: true,
            provenance: Provenance::Unverified,
            ..fact(BOB, Action::Failed, 9)
        }];
        assert!(history(&forged, BOB, &[BOB]).is_none());
    }

    #[test]
    fn which_copy_a_notice_is_about() {
        let sent = Delivery {
            recipient: BOB.to_owned(),
            state: State::Sent,
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
