"""A wall clock that is set while a server runs: the end of a key is a date, a lifetime is not.

SPDX-License-Identifier: Apache-2.0
"""

import time
from pathlib import Path
from typing import Any

import pytest

import reference
from clock import Clock
from flow import NAF_ID, Server, StockClient
from samples import KA, KEY

UE = "ue@bsf.example.com"
HOUR = 3600


@pytest.fixture
def clock(tmp_path: Path) -> Clock:
    """A clock that is right."""
    return Clock(tmp_path)


def server(folder: Path, clock: Clock) -> Server:
    """All in one, with a key that ends in an hour."""
    path = folder / "devices.csv"
    end = int(time.time()) + HOUR
    row = f"{UE},{KEY.hex()},{KA.hex()},{end}"
    path.write_text(f"identity,ks-naf,ka,not-after\n{row}\n")
    path.chmod(0o600)
    return Server(path, environment=clock.environment)


def flag_of(running: Server) -> dict[str, Any]:
    """A flag, by stock openssl."""
    with StockClient(running.address, f"3GPP-bootstrapping.{UE}", KEY) as first:
        return first.flag()


def works(running: Server, flag: dict[str, Any]) -> bool:
    """Is a flag good?"""
    refresh = bytes.fromhex(flag["refresh"])
    key = reference.e2e_key(KEY, KA, NAF_ID, refresh=refresh, usage=flag["usage"])
    with StockClient(running.e2e_address, flag["identity"], key) as second:
        second.write(b"x\n")
        return second.read() == b"e2e: x"


def test_a_key_ends_when_the_clock_says_so(tmp_path: Path, clock: Clock) -> None:
    """Guards against a store in memory that serves a key after its end, because the clock stepped forward."""
    with server(tmp_path, clock) as running:
        assert works(running, flag_of(running))
        flag = flag_of(running)
        clock.step(HOUR + 2)
        assert not works(running, flag)


def test_a_lifetime_is_no_date(tmp_path: Path, clock: Clock) -> None:
    """Guards against a refresh that is too old at once because the clock was set forward or back."""
    with server(tmp_path, clock) as running:
        for step in (HOUR // 2, -HOUR):
            flag = flag_of(running)
            clock.step(step)
            assert works(running, flag)
