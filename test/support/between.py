"""A relay between a program and its Redis: it passes everything on, or cuts, holds and refuses on request.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import socket
import threading

from flow import LOOPBACK


class Between:
    """A relay to a Redis, which it looks up again for each connection."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.listener = socket.create_server((LOOPBACK, 0))
        self.url = f"redis://{LOOPBACK}:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            with socket.create_connection((LOOPBACK, self.port)) as server:
                words = client, server
                threading.Thread(target=self._pass_back, args=words, daemon=True).start()
                while (octets := client.recv(65536)) and self.ask(client, server, octets):
                    pass
                for end in words:
                    end.shutdown(socket.SHUT_RDWR)

    def _pass_back(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while octets := server.recv(65536):
                self.answer(client, octets)
            client.shutdown(socket.SHUT_RDWR)

    def ask(self, _: socket.socket, server: socket.socket, octets: bytes) -> bool:
        """Pass a request on; False: that was the last one."""
        server.sendall(octets)
        return True

    def answer(self, client: socket.socket, octets: bytes) -> None:
        """Pass a reply back."""
        client.sendall(octets)


class Cutter(Between):
    """Cuts the connection when it hears a word."""

    def __init__(self, port: int, word: bytes, *, after: bool) -> None:
        self.word, self.after, self.cuts = word, after, 0
        super().__init__(port)

    def ask(self, client: socket.socket, server: socket.socket, octets: bytes) -> bool:
        """No answer comes back to the word."""
        hit = self.word in octets and self.cuts == 0
        if hit:
            client.shutdown(socket.SHUT_RDWR)
        if not hit or self.after:
            server.sendall(octets)
        self.cuts += hit
        return not hit


class Gate(Between):
    """While it is shut, replies wait."""

    def __init__(self, port: int) -> None:
        self.open, self.waiting = threading.Event(), 0
        self.open.set()
        super().__init__(port)

    def answer(self, client: socket.socket, octets: bytes) -> None:
        """Wait, and say so."""
        if not self.open.is_set():
            self.waiting += 1
            self.open.wait(60)
        client.sendall(octets)


class Breaker(Between):
    """While it is broken, connections are cut at their next request."""

    def __init__(self, port: int) -> None:
        self.broken, self.cuts = False, 0
        super().__init__(port)

    def ask(self, client: socket.socket, server: socket.socket, octets: bytes) -> bool:
        """Nothing of a request gets through."""
        self.cuts += self.broken
        return not self.broken and super().ask(client, server, octets)


class Holder(Between):
    """While it is shut, requests with a word wait."""

    def __init__(self, port: int, word: bytes) -> None:
        self.open, self.word, self.holding = threading.Event(), word, 0
        self.open.set()
        super().__init__(port)

    def ask(self, client: socket.socket, server: socket.socket, octets: bytes) -> bool:
        """Wait, and say so."""
        if self.word in octets and not self.open.is_set():
            self.holding += 1
            self.open.wait(60)
        return super().ask(client, server, octets)
