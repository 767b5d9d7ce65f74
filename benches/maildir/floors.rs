//! What no program can do without: this program started again as one that does only that.

use std::env;
use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::measure::{self, Cost};

/// The first argument of this program when it is to be a floor.
pub(crate) const FLOOR: &str = "--floor";
const THREADS: usize = 2;
const PORTION: usize = 64;
const HEAD: usize = 4 << 10;

/// Does what `name` says below `root`, and prints how many files it has met.
pub(crate) fn run(name: &str, root: &Path) {
    match name {
        "walk" => {
            let mut names: Vec<OsString> = Vec::new();
            walk(root, &mut |_, name| names.push(name));
            names.sort_unstable();
            println!("{}", names.len());
        }
        "read" => println!("{}", read(root)),
        // An empty program.
        _ => {}
    }
}

/// Runs one in a process of its own. The answer: its cost, and how many files it has met.
pub(crate) fn measure(name: &str, root: &Path) -> Result<(Cost, u64), String> {
    let this = env::current_exe().map_err(|error| error.to_string())?;
    let run = measure::run(Command::new(this).args([FLOOR, name]).arg(root))?;
    Ok((run.cost, run.output.trim().parse().unwrap_or_default()))
}

/// All names of files below a folder.
fn walk(folder: &Path, see: &mut impl FnMut(&Path, OsString)) {
    for entry in fs::read_dir(folder).expect("a folder") {
        let entry = entry.expect("an entry");
        if entry.file_type().expect("a type").is_dir() {
            walk(&entry.path(), see);
        } else {
            see(folder, entry.file_name());
        }
    }
}

/// Opens every file and reads what holds nearly every header block.
fn read(root: &Path) -> usize {
    let mut paths: Vec<PathBuf> = Vec::new();
    walk(root, &mut |folder, name| paths.push(folder.join(name)));
    let next = AtomicUsize::new(0);
    let work = || {
        let mut buffer = [0; HEAD];
        let mut count = 0;
        loop {
            let start = next.fetch_add(PORTION, Ordering::Relaxed);
            if start >= paths.len() {
                return count;
            }
            for path in &paths[start..paths.len().min(start + PORTION)] {
                let mut file = File::open(path).expect("a file");
                count += usize::from(file.read(&mut buffer).is_ok());
            }
        }
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(work)).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().expect("a count"))
            .sum()
    })
}
