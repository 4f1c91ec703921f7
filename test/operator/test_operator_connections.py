"""Connections to an operator that stop working, in each way that they do.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from clock import Clock
from flow import LOOPBACK, NAF_ID, free_port, wait_until
from key_source import KeySource
from names import Names, silent
from operator_network import Operator, Subscriber, expiry
from operator_site import OperatorSite
from processor import is_idle, processor_seconds
from raw_http2 import Http2Connection, RawHttp2
from sanitizer import SANITIZED
from wire import Wire

pytestmark = [pytest.mark.node, pytest.mark.slow]

SUBSCRIBERS = [Subscriber(supi=f"00101{number:010}") for number in range(40)]
RATES = ("--lookups-per-second", "1000", "--lookups-per-source", "1000")


@pytest.fixture
def site(tmp_path: Path) -> OperatorSite:
    """An operator's site with a CA of its own."""
    return OperatorSite(tmp_path)


@contextlib.contextmanager
def asking(
    site: OperatorSite, port: int, *options: str, environment: dict[str, str] | None = None
) -> Iterator[KeySource]:
    """A source of keys at this operator."""
    words = ["--naf-fqdn", "naf.example.com", *site.sources(f"nef:https://localhost:{port}")]
    with KeySource(*words, *RATES, *options, environment=environment) as source:
        yield source


def found(source: KeySource, operator: Operator, *subscribers: Subscriber) -> bool:
    """Does the operator's key come for each of them, asked for at once?"""
    labels = {source.start(one.a_kid): one.k_af(operator.naf_id).hex() for one in subscribers}
    return all(source.wait_for(label).startswith(f"found {key}") for label, key in labels.items())


def test_a_silent_connection_gets_no_further_request(site: OperatorSite, tmp_path: Path) -> None:
    """Guards against look-ups that all fail on one dead connection, when a new one would answer."""
    one, two, three, four = SUBSCRIBERS[:4]
    with site.operator(*SUBSCRIBERS) as operator, Wire(
        f"{LOOPBACK}:{operator.server.port}"
    ) as wire:
        clock = Clock(tmp_path)
        options = ("--source-timeout", "60")
        with asking(site, wire.port, *options, environment=clock.environment) as source:
            assert found(source, operator, one)
            wire.hush()
            lost = source.start(two.a_kid)
            wait_until(lambda: is_idle(source.process.pid))  # it is sent
            clock.pass_to(30)
            later = source.start(three.a_kid)
            wait_until(lambda: is_idle(source.process.pid))
            clock.pass_to(61)
            for _ in range(2):  # each of the two loops sees the time
                assert source.look(one.a_kid).startswith("found")
            assert source.wait_for(lost).startswith("refused")
            # sent over the silent connection as well, but it has time left for another one
            assert source.wait_for(later).startswith("found")
            assert found(source, operator, four)


class ByHand:
    """An operator of frames: refuse says how the first request on each connection's second stream ends."""

    def __init__(self, site: OperatorSite, refuse: str = "", window: int = 65535) -> None:
        self.keys = {one.a_kid: one.k_af(NAF_ID).hex() for one in SUBSCRIBERS}
        self.refuse, self.refused = refuse, 0
        files = site.server_files, site.authority.file
        self.server = RawHttp2(*files, self._on_request, window)

    def _on_request(self, connection: Http2Connection, stream: int, body: bytes) -> None:
        if self.refuse and connection.number == 1 and len(connection.bodies) == 2:
            self.refused += 1
            connection.go_away() if self.refuse == "goaway" else connection.refuse(stream)
            return
        key = self.keys[json.loads(body)["aKId"]]
        connection.answer(stream, json.dumps({"kaf": key, "expiry": expiry(3600)}).encode())


@pytest.mark.skipif(SANITIZED, reason="another library is preloaded")
def test_silent_addresses_hold_up_nobody(site: OperatorSite, tmp_path: Path) -> None:
    """Guards against silent addresses of an operator's name that use up the time before the last one's turn."""
    names = Names(tmp_path)
    one, two = SUBSCRIBERS[:2]
    with site.operator(one, two) as operator, contextlib.ExitStack() as held:
        port = operator.server.port
        hosts = [held.enter_context(silent(port)) for _ in range(20)]
        names.set("localhost", *hosts, LOOPBACK)
        options = ("--source-timeout", "30")
        with asking(site, port, *options, environment=names.environment) as source:
            assert found(source, operator, one, two)


@pytest.mark.parametrize("versions", ["both", "h1"])
def test_no_connection_is_unused(site: OperatorSite, versions: str) -> None:
    """Guards against a connection that is made and not used, or a second one where HTTP/2 needs only one."""
    with site.operator(*SUBSCRIBERS, versions=versions) as operator, Wire(
        f"{LOOPBACK}:{operator.server.port}"
    ) as wire:
        with asking(site, wire.port) as source:
            assert found(source, operator, *SUBSCRIBERS[:20])
            assert found(source, operator, *SUBSCRIBERS[20:])
            used = {request["connection"] for request in operator.requests}
            assert len(used) == wire.accepted
            assert (len(used) == 1) == (versions == "both")


def test_a_connection_stays_whatever_the_ca_file_says(site: OperatorSite) -> None:
    """Guards against a connection for each request, because curl's copy of the CA's file was taken for keys."""
    comment = f"# Serial: {'1234567890' * 4}\n" * 100  # as bundles have it
    site.authority.file.write_text(comment + site.authority.file.read_text())
    with site.operator(*SUBSCRIBERS) as operator, asking(site, operator.server.port) as source:
        for one in SUBSCRIBERS[:3]:
            assert found(source, operator, one)
        assert len({request["connection"] for request in operator.requests}) == 1


@pytest.mark.skipif(SANITIZED, reason="another library is preloaded")
def test_cached_keys_while_the_resolver_hangs(site: OperatorSite, tmp_path: Path) -> None:
    """Guards against a cached key that waits until the operator's name is resolved."""
    names = Names(tmp_path)
    one, two = SUBSCRIBERS[:2]
    with site.operator(one, two) as operator:
        port = operator.server.port
        names.set("localhost", LOOPBACK)
        options = ("--source-timeout", "5", "--key-lifetime", "86400")
        with asking(site, port, *options, environment=names.environment) as source:
            assert found(source, operator, one)
            names.set("localhost", LOOPBACK, seconds=60)
            operator.stop()  # and what its name was known to mean is forgotten
            label = source.start(two.a_kid)
            for _ in range(10):
                assert source.look(one.a_kid).startswith("found")
            assert label not in source.answers
            assert "its name was not resolved in time" in source.wait_for(label)


@pytest.mark.parametrize("kind", ["goaway", "refuse"])
def test_what_was_not_processed_is_asked_again(site: OperatorSite, kind: str) -> None:
    """Guards against a UE that is refused because the operator said GOAWAY or REFUSED_STREAM."""
    operator = ByHand(site, kind)
    with operator.server as server, asking(site, server.port) as source:
        for one in SUBSCRIBERS[:6]:
            assert source.look(one.a_kid).startswith(f"found {operator.keys[one.a_kid]}")
        assert operator.refused == 1


def test_a_rolling_restart_costs_nobody_an_answer(site: OperatorSite) -> None:
    """Guards against UEs that are refused while the operator's server is away for a moment."""
    port = free_port()
    with contextlib.ExitStack() as running:
        operator = running.enter_context(site.operator(*SUBSCRIBERS, port=port))
        with asking(site, port, "--source-timeout", "20") as source:
            assert found(source, operator, SUBSCRIBERS[0])
            operator.answer = lambda request, true: None
            labels = [source.start(one.a_kid) for one in SUBSCRIBERS[1:10]]  # under way
            wait_until(lambda: len(operator.requests) >= 10)
            operator.stop()
            labels += [source.start(one.a_kid) for one in SUBSCRIBERS[10:20]]  # nobody is there
            again = running.enter_context(site.operator(*SUBSCRIBERS, port=port))
            labels += [source.start(one.a_kid) for one in SUBSCRIBERS[20:30]]
            assert all(source.wait_for(label).startswith("found") for label in labels)
            assert again.requests


def test_no_window_takes_no_processor(site: OperatorSite) -> None:
    """Guards against a loop that spins while the operator gives no window for a request's body."""
    operator = ByHand(site, window=0)
    with operator.server as server, asking(site, server.port, "--source-timeout", "3") as source:
        # the first on a connection may be sent before the window is known
        source.look(SUBSCRIBERS[0].a_kid)
        before = processor_seconds(source.process.pid)
        answers = [source.look(one.a_kid) for one in SUBSCRIBERS[1:3]]
        assert any(answer.startswith("refused") for answer in answers)
        assert processor_seconds(source.process.pid) - before < 0.6


def test_a_cached_key_ends_when_the_clock_says_so(site: OperatorSite, tmp_path: Path) -> None:
    """Guards against a key that the cache serves after its end, because the clock stepped forward."""
    clock = Clock(tmp_path)
    one = SUBSCRIBERS[0].a_kid
    with site.operator(*SUBSCRIBERS) as operator:
        port = operator.server.port
        with asking(site, port, "--key-lifetime", "86400", environment=clock.environment) as source:
            assert source.look(one).startswith("found")
            assert source.look(one).startswith("found")
            assert len(operator.requests) == 1
            clock.step(int(operator.lifetime) + 60)
            answer = source.look(one)  # what the operator gives is past as well
            assert answer.startswith("refused")
            (late,) = re.findall(r"it ended (\d+) seconds ago by this clock", answer)
            assert 60 <= int(late) < 120
            assert len(operator.requests) == 2
