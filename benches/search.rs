//! Finding the original among 100,000 messages without an index, warm cache.
//!
//! The tree is made once, from a fixed seed, in the folder for temporary files: sent mail with
//! names as mutt gives them, an inbox with replies that cite sent messages, and list mail with
//! mbsync's names, whose time says nothing about the Date.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use divan::Bencher;
use tls_optout::maildir::search::{Places, find};

const SENT: u64 = 20_000;
const INBOX: u64 = 30_000;
const LISTS: u64 = 50_000;
const FIRST: i64 = 1_500_000_000;
const STEP: i64 = 3_600;

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
        assert!(found.copies.is_empty() && found.files_seen as u64 == SENT + INBOX + LISTS);
    });
}

fn sent_id(number: u64) -> String {
    format!("{:016x}.{number}@laptop.example.org", mixed(number))
}

fn sent_at(number: u64) -> i64 {
    FIRST + STEP * number.cast_signed()
}

fn plant(root: &Path) {
    let body = "Lorem ipsum dolor sit amet, consectetur adipisici elit.\n".repeat(40);
    let trace = "Received: from mx.example.net (mx.example.net [192.0.2.7])\n\tby mail.example.org \
                 (Postfix) with ESMTPS id 0123456789AB\n\tfor <me@example.org>; Fri, 14 Jul 2017 02:40:00 +0000\n"
        .repeat(3);
    for (folder, count) in [("Sent", SENT), ("INBOX", INBOX), ("Lists", LISTS)] {
        for part in ["cur", "new", "tmp"] {
            fs::create_dir_all(root.join(folder).join(part)).expect("a folder");
        }
        for number in 0..count {
            let random = mixed(number);
            let time = sent_at(number);
            let (name, header) = match folder {
                "Sent" => (
                    format!("{time}.R{random}.laptop:2,S"),
                    format!("Message-ID: <{}>\nTo: b@example.net\n", sent_id(number)),
                ),
                "INBOX" => (
                    format!("{}.M{random}P1.mail,S=3000:2,RS", time + 60),
                    format!(
                        "{trace}In-Reply-To: <{}>\nMessage-Id:\n <{random:x}@example.net>\n",
                        sent_id(number)
                    ),
                ),
                _ => (
                    format!("1700000000.{number}_1.laptop,U={number}:2,S"),
                    format!(
                        "{trace}List-Id: <l.example.com>\nMessage-ID: <{random:x}@example.com>\n"
                    ),
                ),
            };
            let message = format!("{header}From: me@example.org\nSubject: {random}\n\n{body}");
            fs::write(root.join(folder).join("cur").join(name), message).expect("a file");
        }
    }
}

/// `SplitMix64`: numbers that look random and are the same in every run.
fn mixed(number: u64) -> u64 {
    let mut z = number
        .wrapping_mul(0x9E37_79B9_7F4A_7C15)
        .wrapping_add(0x9E37_79B9_7F4A_7C15);
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}
