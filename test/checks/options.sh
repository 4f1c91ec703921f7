#!/bin/sh
# Everything compiles and links, warnings as errors, with each option of CMake alone, and with none of the libraries that may
# be missing.
#
#   test/checks/options.sh
#
# AKMA_BUILD   build folder, default build/options
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${AKMA_BUILD:-$root/build/options}
"$root/scripts/install-packages.sh" @module @programs mosquitto-dev libmosquitto-dev
mkdir -p "$build"
builds=0

# try <name> <arguments of cmake ...>
try() {
    name=$1
    shift
    (cmake -S "$root" -B "$build/$name" -G Ninja -DCMAKE_BUILD_TYPE=Debug -DCMAKE_C_FLAGS="-O1 -Werror" "$@" &&
        cmake --build "$build/$name") >"$build/$name.log" 2>&1 || {
        tail -n 40 "$build/$name.log"
        echo "options: $* does not build"
        exit 1
    }
    grep -c '^-- .*left out\|^-- Without ' "$build/$name.log" >"$build/$name.without" || true
    echo "$name: $*"
    builds=$((builds + 1))
}

# pkg-config of a machine that lacks what every program can do without
cat >"$build/pkg-config" <<'END'
#!/bin/sh
for word; do
    case $word in
    libpq* | p11-kit-1* | libpcsclite* | libcoap*) exit 1 ;;
    esac
done
exec pkg-config "$@"
END
chmod +x "$build/pkg-config"
rm -rf "$build/few"
try few -DAKMA_ALL=ON -DPKG_CONFIG_EXECUTABLE="$build/pkg-config"
[ "$(cat "$build/few.without")" -gt 0 ] || {
    echo "options: nothing was missing where libraries are: this check tried nothing"
    exit 1
}
# shellcheck disable=SC2013,SC2016 # names without blanks; CMake's own variable
for option in $(sed -n 's/^option(AKMA_\([A-Z0-9]*\) .*\${AKMA_ALL})$/\1/p' "$root/CMakeLists.txt"); do
    rm -rf "${build:?}/$option"
    try "$option" "-DAKMA_$option=ON"
done
[ "$builds" -gt 1 ]
echo "options: $builds builds, passed"
