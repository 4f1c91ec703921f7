#!/usr/bin/python3
"""Each test has one sentence of its own that names the fault which it guards against.

    test/checks/sentences.py

What is looked at: the docstring of each test is there, is one sentence, begins with "Guards against" and ends as a sentence,
and is no other test's.

SPDX-License-Identifier: Apache-2.0
"""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

BEGINNING = "Guards against "
# A full stop and then a capital letter begin a second sentence; one of "TS 33.220 B.2.0" or "e.g." does not.
ANOTHER = re.compile(r"(?<!\be\.g)(?<!\bi\.e)[.!?][)\"]? +[A-Z\"(]")


def tests_of(file: Path) -> Iterator[ast.FunctionDef]:
    """The tests of a file, those of its classes as well."""
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            yield node


def fault_of(sentence: str | None) -> str:
    """What is wrong with a docstring; empty: nothing."""
    if not sentence:
        return f'has no docstring: "{BEGINNING}..." and a fault that a maintainer could make'
    if not sentence.startswith(BEGINNING):
        return f'does not name its fault: "{BEGINNING}..."'
    if "\n\n" in sentence or ANOTHER.search(" ".join(sentence.split())):
        return "has more than one sentence"
    if not sentence.endswith((".", "?", "!")):
        return "has a docstring that does not end as a sentence"
    return ""


def complaints(root: Path) -> Iterator[str]:
    """One line for each test whose sentence is missing, names no fault, is more than one, or another's as well."""
    said: dict[str, str] = {}
    files = sorted(root.glob("test/*/test_*.py"))
    tests = [(file.relative_to(root), test) for file in files for test in tests_of(file)]
    if not tests:
        yield f"no test in {root}/test"
    for file, test in tests:
        place = f"{file}:{test.lineno}: {test.name}"
        sentence = ast.get_docstring(test)
        if fault := fault_of(sentence):
            yield f"{place} {fault}"
        elif sentence and (first := said.setdefault(" ".join(sentence.split()), place)) != place:
            yield f"{place} has the sentence of {first}"


def main() -> int:
    """Check this tree, or the one that is named."""
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT
    found = list(complaints(root))
    print("\n".join(found) if found else "each test has a sentence of its own")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
