"""What a derivation costs beside its HMAC, in instructions: repeatable, whatever else the machine does.

A raw EVP_MAC doing the same HMAC is counted as well and taken off, so that neither the processor's
SHA instructions nor the version of libcrypto move the figure much.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import subprocess
from functools import cache

import pytest

from evp import BUILD
from openssl_cli import EXAMPLE

CALLS = 100

# About a seventh above what gcc 12 makes of it: 2430 and 750, of 23400 and 9100 with the HMAC.
ONE_SHOT_MAX = 2800
REFRESH_MAX = 860

CACHE = (BUILD / "CMakeCache.txt").read_text()
pytestmark = pytest.mark.skipif(
    not re.search(r"^CMAKE_BUILD_TYPE:\w+=(Release)?$", CACHE, re.M)
    or not re.search(r"^CMAKE_C_FLAGS:\w+=$", CACHE, re.M)
    or "AKMA_UNITY:BOOL=ON" not in CACHE
    or "AKMA_SANITIZE:BOOL=ON" in CACHE,
    reason="the bounds are those of the ordinary build",
)


def count(call: str) -> float:
    """Instructions of one such call."""
    result = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=measured"]
        + [
            "--callgrind-out-file=/dev/null",
            str(BUILD / "test" / "instructions"),
            call,
            str(CALLS),
        ],
        env=os.environ | {"OPENSSL_CONF": str(EXAMPLE), "OPENSSL_MODULES": str(BUILD)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    collected = re.search(r"Collected : (\d+)", result.stderr)
    assert collected, result.stderr
    return int(collected[1]) / CALLS


counted = cache(count)


def test_refresh() -> None:
    assert 0 < counted("refresh") - counted("mac-refresh") <= REFRESH_MAX


def test_one_shot() -> None:
    assert 0 < counted("one-shot") - counted("mac-one-shot") <= ONE_SHOT_MAX


def test_count_is_repeatable() -> None:
    assert count("refresh") == counted("refresh")
