"""A test that starts a Redis, a PostgreSQL, a browser ... has the marker of it: test/support/needs.py.

SPDX-License-Identifier: Apache-2.0
"""

import pytest

from needs import needs


def test_without_the_marker() -> None:
    """Guards against a test that starts a Redis and is not left out by -m "not redis"."""
    with pytest.raises(pytest.fail.Exception, match="needs the marker redis"):
        needs("redis")


@pytest.mark.redis
def test_with_the_marker() -> None:
    """Guards against a marker that is there and is not found."""
    needs("redis")
