#!/bin/sh
# Build the benchmark, run it, report against the limits and draw; installs what is missing (Debian,
# as root or with sudo). Takes some minutes and, for a million contexts, 3 GB of memory.
#
#   bench/run.sh [folder]    for performance.json and performance-*.png, .svg; default build/bench-result
#
# Where the folder is docs, the tables of docs/performance.md are renewed as well.
#
# AKMA_BUILD           build folder, default build/bench
# AKMA_BENCH_ROUNDS    rounds of the comparison, default 501
# AKMA_BENCH_CONTEXTS  live contexts at most, default 1000000
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${AKMA_BUILD:-$root/build/bench}
results=${1:-$root/build/bench-result}

"$root/scripts/install-packages.sh" @module python3 python3-matplotlib

(cd "$root" && cmake --preset release -B "$build" -DAKMA_BENCH=ON) >/dev/null
cmake --build "$build"
mkdir -p "$results"
results=$(cd "$results" && pwd)

OPENSSL_CONF=$root/openssl.cnf.example OPENSSL_MODULES=$build \
    "$build/bench/bench" "${AKMA_BENCH_ROUNDS:-501}" "${AKMA_BENCH_CONTEXTS:-1000000}" \
    >"$results/performance.json"
/usr/bin/python3 "$root/bench/plot.py" "$results/performance.json"
/usr/bin/python3 "$root/bench/report.py" "$results/performance.json"
