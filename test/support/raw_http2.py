"""HTTP/2 by hand, for what no well-behaved server does: frames of RFC 9113, headers without compression.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from pathlib import Path

from flow import LOOPBACK

DATA, HEADERS, RST_STREAM, SETTINGS, GOAWAY = 0, 1, 3, 4, 7
END_STREAM, END_HEADERS, ACK = 1, 4, 1
INITIAL_WINDOW_SIZE = 4
NO_ERROR, REFUSED_STREAM = 0, 7
PREFACE = 24  # octets
# RFC 7541: ":status: 200" is entry 8, "content-type" entry 31 with a value given here
OK_JSON = b"\x88\x0f\x10\x10application/json"


class Http2Connection:
    """One connection; number counts from 1."""

    def __init__(self, stream: ssl.SSLSocket, number: int, window: int) -> None:
        self.socket, self.number = stream, number
        self.bodies: dict[int, bytes] = {}
        self.send(SETTINGS, 0, 0, struct.pack(">HI", INITIAL_WINDOW_SIZE, window))

    def send(self, kind: int, flags: int, stream: int, payload: bytes) -> None:
        """One frame."""
        length = struct.pack(">I", len(payload))[1:]
        self.socket.sendall(length + bytes([kind, flags]) + struct.pack(">I", stream) + payload)

    def receive(self) -> tuple[int, int, int, bytes]:
        """The next frame: kind, flags, stream, payload."""
        head = self._exactly(9)
        length = int.from_bytes(head[:3], "big")
        return head[3], head[4], int.from_bytes(head[5:], "big"), self._exactly(length)

    def _exactly(self, length: int) -> bytes:
        octets = b""
        while len(octets) < length:
            part = self.socket.recv(length - len(octets))
            if not part:
                raise ConnectionError
            octets += part
        return octets

    def serve(self, on_request: Callable[["Http2Connection", int, bytes], None]) -> None:
        """Until the client goes."""
        self._exactly(PREFACE)
        while True:
            kind, flags, stream, payload = self.receive()
            if kind == SETTINGS and not flags & ACK:
                self.send(SETTINGS, ACK, 0, b"")
            if kind == DATA:
                self.bodies[stream] = self.bodies.get(stream, b"") + payload
            if kind in (DATA, HEADERS) and flags & END_STREAM:
                on_request(self, stream, self.bodies.get(stream, b""))

    def answer(self, stream: int, body: bytes) -> None:
        """200 with JSON."""
        self.send(HEADERS, END_HEADERS, stream, OK_JSON)
        self.send(DATA, END_STREAM, stream, body)

    def refuse(self, stream: int) -> None:
        """REFUSED_STREAM: it was not processed."""
        self.send(RST_STREAM, 0, stream, struct.pack(">I", REFUSED_STREAM))

    def go_away(self, last: int = 0) -> None:
        """GOAWAY: streams after the last were not processed."""
        self.send(GOAWAY, 0, 0, struct.pack(">II", last, NO_ERROR))


class RawHttp2:
    """A server; on_request gets each whole request's connection, stream and body."""

    def __init__(
        self,
        certificate: tuple[Path, Path],
        ca: Path,
        on_request: Callable[[Http2Connection, int, bytes], None],
        window: int = 65535,
    ) -> None:
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(*certificate)
        self.context.load_verify_locations(ca)
        self.context.verify_mode = ssl.CERT_REQUIRED
        self.context.set_alpn_protocols(["h2"])
        self.on_request, self.window, self.connections = on_request, window, 0
        self.listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self.listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                raw, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(raw,), daemon=True).start()

    def _serve(self, raw: socket.socket) -> None:
        with contextlib.suppress(OSError), self.context.wrap_socket(raw, server_side=True) as one:
            self.connections += 1
            Http2Connection(one, self.connections, self.window).serve(self.on_request)

    def __enter__(self) -> "RawHttp2":
        return self

    def __exit__(self, *_: object) -> None:
        self.listener.close()
