#!/bin/sh
# In a root, by packages.sh: build the packages twice, in different folders, the first time with the suite; lintian.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
apt-get -qq update
apt-get -qq install --no-install-recommends build-essential lintian >/dev/null
apt-get -qq build-dep --no-install-recommends /project >/dev/null

# build <folder>
build() {
    rm -rf "$1"
    mkdir -p "$1"
    version=$(dpkg-parsechangelog -l /project/debian/changelog -S Version)
    version=${version%-*}
    tar -C / --sort=name --mtime=@0 --exclude=project/debian -czf "$1/akma_$version.orig.tar.gz" project
    cp -a /project "$1/akma-$version"
    (cd "$1/akma-$version" && dpkg-buildpackage -us -uc) >"$1/log" 2>&1 || {
        tail -n 60 "$1/log"
        exit 1
    }
    case " ${DEB_BUILD_OPTIONS:-} " in
    *" nocheck "*) ;;
    *) grep -E '^[0-9]+ passed' "$1/log" ;; # or the suite did not run
    esac
}

build /one
DEB_BUILD_OPTIONS=nocheck build /another/deeper
cd /one
for package in *.deb; do
    cmp "$package" "/another/deeper/$package"
    echo "$package: two builds alike"
done
# The policy is Debian 12's; a younger lintian knows a younger one. (--suppress-tags of trixie's leaves the status at 2)
lintian -I --pedantic ./*.changes >complaints || echo "lintian ended with status $?" >>complaints
if grep -v ': out-of-date-standards-version ' complaints; then
    exit 1
fi

# Another version, for an upgrade: the same tree, compiled where its version is in it.
mkdir -p /this /next
mv ./*.deb /this
cd "/one/akma-$version"
sed -i "s/^project(akma VERSION $version /project(akma VERSION $version.1 /" CMakeLists.txt
sed -i "1s/($version-/($version.1-/" debian/changelog
rm -rf .pybuild debian/debhelper-build-stamp debian/*.debhelper.log
DEB_BUILD_OPTIONS=nocheck dpkg-buildpackage -b -nc -us -uc >"/next/log" 2>&1 || {
    tail -n 60 /next/log
    exit 1
}
mv ../*.deb /next
mv /this/*.deb /one
