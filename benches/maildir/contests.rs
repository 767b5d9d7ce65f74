//! Who runs against whom, and by how much ours is to win.

use std::cell::RefCell;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use mail_tree::{Kind, Target, Tree, arrival};

use crate::daemon;
use crate::floors;
use crate::home::{ABSENT, Home};
use crate::measure::{Cost, Entrant, contest, contest_about, run};
use crate::others::{Index, Indexer, is_there};
use crate::report::{Of, against_number, head, row, time};

/// An index is to stay below this: memory in MiB, bytes a message on the disk.
const MEMORY: f64 = 100.0;
const DISK: f64 = 120.0;

pub(crate) struct Bench {
    program: PathBuf,
    tree: Tree,
    /// Runs of what takes seconds on the largest tree, and of what takes milliseconds.
    runs: u64,
    quick_runs: u64,
}

impl Bench {
    pub(crate) fn new(program: PathBuf, tree: Tree) -> Self {
        let runs = match tree.messages() {
            0..50_000 => 21,
            50_000..500_000 => 11,
            _ => 5,
        };
        Self {
            program,
            tree,
            runs,
            quick_runs: 51,
        }
    }

    fn home(&self) -> Home {
        Home::new(&self.program, &self.tree).expect("a home")
    }

    /// Without an index.
    pub(crate) fn search(&self) {
        let home = self.home();
        let finds = |kind| self.ours(&home, kind);
        head("no index");
        let fcc = contest(
            self.runs,
            &[
                finds(Kind::Fcc),
                self.rg(Kind::Fcc),
                self.grep(Kind::Fcc),
                self.floor("walk"),
            ],
        );
        let what = "in Sent, Fcc-style name";
        let many = self.tree.messages() > 500_000;
        row(
            what,
            Of::Wall,
            &fcc[0],
            ("rg -lFa", &fcc[1]),
            Some(if many { 0.02 } else { 0.025 }),
        );
        row(what, Of::Wall, &fcc[0], ("grep -rlF", &fcc[2]), None);
        row(
            what,
            Of::Wall,
            &fcc[0],
            ("walking all names", &fcc[3]),
            Some(0.15),
        );
        let filed = contest(self.runs, &[finds(Kind::Filed), self.floor("walk")]);
        row(
            "any folder, name with the time",
            Of::Wall,
            &filed[0],
            ("walking all names", &filed[1]),
            Some(1.0),
        );
        for (kind, what) in [
            (
                Kind::SyncedSent,
                "mbsync's names, in a folder for sent mail",
            ),
            (Kind::SyncedElsewhere, "mbsync's names, any folder"),
        ] {
            let synced = contest(self.runs, &[finds(kind), self.rg(kind)]);
            row(
                what,
                Of::Wall,
                &synced[0],
                ("rg -lFa", &synced[1]),
                Some(0.4),
            );
        }
        let absent = contest(
            self.runs,
            &[self.absent(&home), self.rg_absent(), self.floor("read")],
        );
        row(
            "not there",
            Of::Wall,
            &absent[0],
            ("rg -lFa", &absent[1]),
            Some(1.0),
        );
        let floor = ("reading 4 KB of every file", &absent[2]);
        row("not there", Of::Wall, &absent[0], floor, Some(1.5));
    }

    /// Making an index, and finding with it.
    pub(crate) fn index(&self) {
        let mut others = self.others();
        let home = self.home();
        if home.has_index() {
            self.build(&mut others);
            if let Err(error) = home.index() {
                println!("{error}");
            }
            println!();
        } else {
            println!("\nThis program has no index verb: it runs without an index.");
        }
        head("with an index");
        let mut entrants = vec![self.ours(&home, Kind::Fcc), self.floor("empty")];
        entrants.extend(others.iter().map(|index| self.indexed(index, Kind::Fcc)));
        let costs = contest(self.quick_runs, &entrants);
        for (entrant, cost) in entrants.iter().zip(&costs).skip(1) {
            let goal = match entrant.name {
                "notmuch" | "mairix" => Some(0.5),
                _ => None,
            };
            row("in Sent", Of::Wall, &costs[0], (entrant.name, cost), goal);
        }
    }

    /// Ours from nothing beside the floor and mairix, which is the fastest to build.
    fn build(&self, others: &mut [Index]) {
        let size = RefCell::new(0);
        let ours = Entrant {
            name: "tls-optout index",
            run: Box::new(|_| {
                let home = self.home();
                let cost = home.index()?;
                *size.borrow_mut() = home.state();
                Ok(cost)
            }),
        };
        let runs = if self.tree.messages() > 500_000 { 3 } else { 5 };
        let costs = contest(runs, &[ours, self.floor("read")]);
        head("building the index");
        let floor = ("reading 4 KB of every file", &costs[1]);
        row("wall", Of::Wall, &costs[0], floor, Some(1.5));
        for index in others {
            if index.indexer == Indexer::Mairix && index.cost.is_none() {
                index.make().expect("mairix");
            }
            if let Some(cost) = index.cost {
                let name = index.indexer.name();
                let goal = (index.indexer == Indexer::Mairix).then_some(0.1);
                row("CPU", Of::Cpu, &costs[0], (name, &Ok(cost)), goal);
                println!(
                    "| {name}'s memory and disk | | | {} MB, {} bytes a message | | | |",
                    cost.peak >> 20,
                    index.size() / self.tree.messages()
                );
            }
        }
        if let Ok(cost) = &costs[0] {
            against_number(
                "peak memory",
                cost.peak as f64 / f64::from(1 << 20),
                "MB",
                MEMORY,
            );
            let bytes = *size.borrow() as f64 / self.tree.messages() as f64;
            against_number("disk, a message", bytes, "bytes", DISK);
        }
    }

    /// One new message.
    pub(crate) fn arrival(&self) {
        let home = self.home();
        if !home.has_index() {
            println!("\nThis program has no index verb: nothing to bring up to date.");
            return;
        }
        let others = self.others();
        let mut entrants = vec![Entrant {
            name: "tls-optout index",
            run: Box::new(|_| home.index()),
        }];
        entrants.extend(others.iter().map(|index| Entrant {
            name: index.indexer.name(),
            run: Box::new(|_| index.update().map(|run| run.cost)),
        }));
        let update_all = |number| {
            for entrant in &entrants {
                // An error shows in the contest.
                let _ = (entrant.run)(number);
            }
        };
        let place = |number| {
            self.tree
                .root()
                .join(format!("INBOX/new/1774000000.R{number}.mail"))
        };
        update_all(0);
        let costs = contest_about(
            self.runs,
            &entrants,
            |number| fs::write(place(number), arrival(number).1).expect("a message"),
            |number| {
                let (id, path) = (arrival(number).0, place(number));
                let date = "Tue, 24 Mar 2026 12:00:00 +0000".to_owned();
                let answer = home.find(&Target { id, date, path });
                fs::remove_file(place(number)).expect("the message");
                update_all(number);
                answer.expect("the right answer");
            },
        );
        head("one new message");
        for (entrant, cost) in entrants.iter().zip(&costs).skip(1) {
            let goal = (entrant.name == "notmuch").then_some(0.5);
            row(
                "bringing the index up to date",
                Of::Wall,
                &costs[0],
                (entrant.name, cost),
                goal,
            );
        }
    }

    /// What a message costs the daemon, which keeps the index.
    pub(crate) fn daemon(&self) {
        let home = self.home();
        if home.has_index()
            && let Err(error) = home.index()
        {
            println!("{error}");
        }
        head("the daemon");
        match daemon::arrivals(&home, &self.tree) {
            Ok(cpu) => against_number("CPU, a message", cpu.as_secs_f64() * 1e3, "ms", 1.0),
            Err(error) => println!("| {error} | | | | | | |"),
        }
    }

    /// With nothing in memory.
    pub(crate) fn cold(&self) {
        let forget = || {
            // What is not yet written cannot be forgotten.
            let _ = run(&mut Command::new("sync"));
            fs::write("/proc/sys/vm/drop_caches", "3").map_err(|error| error.to_string())
        };
        if let Err(error) = forget() {
            println!("\ncold cache: cannot be emptied here: {error}");
            return;
        }
        let home = self.home();
        head("cold cache, no index");
        let cold = |entrant: Entrant<'_>, runs| {
            let costs = contest(
                runs,
                &[Entrant {
                    name: entrant.name,
                    run: Box::new(|number| {
                        forget()?;
                        (entrant.run)(number)
                    }),
                }],
            );
            costs.into_iter().next().unwrap_or(Ok(Cost::default()))
        };
        let ours = cold(self.ours(&home, Kind::Fcc), 5);
        let rg = cold(self.rg(Kind::Fcc), 1);
        row(
            "in Sent, Fcc-style name",
            Of::Wall,
            &ours,
            ("rg -lFa, once", &rg),
            None,
        );
        if let Ok(cost) = &ours {
            against_number("the same", cost.wall.as_secs_f64(), "s", 0.5);
        }
        println!(
            "\nWarm again: {}",
            time(cold(self.floor("read"), 1).map_or_else(|_| Default::default(), |cost| cost.wall))
        );
    }

    fn others(&self) -> Vec<Index> {
        Indexer::ALL
            .into_iter()
            .filter_map(|indexer| Index::kept(indexer, &self.tree).expect("an index"))
            .collect()
    }

    fn ours<'a>(&'a self, home: &'a Home, kind: Kind) -> Entrant<'a> {
        Entrant {
            name: "tls-optout find",
            run: Box::new(move |number| home.find(&self.tree.target(kind, number))),
        }
    }

    /// A search for an ID that no message has.
    fn absent<'a>(&'a self, home: &'a Home) -> Entrant<'a> {
        Entrant {
            name: "tls-optout find",
            run: Box::new(|number| home.find_none(&self.tree.target(Kind::Fcc, number).date)),
        }
    }

    fn rg(&self, kind: Kind) -> Entrant<'_> {
        self.lister("rg", move |number| {
            let target = self.tree.target(kind, number);
            let mut command = Command::new("rg");
            // Maildir++ has folders that begin with a dot.
            command
                .args(["-lFa", "--hidden", "--no-ignore", &target.id])
                .arg(self.tree.root());
            (command, Some(target))
        })
    }

    fn rg_absent(&self) -> Entrant<'_> {
        self.lister("rg", |_| {
            let mut command = Command::new("rg");
            command
                .args(["-lFa", "--hidden", "--no-ignore", ABSENT])
                .arg(self.tree.root());
            (command, None)
        })
    }

    fn grep(&self, kind: Kind) -> Entrant<'_> {
        self.lister("grep", move |number| {
            let target = self.tree.target(kind, number);
            let mut command = Command::new("grep");
            command.args(["-rlF", &target.id]).arg(self.tree.root());
            (command, Some(target))
        })
    }

    fn indexed<'a>(&'a self, index: &'a Index, kind: Kind) -> Entrant<'a> {
        self.lister(index.indexer.name(), move |number| {
            let target = self.tree.target(kind, number);
            (index.find(&target.id), Some(target))
        })
    }

    /// A program that lists all files that it takes for an answer: the right one must be among them.
    fn lister<'a>(
        &self,
        name: &'static str,
        command: impl Fn(u64) -> (Command, Option<Target>) + 'a,
    ) -> Entrant<'a> {
        let is_there = is_there(name);
        Entrant {
            name,
            run: Box::new(move |number| {
                if !is_there {
                    return Err("missing".to_owned());
                }
                let (mut command, target) = command(number);
                let run = run(&mut command)?;
                let right = match target {
                    None => run.output.is_empty() && run.status.code() == Some(1),
                    Some(target) => {
                        let path = target.path.to_string_lossy();
                        run.output.lines().any(|line| line == path)
                    }
                };
                match right {
                    true => Ok(run.cost),
                    false => Err(format!("wrong answer: {:?}", run.output)),
                }
            }),
        }
    }

    /// One of [`crate::floors`].
    fn floor(&self, name: &'static str) -> Entrant<'_> {
        Entrant {
            name,
            run: Box::new(move |_| {
                let (cost, count) = floors::measure(name, self.tree.root())?;
                match name == "empty" || count == self.tree.messages() {
                    true => Ok(cost),
                    false => Err(format!("wrong answer: {count} files")),
                }
            }),
        }
    }
}
