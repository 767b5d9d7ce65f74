//! One mailbox under several names: the `sendmail` verb keeps what it was called with, a Sent folder what the
//! header says, and a notice has its own spelling. It gets one copy all the same.

use std::fs;

use crate::home::{BOB, CAROL, Home, notice, original};
use submission_server::Script;

const NO_TLS: &str = "TLS is required, but was not offered by host mx.example.net[192.0.2.1]";

/// Two names of one mailbox.
const NAMES: [[&str; 2]; 3] = [
    ["bob@b\u{fc}cher.example", "bob@xn--bcher-kva.example"],
    ["\"bob\"@example.net", BOB],
    ["Bob@example.net", BOB],
];

/// A home that submits with a command, which keeps what it gets.
fn home() -> Home {
    let home = Home::new(Script::tls());
    let config = home.config();
    let (before, _) = config.split_once("submission").expect("an account");
    let log = home.path("log").display().to_string();
    let script = format!("cat > /dev/null; echo \"$@\" >> {log}");
    home.write_config(&format!(
        "{before}command = [\"sh\", \"-c\", {script:?}, \"sh\"]\n"
    ));
    home
}

/// With which arguments the command was called.
fn submitted(home: &Home) -> Vec<String> {
    let log = fs::read_to_string(home.path("log")).unwrap_or_default();
    log.lines().map(str::to_owned).collect()
}

/// What was kept by one name is gone later, and the copy in the Sent folder has the other; or the other way round.
#[test]
fn never_twice_to_one_mailbox() {
    // Names that differ in case are never taken for one but to say no.
    for [written, called] in [NAMES[0], NAMES[1]] {
        for is_kept_first in [true, false] {
            let home = home();
            let message = original().replace(BOB, written);
            home.write_copy(&message);
            let about = |name| notice(&[(name, "4.7.4", NO_TLS)]).replace(BOB, written);
            let notice = about(called).replace(&format!(";{written}\n"), &format!(";{called}\n"));
            let keep = || home.run(&["sendmail", "-i", "--", called], &message);
            let forget = || fs::remove_dir_all(home.state().join("sent")).expect("the kept copy");
            let first = match is_kept_first {
                true => {
                    assert_eq!(keep().status, 0);
                    let run = home.resend(&["--yes", "--to", called], &notice);
                    forget();
                    run
                }
                false => {
                    let run = home.resend(&["--yes", "--to", written], &notice);
                    assert_eq!(keep().status, 0);
                    run
                }
            };
            assert_eq!(first.status, 0, "{written}: {first:?}");
            for name in [written, called] {
                let run = home.resend(&["--yes", "--to", name], &notice);
                let nothing = (1, true);
                let said = run.stdout.contains("was already sent again at");
                assert_eq!((run.status, said), nothing, "{written}: {run:?}");
            }
            assert_eq!(submitted(&home).len(), 2, "{written}");
        }
    }
}

/// It gets one copy, and with it both are done. A difference in case is told, in case that they are two.
#[test]
fn one_that_is_named_twice_stands_in_nobodys_way() {
    for names in NAMES {
        let home = home();
        let both = names.join(", ");
        home.write_copy(&original().replace(&format!("Bob <{BOB}>"), &both));
        let waiting = names.map(|name| (name, "4.7.4", NO_TLS));
        let all = [&waiting[..], &[(CAROL, "4.7.4", NO_TLS)]].concat();
        let about = notice(&all).replace(&format!("Bob <{BOB}>"), &both);
        let first = home.resend(&["--yes"], &about);
        assert_eq!(first.status, 0, "{names:?}: {first:?}");
        let told = "bob@example.net: is one mailbox with Bob@example.net, which gets it, to most servers\n";
        assert_eq!(first.stdout.contains(told), names == NAMES[2], "{first:?}");
        let run = home.resend(&["--yes"], &about);
        assert_eq!(run.status, 1, "{names:?}: {run:?}");
        let [arguments] = &submitted(&home)[..] else {
            panic!("not one submission")
        };
        let count = |name: &str| arguments.split(' ').filter(|word| *word == name).count();
        assert_eq!(
            names.map(count).iter().sum::<usize>(),
            1,
            "{arguments} {first:?}"
        );
        assert_eq!(count(CAROL), 1, "{arguments}");
        assert_eq!(home.run(&["offers"], "").status, 1, "{names:?}");
    }
}
