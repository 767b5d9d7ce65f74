//! What a mail store of ten million messages costs everything that looks at names.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use mail_tree::{Kind, Tree, plant_names};

use crate::daemon::Daemon;
use crate::floors;
use crate::home::Home;
use crate::measure::Cost;
use crate::report::time;

const FOLDERS: u64 = 5_000;
/// What a message is searched in besides: it has content.
const TREE: u64 = 10_000;

/// Files without content, beside a small tree with. They are gone when this is dropped.
struct Names(PathBuf);

impl Drop for Names {
    fn drop(&mut self) {
        println!("removing the empty files");
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// Measures each thing once.
pub(crate) fn run(program: &Path, messages: u64) -> io::Result<()> {
    let tree = Tree::kept(TREE)?;
    let names = Names(mail_tree::cache().canonicalize()?.join("names"));
    let _ = fs::remove_dir_all(&names.0);
    let start = Instant::now();
    plant_names(&names.0, FOLDERS, messages)?;
    println!(
        "{messages} empty files in {FOLDERS} folders made in {}",
        time(start.elapsed())
    );
    println!("\n| | wall | CPU | peak memory |\n| --- | --- | --- | --- |");
    let home = Home::with(program, &tree, &names.0, &[tree.root(), &names.0])?;
    let show = |what: &str, cost: Result<Cost, String>| match cost {
        Ok(cost) => println!(
            "| {what} | {} | {} | {} MB |",
            time(cost.wall),
            time(cost.cpu),
            cost.peak >> 20
        ),
        Err(error) => println!("| {what} | {error} | | |"),
    };
    show(
        "walking and sorting all names",
        floors::measure("walk", &names.0).map(|(cost, _)| cost),
    );
    show("find: in Sent", home.find(&tree.target(Kind::Fcc, 3)));
    show("find: any folder", home.find(&tree.target(Kind::Filed, 3)));
    show(
        "find: not there",
        home.find_none(&tree.target(Kind::Fcc, 3).date),
    );
    if home.has_index() {
        show("index: from nothing", home.index());
        println!("| the index on the disk | {} MB | | |", home.state() >> 20);
        show("index: nothing has changed", home.index());
        show("find by the index", home.find(&tree.target(Kind::Fcc, 3)));
    }
    let start = Instant::now();
    match Daemon::start(&home) {
        Ok(daemon) => {
            let ready = start.elapsed();
            println!(
                "| watch: until it is quiet | {} | {} | {} MB |\n| watch: directories watched | {} | | |",
                time(ready),
                time(daemon.cpu()),
                daemon.peak() >> 20,
                daemon.watches()
            );
        }
        Err(error) => println!("| watch | {error} | | |"),
    }
    Ok(())
}
