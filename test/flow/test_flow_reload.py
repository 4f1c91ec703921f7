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
from flow import Metered, Server, StockClient, wait_until, write_devices
from processor import processor_seconds
from sanitizer import SLOWER

KS_NAF, KA = "11" * 32, "22" * 32
PROBE, HELD = "probe@x.example", "held@x.example"
ROWS = 50000 // SLOWER
CONNECTIONS = 1000
LONGEST = 0.05  # seconds that a UE elsewhere may wait
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
    wait_until(lambda: reloads(server) > before, SLOWER * 60)


def cost_of_removal(devices: Path, connections: int) -> float:
    """Seconds of processor that a reload takes which removes all rows but two."""
    write_rows(devices, ROWS)
    with Metered(devices, *OPTIONS, two_addresses=False) as server:
        holding = held(server, connections)
        before = processor_seconds(server.process.pid)
        reload(server, devices, 0)
        time.sleep(0.5)  # for what the loops do of it
        cost = processor_seconds(server.process.pid) - before
        holding.kill()
        holding.wait()
    return cost


def test_rows_are_not_looked_for_among_connections(devices: Path) -> None:
    """Guards against a reload whose cost is the removed rows times the connections."""
    alone = cost_of_removal(devices, 1)
    assert cost_of_removal(devices, CONNECTIONS) < 2 * alone + SLOWER * 0.25


def test_others_do_not_wait_for_a_reload(devices: Path) -> None:
    """Guards against a reload of many rows for which a UE elsewhere waits for more than 50 ms."""
    write_rows(devices, ROWS)
    longest = []
    with Metered(devices, *OPTIONS, two_addresses=False) as server:
        holding = held(server, CONNECTIONS)
        with StockClient(
            server.address, f"3GPP-bootstrapping.{PROBE}", bytes.fromhex(KS_NAF)
        ) as probe:
            probe.flag()
            for _ in range(3):
                longest.append(longest_wait(server, devices, probe))
                reload(server, devices, ROWS)
        server.process.terminate()
        assert server.wait() == 0
        holding.kill()
        holding.wait()
    assert min(longest) < SLOWER * LONGEST, longest


def longest_wait(server: Metered, devices: Path, probe: StockClient) -> float:
    """The longest that a line took while a reload removed the rows, and half a second on."""
    before = reloads(server)
    write_rows(devices, 0)
    server.process.send_signal(signal.SIGHUP)
    waits = []
    asked, end = time.monotonic(), math.inf
    while (started := time.monotonic()) < end:
        probe.write(b"x\n")
        assert probe.read() == b"plain: x"
        waits.append(time.monotonic() - started)
        time.sleep(0.002)
        if end == math.inf and started > asked + 0.1:
            asked = started
            if reloads(server) > before:
                end = time.monotonic() + 0.5
    return max(waits)


def test_connections_of_removed_rows_end(devices: Path) -> None:
    """Guards against a removed row of whose many connections one stays, or that ends another device's."""
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
