"""A program of the tests that takes calls, a line each, and says what followed.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess

from evp import BUILD


def play(program: str, setup: str, lines: tuple[str, ...]) -> list[str]:
    """Run a program of test/programs/ with the words of `setup`, and these lines; its own lines."""
    result = subprocess.run(
        [BUILD / "test/programs" / program, *setup.split()],
        input="".join(line + "\n" for line in lines),
        capture_output=True,
        text=True,
        timeout=20,
        check=True,
    )
    return result.stdout.splitlines()
