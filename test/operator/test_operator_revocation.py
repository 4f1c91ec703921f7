"""What an operator revokes: notifications, from the cache to the third party's outstanding keys.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import resource
import signal
import socket
import ssl
import threading
import time
import urllib.error
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import jsonschema
import pytest

import reference
from certificates import Authority
from flow import (
    LOOPBACK,
    NAF_ID,
    Relay,
    SECONDS,
    StockClient,
    free_port,
    split,
    ue,
    wait_until,
    wait_until_listening,
)
from operator_network import Subscriber
from operator_schemas import SERVICE_DISABLE_NOTIF, closed
from operator_site import AKMA, KA, Apart, Notified
from sockets import connections, unread_at
from store_cluster import Redis

pytestmark = [pytest.mark.node, pytest.mark.slow]


@pytest.fixture
def notified(tmp_path: Path) -> Notified:
    """With a CA of its own."""
    return Notified(tmp_path)


def e2e_key_of(k_af: bytes, flag: dict[str, Any]) -> bytes:
    """By the reference."""
    refresh = bytes.fromhex(flag["refresh"])
    return reference.e2e_key(k_af, KA, NAF_ID, refresh=refresh, usage=flag["usage"])


@pytest.mark.parametrize("kind", ["nef", "aanf"])
def test_notification(notified: Notified, kind: str) -> None:
    """Guards against a revoked key that the cache, an open connection or an outstanding flag still has after the 204."""
    subscriber = Subscriber()
    said = {"aKId": subscriber.a_kid}
    jsonschema.validate(said, closed(SERVICE_DISABLE_NOTIF))
    body = json.dumps(said | {"suppFeat": "0"}).encode()  # of a later version
    identity, key = "3GPP-AKMA" + subscriber.a_kid, subscriber.k_af(NAF_ID)
    with notified.operator(subscriber) as operator:
        with notified.notified(operator, subscriber.gpsi or "", kind=kind) as server:
            device = notified.device(subscriber.a_kid, key)
            with StockClient(server.address, identity, key) as first:
                flag = first.flag()
            assert json.loads(operator.requests[0]["body"])["notifUri"].endswith("/revoked")
            with StockClient(server.address, identity, key) as held:
                assert held.flag()["e2e"] == 1
                held.write(b"one\n")
                assert held.read() == b"plain: one"
                assert notified.post(body) == 204
                assert held.read() == b""  # the connection was ended
            operator.answer = lambda request, true: {"status": 204}
            result = ue(device, subscriber.a_kid, server.address, server.e2e_address, *AKMA)
            assert result.returncode == 4
            with StockClient(server.e2e_address, flag["identity"], e2e_key_of(key, flag)) as second:
                second.write(b"one\n")
                assert second.read() == b""
            assert notified.post(body) == 204  # once more changes nothing
            server.wait_for_error("event=notification")


def test_notifications_without_descriptors(notified: Notified) -> None:
    """Guards against a notification that makes a server without descriptors spin or fill its log, or is lost."""
    subscriber = Subscriber()
    with (
        notified.operator(subscriber) as operator,
        notified.notified(operator, subscriber.gpsi or "") as server,
    ):
        pid = server.process.pid
        server.wait_for_error("event=start")
        used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, old[1]))
        with socket.create_connection(split(notified.notify), SECONDS):
            time.sleep(1)
            assert len(server.err) < 20
        resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
        assert notified.post(json.dumps({"aKId": "nobody@example.com"}).encode()) == 204


def test_notification_ends_what_runs(notified: Notified) -> None:
    """Guards against a live e2e connection that goes on after its key was revoked."""
    subscriber = Subscriber()
    with notified.operator(subscriber) as operator:
        with notified.notified(operator, subscriber.gpsi or "") as server:
            key = subscriber.k_af(NAF_ID)
            with StockClient(server.address, "3GPP-AKMA" + subscriber.a_kid, key) as first:
                flag = first.flag()
            with StockClient(server.e2e_address, flag["identity"], e2e_key_of(key, flag)) as second:
                second.write(b"one\n")
                assert second.read() == b"e2e: one"
                assert notified.post(json.dumps({"aKId": subscriber.a_kid}).encode()) == 204
                assert second.read() == b""


def test_notifications_that_are_none(notified: Notified, tmp_path: Path) -> None:
    """Guards against a malformed notification or a stranger's revoking a key."""
    subscriber = Subscriber()
    body = json.dumps({"aKId": subscriber.a_kid}).encode()
    (tmp_path / "other").mkdir()
    strangers = Authority(tmp_path / "other", "strangers")
    with notified.operator(subscriber) as operator:
        with notified.notified(operator, subscriber.gpsi or "") as server:
            device = notified.device(subscriber.a_kid, subscriber.k_af(NAF_ID))
            to = (subscriber.a_kid, server.address, server.e2e_address, *AKMA)
            assert ue(device, *to).returncode == 0
            for bad in (b"", b"{}", b"[]", b'{"aKId":5}', b'{"aKId":""}', body[:-1], body + b"x"):
                assert notified.post(bad) == 400, bad
            assert notified.post(body[:-1] + b',"aKId":"x@y"}') == 400
            assert notified.post(body, path="/other") == 404
            assert notified.post(body, content_type="text/plain") == 415
            assert notified.post(body + b" " * 5000) == 413  # sound, but longer than one can be
            wildcard = notified.authority.issue("wild", "*.example.com")
            others = (
                notified.authority.issue("other.example.com"),
                strangers.issue("nef.example.com"),
            )
            in_the_subject = notified.authority.issue("nef.example.com", "192.0.2.1")
            for files in (*others, wildcard, in_the_subject):
                with pytest.raises((ssl.SSLError, urllib.error.URLError, OSError)):
                    notified.post(body, files=files)
            with pytest.raises(OSError):
                notified.post(body, is_certified=False)
            assert ue(device, *to).returncode == 0
            assert len(operator.requests) == 1  # it is cached still


class Held(Relay):
    """Passes the ClientHello on, and what the client says after it when it is told to."""

    def __init__(self, address: str) -> None:
        self.told = threading.Event()
        super().__init__(address)

    def _pass_on(self, source: socket.socket, target: socket.socket) -> None:
        if target.getpeername() == self.target:
            target.sendall(source.recv(65536))
            self.told.wait(SECONDS)
        super()._pass_on(source, target)


def test_handshake_under_way(notified: Notified) -> None:
    """Guards against a handshake that got its key before the notification and still leads to a flag."""
    subscriber = Subscriber()
    body = json.dumps({"aKId": subscriber.a_kid}).encode()
    identity, key = "3GPP-AKMA" + subscriber.a_kid, subscriber.k_af(NAF_ID)
    with notified.operator(subscriber) as operator:
        with notified.notified(operator, subscriber.gpsi or "") as server:
            held = Held(server.address)
            with StockClient(held.address, identity, key) as first:
                wait_until(lambda: held.answer)  # a ServerHello, so the key was found
                assert notified.post(body) == 204
                held.told.set()
                first.write(b'{"nonce":"' + b"00" * 16 + b'"}\n')
                assert first.read() == b""
            held.close()
            assert len(operator.requests) == 1
    assert "event=flag" not in server.errors


# separate NAF, third party and endpoint


@pytest.fixture(params=["memory", "redis"])
def apart(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Apart]:
    """With a store in the third party's memory, and with one that a separate endpoint shares."""
    with contextlib.ExitStack() as ends:
        redis = Redis(tmp_path) if request.param == "redis" else None
        if redis:
            ends.callback(redis.stop)
        made = Apart(tmp_path, redis)
        operator = ends.enter_context(made.operator(Subscriber()))
        ends.enter_context(made.running(operator))
        yield made
        assert operator.faults == []


@pytest.mark.redis
def test_separate_third_party(apart: Apart) -> None:
    """Guards against a third party's outstanding key that is good after the NAF has confirmed its revocation."""
    assert apart.serves(apart.flag())
    outstanding = [apart.flag() for _ in range(3)]
    assert apart.revoke() == 204
    assert not any(apart.serves(flag) for flag in outstanding)
    assert apart.serves(apart.flag())  # the operator has a key again


@pytest.mark.redis
def test_connections_of_separate_parts(apart: Apart) -> None:
    """Guards against a connection of a separate endpoint that goes on after its key was revoked."""
    with apart.second(apart.flag()) as second:
        second.write(b"one\n")
        assert second.read() == b"e2e: one"
        assert apart.revoke() == 204

        def has_ended() -> bool:
            second.write(b"two\n")
            return second.read() == b""

        if apart.redis is None:
            assert has_ended()
        else:
            wait_until(has_ended, SECONDS)


@pytest.mark.redis
def test_who_cannot_confirm(apart: Apart) -> None:
    """Guards against a notification that gets 204 although third party or store did not confirm it."""
    outstanding = apart.flag()
    apart.third_party.pause()
    try:
        assert apart.revoke() == 503
    finally:
        apart.third_party.process.send_signal(signal.SIGCONT)
    wait_until(lambda: apart.revoke() == 204, SECONDS)
    assert not apart.serves(outstanding)
    if apart.redis is not None:
        apart.redis.stop()
        assert apart.revoke() == 503
        apart.redis.restart()
        wait_until(lambda: apart.revoke() == 204, SECONDS)


@pytest.mark.redis
def test_end_with_a_revocation_under_way(tmp_path: Path) -> None:
    """Guards against a NAF that crashes or hangs at SIGTERM while a revocation is not confirmed."""
    apart = Apart(tmp_path, None)
    apart.environment |= {"MALLOC_PERTURB_": "165"}

    def notify() -> None:
        with contextlib.suppress(OSError):  # nobody answers
            apart.revoke()

    with apart.operator(Subscriber()) as operator, apart.running(operator, "--drain-timeout", "1"):
        assert apart.flag()["e2e"] == 1
        apart.third_party.pause()
        try:
            notifying = threading.Thread(target=notify)
            notifying.start()
            port = split(apart.third_party.addresses["naf-accept"])[1]
            wait_until(lambda: unread_at(port) > 0)  # the third party has it, and has not read it
            apart.naf.process.terminate()
            assert apart.naf.process.wait(SECONDS) == 0, apart.naf.errors
            notifying.join(SECONDS)
        finally:
            apart.third_party.process.send_signal(signal.SIGCONT)


@pytest.mark.redis
def test_nothing_waits_to_be_sent(tmp_path: Path) -> None:
    """Guards against a connection of link, operator, notifications or metrics without TCP_NODELAY."""
    apart = Apart(tmp_path, None)
    metrics = free_port()
    subscriber = Subscriber()
    with (
        apart.operator(subscriber) as operator,
        apart.running(operator, f"--metrics={LOOPBACK}:{metrics}"),
    ):
        line, notify = (
            split(address)[1]
            for address in (apart.third_party.addresses["naf-accept"], apart.notify)
        )
        wait_until_listening(metrics)
        with (
            StockClient(
                apart.naf.addresses["accept"], f"3GPP-AKMA{subscriber.a_kid}", apart.key
            ) as first,
            socket.create_connection((LOOPBACK, metrics)),
            socket.create_connection((LOOPBACK, notify)),
        ):
            first.flag()
            wanted = {(None, line), (None, operator.server.port), (notify, None), (metrics, None)}

            def are_there() -> bool:
                found = connections(apart.naf.process.pid)
                return all(
                    any(here in (None, a) and there in (None, b) for a, b in found)
                    for here, there in wanted
                )

            wait_until(are_there)
            found = connections(apart.naf.process.pid)
            assert all(found.values()), found
            found = connections(apart.third_party.process.pid)
            assert [ports for ports in found if ports[0] == line]
            assert all(found.values()), found
