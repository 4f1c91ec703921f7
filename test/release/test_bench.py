"""The benchmark itself still works: one round of it, and its report.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import subprocess
from pathlib import Path

import pytest

from evp import BUILD
from openssl_cli import EXAMPLE

REPORT = Path(__file__).parents[2] / "bench" / "report.py"


def test_one_round(tmp_path: Path) -> None:
    """Guards against a benchmark that no longer runs, leaves a comparison out, or whose report is not the page's."""
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


@pytest.mark.parametrize(
    ("ratio", "said", "status"),
    [
        ([0.8, 0.9, 1.2], "ok", 0),
        ([0.9, 1.1, 1.2], "not told from the limit", 0),
        ([1.1, 1.2, 1.3], "**missed**", 1),
    ],
)
def test_noise_is_no_failure(tmp_path: Path, ratio: list[float], said: str, status: int) -> None:
    """Guards against a benchmark that fails by noise: a limit is missed only if the lower quartile is above it."""
    results = json.loads((REPORT.parents[1] / "docs/performance.json").read_text())
    entry = {"variant": "this", "reference": "that", "limit": 1, "ratio": ratio}
    results |= {"comparisons": [entry], "threads": []}
    file = tmp_path / "performance.json"
    file.write_text(json.dumps(results))
    reported = subprocess.run(
        ["/usr/bin/python3", REPORT, file], capture_output=True, text=True, timeout=60, check=False
    )
    assert reported.returncode == status, reported.stderr
    assert f"| {said} |" in reported.stdout
    assert ("missed: this against that" in reported.stderr) == bool(status)
