"""The processes of a server that SIGUSR2 replaces, one after the other.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import re
import signal
from typing import Self

from flow import SECONDS, Process, wait_until


class Generations:
    """All write to the standard error of the first; those that came later are ended by their number."""

    def __init__(self, server: Process) -> None:
        self.server = server
        self.pids = [server.process.pid]

    def signal(self, number: signal.Signals) -> None:
        """To the newest."""
        os.kill(self.pids[-1], number)

    def upgrade(self) -> int:
        """Have the newest start another one; its number, once it serves."""
        done = len(self.pids)
        self.signal(signal.SIGUSR2)

        def numbers() -> list[str]:
            return re.findall(r"event=upgrade result=done pid=(\d+)\n", self.server.errors)

        wait_until(lambda: len(numbers()) == done, 2 * SECONDS)
        self.pids.append(int(numbers()[-1]))
        return self.pids[-1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        for pid in self.pids[1:]:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
