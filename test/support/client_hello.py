"""A ClientHello of the tests' own, with any PSK identities, and the records that come back.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import hmac
import socket

X25519, P384 = 0x001D, 0x0018
ALERT, HANDSHAKE = 21, 22  # RFC 8446 B.1
ILLEGAL_PARAMETER = 47  # RFC 8446 B.2


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
    offered: list[tuple[bytes, bytes]],
    before: bytes = b"",
    group: int = X25519,
    padding: int = 0,
    alpn: bytes = b"",
) -> bytes:
    """Its message (RFC 8446 4.1.2) with these identities and keys; the groups are X25519 and P-384.

    before is what the transcript begins with, group the one of the only key share, padding so many octets of
    RFC 7685's extension.
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
    ]
    if padding:
        extensions.append((21, bytes(padding)))
    if alpn:
        extensions.append((16, block(block(alpn, 1))))
    if offered:
        extensions.append((41, identities + block(bytes(binders))))
    octets = block(b"".join(number.to_bytes(2, "big") + block(each) for number, each in extensions))
    body = b"\x03\x03" + bytes(32) + b"\x00" + block(b"\x13\x01") + b"\x01\x00" + octets
    message = b"\x01" + block(body, 3)
    if not offered:
        return message
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
