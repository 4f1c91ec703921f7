#!/bin/sh
# From a fresh Debian to a first e2e_key: install what is missing, build, derive it on both sides.
#
# The keys below are public, for demonstration. Real ones do not belong on a command line: every user
# of the machine can read it there (see README.md).
#
# SPDX-License-Identifier: Apache-2.0
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
"$root/scripts/install-packages.sh" @module
cmake -S "$root" -B "$root/build" -G Ninja >/dev/null
cmake --build "$root/build"

export OPENSSL_CONF="$root/openssl.cnf.example" OPENSSL_MODULES="$root/build"
ks_naf=00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff # from the operator
ka=a0a1a2a3a4a5a6a7a8a9aaabacadaeafa0a1a2a3a4a5a6a7a8a9aaabacadaeaf     # the third party's own
other_ka=b0a1a2a3a4a5a6a7a8a9aaabacadaeafa0a1a2a3a4a5a6a7a8a9aaabacadaeaf

# e2e_key = KDF(Ks_NAF, Ka) for iot.example.com with TLS 1.3, of this Ka.
e2e_key() {
    openssl kdf -keylen 32 -kdfopt "hexks-naf:$ks_naf" -kdfopt "hexka:$1" \
        -kdfopt naf-fqdn:iot.example.com -kdfopt hexua-protocol-id:0100000007 AKMA-E2E
}

ue=$(e2e_key "$ka")
server=$(e2e_key "$ka")
operator=$(e2e_key "$other_ka")
echo
echo "UE                     $ue"
echo "application server     $server"
echo "with a different Ka    $operator"
echo
[ "$ue" = "$server" ] && [ "$ue" != "$operator" ]
echo "UE and server hold the same e2e_key; a party with Ks_NAF but without Ka does not."
