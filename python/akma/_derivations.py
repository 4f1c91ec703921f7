"""Each algorithm as a function, so that a type checker finds what is misspelt, missing or of another type.

Octets are bytes or what is like them, keys and results as well; lengths count octets. Every function raises Error with the
module's reasons where it refuses what it was given.

SPDX-License-Identifier: Apache-2.0
"""

import functools
from collections.abc import Sequence
from typing import Literal, Optional

from ._kdf import Algorithm, Kdf, Octets, Time

Digest = Literal[
    "SHA2-256",
    "SHA2-384",
    "SHA2-512",
    "SHA2-512/256",
    "SHA3-256",
    "SHA3-384",
    "SHA3-512",
]
Mode = Literal["3GPP", "HKDF"]


@functools.cache
def _kdf(algorithm: Algorithm) -> Kdf:
    """Fetched once."""
    return Kdf(algorithm)


def e2e_key(
    *,
    ks_naf: Octets,
    ka: Octets,
    naf_fqdn: str,
    ua_protocol_id: Octets,
    refresh: Octets = b"",
    usage: str = "",
    digest: Digest = "SHA2-256",
    mode: Mode = "3GPP",
    not_after: Optional[Time] = None,
    properties: str = "",
    length: int = 32,
) -> bytes:
    """e2e_key by AKMA-E2E: length is 1 to 255 times the size of the digest.

    ks_naf: Ks_(ext/int)_NAF or K_AF, 32 octets. ka: 16 to 65535. ua_protocol_id: 5 (TS 33.220 H.3). refresh, usage: at
    most 255. not_after: end of life of the 3GPP key, a datetime with a time zone or seconds since 1970 UTC.
    """
    end = {} if not_after is None else {"not_after": not_after}
    return _kdf("AKMA-E2E").derive(
        length,
        ks_naf=ks_naf,
        ka=ka,
        naf_fqdn=naf_fqdn,
        ua_protocol_id=ua_protocol_id,
        refresh=refresh,
        usage=usage,
        digest=digest,
        mode=mode,
        properties=properties,
        **end,
    )


def _of_gba(
    algorithm: Algorithm,
    length: int,
    key: Octets,
    rand: Octets,
    impi: str,
    naf_fqdn: str,
    ua_protocol_id: Octets,
    properties: str,
) -> bytes:
    return _kdf(algorithm).derive(
        length,
        key=key,
        rand=rand,
        impi=impi,
        naf_fqdn=naf_fqdn,
        ua_protocol_id=ua_protocol_id,
        properties=properties,
    )


def gba_ks_naf(
    *,
    key: Octets,
    rand: Octets,
    impi: str,
    naf_fqdn: str,
    ua_protocol_id: Octets,
    properties: str = "",
    length: int = 32,
) -> bytes:
    """Ks_NAF or Ks_ext_NAF from Ks (TS 33.220 B.3): key has 32 octets, rand 16, ua_protocol_id 5; length is at most 32."""
    return _of_gba("GBA-KS-NAF", length, key, rand, impi, naf_fqdn, ua_protocol_id, properties)


def gba_ks_int_naf(
    *,
    key: Octets,
    rand: Octets,
    impi: str,
    naf_fqdn: str,
    ua_protocol_id: Octets,
    properties: str = "",
    length: int = 32,
) -> bytes:
    """Ks_int_NAF from Ks (TS 33.220 B.3), as gba_ks_naf()."""
    return _of_gba("GBA-KS-INT-NAF", length, key, rand, impi, naf_fqdn, ua_protocol_id, properties)


def akma_k_akma(*, key: Octets, supi: str, properties: str = "", length: int = 32) -> bytes:
    """K_AKMA from K_AUSF of 32 octets (TS 33.535 A.2); supi: the digits of an IMSI, or user@realm; length is at most 32."""
    return _kdf("AKMA-K-AKMA").derive(length, key=key, supi=supi, properties=properties)


def akma_a_tid(*, key: Octets, supi: str, properties: str = "", length: int = 32) -> bytes:
    """A-TID from K_AUSF (TS 33.535 A.3), as akma_k_akma()."""
    return _kdf("AKMA-A-TID").derive(length, key=key, supi=supi, properties=properties)


def akma_k_af(
    *,
    key: Octets,
    naf_fqdn: str,
    ua_protocol_id: Octets,
    properties: str = "",
    length: int = 32,
) -> bytes:
    """K_AF from K_AKMA of 32 octets (TS 33.535 A.4); ua_protocol_id has 5; length is at most 32."""
    return _kdf("AKMA-K-AF").derive(
        length,
        key=key,
        naf_fqdn=naf_fqdn,
        ua_protocol_id=ua_protocol_id,
        properties=properties,
    )


def akma_ka(*, key: Octets, device: str, ka_id: str = "", properties: str = "") -> bytes:
    """Ka of a device, 32 octets, from a third party's K_master of 32; device has 1 to 255 octets, ka_id at most 255."""
    return _kdf("AKMA-KA").derive(32, key=key, device=device, ka_id=ka_id, properties=properties)


def kdf_3gpp(
    *,
    key: Octets,
    fc: Octets,
    p: Sequence[Octets],
    properties: str = "",
    length: int = 32,
) -> bytes:
    """Any derivation of TS 33.220 B.2.0: fc has 1 or 2 octets, p is P0, P1, ...; length is at most 32."""
    return _kdf("3GPP-KDF").derive(length, key=key, fc=fc, p=p, properties=properties)
