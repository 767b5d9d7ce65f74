//! Who gets the resubmission, and who does not and why.

use super::{Delivery, State};
use crate::message::recipients::{Mailbox, matching, recipients, same_address};
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
    /// The policy forbids it.
    #[error("may not be opted out: {}", forbidden(.0.as_deref()))]
    Policy(Option<String>),
    /// The notice says that this recipient has the message.
    #[error("has the message already, the notice says")]
    HasIt,
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
    let mut plan = Plan::default();
    if to.is_empty() {
        for report in helped {
            let shown = report
                .original_recipient
                .as_ref()
                .unwrap_or(&report.final_recipient);
            let cause = Some(report.cause);
            add(
                &mut plan,
                shown,
                reported(&originals, report),
                cause,
                policy,
                deliveries,
            );
        }
    }
    for address in to {
        let about = notice.recipients.iter().find(|report| {
            reported(&originals, report).is_some_and(|r| same_address(&r.address, address))
        });
        let arrived =
            about.is_some_and(|report| !matches!(report.action, Action::Delayed | Action::Failed));
        if arrived {
            plan.left_out.push(LeftOut {
                address: address.clone(),
                reason: Reason::HasIt,
            });
            continue;
        }
        let found = matching(&originals, address);
        add(
            &mut plan,
            address,
            found,
            about.map(|report| report.cause),
            policy,
            deliveries,
        );
    }
    plan
}

fn reported<'a>(originals: &'a [Mailbox], report: &RecipientReport) -> Option<&'a Mailbox> {
    let original = report.original_recipient.as_deref();
    original
        .and_then(|address| matching(originals, address))
        .or_else(|| matching(originals, &report.final_recipient))
}

fn add(
    plan: &mut Plan,
    shown: &str,
    found: Option<&Mailbox>,
    cause: Option<Cause>,
    policy: &Policy,
    deliveries: &[Delivery],
) {
    let Some(recipient) = found else {
        plan.left_out.push(LeftOut {
            address: shown.to_owned(),
            reason: Reason::NotARecipient,
        });
        return;
    };
    let address = recipient.address.clone();
    if plan
        .send
        .iter()
        .any(|chosen| same_address(&chosen.address, &address))
    {
        return;
    }
    let known = deliveries
        .iter()
        .find(|delivery| delivery.recipient == address.to_lowercase());
    let (decision, rule) = policy.decide(&address);
    if let Some(delivery) = known.filter(|delivery| delivery.state != State::Refused) {
        plan.left_out.push(LeftOut {
            address,
            reason: Reason::Delivery(delivery.clone()),
        });
    } else if decision == Decision::Never {
        plan.left_out.push(LeftOut {
            address,
            reason: Reason::Policy(rule.map(|rule| rule.pattern.clone())),
        });
    } else {
        plan.send.push(Chosen { address, cause });
    }
}
