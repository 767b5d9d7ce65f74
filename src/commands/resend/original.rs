//! Finding what was sent, and making sure that it is.

use std::path::{Path, PathBuf};

use crate::cli::NAME;
use crate::config::{Config, Places};
use crate::kept;
use crate::maildir::folder::{PARTS, is_maildir};
use crate::maildir::proof::Mismatch;
use crate::maildir::search::{Copy, Flaw};
use crate::maildir::wildcard::expand;
use crate::maildir::{self, proof};
use crate::notice::Returned;

use super::super::find::{Wanted, look, missing};
use super::super::{DATA, Failure, IO};

/// What is known of a message that was sent.
pub(super) struct Sought<'a> {
    /// Its Message-ID, without angle brackets.
    pub(super) id: &'a str,
    /// About when it was sent, in seconds since 1970.
    pub(super) near: Option<i64>,
    /// What a notice returned of it: nothing else proves a copy.
    pub(super) returned: Option<&'a Returned>,
    /// The file that the user gave.
    pub(super) file: Option<&'a Path>,
    /// Somebody is there to be asked whether to wait.
    pub(super) is_attended: bool,
}

/// What was sent.
pub(super) struct Original {
    pub(super) path: PathBuf,
    pub(super) flaws: Vec<Flaw>,
    pub(super) bytes: Vec<u8>,
    /// A header that names all recipients, where more is known of them than the message says.
    pub(super) envelope: Option<Vec<u8>>,
    /// It is known to be what was sent, byte for byte or by the copy proof.
    pub(super) is_proven: bool,
}

impl Sought<'_> {
    /// What the `sendmail` verb has sent and kept, or else a copy of the mail reader.
    pub(super) fn find(&self, config: &Config, places: &Places) -> Result<Original, Failure> {
        let state = places.state_home.join(NAME);
        let is_right = |message: &[u8]| prove(message, self.returned).is_ok();
        if let Some(kept) = kept::find(&state, self.id, &is_right) {
            let to = kept.slip.recipients.join(">, <");
            return Ok(Original {
                path: kept.path,
                flaws: Vec::new(),
                bytes: kept.message,
                envelope: Some(format!("Bcc: <{to}>\n").into_bytes()),
                is_proven: true,
            });
        }
        let copy = self.copy(config, places)?;
        let path = copy.path.display();
        let bytes = maildir::read(&copy.path)
            .map_err(|error| Failure::new(IO, format!("{path}: {error}")))?;
        // Once more, and now of the bytes that will be sent.
        prove(&bytes, self.returned)
            .map_err(|mismatch| Failure::new(DATA, format!("{path}: {mismatch}")))?;
        if !copy.is_sendable() || is_received(&copy, config) {
            let flaws: Vec<String> = copy.flaws.iter().map(ToString::to_string).collect();
            let text = format!(
                "{path}: not what you sent ({}), and no better copy was found; nothing was sent",
                flaws.join(", ")
            );
            return Err(Failure::new(DATA, text));
        }
        Ok(Original {
            path: copy.path.clone(),
            flaws: copy.flaws.clone(),
            bytes,
            envelope: None,
            is_proven: self.returned.is_some(),
        })
    }

    /// The best copy in the folders; of a message that lies nowhere there the file that the user gave.
    fn copy(&self, config: &Config, places: &Places) -> Result<Copy, Failure> {
        let wanted = Wanted {
            id: self.id,
            near: self.near,
            is_for_all: false,
            is_attended: self.is_attended,
        };
        let returned = self.returned.cloned();
        let proven = move |header: &[u8]| prove(header, returned.as_ref()).is_ok();
        let found = look(config, places, &wanted, proven)?;
        if let Some(best) = found.copies.first() {
            return Ok(best.clone());
        }
        let given = self.file.filter(|file| is_in_maildir(file));
        let given = given.and_then(|file| Copy::of_file(file, self.id).ok().flatten());
        given.ok_or_else(|| missing(config, self.id, &found))
    }
}

/// Without a notice there is nothing to compare with.
fn prove(message: &[u8], returned: Option<&Returned>) -> Result<(), Mismatch> {
    match returned {
        Some(returned) => proof::prove(message, returned).map(drop),
        None => Ok(()),
    }
}

/// Is it the file of a message in a Maildir?
pub(super) fn is_in_maildir(file: &Path) -> bool {
    let Some(part) = file.parent() else {
        return false;
    };
    let is_part = PARTS.iter().any(|name| part.ends_with(name));
    is_part && part.parent().is_some_and(is_maildir)
}

/// Was the copy received, though it lies where sent mail does? Some keep both in the inbox.
fn is_received(copy: &Copy, config: &Config) -> bool {
    let real = |path: &Path| path.canonicalize().ok();
    let folder = copy.path.ancestors().nth(2).and_then(real);
    copy.flaws.contains(&Flaw::CameBack)
        && folder.is_some()
        && config
            .mail
            .inbox
            .iter()
            .flat_map(|inbox| expand(inbox))
            .any(|inbox| real(&inbox) == folder)
}
