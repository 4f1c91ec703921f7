#!/bin/sh
# The source of Debian's mbed TLS, for boards, to a folder; kept, and taken as it is the next time.
#
#   test/device/mbedtls_source.sh <folder>
#
# apt gets it from the mirror and the release that this machine's packages come from, with lists of its own: the
# machine's are not changed.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
folder=$1
[ ! -e "$folder/.complete" ] || exit 0
rm -rf "$folder"
mkdir -p "$folder/apt/lists/partial"
# shellcheck disable=SC2016 # these are for apt
apt-get indextargets --format 'deb-src $(REPO_URI) $(RELEASE) $(COMPONENT)' 'Created-By: Packages' 'Origin: Debian' |
    sort -u >"$folder/apt/sources.list"
source_only() {
    apt-get -qq -o Dir::Etc::SourceList="$folder/apt/sources.list" -o Dir::Etc::SourceParts=/dev/null \
        -o Dir::State::Lists="$folder/apt/lists" -o APT::Sandbox::User=root "$@"
}
source_only update
(cd "$folder" && source_only --only-source source mbedtls >/dev/null)
mv "$folder"/mbedtls-*/ "$folder/mbedtls"
touch "$folder/.complete"
