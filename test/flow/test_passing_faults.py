"""A call that fails once: a sample of what test/checks/passing_faults.py does completely.

SPDX-License-Identifier: Apache-2.0
"""

import re
import subprocess
import sys

import pytest

from project import ROOT
from roles import ROLES

pytestmark = pytest.mark.slow

SCRIPT = ROOT / "test/checks/passing_faults.py"


@pytest.mark.parametrize("role", ROLES)
def test_a_passing_fault_stays_passing(role: str) -> None:
    """Guards against a connection, listener, file or look-up that never works again after one failed call."""
    result = subprocess.run(
        [sys.executable, SCRIPT, "--sample", "6", role], capture_output=True, text=True, timeout=240
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert re.search(rf"^{re.escape(role)}: read: .*[1-9]", result.stdout, re.MULTILINE)
