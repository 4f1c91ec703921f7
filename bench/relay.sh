#!/bin/sh
# The flow's programs beside stunnel: handshakes, memory, octets, and the store. About three minutes on two cores.
#
#   bench/relay.sh [folder for the results, default build/bench-result]
#
# With "docs" as the folder the tables go into docs/performance.md.
#
# AKMA_BUILD           build folder, default build/relay
# AKMA_BENCH_SECONDS   of each measurement, default 3
# AKMA_BENCH_HELD      connections held at most, default 8000
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${AKMA_BUILD:-$root/build/relay}
results=${1:-$root/build/bench-result}

"$root/scripts/install-packages.sh" @module @programs stunnel4 redis-server python3 python3-matplotlib

(cd "$root" && cmake --preset release -B "$build" -DAKMA_BENCH=ON -DAKMA_E2E=ON) >/dev/null
cmake --build "$build"
mkdir -p "$results"
# shellcheck disable=SC3045 # every Debian sh has it
ulimit -n "$(ulimit -Hn)"
OPENSSL_CONF=$root/openssl.cnf.example OPENSSL_MODULES=$build \
    /usr/bin/python3 "$root/bench/relay.py" "$build" "$results"
