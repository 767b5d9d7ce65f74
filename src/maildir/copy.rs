//! A file that carries the wanted Message-ID, and how likely it is what was sent.

use std::cmp::Ordering;
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

use super::folder::FileName;
use super::head::{Head, HeadReader};
use super::purpose::{is_for_drafts, is_for_trash};
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

/// Where a copy lies.
pub(super) struct Place<'a> {
    /// Is that a folder for sent mail?
    pub(super) is_for_sent: bool,
    /// The folder, without the path to the folders that are searched: that says nothing of mail.
    pub(super) folder: &'a Path,
}

/// What speaks against a copy, the worst last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flaw {
    /// It does not lie in a folder for sent mail.
    NotInSent,
    /// It has been under way: a server has left its trace in it.
    CameBack,
    /// It was thrown away: a flag or its folder says so.
    Deleted,
    /// A mailing list has sent it; lists change what they send.
    FromList,
    /// It was not accepted: the copy proof failed, or there is none.
    Unproven,
    /// It is a draft.
    Draft,
    /// Its end is missing: no empty line behind the header, or no final boundary.
    Incomplete,
}

impl Flaw {
    /// Its name in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::NotInSent => "not-in-sent",
            Self::CameBack => "came-back",
            Self::Deleted => "deleted",
            Self::FromList => "from-list",
            Self::Unproven => "unproven",
            Self::Draft => "draft",
            Self::Incomplete => "incomplete",
        }
    }
}

impl fmt::Display for Flaw {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NotInSent => "not in a folder for sent mail",
            Self::CameBack => "came back through a server",
            Self::Deleted => "deleted",
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
    /// the user's name into a message; a list's echo, a draft, an incomplete or unproven copy never, nor what
    /// was thrown away.
    pub fn is_sendable(&self) -> bool {
        let received =
            self.flaws.contains(&Flaw::CameBack) && self.flaws.contains(&Flaw::NotInSent);
        !received && self.flaws.iter().all(|flaw| *flaw <= Flaw::CameBack)
    }

    /// The message in the file at `path`, wherever that is, if its Message-ID is `id` (without angle brackets).
    ///
    /// # Errors
    /// Whatever the system says when it reads; `Unsupported` for a compressed file.
    pub fn of_file(path: &Path, id: &str) -> io::Result<Option<Copy>> {
        let head = HeadReader::default().with_id_at(path, id)?;
        let name = FileName::parse(path.file_name().unwrap_or_default());
        let place = Place {
            is_for_sent: false,
            folder: leaf(path),
        };
        Ok(head.map(|head| Copy::judge(path.to_owned(), name, 0, head, &place, true)))
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
        place: &Place,
        accepted: bool,
    ) -> Self {
        let any = |test: fn(&Field) -> bool| header::fields(&head.header).any(|field| test(&field));
        let flaws = [
            (Flaw::Incomplete, !head.complete),
            (
                Flaw::Draft,
                name.is_draft() || is_for_drafts(place.folder) || any(is_of_draft),
            ),
            (Flaw::Unproven, !accepted),
            (Flaw::FromList, any(is_list_field)),
            (
                Flaw::Deleted,
                name.flags.contains(&b'T') || is_for_trash(place.folder),
            ),
            (Flaw::CameBack, any(is_trace_field)),
            (Flaw::NotInSent, !place.is_for_sent),
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

/// The folder of a file, without what lies above it.
pub(super) fn leaf(path: &Path) -> &Path {
    let folder = path.ancestors().nth(2).and_then(Path::file_name);
    Path::new(folder.unwrap_or_default())
}

/// Do mail readers leave this field in what is not sent yet? mutt and NeoMutt in what is postponed, Thunderbird,
/// Apple's Mail. None of them keeps it in what they send or save.
fn is_of_draft(field: &Field) -> bool {
    const OF_DRAFTS: [&str; 4] = [
        "X-Mozilla-Draft-Info",
        "X-Mutt-Fcc",
        "X-Mutt-PGP",
        "X-Mutt-SMIME",
    ];
    let is_kind = field.is("X-Uniform-Type-Identifier");
    OF_DRAFTS.iter().any(|name| field.is(name))
        || is_kind && field.text().trim() == "com.apple.mail-draft"
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use proptest::sample::subsequence;

    use super::*;

    const ALL: [Flaw; 7] = [
        Flaw::Incomplete,
        Flaw::Draft,
        Flaw::Unproven,
        Flaw::FromList,
        Flaw::Deleted,
        Flaw::CameBack,
        Flaw::NotInSent,
    ];

    fn copy() -> impl Strategy<Value = Copy> {
        (subsequence(ALL.to_vec(), 0..=7), 0..3_u64, 0..3_u8).prop_map(
            |(flaws, distance, number)| Copy {
                path: format!("/Mail/cur/{number}").into(),
                header: Vec::new(),
                flaws,
                distance,
            },
        )
    }

    fn worst(copy: &Copy) -> Option<Flaw> {
        copy.flaws.iter().max().copied()
    }

    proptest! {
        #[test]
        fn the_first_in_rank_is_the_best(mut copies in prop::collection::vec(copy(), 1..12)) {
            copies.sort_by(Copy::rank);
            let best = &copies[0];
            prop_assert_eq!(worst(best), copies.iter().map(worst).min().unwrap());
            prop_assert_eq!(best.is_right(), copies.iter().any(Copy::is_right));
            prop_assert_eq!(best.is_as_sent(), copies.iter().any(Copy::is_as_sent));
            for (one, next) in copies.iter().zip(&copies[1..]) {
                prop_assert!(worst(one) <= worst(next));
                let is_equal = one.flaws == next.flaws;
                prop_assert!(!is_equal || one.distance <= next.distance);
                // Fewer reasons against it never rank behind more of them.
                let has_more = next.flaws.iter().all(|flaw| one.flaws.contains(flaw));
                prop_assert!(!has_more || is_equal, "{one:?} {next:?}");
            }
        }

        #[test]
        fn what_was_not_sent_is_never_sendable(copy in copy()) {
            let bad = [Flaw::Incomplete, Flaw::Draft, Flaw::Unproven, Flaw::FromList, Flaw::Deleted];
            if copy.flaws.iter().any(|flaw| bad.contains(flaw)) {
                prop_assert!(!copy.is_sendable() && !copy.is_as_sent());
            }
            prop_assert!(!copy.is_as_sent() || copy.is_sendable());
        }
    }
}
