#!/bin/sh
# Build everything and run the tests; installs what is missing (Debian, as root or with sudo).
#
#   test/run.sh [arguments of pytest]
#
# AKMA_BUILD         build folder, default build/test
# AKMA_CMAKE_FLAGS   further arguments of cmake
# AKMA_PRELOAD       libraries that the tests run with
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
AKMA_BUILD=${AKMA_BUILD:-$root/build/test}
export AKMA_BUILD

"$root/scripts/install-packages.sh" cmake ninja-build gcc g++ libc6-dev libssl-dev pkg-config openssl libjansson-dev \
    libevent-dev binutils valgrind mandoc groff-base python3 python3-pytest python3-hypothesis python3-cryptography \
    python3-cffi python3-pip python3-setuptools python3-wheel

# shellcheck disable=SC2086 # flags are words
cmake -S "$root" -B "$AKMA_BUILD" -G Ninja -DAKMA_ALL=ON \
    ${AKMA_CMAKE_FLAGS:-} >/dev/null
cmake --build "$AKMA_BUILD"
cd "$root"
LD_PRELOAD=${AKMA_PRELOAD:-} exec /usr/bin/python3 -m pytest "$@"
