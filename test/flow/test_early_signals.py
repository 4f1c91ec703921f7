"""Signals that come while a program starts: it waits at its configuration, which is a pipe.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from evp import BUILD
from flow import (
    ENVIRONMENT,
    FQDN,
    LOOPBACK,
    SECONDS,
    Process,
    ue_command,
    wait_until,
    write_devices,
)
from openssl_cli import EXAMPLE
from samples import KA, KEY

UE = "ue@bsf.example.com"
AS = ["--accept", f"{LOOPBACK}:0", "--e2e-accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN]


@pytest.fixture
def pipe(tmp_path: Path) -> Iterator[Path]:
    """A reader waits until somebody writes."""
    path = tmp_path / "openssl.cnf"
    os.mkfifo(path)
    yield path


def commands(folder: Path) -> dict[str, list[str | Path]]:
    """The two programs that run for long."""
    devices = write_devices(folder / "devices.csv", [[UE, KEY.hex(), KA.hex()]])
    listen = ue_command(devices, UE, f"{LOOPBACK}:1", f"{LOOPBACK}:1")
    return {
        "accept": [BUILD / "e2e/e2e-as", *AS, "--devices", devices],
        "listen": [*listen[: listen.index("--message")], "--listen", f"{LOOPBACK}:0"],
    }


def open_to_write(pipe: Path) -> int:
    """The pipe's other end, once the program waits at it."""
    end = time.monotonic() + SECONDS
    while True:
        with contextlib.suppress(OSError):
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        assert time.monotonic() < end, "it does not read its configuration"
        time.sleep(0.005)


@pytest.mark.parametrize("said", ["accept", "listen"])
@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2])
def test_a_signal_during_the_start(
    said: str, number: signal.Signals, pipe: Path, tmp_path: Path
) -> None:
    """Guards against a signal that ends a program which still reads its configuration, or a SIGHUP lost by then."""
    environment = ENVIRONMENT | {"OPENSSL_CONF": str(pipe)}
    with Process(*commands(tmp_path)[said], environment=environment) as program:
        writer = open_to_write(pipe)
        program.process.send_signal(number)
        os.write(writer, EXAMPLE.read_bytes())
        os.close(writer)
        assert program.read().startswith(said.encode()), program.errors
        if number == signal.SIGHUP:
            wait_until(lambda: "event=reload" in program.errors)


def is_another(pid: int, command: str) -> bool:
    """Is the process another program by now than the one that it was started as?"""
    with contextlib.suppress(OSError):
        return os.path.basename(os.readlink(f"/proc/{pid}/exe")) == command
    return False


@pytest.mark.parametrize("said", ["accept", "listen"])
def test_a_signal_before_any_code_of_ours(said: str, tmp_path: Path) -> None:
    """Guards against a SIGHUP, blocked by the parent while libraries are loaded, that ends the program or is lost."""
    command = ["env", "--block-signal=HUP", *commands(tmp_path)[said]]
    for _ in range(3):
        with Process(*command) as program:
            name = Path(command[2]).name
            while not is_another(program.process.pid, name):
                assert program.process.poll() is None
            program.process.send_signal(signal.SIGHUP)
            assert program.read().startswith(said.encode()), program.errors
            wait_until(lambda: "event=reload" in program.errors)
