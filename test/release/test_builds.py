"""Builds beside the suite's own: compilers, kinds, options, folders, and inside another project.

SPDX-License-Identifier: Apache-2.0
"""

import shutil
from pathlib import Path

import pytest

from openssl_cli import derived, openssl
from samples import EXPECTED, options
from project import ROOT, build, hardening, imported, run

pytestmark = [pytest.mark.slow, pytest.mark.builds]


@pytest.mark.parametrize("kind", ["Release", "Debug"])
@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_builds(tmp_path: Path, compiler: str, kind: str) -> None:
    """Guards against a compiler or kind of build whose module does not derive the right key."""
    build(tmp_path, f"-DCMAKE_C_COMPILER={compiler}", f"-DCMAKE_BUILD_TYPE={kind}")
    assert [path.name for path in tmp_path.rglob("*.so*")] == ["akma.so"]
    result = openssl(
        *["kdf", "-keylen", "32"],
        *[word for option in options() for word in ("-kdfopt", option)],
        "AKMA-E2E",
        modules=tmp_path,
    )
    assert derived(result) == EXPECTED["AKMA-E2E"]


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_reproducible(tmp_path: Path, compiler: str) -> None:
    """Guards against a folder's name or a time in the module, so that two builds differ."""
    modules = []
    for name in ("one", "another/deeper"):
        source = tmp_path / name / "source"
        shutil.copytree(
            ROOT, source, ignore=shutil.ignore_patterns("build*", ".git", "docs", "__pycache__")
        )
        out = build(tmp_path / name / "out", f"-DCMAKE_C_COMPILER={compiler}", source=source)
        modules.append((out / "akma.so").read_bytes())
    assert modules[0] == modules[1]
    assert str(tmp_path).encode() not in modules[0]


def test_one_option_leaves_them_out(tmp_path: Path) -> None:
    """Guards against an AKMA_HARDEN=OFF that leaves some hardening flags on."""
    folder = build(tmp_path / "build", "-DAKMA_HARDEN=OFF", "-DCMAKE_C_FLAGS=-fno-stack-protector")
    assert "__stack_chk_fail" not in imported(folder / "akma.so")
    ninja = (folder / "build.ninja").read_text()
    flags = [*hardening("COMPILE"), *hardening("LINK"), "_FORTIFY_SOURCE"]
    # The module is always bound when it is loaded: registers with secrets stay off the stack (docs/security.md).
    assert [flag for flag in flags if flag in ninja] == ["-Wl,-z,now"]


OUTER = """
cmake_minimum_required(VERSION 3.18)
project(outer LANGUAGES C)
enable_testing()
foreach(name uninstall client common echo bench install_page)
    add_custom_target(${name})
endforeach()
foreach(option TOOL E2E GBA PLUGINS TESTS EXAMPLES BENCH)
    set(AKMA_${option} ON CACHE BOOL "")
endforeach()
add_subdirectory(@ROOT@ akma)
add_executable(outer outer.c)
target_link_libraries(outer PRIVATE akma::headers)
add_test(NAME outer COMMAND outer)
"""
OUTER_C = """
#include <akma/kdf.h>
#include <stdio.h>
int main(void) { return puts(AKMA_KDF_E2E) < 0; }
"""


def test_inside_another_project(tmp_path: Path) -> None:
    """Guards against a target, build type or test of ours that collides with those of an outer project."""
    (tmp_path / "CMakeLists.txt").write_text(OUTER.replace("@ROOT@", str(ROOT)))
    (tmp_path / "outer.c").write_text(OUTER_C)
    folder = build(tmp_path / "build", source=tmp_path)
    assert run(folder / "outer") == "AKMA-E2E\n"
    for file in ("akma.so", "tool/akma", "e2e/e2e-as", "e2e/e2e-ue"):
        assert (folder / "akma" / file).exists()
    assert "CMAKE_BUILD_TYPE:STRING=\n" in (folder / "CMakeCache.txt").read_text()
    assert "Total Tests: 1" in run("ctest", "--test-dir", folder, "-N")
    run("cmake", "--install", folder, "--prefix", tmp_path / "prefix")
    assert (tmp_path / "prefix/lib/ossl-modules/akma.so").exists()
