#!/bin/sh
# Mixed versions: UE, NAF, third party, endpoint and store records of the last release against those of this tree, each way
# round. The last release is the newest tag v*; if there is none, the commit before CHANGELOG.md got its "Unreleased".
#
#   test/checks/versions.sh [arguments of pytest]
#
# AKMA_BUILD   build folder of this tree, default build/test
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
AKMA_BUILD=${AKMA_BUILD:-$root/build/test}
old=$root/build/versions
export AKMA_BUILD AKMA_OLD="$old/build"
"$root/scripts/install-packages.sh" @module @programs @suite @consumers
cd "$root"

release=$(git describe --tags --abbrev=0 --match 'v*' HEAD~ 2>/dev/null ||
    git log --max-count 1 --format=%h~ -S'## Unreleased' -- CHANGELOG.md)
git rev-parse --quiet --verify "$release^{commit}" >/dev/null || {
    echo "versions: no last release in this repository: is its history there?"
    exit 1
}
rm -rf "$old/source"
mkdir -p "$old/source"
git archive "$release" | tar -x -C "$old/source"
cmake -S "$old/source" -B "$old/build" -G Ninja -DAKMA_E2E=ON >/dev/null
cmake --build "$old/build" --target akma e2e-as e2e-ue -- --quiet
cmake --preset test -B "$AKMA_BUILD" >/dev/null
cmake --build "$AKMA_BUILD" -- --quiet
echo "== $(git log -1 --format='%h %s' "$release") against this tree"
exec /usr/bin/python3 -m pytest test/versions "$@"
