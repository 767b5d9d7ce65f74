//! One forged notice, and what it comes to.

use crate::home::{BOB, Home};
use submission_server::Script;

/// What Postfix says where the other side offers no TLS.
pub(crate) const NO_TLS: &str =
    "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";

pub(crate) fn home() -> Home {
    Home::new(Script::tls())
}

/// `text` with `from`, which must be there, replaced once.
pub(crate) fn swap(text: &str, from: &str, to: &str) -> String {
    assert!(text.contains(from), "no {from:?} in {text}");
    text.replacen(from, to, 1)
}

/// The genuine notice with one thing forged.
pub(crate) fn forged(home: &Home, from: &str, to: &str) -> String {
    swap(&home.notice(), from, to)
}

/// The notice makes an offer, but as one that may be forged: the doubt is named, the answer to Return is no,
/// and nothing leaves.
pub(crate) fn assert_doubted(notice: &str, doubt: &str) {
    let home = home();
    let run = home.resend(&[], notice);
    assert_eq!(run.status, 75, "{run:?}");
    let line = format!("\nNotice     unverified: {doubt}\n");
    assert!(run.stdout.contains(&line), "{doubt}: {run:?}");
    home.file("notice.eml", notice);
    let (status, screen) = home.at_terminal("resend notice.eml", "[y/N/d]", b"\r");
    assert_eq!(status, 2, "{screen}");
    assert!(screen.contains("unverified: "), "{screen}");
    assert!(home.received().is_empty());
}

/// The program ends with `status`, says `words`, and sends nothing, though `--yes` stands there.
pub(crate) fn assert_refused(home: &Home, notice: &str, status: i32, words: &str) {
    let run = home.resend(&["--yes"], notice);
    assert_eq!(run.status, status, "{run:?}");
    assert!(
        run.stdout.contains(words) || run.stderr.contains(words),
        "no {words:?}: {run:?}"
    );
    assert!(home.received().is_empty());
}

/// Sends to Bob and to nobody else, once.
pub(crate) fn assert_only_bob(home: &Home, notice: &str) {
    let run = home.resend(&["--yes"], notice);
    assert_eq!(run.status, 0, "{run:?}");
    let messages = home.received();
    assert_eq!(messages.len(), 1);
    let recipients: Vec<&str> = messages[0]
        .recipients
        .iter()
        .map(|(address, _)| address.as_str())
        .collect();
    assert_eq!(recipients, [BOB]);
}

/// What the program holds for the origin of a notice.
pub(crate) fn provenance(home: &Home, notice: &str) -> String {
    let run = home.run(&["inspect", "--json"], notice);
    let line: serde_json::Value = serde_json::from_str(&run.stdout).expect("JSON");
    let word = line["notice"]["provenance"].as_str();
    word.expect("a notice").to_owned()
}

/// The journal's own words, by SQL. One value a row.
pub(crate) fn journal(home: &Home, query: &str) -> Vec<String> {
    let db = rusqlite::Connection::open(home.state().join("journal.sqlite3")).expect("a journal");
    let mut rows = db.prepare(query).expect("SQL");
    let values = rows.query_map([], |row| row.get(0)).expect("rows");
    values.map(|value| value.expect("a text")).collect()
}
