//! Finding the original among 100,000 messages without an index, warm cache.
//!
//! The tree is made once, from a fixed seed, in the folder for temporary files.

use std::path::PathBuf;
use std::sync::OnceLock;

use divan::Bencher;
use tls_optout::maildir::search::{Places, find};
use tree::{MESSAGES, SENT, plant, sent_at, sent_id};

mod tree;

static ROOT: OnceLock<PathBuf> = OnceLock::new();

fn main() {
    let root = tempfile::tempdir().expect("a folder for temporary files");
    plant(root.path());
    ROOT.set(root.path().to_owned()).expect("set once");
    divan::main();
}

fn places() -> Places {
    let root = ROOT.get().expect("set in main");
    Places {
        sent: vec![root.join("Sent")],
        search: vec![root.clone()],
    }
}

/// The file's name has the time of its Date: the usual case.
#[divan::bench]
fn hit_in_sent(bencher: Bencher) {
    let places = places();
    let (id, near) = (sent_id(SENT / 2), sent_at(SENT / 2));
    bencher.bench(|| {
        let found = find(&places, &id, Some(near), &|_| true);
        assert!(found.copies[0].is_right());
    });
}

/// Nothing near that time: all of Sent is read.
#[divan::bench]
fn hit_in_sent_with_a_wrong_date(bencher: Bencher) {
    let places = places();
    let (id, near) = (sent_id(7), sent_at(SENT - 1));
    bencher.bench(|| {
        let found = find(&places, &id, Some(near), &|_| true);
        assert!(found.copies[0].is_right());
    });
}

/// All header blocks are read.
#[divan::bench(sample_count = 10)]
fn miss(bencher: Bencher) {
    let places = places();
    bencher.bench(|| {
        let found = find(&places, "nobody@example.org", Some(sent_at(5)), &|_| true);
        assert!(found.copies.is_empty() && found.files_seen as u64 == MESSAGES);
    });
}
