"""Where a test is found: test/README.md has a folder for each room, and paths of tests that others name are there.

SPDX-License-Identifier: Apache-2.0
"""

import re

import pytest

from project import ROOT

# Folders that are no room of their own: parts of other rooms' tests, examples and tools.
OTHERS = {"debian", "examples", "include", "proofs", "test"}
FOLDERS = re.findall(
    r"^\| `(\w+)/` \| (.*) \|$",
    (ROOT / "test/README.md").read_text().split("| folder | room |")[1],
    re.MULTILINE,
)


def test_the_table_has_each_folder() -> None:
    """Guards against a folder of tests whose subject nobody has written down, and a row without a folder."""
    there = {path.parent.name for path in (ROOT / "test").glob("*/test_*.py")}
    assert sorted(folder for folder, _ in FOLDERS) == sorted(there - {"versions"})


def test_each_room_has_a_folder() -> None:
    """Guards against a room of the tree whose tests have no place."""
    rooms = {path.name for path in ROOT.glob("[a-z]*") if path.is_dir()} - OTHERS
    named = {
        path.split("/")[0] for _, text in FOLDERS for path in re.findall(r"`([\w/]+)[/*]", text)
    }
    assert named == {room for room in rooms if not room.startswith("build")}


@pytest.mark.parametrize("folder, text", FOLDERS)
def test_a_row_names_what_there_is(folder: str, text: str) -> None:
    """Guards against a row that names a room which is gone."""
    named = re.findall(r"`([\w/]+[\w*]*)/?`", text)
    assert folder == "consumers" or named
    assert all(list(ROOT.glob(path.rstrip("/"))) for path in named)


def test_no_test_imports_another() -> None:
    """Guards against a test that works only beside another one's file, or after it."""
    for path in (ROOT / "test").glob("*/*.py"):
        assert not re.search(r"^(from|import) test_", path.read_text(), re.MULTILINE), path


def test_named_paths_are_there() -> None:
    """Guards against a script or page that names a test which has moved, and so runs nothing."""
    places = ["*.md", "docs/*.md", "*.toml", ".ci/run", "debian/rules", "scripts/*", "test/*.sh"]
    files = [file for place in [*places, "test/checks/**/*.*"] for file in ROOT.glob(place)]
    named = {
        name
        for file in files
        if file.is_file()
        for name in re.findall(r"test/\w+/test_[\w*]+\.py", file.read_text(errors="replace"))
    }
    assert len(named) > 5
    assert [name for name in sorted(named) if not list(ROOT.glob(name))] == []


def test_clang_tidy_looks_at_every_header() -> None:
    """Guards against a folder whose headers clang-tidy passes over."""
    (pattern,) = re.findall(r"HeaderFilterRegex: '(.*)'", (ROOT / ".clang-tidy").read_text())
    rooms = [room for room in ROOT.glob("[a-z]*") if not re.match("build|proofs", room.name)]
    headers = [header for room in rooms for header in room.rglob("*.h")]
    assert len({header.relative_to(ROOT).parts[0] for header in headers}) >= 8
    assert [str(header) for header in headers if not re.search(pattern, str(header))] == []
