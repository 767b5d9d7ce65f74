//! `on_offer`: the user's own command. What the offer is stands in environment variables, which no shell reads.

use std::path::Path;
use std::time::Duration;

use crate::message::text::rfc3339;
use crate::terminal::shown;

use super::{Telling, Tidings, command};

/// How long it may run.
const LIMIT: Duration = Duration::from_secs(30);
/// Bytes of a variable: Linux starts no program with one of 128 KiB (execve(2)), or with too many of them.
const MOST: usize = 32 << 10;

/// Runs the command once, however it ends: it has been told.
pub(super) fn run(words: &[String], tidings: &Tidings) -> Telling {
    let mut command = command::program(words);
    for (name, value) in variables(tidings) {
        command.env(format!("TLS_OPTOUT_{name}"), cut(value));
    }
    let path = tidings.path.as_deref().unwrap_or(Path::new(""));
    command.env("TLS_OPTOUT_NOTICE", path);
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

/// Each in one line: control characters from mail are escaped. The file of the notice stands as it is.
fn variables(tidings: &Tidings) -> [(&'static str, String); 7] {
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
    [
        ("OFFER", tidings.offer.to_string()),
        ("RECIPIENTS", all(|(recipient, _)| recipient).join(" ")),
        ("CAUSE", causes.join("; ")),
        ("SUBJECT", shown(&tidings.subject)),
        ("MESSAGE_ID", shown(&tidings.message_id)),
        ("PROVENANCE", tidings.provenance.word().to_owned()),
        ("EXPIRES", tidings.expires.map(rfc3339).unwrap_or_default()),
    ]
}

/// No longer than [`MOST`], with a sign that something is missing.
fn cut(mut value: String) -> String {
    const SIGN: &str = "\u{2026}";
    if value.len() > MOST {
        let mut ends = (0..=MOST - SIGN.len()).rev();
        let end = ends.find(|at| value.is_char_boundary(*at));
        value.truncate(end.unwrap_or_default());
        value += SIGN;
    }
    value
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::os::unix::ffi::OsStrExt;

    use super::*;
    use crate::notice::provenance::Provenance;

    fn tidings() -> Tidings {
        let cause = "no STARTTLS".to_owned();
        let recipients = ["bob@example.net", "carol@example.net"];
        Tidings {
            offer: 7,
            recipients: recipients.map(|who| (who.to_owned(), cause.clone())).into(),
            subject: "Lunch\nPATH=/evil\0\u{1b}[2J".to_owned(),
            message_id: "lunch-1@example.org".to_owned(),
            notice: None,
            expires: Some(1_795_500_000),
            provenance: Provenance::Plausible,
            path: None,
        }
    }

    /// The value as the command finds it.
    fn value(tidings: &Tidings, name: &str) -> Vec<u8> {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("value");
        let script = format!(
            "printf %s \"${{TLS_OPTOUT_{name}-unset}}\" > {}",
            file.display()
        );
        let words = ["sh".to_owned(), "-c".to_owned(), script];
        assert_eq!(run(&words, tidings), Telling::Done);
        std::fs::read(file).unwrap_or_default()
    }

    #[test]
    fn what_mail_says_is_one_line() {
        let tidings = tidings();
        let value = |name| String::from_utf8(value(&tidings, name)).unwrap();
        assert_eq!(value("SUBJECT"), "Lunch PATH=/evil\\u{0}\\u{1b}[2J");
        assert_eq!(value("RECIPIENTS"), "bob@example.net carol@example.net");
        assert_eq!(value("CAUSE"), "no STARTTLS");
        assert_eq!(value("EXPIRES"), "2026-11-24T06:00:00Z");
        assert_eq!(value("PROVENANCE"), "plausible");
        assert_eq!(value("NOTICE"), "");
    }

    #[test]
    fn the_command_is_run_however_many_wait() {
        let many = (0..20_000).map(|n| (format!("b\u{fc}b{n}@example.net"), format!("cause {n}")));
        let tidings = Tidings {
            recipients: many.collect(),
            subject: "\u{fc}".repeat(1 << 20),
            ..tidings()
        };
        for name in ["RECIPIENTS", "CAUSE", "SUBJECT"] {
            let value = String::from_utf8(value(&tidings, name)).unwrap();
            assert!(value.ends_with('\u{2026}'), "{name}");
            assert!(value.len() <= MOST && value.len() > MOST - 8, "{name}");
        }
        assert_eq!(value(&tidings, "OFFER"), b"7");
    }

    #[test]
    fn the_file_of_the_notice_is_named_byte_by_byte() {
        let path = OsStr::from_bytes(b"/Mail/\xff\n odd/new/1.notice");
        let tidings = Tidings {
            path: Some(path.into()),
            ..tidings()
        };
        assert_eq!(value(&tidings, "NOTICE"), path.as_bytes());
    }
}
