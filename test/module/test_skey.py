"""Keys as EVP_SKEY, of OpenSSL 3.6 and newer: given by name, and taken.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
from collections.abc import Iterator

import pytest

import reference
from evp import OPENSSL_VERSION, EvpError, Kdf, LibCtx, c, c_ptr, c_size, declare
from samples import EXPECTED, KA, KEY, NAF_ID, items

pytestmark = pytest.mark.skipif(
    OPENSSL_VERSION < (3, 6), reason="EVP_SKEY in EVP_KDF came with 3.6"
)

GENERIC = b"GENERIC-SECRET"


class Skeys:
    """Secret keys of a library context, freed at the end."""

    def __init__(self, libctx: LibCtx) -> None:
        text = ctypes.c_char_p
        declare(c_ptr, "EVP_SKEY_import_raw_key", c_ptr, text, text, c_size, text)
        declare(ctypes.c_int, "EVP_SKEY_get0_raw_key", c_ptr, c_ptr, c_ptr)
        declare(None, "EVP_SKEY_free", c_ptr)
        declare(ctypes.c_int, "EVP_KDF_CTX_set_SKEY", c_ptr, c_ptr, text)
        declare(c_ptr, "EVP_KDF_derive_SKEY", c_ptr, c_ptr, text, text, c_size, c_ptr)
        self.libctx = libctx
        self.made: list[int] = []

    def make(self, octets: bytes) -> int:
        """A key of these octets."""
        made = c.EVP_SKEY_import_raw_key(self.libctx.pointer, GENERIC, octets, len(octets), None)
        assert made
        self.made.append(made)
        return int(made)

    def octets(self, key: int) -> bytes:
        """What a key holds."""
        data, length = c_ptr(), c_size()
        assert c.EVP_SKEY_get0_raw_key(key, ctypes.byref(data), ctypes.byref(length)) == 1
        return ctypes.string_at(data, length.value)

    def derive(self, ctx: int | None, length: int) -> bytes:
        """EVP_KDF_derive_SKEY()."""
        key = c.EVP_KDF_derive_SKEY(ctx, None, GENERIC, None, length, None)
        if not key:
            raise EvpError("EVP_KDF_derive_SKEY")
        self.made.append(key)
        return self.octets(key)

    def free(self) -> None:
        """Free them all."""
        for key in self.made:
            c.EVP_SKEY_free(key)


@pytest.fixture
def skeys(libctx: LibCtx) -> Iterator[Skeys]:
    """Secret keys."""
    made = Skeys(libctx)
    yield made
    made.free()


@pytest.mark.parametrize("names", [(b"ks-naf", b"ka"), (b"key", b"secret"), (None, b"ka")])
def test_given(e2e: Kdf, skeys: Skeys, names: tuple[bytes | None, bytes]) -> None:
    """Guards against an EVP_SKEY that is stored under another parameter's name, or lost without one."""
    ctx = e2e.new()
    for name, octets in zip(names, (KEY, KA)):
        assert c.EVP_KDF_CTX_set_SKEY(ctx.pointer, skeys.make(octets), name) == 1
    ctx.set([("naf-id", NAF_ID)])
    assert ctx.derive(32) == EXPECTED["AKMA-E2E"]


def test_given_to_the_other_algorithms(libctx: LibCtx, skeys: Skeys) -> None:
    """Guards against an EVP_SKEY that some algorithm does not take."""
    for algorithm in ("GBA-KS-NAF", "AKMA-K-AKMA", "AKMA-K-AF", "3GPP-KDF"):
        ctx = libctx.kdf(algorithm).new()
        ctx.set(items(algorithm, key=None))
        assert c.EVP_KDF_CTX_set_SKEY(ctx.pointer, skeys.make(KEY), None) == 1
        assert ctx.derive(32) == EXPECTED[algorithm]


def test_taken(e2e: Kdf, skeys: Skeys) -> None:
    """Guards against a key taken as EVP_SKEY that differs from the one taken as octets."""
    ctx = e2e.new()
    ctx.set(items())
    assert skeys.derive(ctx.pointer, 32) == EXPECTED["AKMA-E2E"]
    ctx.set([("mode", "HKDF")])
    expected = reference.e2e_key(KEY, KA, NAF_ID, mode="HKDF", length=64)
    assert skeys.derive(ctx.pointer, 64) == expected


def test_refused(e2e: Kdf, skeys: Skeys) -> None:
    """Guards against an EVP_SKEY that gets past the bounds of its input."""
    ctx = e2e.new()
    assert c.EVP_KDF_CTX_set_SKEY(ctx.pointer, skeys.make(KEY[:31]), b"ks-naf") != 1
    ctx.set(items())
    with pytest.raises(EvpError):
        skeys.derive(ctx.pointer, 8161)
    assert ctx.derive(32) == EXPECTED["AKMA-E2E"]
