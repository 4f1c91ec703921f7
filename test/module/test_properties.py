"""Every parameter at every length, against the reference; and any change changes the key.

SPDX-License-Identifier: Apache-2.0
"""

from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

import reference
import strategies as our
from evp import Item, Kdf, LibCtx

E2E: dict[str, st.SearchStrategy[Any]] = {
    "ks-naf": our.keys,
    "ka": our.kas,
    "naf-id": our.naf_ids,
    "refresh": our.refreshes,
    "usage": our.usages,
    "digest": our.digests,
    "mode": our.modes,
}
e2e_inputs = st.fixed_dictionaries(E2E).filter(lambda inputs: inputs["ka"] != inputs["ks-naf"])


def lengths(digest: str) -> st.SearchStrategy[int]:
    """Output lengths of a digest: any, and those about a block's end."""
    size = reference.digest_size(digest)
    edges = [1, size - 1, size, size + 1, 2 * size, 254 * size + 1, 255 * size - 1, 255 * size]
    return st.one_of(st.sampled_from(edges), st.integers(1, 255 * size))


def by_reference(inputs: dict[str, Any], length: int) -> bytes:
    """The reference's answer."""
    return reference.e2e_key(
        inputs["ks-naf"],
        inputs["ka"],
        inputs["naf-id"],
        refresh=inputs["refresh"],
        usage=inputs["usage"],
        digest=inputs["digest"],
        mode=inputs["mode"],
        length=length,
    )


@given(inputs=e2e_inputs, data=st.data())
def test_e2e(e2e: Kdf, inputs: dict[str, Any], data: st.DataObject) -> None:
    """Guards against an e2e_key that is wrong for some length, order or content of its inputs."""
    length = data.draw(lengths(inputs["digest"]))
    order = data.draw(st.permutations(list(inputs.items())))
    assert e2e.new().derive(length, order) == by_reference(inputs, length)


@given(inputs=e2e_inputs, data=st.data())
def test_e2e_in_pieces(e2e: Kdf, inputs: dict[str, Any], data: st.DataObject) -> None:
    """Guards against a key that depends on the order or grouping in which its inputs are set."""
    ctx = e2e.new()
    for old in data.draw(st.lists(e2e_inputs, max_size=2)):
        ctx.set(old.items())
    naf_id = inputs["naf-id"]
    given: list[Item] = [(name, value) for name, value in inputs.items() if name != "naf-id"]
    given += [("naf-fqdn", naf_id[:-5].decode()), ("ua-protocol-id", naf_id[-5:])]
    order = data.draw(st.permutations(given))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(order)), max_size=3)))
    for start, end in zip([0, *cuts], cuts):
        ctx.set(order[start:end])
    rest = order[cuts[-1] :] if cuts else order
    length = data.draw(lengths(inputs["digest"]))
    assert ctx.derive(length, rest) == by_reference(inputs, length)


@given(inputs=e2e_inputs, data=st.data())
def test_injective(e2e: Kdf, inputs: dict[str, Any], data: st.DataObject) -> None:
    """Guards against an input, or the output's length, that does not reach the key."""
    length = 32
    ctx = e2e.new()
    key = ctx.derive(length, inputs.items())
    changed = data.draw(st.sampled_from([*inputs, "length"]))
    if changed == "length":
        other = ctx.derive(data.draw(st.integers(33, 64)))[:length]
    else:
        value = data.draw(E2E[changed])
        assume(value not in (inputs[changed], inputs["ks-naf"], inputs["ka"]))
        other = ctx.derive(length, [(changed, value)])
    assert other != key


@given(
    ks_naf=our.keys,
    ka=st.binary(min_size=16, max_size=100).filter(any),
    refresh=st.binary(max_size=100),
    between=st.sampled_from([b"", b"\0\0"]),
    mode=our.modes,
)
def test_borders_count(
    e2e: Kdf, ks_naf: bytes, ka: bytes, refresh: bytes, between: bytes, mode: str
) -> None:
    """Guards against an S without lengths, or with zeros in their place: octets could move from refresh to Ka."""
    one, other = b"a\xff\0\0\0\1", b"b\xff\0\0\0\2"
    splits = [
        (ka, one, other + between + refresh),
        (ka + between + one, other, refresh),
    ]
    assume(ks_naf not in (ka, splits[1][0]))
    keys = [
        e2e.new().derive(
            32,
            [("ks-naf", ks_naf), ("ka", ka), ("naf-id", naf_id), ("refresh", text), ("mode", mode)],
        )
        for ka, naf_id, text in splits
    ]
    assert keys[0] != keys[1]


@given(key=our.keys, rand=our.rands, impi=our.impis, naf_id=our.naf_ids, n=st.integers(1, 32))
def test_gba(libctx: LibCtx, key: bytes, rand: bytes, impi: str, naf_id: bytes, n: int) -> None:
    """Guards against a Ks_NAF or Ks_int_NAF that is wrong for some length or content of its inputs."""
    parameters: list[Item] = [("key", key), ("rand", rand), ("impi", impi), ("naf-id", naf_id)]
    me = libctx.kdf("GBA-KS-NAF").new().derive(n, parameters)
    uicc = libctx.kdf("GBA-KS-INT-NAF").new().derive(n, parameters)
    assert me == reference.ks_naf(key, rand, impi, naf_id)[:n]
    assert uicc == reference.ks_int_naf(key, rand, impi, naf_id)[:n]


@given(key=our.keys, supi=our.supis, n=st.integers(1, 32))
def test_akma(libctx: LibCtx, key: bytes, supi: str, n: int) -> None:
    """Guards against a K_AKMA or A-TID that is wrong for some SUPI."""
    parameters: list[Item] = [("key", key), ("supi", supi)]
    k_akma = libctx.kdf("AKMA-K-AKMA").new().derive(n, parameters)
    assert k_akma == reference.k_akma(key, supi)[:n]
    assert libctx.kdf("AKMA-A-TID").new().derive(n, parameters) == reference.a_tid(key, supi)[:n]


@given(key=our.keys, naf_id=our.naf_ids, n=st.integers(1, 32))
def test_k_af(libctx: LibCtx, key: bytes, naf_id: bytes, n: int) -> None:
    """Guards against a K_AF that is wrong for some NAF_Id."""
    k_af = libctx.kdf("AKMA-K-AF").new().derive(n, [("key", key), ("naf-id", naf_id)])
    assert k_af == reference.k_af(key, naf_id)[:n]


@given(key=our.keys, device=our.device_names, ka_id=our.usages)
def test_ka(libctx: LibCtx, key: bytes, device: str, ka_id: str) -> None:
    """Guards against a string of device and ka-id that has another text, length or order than the page says."""
    given_items: list[Item] = [("ka-id", ka_id), ("key", key), ("device", device)]
    ka = libctx.kdf("AKMA-KA").new().derive(32, given_items)
    assert ka == reference.device_ka(key, device, ka_id)


fcs = st.one_of(
    st.integers(0, 254).map(lambda n: bytes([n])),
    st.integers(0, 255).filter(lambda n: n != 0xE2).map(lambda n: bytes([0xFF, n])),
)
p_lists = st.lists(
    st.one_of(
        st.binary(max_size=40),
        st.sampled_from([0, 255, 256, 65535]).map(lambda n: bytes([n % 251]) * n),
    ),
    min_size=1,
    max_size=12,
)


@given(
    key=st.binary(min_size=1, max_size=300),
    fc=fcs,
    old=p_lists,
    parts=p_lists,
    n=st.integers(1, 32),
)
def test_3gpp_kdf(
    libctx: LibCtx, key: bytes, fc: bytes, old: list[bytes], parts: list[bytes], n: int
) -> None:
    """Guards against a 3GPP KDF that is wrong for some list of parts, or after another list."""
    ctx = libctx.kdf("3GPP-KDF").new()
    ctx.set([("p", part) for part in old])
    ctx.set([("key", key), *[("p", part) for part in parts]])
    assert ctx.derive(n, [("fc", fc)]) == reference.kdf_3gpp(key, fc, parts)[:n]
