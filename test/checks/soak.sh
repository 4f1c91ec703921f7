#!/bin/sh
# Flows for so long: resident memory and descriptors stay as they were after the first minute.
#
#   test/checks/soak.sh [minutes, default 60] [relay | loss | fire | ka]
#
# Against e2e-as with its echo; with "relay" plain connections through e2e-ue --listen and e2e-as --forward to an
# application, and both programs are looked at.
#
# With "loss" flows over DTLS, as root, in a network of its own that loses one datagram in ten each way.
#
# With "fire" the whole deployment, whose parts fail every few seconds: test/checks/under_fire.py. With "ka" Ka's in a PostgreSQL
# and in a token, each of which is killed again and again: test/checks/ka_under_fire.py.
#
# AKMA_BUILD     build folder, default build/soak; built with -DAKMA_ALL=ON
# AKMA_CLIENTS   so many at once, default 16
#
# Prints a line a minute. It fails where a program grows by more than a twentieth and 1 MiB, keeps a descriptor, or ends.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${AKMA_BUILD:-$root/build/soak}
minutes=${1:-60}
what=${2:-echo}

if [ "$what" = fire ]; then
    cmake -S "$root" -B "$build" -G Ninja -DAKMA_ALL=ON >/dev/null
    cmake --build "$build" -- --quiet
    "$root/scripts/install-packages.sh" @consumers @relay
    AKMA_BUILD=$(cd "$build" && pwd)
    export AKMA_BUILD
    exec /usr/bin/python3 "$root/test/checks/under_fire.py" --minutes "$minutes" \
        --held "${AKMA_HELD:-8000}"
fi
if [ "$what" = loss ] && [ "${AKMA_LOSSY:-}" != yes ]; then
    AKMA_LOSSY=yes exec unshare --net "$0" "$minutes" loss
fi
if [ "$what" = ka ]; then
    cmake -S "$root" -B "$build" -G Ninja -DAKMA_ALL=ON >/dev/null
    cmake --build "$build" -- --quiet
    "$root/scripts/install-packages.sh" @consumers
    AKMA_BUILD=$(cd "$build" && pwd)
    export AKMA_BUILD
    exec /usr/bin/python3 "$root/test/checks/ka_under_fire.py" --minutes "$minutes"
fi
folder=$(mktemp -d)
trap 'kill $(cat "$folder"/*.pid 2>/dev/null) 2>/dev/null || true; rm -rf "$folder"' EXIT
trap 'exit 1' INT TERM

cmake -S "$root" -B "$build" -G Ninja -DAKMA_ALL=ON >/dev/null
cmake --build "$build" --target akma e2e-as e2e-ue load echo -- --quiet
export OPENSSL_CONF="$root/openssl.cnf.example" OPENSSL_MODULES="$build"

umask 077
{
    echo identity,ks-naf,ka
    for number in $(seq 100); do
        echo "ue-$number@bsf.example.com,$(openssl rand -hex 32),$(openssl rand -hex 32)"
    done
} >"$folder/devices.csv"

udp=
if [ "$what" = loss ]; then
    udp=udp:
    ip link set lo up
    nft -f - <<'RULES'
table inet loss {
    chain input {
        type filter hook input priority 0;
        meta l4proto udp numgen random mod 100 < 10 drop
    }
}
RULES
fi

# start <name> <last address it prints> <command ...>; address <name> <address>: what it prints there
start() {
    name=$1 last=$2
    shift 2
    "$@" >"$folder/$name.out" 2>/dev/null &
    echo $! >"$folder/$name.pid"
    until grep -q "^$last " "$folder/$name.out"; do
        kill -0 "$(cat "$folder/$name.pid")"
        sleep 0.1
    done
}
address() { sed -n "s/^$2 //p" "$folder/$1.out"; }

serve() {
    start e2e-as e2e-accept "$build/e2e/e2e-as" --accept "${udp}127.0.0.1:0" --e2e-accept "${udp}127.0.0.1:0" \
        --naf-fqdn naf.example.com --devices "$folder/devices.csv" "$@"
}

if [ "$what" = relay ]; then
    programs="e2e-as e2e-ue"
    start echo echo "$build/bench/echo" 127.0.0.1:0
    serve --forward "$(address echo echo)" --connections-per-device 1000
    start e2e-ue listen "$build/e2e/e2e-ue" --listen 127.0.0.1:0 --connect "$(address e2e-as accept)" \
        --e2e-connect "$(address e2e-as e2e-accept)" --devices "$folder/devices.csv" --identity ue-1@bsf.example.com \
        --naf-fqdn naf.example.com
    set -- --way plain --connect "$(address e2e-ue listen)"
else
    programs=e2e-as
    if [ "$what" = loss ]; then # an end that is lost leaves its session to the time-out
        serve --dtls-ciphers ECDHE-PSK-CHACHA20-POLY1305 --idle-timeout 15 --handshake-timeout 60 --refresh-lifetime 60
    else
        serve
    fi
    set -- --way flow --connect "$(address e2e-as accept)" --e2e-connect "$(address e2e-as e2e-accept)" \
        --devices "$folder/devices.csv"
fi

run_flows() {
    "$build/bench/load" --task visit --clients "${AKMA_CLIENTS:-16}" --seconds 60 "$@" >"$folder/load" 2>&1 || {
        cat "$folder/load"
        exit 1
    }
    sleep 1
}
resident() { awk '/^VmRSS:/ {print $2}' "/proc/$(cat "$folder/$1.pid")/status"; } # KiB
descriptors() { find "/proc/$(cat "$folder/$1.pid")/fd" -type l | wc -l; }

run_flows "$@"
for program in $programs; do
    echo "$(resident "$program") $(descriptors "$program")" >"$folder/$program.before"
done
visits=0
for minute in $(seq "$minutes"); do
    run_flows "$@"
    visits=$((visits + $(sed -n 's/.*"visits": \([0-9]*\).*/\1/p' "$folder/load")))
    for program in $programs; do
        read -r resident_before descriptors_before <"$folder/$program.before"
        resident_now=$(resident "$program")
        descriptors_now=$(descriptors "$program")
        echo "minute $minute: $program: $resident_now KiB ($resident_before)," \
            "$descriptors_now descriptors ($descriptors_before), $visits visits"
        if [ "$resident_now" -gt $((resident_before + resident_before / 20 + 1024)) ] ||
            [ "$descriptors_now" -gt "$descriptors_before" ]; then
            echo "soak: $program grows"
            exit 1
        fi
    done
done
[ "$visits" -gt 0 ] # or nothing was soaked
echo "soak: $visits visits in $minutes minutes, and memory and descriptors are flat"
