#!/bin/sh
# Lines and branches of provider/ that the suite and the drivers reach; fails below 98 % and 95 %.
#
#   test/checks/coverage.sh
#
# A branch that cannot be taken is left out by a remark in the source that says why (GCOVR_EXCL_BR_LINE).
#
# AKMA_BUILD   build folder, default build/coverage
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/../.." && pwd)
"$root/scripts/install-packages.sh" gcc @coverage
AKMA_BUILD=${AKMA_BUILD:-$root/build/coverage}
export AKMA_BUILD
mkdir -p "$AKMA_BUILD"
find "$AKMA_BUILD" -name '*.gcda' -delete
AKMA_PRESET=coverage \
    "$root/test/run.sh" -q -m "not builds"
for driver in "lifecycle once" allocation failing race core "endless 1000 10"; do
    # shellcheck disable=SC2086 # a driver and its arguments
    OPENSSL_CONF=/dev/null OPENSSL_MODULES=$AKMA_BUILD "$AKMA_BUILD/test/hardening/"$driver >/dev/null
done
cd "$root"
gcovr --root . --filter provider/ --object-directory "$AKMA_BUILD" --branches --exclude-unreachable-branches \
    --print-summary --fail-under-line 98 --fail-under-branch 95 "$AKMA_BUILD"
