//! The tables, as docs/performance.md has them.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::measure::{Cost, run};
use crate::others::version;

/// What is compared.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Of {
    Wall,
    Cpu,
}

impl Of {
    fn of(self, cost: &Cost) -> Duration {
        match self {
            Self::Wall => cost.wall,
            Self::Cpu => cost.cpu,
        }
    }
}

/// The first line of a table.
pub(crate) fn head(what: &str) {
    println!(
        "\n| {what} | ours | beside | | ratio | goal | |\n| --- | --- | --- | --- | --- | --- | --- |"
    );
}

/// Ours beside another, with the most that the ratio may be.
pub(crate) fn row(
    what: &str,
    of: Of,
    ours: &Result<Cost, String>,
    (name, other): (&str, &Result<Cost, String>),
    goal: Option<f64>,
) {
    let figure = |cost: &Result<Cost, String>| match cost {
        Ok(cost) => time(of.of(cost)),
        Err(error) => error.clone(),
    };
    let ratio = match (ours, other) {
        (Ok(ours), Ok(other)) => Some(of.of(ours).as_secs_f64() / of.of(other).as_secs_f64()),
        _ => None,
    };
    println!(
        "| {what} | {} | {name} | {} | {} | {} | {} |",
        figure(ours),
        figure(other),
        ratio.map_or("-".to_owned(), |ratio| format!("{ratio:.3}")),
        goal.map_or(String::new(), |goal| format!("{goal}")),
        met(ratio, goal),
    );
}

/// Ours beside a number.
pub(crate) fn against_number(what: &str, ours: f64, unit: &str, goal: f64) {
    println!(
        "| {what} | {ours:.1} {unit} | | | | {goal} {unit} | {} |",
        met(Some(ours), Some(goal))
    );
}

fn met(value: Option<f64>, goal: Option<f64>) -> &'static str {
    match (value, goal) {
        (_, None) => "",
        (Some(value), Some(goal)) if value <= goal => "met",
        _ => "not met",
    }
}

pub(crate) fn time(time: Duration) -> String {
    let seconds = time.as_secs_f64();
    match seconds {
        10.0.. => format!("{seconds:.0} s"),
        1.0.. => format!("{seconds:.2} s"),
        0.1.. => format!("{:.0} ms", seconds * 1e3),
        _ => format!("{:.2} ms", seconds * 1e3),
    }
}

/// What was measured, and on what.
pub(crate) fn circumstances(program: &Path) {
    let said = |program: &str, arguments: &[&str]| {
        run(Command::new(program).args(arguments))
            .map_or_else(|error| error, |run| run.output.trim().to_owned())
    };
    let ours = program.to_string_lossy();
    println!(
        "{}, commit {}",
        said(&ours, &["--version"]),
        said("git", &["describe", "--always", "--dirty"])
    );
    println!(
        "{}; {}",
        said("date", &["-u", "+%F %H:%M UTC"]),
        said("uname", &["-sr"])
    );
    let cpu = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name\t: "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    println!(
        "{cores} cores of {}",
        model.unwrap_or("an unknown processor")
    );
    for other in ["rg", "grep", "notmuch", "mairix", "mu", "rustc"] {
        println!("{}", version(other));
    }
}

/// How busy the machine is.
pub(crate) fn load() {
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load: {}", load.trim());
}
