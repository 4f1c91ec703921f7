"""AKMA-E2E and 3GPP-KDF against algorithms that nobody here wrote, and against published results.

SPDX-License-Identifier: Apache-2.0
"""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

import libcrypto
import reference
import strategies as our
from evp import Item, Kdf, LibCtx
from samples import NAF_ID, vectors

digests = st.sampled_from(sorted(reference.DIGESTS))


@dataclass
class Inputs:
    """What goes into one key."""

    ks_naf: bytes
    ka: bytes
    refresh: bytes
    usage: str
    digest: str
    blocks: int
    cut: int

    @property
    def length(self) -> int:
        """Octets of output."""
        size = reference.digest_size(self.digest)
        return self.blocks * size - self.cut % size

    def items(self, mode: str) -> list[Item]:
        """As parameters."""
        return [
            ("ks-naf", self.ks_naf),
            ("ka", self.ka),
            ("naf-id", NAF_ID),
            ("refresh", self.refresh),
            ("usage", self.usage),
            ("digest", self.digest),
            ("mode", mode),
        ]


inputs = st.builds(
    Inputs,
    ks_naf=our.keys,
    ka=st.binary(min_size=16, max_size=300).filter(any),
    refresh=st.binary(max_size=255),
    usage=st.text(our.characters, max_size=60),
    digest=digests,
    blocks=st.integers(1, 255),
    cut=st.integers(0, 63),
).filter(lambda inputs: inputs.ka != inputs.ks_naf)


@given(inputs=inputs)
def test_hkdf(libctx: LibCtx, e2e: Kdf, inputs: Inputs) -> None:
    """Guards against reference and module sharing an error in HKDF, which libcrypto's own does not have."""
    ikm = reference.hkdf_ikm(inputs.ka)
    info = reference.hkdf_info(NAF_ID, inputs.refresh, inputs.usage, inputs.length)
    expected = libcrypto.hkdf(libctx, inputs.ks_naf, ikm, info, inputs.length, inputs.digest)
    assert e2e.new().derive(inputs.length, inputs.items("HKDF")) == expected


@given(inputs=inputs)
def test_counter_mode(e2e: Kdf, inputs: Inputs) -> None:
    """Guards against reference and module sharing an error in counter mode, which another library does not have."""
    s = reference.e2e_string(
        inputs.ka, NAF_ID, inputs.refresh, inputs.usage, inputs.length, block=1
    )
    expected = libcrypto.counter_mode(inputs.ks_naf, s[:-3], s[-2:], inputs.length, inputs.digest)
    assert e2e.new().derive(inputs.length, inputs.items("3GPP")) == expected


ONE_BLOCK = [
    vector
    for vector in vectors("akma-e2e.json")
    if "S(1)" in vector and vector["keylen"] <= reference.digest_size(vector["digest"])
]


@pytest.mark.parametrize("vector", ONE_BLOCK, ids=[vector["name"] for vector in ONE_BLOCK])
def test_one_block_is_hmac_over_s(e2e: Kdf, vector: dict[str, str]) -> None:
    """Guards against a first block that is not HMAC over the published S."""
    ks_naf, s = bytes.fromhex(vector["ks-naf"]), bytes.fromhex(vector["S(1)"])
    length = int(vector["keylen"])
    parameters: list[Item] = [
        (name, bytes.fromhex(vector[name])) for name in ("ks-naf", "ka", "naf-id", "refresh")
    ]
    parameters += [("usage", vector["usage"]), ("digest", vector["digest"])]
    expected = libcrypto.hmac(ks_naf, s, vector["digest"])[:length]
    assert e2e.new().derive(length, parameters) == expected


# RFC 5448 and RFC 9048, appendix C: network name, AUTN, CK || IK, CK' || IK'
AKA_PRIME = [
    (
        name,
        "bb52e91c747ac3ab2a5c23d15ee351d5",
        "5349fbe098649f948f5d2e973a81c00f9744871ad32bf9bbd1dd5ce54e3e2e5a",
        expected,
    )
    for name, expected in (
        ("WLAN", "0093962d0dd84aa5684b045c9edffa04ccfc230ca74fcc96c0a5d61164f5a76c"),
        ("HRPD", "3820f0277fa5f77732b1fb1d90c1a0dadb94a0ab557ef6c9ab48619ca05b9a9f"),
    )
] + [
    (name, "a0" * 16, "c0" * 16 + "b0" * 16, expected)
    for name, expected in (
        ("WLAN", "cd4c8e5c68f57dd1d7d7dfd0c538e5773ece6b705dbbf7dfc459a11280c65524"),
        ("HRPD", "8310a71ce6f754889613da8f64d5fb465adf14360ae838192db23f6fcb7f8c76"),
    )
]


@pytest.mark.parametrize(
    ("network", "autn", "key", "expected"),
    AKA_PRIME,
    ids=[f"case {i}" for i in range(1, 5)],
)
def test_aka_prime(libctx: LibCtx, network: str, autn: str, key: str, expected: str) -> None:
    """Guards against a 3GPP KDF that does not give the published CK' and IK' of AKA'."""
    sqn_xor_ak = bytes.fromhex(autn)[:6]
    parameters: list[Item] = [
        ("key", bytes.fromhex(key)),
        ("fc", b"\x20"),
        ("p", network.encode()),
        ("p", sqn_xor_ak),
    ]
    assert libctx.kdf("3GPP-KDF").new().derive(32, parameters).hex() == expected


@given(key=st.binary(min_size=1, max_size=300), parts=st.lists(st.binary(max_size=200), min_size=1))
def test_3gpp_kdf_is_hmac_over_s(libctx: LibCtx, key: bytes, parts: list[bytes]) -> None:
    """Guards against a 3GPP key that is not HMAC over S."""
    s = reference.kdf_string(b"\x6c", parts)
    parameters: list[Item] = [("key", key), ("fc", b"\x6c"), *[("p", part) for part in parts]]
    expected = libcrypto.hmac(key, s, "SHA2-256")
    assert libctx.kdf("3GPP-KDF").new().derive(32, parameters) == expected
