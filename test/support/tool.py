"""The akma tool, as a person runs it.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from evp import BUILD
from openssl_cli import EXAMPLE

AKMA = BUILD / "tool/akma"
ENVIRONMENT = os.environ | {"OPENSSL_CONF": str(EXAMPLE), "OPENSSL_MODULES": str(BUILD)}
ESCAPED = re.compile(rb"[\x00-\x09\x0b-\x1f\x7f]")


def akma(
    *words: str | Path,
    given: bytes | None = None,
    environment: Mapping[str, str] | None = None,
    fds: Iterable[int] = (),
    folder: Path | None = None,
) -> subprocess.CompletedProcess[bytes]:
    """Run it; `given` is its standard input. No control character may reach a terminal by it."""
    result = subprocess.run(
        [AKMA, *words],
        input=b"" if given is None else given,
        env=ENVIRONMENT | dict(environment or {}),
        capture_output=True,
        pass_fds=tuple(fds),
        cwd=folder,
        timeout=120,
        check=False,
    )
    assert not ESCAPED.search(result.stderr), result.stderr
    return result


def secret(path: Path, octets: bytes) -> str:
    """A private file of hex; its name as a SRC."""
    path.write_text(octets.hex() + "\n")
    path.chmod(0o600)
    return f"file:{path}"


def help_of(*command: str) -> str:
    """The text of --help; no line of it is wider than a terminal."""
    result = akma(*command, "--help")
    assert result.returncode == 0 and result.stderr == b""
    text = result.stdout.decode()
    assert max(len(line) for line in text.splitlines()) <= 80
    return text


def example_of(*command: str) -> str:
    """The example of --help, as one line for a shell; it begins with the program's name."""
    example = help_of(*command).split("Example:\n", 1)[1]
    line = example.replace("\\\n", " ").strip()
    assert line.startswith("akma ")
    return line
