"""A wall clock that a test sets while a program runs.

SPDX-License-Identifier: Apache-2.0
"""

import os
from pathlib import Path

from evp import BUILD
from flow import ENVIRONMENT


class Clock:
    """A program's wall clock; environment is what the program has to be started with."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "step"
        self.step(0)
        preload = f"{os.environ.get('LD_PRELOAD', '')} {BUILD}/test/programs/libpreload_time.so"
        self.environment = ENVIRONMENT | {"LD_PRELOAD": preload, "AKMA_CLOCK_STEP": str(self.path)}

    def step(self, seconds: int) -> None:
        """So far ahead is it from now on."""
        new = self.path.with_suffix(".new")
        new.write_text(str(seconds))
        new.rename(self.path)
