"""The 3GPP key derivations of the akma OpenSSL provider.

    from akma import e2e_key

    key = e2e_key(ks_naf=ks_naf, ka=ka, naf_fqdn="iot.example.com", ua_protocol_id=tls13)

Each algorithm is a function, whose parameters a type checker knows; Kdf takes an algorithm and its parameters by name.
libcrypto is the system's; the environment variable AKMA_LIBCRYPTO names another file.

SPDX-License-Identifier: Apache-2.0
"""

from ._derivations import (
    Digest,
    Mode,
    akma_a_tid,
    akma_k_af,
    akma_k_akma,
    akma_ka,
    e2e_key,
    gba_ks_int_naf,
    gba_ks_naf,
    kdf_3gpp,
)
from ._kdf import Algorithm, Kdf, Octets, Time, Value
from ._libcrypto import Error

__version__ = "1.0.0"
__all__ = [
    "Algorithm",
    "Digest",
    "Error",
    "Kdf",
    "Mode",
    "Octets",
    "Time",
    "Value",
    "akma_a_tid",
    "akma_k_af",
    "akma_k_akma",
    "akma_ka",
    "e2e_key",
    "gba_ks_int_naf",
    "gba_ks_naf",
    "kdf_3gpp",
]
