"""The EVP_KDF contract: what a context takes, keeps, gives and forgets.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import os
import time
from typing import Any

import pytest

import reference
from evp import (
    BUILD,
    INTEGER,
    OCTETS,
    SIZE_MAX,
    UNSIGNED,
    UTF8,
    EvpError,
    Item,
    Kdf,
    LibCtx,
    OsslParam,
    Param,
    c,
)
from openssl_cli import derived
from openssl_cli import kdf as openssl_kdf
from samples import ALGORITHMS, EXPECTED, FQDN, KA, KEY, NAF_ID, UA, items, options

OTHER = bytes(range(1, 33))

every_algorithm = pytest.mark.parametrize("algorithm", ALGORITHMS)

SETTABLE: dict[str, dict[str, int]] = {
    "AKMA-E2E": {
        "ks-naf": OCTETS,
        "key": OCTETS,
        "ka": OCTETS,
        "secret": OCTETS,
        "naf-id": OCTETS,
        "naf-fqdn": UTF8,
        "ua-protocol-id": OCTETS,
        "refresh": OCTETS,
        "usage": UTF8,
        "digest": UTF8,
        "mode": UTF8,
        "not-after": INTEGER,
        "properties": UTF8,
    },
    **dict.fromkeys(
        ("GBA-KS-NAF", "GBA-KS-INT-NAF"),
        {
            "key": OCTETS,
            "rand": OCTETS,
            "impi": UTF8,
            "naf-id": OCTETS,
            "naf-fqdn": UTF8,
            "ua-protocol-id": OCTETS,
            "properties": UTF8,
        },
    ),
    **dict.fromkeys(
        ("AKMA-K-AKMA", "AKMA-A-TID"), {"key": OCTETS, "supi": UTF8, "properties": UTF8}
    ),
    "AKMA-K-AF": {
        "key": OCTETS,
        "naf-id": OCTETS,
        "naf-fqdn": UTF8,
        "ua-protocol-id": OCTETS,
        "properties": UTF8,
    },
    "AKMA-KA": {"key": OCTETS, "device": UTF8, "ka-id": UTF8, "properties": UTF8},
    "3GPP-KDF": {"key": OCTETS, "fc": OCTETS, "p": OCTETS, "properties": UTF8},
}
GETTABLE = {
    "AKMA-E2E": {"size", "digest", "mode", "naf-id", "refresh", "usage"},
    "GBA-KS-NAF": {"size", "naf-id"},
    "GBA-KS-INT-NAF": {"size", "naf-id"},
    "AKMA-K-AKMA": {"size"},
    "AKMA-A-TID": {"size"},
    "AKMA-K-AF": {"size", "naf-id"},
    "AKMA-KA": {"size"},
    "3GPP-KDF": {"size"},
}


@every_algorithm
def test_lists(libctx: LibCtx, algorithm: str) -> None:
    """Guards against a parameter, or its type, missing from the lists of what can be set and read."""
    kdf = libctx.kdf(algorithm)
    assert {name: type_ for name, (type_, _) in kdf.settable.items()} == SETTABLE[algorithm]
    assert set(kdf.gettable) == GETTABLE[algorithm]
    assert kdf.gettable["size"] == (UNSIGNED, ctypes.sizeof(ctypes.c_size_t))


@every_algorithm
def test_description(libctx: LibCtx, algorithm: str) -> None:
    """Guards against an algorithm that openssl list cannot describe in a line."""
    kdf = libctx.kdf(algorithm, "provider=akma")
    assert kdf.provider == "akma"
    assert 10 < len(kdf.description) < 80 and "\n" not in kdf.description


@every_algorithm
def test_derives(libctx: LibCtx, algorithm: str) -> None:
    """Guards against an algorithm that gives another key than the reference."""
    assert libctx.kdf(algorithm).new().derive(32, items(algorithm)) == EXPECTED[algorithm]


@every_algorithm
def test_set_is_cumulative(libctx: LibCtx, algorithm: str) -> None:
    """Guards against a set that forgets what an earlier one has set."""
    ctx = libctx.kdf(algorithm).new()
    for item in items(algorithm):
        ctx.set([item])
    assert ctx.derive(32) == EXPECTED[algorithm]


@every_algorithm
def test_derive_is_repeatable(libctx: LibCtx, algorithm: str) -> None:
    """Guards against a derivation that uses up its inputs."""
    ctx = libctx.kdf(algorithm).new()
    ctx.set(items(algorithm))
    assert [ctx.derive(n, None) for n in (32, 32)] == [EXPECTED[algorithm]] * 2


@every_algorithm
def test_null_and_empty_params(libctx: LibCtx, algorithm: str) -> None:
    """Guards against a NULL or empty list of parameters that crashes or changes the context."""
    ctx = libctx.kdf(algorithm).new()
    ctx.set(None)
    ctx.set([])
    ctx.set(items(algorithm))
    ctx.set(None)
    assert ctx.derive(32, None) == EXPECTED[algorithm]
    assert c.EVP_KDF_CTX_get_params(ctx.pointer, None) == 1


@every_algorithm
def test_unknown_names_are_ignored(libctx: LibCtx, algorithm: str) -> None:
    """Guards against an unknown parameter that is refused, or taken for one with a similar name."""
    ctx = libctx.kdf(algorithm).new()
    unknown: list[Item] = [("salt", b"x"), ("ks-nafx", b"x"), ("", b"x"), ("k", b"x"), ("Key", 1)]
    assert ctx.derive(32, [*unknown, *items(algorithm), *unknown]) == EXPECTED[algorithm]
    assert ctx.get("salt") is None


@every_algorithm
def test_a_name_twice_is_refused(libctx: LibCtx, algorithm: str) -> None:
    """Guards against one of two values of a parameter being taken in silence."""
    ctx = libctx.kdf(algorithm).new()
    for item in items(algorithm):
        assert isinstance(item, tuple)
        if item[0] == "p":
            continue
        with pytest.raises(EvpError) as error:
            ctx.set([*items(algorithm), item])
        assert f"{item[0]}: given twice" in error.value.text
    assert ctx.derive(32, items(algorithm)) == EXPECTED[algorithm]


@pytest.mark.parametrize(("name", "alias"), [("ks-naf", "key"), ("ka", "secret")])
def test_an_alias_is_its_name(e2e: Kdf, name: str, alias: str) -> None:
    """Guards against an alias that sets another input, or gets past the refusal of two values."""
    value = dict(item for item in items() if isinstance(item, tuple))[name]
    rest = [item for item in items() if isinstance(item, tuple) and item[0] != name]
    assert e2e.new().derive(32, [*rest, (alias, value)]) == EXPECTED["AKMA-E2E"]
    ctx = e2e.new()
    ctx.set([*rest, (name, OTHER)])
    assert ctx.derive(32, [(alias, value)]) == EXPECTED["AKMA-E2E"]
    for first, second in ((name, alias), (alias, name)):
        with pytest.raises(EvpError, match=f"{name}: given twice, as {first} and as {second};"):
            e2e.new().set([*rest, (first, value), (second, value)])
    for twice in (name, alias):
        with pytest.raises(EvpError, match=f" {twice}: given twice in one call; give it once"):
            e2e.new().set([*rest, (twice, value), (twice, value)])


@every_algorithm
def test_a_later_set_replaces(libctx: LibCtx, algorithm: str) -> None:
    """Guards against part of an old, longer value being left behind a new one."""
    ctx = libctx.kdf(algorithm).new()
    others = {"key": OTHER, "ks-naf": OTHER, "ka": OTHER * 3, "naf-id": b"other.example" + UA}
    others |= {"rand": OTHER[:16], "fc": b"\xff\x01", "p": b"another"}
    texts = {"impi": "i" * 700 + "@r", "supi": "s" * 700 + "@r", "device": "d" * 200}
    ctx.set(
        [
            (item[0], texts.get(item[0]) or others[item[0]])
            for item in items(algorithm)
            if isinstance(item, tuple)
        ]
    )
    assert ctx.derive(32) != EXPECTED[algorithm]
    assert ctx.derive(32, items(algorithm)) == EXPECTED[algorithm]


def test_one_part_grows_before_another_shrinks(e2e: Kdf) -> None:
    """Guards against a set that sizes S by its final length, although it is longer in between."""
    ctx = e2e.new()
    refresh = bytes(255)
    ctx.set(items(ka=b"\1" * 20, refresh=refresh, usage="u" * 255))
    for ka in (b"\1" * 500, b"\1" * 16, b"\1" * 60000):
        ctx.set(items(ka=ka, refresh=b"", usage=""))
        assert ctx.derive(32) == reference.e2e_key(KEY, ka, NAF_ID)
        ctx.set([("refresh", refresh), ("usage", "u" * 255)])
        expected = reference.e2e_key(KEY, ka, NAF_ID, refresh=refresh, usage="u" * 255)
        assert ctx.derive(32) == expected


def test_p_is_an_ordered_list_of_one_set(libctx: LibCtx) -> None:
    """Guards against parts P that are mixed with those of an earlier set, or lost by a refused one."""
    ctx = libctx.kdf("3GPP-KDF").new()
    parts = [b"one", b"", b"two", b"one"]
    ctx.set([("key", KEY), *[("p", part) for part in parts], ("fc", b"\x01")])
    assert ctx.derive(32) == reference.kdf_3gpp(KEY, b"\x01", parts)
    assert ctx.derive(32, [("key", OTHER)]) == reference.kdf_3gpp(OTHER, b"\x01", parts)
    assert ctx.derive(32, [("p", b"")]) == reference.kdf_3gpp(OTHER, b"\x01", [b""])
    with pytest.raises(EvpError, match="p: 65536 octets given"):
        ctx.set([("p", b"good"), ("p", bytes(65536))])
    assert ctx.derive(32) == reference.kdf_3gpp(OTHER, b"\x01", [b""])


def test_set_is_atomic(e2e: Kdf) -> None:
    """Guards against a set that keeps its good values when one is refused."""
    ctx = e2e.new()
    ctx.set(items(refresh=b"kept", usage="kept", digest="SHA2-384"))
    kept = ctx.derive(48)
    assert kept == reference.e2e_key(
        KEY, KA, NAF_ID, refresh=b"kept", usage="kept", digest="SHA2-384", length=48
    )
    good: list[Item] = [
        ("ks-naf", OTHER),
        ("refresh", b"new"),
        ("usage", "new"),
        ("digest", "SHA3-512"),
    ]
    more: list[Item] = [("mode", "HKDF"), ("not-after", 1), ("properties", "provider=none")]
    more += [("naf-fqdn", "new.example"), ("ua-protocol-id", b"\xff\0\0\0\0")]
    bad_ones: list[Item] = [("ka", b"short"), ("ka", "text"), Param("ka", OCTETS, None, 32)]
    for bad in bad_ones:
        with pytest.raises(EvpError):
            ctx.set([*good, bad, *more])
        with pytest.raises(EvpError):
            ctx.derive(48, [*good, *more, bad])
        assert ctx.derive(48) == kept
    assert ctx.get("refresh") == b"kept"
    assert ctx.get("usage", UTF8) == b"kept"
    assert ctx.get("digest", UTF8) == b"SHA2-384"
    assert ctx.get("mode", UTF8) == b"3GPP"
    assert ctx.get("naf-id") == NAF_ID


FAILURES: list[tuple[int, list[Item], str]] = [
    (0, [], "output: 0 octets asked for"),
    (255 * 64 + 1, [], "output: 16321 octets asked for"),
    (32, [("not-after", 1)], "not-after: the 3GPP key ended at 1 "),
    (32, [("properties", "provider=nobody")], "HMAC not found"),
    (32, [("naf-fqdn", "new.example")], "ua-protocol-id: missing"),
]
EVERYTHING: list[list[Item]] = [
    [("refresh", b"new")],
    [("usage", "")],
    [("ks-naf", OTHER)],
    [("ka", OTHER)],
    [("ka", b"\1" * 60000)],
    [("ks-naf", OTHER), ("ka", KA + KA), ("refresh", b""), ("usage", "u" * 255)],
    [("digest", "SHA2-512"), ("mode", "HKDF"), ("ks-naf", KEY)],
    [("properties", "provider=default"), ("not-after", reference.NOT_AFTER_MAX)],
    [],
]


@pytest.mark.parametrize("mode", ["3GPP", "HKDF"])
@pytest.mark.parametrize("ka", [KA, b"\1" * 1000], ids=["short", "long"])
@pytest.mark.parametrize(("length", "bad", "text"), FAILURES, ids=[text for _, _, text in FAILURES])
def test_derive_is_atomic(
    e2e: Kdf, length: int, bad: list[Item], text: str, ka: bytes, mode: str
) -> None:
    """Guards against a derive that fails and leaves its parameters in the context."""
    ctx = e2e.new()
    ctx.set(items(ka=ka, refresh=b"kept", usage="kept", digest="SHA2-384", mode=mode))
    kept = ctx.derive(48)
    for changes in EVERYTHING:
        given = [*changes, *(i for i in bad if i not in changes)]
        if {"properties", "not-after"} & {i[0] for i in changes if isinstance(i, tuple)} and bad:
            given = [*bad, ("refresh", b"new")]
        with pytest.raises(EvpError, match=text):
            ctx.derive(length, given)
        for copy in (ctx.dup(), ctx):
            assert copy.derive(48) == kept
            assert copy.get("refresh") == copy.get("usage", UTF8) == b"kept"
            assert copy.get("digest", UTF8) == b"SHA2-384"
            assert copy.get("mode", UTF8) == mode.encode()
            assert copy.get("naf-id") == NAF_ID


def test_a_failed_derive_leaves_an_empty_context_empty(e2e: Kdf) -> None:
    """Guards against inputs of a failed derivation that stay in the context."""
    ctx = e2e.new()
    with pytest.raises(EvpError, match="ka: missing"):
        ctx.derive(32, items(ka=None, digest="SHA2-512", mode="HKDF"))
    with pytest.raises(EvpError, match="ks-naf: missing"):
        ctx.derive(32, [("ka", KA)])
    assert ctx.get("digest", UTF8) == b"SHA2-256"
    assert ctx.derive(32, items()) == EXPECTED["AKMA-E2E"]


def test_a_failed_derive_puts_long_keys_and_lists_back(libctx: LibCtx) -> None:
    """Guards against long inputs that a failed derivation does not put back."""
    ctx = libctx.kdf("3GPP-KDF").new()
    key, parts = bytes(range(256)) * 4, [bytes(700), b"", b"end"]
    ctx.set([("key", key), ("fc", b"\x01"), *[("p", part) for part in parts]])
    for changes in ([("key", OTHER)], [("p", b"")], [("fc", b"\xff\1"), ("p", b"x"), ("key", b"")]):
        with pytest.raises(EvpError):
            ctx.derive(33, changes)
        assert ctx.derive(32) == reference.kdf_3gpp(key, b"\x01", parts)


@every_algorithm
def test_dup_is_deep(libctx: LibCtx, algorithm: str) -> None:
    """Guards against a copy of a context that shares memory with the first."""
    ctx = libctx.kdf(algorithm).new()
    ctx.set(items(algorithm))
    early = ctx.dup()
    ctx.derive(32)
    copy = ctx.dup()
    ctx.set([("key", OTHER)])
    changed = ctx.derive(32)
    assert changed != EXPECTED[algorithm]
    assert copy.derive(32) == early.derive(32) == EXPECTED[algorithm]
    copy.set([("key", b"\1" * 32)])
    copy.derive(32)
    assert ctx.derive(32) == changed
    ctx.free()
    copy.free()
    assert early.derive(32) == EXPECTED[algorithm]


def test_dup_copies_everything(e2e: Kdf) -> None:
    """Guards against an input that a copy of a context lacks."""
    long = bytes(range(250)) * 200
    ctx = e2e.new()
    ctx.set(items(ka=long, refresh=b"r", usage="u", digest="SHA3-384", mode="HKDF"))
    ctx.set([("not-after", 1), ("properties", "provider=default")])
    copy = ctx.dup()
    ctx.free()
    with pytest.raises(EvpError, match="not-after"):
        copy.derive(40)
    expected = reference.e2e_key(
        KEY, long, NAF_ID, refresh=b"r", usage="u", digest="SHA3-384", mode="HKDF", length=40
    )
    assert copy.derive(40, [("not-after", reference.NOT_AFTER_MAX)]) == expected
    with pytest.raises(EvpError, match="provider=none"):
        copy.derive(40, [("properties", "provider=none")])
    empty = e2e.new().dup()
    with pytest.raises(EvpError, match="ks-naf: missing"):
        empty.derive(32)


@every_algorithm
def test_reset(libctx: LibCtx, algorithm: str) -> None:
    """Guards against an input that outlives a reset."""
    ctx = libctx.kdf(algorithm).new()
    ctx.reset()
    ctx.set([*items(algorithm), ("properties", "provider=default")])
    assert ctx.derive(32) == EXPECTED[algorithm]
    ctx.reset()
    for name in [item[0] for item in items(algorithm) if isinstance(item, tuple)]:
        with pytest.raises(EvpError, match=f"{name}: missing"):
            ctx.derive(32, [i for i in items(algorithm) if isinstance(i, tuple) and i[0] != name])
        ctx.reset()
    assert ctx.derive(32, items(algorithm)) == EXPECTED[algorithm]


def test_reset_restores_the_defaults(e2e: Kdf) -> None:
    """Guards against a digest, mode or option that outlives a reset."""
    ctx = e2e.new()
    ctx.set(items(refresh=b"r", usage="u", digest="SHA2-512", mode="HKDF", not_after=1))
    ctx.set([("properties", "provider=none")])
    ctx.reset()
    assert ctx.get("naf-id") is None
    assert (ctx.get("digest", UTF8), ctx.get("mode", UTF8)) == (b"SHA2-256", b"3GPP")
    assert (ctx.get("refresh"), ctx.get("usage", UTF8)) == (b"", b"")
    assert ctx.derive(32, items()) == EXPECTED["AKMA-E2E"]


@every_algorithm
def test_size(libctx: LibCtx, algorithm: str) -> None:
    """Guards against a size that OpenSSL takes for a fixed one."""
    kdf = libctx.kdf(algorithm)
    assert kdf.new().get_size() == SIZE_MAX
    size = ctypes.c_size_t()
    params = (OsslParam * 2)()
    params[0] = OsslParam(b"size", UNSIGNED, ctypes.addressof(size), ctypes.sizeof(size), 0)
    assert c.EVP_KDF_get_params(kdf.pointer, params) == 1
    assert size.value == SIZE_MAX


def test_current_values_can_be_read(e2e: Kdf) -> None:
    """Guards against a value read from a context that is not the current one."""
    ctx = e2e.new()
    ctx.set(items(naf_id=None, naf_fqdn=FQDN, ua_protocol_id=UA, refresh=b"\0\1", usage="tls-psk"))
    ctx.set([("digest", "sha512-256"), ("mode", "hkdf")])
    assert ctx.get("naf-id") == NAF_ID
    assert ctx.get("refresh") == b"\0\1"
    assert ctx.get("usage", UTF8) == b"tls-psk"
    assert ctx.get("digest", UTF8) == b"SHA2-512/256"
    assert ctx.get("mode", UTF8) == b"HKDF"
    assert ctx.get("naf-id", room=None) == len(NAF_ID)
    ctx.derive(32)
    assert ctx.get("refresh") == b"\0\1"


@pytest.mark.parametrize("name", ["ks-naf", "key", "ka", "secret"])
def test_secrets_cannot_be_read(e2e: Kdf, name: str) -> None:
    """Guards against a key that can be read back from a context."""
    ctx = e2e.new()
    ctx.set(items())
    assert ctx.get(name) is None


@pytest.mark.parametrize(
    ("name", "type_", "room"),
    [
        ("naf-id", UTF8, 99),
        ("naf-id", OCTETS, 5),
        ("refresh", OCTETS, 2),
        ("refresh", UTF8, 99),
        ("usage", OCTETS, 99),
        ("digest", UTF8, 7),
        ("digest", OCTETS, 99),
        ("mode", UTF8, 3),
        ("mode", INTEGER, 8),
        ("size", OCTETS, 99),
        ("size", UTF8, 99),
    ],
)
def test_get_that_does_not_fit(e2e: Kdf, name: str, type_: int, room: int) -> None:
    """Guards against a value read into too little room, or as another type."""
    ctx = e2e.new()
    ctx.set(items(refresh=b"refresh"))
    ctx.derive(32)
    with pytest.raises(EvpError, match="another type or needs more room"):
        ctx.get(name, type_, room)
    assert ctx.derive(32, [("refresh", b"")]) == EXPECTED["AKMA-E2E"]


def test_naf_id_and_its_halves(e2e: Kdf) -> None:
    """Guards against a NAF_Id that is made of a new FQDN and an old Ua protocol identifier."""
    expected = EXPECTED["AKMA-E2E"]
    other = b"other.example" + UA
    ctx = e2e.new()
    ctx.set(items(naf_id=other))
    ctx.set([("naf-fqdn", FQDN)])
    assert ctx.get("naf-id") is None
    with pytest.raises(EvpError, match="ua-protocol-id: missing"):
        ctx.derive(32)
    ctx.set([("ua-protocol-id", UA)])
    assert ctx.derive(32) == expected
    assert ctx.derive(32, [("naf-fqdn", "other.example")]) == reference.e2e_key(KEY, KA, other)
    ctx.set([("naf-id", other)])
    assert ctx.derive(32) == reference.e2e_key(KEY, KA, other)
    ctx.set([("ua-protocol-id", UA)])
    with pytest.raises(EvpError, match="naf-fqdn: missing"):
        ctx.derive(32)
    assert ctx.derive(32, [("naf-fqdn", FQDN)]) == expected
    private = b"\xff\1\2\3\4"
    changed = reference.e2e_key(KEY, KA, FQDN.encode() + private)
    assert ctx.derive(32, [("ua-protocol-id", private)]) == changed


def test_digest_names_are_aliases(e2e: Kdf) -> None:
    """Guards against a usual name of a digest that is refused, or leads to another digest."""
    names = {
        "SHA2-256": ["SHA256", "SHA2-256", "sha-256", "sHa2-256", "2.16.840.1.101.3.4.2.1"],
        "SHA2-384": ["SHA384", "sha2-384", "SHA-384", "2.16.840.1.101.3.4.2.2"],
        "SHA2-512": ["SHA512", "sha2-512", "SHA-512", "2.16.840.1.101.3.4.2.3"],
        "SHA2-512/256": ["SHA512-256", "sha2-512/256", "SHA-512/256", "2.16.840.1.101.3.4.2.6"],
        "SHA3-256": ["sha3-256", "2.16.840.1.101.3.4.2.8"],
        "SHA3-384": ["SHA3-384", "2.16.840.1.101.3.4.2.9"],
        "SHA3-512": ["SHA3-512", "2.16.840.1.101.3.4.2.10"],
    }
    for digest, aliases in names.items():
        expected = reference.e2e_key(KEY, KA, NAF_ID, digest=digest)
        for alias in aliases:
            ctx = e2e.new()
            assert ctx.derive(32, items(digest=alias)) == expected
            assert ctx.get("digest", UTF8) == digest.encode()


def test_digest_and_mode_change_in_a_kept_context(e2e: Kdf) -> None:
    """Guards against a keyed HMAC of an earlier digest, mode or key that a later derivation uses."""
    ctx = e2e.new()
    ctx.set(items())
    steps = [(d, m, k) for d in reference.DIGESTS for m in ("3GPP", "HKDF") for k in (KEY, OTHER)]
    for digest, mode, key in steps * 2:
        for ka in (KA, OTHER[::-1]):
            given: list[Item] = [("digest", digest), ("mode", mode), ("ks-naf", key), ("ka", ka)]
            expected = reference.e2e_key(key, ka, NAF_ID, digest=digest, mode=mode, length=100)
            assert ctx.derive(100, given) == expected


@pytest.mark.parametrize("mode", ["3GPP", "HKDF"])
def test_only_one_input_changes_in_a_kept_context(e2e: Kdf, mode: str) -> None:
    """Guards against a kept HMAC context that misses a change of one input."""
    ctx = e2e.new()
    ctx.set(items(mode=mode))
    inputs: dict[str, Any] = {
        "ks_naf": KEY,
        "ka": KA,
        "naf_id": NAF_ID,
        "refresh": b"",
        "usage": "",
    }
    changes: dict[str, list[bytes] | list[str]] = {
        "refresh": [b"1", b"22", b""],
        "ka": [OTHER, OTHER[:16], KA],
        "naf_id": [b"a" + UA, NAF_ID],
        "usage": ["x", "yy"],
        "ks_naf": [OTHER, KEY, KEY, KEY[:-1] + b"x", b"x" + KEY[1:], KEY],
    }
    for name, values in changes.items():
        for value in values:
            inputs[name] = value
            expected = reference.e2e_key(**inputs, mode=mode, length=70)
            assert ctx.derive(70, [(name.replace("_", "-"), value)]) == expected


def test_only_the_mode_changes_in_a_kept_context(e2e: Kdf) -> None:
    """Guards against a kept context that uses the HMAC of one mode, keyed with Ks_NAF or a PRK, for the other."""
    ctx = e2e.new()
    ctx.set(items())
    for mode in ("3GPP", "HKDF", "3GPP", "3GPP", "HKDF", "HKDF", "3GPP"):
        expected = reference.e2e_key(KEY, KA, NAF_ID, mode=mode, length=70)
        assert ctx.derive(70, [("mode", mode)]) == expected


def test_not_after(e2e: Kdf) -> None:
    """Guards against a key derived after its not-after, or refused before it."""
    now = int(time.time())
    ctx = e2e.new()
    assert ctx.derive(32, items(not_after=now + 60)) == EXPECTED["AKMA-E2E"]
    with pytest.raises(EvpError, match=f"not-after: the 3GPP key ended at {now - 2} and it is "):
        ctx.derive(32, [("not-after", now - 2)])
    for past in (0, -1, -(2**63)):
        with pytest.raises(EvpError, match="not-after"):
            ctx.derive(32, [("not-after", past)])
    assert ctx.derive(32, [("not-after", reference.NOT_AFTER_MAX)]) == EXPECTED["AKMA-E2E"]
    small = Param("not-after", INTEGER, (2**31 - 1).to_bytes(4, "little"))
    unsigned = Param("not-after", UNSIGNED, (2**37).to_bytes(8, "little"))
    for accepted in (small, unsigned):
        assert ctx.derive(32, [accepted]) == EXPECTED["AKMA-E2E"]


CLOCK = BUILD / "test/programs/libpreload_time.so"


@pytest.mark.parametrize(
    ("clock", "not_after", "said"),
    [
        (1_700_000_000, 1_700_000_000, ""),
        (1_700_000_001, 1_700_000_000, "the 3GPP key ended at 1700000000 and it is 1700000001 "),
        (0, 0, ""),
        (0, -2, "the 3GPP key ended at -2 and it is 0 "),
        (2**31 - 1, 2**31 - 1, ""),
        (2**31, 2**31 - 1, "the 3GPP key ended at 2147483647 and it is 2147483648 "),
        (2**33, 2**33, ""),
        (-1, reference.NOT_AFTER_MAX, "the clock cannot be read"),
        (-(2**31), 1_700_000_000, "the clock cannot be read"),
    ],
)
def test_not_after_to_the_second(
    monkeypatch: pytest.MonkeyPatch, clock: int, not_after: int, said: str
) -> None:
    """Guards against a key that is derived a second after its not-after, or without a clock."""
    monkeypatch.setenv("LD_PRELOAD", f"{os.environ.get('LD_PRELOAD', '')} {CLOCK}")
    monkeypatch.setenv("AKMA_CLOCK", str(clock))
    result = openssl_kdf("AKMA-E2E", 32, [*options(), f"not-after:{not_after}"])
    if said:
        assert result.returncode == 1 and f"not-after: {said}" in result.stderr
    else:
        assert derived(result) == EXPECTED["AKMA-E2E"]


def test_properties(libctx: LibCtx, e2e: Kdf) -> None:
    """Guards against a property query that is not used to fetch HMAC, or stays after one derivation."""
    ctx = e2e.new()
    assert ctx.derive(32, items(properties="provider=default")) == EXPECTED["AKMA-E2E"]
    assert ctx.derive(32, [("properties", "")]) == EXPECTED["AKMA-E2E"]
    with pytest.raises(EvpError) as error:
        ctx.derive(32, [("properties", "provider=nobody")])
    assert "HMAC not found" in error.value.text
    assert "activate the default or fips provider as well" in error.value.text
    assert ctx.derive(32) == EXPECTED["AKMA-E2E"]
    ctx.set([("properties", "provider=nobody")])
    with pytest.raises(EvpError, match="HMAC not found"):
        ctx.derive(32)
    assert ctx.derive(32, [("properties", "?provider=nobody")]) == EXPECTED["AKMA-E2E"]


def test_properties_are_for_the_hash_as_well() -> None:
    """Guards against a property query that reaches the HMAC and not the hash under it."""
    with LibCtx() as libctx:
        kdf = libctx.kdf("AKMA-E2E", "provider=akma")
        assert c.EVP_set_default_properties(libctx.pointer, b"provider=nobody") == 1
        with pytest.raises(EvpError, match="HMAC not found"):
            kdf.new().derive(32, items())
        assert kdf.new().derive(32, items(properties="provider=default")) == EXPECTED["AKMA-E2E"]
