#!/bin/sh
# An OCI image of e2e-as, e2e-ue and akma from the Debian packages, without a daemon and without a base image: the programs, the
# module, and the libraries that they need. As root, on Debian.
#
#   scripts/image.sh FOLDER NAME     FOLDER has the .debs of test/checks/packages.sh; NAME such as localhost/akma
#
# One image for every role. It runs as user 10001, has no shell, and writes nothing: its root can be read-only.
#
# AKMA_ROOTS, AKMA_MIRROR    see test/checks/roots.sh
#
# SPDX-License-Identifier: Apache-2.0
set -eu
[ $# -eq 2 ] || {
    sed -n '2,/^$/s/^# \{0,1\}//p' "$0" >&2
    exit 2
}
packages=$(cd "$1" && pwd)
name=$2
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/test/checks/roots.sh"
"$root/scripts/install-packages.sh" @roots @image
machine=$roots/image
rm -rf "$machine"
make_root "$machine" bookworm
mkdir -p "$machine/packages"
cp "$packages"/openssl-provider-akma_*.deb "$packages"/akma-tools_*.deb "$machine/packages"
in_root "$machine" sh -c 'apt-get -qq update
    apt-get -qq install --no-install-recommends /packages/*.deb ca-certificates >/dev/null'

# The programs, what they load, and the system's configuration that the module's includes.
files() {
    # shellcheck disable=SC2016 # for the inner shell
    in_root "$machine" sh -c '
        module=$(dpkg -L openssl-provider-akma | grep "/akma\.so$")
        for file in /usr/bin/e2e-as /usr/bin/e2e-ue /usr/bin/akma "$module"; do
            echo "$file"
            ldd "$file" | sed -n "s/.*=> \(\/[^ ]*\) .*/\1/p; s/^[[:space:]]*\(\/[^ ]*\) .*/\1/p"
        done
        echo /etc/akma/openssl.cnf
        echo /usr/lib/ssl/openssl.cnf
        echo /etc/ssl/certs/ca-certificates.crt
        echo /usr/share/doc/akma-tools/copyright' | sort -u
}
image=$machine/image
mkdir -p "$image/etc" "$image/usr/lib/ssl" "$image/tmp"
files | while read -r file; do
    mkdir -p "$image$(dirname "$file")"
    chroot "$machine" cat "$file" >"$image$file"
    chmod "$(chroot "$machine" stat --dereference --format %a "$file")" "$image$file"
done
ln -s /etc/ssl/certs "$image/usr/lib/ssl/certs"
echo 'akma:x:10001:10001::/:/nonexistent' >"$image/etc/passwd"
echo 'akma:x:10001:' >"$image/etc/group"
echo 'hosts: files dns' >"$image/etc/nsswitch.conf"

buildah="buildah --storage-driver vfs"
container=$($buildah from scratch)
trap '$buildah rm "$container" >/dev/null' EXIT
$buildah copy --quiet "$container" "$image" / >/dev/null
version=$(dpkg-deb -f "$packages"/akma-tools_*.deb Version)
$buildah config --user 10001:10001 --workingdir / --env OPENSSL_CONF=/etc/akma/openssl.cnf --env LD_BIND_NOW=1 \
    --env PATH=/usr/bin --entrypoint '[]' --cmd '["/usr/bin/e2e-as", "--help"]' --stop-signal SIGTERM \
    --label org.opencontainers.image.title=akma --label "org.opencontainers.image.version=$version" \
    --label org.opencontainers.image.licenses=Apache-2.0 "$container"
$buildah commit --quiet "$container" "$name" >/dev/null
du -sm "$image" | awk -v name="$name" '{ print name ": " $1 " MiB" }'
