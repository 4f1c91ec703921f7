"""Calls of a running program that fail: test/programs/preload_faults.c, preloaded, and told what to do through a file.

SPDX-License-Identifier: Apache-2.0
"""

import enum
import mmap
import struct
from pathlib import Path

from evp import BUILD
from flow import ENVIRONMENT

NEVER = 2**32 - 1
WAYS = slice(
    32, 32 + 8 * 16384
)  # where the preloaded program remembers by which ways calls have failed


class Kind(enum.IntEnum):
    """Calls that can fail, by the numbers of preload_faults.c."""

    ALLOCATION = 1
    DESCRIPTOR = 2
    READ = 3
    WRITE = 4
    THREAD = 5
    NAME = 6


class Faults:
    """What one process is told; environment is what it has to be started with."""

    def __init__(self, path: Path, *, is_later: bool = False) -> None:
        """is_later: calls count in each process only from its first connection on."""
        path.write_bytes(bytes(WAYS.stop))
        with path.open("r+b") as file:
            self.control = mmap.mmap(file.fileno(), WAYS.stop)
        self._write(6, int(is_later))
        preload = str(BUILD / "test/programs/libpreload_faults.so")
        self.environment = ENVIRONMENT | {"LD_PRELOAD": preload, "AKMA_FAULTS": str(path)}

    def _write(self, index: int, value: int) -> None:
        struct.pack_into("=I", self.control, 4 * index, value)

    def _read(self, index: int) -> int:
        number: int = struct.unpack_from("=I", self.control, 4 * index)[0]
        return number

    def arm(self, kind: Kind, first: int, length: int = 1, *, traced: bool = False) -> None:
        """From now on let the first-th call of a kind fail, and those behind it: length in all."""
        for index, value in enumerate((first, length, 0, 0, int(traced)), start=1):
            self._write(index, value)
        self._write(0, kind)

    def arm_once(self, kind: Kind, depth: int, *, traced: bool = False) -> None:
        """Let one call of a kind fail: the first with functions on the stack, so many, with which none has failed."""
        self._write(7, depth)
        self.arm(kind, 1, traced=traced)

    def forget(self) -> None:
        """By which ways calls have failed."""
        self.control[WAYS] = bytes(WAYS.stop - WAYS.start)

    def disarm(self) -> int:
        """Let all succeed; how many have failed."""
        self._write(0, 0)
        self._write(7, 0)
        return self._read(4)

    @property
    def seen(self) -> int:
        """How many calls of the kind there were since."""
        return self._read(3)
