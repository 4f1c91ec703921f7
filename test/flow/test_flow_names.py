"""Names: when they are resolved, which of their addresses are tried and listened on, and who waits for that.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from certificates import Authority
from evp import BUILD
from flow import FQDN, LOOPBACK, SECONDS, Process, Server, StockClient, ask, split, ue, wait_until
from flow import write_devices
from link import Program, Sides
from names import Names, elsewhere, silent
from processor import is_idle
from sanitizer import SANITIZED

KS_NAF, KA = "11" * 32, "22" * 32
ID = "ue@bsf.example.com"
NAME = "server.example"
SECOND = "127.0.0.2"
STUCK = 60  # seconds that a resolver hangs: longer than a test takes
LATE = "its name was not resolved in time"

pytestmark = pytest.mark.skipif(SANITIZED, reason="another library is preloaded")


@pytest.fixture(name="names")
def make_names(tmp_path: Path) -> Names:
    """What names mean to the programs."""
    return Names(tmp_path)


@pytest.fixture(name="devices")
def make_devices(tmp_path: Path) -> Path:
    """One device."""
    return write_devices(tmp_path / "devices.csv", [[ID, KS_NAF, KA]])


@pytest.fixture(name="server")
def make_server(devices: Path) -> Iterator[Server]:
    """A server at addresses in numbers."""
    with Server(devices, two_addresses=False) as server:
        yield server


def named(address: str) -> str:
    """The address with the name in the place of its host."""
    return f"{NAME}:{split(address)[1]}"


def say_hello(devices: Path, address: str, names: Names) -> None:
    """Both connections of e2e-ue get there."""
    result = ue(devices, ID, address, environment=names.environment)
    assert (result.returncode, result.stdout) == (0, "e2e: hello\n"), result.stderr


# The first of two addresses says nothing


def test_client_passes_a_silent_address(devices: Path, names: Names, server: Server) -> None:
    """Guards against a UE whose first or second connection waits at a name's silent address until its time is over."""
    with silent(split(server.address)[1]) as first:
        names.set(NAME, first, LOOPBACK)
        say_hello(devices, named(server.address), names)


def test_many_silent_addresses_share_the_time(devices: Path, names: Names, server: Server) -> None:
    """Guards against a UE whose time is over before the last of sixty silent addresses has had its turn."""
    port = split(server.address)[1]
    with contextlib.ExitStack() as held:
        hosts = [held.enter_context(silent(port)) for _ in range(59)]
        names.set(NAME, *hosts, LOOPBACK)
        result = ue(
            devices, ID, named(server.address), server.address, environment=names.environment
        )
        assert result.stdout == "e2e: hello\n", result.stderr


def test_line_passes_a_silent_address(tmp_path: Path, names: Names) -> None:
    """Guards against a NAF that does not reach its third party when the first address of its name is silent."""
    sides = Sides(tmp_path)
    sides.third_party = sides.authority.issue(NAME)
    with_ka = write_devices(tmp_path / "ka.csv", [[ID, "", KA]])
    with_ks = write_devices(tmp_path / "ks.csv", [[ID, KS_NAF, ""]])
    with sides.run_third_party(with_ka) as third_party:
        address = third_party.addresses["naf-accept"]
        with silent(split(address)[1]) as first:
            names.set(NAME, first, LOOPBACK)
            with sides.run_naf(with_ks, named(address), environment=names.environment) as naf:
                naf.wait_for_error("event=line-up")
                assert "event=line-down" not in naf.errors


class Application:
    """Says a word to each client."""

    def __init__(self, listener: socket.socket | None = None) -> None:
        self.listener = listener or socket.create_server((LOOPBACK, 0))
        self.listener.settimeout(SECONDS)
        self.host, self.port = self.listener.getsockname()

    def welcome(self) -> None:
        """One connection."""
        connection, _ = self.listener.accept()
        with connection:
            connection.sendall(b"welcome\n")

    def __enter__(self) -> "Application":
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()


@contextlib.contextmanager
def forwarding(devices: Path, names: Names, port: int) -> Iterator[tuple[Server, str]]:
    """A server in front of an application at the name, and the local address of a UE's listener."""
    with Server(
        devices,
        *["--forward", f"{NAME}:{port}"],
        two_addresses=False,
        environment=names.environment,
    ) as server:
        with listening_ue(devices, server.address, names) as ue_process:
            yield server, ue_process.read().decode().split()[1]


def listening_ue(devices: Path, address: str, names: Names) -> Process:
    """e2e-ue --listen."""
    return Process(
        *[f"{BUILD}/e2e/e2e-ue", "--connect", address, "--devices", str(devices)],
        *["--identity", ID, "--naf-fqdn", FQDN, "--listen", f"{LOOPBACK}:0"],
        environment=names.environment,
    )


def test_forward_passes_a_silent_address(devices: Path, names: Names) -> None:
    """Guards against an application that is not reached because one address of its name is silent."""
    with Application() as application, silent(application.port) as first:
        names.set(NAME, first, LOOPBACK)
        with forwarding(devices, names, application.port) as (_, local):
            for _ in range(2):
                with socket.create_connection(split(local), 30) as connection:
                    application.listener.settimeout(30)
                    application.welcome()
                    assert connection.recv(100) == b"welcome\n"


# A name that cannot be resolved yet, or means something else by now


def test_application_whose_name_comes_late(devices: Path, names: Names) -> None:
    """Guards against a server that cannot start without its application's name, or never finds it later."""
    names.set(NAME)
    with Application() as application, forwarding(devices, names, application.port) as (
        server,
        local,
    ):
        assert ask(local) == b""
        assert "its name cannot be resolved" in server.wait_for_error("the application cannot be")
        names.set(NAME, LOOPBACK)
        with socket.create_connection(split(local), 30) as connection:
            application.welcome()
            assert connection.recv(100) == b"welcome\n"


def test_application_that_moves(devices: Path, names: Names) -> None:
    """Guards against an application that has moved and is not found, because its old address is used again."""
    names.set(NAME, LOOPBACK)
    with Application() as application, forwarding(devices, names, application.port) as (_, local):
        with socket.create_connection(split(local), 30) as connection:
            application.welcome()
            assert connection.recv(100) == b"welcome\n"
        application.listener.shutdown(socket.SHUT_RDWR)  # it listens no more, and keeps the port
        with Application(elsewhere(application.port)) as moved:
            names.set(NAME, moved.host)
            assert ask(local) == b""  # the answer of before, for the last time
            with socket.create_connection(split(local), 30) as connection:
                moved.welcome()
                assert connection.recv(100) == b"welcome\n"


def test_third_party_whose_name_comes_late(tmp_path: Path, names: Names) -> None:
    """Guards against a NAF that cannot start without its third party's name, or whose link never comes up."""
    sides = Sides(tmp_path)
    sides.third_party = sides.authority.issue(NAME)
    with_ka = write_devices(tmp_path / "ka.csv", [[ID, "", KA]])
    with_ks = write_devices(tmp_path / "ks.csv", [[ID, KS_NAF, ""]])
    names.set(NAME)
    with sides.run_third_party(with_ka) as third_party:
        address = named(third_party.addresses["naf-accept"])
        with sides.run_naf(with_ks, address, environment=names.environment) as naf:
            assert "its name cannot be resolved" in naf.wait_for_error("event=line-down")
            names.set(NAME, LOOPBACK)
            naf.wait_for_error("event=line-up")


def test_naf_whose_name_comes_late(devices: Path, names: Names, server: Server) -> None:
    """Guards against an e2e-ue --listen that cannot start without the NAF's name, or never finds it later."""
    names.set(NAME)
    with listening_ue(devices, named(server.address), names) as listener:
        local = listener.read().decode().split()[1]
        assert ask(local) == b""
        assert "its name cannot be resolved" in listener.wait_for_error("event=refused")
        names.set(NAME, LOOPBACK)
        assert ask(local, b"hello\n") == b"e2e: hello\n"


# A resolver that hangs


def test_stuck_resolver_of_a_server(devices: Path, names: Names) -> None:
    """Guards against a resolver that hangs and holds up other UEs, the waiting one's time limit or SIGTERM."""
    names.set(NAME, LOOPBACK, seconds=STUCK)
    with Application() as application, forwarding(devices, names, application.port) as (
        server,
        local,
    ):
        with socket.create_connection(split(local), 30):
            server.wait_for_error("event=e2e ")
            assert ue(devices, ID, server.address, "127.0.0.1:1").returncode == 1
            assert LATE not in server.errors, "it was served while the other one waited"
            server.wait_for_error(LATE)
        with socket.create_connection(split(local), 30):
            wait_until(lambda: server.errors.count("event=e2e ") == 2)
            server.process.terminate()
            assert server.wait(STUCK / 2) == 0


def test_stuck_resolver_of_a_ue(devices: Path, names: Names, server: Server) -> None:
    """Guards against a resolver that hangs and holds up the end of e2e-ue --listen."""
    names.set(NAME, LOOPBACK, seconds=STUCK)
    with listening_ue(devices, named(server.address), names) as listener:
        local = listener.read().decode().split()[1]
        with socket.create_connection(split(local), 30):
            wait_until(lambda: is_idle(listener.process.pid))  # but for the resolver
            listener.process.terminate()
            assert listener.wait(STUCK / 2) == 0


# Listening


@pytest.fixture(name="has_ip6", scope="module")
def find_ip6() -> bool:
    """Does this machine have IPv6's loopback?"""
    with contextlib.suppress(OSError), socket.create_server(("::1", 0), family=socket.AF_INET6):
        return True
    return False


def listens_at(server: Process, count: int) -> list[tuple[str, str]]:
    """The first lines of standard output: name and address."""
    lines = [server.read().decode().split() for _ in range(count)]
    return [(name, address) for name, address in lines]


def test_a_port_alone_is_both_families(devices: Path, has_ip6: bool) -> None:
    """Guards against :PORT listening on one of IPv4 and IPv6 alone, or on two ports."""
    if not has_ip6:
        pytest.skip("no IPv6")
    with Program("--accept", ":0", "--devices", devices, "--naf-fqdn", FQDN) as server:
        first = server.addresses["accept"]
        ((_, second),) = listens_at(server, 1)
        port = first.rsplit(":", 1)[1]
        assert {first, second} == {f"0.0.0.0:{port}", f"[::]:{port}"}
        for address in (f"127.0.0.1:{port}", f"[::1]:{port}"):
            assert ue(devices, ID, address).stdout == "e2e: hello\n"


def test_listens_on_all_addresses_of_a_name(devices: Path, names: Names) -> None:
    """Guards against a server that listens on one of a name's two addresses alone."""
    names.set(NAME, LOOPBACK, SECOND)
    command = [f"{BUILD}/e2e/e2e-as", "--accept", f"{NAME}:0", "--devices", str(devices)]
    with Process(*command, "--naf-fqdn", FQDN, environment=names.environment) as server:
        addresses = [address for _, address in listens_at(server, 2)]
        assert [split(address)[0] for address in addresses] == [LOOPBACK, SECOND]
        for address in addresses:
            assert ue(devices, ID, address).stdout == "e2e: hello\n"


def test_local_listener_on_all_addresses_of_a_name(
    devices: Path, names: Names, server: Server
) -> None:
    """Guards against an e2e-ue that listens on one of the two addresses of --listen's name alone."""
    names.set(NAME, LOOPBACK, SECOND)
    with Process(
        *[f"{BUILD}/e2e/e2e-ue", "--connect", server.address, "--devices", str(devices)],
        *["--identity", ID, "--naf-fqdn", FQDN, "--listen", f"{NAME}:0"],
        environment=names.environment,
    ) as listener:
        for _, address in listens_at(listener, 2):
            assert ask(address, b"hello\n") == b"e2e: hello\n"


def test_listener_whose_name_comes_late(devices: Path, names: Names) -> None:
    """Guards against a server that ends, never begins or cannot be ended while its listener's name is missing."""
    names.set(NAME)
    command = [f"{BUILD}/e2e/e2e-as", "--accept", f"{NAME}:0", "--devices", str(devices)]
    for end in (True, False):
        with Process(*command, "--naf-fqdn", FQDN, environment=names.environment) as server:
            server.wait_for_error("cannot be resolved yet")
            if end:
                server.process.terminate()
                assert server.wait() == -15
                continue
            names.set(NAME, LOOPBACK)
            ((_, address),) = listens_at(server, 1)
            assert ue(devices, ID, address).stdout == "e2e: hello\n"


def test_stuck_resolver_of_an_operator(tmp_path: Path, names: Names, devices: Path) -> None:
    """Guards against a resolver that hangs on the operator's name and delays keys of the file, notifications, or the end."""
    authority = Authority(tmp_path)
    certificate, key = authority.issue(FQDN)
    names.set(NAME, LOOPBACK, seconds=STUCK)
    with Server(
        devices,
        *["--key-source", f"nef:https://{NAME}:1", "--source-cert", str(certificate)],
        *["--source-key", str(key), "--source-ca", str(authority.file), "--source-timeout", "2"],
        *["--notify-accept", f"{LOOPBACK}:0", "--notify-name", "nef.example.com"],
        *["--notify-uri", "https://naf.example.com/revoked"],
        two_addresses=False,
        environment=names.environment,
    ) as server:
        notify = server.read().decode().split()[1]
        with StockClient(server.address, "3GPP-AKMAa@nobody.example", bytes(32)):
            server.wait_for_error(LATE)
        with StockClient(server.address, "3GPP-AKMAb@nobody.example", bytes(32)):
            say_hello(devices, server.address, names)
            assert notification(notify, authority) == 204
            server.process.terminate()
            assert server.wait(STUCK / 2) == 0


def notification(address: str, authority: Authority) -> int:
    """The status of one."""
    body = b'{"aKId":"a@nobody.example"}'
    context = ssl.create_default_context(cafile=str(authority.file))
    context.check_hostname = False
    context.load_cert_chain(*map(str, authority.issue("nef.example.com")))
    connection = http.client.HTTPSConnection(address, timeout=30, context=context)
    with contextlib.closing(connection):
        connection.request("POST", "/revoked", body, {"Content-Type": "application/json"})
        return connection.getresponse().status
