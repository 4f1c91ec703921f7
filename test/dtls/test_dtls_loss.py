"""The flow over DTLS on a path that loses, doubles, reorders and delays datagrams.

AKMA_DTLS_FLOWS: so many devices, default 40; the nightly check has 200.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import os
import secrets
import subprocess
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from datagrams import SUITE, DtlsServer, RoughPath, pair_of, port_of
from flow import run_to_end, ue_command, write_devices
from needs import needs

pytestmark = pytest.mark.slow

FLOWS = int(os.environ.get("AKMA_DTLS_FLOWS", "40"))
AT_ONCE = 50
SECONDS = 60
CLONE_NEWNET = 0x40000000
LATE = {"doubling": 0.05, "reordering": 0.1, "delay": 0.2}
LOSSY = {**LATE, "loss": 0.1}
# One in ten of the datagrams to and from these ports, of both directions.
RULES = """
table inet rough {{
    chain input {{
        type filter hook input priority 0;
        udp dport {{ {ports} }} numgen random mod 100 < 10 counter drop
        udp sport {{ {ports} }} numgen random mod 100 < 10 counter drop
    }}
}}
"""


def flows_that_end(folder: Path, rough: dict[str, float], prepare: Callable[[str], None]) -> None:
    """Run the flows, both connections of each over a path of its own; prepare gets the server's ports."""
    names = [f"ue{number}@bsf.example.com" for number in range(FLOWS)]
    rows = [[name, secrets.token_hex(32), secrets.token_hex(32), "k1"] for name in names]
    devices = write_devices(folder / "devices.csv", rows)
    options = ("--handshake-timeout", "60", "--refresh-lifetime", "60")
    with (
        DtlsServer(devices, *options) as server,
        RoughPath(pair_of(server.address), seed=1, **rough) as first,
        RoughPath(pair_of(server.e2e_address), seed=2, **rough) as second,
    ):
        prepare(f"{port_of(server.address)}, {port_of(server.e2e_address)}")

        reasons: list[str] = []

        def run(name: str) -> float | None:
            began = time.monotonic()
            command = ue_command(devices, name, first.address, second.address, message="hello")
            try:
                result = run_to_end(*command, "--dtls-ciphers", SUITE, seconds=SECONDS)
            except subprocess.TimeoutExpired:
                reasons.append("it took too long")
                return None
            if (result.returncode, result.stdout) == (0, "e2e: hello\n"):
                return time.monotonic() - began
            reasons.append(result.stderr)
            return None

        with ThreadPoolExecutor(AT_ONCE) as pool:
            took = sorted(each for each in pool.map(run, names) if each is not None)
        print(
            f"{len(took)} of {FLOWS}; median {took[len(took) // 2]:.1f} s, last {took[-1]:.1f} s",
            *reasons,
        )
        assert len(took) >= FLOWS * 99 // 100, (reasons, server.errors[-3000:])
        assert server.count('flags_total{e2e="1"}') >= len(took)


def test_rough_path(tmp_path: Path) -> None:
    """Guards against a flow over DTLS that ends because a datagram was lost, late or doubled (99 of 100 end within 60 s)."""
    flows_that_end(tmp_path, LOSSY, lambda ports: None)


def in_a_network_of_its_own(work: Callable[[], None]) -> None:
    """Run it in a thread with a network namespace, which goes with the thread and what it has started."""
    needs("namespaces")
    failures: list[BaseException] = []

    def run() -> None:
        try:
            if ctypes.CDLL(None, use_errno=True).unshare(CLONE_NEWNET) != 0:
                pytest.skip("no network namespace can be had: not root, or a container")
            subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
            work()
        except BaseException as failure:  # pytest's own, too
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


@pytest.mark.namespaces
def test_lossy_kernel(tmp_path: Path) -> None:
    """Guards against a flow over DTLS that does not survive datagrams which the kernel drops while the path delays others."""

    def drop(ports: str) -> None:
        subprocess.run(["nft", "-f", "-"], input=RULES.format(ports=ports), text=True, check=True)

    def flows() -> None:
        flows_that_end(tmp_path, LATE, drop)
        listed = subprocess.run(
            ["nft", "list", "ruleset"], capture_output=True, text=True, check=True
        ).stdout
        assert listed.count("counter packets") == 2 and "counter packets 0 " not in listed

    in_a_network_of_its_own(flows)
