//! Everything that is known about one message before anybody is asked.

use std::path::PathBuf;

use crate::cli::{NAME, Resend};
use crate::config::{Config, Places};
use crate::maildir::search::Flaw;
use crate::message::recipients::senders;
use crate::message::refusal::{self, Refusal};
use crate::message::resubmission::Rewritten;
use crate::message::{header, resubmission, text};
use crate::notice::provenance::Judgement;
use crate::notice::{Notice, RecipientReport};
use crate::offer::news::Fact;
use crate::offer::plan::{Plan, plan, plan_without_notice, wanted};
use crate::offer::store::Journal;
use crate::offer::{NoOffer, consider, consider_against_wish};
use crate::policy::marked;
use crate::watch::arrival::Arrived;

use super::super::arrived::take_in;
use super::super::route::Route;
use super::super::{DATA, Failure, NOTHING, journal, judge, read_notice};
use super::given::Given;
use super::known::Known;
use super::original::{Original, Sought};

/// A notice if there is one, its original, and what would be sent to whom.
#[derive(Debug)]
pub(in crate::commands) struct Case {
    /// The notice; none where the user names the message himself.
    pub(in crate::commands) notice: Option<Notice>,
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
    /// The copy is known to be what was sent.
    pub(in crate::commands) is_proven: bool,
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
        let mut journal = the_journal(args, places)?;
        let mut offer = 0;
        let arrived = Arrived {
            notice,
            message: bytes.to_owned(),
        };
        if let Some(journal) = journal.as_mut().filter(|_| !args.sending.dry_run) {
            let state = places.state_home.join(NAME);
            let recorded = take_in(journal, config, &state, &arrived)?;
            offer = recorded.map_or(0, |recorded| recorded.id);
        }
        let notice = arrived.notice;
        helped(&notice, args)?;
        let message_id = notice
            .original
            .message_id
            .clone()
            .ok_or_else(|| Failure::new(NOTHING, NoOffer::NoMessageId))?;
        let date = notice.original.date.as_deref().and_then(text::date);
        let sought = Sought {
            id: &message_id,
            near: date.or(notice.arrival_date),
            returned: Some(&notice.original),
            envelope_id: notice.envelope_id.as_deref(),
            named: named(&notice, args),
            file: None,
            is_attended: !args.sending.yes,
        };
        let original = sought.find(config, places)?;
        let start = Start {
            notice: Some(notice),
            journal,
            offer,
            message_id,
            original,
        };
        start.complete(args, config)
    }

    /// The same for a message of the user's own. It only names the message: what is sent is the file, since a mail
    /// reader may have changed what it passed on. What the journal knows of it ([`Known`]) is taken for given.
    pub(super) fn of_message(
        given: &Given,
        args: &Resend,
        config: &Config,
        places: &Places,
    ) -> Result<Case, Failure> {
        let id = header::text(&given.bytes, "Message-ID").and_then(|id| text::message_id(&id));
        let message_id = id.ok_or_else(|| Failure::new(DATA, NO_MESSAGE_ID))?;
        let mut journal = the_journal(args, places)?;
        let known = match &mut journal {
            Some(journal) => Known::about(journal, &message_id)?,
            None => Known::default(),
        };
        if let (Some(best), Some(journal)) = (known.best(args), &journal) {
            let offer = journal.offer(best)?;
            let notice = offer.map(|offer| offer.notice).unwrap_or_default();
            return Case::open(&notice, args, config, places);
        }
        if args.sending.yes && args.to.is_empty() {
            return Err(known.to_whom());
        }
        let date = header::text(&given.bytes, "Date");
        let sought = Sought {
            id: &message_id,
            near: date.as_deref().and_then(text::date),
            returned: None,
            envelope_id: None,
            named: args.to.iter().map(String::as_str).collect(),
            file: given.file.as_deref(),
            is_attended: !args.sending.yes,
        };
        let original = sought.find(config, places)?;
        let start = Start {
            notice: None,
            journal,
            offer: 0,
            message_id,
            original,
        };
        start.complete(args, config)
    }
}

const NO_MESSAGE_ID: &str = "this message has no Message-ID, so its file cannot be found; pipe the whole, raw message \
                             (mutt: unset pipe_decode)";

/// A dry run looks where there is something to see, and makes nothing.
fn the_journal(args: &Resend, places: &Places) -> Result<Option<Journal>, Failure> {
    match args.sending.dry_run {
        true => Ok(Journal::open_to_look(&places.state_home.join(NAME)).ok()),
        false => journal(places).map(Some),
    }
}

/// Whom an opt-out helps.
fn helped<'a>(notice: &'a Notice, args: &Resend) -> Result<Vec<&'a RecipientReport>, Failure> {
    let helped = match args.force {
        true => consider_against_wish(notice),
        false => consider(notice),
    };
    helped.map_err(|no_offer| Failure::new(NOTHING, no_offer))
}

/// Of whom the notice tells or, where the user says who it is for, whom he names.
fn named<'a>(notice: &'a Notice, args: &'a Resend) -> Vec<&'a str> {
    if !args.to.is_empty() {
        return args.to.iter().map(String::as_str).collect();
    }
    let reports = notice.recipients.iter();
    let addresses = reports.flat_map(|report| {
        let original = report.original_recipient.as_deref();
        original.into_iter().chain([&*report.final_recipient])
    });
    addresses.collect()
}

/// A case whose message is found.
struct Start {
    notice: Option<Notice>,
    journal: Option<Journal>,
    offer: i64,
    message_id: String,
    original: Original,
}

impl Start {
    fn complete(self, args: &Resend, config: &Config) -> Result<Case, Failure> {
        let Start {
            notice,
            mut journal,
            offer,
            message_id,
            original,
        } = self;
        let wishes = wishes(config, notice.as_ref(), &original.bytes);
        let rewritten = rewritten(&original.bytes, &wishes, args.force)
            .map_err(|refusal| Failure::new(NOTHING, refusal))?;
        let senders = senders(&original.bytes);
        let route = Route::choose(config, args.sending.account.as_deref(), &senders)?;
        let (deliveries, facts, honour, dismissed) = match journal.as_mut() {
            Some(journal) => (
                journal.deliveries(&message_id)?,
                journal.facts(&message_id)?,
                journal.honour(&route.to_string())?,
                journal.dismissed(&message_id)?,
            ),
            None => Default::default(),
        };
        let hosts = route.account.notice_hosts();
        let judgement = notice
            .as_ref()
            .map_or_else(Judgement::of_no_notice, |notice| {
                judge(notice, &hosts, config, journal.as_ref())
            });
        let recipients = original.envelope.as_deref().unwrap_or(&original.bytes);
        let (to, policy) = (&args.to, &config.policy);
        let mut plan = match &notice {
            Some(notice) => {
                let (helped, unwanted) = wanted(helped(notice, args)?, &dismissed);
                let mut plan = plan(notice, &helped, recipients, to, policy, &deliveries);
                // Whom the user has named is planned for, whatever was said before.
                plan.left_out
                    .extend(unwanted.into_iter().filter(|_| to.is_empty()));
                plan
            }
            None => plan_without_notice(recipients, to, policy, &deliveries),
        };
        plan.heed(&facts, recipients, to);
        Ok(Case {
            notice,
            judgement,
            journal,
            offer,
            message_id,
            path: original.path,
            flaws: original.flaws,
            is_proven: original.is_proven,
            plan,
            route,
            honour,
            facts,
            wishes,
            message: rewritten.bytes,
            removed: rewritten.removed,
        })
    }
}

/// How the sender of a message asked for security: in its own fields or those of the server, by the marks that
/// the configuration names, or by REQUIRETLS.
fn wishes(config: &Config, notice: Option<&Notice>, original: &[u8]) -> Vec<Refusal> {
    let mut wishes = Vec::new();
    let returned = notice.map(|notice| &*notice.original.header);
    for header in [original].into_iter().chain(returned) {
        let marked = marked(&config.policy.confidential, header);
        let marked = marked.map(|(field, value)| Refusal::SecurityRequested {
            field: field.to_owned(),
            value,
        });
        wishes.extend(refusal::asks_for_security(header).into_iter().chain(marked));
    }
    if wishes.is_empty() && notice.is_some_and(|notice| notice.original.requires_tls) {
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
