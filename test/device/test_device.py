"""device/ on this machine: the module's keys and refusals, HMAC that fails, constant time.

SPDX-License-Identifier: Apache-2.0
"""

import re
import subprocess
from pathlib import Path

import pytest

import device
from device import FAULTS, line
from evp import BUILD
from openssl_cli import EXAMPLE
from project import ROOT, run
from sanitizer import unless_its_runtime_is_in_the_way

PROGRAMS = BUILD / "test/device"
KS_NAF = "00112233445566778899aabbccddeeff" * 2
KA = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
NAF_ID = "6e61662e6578616d706c652e636f6d0100000007"
E2E = {"ks-naf": KS_NAF, "ka": KA, "naf-id": NAF_ID}
GBA = {"key": KS_NAF, "rand": "00" * 16, "impi": "7573657240722e636f6d", "naf-id": NAF_ID}


def answers(cases: list[str]) -> list[str]:
    """What cases.c answers, a line for each case."""
    program = PROGRAMS / "cases"
    done = subprocess.run(
        [program], input="\n".join(cases) + "\n", capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


def refused(parameters: dict[str, str], algorithm: str = "AKMA-E2E", length: int = 32) -> list[str]:
    """The input and the fault that a case is refused for."""
    (answer,) = answers([line(algorithm, length, parameters)])
    word, *reason = answer.split(" ")
    assert word == "refused" and len(reason) == 2, answer
    return [reason[0], FAULTS[int(reason[1])].removeprefix("AKMA_FAULT_")]


def test_vectors() -> None:
    """Guards against a device that derives another key than the vectors have, and so never connects."""
    names, cases, keys = zip(*device.vectors())
    assert dict(zip(names, answers(list(cases)))) == dict(zip(names, keys)) and len(names) > 20


def test_refusals() -> None:
    """Guards against a device that derives from an input which another implementation has to refuse, or blames
    another one.
    """
    names, cases, inputs = zip(*device.refusals())
    got = [answer.split(" ")[:2] for answer in answers(list(cases))]
    assert dict(zip(names, got)) == {n: ["refused", i] for n, i in zip(names, inputs)}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ks-naf": "00" * 32}, ["ks-naf", "ZERO"]),
        ({"ka": "00" * 16}, ["ka", "ZERO"]),
        ({"ka": KS_NAF}, ["ka", "EQUAL"]),
        ({"naf-id": b"192.0.2.1".hex() + "0100000007"}, ["naf-id", "ADDRESS"]),
        ({"naf-id": b"https://a.b".hex() + "0100000007"}, ["naf-id", "URL"]),
        ({"naf-id": b"a.b:443".hex() + "0100000007"}, ["naf-id", "URL"]),
        ({"usage": "e280ae"}, ["usage", "CHARACTER"]),  # U+202E
        ({"usage": "efbbbf"}, ["usage", "CHARACTER"]),  # U+FEFF
        ({"usage": "f09fbfbf"}, ["usage", "CHARACTER"]),  # U+1FFFF
        ({"usage": "07"}, ["usage", "CHARACTER"]),
        ({"usage": "ff"}, ["usage", "UTF8"]),
        ({"not-after": "0000003afff44180", "now": "00"}, ["not-after", "VALUE"]),
        ({"not-after": "10", "now": "11"}, ["not-after", "EXPIRED"]),
        ({"mode": "AES"}, ["mode", "VALUE"]),
    ],
)
def test_mistakes(changes: dict[str, str], expected: list[str]) -> None:
    """Guards against a caller's mistake that gives another key instead of an error code of its own."""
    assert refused(E2E | changes) == expected


@pytest.mark.parametrize("impi", ["user", "@r.com", "u@", "u@r@s", "u u@r", "sip:u@r", "TEL:1@r"])
def test_impi(impi: str) -> None:
    """Guards against an IMPI in another form that gives a key which the network does not have."""
    assert refused(GBA | {"impi": impi.encode().hex()}, "GBA-KS-NAF") == ["impi", "FORM"]


def test_the_last_second_is_good() -> None:
    """Guards against a key that is refused in the last second before its not-after."""
    (answer,) = answers([line("AKMA-E2E", 32, E2E | {"not-after": "10", "now": "10"})])
    assert len(answer) == 64


def test_against_the_module() -> None:
    """Guards against an input, of 100,000 random ones, for which device and module give different keys or only one refuses."""
    settings = {"OPENSSL_CONF": str(EXAMPLE), "OPENSSL_MODULES": str(BUILD)}
    said = run(PROGRAMS / "against_module", "100000", "2026", **settings)
    alike, both = map(int, re.findall(r"(\d+) (?:keys alike|refused by both)", said))
    assert alike + both == 100000 and min(alike, both) > 10000


def test_hmac_that_fails() -> None:
    """Guards against a failure of the device's HMAC, at whichever block, that becomes a key."""
    assert int(run(PROGRAMS / "failing")) == 4 + 5 + 2


@unless_its_runtime_is_in_the_way
@pytest.mark.parametrize(("what", "status"), [("derive", 0), ("control", 9)])
def test_constant_time(what: str, status: int) -> None:
    """Guards against a branch or address that depends on a secret, but for the refusals of zero and of Ka = Ks_NAF."""
    command: list[str | Path] = [
        "valgrind",
        "-q",
        "--error-exitcode=9",
        PROGRAMS / "constant_time",
        what,
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == status, done.stderr


@pytest.mark.parametrize("flags", [["-m32"], ["-m16"], ["-std=c99", "-m64"], ["-x", "c++"]])
def test_compiles_elsewhere(flags: list[str]) -> None:
    """Guards against a narrow or wide type that a 16-bit machine, C99 or C++ does not compile."""
    warnings = "-Wall -Wextra -Wpedantic -Wshadow -Wconversion -Werror -ffreestanding".split()
    headers = ["-fsyntax-only", f"-I{ROOT}/device"]
    source = ROOT / "device/akma_device.c"
    if "c++" in flags:
        source = ROOT / "device/akma_device.h"
    run("gcc", *flags, *warnings, *headers, source)
