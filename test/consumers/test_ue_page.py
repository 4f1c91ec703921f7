"""docs/ue-side.md, from nothing to a protected MQTT client: its commands unchanged, with a card and a BSF of ours.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from auc import HAS_OSMO
from evp import BUILD
from flow import (
    ENVIRONMENT,
    LOOPBACK,
    Process,
    free_port,
    run_to_end,
    wait_until,
    wait_until_listening,
)
from operator_site import KA, OperatorSite
from home import Home
from project import ROOT

PAGE = ROOT / "docs/ue-side.md"

pytestmark = [
    pytest.mark.node,
    pytest.mark.skipif(not HAS_OSMO, reason="libosmocore-utils has osmo-auc-gen"),
    pytest.mark.skipif(shutil.which("mosquitto") is None, reason="mosquitto and its clients"),
]


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """With a CA of its own."""
    site = OperatorSite(tmp_path)
    with site.operator() as operator:
        yield Home(tmp_path, site, operator)


def blocks() -> list[str]:
    """The commands, block by block."""
    found = re.findall(r"^```bash\n(.*?)^```$", PAGE.read_text(), re.M | re.S)
    assert len(found) == 4
    return found


def run(script: str, folder: Path, environment: dict[str, str]) -> str:
    """In a shell that ends at the first command that fails; what it says."""
    path = f"{BUILD}/tool:{BUILD}/e2e:{os.environ['PATH']}"
    result = run_to_end(
        "bash",
        "-eu",
        "-c",
        script,
        environment=ENVIRONMENT | {"PATH": path} | environment,
        folder=folder,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_page(home: Home, tmp_path: Path) -> None:
    """Guards against a command, an option or a file of docs/ue-side.md that is not what the programs take."""
    conf = tmp_path / "etc"
    (conf / "ue").mkdir(parents=True)
    broker, local = free_port(), free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {broker} {LOOPBACK}\nallow_anonymous true\n")
    with (
        Process("mosquitto", "-c", config),
        home.bsf() as bsf,
        home.server("--forward", f"{LOOPBACK}:{broker}") as server,
    ):
        wait_until_listening(broker)
        environment = {
            **{"USIM": home.usim, "BSF": bsf.url, "CONF": str(conf), "RUN": str(tmp_path / "run")},
            **{"NAF": server.address, "E2E": server.e2e_address, "KA": KA.hex()},
            **{"LISTEN": f"{LOOPBACK}:{local}", "HOST": LOOPBACK, "PORT": str(local)},
        }
        said = run("\n".join(blocks()[:3]), tmp_path, environment).splitlines()
        assert said[0].startswith("b-tid: ") and said[1].startswith("lifetime: 2")
        promised = re.findall(r"^    (ok [^\n]*)$", PAGE.read_text(), re.M)
        for line, promise in zip(said[2:], promised, strict=True):
            assert line.split()[:2] == promise.split()[:2]
        command = [f"{BUILD}/e2e/e2e-ue", "--config", f"{conf}/ue.conf"]
        where = ["-h", LOOPBACK, "-p", str(broker), "-t", "meter/#", "-C", "1", "-W", "30"]
        with Process(*command) as ue, Process("mosquitto_sub", *where) as subscriber:
            assert ue.read().decode() == f"listen {LOOPBACK}:{local}"

            def is_heard() -> bool:
                run(blocks()[3], tmp_path, environment)
                return subscriber.process.poll() is not None

            wait_until(is_heard)
            assert subscriber.read() == b"42"
            ue.wait_for_error("event=bootstrap severity=info result=done")
