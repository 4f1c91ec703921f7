"""Revocations reach endpoints in other processes: the channel in the store, and what it does not promise.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from between import Breaker
from consumer import IDENTITY, KA, KS_NAF
from flow import SECONDS, StockClient, wait_until, write_devices
from operator_network import Subscriber
from operator_site import Apart
from store_cluster import Part, Redis, Site, Store, flag_of, key_of, reload

pytestmark = [pytest.mark.redis, pytest.mark.slow]

STAYS = "stays@bsf.example.com"
NUMBER, NAME = "akma:revocations", "akma:revoked"


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """Two devices, a third party, and a Redis without users."""
    made = Site(tmp_path, Redis(tmp_path))
    write_rows(made, IDENTITY, STAYS)
    yield made
    made.stop()


def write_rows(site: Site, *identities: str) -> None:
    """The devices file."""
    rows = [[name, KS_NAF.hex(), KA.hex(), "2026"] for name in identities]
    write_devices(site.devices, rows or [["none", KS_NAF.hex(), ""]])


@contextlib.contextmanager
def held(naf: Part, endpoint: Part, identity: str = IDENTITY) -> Iterator[StockClient]:
    """A connection that a flag has promised, and that is used."""
    flag = flag_of(naf.address, identity)
    with StockClient(endpoint.address, flag["identity"], key_of(flag)) as client:
        assert is_there(client)
        yield client


def is_there(client: StockClient) -> bool:
    """Does a line come back?"""
    client.write(b"x\n")
    return client.read() == b"e2e: x"


def revoke(site: Site, naf: Part, *stay: str) -> None:
    """The rows of the others are removed."""
    write_rows(site, *stay)
    reload(naf)


@pytest.mark.parametrize("users", [False, True])
def test_a_removed_row_ends_connections_elsewhere(tmp_path: Path, users: bool) -> None:
    """Guards against an endpoint in another process that keeps a removed device's connections until
    --session-lifetime.
    """
    site = Site(tmp_path, Redis(tmp_path, users=users))
    try:
        write_rows(site, IDENTITY, STAYS)
        naf, endpoints = site.naf(), [site.endpoint(), site.endpoint()]
        with contextlib.ExitStack() as stack:
            gone = [stack.enter_context(held(naf, endpoint)) for endpoint in endpoints]
            stay = [stack.enter_context(held(naf, endpoint, STAYS)) for endpoint in endpoints]
            revoke(site, naf, STAYS)
            assert [client.read() for client in gone] == [b"", b""]
            assert all(map(is_there, stay))
            said = "the key that it runs on was revoked"
            for endpoint in endpoints:
                endpoint.process.wait_for_error(said)
    finally:
        site.stop()


def test_the_channel_wakes(site: Site) -> None:
    """Guards against a process that finds revocations by polling alone, as it never subscribed."""
    parts = [site.naf(), site.endpoint(), site.endpoint()]
    listeners = f"{NAME}\n{len(parts)}".encode()
    wait_until(lambda: site.redis.ask("pubsub", "numsub", NAME) == listeners)


def test_without_the_channel(tmp_path: Path) -> None:
    """Guards against an endpoint whose user may not subscribe and that silently misses every revocation."""
    site = Site(tmp_path, Redis(tmp_path, users=True))
    try:
        site.redis.ask("acl", "setuser", "akma-endpoint", "resetchannels")
        naf, endpoint = site.naf(), site.endpoint()
        with held(naf, endpoint) as gone:
            endpoint.process.wait_for_error("SUBSCRIBE was refused: NOPERM")
            revoke(site, naf)
            assert gone.read() == b""
    finally:
        site.stop()


def test_what_was_missed(site: Site) -> None:
    """Guards against a revocation that is lost on an endpoint which was cut off from the store, or taken for all
    keys.
    """
    breaker = Breaker(site.redis.port)
    naf, endpoint = site.naf(), site.endpoint("--store", breaker.url)
    with held(naf, endpoint) as gone, held(naf, endpoint, STAYS) as stays:
        breaker.broken = True
        wait_until(lambda: endpoint.says("store-down"))
        revoke(site, naf, STAYS)
        wait_until(lambda: site.redis.ask("get", NUMBER) == b"1")
        assert is_there(gone), "nobody can have told it yet"
        breaker.broken = False
        assert gone.read() == b""
        assert is_there(stays)


def test_what_was_revoked_before_the_start(site: Site) -> None:
    """Guards against revocations from before the start that are asked for, and taken for missed ones."""
    site.redis.ask("set", NUMBER, "5")  # which the store does not keep any more
    naf, endpoint = site.naf(), site.endpoint()
    with held(naf, endpoint) as gone, held(naf, endpoint, STAYS) as stays:
        revoke(site, naf, STAYS)
        assert gone.read() == b""
        assert is_there(stays)
    assert "event=revocations-missed" not in endpoint.process.errors


def test_more_was_missed_than_is_kept(site: Site) -> None:
    """Guards against connections that stay when revocations were missed and cannot be read any more."""
    breaker = Breaker(site.redis.port)
    naf, endpoint = site.naf(), site.endpoint("--store", breaker.url)
    with held(naf, endpoint) as one, held(naf, endpoint, STAYS) as other:
        breaker.broken = True
        wait_until(lambda: endpoint.says("store-down"))
        revoke(site, naf, STAYS)
        wait_until(lambda: site.redis.ask("get", NUMBER) == b"1")
        site.redis.ask("del", f"{NAME}:1")
        breaker.broken = False
        assert [one.read(), other.read()] == [b"", b""]
        endpoint.process.wait_for_error("event=revocations-missed")


def test_who_can_only_write_to_the_store(site: Site) -> None:
    """Guards against a revocation that a writer to the store can forge without --store-key, or block."""
    naf, endpoint = site.naf("--refresh-lifetime", "300"), site.endpoint()
    flag_of(naf.address)
    with held(naf, endpoint) as client:
        (key,) = site.redis.ask("keys", "akma:key:*").split()
        attempts = (b"nonsense", b"", site.redis.ask("get", key.decode()))
        for octets in attempts:
            number = site.redis.ask("incr", NUMBER).decode()
            site.redis.ask("set", f"{NAME}:{number}", octets + b"")
            site.redis.ask("publish", NAME, number)
            wait_until(
                lambda: endpoint.process.errors.count("event=revocation result=refused")
                == int(number)
            )
        site.redis.ask("publish", NAME, "x" * 100)
        assert is_there(client)
        revoke(site, naf)
        assert client.read() == b"", "a good one after them counts"


def test_another_run_of_the_server(site: Site) -> None:
    """Guards against a restart of Redis that ends every connection, or after which revocations are missed."""
    naf, endpoint = site.naf(), site.endpoint()
    with held(naf, endpoint) as gone, held(naf, endpoint, STAYS) as stays:
        write_rows(site, IDENTITY, STAYS, "third@bsf.example.com")
        reload(naf)
        revoke(site, naf, IDENTITY, STAYS)
        wait_until(lambda: site.redis.ask("get", NUMBER) == b"1")
        count = endpoint.process.errors.count("event=store-up")
        site.redis.restart()
        wait_until(lambda: endpoint.process.errors.count("event=store-up") > count)
        assert is_there(gone) and is_there(stays)
        revoke(site, naf, STAYS)
        assert gone.read() == b""
        assert is_there(stays)


def test_size_is_bounded(site: Site) -> None:
    """Guards against revocations that fill the store for ever, beyond 16,384 or a day."""
    site.redis.ask("set", NUMBER, "16384")
    site.redis.ask("set", f"{NAME}:1", "old")
    with Store(site, "redis") as store:
        store.put(1, "d", "n")
        assert store.ask("revoke d - - -") == "ok"
    assert site.redis.ask("keys", f"{NAME}:*") == f"{NAME}:16385".encode()
    left = int(site.redis.ask("pttl", f"{NAME}:16385"))
    assert 86_000_000 < left <= 86_400_000


@pytest.mark.node
def test_a_notification_ends_connections_elsewhere(tmp_path: Path) -> None:
    """Guards against a NEF's notification that does not end connections at an endpoint behind the shared store."""
    redis = Redis(tmp_path)
    try:
        apart = Apart(tmp_path, redis)
        with apart.operator(Subscriber()) as operator, apart.running(operator):
            with apart.second(apart.flag()) as runs:
                runs.write(b"one\n")
                assert runs.read() == b"e2e: one"
                assert apart.revoke() == 204
                assert runs.read(SECONDS) == b""
    finally:
        redis.stop()
