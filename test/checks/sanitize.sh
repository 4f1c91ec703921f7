#!/bin/sh
# The whole suite with everything of ours under AddressSanitizer and UndefinedBehaviorSanitizer.
#
#   test/checks/sanitize.sh [arguments of pytest]
#
# With -m slow test/operator as arguments: keys from an operator (test/checks/consumers.sh has its packages).
#
# Leaks are looked for by test/checks/hardening.sh: python and openssl keep some of their own at exit.
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
"$root/scripts/install-packages.sh" gcc
reports=$(mktemp -d)
trap 'rm -rf "$reports"' EXIT
chmod 1777 "$reports" # for any user that a program runs as
AKMA_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)"
# (troff frees by the wrong one of C++'s ways, of which ours has none)
ASAN_OPTIONS=detect_leaks=0:alloc_dealloc_mismatch=0:abort_on_error=1:detect_stack_use_after_return=1:log_path=$reports/address
UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1:log_path=$reports/undefined
AKMA_PRESET=sanitize
AKMA_UES=60 # a server that is slower by much serves so many within a UE's limits
export AKMA_PRELOAD ASAN_OPTIONS UBSAN_OPTIONS AKMA_PRESET AKMA_UES
"$root/test/run.sh" -m "not builds and not slow" "$@" && status=0 || status=$?
# libcrypto's ASYNC jobs have stacks of their own: of that it warns, and it is no report.
find "$reports" -type f | while read -r file; do
    grep -q -v -e ' is ignoring requested __asan_handle_no_return: ' -e '^False positive error reports may follow$' \
        -e '^For details see https://github.com/google/sanitizers/issues/189$' "$file" || rm "$file"
done
# A test may not look at how a program ended.
[ -z "$(ls -A "$reports")" ] || {
    cat "$reports"/*
    exit 1
}
[ "$status" -eq 0 ] || exit "$status"
# Or nothing could have been reported.
cd "$root"
for file in akma.so e2e/e2e-as e2e/e2e-ue tool/akma; do
    grep -q __asan_report_load "${AKMA_BUILD:-build/sanitize}/$file" || {
        echo "sanitize: $file was built without AddressSanitizer"
        exit 1
    }
done
