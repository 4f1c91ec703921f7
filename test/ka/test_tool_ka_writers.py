"""akma ka: what another writer does to the devices file between two calls of this one.

SPDX-License-Identifier: Apache-2.0
"""

import os
from pathlib import Path

import pytest

from evp import BUILD
from samples import KA, KEY
from tool import akma

ROW = f"{KEY.hex()},{KA.hex()}\n"


def write(path: Path, *names: str) -> str:
    path.write_text("identity,ks-naf,ka\n" + "".join(f"{name},{ROW}" for name in names))
    path.chmod(0o600)
    return str(path)


@pytest.mark.parametrize(
    ("words", "names"),
    [
        (["add", "--new", "--identity", "mine"], ["one", "two", "theirs", "mine"]),
        (["remove", "--identity", "one"], ["two", "theirs"]),
    ],
)
def test_a_file_that_is_replaced_before_it_is_locked(
    tmp_path: Path, words: list[str], names: list[str]
) -> None:
    """Guards against another writer's row that is lost, since the lock is on the file that it replaced."""
    devices = write(tmp_path / "devices.csv", "one", "two")
    fresh = write(tmp_path / "fresh", "one", "two", "theirs")
    preload = f"{os.environ.get('LD_PRELOAD', '')} {BUILD}/test/programs/libpreload_flock.so"
    meanwhile = {"LD_PRELOAD": preload, "FLOCK_NEW": fresh, "FLOCK_PATH": devices}
    result = akma("ka", *words, "--devices", devices, environment=meanwhile)
    assert result.returncode == 0, result.stderr
    lines = (tmp_path / "devices.csv").read_text().splitlines()
    assert [line.split(",")[0] for line in lines] == ["identity", *names]
