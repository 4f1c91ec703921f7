"""The units as systemd reads them, and a watchdog that is not fed by a server whose loop hangs.

SPDX-License-Identifier: Apache-2.0
"""

import ctypes
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from flow import Server, wait_until, write_devices
from samples import KA, KEY
from service import Manager

ROOT = Path(__file__).parents[2]
UNITS = ROOT / "e2e/systemd"
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17  # sys/ptrace.h


def ptrace(request: int, thread: int) -> int:
    """ptrace(2), for the requests that need no address."""
    libc = ctypes.CDLL(None, use_errno=True)
    result: int = libc.ptrace(request, thread, None, None)
    return result


def test_a_stuck_loop_starves_the_watchdog(tmp_path: Path) -> None:
    """The thread that feeds it goes on; the manager has to hear that the loops do not."""
    devices = write_devices(tmp_path / "devices.csv", [["ue", KEY.hex(), KA.hex()]])
    with Manager(tmp_path, WATCHDOG_USEC="400000") as manager:
        with Server(devices, environment=manager.environment) as server:
            manager.wait_for(WATCHDOG="1")
            pid = server.process.pid
            others = [int(name) for name in os.listdir(f"/proc/{pid}/task") if int(name) != pid]
            if ptrace(SEIZE, others[0]) != 0:
                pytest.skip("this machine does not let one process stop a thread of another")
            for thread in others[1:]:
                assert ptrace(SEIZE, thread) == 0
            for thread in others:
                assert ptrace(INTERRUPT, thread) == 0
            wait_until(lambda: manager.receive(1.5) == {})
            assert server.process.poll() is None
            for thread in others:
                os.waitpid(thread, 0x40000000)  # __WALL
                assert ptrace(DETACH, thread) == 0
            manager.wait_for(WATCHDOG="1")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the units and what they name."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    folder = tmp_path_factory.mktemp("root")
    shutil.copytree(UNITS, folder / "usr/lib/systemd/system")
    return folder


def test_systemd_understands_the_units(root: Path) -> None:
    """No line that systemd would ignore."""
    units = sorted((root / "usr/lib/systemd/system").glob("*.s[eo]*[et]"))
    assert len(units) == 11
    result = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *units],
        capture_output=True,
        text=True,
        check=False,
    )
    said = [line for line in result.stderr.splitlines() if str(root) in line or "e2e-as" in line]
    assert [line for line in said if "is not executable" not in line] == []


@pytest.mark.parametrize(
    ("unit", "most"),
    [
        *((f"e2e-as-{role}", 1.4) for role in ("all", "naf", "third-party", "endpoint")),
        ("e2e-ue", 1.7),  # a modem's terminal lines
    ],
)
def test_exposure(root: Path, unit: str, most: float) -> None:
    """What a unit exposes is no more than docs/deployment.md says, as systemd counts."""
    result = subprocess.run(
        [
            "systemd-analyze",
            "security",
            "--offline=yes",
            f"--root={root}",
            f"{unit}.service",
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    found = re.search(r"exposure level for .*: ([\d.]+) ", result.stdout)
    if found is None:
        pytest.skip(f"systemd-analyze security does not work offline here: {result.stderr[-200:]}")
    assert float(found[1]) <= most
