"""Values about as long as a context's own storage, copies that keep everything, pointers to nothing.

SPDX-License-Identifier: Apache-2.0
"""

import time
from pathlib import Path

import pytest

import reference
from configuration import write_config
from evp import OCTET_PTR, UTF8_PTR, EvpError, Kdf, LibCtx, Param, Value
from samples import EXPECTED, FC, FQDN, KA, KEY, NAF_ID, UA, items

EMBEDDED_KEY, EMBEDDED_S = 64, 512  # octets: provider/inputs.h, provider/s.h
HALVES: dict[str, Value] = {"naf_fqdn": FQDN, "ua_protocol_id": UA}


@pytest.mark.parametrize("length", range(EMBEDDED_KEY - 1, EMBEDDED_KEY + 10))
def test_key_about_as_long_as_its_storage(libctx: LibCtx, length: int) -> None:
    """Guards against a key that overflows the context's own storage by an octet."""
    key = bytes(range(length))
    ctx = libctx.kdf("3GPP-KDF").new()
    expected = reference.kdf_3gpp(key, FC, [b"P0"])
    assert ctx.derive(32, items("3GPP-KDF", key=key, p=b"P0")) == expected
    copy = ctx.dup()
    ctx.free()
    assert copy.derive(32) == expected


@pytest.mark.parametrize("length", range(EMBEDDED_S - 20, EMBEDDED_S + 20))
def test_s_about_as_long_as_its_storage(e2e: Kdf, length: int) -> None:
    """Guards against an S that overflows the context's own storage by an octet."""
    rest = len(reference.e2e_string(b"", NAF_ID, b"", "", 32, 1))
    ka = bytes([length % 250 + 1]) * (length - rest)
    ctx = e2e.new()
    expected = reference.e2e_key(KEY, ka, NAF_ID)
    assert ctx.derive(32, items(ka=ka)) == expected
    copy = ctx.dup()
    ctx.free()
    assert copy.derive(32) == expected


def test_storage_grows_and_shrinks(e2e: Kdf) -> None:
    """Guards against storage that keeps part of a longer value when a shorter one comes."""
    ctx = e2e.new()
    ctx.set(items())
    for length in (16, 400, 17, 4000, 16, 65535, 32):
        ka = bytes([length % 250 + 1]) * length
        assert ctx.derive(32, [("ka", ka)]) == reference.e2e_key(KEY, ka, NAF_ID)


def test_copy_keeps_not_after(e2e: Kdf) -> None:
    """Guards against a copy of a context that forgets until when its key is good."""
    ctx = e2e.new()
    ctx.set(items(not_after=int(time.time()) + 1000))
    assert ctx.dup().derive(32) == EXPECTED["AKMA-E2E"]


def test_copy_keeps_properties(e2e: Kdf) -> None:
    """Guards against a copy of a context that takes any HMAC."""
    ctx = e2e.new()
    ctx.set(items(properties="provider=none"))
    copy = ctx.dup()
    with pytest.raises(EvpError, match="provider=none"):
        copy.derive(32)


def test_nul_in_properties(e2e: Kdf) -> None:
    """Guards against a property query that is cut at a NUL, and so loses fips=yes."""
    with pytest.raises(EvpError, match="properties"):
        e2e.new().set(items(properties="provider=default\0?fips=yes"))


@pytest.mark.parametrize("name, type_", [("ka", OCTET_PTR), ("usage", UTF8_PTR)])
def test_pointer_parameter_without_data(e2e: Kdf, name: str, type_: int) -> None:
    """Guards against a NULL pointer with a length that is read."""
    ctx = e2e.new()
    if name == "ka":
        with pytest.raises(EvpError, match="^.*ka: "):
            ctx.set([Param(name, type_, None, 32)])
    else:
        ctx.set([Param(name, type_, None)])
        assert ctx.derive(32, items()) == EXPECTED["AKMA-E2E"]


@pytest.mark.parametrize("size", [0, 3, 5, 1000])
def test_text_by_pointer_ends_at_its_nul(e2e: Kdf, size: int) -> None:
    """Guards against a text by pointer that is read up to data_size instead of its NUL."""
    ctx = e2e.new()
    ctx.set(items() + [Param("usage", UTF8_PTR, b"usage", size)])
    assert ctx.derive(32) == reference.e2e_key(KEY, KA, NAF_ID, usage="usage")


@pytest.mark.parametrize("front", ["", "*."])
@pytest.mark.parametrize(("length", "is_sound"), [(253, 1), (254, 0)])
def test_name_in_a_policy_is_bounded(config: Path, front: str, length: int, is_sound: int) -> None:
    """Guards against a FQDN of 254 octets that overflows a policy pattern's storage."""
    name = ".".join(["a" * 63] * 3 + ["b" * 60, "c"])[: length - 2] + ".c"
    assert len(name) == length
    with LibCtx(config=write_config(config, {"akma": {"allowed-nafs": front + name}})) as libctx:
        assert libctx.provider_status("akma") == is_sound


@pytest.mark.parametrize("first", ["naf_fqdn", "ua_protocol_id"])
def test_halves_of_naf_id_in_two_calls(e2e: Kdf, first: str) -> None:
    """Guards against halves of NAF_Id that come in two calls and do not meet."""
    ctx = e2e.new()
    ctx.set(items(naf_id=None, **{first: HALVES[first]}))
    ctx.set([(name.replace("_", "-"), half) for name, half in HALVES.items() if name != first])
    assert ctx.derive(32) == EXPECTED["AKMA-E2E"]


@pytest.mark.parametrize("at", [0, 15, 31])
def test_key_that_differs_in_one_octet(e2e: Kdf, at: int) -> None:
    """Guards against a key that is taken for the previous one because they differ in one octet only."""
    ctx = e2e.new()
    ctx.derive(32, items())
    key = KEY[:at] + bytes([KEY[at] ^ 1]) + KEY[at + 1 :]
    assert ctx.derive(32, [("ks-naf", key)]) == reference.e2e_key(key, KA, NAF_ID)
