#!/usr/bin/python3
"""Are words that stop a reader kept out? Prints where one is, with what to write instead; exit status 1 then.

Looks at what people read: documents without their code, manual pages, the texts of the programs, comments and names.

SPDX-License-Identifier: Apache-2.0
"""

import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parents[2]
LOOKED_AT = (
    *("*.md", "man/*", "examples/*", "e2e/systemd/*", "cmake/*"),
    *(f"{room}/*.[ch]" for room in ("provider", "common", "e2e", "tool", "gba", "master")),
    *(f"{room}/*.[ch]" for room in ("device", "plugins", "include", "examples")),
    *("python/*.py", "scripts/*", "bench/*", "debian/*", "*CMakeLists.txt", ".ci/*", ".github/*"),
    *("*.toml", ".editorconfig", "openssl.cnf.example", "e2e/completion/*"),
    *(f"test/*.{kind}" for kind in ("c", "h", "cpp", "sh", "py", "js")),
    *(f"proofs/*.{kind}" for kind in ("c", "h", "sh", "py", "v", "maude")),
)


class Rule(NamedTuple):
    """A pattern (of a joined text, either case), a sentence that has it, and what to write."""

    pattern: str
    example: str
    instead: str


RULES = (
    Rule(r"\bwhoever\b", "whoever reads this file", "a client that ..., an attacker who ..."),
    Rule(
        r"(?:^|[.;:|] )who (?!is\b|has\b)\w+s\b(?! for)(?![^.]*\?)",
        "Bounds; who floods waits behind the others",
        "a client that ...",
    ),
    Rule(r"\b(?:is|are|was) due\b", "e2e_close() is due", "must be called; is expected"),
    Rule(r"\bapart\b", "a NAF apart", "separate; distinct; distinguish"),
    Rule(
        r"\bvoid(?:s|ed|ing)\b|\b(?:is|are|to) void\b",
        "it voids the keys",
        "revoke; discard; invalid",
    ),
    Rule(
        r"(?<!-)\bstands?\b(?!-| for\b| in for\b)", "what stands behind it", "is; follows; appears"
    ),
    Rule(r"\bin force\b", "the file in force", "current; in use; still applies"),
    Rule(r"\ball well\b", "finds all well", "passed; ok"),
    Rule(r"\banew\b", "written anew", "again; re-"),
    Rule(r"\bmend(?:s|ed|ing)?\b", "a command that mends it", "repair; correct; fix"),
    Rule(r"\bat will\b", "and at will a name", "optional"),
    Rule(
        r"\b(?:NULL|false|true|empty) where (?:it|there|that|no|nothing|one)\b",
        "NULL where there is none",
        "if",
    ),
    Rule(
        r", where (?:there (?:is|was|are) |none |one (?:is|was|has) |it is (?:time|not|none)\b|that (?:was|is) )",
        "asks again, where there is one",
        "if",
    ),
    Rule(
        r"\b(?:storeys?|in vain|IPv\d clothes|good manners|counts? for nothing|unsaid|nobody else's matter)\b",
        "whoever waits in vain, and counts for nothing",
        "literal words",
    ),
    Rule(
        r"\bto the letter\b|\bas (?:it|they) stands?\b",
        "named to the letter",
        "literally; unchanged",
    ),
    Rule(
        r"(?:^|[.;|] )(?-i:Of) (?:a|an|the|several|those) [^.;:,]*,? (?:there is|the last|another)\b",
        "Of a context that was empty there is nothing",
        "begin with the subject",
    ),
)
COMPILED = [(re.compile(rule.pattern, re.IGNORECASE), rule) for rule in RULES]


def documents(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a document or manual page, its code left out."""
    in_code = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("```") or re.match(r"\.(?:Bd|Ed)\b", line):
            in_code = not in_code
        elif not in_code and not line.startswith(("    ", '.\\"')):
            yield number, re.sub(r"`[^`]*`", "``", line.lstrip("#-*> "))


def lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines of a script or a configuration, however deep: comments and quoted texts begin anywhere."""
    for number, line in enumerate(text.split("\n"), 1):
        for part in re.split(' # |"', line):
            yield number, re.sub(r"`[^`]*`", "``", part.strip("#-*> "))


def programs(text: str) -> Iterator[tuple[int, str]]:
    """The comments and the texts of a file of C, each on one line."""
    for found in re.finditer(r'/\*.*?\*/|"(?:[^"\\\n]|\\.)*"', text, re.DOTALL):
        words = re.sub(r"\n\s*\*? ?|^/\*\s*\*? ?| ?\*/$", " ", found[0]).strip(' "')
        if " " in words:  # else a name, such as an option's or a log's
            yield text.count("\n", 0, found.start()) + 1, words


def python(text: str) -> Iterator[tuple[int, str]]:
    """The comments and docstrings of a file of Python."""
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.COMMENT or token.string.startswith('"""'):
            yield token.start[0], " ".join(
                re.sub(r"`[^`]*`", "``", token.string).strip('#" ').split()
            )


def names(text: str) -> Iterator[tuple[int, str]]:
    """The names in a program that are of several words, as words."""
    for number, line in enumerate(text.split("\n"), 1):
        for name in re.findall(r"\b[a-z]\w*_\w+", line):
            yield number, name.replace("_", " ")


PROGRAMS = {".c": programs, ".h": programs, ".py": python}


def words_of(name: str, text: str) -> Iterator[tuple[int, str]]:
    """What people read in a file: the number of a line, and its words."""
    kind = Path(name).suffix
    if kind in PROGRAMS:
        yield from PROGRAMS[kind](text)
        yield from names(text)
    elif kind == ".md" or name.startswith("man/"):
        yield from documents(text)
    else:
        yield from lines(text)


def faults(name: str, text: str) -> Iterator[str]:
    """What is wrong with a file."""
    for number, words in words_of(name, text):
        for pattern, rule in COMPILED:
            if found := pattern.search(words):
                yield f"{name}:{number}: {found[0].strip()!r}: write {rule.instead}"


def files() -> list[str]:
    """Every file of LOOKED_AT that git knows."""
    command = ["git", "ls-files", "-z", "--", *LOOKED_AT]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [name for name in listed.split("\0") if name]


def main() -> int:
    """Look at all of them."""
    names = files()
    found = [fault for name in names for fault in faults(name, (ROOT / name).read_text())]
    print("\n".join(found), end="\n" if found else "")
    return 1 if found or not names else 0


if __name__ == "__main__":
    sys.exit(main())
