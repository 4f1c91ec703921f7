"""What a derivation does beside its HMAC: instructions and locks, whatever else the machine does.

A raw EVP_MAC doing the same HMAC is counted as well and taken off, so that neither the processor's
SHA instructions nor the version of libcrypto move the figure much.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from evp import BUILD
from openssl_cli import EXAMPLE

TIMES = 100

# What gcc 12 makes of it, with cmake/harden.cmake: 2370 and 677, of 23300 and 8990 with the HMAC.
BOUNDS = {"one-shot": 2600, "refresh": 680}

CACHE = (BUILD / "CMakeCache.txt").read_text()
pytestmark = pytest.mark.skipif(
    not re.search(r"^CMAKE_BUILD_TYPE:\w+=(Release)?$", CACHE, re.M)
    or not re.search(r"^CMAKE_C_FLAGS:\w+=$", CACHE, re.M)
    or "AKMA_LTO:BOOL=ON" not in CACHE
    or "AKMA_SANITIZE:BOOL=ON" in CACHE
    or sys.maxsize < 2**32,
    reason="the bounds are those of the ordinary build, of 64 bits",
)


@dataclass(frozen=True)
class Profile:
    """What one call executes."""

    instructions: float
    locks: frozenset[str]  # the lock functions of the C library that are called


def profile(call: str, file: Path) -> Profile:
    """Run the call under callgrind, which is told to count in measured() only."""
    counted = subprocess.run(
        ["valgrind", "--tool=callgrind", "--toggle-collect=measured"]
        + [
            f"--callgrind-out-file={file}",
            str(BUILD / "test/programs/instructions"),
            call,
            str(TIMES),
        ],
        env=os.environ | {"OPENSSL_CONF": str(EXAMPLE), "OPENSSL_MODULES": str(BUILD)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    collected = re.search(r"Collected : (\d+)", counted.stderr)
    assert collected, counted.stderr
    functions = subprocess.run(
        ["callgrind_annotate", "--threshold=100", file],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    assert "EVP_MAC_update" in functions
    return Profile(
        int(collected[1]) / TIMES, frozenset(re.findall(r"pthread_\w*lock\w*", functions))
    )


@pytest.fixture(scope="module")
def profiles(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Profile]:
    """Of all calls of the program, by name."""
    folder = tmp_path_factory.mktemp("callgrind")
    return {
        call: profile(call, folder / call)
        for bounded in BOUNDS
        for call in (bounded, f"mac-{bounded}")
    }


def beside_hmac(profiles: dict[str, Profile], call: str) -> float:
    """Instructions of the call that the raw HMAC does not have."""
    return profiles[call].instructions - profiles[f"mac-{call}"].instructions


@pytest.mark.parametrize("call", BOUNDS)
def test_instructions(profiles: dict[str, Profile], call: str) -> None:
    """Guards against a derivation that costs many more instructions beside its HMAC than it did."""
    assert 0 < beside_hmac(profiles, call) <= BOUNDS[call]


@pytest.mark.parametrize("call", BOUNDS)
def test_no_lock(profiles: dict[str, Profile], call: str) -> None:
    """Guards against a lock that a derivation takes beside those of the HMAC itself."""
    assert profiles[call].locks <= profiles[f"mac-{call}"].locks


def test_count_is_repeatable(profiles: dict[str, Profile], tmp_path: Path) -> None:
    """Guards against a count of instructions that differs from run to run, and so shows nothing."""
    assert profile("refresh", tmp_path / "again") == profiles["refresh"]
