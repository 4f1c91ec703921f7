"""Where Ka comes from: the options that say it, and a file separate from the NAF's.

SPDX-License-Identifier: Apache-2.0
"""

import signal
from pathlib import Path

import pytest

from evp import BUILD
from flow import FQDN, LOOPBACK, Server, run_to_end, ue, wait_until, write_devices

KS_NAF, KA, OTHER_KA = "11" * 32, "22" * 32, "33" * 32
UE = "ue1@bsf.example.com"
NAF = ["--accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN]
APART = ["--naf-accept", f"{LOOPBACK}:0", "--cert", "x", "--key", "x", "--ca", "x"]


@pytest.mark.parametrize(
    "words, sentence",
    [
        ([*NAF, "--devices", "x", "--ka-source", "x"], "--ka-source: must be file:PATH"),
        ([*NAF, "--devices", "x", "--ka-source", "file:"], "--ka-source: must be file:PATH"),
        ([*APART, "--devices", "x", "--ka-source", "file:y"], "a separate third party holds no"),
        (
            ["--e2e-accept", f"{LOOPBACK}:0", "--ka-source", "file:x"],
            "are for the process that derives",
        ),
    ],
)
def test_useless_combinations(words: list[str], sentence: str) -> None:
    """Guards against a --ka-source that is ignored, or read as another kind, instead of refused."""
    result = run_to_end(BUILD / "e2e/e2e-as", *words)
    assert result.returncode == 2 and sentence in result.stderr, result.stderr


def test_a_separate_file(tmp_path: Path) -> None:
    """Guards against a Ka in a file of its own that is not found, or still used after a reload took it away."""
    naf = write_devices(tmp_path / "naf.csv", [[UE, KS_NAF, ""]])
    device = write_devices(tmp_path / "ue.csv", [[UE, KS_NAF, KA]])
    kas = write_devices(tmp_path / "ka.csv", [[UE, "", KA]])
    with Server(naf, "--ka-source", f"file:{kas}") as server:
        flow = ue(device, UE, server.address, server.e2e_address)
        assert flow.stdout == "e2e: hello\n", flow.stderr + server.errors
        write_devices(kas, [["other@bsf.example.com", "", OTHER_KA]])
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "event=reload" in server.errors)
        server.wait_for_error("row-removed")
        assert ue(device, UE, server.address, server.e2e_address).stdout == ""


def test_a_reload_is_all_or_nothing(tmp_path: Path) -> None:
    """Guards against a reload that takes one of two files when the other is refused."""
    naf = write_devices(tmp_path / "naf.csv", [[UE, KS_NAF, ""]])
    device = write_devices(tmp_path / "ue.csv", [[UE, KS_NAF, KA]])
    kas = write_devices(tmp_path / "ka.csv", [[UE, "", KA]])
    with Server(naf, "--ka-source", f"file:{kas}") as server:
        write_devices(naf, [["other@bsf.example.com", KS_NAF, ""]])
        write_devices(kas, [[UE, KS_NAF, KA]])
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_error("this role never holds it")
        flow = ue(device, UE, server.address, server.e2e_address)
        assert flow.stdout == "e2e: hello\n", flow.stderr + server.errors
