//! A look-up with the index.

use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Component, Path, PathBuf};

use crate::maildir::copy::Copy;
use crate::maildir::folder::{FileName, PARTS, is_maildir};
use crate::maildir::head::HeadReader;
use crate::maildir::listing::distance;
use crate::maildir::search::{Found, Places, Search};
use crate::maildir::wildcard::stands_for;

use super::remove;
use super::store::{Hit, Store, is_broken};

/// Flags that mail readers set one after the other; a file that has got other flags is mostly found under
/// one of these names, without listing its folder.
const USUAL_FLAGS: [&str; 8] = ["S", "", "RS", "FS", "FRS", "PS", "R", "F"];

/// The copy that was sent, if the index knows it. `None`: look without.
pub(in crate::maildir) fn answer(search: &Search, index: &Path) -> Option<Found> {
    let hits = match Store::hits(index, search.message_id) {
        Ok(hits) => hits?,
        Err(error) => {
            if is_broken(&error) {
                tracing::debug!("the index is damaged and goes: {error}");
                let _ = remove(index);
            }
            return None;
        }
    };
    best(search, &hits)
}

/// Opens the files that may be copies and ranks them. `None`: the copy that was sent is not among them.
pub(in crate::maildir) fn best(search: &Search, hits: &[Hit]) -> Option<Found> {
    let mut found = Found::default();
    let mut reader = HeadReader::default();
    for hit in hits
        .iter()
        .filter(|hit| is_within(&hit.folder, search.places))
    {
        found.files_seen += 1;
        search.pulse.enter(&hit.folder);
        if !found.looked_in.contains(&hit.folder) {
            found.looked_in.push(hit.folder.clone());
        }
        found.copies.extend(open(search, hit, &mut reader));
    }
    found.copies.sort_by(Copy::rank);
    let best = found.copies.first()?;
    best.is_as_sent().then_some(found)
}

/// The copy that a hit names, if it is one.
fn open(search: &Search, hit: &Hit, reader: &mut HeadReader) -> Option<Copy> {
    // A damaged index must not lead out of the folder.
    if hit.name.contains(&b'/') {
        return None;
    }
    let name = OsString::from_vec(hit.name.clone());
    let path = hit.folder.join(PARTS[hit.mark.part]).join(name);
    let (path, head) = match reader.with_id_at(&path, search.message_id) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let path = renamed(hit)?;
            let head = reader.with_id_at(&path, search.message_id).ok()?;
            (path, head)
        }
        read => (path, read.ok()?),
    };
    let head = head?;
    let accepted = (search.accept)(&head.header);
    let name = path.file_name()?.to_owned();
    let name = FileName::parse(&name);
    let distance = distance(name.time, search.near);
    let in_sent = search.places.is_for_sent(&hit.folder);
    Some(Copy::judge(
        path.clone(),
        name,
        distance,
        head,
        in_sent,
        accepted,
    ))
}

/// Where the file is now, if its flags have changed or it has gone from `new` to `cur`.
fn renamed(hit: &Hit) -> Option<PathBuf> {
    let old = OsStr::from_bytes(&hit.name);
    let name = FileName::parse(old);
    let mut usual = USUAL_FLAGS.iter().map(|flags| {
        let name = name.with_flags(flags.as_bytes());
        hit.folder.join("cur").join(name)
    });
    usual
        .find(|path| path.exists())
        .or_else(|| crate::maildir::follow(&hit.folder.join("cur").join(old)))
}

/// Is this a folder that is to be searched? The index may be older than the configuration.
fn is_within(folder: &Path, places: &Places) -> bool {
    let is_below = |root: &PathBuf| {
        folder
            .ancestors()
            .any(|above| leads_to(root, above, folder))
    };
    places.search.iter().any(is_below) || places.is_for_sent(folder)
}

/// Does a name in the configuration stand for the directory `above`, with `folder` at or below it? Up leads
/// nothing but what the name says itself.
fn leads_to(root: &Path, above: &Path, folder: &Path) -> bool {
    let ups = |path: &Path| {
        let parts = path.components();
        parts
            .filter(|part| matches!(part, Component::ParentDir))
            .count()
    };
    ups(root) == ups(folder) && stands_for(root, above)
}

impl Places {
    /// Is this a folder for sent mail?
    fn is_for_sent(&self, folder: &Path) -> bool {
        let is_at = |above: &Path| above == folder || !is_maildir(above);
        self.sent.iter().any(|root| {
            let mut above = folder.ancestors();
            above.any(|above| leads_to(root, above, folder) && is_at(above))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_by_their_names_in_the_configuration() {
        let places = |sent: &str, search: &str| Places {
            sent: vec![sent.into()],
            search: vec![search.into()],
        };
        let named = places("/none/*/Sent", "/none/a*");
        for (folder, is_sent, is_searched) in [
            ("/none/b/Sent", true, true),
            ("/none/b/Sent/2026", true, true),
            ("/none/a/Lists", false, true),
            ("/none/b/Lists", false, false),
            ("/none/a/../Sent", false, false),
        ] {
            let folder = Path::new(folder);
            assert_eq!(named.is_for_sent(folder), is_sent, "{folder:?}");
            assert_eq!(is_within(folder, &named), is_searched, "{folder:?}");
        }
        // Up only as the configuration says it.
        let up = places("/none/a/../Sent", "/none/a/../b*");
        for (folder, is_sent, is_searched) in [
            ("/none/a/../Sent", true, true),
            ("/none/a/../b/x", false, true),
            ("/none/a/../b/../x", false, false),
            ("/none/a/../../b", false, false),
        ] {
            let folder = Path::new(folder);
            assert_eq!(up.is_for_sent(folder), is_sent, "{folder:?}");
            assert_eq!(is_within(folder, &up), is_searched, "{folder:?}");
        }
        let plain = places("/none/Sent", "/none/Mail");
        assert!(is_within(Path::new("/none/Mail"), &plain));
        assert!(!is_within(Path::new("/none/Mailbox"), &plain));
    }
}
