# shellcheck shell=sh
# A session of the user nobody, in namespaces of its own: ROOT_FOLDER is its folder. Ends with all it has started.
set -eu
mount -t tmpfs tmpfs /run
# Without this folder systemd does not believe that it may run.
mkdir -p /run/systemd/system
mkdir -m 700 /run/user
mkdir -m 700 /run/user/65534
chmod 755 /run/user
chown 65534:65534 /run/user/65534

# A control group for the user's manager to make its own in.
for hierarchy in /sys/fs/cgroup/unified /sys/fs/cgroup; do
    if [ -e "$hierarchy/cgroup.procs" ]; then
        group=$hierarchy/tls-optout-test-$ROOT_NAME
        mkdir "$group"
        echo 0 > "$group/cgroup.procs"
        chown -R 65534:65534 "$group"
        break
    fi
done

cd "$ROOT_FOLDER"
exec setpriv --reuid 65534 --regid 65534 --clear-groups env -i PATH=/usr/bin:/bin HOME="$ROOT_FOLDER/home" \
    XDG_RUNTIME_DIR=/run/user/65534 DBUS_SESSION_BUS_ADDRESS=unix:path=/run/user/65534/bus \
    sh "$ROOT_FOLDER/session.sh"
