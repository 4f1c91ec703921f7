# Debian roots for the checks that need another machine than this one; sourced, not run. As root, on Debian.
#
#   base_root <release> <architecture>            prints the folder of a minimal root, made where there is none
#   make_root <folder> <release> [architecture]   a copy of it to work in; kept, and taken as it is the next time
#   in_root <folder> <command ...>                the command inside, with /proc and /dev, and of this environment nothing but
#                                                 DEB_BUILD_OPTIONS; 77 without mounts
#   copy_project <folder>                         the project as it is, without what was built, to /project
#
# AKMA_ROOTS    folder of the roots, default build/roots
# AKMA_MIRROR   Debian mirror, default debootstrap's own
#
# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh

: "${root:?the folder of the project}"
roots=${AKMA_ROOTS:-$root/build/roots}

# A minimal root of this release and architecture, made once for all that take a copy; its folder. A second caller
# waits for the first.
base_root() {
    base=$roots/base-$1-$2
    mkdir -p "$roots"
    (
        flock 9
        [ ! -e "$base/.complete" ] || exit 0
        rm -rf "$base"
        # (with && throughout: behind this subshell's own one, set -e does not hold)
        # shellcheck disable=SC2086 # no mirror, no word
        debootstrap --variant=minbase --arch="$2" "$1" "$base" ${AKMA_MIRROR:-} >&2 &&
            cp /etc/resolv.conf "$base/etc/resolv.conf" &&
            echo 'Acquire::Check-Valid-Until "false";' >"$base/etc/apt/apt.conf.d/99akma" &&
            echo force-unsafe-io >"$base/etc/dpkg/dpkg.cfg.d/akma" && # what a crash leaves half is made again
            touch "$base/.complete"
    ) 9>"$base.lock" && echo "$base"
}

# A root without .complete is what an interrupted debootstrap left; a copy has its name once it is whole.
make_root() {
    [ ! -e "$1/.complete" ] || return 0
    base=$(base_root "$2" "${3:-$(dpkg --print-architecture)}") || return 1
    rm -rf "$1" "$1.part" &&
        cp -a "$base" "$1.part" &&
        mv "$1.part" "$1"
}

# The mounts go with the process: nothing is left, whatever ends it.
in_root() {
    # shellcheck disable=SC2016 # for the inner shell
    unshare --mount sh -c '
        folder=$1
        shift
        mount --rbind /proc "$folder/proc" && mount --rbind /dev "$folder/dev" || exit 77
        exec chroot "$folder" env -i HOME=/root LC_ALL=C.UTF-8 DEBIAN_FRONTEND=noninteractive \
            PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
            ${DEB_BUILD_OPTIONS:+"DEB_BUILD_OPTIONS=$DEB_BUILD_OPTIONS"} "$@"' sh "$@"
}

copy_project() {
    rm -rf "$1/project"
    mkdir "$1/project"
    (cd "$root" && tar -c --exclude=./build* --exclude=./.git --exclude=__pycache__ .) | tar -x -C "$1/project"
}
