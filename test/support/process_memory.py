"""What a running process has in its memory.

SPDX-License-Identifier: Apache-2.0
"""

import time
from pathlib import Path


def copies(pid: int, octets: bytes) -> int:
    """How often a process has these octets in memory that it can write to."""
    count = 0
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, mode = line.split()[:2]
            if not mode.startswith("rw") or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            start, end = (int(number, 16) for number in place.split("-"))
            memory.seek(start)
            try:
                count += memory.read(end - start).count(octets)
            except OSError:  # it was given back meanwhile
                continue
    return count


def holds(pid: int, secret: bytes) -> bool:
    """Does a process have these octets, or their hex, in memory that it can write to?"""
    forms = (secret, secret.hex().encode(), secret.hex().upper().encode())
    return any(copies(pid, form) for form in forms)


def is_gone(pid: int, secret: bytes, seconds: float = 10) -> bool:
    """Within the time that a loop takes to notice an end."""
    until = time.monotonic() + seconds
    while holds(pid, secret):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
