"""What a room of the tree is broken with, and what has to notice.

SPDX-License-Identifier: Apache-2.0
"""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Fault:
    """A text that occurs once in a file of the room, and its replacement.

    by: what has to notice: one of the room's drivers, or tests, as pytest's -k has it; empty: any of them all.
    """

    file: str
    old: str
    new: str
    by: str = ""


def of(file: str, *pairs: tuple[str, str], by: str = "") -> list[Fault]:
    """Faults of one file."""
    return [Fault(file, old, new, by) for old, new in pairs]


@dataclass(frozen=True)
class Room:
    """A folder, the targets of cmake that its tests need, and the tests and drivers that look at it in this order."""

    folder: str
    target: str
    tests: list[str]
    faults: list[Fault]
    drivers: list[str] = field(default_factory=list)  # with "memcheck " in front: under valgrind
