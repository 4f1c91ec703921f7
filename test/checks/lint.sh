#!/bin/sh
# Every checker: .editorconfig, words that stop a reader, formats, shellcheck, black, mypy, clang-tidy, cppcheck,
# gcc -fanalyzer, scan-build; a sentence for each test; and that the faults of mutate.py fit the code.
#
#   test/checks/lint.sh
#
# AKMA_BUILD   build folder, default build/lint
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
build=${AKMA_BUILD:-$root/build/lint}
"$root/scripts/install-packages.sh" @module @programs @suite @lint @fuzz mosquitto-dev libmosquitto-dev
cd "$root"

c_files=$(find provider include common device e2e gba master plugins tool examples test bench proofs -name '*.[ch]')
# (those of a board have no compiler for it here, and host_ue.c is built by its test)
sources=$(find provider common device e2e gba master plugins tool examples test bench -name '*.c' -not -path 'test/fuzz/*' \
    -not -path '*/board/*' -not -name host_ue.c)
python_files=$(find scripts test bench python proofs -name "*.py")
shell_files="$(find scripts test examples bench proofs debian -name '*.sh') $(git grep -l '^#!/bin/sh' -- .ci debian)"

# configure <name> <compiler> <flags>: everything, without link-time optimisation, so that each file is looked at
configure() {
    cmake -S . -B "$build/$1" -G Ninja -DCMAKE_C_COMPILER="$2" -DCMAKE_C_FLAGS="$3" -DCMAKE_BUILD_TYPE=Debug \
        -DAKMA_ALL=ON >/dev/null
}

# shellcheck disable=SC2046,SC2086 # lists of files
{
    echo "== formats"
    /usr/bin/python3 test/checks/tree.py
    /usr/bin/python3 test/checks/english.py
    clang-format --dry-run --Werror $c_files
    black --quiet --check $python_files
    echo "== shellcheck"
    shellcheck $shell_files
    echo "== mypy"
    mypy test scripts python proofs bench
    echo "== a sentence for each test"
    /usr/bin/python3 test/checks/sentences.py
    echo "== faults that fit the code"
    test/checks/mutate.py --check
    echo "== compilers, warnings as errors, and each fuzz target over its corpus"
    configure gcc gcc -Werror
    cmake --build "$build/gcc" -- --quiet
    configure clang clang -Werror
    cmake --build "$build/clang" -- --quiet
    cmake --preset fuzz -B "$build/fuzz" -DCMAKE_C_FLAGS=-Werror >/dev/null
    cmake --build "$build/fuzz" -- --quiet
    for file in test/fuzz/*.c; do
        target=$(basename "$file" .c)
        OPENSSL_CONF=/dev/null "$build/fuzz/test/fuzz/fuzz-$target" -runs=0 -artifact_prefix="$build/fuzz/" \
            "test/fuzz/corpus/$target" 2>"$build/fuzz/log" || {
            cat "$build/fuzz/log"
            exit 1
        }
        grep -q '^INFO: seed corpus: files: [1-9]' "$build/fuzz/log" || {
            echo "lint: fuzz-$target has no input in test/fuzz/corpus/$target"
            exit 1
        }
    done
    echo "== gcc -fanalyzer"
    configure analyzer gcc "-O1 -fanalyzer -Werror"
    cmake --build "$build/analyzer" --target akma -- --quiet
    echo "== clang-tidy"
    clang-tidy -p "$build/clang" --quiet $sources 2>/dev/null
    clang-tidy --quiet test/device/host_ue.c -- -std=c11 -D_GNU_SOURCE -I device -I examples/device 2>/dev/null
    echo "== scan-build"
    rm -rf "$build/scan"
    scan-build --status-bugs -o "$build/scan-report" cmake -S . -B "$build/scan" -G Ninja \
        -DCMAKE_BUILD_TYPE=Debug -DAKMA_E2E=ON -DAKMA_TOOL=ON -DAKMA_GBA=ON -DAKMA_PLUGINS=ON >/dev/null
    scan-build --status-bugs -o "$build/scan-report" cmake --build "$build/scan" -- --quiet
    echo "== cppcheck"
    # (tests and benchmark leave through fail(), which cppcheck takes to return)
    # (and NULL is a pointer on every system that these programs run on)
    cppcheck --quiet --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
        --std=c11 --suppress=missingIncludeSystem --suppress=varFuncNullUB \
        --library=posix -I include -I provider -I common -I device -I e2e -I gba -I master -I examples \
        $(find provider common device e2e gba master plugins tool examples -name '*.c')
}
words() { echo $#; }
# shellcheck disable=SC2086 # lists of files
echo "lint: $(words $c_files) files of C, $(words $python_files) of Python and $(words $shell_files) of sh, passed"
