//! A tag of notmuch on the notice.

use std::io;
use std::process::{Output, Stdio};
use std::time::Duration;

use super::{Telling, Tidings, command};

/// How long notmuch may take: its database may be in use.
const LIMIT: Duration = Duration::from_secs(15);

/// Adds the tag. Until `notmuch new` has seen the notice there is nothing to tag: another time, then. A notice without
/// Message-ID is never found.
pub(super) fn add(name: &str, tidings: &Tidings) -> Telling {
    let Some(notice) = &tidings.notice else {
        return Telling::Done;
    };
    let (offer, query) = (tidings.offer, query(notice));
    let tagged = match notmuch(&["count", "--exclude=false", "--", &query]) {
        Ok(Some(output)) if !output.status.success() || output.stdout.trim_ascii() == b"0" => {
            return Telling::Later;
        }
        Ok(Some(_)) => notmuch(&["tag", &format!("+{name}"), "--", &query]),
        other => other,
    };
    match tagged {
        Ok(Some(output)) if output.status.success() => return Telling::Done,
        Ok(Some(_)) => tracing::warn!("offer {offer}: notmuch did not tag its notice"),
        Ok(None) => tracing::warn!(
            "offer {offer}: notmuch was ended after {} s",
            LIMIT.as_secs()
        ),
        Err(error) => tracing::warn!("offer {offer}: notmuch cannot be run: {error}"),
    }
    Telling::Later
}

/// What it says on standard error would be said again at each look.
fn notmuch(arguments: &[&str]) -> io::Result<Option<Output>> {
    let words = [&["notmuch"], arguments].concat();
    let words: Vec<_> = words.into_iter().map(str::to_owned).collect();
    let mut program = command::program(&words);
    command::run(program.stdout(Stdio::piped()).stderr(Stdio::null()), LIMIT)
}

/// notmuch-search-terms(7): a term in quotes, and quotes within it doubled.
fn query(message_id: &str) -> String {
    format!("id:\"{}\"", message_id.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_one_term() {
        assert_eq!(query("a@b"), "id:\"a@b\"");
        assert_eq!(query("a\" or tag:x \"b"), "id:\"a\"\" or tag:x \"\"b\"");
    }
}
