#!/bin/sh
# Install the Debian packages among the arguments that are missing, as root or with sudo; says so while it does.
#
#   scripts/install-packages.sh <package or @group of packages.txt ...>
#
# SPDX-License-Identifier: Apache-2.0
set -eu
# The groups' names make way for their packages.
expand() {
    for word; do
        case $word in
        @*)
            grep -q "^$word " "$(dirname "$0")/packages.txt" || {
                echo "install-packages.sh: packages.txt has no group $word" >&2
                exit 2
            }
            sed -n "s/^$word //p" "$(dirname "$0")/packages.txt"
            ;;
        *) echo "$word" ;;
        esac
    done
}

words=$(expand "$@")
# shellcheck disable=SC2086 # a list of words
set -- $words
command -v dpkg-query >/dev/null || {
    echo "This is no Debian or Ubuntu, so nothing is installed. What is needed, by Debian's names: $*" >&2
    exit 0
}
missing=""
for package in "$@"; do
    case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true) in
    installed) ;;
    *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0
sudo=""
if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || {
        echo "These packages are missing, and installing them needs root or sudo:$missing" >&2
        exit 1
    }
    sudo=sudo
fi
# Another installation may hold dpkg's lock: wait for it.
apt() {
    $sudo env DEBIAN_FRONTEND=noninteractive DEBCONF_NOWARNINGS=yes apt-get -qq -o DPkg::Lock::Timeout=600 "$@"
}
echo "Installing$missing: package lists"
apt update
echo "Installing$missing: packages"
# shellcheck disable=SC2086 # a list of words
apt install --no-install-recommends $missing >/dev/null
echo "Installed$missing"
