"""The log: nobody waits for its reader, and nobody fills it.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import pty
import re
import signal
import socket
import subprocess
import termios
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
    Metered,
    Process,
    Server,
    ask,
    ue,
    wait_until,
    write_devices,
)
from small_disk import small_disk

KS_NAF, KA = "11" * 32, "22" * 32
ID = "ue@bsf.example.com"
MANY = 200  # connections of a flood


@pytest.fixture(name="devices")
def make_devices(tmp_path: Path) -> Path:
    """One device."""
    return write_devices(tmp_path / "devices.csv", [[ID, KS_NAF, KA]])


def fill(descriptor: int) -> None:
    """Write until nothing more is taken."""
    os.set_blocking(descriptor, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(descriptor, b"x" * 1000)
    os.set_blocking(descriptor, True)


@contextlib.contextmanager
def full(kind: str) -> Iterator[tuple[int, int]]:
    """Somewhere to write to that takes nothing now; and its other end."""
    if kind == "pipe":
        reader, writer = os.pipe()
    elif kind == "socket":
        reader, writer = (end.detach() for end in socket.socketpair())
    else:
        reader, writer = pty.openpty()
    if kind == "stopped terminal":
        termios.tcflow(writer, termios.TCOOFF)
    else:
        fill(writer)
    try:
        yield writer, reader
    finally:
        os.close(writer)
        os.close(reader)


@pytest.mark.parametrize("kind", ["pipe", "socket", "terminal", "stopped terminal"])
def test_nobody_reads_standard_error(devices: Path, kind: str) -> None:
    """Guards against a standard error that nobody reads, and that stops the service of UEs or the end by SIGTERM."""
    with full(kind) as (writer, _):
        command = [f"{BUILD}/e2e/e2e-as", "--accept", f"{LOOPBACK}:0", "--devices", str(devices)]
        with subprocess.Popen(
            [*command, "--naf-fqdn", FQDN],
            stdout=subprocess.PIPE,
            stderr=writer,
            env=ENVIRONMENT,
        ) as server:
            assert server.stdout
            address = server.stdout.readline().decode().split()[1]
            try:
                for _ in range(5):
                    flood(address, 8)
                    assert ue(devices, ID, address).stdout == "e2e: hello\n"
                server.terminate()
                assert server.wait(30) == 0
            finally:
                server.kill()


def test_what_does_not_fit_is_counted() -> None:
    """Guards against lines that a slow reader of the log loses uncounted, gets twice or out of order."""
    count = 20000
    with full("pipe") as (writer, reader):
        with subprocess.Popen(
            [BUILD / "test/programs/log", str(count)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=writer,
            env=ENVIRONMENT,
        ) as program:
            assert program.stdout and program.stdin
            assert program.stdout.readline() == b"done\n", "the log waited for its reader"
            os.set_blocking(reader, False)
            octets = b""
            end = time.monotonic() + SECONDS
            while not program.stdin.closed or program.poll() is None:
                assert time.monotonic() < end, "no line says how many were left out"
                with contextlib.suppress(BlockingIOError):
                    octets += os.read(reader, 65536)
                if b"suppressed=" in octets:
                    program.stdin.close()
            with contextlib.suppress(BlockingIOError):
                while part := os.read(reader, 65536):
                    octets += part
    lines = octets.lstrip(b"x").decode().splitlines()
    numbers = [int(line.rsplit("number=", 1)[1]) for line in lines if "event=test" in line]
    suppressed = sum(int(number) for number in re.findall(r"suppressed=(\d+)", "\n".join(lines)))
    assert numbers == sorted(set(numbers)) and numbers[0] == 0
    assert len(numbers) + suppressed == count and suppressed > 0


def whole(file: Path) -> list[str]:
    """Lines, but those that a full disk cut."""
    return [line for line in file.read_text().splitlines() if re.search(r" number=\d+$", line)]


def test_an_audit_log_on_a_full_disk(tmp_path: Path) -> None:
    """Guards against audit lines that are lost on a full disk without a word in the log, or written in part."""
    with small_disk(tmp_path / "disk") as disk:
        place = tmp_path / "place"
        place.symlink_to(disk.folder)
        disk.fill()
        os.truncate(disk.folder / "filler", (disk.folder / "filler").stat().st_size - 4096)
        with Process(BUILD / "test/programs/log", "6000", "-", place / "audit.log") as program:
            assert program.read() == b"done"
            program.wait_for_error("event=audit suppressed=")
            wait_until(lambda: (disk.folder / "audit.log").stat().st_size == 4096)
            other = tmp_path / "other"
            other.mkdir()
            place.unlink()
            place.symlink_to(other)
            program.write(b"\n")
            wait_until(lambda: (other / "audit.log").exists() and whole(other / "audit.log"))
            first = whole(disk.folder / "audit.log")
            cut = (disk.folder / "audit.log").read_text()[
                len("".join(f"{line}\n" for line in first)) :
            ]
            assert cut != "" and not cut.endswith("\n")
            assert whole(other / "audit.log")[0].endswith(f" number={len(first)}")
            assert (other / "audit.log").read_text().startswith("time=")


def test_a_log_file_on_a_full_disk(tmp_path: Path) -> None:
    """Guards against lines that are lost on a full disk uncounted, or one that goes on in the middle of another."""
    count = 300
    with small_disk(tmp_path / "disk") as disk:
        file = disk.folder / "log"
        disk.fill()
        os.truncate(disk.folder / "filler", (disk.folder / "filler").stat().st_size - 4096)
        with Process(BUILD / "test/programs/log", str(count), file) as program:
            assert program.read() == b"done"
            wait_until(lambda: file.exists() and file.stat().st_size == 4096)
            (disk.folder / "filler").unlink()
            program.write(b"\n")
            wait_until(lambda: "event=log suppressed=" in file.read_text())
        lines = file.read_text().splitlines()
        cut = [
            line for line in lines if not re.search(r"(number|suppressed|file|severity)=\S+$", line)
        ]
        lost = sum(int(number) for number in re.findall(r"suppressed=(\d+)\n", file.read_text()))
        assert all(line.startswith("time=") and line.count("time=") == 1 for line in lines)
        assert len(cut) <= 1 and len(whole(file)) + lost == count


def test_a_log_is_a_regular_file(tmp_path: Path) -> None:
    """Guards against a log file that is a pipe, and makes the start wait for its reader."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    both: list[list[str | Path]] = [[pipe], ["-", pipe]]
    for words in both:
        with Process(BUILD / "test/programs/log", "1", *words) as program:
            assert program.process.wait(30) == 1
            program.wait_for_error("must be a regular file")
    os.close(reader)
    with Process(BUILD / "test/programs/log", "1", "-", pipe) as program:
        assert program.process.wait(30) == 1


def flood(address: str, count: int) -> None:
    """Connections with something that is no TLS."""
    for _ in range(count):
        ask(address, b"GET / HTTP/1.0\r\n\r\n")


def told(process: Process, event: str) -> tuple[int, int]:
    """Lines of an event, and how many of these and of those that they say were left out."""
    lines = [line for line in process.errors.splitlines() if f"event={event} " in line]
    suppressed = [int(number) for number in re.findall(r"suppressed=(\d+)", "\n".join(lines))]
    said = sum("reason=" in line for line in lines)
    return len(lines), said + sum(suppressed)


def few(begun: float) -> float:
    """So many lines may a flood have caused that began then: five a second."""
    return 5 * (time.monotonic() - begun + 2)


def test_a_flood_of_garbage(devices: Path) -> None:
    """Guards against a flood of garbage that fills the log, or whose suppressed lines are not counted."""
    with Server(devices, two_addresses=False) as server:
        begun = time.monotonic()
        flood(server.address, MANY)
        wait_until(lambda: told(server, "refused")[1] == MANY)
        assert told(server, "refused")[0] <= few(begun)
        assert ue(devices, ID, server.address).stdout == "e2e: hello\n"


def test_a_flood_of_reloads(devices: Path) -> None:
    """Guards against a line for each one that is refused: few a second, and all are counted."""
    with Metered(devices, two_addresses=False) as server:
        devices.write_text("nonsense\n")
        begun = time.monotonic()
        for number in range(MANY):
            os.kill(server.process.pid, signal.SIGHUP)
            wait_until(lambda: server.count('reloads_total{result="refused"}') > number)
        assert told(server, "reload")[0] <= few(begun)
        wait_until(lambda: told(server, "reload")[1] == MANY)


def test_a_flood_of_failures_at_a_ue(devices: Path) -> None:
    """Guards against a local program that fills the log of a UE without a server, or whose suppressed lines are not
    counted."""
    with Process(
        *[f"{BUILD}/e2e/e2e-ue", "--connect", f"{LOOPBACK}:1", "--devices", str(devices)],
        *["--identity", ID, "--naf-fqdn", FQDN, "--listen", f"{LOOPBACK}:0"],
    ) as listener:
        local = listener.read().decode().split()[1]
        begun = time.monotonic()
        for _ in range(MANY):
            assert ask(local) == b""
        wait_until(lambda: told(listener, "refused")[1] == MANY)
        assert told(listener, "refused")[0] <= few(begun)
