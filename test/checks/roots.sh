# Debian roots for the checks that need another machine than this one; sourced, not run. As root, on Debian.
#
#   make_root <folder> <suite> [architecture]     a minimal root; kept, and taken as it is the next time
#   in_root <folder> <command ...>                the command inside, with /proc and /dev; 77 without mounts
#   in_copy <folder> <command ...>                the same, and all that the command changed is forgotten
#   copy_project <folder>                         the project as it stands, without what was built, to /project
#
# AKMA_ROOTS    folder of the roots, default build/roots
# AKMA_MIRROR   Debian mirror, default debootstrap's own
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh

: "${root:?the folder of the project}"
roots=${AKMA_ROOTS:-$root/build/roots}

# A root without .complete is what an interrupted run left.
make_root() {
    [ ! -e "$1/.complete" ] || return 0
    rm -rf "$1"
    mkdir -p "$1" "$roots/.packages"
    # shellcheck disable=SC2086 # no mirror, no word
    debootstrap --cache-dir="$roots/.packages" --variant=minbase --arch="${3:-$(dpkg --print-architecture)}" \
        "$2" "$1" ${AKMA_MIRROR:-} || return 1
    cp /etc/resolv.conf "$1/etc/resolv.conf"
    echo 'Acquire::Check-Valid-Until "false";' >"$1/etc/apt/apt.conf.d/99akma"
    touch "$1/.complete"
}

# The mounts go with the process: nothing is left, whatever ends it.
in_root() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -c '
        folder=$1
        shift
        mount --bind /proc "$folder/proc" && mount --bind /dev "$folder/dev" || exit 77
        exec chroot "$folder" env LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"' sh "$@"
}

in_copy() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -c '
        folder=$1
        shift
        mount -t tmpfs copy /mnt && mkdir /mnt/changes /mnt/work || exit 77
        mount -t overlay -o "lowerdir=$folder,upperdir=/mnt/changes,workdir=/mnt/work" copy "$folder" || exit 77
        mount --bind /proc "$folder/proc" && mount --bind /dev "$folder/dev" || exit 77
        exec chroot "$folder" env LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive "$@"' sh "$@"
}

copy_project() {
    rm -rf "$1/project"
    mkdir "$1/project"
    (cd "$root" && tar -c --exclude=./build* --exclude=./.git --exclude=__pycache__ .) | tar -x -C "$1/project"
}
