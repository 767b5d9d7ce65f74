//! A session of the desktop with an unlocked keyring in which the password lies.

use crate::postfix::{PASSWORD, USER};
use crate::site::Site;

/// The shell command that runs `command` in such a session. Bus and keyring daemon end with it: they live
/// in a process namespace of their own.
pub(crate) fn session(site: &Site, command: &str) -> String {
    site.write("keyring-password", "of the keyring itself");
    site.write("secret", PASSWORD);
    site.write(
        "session.sh",
        &format!(
            "set -e\n\
             gnome-keyring-daemon --unlock --components=secrets < keyring-password > /dev/null\n\
             secret-tool store --label=tls-optout service tls-optout username {USER}@localhost < secret\n\
             {command}\n"
        ),
    );
    "unshare --pid --fork --kill-child dbus-run-session -- sh session.sh".into()
}
