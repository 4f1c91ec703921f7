"""UEs that offer what no program of the flow does: several PSK identities, or another's.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import reference
from client_hello import ALERT, HANDSHAKE, ILLEGAL_PARAMETER, P384, block, client_hello
from client_hello import read_record, send_record
from flow import NAF_ID, SECONDS, Server, StockClient, split, write_devices

KS_NAF = bytes.fromhex("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100")
OTHER = bytes.fromhex("7b" * 32)
KA = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf")
FIRST, SECOND, NOBODY = (f"3GPP-bootstrapping.{name}".encode() for name in ("one", "two", "none"))


@pytest.fixture(name="server")
def run_server(tmp_path: Path) -> Iterator[Server]:
    """Two devices, each with a key of its own."""
    rows = [["one", KS_NAF.hex(), KA.hex()], ["two", OTHER.hex(), KA.hex()]]
    with Server(write_devices(tmp_path / "devices.csv", rows), "--e2e", "offered") as running:
        yield running


def after_retry(server: Server, again: tuple[bytes, bytes]) -> tuple[int, bytes]:
    """What comes after a HelloRetryRequest, when the second ClientHello offers this."""
    first = client_hello([(FIRST, KS_NAF)], group=P384)
    with socket.create_connection(split(server.address), SECONDS) as connection:
        send_record(connection, first)
        kind, retry = read_record(connection)
        assert kind == HANDSHAKE
        hashed = b"\xfe" + block(hashlib.sha256(first).digest(), 3)  # RFC 8446 4.4.1
        send_record(connection, client_hello([again], before=hashed + retry))
        answer = read_record(connection)
        return read_record(connection) if answer[0] == 20 else answer  # change_cipher_spec


def test_second_identity(server: Server) -> None:
    """Guards against a server that looks at a ClientHello's first identity alone, or takes the second with a wrong binder."""
    with socket.create_connection(split(server.address), SECONDS) as connection:
        send_record(connection, client_hello([(NOBODY, bytes(32)), (FIRST, KS_NAF)]))
        assert read_record(connection)[0] == HANDSHAKE
    with socket.create_connection(split(server.address), SECONDS) as connection:
        send_record(connection, client_hello([(NOBODY, KS_NAF), (FIRST, OTHER)]))
        assert read_record(connection)[0] == ALERT


def test_known_identity_before_ones_own(server: Server) -> None:
    """Guards against a server that passes over a known identity with a wrong binder to the next (RFC 8446 4.2.11)."""
    with socket.create_connection(split(server.address), SECONDS) as connection:
        send_record(connection, client_hello([(SECOND, bytes(32)), (FIRST, KS_NAF)]))
        assert read_record(connection)[0] == ALERT


def test_the_same_identity_after_a_hello_retry_request(server: Server) -> None:
    """Guards against a second ClientHello that is refused with the first one's identity."""
    assert after_retry(server, (FIRST, KS_NAF))[0] == HANDSHAKE


def test_another_identity_after_a_hello_retry_request(server: Server) -> None:
    """Guards against a second ClientHello with an identity that the first one lacked (RFC 8446 4.1.2)."""
    assert after_retry(server, (SECOND, OTHER)) == (ALERT, bytes([2, ILLEGAL_PARAMETER]))


def test_flag_identity_is_no_key_to_the_naf(server: Server) -> None:
    """Guards against a flag's identity that opens a connection to the NAF, or is used up by an attempt there."""
    with StockClient(server.address, FIRST.decode(), KS_NAF) as first:
        flag = first.flag()
    refresh = bytes.fromhex(flag["refresh"])
    key = reference.e2e_key(KS_NAF, KA, NAF_ID, refresh=refresh, usage=flag["usage"])
    for address, answer in ((server.address, b""), (server.e2e_address, b"e2e: x")):
        with StockClient(address, flag["identity"], key) as client:
            client.write(b"x\n")
            assert client.read() == answer
