//! The unit of `contrib/systemd` in a real service manager of a user without privileges.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt, chown};
use std::path::Path;
use std::process::{Command, Stdio};

#[path = "../resend/home.rs"]
#[expect(dead_code, reason = "only the notice is needed")]
mod home;

const NOBODY: u32 = 65534;

const CONFIG: &str = "[mail]\ninbox = \"~/Mail/INBOX\"\nsent = []\nsearch = []\n\n\
    [[account]]\nfrom = \"alice@example.org\"\nsubmission = \"smtps://alice@mail.example.org\"\n\n\
    [tell]\non_offer = [\"sh\", \"-c\", \"pass show mail/home > pass.out; secret-tool lookup service tls-optout \
    username alice > keyring.out; touch told\"]\n";

/// A test cannot wait for a quarter of an hour.
const QUICK: &str = "[Service]\nWatchdogSec=2s\nTimeoutAbortSec=1s\nRestartSec=100ms\n";

/// The user's home: what is installed, and what is configured.
fn furnish(home: &Path) {
    let units = home.join(".config/systemd/user");
    for folder in [
        ".config/tls-optout",
        ".config/systemd/user/tls-optout.service.d",
        "Mail/INBOX/cur",
        "Mail/INBOX/new",
        "Mail/INBOX/tmp",
    ] {
        fs::create_dir_all(home.join(folder)).expect("a folder");
    }
    let program = home.join("tls-optout");
    fs::copy(env!("CARGO_BIN_EXE_tls-optout"), &program).expect("a copy");
    let unit = include_str!("../../contrib/systemd/tls-optout.service");
    let installed = format!("ExecStart={} watch", program.display());
    assert!(unit.contains("ExecStart=/usr/bin/tls-optout watch\n"));
    let unit = unit.replace("ExecStart=/usr/bin/tls-optout watch", &installed);
    fs::write(units.join("tls-optout.service"), unit).expect("the unit");
    let log = format!("StandardError=append:{}\n", home.join("log").display());
    let quick = units.join("tls-optout.service.d/quick.conf");
    fs::write(quick, QUICK.to_owned() + &log).expect("a drop-in");
    for file in ["config.toml", ".config/tls-optout/config.toml"] {
        fs::write(home.join(file), CONFIG).expect("the configuration");
    }
    let notice = home::notice(&[(
        home::BOB,
        "4.7.4",
        "TLS is required, but was not offered by host mx.example.net[192.0.2.1]",
    )]);
    fs::write(home.join("notice"), notice).expect("the notice");
}

fn give(path: &Path) {
    chown(path, Some(NOBODY), Some(NOBODY)).expect("root");
    if path.is_dir() {
        for entry in fs::read_dir(path).expect("a folder") {
            give(&entry.expect("an entry").path());
        }
    }
}

/// Removes the control groups of the session, from the innermost on.
fn remove_groups(group: &Path) {
    for entry in fs::read_dir(group).into_iter().flatten().flatten() {
        if entry.path().is_dir() {
            remove_groups(&entry.path());
        }
    }
    let _ = fs::remove_dir(group);
}

#[test]
#[ignore = "needs root and systemd: tests/run"]
fn the_unit_in_a_real_service_manager() {
    let folder = tempfile::tempdir().expect("a folder");
    let folder = folder.path();
    fs::set_permissions(folder, Permissions::from_mode(0o755)).expect("permissions");
    let home = folder.join("home");
    furnish(&home);
    give(&home);
    for (name, script) in [
        ("root.sh", include_str!("root.sh")),
        ("session.sh", include_str!("session.sh")),
    ] {
        fs::write(folder.join(name), script).expect("a script");
    }
    let name = std::process::id().to_string();
    let output = Command::new("unshare")
        .args([
            "--mount",
            "--pid",
            "--fork",
            "--kill-child",
            "--mount-proc",
            "sh",
        ])
        .arg(folder.join("root.sh"))
        .env("ROOT_FOLDER", folder)
        .env("ROOT_NAME", &name)
        .stdin(Stdio::null())
        .output()
        .expect("unshare");
    for hierarchy in ["/sys/fs/cgroup/unified", "/sys/fs/cgroup"] {
        remove_groups(&Path::new(hierarchy).join(format!("tls-optout-test-{name}")));
    }

    let read = |file: &str| fs::read_to_string(home.join(file)).unwrap_or_default();
    let answer = |name: &str| read(&format!("answers/{name}"));
    let all = format!("{output:?}\n{}\n{}", read("answers/gave-up"), read("log"));
    assert_eq!(answer("start"), "status 0\n", "{all}");
    assert_eq!(answer("active"), "active\nstatus 0\n", "{all}");
    assert!(answer("offers").contains("bob@example.net"), "{all}");
    // What the daemon starts can use gpg-agent, pass and the keyring.
    assert_eq!(read("pass.out"), "from-pass\n", "{all}");
    assert_eq!(read("keyring.out"), "from-keyring", "{all}");
    let process = answer("process");
    assert!(process.contains("NoNewPrivs:\t1\n"), "{process}");
    assert!(process.contains("Seccomp:\t2\n"), "{process}");
    let security = answer("security");
    let level = security
        .split_once("Overall exposure level for tls-optout.service: ")
        .and_then(|(_, rest)| rest.split(' ').next()?.parse::<f64>().ok());
    assert!(level.is_some_and(|level| level < 7.0), "{security}");
    // The configuration is broken, and the daemon is not.
    assert_eq!(answer("reload"), "status 0\n", "{all}");
    assert_eq!(answer("still-active"), "active\nstatus 0\n", "{all}");
    // It hung, and was started anew.
    assert_eq!(answer("stop"), "status 0\n", "{all}");
    assert_eq!(answer("result"), "success\nstatus 0\n", "{all}");
    assert!(answer("once").ends_with("status 1\n"), "{all}");
    assert!(!answer("once").contains("running already"), "{all}");
}
