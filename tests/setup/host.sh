# shellcheck shell=bash
# The programs that the tests use, installed from Debian where they are missing.

# What is missing shows in a file; the package that has it; what it is for.
programs='
/usr/bin/cc                    gcc              compiles SQLite and the cryptography
/usr/include/stdio.h           libc6-dev        compiles SQLite and the cryptography
/usr/bin/mutt                  mutt             a mail reader under test
/usr/bin/neomutt               neomutt          a mail reader under test
/usr/bin/aerc                  aerc             a mail reader under test
/usr/bin/alpine                alpine           a mail reader under test
/usr/bin/emacs                 emacs-nox        the Emacs of Gnus, notmuch-emacs and mu4e
/usr/lib/emacsen-common/packages/install/elpa-notmuch elpa-notmuch a mail reader under test
/usr/lib/emacsen-common/packages/install/mu4e mu4e        a mail reader under test
/usr/bin/msmtp                 msmtp            a way to submit under test
/usr/lib/git-core/git-send-email git-email       a program that sends, under test
/usr/share/perl5/Mail/Address.pm libmailtools-perl what git send-email needs
/usr/bin/s-nail                s-nail           a program that sends, under test
/usr/bin/mu                    maildir-utils    an index of mail that the user may have
/usr/bin/tmux                  tmux             the terminal of the mail readers
/usr/bin/gpg                   gnupg            signs a message, verifies it at the recipient
/usr/bin/openssl               openssl          signs a message with S/MIME, verifies it
/usr/bin/dbus-run-session      dbus-daemon      a session bus for the keyring
/usr/bin/dbus-send             dbus-bin         asks the session bus
/usr/bin/dunst                 dunst            shows a notification, under test
/usr/bin/Xvfb                  xvfb             the screen for it
/usr/bin/gnome-keyring-daemon  gnome-keyring    a keyring with the password
/usr/bin/secret-tool           libsecret-tools  puts the password into the keyring
/bin/systemctl                 systemd          runs the unit of a user
/usr/bin/pass                  pass             a password for what the unit runs
/usr/bin/notmuch               notmuch          an index of mail, tags a notice, and a delivery agent under test
/usr/bin/bindfs                bindfs           a file system that tells of no changes
/usr/bin/procmail              procmail         a delivery agent under test
/usr/bin/maildrop              maildrop         a delivery agent under test
/usr/bin/fdm                   fdm              a delivery agent under test
/usr/bin/sieve-filter          dovecot-sieve    a delivery agent under test
/usr/lib/dovecot/dovecot-lda   dovecot-core     a delivery agent under test
/usr/bin/mbsync                isync            fetches mail into a folder under test
/usr/bin/mmdebstrap            mmdebstrap       makes the Debian folder with Postfix
/usr/bin/mandoc                mandoc           reads the manual page for mutt
/usr/bin/shellcheck            shellcheck       checks the shell scripts
'

find_cargo() {
    PATH=$PATH:$HOME/.cargo/bin
    if ! command -v cargo > /dev/null; then
        give_up 69 'cargo is missing; install Rust 1.90 or later, see https://rustup.rs'
    fi
}

# Prints "package reason" of each program that is missing.
missing_programs() {
    local file package reason
    while read -r file package reason; do
        if [[ $file && ! -e $file ]]; then
            printf '%-16s %s\n' "$package" "$reason"
        fi
    done <<< "$programs"
}

need_root() {
    if ((EUID == 0)); then
        return
    fi
    local missing
    missing=$(missing_programs)
    give_up 77 'the end-to-end tests run a Postfix in a Debian folder of its own, and need root for that;' \
        "run 'sudo tests/run', or 'tests/run --quick' for all the other tests.${missing:+
These packages would be installed:
$missing}"
}

need_localhost() {
    if ! getent ahostsv4 localhost > /dev/null; then
        give_up 69 "the name localhost is unknown here; /etc/hosts needs the line '127.0.0.1 localhost'"
    fi
}

install_missing_programs() {
    local missing packages
    missing=$(missing_programs)
    if [[ ! $missing ]]; then
        return
    fi
    if ! command -v apt-get > /dev/null; then
        give_up 69 'this is no Debian; install what these packages are there:' "$missing"
    fi
    printf 'Installing, with what they depend on:\n%s\n' "$missing"
    mapfile -t packages < <(cut -d ' ' -f 1 <<< "$missing" | sort -u)

    # A source of the machine's that has nothing to do with these packages may be out of reach.
    quietly apt-get update || echo 'apt-get update failed; going on with the package lists as they are'
    hold_services
    quietly env DEBIAN_FRONTEND=noninteractive apt-get install --yes --no-install-recommends \
        -o DPkg::Lock::Timeout=300 "${packages[@]}" \
        || give_up 69 'apt-get could not install the packages; its words stand above'
    allow_services
}

# While packages are installed no service starts: the packages ask this program, and 101 says no. A policy
# that the machine has already comes back afterwards.
policy=/usr/sbin/policy-rc.d
policy_kept=$policy.kept-by-tls-optout-tests
policy_mark='tls-optout tests/run: start no service'

hold_services() {
    if [[ -e $policy ]] && ! grep -qF "$policy_mark" "$policy"; then
        mv "$policy" "$policy_kept"
    fi
    printf '#!/bin/sh\n# %s\nexit 101\n' "$policy_mark" > "$policy"
    chmod 755 "$policy"
}

allow_services() {
    if [[ -e $policy ]] && grep -qF "$policy_mark" "$policy"; then
        rm -f "$policy"
    fi
    if [[ -e $policy_kept ]]; then
        mv "$policy_kept" "$policy"
    fi
}
