#!/bin/sh
# Prove what is claimed, and print a table; the tools are installed first. As root, on Debian 12.
#
#   proofs/run.sh [--mutants] [--jobs N] [--logs FOLDER] [words]
#
# cbmc runs in a root of the next Debian. Where none can be made, its claims are said to be skipped, and the exit status is 3.
#
# AKMA_ROOTS, AKMA_MIRROR   see test/checks/roots.sh
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
. "$root/test/checks/roots.sh"

"$root/scripts/install-packages.sh" @proofs @roots python3 >&2
cbmc_root() {
    make_root "$roots/proofs" trixie || return 1
    [ ! -x "$roots/proofs/usr/bin/cbmc" ] || return 0
    in_root "$roots/proofs" apt-get update -qq &&
        in_root "$roots/proofs" apt-get install -y -qq --no-install-recommends cbmc gcc libc6-dev libssl-dev
}
mkdir -p "$roots"
if cbmc_root >"$roots/proofs.log" 2>&1; then
    export AKMA_CBMC_ROOT="$roots/proofs"
else
    echo "no root for cbmc, see $roots/proofs.log" >&2
fi
exec /usr/bin/python3 "$root/proofs/support/prove.py" "$@"
