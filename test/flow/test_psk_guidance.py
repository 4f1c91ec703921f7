"""What RFC 9257 asks of those who use external PSKs, where no other test has it: docs/rfc9257.md.

SPDX-License-Identifier: Apache-2.0
"""

import re
import subprocess
from collections.abc import Iterator

import pytest

from flow import Server, run_to_end, write_devices

IDENTITY = "Ue-1@bsf.example.com"
PSK_IDENTITY = "3GPP-bootstrapping." + IDENTITY
KS_NAF = bytes(range(32))


@pytest.fixture(name="server", scope="module")
def run_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """One device; nothing here comes as far as a Ka."""
    path = tmp_path_factory.mktemp("guidance") / "devices.csv"
    with Server(write_devices(path, [[IDENTITY, KS_NAF.hex(), "c0" * 32]])) as running:
        yield running


def handshake(
    address: str, *options: str, identity: str = PSK_IDENTITY
) -> subprocess.CompletedProcess[str]:
    """openssl s_client, which says what was agreed on, and goes."""
    words = ["openssl", "s_client", "-connect", address, *options]
    words += ["-psk_identity", identity, "-psk", KS_NAF.hex()]
    return run_to_end(*words)


def is_done(result: subprocess.CompletedProcess[str]) -> bool:
    """Is the handshake complete?"""
    return "Cipher is TLS_" in result.stdout


def test_one_version_and_one_hash(server: Server) -> None:
    """Guards against a PSK that opens a connection under another hash than SHA-256, or in TLS 1.2."""
    hello = ("-tls1_3", "-ciphersuites")
    assert is_done(handshake(server.address, *hello, "TLS_AES_128_GCM_SHA256"))
    assert not is_done(handshake(server.address, *hello, "TLS_AES_256_GCM_SHA384"))
    for suite in ("PSK-AES128-GCM-SHA256", "ECDHE-PSK-AES128-CBC-SHA256"):
        for address in (server.address, server.e2e_address):
            refused = handshake(address, "-tls1_2", "-cipher", suite)
            assert "alert" in refused.stderr and "Cipher is (NONE)" in refused.stdout


def test_identities_are_octets(server: Server) -> None:
    """Guards against an identity in other letters, with a blank, or cut off that is taken for the one in the file."""
    hello = ("-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256")
    for other in (PSK_IDENTITY.lower(), PSK_IDENTITY + " ", " " + PSK_IDENTITY, PSK_IDENTITY[:-1]):
        assert not is_done(handshake(server.address, *hello, identity=other)), other


def test_ephemeral_keys_go_with_every_psk(server: Server) -> None:
    """Guards against a handshake without ephemeral keys for a client that would do without (psk_ke)."""
    result = handshake(server.address, "-tls1_3", "-allow_no_dhe_kex")
    assert is_done(result)
    assert re.search("Server Temp Key: |Negotiated TLS1.3 group: |Peer Temp Key: ", result.stdout)
