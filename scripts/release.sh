#!/bin/sh
# Make a release from a clean main: the suite, a tag, the source archive, the Python package as a wheel, the bill of materials,
# and for each of these files checksums, and a signature where a key is given.
#
#   scripts/release.sh             the files of HEAD alone, without tag or tests
#   scripts/release.sh <version>   the release; <version> must be that of CMakeLists.txt, and be in CHANGELOG.md
#
# Archive and wheel have the same octets wherever and whenever they are made from one commit (the wheel: by one setuptools). So
# has akma-<version>.spdx.json: its files, their licences, and what the programs link (SPDX 2.3).
#
# AKMA_SIGN_KEY   key of gpg; tag, archive, wheel and bill of materials are signed with it
# AKMA_RELEASE    folder for the files, default build/release
#
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/.."
folder=${AKMA_RELEASE:-build/release}
version=$(sed -n 's/^project(akma VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)

refuse() {
    echo "release.sh: $*" >&2
    exit 1
}

# The places where a format requires the version.
check_version() {
    [ "$1" = "$version" ] || refuse "$1 is not the version of CMakeLists.txt, $version"
    grep -q "^## $version\$" CHANGELOG.md || refuse "CHANGELOG.md has no heading: ## $version"
    grep -q "^__version__ = \"$version\"\$" python/akma/__init__.py || refuse "python/akma/__init__.py has another version"
    sed -n 1p debian/changelog | grep -q "^akma ($version-" || refuse "debian/changelog begins with another version"
    ! awk '/^## / { is = /^## Unreleased$/ } is && /^- / { any = 1 } END { exit !any }' CHANGELOG.md ||
        refuse "CHANGELOG.md has changes under Unreleased: they belong under $version"
    [ "$(git symbolic-ref --short -q HEAD)" = main ] || refuse "releases are made from the branch main"
    [ -z "$(git status --porcelain)" ] || refuse "there are changes that are not committed"
    ! git rev-parse -q --verify "refs/tags/v$version" >/dev/null || refuse "v$version is tagged already"
}

make_archive() {
    mkdir -p "$folder"
    archive=akma-$version.tar.gz
    # no modes and line ends by the user's settings; gzip without the time and name that it keeps by itself
    git -c tar.umask=0002 -c core.autocrlf=false \
        archive --format=tar --prefix="akma-$version/" --output="$folder/akma.tar" HEAD
    gzip -9 -n <"$folder/akma.tar" >"$folder/$archive"
    rm "$folder/akma.tar"
    /usr/bin/python3 scripts/make_sbom.py "$folder/$archive" >"$folder/akma-$version.spdx.json"
    publish "$archive"
    publish "akma-$version.spdx.json"
}

# From the archive alone, without a package index; its files have the time of the commit.
make_wheel() {
    source=$(mktemp -d)
    tar -xzf "$folder/$archive" -C "$source"
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct) /usr/bin/python3 -m pip --quiet --disable-pip-version-check wheel --no-index \
        --no-deps --no-build-isolation --wheel-dir "$folder" "$source/akma-$version/python"
    rm -rf "$source"
    publish "akma-$version-py3-none-any.whl"
}

# Checksums and signature beside a file, whose name is printed.
publish() {
    (cd "$folder" && sha256sum "$1" >"$1.sha256" && sha512sum "$1" >"$1.sha512")
    [ -z "${AKMA_SIGN_KEY:-}" ] ||
        gpg --local-user "$AKMA_SIGN_KEY" --armor --detach-sign --yes --output "$folder/$1.asc" "$folder/$1"
    echo "$folder/$1"
}

if [ $# -gt 0 ]; then
    check_version "$1"
    test/run.sh -q
    git tag ${AKMA_SIGN_KEY:+--local-user "$AKMA_SIGN_KEY" --sign} --annotate --message "akma $version" "v$version"
fi
make_archive
make_wheel
[ $# -eq 0 ] || echo "Tagged v$version. To publish: git push origin v$version, and the files of $folder"
