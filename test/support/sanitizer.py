"""Whether what is tested was built under a sanitizer, and what cannot be asked of it then.

SPDX-License-Identifier: Apache-2.0
"""

import re

import pytest

from evp import BUILD

CACHE = BUILD / "CMakeCache.txt"
SANITIZED = CACHE.exists() and bool(
    re.search(r"^AKMA_SANITIZE:BOOL=ON$|-fsanitize=", CACHE.read_text(), re.MULTILINE)
)
SLOWER = 4 if SANITIZED else 1  # what is done at a time of its own has so many times as long

unless_sanitized = pytest.mark.skipif(
    SANITIZED,
    reason="a sanitizer keeps what was released for a while, and its shadow memory is terabytes to look through",
)
