"""EVP_KDF through ctypes: as an application calls it, with nothing between.

    with LibCtx() as libctx:                      # default and akma, from the build folder
        ctx = libctx.kdf("AKMA-E2E").new()
        ctx.set([("ks-naf", key), ("ka", ka)])    # bytes: octet string, str: UTF-8 string, int: int64
        e2e_key = ctx.derive(32, [("naf-id", naf_id)])

A call that fails raises EvpError with every text of OpenSSL's error stack. Param makes the arrays that
a well-behaved application does not.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import ctypes.util
import os
import weakref
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

BUILD = Path(os.environ.get("AKMA_BUILD", Path(__file__).parents[2] / "build")).resolve()
PROVIDERS = ("default", "akma")

# OSSL_PARAM data types: openssl/core.h
INTEGER, UNSIGNED, REAL, UTF8, OCTETS, UTF8_PTR, OCTET_PTR = range(1, 8)
UNMODIFIED = ctypes.c_size_t(-1).value
SIZE_MAX = ctypes.c_size_t(-1).value

c = ctypes.CDLL(ctypes.util.find_library("crypto"))
c_ptr = ctypes.c_void_p
c_size = ctypes.c_size_t


class OsslParam(ctypes.Structure):
    """OSSL_PARAM: openssl/core.h."""

    _fields_ = [
        ("key", ctypes.c_char_p),
        ("data_type", ctypes.c_uint),
        ("data", c_ptr),
        ("data_size", c_size),
        ("return_size", c_size),
    ]


def declare(result: Any, name: str, *arguments: Any) -> None:
    """Give a function of libcrypto its types."""
    function = getattr(c, name)
    function.restype, function.argtypes = result, arguments


_params = ctypes.POINTER(OsslParam)
declare(c_ptr, "OSSL_LIB_CTX_new")
declare(None, "OSSL_LIB_CTX_free", c_ptr)
declare(ctypes.c_int, "OSSL_LIB_CTX_load_config", c_ptr, ctypes.c_char_p)
declare(ctypes.c_int, "OSSL_PROVIDER_set_default_search_path", c_ptr, ctypes.c_char_p)
declare(c_ptr, "OSSL_PROVIDER_load", c_ptr, ctypes.c_char_p)
declare(c_ptr, "OSSL_PROVIDER_try_load", c_ptr, ctypes.c_char_p, ctypes.c_int)
declare(ctypes.c_int, "OSSL_PROVIDER_unload", c_ptr)
declare(ctypes.c_int, "OSSL_PROVIDER_get_params", c_ptr, _params)
declare(_params, "OSSL_PROVIDER_gettable_params", c_ptr)
declare(ctypes.c_int, "EVP_set_default_properties", c_ptr, ctypes.c_char_p)
declare(c_ptr, "EVP_KDF_fetch", c_ptr, ctypes.c_char_p, ctypes.c_char_p)
declare(None, "EVP_KDF_free", c_ptr)
declare(c_ptr, "EVP_KDF_CTX_new", c_ptr)
declare(None, "EVP_KDF_CTX_free", c_ptr)
declare(c_ptr, "EVP_KDF_CTX_dup", c_ptr)
declare(None, "EVP_KDF_CTX_reset", c_ptr)
declare(c_size, "EVP_KDF_CTX_get_kdf_size", c_ptr)
declare(ctypes.c_char_p, "EVP_KDF_get0_description", c_ptr)
declare(c_ptr, "EVP_KDF_get0_provider", c_ptr)
declare(ctypes.c_char_p, "OSSL_PROVIDER_get0_name", c_ptr)
declare(ctypes.c_int, "EVP_KDF_CTX_set_params", c_ptr, _params)
declare(ctypes.c_int, "EVP_KDF_CTX_get_params", c_ptr, _params)
declare(ctypes.c_int, "EVP_KDF_get_params", c_ptr, _params)
declare(ctypes.c_int, "EVP_KDF_derive", c_ptr, c_ptr, c_size, _params)
declare(_params, "EVP_KDF_settable_ctx_params", c_ptr)
declare(_params, "EVP_KDF_gettable_ctx_params", c_ptr)
declare(_params, "EVP_KDF_gettable_params", c_ptr)
declare(ctypes.c_ulong, "OpenSSL_version_num")
declare(ctypes.c_ulong, "ERR_get_error_all", *[c_ptr] * 5)
declare(None, "ERR_clear_error")

OPENSSL_VERSION: tuple[int, int] = (
    c.OpenSSL_version_num() >> 28,
    c.OpenSSL_version_num() >> 20 & 0xFF,
)


def error_texts() -> list[str]:
    """Take every error off the calling thread's stack: "reason: data"."""
    texts = []
    data = ctypes.c_char_p()
    while code := c.ERR_get_error_all(None, None, None, ctypes.byref(data), None):
        c.ERR_reason_error_string.restype = ctypes.c_char_p
        reason = c.ERR_reason_error_string(ctypes.c_ulong(code)) or b""
        texts.append(f"{reason.decode()}: {(data.value or b'').decode(errors='replace')}")
    return texts


class EvpError(Exception):
    """A call into libcrypto failed; texts is its error stack, newest last."""

    def __init__(self, call: str) -> None:
        self.texts = error_texts()
        super().__init__(f"{call}: {self.texts}")

    @property
    def text(self) -> str:
        """The newest error: what the provider itself said."""
        return self.texts[-1] if self.texts else ""


@dataclass
class Param:
    """One OSSL_PARAM as it is, however odd. size: data_size where it differs from the data's."""

    name: str
    type: int
    data: bytes | None
    size: int | None = None


Value = bytes | str | int
Item = tuple[str, Value] | Param


def _as_param(item: Item) -> Param:
    if isinstance(item, Param):
        return item
    name, value = item
    if isinstance(value, bytes):
        return Param(name, OCTETS, value)
    if isinstance(value, str):
        return Param(name, UTF8, value.encode())
    return Param(name, INTEGER, value.to_bytes(8, "little", signed=True))


class ParamArray:
    """An OSSL_PARAM array and the memory it points at, which lives as long; None gives NULL."""

    def __init__(self, items: Iterable[Item] | None) -> None:
        params = [_as_param(item) for item in items or ()]
        self.array = None if items is None else (OsslParam * (len(params) + 1))()
        self._keep: list[Any] = []
        for entry, param in zip(self.array or (), params, strict=False):
            entry.key = param.name.encode()
            entry.data_type = param.type
            entry.data_size = len(param.data or b"") if param.size is None else param.size
            entry.return_size = UNMODIFIED
            if param.data is not None:
                memory = ctypes.create_string_buffer(param.data, len(param.data) + 1)
                self._keep.append(memory)
                entry.data = ctypes.addressof(memory)
                if param.type in (UTF8_PTR, OCTET_PTR):
                    pointer = c_ptr(ctypes.addressof(memory))
                    self._keep.append(pointer)
                    entry.data = ctypes.addressof(pointer)


def _described(params: Any) -> dict[str, tuple[int, int]]:
    found = {}
    i = 0
    while params and params[i].key is not None:
        found[params[i].key.decode()] = (params[i].data_type, params[i].data_size)
        i += 1
    return found


def _check(result: Any, call: str) -> Any:
    if not result or (isinstance(result, int) and result < 0):
        raise EvpError(call)
    return result


class Owned:
    """What has to be freed before its library context is."""

    def __init__(self, siblings: "weakref.WeakSet[Owned]") -> None:
        self.siblings = siblings
        siblings.add(self)

    def __del__(self) -> None:
        self.free()

    def free(self) -> None:
        """Free it; once."""
        raise NotImplementedError


class Ctx(Owned):
    """An EVP_KDF_CTX."""

    def __init__(self, pointer: int, siblings: "weakref.WeakSet[Owned]") -> None:
        self.pointer: int | None = pointer
        super().__init__(siblings)

    def free(self) -> None:
        """EVP_KDF_CTX_free(); once."""
        if self.pointer is not None:
            c.EVP_KDF_CTX_free(self.pointer)
            self.pointer = None

    def set(self, items: Iterable[Item] | None) -> None:
        """EVP_KDF_CTX_set_params(); None passes NULL."""
        params = ParamArray(items)
        c.ERR_clear_error()
        _check(c.EVP_KDF_CTX_set_params(self.pointer, params.array), "EVP_KDF_CTX_set_params")

    def derive_into(self, out: Any, length: int, items: Iterable[Item] | None = ()) -> bool:
        """EVP_KDF_derive() into a ctypes buffer or None; errors stay on the stack."""
        params = ParamArray(items)
        c.ERR_clear_error()
        return bool(c.EVP_KDF_derive(self.pointer, out, length, params.array) > 0)

    def derive(self, length: int, items: Iterable[Item] | None = ()) -> bytes:
        """EVP_KDF_derive()."""
        out = ctypes.create_string_buffer(max(length, 1))
        _check(self.derive_into(out, length, items), "EVP_KDF_derive")
        return out.raw[:length]

    def get(self, name: str, type_: int = OCTETS, room: int | None = 1024) -> bytes | int | None:
        """EVP_KDF_CTX_get_params() of one parameter; None where it was left as it is.

        room None passes a NULL buffer and gives return_size back.
        """
        memory = ctypes.create_string_buffer(max(room or 0, 1))
        params = (OsslParam * 2)()
        params[0].key = name.encode()
        params[0].data_type = type_
        params[0].data = None if room is None else ctypes.addressof(memory)
        params[0].data_size = room or 0
        params[0].return_size = UNMODIFIED
        c.ERR_clear_error()
        _check(c.EVP_KDF_CTX_get_params(self.pointer, params), "EVP_KDF_CTX_get_params")
        size: int = params[0].return_size
        if size == UNMODIFIED:
            return None
        return size if room is None else memory.raw[:size]

    def get_size(self) -> int:
        """EVP_KDF_CTX_get_kdf_size()."""
        return int(c.EVP_KDF_CTX_get_kdf_size(self.pointer))

    def dup(self) -> "Ctx":
        """EVP_KDF_CTX_dup()."""
        return Ctx(_check(c.EVP_KDF_CTX_dup(self.pointer), "EVP_KDF_CTX_dup"), self.siblings)

    def reset(self) -> None:
        """EVP_KDF_CTX_reset()."""
        c.EVP_KDF_CTX_reset(self.pointer)


class Kdf(Owned):
    """An EVP_KDF."""

    def __init__(self, pointer: int, siblings: "weakref.WeakSet[Owned]") -> None:
        self.pointer: int | None = pointer
        super().__init__(siblings)

    def free(self) -> None:
        """EVP_KDF_free(); once."""
        if self.pointer is not None:
            c.EVP_KDF_free(self.pointer)
            self.pointer = None

    def new(self) -> Ctx:
        """EVP_KDF_CTX_new()."""
        c.ERR_clear_error()
        return Ctx(_check(c.EVP_KDF_CTX_new(self.pointer), "EVP_KDF_CTX_new"), self.siblings)

    @property
    def description(self) -> str:
        """EVP_KDF_get0_description()."""
        return bytes(c.EVP_KDF_get0_description(self.pointer)).decode()

    @property
    def provider(self) -> str:
        """The name of the provider that has it."""
        return bytes(c.OSSL_PROVIDER_get0_name(c.EVP_KDF_get0_provider(self.pointer))).decode()

    @property
    def settable(self) -> dict[str, tuple[int, int]]:
        """EVP_KDF_settable_ctx_params(): name -> data type, data size."""
        return _described(c.EVP_KDF_settable_ctx_params(self.pointer))

    @property
    def gettable(self) -> dict[str, tuple[int, int]]:
        """EVP_KDF_gettable_ctx_params(): name -> data type, data size."""
        return _described(c.EVP_KDF_gettable_ctx_params(self.pointer))


class LibCtx:
    """An OSSL_LIB_CTX with providers loaded by name, or by a configuration file."""

    def __init__(
        self,
        providers: Sequence[str] = PROVIDERS,
        config: Path | None = None,
        modules: Path = BUILD,
    ) -> None:
        self.pointer: int | None = _check(c.OSSL_LIB_CTX_new(), "OSSL_LIB_CTX_new")
        self.providers: dict[str, int] = {}
        self.owned: weakref.WeakSet[Owned] = weakref.WeakSet()
        c.OSSL_PROVIDER_set_default_search_path(self.pointer, os.fsencode(modules))
        if config is not None:
            loaded = c.OSSL_LIB_CTX_load_config(self.pointer, os.fsencode(config))
            _check(loaded, "OSSL_LIB_CTX_load_config")
        for name in providers if config is None else ():
            self.load(name)

    def __enter__(self) -> "LibCtx":
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Free what was fetched from it, unload what was loaded by name, free the context."""
        for thing in list(self.owned):
            thing.free()
        for name in list(self.providers):
            self.unload(name)
        c.OSSL_LIB_CTX_free(self.pointer)
        self.pointer = None

    def load(self, name: str) -> None:
        """OSSL_PROVIDER_load()."""
        c.ERR_clear_error()
        loaded = c.OSSL_PROVIDER_load(self.pointer, name.encode())
        self.providers[name] = _check(loaded, "OSSL_PROVIDER_load")

    def load_with(self, name: str, keys: dict[str, str]) -> None:
        """OSSL_PROVIDER_load_ex(), of OpenSSL 3.2 and newer."""
        declare(c_ptr, "OSSL_PROVIDER_load_ex", c_ptr, ctypes.c_char_p, _params)
        params = ParamArray(keys.items())
        c.ERR_clear_error()
        loaded = c.OSSL_PROVIDER_load_ex(self.pointer, name.encode(), params.array)
        self.providers[name] = _check(loaded, "OSSL_PROVIDER_load_ex")

    def unload(self, name: str) -> None:
        """OSSL_PROVIDER_unload()."""
        _check(c.OSSL_PROVIDER_unload(self.providers.pop(name)), "OSSL_PROVIDER_unload")

    def kdf(self, name: str, query: str | None = None) -> Kdf:
        """EVP_KDF_fetch()."""
        c.ERR_clear_error()
        fetched = c.EVP_KDF_fetch(
            self.pointer, name.encode(), None if query is None else query.encode()
        )
        return Kdf(_check(fetched, "EVP_KDF_fetch"), self.owned)

    def provider_get(self, provider: str, name: str, type_: int, room: int) -> bytes:
        """One parameter of a provider, active already or loaded for this."""
        loaded = c.OSSL_PROVIDER_load(self.pointer, provider.encode())
        handle = _check(loaded, "OSSL_PROVIDER_load")
        memory = ctypes.create_string_buffer(room)
        params = (OsslParam * 2)()
        params[0] = OsslParam(name.encode(), type_, ctypes.addressof(memory), room, UNMODIFIED)
        got = c.OSSL_PROVIDER_get_params(handle, params)
        c.OSSL_PROVIDER_unload(handle)
        _check(got, "OSSL_PROVIDER_get_params")
        return memory.raw if type_ != UTF8 else memory.value

    def provider_text(self, provider: str, name: str) -> str:
        """A UTF-8 parameter of a provider."""
        return self.provider_get(provider, name, UTF8, 65536).decode()

    def provider_status(self, provider: str) -> int:
        """The provider's status parameter."""
        return int.from_bytes(self.provider_get(provider, "status", INTEGER, 4), "little")
