//! Who gets the resubmission, and who does not and why.

use std::collections::HashSet;

use super::fate::{Fate, Known, same};
use super::news::Fact;
use super::sorted::{ByRecipient, Sorted};
use super::{Delivery, State, submitted};
use crate::message::recipients::{Mailbox, matching, recipients, same_address};
use crate::message::text::rfc3339;
use crate::notice::{Action, Cause, Notice, RecipientReport};
use crate::policy::{Decision, Policy};

/// The outcome of planning: nobody is in both lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// The recipients, spelled as in the original.
    pub send: Vec<Chosen>,
    /// Everybody else who was asked for.
    pub left_out: Vec<LeftOut>,
}

/// A recipient who gets the resubmission.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chosen {
    /// The address, spelled as in the original.
    pub address: String,
    /// Why the first copy waits; `None` for one that only the user named.
    pub cause: Option<Cause>,
    /// The notice says that the server still holds the first copy and goes on trying.
    pub is_queued: bool,
    /// A notice says that the server has given up.
    pub is_given_up: bool,
    /// `Will-Retry-Until`, in seconds since 1970: until then the server goes on trying.
    pub retry_until: Option<i64>,
}

/// A recipient who gets nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    /// The address, as the notice or the user spells it.
    pub address: String,
    /// Why.
    pub reason: Reason,
}

/// Why a recipient gets nothing. Shown to the user after the address.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Reason {
    /// The notice names an address that the original was not sent to: an alias, or a forgery.
    #[error(
        "is not among the recipients of the original; nothing goes there (if it stands for one of them, \
         name that one with --to)"
    )]
    NotARecipient,
    /// The journal knows of an earlier resubmission.
    #[error("{}", .0.words())]
    Delivery(Delivery),
    /// Another recipient differs from it in case only.
    #[error("is one mailbox with {0}, which gets it, to most servers")]
    SameMailbox(String),
    /// The user has said no to the offer of this number.
    #[error(
        "you have said no to it (offer {0}); if it is to be sent all the same, name it with --to"
    )]
    Dismissed(i64),
    /// The policy forbids it.
    #[error("may not be opted out: {}", forbidden(.0.as_deref()))]
    Policy(Option<String>),
    /// The address stands for several, and some of them have the message.
    #[error(
        "stands for several recipients, and some have the message already; if they may get it twice, \
             name it with --to"
    )]
    SomeHaveIt,
    /// The notice says that this recipient has the message.
    #[error("has the message already, the notice says")]
    HasIt,
    /// Another notice says so.
    #[error("has the message already ({action}), says a notice of {}", rfc3339(*.at))]
    Arrived {
        /// What happened, as in the notice.
        action: &'static str,
        /// When the notice was written, in seconds since 1970.
        at: i64,
    },
    /// A newer notice gives another cause.
    #[error(
        "is not held back by TLS any more, says a notice of {} ({words}); if it is to be sent all the same, \
         name it with --to",
        rfc3339(*.at)
    )]
    Changed {
        /// The cause in words.
        words: String,
        /// When the notice was written, in seconds since 1970.
        at: i64,
    },
}

fn forbidden(pattern: Option<&str>) -> String {
    match pattern {
        Some(pattern) => format!("the [policy] of the configuration has `{pattern}` = never"),
        None => "the [policy] of the configuration has default = never".to_owned(),
    }
}

/// Chooses among the recipients of the original `header` those that the notice says an opt-out would
/// help (`helped`), or, where the user named some, those (`to`).
///
/// A reported recipient is matched by `Original-Recipient` first and `Final-Recipient` second
/// (RFC 3461 section 4.2): the latter may be the far end of an alias.
pub fn plan(
    notice: &Notice,
    helped: &[&RecipientReport],
    header: &[u8],
    to: &[String],
    policy: &Policy,
    deliveries: &[Delivery],
) -> Plan {
    let originals = recipients(header);
    let done = done(deliveries);
    let mut plan = Plan::default();
    if to.is_empty() {
        // Looked up once: a forged notice may have thousands of recipients.
        let have_it: HashSet<&str> = notice
            .recipients
            .iter()
            .filter(|report| has_it(report))
            .filter_map(|report| Some(&*reported(&originals, report)?.address))
            .collect();
        for report in helped {
            let shown = submitted(report);
            let found = reported(&originals, report);
            if found.is_some_and(|mailbox| have_it.contains(&*mailbox.address)) {
                plan.leave_out(shown, Reason::SomeHaveIt);
            } else {
                plan.add(shown, found, Some(report), policy, &done);
            }
        }
    }
    for address in to {
        let is_about = |report: &&RecipientReport| {
            reported(&originals, report).is_some_and(|r| same_address(&r.address, address))
        };
        // Of several behind one address those who wait count: the user has named it.
        let about = || notice.recipients.iter().filter(is_about);
        let report = about().find(|report| !has_it(report)).or(about().next());
        let found = matching(&originals, address);
        plan.add(address, found, report, policy, &done);
    }
    plan
}

/// Divides those that the notice says an opt-out would help: those to choose from, and those of whom the user has
/// said no. `dismissed`: who that was, and the number of the offer.
///
/// Where all of them are such it is the user's later word that brings them up again, and it counts.
pub fn wanted<'a>(
    helped: Vec<&'a RecipientReport>,
    dismissed: &[(String, i64)],
) -> (Vec<&'a RecipientReport>, Vec<LeftOut>) {
    let dismissed = ByRecipient::first(dismissed, |(who, _)| who);
    let (mut wanted, mut left_out) = (Vec::new(), Vec::new());
    for report in &helped {
        match dismissed.of(submitted(report)) {
            None => wanted.push(*report),
            Some((_, offer)) => left_out.push(LeftOut {
                address: submitted(report).to_owned(),
                reason: Reason::Dismissed(*offer),
            }),
        }
    }
    match wanted.is_empty() {
        true => (helped, Vec::new()),
        false => (wanted, left_out),
    }
}

/// Chooses among the recipients of the original `header` where no notice tells of any: those that the user named
/// (`to`), or else all, for the user to choose from.
pub fn plan_without_notice(
    header: &[u8],
    to: &[String],
    policy: &Policy,
    deliveries: &[Delivery],
) -> Plan {
    let originals = recipients(header);
    let all: Vec<String> = match to {
        [] => originals.iter().map(|one| one.address.clone()).collect(),
        named => named.to_vec(),
    };
    let done = done(deliveries);
    let mut plan = Plan::default();
    for address in &all {
        let found = matching(&originals, address);
        plan.add(address, found, None, policy, &done);
    }
    plan
}

fn reported<'a>(originals: &'a [Mailbox], report: &RecipientReport) -> Option<&'a Mailbox> {
    let original = report.original_recipient.as_deref();
    original
        .and_then(|address| matching(originals, address))
        .or_else(|| matching(originals, &report.final_recipient))
}

impl Plan {
    /// Leaves out those of whom other notices say that they do not wait any more.
    /// One whom the user has named (`to`) is left out only if he has the message. `header`: of the original.
    pub fn heed(&mut self, facts: &[Fact], header: &[u8], to: &[String]) {
        let originals = recipients(header);
        let all: Vec<&str> = originals.iter().map(|mailbox| &*mailbox.address).collect();
        let facts = Sorted::new(facts, all);
        for mut chosen in std::mem::take(&mut self.send) {
            let known = facts.fate(&chosen.address);
            let is_named = to.iter().any(|named| same(named, &chosen.address));
            if let Some(reason) = known.and_then(|known| against(&known, is_named)) {
                self.leave_out(&chosen.address, reason);
                continue;
            }
            if known.is_some_and(|known| known.fate == Fate::GivenUp) {
                (chosen.is_queued, chosen.is_given_up) = (false, true);
            }
            self.send.push(chosen);
        }
    }

    /// Adds a recipient of the original, known as `shown` to the user, to one of the lists.
    fn add(
        &mut self,
        shown: &str,
        found: Option<&Mailbox>,
        report: Option<&RecipientReport>,
        policy: &Policy,
        done: &ByRecipient<&Delivery>,
    ) {
        let checked = match found {
            None => Err(Reason::NotARecipient),
            Some(mailbox) => {
                check(&mailbox.address, report, policy, done).map(|()| mailbox.address.clone())
            }
        };
        let address = match checked {
            Err(reason) => return self.leave_out(shown, reason),
            Ok(address) => address,
        };
        match self.same(&address).map(|chosen| chosen.address.clone()) {
            Some(chosen) if same_address(&chosen, &address) => (),
            Some(chosen) => self.leave_out(shown, Reason::SameMailbox(chosen)),
            None => self.send.push(Chosen {
                address,
                cause: report.map(|report| report.cause),
                is_queued: report.is_some_and(|report| report.action == Action::Delayed),
                is_given_up: report.is_some_and(|report| report.action == Action::Failed),
                retry_until: report.and_then(|report| report.will_retry_until),
            }),
        }
    }

    fn leave_out(&mut self, shown: &str, reason: Reason) {
        let address = shown.to_owned();
        self.left_out.push(LeftOut { address, reason });
    }

    /// Who gets what this address would.
    fn same(&self, address: &str) -> Option<&Chosen> {
        let mut chosen = self.send.iter();
        chosen.find(|chosen| same(&chosen.address, address))
    }
}

/// What speaks against one more copy.
fn against(known: &Known<'_>, is_named: bool) -> Option<Reason> {
    let at = known.fact.written;
    match known.fate {
        Fate::Arrived => Some(Reason::Arrived {
            action: known.fact.action.name(),
            at,
        }),
        Fate::Changed if !is_named => Some(Reason::Changed {
            words: known.fact.words.clone(),
            at,
        }),
        _ if known.is_partial && !is_named => Some(Reason::SomeHaveIt),
        _ => None,
    }
}

/// Does the notice say that this recipient has the message?
fn has_it(report: &RecipientReport) -> bool {
    !matches!(report.action, Action::Delayed | Action::Failed)
}

/// The resubmissions after which there is none.
fn done(deliveries: &[Delivery]) -> ByRecipient<&Delivery> {
    let done = deliveries
        .iter()
        .filter(|delivery| delivery.state != State::Refused);
    ByRecipient::first(done, |delivery| &delivery.recipient)
}

/// May this recipient of the original get a resubmission?
fn check(
    address: &str,
    report: Option<&RecipientReport>,
    policy: &Policy,
    done: &ByRecipient<&Delivery>,
) -> Result<(), Reason> {
    if report.is_some_and(has_it) {
        return Err(Reason::HasIt);
    }
    if let Some(delivery) = done.of(address) {
        return Err(Reason::Delivery((*delivery).clone()));
    }
    match policy.decide(address) {
        (Decision::Never, rule) => Err(Reason::Policy(rule.map(|rule| rule.pattern.clone()))),
        _ => Ok(()),
    }
}
