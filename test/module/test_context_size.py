"""What a context takes, and that a refresh takes nothing: counted at libcrypto's allocation functions.

SPDX-License-Identifier: Apache-2.0
"""

import os
import subprocess
from dataclasses import dataclass

import pytest

from evp import BUILD
from openssl_cli import EXAMPLE

CONTEXT_MAX = 1024
NAF_ID, REFRESH, KEY = 20, 4, 32


@dataclass(frozen=True)
class Step:
    """Allocations made, and octets held more than before, by the provider and by libcrypto."""

    name: str
    provider_allocations: int
    provider_octets: int
    libcrypto_allocations: int
    libcrypto_octets: int


def life(ka: int) -> dict[str, Step]:
    """The second context of a process, for the first one fetches HMAC."""
    result = subprocess.run(
        [BUILD / "test/programs/context_size", str(ka)],
        env=os.environ | {"OPENSSL_CONF": str(EXAMPLE), "OPENSSL_MODULES": str(BUILD)},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    lines = [line.split() for line in result.stdout.splitlines()]
    steps = [Step(name, *map(int, numbers)) for name, *numbers in lines]
    return {step.name: step for step in steps[-5:]}


@pytest.mark.parametrize("ka", [16, 32, 255, 1024, 65535])
def test_context_is_small(ka: int) -> None:
    """Guards against a context that takes far more memory than its inputs, or does not give it back."""
    steps = life(ka)
    held = sum(steps[name].provider_octets for name in ("new", "set", "derive"))
    assert 0 < held <= CONTEXT_MAX + ka + NAF_ID + REFRESH + KEY
    assert steps["free"].provider_octets == -held


def test_small_inputs_need_one_allocation() -> None:
    """Guards against small inputs that cost allocations of their own."""
    steps = life(32)
    assert [steps[name].provider_allocations for name in ("new", "set", "derive")] == [1, 0, 0]


@pytest.mark.parametrize("ka", [32, 65535])
def test_refresh_allocates_nothing(ka: int) -> None:
    """Guards against a refresh that allocates, and so can fail or fragment memory after years."""
    refresh = life(ka)["refresh"]
    assert (refresh.provider_allocations, refresh.provider_octets) == (0, 0)
    assert refresh.libcrypto_octets == 0


def test_hmac_context_is_used_again() -> None:
    """Guards against an EVP_MAC context that is built and freed in each derivation."""
    steps = life(32)
    assert steps["derive"].libcrypto_octets == 0
    assert steps["new"].libcrypto_octets + steps["free"].libcrypto_octets == 0
