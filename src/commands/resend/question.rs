//! What the user sees before a message leaves, and the user's word.

use crate::message::refusal::Refusal;
use crate::message::resubmission::is_encrypted;
use crate::message::{header, text};
use crate::notice::provenance::Provenance;
use crate::notice::{Action, RecipientReport};
use crate::offer::fate::{fate, same};
use crate::offer::plan::Chosen;
use crate::offer::sorted::Sorted;
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

const QUESTION: &str = "Send it again without enforcing TLS? [y/N/d] ";
/// Of 40 columns it leaves some free.
const SHORT_QUESTION: &str = "Send without enforcing TLS? [y/N/d] ";

/// What is typed to go against the wish of a sender who asked for security.
const WORD: &str = "expose";

/// Shows the offer in at most twelve lines and waits for a key: `y` sends, `d` shows more. Where its sender
/// asked for security it takes a typed word.
pub(super) fn ask(terminal: &mut Terminal, case: &Case) -> Result<Answer, Failure> {
    let columns = terminal.columns();
    for line in summary(case) {
        terminal.print(&format!("{}\r\n", fit(&line, columns)))?;
    }
    if !case.wishes.is_empty() {
        return ask_for_word(terminal);
    }
    let question = match columns < QUESTION.len() {
        true => SHORT_QUESTION,
        false => QUESTION,
    };
    loop {
        match terminal.key(question)? {
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

fn ask_for_word(terminal: &mut Terminal) -> Result<Answer, Failure> {
    let typed = terminal.line(&format!(
        "Type `{WORD}` to send it again without enforcing TLS, against that wish: "
    ))?;
    Ok(match typed.trim() == WORD {
        true => Answer::Yes,
        false => Answer::No,
    })
}

/// Asks which of the recipients wait, where no notice tells: by number, or all. Empty: none of them.
pub(super) fn choose(terminal: &mut Terminal, case: &Case) -> Result<Vec<Chosen>, Failure> {
    let (send, columns) = (&case.plan.send, terminal.columns());
    let subject = field(case, "Subject");
    let mut lines = vec![match case.facts.is_empty() {
        true => format!("No notice about \"{subject}\" was seen. It went to:"),
        false => format!("No offer about \"{subject}\" waits. It went to:"),
    }];
    lines.extend(send.iter().enumerate().map(|(index, one)| {
        let why = told(case, one).map_or(String::new(), |words| format!("  ({words})"));
        format!("{:>3}  {}{why}", index + 1, shown(&one.address))
    }));
    for line in lines {
        terminal.print(&format!("{}\r\n", fit(&line, columns)))?;
    }
    loop {
        let typed = terminal.line("Who waits? Numbers, or all: ")?;
        if let Some(numbers) = numbers(&typed, send.len()) {
            return Ok(numbers.iter().map(|&index| send[index].clone()).collect());
        }
    }
}

/// The places that were typed, from 0; `None` where one is not among so many.
fn numbers(typed: &str, count: usize) -> Option<Vec<usize>> {
    let words = || {
        typed
            .split([' ', ',', '\t'])
            .filter(|word| !word.is_empty())
    };
    if words().eq(["all"]) {
        return Some((0..count).collect());
    }
    let place = |word: &str| {
        let number: usize = word.parse().ok()?;
        (1..=count).contains(&number).then(|| number - 1)
    };
    let mut places = words().map(place).collect::<Option<Vec<_>>>()?;
    places.sort_unstable();
    places.dedup();
    Some(places)
}

/// A field of the message, decoded.
fn field(case: &Case, name: &str) -> String {
    let found = header::first(&case.message, name);
    shown(&text::decode(found.map_or(&[][..], |field| field.value())))
}

/// Why this recipient waits, as an earlier notice said.
fn told(case: &Case, chosen: &Chosen) -> Option<String> {
    let all = addresses(case);
    let known = fate(&case.facts, &chosen.address, &all)?;
    Some(shown(&known.fact.words))
}

fn addresses(case: &Case) -> Vec<&str> {
    let send = case.plan.send.iter();
    send.map(|chosen| &*chosen.address).collect()
}

/// Who waits, why, what the original is and where it lies, who gets what, and the risk. What must not
/// be missed stands in the first 80 columns.
pub(super) fn summary(case: &Case) -> Vec<String> {
    let field = |name| field(case, name);
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
    if !case.is_proven {
        lines.push(UNPROVEN.to_owned());
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
    let state = match is(|chosen| chosen.is_queued) {
        true => QUEUED,
        false if is(|chosen| chosen.is_given_up) => GIVEN_UP,
        false => "",
    };
    let [risk, more] = match is_encrypted(&case.message) {
        true => SEALED,
        false => OPEN,
    };
    lines.push(risk.to_owned());
    lines.push(format!("{more}{state}"));
    lines
}

/// Of a copy that no notice could be compared with. mutt's `$fcc_clear` and `$fcc_attach` make such copies.
const UNPROVEN: &str =
    "           nothing shows that it is what was sent: no notice returned its header";
const NO_NOTICE: &str = "you say so: no notice about this message was seen";
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
    let all = addresses(case);
    let facts = Sorted::new(&case.facts, all.iter().copied());
    let (who, fact) = all
        .iter()
        .find_map(|who| Some((who, facts.hearsay(who)?)))?;
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
        return match (&case.notice, case.plan.send.first()) {
            (Some(_), _) | (None, None) => "you named this recipient".to_owned(),
            (None, Some(first)) => match told(case, first) {
                Some(words) => format!("{words}, said a notice"),
                None if case.facts.is_empty() => NO_NOTICE.to_owned(),
                None => "you say so".to_owned(),
            },
        };
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
    let reports = case.notice.iter().flat_map(|notice| &notice.recipients);
    for report in reports {
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
    lines.push(match case.notice {
        Some(_) => format!(
            "Notice: {}: {}",
            word(&judgement.provenance),
            shown(reason.map_or("", String::as_str))
        ),
        None => "Notice: none was seen".to_owned(),
    });
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
    fn what_no_notice_proves_is_said_in_80_columns() {
        assert_eq!(fit(UNPROVEN, 80), UNPROVEN);
    }

    #[test]
    fn recipients_by_number() {
        for (typed, places) in [
            ("", Some(vec![])),
            ("2", Some(vec![1])),
            (" 3, 1,1 ", Some(vec![0, 2])),
            ("all", Some(vec![0, 1, 2])),
            ("0", None),
            ("4", None),
            ("1 all", None),
            ("y", None),
        ] {
            assert_eq!(numbers(typed, 3), places, "{typed}");
        }
    }

    #[test]
    fn lists_are_short() {
        assert_eq!(list(["a"].into_iter()), "a");
        assert_eq!(list(["a", "b"].into_iter()), "a and b");
        assert_eq!(list(["a", "b", "c", "d"].into_iter()), "a, b and 2 more");
    }
}
