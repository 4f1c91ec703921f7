"""What a command line says reaches a terminal only through the filter: every option of every program.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import subprocess
from pathlib import Path

import pytest

from certificates import Authority
from evp import BUILD
from flow import ENVIRONMENT, FQDN, LOOPBACK, Process, write_devices
from samples import KA, KEY

# Title and colour, a line of its own, C1 as a character and as an octet, bidi, a separator.
NASTY = b"\x1b]0;x\x07\r\nevent=none \x9b1m" + "\u009b1m\u202e\u2066\u2028\u00e4".encode()
OPEN = NASTY + b"of all"  # a file that everybody can read
LONG = b"x" * 86 + "\u20ac".encode() * 300  # whatever it is cut to, not within a character
PLAIN = re.compile(r"[^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufffd]*")
NOWHERE = f"{LOOPBACK}:99999"  # no port: whatever else is in order, no program goes on

ALONE = ["e2e/e2e-as", "--accept", NOWHERE, "--naf-fqdn", FQDN, "--devices", "devices.csv"]
APART = ["--third-party", NOWHERE, "--cert", "ca-as.pem", "--key", "ca-as.key", "--ca", "ca.pem"]
REDIS = ["--store", f"rediss://{LOOPBACK}:1", "--store-key", "store.key"]
SOURCE = ["--key-source", "nef:https://localhost:1"]
SOURCE += ["--source-cert", "ca-as.pem", "--source-key", "ca-as.key", "--source-ca", "ca.pem"]
UE = ["e2e/e2e-ue", "--connect", NOWHERE, "--naf-fqdn", FQDN, "--devices", "devices.csv"]
UE += ["--identity", "ue"]
NAF = ["--naf-fqdn", FQDN, "--ua-protocol-id", "0100000007"]

# The command, and which of its options are tried: those of this beginning.
COMMANDS: dict[str, tuple[list[str], str]] = {
    "as": (ALONE, "(?!store|source|token|client|notify|.*second|.*timeout|connections|handshakes)"),
    "as, naf": ([*ALONE, "--devices", "naf.csv", *APART], "third|cert|key|ca|crl|devices"),
    "as, redis": ([*ALONE, *REDIS], "store"),
    "as, operator": ([*ALONE, *SOURCE], "key-source|source|token|client|notify"),
    "ue": ([*UE, "--message", "m"], ""),
    "derive": (["tool/akma", "derive", "--ks-naf", "file:key", "--ka", "file:key", *NAF], ""),
    "psk": (
        ["tool/akma", "psk", "--in", "devices.csv", "--out", "psk", "--format", "json", *NAF],
        "",
    ),
    "b-tid": (["tool/akma", "identity", "--bsf", "b", "--rand", "00" * 16], ""),
    "a-kid": (["tool/akma", "identity", "--rid", "1", "--a-tid", "00" * 32, "--realm", "r"], ""),
    "doctor": (["tool/akma", "doctor"], ""),
    "ka new": (["tool/akma", "ka", "new", "--identity", "x", "--out", "new.csv"], ""),
    "ka add": (["tool/akma", "ka", "add", "--devices", "devices.csv", "--identity", "ue"], ""),
    "ka merge": (
        ["tool/akma", "ka", "merge", "--ks-naf", "devices.csv", "--ka", "devices.csv"],
        "",
    ),
    "ka remove": (["tool/akma", "ka", "remove", "--devices", "devices.csv", "--identity", "x"], ""),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the commands name."""
    path = tmp_path_factory.mktemp("foreign")
    write_devices(path / "devices.csv", [["ue", KEY.hex(), KA.hex()]])
    write_devices(path / "naf.csv", [["ue", KEY.hex(), ""]])
    authority = Authority(path)
    authority.issue("as")
    files: dict[str | bytes, str] = {
        "key": KEY.hex(),
        "store.key": f"1:{KEY.hex()}\n",
        NASTY: "x\n",
    }
    for name, text in files.items():
        file = path / os.fsdecode(name)
        file.write_text(text)
        file.chmod(0o600)
    (path / os.fsdecode(OPEN)).touch(0o644)
    return path


def run(folder: Path, *words: str | bytes) -> str:
    """What a program says, on both streams."""
    result = subprocess.run(
        [BUILD / os.fsdecode(words[0]), *words[1:]],
        cwd=folder,
        env=ENVIRONMENT,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        timeout=30,
        check=False,
    )
    return (result.stderr + result.stdout).decode(errors="replace")


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option(folder: Path, name: str) -> None:
    """Guards against control characters of an argument that reach the terminal, by any option of any program."""
    command, which = COMMANDS[name]
    words = 3 if command[1] == "ka" else 2 if command[0] == "tool/akma" else 1
    form = re.compile(rf"^  --((?:{which})[a-z0-9-]+) ([A-Z]\S*)", re.MULTILINE)
    options = form.findall(run(folder, *command[:words], "--help"))
    assert options
    for option, argument in options:
        prefix = b"file:" if argument == "SRC" else b"unix:" if "unix:" in argument else b""
        for given in (NASTY, LONG, OPEN) if argument == "FILE" else (NASTY, LONG):
            said = run(folder, *command, f"--{option}", prefix + given)
            assert PLAIN.fullmatch(said), (option, said)
            assert "event=none" not in said.splitlines()


def test_address_of_a_socket(folder: Path) -> None:
    """Guards against a socket's path being printed with its control characters as the place where e2e-ue listens."""
    words = [*UE, "--devices", str(folder / "devices.csv"), "--connect", f"{LOOPBACK}:1"]
    words += ["--listen", os.fsdecode(b"unix:" + os.fsencode(folder) + b"/" + NASTY + b".socket")]
    with Process(BUILD / words[0], *words[1:]) as process:
        said = process.read().decode(errors="replace")
        assert said.startswith("listen unix:") and said.endswith(".socket")
        assert PLAIN.fullmatch(said)


@pytest.mark.parametrize(
    "words", [["--what"], ["what"], ["--connect"], ["--connect", "x"], ["--help"]]
)
def test_name_of_the_program(words: list[str]) -> None:
    """Guards against control characters of argv[0] that reach the terminal in an error or a help text."""
    command: list[str | bytes] = ["/bin/bash", "-c", 'exec -a "$0" "$@"', NASTY]
    command += [str(BUILD / "e2e/e2e-ue"), *words]
    result = subprocess.run(command, capture_output=True, timeout=30, check=False)
    assert PLAIN.fullmatch((result.stderr + result.stdout).decode(errors="replace"))
