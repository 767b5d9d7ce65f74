//! `inspect`: what notices mean.

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::cli::Inspect;
use crate::config::{Asking, Config, Places};
use crate::maildir;
use crate::maildir::folder::{PARTS, is_maildir};
use crate::message::mbox::RunTogether;
use crate::notice::provenance::Judgement;
use crate::notice::{self, Action, Cause, Notice, RecipientReport, reading::Reading};
use crate::offer::store::Journal;
use crate::terminal::{self, shown};

use super::arrived::hosts;
use super::{
    DATA, DONE, Failure, IO, NO_INPUT, NOTHING, has_journal, input, inputs, journal, judge, word,
};

/// Prints the reading of each notice. What cannot be read is reported, and the rest go on. Of a Maildir
/// folder every message is read; what is no notice there is worth a line in JSON only.
pub(super) fn run(args: &Inspect, places: &Places) -> Result<u8, Failure> {
    // A configuration that is broken or missing does not keep a notice from being read.
    let config = Config::load(places, Asking::Never).unwrap_or_default();
    let mut report = Report {
        out: BufWriter::new(io::stdout().lock()),
        json: args.json,
        servers: hosts(&config),
        config,
        journal: has_journal(places).then(|| journal(places)).transpose()?,
        status: NOTHING,
        failed: None,
    };
    for file in inputs(&args.files)? {
        if !file.is_dir() {
            let bytes = input(&file).and_then(|bytes| match notice::runs_into_another(&bytes) {
                true => Err(Failure::new(DATA, RunTogether)),
                false => Ok(bytes),
            });
            report.one(&file, bytes, true)?;
            continue;
        }
        match messages(&file) {
            Ok(messages) => {
                for message in messages {
                    let bytes = maildir::read(&message).map_err(|error| unread(&message, &error));
                    report.one(&message, bytes, false)?;
                }
            }
            Err(failure) => report.fail(&failure),
        }
    }
    report.out.flush()?;
    Ok(report.failed.unwrap_or(report.status))
}

/// The messages of a Maildir folder, by name: that is by time of arrival.
fn messages(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    if !is_maildir(folder) {
        let text = format!(
            "{} is a folder, but no Maildir (new, cur); name the messages in it",
            folder.display()
        );
        return Err(Failure::new(NO_INPUT, text));
    }
    let mut messages = Vec::new();
    for part in PARTS {
        let directory = folder.join(part);
        let entries = fs::read_dir(&directory).map_err(|error| unread(&directory, &error))?;
        for entry in entries {
            let entry = entry.map_err(|error| unread(&directory, &error))?;
            let hidden = entry.file_name().as_encoded_bytes().starts_with(b".");
            if !hidden && !entry.path().is_dir() {
                messages.push(entry.path());
            }
        }
    }
    messages.sort_by(|one, other| one.file_name().cmp(&other.file_name()));
    Ok(messages)
}

fn unread(path: &Path, error: &io::Error) -> Failure {
    Failure::new(IO, format!("{}: {error}", path.display()))
}

/// What is printed, and how it will end.
struct Report<W: Write> {
    out: W,
    json: bool,
    /// The hosts of the user's servers that are known without asking anybody.
    servers: Vec<String>,
    config: Config,
    journal: Option<Journal>,
    status: u8,
    failed: Option<u8>,
}

impl<W: Write> Report<W> {
    fn one(
        &mut self,
        file: &Path,
        bytes: Result<Vec<u8>, Failure>,
        even_if_none: bool,
    ) -> Result<(), Failure> {
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(failure) => {
                self.fail(&failure);
                return Ok(());
            }
        };
        let notice = notice::read(&bytes);
        if notice.as_ref().is_some_and(Notice::tls_caused) {
            self.status = DONE;
        }
        let judged = notice.as_ref().map(|notice| {
            let judgement = judge(notice, &self.servers, &self.config, self.journal.as_ref());
            (notice, judgement)
        });
        let name = file.display().to_string();
        if self.json {
            let reading = judged.map(|(notice, judgement)| (notice, judgement.provenance));
            let reading = Reading::new(&name, reading);
            writeln!(self.out, "{}", terminal::json(&reading)?)?;
        } else if even_if_none || judged.is_some() {
            print(&mut self.out, &name, judged)?;
        }
        Ok(())
    }

    fn fail(&mut self, failure: &Failure) {
        failure.tell();
        self.failed = Some(failure.status);
    }
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
