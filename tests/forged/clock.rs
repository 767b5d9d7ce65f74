//! A clock that jumps: at most once holds whatever time it is.

use std::process::Command;

use crate::home::{Home, Run};
use crate::trial::{home, journal};

/// Stands between the program and the clock.
const SHIM: &str = "#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>
int clock_gettime(clockid_t id, struct timespec *time)
{
    int result = syscall(SYS_clock_gettime, id, time);
    if (result == 0 && id == CLOCK_REALTIME)
        time->tv_sec = atoll(getenv(\"TEST_CLOCK\"));
    return result;
}
";

/// A home in which the clock can be set. Needs the C compiler that the build needs, too.
fn home_with_clock() -> Home {
    let home = home();
    home.file("clock.c", SHIM);
    let built = Command::new("cc")
        .args(["-shared", "-fPIC", "-o", "clock.so", "clock.c"])
        .current_dir(home.path(""))
        .status();
    assert!(built.expect("cc, the C compiler").success());
    home.file("notice.eml", &home.notice());
    home
}

/// Runs the program at a time, in seconds since 1970.
fn at(home: &Home, time: i64, arguments: &str) -> Run {
    let line = format!(
        "TEST_CLOCK={time} LD_PRELOAD=./clock.so exec '{}' {arguments}",
        env!("CARGO_BIN_EXE_tls-optout")
    );
    home.run_program("sh", &["-c", &line], "")
}

const NOW: i64 = 1_795_503_612;
/// Past, far past, far future, and further than a calendar goes. No system lets a clock stand before 1970.
const TIMES: [i64; 5] = [
    NOW - 86_400,
    1,
    4_102_444_800,
    253_402_300_800,
    i64::MAX / 2,
];

#[test]
fn a_clock_that_jumps_between_the_offer_and_the_sending() {
    for time in TIMES {
        let home = home_with_clock();
        let offered = at(&home, NOW, "resend notice.eml");
        assert_eq!(offered.status, 75, "{offered:?}");
        // A certificate may have ended, or not begun, at that time: then nothing is sent.
        let run = at(&home, time, "resend --yes 1");
        let recorded = journal(&home, "SELECT CAST(recorded AS TEXT) FROM offer");
        assert_eq!(recorded, [NOW.to_string()], "the clock was not set");
        let sent = usize::from(run.status == 0);
        assert!(matches!(run.status, 0 | 69), "{time}: {run:?}");
        let again = at(&home, NOW, "resend --yes 1");
        assert_eq!(again.status, i32::from(sent == 1), "{time}: {again:?}");
        for time in TIMES {
            let run = at(&home, time, "resend --yes 1 notice.eml");
            assert_eq!(run.status, 1, "{time}: {run:?}");
            assert!(run.stdout.contains("was already sent again at"), "{run:?}");
        }
        assert_eq!(home.received().len(), 1, "{time}");
    }
}

/// Will-Retry-Until is past, or never comes: the list says so, and no more than one copy leaves.
#[test]
fn an_offer_expires_by_the_clock_alone() {
    let home = home_with_clock();
    at(&home, NOW, "resend notice.eml");
    let state = |time| at(&home, time, "offers --all --json").stdout;
    assert!(state(NOW).contains("\"state\":\"open\""));
    assert!(state(4_102_444_800).contains("\"state\":\"expired\""));
    assert!(state(1).contains("\"state\":\"open\""));
    for time in [NOW, 1, NOW] {
        at(&home, time, "resend --yes 1");
    }
    assert!(state(4_102_444_800).contains("\"state\":\"sent\""));
    assert_eq!(home.received().len(), 1);
}
