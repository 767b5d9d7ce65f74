//! Finding what was sent, and making sure that it is.

use std::path::{Path, PathBuf};

use crate::cli::NAME;
use crate::config::{Config, Places};
use crate::kept::{self, Kept};
use crate::maildir::folder::{PARTS, is_maildir};
use crate::maildir::proof::Mismatch;
use crate::maildir::search::{Copy, Flaw};
use crate::maildir::wildcard::expand;
use crate::maildir::{self, proof};
use crate::message::recipients::{same_address, was_resent};
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
    /// The envelope id that the notice tells.
    pub(super) envelope_id: Option<&'a str>,
    /// Whom the notice or the user names.
    pub(super) named: Vec<&'a str>,
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

impl Original {
    fn of(kept: Kept) -> Original {
        let to = kept.slip.recipients.join(">, <");
        Original {
            path: kept.path,
            flaws: Vec::new(),
            bytes: kept.message,
            envelope: Some(format!("Bcc: <{to}>\n").into_bytes()),
            is_proven: true,
        }
    }
}

impl Sought<'_> {
    /// What the `sendmail` verb has sent and kept, or else a copy of the mail reader. Where there is none, another
    /// sending of that message that was kept: it tells at least whom that went to.
    pub(super) fn find(&self, config: &Config, places: &Places) -> Result<Original, Failure> {
        let state = places.state_home.join(NAME);
        let kept = kept::find(&state, self.id, &|kept| self.rank(kept));
        if let Some(kept) = kept.or_else(|| self.completed(&state)) {
            return Ok(Original::of(kept));
        }
        let is_right = |kept: &Kept| prove(&kept.message, self.returned).ok().map(|()| 0);
        self.find_in_folders(config, places).or_else(|failure| {
            let another = kept::find(&state, self.id, &is_right);
            another.map(Original::of).ok_or(failure)
        })
    }

    /// What was sent without a Message-ID, with the one that the server has given it (RFC 6409 section 8.3).
    fn completed(&self, state: &Path) -> Option<Kept> {
        let mut kept = kept::by_envelope(state, self.envelope_id?)?;
        if !kept.slip.message_id.is_empty() || !self.id.bytes().all(|byte| byte.is_ascii_graphic())
        {
            return None;
        }
        let field = format!("Message-ID: <{}>\n", self.id);
        kept.message.splice(..0, field.into_bytes());
        self.rank(&kept).map(|_| kept)
    }

    /// Is this the sending that is meant, and how surely? A message that was resent is kept once more, under the
    /// same Message-ID.
    fn rank(&self, kept: &Kept) -> Option<u8> {
        prove(&kept.message, self.returned).ok()?;
        let goes_to = |who: &&str| {
            let mut recipients = kept.slip.recipients.iter();
            recipients.any(|recipient| same_address(recipient, who))
        };
        let returned = self.returned.map(|returned| &*returned.header);
        let is_alike = was_resent(&kept.message) == returned.is_some_and(was_resent);
        let is_meant = match self.named.is_empty() {
            true => is_alike,
            false => self.named.iter().any(goes_to),
        };
        match self.envelope_id == Some(&kept.slip.envelope_id) {
            true => Some(2),
            false => is_meant.then_some(u8::from(is_alike)),
        }
    }

    fn find_in_folders(&self, config: &Config, places: &Places) -> Result<Original, Failure> {
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
