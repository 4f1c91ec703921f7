"""The flow over DTLS on a path that loses, doubles, reorders and delays datagrams.

SPDX-License-Identifier: Apache-2.0
"""

import secrets
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from datagrams import SUITE, DtlsServer, RoughPath, pair_of
from evp import BUILD
from flow import ENVIRONMENT, FQDN, write_devices

pytestmark = pytest.mark.slow

FLOWS = 200
AT_ONCE = 50


def test_rough_path(tmp_path: Path) -> None:
    """A flow that ends where a datagram is lost, late, or comes twice: at least 198 of 200 end well within 60 s."""
    names = [f"ue{number}@bsf.example.com" for number in range(FLOWS)]
    rows = [[name, secrets.token_hex(32), secrets.token_hex(32), "k1"] for name in names]
    devices = write_devices(tmp_path / "devices.csv", rows)
    rough = {"loss": 0.1, "doubling": 0.05, "reordering": 0.1, "delay": 0.1}
    options = ("--handshake-timeout", "60", "--refresh-lifetime", "60")
    with (
        DtlsServer(devices, *options) as server,
        RoughPath(pair_of(server.address), seed=1, **rough) as first,
        RoughPath(pair_of(server.e2e_address), seed=2, **rough) as second,
    ):
        command = [
            *[
                str(BUILD / "e2e/e2e-ue"),
                "--connect",
                first.address,
                "--e2e-connect",
                second.address,
            ],
            *["--devices", str(devices), "--naf-fqdn", FQDN],
            *["--dtls-ciphers", SUITE, "--message", "hello", "--identity"],
        ]

        def run(name: str) -> bool:
            try:
                result = subprocess.run(
                    [*command, name],
                    env=ENVIRONMENT,
                    capture_output=True,
                    text=True,
                    timeout=60,
                    check=False,
                )
            except subprocess.TimeoutExpired:
                return False
            return result.returncode == 0 and result.stdout == "e2e: hello\n"

        with ThreadPoolExecutor(AT_ONCE) as pool:
            done = sum(pool.map(run, names))
        assert done >= FLOWS * 99 // 100, server.errors[-3000:]
        assert server.count('flags_total{e2e="1"}') >= done
