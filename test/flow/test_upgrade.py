"""SIGUSR2: a new process takes the sockets, the old one ends its connections, and nobody notices.

SPDX-License-Identifier: Apache-2.0
"""

import os
import signal
import socket
import sys
from pathlib import Path

import pytest

from evp import BUILD
from flow import ENVIRONMENT, LOOPBACK, Process, Server, split, ue, ue_command, wait_until
from flow import write_devices
from samples import KA, KEY
from service import Manager
from upgrade import Generations

UE = "ue@bsf.example.com"


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """One UE."""
    return write_devices(tmp_path / "devices.csv", [[UE, KEY.hex(), KA.hex()]])


def listening(devices: Path, server: Server) -> Process:
    """e2e-ue, for local programs."""
    words = ue_command(devices, UE, server.address, server.e2e_address)
    words[words.index("--message") :] = ["--listen", f"{LOOPBACK}:0"]
    return Process(*words)


def said(local: socket.socket, word: bytes) -> bytes:
    """What comes back of a line; empty where the connection ends."""
    local.sendall(word + b"\n")
    answer = b""
    while not answer.endswith(b"\n"):
        part = local.recv(100)
        if not part:
            return b""
        answer += part
    return answer


def test_an_upgrade(devices: Path) -> None:
    """Guards against an upgrade that ends a held connection, or after which a reload reaches one of the two processes alone."""
    with Server(devices, "--drain-timeout", "60") as server, Generations(server) as generations:
        with listening(devices, server) as local:
            address = split(local.read().decode().split()[1])
            with socket.create_connection(address, 10) as held:
                held.settimeout(30)
                assert said(held, b"before") == b"e2e: before\n"
                first = server.process.pid
                second = generations.upgrade()
                assert second != first and server.process.poll() is None
                assert said(held, b"after") == b"e2e: after\n"
                assert ue(devices, UE, server.address, server.e2e_address).returncode == 0
                with socket.create_connection(address, 10) as fresh:
                    fresh.settimeout(30)
                    assert said(fresh, b"new") == b"e2e: new\n"
                    write_devices(devices, [["other", KEY.hex(), KA.hex()]])
                    generations.signal(signal.SIGHUP)
                    for connection in (held, fresh):
                        try:
                            assert connection.recv(100) == b""
                        except ConnectionResetError:
                            pass
            wait_until(lambda: server.errors.count("event=reload result=applied") == 2)
            assert server.process.wait(30) == 0


def test_logs_that_are_renamed(devices: Path, tmp_path: Path) -> None:
    """Guards against an old process that goes on in renamed logs after an upgrade, where logrotate removes its lines."""
    log, audit = tmp_path / "as.log", tmp_path / "audit.log"
    files = ["--drain-timeout", "60", "--log-file", str(log), "--audit-log", str(audit)]
    with Server(devices, *files) as server, listening(devices, server) as local:
        with socket.create_connection(split(local.read().decode().split()[1]), 10) as held:
            held.settimeout(30)
            assert said(held, b"before") == b"e2e: before\n"
            server.process.send_signal(signal.SIGUSR2)
            wait_until(lambda: "event=drain" in log.read_text())
            second = int(log.read_text().partition("result=done pid=")[2].split()[0])
            try:
                for path in (log, audit):
                    path.rename(f"{path}.1")
                os.kill(second, signal.SIGUSR1)
                wait_until(lambda: log.exists() and log.read_text().count(f"file={audit}") == 2)
                assert said(held, b"after") == b"e2e: after\n"
                held.close()
                assert server.process.wait(30) == 0
            finally:
                os.kill(second, signal.SIGKILL)
        assert "event=stop" in log.read_text()
        assert "event=stop" not in Path(f"{log}.1").read_text()


def test_a_new_program_that_cannot_start(devices: Path, tmp_path: Path) -> None:
    """Guards against a failed upgrade that stops the old program, has no reason in the log, or blocks the next one."""
    with Server(devices) as server, Generations(server) as generations:
        good = devices.read_text()
        devices.write_text("half of a fi")
        generations.signal(signal.SIGUSR2)
        server.wait_for_error("event=upgrade result=refused")
        server.wait_for_error("devices file")
        devices.write_text(good)
        assert ue(devices, UE, server.address, server.e2e_address).returncode == 0
        assert generations.upgrade() != server.process.pid
        assert ue(devices, UE, server.address, server.e2e_address).returncode == 0


class Gate:
    """A path to e2e-as behind which, once it is shut, a new program waits before it reads anything."""

    def __init__(self, folder: Path) -> None:
        self.program = folder / "e2e-as"
        self.program.symlink_to(BUILD / "e2e/e2e-as")
        self.fifo = folder / "gate"
        os.mkfifo(self.fifo)
        self.waiting = folder / "waiting"

    def shut(self) -> None:
        """From now on."""
        self.program.unlink()
        self.program.write_text(
            f"""#!{sys.executable}
import os, sys
with open({str(self.waiting) + ".new"!r}, "w") as file:
    file.write(str(os.getpid()))
os.rename({str(self.waiting) + ".new"!r}, {str(self.waiting)!r})
open({str(self.fifo)!r}).read()
os.execv({str(BUILD / "e2e/e2e-as")!r}, sys.argv)
"""
        )
        self.program.chmod(0o755)

    def pid(self) -> int:
        """Of the program that waits."""
        wait_until(self.waiting.exists)
        return int(self.waiting.read_text())

    def open(self) -> None:
        """Let it in."""
        self.fifo.write_text("")


def test_a_reload_while_a_new_program_starts(devices: Path, tmp_path: Path) -> None:
    """Guards against a SIGHUP during an upgrade that the new process, with the old rows, never hears of."""
    gate = Gate(tmp_path)
    with Server(devices, program=gate.program) as server:
        with Generations(server) as generations:
            gate.shut()
            generations.signal(signal.SIGUSR2)
            pid = gate.pid()
            generations.signal(signal.SIGHUP)
            server.wait_for_error("event=reload result=applied")
            generations.pids.append(pid)
            gate.open()
            server.wait_for_error(f"event=upgrade result=done pid={pid}")
            wait_until(lambda: server.errors.count("event=reload result=applied") > 1)


def test_the_end_while_a_new_program_starts(devices: Path, tmp_path: Path) -> None:
    """Guards against a SIGTERM during an upgrade after which the new program stays with the sockets."""
    gate = Gate(tmp_path)
    with Server(devices, program=gate.program) as server:
        with Generations(server) as generations:
            gate.shut()
            generations.signal(signal.SIGUSR2)
            generations.pids.append(gate.pid())
            server.process.send_signal(signal.SIGTERM)
            assert server.process.wait(30) == 0
            assert not Path(f"/proc/{generations.pids[-1]}").exists()


def test_the_service_manager_hears_of_it(devices: Path, tmp_path: Path) -> None:
    """Guards against an upgrade that the manager takes for the service's end, or without the new MAINPID."""
    with Manager(tmp_path) as manager:
        with Server(devices, environment=manager.environment) as server:
            with Generations(server) as generations:
                assert manager.receive()["READY"] == "1"
                pid = generations.upgrade()
                message = manager.wait_for(READY="1", MAINPID=str(pid))
                assert "STOPPING" not in message
                assert server.process.wait(30) == 0
                while message := manager.receive(0.01):  # all that it said is there by now
                    assert "STOPPING" not in message
                generations.signal(signal.SIGTERM)
                assert manager.wait_for(STOPPING="1")


def test_a_ue_repeats_a_flow_whose_promise_is_gone(devices: Path) -> None:
    """Guards against a UE that does not repeat a flow whose key was lost, or repeats it without end."""
    with Server(devices) as naf, Server(devices, two_addresses=True) as other:
        result = ue(devices, UE, naf.address, other.e2e_address)
        assert (
            result.returncode == 4
            and "the keys differ, or this one is no longer valid" in result.stderr
        )
        wait_until(lambda: naf.errors.count("event=flag") == 2)
        wait_until(lambda: other.errors.count("event=refused") == 2)
        assert naf.errors.count("event=flag") == 2


def test_environment_without_a_predecessor(devices: Path) -> None:
    """Guards against a number left in the environment that a server takes for a socket to write to."""
    environment = ENVIRONMENT | {"AKMA_PREDECESSORS": "2:1"}
    with Server(devices, environment=environment) as server:
        server.wait_for_error("event=start")
        assert ue(devices, UE, server.address, server.e2e_address).returncode == 0
        assert "ready" not in server.errors
