#!/bin/sh
# Build and run the whole suite under every OpenSSL generation, in throw-away Debian roots, and print
# a table. As root, on Debian.
#
#   test/checks/matrix.sh [generation ...]     of 3.0 3.5 3.6 4.0, default all
#
# A generation whose root cannot be made is said to be skipped; the exit status is 1 where one failed,
# 3 where none ran.
#
# AKMA_ROOTS    folder of the roots, default build/roots; they are kept, and used again
# AKMA_MIRROR   Debian mirror, default debootstrap's own
# AKMA_PYTEST   arguments of pytest, default -q
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
roots=${AKMA_ROOTS:-$root/build/roots}
results=$roots/results

suite_of() {
    case $1 in
    3.0) echo bookworm ;;
    3.5) echo trixie ;;
    3.6 | 4.0) echo sid ;;
    *)
        echo "no generation: $1 (3.0, 3.5, 3.6 or 4.0 wanted)" >&2
        exit 2
        ;;
    esac
}

# The mirror that a root was made from.
mirror_of() {
    sed -n 's/^deb \([^ ]*\) .*/\1/p' "$1/etc/apt/sources.list" | head -n 1
}

# OpenSSL 4.0 is in experimental, beside the rest of sid.
add_experimental() {
    echo "deb $(mirror_of "$1") experimental main" >"$1/etc/apt/sources.list.d/experimental.list"
    chroot "$1" apt-get update -qq
    chroot "$1" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq -t experimental openssl libssl-dev
}

# Newer generations have a fips module; a test uses it where it is.
add_fips() {
    chroot "$1" apt-get update -qq
    # shellcheck disable=SC2086 # options are words
    chroot "$1" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq $2 openssl-provider-fips ||
        echo "no fips module in this root"
}

# The rest is installed by the suite's own command.
make_root() {
    [ ! -e "$2/.complete" ] || return 0
    rm -rf "$2"
    mkdir -p "$2"
    # shellcheck disable=SC2086 # no mirror, no word
    debootstrap --variant=minbase "$(suite_of "$1")" "$2" ${AKMA_MIRROR:-} || return 1
    cp /etc/resolv.conf "$2/etc/resolv.conf"
    echo 'Acquire::Check-Valid-Until "false";' >"$2/etc/apt/apt.conf.d/99matrix"
    case $1 in
    3.0) ;;
    4.0) add_experimental "$2" && add_fips "$2" "-t experimental" || return 1 ;;
    *) add_fips "$2" "" ;;
    esac
    touch "$2/.complete"
}

# The project as it stands, without what was built.
copy_project() {
    rm -rf "$1/project"
    mkdir "$1/project"
    (cd "$root" && tar -c --exclude=./build* --exclude=./.git --exclude=__pycache__ .) | tar -x -C "$1/project"
}

run_suite() {
    copy_project "$1"
    mount --bind /proc "$1/proc" || return 77
    mount --bind /dev "$1/dev" || return 77
    # shellcheck disable=SC2086 # arguments are words
    chroot "$1" env LC_ALL=C.UTF-8 /project/test/run.sh ${AKMA_PYTEST:--q} && status=0 || status=$?
    umount "$1/dev" "$1/proc"
    return "$status"
}

# One line of the table.
verdict() {
    version=$(chroot "$2" openssl version | cut -d ' ' -f 2)
    echo "| $1 | $version | $(suite_of "$1") | $3 | $(tail -n 1 "$results/$1.log" | tr -d '=') |"
}

mkdir -p "$results"
"$root/scripts/install-packages.sh" debootstrap
: >"$results/table"
ran=0
failed=0
for generation in "${@:-3.0 3.5 3.6 4.0}"; do
    for one in $generation; do
        suite_of "$one" >/dev/null
        echo "OpenSSL $one: making the root" >&2
        if ! make_root "$one" "$roots/$one" >"$results/$one.root.log" 2>&1; then
            echo "| $one | | $(suite_of "$one") | skipped | no root: $(tail -n 1 "$results/$one.root.log") |" >>"$results/table"
            continue
        fi
        echo "OpenSSL $one: running the suite" >&2
        run_suite "$roots/$one" >"$results/$one.log" 2>&1 && status=0 || status=$?
        case $status in
        0) said=passed ran=$((ran + 1)) ;;
        77) said="skipped, no mount" ;;
        *) said="**failed**" ran=$((ran + 1)) failed=$((failed + 1)) ;;
        esac
        verdict "$one" "$roots/$one" "$said" >>"$results/table"
    done
done
echo "| generation | OpenSSL | Debian | | |"
echo "|---|---|---|---|---|"
cat "$results/table"
[ "$ran" -gt 0 ] || exit 3
[ "$failed" -eq 0 ]
