"""test/checks/sentences.py finds each kind of sentence that a test may not have.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess
from pathlib import Path

import pytest

from project import ROOT

CHECK = ROOT / "test/checks/sentences.py"
GOOD = '"""Guards against a key of TS 33.220 B.2.0, e.g. Ks_NAF, that is wrong."""'
BAD = {
    "none": ("pass", "has no docstring"),
    "no fault": ('"""A wrong key is refused."""', "does not name its fault"),
    "two": ('"""Guards against one. Guards against two."""', "has more than one sentence"),
    "a second paragraph": ('"""Guards against one.\n\n    More of it.\n    """', "more than one"),
    "no end": ('"""Guards against one"""', "does not end as a sentence"),
}


def check(tree: Path, *bodies: str) -> subprocess.CompletedProcess[str]:
    """What it says of a tree with one file of tests."""
    file = tree / "test/room/test_it.py"
    file.parent.mkdir(parents=True)
    tests = [f"def test_{n}() -> None:\n    {body}\n" for n, body in enumerate(bodies)]
    file.write_text("\n\n".join(tests))
    return subprocess.run([CHECK, tree], capture_output=True, text=True, timeout=60, check=False)


@pytest.mark.parametrize("name", BAD)
def test_a_bad_sentence(tmp_path: Path, name: str) -> None:
    """Guards against a test without one whole sentence that passes the check."""
    body, said = BAD[name]
    result = check(tmp_path, GOOD, body)
    assert result.returncode == 1 and result.stdout.count("\n") == 1
    assert result.stdout.startswith("test/room/test_it.py:") and said in result.stdout


def test_a_sentence_twice(tmp_path: Path) -> None:
    """Guards against a copied sentence, in other lines as well, that passes the check."""
    result = check(tmp_path, GOOD, GOOD.replace(" that is", "\n    that is"))
    assert result.returncode == 1 and "has the sentence of test/room/test_it.py:1: test_0" in (
        result.stdout
    )


def test_good_ones(tmp_path: Path) -> None:
    """Guards against a clause's number or an abbreviation being taken for the end of a sentence."""
    result = check(tmp_path, GOOD)
    assert (result.returncode, result.stdout) == (0, "each test has a sentence of its own\n")
