"""Clocks that a test sets while a program runs.

SPDX-License-Identifier: Apache-2.0
"""

import os
from pathlib import Path

from evp import BUILD
from flow import ENVIRONMENT


class Clock:
    """A program's clocks; environment is what the program has to be started with."""

    def __init__(self, folder: Path) -> None:
        self.wall, self.limits = folder / "wall", folder / "limits"
        self.step(0)
        _write(self.limits, 0)
        preload = f"{os.environ.get('LD_PRELOAD', '')} {BUILD}/test/programs/libpreload_time.so"
        self.environment = ENVIRONMENT | {
            "LD_PRELOAD": preload,
            "AKMA_CLOCK_STEP": str(self.wall),
            "AKMA_MONOTONIC_STEP": str(self.limits),
            "AKMA_BOOTTIME_STEP": str(self.limits),
        }

    def step(self, seconds: int) -> None:
        """Somebody sets the wall clock: so far ahead is it from now on."""
        _write(self.wall, seconds)

    def pass_to(self, seconds: int) -> None:
        """Time passes: so far ahead is every clock from now on."""
        self.step(seconds)
        _write(self.limits, seconds)


def _write(path: Path, seconds: int) -> None:
    """At once: a program reads it at any time."""
    new = path.with_suffix(".new")
    new.write_text(str(seconds))
    new.rename(path)
