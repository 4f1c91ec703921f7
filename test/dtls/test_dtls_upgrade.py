"""Sockets of UDP that a program inherits: SIGUSR2, after which the old one keeps its sessions, and LISTEN_FDS.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import re
import secrets
import signal
import socket
from pathlib import Path

import pytest

from datagrams import SUITE, DtlsListener, DtlsServer, StockDtlsClient, dtls_ue
from evp import BUILD
from flow import ENVIRONMENT, FQDN, LOOPBACK, Process, run_to_end, wait_until, write_devices
from one_device import IDENTITY, KS_NAF, PSK_IDENTITY, make_devices  # noqa: F401 (a fixture)
from sanitizer import unless_its_runtime_is_in_the_way
from service import activated, held
from upgrade import Generations

NOBODY = 65534
STRICT = ENVIRONMENT | {  # what receives from a descriptor that was closed ends
    "LD_PRELOAD": f"{os.environ.get('LD_PRELOAD', '')} {BUILD}/test/programs/libpreload_descriptors.so"
}
HELD = 12  # sessions: with several loops each has some


def held_udp(family: socket.AddressFamily = socket.AF_INET, host: str = LOOPBACK) -> socket.socket:
    """A bound socket of UDP that a service manager holds."""
    bound = socket.socket(family, socket.SOCK_DGRAM)
    bound.bind((host, 0))
    return held(bound)


def said(local: socket.socket, text: bytes) -> bytes:
    """What comes back through a session; a datagram may get lost on the way."""
    local.settimeout(2)
    for _ in range(10):
        local.send(text)
        with contextlib.suppress(TimeoutError):
            while (answer := local.recv(100)) != b"e2e: " + text:
                pass
            return answer
    return b""


def wait_for(server: DtlsServer, name: str, count: int) -> None:
    """Until a figure of the server is this one."""
    wait_until(lambda: server.count(name) == count)


def test_sessions_stay(devices: Path) -> None:
    """Guards against DTLS sessions that end, or new ones that fail, when a new program takes the sockets."""
    with DtlsServer(devices, "--drain-timeout", "60") as server, contextlib.ExitStack() as stack:
        ue = DtlsListener(devices, IDENTITY, server.address, server.e2e_address)
        stack.enter_context(ue)
        locals_ = [stack.enter_context(ue.connected()) for _ in range(HELD)]
        for i, local in enumerate(locals_):
            assert said(local, b"%d" % i) == b"e2e: %d" % i
        generations = stack.enter_context(Generations(server))
        for _ in range(2):
            generations.upgrade()
            for i, local in enumerate(locals_):
                assert said(local, b"still %d" % i) == b"e2e: still %d" % i
            result = dtls_ue(server, devices, IDENTITY)
            assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr
        wait_until(lambda: server.errors.count("event=e2e ") >= HELD + 2)
        assert server.errors.count("event=e2e ") == HELD + 2  # none began again
        write_devices(devices, [["other", secrets.token_hex(32), secrets.token_hex(32)]])
        generations.signal(signal.SIGHUP)
        wait_until(lambda: server.errors.count("the key that it runs on was revoked") >= HELD)
        assert server.process.wait(30) == 0


def test_sessions_of_the_new_program_stay(devices: Path) -> None:
    """Guards against sessions of a new program whose datagrams go to another loop when those of the old one end."""
    with DtlsServer(devices, "--drain-timeout", "60") as server, contextlib.ExitStack() as stack:
        ues = [DtlsListener(devices, IDENTITY, server.address, server.e2e_address) for _ in "12"]
        olds, news = ([stack.enter_context(ue.connected()) for _ in range(HELD)] for ue in ues)
        stack.enter_context(ues[1])
        with ues[0]:
            assert all(said(local, b"old") for local in olds)
            stack.enter_context(Generations(server)).upgrade()
            assert all(said(local, b"new") for local in news)
            wait_until(lambda: server.errors.count("event=e2e ") == 2 * HELD)
        assert server.process.wait(30) == 0
        assert all(said(local, b"still new") for local in news)
        assert server.errors.count("event=e2e ") == 2 * HELD


@unless_its_runtime_is_in_the_way
def test_device_that_starts_again(devices: Path) -> None:
    """Guards against a device that was restarted, comes from its old address, and is heard by the old program alone;
    and against reads from the socket of its old session, which is closed: the number may be another thread's.
    """
    with DtlsServer(
        devices, "--drain-timeout", "60", environment=STRICT
    ) as server, contextlib.ExitStack() as stack:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind((LOOPBACK, 0))
            own = ("-bind", f"{LOOPBACK}:{free.getsockname()[1]}")
        before = StockDtlsClient(server.address, PSK_IDENTITY, KS_NAF, SUITE, *own)
        stack.enter_context(before)
        wait_until(lambda: server.count("handshakes_total") == 1)
        generations = stack.enter_context(Generations(server))
        generations.upgrade()
        before.process.kill()
        before.process.wait()
        stack.enter_context(StockDtlsClient(server.address, PSK_IDENTITY, KS_NAF, SUITE, *own))
        server.wait_for_error("its peer has started again")
        wait_until(lambda: server.count("handshakes_total") == 1)
        assert server.process.wait(30) == 0


def test_drain_has_an_end(devices: Path) -> None:
    """Guards against an old program whose DTLS sessions outlive --drain-timeout."""
    with DtlsServer(devices, "--drain-timeout", "1") as server, contextlib.ExitStack() as stack:
        ue = DtlsListener(devices, IDENTITY, server.address, server.e2e_address)
        local = stack.enter_context(stack.enter_context(ue).connected())
        assert said(local, b"1") == b"e2e: 1"
        stack.enter_context(Generations(server)).upgrade()
        assert server.process.wait(30) == 0
        # What it wrote last may still be in the pipe, whose end the new program keeps open.
        server.wait_for_error("--drain-timeout is over")
        assert dtls_ue(server, devices, IDENTITY).returncode == 0


def give_to_another_user(bound: socket.socket) -> None:
    """As a service manager's sockets are root's: SO_REUSEPORT does not share a port with another user's sockets."""
    if os.getuid() == 0:
        os.fchown(bound.fileno(), NOBODY, -1)


@pytest.mark.parametrize(
    ("family", "host"),
    [(socket.AF_INET, LOOPBACK), (socket.AF_INET6, "::1"), (socket.AF_INET6, "::")],
)
def test_inherited(devices: Path, family: socket.AddressFamily, host: str) -> None:
    """Guards against a UDP socket of LISTEN_FDS that is not served, or whose sessions an upgrade ends."""
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(held_udp(family, host)) for _ in range(2)]
        for each in sockets:
            give_to_another_user(each)
        command = [str(BUILD / "e2e/e2e-as"), "--accept", "udp::0", "--e2e-accept", "udp::0"]
        command += ["--dtls-ciphers", SUITE, "--devices", str(devices), "--naf-fqdn", FQDN]
        names = activated([("e2e-accept", sockets[1]), ("accept", sockets[0])])
        server = Process(*names, *command, "--drain-timeout", "60")
        stack.enter_context(server)
        bound = [server.read().decode().split(" ", 1)[1] for _ in range(2)]
        assert [int(re.split(":", place)[-1]) for place in bound] == [
            each.getsockname()[1] for each in sockets
        ]
        first, second = (place.replace("[::]", LOOPBACK) for place in bound)
        ue = stack.enter_context(DtlsListener(devices, IDENTITY, first, second))
        local = stack.enter_context(ue.connected())
        assert said(local, b"1") == b"e2e: 1"
        generations = stack.enter_context(Generations(server))
        generations.upgrade()
        assert said(local, b"2") == b"e2e: 2"
        generations.signal(signal.SIGHUP)
        server.wait_for_error("event=reload result=applied")  # behind whatever came before
        assert server.errors.count("event=e2e ") == 1, server.errors


def refusal(program: str, inherited: socket.socket, name: str, *words: str) -> str:
    """Why a program does not start with this socket."""
    result = run_to_end(
        *activated([(name, inherited)]),
        *[str(BUILD / f"e2e/e2e-{program}"), *words],
        fds=[inherited.fileno()],
    )
    assert result.returncode != 0
    return result.stderr


def test_inherited_of_another_kind(devices: Path) -> None:
    """Guards against an inherited TCP socket that is taken for a UDP address, or the reverse."""
    words = ["--devices", str(devices), "--naf-fqdn", FQDN]
    with socket.create_server((LOOPBACK, 0)) as stream:
        over_udp = refusal(
            "as", stream, "accept", "--accept", "udp::0", "--dtls-ciphers", SUITE, *words
        )
    assert "descriptor 3, accept, is no socket of UDP" in over_udp
    with held_udp() as datagrams:
        over_tcp = refusal("as", datagrams, "accept", "--accept", ":0", *words)
    assert "descriptor 3, accept, is no socket that listens for connections" in over_tcp


def test_inherited_of_a_ue(devices: Path) -> None:
    """Guards against a UE that lets other machines speak as the device, through a UDP socket that it inherited."""
    words = ["--connect", "127.0.0.1:9", "--e2e-connect", "udp:127.0.0.1:9", "--identity", IDENTITY]
    words += ["--listen", "udp:127.0.0.1:0", "--devices", str(devices), "--naf-fqdn", FQDN]
    with held_udp(host="0.0.0.0") as public:
        assert "must be a loopback address" in refusal("ue", public, "listen", *words)
    with held_udp() as private:
        command = [*activated([("listen", private)]), str(BUILD / "e2e/e2e-ue"), *words]
        with Process(*command) as ue:
            assert ue.read().decode() == f"listen udp:{LOOPBACK}:{private.getsockname()[1]}"
