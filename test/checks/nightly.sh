#!/bin/sh
# What a release has to pass, and the forge runs every night, beside what every change does (.ci/run): two parts at a time,
# as root on Debian 12; many hours. It fails where a part fails. The last lines are a table: part, verdict, minutes, what it
# counted.
#
#   test/checks/nightly.sh [part ...]      those alone
#   test/checks/nightly.sh --list          their names
#
# SPDX-License-Identifier: Apache-2.0
set -eu
cd "$(dirname "$0")/../.."
root=$PWD
. "$root/test/checks/table.sh"

checks='sanitize|test/checks/sanitize.sh -q
threads|test/checks/hardening.sh long
fuzz|test/checks/fuzz.sh 600
coverage|test/checks/coverage.sh
musl|test/checks/musl.sh
options|test/checks/options.sh
versions|test/checks/versions.sh -q
trixie|test/checks/packages.sh trixie
image|test/checks/image.sh
bookworm|AKMA_JOBS=1 test/checks/matrix.sh 3.0
openssl-3.5|AKMA_JOBS=1 test/checks/matrix.sh 3.5
sid|AKMA_JOBS=1 test/checks/matrix.sh 3.6
openssl-4.0|AKMA_JOBS=1 test/checks/matrix.sh 4.0
i386|AKMA_JOBS=1 test/checks/matrix.sh i386
s390x|AKMA_JOBS=1 test/checks/matrix.sh s390x
soak|test/checks/soak.sh 60
soak-relay|AKMA_BUILD=build/soak-relay test/checks/soak.sh 60 relay
soak-loss|AKMA_BUILD=build/soak-loss test/checks/soak.sh 10 loss
rough-path|AKMA_DTLS_FLOWS=200 AKMA_BUILD=build/rough-path test/checks/consumers.sh -k dtls_loss
soak-fire|AKMA_BUILD=build/soak-fire test/checks/soak.sh 60 fire
soak-ka|AKMA_BUILD=build/soak-ka test/checks/soak.sh 60 ka
proofs|proofs/run.sh --mutants --jobs 1'
# The mutants of each room.
for file in test/checks/faults/*_faults.py; do
    room=$(basename "$file" _faults.py)
    checks="$checks
mutants-$room|test/checks/mutate.py --jobs 1 --room $room"
done

[ "${1:-}" != --list ] || {
    printf '%s\n' "$checks" | cut -d '|' -f 1
    exit
}
chosen=$(choose "$checks" "$@")
scripts/install-packages.sh @module @programs @suite @consumers @fuzz @coverage @musl @proofs @roots
AKMA_LIMIT=${AKMA_LIMIT:-600}
export AKMA_LIMIT
run_table "${AKMA_JOBS:-2}" build/nightly "$chosen"
