"""Adding to the module's tables in a copy of the tree.

SPDX-License-Identifier: Apache-2.0
"""

import re
import shutil
from pathlib import Path

from project import ROOT


def copy_tree(folder: Path) -> Path:
    """The project without what was built; the folder."""
    ignored = shutil.ignore_patterns("build*", ".git", "__pycache__", ".hypothesis")
    shutil.copytree(ROOT, folder, ignore=ignored)
    return folder


def has_row(header: Path, identifier: str) -> bool:
    """Is the row there already?"""
    return f"ROW({identifier}, " in header.read_text()


def add_row(header: Path, table: str, row: str) -> None:
    """At the end of a table: a macro whose lines go on with a backslash."""
    text = header.read_text()
    found = re.search(rf"^#define {table}\(.*\\\n(?:.*\\\n)*.*(?=\n)", text, re.MULTILINE)
    assert found, table
    end = found.end()
    header.write_text(f"{text[:end]} \\\n    {' '.join(row.split())}{text[end:]}")


def change(path: Path, old: str, new: str) -> None:
    """In a text that occurs there once."""
    text = path.read_text()
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new))
