#!/bin/sh
# The tests that README's command goes without: test/consumers, with the programs that people already run, keyed with e2e_key,
# and what is marked slow in the other folders: real servers on loopback, databases, a browser, a board.
#
#   test/checks/consumers.sh [arguments of pytest]
#
# AKMA_BUILD   build folder, default build/test
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
AKMA_BUILD=${AKMA_BUILD:-$root/build/test}
export AKMA_BUILD
"$root/scripts/install-packages.sh" @module @programs @suite @consumers @page
command -v npm >/dev/null || "$root/scripts/install-packages.sh" npm # node's own packages bring it along
cd "$root"
cmake --preset test -B "$AKMA_BUILD" >/dev/null
cmake --build "$AKMA_BUILD" -- --quiet
exec /usr/bin/python3 -m pytest -m slow "$@"
