//! `on_offer`: the user's own command. What the offer is stands in environment variables, which no shell reads.

use std::time::Duration;

use crate::message::text::rfc3339;
use crate::terminal::shown;

use super::{Telling, Tidings, command};

/// How long it may run.
const LIMIT: Duration = Duration::from_secs(30);

/// Runs the command once, however it ends: it has been told.
pub(super) fn run(words: &[String], tidings: &Tidings) -> Telling {
    let mut command = command::program(words);
    for (name, value) in variables(tidings) {
        command.env(format!("TLS_OPTOUT_{name}"), value);
    }
    let offer = tidings.offer;
    match command::run(&mut command, LIMIT) {
        Ok(Some(output)) if output.status.success() => {}
        Ok(Some(output)) => {
            tracing::warn!(
                "offer {offer}: the on_offer command failed ({})",
                output.status
            );
        }
        Ok(None) => tracing::warn!(
            "offer {offer}: the on_offer command was ended after {} s",
            LIMIT.as_secs()
        ),
        Err(error) => tracing::warn!("offer {offer}: the on_offer command cannot be run: {error}"),
    }
    Telling::Done
}

/// Each in one line: control characters from mail are escaped.
fn variables(tidings: &Tidings) -> [(&'static str, String); 8] {
    let all = |pick: fn(&(String, String)) -> &String| {
        let list: Vec<_> = tidings
            .recipients
            .iter()
            .map(|one| shown(pick(one)))
            .collect();
        list
    };
    let mut causes = all(|(_, cause)| cause);
    causes.dedup();
    let path = tidings.path.as_ref().map(|path| path.display().to_string());
    [
        ("OFFER", tidings.offer.to_string()),
        ("RECIPIENTS", all(|(recipient, _)| recipient).join(" ")),
        ("CAUSE", causes.join("; ")),
        ("SUBJECT", shown(&tidings.subject)),
        ("MESSAGE_ID", shown(&tidings.message_id)),
        ("PROVENANCE", tidings.provenance.word().to_owned()),
        ("EXPIRES", tidings.expires.map(rfc3339).unwrap_or_default()),
        ("NOTICE", path.unwrap_or_default()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::notice::provenance::Provenance;

    #[test]
    fn what_mail_says_is_one_line() {
        let cause = "no STARTTLS".to_owned();
        let recipients = ["bob@example.net", "carol@example.net"];
        let tidings = Tidings {
            offer: 7,
            recipients: recipients.map(|who| (who.to_owned(), cause.clone())).into(),
            subject: "Lunch\nPATH=/evil\0\u{1b}[2J".to_owned(),
            message_id: "lunch-1@example.org".to_owned(),
            notice: None,
            expires: Some(1_795_500_000),
            provenance: Provenance::Plausible,
            path: None,
        };
        let variables = variables(&tidings);
        let value = |name| &variables.iter().find(|(one, _)| *one == name).unwrap().1;
        assert_eq!(value("SUBJECT"), "Lunch PATH=/evil\\u{0}\\u{1b}[2J");
        assert_eq!(value("RECIPIENTS"), "bob@example.net carol@example.net");
        assert_eq!(value("CAUSE"), "no STARTTLS");
        assert_eq!(value("EXPIRES"), "2026-11-24T06:00:00Z");
        assert_eq!(value("PROVENANCE"), "plausible");
        assert_eq!(value("NOTICE"), "");
    }
}
