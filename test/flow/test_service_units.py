"""The units as systemd reads them, and a watchdog that is not fed by a server whose loop hangs.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import ctypes
import os
import re
import shutil
import subprocess
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from flow import Metered, Server, wait_until, write_devices
from project import ROOT
from samples import KA, KEY
from sanitizer import unless_sanitized
from service import Manager

pytestmark = pytest.mark.slow

UNITS = ROOT / "e2e/systemd"
SEIZE, INTERRUPT, DETACH = 0x4206, 0x4207, 17  # sys/ptrace.h
EPOLL_WAIT = ("232", "281", "22")  # epoll_wait and epoll_pwait: of amd64, and of arm64


def ptrace(request: int, thread: int) -> int:
    """ptrace(2), for the requests that need no address."""
    libc = ctypes.CDLL(None, use_errno=True)
    result: int = libc.ptrace(request, thread, None, None)
    return result


@contextlib.contextmanager
def stopped(threads: list[int]) -> Iterator[None]:
    """Stopped threads of another process."""
    if ptrace(SEIZE, threads[0]) != 0:
        pytest.skip("this machine does not let one process stop a thread of another")
    for thread in threads[1:]:
        assert ptrace(SEIZE, thread) == 0
    for thread in threads:
        assert ptrace(INTERRUPT, thread) == 0
    yield
    for thread in threads:
        os.waitpid(thread, 0x40000000)  # __WALL
        assert ptrace(DETACH, thread) == 0


def others(pid: int) -> list[int]:
    """The threads of a process but its first."""
    return [int(name) for name in os.listdir(f"/proc/{pid}/task") if int(name) != pid]


def is_a_loop(pid: int, thread: int) -> bool:
    """Does it wait for events?"""
    system_call = Path(f"/proc/{pid}/task/{thread}/syscall").read_text().split()[0]
    return system_call in EPOLL_WAIT


def test_a_stuck_loop_starves_the_watchdog(tmp_path: Path) -> None:
    """Guards against a watchdog that is fed while the loops hang, because its thread goes on."""
    devices = write_devices(tmp_path / "devices.csv", [["ue", KEY.hex(), KA.hex()]])
    with Manager(tmp_path, WATCHDOG_USEC="400000") as manager:
        with Server(devices, environment=manager.environment) as server:
            manager.wait_for(WATCHDOG="1")
            with stopped(others(server.process.pid)):
                wait_until(lambda: manager.receive(1.5) == {})
                assert server.process.poll() is None
            manager.wait_for(WATCHDOG="1")


def readiness(metrics: str) -> tuple[int, str]:
    """/readyz, as a probe asks for it; 0: no answer in time."""
    try:
        with urllib.request.urlopen(f"http://{metrics}/readyz", timeout=2) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()
    except OSError:
        return 0, ""


@unless_sanitized
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one loop: nobody is left to answer")
def test_a_stuck_loop_is_not_ready(tmp_path: Path) -> None:
    """Guards against a replica that is sent UEs while one of its loops serves nobody."""
    devices = write_devices(tmp_path / "devices.csv", [["ue", KEY.hex(), KA.hex()]])
    with Metered(devices) as server:
        wait_until(lambda: readiness(server.metrics) == (200, "ready\n"))
        pid = server.process.pid
        wait_until(lambda: any(is_a_loop(pid, thread) for thread in others(pid)))
        loop = next(thread for thread in others(pid) if is_a_loop(pid, thread))
        with stopped([loop]):
            stuck = "not ready\nloops: one of them has not turned for "
            wait_until(lambda: readiness(server.metrics)[1].startswith(stuck))
            wait_until(lambda: readiness(server.metrics)[0] == 503)
        wait_until(lambda: readiness(server.metrics) == (200, "ready\n"))


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root with the units and what they name."""
    if shutil.which("systemd-analyze") is None:
        pytest.skip("systemd is not installed")
    folder = tmp_path_factory.mktemp("root")
    shutil.copytree(UNITS, folder / "usr/lib/systemd/system")
    return folder


def test_systemd_understands_the_units(root: Path) -> None:
    """Guards against a line of a unit that systemd ignores."""
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
    """Guards against a unit that exposes more, as systemd counts, than docs/deployment.md says."""
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
