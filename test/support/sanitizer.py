"""Whether what is tested was built under a sanitizer, what cannot be asked of it then, and how slow all is.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import subprocess
import time

import pytest

from evp import BUILD

CACHE = BUILD / "CMakeCache.txt"
SANITIZED = CACHE.exists() and bool(
    re.search(r"^AKMA_SANITIZE:BOOL=ON$|-fsanitize=", CACHE.read_text(), re.MULTILINE)
)


def slowness() -> int:
    """How many times as long this machine takes now as an idle one: to start a program, which takes 20 ms there.

    Asked once for all processes of a run, so that all collect the same tests.
    """
    if "AKMA_SLOWNESS" not in os.environ:
        began = time.monotonic()
        for _ in range(5):
            subprocess.run(["/usr/bin/python3", "-c", "pass"], check=True)
        taken = (time.monotonic() - began) / 5
        os.environ["AKMA_SLOWNESS"] = str(min(6, 1 + int(taken / 0.05)))
    return int(os.environ["AKMA_SLOWNESS"])


# What is done at a time of its own has so many times as long.
SLOWER = (4 if SANITIZED else 1) * slowness()

unless_sanitized = pytest.mark.skipif(
    SANITIZED,
    reason="a sanitizer keeps what was released for a while, and its shadow memory is terabytes to look through",
)

unless_its_runtime_is_in_the_way = pytest.mark.skipif(
    SANITIZED,
    reason="a sanitizer's runtime has to be loaded first, and takes the signals and the memory that this is about",
)

# What a program needs whose environment is none of ours otherwise.
RUNTIME = {
    name: os.environ[name]
    for name in ("LD_PRELOAD", "ASAN_OPTIONS", "UBSAN_OPTIONS")
    if SANITIZED and name in os.environ
}
