#!/usr/bin/python3
"""Does every file of the repository keep .editorconfig? Prints what does not; exit status 1 then.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from editorconfig import get_properties

ROOT = Path(__file__).resolve().parents[2]
INDENTS = {"space": "\t", "tab": "    "}  # the style -> how a line must not begin


def faults_of_line(line: str, rules: dict[str, str]) -> Iterator[str]:
    """What is wrong with one line, its end taken off."""
    if rules.get("trim_trailing_whitespace") == "true" and line != line.rstrip():
        yield "blanks at the end"
    if (forbidden := INDENTS.get(rules.get("indent_style", ""))) and line.startswith(forbidden):
        yield f"not indented by {rules['indent_style']}s"
    if rules.get("max_line_length", "").isdigit() and len(line) > int(rules["max_line_length"]):
        yield f"{len(line)} characters, at most {rules['max_line_length']}"


def faults(data: bytes, rules: dict[str, str]) -> Iterator[str]:
    """What is wrong with a file."""
    if not rules:
        yield "1: .editorconfig has no rule for it"
    if rules.get("end_of_line") == "lf" and b"\r" in data:
        yield "1: CR"
    if rules.get("insert_final_newline") == "true" and data and not data.endswith(b"\n"):
        yield f"{data.count(10) + 1}: no end of line at the end"
    if rules.get("charset") != "utf-8":
        return
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        yield f"{data[: error.start].count(10) + 1}: not UTF-8"
        return
    for number, line in enumerate(text.split("\n"), 1):
        yield from (f"{number}: {fault}" for fault in faults_of_line(line, rules))


def main() -> int:
    """Look at every file that git knows or would add."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    names = [name for name in listed.split("\0") if (ROOT / name).is_file()]
    if not names:
        sys.exit("git lists no file")
    found = [
        f"{name}:{fault}"
        for name in names
        for fault in faults((ROOT / name).read_bytes(), get_properties(str(ROOT / name)))
    ]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
