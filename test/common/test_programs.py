"""What holds for the beginning of each program: descriptors, and privileges of its file.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from evp import BUILD
from flow import ENVIRONMENT, FQDN, LOOPBACK, SECONDS, Process, wait_until, write_devices
from sanitizer import unless_its_runtime_is_in_the_way

KS_NAF, KA = "11" * 32, "22" * 32
PROGRAMS = ["e2e/e2e-as", "e2e/e2e-ue", "tool/akma"]


def test_diagnostics_land_in_no_key_file(tmp_path: Path) -> None:
    """Guards against a key file that gets descriptor 2 and then the complaints, when a caller closed the standard
    ones.
    """
    devices = write_devices(tmp_path / "devices.csv", [["ue", KS_NAF, KA], ["bad", "xx", KA]])
    out = tmp_path / "out"
    command = f"{BUILD}/tool/akma psk --in {devices} --out {out} --format mosquitto --keep-going"
    command += f" --naf-fqdn {FQDN} --ua-protocol-id 0100000007 <&- >&- 2>&-"
    assert subprocess.run(["sh", "-c", command], env=ENVIRONMENT, check=False).returncode == 1
    (line,) = out.read_text().splitlines()
    assert line.startswith("ue:") and len(line) == len("ue:") + 64


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_descriptors_of_a_server(tmp_path: Path, closed: str) -> None:
    """Guards against a server's socket or file that gets a closed standard descriptor, and with it log lines."""
    devices = write_devices(tmp_path / "devices.csv", [["ue", KS_NAF, KA]])
    command = f"exec {BUILD}/e2e/e2e-as --accept {LOOPBACK}:0 --devices {devices}"
    command += f" --naf-fqdn {FQDN} {closed}"
    with Process("sh", "-c", command) as server:
        folder = Path(f"/proc/{server.process.pid}/fd")

        def runs() -> bool:
            with contextlib.suppress(OSError):
                return any("eventpoll" in os.readlink(fd) for fd in folder.iterdir())
            return False

        wait_until(runs)
        numbers = {"<&-": [0], ">&-": [1], "2>&-": [2]}.get(closed, [0, 1, 2])
        assert [os.readlink(folder / str(number)) for number in numbers] == ["/dev/null"] * len(
            numbers
        )


@pytest.fixture
def elsewhere() -> Iterator[Path]:
    """A folder that every user reaches, where a file's privileges count."""
    with tempfile.TemporaryDirectory(dir="/var/tmp") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@unless_its_runtime_is_in_the_way
@pytest.mark.root
@pytest.mark.parametrize("program", PROGRAMS)
def test_privileges_of_the_file(elsewhere: Path, program: str) -> None:
    """Guards against a set-user-ID program that is silent about OPENSSL_CONF and OPENSSL_MODULES being ignored."""
    copy = Path(shutil.copy(BUILD / program, elsewhere))
    for mode, is_said in ((0o755, False), (0o4755, True)):
        os.chown(copy, 4711, 4711)
        copy.chmod(mode)
        result = subprocess.run(
            [copy, "--version"],
            env=ENVIRONMENT,
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=True,
            user=4712,
            group=4712,
            extra_groups=[],
        )
        for name in ("OPENSSL_CONF", "OPENSSL_MODULES"):
            assert (f"{name} is ignored" in result.stderr) == is_said
        assert ("AT_SECURE" in result.stderr) == is_said
