#!/bin/sh
# Flows against e2e-as for so long: resident memory and descriptors stay as they were after the first minute.
#
#   test/checks/soak.sh [minutes, default 60]
#
# AKMA_BUILD   build folder, default build/soak; built with -DAKMA_ALL=ON
#
# Prints a line a minute. It fails where e2e-as grows by more than a twentieth and 1 MiB, keeps a descriptor, or ends.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${AKMA_BUILD:-$root/build/soak}
minutes=${1:-60}
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

cmake -S "$root" -B "$build" -G Ninja -DAKMA_ALL=ON >/dev/null
cmake --build "$build" --target akma e2e-as load >/dev/null
export OPENSSL_CONF="$root/openssl.cnf.example" OPENSSL_MODULES="$build"

umask 077
{
    echo identity,ks-naf,ka
    for number in $(seq 100); do
        echo "ue-$number@bsf.example.com,$(openssl rand -hex 32),$(openssl rand -hex 32)"
    done
} >"$folder/devices.csv"
"$build/e2e/e2e-as" --accept 127.0.0.1:0 --e2e-accept 127.0.0.1:0 --devices "$folder/devices.csv" \
    --naf-fqdn naf.example.com >"$folder/out" 2>/dev/null &
server=$!
until grep -q '^e2e-accept ' "$folder/out"; do
    kill -0 "$server"
    sleep 0.1
done
accept=$(sed -n 's/^accept //p' "$folder/out")
e2e_accept=$(sed -n 's/^e2e-accept //p' "$folder/out")

resident() { awk '/^VmRSS:/ {print $2}' "/proc/$server/status"; } # KiB
descriptors() { find "/proc/$server/fd" -type l 2>/dev/null | wc -l; }

run_flows() {
    "$build/bench/load" --way flow --task visit --connect "$accept" --e2e-connect "$e2e_accept" \
        --devices "$folder/devices.csv" --clients 16 --seconds 60 >/dev/null
    sleep 1
}

run_flows
resident_before=$(resident)
descriptors_before=$(descriptors)
limit=$((resident_before + resident_before / 20 + 1024))
for minute in $(seq "$minutes"); do
    run_flows
    resident_now=$(resident)
    descriptors_now=$(descriptors)
    echo "minute $minute: $resident_now KiB ($resident_before), $descriptors_now descriptors ($descriptors_before)"
    if [ "$resident_now" -gt "$limit" ] || [ "$descriptors_now" -gt "$descriptors_before" ]; then
        echo "soak: e2e-as grows"
        exit 1
    fi
done
echo "soak: flat for $minutes minutes"
