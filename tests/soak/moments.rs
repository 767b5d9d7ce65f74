//! Killed at any moment: the same seed gives the same delays, the machine does the rest.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use submission_server::{Script, Then};

use crate::alice::{Alice, RECIPIENTS, kill};
use crate::trial::{TEXT, settle};
use crate::{Budget, PATIENCE, budget};

/// A sequence of numbers that look random (splitmix64).
struct Numbers(u64);

impl Numbers {
    /// The next number below `limit`.
    fn below(&mut self, limit: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }
}

/// One to three runs in a row are killed before the program may work in peace. In every other trial the
/// clock starts when the server is reached: it is then that something is at stake.
#[test]
fn at_any_moment() {
    let wanted = match budget() {
        Budget::Sample => 24,
        Budget::Kills(count) => count,
    };
    let (run, dialogue) = lengths();
    let (mut numbers, mut kills) = (Numbers(8689), 0);
    let mut seen = BTreeMap::<String, usize>::new();
    for is_late in [false, true].into_iter().cycle() {
        if kills >= wanted {
            break;
        }
        let alice = Alice::new(Script::tls().on("CONNECT", Then::Pause), TEXT);
        let mut delays = Vec::new();
        if is_late {
            delays.push(numbers.below(dialogue));
            let child = alice.start();
            assert!(
                alice.server.paused(PATIENCE),
                "the server was never reached"
            );
            alice.server.go_on();
            sleep(Duration::from_micros(delays[0]));
            kills += usize::from(kill(child));
        }
        alice.server.go_on();
        for _ in 0..numbers.below(3) + u64::from(!is_late) {
            let delay = numbers.below(run);
            let child = alice.start();
            sleep(Duration::from_micros(delay));
            kills += usize::from(kill(child));
            delays.push(delay);
        }
        let what = format!("killed after {delays:?} microseconds, late: {is_late}");
        let verdict = settle(alice, TEXT, &what);
        *seen
            .entry(verdict.state(RECIPIENTS[0]).to_owned())
            .or_default() += 1;
    }
    eprintln!("{kills} kills at any moment; the journal said after them: {seen:?}");
}

/// How long a run takes that nobody kills, and how long of that it talks to the server, in microseconds.
fn lengths() -> (u64, u64) {
    let alice = Alice::new(Script::tls().on("CONNECT", Then::Pause), TEXT);
    let begin = Instant::now();
    let mut child = alice.start();
    assert!(
        alice.server.paused(PATIENCE),
        "the server was never reached"
    );
    let reached = Instant::now();
    alice.server.go_on();
    assert!(child.wait().expect("an end").success());
    let short = |begin: Instant| u64::try_from(begin.elapsed().as_micros()).expect("a short while");
    (short(begin), short(reached))
}
