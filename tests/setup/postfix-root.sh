# shellcheck shell=bash
# A folder with a small Debian in it, for a Postfix that acts on TLS-Required: 3.10 or later, as in Debian 13.

root_suite=trixie
root_packages=postfix,sasl2-bin,libsasl2-modules
root_least_version=3.10
root_folder=
root_unfinished=

prepare_postfix_root() {
    local cache=${TLS_OPTOUT_TEST_CACHE:-/var/cache/tls-optout-tests}
    mkdir -p "$cache"
    cache=$(realpath "$cache")
    root_folder=$cache/postfix
    exec 9> "$cache/lock"
    if ! flock --nonblock 9; then
        echo "Waiting for another test run that uses $cache"
        flock 9
    fi
    if ! root_is_good "$root_folder"; then
        echo "Making $root_folder: Debian $root_suite with $root_packages"
        make_root
    fi
    remove_left_folders
    echo "Postfix $(root_version "$root_folder") in $root_folder"
    export TLS_OPTOUT_TEST_ROOT=$root_folder
}

root_version() {
    chroot "$1" /usr/sbin/postconf -d -h mail_version
}

# A root is good if it was finished by this recipe and its Postfix runs and is new enough.
root_is_good() {
    local root=$1 version
    [[ $(cat "$root/.recipe" 2> /dev/null) == "$root_suite $root_packages" ]] || return 1
    [[ -c $root/dev/null && -x $root/usr/sbin/saslpasswd2 ]] || return 1
    version=$(root_version "$root" 2> /dev/null) || return 1
    [[ $(printf '%s\n' "$root_least_version" "$version" | sort -V | head -n 1) == "$root_least_version" ]]
}

# The new root takes its place only when it is complete.
make_root() {
    local mirror start=$SECONDS
    mirror=${TLS_OPTOUT_TEST_MIRROR:-$(debian_mirror)}
    if [[ ! $mirror ]]; then
        give_up 69 'apt has no Debian mirror; name one in TLS_OPTOUT_TEST_MIRROR'
    fi
    root_unfinished=$root_folder.unfinished
    rm -rf --one-file-system "$root_unfinished"
    mapfile -t options < <(apt_proxy_options)
    quietly mmdebstrap --variant=minbase --include="$root_packages" "${options[@]}" \
        --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' \
        "$root_suite" "$root_unfinished" "deb $mirror $root_suite main" \
        || give_up 69 'mmdebstrap could not make the Debian folder; its words stand above'
    echo "$root_suite $root_packages" > "$root_unfinished/.recipe"
    if ! root_is_good "$root_unfinished"; then
        give_up 69 "the Postfix in $root_unfinished does not run or is older than $root_least_version"
    fi
    rm -rf --one-file-system "$root_folder"
    mv "$root_unfinished" "$root_folder"
    root_unfinished=
    echo "Made in $((SECONDS - start)) s"
}

remove_unfinished_root() {
    if [[ $root_unfinished ]]; then
        rm -rf --one-file-system "$root_unfinished"
    fi
}

# The mirror that apt gets this machine's own Debian from.
debian_mirror() {
    local codename
    # shellcheck source=/dev/null
    codename=$(. /etc/os-release && echo "${VERSION_CODENAME-}")
    # shellcheck disable=SC2016 # apt-get replaces these, not the shell.
    apt-get indextargets --format '$(CODENAME) $(COMPONENT) $(ORIGIN) $(REPO_URI)' \
        'Created-By: Packages' 2> /dev/null \
        | awk -v codename="$codename" '$1 == codename && $2 == "main" && $3 == "Debian" { print $4; exit }'
}

# A proxy that this machine's apt has to use, as options of mmdebstrap, which reads no settings of apt.
apt_proxy_options() {
    apt-config dump | sed -n 's/^\(Acquire::https\?::Proxy\(::[^ ]*\)\? ".\+"\);$/--aptopt=\1/p'
}

# Folders of tests that were killed. Their names begin with the number of the test's process.
remove_left_folders() {
    local folder name
    for folder in "$root_folder"/srv/*-*; do
        name=${folder##*/}
        if [[ -d $folder && ! -d /proc/${name%%-*} ]]; then
            rm -rf --one-file-system "$folder"
        fi
    done
}
