//! A session of the desktop with an unlocked keyring in which the password lies.

use crate::postfix::{PASSWORD, USER};
use crate::site::Site;

/// Starts the daemon, and waits until it serves the bus: the bus would start a second one, still
/// locked.
const DAEMON: &str = "set -e
gnome-keyring-daemon --foreground --unlock --components=secrets < keyring-password > /dev/null &
until dbus-send --session --print-reply --dest=org.freedesktop.DBus / \
    org.freedesktop.DBus.NameHasOwner string:org.freedesktop.secrets | grep -q 'boolean true'
do sleep 0.05; done
";
const SECRET: &str = "secret-tool store --label=tls-optout service tls-optout username ";
/// The bus reports what it does on the same screen.
const CLEAR: &str = "printf '\\033[H\\033[2J'\n";

/// The shell command that runs `command` in such a session. Bus and keyring daemon end with it:
/// they live in a process namespace of their own.
pub(crate) fn session(site: &Site, command: &str) -> String {
    site.write("keyring-password", "of the keyring itself");
    site.write("secret", PASSWORD);
    site.write(
        "session.sh",
        &format!("{DAEMON}{SECRET}{USER}@localhost < secret\n{CLEAR}{command}\n"),
    );
    "unshare --pid --fork --kill-child dbus-run-session -- sh session.sh".into()
}
