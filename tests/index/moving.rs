//! Look-ups while mail readers and synchronisers rename and move files all the time.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use crate::Home;

const LOOK_UPS: usize = 10_000;
/// Between two changes. A mail reader makes one for each key press, a synchroniser a few hundred a second.
const PACE: Duration = Duration::from_micros(700);

/// The places of one file, one after the other: `new`, `cur`, flags, mbsync's numbers, other folders.
const WAY: [&str; 9] = [
    "Sent/new/1700000000.w",
    "Sent/cur/1700000000.w:2,S",
    "Sent/cur/1700000000.w:2,FS",
    "Sent/cur/1700000000.w,U=17:2,FS",
    "Archive/cur/1700000000.w,U=17:2,FS",
    "Archive/new/1700000000.w",
    "Archive/cur/1700000000.w,U=3:2,S",
    "Drafts2/cur/1700000000.w,U=3:2,S",
    "Sent/cur/1700000000.w:2,RS",
];

/// Renames the wanted message and others until it is told to stop.
fn mutate(mail: &Path, stop: &AtomicBool) -> usize {
    let mut at = mail.join(WAY[0]);
    let mut steps = 0;
    let mut other = mail.join("Archive/cur/1.o:2,");
    while !stop.load(Ordering::Relaxed) {
        steps += 1;
        let next = mail.join(WAY[steps % WAY.len()]);
        fs::rename(&at, &next).unwrap();
        at = next;
        let flags = if steps % 2 == 0 { "S" } else { "" };
        let next = mail.join(format!("Archive/cur/1.o:2,{flags}"));
        if next != other {
            fs::rename(&other, &next).unwrap();
            other = next;
        }
        thread::sleep(PACE);
    }
    steps
}

fn look_ups(with_index: bool) {
    let home = Home::new();
    for number in 0..40 {
        for folder in ["Sent", "Archive", "Drafts2"] {
            let id = format!("Message-ID: <{number}.{folder}@example.org>\n");
            home.message(&format!("{folder}/cur/170000{number}.x{number}:2,S"), &id);
        }
    }
    home.message("Archive/cur/1.o:2,", "Message-ID: <o@example.org>\n");
    home.wanted(WAY[0]);
    if with_index {
        home.update();
    }
    let mail = home.mail();
    let stop = AtomicBool::new(false);
    let (missed, wrong, left) = (
        AtomicUsize::new(0),
        AtomicUsize::new(0),
        AtomicUsize::new(LOOK_UPS),
    );
    let is_right = |path: &PathBuf| path.to_string_lossy().contains("/1700000000.w");
    let steps = thread::scope(|scope| {
        let mutator = scope.spawn(|| mutate(&mail, &stop));
        let work = || {
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                    left.checked_sub(1)
                })
                .is_ok()
            {
                let found = home.look(with_index);
                match found.copies.first() {
                    None => missed.fetch_add(1, Ordering::Relaxed),
                    Some(copy) if !is_right(&copy.path) => wrong.fetch_add(1, Ordering::Relaxed),
                    Some(_) => 0,
                };
            }
        };
        let other = scope.spawn(work);
        work();
        other.join().unwrap();
        stop.store(true, Ordering::Relaxed);
        mutator.join().unwrap()
    });
    assert_eq!((missed.into_inner(), wrong.into_inner()), (0, 0));
    assert!(steps > 100, "{steps}");
}

#[test]
fn ten_thousand_look_ups_while_files_move() {
    look_ups(false);
}

#[test]
fn ten_thousand_look_ups_by_the_index_while_files_move() {
    look_ups(true);
}
