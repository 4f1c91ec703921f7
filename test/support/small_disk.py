"""A disk that is full: a small file system of its own, where this machine lets one be mounted.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest


class SmallDisk:
    """A folder on a file system of 256 KiB."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def fill(self) -> None:
        """Leave no room, not even for an octet."""
        with open(self.folder / "filler", "wb", buffering=0) as filler, contextlib.suppress(
            OSError
        ):
            while filler.write(bytes(4096)):
                pass

    def names(self) -> list[str]:
        """What is there, in order."""
        return sorted(path.name for path in self.folder.iterdir())


@contextlib.contextmanager
def small_disk(folder: Path) -> Iterator[SmallDisk]:
    """Mount it there; skip the test where that is not permitted."""
    folder.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip(f"no file system can be mounted here: {mounted.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", folder], check=True)
