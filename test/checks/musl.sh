#!/bin/sh
# Everything compiles for musl: every C file of module, programs, plugin, examples (not the device's) and benchmark, with
# musl's own headers and warnings as errors. It is not linked: the libraries that are here are those of the GNU C library.
#
#   test/checks/musl.sh
#
# AKMA_BUILD   build folder, default build/musl
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${AKMA_BUILD:-$root/build/musl}
"$root/scripts/install-packages.sh" @module @programs @musl mosquitto-dev libmosquitto-dev
mkdir -p "$build"
build=$(cd "$build" && pwd)

# The libraries' headers, without those of this machine's C library beside them.
rm -rf "$build/include"
mkdir -p "$build/include"
multiarch=$(gcc -print-multiarch)
for header in openssl event2 event.h evutil.h evdns.h evhttp.h evrpc.h hiredis nghttp2 jansson.h jansson_config.h expat.h \
    expat_external.h expat_config.h curl coap3 \
    mosquitto.h mosquitto_broker.h mosquitto_plugin.h mqtt_protocol.h; do
    for from in "/usr/include/$multiarch" /usr/include; do
        [ ! -e "$from/$header" ] || cp -rL "$from/$header" "$build/include"
    done
done
cp -L "/usr/include/$multiarch"/openssl/*.h "$build/include/openssl"

PKG_CONFIG_SYSTEM_INCLUDE_PATH=/usr/include:/usr/include/$multiarch
export PKG_CONFIG_SYSTEM_INCLUDE_PATH
cmake -S "$root" -B "$build" -G Ninja -DCMAKE_C_COMPILER=musl-gcc \
    -DCMAKE_C_FLAGS="-Werror -isystem $build/include" -DOPENSSL_INCLUDE_DIR="$build/include" \
    -DMOSQUITTO_INCLUDE_DIR="$build/include" \
    -DLIBMOSQUITTO_INCLUDE_DIR="$build/include" \
    -DCMAKE_EXPORT_COMPILE_COMMANDS=ON \
    -DAKMA_E2E=ON -DAKMA_TOOL=ON -DAKMA_GBA=ON -DAKMA_PLUGINS=ON -DAKMA_EXAMPLES=ON -DAKMA_BENCH=ON >"$build/log" 2>&1 || {
    tail -n 40 "$build/log"
    exit 1
}
objects=$(ninja -C "$build" -t targets all | sed -n 's/: C_COMPILER__.*//p')
# shellcheck disable=SC2086 # a list of files
ninja -C "$build" -k 0 $objects >"$build/log" 2>&1 || {
    grep -E 'error|FAILED' "$build/log"
    exit 1
}
# A file whose library this machine lacks would be left out in silence: its stand-in would be compiled.
(cd "$root" && git ls-files provider common master e2e gba tool plugins examples bench) | grep '\.c$' |
    grep -v '^examples/device/\|_absent\.c$\|_none\.c$' >"$build/sources"
while read -r file; do
    grep -qF "\"file\": \"$root/$file\"" "$build/compile_commands.json" || echo "musl: $file is not compiled"
done <"$build/sources" >"$build/missing"
[ ! -s "$build/missing" ] || {
    cat "$build/missing"
    exit 1
}
# shellcheck disable=SC2086
set -- $objects
echo "musl: $# objects compiled"
