#!/bin/sh
# The Debian packages, in throw-away roots of each release: built twice alike, without a complaint of lintian, installed where
# nothing else is, used, and purged without a trace. As root, on Debian; some ten minutes a release on two cores.
#
#   test/checks/packages.sh [release ...]    default bookworm trixie
#
# The packages come to build/packages/<release>. The exit status is 3 where a root could not be made.
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
    built=$((built + $(find "$packages" -name '*.deb' | wc -l)))

    echo "== $release: installing, using, purging"
    rm -rf "$folder.use"
    make_root "$folder.use" "$release"
    copy_project "$folder.use"
    cp -r "$packages" "$folder.use/packages"
    in_root "$folder.use" sh /project/test/checks/packages/use.sh
    rm -rf "$folder.use"
done
echo "packages: $built built, installed, used and purged, of $*"
