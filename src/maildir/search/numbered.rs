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
/// So many files on each side of one are asked for their dates too.
const NEIGHBOURS: usize = 2;

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

/// About the first of `count` places whose date is not before `near`, should the dates rise. Where a single
/// message is out of order its neighbours outvote it.
fn place(count: usize, near: i64, date: &mut impl FnMut(usize) -> Option<i64>) -> usize {
    let (mut start, mut end) = (0, count);
    while start < end {
        let middle = start.midpoint(end);
        let neighbours = middle.saturating_sub(NEIGHBOURS)..count.min(middle + NEIGHBOURS + 1);
        let mut dates: Vec<i64> = neighbours.filter_map(&mut *date).collect();
        dates.sort_unstable();
        match dates.get(dates.len() / 2) {
            Some(date) if *date < near => start = middle + 1,
            Some(_) => end = middle,
            None => break,
        }
    }
    start.midpoint(end)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Where `near` is found among rising dates, some of which are others, and how many were asked for.
    fn found(count: usize, near: usize, other: impl Fn(usize) -> Option<i64>) -> (usize, usize) {
        let mut asked = 0;
        let mut date = |place: usize| {
            asked += 1;
            other(place)
        };
        let place = place(count, near.cast_signed() as i64, &mut date);
        (place, asked)
    }

    #[test]
    fn the_place_among_rising_dates() {
        for count in 0..100 {
            for near in 0..=count {
                let (place, asked) = found(count, near, |place| Some(place.cast_signed() as i64));
                assert!(place.abs_diff(near) <= NEIGHBOURS, "{near} {place}");
                assert!(asked <= 7 * (2 * NEIGHBOURS + 1), "{asked}");
            }
        }
    }

    #[test]
    fn what_is_out_of_order_or_tells_no_date_misleads_nobody() {
        let (place, _) = found(3000, 2000, |place| match place {
            _ if place.is_multiple_of(3) => None,
            _ if place.is_multiple_of(5) => Some(0),
            _ if place.is_multiple_of(7) => Some(i64::MAX),
            _ => Some(place.cast_signed() as i64),
        });
        assert!(place.abs_diff(2000) < AROUND, "{place}");
        assert_eq!(found(100, 7, |_| None).0, 50);
    }
}
