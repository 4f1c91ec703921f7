"""The derivations again, from the documents alone: hashlib and hmac, none of the code under test.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import hmac
from collections.abc import Sequence

FC_OWN = b"\xff\xe2"
P0_E2E = b"akma-e2e"

# OpenSSL's name of a digest -> hashlib's
DIGESTS = {
    "SHA2-256": "sha256",
    "SHA2-384": "sha384",
    "SHA2-512": "sha512",
    "SHA2-512/256": "sha512_256",
    "SHA3-256": "sha3_256",
    "SHA3-384": "sha3_384",
    "SHA3-512": "sha3_512",
}


# Characters that nobody sees: two ends that see the same text have to derive the same key. Each is named by its range.
UNSEEN = "00-1F 7F-9F AD 200B-200F 2028 2029 202A-202E 2060-2064 2066-206F FEFF FDD0-FDEF "
UNSEEN += " ".join(f"{plane:X}FFFE-{plane:X}FFFF" for plane in range(17))
UNSEEN_RANGES = [
    (int(word.split("-")[0], 16), int(word.split("-")[-1], 16)) for word in UNSEEN.split()
]

NOT_AFTER_MAX = 253402300799  # the last second of the year 9999


def is_seen(character: str) -> bool:
    """Is the character allowed in a text?"""
    return not any(first <= ord(character) <= last for first, last in UNSEEN_RANGES)


def is_text(octets: bytes) -> bool:
    """Well-formed UTF-8 by Python, which keeps to RFC 3629, of characters that are seen."""
    try:
        return all(map(is_seen, octets.decode()))
    except UnicodeDecodeError:
        return False


def digest_size(digest: str) -> int:
    """Octets of output of a digest, by its OpenSSL name."""
    return hashlib.new(DIGESTS[digest]).digest_size


def prf(key: bytes, message: bytes, digest: str) -> bytes:
    """HMAC-Hash(Key, S)."""
    return hmac.new(key, message, DIGESTS[digest]).digest()


def kdf_string(fc: bytes, parts: Sequence[bytes]) -> bytes:
    """S = FC || P0 || L0 || P1 || L1 || ... (TS 33.220 B.2.0)."""
    return fc + b"".join(part + len(part).to_bytes(2, "big") for part in parts)


def kdf_3gpp(key: bytes, fc: bytes, parts: Sequence[bytes], length: int = 32) -> bytes:
    """The first octets of HMAC-SHA-256(Key, S)."""
    return prf(key, kdf_string(fc, parts), "SHA2-256")[:length]


def e2e_string(
    ka: bytes, naf_id: bytes, refresh: bytes, usage: str, length: int, block: int
) -> bytes:
    """S(i) of mode 3GPP."""
    return kdf_string(
        FC_OWN,
        [
            P0_E2E,
            ka,
            naf_id,
            refresh,
            usage.encode(),
            length.to_bytes(2, "big"),
            block.to_bytes(1, "big"),
        ],
    )


def hkdf_ikm(ka: bytes) -> bytes:
    """What mode HKDF extracts from, beside the salt Ks_NAF."""
    return kdf_string(FC_OWN, [P0_E2E, ka])


def hkdf_info(naf_id: bytes, refresh: bytes, usage: str, length: int) -> bytes:
    """What mode HKDF expands with."""
    return kdf_string(FC_OWN, [P0_E2E, naf_id, refresh, usage.encode(), length.to_bytes(2, "big")])


def hkdf(salt: bytes, ikm: bytes, info: bytes, length: int, digest: str) -> bytes:
    """RFC 5869, extract then expand."""
    prk = prf(salt, ikm, digest)
    out = block = b""
    for i in range(1, -(-length // digest_size(digest)) + 1):
        block = prf(prk, block + info + bytes([i]), digest)
        out += block
    return out[:length]


def e2e_key(
    ks_naf: bytes,
    ka: bytes,
    naf_id: bytes,
    *,
    refresh: bytes = b"",
    usage: str = "",
    digest: str = "SHA2-256",
    mode: str = "3GPP",
    length: int = 32,
) -> bytes:
    """e2e_key, AKMA-E2E version 1."""
    if mode.upper() == "HKDF":
        info = hkdf_info(naf_id, refresh, usage, length)
        return hkdf(ks_naf, hkdf_ikm(ka), info, length, digest)
    blocks = range(1, -(-length // digest_size(digest)) + 1)
    return b"".join(
        prf(ks_naf, e2e_string(ka, naf_id, refresh, usage, length, i), digest) for i in blocks
    )[:length]


def ks_naf(ks: bytes, rand: bytes, impi: str, naf_id: bytes) -> bytes:
    """Ks_NAF and Ks_ext_NAF (TS 33.220 B.3)."""
    return kdf_3gpp(ks, b"\x01", [b"gba-me", rand, impi.encode(), naf_id])


def ks_int_naf(ks: bytes, rand: bytes, impi: str, naf_id: bytes) -> bytes:
    """Ks_int_NAF (TS 33.220 B.3)."""
    return kdf_3gpp(ks, b"\x01", [b"gba-u", rand, impi.encode(), naf_id])


def k_akma(k_ausf: bytes, supi: str) -> bytes:
    """K_AKMA (TS 33.535 A.2)."""
    return kdf_3gpp(k_ausf, b"\x80", [b"AKMA", supi.encode()])


def a_tid(k_ausf: bytes, supi: str) -> bytes:
    """A-TID (TS 33.535 A.3)."""
    return kdf_3gpp(k_ausf, b"\x81", [b"A-TID", supi.encode()])


def device_ka(k_master: bytes, device: str, ka_id: str = "") -> bytes:
    """Ka of a device, from the third party's master secret."""
    return kdf_3gpp(k_master, FC_OWN, [b"akma-ka", device.encode(), ka_id.encode()])


def k_af(k_akma_key: bytes, af_id: bytes) -> bytes:
    """K_AF (TS 33.535 A.4)."""
    return kdf_3gpp(k_akma_key, b"\x82", [af_id])
