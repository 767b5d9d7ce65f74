//! What the user sees before a message leaves, and the user's word.

use crate::message::{header, text};
use crate::notice::provenance::Provenance;
use crate::terminal::{Terminal, fit, shown};

use super::super::{Failure, word};
use super::case::Case;

/// The user's word.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Answer {
    /// Send it.
    Yes,
    /// Do not. Everything that is not a clear yes.
    No,
}

/// Shows the offer in at most twelve lines and waits for a key: `y` sends, `d` shows more.
pub(super) fn ask(mut terminal: Terminal, case: &Case) -> Result<Answer, Failure> {
    let columns = terminal.columns();
    let page = |lines: &[String]| -> String {
        lines
            .iter()
            .map(|line| format!("{}\r\n", fit(line, columns)))
            .collect()
    };
    terminal.print(&page(&summary(case)))?;
    loop {
        match terminal.key("Send it again without enforcing TLS? [y/N/d] ")? {
            Some(b'y' | b'Y') => {
                terminal.print("yes\r\n")?;
                return Ok(Answer::Yes);
            }
            Some(b'd' | b'D') => {
                terminal.print("details\r\n")?;
                terminal.print(&page(&details(case)))?;
            }
            // Return, Escape, q, n, Ctrl-C, Ctrl-D, Ctrl-Z, and no more keys.
            None | Some(b'\r' | b'\n' | b'q' | b'n' | b'N' | 0..=0x1f) => {
                terminal.print("no\r\n")?;
                return Ok(Answer::No);
            }
            Some(_) => terminal.print("\r\n")?,
        }
    }
}

/// Who waits, why, what the original is and where it lies, who gets what, and the risk.
pub(super) fn summary(case: &Case) -> Vec<String> {
    let header = &case.message;
    let field =
        |name| text::decode(header::first(header, name).map_or(&[][..], |field| field.value()));
    let to = list(case.plan.send.iter().map(|chosen| &*chosen.address));
    let cause = case.plan.send.iter().find_map(|chosen| chosen.cause);
    let mut lines = vec![
        format!("Waiting    {to}"),
        format!(
            "Because    {}",
            cause.map_or("you asked for this recipient", |cause| cause.words())
        ),
        format!(
            "Message    \"{}\" of {}",
            shown(&field("Subject")),
            shown(&field("Date"))
        ),
        format!("Copy       {}", shown(&case.path.display().to_string())),
        format!(
            "To send    as it is, with TLS-Required: No, from {} to {to}",
            shown(&case.route.sender)
        ),
        format!("Through    {}", shown(&case.route.to_string())),
    ];
    if let Some(doubt) = &case.judgement.doubt {
        lines.push(format!(
            "Notice     {}: {}",
            word(&case.judgement.provenance),
            shown(doubt)
        ));
    }
    lines.push(
        "Risk       it may travel unencrypted, or to somebody who only poses as the recipient's"
            .into(),
    );
    lines.push(
        "           server: broken TLS and an attack look the same. The first copy stays in the"
            .into(),
    );
    lines.push("           queue of your server, so that it may arrive a second time.".into());
    lines
}

fn details(case: &Case) -> Vec<String> {
    let mut lines = Vec::new();
    for report in &case.notice.recipients {
        let status = report.status.as_deref().unwrap_or("");
        let (recipient, action) = (shown(&report.final_recipient), word(&report.action));
        lines.push(format!(
            "{recipient}: {action} {}: {}",
            shown(status),
            report.cause.words()
        ));
        for said in [&report.text, &report.diagnostic].into_iter().flatten() {
            lines.push(format!("  {}", shown(said)));
        }
        if let Some(until) = report.will_retry_until {
            lines.push(format!(
                "  your server goes on trying until {}",
                text::rfc3339(until)
            ));
        }
    }
    let doubt = match case.judgement.provenance {
        Provenance::Verified => "it returns a secret that only your server knew".to_owned(),
        _ => case.judgement.doubt.clone().unwrap_or_default(),
    };
    lines.push(format!(
        "Notice: {}: {}",
        word(&case.judgement.provenance),
        shown(&doubt)
    ));
    lines.push(format!(
        "Message-ID: <{}>, {} bytes",
        shown(&case.message_id),
        case.message.len()
    ));
    if !case.removed.is_empty() {
        lines.push(format!(
            "Fields left out: {}",
            shown(&case.removed.join(", "))
        ));
    }
    lines
}

/// `a`, `a and b`, `a, b and 3 more`.
fn list<'a>(addresses: impl Iterator<Item = &'a str>) -> String {
    let all: Vec<String> = addresses.map(shown).collect();
    match &all[..] {
        [] => String::new(),
        [one] => one.clone(),
        [one, two] => format!("{one} and {two}"),
        [one, two, rest @ ..] => format!("{one}, {two} and {} more", rest.len()),
    }
}
