"""What a stranger may make a listener remember: ClientHellos of any size, in any records, and what comes behind them.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import re
import secrets
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from certificates import Authority
from client_hello import ALERT, HANDSHAKE, ILLEGAL_PARAMETER, P384, client_hello, read_record
from evp import OPENSSL_VERSION
from flow import FQDN, LOOPBACK, SECONDS, Process, split, wait_until, write_devices
from link import ALPN, Program
from processor import is_idle
from sanitizer import SANITIZED

KS_NAF, KA = "11" * 32, "22" * 32
ID = "ue@bsf.example.com"
IDENTITY = f"3GPP-bootstrapping.{ID}".encode()
LARGEST = 8192  # octets that a ClientHello may announce
LIMITED = 1.2  # seconds after which lines that others have caused leave room for one more
COUNT = 200  # connections in one state

LISTENERS = ("accept", "e2e-accept", "naf-accept", "notify-accept")
FEW = {
    "notify-accept": 30,
    "metrics": 7,
}  # connections of one address: their own changes count more
# A HelloRetryRequest, and what follows, is for who has a key of the address; an endpoint's is used once.
ANSWERED = ("accept", "naf-accept")


@pytest.fixture(name="folder", scope="module")
def make_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """For files."""
    return tmp_path_factory.mktemp("hello")


@pytest.fixture(name="devices", scope="module")
def make_devices(folder: Path) -> Path:
    """One device."""
    return write_devices(folder / "devices.csv", [[ID, KS_NAF, KA]])


class Listeners:
    """Programs with each kind of listener, and what they are started with."""

    def __init__(self, folder: Path) -> None:
        authority = Authority(folder)
        certificate, key = authority.issue(FQDN)
        devices = write_devices(folder / "devices.csv", [[ID, KS_NAF, KA]])
        with_ka = write_devices(folder / "ka.csv", [[ID, "", KA]])
        limits = ["--handshakes-per-source", "1000", "--handshake-timeout", "600"]
        naf = ["--accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN, "--devices", str(devices), *limits]
        cert = ["--cert", str(certificate), "--key", str(key), "--ca", str(authority.file)]
        source: list[str | Path] = ["--source-cert", certificate, "--source-key", key]
        operator: list[str | Path] = [
            "--key-source",
            "nef:https://127.0.0.1:1",
            "--source-ca",
            authority.file,
        ]
        notify = ["--notify-accept", f"{LOOPBACK}:0", "--notify-name", "nef.example.com"]
        uri = ["--notify-uri", "https://naf.example.com/revoked"]
        self.unanswering = socket.create_server((LOOPBACK, 0))  # an operator's
        nef = f"nef:https://{LOOPBACK}:{self.unanswering.getsockname()[1]}"
        ca = str(authority.file)
        unanswered = ["--key-source", nef, "--source-ca", ca, "--source-timeout", "30"]
        self.options: dict[str, list[str | Path]] = {
            "accept": [*naf, "--e2e-accept", f"{LOOPBACK}:0"],
            "e2e-accept": [*naf, "--e2e-accept", f"{LOOPBACK}:0"],
            "naf-accept": [
                "--naf-accept",
                f"{LOOPBACK}:0",
                "--devices",
                str(with_ka),
                *cert,
                *limits,
            ],
            "notify-accept": [*naf, *source, *operator, *notify, *uri],
            "metrics": [*naf, "--metrics", f"{LOOPBACK}:0"],
            "operator": [*naf, *source, *unanswered],
        }

    def run(self, name: str) -> tuple[Program, str]:
        """A program with this listener, and its address."""
        program = Program(*self.options[name])
        if name == "operator":
            program.addresses[name] = program.addresses["accept"]
        if name == "notify-accept":
            program.addresses[name] = program.read().decode().split()[1]
        return program, program.addresses[name]


@pytest.fixture(name="listeners", scope="module")
def make_listeners(folder: Path) -> Listeners:
    """All of them."""
    return Listeners(folder)


@pytest.fixture(name="listening", scope="module")
def start(listeners: Listeners) -> Iterator[dict[str, tuple[Program, str]]]:
    """A process and an address for each kind of listener."""
    with contextlib.ExitStack() as running:
        all_of_them = {name: listeners.run(name) for name in LISTENERS}
        for program, _ in all_of_them.values():
            running.enter_context(program)
        yield all_of_them


def hello(name: str, group: int = 0x1D, padding: int = 0) -> bytes:
    """A ClientHello that this listener goes on with."""
    if name == "naf-accept":
        return client_hello([], group=group, padding=padding, alpn=ALPN.encode())
    if name == "notify-accept":
        return client_hello([], group=group, padding=padding, alpn=b"http/1.1")
    return client_hello([(IDENTITY, bytes.fromhex(KS_NAF))], group=group, padding=padding)


def records(message: bytes, size: int = 16384, kind: int = HANDSHAKE) -> bytes:
    """A message in records of so many octets."""
    parts = [message[start : start + size] for start in range(0, len(message), size)]
    return b"".join(bytes([kind, 3, 3]) + len(part).to_bytes(2, "big") + part for part in parts)


def retry(connection: socket.socket, name: str) -> None:
    """A first ClientHello whose key share is of another group, and the HelloRetryRequest."""
    connection.sendall(records(hello(name, P384)))
    kind, octets = read_record(connection)
    assert kind == HANDSHAKE and octets[0] == 2


def announcing(length: int) -> bytes:
    """The header of a ClientHello, and some octets."""
    return b"\x01" + length.to_bytes(3, "big") + bytes(36)


@pytest.mark.parametrize("size", [16384, 1], ids=["in one record", "in records of one octet"])
@pytest.mark.parametrize(
    ("name", "is_second"),
    [*((name, False) for name in LISTENERS), *((name, True) for name in ANSWERED)],
)
def test_a_client_hello_that_is_too_long(
    listening: dict[str, tuple[Program, str]], name: str, is_second: bool, size: int
) -> None:
    """Guards against a ClientHello of more than 8 KiB that is refused only when it has come, or not at all."""
    process, address = listening[name]
    with socket.create_connection(split(address), SECONDS) as connection:
        if is_second:
            retry(connection, name)
        connection.sendall(records(announcing(LARGEST + 1), size))
        try:
            kind, octets = read_record(connection)
            while kind == 20:  # a change of the cipher that means nothing
                kind, octets = read_record(connection)
        except ConnectionError:
            kind, octets = 0, b""
        assert kind in (0, ALERT), "it waits for more"
        if not is_second:
            assert (kind, octets) == (ALERT, bytes([2, ILLEGAL_PARAMETER]))
    process.wait_for_error("announces")


@pytest.mark.parametrize(("size", "pause"), [(1, 0.0), (100, 0.01), (4, 0.0)])
@pytest.mark.parametrize("is_second", [False, True], ids=["first", "after a HelloRetryRequest"])
@pytest.mark.parametrize("name", ANSWERED)
def test_a_client_hello_in_many_records(
    listening: dict[str, tuple[Program, str]], name: str, is_second: bool, size: int, pause: float
) -> None:
    """Guards against a whole ClientHello that is not answered because of how records and segments split it."""
    _, address = listening[name]
    with socket.create_connection(split(address), SECONDS) as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if is_second:
            retry(connection, name)
        octets = records(hello(name, padding=5000), size)
        for start in range(0, len(octets), 700):
            connection.sendall(octets[start : start + 700])
            time.sleep(pause)
        kind, answer = read_record(connection)
        while kind == 20:
            kind, answer = read_record(connection)
        if not is_second or name == "naf-accept":
            assert kind == HANDSHAKE and answer[0] == 2, (kind, answer)
        else:  # whose binder is of another transcript
            assert kind == ALERT


def test_the_longest_client_hello(listening: dict[str, tuple[Program, str]]) -> None:
    """Guards against a ClientHello of 8,192 octets that is refused, or one of 8,193 that is served."""
    _, address = listening["accept"]
    short = len(hello("accept", padding=1)) - 4 - 1
    for length, expected in ((LARGEST, HANDSHAKE), (LARGEST + 1, ALERT)):
        with socket.create_connection(split(address), SECONDS) as connection:
            connection.sendall(records(hello("accept", padding=length - short)))
            assert read_record(connection)[0] == expected


@pytest.mark.parametrize(
    "octets",
    [
        *[b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x00\x00", b"\x16\x02\x01\x00\x10"],
        *[records(b"\x02\x00\x00\x04abcd"), records(announcing(36) + b"\x01\x00\x00\x01")],
        b"\x80\x2e\x01\x03\x01\x00\x15\x00\x00\x00\x10",
    ],
)
def test_what_is_no_client_hello(listening: dict[str, tuple[Program, str]], octets: bytes) -> None:
    """Guards against octets that are no ClientHello, and do not end the connection or leave no line in the log."""
    process, address = listening["accept"]
    before = len(process.err)
    with socket.create_connection(split(address), SECONDS) as connection:
        connection.sendall(octets)
        with contextlib.suppress(ConnectionError):
            assert read_record(connection)[0] in (0, ALERT)
    wait_until(lambda: b"event=refused" in b"".join(process.err[before:]))


def test_a_connection_that_ends_within_a_client_hello(
    listening: dict[str, tuple[Program, str]]
) -> None:
    """Guards against half of a ClientHello that is waited for after the connection has ended."""
    process, address = listening["accept"]
    time.sleep(LIMITED)
    with socket.create_connection(split(address), SECONDS) as connection:
        connection.sendall(records(hello("accept"))[:50])
        connection.shutdown(socket.SHUT_WR)
        process.wait_for_error("ended within a ClientHello")


@pytest.mark.parametrize("name", LISTENERS)
def test_a_health_check_says_nothing(
    listening: dict[str, tuple[Program, str]], devices: Path, name: str
) -> None:
    """Guards against a connection without an octet, such as a health check's, that leaves a line in the log."""
    process, address = listening[name]
    time.sleep(LIMITED)
    said = [line for line in process.errors.splitlines() if "suppressed" not in line]
    for _ in range(5):
        socket.create_connection(split(address), SECONDS).close()
    wait_until(lambda: is_idle(process.process.pid))
    with socket.create_connection(split(address), SECONDS) as connection:
        connection.sendall(b"something else")
        with contextlib.suppress(ConnectionError):
            read_record(connection)

    def lines() -> list[str]:
        return [line for line in process.errors.splitlines() if "suppressed" not in line]

    wait_until(lambda: len(lines()) > len(said))
    new = lines()[len(said) :]
    assert len(new) == 1 and "did not send TLS" in new[0], new


# Memory


def resident(pid: int) -> int:
    """KiB of a process."""
    (line,) = re.findall(r"^VmRSS:\s*(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(line)


def silent(_: socket.socket, __: str) -> None:
    """Nothing was said."""


def begun(connection: socket.socket, _: str) -> None:
    """The longest header, and no more."""
    connection.sendall(records(announcing(LARGEST) + bytes(8000))[:40])


def almost(connection: socket.socket, _: str) -> None:
    """All of the longest ClientHello but one octet."""
    connection.sendall(records(announcing(LARGEST) + bytes(LARGEST))[: 5 + 4 + LARGEST - 1])


def retried(connection: socket.socket, name: str) -> None:
    """A second ClientHello is waited for."""
    retry(connection, name)


def begun_again(connection: socket.socket, name: str) -> None:
    """A second one has begun, of the longest that there may be, in as long a record as there may be."""
    retry(connection, name)
    connection.sendall(records(announcing(LARGEST) + bytes(16000))[:8000])


def answered(connection: socket.socket, name: str) -> None:
    """The server's half of the handshake has come, and ours is waited for."""
    connection.sendall(records(hello(name)))
    assert read_record(connection)[0] == HANDSHAKE


def half_a_record(connection: socket.socket, name: str) -> None:
    """And ours has begun, in the longest record."""
    answered(connection, name)
    connection.sendall(b"\x17\x03\x03\x40\x18" + bytes(16000))


def half_a_request(connection: socket.socket, _: str) -> None:
    """Of HTTP, with most of the headers that there may be."""
    connection.sendall(b"GET /metrics HTTP/1.1\r\nX: " + b"y" * 8000)


def looked_up(connection: socket.socket, _: str) -> None:
    """The handshake is paused: an operator is asked for the key, and does not answer."""
    identity = f"3GPP-AKMA{secrets.token_hex(8)}@nobody.example.com".encode()
    connection.sendall(records(client_hello([(identity, bytes(32))])))


STATES: list[tuple[Callable[[socket.socket, str], None], int, tuple[str, ...]]] = [
    (silent, 3, LISTENERS),
    (begun, 3, LISTENERS),
    (almost, 3, LISTENERS),
    (retried, 48, ANSWERED),
    (begun_again, 64, ANSWERED),
    (answered, 48, ANSWERED),
    (half_a_record, 64, ANSWERED),
    (answered, 72, ("notify-accept",)),  # few connections: the process's own changes count more
    (half_a_record, 96, ("notify-accept",)),
    (silent, 20, ("metrics",)),
    (half_a_request, 32, ("metrics",)),
    (looked_up, 64, ("operator",)),
]


# A libssl with key shares of ML-KEM keeps more for each connection.
GROWN = 1 if OPENSSL_VERSION < (3, 5) else 1.3


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has its own memory")
@pytest.mark.parametrize(
    ("name", "state", "limit"),
    [
        pytest.param(name, state, limit, id=f"{name} {state.__name__}")
        for state, limit, names in STATES
        for name in names
        if limit > 3 or name != "notify-accept"  # too few for so little
    ],
)
def test_size_of_a_connection_in_a_state(
    listeners: Listeners, name: str, state: Callable[[socket.socket, str], None], limit: int
) -> None:
    """Guards against a connection that has proved nothing and takes more memory in a state than its limit."""
    process, address = listeners.run(name)
    count = FEW.get(name, COUNT)
    with process, contextlib.ExitStack() as held:
        state(held.enter_context(socket.create_connection(split(address), SECONDS)), name)
        wait_until(lambda: is_idle(process.process.pid))
        before = resident(process.process.pid)
        for _ in range(count):
            connection = socket.create_connection(split(address), SECONDS)
            held.enter_context(connection)
            state(connection, name)
        wait_until(lambda: is_idle(process.process.pid))
        each = (resident(process.process.pid) - before) / count
    print(f"{name} {state.__name__} {each:.1f} KiB")
    assert each < limit * GROWN


def test_a_chain_of_certificates_that_is_too_long(
    listening: dict[str, tuple[Program, str]], folder: Path
) -> None:
    """Guards against a NAF's announced chain for which libssl allocates 100 KiB before it verifies anything."""
    process, address = listening["naf-accept"]
    authority = Authority(folder, "other")
    certificate, key = authority.issue("stranger")
    chain = folder / "chain.pem"
    chain.write_bytes(certificate.read_bytes() + authority.file.read_bytes() * 60)
    with Process(
        *["openssl", "s_client", "-connect", address, "-tls1_3", "-alpn", ALPN, "-quiet"],
        *["-cert", str(certificate), "-key", str(key), "-cert_chain", str(chain)],
    ) as client:
        client.wait()
    process.wait_for_error("excessive message size")
