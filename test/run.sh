#!/bin/sh
# Build everything and run the tests; installs what is missing (Debian, as root or with sudo).
#
#   test/run.sh [arguments of pytest]
#
# Without those that are marked slow, unless an -m of yours says which: test/checks/consumers.sh runs them.
#
# AKMA_PRESET    preset of CMakePresets.json, default test
# AKMA_BUILD     build folder, default build/<preset>
# AKMA_PRELOAD   libraries that the tests run with
# AKMA_ORDER     a number: files, and the tests of each, run in an order that it chooses
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
preset=${AKMA_PRESET:-test}
AKMA_BUILD=${AKMA_BUILD:-$root/build/$preset}
export AKMA_BUILD

"$root/scripts/install-packages.sh" @module @programs @suite

cd "$root"
cmake --preset "$preset" -B "$AKMA_BUILD" >/dev/null
cmake --build "$AKMA_BUILD"
# One process more than there are cores: tests of time limits wait.
LD_PRELOAD=${AKMA_PRELOAD:-} exec /usr/bin/python3 -m pytest --numprocesses "$(($(nproc) + 1))" --dist loadfile \
    -m "not slow" "$@"
