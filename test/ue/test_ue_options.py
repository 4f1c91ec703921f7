"""e2e-ue --bsf: options that go together, what --check says, and what is tried before a card is asked.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess
from pathlib import Path

import pytest

from evp import BUILD
from flow import FQDN, run_to_end, write_devices

KA = "a0" * 32
CARD = ["--bsf", "http://127.0.0.1:9", "--usim", "milenage:subscriber"]
WITH_KA = [*CARD, "--ka", "file:ka", "--state", "state"]
FILE = [*CARD, "--devices", "devices.csv", "--state", "state"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A subscriber, a Ka, and a file with Ka's of two devices."""
    lines = {"imsi": "001010000000001", "k": "00" * 16, "opc": "11" * 16, "sqn": "00" * 6}
    (tmp_path / "subscriber").write_text("".join(f"{n} {v}\n" for n, v in lines.items()))
    (tmp_path / "ka").write_text(KA + "\n")
    for name in ("subscriber", "ka"):
        (tmp_path / name).chmod(0o600)
    write_devices(tmp_path / "devices.csv", [["meter-7", "", KA, "2026"], ["other", "", KA, "1"]])
    return tmp_path


def run(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """e2e-ue with what every call has."""
    command = [str(BUILD / "e2e/e2e-ue"), "--connect", "127.0.0.1:9", "--naf-fqdn", FQDN, *words]
    return run_to_end(*command, folder=folder)


USAGE: dict[str, tuple[list[str], str]] = {
    "no card": (["--bsf", "auto"], "--bsf: --usim is missing"),
    "no Ka": (CARD, "--bsf: give either --ka or --devices for Ka"),
    "two Ka's": ([*WITH_KA, "--devices", "devices.csv"], "give either --ka or --devices"),
    "an identity": ([*WITH_KA, "--identity", "x"], "--bsf and --identity exclude each other"),
    "no device": (FILE, "--device is missing, the device whose Ka's are used"),
    "a name with a comma": ([*WITH_KA, "--ka-id", "a,b"], "--ka-id: must be a text"),
    "AKMA": (
        [*WITH_KA, "--identity-prefix", "3GPP-AKMA"],
        "it gives no key for this --identity-prefix",
    ),
    "UICC": (
        [*WITH_KA, "--identity-prefix", "3GPP-bootstrapping-uicc"],
        "it gives no key for this --identity-prefix",
    ),
    "no IMPI": ([*WITH_KA, "--impi", "me@nowhere.3gppnetwork.org"], "--impi: must be user@realm"),
    "an interval of 0": ([*WITH_KA, "--bootstrap-interval", "0"], "a number from 1 to 86400"),
    "one source for two": ([*WITH_KA, "--usim-pin", "file:ka"], "used twice"),
    "no --bsf": (["--devices", "x", "--usim", "pcsc:"], "options of bootstrapping go with --bsf"),
    "nothing": ([], "--devices is missing"),
}


@pytest.mark.parametrize("name", USAGE)
def test_usage(folder: Path, name: str) -> None:
    """Guards against an option without its other half that e2e-ue ignores instead of refusing."""
    words, said = USAGE[name]
    result = run(folder, "--message", "x", *words)
    assert result.returncode == 2 and said in result.stderr, result.stderr


REFUSED: dict[str, tuple[list[str], str]] = {
    "state over a subscriber": ([*WITH_KA[:-1], "subscriber"], "is no state file"),
    "state over Ka": ([*WITH_KA[:-1], "ka"], "is no state file"),
    "state over devices": ([*FILE[:-1], "devices.csv", "--device", "meter-7"], "is no state file"),
    "no folder": ([*WITH_KA[:-1], "nowhere/state"], "--state: nowhere/state: No such file"),
    "no such device": ([*FILE, "--device", "meter-8"], "no Ka of this device"),
    "a PIN as it is": ([*WITH_KA, "--usim-pin", "1234"], "no secret belongs on a command line"),
    "a Ka as it is": ([*CARD, "--ka", KA], "no secret belongs on a command line"),
    "a Ka that is none": ([*CARD, "--ka", "file:subscriber"], "not hex"),
    "an oldest Ka": ([*WITH_KA, "--oldest-ka-id", "x"], "the UE has no Ka of this name"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused_before_a_card_is_asked(folder: Path, name: str) -> None:
    """Guards against a command that cannot succeed and yet advances the card's SQN or overwrites a file of secrets."""
    words, said = REFUSED[name]
    before = {path: path.read_bytes() for path in folder.iterdir()}
    result = run(folder, "--message", "x", *words)
    assert result.returncode == 1 and said in result.stderr, result.stderr
    assert {path: path.read_bytes() for path in folder.iterdir()} == before


def test_check(folder: Path) -> None:
    """Guards against a --check that misses an unreadable card file, or spends a try of the card's PIN."""
    words = ["--check", "--listen", "127.0.0.1:0", *WITH_KA]
    result = run(folder, *words)
    assert result.returncode == 0, result.stdout
    assert [line.split(":")[0] for line in result.stdout.splitlines()[1:4]] == [
        *("ok --ka, --usim-pin and --state", "ok --usim", "ok Ka"),
    ]
    (folder / "pin").write_text("1234\n")
    (folder / "pin").chmod(0o600)
    (folder / "subscriber").unlink()
    result = run(folder, *words)
    assert result.returncode == 1
    assert "not ok --usim milenage:subscriber: No such file" in result.stdout
    result = run(folder, *words, "--usim-pin", "file:pin")
    assert "ok --usim: not tried, as there is a PIN" in result.stdout, result.stdout


@pytest.mark.parametrize("option", ["--ka", "--usim-pin"])
def test_a_secret_that_others_can_read(folder: Path, option: str) -> None:
    """Guards against a Ka or a PIN that was taken with a note, where a devices file and a subscriber are refused."""
    (folder / "pin").write_text("1234\n")
    (folder / "pin").chmod(0o600)
    words = ["--check", "--listen", "127.0.0.1:0", *WITH_KA, "--usim-pin", "file:pin"]
    assert "ok --ka, --usim-pin" in run(folder, *words).stdout
    (folder / {"--ka": "ka", "--usim-pin": "pin"}[option]).chmod(0o644)
    result = run(folder, *words)
    assert result.returncode == 1
    assert f"not ok {option}: file:" in result.stdout and "chmod 600 it" in result.stdout
