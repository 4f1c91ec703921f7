"""A reload that removes very many rows, while very many connections are held: who waits for it.

SPDX-License-Identifier: Apache-2.0
"""

import math
import signal
import subprocess
import time
from pathlib import Path

import pytest

from evp import BUILD
from flow import LONG, Metered, Server, StockClient, wait_until, write_devices
from processor import is_idle, processor_seconds

KS_NAF, KA = "11" * 32, "22" * 32
PROBE, HELD = "probe@x.example", "held@x.example"
ROWS = 50000
CONNECTIONS = 1000
OPTIONS = ("--connections-per-device", "100000", "--line-timeout", "600", "--e2e", "offered")


@pytest.fixture(name="devices")
def find_devices(tmp_path: Path) -> Path:
    """Where the devices file is to be."""
    return tmp_path / "devices.csv"


def write_rows(devices: Path, count: int) -> None:
    """A file with so many rows beside those that stay."""
    others = (f"u{number}@x.example" for number in range(count))
    write_devices(devices, [[name, KS_NAF, KA] for name in (PROBE, HELD, *others)])


def held(server: Server, count: int) -> "subprocess.Popen[bytes]":
    """So many connections of one device, once they are there."""
    program = str(BUILD / "test/programs/held_connections")
    process = subprocess.Popen(
        [program, server.address, f"3GPP-bootstrapping.{HELD}", KS_NAF, str(count)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    assert process.stdout
    assert int(process.stdout.readline()) == count
    return process


def reloads(server: Metered) -> int:
    """How many there were. A log that says of each row that it is gone may lose the line that says so."""
    return server.count('reloads_total{result="taken"}')


def reload(server: Metered, devices: Path, rows: int) -> None:
    """Have the file read that has so many rows; it returns when it is in use."""
    before = reloads(server)
    write_rows(devices, rows)
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: reloads(server) > before, LONG)


def cost_of_removal(devices: Path, connections: int) -> float:
    """Seconds of processor that a reload takes which removes all rows but two."""
    write_rows(devices, ROWS)
    with Metered(devices, *OPTIONS, two_addresses=False) as server:
        holding = held(server, connections)
        before = processor_seconds(server.process.pid)
        reload(server, devices, 0)
        wait_until(lambda: is_idle(server.process.pid), LONG)  # what the loops do of it
        cost = processor_seconds(server.process.pid) - before
        holding.kill()
        holding.wait()
    return cost


@pytest.mark.slow
def test_rows_are_not_looked_for_among_connections(devices: Path) -> None:
    """Guards against a reload whose cost is the removed rows times the connections."""
    costs = [(cost_of_removal(devices, 1), cost_of_removal(devices, CONNECTIONS)) for _ in range(2)]
    alone, among = (min(each) for each in zip(*costs))
    print(f"{alone:.2f} and {among:.2f} s")
    assert among < 3 * alone  # it is the same; rows times connections would be eight times as much


@pytest.mark.slow
def test_others_do_not_wait_for_a_reload(devices: Path) -> None:
    """Guards against a UE elsewhere whose line waits until a reload of many rows is over."""
    write_rows(devices, ROWS)
    shares: list[float] = []
    with Metered(devices, *OPTIONS, two_addresses=False) as server:
        holding = held(server, CONNECTIONS)
        with StockClient(
            server.address, f"3GPP-bootstrapping.{PROBE}", bytes.fromhex(KS_NAF)
        ) as probe:
            probe.flag()
            # of ten tries one counts: another program takes the processor from this one at any time
            while min(shares, default=1) > 0.5 and len(shares) < 10:
                reload(server, devices, ROWS)
                shares.append(longest_wait(server, devices, probe))
        server.process.terminate()
        assert server.wait() == 0
        holding.kill()
        holding.wait()
    print(shares)
    assert min(shares) < 0.5, shares


def longest_wait(server: Metered, devices: Path, probe: StockClient) -> float:
    """The longest that a line took while a reload removed the rows, and as long again: as a share of the reload's time."""
    before = reloads(server)
    write_rows(devices, 0)
    longest, took, asked = 0.0, math.inf, time.monotonic()
    server.process.send_signal(signal.SIGHUP)
    while (began := time.monotonic()) < asked + 2 * took:
        probe.write(b"x\n")
        assert probe.read() == b"plain: x"
        longest = max(longest, time.monotonic() - began)
        if took == math.inf and reloads(server) > before:
            took = time.monotonic() - asked
    return longest / took


def test_connections_of_removed_rows_end(devices: Path) -> None:
    """Guards against a connection that stays open after its row was removed, or another device's that is closed
    then."""
    write_devices(devices, [[name, KS_NAF, KA] for name in (PROBE, HELD)])
    with Metered(devices, *OPTIONS, two_addresses=False) as server:
        holding = held(server, 500)
        with StockClient(
            server.address, f"3GPP-bootstrapping.{PROBE}", bytes.fromhex(KS_NAF)
        ) as probe:
            probe.flag()
            write_devices(devices, [[PROBE, KS_NAF, KA]])
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: server.errors.count("the key that it runs on was revoked") == 500)
            probe.write(b"x\n")
            assert probe.read() == b"plain: x"
        holding.kill()
        holding.wait()
