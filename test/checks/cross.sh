#!/bin/sh
# Cross-compile for another architecture of Debian; the vectors, and the drivers of test/hardening, under qemu-user,
# where this kernel does not run them itself. As root: it adds the architecture to this Debian, so matrix.sh runs it in a root.
#
#   test/checks/cross.sh <architecture, such as s390x>
#
# AKMA_BUILD   build folder, default build/<architecture>
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
architecture=$1
AKMA_BUILD=${AKMA_BUILD:-$root/build/$architecture}
export AKMA_BUILD

dpkg --add-architecture "$architecture"
"$root/scripts/install-packages.sh" dpkg-dev
triplet=$(dpkg-architecture -a "$architecture" -q DEB_HOST_GNU_TYPE)
"$root/scripts/install-packages.sh" @module @suite "gcc-$triplet" "g++-$triplet" "libssl-dev:$architecture" \
    qemu-user-static
cmake -S "$root" -B "$AKMA_BUILD" -G Ninja -DCMAKE_TOOLCHAIN_FILE="$root/cmake/debian-cross.cmake" \
    -DAKMA_TRIPLET="$triplet" -DAKMA_TESTS=ON >/dev/null
cmake --build "$AKMA_BUILD"

OPENSSL_CONF=/dev/null
OPENSSL_MODULES=$AKMA_BUILD
AKMA_EMULATOR=qemu-$architecture-static
export OPENSSL_CONF OPENSSL_MODULES AKMA_EMULATOR
# Some machines run it as it is, as x86-64 mostly does i386.
! "$AKMA_BUILD/test/hardening/core" >/dev/null 2>&1 || AKMA_EMULATOR=""
for driver in "lifecycle once" allocation failing core "endless 1000 10"; do
    echo "== $driver"
    # shellcheck disable=SC2086 # a driver and its arguments
    $AKMA_EMULATOR "$AKMA_BUILD/test/hardening/"$driver
done
cd "$root"
/usr/bin/python3 -m pytest -q -k test_c_client test/module/test_vectors.py
