//! What the notices about one recipient come to: does he still wait?
//!
//! Only what passes for a notice of the user's own server counts; the rest is shown ([`Sorted::hearsay`]).

use std::collections::HashMap;

use crate::message::recipients::same_address;
use crate::notice::Action;
use crate::notice::provenance::Provenance;

use super::news::{Bearing, Fact};
use super::sorted::{self, ByRecipient, Sorted};

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

/// What the facts about one message say of the recipient `who`, one of `all` that are known. See [`Sorted::fate`].
pub fn fate<'a>(facts: &'a [Fact], who: &str, all: &[&str]) -> Option<Known<'a>> {
    Sorted::new(facts, all.iter().copied()).fate(who)
}

impl<'a> Sorted<'a> {
    /// What the facts say of this recipient. Only those that are plausible at least count; `None` when none does.
    ///
    /// Several addresses may be behind one (an alias): each has its own newest fact, and the recipient stands as
    /// the one that is worst off.
    pub fn fate(&self, who: &str) -> Option<Known<'a>> {
        let mut newest = newest(self.about(who, false).filter(is_sure));
        // What was said of the address itself ends when the news is of those behind it.
        let latest = newest.iter().map(|fact| age(fact)).max();
        if newest.len() > 1 {
            newest.retain(|fact| !same(&fact.last, who) || Some(age(fact)) == latest);
        }
        self.recall(who, &mut newest);
        let worst = newest.iter().copied().min_by_key(|fact| of(fact))?;
        let fate = of(worst);
        Some(Known {
            fate,
            fact: worst,
            is_partial: fate != Fate::Arrived
                && newest.iter().any(|fact| of(fact) == Fate::Arrived),
        })
    }

    /// A notice that hides its cause does not undo what an earlier one has said: that it is not TLS.
    fn recall(&self, who: &str, newest: &mut [&'a Fact]) {
        let tells = |fact: &&Fact| fact.bearing != Bearing::Hidden && of(fact) != Fate::Arrived;
        let told = self::newest(self.about(who, false).filter(is_sure).filter(tells));
        let told = ByRecipient::first(told, |fact| &fact.last);
        for fact in newest {
            if fact.bearing == Bearing::Hidden && of(fact) != Fate::Arrived {
                let earlier = [told.of(&fact.last), told.of(who)].into_iter().flatten();
                let earlier = earlier.copied().max_by_key(|fact| age(fact));
                *fact = earlier
                    .filter(|fact| of(fact) == Fate::Changed)
                    .unwrap_or(fact);
            }
        }
    }

    /// The newest thing that a notice says of the resubmission to `who`.
    pub fn history(&self, who: &str) -> Option<&'a Fact> {
        self.about(who, true)
            .filter(is_sure)
            .max_by_key(|fact| age(fact))
    }

    /// What an unverified notice says of a recipient that no other says: shown, and nothing more.
    pub fn hearsay(&self, who: &str) -> Option<&'a Fact> {
        self.about(who, false)
            .filter(|fact| !is_sure(fact) && of(fact) != Fate::Waits)
            .max_by_key(|fact| age(fact))
    }
}

fn is_sure(fact: &&Fact) -> bool {
    fact.provenance != Provenance::Unverified
}

/// The newest fact of each address behind one, in the order in which they were first heard of.
fn newest<'a>(facts: impl Iterator<Item = &'a Fact>) -> Vec<&'a Fact> {
    let (mut newest, mut places): (Vec<&Fact>, HashMap<_, usize>) = Default::default();
    for fact in facts {
        let place = match sorted::key(&fact.last) {
            Some(last) => *places.entry(last).or_insert(newest.len()),
            None => newest.len(),
        };
        match newest.get_mut(place) {
            None => newest.push(fact),
            Some(known) if age(known) < age(fact) => *known = fact,
            Some(_) => (),
        }
    }
    newest
}

/// As the journal compares: two spellings that most servers hold for one mailbox are one.
pub fn same(one: &str, other: &str) -> bool {
    same_address(&one.to_lowercase(), &other.to_lowercase())
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
    fn a_notice_that_hides_the_cause_changes_nothing_about_it() {
        let tells = |last: &str, bearing, written| Fact {
            bearing,
            ..fact(last, Action::Delayed, written)
        };
        let (waits, changed) = (tells(BOB, Bearing::Helps, 1), tells(BOB, Bearing::Other, 2));
        for (action, with_tls) in [
            (Action::Delayed, Fate::Waits),
            (Action::Failed, Fate::GivenUp),
        ] {
            let hidden = |last: &str, written| Fact {
                bearing: Bearing::Hidden,
                ..fact(last, action, written)
            };
            let facts = [hidden(BOB, 3), waits.clone(), changed.clone()];
            let known = fate(&facts, BOB, &[BOB]).unwrap();
            assert_eq!((known.fate, known.fact), (Fate::Changed, &changed));
            // Of one behind the address the same is known as of the address.
            let behind = [waits.clone(), changed.clone(), hidden("b@far.test", 3)];
            assert_eq!(stands(&behind), Some(Fate::Changed));
            let again = [&facts[..], &[tells(BOB, Bearing::Helps, 4), hidden(BOB, 5)]].concat();
            assert_eq!(stands(&again), Some(with_tls));
            // A delivery is no cause, and another mailbox has its own.
            let expanded = Fact {
                bearing: Bearing::Other,
                ..fact(BOB, Action::Expanded, 2)
            };
            let several = [
                waits.clone(),
                expanded,
                tells("a@far.test", Bearing::Other, 3),
                hidden("b@far.test", 3),
            ];
            assert_eq!(stands(&several), Some(with_tls));
        }
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
            Sorted::new(&facts, [BOB])
                .hearsay(BOB)
                .map(|fact| fact.action),
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
            Sorted::new(&facts, [BOB])
                .history(BOB)
                .map(|fact| fact.written),
            Some(5)
        );
        let forged = [Fact {
            is_again: true,
            provenance: Provenance::Unverified,
            ..fact(BOB, Action::Failed, 9)
        }];
        assert!(Sorted::new(&forged, [BOB]).history(BOB).is_none());
    }
}
