//! Finding one message among many: ours, the other programs, and the floors below which none can go,
//! as whole processes in turns on one tree of mail. Every answer is checked.
//!
//! `cargo bench --bench maildir -- [SIZE] [PART...]`: SIZE is 10k (the default), 100k or 1M messages,
//! PART some of `search`, `index`, `arrival`, `daemon`, `cold` and `many`; without one all but the last two.
//! `many` makes SIZE empty files in 5,000 folders for the time of the run, to see what names alone cost. The
//! other trees and the other programs' indexes are kept in the folder that `TLS_OPTOUT_BENCH_MAIL` names,
//! `target/bench-mail` otherwise; a million messages take 6 GB. `TLS_OPTOUT_BENCH_PROGRAM` is the
//! program to measure where it is not this one.

use std::env;
use std::path::{Path, PathBuf};

use contests::Bench;
use mail_tree::Tree;

mod contests;
mod daemon;
mod floors;
mod home;
mod many;
mod measure;
mod others;
mod report;

fn main() {
    let arguments: Vec<String> = env::args().skip(1).collect();
    if let [floor, name, root] = arguments.as_slice()
        && floor == floors::FLOOR
    {
        return floors::run(name, Path::new(root));
    }
    // `cargo test --all-targets` runs this file too, which is no moment to measure.
    if !arguments.iter().any(|argument| argument == "--bench") {
        return;
    }
    let wanted: Vec<&str> = arguments
        .iter()
        .map(String::as_str)
        .filter(|argument| *argument != "--bench")
        .collect();
    let size = wanted
        .iter()
        .find_map(|argument| messages(argument))
        .unwrap_or(10_000);
    let parts: Vec<&str> = wanted
        .into_iter()
        .filter(|argument| messages(argument).is_none())
        .collect();
    let does = |part: &str| match part {
        _ if parts.is_empty() => part != "cold",
        _ => parts.contains(&part),
    };

    let program = env::var_os("TLS_OPTOUT_BENCH_PROGRAM")
        .map_or_else(|| env!("CARGO_BIN_EXE_tls-optout").into(), PathBuf::from);
    report::circumstances(&program);
    if parts == ["many"] {
        report::load();
        return many::run(&program, size).expect("room for the files");
    }
    let tree = Tree::kept(size).expect("a tree of mail");
    println!("{} messages in {} folders", tree.messages(), tree.folders());
    report::load();
    let bench = Bench::new(program, tree);
    if does("search") {
        bench.search();
    }
    if does("index") {
        bench.index();
    }
    if does("arrival") {
        bench.arrival();
    }
    if does("daemon") {
        bench.daemon();
    }
    if does("cold") {
        bench.cold();
    }
    report::load();
}

/// `100k` and `1M` as numbers.
fn messages(text: &str) -> Option<u64> {
    let (digits, factor) = match text.strip_suffix(['k', 'M']) {
        Some(digits) if text.ends_with('k') => (digits, 1_000),
        Some(digits) => (digits, 1_000_000),
        None => (text, 1),
    };
    Some(digits.parse::<u64>().ok()? * factor)
}
