"""What every test can ask for.

SPDX-License-Identifier: Apache-2.0
"""

import os
import random
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

import needs
from evp import BUILD, Kdf, LibCtx
from small_disk import SmallDisk, small_disk

settings.register_profile(
    "project",
    deadline=None,
    derandomize=True,
    max_examples=int(os.environ.get("AKMA_EXAMPLES_MAX", "150")),
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
settings.load_profile("project")


def pytest_configure() -> None:
    """Fail at once where there is nothing to test."""
    if not (BUILD / "akma.so").exists():
        pytest.exit(f"no akma.so in {BUILD}: start the tests with test/run.sh", returncode=3)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Each test with programs of others is slow; with a number in AKMA_ORDER files and tests are in an order that it chooses."""
    for item in items:
        if item.path.parent.name == "consumers":
            item.add_marker("slow")
    seed = os.environ.get("AKMA_ORDER", "")
    if not seed:
        return
    chance = random.Random(seed)
    files = {path: chance.random() for path in sorted({item.path for item in items})}
    items.sort(key=lambda item: (files[item.path], chance.random()))


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Its markers say what it needs; one that needs root is skipped for others."""
    needs.begin(item)
    if item.get_closest_marker("root") and os.geteuid() != 0:
        pytest.skip("only root can act as other users, or give them a file")


def pytest_runtest_teardown() -> None:
    """The test is over."""
    needs.end()


@pytest.fixture(scope="session")
def libctx() -> Iterator[LibCtx]:
    """A library context with default and akma."""
    with LibCtx() as context:
        yield context


@pytest.fixture(scope="session")
def e2e(libctx: LibCtx) -> Kdf:
    """AKMA-E2E."""
    return libctx.kdf("AKMA-E2E")


@pytest.fixture
def config(tmp_path: Path) -> Iterator[Path]:
    """A configuration file to be written."""
    yield tmp_path / "openssl.cnf"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    """A small disk of this test's own, to be filled."""
    with small_disk(tmp_path / "disk") as disk:
        yield disk
