//! Where to read first among files whose names say nothing of when their messages were written.
//!
//! mbsync and OfflineIMAP name a file by the time at which they fetched it, and by its number on the server
//! (`U=17`). A server numbers messages as they come into a folder, so that the numbers rise with the dates,
//! nearly: a search by halves, which reads the dates of a few messages, ends near the one that is looked for.

use std::collections::HashMap;
use std::ops::Range;

use crate::maildir::folder;
use crate::maildir::head::HeadReader;
use crate::maildir::listing::Listing;
use crate::message::{header, text};

/// Folders with fewer numbered files than this are read whole soon enough.
const FEW: usize = 256;
/// How far around the place that was found files are likely: numbers and dates do not rise together
/// everywhere.
const AROUND: usize = 128;
/// How many files are likely at most, of all folders together.
const MOST: usize = 16 << 10;
/// So many files are asked for a date where one tells none.
const TRIES: usize = 4;

/// Numbers of the files in `listing` that are likely to have been written about the time `near`.
pub(super) fn likely(listing: &Listing, files: Range<usize>, near: i64) -> Vec<usize> {
    let mut directories: HashMap<usize, Vec<(u32, usize)>> = HashMap::new();
    for index in files {
        if let Some(number) = folder::number(listing.file_name(index)) {
            let directory = directories.entry(listing.directory_number(index));
            directory.or_default().push((number, index));
        }
    }
    let mut directories: Vec<Vec<(u32, usize)>> = directories.into_values().collect();
    directories.retain(|files| files.len() >= FEW);
    // Those where reading all would take longest come first.
    directories.sort_unstable_by_key(|files| std::cmp::Reverse(files.len()));
    let mut reader = HeadReader::default();
    let mut likely = Vec::new();
    for mut files in directories {
        if likely.len() >= MOST {
            break;
        }
        files.sort_unstable();
        let mut date = |place: usize| {
            let mut file = listing.open(files[place].1).ok()?;
            text::date(&header::text(reader.start(&mut file).ok()?, "Date")?)
        };
        let place = place(files.len(), near, &mut date);
        let around = place.saturating_sub(AROUND)..files.len().min(place + AROUND);
        likely.extend(files[around].iter().map(|(_, index)| *index));
    }
    likely
}

/// The first of `count` places whose date is not before `near`, should the dates rise.
fn place(count: usize, near: i64, date: &mut impl FnMut(usize) -> Option<i64>) -> usize {
    let (mut start, mut end) = (0, count);
    while start < end {
        let middle = start.midpoint(end);
        let mut asked = (middle..end.min(middle + TRIES)).filter_map(|at| Some((at, date(at)?)));
        match asked.next() {
            Some((at, date)) if date < near => start = at + 1,
            Some(_) => end = middle,
            None => break,
        }
    }
    start.midpoint(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_among_rising_dates() {
        for count in 0..40 {
            for near in -1..=count {
                let mut asked = 0;
                let mut date = |place: usize| {
                    asked += 1;
                    i64::try_from(place).ok()
                };
                let found = place(usize::try_from(count).unwrap(), near, &mut date);
                assert_eq!(i64::try_from(found).unwrap(), near.max(0));
                assert!(asked <= 7, "{asked}");
            }
        }
    }

    #[test]
    fn files_without_a_date_are_passed_over() {
        let mut date = |place: usize| place.is_multiple_of(3).then(|| place.cast_signed() as i64);
        let found = place(3_000, 1_500, &mut date);
        assert!(found.abs_diff(1_500) <= TRIES, "{found}");
        assert_eq!(place(100, 7, &mut |_| None), 50);
    }
}
