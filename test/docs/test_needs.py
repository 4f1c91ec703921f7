"""A test that starts a Redis, a PostgreSQL, a browser ... has the marker of it: test/support/needs.py.

SPDX-License-Identifier: Apache-2.0
"""

import pytest

from needs import needs, needs_for


def test_without_the_marker() -> None:
    """Guards against a test that starts a Redis and is not left out by -m "not redis"."""
    with pytest.raises(pytest.fail.Exception, match="needs the marker redis"):
        needs("redis")


@pytest.mark.redis
def test_with_the_marker() -> None:
    """Guards against a test with the marker it needs that is reported as lacking it."""
    needs("redis")


@pytest.mark.parametrize(
    "words",
    [
        ["redis-server", "redis.conf"],
        ["/usr/bin/redis-server"],
        ["sh", "-ec", "cd x\nredis-server redis.conf & pids=$!"],
    ],
)
def test_command_without_the_marker(words: list[str]) -> None:
    """Guards against a Redis that a test starts by its name, or by a page's commands, without the marker."""
    with pytest.raises(pytest.fail.Exception, match="needs the marker redis"):
        needs_for(*words)


def test_command_that_needs_none() -> None:
    """Guards against commands that are taken for one of these because a path or an option has its name."""
    needs_for("sh", "-ec", "ls redis-server.conf /etc/node --node-x examples/redis")
    needs_for("openssl", "redis-server")
