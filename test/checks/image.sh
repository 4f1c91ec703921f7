#!/bin/sh
# The OCI image: built from the Debian packages, of a size that has a limit, and run as examples/container/compose.yaml says: each
# of its services with its own command, user, mounts and a read-only root; a line of nginx comes back through all of them. Redis
# and nginx are the system's. As root, on Debian 12, in namespaces of its own.
#
#   test/checks/image.sh [folder of .debs]     default build/packages/bookworm, which packages.sh makes unless it is of this
#                                              commit
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
packages=${1:-$root/build/packages/bookworm}
limit=40 # MiB
name=localhost/akma
commit=$(git -C "$root" rev-parse HEAD)
[ $# -gt 0 ] || [ "$(cat "$packages/commit" 2>/dev/null)" = "$commit" ] ||
    DEB_BUILD_OPTIONS=nocheck "$root/test/checks/packages.sh" bookworm
"$root/scripts/install-packages.sh" @image
said=$("$root/scripts/image.sh" "$packages" "$name" | tail -n 1)
echo "$said"
size=${said#*: }
[ "${size% MiB}" -le "$limit" ] || {
    echo "the image is larger than $limit MiB"
    exit 1
}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unshare --mount --net --pid --fork --mount-proc --kill-child sh "$root/test/checks/image_run.sh" "$root" "$name" "$work"
