//! Killed at any moment: the same seed gives the same delays, the machine does the rest.

use std::collections::BTreeMap;
use std::thread::sleep;
use std::time::{Duration, Instant};

use submission_server::Script;

use crate::alice::{Alice, RECIPIENTS, kill};
use crate::trial::{TEXT, settle};
use crate::{Budget, budget};

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

/// One to three runs in a row are killed before the program may work in peace.
#[test]
fn at_any_moment() {
    let wanted = match budget() {
        Budget::Sample => 24,
        Budget::Kills(count) => count,
    };
    let longest = length_of_a_run();
    let (mut numbers, mut kills) = (Numbers(8689), 0);
    let mut seen = BTreeMap::<String, usize>::new();
    while kills < wanted {
        let alice = Alice::new(Script::tls(), TEXT);
        let mut delays = Vec::new();
        for _ in 0..=numbers.below(3) {
            let delay = Duration::from_micros(numbers.below(longest));
            let child = alice.start();
            sleep(delay);
            kills += usize::from(kill(child));
            delays.push(delay);
        }
        let verdict = settle(alice, TEXT, &format!("killed after {delays:?}"));
        *seen
            .entry(verdict.state(RECIPIENTS[0]).to_owned())
            .or_default() += 1;
    }
    eprintln!("{kills} kills within {longest} microseconds; the journal said after them: {seen:?}");
}

/// How long a run takes that nobody kills, in microseconds.
fn length_of_a_run() -> u64 {
    let alice = Alice::new(Script::tls(), TEXT);
    let begin = Instant::now();
    let run = alice.run(&["resend", "--yes", "notice.eml"]);
    assert!(run.status.success(), "{run:?}");
    u64::try_from(begin.elapsed().as_micros()).expect("a short while")
}
