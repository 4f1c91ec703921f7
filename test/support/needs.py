"""What a test needs beside the project, as its marker says: `-m "not redis"` leaves out all that starts a Redis.

What starts such a program asks for the marker, so that a test without it fails.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
from pathlib import Path

import pytest

# Programs of others that tests start by their names, or by commands of a page.
MARKERS = {
    "redis-server": "redis",
    "createdb": "postgresql",
    "softhsm2-util": "token",
    "node": "node",
    "chromium": "browser",
}

_running: list[pytest.Item] = []


def begin(test: pytest.Item) -> None:
    """A test is set up from now on."""
    _running[:] = [test]


def end() -> None:
    """No test is running."""
    _running.clear()


def needs(marker: str) -> None:
    """Fail the test that is running if it does not have a marker; outside a test nothing is asked."""
    for test in _running:
        if test.get_closest_marker(marker) is None:
            pytest.fail(f"{test.nodeid} needs the marker {marker} (pyproject.toml)")


def needs_for(*words: str | bytes | Path) -> None:
    """The same for a command: its program, or those that a shell's script names."""
    program, *rest = map(os.fsdecode, words)
    script = " ".join(rest) if program in ("sh", "bash") else ""
    for name, marker in MARKERS.items():
        if Path(program).name == name or re.search(rf"(?<![\w./-]){name}(?![\w./-])", script):
            needs(marker)
