//! A trial: the program has died, once or more often. What must hold now and for ever?

use std::collections::BTreeMap;

use crate::alice::{Alice, RECIPIENTS, original};

/// A body with everything that the way through SMTP must not change.
pub(crate) const TEXT: &str = "Shall we meet at one?\n.\n.. dots\n-- \nAlice\n";

/// What the journal said of each recipient after the kill, and how often the server took the message.
#[derive(Debug, Default)]
pub(crate) struct Verdict {
    pub(crate) killed: BTreeMap<String, String>,
    pub(crate) accepted: BTreeMap<String, usize>,
}

impl Verdict {
    /// Do all recipients have this state and this count?
    pub(crate) fn is(&self, state: &str, accepted: usize) -> bool {
        RECIPIENTS.iter().all(|recipient| {
            self.state(recipient) == state && self.accepted.get(*recipient) == Some(&accepted)
        })
    }

    /// The state after the kill; `new` where the journal did not know of it yet.
    pub(crate) fn state(&self, recipient: &str) -> &str {
        self.killed.get(recipient).map_or("new", |state| state)
    }
}

/// Starts the program three times more, for the same notice, and counts. `what` names the trial.
///
/// Nobody gets the message twice, nobody gets half of it, no offer is lost, every state is true, and
/// who has not been sent the message for certain is sent it now.
pub(crate) fn settle(alice: Alice, text: &str, what: &str) -> Verdict {
    let killed = alice.states();
    for _ in 0..3 {
        let run = alice.run(&["resend", "--yes", "notice.eml"]);
        assert!(
            run.status.code().is_some_and(|code| code <= 1),
            "{what}: {run:?}"
        );
    }
    let settled = alice.states();
    let mut verdict = Verdict {
        killed,
        accepted: RECIPIENTS.map(|recipient| (recipient.to_owned(), 0)).into(),
    };
    let whole = format!("TLS-Required: No\n{}", original(text)).replace('\n', "\r\n");
    for message in alice.finish().iter().flat_map(|session| &session.messages) {
        assert!(message.data == whole.as_bytes(), "{what}: another message");
        for (recipient, _) in &message.recipients {
            *verdict.accepted.entry(recipient.clone()).or_default() += 1;
        }
    }
    assert_eq!(
        verdict.accepted.len(),
        RECIPIENTS.len(),
        "{what}: {verdict:?}"
    );
    for recipient in RECIPIENTS {
        let (accepted, before) = (verdict.accepted[recipient], verdict.state(recipient));
        let after = settled.get(recipient).map_or("lost", String::as_str);
        let holds = match (before, after) {
            ("new" | "open" | "refused" | "sent", "sent") => accepted == 1,
            ("unknown", "unknown") => accepted <= 1,
            _ => false,
        };
        assert!(
            holds,
            "{what}: {recipient} was {before}, is {after}, and got {accepted} message(s)"
        );
    }
    verdict
}
