"""Every listener has the same kinds of limits, and strangers at one take nothing of another's.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import socket
import ssl
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from certificates import Authority
from evp import BUILD
from flow import FQDN, LOOPBACK, SECONDS, Process, StockClient, split, ue, wait_until, write_devices
from idle import idle_sockets, open_ones

KS_NAF, KA = "11" * 32, "22" * 32
ID = "ue@bsf.example.com"
NEF = "nef.example.com"
STRANGER, OTHER = "127.0.0.66", "127.0.0.67"
LISTENERS = ("accept", "e2e-accept", "notify-accept", "metrics")
PATIENT = ("--handshake-timeout", "600", "--line-timeout", "600")  # longer than anybody waits


class Site:
    """A server with each listener, and whose certificates its notifications take."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        certificate, key = self.authority.issue(FQDN)
        self.nef = self.authority.issue(NEF)
        self.stranger = self.authority.issue("stranger.example.com")
        self.devices = write_devices(folder / "devices.csv", [[ID, KS_NAF, KA]])
        # AKMA's keys are the operator's, GBA's are the file's
        self.command: list[str | Path] = [
            *[f"{BUILD}/e2e/e2e-as", "--naf-fqdn", FQDN, "--devices", str(self.devices)],
            *["--accept", f"{LOOPBACK}:0", "--e2e-accept", f"{LOOPBACK}:0"],
            *["--key-source", "nef:https://127.0.0.1:1", "--source-ca", str(self.authority.file)],
            *["--source-cert", str(certificate), "--source-key", str(key)],
            *["--notify-accept", f"{LOOPBACK}:0", "--notify-name", NEF],
            *["--notify-uri", "https://naf.example.com/revoked", "--metrics", "127.0.0.1:0"],
        ]

    @contextlib.contextmanager
    def run(self, *options: str, descriptors: int = 4096) -> Iterator[dict[str, str]]:
        """The server; its addresses."""
        limit = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh"]
        with Process(*limit, *self.command, *options) as self.server:
            lines = [self.server.read().decode().split() for _ in LISTENERS]
            yield {name: address for name, address in lines}

    def connect(self, address: str, files: tuple[Path, Path] | None = None) -> ssl.SSLSocket:
        """TLS with a notifier's certificate, or another one."""
        context = ssl.create_default_context(cafile=str(self.authority.file))
        context.check_hostname = False
        context.load_cert_chain(*map(str, files or self.nef))
        return context.wrap_socket(socket.create_connection(split(address), SECONDS))

    def post(self, address: str, identity: str = "x@nobody.example.com") -> int:
        """The status of a notification."""
        body = json.dumps({"aKId": identity}).encode()
        with self.connect(address) as connection:
            connection.sendall(request(body))
            return status_of(connection)

    def serves(self, addresses: dict[str, str]) -> None:
        """Somebody with a right to it gets through at each listener, before the strangers' time is over."""
        result = ue(self.devices, ID, addresses["accept"], addresses["e2e-accept"])
        assert (result.returncode, result.stdout) == (0, "e2e: hello\n"), result.stderr
        assert self.post(addresses["notify-accept"]) == 204
        url = f"http://{addresses['metrics']}/healthz"
        with urllib.request.urlopen(url, timeout=SECONDS) as page:
            assert page.read() == b"ok\n"


def request(body: bytes, *headers: str, method: str = "POST", path: str = "/revoked") -> bytes:
    """A request with a body whose length it says."""
    lines = [f"{method} {path} HTTP/1.1", "Host: naf.example.com", *headers]
    if not any(header.startswith(("Transfer-Encoding", "Content-Length")) for header in headers):
        lines.append(f"Content-Length: {len(body)}")
    if not any(header.startswith("Content-Type") for header in headers):
        lines.append("Content-Type: application/json")
    return "\r\n".join([*lines, "", ""]).encode() + body


def status_of(connection: ssl.SSLSocket) -> int:
    """The status of the next reply, which is read whole."""
    octets = b""
    while b"\r\n\r\n" not in octets:
        part = connection.recv(1)
        if not part:
            return 0
        octets += part
    head = octets.decode()
    length = next(
        (int(line.split()[1]) for line in head.splitlines() if line.startswith("Content-Length")),
        0,
    )
    while length > 0:
        length -= len(connection.recv(length))
    status = int(head.split()[1])
    return status_of(connection) if status == 100 else status


@pytest.fixture(name="site", scope="module")
def make_site(tmp_path_factory: pytest.TempPathFactory) -> Site:
    """Files."""
    return Site(tmp_path_factory.mktemp("listeners"))


@pytest.mark.parametrize("name", LISTENERS)
def test_strangers_at_a_listener(site: Site, name: str) -> None:
    """Guards against 120 silent connections from two addresses that delay others at any listener."""
    with site.run(*PATIENT) as addresses, idle_sockets(addresses[name], 60, STRANGER):
        with idle_sockets(addresses[name], 60, OTHER):
            site.serves(addresses)


@pytest.mark.parametrize("name", LISTENERS)
def test_strangers_and_few_descriptors(site: Site, name: str) -> None:
    """Guards against strangers at one listener who take the descriptors that another listener needs."""
    running = site.run(*PATIENT, descriptors=64)
    with running as addresses, idle_sockets(addresses[name], 60, STRANGER):
        with idle_sockets(addresses[name], 60, OTHER):
            for left in (
                2,
                1,
                0,
            ):  # strangers who still wait to be accepted may take a slow one's place
                try:
                    site.serves(addresses)
                    break
                except AssertionError:
                    if left == 0:
                        raise


@pytest.mark.parametrize(("name", "limit"), [("notify-accept", 32), ("metrics", 8)])
def test_connections_of_one_address(site: Site, name: str, limit: int) -> None:
    """Guards against one address that takes more than half of a listener's places."""
    with site.run() as addresses, idle_sockets(addresses[name], 100) as held:
        wait_until(lambda: open_ones(held) == limit)
        site.server.wait_for_error("--handshakes-per-source")


@pytest.mark.parametrize("name", LISTENERS)
def test_time_for_a_handshake(site: Site, name: str) -> None:
    """Guards against a listener that does not close a silent client after --handshake-timeout."""
    with site.run("--handshake-timeout", "1") as addresses:
        with idle_sockets(addresses[name], 1) as held:
            wait_until(lambda: open_ones(held) == 0)


@pytest.mark.parametrize("begun", [b"", b"POST /revoked HTTP/1.1\r\n"])
def test_time_for_a_notification(site: Site, begun: bytes) -> None:
    """Guards against a notifier that keeps its connection though no whole request came within --line-timeout."""
    with site.run("--line-timeout", "1") as addresses:
        with site.connect(addresses["notify-accept"]) as connection:
            connection.sendall(begun)
            with contextlib.suppress(OSError):
                assert connection.recv(1) == b""
        if begun:
            site.server.wait_for_error("was not complete in time")


def test_many_notifications_on_a_connection(site: Site) -> None:
    """Guards against a notification that is lost behind another one in the same write, or on an idle connection."""
    with site.run("--idle-timeout", "1") as addresses:
        with site.connect(addresses["notify-accept"]) as connection:
            body = b'{"aKId":"x@nobody.example.com"}'
            connection.sendall(request(body) * 3)
            assert [status_of(connection) for _ in range(3)] == [204] * 3
            assert connection.recv(1) == b""
        assert "was not complete" not in site.server.errors


BODY = b'{"aKId":"x@nobody.example.com"}'
CHUNKED = "Transfer-Encoding: chunked"


@pytest.mark.parametrize(
    ("octets", "status"),
    [
        (request(BODY), 204),
        (request(b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY), CHUNKED), 204),
        (request(b"5;x=y\r\n%s\r\n%X\r\n%s\r\n0\r\nT: 1\r\n\r\n" % (BODY[:5], len(BODY) - 5, BODY[5:]), CHUNKED), 204),
        (request(BODY, "Expect: 100-continue"), 204),
        (request(BODY, "Content-Type: application/json; charset=utf-8"), 204),
        (request(BODY, "Content-Type: text/plain"), 415),
        (request(BODY, path="/elsewhere"), 404),
        (request(b"", method="GET"), 405),
        (request(b"{}"), 400),
        (request(b"\xff"), 400),
        (request(BODY, "X: " + "y" * 9000), 431),
        (request(b" " * 4097), 413),
        (request(b"2000\r\n" + bytes(0x2000) + b"\r\n0\r\n\r\n", CHUNKED), 413),
        (request(b"0x1\r\n1\r\n0\r\n\r\n", CHUNKED), 400),
        (request(b"-1\r\n", CHUNKED), 400),
        (request(BODY, CHUNKED, f"Content-Length: {len(BODY)}"), 400),
        (request(BODY, "Content-Length: 1", f"Content-Length: {len(BODY)}"), 400),
        (request(BODY, "Content-Length: +31"), 400),
        (request(BODY, "Transfer-Encoding: gzip"), 501),
        (request(BODY, "Bad Header: 1"), 400),
        (request(BODY, " folded"), 400),
        (b"POST /revoked HTTP/1.1\r\nContent-Length: 0\r\n\r\n", 400),  # no Host
        (b"POST /revoked HTTP/2.0\r\nHost: x\r\n\r\n", 505),
        (b"POST  /revoked HTTP/1.1\r\nHost: x\r\n\r\n", 400),
        (b"\0\1\2\3\r\n\r\n", 400),
    ],
)  # fmt: skip
def test_requests_of_a_notifier(site: Site, octets: bytes, status: int) -> None:
    """Guards against a notification whose status is not RFC 9112's, or depends on how segments split it."""
    with site.run() as addresses:
        for size in (len(octets), 7):
            with site.connect(addresses["notify-accept"]) as connection:
                with contextlib.suppress(OSError):
                    for start in range(0, len(octets), size):
                        connection.sendall(octets[start : start + size])
                assert status_of(connection) == status


def test_a_stranger_with_a_certificate(site: Site) -> None:
    """Guards against a notification that is read from a peer whose certificate does not name the notifier."""
    with site.run() as addresses:
        with contextlib.suppress(OSError):
            with site.connect(addresses["notify-accept"], site.stranger) as connection:
                connection.sendall(request(BODY))
                assert status_of(connection) == 0
        site.server.wait_for_error("event=refused endpoint=notify")


def test_the_page_while_the_server_drains(site: Site) -> None:
    """Guards against a drain that /readyz does not say, or that leaves an idle notifier connected until its end."""
    with site.run("--drain-timeout", "3600", "--e2e", "offered") as addresses:
        with site.connect(addresses["notify-accept"]) as idle:
            idle.sendall(request(BODY))
            assert status_of(idle) == 204
            with StockClient(
                addresses["accept"], f"3GPP-bootstrapping.{ID}", bytes.fromhex(KS_NAF)
            ) as client:
                client.flag()
                site.server.process.terminate()
                site.server.wait_for_error("event=drain")
                assert idle.recv(1) == b"", "an idle notifier is told to go"
                url = f"http://{addresses['metrics']}/readyz"
                with pytest.raises(urllib.error.HTTPError, match="503"):
                    urllib.request.urlopen(url, timeout=SECONDS)
        assert site.server.wait() == 0


def test_notifications_at_once(site: Site) -> None:
    """Guards against a notification that is not answered because others come at the same time."""
    with site.run() as addresses:
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda: statuses.append(site.post(addresses["notify-accept"])))
            for _ in range(20)
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(SECONDS)
        assert statuses == [204] * 20
