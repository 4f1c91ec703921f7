"""What a NAF that asks an operator has in its memory, and what it has no more.

SPDX-License-Identifier: Apache-2.0
"""

from pathlib import Path

import pytest

import reference
from flow import NAF_ID, StockClient
from operator_network import Subscriber
from operator_site import KA, Apart
from process_memory import copies, holds, is_gone
from sanitizer import unless_sanitized
from store_cluster import private

pytestmark = [pytest.mark.node, pytest.mark.slow, unless_sanitized]

SECRET = "the-secret-of-a-client-in-a-test"
LIFETIME = 5


def test_secrets_of_a_naf(tmp_path: Path) -> None:
    """Guards against a key that stays in a NAF's memory after its revocation or lifetime, or in curl's; or a Ka there."""
    revoked, other = Subscriber(), Subscriber(supi="001010000000002")
    key = other.k_af(NAF_ID)
    apart = Apart(tmp_path, None)
    with apart.operator(revoked, other, token=True, client=("client", SECRET)) as operator:
        options = ["--token-url", f"{operator.url}/oauth2/token", "--client-id", "client"]
        secret = private(tmp_path / "secret", SECRET + "\n")
        options += ["--client-secret-file", str(secret), "--key-lifetime", str(LIFETIME)]
        with apart.running(operator, *options):
            naf, third_party = apart.naf.process.pid, apart.third_party.process.pid
            identity = "3GPP-AKMA" + other.a_kid
            with StockClient(apart.naf.addresses["accept"], identity, key) as first:
                first.flag()
            flag = apart.flag()
            (token,) = (text.encode() for text in operator.tokens)
            there = (apart.key, token, SECRET.encode())
            assert all(holds(naf, octets) for octets in there), "what is there is found"
            # hex comes in answers alone: curl's buffer of the connection, which stays, is clean
            for digits in (apart.key.hex(), key.hex()):
                halves = digits[:32].encode(), digits[32:].encode()
                assert all(copies(naf, half) == 0 for half in halves)
            assert len({request["connection"] for request in operator.requests}) == 1
            assert apart.serves(flag)
            of = (apart.key, KA, NAF_ID)
            e2e_key = reference.e2e_key(
                *of, refresh=bytes.fromhex(flag["refresh"]), usage=flag["usage"]
            )
            assert not any(holds(naf, octets) for octets in (KA, e2e_key))
            assert not any(holds(third_party, octets) for octets in (*there, key))
            assert apart.revoke() == 204
            assert is_gone(naf, apart.key)
            assert is_gone(naf, key, LIFETIME + 20)
    for text in (apart.key.hex(), key.hex(), token.decode(), SECRET):
        assert text not in apart.naf.errors + apart.third_party.errors
