"""libcrypto by cffi in ABI mode, and one library context with the akma provider.

SPDX-License-Identifier: Apache-2.0
"""

import functools
import os
from ctypes.util import find_library
from typing import Any, Optional

from cffi import FFI

ffi: Any = FFI()
ffi.cdef(
    """
    typedef struct {
        const char *key;
        unsigned int data_type;
        void *data;
        size_t data_size;
        size_t return_size;
    } OSSL_PARAM;

    void *OSSL_LIB_CTX_new(void);
    void OSSL_LIB_CTX_free(void *libctx);
    int CONF_modules_load_file_ex(void *libctx, const char *filename, const char *appname,
                                  unsigned long flags);
    void *OSSL_PROVIDER_try_load(void *libctx, const char *name, int retain_fallbacks);

    void *EVP_KDF_fetch(void *libctx, const char *algorithm, const char *properties);
    void EVP_KDF_free(void *kdf);
    const OSSL_PARAM *EVP_KDF_settable_ctx_params(void *kdf);
    void *EVP_KDF_CTX_new(void *kdf);
    void EVP_KDF_CTX_free(void *ctx);
    int EVP_KDF_derive(void *ctx, unsigned char *key, size_t keylen, const OSSL_PARAM *params);

    void OPENSSL_cleanse(void *memory, size_t size);
    unsigned long ERR_get_error_all(const char **file, int *line, const char **func,
                                    const char **data, int *flags);
    const char *ERR_reason_error_string(unsigned long code);
    void ERR_clear_error(void);
    """
)

IGNORE_MISSING_FILE = 0x10  # openssl/conf.h
PROPERTIES = b"provider=akma"


class Error(ValueError):
    """What OpenSSL or the module refused; the text is the newest reason.

    reasons: every text of OpenSSL's error stack, oldest first. No secret is ever among them.
    """

    def __init__(self, *reasons: str) -> None:
        self.reasons = reasons
        super().__init__(reasons[-1])


def take_reasons() -> tuple[str, ...]:
    """Take every error off the calling thread's stack: what was said, else the reason's name."""
    lib, texts = library(), []
    data = ffi.new("const char **")
    while code := lib.ERR_get_error_all(ffi.NULL, ffi.NULL, ffi.NULL, data, ffi.NULL):
        said = ffi.string(data[0]) if data[0] else b""
        reason = lib.ERR_reason_error_string(code)
        said = said or (ffi.string(reason) if reason else b"error %X" % code)
        texts.append(said.decode(errors="replace"))
    return tuple(texts)


@functools.cache
def library() -> Any:
    """libcrypto: AKMA_LIBCRYPTO, else the one that the system's linker finds."""
    path = os.environ.get("AKMA_LIBCRYPTO") or find_library("crypto") or "libcrypto.so.3"
    try:
        lib = ffi.dlopen(path)
        lib.OSSL_LIB_CTX_new  # not in OpenSSL before 3.0
    except (OSError, AttributeError) as error:
        hint = "OpenSSL 3.0 or newer is needed; AKMA_LIBCRYPTO can name its libcrypto"
        raise Error(f"{path}: {error}: {hint}") from None
    return lib


def _configuration() -> str:
    """What OpenSSL is configured by, for an error text."""
    path = os.environ.get("OPENSSL_CONF")
    return f"OPENSSL_CONF={path}" if path else "OpenSSL's own configuration"


def _check_configuration() -> None:
    """OpenSSL passes over a file that is not there, and would derive without the policy in it."""
    path = os.environ.get("OPENSSL_CONF")
    if not path:
        return
    try:
        with open(path, "rb") as file:
            file.read(1)
    except OSError as error:
        raise Error(
            f"{_configuration()} cannot be read: {error.strerror}; name a file, or unset it"
        ) from None


@functools.cache
def context() -> Any:
    """An OSSL_LIB_CTX of the package's own, which lives as long as the process.

    The file of OPENSSL_CONF, else OpenSSL's own, is read into it, so the third party's policy holds here too. Where
    it does not activate akma, the module is loaded by name from OpenSSL's modules folder (or
    OPENSSL_MODULES), and what gives HMAC stays as it is.
    """
    lib = library()
    lib.ERR_clear_error()
    _check_configuration()
    made = lib.OSSL_LIB_CTX_new()
    refused = None
    if lib.CONF_modules_load_file_ex(made, ffi.NULL, ffi.NULL, IGNORE_MISSING_FILE) <= 0:
        refused = f"{_configuration()} cannot be read"
    elif fetch(made, b"AKMA-E2E") is None and not lib.OSSL_PROVIDER_try_load(made, b"akma", 1):
        refused = "akma.so cannot be loaded: install it, or name its folder in OPENSSL_MODULES"
    reasons = take_reasons()
    if refused is not None:
        lib.OSSL_LIB_CTX_free(made)
        raise Error(*reasons, refused)
    return made


def fetch(libctx: Any, algorithm: bytes) -> Optional[Any]:
    """An EVP_KDF of the akma provider, freed by itself; None: there is none of that name."""
    lib = library()
    kdf = lib.EVP_KDF_fetch(libctx, algorithm, PROPERTIES)
    return ffi.gc(kdf, lib.EVP_KDF_free) if kdf else None
