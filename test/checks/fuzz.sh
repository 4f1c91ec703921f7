#!/bin/sh
# Run every fuzz target, each for so many seconds, from its corpus. It fails where a target finds something, cannot be run,
# or tried no input.
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
cmake --build "$build" -- --quiet
export OPENSSL_CONF=/dev/null
targets=0 inputs=0
for file in "$root"/test/fuzz/*.c; do
    target=$(basename "$file" .c)
    mkdir -p "$found/$target" "$build/corpus/$target"
    echo "== fuzz-$target, $seconds seconds"
    "$build/test/fuzz/fuzz-$target" -max_total_time="$seconds" -max_len=4096 -timeout=10 -verbosity=0 \
        -print_final_stats=1 -artifact_prefix="$found/$target/" \
        "$build/corpus/$target" "$root/test/fuzz/corpus/$target" >"$build/$target.log" 2>&1 || {
        status=$?
        tail -n 60 "$build/$target.log"
        echo "fuzz-$target ended with status $status; what it found is in $found/$target"
        exit 1
    }
    tried=$(sed -n 's/^stat::number_of_executed_units: *//p' "$build/$target.log")
    echo "${tried:-no} inputs"
    if [ "${tried:-0}" -eq 0 ] || [ -n "$(ls -A "$found/$target")" ]; then
        echo "fuzz-$target tried nothing, or left something in $found/$target"
        exit 1
    fi
    targets=$((targets + 1)) inputs=$((inputs + tried))
done
[ "$targets" -gt 0 ]
echo "fuzz: $targets targets, $inputs inputs, nothing found"
