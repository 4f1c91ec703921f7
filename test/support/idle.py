"""Connections that say nothing, and how many of them a server has closed.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import socket
from collections.abc import Iterator

from flow import split

ELSEWHERE = "127.0.0.2"


@contextlib.contextmanager
def idle_sockets(
    address: str, count: int, source: str = ELSEWHERE
) -> Iterator[list[socket.socket]]:
    """Connections on which nothing is said."""
    held = []
    try:
        for _ in range(count):
            with contextlib.suppress(OSError):
                held.append(socket.create_connection(split(address), 5, (source, 0)))
        yield held
    finally:
        for connection in held:
            connection.close()


def open_ones(connections: list[socket.socket]) -> int:
    """How many has the server not closed?"""
    count = 0
    for connection in connections:
        connection.settimeout(0.01)
        try:
            count += connection.recv(1) != b""
        except TimeoutError:
            count += 1
        except OSError:
            pass
    return count
