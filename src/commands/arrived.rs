//! What every way in does with a notice: judges it, learns from it, keeps what it tells.

use std::fs;
use std::path::Path;
use std::time::SystemTime;

use crate::config::{Account, Config};
use crate::kept;
use crate::notice::provenance::Provenance;
use crate::notice::{Action, Notice};
use crate::offer::honours;
use crate::offer::news::news;
use crate::offer::sorted::Sorted;
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

/// Notes what the notice tells. The offer that it makes or renews, if it does. `state`: the state folder.
pub(super) fn take_in(
    journal: &mut Journal,
    config: &Config,
    state: &Path,
    arrived: &Arrived,
) -> Result<Option<Recording>, Failure> {
    let Arrived { notice, message } = arrived;
    let judgement = judge(notice, &hosts(config), config, Some(journal));
    learn(journal, notice, judgement.provenance)?;
    let Some(news) = news(notice, message, judgement.provenance, now()) else {
        return Ok(None);
    };
    let recording = journal.take_in(&news)?;
    drop_delivered(journal, state, notice, &news.message_id)?;
    Ok(recording)
}

/// The copy of what all its recipients have goes. Only the secret ENVID says which copy is meant.
fn drop_delivered(
    journal: &Journal,
    state: &Path,
    notice: &Notice,
    message_id: &str,
) -> Result<(), Failure> {
    let is_delivered = |action| action == Action::Delivered;
    if !notice
        .recipients
        .iter()
        .any(|report| is_delivered(report.action))
    {
        return Ok(());
    }
    let envelope_id = notice.envelope_id.as_deref().unwrap_or_default();
    let is_of = |id: &str| id.is_empty() || id == message_id;
    let kept = kept::by_envelope(state, envelope_id);
    let Some(kept) = kept.filter(|kept| is_of(&kept.slip.message_id)) else {
        return Ok(());
    };
    let facts = journal.facts(message_id)?;
    let all = || kept.slip.recipients.iter().map(String::as_str);
    let sorted = Sorted::new(&facts, all());
    let has_it = |who| {
        let known = sorted.fate(who);
        known.is_some_and(|known| is_delivered(known.fact.action))
    };
    if all().all(has_it) {
        // One that cannot be removed goes when its days are over.
        let _ = fs::remove_file(&kept.path);
    }
    Ok(())
}

/// Removes what was kept for longer than the configuration says.
pub(super) fn prune_kept(state: &Path, config: &Config) {
    if let Err(error) = kept::prune(state, config.compose.keep_days, SystemTime::now()) {
        let folder = kept::folder(state);
        tracing::warn!("cannot look through {}: {error}", folder.display());
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
