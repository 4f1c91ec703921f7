#!/bin/sh
# The drivers of test/hardening, and short lives of the programs, under the tools that watch memory, threads and branches.
#
#   test/checks/hardening.sh           some minutes
#   test/checks/hardening.sh module    of that what needs none of the programs
#   test/checks/hardening.sh programs  the rest
#   test/checks/hardening.sh long      what takes long: ThreadSanitizer over everything that the programs do at once,
#                                      10 million derivations and 10,000 loads
#
# AKMA_BUILD   folder for the builds, default build/hardening
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${AKMA_BUILD:-$root/build/hardening}
part=${1:-short}
programs=ON
[ "$part" != module ] || programs=OFF
runs=0
mkdir -p "$build"
"$root/scripts/install-packages.sh" @module @programs @suite

# make_build <name> <compiler flags> [further arguments of cmake]: without what would hide a fault from these tools
make_build() {
    name=$1 flags=$2
    shift 2
    (cd "$root" && cmake --preset debug -B "$build/$name" -DAKMA_ALL=OFF -DAKMA_TESTS=ON -DAKMA_HARDEN=OFF \
        -DAKMA_E2E=$programs -DAKMA_TOOL=$programs -DCMAKE_C_FLAGS="$flags" "$@" && cmake --build "$build/$name") \
        >"$build/$name.log" 2>&1 || {
        tail -n 40 "$build/$name.log"
        exit 1
    }
}

# instrumented <build> <function of the sanitizer's>: or it could report nothing
instrumented() {
    for file in akma.so e2e/e2e-as e2e/e2e-ue tool/akma; do
        grep -q "$2" "$build/$1/$file" || {
            echo "hardening: $1/$file does not call $2"
            exit 1
        }
    done
}

# run <build> <what> <command of the driver ...>
run() {
    drivers=$build/$1/test/hardening
    echo "== $2"
    (
        export OPENSSL_CONF=/dev/null OPENSSL_MODULES="$build/$1"
        shift 2
        "$@"
    )
    runs=$((runs + 1))
}

# run_tests <build> <what> <arguments of pytest ...>: a sanitizer's report fails, whatever became of the program's status
run_tests() {
    reports=$(mktemp -d)
    chmod 1777 "$reports"
    echo "== $2"
    (
        cd "$root"
        export AKMA_BUILD="$build/$1"
        export TSAN_OPTIONS="halt_on_error=1 exitcode=66 log_path=$reports/report"
        export ASAN_OPTIONS="log_path=$reports/report" UBSAN_OPTIONS="log_path=$reports/report"
        shift 2
        /usr/bin/python3 -m pytest -q "$@" && status=0 || status=$?
        echo "$status" >"$build/status"
    ) | tee "$build/output"
    # (a warning of libcrypto's ASYNC jobs is none, as in sanitize.sh)
    find "$reports" -type f | while read -r file; do
        grep -q -v -e ' is ignoring requested __asan_handle_no_return: ' -e '^False positive error reports may follow$' \
            -e '^For details see https://github.com/google/sanitizers/issues/189$' "$file" || rm "$file"
    done
    [ -z "$(ls -A "$reports")" ] || {
        cat "$reports"/*
        exit 1
    }
    rmdir "$reports"
    [ "$(cat "$build/status")" -eq 0 ]
    tail -n 1 "$build/output" | grep -q '[1-9][0-9]* passed' || {
        echo "hardening: no test has passed"
        exit 1
    }
    runs=$((runs + 1))
}

# run_chosen <build> <what> <words> <files of tests ...>: tests whose names have one of the words; each word has to be in a name
run_chosen() {
    chosen_in=$1 what=$2 words=$3
    shift 3
    for word in $words; do
        (cd "$root" && AKMA_BUILD="$build/$chosen_in" /usr/bin/python3 -m pytest -q --collect-only -k "$word" "$@") \
            >"$build/chosen" || {
            echo "hardening: no test is called $word: $(tail -n 1 "$build/chosen")"
            exit 1
        }
    done
    run_tests "$chosen_in" "$what" "$@" -k "$(echo "$words" | sed 's/ / or /g')"
}

memcheck() {
    valgrind --quiet --leak-check=full --error-exitcode=9 "$@"
}

# The control has to be reported, or the tool sees nothing.
constant_time() {
    supp=$root/test/hardening/declassified.supp
    valgrind --quiet --error-exitcode=9 --suppressions="$supp" "$drivers/constant_time" derive
    valgrind --quiet --error-exitcode=9 --suppressions="$supp" "$drivers/constant_time" control \
        >/dev/null 2>&1 && status=0 || status=$?
    [ "$status" -eq 9 ]
}

make_build plain "-g -O2"
drivers=$build/plain/test/hardening
if [ "$part" = long ]; then
    run plain "10 million derivations, 10,000 loads" "$drivers/endless" 10000000 10000
    "$root/scripts/install-packages.sh" @consumers
    make_build thread "-g -O1 -fsanitize=thread"
    AKMA_UES=40
    export AKMA_UES
    instrumented thread __tsan_read
    run_chosen thread "the flow, ThreadSanitizer" \
        "at_once same_time crowd garbage sigterm reload revocation hangs drain second_signal" \
        test/flow/test_flow.py test/flow/test_flow_link.py test/flow/test_flow_operation.py
    run_chosen thread "keys from an operator, ThreadSanitizer" \
        "token thousand flood question forgotten cache under_way separate" \
        test/operator/test_operator.py test/operator/test_operator_revocation.py
    run_tests thread "DTLS and TLS 1.2, ThreadSanitizer" test/dtls
    make_build preload "-g -O2" -DAKMA_PLUGINS=ON -DAKMA_BENCH=ON -DAKMA_GBA=ON
    echo "== calls that fail once, in each role"
    AKMA_BUILD="$build/preload" /usr/bin/python3 "$root/test/checks/passing_faults.py" --ways 9
    echo "hardening: $((runs + 1)) long runs, passed"
    exit
fi
if [ "$part" != programs ]; then
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
fi
if [ "$part" = module ]; then
    echo "hardening: $runs runs, passed"
    exit
fi
run_tests plain "secrets of the programs" test/flow/test_flow_remanence.py test/tool/test_tool_remanence.py

make_build thread "-g -O1 -fsanitize=thread"
"$root/scripts/install-packages.sh" @consumers
instrumented thread __tsan_read
TSAN_OPTIONS="halt_on_error=1 exitcode=66"
export TSAN_OPTIONS
run thread "eight threads, ThreadSanitizer" "$build/thread/test/hardening/lifecycle" threads 30
run_tests thread "a short life of each program, ThreadSanitizer" -m life

make_build address "" -DAKMA_SANITIZE=ON
instrumented address __asan_report_load
for driver in "lifecycle once" "lifecycle threads 10" failing; do
    # shellcheck disable=SC2086 # a driver and its arguments
    run address "$driver, AddressSanitizer with leaks" "$build/address/test/hardening/"$driver
done
run address "what is read while allocations fail, AddressSanitizer with leaks" "$build/address/test/hardening/parsing"

# A stack that e2e-as forgets is a leak. Its clients are stock ones, which load the module without a sanitizer.
mkdir -p "$build/mixed"
ln -sfn "$build/address/e2e" "$build/mixed/e2e"
ln -sfn "$build/address/tool" "$build/mixed/tool"
ln -sfn "$build/plain/akma.so" "$build/mixed/akma.so"
ln -sfn "$build/address/CMakeCache.txt" "$build/mixed/CMakeCache.txt"
run_tests mixed "handshakes that end while they wait for a key, AddressSanitizer with leaks" \
    test/dtls/test_dtls.py -k paused_handshakes_end
run_tests mixed "a short life of each program, AddressSanitizer with leaks" -m life

# Both sides of a link in one: a certificate that is its own CA.
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
openssl req -config /etc/ssl/openssl.cnf -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=naf.example.com \
    -addext subjectAltName=DNS:naf.example.com -keyout "$folder/line.key" -out "$folder/line.pem" 2>/dev/null
(
    umask 077
    printf 'identity,ks-naf,ka\nue,%s,%s\nbare,%s,\n' "$(openssl rand -hex 32)" "$(openssl rand -hex 32)" \
        "$(openssl rand -hex 32)" >"$folder/devices.csv"
)
echo "== e2e-as while allocations fail, AddressSanitizer with leaks"
for version in "" tls12 udp; do
    env OPENSSL_CONF="$root/openssl.cnf.example" OPENSSL_MODULES="$build/address" \
        "$build/address/test/hardening/server_oom" "$folder" $version 2>"$folder/log" || {
        grep -v '^time=' "$folder/log"
        exit 1
    }
done
echo "hardening: $((runs + 1)) runs, passed"
