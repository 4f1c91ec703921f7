"""Names that a test resolves for the programs, and addresses that say nothing. All on loopback.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import secrets
import socket
from collections.abc import Iterator
from pathlib import Path

from evp import BUILD
from flow import ENVIRONMENT


class Names:
    """What a program's getaddrinfo() answers; it may change while the program runs."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "names"
        self.file.touch()
        self._rows: dict[str, str] = {}
        self.environment = ENVIRONMENT | {
            "LD_PRELOAD": str(BUILD / "test/programs/libpreload_names.so"),
            "NAMES": str(self.file),
        }

    def set(self, name: str, *addresses: str, seconds: int = 0) -> None:
        """The name's addresses, after so many seconds; none: it cannot be resolved for now."""
        self._rows[name] = " ".join([name, str(seconds), *addresses])
        fresh = self.file.with_suffix(".new")
        fresh.write_text("".join(f"{row}\n" for row in self._rows.values()))
        fresh.rename(self.file)


def elsewhere(port: int, backlog: int = 1) -> socket.socket:
    """A listener at this port of another address: one at random, so that nobody has it already."""
    while True:
        host = ".".join(map(str, [127, *(1 + secrets.randbelow(254) for _ in range(3))]))
        with contextlib.suppress(OSError):
            return socket.create_server((host, port), backlog=backlog)


@contextlib.contextmanager
def silent(port: int) -> Iterator[str]:
    """Another address of this port, that answers no SYN: a listener's queue that is full."""
    with contextlib.ExitStack() as held:
        listener = held.enter_context(elsewhere(port, backlog=0))
        host = listener.getsockname()[0]
        for _ in range(2):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect((host, port))
        yield host
