#!/bin/sh
# How many flows a second e2e-as does with its Ka's in a file, in PostgreSQL, as a master secret and in a token (SoftHSM), by
# turns; the exit status is 1 where a limit is missed. Takes about two minutes.
#
#   bench/ka.sh [seconds of a turn]     default 5
#
# AKMA_BUILD   build folder, default build/bench
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${AKMA_BUILD:-$root/build/bench}

"$root/scripts/install-packages.sh" @module @programs @suite softhsm2 gnutls-bin postgresql
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DAKMA_ALL=ON >/dev/null
cmake --build "$build" -- --quiet
AKMA_BUILD=$build /usr/bin/python3 "$root/bench/ka.py" "${1:-5}"
