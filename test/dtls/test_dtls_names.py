"""Names with several addresses over UDP, and sessions that one side has lost.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import secrets
import socket
import threading
from pathlib import Path

import pytest

from clock import Clock
from datagrams import SUITE, DtlsListener, DtlsServer, RoughPath, dtls_ue, pair_of, port_of
from evp import BUILD
from flow import FQDN, LOOPBACK, Process, free_port, run_to_end, ue_command, wait_until
from names import Names
from one_device import IDENTITY, make_devices  # noqa: F401 (a fixture)
from sanitizer import SANITIZED

NAME = "naf.example.com"
CIPHERS = ("--dtls-ciphers", SUITE)
ELSEWHERE = "127.0.0.2"  # nobody is there
IDLE = 300  # seconds without an answer, after which e2e-ue begins another session
CROWD = 48  # local programs, from which on a quiet one makes room


def check(devices: Path, program: str, *words: str) -> str:
    """What --check says of this command line."""
    command = [str(BUILD / f"e2e/e2e-{program}"), "--check", "--devices", str(devices)]
    return run_to_end(*command, "--naf-fqdn", FQDN, *words).stdout


@pytest.mark.skipif(SANITIZED, reason="another library is preloaded")
def test_address_twice(devices: Path, tmp_path: Path) -> None:
    """Guards against a server that cannot be bound to a name which has one address twice, as localhost may."""
    names = Names(tmp_path)
    names.set(NAME, LOOPBACK, LOOPBACK)
    with DtlsServer(
        devices, accept=f"udp:{NAME}:0", e2e_accept=None, environment=names.environment
    ) as server:
        assert server.address.startswith(f"udp:{LOOPBACK}:")


@pytest.mark.skipif(SANITIZED, reason="another library is preloaded")
def test_next_address(devices: Path, tmp_path: Path) -> None:
    """Guards against a UE over UDP that does not try a name's next address when nobody listens at the first."""
    names = Names(tmp_path)
    names.set(NAME, ELSEWHERE, LOOPBACK)
    with DtlsServer(devices, e2e_accept=None) as server:
        address = f"udp:{NAME}:{port_of(server.address)}"
        result = run_to_end(
            *ue_command(devices, IDENTITY, address, address, message="hello"),
            *CIPHERS,
            environment=names.environment,
        )
        assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr


def mute(port: int) -> socket.socket:
    """A socket at this port of another address, at which datagrams arrive and are not answered."""
    while True:
        host = ".".join(map(str, [127, *(1 + secrets.randbelow(254) for _ in range(3))]))
        with contextlib.ExitStack() as held:
            made = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            made.settimeout(60)
            with contextlib.suppress(OSError):
                made.bind((host, port))
                held.pop_all()
                return made


class Searching(Process):
    """A UE that runs one flow, at names, with clocks of its own."""

    def __init__(
        self, folder: Path, devices: Path, connect: str, e2e_connect: str, *addresses: str
    ) -> None:
        names = Names(folder)
        names.set(NAME, *addresses)
        self.clock = Clock(folder)
        both = f"{self.clock.environment['LD_PRELOAD']} {names.environment['LD_PRELOAD']}"
        super().__init__(
            *[*ue_command(devices, IDENTITY, connect, e2e_connect), *CIPHERS],
            environment=names.environment | self.clock.environment | {"LD_PRELOAD": both},
        )

    def search(self, *silent: socket.socket) -> None:
        """Let each of these have its share of 40 seconds, and no more."""
        for number, place in enumerate(silent, 1):
            assert place.recv(2000)
            self.clock.pass_to(40 * number // (len(silent) + 1) + 1)


@pytest.mark.slow
@pytest.mark.skipif(SANITIZED, reason="another library is preloaded")
@pytest.mark.parametrize("count", [1, 2, 3])
def test_silent_e2e_addresses(devices: Path, tmp_path: Path, count: int) -> None:
    """Guards against a flow that ends at a silent e2e address, or tries it again before the name's others."""
    with DtlsServer(devices) as server, contextlib.ExitStack() as places:
        port = port_of(server.e2e_address)
        silent = [places.enter_context(mute(port)) for _ in range(count)]
        addresses = [*(place.getsockname()[0] for place in silent), LOOPBACK]
        ue = Searching(tmp_path, devices, server.address, f"udp:{NAME}:{port}", *addresses)
        with ue:
            ue.search(*silent)
            assert ue.read(60) == b"e2e: hello", ue.errors
        assert server.count('flags_total{e2e="1"}') == 1


@pytest.mark.slow
@pytest.mark.skipif(SANITIZED, reason="another library is preloaded")
def test_addresses_share_the_time(devices: Path, tmp_path: Path) -> None:
    """Guards against silent addresses that cost 40 seconds each, and a sentence that has keys compared instead."""
    with mute(free_port()) as one, mute(one.getsockname()[1]) as other:
        address = f"udp:{NAME}:{one.getsockname()[1]}"
        hosts = [place.getsockname()[0] for place in (one, other)]
        with Searching(tmp_path, devices, address, address, *hosts) as ue:
            assert one.recv(2000)
            ue.clock.pass_to(21)
            assert other.recv(2000)
            ue.clock.pass_to(41)
            assert ue.wait(10) == 1
            assert f"no connection to {address} (no answer within 40 s)" in ue.errors


class EchoServer:
    """An application of UDP, at an address and a port of its own; it says its name and what it got."""

    def __init__(self, host: str, port: int, name: bytes) -> None:
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((host, port))
        self.port, self.name = self.socket.getsockname()[1], name
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        with self.socket:
            while True:
                said, peer = self.socket.recvfrom(2000)
                if not said:
                    return
                self.socket.sendto(self.name + said, peer)

    def stop(self) -> None:
        """End it: nobody is there any more."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
            other.sendto(b"", self.socket.getsockname())
        self.thread.join(60)


def answer_of(local: socket.socket, said: bytes) -> bytes:
    """What the application says; a datagram may get lost, as a program of UDP knows."""
    local.settimeout(1)
    for _ in range(60):
        local.send(said)
        with contextlib.suppress(TimeoutError):
            return local.recv(2000)
    raise AssertionError("no answer")


@pytest.mark.slow
@pytest.mark.skipif(SANITIZED, reason="another library is preloaded")
def test_application_elsewhere(devices: Path, tmp_path: Path) -> None:
    """Guards against a session that stays with an address of --forward udp: at which nobody listens, or no longer does."""
    names, other = Names(tmp_path), ".".join(map(str, [127, 1, 2, secrets.randbelow(250) + 1]))
    first = EchoServer(LOOPBACK, 0, b"first ")
    names.set(NAME, other, LOOPBACK)
    forward = ("--forward", f"udp:{NAME}:{first.port}")
    with (
        DtlsServer(devices, *forward, environment=names.environment) as server,
        DtlsListener(devices, IDENTITY, server.address, server.e2e_address) as ue,
        ue.connected() as local,
    ):
        assert answer_of(local, b"1") == b"first 1"
        first.stop()
        second = EchoServer(other, first.port, b"second ")
        names.set(NAME, other)
        assert answer_of(local, b"2") == b"second 2"
        assert server.count('connections_total{endpoint="e2e"}') == 1
        second.stop()


def test_nobody_is_there(devices: Path) -> None:
    """Guards against a port over UDP where nobody listens, and a sentence that has keys compared instead."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind((LOOPBACK, 0))
        port = taken.getsockname()[1]
    address = f"udp:{LOOPBACK}:{port}"
    result = run_to_end(*ue_command(devices, IDENTITY, address, address, message="hello"), *CIPHERS)
    assert result.returncode == 1  # 4 says that keys differ
    assert f"no connection to {address} (Connection refused)" in result.stderr


def test_server_was_restarted(devices: Path, tmp_path: Path) -> None:
    """Guards against a local program whose datagrams go for ever into a session that the server has lost."""
    clock = Clock(tmp_path)
    with contextlib.ExitStack() as stack:
        first = stack.enter_context(DtlsServer(devices))
        path = stack.enter_context(RoughPath(pair_of(first.e2e_address)))
        ue = DtlsListener(
            devices, IDENTITY, first.address, path.address, environment=clock.environment
        )
        local = stack.enter_context(stack.enter_context(ue).connected())
        local.send(b"1")
        assert local.recv(100) == b"e2e: 1"
        first.process.kill()
        first.wait()
        stack.enter_context(DtlsServer(devices, accept=first.address, e2e_accept=first.e2e_address))
        for seconds in (0, IDLE - 1):  # nobody knows the session
            clock.pass_to(seconds)
            before = len(path.to_server)
            local.send(b"2")
            wait_until(lambda: len(path.to_server) > before)
        clock.pass_to(IDLE + 1)
        local.send(b"3")
        assert local.recv(100) == b"e2e: 3"


@pytest.mark.slow
def test_programs_that_have_ended(devices: Path, tmp_path: Path) -> None:
    """Guards against sessions of local programs that have ended, which use up all that the device may have."""
    clock = Clock(tmp_path)
    options = ("--connections-per-device", str(CROWD + 1))
    with (
        DtlsServer(devices, *options) as server,
        DtlsListener(
            devices, IDENTITY, server.address, server.e2e_address, environment=clock.environment
        ) as ue,
    ):
        for number in range(CROWD + 4):
            if number == CROWD:
                clock.pass_to(11)
            with ue.connected() as local:
                local.send(b"x")
                assert local.recv(100) == b"e2e: x"


def only_over_udp() -> str | None:
    """A service that this machine's table has for UDP alone; None: there is none."""
    table = Path("/etc/services")  # Debian's netbase
    for line in table.read_text().splitlines() if table.exists() else []:
        name, _, rest = line.partition("#")[0].strip().partition("\t")
        if rest.strip().endswith("/udp"):
            with contextlib.suppress(OSError):
                socket.getservbyname(name, "tcp")
                continue
            return name
    return None


SERVICE = only_over_udp()


@pytest.mark.skipif(
    SERVICE is None, reason="/etc/services has no service for UDP alone: it waits for netbase"
)
@pytest.mark.parametrize("option", ["--accept", "--e2e-accept", "--forward"])
def test_service_over_udp(devices: Path, option: str) -> None:
    """Guards against a service such as coaps, which exists for UDP alone, that is looked for among those of TCP."""
    places = {"--accept": "udp::0", "--e2e-accept": "udp::0"} | {
        option: f"udp:{LOOPBACK}:{SERVICE}"
    }
    words = [word for place in places.items() for word in place]
    said = check(devices, "as", *words, *CIPHERS)
    assert f"\nok {option} udp:{LOOPBACK}:{SERVICE}\n" in said
    words = ["--accept", f"{LOOPBACK}:{SERVICE}"]
    refused = f"not ok --accept {LOOPBACK}:{SERVICE}: /etc/services has no service of that name for"
    assert f"{refused} TCP\n" in check(devices, "as", *words)


@pytest.mark.skipif(
    SERVICE is None, reason="/etc/services has no service for UDP alone: it waits for netbase"
)
def test_service_over_udp_of_a_ue(devices: Path) -> None:
    """Guards against such a service that a UE cannot connect to or listen on."""
    places = {option: f"udp:{LOOPBACK}:{SERVICE}" for option in ("--connect", "--listen")}
    words = [word for place in places.items() for word in place]
    said = check(devices, "ue", *words, *CIPHERS, "--identity", IDENTITY)
    for option, place in places.items():
        assert f"\nok {option} {place}\n" in said


@pytest.mark.parametrize(("octets", "status"), [(0, 2), (1, 0), (4089, 0), (4090, 2)])
def test_bounds_of_a_message(devices: Path, octets: int, status: int) -> None:
    """Guards against a message that no datagram can carry, and a UE that waits for its answer all the same."""
    with DtlsServer(devices) as server:
        result = dtls_ue(server, devices, IDENTITY, message="m" * octets)
        assert result.returncode == status, result.stderr
        assert ("--message: " in result.stderr) == (status == 2)
