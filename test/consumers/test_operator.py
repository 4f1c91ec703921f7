"""Keys from an operator's network: the source of keys against NEF, AAnF, BSF, token server and NRF.

SPDX-License-Identifier: Apache-2.0
"""

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from certificates import Authority
from key_source import KeySource, identity_options
from operator_network import JSON, PROBLEM, Operator, Reply, Request, Subscriber

RETRIEVE = "/3gpp-akma/v1/retrieve"
APPLICATION_KEY = "/naanf-akma/v1/retrieve-applicationkey"
BOOTSTRAPPING = "/nbsp-gba/v1/bootstrapping-info-retrieval"
TOKEN = "/oauth2/token"
NAF_ID = b"naf.example.com" + bytes.fromhex("0100000007")


class Net:
    """Certificates, and what is started with them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.authority = Authority(folder)
        self.server_files = self.authority.issue("operator", "localhost", "127.0.0.1")
        self.client_files = self.authority.issue("naf.example.com")

    def operator(self, **options: Any) -> Operator:
        """A stand-in."""
        return Operator(self.server_files, self.authority.file, **options)

    def source(self, *sources: str, options: tuple[str, ...] = ()) -> KeySource:
        """The source of keys; sources as --key-source takes them."""
        words = [word for source in sources for word in ("--key-source", source)]
        return KeySource(
            *words, *identity_options(self.client_files, self.authority.file), *options
        )


@pytest.fixture(scope="module")
def net(tmp_path_factory: pytest.TempPathFactory) -> Net:
    """One CA for all."""
    return Net(tmp_path_factory.mktemp("net"))


@pytest.fixture
def operator(net: Net) -> Iterator[Operator]:
    """A stand-in with one subscriber, that found nothing wrong with what it was asked."""
    with net.operator() as running:
        running.add(Subscriber())
        yield running
        assert running.faults == []


def always(**reply: Any) -> Callable[[Request, Reply], Reply]:
    """An answer that takes the place of every other."""
    return lambda request, true: reply


def key_of(answer: str) -> str:
    """The key of "found KEY DEVICE NOT-AFTER"."""
    found, key, *_ = answer.split()
    assert found == "found", answer
    return key


# Each interface


@pytest.mark.parametrize("kind", ["nef", "aanf"])
def test_akma(net: Net, operator: Operator, kind: str) -> None:
    subscriber = operator.subscribers[0]
    with net.source(f"{kind}:{operator.url}") as source:
        found, key, device, not_after = source.look(subscriber.a_kid).split()
        assert (found, key) == ("found", subscriber.k_af(NAF_ID).hex())
        assert device == subscriber.gpsi
        assert abs(int(not_after) - time.time() - operator.lifetime) < 10
        assert source.look("0001.unknown@" + subscriber.realm) == "unknown"
    paths = {request["path"] for request in operator.requests}
    assert paths == {RETRIEVE if kind == "nef" else APPLICATION_KEY}
    assert {request["version"] for request in operator.requests} == {"2.0"}
    assert {request["peer"] for request in operator.requests} == {"naf.example.com"}
