"""akma bootstrap under valgrind, and what remains of the card's and its own secrets in memory when it ends.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

import reference
from bsf import IMPI, IMSI, K, OPC, SET_1, SQN, Behaviour, Bsf
from card import Card, Modem
from evp import BUILD
from sanitizer import unless_its_runtime_is_in_the_way
from tool import AKMA, ENVIRONMENT

pytestmark = [pytest.mark.slow, unless_its_runtime_is_in_the_way]

FQDN, UA = "naf.example.com", "0100000007"
NAF_ID = FQDN.encode() + bytes.fromhex(UA)
KS_NAF = reference.ks_naf(SET_1.ks, SET_1.rand, IMPI, NAF_ID)
RES = bytes(range(0xC0, 0xD0))  # of a card whose RES is as long as a needle
LONG = replace(SET_1, res=RES)
ANSWER = f"db10{RES.hex()}10{SET_1.ks[:16].hex()}10{SET_1.ks[16:].hex()}9000"
OUT = ["--naf-fqdn", FQDN, "--ua-protocol-id", UA, "--out", "ks-naf"]
ROW = [*OUT[:4], "--devices", "devices.csv", "--device", "meter-7"]

# What the BSF does, the options, and how it ends.
CASES: dict[str, tuple[Callable[[], Behaviour], list[str], int]] = {
    "Ks_NAF to a file": (Behaviour, OUT, 0),
    "Ks_NAF to a row": (Behaviour, ROW, 0),
    "no Ks_NAF": (Behaviour, [], 0),
    "a wrong rspauth": (lambda: Behaviour(rspauth=lambda _: "0" * 32), OUT, 1),
    "a lifetime that has passed": (lambda: Behaviour(lifetime=lambda: "2020-01-01T00:00:00Z"), OUT, 1),
    "no body": (lambda: Behaviour(body=lambda _: "", rspauth=lambda _: None), OUT, 1),
    "a response that is refused": (lambda: Behaviour(vectors=[replace(SET_1, res=bytes(8))]), OUT, 1),
    "a BSF that is too slow": (lambda: Behaviour(seconds=3), [*OUT, "--timeout", "1"], 1),
    "no folder for Ks_NAF": (Behaviour, [*OUT[:5], "nowhere/ks-naf"], 1),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """With the subscriber of TS 35.208's first set, and a devices file."""
    sqn = f"{SQN - 1:012x}"
    files = {
        "subscriber": f"imsi {IMSI}\nk {K.hex()}\nopc {OPC.hex()}\nsqn {sqn}\n",
        "devices.csv": "identity,ks-naf,ka,ka-id,device\n",
    }
    for name, text in files.items():
        (tmp_path / name).write_text(text)
        (tmp_path / name).chmod(0o600)
    return tmp_path


def run(
    folder: Path, url: str, usim: str, more: list[str], before: list[str], **environment: str
) -> subprocess.CompletedProcess[bytes]:
    """One bootstrapping."""
    words = ["bootstrap", "--bsf", url, "--usim", usim, "--state", "state", *more]
    return subprocess.run(
        [*before, AKMA, *words],
        env=ENVIRONMENT | environment,
        cwd=folder,
        capture_output=True,
        timeout=100,
        check=False,
    )


def scanned(folder: Path) -> dict[str, str]:
    """The environment in which memory is looked through at the end, for pieces of all that is secret."""
    secrets = [K, OPC, RES, SET_1.ks[:16], SET_1.ks[16:], KS_NAF[:16], KS_NAF[16:]]
    needles = b"".join(bytes(octet ^ 0x5A for octet in octets) for octets in secrets)
    (folder / "needles").write_bytes(needles)
    preload = f"{os.environ.get('LD_PRELOAD', '')} {BUILD}/test/programs/libpreload_exit_scan.so"
    return {
        "REMAINS_NEEDLES": str(folder / "needles"),
        "REMAINS_REPORT": str(folder / "report"),
        "LD_PRELOAD": preload,
    }


@pytest.mark.parametrize("name", CASES)
def test_nothing_remains(folder: Path, name: str) -> None:
    """Guards against a bootstrap that leaves K, OPc, RES, Ks or Ks_NAF in memory, however it ends."""
    behaviour, words, status = CASES[name]
    with Bsf(behaviour()) as bsf:
        result = run(folder, bsf.url, "milenage:subscriber", words, [], **scanned(folder))
    assert result.returncode == status, result.stderr
    assert (folder / "report").read_text() == "0 of 7\n"


@pytest.mark.parametrize("status", [0, 1])
def test_nothing_of_a_card_remains(folder: Path, status: int) -> None:
    """Guards against a buffer of a modem's lines that keeps RES, CK and IK in hex."""
    behaviour = Behaviour(vectors=[LONG], rspauth=lambda good: good if status == 0 else "0" * 32)
    with Bsf(behaviour) as bsf, Modem(Card(changes={"0088": ANSWER})) as modem:
        result = run(folder, bsf.url, f"at:{modem.path}", OUT, [], **scanned(folder))
    assert result.returncode == status, result.stderr
    assert (folder / "report").read_text() == "0 of 7\n"


@pytest.mark.parametrize("name", ["Ks_NAF to a row", "a wrong rspauth"])
def test_valgrind(folder: Path, name: str) -> None:
    """Guards against akma bootstrap reading what was never written, or leaking."""
    assert shutil.which("valgrind")
    behaviour, words, status = CASES[name]
    leaks = ["--leak-check=full", "--errors-for-leak-kinds=definite,indirect"]
    before = ["valgrind", "-q", *leaks, "--error-exitcode=99"]
    with Bsf(behaviour()) as bsf:
        words = [*words, "--timeout", "60"]
        result = run(folder, bsf.url, "milenage:subscriber", words, before)
    assert result.returncode == status, result.stderr
