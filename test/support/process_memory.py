"""What a running process has in its memory.

SPDX-License-Identifier: Apache-2.0
"""

import time
from pathlib import Path


def holds(pid: int, secret: bytes) -> bool:
    """Does a process have these octets, or their hex, in memory that it can write to?"""
    forms = (secret, secret.hex().encode(), secret.hex().upper().encode())
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, mode = line.split()[:2]
            if not mode.startswith("rw") or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            start, end = (int(number, 16) for number in place.split("-"))
            memory.seek(start)
            try:
                octets = memory.read(end - start)
            except OSError:  # it was given back meanwhile
                continue
            if any(form in octets for form in forms):
                return True
    return False


def is_gone(pid: int, secret: bytes, seconds: float = 10) -> bool:
    """Within the time that a loop takes to notice an end."""
    until = time.monotonic() + seconds
    while holds(pid, secret):
        if time.monotonic() > until:
            return False
        time.sleep(0.1)
    return True
