"""Names that a test resolves for the programs, and addresses that say nothing. All on loopback.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
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
            "LD_PRELOAD": str(BUILD / "test/programs/libnames.so"),
            "NAMES": str(self.file),
        }

    def set(self, name: str, *addresses: str, seconds: int = 0) -> None:
        """The name's addresses, after so many seconds; none: it cannot be resolved for now."""
        self._rows[name] = " ".join([name, str(seconds), *addresses])
        fresh = self.file.with_suffix(".new")
        fresh.write_text("".join(f"{row}\n" for row in self._rows.values()))
        fresh.rename(self.file)


@contextlib.contextmanager
def silent(host: str, port: int) -> Iterator[None]:
    """An address that answers no SYN: a listener's queue that is full."""
    with contextlib.ExitStack() as held:
        listener = held.enter_context(socket.socket())
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(0)
        for _ in range(2):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                waiting.connect((host, port))
        yield
