"""What a server says of itself: /healthz, /readyz and the gauges and counters of /metrics.

SPDX-License-Identifier: Apache-2.0
"""

import re
import urllib.error
import urllib.request

from flow import LOOPBACK
from link import Program

METRICS = ["--metrics", f"{LOOPBACK}:0"]


def get(program: Program, path: str) -> tuple[int, str]:
    """Status and text of a page."""
    try:
        url = f"http://{program.addresses['metrics']}/{path}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def values(program: Program) -> dict[str, float]:
    """Every sample of /metrics."""
    lines = get(program, "metrics")[1].splitlines()
    pairs = [line.rsplit(" ", 1) for line in lines if not line.startswith("#")]
    return {name: float(value) for name, value in pairs}


def is_down(program: Program, part: str) -> bool:
    """Do gauge and page say that a part is down?"""
    text = get(program, "readyz")[1]
    says = re.search(rf"^{part}: down since \d{{4}}-\S+Z: \S.*$", text, re.M)
    return bool(says) and any(
        value == 0 for name, value in values(program).items() if name.startswith(f"e2e_{part}_up")
    )


def reasons(program: Program) -> set[str]:
    """Those that refusals were counted by."""
    counted = {name for name, value in values(program).items() if value > 0}
    return {name.split('"')[1] for name in counted if name.startswith("e2e_refusals_total")}
