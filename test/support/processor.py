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


def seconds_of_children() -> float:
    """Of all programs that this process has started and that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime
