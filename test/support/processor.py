"""What programs have used of the processor: it depends less than time does on what else the machine has to do.

SPDX-License-Identifier: Apache-2.0
"""

import os
import resource
from pathlib import Path


def processor_seconds(pid: int) -> float:
    """Of a process that runs."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def is_idle(pid: int) -> bool:
    """Does each thread of a process wait for something, none of them for the processor or a disk?

    A signal or an octet that a process is sent wakes a thread at once, so that what is idle then is done with it.
    """
    states = [
        thread.read_text().rpartition(") ")[2][0]
        for thread in Path(f"/proc/{pid}/task").glob("*/stat")
    ]
    return set(states) == {"S"}


def seconds_of_children() -> float:
    """Of all programs that this process has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
