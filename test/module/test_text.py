"""Text is UTF-8 by RFC 3629, whatever libcrypto takes it for: Python's strict decoder is the judge.

SPDX-License-Identifier: Apache-2.0
"""

from collections.abc import Iterator
from itertools import product

import pytest

import reference
from evp import UTF8, Ctx, EvpError, Kdf, Param

FIRST = range(0xC0, 0x100)
SECOND = (0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xFF)
REST = (0x41, 0x7F, 0x80, 0xBF, 0xC0)


def is_taken(ctx: Ctx, octets: bytes, length: int | None = None) -> bool:
    """As the usage of a context."""
    try:
        ctx.set([Param("usage", UTF8, octets, length)])
    except EvpError as error:
        assert "usage: " in error.text
        return False
    return True


def sequences() -> Iterator[bytes]:
    """Every single octet, alone and beside a character; every pair that starts one; the bounds of the longer ones."""
    for first in range(0x100):
        yield bytes([first])
        yield "\u00e9".encode() + bytes([first])
    for pair in product(FIRST, range(0x100)):
        yield bytes(pair)
    for three in product(range(0xE0, 0x100), SECOND, REST):
        yield bytes(three)
    for four in product(range(0xF0, 0x100), SECOND, REST, REST):
        yield bytes(four)


def test_every_sequence(e2e: Kdf) -> None:
    """Guards against octets that RFC 3629 does not permit being taken for text, or text being refused."""
    ctx = e2e.new()
    for octets in sequences():
        assert is_taken(ctx, octets) == reference.is_text(octets), octets.hex()


@pytest.mark.parametrize(
    "octets", [b"\xf4\x90\x80\x80", b"\xf7\xbf\xbf\xbf", b"\xf8\x88\x80\x80\x80"]
)
def test_above_unicode(e2e: Kdf, octets: bytes) -> None:
    """Guards against a code point above U+10FFFF being taken, as libcrypto's own reader does."""
    with pytest.raises(EvpError, match="usage: malformed UTF-8"):
        e2e.new().set([Param("usage", UTF8, octets)])


@pytest.mark.parametrize("text", ["\u00e9", "\u20ac", "\U0001f511", "a\U0010fffd"])
def test_cut_characters(e2e: Kdf, text: str) -> None:
    """Guards against an octet after the end of a text being read as part of its last character."""
    ctx = e2e.new()
    octets = text.encode()
    assert is_taken(ctx, octets)
    for length in range(1, len(octets)):
        if reference.is_text(octets[:length]):
            assert is_taken(ctx, octets, length)
        else:
            with pytest.raises(EvpError, match="usage: malformed UTF-8"):
                ctx.set([Param("usage", UTF8, octets, length)])
