"""What a room of the house is broken with, and what has to notice.

SPDX-License-Identifier: Apache-2.0
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """A text that stands once in a file of the room, and what is put in its place."""

    file: str
    old: str
    new: str


def of(file: str, *pairs: tuple[str, str]) -> list[Fault]:
    """Faults of one file."""
    return [Fault(file, old, new) for old, new in pairs]


@dataclass(frozen=True)
class Room:
    """A folder, the targets of cmake to build, and the tests and drivers that look at it in this order."""

    folder: str
    target: str
    tests: list[str]
    faults: list[Fault]
    drivers: list[str] = field(default_factory=list)
    memcheck: list[str] = field(default_factory=list)  # drivers that run under valgrind
