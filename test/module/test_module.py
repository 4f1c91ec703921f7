"""The module as a file: what it exports, links, promises the linker; builds, installs, repeats.

SPDX-License-Identifier: Apache-2.0
"""

import re
from pathlib import Path

import pytest

import reference
from evp import LibCtx
from openssl_cli import openssl
from project import INSTRUMENTED, MODULE, ROOT, build, run
from samples import ALGORITHMS

plain_only = pytest.mark.skipif(INSTRUMENTED, reason="instruments add libraries and symbols")


@plain_only
def test_exports_one_symbol() -> None:
    """Guards against a symbol of the module that collides with one of the application's."""
    lines = run("nm", "--dynamic", "--defined-only", MODULE).splitlines()
    assert [line.split()[-1] for line in lines] == ["OSSL_provider_init"]


@plain_only
def test_links_libcrypto_and_libc_only() -> None:
    """Guards against a library that loads into every application beside the module."""
    needed = [line for line in run("readelf", "-d", MODULE).splitlines() if "(NEEDED)" in line]
    names = {line.split("[")[1].split(".so")[0] for line in needed}
    assert names == {"libcrypto", "libc"}


def test_says_nothing_of_a_file_that_its_user_may_not_have() -> None:
    """Guards against an error that sends a program to an openssl.cnf which it does not use."""
    assert b"openssl.cnf" not in MODULE.read_bytes()


# What libcrypto 3.0.0 has of what the module calls; 3.0.0 to 3.0.2 have no OPENSSL_strncasecmp, for one.
LIBCRYPTO_3_0_0 = set(
    """
    CRYPTO_free CRYPTO_malloc CRYPTO_memcmp CRYPTO_secure_free CRYPTO_secure_malloc CRYPTO_strdup CRYPTO_strndup
    CRYPTO_zalloc ERR_pop_to_mark ERR_set_mark EVP_MAC_CTX_free EVP_MAC_CTX_new EVP_MAC_CTX_set_params EVP_MAC_fetch
    EVP_MAC_final EVP_MAC_free EVP_MAC_init EVP_MAC_update EVP_set_default_properties OPENSSL_cleanse
    OPENSSL_hexchar2int OSSL_LIB_CTX_free OSSL_LIB_CTX_new OSSL_LIB_CTX_new_child OSSL_PARAM_construct_end
    OSSL_PARAM_construct_utf8_ptr OSSL_PARAM_construct_utf8_string OSSL_PARAM_get_int64 OSSL_PARAM_locate
    OSSL_PARAM_set_int OSSL_PARAM_set_octet_string OSSL_PARAM_set_size_t OSSL_PARAM_set_utf8_ptr
    OSSL_PARAM_set_utf8_string
    """.split()
)


def test_needs_nothing_newer_than_3_0_0() -> None:
    """Guards against a call that OpenSSL 3.0.0 does not have."""
    symbols = run("nm", "--dynamic", "--undefined-only", MODULE).split()
    names = {name.split("@")[0] for name in symbols}
    wanted = {name for name in names if re.match(r"[A-Z0-9]+_[A-Za-z]|UTF8", name)}
    assert wanted <= LIBCRYPTO_3_0_0
    assert {name.split("@")[1] for name in symbols if "@OPENSSL_" in name} <= {
        "OPENSSL_3.0.0",
        "OPENSSL_4.0.0",
    }


@pytest.mark.builds
def test_builds_without_link_time_optimisation(tmp_path: Path) -> None:
    """Guards against a file that compiles with warnings, or at all only in link-time optimisation."""
    build(tmp_path, "-DAKMA_LTO=OFF", "-DCMAKE_C_FLAGS=-Werror")


def test_list_shows_descriptions() -> None:
    """Guards against openssl list showing an algorithm without its description or parameters."""
    listed = openssl("list", "-kdf-algorithms", "-verbose").stdout
    for algorithm in ALGORITHMS:
        entry = listed[listed.index(f"{algorithm} @ akma") :].splitlines()
        assert entry[1].startswith("    description: ") and len(entry[1]) > 30
        assert "    settable operation parameters:" in entry[2:12]


def test_list_shows_the_provider() -> None:
    """Guards against openssl list showing the provider as inactive."""
    listed = openssl("list", "-providers", "-verbose").stdout
    assert "akma" in listed and "status: active" in listed and "build info" in listed


def header_values(prefix: str) -> set[str]:
    """The strings of the public header's macros with this prefix."""
    header = (ROOT / "include/akma/kdf.h").read_text()
    return set(re.findall(rf'^#define {prefix}\w+ +"([^"]+)"', header, re.MULTILINE))


def test_header_names_what_is_registered(libctx: LibCtx) -> None:
    """Guards against the public header lacking a name that the module registers, or having one too many."""
    assert header_values("AKMA_KDF_") == set(ALGORITHMS)
    assert header_values("AKMA_DIGEST_") == set(reference.DIGESTS)
    assert header_values("AKMA_MODE_") == {"3GPP", "HKDF"}
    settable = {name for algorithm in ALGORITHMS for name in libctx.kdf(algorithm).settable}
    assert header_values("AKMA_PARAM_") == settable


def test_every_macro_is_explained() -> None:
    """Guards against a public name in kdf.h without a comment."""
    lines = (ROOT / "include/akma/kdf.h").read_text().splitlines()
    for number, line in enumerate(lines):
        if line.startswith("#define AKMA_") and line != "#define AKMA_KDF_H":
            above = number - 1
            while lines[above].startswith("#define"):
                above -= 1
            assert "/*" in line or lines[above].rstrip().endswith("*/"), line
