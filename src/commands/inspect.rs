//! `inspect`: what notices mean.

use std::io::{self, BufWriter, Write};

use crate::cli::{self, Inspect};
use crate::config::{Account, Asking, Config, Places};
use crate::notice::provenance::Judgement;
use crate::notice::{self, Action, Cause, Notice, RecipientReport, reading::Reading};
use crate::terminal::shown;

use super::{DONE, Failure, INTERNAL, NOTHING, has_journal, input, inputs, journal, judge, word};

/// Prints the reading of each notice. A file that cannot be read is reported, and the rest go on.
pub(super) fn run(args: &Inspect, places: &Places) -> Result<u8, Failure> {
    let mut out = BufWriter::new(io::stdout().lock());
    let (mut status, mut failed) = (NOTHING, None);
    let servers = servers(places);
    let journal = has_journal(places).then(|| journal(places)).transpose()?;
    for file in inputs(&args.files)? {
        let bytes = match input(&file) {
            Ok(bytes) => bytes,
            Err(failure) => {
                eprintln!("{}: {failure}", cli::NAME);
                failed = Some(failure.status);
                continue;
            }
        };
        let notice = notice::read(&bytes);
        if notice.as_ref().is_some_and(Notice::tls_caused) {
            status = DONE;
        }
        let judged = notice
            .as_ref()
            .map(|notice| (notice, judge(notice, &servers, journal.as_ref())));
        let name = file.display().to_string();
        if args.json {
            let reading = judged.map(|(notice, judgement)| (notice, judgement.provenance));
            let reading = Reading::new(&name, reading);
            let line = serde_json::to_string(&reading)
                .map_err(|error| Failure::new(INTERNAL, format!("cannot write JSON: {error}")))?;
            writeln!(out, "{line}")?;
        } else {
            print(&mut out, &name, judged)?;
        }
    }
    out.flush()?;
    Ok(failed.unwrap_or(status))
}

/// The hosts of the user's servers that are known without asking anybody. A configuration that is broken or
/// missing does not keep a notice from being read.
fn servers(places: &Places) -> Vec<String> {
    let config = Config::load(places, Asking::Never).unwrap_or_default();
    config
        .accounts
        .iter()
        .flat_map(Account::notice_hosts)
        .collect()
}

fn print(out: &mut impl Write, name: &str, judged: Option<(&Notice, Judgement)>) -> io::Result<()> {
    let name = shown(name);
    let Some((notice, judgement)) = judged else {
        return writeln!(out, "{name}: not a delivery notice");
    };
    let server = notice
        .reporting_mta
        .as_deref()
        .unwrap_or("an unnamed server");
    let (mta, provenance) = (word(&notice.mta), word(&judgement.provenance));
    writeln!(
        out,
        "{name}: a notice of {} ({mta}), {provenance}",
        shown(server)
    )?;
    if let Some(id) = &notice.original.message_id {
        let subject = notice.original.subject.as_deref().unwrap_or("");
        writeln!(out, "  about \"{}\" <{}>", shown(subject), shown(id))?;
    }
    notice
        .recipients
        .iter()
        .try_for_each(|report| print_recipient(out, report))
}

fn print_recipient(out: &mut impl Write, report: &RecipientReport) -> io::Result<()> {
    let status = report.status.as_deref().unwrap_or("no status");
    let recipient = shown(&report.final_recipient);
    writeln!(
        out,
        "  {recipient}: {}, {}",
        word(&report.action),
        shown(status)
    )?;
    if !matches!(report.action, Action::Delayed | Action::Failed) {
        return Ok(());
    }
    let because = match report.cause {
        Cause::Hidden => "the notice does not say why".to_owned(),
        cause => format!("because {}", cause.words()),
    };
    let verdict = match report.opt_out_helps {
        true => "would help",
        false => "would not help",
    };
    writeln!(out, "    {because}; an opt-out {verdict}")?;
    if let Some(evidence) = &report.evidence {
        let phrase = shown(&evidence.phrase);
        writeln!(out, "    the {} says \"{phrase}\"", evidence.part)?;
    }
    Ok(())
}
