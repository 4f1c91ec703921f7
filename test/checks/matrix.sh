#!/bin/sh
# The suite under every OpenSSL generation and on 32 bits, in throw-away Debian roots, and the vectors where no
# suite runs; prints a table. As root, on Debian; about ten minutes on two cores once the roots are made.
#
#   test/checks/matrix.sh [row ...]     of 3.0.0 3.0.2 3.0 3.5 3.6 4.0 i386 s390x, default all
#
# 3.0 to 4.0   the whole suite, in a root of the Debian release that carries this OpenSSL
# i386         32 bits: the whole suite; where the kernel does not run it, as s390x, and the row is skipped
# s390x        big-endian: the module cross-compiled, the vectors and the drivers of test/hardening under qemu-user
# 3.0.0 3.0.2  no Debian release carries them, but node did: test/node derives through the OpenSSL inside it
#
# A row that cannot be made, or got another OpenSSL, is said to be skipped, and why; the exit status is 1 where one failed,
# 3 where one was skipped: what was asked for is not known then.
#
# What this OpenSSL deprecates fails a row of 3.0 to 4.0, but for what OPENSSL_SUPPRESS_DEPRECATED is defined for.
#
# AKMA_ROOTS, AKMA_MIRROR   see roots.sh; the roots are kept, and used again
# AKMA_PYTEST               arguments of pytest, default -q
# AKMA_JOBS                 rows at a time, default the number of cores
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
. "$root/test/checks/roots.sh"
results=$roots/results

# row | OpenSSL from | how it runs
rows() {
    cat <<'END'
3.0.0|node 17.0.1|in_node
3.0.2|node 17.7.2|in_node
3.0|bookworm|in_debian
3.5|trixie|in_debian
3.6|sid|in_debian
4.0|sid, experimental|in_experimental
i386|bookworm, 32 bits|in_i386
s390x|bookworm, big-endian|in_cross
END
}

add_packages() {
    in_root "$folder" apt-get update -qq
    in_root "$folder" apt-get install -y -qq --no-install-recommends "$@"
}

run_suite() {
    copy_project "$folder"
    in_root "$folder" "$@" /project/test/checks/evp_test.sh || return 1
    # shellcheck disable=SC2086 # arguments are words
    in_root "$folder" "$@" /project/test/run.sh ${AKMA_PYTEST:--q}
}

in_debian() {
    make_root "$folder" "$from" || return 77
    [ "$row" = 3.0 ] || add_packages openssl-provider-fips || return 77 # tests use it where it is
    run_suite env "CFLAGS=-Werror=deprecated-declarations"
}

# OpenSSL 4.0 is in experimental, beside the rest of sid.
in_experimental() {
    make_root "$folder" sid || return 77
    sed -n 's/^deb \([^ ]*\) .*/deb \1 experimental main/p' "$folder/etc/apt/sources.list" | head -n 1 \
        >"$folder/etc/apt/sources.list.d/experimental.list"
    add_packages -t experimental openssl libssl-dev openssl-provider-fips || return 77
    run_suite env "CFLAGS=-Werror=deprecated-declarations"
}

in_cross() {
    make_root "$folder" bookworm || return 77
    copy_project "$folder"
    in_root "$folder" /project/test/checks/cross.sh "$row"
}

in_i386() {
    in_cross || return $?
    echo 'int main(void) { return 0; }' |
        in_root "$folder" i686-linux-gnu-gcc -static -xc - -o /project/build/runs || return 1
    in_root "$folder" /project/build/runs || {
        echo "this kernel runs no i386, so the suite did not: $(tail -n 1 "$results/$row.log"), under qemu-user"
        return 77
    }
    folder=$folder.suite
    make_root "$folder" bookworm i386 || return 77
    run_suite linux32
}

# The module as the suite's command builds it here, and nothing of this machine's libcrypto: a symbol that the
# OpenSSL inside node does not have keeps the module from loading.
in_node() {
    command -v npm >/dev/null || "$root/scripts/install-packages.sh" npm || return 77
    mkdir -p "$folder/empty"
    cp "$root/test/node/package.json" "$root/test/node/derive.js" "$folder"
    npm install --prefix "$folder" --no-package-lock --no-audit --no-fund --ignore-scripts || return 77
    rm -rf "$folder/build"
    cmake -S "$root" -B "$folder/build" -G Ninja && cmake --build "$folder/build" || return 1
    echo | cc -shared -nostdlib -Wl,-soname,libcrypto.so.3 -o "$folder/empty/libcrypto.so.3" -xc -
    /usr/bin/python3 "$root/test/node/cases.py" >"$folder/cases.json"
    LD_LIBRARY_PATH=$folder/empty "$folder/node_modules/openssl-$row/bin/node" "$folder/derive.js" "$folder/build" \
        <"$folder/cases.json"
}

version_of() {
    case $row in
    3.0.*) sed -n 's/^OpenSSL \(3[^ ]*\): .*/\1/p' "$results/$row.log" ;;
    *) chroot "$folder" openssl version 2>/dev/null | cut -d ' ' -f 2 ;;
    esac
}

# Is what came of the row's generation? Debian's releases go on.
is_as_asked() {
    case $row/$(version_of) in
    i386/* | s390x/* | "$row/$row" | "$row/$row"[.+-]*) ;;
    *) return 1 ;;
    esac
}

# One row: to its log, and as one line of the table. By a shell of its own, which ends at the first command that fails: within
# && or || none would.
run_row() {
    echo "$row: starts" >&2
    "$0" --row "$row" >"$results/$row.log" 2>&1 </dev/null && status=0 || status=$?
    [ "$status" -ne 0 ] || is_as_asked || {
        echo "OpenSSL $(version_of) came, not $row" >>"$results/$row.log"
        status=77
    }
    case $status in
    0) said=passed ;;
    77) said=skipped ;;
    *) said="**failed**" ;;
    esac
    echo "$row: $said, see $results/$row.log" >&2
    [ "$said" != "**failed**" ] || tail -n 30 "$results/$row.log" >&2
    echo "| $row | $(version_of) | $from | $said | $(tail -n 1 "$results/$row.log" | tr -d '=') |" >"$results/$row.line"
}

case ${1:-} in
--one | --row)
    row=$2
    folder=$roots/$row
    from=$(rows | sed -n "s/^$row|\([^|]*\)|.*/\1/p")
    [ "$1" = --row ] || {
        rm -f "$results/$row".*
        run_row
        exit
    }
    "$(rows | sed -n "s/^$row|.*|//p")"
    exit
    ;;
esac
# shellcheck disable=SC2046 # rows are words
[ $# -gt 0 ] || set -- $(rows | cut -d '|' -f 1)
for row; do
    rows | grep -q "^$row|" || {
        echo "no such row: $row; there are: $(rows | cut -d '|' -f 1 | tr '\n' ' ')" >&2
        exit 2
    }
done
mkdir -p "$results"
"$root/scripts/install-packages.sh" @module @roots python3
printf '%s\n' "$@" | xargs -P "${AKMA_JOBS:-$(nproc)}" -n 1 "$0" --one
echo "| row | OpenSSL | from | | |"
echo "|---|---|---|---|---|"
for row; do
    cat "$results/$row.line"
done >"$results/table"
cat "$results/table"
! grep -q -F '**failed**' "$results/table" || exit 1
! grep -q -F '| skipped |' "$results/table" || exit 3
echo "matrix: $# rows passed: $*"
