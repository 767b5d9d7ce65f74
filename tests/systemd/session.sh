# shellcheck shell=sh
# What the user does. Each answer goes to a file in ~/answers.
set -eu
cd
mkdir answers
answer() {
    name=$1
    shift
    "$@" > "answers/$name" 2>&1 && status=0 || status=$?
    echo "status $status" >> "answers/$name"
}
wait_for() {
    tries=0
    until "$@" > /dev/null 2>&1; do
        tries=$((tries + 1))
        [ "$tries" -lt 400 ] || { echo "gave up waiting for: $*" > answers/gave-up; exit 1; }
        sleep 0.05
    done
}
show() {
    systemctl --user show --value -p "$1" tls-optout
}

# Bus and keyring are started here, whatever the machine has units for.
for unit in dbus.socket dbus.service gnome-keyring-daemon.socket; do
    ln -s /dev/null ".config/systemd/user/$unit"
done
dbus-daemon --session --nofork --nopidfile --address="$DBUS_SESSION_BUS_ADDRESS" > dbus.log 2>&1 &
wait_for dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.ListNames
printf keyring | gnome-keyring-daemon --foreground --unlock --components=secrets > keyring.log 2>&1 &
has_keyring() {
    dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
        string:org.freedesktop.secrets | grep -q 'boolean true'
}
wait_for has_keyring
printf from-keyring | secret-tool store --label=tls-optout service tls-optout username alice

gpg --batch --quiet --passphrase '' --quick-gen-key alice@example.org default default never
pass init alice@example.org > /dev/null
echo from-pass | pass insert --echo mail/home > /dev/null
# The agent is to be started by what the unit runs.
gpgconf --kill gpg-agent

/lib/systemd/systemd --user > systemd.log 2>&1 &
wait_for systemctl --user is-system-running
answer security systemd-analyze --user security --no-pager tls-optout.service
answer start systemctl --user start tls-optout
answer active systemctl --user is-active tls-optout

mv notice Mail/INBOX/new/1.notice
wait_for test -e told
answer offers ./tls-optout offers
cp /proc/"$(show MainPID)"/status answers/process

echo '[mail' > .config/tls-optout/config.toml
answer reload systemctl --user reload tls-optout
wait_for grep -q 'going on with the configuration as it was' log
answer still-active systemctl --user is-active tls-optout
cp config.toml .config/tls-optout/config.toml

kill -STOP "$(show MainPID)"
is_restarted() {
    [ "$(show NRestarts)" = 1 ] && systemctl --user is-active tls-optout
}
wait_for is_restarted
answer stop systemctl --user stop tls-optout
answer result show Result
answer once ./tls-optout watch --once
systemctl --user exit
