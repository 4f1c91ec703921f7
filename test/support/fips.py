"""OpenSSL's fips module, where this machine has one.

SPDX-License-Identifier: Apache-2.0
"""

import re
import subprocess
from pathlib import Path

import pytest

from evp import BUILD


def fips_module() -> Path | None:
    """The installed fips module."""
    shown = subprocess.run(["openssl", "version", "-m"], capture_output=True, text=True, check=True)
    module = Path(shown.stdout.split('"')[1]) / "fips.so"
    return module if module.exists() else None


FIPS = fips_module()
needs_fips = pytest.mark.skipif(
    FIPS is None,
    reason="OpenSSL has no fips module here: it waits for openssl-provider-fips, from Debian 13",
)


def libcryptos(program: Path) -> set[str]:
    """Those that a program loads; one too many comes with a library that was built for another OpenSSL."""
    loaded = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
    return set(re.findall(r"libcrypto\.so\.\d+", loaded))


def write_fips_config(
    folder: Path, properties: str = "", beside: tuple[str, ...] = ("default",)
) -> Path:
    """fips, akma and other providers; with the checksum that OpenSSL wants of the fips module."""
    assert FIPS is not None
    subprocess.run(
        ["openssl", "fipsinstall", "-module", FIPS, "-out", folder / "fips.cnf"],
        capture_output=True,
        check=True,
        timeout=60,
    )
    config = folder / "openssl.cnf"
    others = "".join(f"{name} = on\n" for name in beside)
    config.write_text(
        f"openssl_conf = init\n.include {folder}/fips.cnf\n"
        f"[init]\nproviders = providers\nalg_section = algorithms\n"
        f"[algorithms]\n{properties}\n"
        f"[providers]\n{others}fips = fips_sect\nakma = akma_section\n"
        f"[on]\nactivate = 1\n"
        f"[akma_section]\nmodule = {BUILD}/akma.so\nactivate = 1\n"
    )
    return config
