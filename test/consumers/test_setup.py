"""A deployment that `akma setup` made: the commands of docs/deployment.md, with a real flow through nginx.

SPDX-License-Identifier: Apache-2.0
"""

import re
from pathlib import Path

import pytest

from consumer import command
from evp import BUILD
from flow import LOOPBACK, free_port
from openssl_cli import EXAMPLE
from project import ROOT
from sanitizer import SANITIZED
from project import blocks

PORTS = ("4433", "4434", "4435", "4480", "6380", "8080", "9433", "9434", "9435")


def page() -> str:
    """The commands of the page."""
    (block,) = [block for block in blocks("docs/deployment.md", "sh") if "akma setup" in block]
    return block


def elsewhere(commands: str) -> str:
    """On free ports of the loopback, in the commands and in the files that they make."""
    free = {port: str(free_port()) for port in PORTS}
    edits = [f"-e 's/\\b{port}\\b/{ours}/g'" for port, ours in free.items()]
    edits += [f"-e 's/accept :/accept {LOOPBACK}:/'"]
    made = re.search(r"^akma setup .*--forward.*$", commands, re.M)
    assert made
    line = re.sub(r"\b8080\b", free["8080"], made[0])
    ours = re.sub(rf"\b({'|'.join(PORTS)})\b", lambda found: free[found[0]], commands)
    return ours.replace(line, f'{made[0]}\nsed -i {" ".join(edits)} "$site"/*/*.conf')


@pytest.mark.redis
@pytest.mark.skipif(SANITIZED, reason="curl loads the module, and does not run with libasan")
def test_the_commands_of_the_page(tmp_path: Path) -> None:
    """Guards against commands of the page after which NAF, third party, endpoint and Redis do not work together."""
    for name, target in ("build", BUILD), ("examples", ROOT / "examples"), (EXAMPLE.name, EXAMPLE):
        (tmp_path / name).symlink_to(target)
    result = command("sh", "-ec", f"cd '{tmp_path}'\n{elsewhere(page())}", seconds=120)
    lines = result.stdout.splitlines()
    assert lines.count("ready") == 3 and "through two houses" in lines, (
        result.stderr + result.stdout
    )
    assert sum(": kept, valid until " in line for line in lines) == 4
