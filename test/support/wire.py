"""A connection's way through the tests, which can be cut or fall silent.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import select
import socket
import threading

from flow import LOOPBACK, split


class Wire:
    """A connection's way that can be cut: octets between a client that connects here and an address."""

    def __init__(self, address: str) -> None:
        self.target = split(address)
        self.listener = socket.create_server((LOOPBACK, 0))
        self.port: int = self.listener.getsockname()[1]
        self.pairs: dict[socket.socket, socket.socket] = {}
        self.lock = threading.Lock()
        self.accepted = 0  # so far
        self.ended = False
        self.hushed: set[socket.socket] = set()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    @property
    def address(self) -> str:
        """Where to connect."""
        return f"{LOOPBACK}:{self.port}"

    def cut(self) -> None:
        """Break what is connected."""
        with self.lock:
            for one in self.pairs:
                with contextlib.suppress(OSError):
                    one.shutdown(socket.SHUT_RDWR)

    def hush(self) -> None:
        """Pass nothing on any more of what is connected now, and say nothing of it."""
        with self.lock:
            self.hushed |= set(self.pairs)

    def _drop(self, one: socket.socket) -> None:
        with self.lock:
            other = self.pairs.pop(one, None)
            if other is not None:
                self.pairs.pop(other, None)
                other.close()
        one.close()

    def _accept(self) -> None:
        one, _ = self.listener.accept()
        self.accepted += 1
        try:
            other = socket.create_connection(self.target)
        except OSError:
            one.close()
            return
        with self.lock:
            self.pairs |= {one: other, other: one}

    def _pass_on(self, one: socket.socket) -> None:
        try:
            octets = one.recv(65536)
            if octets and one not in self.hushed:
                self.pairs[one].sendall(octets)
        except (OSError, KeyError):
            octets = b""
        if not octets:
            self._drop(one)

    def _run(self) -> None:
        while not self.ended:
            ready, _, _ = select.select([self.listener, *self.pairs], [], [], 0.2)
            for one in ready:
                if one is self.listener:
                    self._accept()
                elif one in self.pairs:
                    self._pass_on(one)

    def __enter__(self) -> "Wire":
        return self

    def __exit__(self, *_: object) -> None:
        self.ended = True
        self.thread.join(5)
        self.listener.close()
