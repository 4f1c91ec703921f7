"""The page on Node.js, unchanged.

SPDX-License-Identifier: Apache-2.0
"""

from pathlib import Path

import pytest

from consumer import RIGHT, command
from flow import ENVIRONMENT
from project import blocks

pytestmark = pytest.mark.node

NODE = ["node", "--openssl-shared-config"]


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with koffi and the two files of the page."""
    folder = tmp_path_factory.mktemp("node")
    for name, text in zip(("akma.js", "key.js"), blocks("docs/node.md", "js"), strict=True):
        (folder / name).write_text(text)
    install, _ = "".join(blocks("docs/node.md", "sh")).splitlines()
    options = ["--no-audit", "--no-fund", "--ignore-scripts", "--prefix", str(folder)]
    result = command(*install.split(), *options, seconds=120)
    assert result.returncode == 0, result.stderr
    return folder


def test_key(page: Path) -> None:
    """Guards against the page on Node.js giving another e2e_key than the reference does."""
    result = command(*NODE, page / "key.js", environment=dict(ENVIRONMENT))
    assert result.stdout.strip() == RIGHT.key.hex(), result.stderr


def test_refusal(page: Path) -> None:
    """Guards against a derivation that fails in Node.js and gives octets instead of an error."""
    text = (page / "key.js").read_text().replace("0f1e2d3c", "")
    (page / "short.js").write_text(text)
    result = command(*NODE, page / "short.js", environment=dict(ENVIRONMENT))
    assert result.returncode == 1
    assert "AKMA-E2E: refused" in result.stderr


def test_without_the_option_nothing_is_found(page: Path) -> None:
    """Guards against Node.js without its option failing with no word of which option it lacks."""
    result = command("node", page / "key.js", environment=dict(ENVIRONMENT))
    assert result.returncode == 1
    assert "was node started with --openssl-shared-config?" in result.stderr


def test_another_libcrypto_finds_nothing(page: Path) -> None:
    """Guards against keys taken from another libcrypto than the one that Node.js has inside, unnoticed."""
    shared = command("node", "-p", "process.config.variables.node_shared_openssl").stdout.strip()
    if shared == "true":
        pytest.skip("this node uses the system's libcrypto: there is no other")
    text = (page / "akma.js").read_text().replace("load(null)", 'load("libcrypto.so.3")')
    (page / "akma.js").rename(page / "right.js")
    try:
        (page / "akma.js").write_text(text)
        result = command(*NODE, page / "key.js", environment=dict(ENVIRONMENT))
    finally:
        (page / "right.js").rename(page / "akma.js")
    assert result.returncode == 1
    assert "not found" in result.stderr
