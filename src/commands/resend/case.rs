//! Everything that is known about one notice before anybody is asked.

use std::path::{Path, PathBuf};

use crate::cli::{NAME, Resend};
use crate::config::{Config, Places};
use crate::kept;
use crate::maildir::search::{Copy, Flaw};
use crate::maildir::{self, proof};
use crate::message::recipients::senders;
use crate::message::refusal::{self, Refusal};
use crate::message::resubmission::Rewritten;
use crate::message::{resubmission, text};
use crate::notice::Notice;
use crate::notice::provenance::Judgement;
use crate::offer::news::Fact;
use crate::offer::plan::{Plan, plan};
use crate::offer::store::Journal;
use crate::offer::{NoOffer, consider, consider_against_wish};
use crate::policy::marked;
use crate::watch::arrival::Arrived;

use super::super::arrived::take_in;
use super::super::find::{Wanted, look, missing};
use super::super::route::Route;
use super::super::{DATA, Failure, IO, NOTHING, journal, judge, read_notice};

/// A notice, its original, and what would be sent to whom.
#[derive(Debug)]
pub(in crate::commands) struct Case {
    /// The notice.
    pub(in crate::commands) notice: Notice,
    /// Did the user's own server write it?
    pub(in crate::commands) judgement: Judgement,
    /// The journal; none in a dry run without one.
    pub(in crate::commands) journal: Option<Journal>,
    /// Number of the offer; 0 where none is recorded: in a dry run, against the sender's wish.
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
    /// What notices have told about this message.
    pub(in crate::commands) facts: Vec<Fact>,
    /// By what its sender asked for security. Where there is something only a typed word sends it.
    pub(in crate::commands) wishes: Vec<Refusal>,
    /// What will be sent, with the line ends of the file.
    pub(in crate::commands) message: Vec<u8>,
    /// The fields that were taken out.
    pub(in crate::commands) removed: Vec<String>,
}

impl Case {
    /// Reads the notice, finds and proves the original, plans. Records what the notice tells on the way, so that
    /// it waits for the user whatever fails after that.
    pub(in crate::commands) fn open(
        bytes: &[u8],
        args: &Resend,
        config: &Config,
        places: &Places,
    ) -> Result<Case, Failure> {
        let notice = read_notice(bytes)?;
        // A dry run looks where there is something to see, and makes nothing.
        let mut journal = match args.sending.dry_run {
            true => Journal::open_to_look(&places.state_home.join(NAME)).ok(),
            false => Some(journal(places)?),
        };
        let mut offer = 0;
        let arrived = Arrived {
            notice,
            message: bytes.to_owned(),
        };
        if let Some(journal) = journal.as_mut().filter(|_| !args.sending.dry_run) {
            let recorded = take_in(journal, config, &arrived)?;
            offer = recorded.map_or(0, |recorded| recorded.id);
        }
        let notice = arrived.notice;
        let helped = match args.force {
            true => consider_against_wish(&notice),
            false => consider(&notice),
        };
        let helped = helped.map_err(|no_offer| Failure::new(NOTHING, no_offer))?;
        let message_id = notice
            .original
            .message_id
            .clone()
            .ok_or_else(|| Failure::new(NOTHING, NoOffer::NoMessageId))?;
        let original = original(config, places, &notice, &message_id, !args.sending.yes)?;
        let wishes = wishes(config, &notice, &original.bytes);
        let rewritten = rewritten(&original.bytes, &wishes, args.force)
            .map_err(|refusal| Failure::new(NOTHING, refusal))?;
        let senders = senders(&original.bytes);
        let route = Route::choose(config, args.sending.account.as_deref(), &senders)?;
        let deliveries = match journal.as_mut() {
            Some(journal) => journal.deliveries(&message_id)?,
            None => Vec::new(),
        };
        let facts = match &journal {
            Some(journal) => journal.facts(&message_id)?,
            None => Vec::new(),
        };
        let judgement = judge(
            &notice,
            &route.account.notice_hosts(),
            config,
            journal.as_ref(),
        );
        let recipients = original.envelope.as_deref().unwrap_or(&original.bytes);
        let mut plan = plan(
            &notice,
            &helped,
            recipients,
            &args.to,
            &config.policy,
            &deliveries,
        );
        plan.heed(&facts, recipients, &args.to);
        let honour = match &journal {
            Some(journal) => journal.honour(&route.to_string())?,
            None => None,
        };
        let (message, removed) = (rewritten.bytes, rewritten.removed);
        Ok(Case {
            notice,
            judgement,
            journal,
            offer,
            message_id,
            path: original.path,
            flaws: original.flaws,
            plan,
            route,
            honour,
            facts,
            wishes,
            message,
            removed,
        })
    }
}

/// How the sender of a message asked for security: in its own fields or those of the server, by the marks that
/// the configuration names, or by REQUIRETLS.
fn wishes(config: &Config, notice: &Notice, original: &[u8]) -> Vec<Refusal> {
    let mut wishes = Vec::new();
    for header in [original, &notice.original.header] {
        let marked = marked(&config.policy.confidential, header);
        let marked = marked.map(|(field, value)| Refusal::SecurityRequested {
            field: field.to_owned(),
            value,
        });
        wishes.extend(refusal::asks_for_security(header).into_iter().chain(marked));
    }
    if wishes.is_empty() && notice.original.requires_tls {
        wishes.push(Refusal::RequireTls);
    }
    wishes.dedup();
    wishes
}

/// What would be sent, unless its sender's wish or something else forbids it. `force`: that wish does not.
fn rewritten(original: &[u8], wishes: &[Refusal], force: bool) -> Result<Rewritten, Refusal> {
    match wishes.first() {
        _ if force => resubmission::rewrite_against_wish(original),
        Some(wish) => Err(wish.clone()),
        None => resubmission::rewrite(original),
    }
}

/// What was sent, proven.
struct Original {
    path: PathBuf,
    flaws: Vec<Flaw>,
    bytes: Vec<u8>,
    /// A header that names all recipients, where more is known of them than the message says.
    envelope: Option<Vec<u8>>,
}

/// What the `sendmail` verb has sent and kept, or else a copy of the mail reader.
fn original(
    config: &Config,
    places: &Places,
    notice: &Notice,
    id: &str,
    is_attended: bool,
) -> Result<Original, Failure> {
    let state = places.state_home.join(NAME);
    let kept = kept::find(&state, id, &|message| {
        proof::prove(message, &notice.original).is_ok()
    });
    if let Some(kept) = kept {
        let to = kept.slip.recipients.join(">, <");
        return Ok(Original {
            path: kept.path,
            flaws: Vec::new(),
            bytes: kept.message,
            envelope: Some(format!("Bcc: <{to}>\n").into_bytes()),
        });
    }
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
    if !copy.is_sendable() || is_received(copy, config) {
        let flaws: Vec<String> = copy.flaws.iter().map(ToString::to_string).collect();
        let text = format!(
            "{path}: not what you sent ({}), and no better copy was found; nothing was sent",
            flaws.join(", ")
        );
        return Err(Failure::new(DATA, text));
    }
    Ok(Original {
        path: copy.path.clone(),
        flaws: copy.flaws.clone(),
        bytes,
        envelope: None,
    })
}

/// Was the copy received, though it lies where sent mail does? Some keep both in the inbox.
fn is_received(copy: &Copy, config: &Config) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    let folder = copy.path.ancestors().nth(2).and_then(real);
    copy.flaws.contains(&Flaw::CameBack)
        && folder.is_some()
        && config.mail.inbox.iter().any(|inbox| real(inbox) == folder)
}
