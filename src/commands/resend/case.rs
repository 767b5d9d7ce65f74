//! Everything that is known about one notice before anybody is asked.

use std::path::PathBuf;

use crate::cli::{NAME, Resend};
use crate::config::{Config, Places};
use crate::maildir::search::{Copy, Flaw};
use crate::maildir::{self, proof};
use crate::message::recipients::senders;
use crate::message::{resubmission, text};
use crate::notice::Notice;
use crate::notice::provenance::{Judgement, Provenance};
use crate::offer::plan::{Plan, plan};
use crate::offer::store::Journal;
use crate::offer::{NoOffer, consider, honours, offer_of};

use super::super::find::{Wanted, look, missing};
use super::super::route::Route;
use super::super::{DATA, Failure, IO, NOTHING, journal, judge, now, read_notice};

/// A notice, its original, and what would be sent to whom.
#[derive(Debug)]
pub(in crate::commands) struct Case {
    /// The notice.
    pub(in crate::commands) notice: Notice,
    /// Did the user's own server write it?
    pub(in crate::commands) judgement: Judgement,
    /// The journal; none in a dry run without one.
    pub(in crate::commands) journal: Option<Journal>,
    /// Number of the offer; 0 in a dry run.
    pub(in crate::commands) offer: i64,
    /// Message-ID of the original.
    pub(in crate::commands) message_id: String,
    /// Where the original lies.
    pub(in crate::commands) path: PathBuf,
    /// What speaks against that copy, though it may be sent.
    pub(in crate::commands) flaws: Vec<Flaw>,
    /// Who gets it and who does not.
    pub(in crate::commands) plan: Plan,
    /// The way out.
    pub(in crate::commands) route: Route,
    /// Whether that server acts on the opt-out, and since when that is known.
    pub(in crate::commands) honour: Option<(bool, i64)>,
    /// What will be sent, with the line ends of the file.
    pub(in crate::commands) message: Vec<u8>,
    /// The fields that were taken out.
    pub(in crate::commands) removed: Vec<String>,
}

impl Case {
    /// Reads the notice, finds and proves the original, plans. Records the offer on the way, so that
    /// it waits for the user whatever fails after that.
    pub(in crate::commands) fn open(
        bytes: &[u8],
        args: &Resend,
        config: &Config,
        places: &Places,
    ) -> Result<Case, Failure> {
        let notice = read_notice(bytes)?;
        learn(&notice, args, config, places)?;
        let helped = consider(&notice).map_err(|no_offer| Failure::new(NOTHING, no_offer))?;
        let message_id = notice
            .original
            .message_id
            .clone()
            .ok_or_else(|| Failure::new(NOTHING, NoOffer::NoMessageId))?;
        // A dry run looks where there is something to see, and makes nothing.
        let mut journal = match args.sending.dry_run {
            true => Journal::open_to_look(&places.state_home.join(NAME)).ok(),
            false => Some(journal(places)?),
        };
        let mut offer = 0;
        if let Some(journal) = journal.as_mut().filter(|_| !args.sending.dry_run) {
            offer = journal
                .record(&offer_of(&notice, &helped, bytes, now()))?
                .id;
        }
        let (copy, original) = original(config, places, &notice, &message_id, !args.sending.yes)?;
        let rewritten =
            resubmission::rewrite(&original).map_err(|refusal| Failure::new(NOTHING, refusal))?;
        let route = Route::choose(config, args.sending.account.as_deref(), &senders(&original))?;
        let deliveries = match journal.as_mut() {
            Some(journal) => journal.deliveries(&message_id)?,
            None => Vec::new(),
        };
        let plan = plan(
            &notice,
            &helped,
            &original,
            &args.to,
            &config.policy,
            &deliveries,
        );
        let honour = match &journal {
            Some(journal) => journal.honour(&route.to_string())?,
            None => None,
        };
        let judgement = judge(
            &notice,
            &route.account.notice_hosts(),
            config,
            journal.as_ref(),
        );
        let (message, removed) = (rewritten.bytes, rewritten.removed);
        Ok(Case {
            notice,
            judgement,
            journal,
            offer,
            message_id,
            path: copy.path,
            flaws: copy.flaws,
            plan,
            route,
            honour,
            message,
            removed,
        })
    }
}

/// A notice about an opted-out message shows whether its server acts on that. Only one that returns
/// what a server that handled our resubmission knew teaches anything: others may be forged.
fn learn(notice: &Notice, args: &Resend, config: &Config, places: &Places) -> Result<(), Failure> {
    let Some(honours) = honours(notice).filter(|_| !args.sending.dry_run) else {
        return Ok(());
    };
    // One that belongs to no account teaches nothing.
    let Ok(route) = Route::choose(config, None, &senders(&notice.original.header)) else {
        return Ok(());
    };
    let mut journal = journal(places)?;
    let judgement = judge(
        notice,
        &route.account.notice_hosts(),
        config,
        Some(&journal),
    );
    if judgement.provenance == Provenance::Verified {
        journal.learn(&route.to_string(), honours, now())?;
    }
    Ok(())
}

/// The copy that was sent, proven, and its bytes.
fn original(
    config: &Config,
    places: &Places,
    notice: &Notice,
    id: &str,
    is_attended: bool,
) -> Result<(Copy, Vec<u8>), Failure> {
    let date = notice.original.date.as_deref().and_then(text::date);
    let near = date.or(notice.arrival_date);
    let returned = notice.original.clone();
    let wanted = Wanted {
        id,
        near,
        is_for_all: false,
        is_attended,
    };
    let proven = move |header: &[u8]| proof::prove(header, &returned).is_ok();
    let found = look(config, places, &wanted, proven)?;
    // The best copy comes first.
    let copy = found
        .copies
        .first()
        .ok_or_else(|| missing(config, id, &found))?;
    let path = copy.path.display();
    let bytes =
        maildir::read(&copy.path).map_err(|error| Failure::new(IO, format!("{path}: {error}")))?;
    // Once more, and now of the bytes that will be sent.
    proof::prove(&bytes, &notice.original)
        .map_err(|mismatch| Failure::new(DATA, format!("{path}: {mismatch}")))?;
    if !copy.is_sendable() {
        let flaws: Vec<String> = copy.flaws.iter().map(ToString::to_string).collect();
        let text = format!(
            "{path}: not what you sent ({}), and no better copy was found; nothing was sent",
            flaws.join(", ")
        );
        return Err(Failure::new(DATA, text));
    }
    Ok((copy.clone(), bytes))
}
