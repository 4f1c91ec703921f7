"""A service manager's end of its protocols: what a program says of itself, and sockets that it is given.

SPDX-License-Identifier: Apache-2.0
"""

import fcntl
import socket
import time
from pathlib import Path
from typing import Self

from flow import ENVIRONMENT, LOOPBACK, SECONDS


class Manager:
    """NOTIFY_SOCKET of a program: environment has it."""

    def __init__(self, folder: Path, **more: str) -> None:
        path = folder / "notify"
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(str(path))
        self.environment = ENVIRONMENT | {"NOTIFY_SOCKET": str(path), **more}

    def receive(self, seconds: float = SECONDS) -> dict[str, str]:
        """The next message; empty where none comes."""
        self.socket.settimeout(seconds)
        try:
            lines = self.socket.recv(65536).decode().splitlines()
        except TimeoutError:
            return {}
        return dict(line.split("=", 1) for line in lines)

    def wait_for(self, **wanted: str) -> dict[str, str]:
        """The first message that has all of this; a status, if it begins so."""
        end = time.monotonic() + SECONDS
        seen = []
        while time.monotonic() < end:
            message = self.receive()
            seen.append(message)
            if all(message.get(name, "").startswith(text) for name, text in wanted.items()):
                return message
        raise AssertionError(f"{wanted} is not in {seen}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.socket.close()


def held(opened: socket.socket) -> socket.socket:
    """The same socket as a program can inherit it, its number above all that the program gives it."""
    with opened:
        return socket.socket(fileno=fcntl.fcntl(opened, fcntl.F_DUPFD, 100))


def listening() -> socket.socket:
    """A socket that a service manager holds."""
    return held(socket.create_server((LOOPBACK, 0), backlog=64))


def address(of: socket.socket) -> str:
    """Where it listens."""
    host, port = of.getsockname()
    return f"{host}:{port}"


def activated(named: list[tuple[str, socket.socket]]) -> list[str]:
    """The beginning of a command that is given these sockets, as sd_listen_fds(3) has it."""
    redirections = " ".join(f"{3 + i}<&{one.fileno()}" for i, (_, one) in enumerate(named))
    names = ":".join(name for name, _ in named)
    words = f"LISTEN_PID=$$ LISTEN_FDS={len(named)} LISTEN_FDNAMES={names}"
    return ["bash", "-c", f'export {words}; exec "$@" {redirections}', "bash"]
