"""Second opinions: algorithms of libcrypto that nobody here wrote.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf import kbkdf

from evp import EvpError, Item, LibCtx, c, c_ptr, c_size, declare

KBKDF: Any = kbkdf  # Debian's type stubs are older than the package

declare(
    c_ptr,
    "EVP_Q_mac",
    *[c_ptr, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_char_p, c_ptr, ctypes.c_char_p, c_size],
    *[ctypes.c_char_p, c_size, ctypes.c_char_p, c_size, ctypes.POINTER(c_size)],
)

# OpenSSL's name of a digest -> python3-cryptography's
HASHES: dict[str, hashes.HashAlgorithm] = {
    "SHA2-256": hashes.SHA256(),
    "SHA2-384": hashes.SHA384(),
    "SHA2-512": hashes.SHA512(),
    "SHA2-512/256": hashes.SHA512_256(),
    "SHA3-256": hashes.SHA3_256(),
    "SHA3-384": hashes.SHA3_384(),
    "SHA3-512": hashes.SHA3_512(),
}


def hmac(key: bytes, message: bytes, digest: str) -> bytes:
    """EVP_Q_mac() with HMAC."""
    out = ctypes.create_string_buffer(64)
    size = c_size()
    done = c.EVP_Q_mac(
        *[None, b"HMAC", None, digest.encode(), None, key, len(key)],
        *[message, len(message), out, 64, ctypes.byref(size)],
    )
    if not done:
        raise EvpError("EVP_Q_mac")
    return out.raw[: size.value]


def hkdf(libctx: LibCtx, salt: bytes, ikm: bytes, info: bytes, length: int, digest: str) -> bytes:
    """OpenSSL's own HKDF."""
    parameters: list[Item] = [("digest", digest), ("salt", salt), ("key", ikm), ("info", info)]
    return libctx.kdf("HKDF", "provider=default").new().derive(length, parameters)


def counter_mode(key: bytes, before: bytes, behind: bytes, length: int, digest: str) -> bytes:
    """NIST SP 800-108r1 counter mode, an 8-bit counter between before and behind."""
    kdf = KBKDF.KBKDFHMAC(
        algorithm=HASHES[digest],
        mode=KBKDF.Mode.CounterMode,
        length=length,
        rlen=1,
        llen=None,
        location=KBKDF.CounterLocation.MiddleFixed,
        break_location=len(before),
        label=None,
        context=None,
        fixed=before + behind,
    )
    return bytes(kdf.derive(key))
