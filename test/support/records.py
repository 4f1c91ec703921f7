"""Records of a shared store, written and read by python3-cryptography alone.

SPDX-License-Identifier: Apache-2.0
"""

import os
import struct
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

VERSION = 1
INFO = b"akma e2e store record"


@dataclass(frozen=True)
class Record:
    """What a record says."""

    device: str
    ka_id: str
    subject: str
    naf: str
    until: int
    key: bytes

    @property
    def texts(self) -> tuple[str, str, str, str]:
        """What is said in the clear, in the record's order."""
        return self.device, self.ka_id, self.subject, self.naf


def _cipher(wrap_key: bytes, salt: bytes) -> tuple[AESGCM, bytes]:
    derived = HKDF(SHA256(), 44, salt, INFO).derive(wrap_key)
    return AESGCM(derived[:32]), derived[32:]


def _bound(head: bytes, identity: str, run_id: str) -> bytes:
    return head + struct.pack(">H", len(identity)) + identity.encode() + run_id.encode()


def seal(
    record: Record,
    wrap_key: bytes,
    identity: str,
    run_id: str,
    *,
    number: int = 1,
    version: int = VERSION,
    salt: bytes | None = None,
) -> bytes:
    """A record as the third party writes it."""
    salt = salt or os.urandom(32)
    texts = b"".join(bytes([len(text)]) + text for text in map(str.encode, record.texts))
    head = struct.pack(">BI32sQ", version, number, salt, record.until) + texts
    cipher, nonce = _cipher(wrap_key, salt)
    return head + cipher.encrypt(nonce, record.key, _bound(head, identity, run_id))


def unseal(sealed: bytes, wrap_key: bytes, identity: str, run_id: str) -> Record:
    """What is in a record; raises InvalidTag where it is not authentic."""
    _, _, salt, until = struct.unpack(">BI32sQ", sealed[:45])
    texts, rest = [], sealed[45:]
    for _ in range(4):
        texts.append(rest[1 : 1 + rest[0]].decode())
        rest = rest[1 + rest[0] :]
    cipher, nonce = _cipher(wrap_key, salt)
    key = cipher.decrypt(nonce, rest, _bound(sealed[: -len(rest)], identity, run_id))
    return Record(texts[0], texts[1], texts[2], texts[3], until, key)
