#!/bin/sh
# The flow's programs beside stunnel and spiped: handshakes, memory, octets, the store, and real applications. About eight
# minutes on two cores.
#
#   bench/relay.sh [--report] [--section relay|applications|dtls] [folder for the results, default build/bench-result]
#
# With "docs" as the folder the tables go into docs/performance.md. The exit status is 1 where a limit is missed; with
# --report a missed limit is only told. A section alone is printed and not kept.
#
# AKMA_BUILD           build folder, default build/relay
# AKMA_BENCH_SECONDS   of each measurement, default 3
# AKMA_BENCH_HELD      connections held at most, default 8000
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${AKMA_BUILD:-$root/build/relay}
results=$root/build/bench-result
for word; do
    shift
    case $word in
    -*) set -- "$@" "$word" ;;
    relay | applications | dtls) set -- "$@" "$word" ;; # of --section
    *) results=$word ;;
    esac
done

"$root/scripts/install-packages.sh" @module @programs @relay python3

(cd "$root" && cmake --preset release -B "$build" -DAKMA_BENCH=ON -DAKMA_E2E=ON) >/dev/null
cmake --build "$build"
mkdir -p "$results"
# shellcheck disable=SC3045 # every Debian sh has it
ulimit -n "$(ulimit -Hn)"
OPENSSL_CONF=$root/openssl.cnf.example OPENSSL_MODULES=$build \
    /usr/bin/python3 "$root/bench/relay.py" "$@" "$build" "$results"
