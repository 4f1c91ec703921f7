"""The link between NAF and third party: e2e-as in either role, and a stand-in for either end.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import socket
import ssl
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from certificates import Authority
from evp import BUILD
from flow import FQDN, LOOPBACK, Process, split

ALPN = "akma-e2e/1"


class Program(Process):
    """e2e-as in any role; addresses has what it listens on, by the options' names."""

    def __init__(self, *options: str | Path, environment: dict[str, str] | None = None) -> None:
        super().__init__(
            BUILD / "e2e/e2e-as", *[str(option) for option in options], environment=environment
        )
        self.addresses: dict[str, str] = {}
        names = ("accept", "e2e-accept", "naf-accept", "metrics")
        for name in (name for name in names if f"--{name}" in options):
            line = self.read().decode()
            assert line.startswith(f"{name} "), line + self.last_words
            self.addresses[name] = line.split()[1]


class Sides:
    """A private CA with certificates of both sides, and the two programs that use them."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        self.naf = self.authority.issue(FQDN)
        self.third_party = self.authority.issue(LOOPBACK)

    def options(self, pair: tuple[Path, Path], ca: Path | None = None) -> list[str | Path]:
        """The options of one side."""
        return ["--cert", pair[0], "--key", pair[1], "--ca", ca or self.authority.file]

    def run_third_party(
        self,
        devices: Path,
        *options: str | Path,
        port: int = 0,
        environment: dict[str, str] | None = None,
    ) -> Program:
        """A separate third party, with an endpoint."""
        addresses = ["--naf-accept", f"{LOOPBACK}:{port}", "--e2e-accept", f"{LOOPBACK}:0"]
        words: list[str | Path] = ["--devices", devices, *self.options(self.third_party), *options]
        return Program(*addresses, *words, environment=environment)

    def run_naf(
        self,
        devices: Path,
        address: str,
        *options: str | Path,
        pair: tuple[Path, Path] | None = None,
        environment: dict[str, str] | None = None,
    ) -> Program:
        """A separate NAF, with its own certificate or another one."""
        addresses = ["--accept", f"{LOOPBACK}:0", "--third-party", address, "--naf-fqdn", FQDN]
        words: list[str | Path] = ["--devices", devices, *self.options(pair or self.naf), *options]
        return Program(*addresses, *words, environment=environment)


class Naf:
    """A client that asks a third party as a NAF does, with any certificate, any line."""

    def __init__(
        self,
        address: str,
        ca: Path,
        pair: tuple[Path, Path] | None,
        alpn: str | None = ALPN,
        version: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3,
    ) -> None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.maximum_version = version
        context.load_verify_locations(ca)
        if pair:
            context.load_cert_chain(*pair)
        if alpn:
            context.set_alpn_protocols([alpn])
        raw = socket.create_connection(split(address), 10)
        self.socket = context.wrap_socket(raw, server_hostname=LOOPBACK)
        self.file = self.socket.makefile("rb")

    def send(self, line: bytes) -> None:
        """Send octets as they are."""
        self.socket.sendall(line)

    def receive(self) -> bytes:
        """The next line; empty at the end, however it comes."""
        try:
            return self.file.readline()
        except (ssl.SSLError, ConnectionError):
            return b""

    def ask(self, **members: object) -> dict[str, Any]:
        """A request and its answer; {} if the connection ends."""
        self.send(json.dumps(members).encode() + b"\n")
        answer: dict[str, Any] = json.loads(self.receive() or b"{}")
        return answer

    def __enter__(self) -> "Naf":
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self.file.close()
            self.socket.close()


class ThirdParty:
    """A server that answers a NAF with any lines: answer(line) gives the octets to send, None closes."""

    def __init__(
        self, ca: Path, pair: tuple[Path, Path], answer: Callable[[bytes], bytes | None]
    ) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_3
        self.context.load_cert_chain(*pair)
        self.context.load_verify_locations(ca)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.set_alpn_protocols([ALPN])
        self.answer = answer
        self.connections: list[ssl.SSLSocket] = []
        self.requests: list[bytes] = []
        self.listener = socket.create_server((LOOPBACK, 0))
        self.address = f"{LOOPBACK}:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        while True:
            try:
                raw, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with contextlib.suppress(OSError, ssl.SSLError):
            connection = self.context.wrap_socket(raw, server_side=True)
            self.connections.append(connection)
            for line in connection.makefile("rb"):
                self.requests.append(line)
                octets = self.answer(line)
                if octets is None:
                    break
                connection.sendall(octets)
            connection.close()

    def __enter__(self) -> "ThirdParty":
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
        for connection in self.connections:
            with contextlib.suppress(OSError):
                connection.close()
