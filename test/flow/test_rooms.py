"""The rooms of e2e/: arrows between them run one way, in their sources and in what they link.

SPDX-License-Identifier: Apache-2.0
"""

import re
import subprocess
from pathlib import Path

import pytest

from evp import BUILD
from project import ROOT
from sanitizer import SANITIZED
from project import INSTRUMENTED

E2E = ROOT / "e2e"

# docs/architecture.md: net < ops < messages < { store | source | ka | app } < server < third_party < session < as
BASE = ["messages", "ops", "net"]
KEEPERS = ["app", "ka", "source", "store"]  # none of them uses another
MAY_USE: dict[str, list[str]] = {
    "net": [],
    "ops": ["net"],
    "messages": ["ops", "net"],
    **{room: BASE for room in KEEPERS},
    "server": [*KEEPERS, *BASE],
    "third_party": ["server", *KEEPERS, *BASE],
    "session": ["third_party", "server", *KEEPERS, *BASE],
    "as": ["session", "third_party", "server", *KEEPERS, *BASE],
    "ue": ["app", *BASE],
}
OUTSIDE = ["common", "examples", "include"]  # folders whose headers every room may use
BOOTSTRAPPING = "gba"  # a room beside e2e/: it uses those above alone
MAY_BOOTSTRAP = ["ue"]
BESIDE = {BOOTSTRAPPING: MAY_BOOTSTRAP, "master": ["ka"]}  # such rooms, and who may use them
LIBRARIES = [
    "libevent_openssl",
    "libevent",
    "jansson",
    "hiredis",
    "libnghttp2",
    "libcurl",
    "libssl",
    "libcrypto",
]
LIBRARIES += ["expat", "libpq"]
OPTIONAL = ["libpcsclite", "p11-kit-1"]


def wrong_includes(e2e: Path) -> list[str]:
    """The includes of a tree that no arrow permits, as "<file>: <header>: <why not>"."""
    wrong = []
    for file in sorted(e2e.rglob("*.[ch]")):
        room = file.parent.name
        for header in re.findall(r'^\s*#\s*include\s+"(.+)"', file.read_text(), re.M):
            why = fault(e2e, room, header)
            if why:
                wrong.append(f"{file.relative_to(e2e)}: {header}: {why}")
    return wrong


def fault(e2e: Path, room: str, header: str) -> str:
    """Why a file of a room cannot include a header; empty: it can."""
    other = Path(header).parent.name
    if other not in MAY_USE:
        if any((ROOT / folder / header).exists() for folder in OUTSIDE):
            return ""
        for beside, users in BESIDE.items():
            if (ROOT / beside / header).exists():
                return "" if room in [*users, beside] else f"{room} may not use {beside}"
        return "neither a room's header nor one of common/"
    if not (e2e / header).exists():
        return "not there"
    if header.endswith("_private.h"):
        return "" if other == room else "private to its room"
    below = MAY_USE.get(room, [])
    return "" if other in [room, *below] else f"{room} may not use {other}"


def test_every_room_has_its_place() -> None:
    """Guards against a new room without arrows of its own, or a file of C that no room's CMakeLists.txt lists."""
    assert sorted(MAY_USE) == sorted({file.parent.name for file in E2E.rglob("*.[ch]")})
    for room in MAY_USE:
        listed = re.findall(r"\b([\w-]+\.c)\b", (E2E / room / "CMakeLists.txt").read_text())
        there = [file.name for file in (E2E / room).glob("*.c")]
        assert set(there) <= {*listed, f"e2e-{room}.c"}


def test_no_include_runs_upward() -> None:
    """Guards against an include against the order of the rooms, or of another room's private header."""
    assert wrong_includes(E2E) == []
    for beside in BESIDE:
        assert wrong_includes(ROOT / beside) == []


@pytest.mark.parametrize(
    "room, header, why",
    [
        ("net", "ops/log.h", "net may not use ops"),
        ("store", "source/source.h", "store may not use source"),
        ("ue", "store/store.h", "ue may not use store"),
        ("as", "app/relay_private.h", "private to its room"),
        ("app", "net/nowhere.h", "not there"),
        ("app", "loop.h", "neither a room's header"),
        ("app", "usim.h", "app may not use gba"),
        ("gba", "net/loop.h", "gba may not use net"),
        ("store", "master.h", "store may not use master"),
    ],
)
def test_a_wrong_include_is_found(tmp_path: Path, room: str, header: str, why: str) -> None:
    """Guards against a check of the rooms that accepts some kind of wrong include."""
    other = tmp_path / header
    for folder in (tmp_path / room, other.parent):
        folder.mkdir(exist_ok=True)
    if why != "not there":
        other.touch()
    (tmp_path / room / "one.c").write_text(f'#include "{header}"\n')
    (line,) = wrong_includes(tmp_path)
    assert line.startswith(f"{room}/one.c: {header}: {why}")


def library_of(room: str) -> str:
    """The archive of a room."""
    if room in BESIDE:
        return str(BUILD / room / f"libakma-{room}.a")
    return str(BUILD / "e2e" / room / f"libroom-{room}.a")


with_symbols = pytest.mark.skipif(
    SANITIZED or INSTRUMENTED,
    reason="an instrument's own symbols come with the program, not with a library",
)


def link(path: Path, room: str, below: list[str]) -> subprocess.CompletedProcess[str]:
    """Link a room as a shared object against other rooms alone, and libraries that are not ours."""
    optional = [name for name in OPTIONAL if not subprocess.call(["pkg-config", "--exists", name])]
    libraries = [*LIBRARIES, *optional]
    flags = subprocess.check_output(["pkg-config", "--libs", *libraries], text=True).split()
    command = ["cc", "-shared", "-o", str(path), "-Wl,-z,defs"]
    command += ["-Wl,--whole-archive", library_of(room), "-Wl,--no-whole-archive"]
    command += ["-Wl,--start-group", *map(library_of, below), "-Wl,--end-group"]
    own = [BUILD / "common/libakma-postgresql.a", BUILD / "common/libakma-common.a"]
    command += [*map(str, own), *flags, "-pthread"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@with_symbols
@pytest.mark.parametrize("room", [*MAY_USE, *BESIDE])
def test_a_room_links_against_those_below_it(tmp_path: Path, room: str) -> None:
    """Guards against a function of a higher room that is declared by hand, and called past its header."""
    used = [room, *MAY_USE.get(room, [])]
    beside = [name for name, users in BESIDE.items() if set(users) & set(used)]
    linked = link(tmp_path / "room.so", room, [*used[1:], *beside])
    assert linked.returncode == 0, linked.stderr


@with_symbols
def test_a_room_does_not_link_without_what_it_uses(tmp_path: Path) -> None:
    """Guards against a link of the rooms that accepts a missing symbol."""
    linked = link(tmp_path / "room.so", "session", MAY_USE["store"])
    assert linked.returncode != 0 and "undefined reference to `" in linked.stderr
