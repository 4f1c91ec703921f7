"""Whether what is tested was built under a sanitizer, and what cannot be asked of it then.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re

import pytest

from evp import BUILD

CACHE = BUILD / "CMakeCache.txt"
SANITIZED = CACHE.exists() and bool(
    re.search(r"^AKMA_SANITIZE:BOOL=ON$|-fsanitize=", CACHE.read_text(), re.MULTILINE)
)


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
