#!/bin/sh
# How long a Ka is looked up in a PostgreSQL of so many rows, at 80% of the flows a second that e2e-as does with it. The exit
# status is 1 where more than one look-up in a hundred takes longer than 5 ms. Ten million rows take some 2 GB of the folder for
# temporary files.
#
#   bench/ka_rows.sh [rows, default 10000000] [seconds of a run, default 20] [realtime]
#
# realtime, as root: for a machine that does other work as well, which then waits.
#
# AKMA_BUILD   build folder, default build/bench
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${AKMA_BUILD:-$root/build/bench}

"$root/scripts/install-packages.sh" @module @programs @suite postgresql
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DAKMA_ALL=ON >/dev/null
cmake --build "$build" -- --quiet
AKMA_BUILD=$build /usr/bin/python3 "$root/bench/ka_rows.py" "${1:-10000000}" "${2:-20}" ${3:+"$3"}
