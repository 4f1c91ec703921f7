"""Ten upgrades under load: connections that are held go on, new ones are served, none is refused or reset.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import resource
import signal
import socket
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from flow import LOOPBACK, Process, Server, split, ue_command, wait_until, write_devices
from link import Naf, Program, Sides
from sanitizer import SANITIZED
from samples import KA, KEY
from store_cluster import Redis, private
from upgrade import Generations

pytestmark = pytest.mark.slow

UE = "ue@bsf.example.com"
HELD = 100 if SANITIZED else 1000
UPGRADES = 10
LIMITS = ["--connections-per-device", "100000", "--handshakes-per-source", "100000"]


@pytest.fixture(scope="module", autouse=True)
def descriptors() -> Iterator[None]:
    """As many as the connections of this process, and of those that it starts, need."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, 16384), hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """One UE."""
    return write_devices(tmp_path / "devices.csv", [[UE, KEY.hex(), KA.hex()]])


def said(local: socket.socket, word: bytes) -> None:
    """A line comes back as it was said."""
    local.sendall(word + b"\n")
    answer = b""
    while not answer.endswith(b"\n"):
        part = local.recv(100)
        assert part, "the connection ended"
        answer += part
    assert answer == b"e2e: " + word + b"\n"


class Load:
    """New connections, one after the other, on a thread of its own; what went wrong with any."""

    def __init__(self, address: tuple[str, int]) -> None:
        self.address = address
        self.served = 0
        self.faults: list[str] = []
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while not self.is_over.is_set():
            try:
                with socket.create_connection(self.address, 30) as local:
                    local.settimeout(30)
                    said(local, b"load")
                self.served += 1
            except (OSError, AssertionError) as error:
                self.faults.append(repr(error))

    def stop(self) -> None:
        """And wait for the last one."""
        self.is_over.set()
        self.thread.join(60)


def upgrades(devices: Path, server: Server, generations: Generations) -> None:
    """Connections of all kinds through ten of them, then a removed row ends what is held."""
    words = ue_command(devices, UE, server.address, server.e2e_address)
    words[words.index("--message") :] = ["--listen", f"{LOOPBACK}:0"]
    with Process(*words) as local, contextlib.ExitStack() as stack:
        address = split(local.read().decode().split()[1])
        held = []
        for _ in range(HELD):
            held.append(stack.enter_context(socket.create_connection(address, 30)))
            held[-1].settimeout(60)
            said(held[-1], b"held")
        load = Load(address)
        for _ in range(UPGRADES):
            before = load.served
            generations.upgrade()
            wait_until(lambda: load.served > before + 5 or load.faults)
        load.stop()
        assert load.faults == [], local.errors + server.errors[-3000:]
        assert load.served > 5 * UPGRADES
        assert "event=refused" not in local.errors and "event=broken" not in local.errors
        for connection in held:
            said(connection, b"still")
        assert server.process.poll() is None
        write_devices(devices, [["other", KEY.hex(), KA.hex()]])
        generations.signal(signal.SIGHUP)
        for connection in held:
            with contextlib.suppress(ConnectionResetError):
                assert connection.recv(100) == b""


def test_with_the_store_in_memory(devices: Path) -> None:
    """Guards against a local program that notices the upgrade of a server whose outstanding keys were in memory."""
    with Server(devices, *LIMITS, "--drain-timeout", "600") as server:
        with Generations(server) as generations:
            upgrades(devices, server, generations)


@pytest.mark.redis
def test_with_redis(devices: Path, tmp_path: Path) -> None:
    """Guards against a key in a shared store that is lost, or counts as used, during upgrades under load."""
    redis = Redis(tmp_path)
    with contextlib.ExitStack() as stack:
        stack.callback(redis.stop)
        key = private(tmp_path / "store.key", f"1:{bytes(range(32)).hex()}\n")
        store = ["--store", f"redis://{LOOPBACK}:{redis.port}", "--store-key", str(key)]
        with Server(devices, *LIMITS, *store, "--drain-timeout", "600") as server:
            with Generations(server) as generations:
                upgrades(devices, server, generations)
                assert "reason=refresh-used" not in server.errors
                assert "was used before" not in server.errors


@dataclass
class Old:
    """A third party that has been upgraded, while a connection of a device's is held by the process before."""

    sides: Sides
    server: Program
    held: socket.socket

    def naf(self) -> Naf:
        """One that asks the new process."""
        address = self.server.addresses["naf-accept"]
        return Naf(address, self.sides.authority.file, self.sides.naf)

    def ends(self) -> None:
        """The held connection does, and with it the process."""
        with contextlib.suppress(ConnectionResetError):
            assert self.held.recv(100) == b""
        assert self.server.process.wait(60) == 0


@pytest.fixture
def old(tmp_path: Path) -> Iterator[Old]:
    """With a line that has gone through before and behind the upgrade."""
    sides = Sides(tmp_path)
    naf_devices = write_devices(tmp_path / "naf.csv", [[UE, KEY.hex(), ""]])
    ka_devices = write_devices(tmp_path / "ka.csv", [[UE, "", KA.hex()]])
    own = write_devices(tmp_path / "ue.csv", [[UE, KEY.hex(), KA.hex()]])
    with sides.run_third_party(ka_devices, "--drain-timeout", "600") as server:
        address = server.addresses["naf-accept"]
        with sides.run_naf(naf_devices, address) as naf, Generations(server) as generations:
            words = ue_command(own, UE, naf.addresses["accept"], server.addresses["e2e-accept"])
            words[words.index("--message") :] = ["--listen", f"{LOOPBACK}:0"]
            with Process(*words) as local:
                where = split(local.read().decode().split()[1])
                with socket.create_connection(where, 30) as held:
                    held.settimeout(60)
                    said(held, b"held")
                    generations.upgrade()
                    said(held, b"still")
                    yield Old(sides, server, held)


def test_a_revocation_by_a_naf_reaches_the_old_process(old: Old) -> None:
    """Guards against a NAF's revocation that spares what the upgraded-from process holds."""
    with old.naf() as asking:
        assert asking.ask(id=1, revoke=UE)["revoked"] is True
    old.ends()


def test_an_old_process_that_cannot_be_told_is_ended(old: Old) -> None:
    """Guards against an old process that takes no revocations, and whose connections go on."""
    old.server.pause()
    try:
        with old.naf() as asking:
            for number in range(100_000):
                asking.ask(id=number, revoke=f"{number}@nobody.example")
                if "cannot be told" in old.server.errors:
                    break
    finally:
        os.kill(old.server.process.pid, signal.SIGCONT)
    old.server.wait_for_error("cannot be told")
    old.ends()


def test_a_separate_naf(tmp_path: Path) -> None:
    """Guards against flows under load that fail during an upgrade of a separate NAF or of its third party."""
    sides = Sides(tmp_path)
    naf_devices = write_devices(tmp_path / "naf.csv", [[UE, KEY.hex(), ""]])
    ka_devices = write_devices(tmp_path / "ka.csv", [[UE, "", KA.hex()]])
    own = write_devices(tmp_path / "ue.csv", [[UE, KEY.hex(), KA.hex()]])
    options = [*LIMITS, "--drain-timeout", "600"]
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(sides.run_third_party(ka_devices, *options))
        naf = stack.enter_context(
            sides.run_naf(naf_devices, server.addresses["naf-accept"], *options)
        )
        words = ue_command(own, UE, naf.addresses["accept"], server.addresses["e2e-accept"])
        words[words.index("--message") :] = ["--listen", f"{LOOPBACK}:0"]
        local = stack.enter_context(Process(*words))
        load = Load(split(local.read().decode().split()[1]))
        sides_of: list[Program] = [naf, server]
        newest = [stack.enter_context(Generations(side)) for side in sides_of]
        for generations in newest * 3:
            before = load.served
            generations.upgrade()
            wait_until(lambda: load.served > before + 5 or load.faults)
        load.stop()
        assert load.faults == []
