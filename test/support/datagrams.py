"""The flow over DTLS: servers and peers, and a path between them that loses, doubles and reorders.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import random
import selectors
import socket
import struct
import subprocess
import threading
import time
from pathlib import Path
from typing import Self

from evp import BUILD
from flow import FQDN, LOOPBACK, Process, metric, run_to_end, split, ue_command

SUITE = "ECDHE-PSK-CHACHA20-POLY1305"
SUITES = {
    SUITE: "010001ccac",
    "ECDHE-PSK-AES128-CBC-SHA256": "010001c037",
    "PSK-AES128-CCM": "010001c0a4",
    "PSK-AES128-CCM8": "010001c0a8",
}
OVER_UDP = f"udp:{LOOPBACK}:0"
OVER_TCP = f"{LOOPBACK}:0"
RECORD = 13  # octets of its header
HANDSHAKE = 22
ALERT = 21
SERVER_HELLO = 2
HELLO_VERIFY_REQUEST = 3


class DtlsServer(Process):
    """e2e-as with the metrics on; address and e2e_address as e2e-ue takes them."""

    def __init__(
        self,
        devices: Path,
        *options: str,
        accept: str = OVER_UDP,
        e2e_accept: str | None = OVER_UDP,
        suites: str = SUITE,
        environment: dict[str, str] | None = None,
    ) -> None:
        second = [] if e2e_accept is None else ["--e2e-accept", e2e_accept]
        super().__init__(
            *[str(BUILD / "e2e/e2e-as"), "--accept", accept, *second, "--metrics", f"{LOOPBACK}:0"],
            *["--devices", str(devices), "--naf-fqdn", FQDN, "--dtls-ciphers", suites],
            *["--drain-timeout", "0", *options],
            environment=environment,
        )
        self.address = self.e2e_address = self._listening("accept")
        if e2e_accept is not None:
            self.e2e_address = self._listening("e2e-accept")
        self.metrics = self._listening("metrics")

    def _listening(self, name: str) -> str:
        line = self.read().decode()
        assert line.startswith(f"{name} "), line + self.last_words
        return line.split()[1]

    def count(self, name: str) -> int:
        """One of its figures."""
        return metric(self.metrics, f"e2e_{name}")


def port_of(address: str) -> int:
    """The port of udp:HOST:PORT."""
    return int(address.rsplit(":", 1)[1])


def pair_of(address: str) -> tuple[str, int]:
    """udp:HOST:PORT as a pair."""
    return split(address.removeprefix("udp:"))


def dtls_ue(
    server: DtlsServer,
    devices: Path,
    identity: str,
    *options: str,
    suites: str = SUITE,
    message: str = "hello",
    seconds: float = 60,
) -> subprocess.CompletedProcess[str]:
    """Run e2e-ue."""
    return run_to_end(
        *ue_command(devices, identity, server.address, server.e2e_address, message=message),
        *["--dtls-ciphers", suites, *options],
        seconds=seconds,
    )


class DtlsListener(Process):
    """e2e-ue in front of local programs: each socket of theirs has a session of its own."""

    def __init__(
        self,
        devices: Path,
        identity: str,
        first: str,
        second: str,
        *options: str,
        suites: str = SUITE,
        environment: dict[str, str] | None = None,
    ) -> None:
        super().__init__(
            *[str(BUILD / "e2e/e2e-ue"), "--connect", first, "--e2e-connect", second],
            *["--listen", OVER_UDP, "--devices", str(devices), "--naf-fqdn", FQDN],
            *["--identity", identity, "--dtls-ciphers", suites, *options],
            environment=environment,
        )
        line = self.read().decode()
        assert line.startswith("listen "), line + self.last_words
        self.address = line.split()[1]

    def connected(self) -> socket.socket:
        """A local program's socket."""
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.settimeout(20)
        made.connect(pair_of(self.address))
        return made


class StockDtlsClient(Process):
    """openssl s_client over DTLS 1.2: each write is a datagram."""

    def __init__(
        self, address: str, identity: str, key: bytes, suite: str = SUITE, *options: str
    ) -> None:
        super().__init__(
            *["openssl", "s_client", "-connect", address.removeprefix("udp:"), "-quiet"],
            *["-no_ign_eof", "-dtls1_2", "-cipher", f"{suite}:@SECLEVEL=0"],
            *["-psk_identity", identity, "-psk", key.hex(), *options],
        )

    def say(self, line: bytes) -> None:
        """One datagram."""
        self.write(line)


class RoughPath:
    """A path to a server of UDP; loss, doubling and reordering are shares of one, delay is in seconds.

    What happens to the n-th datagram of a direction is the seed's alone.
    """

    def __init__(
        self,
        server: tuple[str, int],
        *,
        seed: int = 0,
        loss: float = 0,
        doubling: float = 0,
        reordering: float = 0,
        delay: float = 0,
    ) -> None:
        self.server = server
        self.rates = (loss, doubling, reordering)
        self.delay = delay
        self.random = random.Random(seed)
        self.to_server: list[bytes] = []
        self.to_client: list[bytes] = []
        self.front = self._socket()
        self.address = f"udp:{LOOPBACK}:{self.front.getsockname()[1]}"
        self.clients: dict[tuple[str, int], socket.socket] = {}
        self.waiting: list[tuple[float, int, socket.socket, tuple[str, int], bytes]] = []
        self.number = 0
        self.selector = selectors.DefaultSelector()
        self.selector.register(self.front, selectors.EVENT_READ, None)
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @staticmethod
    def _socket() -> socket.socket:
        made = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        made.bind((LOOPBACK, 0))
        made.setblocking(False)
        return made

    def _send(self, way: socket.socket, to: tuple[str, int], octets: bytes) -> None:
        loss, doubling, reordering = self.rates
        if self.random.random() < loss:
            return
        for _ in range(2 if self.random.random() < doubling else 1):
            late = 0.05 if self.random.random() < reordering else 0.0
            self.number += 1
            self.waiting.append(
                (time.monotonic() + self.delay + late, self.number, way, to, octets)
            )

    def _take(self, ready: socket.socket, client: tuple[str, int] | None) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            octets, source = ready.recvfrom(65536)
            if client is not None:
                self.to_client.append(octets)
                self._send(self.front, client, octets)
                return
            if source not in self.clients:
                self.clients[source] = self._socket()
                self.selector.register(self.clients[source], selectors.EVENT_READ, source)
            self.to_server.append(octets)
            self._send(self.clients[source], self.server, octets)

    def _run(self) -> None:
        while not self.over.is_set():
            for key, _ in self.selector.select(0.01):
                assert isinstance(key.fileobj, socket.socket)
                self._take(key.fileobj, key.data)
            self.waiting.sort()
            while self.waiting and self.waiting[0][0] <= time.monotonic():
                _, _, way, to, octets = self.waiting.pop(0)
                with contextlib.suppress(OSError):
                    way.sendto(octets, to)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.over.set()
        self.thread.join(10)
        for each in [self.front, *self.clients.values()]:
            each.close()


EXTENDED_MASTER_SECRET = bytes.fromhex("00170000")
ENCRYPT_THEN_MAC = bytes.fromhex("00160000")
X25519 = bytes.fromhex("000a00040002001d")


def client_hello(
    cookie: bytes = b"",
    suites: tuple[int, ...] = (0xCCAC,),
    random_: bytes = bytes(32),
    extensions: bytes = b"",
) -> bytes:
    """The smallest datagram that begins a handshake; with a cookie, the one that goes on with it."""
    listed = b"".join(struct.pack("!H", suite) for suite in suites)
    body = b"\xfe\xfd" + random_ + b"\0" + bytes([len(cookie)]) + cookie
    body += struct.pack("!H", len(listed)) + listed + b"\x01\0"
    if extensions:
        body += struct.pack("!H", len(extensions)) + extensions
    number = 1 if cookie else 0  # of the record and of the message
    message = b"\x01" + len(body).to_bytes(3) + struct.pack("!H", number) + bytes(3)
    message += len(body).to_bytes(3) + body
    header = bytes([HANDSHAKE]) + b"\xfe\xff" + number.to_bytes(8)
    return header + struct.pack("!H", len(message)) + message


def cookie_of(peer: socket.socket, hello: bytes) -> bytes:
    """What a connected socket gets for its first ClientHello; what comes before is dropped."""
    peer.send(hello)
    while (answer := peer.recv(4000))[RECORD] != HELLO_VERIFY_REQUEST:
        pass
    return answer[RECORD + 12 + 3 :]
