//! What processes cost, taken in turns.

use std::io::Read;
use std::process::{Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use wait4::Wait4;

/// What one process has cost, from its start until it was gone.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Cost {
    pub(crate) wall: Duration,
    /// Of all its threads, in user and system mode.
    pub(crate) cpu: Duration,
    /// The most memory that it held, in bytes. Never less than this process holds: the system counts
    /// the time before `exec` too.
    pub(crate) peak: u64,
}

/// What a process has said, and its cost.
pub(crate) struct Run {
    pub(crate) cost: Cost,
    pub(crate) output: String,
    pub(crate) status: ExitStatus,
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Result<Run, String> {
    let name = command.get_program().display().to_string();
    let failed = |error| format!("{name}: {error}");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let (mut output, start) = (Vec::new(), Instant::now());
    let mut child = command.spawn().map_err(failed)?;
    if let Some(mut pipe) = child.stdout.take() {
        pipe.read_to_end(&mut output).map_err(failed)?;
    }
    let used = child.wait4().map_err(failed)?;
    Ok(Run {
        cost: Cost {
            wall: start.elapsed(),
            cpu: used.rusage.utime + used.rusage.stime,
            peak: used.rusage.maxrss,
        },
        output: String::from_utf8_lossy(&output).into_owned(),
        status: used.status,
    })
}

/// A program that takes part in a contest. It gets the number of the run, measures one process, and
/// checks the answer: an error says what was wrong with it.
pub(crate) struct Entrant<'a> {
    pub(crate) name: &'static str,
    pub(crate) run: Box<dyn Fn(u64) -> Result<Cost, String> + 'a>,
}

/// Lets all run in turns, so that a busy machine troubles all alike.
pub(crate) fn contest(runs: u64, entrants: &[Entrant]) -> Vec<Result<Cost, String>> {
    contest_about(runs, entrants, |_| (), |_| ())
}

/// The same about something that happens before each turn and is undone after it.
pub(crate) fn contest_about(
    runs: u64,
    entrants: &[Entrant],
    before: impl Fn(u64),
    after: impl Fn(u64),
) -> Vec<Result<Cost, String>> {
    let mut costs: Vec<Result<Vec<Cost>, String>> =
        entrants.iter().map(|_| Ok(Vec::new())).collect();
    for number in 0..runs {
        before(number);
        for (entrant, costs) in entrants.iter().zip(&mut costs) {
            let Ok(so_far) = costs else { continue };
            match (entrant.run)(number) {
                Ok(cost) => so_far.push(cost),
                Err(error) => *costs = Err(error),
            }
        }
        after(number);
    }
    costs
        .into_iter()
        .map(|costs| costs.map(|costs| median(&costs)))
        .collect()
}

fn median(costs: &[Cost]) -> Cost {
    fn middle<T: Ord + Copy>(values: impl Iterator<Item = T>) -> T {
        let mut values: Vec<T> = values.collect();
        values.sort_unstable();
        values[values.len() / 2]
    }
    Cost {
        wall: middle(costs.iter().map(|cost| cost.wall)),
        cpu: middle(costs.iter().map(|cost| cost.cpu)),
        peak: middle(costs.iter().map(|cost| cost.peak)),
    }
}
