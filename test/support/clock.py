"""Clocks that a test sets while a program runs.

SPDX-License-Identifier: Apache-2.0
"""

import os
from pathlib import Path

from evp import BUILD
from flow import ENVIRONMENT, Metered


class Clock:
    """A program's clocks; environment is what the program has to be started with, settings what of it is ours."""

    def __init__(self, folder: Path) -> None:
        self.wall, self.limits = folder / "wall", folder / "limits"
        self.step(0)
        _write(self.limits, 0)
        preload = f"{os.environ.get('LD_PRELOAD', '')} {BUILD}/test/programs/libpreload_time.so"
        self.settings = {
            "LD_PRELOAD": preload,
            "AKMA_CLOCK_STEP": str(self.wall),
            "AKMA_MONOTONIC_STEP": str(self.limits),
            "AKMA_BOOTTIME_STEP": str(self.limits),
        }
        self.environment = ENVIRONMENT | self.settings

    def step(self, seconds: int) -> None:
        """Somebody sets the wall clock: so far ahead is it from now on."""
        _write(self.wall, seconds)

    def pass_to(self, seconds: int) -> None:
        """Time passes: so far ahead is every clock from now on."""
        self.step(seconds)
        _write(self.limits, seconds)


class TimedServer(Metered):
    """e2e-as whose clocks a test sets; it has one loop, so that every event shows it the time."""

    def __init__(
        self, folder: Path, devices: Path, *options: str, two_addresses: bool = True
    ) -> None:
        self.clock = Clock(folder)
        super().__init__(
            devices,
            *options,
            two_addresses=two_addresses,
            environment=self.clock.environment,
            within=("taskset", "-c", "0"),
        )

    def pass_to(self, seconds: int) -> None:
        """Set every clock this far ahead, and wait until the server has ended what is over by then."""
        self.clock.pass_to(seconds)
        self.count("handshakes_unfinished")


def _write(path: Path, seconds: int) -> None:
    """At once: a program reads it at any time."""
    new = path.with_suffix(".new")
    new.write_text(str(seconds))
    new.rename(path)
