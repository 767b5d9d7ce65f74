//! What every way in does with a notice: judges it, learns from it, keeps what it tells.

use crate::config::{Account, Config};
use crate::notice::Notice;
use crate::notice::provenance::Provenance;
use crate::offer::honours;
use crate::offer::news::news;
use crate::offer::store::{Journal, Recording};
use crate::watch::arrival::Arrived;

use super::{Failure, judge, now};

/// The hosts that notices of the user's own servers come from.
pub(super) fn hosts(config: &Config) -> Vec<String> {
    config
        .accounts
        .iter()
        .flat_map(Account::notice_hosts)
        .collect()
}

/// Notes what the notice tells. The offer that it makes or renews, if it does.
pub(super) fn take_in(
    journal: &mut Journal,
    config: &Config,
    arrived: &Arrived,
) -> Result<Option<Recording>, Failure> {
    let Arrived { notice, message } = arrived;
    let judgement = judge(notice, &hosts(config), config, Some(journal));
    learn(journal, notice, judgement.provenance)?;
    match news(notice, message, judgement.provenance, now()) {
        Some(news) => Ok(journal.take_in(&news)?),
        None => Ok(None),
    }
}

/// A notice about an opted-out message shows whether its server acts on that. Only one that returns what a
/// server that handled our resubmission knew teaches anything: others may be forged.
fn learn(journal: &mut Journal, notice: &Notice, provenance: Provenance) -> Result<(), Failure> {
    let (Some(honours), Some(envelope_id)) = (honours(notice), &notice.envelope_id) else {
        return Ok(());
    };
    let message_id = notice.original.message_id.as_deref().unwrap_or_default();
    let server = journal.server_of(envelope_id, message_id)?;
    if let Some(server) = server.filter(|_| provenance == Provenance::Verified) {
        journal.learn(&server, honours, now())?;
    }
    Ok(())
}
