"""HMAC from the fips provider, where OpenSSL has one; a clear error where it has not.

SPDX-License-Identifier: Apache-2.0
"""

from pathlib import Path

import pytest

from evp import BUILD, EvpError, LibCtx
from fips import FIPS, needs_fips, write_fips_config
from samples import EXPECTED, items


@needs_fips
def test_hmac_of_fips(tmp_path: Path) -> None:
    """Guards against fips=yes leading to an HMAC of another provider, or to another key."""
    assert FIPS is not None
    with LibCtx(config=write_fips_config(tmp_path), modules=FIPS.parent) as libctx:
        ctx = libctx.kdf("AKMA-E2E").new()
        assert ctx.derive(32, items(properties="fips=yes")) == EXPECTED["AKMA-E2E"]
        assert ctx.derive(32, [("properties", "provider=fips")]) == EXPECTED["AKMA-E2E"]


@needs_fips
def test_default_of_fips(tmp_path: Path) -> None:
    """Guards against an AKMA-E2E that is found although fips=yes is the default, or lost with provider=akma,-fips."""
    assert FIPS is not None
    config = write_fips_config(tmp_path, "default_properties = fips=yes")
    with LibCtx(config=config, modules=FIPS.parent) as libctx:
        with pytest.raises(EvpError):
            libctx.kdf("AKMA-E2E")
        ctx = libctx.kdf("AKMA-E2E", "provider=akma,-fips").new()
        assert ctx.derive(32, items()) == EXPECTED["AKMA-E2E"]


def test_without_fips(libctx: LibCtx) -> None:
    """Guards against fips=yes going on with an HMAC that is not validated."""
    ctx = libctx.kdf("AKMA-E2E").new()
    with pytest.raises(EvpError) as error:
        ctx.derive(32, items(properties="fips=yes"))
    assert "HMAC not found with properties fips=yes" in error.value.text
    assert "activate the default or fips provider as well" in error.value.text


def test_default_properties_without_fips(libctx: LibCtx, tmp_path: Path) -> None:
    """Guards against a default of fips=yes that the module bypasses, or that no query can override."""
    config = tmp_path / "openssl.cnf"
    config.write_text(
        "openssl_conf = init\n[init]\nproviders = providers\nalg_section = algorithms\n"
        "[algorithms]\ndefault_properties = fips=yes\n"
        "[providers]\ndefault = on\nakma = akma_section\n[on]\nactivate = 1\n"
        f"[akma_section]\nmodule = {BUILD}/akma.so\nactivate = 1\n"
    )
    with LibCtx(config=config) as other:
        with pytest.raises(EvpError):
            other.kdf("AKMA-E2E")
        ctx = other.kdf("AKMA-E2E", "provider=akma,-fips").new()
        with pytest.raises(EvpError, match="HMAC not found"):
            ctx.derive(32, items())
        assert ctx.derive(32, items(properties="-fips")) == EXPECTED["AKMA-E2E"]
    assert libctx.kdf("AKMA-E2E").provider == "akma"
