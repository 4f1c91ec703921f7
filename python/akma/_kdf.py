"""An algorithm of the module, and deriving with it.

SPDX-License-Identifier: Apache-2.0
"""

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any, Literal, Union

from ._libcrypto import Error, context, fetch, ffi, library, take_reasons

Octets = Union[bytes, bytearray, memoryview]
Time = Union[datetime, int]  # with a time zone; or seconds since 1970 UTC
Value = Union[Octets, str, Time, Sequence[Octets]]
Algorithm = Literal[
    "AKMA-E2E",
    "GBA-KS-NAF",
    "GBA-KS-INT-NAF",
    "AKMA-K-AKMA",
    "AKMA-A-TID",
    "AKMA-K-AF",
    "AKMA-KA",
    "3GPP-KDF",
]

EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)

# OSSL_PARAM data types: openssl/core.h
INTEGER, UTF8_STRING, OCTET_STRING = 1, 4, 5

REPEATED = "p"  # the parameter that may occur several times


class Kdf:
    """One algorithm of the module, with parameters by name: what its function does not take, such as naf_id.

    Fetched once, it can be kept and used by any number of threads.
    """

    def __init__(self, algorithm: Algorithm) -> None:
        """Raises Error where the module cannot be loaded or has no such algorithm."""
        libctx = context()
        kdf = None if "\0" in algorithm else fetch(libctx, algorithm.encode())
        if kdf is None:
            raise Error(*take_reasons(), f"{algorithm}: the module has no such algorithm")
        self.algorithm = algorithm
        self._kdf = kdf
        self._names = _names(library().EVP_KDF_settable_ctx_params(kdf))

    def derive(self, length: int, **parameters: Value) -> bytes:
        """Derive a key of length octets.

        The parameters are the module's, with _ for the hyphen: octets are bytes (or what is like
        them), texts are str, numbers are int, not_after may be a datetime; the parameter that may occur several times (p of
        3GPP-KDF) is a list. Raises Error with the module's reasons if they are refused, and
        TypeError for a name that the algorithm does not have: OpenSSL would silently ignore it.
        """
        lib = library()
        lib.ERR_clear_error()
        params = _Params(self._checked(parameters))
        ctx = ffi.gc(lib.EVP_KDF_CTX_new(self._kdf), lib.EVP_KDF_CTX_free)
        key = ffi.new("unsigned char[]", length)
        try:
            if not ctx or lib.EVP_KDF_derive(ctx, key, length, params.array) <= 0:
                raise Error(*(take_reasons() or (f"{self.algorithm}: failed without a reason",)))
            return bytes(ffi.buffer(key))
        finally:
            lib.OPENSSL_cleanse(key, length)

    def _checked(self, parameters: Mapping[str, Value]) -> list[tuple[str, Value]]:
        """Each value with the module's name of its parameter."""
        items: list[tuple[str, Value]] = []
        for word, value in parameters.items():
            name = word.replace("_", "-")
            if name not in self._names:
                known = ", ".join(sorted(known.replace("-", "_") for known in self._names))
                raise TypeError(f"{self.algorithm} has no parameter {word!r}; it has {known}")
            if name == REPEATED and isinstance(value, (list, tuple)):
                items += [(name, one) for one in value]
            else:
                items.append((name, value))
        return items


class _Params:
    """An OSSL_PARAM array, and what it points at, which lives as long."""

    def __init__(self, items: Sequence[tuple[str, Value]]) -> None:
        self.array = ffi.new("OSSL_PARAM[]", len(items) + 1)  # zeros end it
        self._kept: list[Any] = []
        for param, (name, value) in zip(self.array, items):
            param.data_type, octets = _typed(name, value)
            param.key = self._keep(ffi.new("char[]", name.encode()))
            param.data = self._keep(ffi.from_buffer("unsigned char[]", octets))
            param.data_size = len(octets)

    def _keep(self, memory: Any) -> Any:
        self._kept.append(memory)
        return memory


def _typed(name: str, value: Value) -> tuple[int, Octets]:
    """The data type of a value, and its octets; secrets are not copied."""
    if isinstance(value, (bytes, bytearray)):
        return OCTET_STRING, value
    if isinstance(value, memoryview):
        return OCTET_STRING, value.cast("B")
    if isinstance(value, str):
        return UTF8_STRING, value.encode()
    if isinstance(value, datetime):
        return _typed(name, _seconds(name, value))
    if isinstance(value, int):
        size = max(8, value.bit_length() // 8 + 1)  # what is out of range, the module says
        return INTEGER, value.to_bytes(size, sys.byteorder, signed=True)
    raise TypeError(f"{name}: {type(value).__name__} given; must be bytes, str, int or datetime")


def _seconds(name: str, time: datetime) -> int:
    """Since 1970 UTC; the second that a fraction is in, which a key that ends then has still."""
    if time.tzinfo is None:
        raise TypeError(
            f"{name}: a datetime without a time zone given; give one, such as timezone.utc"
        )
    return (time - EPOCH) // timedelta(seconds=1)  # without a float, which rounds far away times up


def _names(settable: Any) -> frozenset[str]:
    """The names in a list of parameters."""
    names = []
    while settable.key:
        names.append(ffi.string(settable.key).decode())
        settable += 1
    return frozenset(names)
