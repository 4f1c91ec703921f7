"""What the built files do against faults that got past everything else, read from the files as they are.

SPDX-License-Identifier: Apache-2.0
"""

import json
import platform
import re
import subprocess
from pathlib import Path

import pytest

from evp import BUILD
from project import CACHE, INSTRUMENTED, MODULE, hardening, imported, run

PROGRAMS = [BUILD / name for name in ("tool/akma", "e2e/e2e-as", "e2e/e2e-ue")]
PLUGIN = BUILD / "plugins/mosquitto/mosquitto_akma.so"
FILES = [MODULE, *PROGRAMS, PLUGIN]
optimised_only = pytest.mark.skipif(
    INSTRUMENTED or "CMAKE_BUILD_TYPE:STRING=Debug" in CACHE,
    reason="instruments and debug builds go without some of it",
)

# What tells one processor's calls and jumps where they may arrive, as objdump writes it.
LANDINGS = {"x86_64": "endbr64", "i686": "endbr32", "aarch64": "bti"}

# The first gcc that has the flag, and on which machine.
FLAGS = {
    "-fstack-protector-strong": (4, None),
    "-fstack-clash-protection": (8, None),
    "-fcf-protection=full": (8, "x86_64"),
    "-mbranch-protection=standard": (9, "aarch64"),
    "-ftrivial-auto-var-init=zero": (12, None),
    "-fstrict-flex-arrays=3": (13, None),
    "-D_FORTIFY_SOURCE=3": (12, None),
    "-fno-strict-overflow": (4, None),
    "-Werror=format-security": (8, None),
}


@pytest.fixture(params=FILES, ids=lambda path: str(path.name))
def file(request: pytest.FixtureRequest) -> Path:
    """A file that users run or load."""
    path: Path = request.param
    if path == PLUGIN and not path.exists():
        pytest.skip("no plugin here: it waits for mosquitto-dev and libmosquitto-dev")
    return path


def test_the_loader_leaves_nothing_writable(file: Path) -> None:
    """Guards against a lost linker flag, so that relocations stay writable, a stack runs or text is written."""
    dynamic, program = run("readelf", "-dW", file), run("readelf", "-lW", file)
    assert re.search(r"\(FLAGS_1\).*\bNOW\b", dynamic) and "GNU_RELRO" in program
    assert re.search(r"GNU_STACK .* RW +0x", program)
    assert not re.search(r"TEXTREL|RPATH|RUNPATH", dynamic)
    assert not re.search(r" LOAD .* RWE ", program)


@pytest.mark.parametrize("program", PROGRAMS, ids=lambda path: str(path.name))
def test_programs_are_loaded_anywhere(program: Path) -> None:
    """Guards against a program linked to one address, where an attacker would find it."""
    assert re.search(r"\(FLAGS_1\).*\bPIE\b", run("readelf", "-dW", program))


@optimised_only
def test_the_compiler_looks_after_the_stack_and_copies(file: Path) -> None:
    """Guards against a build without stack protector or fortify, as the plain one of programs and plugin once was."""
    names = imported(file)
    assert "__stack_chk_fail" in names
    if "glibc" in platform.libc_ver():
        assert any(re.fullmatch(r"__\w+_chk", name) for name in names)


@optimised_only
@pytest.mark.skipif(
    platform.machine() not in LANDINGS, reason="this processor marks no place where calls arrive"
)
def test_calls_arrive_where_they_may(file: Path) -> None:
    """Guards against a build without -fcf-protection or -mbranch-protection, in which any address can be called."""
    assert run("objdump", "--disassemble", file).count(LANDINGS[platform.machine()]) > 10


def compiler_path() -> str:
    """The compiler of this build."""
    path = re.search(r"^CMAKE_C_COMPILER:\w+=(.*)$", CACHE, re.M)
    assert path
    return path[1]


def is_known(flag: str) -> bool:
    """Does the compiler take the flag?"""
    command = [compiler_path(), "-Wall", "-Werror", flag, "-x", "c", "-c", "-o", "/dev/null"]
    result = subprocess.run([*command, "/dev/null"], capture_output=True, check=False)
    return result.returncode == 0


def compiler() -> tuple[str, int]:
    """Name and first number of the compiler of this build."""
    path = compiler_path()
    banner = run(path, "--version").splitlines()[0]
    version = run(path, "-dumpversion").split(".")[0]
    return ("clang" if "clang" in banner else "gcc"), int(version)


@optimised_only
@pytest.mark.skipif(compiler()[0] != "gcc", reason="the table is of gcc's versions")
def test_every_object_is_compiled_with_what_the_compiler_has() -> None:
    """Guards against a probe that no longer finds a flag of the compiler, and a room that loses its flags."""
    version, machine = compiler()[1], platform.machine()
    wanted = {
        flag
        for flag, (first, only) in FLAGS.items()
        if version >= first and only in (None, machine)
    } | {flag for flag in hardening("COMPILE") if is_known(flag)}
    commands = json.loads((BUILD / "compile_commands.json").read_text())
    objects = [entry for entry in commands if entry["file"].endswith(".c")]
    assert len(objects) > 100
    for entry in objects:
        assert wanted <= set(entry["command"].split()), entry["file"]
