//! A file that carries the wanted Message-ID, and how likely it is what was sent.

use std::cmp::Ordering;
use std::fmt;
use std::path::{Path, PathBuf};

use super::folder::FileName;
use super::head::Head;
use crate::message::header::{self, Field};

/// A copy of the original.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copy {
    /// Where it lies; it may be renamed at any time (see [`super::read`]).
    pub path: PathBuf,
    /// Its header block, without the empty line that ends it.
    pub header: Vec<u8>,
    /// What speaks against it, the worst first. Nothing: the copy that the mail reader saved.
    pub flaws: Vec<Flaw>,
    /// How far the time of the file lies from the one that was looked for, in seconds.
    pub(super) distance: u64,
}

/// What speaks against a copy, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// It does not lie in a folder for sent mail.
    NotInSent,
    /// It has been under way: a server has left its trace in it.
    CameBack,
    /// A mailing list has sent it; lists change what they send.
    FromList,
    /// It was not accepted: the copy proof failed, or there is none.
    Unproven,
    /// It is a draft.
    Draft,
    /// Its end is missing: no empty line behind the header, or no final boundary.
    Incomplete,
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotInSent => "not in a folder for sent mail",
            Self::CameBack => "came back through a server",
            Self::FromList => "came from a mailing list",
            Self::Unproven => "not proven to be what was sent",
            Self::Draft => "a draft",
            Self::Incomplete => "its end is missing",
        })
    }
}

impl Copy {
    /// Is it the copy that the mail reader saved when it sent the message, and proven to be?
    pub fn is_right(&self) -> bool {
        self.flaws.is_empty()
    }

    /// May this copy be sent again, failing a better one? What lies in another folder may, and what a
    /// server has put into a folder for sent mail. What does neither was received, and anybody can write
    /// the user's name into a message; a list's echo, a draft, an incomplete or unproven copy never.
    pub fn is_sendable(&self) -> bool {
        let received =
            self.flaws.contains(&Flaw::CameBack) && self.flaws.contains(&Flaw::NotInSent);
        !received && self.flaws.iter().all(|flaw| *flaw <= Flaw::CameBack)
    }

    /// The better copy first; of equals the one nearest in time.
    pub(super) fn rank(&self, other: &Self) -> Ordering {
        let key = |copy: &Self| (copy.flaws.clone(), copy.distance, copy.path.clone());
        key(self).cmp(&key(other))
    }

    /// Does nothing speak against it, but perhaps its folder? Nothing better is then to be found in
    /// folders that are not for sent mail.
    pub fn is_as_sent(&self) -> bool {
        self.flaws.iter().all(|flaw| *flaw == Flaw::NotInSent)
    }

    /// Folder and base name: what stays when the file is renamed.
    pub(super) fn identity(&self) -> (PathBuf, Vec<u8>) {
        let folder = self.path.ancestors().nth(2).unwrap_or(&self.path);
        let name = FileName::parse(self.path.file_name().unwrap_or_default());
        (folder.to_owned(), name.base.to_vec())
    }

    pub(super) fn judge(
        path: PathBuf,
        name: FileName,
        distance: u64,
        head: Head,
        in_sent: bool,
        accepted: bool,
    ) -> Self {
        let any = |test: fn(&Field) -> bool| header::fields(&head.header).any(|field| test(&field));
        let flaws = [
            (Flaw::Incomplete, !head.complete),
            (Flaw::Draft, name.is_draft() || is_for_drafts(&path)),
            (Flaw::Unproven, !accepted),
            (Flaw::FromList, any(is_list_field)),
            (Flaw::CameBack, any(is_trace_field)),
            (Flaw::NotInSent, !in_sent),
        ];
        let flaws = flaws
            .into_iter()
            .filter(|(_, is)| *is)
            .map(|(flaw, _)| flaw)
            .collect();
        Self {
            path,
            header: head.header,
            flaws,
            distance,
        }
    }
}

/// Does the file lie in a folder for drafts? mutt calls it `postponed`, others `Drafts`.
fn is_for_drafts(path: &Path) -> bool {
    let folder = path
        .ancestors()
        .nth(2)
        .and_then(Path::file_name)
        .unwrap_or_default();
    let folder = folder.to_string_lossy().to_ascii_lowercase();
    let leaf = folder.rsplit('.').next().unwrap_or_default();
    matches!(leaf, "draft" | "drafts" | "postponed")
}

/// Has a server or a mailing list left this field?
pub(super) fn is_foreign(field: &Field) -> bool {
    is_trace_field(field) || is_list_field(field)
}

/// RFC 2369, RFC 2919, and Mailman's mark.
fn is_list_field(field: &Field) -> bool {
    field
        .name()
        .get(..5)
        .is_some_and(|start| start.eq_ignore_ascii_case(b"List-"))
        || field.is("X-BeenThere")
        || field.is("X-Mailing-List")
}

fn is_trace_field(field: &Field) -> bool {
    ["Received", "Return-Path", "Delivered-To", "X-Original-To"]
        .iter()
        .any(|name| field.is(name))
}
