#!/bin/sh
# A bare machine: README's two commands, exactly as shown there, in a root of Debian 12 that has nothing but git and
# ca-certificates. The first has to end with what README shows, the second with a line of pytest's without a failure or
# an error. Then, with the packages there, the suite as an ordinary user. As root, on Debian; some twelve minutes on two
# cores.
#
#   test/checks/fresh.sh [bare | user]     one part alone; `user` works in the root that `bare` leaves
#
# What is tried is the commit that is checked out. Both runs name the tests that they skip, and why.
#
# AKMA_ROOTS, AKMA_MIRROR   see roots.sh; this check's own root is made again each time
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/test/checks/roots.sh"
folder=$roots/fresh
counted=""
"$root/scripts/install-packages.sh" git @roots

# as_user <user> <command ...>: with what that user's login begins with, and nothing of this machine's: no locale, no
# terminal, no pyenv
as_user() {
    user=$1
    shift
    in_root "$folder" env -i HOME="$(sed -n "s/^$user:.*:\(.*\):[^:]*$/\1/p" "$folder/etc/passwd")" \
        PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
        setpriv --reuid "$user" --regid "$user" --init-groups "$@" </dev/null
}

# shown_after <line of README>: the indented lines that follow it, up to the next text
shown_after() {
    awk -v line="$1" '/^[^ ]/ { shown = $0 == line; next } shown' "$root/README.md" | sed -n 's/^    //p'
}

# run_in <user> <folder of that user's> <command line>: what it prints, here and in $folder/output
run_in() {
    echo "== $1: $3"
    began=$(date +%s)
    {
        as_user "$1" sh -c "cd '$2' && $3" 2>&1 && echo 0 >"$folder/status" || echo $? >"$folder/status"
    } | tee "$folder/output"
    echo "== $1: $3: exit status $(cat "$folder/status"), $(($(date +%s) - began)) seconds"
    [ "$(cat "$folder/status")" -eq 0 ]
}

# The last line of pytest's counts what passed, and neither failures nor errors; it is kept for the end.
passed() {
    line=$(tail -n 1 "$folder/output" | sed 's/[= ]*$//; s/^[= ]*//')
    case $line in
    *failed* | *error*) ;;
    [1-9]*" passed"*)
        counted="${counted:+$counted; }$line as $1"
        return
        ;;
    esac
    echo "fresh: the output ends with no line of pytest's that says how many passed, and that none failed: $line"
    return 1
}

bare() {
    rm -rf "$folder"
    make_root "$folder" bookworm >&2
    in_root "$folder" sh -c 'apt-get update -qq && apt-get install -y -qq --no-install-recommends git ca-certificates' \
        >/dev/null
    git clone -q --no-hardlinks "$root" "$folder/srv/akma"
    shown_after "On a fresh Debian 12, as root or with sudo:" | sed 's/ *#.*//' >"$folder/commands"
    shown_after "The first ends with" >"$folder/wanted"
    [ "$(wc -l <"$folder/commands") $(wc -l <"$folder/wanted")" = "2 4" ] || {
        echo "fresh: README.md has no longer two commands, and the end of the first, where they were"
        return 1
    }
    run_in root /srv/akma "$(sed -n 1p "$folder/commands")"
    sed '/^$/d' "$folder/output" | tail -n 4 | diff "$folder/wanted" -
    run_in root /srv/akma "$(sed -n 2p "$folder/commands")"
    passed root
}

user() {
    grep -q '^somebody:' "$folder/etc/passwd" || in_root "$folder" useradd --create-home somebody
    rm -rf "$folder/home/somebody/akma"
    git clone -q --no-hardlinks "$root" "$folder/home/somebody/akma"
    in_root "$folder" chown -R somebody: /home/somebody/akma
    run_in somebody /home/somebody/akma test/run.sh
    passed somebody
}

case ${1:-all} in
all)
    bare
    user
    ;;
bare | user) "$1" ;;
*)
    echo "fresh: no such part: $1; there are bare and user" >&2
    exit 2
    ;;
esac
echo "fresh: $counted"
