"""Keys from an operator's network: the source of keys against NEF, AAnF, BSF, token server and NRF.

SPDX-License-Identifier: Apache-2.0
"""

import email.utils
import json
import os
import signal
import socket
import statistics
import subprocess
import time
import urllib.parse
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import reference
from certificates import HOUR, Authority
from clock import Clock
from evp import BUILD
from flow import LONG, wait_until
from key_source import KeySource, identity_options
from needs import needs
from operator_network import (
    JSON,
    LOOPBACK,
    PROBLEM,
    TOKEN,
    Operator,
    Reply,
    Request,
    Subscriber,
    expiry,
)
from sockets import TCP_USER_TIMEOUT, connections

pytestmark = [pytest.mark.node, pytest.mark.slow]

RETRIEVE = "/3gpp-akma/v1/retrieve"
APPLICATION_KEY = "/naanf-akma/v1/retrieve-applicationkey"
BOOTSTRAPPING = "/nbsp-gba/v1/bootstrapping-info-retrieval"
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

    def source(
        self,
        *sources: str,
        options: tuple[str, ...] = (),
        within: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
    ) -> KeySource:
        """The source of keys; sources as --key-source takes them."""
        words = [word for source in sources for word in ("--key-source", source)]
        if "--source-timeout" not in options:  # a machine that is busy is no slow operator
            options += ("--source-timeout", "10")
        return KeySource(
            *words,
            *identity_options(self.client_files, self.authority.file),
            *options,
            within=within,
            environment=environment,
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


class Withheld:
    """An operator's answers about one subscriber, which come when they are released."""

    def __init__(self, operator: Operator, subscriber: Subscriber) -> None:
        self.operator, self.a_kid = operator, subscriber.a_kid
        self.kept: list[tuple[Request, Reply]] = []
        operator.answer = self._answer

    def _answer(self, request: Request, true: Reply) -> Reply | None:
        if self.a_kid not in request["body"]:
            return true
        self.kept.append((request, true))
        return None

    def release(self) -> None:
        """From now on it answers at once."""
        self.operator.answer = None
        for request, true in self.kept:
            self.operator.server.reply(request, true)


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
    """Guards against a question to NEF or AAnF, or its answer, that is not as the specification has it."""
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
    assert {request["headers"]["user-agent"] for request in operator.requests} == {"AF"}


def test_gba(net: Net, operator: Operator) -> None:
    """Guards against a question to a BSF, or its answer, that is not as the specification has it."""
    subscriber = operator.subscribers[0]
    of = (subscriber.ks, subscriber.rand, subscriber.impi, NAF_ID)
    with net.source(f"bsf:{operator.url}/") as source:
        answers = [source.look(subscriber.b_tid, kind) for kind in ("gba", "uicc")]
        assert source.look("AAAA@bsf.example.com", "gba") == "unknown"
        assert source.look("AAAA@bsf.example.com", "uicc") == "unknown"
        assert source.look(subscriber.a_kid, "akma") == "unknown"  # the devices file's
    assert [key_of(answer) for answer in answers] == [
        reference.ks_naf(*of).hex(),
        reference.ks_int_naf(*of).hex(),
    ]
    assert {answer.split()[2] for answer in answers} == {subscriber.impi}
    assert [json.loads(request["body"])["btId"] for request in operator.requests] == [
        subscriber.b_tid,
        "AAAA@bsf.example.com",
    ]


def test_gba_without_a_key_of_the_uicc(net: Net, operator: Operator) -> None:
    """Guards against a key of zeros where the BSF has no Ks_int_NAF for the UE."""
    subscriber = operator.subscribers[0]

    def without(request: Request, true: Reply) -> Reply:
        body = json.loads(true["body"])
        del body["uiccKeyMaterial"]
        return true | {"body": json.dumps(body)}

    operator.answer = without
    with net.source(f"bsf:{operator.url}") as source:
        assert source.look(subscriber.b_tid, "uicc") == "unknown"
        assert source.look(subscriber.b_tid, "gba").startswith("found ")
        assert source.look(subscriber.b_tid, "uicc") == "unknown"


def test_one_for_each_system(net: Net, operator: Operator) -> None:
    """Guards against an identity of GBA that is asked for at a NEF, or one of AKMA at a BSF."""
    subscriber = operator.subscribers[0]
    with net.source(f"bsf:{operator.url}", f"nef:{operator.url}/exposed") as source:
        operator.answer = lambda request, true: {"status": 204}
        assert source.look(subscriber.a_kid) == "unknown"
        operator.answer = None
        assert source.look(subscriber.b_tid, "gba").startswith("found ")
    assert operator.requests[0]["path"] == "/exposed" + RETRIEVE
    assert operator.faults.pop() == "POST /exposed" + RETRIEVE


@pytest.mark.parametrize("kind", ["nef", "aanf"])
def test_what_is_asked(net: Net, operator: Operator, kind: str) -> None:
    """Guards against a question to NEF or AAnF with a member too many, or without AF_ID or the URI for notifications."""
    options = ("--notify-uri", "https://naf.example.com/n", "--notify-accept", "127.0.0.1:0")
    operator.af_id = "af-7"
    with net.source(
        f"{kind}:{operator.url}",
        options=(*options, "--notify-name", "nef", "--af-id", "af-7"),
    ) as source:
        assert source.look(operator.subscribers[0].a_kid).startswith("found ")
    (request,) = operator.requests
    assert json.loads(request["body"]) == {
        "afId": "af-7",
        "aKId": operator.subscribers[0].a_kid,
        "anonInd": False,
        "notifUri": "https://naf.example.com/n",
    }


@pytest.mark.parametrize("identity", ["none", "@realm", "user@", "a@b@c", "x" * 250 + "@abcdef"])
def test_identities_that_nobody_is_asked_for(net: Net, operator: Operator, identity: str) -> None:
    """Guards against an identity that cannot be the operator's being sent there."""
    with net.source(f"nef:{operator.url}") as source:
        assert source.look(identity) == "unknown"
    assert operator.requests == []


def test_anonymous(net: Net, operator: Operator) -> None:
    """Guards against an answer without SUPI and GPSI that is refused, or given a name."""

    def without_names(request: Request, true: Reply) -> Reply:
        body = json.loads(true["body"])
        return true | {"body": json.dumps({name: body[name] for name in ("kaf", "expiry")})}

    operator.answer = without_names
    with net.source(f"nef:{operator.url}") as source:
        assert source.look(operator.subscribers[0].a_kid).split()[2] == "-"


@pytest.mark.parametrize("kind", ["nef", "aanf"])
def test_asked_anonymously(net: Net, operator: Operator, kind: str) -> None:
    """Guards against a name that is asked for, or taken from an answer, in spite of --source-anonymous."""
    subscriber = operator.subscribers[0]
    with net.source(f"{kind}:{operator.url}", options=("--source-anonymous",)) as source:
        found, key, device, _ = source.look(subscriber.a_kid).split()
        assert (found, key, device) == ("found", subscriber.k_af(NAF_ID).hex(), "-")
        assert json.loads(operator.requests[0]["body"])["anonInd"] is True
        source.forget(subscriber.a_kid)
        named = {"gpsi": "extid-1@x", "supi": "imsi-1"}  # that is no IMSI
        operator.answer = lambda request, true: true | {
            "body": json.dumps(json.loads(true["body"]) | named)
        }
        assert source.look(subscriber.a_kid).split()[:3] == ["found", key, "-"]
        assert len(operator.requests) == 2


# Answers that are none


def body(subscriber: Subscriber, **changes: Any) -> str:
    """The body of a true answer, with changes."""
    true = {"kaf": subscriber.k_af(NAF_ID).hex(), "expiry": expiry(3600), "gpsi": "extid-1@x"}
    return json.dumps(true | changes)


BAD: dict[str, Callable[[Subscriber], Reply]] = {
    "wrong type": lambda s: {"headers": {"content-type": "text/plain"}, "body": body(s)},
    "no type": lambda s: {"headers": {}, "body": body(s)},
    "problem as answer": lambda s: {"headers": PROBLEM, "body": body(s)},
    "short key": lambda s: {"body": body(s, kaf="00" * 31)},
    "long key": lambda s: {"body": body(s, kaf="00" * 33)},
    "key twice": lambda s: {"body": body(s)[:-1] + ',"kaf":"' + "00" * 32 + '"}'},
    "no expiry": lambda s: {"body": json.dumps({"kaf": "00" * 32})},
    "expired": lambda s: {"body": body(s, expiry=expiry(-5))},
    "before 1970": lambda s: {"body": body(s, expiry="1969-12-31T23:59:59Z")},
    "cut JSON": lambda s: {"body": body(s)[:-1]},
    "empty": lambda s: {"body": ""},
    "oversized": lambda s: {"body": body(s, pad="x" * 20000)},
    "oversized headers": lambda s: {"headers": JSON | {"x-pad": "y" * 20000}, "body": body(s)},
    "300": lambda s: {"status": 300, "body": body(s)},
    "201": lambda s: {"status": 201, "body": body(s)},
    "206": lambda s: {"status": 206, "body": body(s)},
    "400": lambda s: {"status": 400, "body": body(s)},
    "401 without a token": lambda s: {"status": 401, "body": body(s)},
    "403": lambda s: {"status": 403, "body": body(s)},
    "500": lambda s: {"status": 500, "body": body(s)},
    "cut in the body": lambda s: {"body": body(s), "cut": 30},
    "cut before the body": lambda s: {"body": body(s), "cut": 0},
}


@pytest.mark.parametrize("versions", ["h2", "h1"])
def test_answers_that_are_none(net: Net, versions: str) -> None:
    """Guards against a malformed, expired, cut or refused answer whose key is taken, kept or shown."""
    subscriber = Subscriber()
    key = subscriber.k_af(NAF_ID).hex()
    with net.operator(versions=versions) as operator:
        operator.add(subscriber)
        with net.source(f"nef:{operator.url}") as source:
            for name, make in BAD.items():
                reply: Reply = {"status": 200, "headers": JSON}
                reply |= make(subscriber)
                if "cut" in reply:
                    length = {"content-length": str(len(reply["body"]))}
                    reply["headers"] = reply["headers"] | length
                operator.answer = always(**reply)
                answer = source.look(subscriber.a_kid)
                assert answer.startswith("refused "), (name, answer)
                assert key not in answer
            operator.answer = None
            assert key_of(source.look(subscriber.a_kid)) == key
        assert key not in source.errors


UPPER = {"kaf", "meKeyMaterial", "uiccKeyMaterial"}


def in_upper_case(request: Request, true: Reply) -> Reply:
    """The same answer, its keys in upper-case hex."""
    body = json.loads(true["body"])
    changed = {name: value.upper() if name in UPPER else value for name, value in body.items()}
    return true | {"body": json.dumps(changed)}


def test_upper_case_hex(net: Net, operator: Operator) -> None:
    """Guards against a key being refused for hex in capitals, or for a parameter of its content type."""
    subscriber = operator.subscribers[0]
    of = (subscriber.ks, subscriber.rand, subscriber.impi, NAF_ID)
    headers = {"content-type": "application/json; charset=utf-8"}
    operator.answer = lambda request, true: in_upper_case(request, true) | {"headers": headers}
    with net.source(f"nef:{operator.url}", f"bsf:{operator.url}") as source:
        assert key_of(source.look(subscriber.a_kid)) == subscriber.k_af(NAF_ID).hex()
        assert key_of(source.look(subscriber.b_tid, "gba")) == reference.ks_naf(*of).hex()
        assert key_of(source.look(subscriber.b_tid, "uicc")) == reference.ks_int_naf(*of).hex()


@pytest.mark.parametrize("name", ["meKeyMaterial", "uiccKeyMaterial"])
def test_lengths_of_a_bsf(net: Net, operator: Operator, name: str) -> None:
    """Guards against a BSF's key that is taken with another form than 64 hex digits."""
    subscriber = operator.subscribers[0]

    def changed(value: Any) -> Callable[[Request, Reply], Reply]:
        return lambda request, true: true | {
            "body": json.dumps(json.loads(true["body"]) | {name: value})
        }

    with net.source(f"bsf:{operator.url}") as source:
        for wrong in ("", "0" * 63, "0" * 65, "0" * 62, "0x" + "0" * 62, "g" * 64, 0, ["0"], None):
            operator.answer = changed(wrong)
            is_absent = wrong is None and name == "uiccKeyMaterial"  # which a B-TID need not have
            expected = "found " if is_absent else "refused "
            assert source.look(subscriber.b_tid, "gba").startswith(expected), wrong
        operator.answer = None
        assert source.look(subscriber.b_tid, "gba").startswith("found ")


def test_problems_are_logged_through_the_filter(net: Net, operator: Operator) -> None:
    """Guards against an operator's error text that forges a line of the log."""
    problem = {"status": 403, "cause": "AF_NOT_ALLOWED", "detail": "no\nevent=forged \x1b[31m"}
    operator.answer = always(status=403, headers=PROBLEM, body=json.dumps(problem))
    with net.source(f"nef:{operator.url}") as source:
        assert "AF_NOT_ALLOWED" in source.look(operator.subscribers[0].a_kid)
        line = source.wait_for_error("AF_NOT_ALLOWED")
        assert "status=403" in line and "interface=nef" in line
    assert "\x1b" not in source.errors and "\nevent=forged" not in source.errors


REFUSALS: dict[str, Reply] = {
    "403 with a cause": {
        "status": 403,
        "headers": PROBLEM,
        "body": json.dumps({"status": 403, "cause": "AKMA_NOT_ALLOWED"}),
    },
    "failure indication": {"status": 200, "headers": JSON, "body": "{}"},
    "failure indication with more": {
        "status": 200,
        "headers": JSON,
        "body": json.dumps({"suppFeat": "0", "kaf": None}),
    },
}


@pytest.mark.parametrize("what", REFUSALS)
@pytest.mark.parametrize("kind", ["nef", "aanf"])
def test_refused_for_seconds(
    net: Net, operator: Operator, tmp_path: Path, kind: str, what: str
) -> None:
    """Guards against an operator that is asked at every ClientHello for what it refused, or never again."""
    subscriber = operator.subscribers[0]
    operator.answer = always(**REFUSALS[what])
    clock = Clock(tmp_path)
    with net.source(f"{kind}:{operator.url}", environment=clock.environment) as source:
        assert source.look(subscriber.a_kid).startswith("refused ")
        for _ in range(2):
            assert "has refused this identity" in source.look(subscriber.a_kid)
        assert len(operator.requests) == 1
        source.wait_for_error("event=source-failed")
        operator.answer = None
        clock.pass_to(30)
        assert source.look(subscriber.a_kid).startswith("found ")
        assert len(operator.requests) == 2


@pytest.mark.parametrize(
    "reply",
    [
        {"status": 403},
        {"status": 403, "headers": PROBLEM, "body": '{"status":403}'},
        {"status": 403, "headers": PROBLEM, "body": '{"cause":""}'},
        {"status": 403, "headers": JSON, "body": '{"cause":"X"}'},
        {"status": 500, "headers": PROBLEM, "body": '{"cause":"X"}'},
        {"status": 200, "headers": PROBLEM, "body": "{}"},
        {"status": 200, "headers": JSON, "body": "[]"},
        {"status": 200, "headers": JSON, "body": '{"kaf":"00","expiry":"x"}'},
    ],
)
def test_failures_are_not_remembered(net: Net, operator: Operator, reply: Reply) -> None:
    """Guards against a fault or a proxy's 403, which says nothing of the identity, that is remembered as its refusal."""
    subscriber = operator.subscribers[0]
    operator.answer = always(**reply)
    with net.source(f"nef:{operator.url}") as source:
        assert source.look(subscriber.a_kid).startswith("refused ")
        operator.answer = None
        assert source.look(subscriber.a_kid).startswith("found ")


@pytest.mark.parametrize("kind, status", [("nef", 204), ("bsf", 404)])
def test_no_such_key(net: Net, operator: Operator, tmp_path: Path, kind: str, status: int) -> None:
    """Guards against an unknown key that is asked for again and again, or is unknown for good."""
    subscriber, clock = operator.subscribers[0], Clock(tmp_path)
    identity = subscriber.a_kid if kind == "nef" else subscriber.b_tid
    with net.source(f"{kind}:{operator.url}", environment=clock.environment) as source:
        for other in (204, 404):
            operator.answer = always(status=other)
            assert source.look(f"{other}@none", "akma" if kind == "nef" else "gba") == "unknown"
        operator.requests.clear()
        operator.answer = always(status=status)
        for _ in range(3):
            assert source.look(identity, "akma" if kind == "nef" else "gba") == "unknown"
        assert len(operator.requests) == 1  # a "no" is known for some seconds
        operator.answer = None
        clock.pass_to(30)
        assert source.look(identity, "akma" if kind == "nef" else "gba").startswith("found ")


# Time


def test_slow(net: Net, operator: Operator, tmp_path: Path) -> None:
    """Guards against a reply that does not come and takes longer than --source-timeout, or holds up another look-up."""
    slow, quick = Subscriber(), Subscriber(supi="001010000000002")
    operator.add(slow, quick)
    withheld, clock = Withheld(operator, slow), Clock(tmp_path)
    options = ("--source-timeout", "60")
    with net.source(
        f"nef:{operator.url}", options=options, environment=clock.environment
    ) as source:
        label = source.start(slow.a_kid)
        wait_until(lambda: withheld.kept)
        for passed in (0, 50):
            clock.pass_to(passed)
            assert all(source.look(quick.a_kid).startswith("found ") for _ in range(2))
            assert label not in source.answers
        clock.pass_to(61)
        assert all(source.look(quick.a_kid).startswith("found ") for _ in range(2))
        assert source.wait_for(label).startswith("refused ")


def test_timeout_for_all_that_belongs(net: Net, tmp_path: Path) -> None:
    """Guards against a --source-timeout that token and key each have of their own."""
    subscriber = Subscriber()
    with net.operator(token=True) as operator:
        operator.add(subscriber)
        operator.answer = lambda request, true: true | {"delay": 3000}
        options = (*token_options(operator, tmp_path), "--source-timeout", "5")
        with net.source(f"nef:{operator.url}", options=options) as source:
            begun = time.monotonic()
            assert source.look(subscriber.a_kid).startswith("refused ")
            assert time.monotonic() - begun > 4.9


def hold_port(port: int) -> socket.socket:
    """Refuses connections, and keeps the port for who listens on it next."""
    held = socket.socket()
    held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    held.bind((LOOPBACK, port))
    return held


def refused_in_time(source: KeySource, label: int, known: str) -> bool:
    """Is a look-up refused, while those of a key that is known are answered?"""
    wait_until(lambda: source.look(known).startswith("found ") and label in source.answers)
    return source.wait_for(label).startswith("refused ")


def test_down_for_a_minute(net: Net, tmp_path: Path) -> None:
    """Guards against an operator that is gone, or silent, taking cached keys along, or being found no more when it is back."""
    known, *others = (Subscriber(supi=f"00101000000{n:04}") for n in range(500))
    gone, silent = operators = net.operator(), net.operator()
    for operator in operators:
        operator.add(known, *others)
    clock = Clock(tmp_path)
    with (
        net.source(f"nef:{gone.url}", environment=clock.environment) as one,
        net.source(f"nef:{silent.url}", environment=clock.environment) as other,
    ):
        sources = (one, other)
        assert all(source.look(known.a_kid).startswith("found ") for source in sources)
        port = gone.server.port
        gone.stop()
        silent.server.process.send_signal(signal.SIGSTOP)
        with hold_port(port):
            for passed in range(11, 77, 11):  # --source-timeout is ten
                labels = [source.start(others.pop().a_kid) for source in sources]
                clock.pass_to(passed)
                for source, label in zip(sources, labels):
                    assert refused_in_time(source, label, known.a_kid)
            with net.operator(port=port) as again:
                again.add(*others)
                silent.server.process.send_signal(signal.SIGCONT)
                for source in sources:
                    wait_until(lambda: source.look(others.pop().a_kid).startswith("found "), LONG)
        silent.stop()


@pytest.mark.namespaces
def test_a_path_that_drops_everything(net: Net) -> None:
    """Guards against a request that goes to a connection on which nothing came through before the path was back."""
    needs("namespaces")
    name = f"akma-{os.getpid()}"
    within = ("ip", "netns", "exec", name)
    if subprocess.run(["ip", "netns", "add", name], capture_output=True, check=False).returncode:
        pytest.skip("no network namespace can be had: not root, or a container without the right")

    def loopback(state: str) -> None:
        subprocess.run([*within, "ip", "link", "set", "lo", state], check=True)

    known, during, after = (Subscriber(supi=f"00101000000{n:04}") for n in range(3))
    try:
        loopback("up")
        with net.operator(within=within) as operator:
            operator.add(known, during, after)
            url = f"nef:{operator.url.replace('localhost', '127.0.0.1')}"
            with net.source(url, within=within) as source:
                assert source.look(known.a_kid).startswith("found ")
                loopback("down")
                assert source.look(during.a_kid).startswith("refused ")
                loopback("up")
                assert source.look(after.a_kid).startswith("found ")
                used = [r["connection"] for r in operator.requests if after.a_kid in r["body"]]
                assert used and 1 not in used
    finally:
        subprocess.run(["ip", "netns", "del", name], check=True)


def test_a_connection_notices_a_dead_path(net: Net) -> None:
    """Guards against a connection on which requests go unheard for the quarter of an hour that TCP would wait."""
    subscriber = Subscriber()
    with net.operator() as operator:
        operator.add(subscriber)
        port = urllib.parse.urlsplit(operator.url).port
        with net.source(f"nef:{operator.url}") as source:
            assert source.look(subscriber.a_kid).startswith("found ")
            limits = connections(source.process.pid, TCP_USER_TIMEOUT)
    assert [limit for (_, to), limit in limits.items() if to == port] == [5000]


# Certificates and versions


def test_certificates(net: Net, tmp_path: Path) -> None:
    """Guards against an operator that is asked despite its certificate, or answers a NAF whose certificate it does not know."""
    subscriber = Subscriber()
    strangers = Authority(tmp_path, "strangers")
    wrong_name = net.authority.issue("other.example.com")
    expired = net.authority.issue("expired", "localhost", life=-HOUR)
    for files in (wrong_name, expired, strangers.issue("localhost")):
        with Operator(files, net.authority.file) as operator:
            operator.add(subscriber)
            with net.source(f"nef:{operator.url}") as source:
                assert source.look(subscriber.a_kid).startswith("refused ")
            assert operator.requests == []
    with net.operator() as operator:
        operator.add(subscriber)
        ours = identity_options(strangers.issue("naf.example.com"), net.authority.file)
        with KeySource("--key-source", f"nef:{operator.url}", *ours) as source:
            assert source.look(subscriber.a_kid).startswith("refused ")
        assert operator.requests == []


@pytest.mark.parametrize("kind, taken", [("nef", True), ("bsf", True), ("aanf", False)])
def test_http_1(net: Net, kind: str, taken: bool) -> None:
    """Guards against an AAnF without HTTP/2 that is sent a request, or a NEF or BSF without it that is not."""
    subscriber = Subscriber()
    identity, system = (subscriber.b_tid, "gba") if kind == "bsf" else (subscriber.a_kid, "akma")
    with net.operator(versions="h1") as operator:
        operator.add(subscriber)
        with net.source(f"{kind}:{operator.url}") as source:
            answer = source.look(identity, system)
        assert answer.startswith("found " if taken else "refused ")
        assert taken or "HTTP/2" in answer
        assert [request["version"] for request in operator.requests] == ["1.1"] * taken
        assert operator.faults == []


# Tokens


def secret_file(folder: Path, text: str = "secret\n") -> Path:
    """A client's secret."""
    path = folder / "client-secret"
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def token_options(operator: Operator, folder: Path) -> tuple[str, ...]:
    """The plain form."""
    files = ("--client-secret-file", str(secret_file(folder, operator.client[1] + "\n")))
    return ("--token-url", operator.url + TOKEN, "--client-id", operator.client[0], *files)


def test_token(net: Net, tmp_path: Path) -> None:
    """Guards against a token that is fetched more than once for many who wait, or that is in a log."""
    client = ("client:1", "s%cr t\u00fc")
    subscribers = [Subscriber(supi=f"00101000000{n:04}") for n in range(20)]
    with net.operator(token=True, client=client) as operator:
        operator.add(*subscribers)
        with net.source(
            f"aanf:{operator.url}", options=token_options(operator, tmp_path)
        ) as source:
            labels = [source.start(subscriber.a_kid) for subscriber in subscribers]
            for label in labels:
                assert source.wait_for(label).startswith("found ")
        tokens = [request for request in operator.requests if request["path"] == TOKEN]
        assert len(tokens) == 1
        form = dict(urllib.parse.parse_qsl(tokens[0]["body"]))
        scope = " ".join(SCOPES["aanf"])
        assert form == {"grant_type": "client_credentials", "scope": scope}
        assert operator.faults == [] and client[1] not in source.errors
        assert not any(token in source.errors for token in operator.tokens)


# The scopes of the published documents; the last of an AKMA interface is for the device's name.
SCOPES = {
    "nef": ["nnef-akma:gpsi-access"],
    "aanf": [
        "naanf-akma",
        "naanf-akma:applicationkeyget",
        "naanf-akma:applicationkeyget:supi-access",
    ],
    "bsf": ["nbsp-gba", "nbsp-gba:bootstrapping-info-retrieval:invoke"],
}


@pytest.mark.parametrize("kind", SCOPES)
@pytest.mark.parametrize("anonymous", [False, True])
def test_scopes(net: Net, tmp_path: Path, kind: str, anonymous: bool) -> None:
    """Guards against a token that is asked for with another scope than the interface's, or with one although --scope is empty."""
    subscriber = Subscriber()
    if kind == "bsf" and anonymous:
        return  # Nbsp_GBA has no such request: test_options_that_make_no_sense
    wanted = SCOPES[kind][: -1 if anonymous else None]
    for given, scope in ((None, " ".join(wanted)), ("", "")):
        with net.operator(token=True) as operator:
            operator.add(subscriber)
            options = token_options(operator, tmp_path)
            options += ("--source-anonymous",) if anonymous else ()
            options += () if given is None else ("--scope", given)
            with net.source(f"{kind}:{operator.url}", options=options) as source:
                identity = subscriber.b_tid if kind == "bsf" else subscriber.a_kid
                look = "gba" if kind == "bsf" else "akma"
                assert source.look(identity, look).startswith("found ")
            form = dict(urllib.parse.parse_qsl(operator.requests[0]["body"]))
            assert form.get("scope", "") == scope and ("scope" in form) is bool(scope)
            assert operator.faults == []


def test_token_of_another_scope(net: Net, tmp_path: Path) -> None:
    """Guards against a --scope that does not reach the token server."""
    subscriber = Subscriber()
    with net.operator(token=True) as operator:
        operator.add(subscriber)
        options = (*token_options(operator, tmp_path), "--scope", "akma read")
        with net.source(f"aanf:{operator.url}", options=options) as source:
            assert source.look(subscriber.a_kid).startswith("found ")
        form = dict(urllib.parse.parse_qsl(operator.requests[0]["body"]))
        assert form == {"grant_type": "client_credentials", "scope": "akma read"}
        assert operator.faults == []


def test_token_of_an_nrf(net: Net) -> None:
    """Guards against a token asked of an NRF without the NF's own instance, type or services."""
    instance = "4947a69a-f61b-4bc1-b9da-47c9c5d14b64"
    subscriber = Subscriber()
    with net.operator(token=True) as operator:
        operator.add(subscriber)
        options = ("--token-url", operator.url + TOKEN, "--nf-instance-id", instance)
        with net.source(f"aanf:{operator.url}", f"bsf:{operator.url}", options=options) as source:
            assert source.look(subscriber.a_kid).startswith("found ")
            assert source.look(subscriber.b_tid, "gba").startswith("found ")
        forms = [
            dict(urllib.parse.parse_qsl(request["body"]))
            for request in operator.requests
            if request["path"] == TOKEN
        ]
        assert [(form["targetNfType"], form["scope"]) for form in forms] == [
            ("AANF", " ".join(SCOPES["aanf"])),
            ("GBA_BSF", " ".join(SCOPES["bsf"])),
        ]
        assert {form["nfInstanceId"] for form in forms} == {instance}
        agents = {request["headers"]["user-agent"] for request in operator.requests}
        assert agents == {f"AF-{instance}"}
        assert operator.faults == []


def test_token_that_ends(net: Net, tmp_path: Path) -> None:
    """Guards against a token that is used after its end, or that is not renewed, once, when it is refused."""
    subscribers = [Subscriber(supi=f"00101000000{n:04}") for n in range(6)]
    with net.operator(token=True) as operator:
        operator.add(*subscribers)
        operator.token_lifetime, clock = 600, Clock(tmp_path)

        def tokens() -> int:
            return sum(request["path"] == TOKEN for request in operator.requests)

        with net.source(
            f"nef:{operator.url}",
            options=token_options(operator, tmp_path),
            environment=clock.environment,
        ) as source:
            assert source.look(subscribers[0].a_kid).startswith("found ")
            operator.token_lifetime = 3600
            clock.pass_to(601)
            assert source.look(subscribers[1].a_kid).startswith("found ") and tokens() == 2
            operator.tokens.clear()  # revoked
            assert source.look(subscribers[2].a_kid).startswith("found ") and tokens() == 3
            operator.needs_token = True
            operator.answer = lambda request, true: (
                true if request["path"] == TOKEN else {"status": 401}
            )
            before = len(operator.requests)
            assert source.look(subscribers[3].a_kid).startswith("refused ")
            assert [request["path"] for request in operator.requests[before:]] == [
                *[RETRIEVE, TOKEN, RETRIEVE]
            ]


@pytest.mark.parametrize(
    "reply",
    [
        {"status": 200, "body": "{}"},
        {"status": 200, "body": '{"access_token":"","token_type":"Bearer"}'},
        {"status": 200, "body": '{"access_token":"==","token_type":"Bearer"}'},
        {"status": 200, "body": '{"access_token":"a b","token_type":"Bearer"}'},
        {"status": 200, "body": '{"access_token":"a\\r\\nX: y","token_type":"Bearer"}'},
        {"status": 200, "body": '{"access_token":"abc","token_type":"mac"}'},
        {"status": 200, "body": '{"access_token":"abc","token_type":"Bearer","expires_in":0}'},
        {"status": 200, "body": '{"access_token":"abc","token_type":"Bearer","expires_in":9e999}'},
        {"status": 200, "body": '{"access_token":"a","access_token":"b","token_type":"Bearer"}'},
        {"status": 200, "headers": {}, "body": '{"access_token":"abc","token_type":"Bearer"}'},
        {"status": 400, "body": '{"error":"invalid_client"}'},
        {"status": 302, "headers": {"location": "https://elsewhere.example.com/"}},
    ],
    ids=str,
)
def test_tokens_that_are_none(net: Net, tmp_path: Path, reply: Reply) -> None:
    """Guards against a token server's refusal or nonsense being sent to the operator as a token."""
    with net.operator(token=True) as operator:
        operator.answer = always(**({"headers": JSON} | reply))
        with net.source(f"nef:{operator.url}", options=token_options(operator, tmp_path)) as source:
            answer = source.look(Subscriber().a_kid)
        assert answer.startswith("refused token server: ")
        assert reply["status"] != 400 or "invalid_client" in answer
        assert operator.asked() == []


@pytest.mark.parametrize(
    "seconds", ['"3600"', "3600.0", "36e2", "1e30", "99999999999999999999", "null"]
)
def test_lifetimes_of_a_token(net: Net, tmp_path: Path, seconds: str) -> None:
    """Guards against a token being refused for the form in which its server writes a whole number."""
    subscriber = Subscriber()
    with net.operator(token=True) as operator:
        operator.add(subscriber)

        def answer(request: Request, true: Reply) -> Reply:
            if request["path"] != TOKEN:
                return true
            token = json.loads(true["body"])["access_token"]
            body = f'{{"access_token":"{token}","token_type":"Bearer","expires_in":{seconds}}}'
            return true | {"body": body}

        operator.answer = answer
        with net.source(f"nef:{operator.url}", options=token_options(operator, tmp_path)) as source:
            assert source.look(subscriber.a_kid).startswith("found ")


@pytest.mark.parametrize(
    ("body", "member"),
    [
        *[({"access_token": value}, "access_token") for value in (None, 5, "", "a b", "x" * 8193)],
        *[({"token_type": value}, "token_type") for value in (None, 5, "mac")],
        *[
            ({"expires_in": value}, "expires_in")
            for value in (0, -1, 1.5, "", "1h", "1.0", [], True)
        ],
    ],
)
def test_members_of_a_token(net: Net, tmp_path: Path, body: dict[str, Any], member: str) -> None:
    """Guards against a wrong member of a token's answer that is taken, or that the reason does not name."""
    whole = {"access_token": "abc", "token_type": "Bearer", "expires_in": 60} | body
    with net.operator(token=True) as operator:
        operator.answer = always(headers=JSON, status=200, body=json.dumps(whole))
        with net.source(f"nef:{operator.url}", options=token_options(operator, tmp_path)) as source:
            answer = source.look(Subscriber().a_kid)
        assert answer.startswith(f"refused token server: {member}: must be ")


# Redirects


@pytest.mark.parametrize("status", [307, 308])
def test_redirect_to_the_same_origin(net: Net, tmp_path: Path, status: int) -> None:
    """Guards against a redirect within the operator's server that is not followed."""
    subscriber = Subscriber()
    with net.operator(token=True) as operator:
        operator.add(subscriber)

        def elsewhere(request: Request, true: Reply) -> Reply:
            if request["path"] != APPLICATION_KEY or len(operator.asked(APPLICATION_KEY)) > 1:
                return true
            return {"status": status, "headers": {"location": operator.url + APPLICATION_KEY}}

        operator.answer = elsewhere
        with net.source(
            f"aanf:{operator.url}", options=token_options(operator, tmp_path)
        ) as source:
            assert source.look(subscriber.a_kid).startswith("found ")
        assert len(operator.asked(APPLICATION_KEY)) == 2


def test_redirects_that_are_not_followed(net: Net, operator: Operator) -> None:
    """Guards against a redirect that is followed twice, in clear, to another origin or for another status."""
    with net.operator() as other:
        places = {
            "twice": (307, operator.url + RETRIEVE),
            "other origin": (307, other.url + RETRIEVE),
            "in clear": (308, f"http://localhost:{operator.server.port}{RETRIEVE}"),
            "other host": (308, f"https://127.0.0.1:{operator.server.port}{RETRIEVE}"),
            "nowhere": (307, ""),
            "with a password": (307, f"https://u:p@localhost:{operator.server.port}{RETRIEVE}"),
            "to a file": (307, "file:///etc/passwd"),
            "301": (301, operator.url + RETRIEVE),
            "302": (302, operator.url + RETRIEVE),
        }
        with net.source(f"nef:{operator.url}") as source:
            for name, (status, place) in places.items():
                before = len(operator.requests)
                headers = {"location": place} if place else {}
                operator.answer = always(status=status, headers=headers)
                answer = source.look(operator.subscribers[0].a_kid)
                assert answer.startswith("refused "), name
                asked = len(operator.requests) - before
                assert asked == (2 if name == "twice" else 1), name
        assert other.requests == []


def test_redirect_to_a_named_origin(net: Net, tmp_path: Path) -> None:
    """Guards against a redirect that takes the access token to another origin."""
    subscriber = Subscriber()
    with net.operator(token=True) as operator, net.operator() as other:
        other.add(subscriber)
        operator.answer = lambda request, true: (
            true
            if request["path"] == TOKEN
            else {"status": 307, "headers": {"location": other.url + RETRIEVE}}
        )
        options = (*token_options(operator, tmp_path), "--source-redirect", other.url)
        with net.source(f"nef:{operator.url}", options=options) as source:
            assert source.look(subscriber.a_kid).startswith("found ")
        assert len(other.requests) == 1
        assert "authorization" not in other.requests[0]["headers"]
        assert "authorization" in operator.asked()[0]["headers"]


# Asked to wait


@pytest.mark.parametrize("status", [429, 503])
def test_retry_after(net: Net, operator: Operator, tmp_path: Path, status: int) -> None:
    """Guards against an operator that is asked before the time of its Retry-After, or not after it."""
    subscriber, clock = operator.subscribers[0], Clock(tmp_path)
    with net.source(f"nef:{operator.url}", environment=clock.environment) as source:
        operator.answer = always(status=status, headers={"retry-after": "600"})
        assert source.look(subscriber.a_kid).startswith("refused ")
        operator.answer = None
        for passed in (0, 300):
            clock.pass_to(passed)
            assert "Retry-After" in source.look(subscriber.a_kid)
        clock.pass_to(601)
        assert source.look(subscriber.a_kid).startswith("found ")
        assert len(operator.requests) == 2


def http_date(seconds: float) -> str:
    """A date of HTTP (RFC 9110 5.6.7) so many seconds from now."""
    return email.utils.formatdate(time.time() + seconds, usegmt=True)


def test_retry_after_as_a_date(net: Net, operator: Operator, tmp_path: Path) -> None:
    """Guards against a Retry-After with a date before which the operator is asked again."""
    subscriber, clock = operator.subscribers[0], Clock(tmp_path)
    with net.source(f"nef:{operator.url}", environment=clock.environment) as source:
        operator.answer = always(status=503, headers={"retry-after": http_date(600)})
        assert source.look(subscriber.a_kid).startswith("refused ")
        operator.answer = None
        for passed in (0, 300):
            clock.pass_to(passed)
            assert "Retry-After" in source.look(subscriber.a_kid)
        clock.pass_to(601)
        assert source.look(subscriber.a_kid).startswith("found ")
        assert len(operator.requests) == 2


def test_retry_after_an_hour_at_most(net: Net, operator: Operator) -> None:
    """Guards against an operator whose Retry-After stops look-ups for more than an hour."""
    with net.source(f"nef:{operator.url}") as source:
        operator.answer = always(status=429, headers={"retry-after": "1000000"})
        assert source.look(operator.subscribers[0].a_kid).startswith("refused ")
        assert "seconds=3600" in source.wait_for_error("event=source-paused interface=nef")


NO_TIMES = {"none": None, "0": "0", "negative": "-5", "no date": "soon", "past": http_date(-60)}


@pytest.mark.parametrize("value", NO_TIMES.values(), ids=NO_TIMES.keys())
def test_retry_after_that_says_no_time(net: Net, operator: Operator, value: str | None) -> None:
    """Guards against a Retry-After without a time that pauses look-ups anyway."""
    subscriber = operator.subscribers[0]
    with net.source(f"nef:{operator.url}") as source:
        operator.answer = always(status=503, headers={"retry-after": value} if value else {})
        assert source.look(subscriber.a_kid).startswith("refused ")
        operator.answer = None
        assert source.look(subscriber.a_kid).startswith("found ")


def test_retry_after_of_the_token_server(net: Net, tmp_path: Path) -> None:
    """Guards against a token server that is asked before the time of its Retry-After, or not after it."""
    subscriber, clock = Subscriber(), Clock(tmp_path)
    with net.operator(token=True) as operator:
        operator.add(subscriber)
        with net.source(
            f"nef:{operator.url}",
            options=token_options(operator, tmp_path),
            environment=clock.environment,
        ) as source:
            operator.answer = always(status=429, headers={"retry-after": "600"})
            assert "429" in source.look(subscriber.a_kid)
            operator.answer = None
            for passed in (0, 300):
                clock.pass_to(passed)
                assert "Retry-After" in source.look(subscriber.a_kid)
            clock.pass_to(601)
            assert source.look(subscriber.a_kid).startswith("found ")
        assert [request["path"] for request in operator.requests] == [TOKEN, TOKEN, RETRIEVE]


# The cache


def test_cache(net: Net, operator: Operator, tmp_path: Path) -> None:
    """Guards against a key that is asked for again while it is good, or is served after its end, its lifetime or a revocation."""
    subscriber, clock = operator.subscribers[0], Clock(tmp_path)
    lifetime = ("--key-lifetime", "600")
    with net.source(
        f"nef:{operator.url}", options=lifetime, environment=clock.environment
    ) as source:
        answers = {source.look(subscriber.a_kid, peer=f"192.0.2.{n}") for n in range(20)}
        assert len(answers) == 1 and len(operator.requests) == 1
        clock.pass_to(601)
        assert source.look(subscriber.a_kid).startswith("found ")
        assert len(operator.requests) == 2
        source.forget(subscriber.a_kid)
        operator.lifetime = 601 + 300
        assert source.look(subscriber.a_kid).startswith("found ")
        assert len(operator.requests) == 3
        clock.pass_to(601 + 301)
        operator.lifetime = 3600
        assert source.look(subscriber.a_kid).startswith("found ")
        assert len(operator.requests) == 4


def test_one_question_for_all(net: Net, operator: Operator) -> None:
    """Guards against many requests to the operator for one key, or a client whose leaving takes it from the others."""
    subscriber, other = operator.subscribers[0], Subscriber(supi="001010000000002")
    operator.add(other)
    withheld = Withheld(operator, subscriber)
    with net.source(f"nef:{operator.url}") as source:
        labels = [source.start(subscriber.a_kid) for _ in range(50)]
        for label in labels[::2]:
            source.cancel(label)
        for _ in range(2):  # each of the two loops has taken all that was said before
            assert source.look(other.a_kid).startswith("found ")
        withheld.release()
        answers = [source.wait_for(label) for label in labels[1::2]]
        assert {key_of(answer) for answer in answers} == {subscriber.k_af(NAF_ID).hex()}
        assert source.look(subscriber.a_kid).startswith("found ")
        assert not any(label in source.answers for label in labels[::2])
    assert sum(subscriber.a_kid in request["body"] for request in operator.requests) == 1


def test_cancelled_while_the_answer_is_on_its_way(net: Net, operator: Operator) -> None:
    """Guards against a look-up that was cancelled and is answered all the same."""
    subscriber = operator.subscribers[0]
    with net.source(f"nef:{operator.url}") as source:
        assert source.look(subscriber.a_kid).startswith("found ")
        for _ in range(1000):
            label = next(source.labels)
            line = f"{label} akma {subscriber.a_kid} 127.0.0.1\n{label} cancel\n"
            source.write(line.encode())
        assert source.look(subscriber.a_kid).startswith("found ")
    assert len(operator.requests) == 1


def test_forgotten_while_it_is_asked(net: Net, operator: Operator) -> None:
    """Guards against a key that was revoked while it was asked for being kept."""
    subscriber = operator.subscribers[0]
    withheld = Withheld(operator, subscriber)
    with net.source(f"nef:{operator.url}") as source:
        label = source.start(subscriber.a_kid)
        wait_until(lambda: withheld.kept)
        source.forget(subscriber.a_kid)
        withheld.release()
        assert "revoked" in source.wait_for(label)
        assert source.look(subscriber.a_kid).startswith("found ")
    assert len(operator.requests) == 2


# Floods


@pytest.mark.parametrize("sources", [1, 250])
def test_flood(net: Net, operator: Operator, sources: int) -> None:
    """Guards against made-up identities that exceed the operator's rate, or delay known and new devices."""
    known, new = operator.subscribers[0], Subscriber(supi="001010000000002")
    operator.add(new)
    limits = ("--lookups-per-second", "20", "--lookups-per-source", "10")
    with net.source(f"nef:{operator.url}", options=limits) as source:
        assert source.look(known.a_kid, peer="203.0.113.1").startswith("found ")
        begun = time.monotonic()
        made_up, label, cached = 0, 0, []
        while made_up < 2000 or len(operator.requests) < 60:
            for _ in range(50):
                made_up += 1
                source.start(f"{made_up}@flood", peer=f"198.51.100.{made_up % sources}")
            asked = len(operator.requests)
            if label == 0 and asked > 30:
                asked_before = asked
                label = source.start(new.a_kid, peer="203.0.113.2")
            assert source.look(known.a_kid, peer="203.0.113.1").startswith("found ")
            cached.append(len(operator.requests) - asked)
            time.sleep(0.02)
        assert source.wait_for(label).startswith("found ")
    place = next(n for n, seen in enumerate(operator.requests) if new.a_kid in seen["body"])
    # how long something took is told by what the operator was asked meanwhile, at most twenty questions a second
    assert place - asked_before < 100
    assert statistics.median(cached) < 20
    for second in range(1, int(operator.times[-1] - begun) + 2):
        within = sum(moment - begun < second for moment in operator.times[1:])
        assert within <= (20 if sources > 1 else 11) * (second + 1)


# Speed


def test_a_thousand_identities(net: Net, operator: Operator) -> None:
    """Guards against look-ups over more than one connection, one after the other, or more than a hundred at a time."""
    subscribers = [Subscriber(supi=f"00101000001{n:04}") for n in range(1000)]
    operator.add(*subscribers)
    known = {subscriber.a_kid: subscriber.k_af(NAF_ID).hex() for subscriber in subscribers}
    operator.answer = lambda request, true: true | {"delay": 50}
    limits = (
        *("--lookups-per-second", "10000", "--lookups-per-source", "10000"),
        *("--source-timeout", "60"),
    )
    with net.source(f"aanf:{operator.url}", options=limits) as source:
        labels = {a_kid: source.start(a_kid) for a_kid in known}
        for a_kid, label in labels.items():
            assert key_of(source.wait_for(label)) == known[a_kid]
    connections = {request["connection"] for request in operator.requests}
    most = max(request["waiting"] for request in operator.requests)
    print(f"{len(operator.requests)} identities: {len(connections)} connection, {most} in flight")
    assert len(connections) == 1 and len(operator.requests) == 1000
    assert {request["version"] for request in operator.requests} == {"2.0"}
    assert 50 < most <= 100


def test_a_server_that_takes_ten_at_a_time(net: Net) -> None:
    """Guards against questions beyond a server's number of streams failing instead of waiting."""
    subscribers = [Subscriber(supi=f"00101000001{n:04}") for n in range(60)]
    with net.operator(versions="h2-small") as operator:
        operator.add(*subscribers)
        operator.answer = lambda request, true: true | {"delay": 50}
        limits = ("--lookups-per-source", "100")
        with net.source(f"nef:{operator.url}", options=limits) as source:
            labels = [source.start(subscriber.a_kid) for subscriber in subscribers]
            for label in labels:
                assert source.wait_for(label).startswith("found ")


# Options and files


def test_options_that_make_no_sense(net: Net, tmp_path: Path) -> None:
    """Guards against options of a source that contradict each other and are taken, or whose error names none."""
    files = identity_options(net.client_files, net.authority.file)
    nef, token = "nef:https://nef.example.com", "https://nef.example.com/oauth2/token"
    secret = str(secret_file(tmp_path))
    notify = ["--notify-accept", "127.0.0.1:0", "--notify-name", "nef"]
    uri = ["--notify-uri", "https://naf.example.com/n"]
    instance = "4947a69a-f61b-4bc1-b9da-47c9c5d14b64"
    wrong: dict[str, list[str]] = {
        "--source-cert": ["--source-cert", "x"],
        "--lookups-per-second": ["--lookups-per-second", "5"],
        "--key-source needs": ["--key-source", nef],
        "a source for AKMA is given already": [
            *["--key-source", nef, "--key-source", "aanf:https://aanf.example.com", *files]
        ],
        "is given more than": [word for _ in range(3) for word in ("--key-source", nef)],
        "--key-source nef:http:": ["--key-source", "nef:http://nef.example.com", *files],
        "--key-source hss:": ["--key-source", "hss:https://nef.example.com", *files],
        "--key-source nef:https://u:p@": [
            "--key-source",
            "nef:https://u:p@nef.example.com",
            *files,
        ],
        "belong together": ["--key-source", nef, *files, "--token-url", token],
        "takes the place of": [
            *["--key-source", nef, *files, "--token-url", token, "--nf-instance-id", instance],
            *["--client-id", "x"],
        ],
        "must be a UUID": [
            "--key-source",
            nef,
            *files,
            "--token-url",
            token,
            "--nf-instance-id",
            "7",
        ],
        "without --token-url": ["--key-source", nef, *files, "--nf-instance-id", instance],
        "--scope has no effect": ["--key-source", nef, *files, "--scope", "x"],
        "--token-url http:": [
            *[
                "--key-source",
                nef,
                *files,
                "--token-url",
                "http://x.example.com",
                "--client-id",
                "x",
            ],
            *["--client-secret-file", secret],
        ],
        "--source-redirect": ["--key-source", nef, *files, "--source-redirect", "elsewhere"],
        "--source-timeout 0": ["--key-source", nef, *files, "--source-timeout", "0"],
        "--af-id has no effect": [
            "--key-source",
            "bsf:https://b.example.com",
            *files,
            "--af-id",
            "x",
        ],
        "--notify-accept, --notify-name and": ["--key-source", nef, *files, *notify],
        "only a NEF or an AAnF": [
            "--key-source",
            "bsf:https://b.example.com",
            *files,
            *notify,
            *uri,
        ],
        "--source-anonymous has no effect": [
            *["--key-source", "bsf:https://b.example.com", *files, "--source-anonymous"]
        ],
        "with --source-anonymous no device is named": [
            *["--key-source", nef, *files, "--source-anonymous", "--device-name", "gpsi"]
        ],
        "--scope TEXT is missing": [
            *["--key-source", nef, *files, "--source-anonymous"],
            *["--token-url", token, "--nf-instance-id", instance],
        ],
    }
    program = BUILD / "test/programs/key_source"
    for said, words in wrong.items():
        result = subprocess.run(
            [program, *words], capture_output=True, text=True, timeout=20, check=False
        )
        assert result.returncode == 2 and said in result.stderr, (said, result.stderr)


def test_files_that_cannot_be_used(net: Net, tmp_path: Path) -> None:
    """Guards against a source with a key or secret that others can read, a wrong key or a missing file."""
    other, _ = net.authority.issue("stranger")
    certificate, key = net.client_files
    readable = tmp_path / "readable.key"
    readable.write_bytes(key.read_bytes())
    readable.chmod(0o644)
    secret = secret_file(tmp_path)
    secret.chmod(0o660)
    token = ["--token-url", "https://t.example.com", "--client-id", "x"]
    nothing = tmp_path / "nothing"
    cases: list[tuple[str, tuple[Path, Path], Path, list[str]]] = [
        ("--source-key", (certificate, readable), net.authority.file, []),
        ("--source-key", (other, key), net.authority.file, []),
        ("--source-cert", (nothing, key), net.authority.file, []),
        ("--source-ca", (certificate, key), nothing, []),
        (
            "--client-secret-file",
            net.client_files,
            net.authority.file,
            [*token, "--client-secret-file", str(secret)],
        ),
    ]
    for said, pair, ca, words in cases:
        source = ["--key-source", "nef:https://nef.example.com"]
        result = subprocess.run(
            [BUILD / "test/programs/key_source", *source, *identity_options(pair, ca), *words],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
        )
        assert result.returncode == 1 and said in result.stderr, (said, result.stderr)
