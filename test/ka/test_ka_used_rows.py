"""What a third party remembers of a database's rows, and what it reports of rows that change.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess

import pytest

from evp import BUILD

PROGRAM = BUILD / "test/programs/ka_used_rows"


@pytest.mark.skipif(not PROGRAM.exists(), reason="this build had no libpq")
def test_rows_that_keys_rest_on() -> None:
    """Guards against a row that is forgotten while a key is made of it, so that its removal is missed."""
    result = subprocess.run([PROGRAM], capture_output=True, text=True, timeout=60, check=False)
    lines = result.stdout.splitlines()
    assert result.returncode == 0, lines[-1:]
    assert len(lines) == 40 and all(line.startswith("ok ") for line in lines)
