//! What other programs do to the folders while the daemon watches: temporary files, slow writers, folders that come,
//! go and change places.

use std::fs;

use crate::watch::{Daemon, deliver, home, numbered, wait_for_offers};

/// rsync, Syncthing and unison write under a name with a dot at its beginning and rename the file when it is whole.
#[test]
fn a_temporary_file_of_another_program_stays_its_own() {
    let home = home();
    home.write_config(&format!("{}\n[tell]\nflag = true\n", home.config()));
    let daemon = Daemon::start(&home, &[]);
    daemon.wait_for_log("watching");
    let new = home.path("Mail/INBOX/new");
    let temporary = new.join(".17.a.XyZ");
    fs::write(&temporary, numbered(&home, 1)).expect("a file");
    deliver(&home, "18.b", &numbered(&home, 2));
    daemon.wait_for_log("told (flag)");
    wait_for_offers(&home, 1);
    fs::rename(&temporary, new.join("17.a")).expect("a rename");
    wait_for_offers(&home, 2);
    daemon.stop();
    home.received();
}
