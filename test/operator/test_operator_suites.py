"""A key for each Ua security protocol, from an operator's network: TLS 1.3, and the suites of TLS 1.2 and DTLS 1.2.

SPDX-License-Identifier: Apache-2.0
"""

import json
import threading
from pathlib import Path

import pytest

import reference
from datagrams import SUITES
from evp import BUILD
from flow import FQDN, LOOPBACK, NAF_ID, Process, run_to_end, ue, wait_until
from operator_network import Operator, Reply, Request, Subscriber
from operator_site import AKMA, OperatorSite

pytestmark = [pytest.mark.node, pytest.mark.slow]

EPHEMERAL = [suite for suite in SUITES if suite.startswith("ECDHE")]
NONCE = b'{"nonce":"000102030405060708090a0b0c0d0e0f"}\n'
TLS12 = ("--tls-min", "1.2")


def naf_id_of(suite: str) -> bytes:
    """TS 33.220 H.3."""
    return FQDN.encode() + bytes.fromhex(SUITES[suite])


def ks_naf_of(subscriber: Subscriber, naf_id: bytes) -> bytes:
    """What the subscriber's UE has for it."""
    return reference.ks_naf(subscriber.ks, subscriber.rand, subscriber.impi, naf_id)


def by_suite(suite: str) -> list[str]:
    """e2e-ue's options for a key of that suite."""
    return [*TLS12, "--ua-protocol-id", "suite", "--dtls-ciphers", suite]


@pytest.fixture
def site(tmp_path: Path) -> OperatorSite:
    """With a CA of its own."""
    return OperatorSite(tmp_path)


def test_a_key_for_each_version_and_suite(site: OperatorSite) -> None:
    """Guards against one Ks_NAF for two versions of TLS or two suites, or one e2e_key with another's NAF_Id."""
    subscriber = Subscriber()
    with site.operator(subscriber) as operator:
        operator.other_naf_ids = {naf_id_of(suite) for suite in EPHEMERAL}
        source, names = f"bsf:{operator.url}", [subscriber.impi]
        with site.server(source, options=TLS12, names=names) as server:
            to = (subscriber.b_tid, server.address, server.e2e_address)
            for suite in EPHEMERAL:
                device = site.device(subscriber.b_tid, ks_naf_of(subscriber, naf_id_of(suite)))
                result = ue(device, *to, *by_suite(suite))
                assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr
                others = [by_suite(each) for each in EPHEMERAL if each != suite]
                others.append([])  # TLS 1.3
                for other in others:
                    assert ue(device, *to, *other).returncode == 4
            device = site.device(subscriber.b_tid, ks_naf_of(subscriber, NAF_ID))
            assert ue(device, *to).stdout == "e2e: hello\n"
            for suite in EPHEMERAL:
                assert ue(device, *to, *by_suite(suite)).returncode == 4
            for ua in ("0100000007", *(SUITES[suite] for suite in EPHEMERAL)):
                server.wait_for_error(f"ua-protocol-id={ua}")
        asked = {json.loads(each["body"])["nafId"]["uaSecProtId"] for each in operator.requests}
        assert asked == {"0100000007", *(SUITES[suite] for suite in EPHEMERAL)}
        assert operator.faults == [] and len(operator.requests) == 3


def test_tls13_where_a_client_has_it(site: OperatorSite) -> None:
    """Guards against a client that offers both versions and gets the older one, or its key (downgrade)."""
    subscriber = Subscriber()
    key = ks_naf_of(subscriber, NAF_ID)
    with site.operator(subscriber) as operator:
        operator.other_naf_ids = {naf_id_of(suite) for suite in EPHEMERAL}
        source, names = f"bsf:{operator.url}", [subscriber.impi]
        with site.server(source, options=TLS12, names=names) as server:
            with Process(
                *["openssl", "s_client", "-connect", server.address, "-no_ign_eof"],
                *["-cipher", EPHEMERAL[0], "-ciphersuites", "TLS_AES_128_GCM_SHA256"],
                *["-psk_identity", f"3GPP-bootstrapping.{subscriber.b_tid}", "-psk", key.hex()],
            ) as client:
                client.write(NONCE)
                server.wait_for_error("ua-protocol-id=0100000007")
                while b"TLSv1.3" not in (line := client.read()):
                    assert b"TLSv1.2" not in line


@pytest.mark.parametrize("kind", ["bsf", "aanf"])
def test_suites_over_dtls(site: OperatorSite, kind: str) -> None:
    """Guards against two suites of one DTLS server that share a key, or an AAnF that is not told which is meant."""
    subscriber = Subscriber()
    options = ["--af-id", f"{FQDN}/{{ua}}"] if kind == "aanf" else []
    name = subscriber.impi if kind == "bsf" else subscriber.gpsi or ""
    with site.operator(subscriber) as operator:
        operator.other_naf_ids = {naf_id_of(suite) for suite in EPHEMERAL}
        operator.other_af_ids = {f"{FQDN}/{SUITES[each]}": naf_id_of(each) for each in EPHEMERAL}
        words = [*site.sources(f"{kind}:{operator.url}"), *options]
        here = f"udp:{LOOPBACK}:0"
        with Process(
            *[str(BUILD / "e2e/e2e-as"), "--accept", here, "--naf-fqdn", FQDN, *words],
            *["--devices", str(site.write_names([name])), "--drain-timeout", "0"],
        ) as server:
            address = server.read().decode().split()[1]
            for suite in EPHEMERAL:
                naf_id = naf_id_of(suite)
                is_gba = kind == "bsf"
                identity = subscriber.b_tid if is_gba else subscriber.a_kid
                key = ks_naf_of(subscriber, naf_id) if is_gba else subscriber.k_af(naf_id)
                device = site.device(identity, key)
                more = [*([] if is_gba else AKMA), "--dtls-ciphers", suite]
                result = ue(device, identity, address, None, *more)
                assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr
                assert "warning: --af-id" not in server.errors
        assert operator.faults == [] and len(operator.requests) == 2


def test_an_operator_that_is_not_told(site: OperatorSite) -> None:
    """Guards against one K_AF for TLS 1.2 and 1.3, because AF_ID is the FQDN alone."""
    with site.operator(Subscriber()) as operator:
        words = [str(BUILD / "e2e/e2e-as"), "--accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN, *TLS12]
        words += ["--devices", str(site.write_names(["x"])), *site.sources(f"aanf:{operator.url}")]
        checks: list[list[str]] = [[], ["--check"]]
        for check in checks:
            result = run_to_end(*words, *check)
            assert result.returncode != 0
            assert "one K_AF would serve TLS 1.2 and TLS 1.3" in result.stderr
        words[words.index("--tls-min") : words.index("--tls-min") + 2] = []
        words[words.index("--accept") + 1] = f"udp:{LOOPBACK}:0"
        with Process(*words) as server:
            server.wait_for_error("warning: --af-id")


class Gate:
    """Holds the answers about one identity until it is opened."""

    def __init__(self, operator: Operator, identity: str) -> None:
        self.identity = identity
        self.is_open, self.has_come = threading.Event(), threading.Event()
        operator.answer = self._answer

    def _answer(self, request: Request, reply: Reply) -> Reply | None:
        if self.identity in request["body"]:
            self.has_come.set()
            self.is_open.wait(30)
        return reply


def first_of(server: Process, address: str, subscriber: Subscriber) -> Process:
    """A first connection of TLS 1.2."""
    suite = EPHEMERAL[0]
    client = Process(
        *["openssl", "s_client", "-connect", address, "-quiet", "-no_ign_eof", "-tls1_2"],
        *["-cipher", suite, "-psk_identity", f"3GPP-bootstrapping.{subscriber.b_tid}"],
        *["-psk", ks_naf_of(subscriber, naf_id_of(suite)).hex()],
    )
    client.write(NONCE)
    return client


def test_a_slow_operator(site: OperatorSite) -> None:
    """Guards against a look-up over TLS 1.2 that holds up others, or does not go on when its answer is there."""
    known, slow = Subscriber(), Subscriber(supi="001010000000002")
    with site.operator(known, slow) as operator:
        operator.other_naf_ids = {naf_id_of(suite) for suite in EPHEMERAL}
        gate = Gate(operator, slow.b_tid)
        names = [known.impi, slow.impi]
        options = (*TLS12, "--source-timeout", "30")
        with site.server(f"bsf:{operator.url}", options=options, names=names) as server:
            with first_of(server, server.address, known) as client:
                assert b'"e2e":1' in client.read()
            with first_of(server, server.address, slow) as held:
                assert gate.has_come.wait(30)
                with first_of(server, server.address, known) as client:
                    assert b'"e2e":1' in client.read()
                assert held.out.empty()
                gate.is_open.set()
                assert b'"e2e":1' in held.read()


def test_an_operator_that_never_answers(site: OperatorSite) -> None:
    """Guards against a paused TLS 1.2 handshake whose end tells its client why, or ends the server."""
    slow = Subscriber()
    with site.operator(slow) as operator:
        operator.other_naf_ids = {naf_id_of(suite) for suite in EPHEMERAL}
        gate = Gate(operator, slow.b_tid)
        options = (*TLS12, "--source-timeout", "30", "--handshake-timeout", "1")
        with site.server(f"bsf:{operator.url}", options=options, names=[slow.impi]) as server:
            with first_of(server, server.address, slow) as client:
                assert gate.has_come.wait(30)
                server.wait_for_error("the handshake was not complete in time")
                wait_until(lambda: client.process.poll() is not None)
                assert "alert" not in client.last_words
            gate.is_open.set()
            with first_of(server, server.address, slow) as client:
                assert b'"e2e":1' in client.read()
