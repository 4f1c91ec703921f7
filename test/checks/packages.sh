#!/bin/sh
# The Debian packages, in throw-away roots of each release: built twice alike, without a complaint of lintian, installed where
# nothing else is, used, and purged without a trace; upgraded to another version and purged on a machine of systemd's own. As
# root, on Debian; some ten minutes a release on two cores.
#
#   test/checks/packages.sh [release ...]    default bookworm trixie
#
# The packages come to build/packages/<release>. The exit status is 3 where a root, or a machine of systemd's own, cannot be had.
#
# AKMA_ROOTS, AKMA_MIRROR      see roots.sh
# DEB_BUILD_OPTIONS=nocheck    leaves the suite out
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/test/checks/roots.sh"
"$root/scripts/install-packages.sh" @roots
[ $# -gt 0 ] || set -- bookworm trixie
built=0
for release; do
    echo "== $release: building"
    folder=$roots/packages-$release
    make_root "$folder" "$release" >&2 || {
        echo "$release: no root could be made"
        exit 3
    }
    copy_project "$folder"
    in_root "$folder" sh /project/test/checks/packages/build.sh
    packages=$root/build/packages/$release
    rm -rf "$packages"
    mkdir -p "$packages"
    cp "$folder"/one/*.deb "$packages"
    git -C "$root" rev-parse HEAD >"$packages/commit"
    built=$((built + $(find "$packages" -name '*.deb' | wc -l)))

    echo "== $release: installing, using, purging"
    rm -rf "$folder.use"
    make_root "$folder.use" "$release"
    copy_project "$folder.use"
    cp -r "$packages" "$folder.use/packages"
    in_root "$folder.use" sh /project/test/checks/packages/use.sh
    rm -rf "$folder.use"

    echo "== $release: on a machine that systemd has started: a service by its sample, upgraded, purged"
    machine=$folder.machine
    rm -rf "$machine"
    make_root "$machine" "$release"
    mkdir -p "$machine/packages"
    cp "$packages"/openssl-provider-akma_*.deb "$packages"/akma-tools_*.deb "$packages"/akma-doc_*.deb "$machine/packages"
    mkdir -p "$machine/next"
    cp "$folder"/next/openssl-provider-akma_*.deb "$folder"/next/akma-tools_*.deb "$machine/next"
    depends=$(for deb in "$machine"/packages/*.deb; do dpkg-deb -f "$deb" Depends | tr , '\n'; done |
        sed '/akma/d; /^ *$/d' | sort -u | paste -sd ,)
    in_root "$machine" apt-get -qq update
    in_root "$machine" apt-get -qq satisfy --no-install-recommends \
        "$depends, systemd-sysv, dbus, curl, python3, openssl, logrotate, redis-server" >/dev/null
    status=0
    sh "$root/test/checks/packages/machine.sh" "$machine" "$root/test/checks/packages/systemd.sh" || status=$?
    [ "$status" -ne 77 ] || {
        echo "packages: no control groups here, so that no machine of systemd's own can be had"
        exit 3
    }
    [ "$status" -eq 0 ]
    rm -rf "$machine"
done
echo "packages: $built built, installed, used and purged, of $*"
