#!/bin/sh
# Lines and branches of each folder that the suite, the tests with others' programs and the drivers reach; fails below the
# folder's bounds.
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
"$root/scripts/install-packages.sh" gcc @coverage @consumers
AKMA_BUILD=${AKMA_BUILD:-$root/build/coverage}
export AKMA_BUILD

# folder | per cent of its lines | of its branches, both one below what was reached when they were set
bounds() {
    cat <<'END'
provider|98|96
common|95|84
tool|94|78
plugins|97|83
e2e|91|78
gba|92|68
device|91|90
master|92|73
END
}

mkdir -p "$AKMA_BUILD"
find "$AKMA_BUILD" -name '*.gcda' -delete
AKMA_PRESET=coverage \
    "$root/test/run.sh" -q -m "not builds"
for driver in "lifecycle once" allocation failing race core "endless 1000 10"; do
    # shellcheck disable=SC2086 # a driver and its arguments
    OPENSSL_CONF=/dev/null OPENSSL_MODULES=$AKMA_BUILD "$AKMA_BUILD/test/hardening/"$driver >/dev/null
done

cd "$root"
gcovr --root . --exclude test/ --object-directory "$AKMA_BUILD" --exclude-unreachable-branches \
    --json "$AKMA_BUILD/coverage.json" "$AKMA_BUILD"
for row in $(bounds); do
    folder=${row%%|*} numbers=${row#*|}
    gcovr --root . --add-tracefile "$AKMA_BUILD/coverage.json" --filter "$folder/" --print-summary \
        --fail-under-line "${numbers%|*}" --fail-under-branch "${numbers#*|}" >"$AKMA_BUILD/$folder.txt" || {
        cat "$AKMA_BUILD/$folder.txt"
        echo "coverage: $folder/ is below ${numbers%|*} % of its lines or ${numbers#*|} % of its branches"
        exit 1
    }
    sed -n "s/^\(lines\|branches\): \(.*\)/$folder: \1 \2/p" "$AKMA_BUILD/$folder.txt"
done
echo "coverage: $(bounds | wc -l) folders at or above their bounds"
