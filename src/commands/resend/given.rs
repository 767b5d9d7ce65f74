//! What the user has given: a notice or a message of the user's own, one or several, as it was or not.

use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::cli::NAME;
use crate::config::{Config, Places};
use crate::maildir::{self, search};
use crate::message::mbox::{self, RunTogether};
use crate::message::recipients::{Mailbox, senders};
use crate::message::{header, text};
use crate::notice;
use crate::notice::decoded::is_decoded;
use crate::terminal::shown;

use super::super::find::{Wanted, look_in};
use super::super::{DATA, Failure, notice_bytes};
use super::original::is_in_maildir;

/// A message that was given.
pub(super) struct Given {
    /// Its bytes.
    pub(super) bytes: Vec<u8>,
    /// The file that holds it, and nothing else.
    pub(super) file: Option<PathBuf>,
}

/// What a message is to us.
pub(super) enum Kind {
    /// A notice.
    Notice,
    /// A message that the user has written.
    Own,
}

/// The messages of a file, of standard input or of an offer.
pub(super) fn messages(places: &Places, name: &Path) -> Result<Vec<Given>, Failure> {
    let bytes = notice_bytes(places, name)?;
    let is_offer = !name.exists() && name != Path::new("-");
    if is_offer || is_in_maildir(name) {
        let file = Some(name.to_owned());
        return Ok(vec![Given { bytes, file }]);
    }
    let parts = mbox::split(&bytes).map_err(|error| Failure::new(DATA, error))?;
    if let [one] = parts[..]
        && notice::runs_into_another(one)
    {
        return Err(Failure::new(DATA, RunTogether));
    }
    let one = |part: &&[u8]| Given {
        bytes: part.to_vec(),
        file: None,
    };
    Ok(parts.iter().map(one).collect())
}

impl Given {
    /// What it is, if it is of use.
    pub(super) fn kind(&self, config: &Config) -> Result<Kind, Failure> {
        if notice::read(&self.bytes).is_some() {
            return Ok(Kind::Notice);
        }
        let authors = senders(&self.bytes);
        let is_own = |author: &Mailbox| config.account_for(&author.address).is_some();
        if authors.iter().any(is_own) {
            return Ok(Kind::Own);
        }
        let author = authors.last().filter(|_| !is_decoded(&self.bytes));
        Err(match author {
            Some(author) => {
                let from = shown(&author.address);
                let text = format!(
                    "neither a delivery notice nor a message from one of your addresses (From: {from}); \
                     pipe one of these, whole and raw"
                );
                Failure::new(DATA, text)
            }
            None => super::super::not_a_notice(),
        })
    }

    /// What is in the file of a notice that a mail reader took apart, where there is one. Says so, either way.
    pub(super) fn mended(&self, config: &Config) -> Result<Option<Given>, Failure> {
        if !is_decoded(&self.bytes) {
            return Ok(None);
        }
        let Some(id) = header::text(&self.bytes, "Message-ID").and_then(|id| text::message_id(&id))
        else {
            say(&format!(
                "{DECODED} without its Message-ID ($pipe_decode_weed), so its file cannot be found; {ADVICE}"
            ))?;
            return Ok(None);
        };
        let date = header::text(&self.bytes, "Date");
        let wanted = Wanted {
            id: &id,
            near: date.as_deref().and_then(text::date),
            is_for_all: false,
            is_attended: true,
        };
        let folders = search::Places {
            sent: config.mail.inbox.clone(),
            search: config.mail.search.clone(),
        };
        let found = look_in(folders, config, None, &wanted, notice::may_be)?;
        for copy in &found.copies {
            match maildir::read(&copy.path) {
                Ok(bytes) if notice::read(&bytes).is_some() && !is_decoded(&bytes) => {
                    let path = copy.path.display().to_string();
                    say(&format!(
                        "{DECODED}; its file is read in its place: {}",
                        shown(&path)
                    ))?;
                    let file = Some(copy.path.clone());
                    return Ok(Some(Given { bytes, file }));
                }
                _ => {}
            }
        }
        say(&format!(
            "{DECODED}, and its file is in none of your folders; {ADVICE}"
        ))?;
        Ok(None)
    }
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stderr(), "{NAME}: {text}")
}

/// That a notice was spoilt on its way.
const DECODED: &str = "this notice was decoded on its way here (mutt: $pipe_decode)";
/// What to do about it.
const ADVICE: &str = "unset pipe_decode; reading what is left of it";
