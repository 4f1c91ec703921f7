"""The openssl command, as a person runs it.

SPDX-License-Identifier: Apache-2.0
"""

import os
import subprocess
from collections.abc import Sequence
from pathlib import Path

from evp import BUILD

EXAMPLE = Path(__file__).parents[2] / "openssl.cnf.example"


def openssl(
    *arguments: str, config: Path = EXAMPLE, modules: Path = BUILD
) -> subprocess.CompletedProcess[str]:
    """Run openssl with this configuration and the module of the build folder."""
    return subprocess.run(
        ["openssl", *arguments],
        env=os.environ | {"OPENSSL_CONF": str(config), "OPENSSL_MODULES": str(modules)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def kdf(
    algorithm: str, length: int, options: Sequence[str], *arguments: str, config: Path = EXAMPLE
) -> subprocess.CompletedProcess[str]:
    """`openssl kdf`, options as they follow -kdfopt; arguments go before the algorithm."""
    options = [word for option in options for word in ("-kdfopt", option)]
    return openssl("kdf", "-keylen", str(length), *options, *arguments, algorithm, config=config)


def derived(result: subprocess.CompletedProcess[str]) -> bytes:
    """The key that `openssl kdf` printed as AA:BB:..; an assertion that it did."""
    assert result.returncode == 0, result.stderr
    return bytes.fromhex(result.stdout.strip().replace(":", ""))
