"""Whose fault it is, as a NAF counts it, where its third party is in another process.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import socket
from pathlib import Path

import pytest

from flow import LOOPBACK, ue, wait_until, write_devices
from health import METRICS, is_down, reasons
from link import Program, Sides
from samples import KA, KEY
from store_cluster import private

pytestmark = pytest.mark.slow

UE = "ue@bsf.example.com"
pytestmark = pytest.mark.slow


@pytest.mark.parametrize("hangs", [False, True], ids=["refuses", "hangs"])
@pytest.mark.parametrize("part", ["store", "ka"])
def test_what_is_down_at_a_third_party(tmp_path: Path, part: str, hangs: bool) -> None:
    """Guards against an outage of the store, or of Ka's, that is counted as the third party's, which has answered."""
    sides = Sides(tmp_path)
    key = private(tmp_path / "a.key", f"1:{bytes(range(32)).hex()}\n")
    ks_naf = write_devices(tmp_path / "naf.csv", [[UE, KEY.hex(), ""]])
    ka = write_devices(tmp_path / "ka.csv", [[UE, "", KA.hex()]])
    with contextlib.ExitStack() as stack:
        silent = stack.enter_context(socket.create_server((LOOPBACK, 0)))
        away = f"{LOOPBACK}:{silent.getsockname()[1]}"
        if not hangs:
            silent.close()
        down: dict[str, list[str | Path]] = {
            "store": ["--devices", ka, "--store", f"redis://{away}", "--store-key", key],
            "ka": ["--ka-source", f"postgresql://{away}/a?sslmode=disable", "--ka-key", key],
        }
        words = ["--naf-accept", f"{LOOPBACK}:0", "--e2e-accept", f"{LOOPBACK}:0", *METRICS]
        third_party = Program(*words, *sides.options(sides.third_party), *down[part])
        stack.enter_context(third_party)
        address = third_party.addresses["naf-accept"]
        naf = stack.enter_context(sides.run_naf(ks_naf, address, *METRICS))
        at = naf.addresses["accept"], third_party.addresses["e2e-accept"]
        wait_until(lambda: is_down(third_party, part))
        assert ue(ks_naf, UE, *at).returncode != 0
        wait_until(lambda: reasons(naf) == reasons(third_party) == {part})
        naf.wait_for_error("the third party says: ")
