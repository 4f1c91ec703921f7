#!/bin/sh
# The drivers of test/hardening under the tools that watch memory, threads and branches.
#
#   test/checks/hardening.sh           the short run, some minutes
#   test/checks/hardening.sh module    of that what needs no sanitizer and none of the programs
#   test/checks/hardening.sh endless   10 million derivations and 10,000 loads instead
#
# AKMA_BUILD   folder for the builds, default build/hardening
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${AKMA_BUILD:-$root/build/hardening}
"$root/scripts/install-packages.sh" @module @programs @suite

# make_build <name> <compiler flags> [further arguments of cmake]
make_build() {
    name=$1 flags=$2
    shift 2
    (cd "$root" && cmake --preset debug -B "$build/$name" -DAKMA_ALL=OFF -DAKMA_TESTS=ON \
        -DCMAKE_C_FLAGS="$flags" "$@") >/dev/null
    cmake --build "$build/$name" >/dev/null
}

# run <build> <what> <command of the driver ...>
run() {
    OPENSSL_CONF=/dev/null
    OPENSSL_MODULES=$build/$1
    export OPENSSL_CONF OPENSSL_MODULES
    drivers=$build/$1/test/hardening
    echo "== $2"
    shift 2
    "$@"
}

memcheck() {
    valgrind --quiet --leak-check=full --error-exitcode=9 "$@"
}

# The control has to be reported, or the tool sees nothing.
constant_time() {
    supp=$root/test/hardening/declassified.supp
    valgrind --quiet --error-exitcode=9 --suppressions="$supp" "$drivers/constant_time" derive
    ! valgrind --quiet --error-exitcode=9 --suppressions="$supp" "$drivers/constant_time" control \
        >/dev/null 2>&1
}

make_build plain "-g -O2"
drivers=$build/plain/test/hardening
if [ "${1:-}" = endless ]; then
    run plain "10 million derivations, 10,000 loads" "$drivers/endless" 10000000 10000
    exit
fi
run plain "life cycles, memcheck" memcheck "$drivers/lifecycle" once
run plain "library contexts freed first, memcheck" memcheck "$drivers/lifecycle" late
run plain "an algorithm freed at exit, memcheck" memcheck "$drivers/lifecycle" exit
run plain "allocations that fail, memcheck" memcheck "$drivers/allocation"
run plain "HMAC that fails, memcheck" memcheck "$drivers/failing"
run plain "two first fetches at once, memcheck" memcheck "$drivers/race"
run plain "odd cores" "$drivers/core"
run plain "secrets in memory" "$drivers/secrets"
run plain "secrets in the secure heap" "$drivers/secrets" secure
run plain "constant time" constant_time
run plain "endless, short" "$drivers/endless" 500000 500

[ "${1:-}" != module ] || exit 0

make_build thread "-g -O1 -fsanitize=thread" -DAKMA_E2E=ON
TSAN_OPTIONS="halt_on_error=1 exitcode=66"
export TSAN_OPTIONS
run thread "eight threads, ThreadSanitizer" "$build/thread/test/hardening/lifecycle" threads 30
(
    cd "$root"
    run thread "the example server, ThreadSanitizer" env -u OPENSSL_CONF -u OPENSSL_MODULES AKMA_UES=40 \
        AKMA_BUILD="$build/thread" /usr/bin/python3 -m pytest -q \
        test/suite/test_flow.py test/suite/test_flow_line.py test/suite/test_flow_operation.py \
        -k "at_once or same_time or crowd or garbage or sigterm or reload or revocation or hangs or drain or second_signal"
)

(
    "$root/scripts/install-packages.sh" @consumers
    cd "$root"
    run thread "keys from an operator, ThreadSanitizer" env -u OPENSSL_CONF -u OPENSSL_MODULES \
        AKMA_BUILD="$build/thread" /usr/bin/python3 -m pytest -q \
        test/consumers/test_operator.py test/consumers/test_operator_revocation.py \
        -k "token or thousand or flood or question or forgotten or cache or under_way or apart"
)

make_build address "" -DAKMA_SANITIZE=ON -DAKMA_E2E=ON
for driver in "lifecycle once" "lifecycle threads 10" failing; do
    # shellcheck disable=SC2086 # a driver and its arguments
    run address "$driver, AddressSanitizer with leaks" "$build/address/test/hardening/"$driver
done
run address "what is read while allocations fail, AddressSanitizer with leaks" "$build/address/test/hardening/parsing"

# Both sides of a line in one: a certificate that is its own CA.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
openssl req -config /etc/ssl/openssl.cnf -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=naf.example.com \
    -addext subjectAltName=DNS:naf.example.com -keyout "$folder/line.key" -out "$folder/line.pem" 2>/dev/null
(
    umask 077
    printf 'identity,ks-naf,ka\nue,%s,%s\nbare,%s,\n' "$(openssl rand -hex 32)" "$(openssl rand -hex 32)" \
        "$(openssl rand -hex 32)" >"$folder/devices.csv"
)
OPENSSL_CONF=$root/openssl.cnf.example
echo "== e2e-as while allocations fail, AddressSanitizer with leaks"
"$build/address/test/hardening/server_oom" "$folder" 2>"$folder/log" || {
    grep -v '^time=' "$folder/log"
    exit 1
}

make_build preload "-g -O2" -DAKMA_E2E=ON -DAKMA_TOOL=ON -DAKMA_PLUGINS=ON -DAKMA_BENCH=ON
echo "== calls that fail once, in each role"
AKMA_BUILD="$build/preload" /usr/bin/python3 "$root/test/checks/passing_faults.py" --sample "${AKMA_SAMPLE:-12}"
echo "hardening: all well"
