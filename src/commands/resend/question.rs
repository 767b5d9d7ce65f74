//! What the user sees before a message leaves, and the user's word.

use crate::message::refusal::Refusal;
use crate::message::resubmission::is_encrypted;
use crate::message::{header, text};
use crate::notice::provenance::Provenance;
use crate::notice::{Action, RecipientReport};
use crate::offer::fate::{hearsay, same};
use crate::offer::plan::Chosen;
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

/// What is typed to go against the wish of a sender who asked for security.
const WORD: &str = "expose";

/// Shows the offer in at most twelve lines and waits for a key: `y` sends, `d` shows more. Where its sender
/// asked for security it takes a typed word.
pub(super) fn ask(mut terminal: Terminal, case: &Case) -> Result<Answer, Failure> {
    let columns = terminal.columns();
    for line in summary(case) {
        terminal.print(&format!("{}\r\n", fit(&line, columns)))?;
    }
    if !case.wishes.is_empty() {
        return ask_for_word(terminal);
    }
    loop {
        match terminal.key("Send it again without enforcing TLS? [y/N/d] ")? {
            Some(b'y' | b'Y') => {
                terminal.print("yes\r\n")?;
                return Ok(Answer::Yes);
            }
            Some(b'd' | b'D') => {
                terminal.print("details\r\n")?;
                // Whole lines, which the terminal wraps: here everything is to be read.
                for line in details(case) {
                    terminal.print(&format!("{line}\r\n"))?;
                }
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

fn ask_for_word(mut terminal: Terminal) -> Result<Answer, Failure> {
    let typed = terminal.line(&format!(
        "Type `{WORD}` to send it again without enforcing TLS, against that wish: "
    ))?;
    Ok(match typed.trim() == WORD {
        true => Answer::Yes,
        false => Answer::No,
    })
}

/// Who waits, why, what the original is and where it lies, who gets what, and the risk. What must not
/// be missed stands in the first 80 columns.
pub(super) fn summary(case: &Case) -> Vec<String> {
    let field = |name| {
        let found = header::first(&case.message, name);
        shown(&text::decode(found.map_or(&[][..], |field| field.value())))
    };
    let to = list(case.plan.send.iter().map(|chosen| &*chosen.address));
    let count = match case.plan.send.len() {
        0 | 1 => String::new(),
        more => format!("{more} recipients: "),
    };
    let (sender, through) = (shown(&case.route.sender), shown(&case.route.to_string()));
    let mut lines = vec![
        format!("Waiting    {count}{to}"),
        format!("Because    {}", causes(case)),
        format!("Message    \"{}\" of {}", field("Subject"), field("Date")),
        format!("Copy       {}", shown(&case.path.display().to_string())),
    ];
    if !case.flaws.is_empty() {
        let flaws: Vec<String> = case.flaws.iter().map(ToString::to_string).collect();
        lines.push(format!("           {}", flaws.join(", ")));
    }
    lines.extend([
        format!("To send    to {to} from {sender}"),
        format!("Through    {through}, unchanged but for TLS-Required: No"),
    ]);
    if let Some((false, at)) = case.honour {
        let at = text::rfc3339(at);
        lines.push(format!(
            "           which did not honour it, as a notice of {at} showed"
        ));
    }
    if let Some(doubt) = &case.judgement.doubt {
        let provenance = word(&case.judgement.provenance);
        lines.push(format!("Notice     {provenance}: {}", shown(doubt)));
    }
    lines.extend(hearsay_of(case));
    for wish in &case.wishes {
        lines.push(format!("Wish       {}", shown(&asked(wish))));
    }
    let is = |what: fn(&Chosen) -> bool| case.plan.send.iter().any(what);
    let fate = match is(|chosen| chosen.is_queued) {
        true => QUEUED,
        false if is(|chosen| chosen.is_given_up) => GIVEN_UP,
        false => "",
    };
    let [risk, more] = match is_encrypted(&case.message) {
        true => SEALED,
        false => OPEN,
    };
    lines.push(risk.to_owned());
    lines.push(format!("{more}{fate}"));
    lines
}

const OPEN: [&str; 2] = [
    "Risk       it may travel unencrypted, or end with an impostor: broken TLS and an",
    "           attack look the same.",
];
/// Of a message that is encrypted itself.
const SEALED: [&str; 2] = [
    "Risk       strangers may see its header, but not its text, which is encrypted.",
    "           So may an impostor.",
];
const QUEUED: &str = " The first copy stays queued, and may arrive.";
const GIVEN_UP: &str = " Your server has given up the first copy.";

/// How the sender asked for security.
fn asked(wish: &Refusal) -> String {
    match wish {
        Refusal::SecurityRequested { field, value } => {
            format!("its sender asked for security: {field}: {value}")
        }
        _ => "its sender asked for secure delivery (REQUIRETLS)".to_owned(),
    }
}

/// What a notice that may be forged says of those who would get the message: told, and no more.
fn hearsay_of(case: &Case) -> Option<String> {
    let all: Vec<&str> = case
        .plan
        .send
        .iter()
        .map(|chosen| &*chosen.address)
        .collect();
    let (who, fact) = all
        .iter()
        .find_map(|who| Some((who, hearsay(&case.facts, who, &all)?)))?;
    // What the notice in hand says is there already.
    let is_news =
        fact.action != Action::Failed || case.judgement.provenance != Provenance::Unverified;
    is_news.then(|| {
        format!(
            "           {} {}, says another notice, unverified",
            shown(who),
            fact.action.name()
        )
    })
}

/// Why the chosen recipients wait. Where there is more than one reason the details have the rest.
fn causes(case: &Case) -> String {
    let mut causes = case.plan.send.iter().filter_map(|chosen| chosen.cause);
    let Some(first) = causes.next() else {
        return "you named this recipient".to_owned();
    };
    match causes.any(|cause| cause != first) {
        true => format!("{}; others for other reasons: press d", first.words()),
        false => first.words().to_owned(),
    }
}

fn details(case: &Case) -> Vec<String> {
    let mut lines = vec![format!("From {}", shown(&case.route.sender))];
    lines.extend(
        case.plan
            .send
            .iter()
            .map(|one| format!("To   {}", shown(&one.address))),
    );
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
        let is_given_up = |chosen: &Chosen| chosen.is_given_up && is_of(report, &chosen.address);
        match report.will_retry_until.map(text::rfc3339) {
            _ if case.plan.send.iter().any(is_given_up) => {
                lines.push("  your server has given up".to_owned());
            }
            Some(until) => lines.push(format!("  your server goes on trying until {until}")),
            None => (),
        }
    }
    let judgement = &case.judgement;
    let reason = judgement.proof.as_ref().or(judgement.doubt.as_ref());
    lines.push(format!(
        "Notice: {}: {}",
        word(&judgement.provenance),
        shown(reason.map_or("", String::as_str))
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

fn is_of(report: &RecipientReport, address: &str) -> bool {
    let original = report.original_recipient.as_ref();
    same(original.unwrap_or(&report.final_recipient), address)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_risk_is_never_cut_off() {
        for [first, second] in [OPEN, SEALED] {
            assert_eq!(fit(first, 80), first);
            for fate in [QUEUED, GIVEN_UP] {
                let second = format!("{second}{fate}");
                assert_eq!(fit(&second, 80), second);
            }
        }
    }

    #[test]
    fn lists_are_short() {
        assert_eq!(list(["a"].into_iter()), "a");
        assert_eq!(list(["a", "b"].into_iter()), "a and b");
        assert_eq!(list(["a", "b", "c", "d"].into_iter()), "a, b and 2 more");
    }
}
