//! A tag of notmuch on the notice.

use std::process::{Command, Stdio};
use std::time::Duration;

use super::{Telling, Tidings, command};

/// How long notmuch may take: its database may be in use.
const LIMIT: Duration = Duration::from_secs(60);

/// Adds the tag. Until `notmuch new` has seen the notice there is nothing to tag: another time, then. A notice without
/// Message-ID is never found.
pub(super) fn add(name: &str, tidings: &Tidings) -> Telling {
    let Some(notice) = &tidings.notice else {
        return Telling::Done;
    };
    let query = query(notice);
    if !knows(&query) {
        return Telling::Later;
    }
    let words = ["notmuch", "tag", &format!("+{name}"), "--", &query].map(str::to_owned);
    match command::run(&mut command::program(&words), LIMIT) {
        Ok(Some(status)) if status.success() => Telling::Done,
        Ok(_) | Err(_) => {
            tracing::warn!("offer {}: notmuch did not tag its notice", tidings.offer);
            Telling::Later
        }
    }
}

fn knows(query: &str) -> bool {
    let mut notmuch = Command::new("notmuch");
    notmuch.args(["count", "--exclude=false", "--", query]);
    let output = notmuch.stdin(Stdio::null()).stderr(Stdio::null()).output();
    output.is_ok_and(|output| output.status.success() && output.stdout.trim_ascii() != b"0")
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
