"""The tables size themselves: a new row needs no counting.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import hmac
from collections.abc import Iterator
from pathlib import Path

import pytest

import reference
from evp import EvpError, LibCtx
from samples import KA, KEY, NAF_ID, RAND, items
from tables import add_row, change, copy_tree
from project import build

pytestmark = pytest.mark.builds

PARTS = 12  # more than any row has


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A build of the tree with an input, an alias, parts, a digest and a policy key more."""
    folder = tmp_path_factory.mktemp("grown")
    provider = copy_tree(folder / "source") / "provider"
    inputs, derivations = provider / "params.h", provider / "derivations.h"
    add_row(
        inputs,
        "INPUTS",
        'ROW(ABBA, OCTETS, 2, 4, NULL, NULL, READABLE, "abba", "anti-bidding-down")',
    )
    change(inputs, "AKMA_PARAM_SECRET)", 'AKMA_PARAM_SECRET, "third-party-key", "k-a")')
    add_row(
        derivations,
        "DERIVATIONS",
        'ROW(LONG, "A-LONG-ONE", "more parts than any other", INPUT_KEY, PROPERTIES, 1, 1, NO_TAIL, "\\x69",'
        ' "a constant that is longer than any other P0 and takes its place in the beginning of S",'
        f" {', '.join(['INPUT_RAND', 'INPUT_IMPI', 'INPUT_SUPI'] * (PARTS // 3))}, INPUT_ABBA)",
    )
    change(
        derivations,
        "INPUT_NAF_ID, INPUT_REFRESH, INPUT_USAGE)",
        "INPUT_NAF_ID, INPUT_REFRESH, INPUT_USAGE, INPUT_ABBA)",
    )
    change(
        provider / "digests.h",
        "DIGESTS(ROW, COMMA, OR) ",
        'DIGESTS(ROW, COMMA, OR) ROW(SHA2_224, "SHA2-224", 28, "a", "b", "c", "d", "SHA224") COMMA ',
    )
    add_row(
        provider / "policy_keys.h",
        "POLICY_KEYS",
        'ROW(MIN_ABBA, "min-abba-length", INPUT_ABBA, read_number, write_number, check_length, .min = 2, .max = 4)',
    )
    return build(folder / "build", source=provider.parent)


@pytest.fixture
def libctx(grown: Path) -> Iterator[LibCtx]:
    """With the grown module."""
    with LibCtx(modules=grown) as context:
        yield context


def e2e_string(abba: bytes, length: int = 28) -> bytes:
    """S with a part more, by hand."""
    parts = [b"akma-e2e", KA, NAF_ID, b"", b"", abba, length.to_bytes(2, "big"), b"\1"]
    return reference.kdf_string(b"\xff\xe2", parts)


def test_an_input_and_a_part_more(libctx: LibCtx) -> None:
    """Guards against an input added to the table that a count elsewhere leaves out."""
    ctx = libctx.kdf("AKMA-E2E").new()
    with pytest.raises(EvpError, match="abba: missing"):
        ctx.derive(32, items())
    with pytest.raises(EvpError, match="abba: 5 octets given; must be 2 to 4"):
        ctx.set([("abba", bytes(5))])
    with pytest.raises(EvpError, match="abba: given twice, as abba and as anti-bidding-down"):
        ctx.set([("abba", bytes(2)), ("anti-bidding-down", bytes(2))])
    expected = hmac.digest(KEY, e2e_string(b"\0\7", 32), "sha256")
    assert ctx.derive(32, [*items(), ("anti-bidding-down", b"\0\7")]) == expected
    assert ctx.get("abba") == b"\0\7"


def test_parts_and_a_constant_longer_than_all_others(libctx: LibCtx) -> None:
    """Guards against a buffer for S whose size was counted by hand for the rows there are."""
    ctx = libctx.kdf("A-LONG-ONE").new()
    texts = [("impi", "im@pi"), ("supi", "su@pi")]
    p0 = b"a constant that is longer than any other P0 and takes its place in the beginning of S"
    parts = [p0, RAND, b"im@pi", b"su@pi", *[RAND, b"im@pi", b"su@pi"] * (PARTS // 3 - 1), b"\1\2"]
    key = ctx.derive(32, [("key", KEY), ("rand", RAND), ("abba", b"\1\2"), *texts])
    assert key == reference.kdf_3gpp(KEY, b"\x69", parts)


@pytest.mark.parametrize("alias", ["third-party-key", "k-a", "secret"])
def test_aliases_more(libctx: LibCtx, alias: str) -> None:
    """Guards against an alias added to the table that a count elsewhere leaves out."""
    kdf = libctx.kdf("AKMA-E2E")
    assert {"ka", "secret", "third-party-key", "k-a"} < set(kdf.settable)
    expected = kdf.new().derive(32, [*items(), ("abba", b"\0\0")])
    assert kdf.new().derive(32, [*items(ka=None), (alias, KA), ("abba", b"\0\0")]) == expected


@pytest.mark.parametrize("name", ["SHA2-224", "sha224", "D"])
def test_a_digest_more(libctx: LibCtx, name: str) -> None:
    """Guards against a digest added to the table that a bound or a text elsewhere leaves out."""
    ctx = libctx.kdf("AKMA-E2E").new()
    expected = hmac.new(KEY, e2e_string(b"\0\0"), hashlib.sha224).digest()
    assert ctx.derive(28, [*items(digest=name), ("abba", b"\0\0")]) == expected
    assert ctx.derive(255 * 28) != b""
    with pytest.raises(EvpError, match="7141 octets asked for; ask for 1 to 7140"):
        ctx.derive(255 * 28 + 1)
    with pytest.raises(EvpError, match="must be SHA2-224, SHA2-256, .* or SHA3-512"):
        ctx.set([("digest", "none")])


def test_a_policy_key_more(grown: Path, config: Path) -> None:
    """Guards against a key of the policy added to the table that is not enforced, or not shown."""
    config.write_text(
        "openssl_conf = i\n[i]\nproviders = p\n[p]\ndefault = d\nakma = a\n[d]\nactivate = 1\n"
        f"[a]\nmodule = {grown}/akma.so\nactivate = 1\nmin-abba-length = 3\nallowed-digests = SHA2-224\n"
    )
    with LibCtx(config=config, modules=grown) as libctx:
        assert libctx.provider_text("akma", "policy").endswith("\nmin-abba-length = 3")
        ctx = libctx.kdf("AKMA-E2E").new()
        given = items(digest="SHA2-224")
        with pytest.raises(
            EvpError, match="min-abba-length: 2 octets of abba given; must be at least 3"
        ):
            ctx.derive(28, [*given, ("abba", b"\0\0")])
        assert len(ctx.derive(28, [*given, ("abba", b"\0\0\0")])) == 28
        ctx.free()
