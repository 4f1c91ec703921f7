"""The metrics of e2e-as, checked by Prometheus' own promtool.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess
import urllib.request
from pathlib import Path

from consumer import IDENTITY, KA, KS_NAF
from flow import Server, ue, write_devices


def test_promtool(tmp_path: Path) -> None:
    """It understands the text, and its linter has no remark."""
    devices = write_devices(tmp_path / "devices.csv", [[IDENTITY, KS_NAF.hex(), KA.hex()]])
    with Server(devices, "--metrics", "0") as server:
        address = server.read().decode().split()[1]
        assert ue(devices, IDENTITY, server.address, server.e2e_address).returncode == 0
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=20) as answer:
            text: str = answer.read().decode()
    result = subprocess.run(
        ["promtool", "check", "metrics"],
        input=text,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (result.returncode, result.stdout + result.stderr) == (0, "")
    assert 'e2e_flags_total{e2e="1"} 1\n' in text
