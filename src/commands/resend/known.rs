//! What the journal knows of a message that is given in place of a notice about it.

use crate::cli::{NAME, Resend};
use crate::notice::provenance::Provenance;
use crate::offer::fate::same;
use crate::offer::news::replaces;
use crate::offer::store::Journal;

use super::super::offers::awaits_word;
use super::super::{Failure, NOTHING, USAGE};

/// The offers about one message.
#[derive(Default)]
pub(super) struct Known {
    waiting: Vec<Waiting>,
    is_offered: bool,
}

/// One that waits for the user's word.
struct Waiting {
    id: i64,
    recipients: Vec<String>,
    /// Provenance and date of its notice.
    rests_on: (Provenance, i64),
}

impl Known {
    pub(super) fn about(journal: &mut Journal, message_id: &str) -> Result<Known, Failure> {
        let mut known = Known::default();
        for offer in journal.briefs_about(message_id)? {
            known.is_offered = true;
            if awaits_word(journal, &offer)? {
                let rests_on = journal.rests_on(&offer)?;
                known.waiting.push(Waiting {
                    id: offer.id,
                    rests_on: rests_on.unwrap_or((Provenance::Plausible, offer.recorded)),
                    recipients: offer.waiting.into_iter().map(|(who, _)| who).collect(),
                });
            }
        }
        Ok(known)
    }

    /// The number of the offer that rests on the surest and newest notice, of those first that name whom the user
    /// names. A notice that may be forged counts only where the user is shown what it says and asked: not with
    /// `--yes`, nor with `--to`, which says all that is needed.
    pub(super) fn best(&self, args: &Resend) -> Option<i64> {
        let is_forgeable = |one: &Waiting| one.rests_on.0 == Provenance::Unverified;
        let names = |one: &Waiting| {
            let mut named = args.to.iter();
            named.any(|to| one.recipients.iter().any(|who| same(who, to)))
        };
        let is_told = args.sending.yes || !args.to.is_empty();
        let fit = self.waiting.iter();
        let fit = fit.filter(|one| !(is_told && is_forgeable(one)));
        let best = fit.reduce(|best, one| match (names(best), names(one)) {
            (true, false) => best,
            (false, true) => one,
            _ if replaces(one.rests_on, best.rests_on) => one,
            _ => best,
        });
        best.map(|one| one.id)
    }

    /// Why nobody is sent to where the user names nobody and [`Known::best`] finds no offer.
    pub(super) fn to_whom(&self) -> Failure {
        match (self.is_offered, self.waiting.is_empty()) {
            (false, _) => Failure::new(USAGE, UNSEEN),
            (true, false) => Failure::new(USAGE, DOUBTFUL),
            (true, true) => {
                let text = format!(
                    "nobody waits for this message any more, as `{NAME} offers --all` shows; if it is to be sent all \
                     the same, name whom to send to with --to"
                );
                Failure::new(NOTHING, text)
            }
        }
    }
}

const UNSEEN: &str = "no notice about this message was seen, so nobody is known to wait for it; name whom to send \
                      to with --to";
const DOUBTFUL: &str = "what was seen about this message may be forged, so nobody is known to wait for it; name \
                        whom to send to with --to, or leave out --yes";
