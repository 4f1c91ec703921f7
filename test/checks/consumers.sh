#!/bin/sh
# Tests with programs of others: servers and clients that the suite does not need.
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
"$root/scripts/install-packages.sh" @module @programs @suite @consumers
cmake -S "$root" -B "$AKMA_BUILD" -G Ninja -DAKMA_ALL=ON >/dev/null
cmake --build "$AKMA_BUILD" >/dev/null
cd "$root"
exec /usr/bin/python3 -m pytest test/consumers "$@"
