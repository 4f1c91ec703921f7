#!/bin/sh
# Run every fuzz target, each for so many seconds, from its corpus.
#
#   test/checks/fuzz.sh [seconds, default 60] [folder for what is found, default build/fuzz-found]
#
# AKMA_BUILD   build folder, default build/fuzz
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${AKMA_BUILD:-$root/build/fuzz}
seconds=${1:-60}
found=${2:-$root/build/fuzz-found}
"$root/scripts/install-packages.sh" @module @programs @fuzz

(cd "$root" && cmake --preset fuzz -B "$build") >/dev/null
cmake --build "$build" >/dev/null
export OPENSSL_CONF=/dev/null
for target in kdf policy lines operator party store psk source; do
    mkdir -p "$found/$target" "$build/corpus/$target"
    echo "== fuzz-$target, $seconds seconds"
    "$build/test/fuzz/fuzz-$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="$found/$target/" \
        "$build/corpus/$target" "$root/test/fuzz/corpus/$target" 2>&1 |
        grep -E '^stat::number_of_executed_units|ERROR|SUMMARY|^    #' || true
    [ -z "$(ls -A "$found/$target")" ] || {
        echo "found: $found/$target"
        exit 1
    }
done
echo "fuzz: nothing found"
