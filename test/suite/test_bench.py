"""The benchmark itself still works: one round of it, and its report.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import subprocess
from pathlib import Path

from evp import BUILD
from openssl_cli import EXAMPLE

REPORT = Path(__file__).parents[2] / "bench" / "report.py"


def test_one_round(tmp_path: Path) -> None:
    measured = subprocess.run(
        [BUILD / "bench" / "bench", "1", "10"],
        env=os.environ | {"OPENSSL_CONF": str(EXAMPLE), "OPENSSL_MODULES": str(BUILD)},
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )
    results = json.loads(measured.stdout)
    assert all(variant["ns"][1] > 0 for variant in results["variants"])
    assert sum("limit" in entry for entry in results["comparisons"] + results["threads"]) == 13
    (tmp_path / "performance.json").write_text(measured.stdout)
    (tmp_path / "performance.md").write_text("<!-- tables: begin --><!-- tables: end -->")

    reported = subprocess.run(
        ["/usr/bin/python3", REPORT, tmp_path / "performance.json"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,  # limits are missed in one round
    )
    assert reported.stderr.count("missed: ") == reported.stdout.count("**missed**")
    assert reported.stdout.strip() in (tmp_path / "performance.md").read_text()
