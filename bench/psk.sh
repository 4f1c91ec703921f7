#!/bin/sh
# How many devices a second `akma psk` keys on two processors, beside the bare derivations, a loop of Python's hmac and one
# of `openssl kdf`; the exit status is 1 where a limit is missed. Takes about a minute.
#
#   bench/psk.sh [devices]     default 1000000
#
# AKMA_BUILD   build folder, default build/bench
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
build=${AKMA_BUILD:-$root/build/bench}
count=${1:-1000000}

"$root/scripts/install-packages.sh" cmake ninja-build gcc libc6-dev libssl-dev pkg-config openssl python3
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_BUILD_TYPE=Release -DAKMA_TOOL=ON -DAKMA_BENCH=ON >/dev/null
cmake --build "$build" -- --quiet
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
export OPENSSL_CONF="$root/openssl.cnf.example" OPENSSL_MODULES="$build"
/usr/bin/python3 "$root/bench/psk.py" "$build/tool/akma" "$build/bench/bare" "$folder" "$count"
