"""UEs that offer what no program of the flow does: several PSK identities, or another's.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import hmac
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import reference
from flow import NAF_ID, SECONDS, Server, StockClient, split, write_devices

KS_NAF = bytes.fromhex("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100")
OTHER = bytes.fromhex("7b" * 32)
KA = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf")
FIRST, SECOND, NOBODY = (f"3GPP-bootstrapping.{name}".encode() for name in ("one", "two", "none"))
X25519, P384 = 0x001D, 0x0018
ALERT, HANDSHAKE = 21, 22  # RFC 8446 B.1
ILLEGAL_PARAMETER = 47  # RFC 8446 B.2


@pytest.fixture(name="server")
def run_server(tmp_path: Path) -> Iterator[Server]:
    """Two devices, each with a key of its own."""
    rows = [["one", KS_NAF.hex(), KA.hex()], ["two", OTHER.hex(), KA.hex()]]
    with Server(write_devices(tmp_path / "devices.csv", rows), "--e2e", "offered") as running:
        yield running


def block(octets: bytes, size: int = 2) -> bytes:
    """Octets behind their length."""
    return len(octets).to_bytes(size, "big") + octets


def expand(secret: bytes, label: bytes, context: bytes) -> bytes:
    """HKDF-Expand-Label for 32 octets, RFC 8446 7.1."""
    info = (32).to_bytes(2, "big") + block(b"tls13 " + label, 1) + block(context, 1)
    return hmac.digest(secret, info + b"\x01", "sha256")


def binder(psk: bytes, transcript: bytes) -> bytes:
    """RFC 8446 4.2.11.2, of an external PSK with SHA-256."""
    early = hmac.digest(bytes(32), psk, "sha256")
    key = expand(early, b"ext binder", hashlib.sha256().digest())
    return hmac.digest(expand(key, b"finished", b""), hashlib.sha256(transcript).digest(), "sha256")


def client_hello(
    offered: list[tuple[bytes, bytes]], before: bytes = b"", group: int = X25519
) -> bytes:
    """A ClientHello's message with these identities and keys; the groups are X25519 and P-384.

    before is what the transcript begins with, group the one of the only key share.
    """
    share = bytes([9] + [0] * 31) if group == X25519 else b"\x04" + bytes(96)
    identities = block(b"".join(block(name) + bytes(4) for name, _ in offered))
    binders = 33 * len(offered)
    extensions = [
        (43, b"\x02\x03\x04"),
        (10, block(X25519.to_bytes(2, "big") + P384.to_bytes(2, "big"))),
        (51, block(group.to_bytes(2, "big") + block(share))),
        (13, block(b"\x04\x03")),
        (45, b"\x01\x01"),
        (41, identities + block(bytes(binders))),
    ]
    octets = block(b"".join(number.to_bytes(2, "big") + block(each) for number, each in extensions))
    body = b"\x03\x03" + bytes(32) + b"\x00" + block(b"\x13\x01") + b"\x01\x00" + octets
    message = b"\x01" + block(body, 3)
    cut = message[: -(binders + 2)]
    proofs = b"".join(block(binder(key, before + cut), 1) for _, key in offered)
    return cut + block(proofs)


def read_record(connection: socket.socket) -> tuple[int, bytes]:
    """The next record: content type and octets; (0, b"") at the end."""
    file = connection.makefile("rb", buffering=0)
    head = file.read(5) or b""
    length = int.from_bytes(head[3:5], "big")
    octets = b""
    while head and len(octets) < length:
        octets += file.read(length - len(octets)) or b""
    return (head[0], octets) if head else (0, b"")


def send_record(connection: socket.socket, message: bytes) -> None:
    """A handshake message in one record."""
    connection.sendall(b"\x16\x03\x03" + block(message))


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
    """The first is nobody's; the second is known, and its binder is right."""
    with socket.create_connection(split(server.address), SECONDS) as connection:
        send_record(connection, client_hello([(NOBODY, bytes(32)), (FIRST, KS_NAF)]))
        assert read_record(connection)[0] == HANDSHAKE
    with socket.create_connection(split(server.address), SECONDS) as connection:
        send_record(connection, client_hello([(NOBODY, KS_NAF), (FIRST, OTHER)]))
        assert read_record(connection)[0] == ALERT


def test_the_same_identity_after_a_hello_retry_request(server: Server) -> None:
    """With which the next test shows that it fails for the identity alone."""
    assert after_retry(server, (FIRST, KS_NAF))[0] == HANDSHAKE


def test_another_identity_after_a_hello_retry_request(server: Server) -> None:
    """RFC 8446 4.1.2: the list may only become shorter."""
    assert after_retry(server, (SECOND, OTHER)) == (ALERT, bytes([2, ILLEGAL_PARAMETER]))


def test_flag_identity_is_no_key_to_the_naf(server: Server) -> None:
    """It is the e2e endpoint's, and good there afterwards."""
    with StockClient(server.address, FIRST.decode(), KS_NAF) as first:
        flag = first.flag()
    refresh = bytes.fromhex(flag["refresh"])
    key = reference.e2e_key(KS_NAF, KA, NAF_ID, refresh=refresh, usage=flag["usage"])
    for address, answer in ((server.address, b""), (server.e2e_address, b"e2e: x")):
        with StockClient(address, flag["identity"], key) as client:
            client.write(b"x\n")
            assert client.read() == answer
