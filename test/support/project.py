"""The project as a tree of files: its root, its build, commands run with it, and what its pages and files hold.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import subprocess
from pathlib import Path

from evp import BUILD

ROOT = Path(__file__).parents[2]
MODULE = BUILD / "akma.so"
CACHE = (BUILD / "CMakeCache.txt").read_text()
INSTRUMENTED = "AKMA_SANITIZE:BOOL=ON" in CACHE or "--coverage" in CACHE


def run(*command: str | Path, **environment: str) -> str:
    """Run a command; what it printed."""
    result = subprocess.run(
        command,
        env=os.environ | environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def build(folder: Path, *flags: str, source: Path = ROOT) -> Path:
    """Configure and build the module as the README says; the folder."""
    run("cmake", "-S", source, "-B", folder, "-G", "Ninja", *flags)
    output = run("cmake", "--build", folder)
    assert "warning" not in output
    return folder


def blocks(document: str, language: str) -> list[str]:
    """The fenced blocks of a language."""
    text = (ROOT / document).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def hardening(step: str) -> list[str]:
    """The flags of cmake/harden.cmake for COMPILE or LINK."""
    text = (
        (ROOT / "cmake/harden.cmake").read_text().split(f"set(HARDEN_{step}\n")[1].split(")\n")[0]
    )
    flags = re.findall(r"^ +(-[^\s)]+)", text, re.M)
    assert len(flags) >= 5
    return flags


def imported(file: Path) -> set[str]:
    """Names of the functions that others have to bring."""
    return set(re.findall(r"\bU (\w+)", run("nm", "--dynamic", "--undefined-only", file)))
