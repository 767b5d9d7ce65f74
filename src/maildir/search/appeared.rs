//! Folders that got another name while we looked: the walk can pass both names by.

use std::collections::HashSet;
use std::path::{Path, PathBuf};
use std::time::{Instant, SystemTime};

use super::settle::{FEW, PATIENCE, settle};
use super::{Bases, Found, ROUNDS, Search, Stage};
use crate::maildir::folder::{Unreadable, Walk};
use crate::maildir::listing::{Listing, changed, is_before, is_settled};

/// The directories above folders, folders among them, each with the time of its last change.
type Directories = Vec<(PathBuf, Option<SystemTime>)>;

/// Walks again until no directory has changed `since`, or all are as they were the time before, and reads the
/// folders that were not there to be listed.
pub(super) fn read_appeared<'a>(
    search: &'a Search<'a>,
    stages: &mut Vec<(Stage<'a>, Listing)>,
    since: SystemTime,
    gone: &mut Bases,
    found: &mut Found,
) {
    let mut listed = HashSet::new();
    stages
        .iter()
        .for_each(|(_, listing)| note(listing, &mut listed));
    let kinds = stages.iter().map(|(stage, _)| stage.in_sent);
    // Where there is a copy, only one that was sent can be better.
    let is_enough = search.is_enough(found);
    let kinds: Vec<bool> = kinds.filter(|in_sent| *in_sent || !is_enough).collect();
    let mut before = None;
    let begun = Instant::now();
    for round in 0..ROUNDS {
        if search.has_right(found) || round >= FEW && begun.elapsed() > PATIENCE {
            break;
        }
        let mut walk = Walk::with(search.pulse);
        let mut directories = Directories::new();
        let mut has_new = false;
        for in_sent in &kinds {
            let mut folders = directories_of(search, *in_sent, &mut walk, &mut directories);
            folders.retain(|folder| !listed.contains(folder));
            if folders.is_empty() {
                continue;
            }
            has_new = true;
            let stage = Stage {
                search,
                in_sent: *in_sent,
            };
            let mut listing = stage.list(&folders, found);
            note(&listing, &mut listed);
            gone.extend(stage.examine_likely(&mut listing, found));
            gone.extend(stage.examine_rest(&mut listing, found));
            found.looked_in.extend(folders);
            stages.push((stage, listing));
        }
        if has_new {
            settle(stages, gone, found);
        }
        let times = || directories.iter().map(|(_, time)| *time);
        let is_old = times().all(|time| time.is_some_and(|time| is_before(time, since)));
        let is_settled = || times().flatten().all(is_settled);
        let is_same = before.as_ref() == Some(&directories) && is_settled();
        if !has_new && (is_old || is_same) {
            break;
        }
        before = Some(directories);
    }
}

/// Notes the folders whose directories were both there to be listed.
fn note(listing: &Listing, listed: &mut HashSet<PathBuf>) {
    let folder = |directory: &Path| directory.parent().map(Path::to_owned);
    let missing: HashSet<_> = listing.missing().iter().map(|path| folder(path)).collect();
    let all = listing.directories().map(|(path, _)| folder(path));
    listed.extend(all.filter(|folder| !missing.contains(folder)).flatten());
}

/// The folders for sent mail, or all others, and all directories in which they lie.
fn directories_of(
    search: &Search,
    in_sent: bool,
    walk: &mut Walk,
    directories: &mut Directories,
) -> Vec<PathBuf> {
    let mut folders = Vec::new();
    // What cannot be read has been counted.
    let mut see = |directory: PathBuf, is_folder: bool| {
        let time = changed(&directory).ok();
        if is_folder {
            folders.push(directory.clone());
        }
        directories.push((directory, time));
    };
    let mut unreadable = Unreadable::default();
    search
        .places
        .each_directory(in_sent, walk, &mut unreadable, &mut see);
    folders
}
