"""Keys from an operator's network, with the whole flow: e2e-as, e2e-ue and the stand-in.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import json
import math
import re
import subprocess
import time
from pathlib import Path

import pytest

import reference
from clock import Clock
from evp import BUILD
from flow import (
    FQDN,
    LONG,
    LOOPBACK,
    NAF_ID,
    Process,
    Server,
    StockClient,
    metric,
    run_to_end,
    split,
    ue,
    wait_until,
)
from openssl_cli import derived, kdf
from operator_network import PROBLEM, HttpsServer, Reply, Request, Subscriber, expiry
from operator_site import AKMA, KA, OperatorSite

pytestmark = [pytest.mark.node, pytest.mark.slow]

UICC = ["--identity-prefix", "3GPP-bootstrapping-uicc"]


@pytest.fixture
def operator_site(tmp_path: Path) -> OperatorSite:
    """With a CA of its own."""
    return OperatorSite(tmp_path)


def test_from_k_ausf_to_an_echoed_line(operator_site: OperatorSite) -> None:
    """Guards against an AKMA key that UE and NAF derive differently from K_AUSF, or that a log shows."""
    subscriber = Subscriber()
    k_ausf, supi = f"hexkey:{subscriber.k_ausf.hex()}", f"supi:{subscriber.supi}"
    k_akma = derived(kdf("AKMA-K-AKMA", 32, [k_ausf, supi]))
    a_tid = derived(kdf("AKMA-A-TID", 32, [k_ausf, supi]))
    naf_id = [f"naf-fqdn:{FQDN}", "hexua-protocol-id:0100000007"]
    k_af = derived(kdf("AKMA-K-AF", 32, [f"hexkey:{k_akma.hex()}", *naf_id]))
    a_kid = f"0001.{base64.b64encode(a_tid).decode().rstrip('=')}@{subscriber.realm}"
    for kind in ("nef", "aanf"):
        with operator_site.operator(subscriber) as operator:
            source = f"{kind}:{operator.url}"
            with operator_site.server(source, names=[subscriber.gpsi or ""]) as server:
                device = operator_site.device(a_kid, k_af)
                result = ue(device, a_kid, server.address, server.e2e_address, *AKMA)
                assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr
            assert operator.faults == [] and len(operator.requests) == 1
        for secret in (subscriber.k_ausf, k_akma, k_af, KA):
            assert secret.hex() not in server.errors.lower()


def test_gba_me_and_uicc(operator_site: OperatorSite) -> None:
    """Guards against a Ks_ext_NAF or Ks_int_NAF of a BSF that is taken for the other, or a Ka that is not the IMPI's."""
    subscriber = Subscriber()
    rand, impi = f"hexrand:{subscriber.rand.hex()}", f"impi:{subscriber.impi}"
    inputs = [f"hexkey:{subscriber.ks.hex()}", rand, impi, f"hexnaf-id:{NAF_ID.hex()}"]
    with operator_site.operator(subscriber) as operator:
        with operator_site.server(f"bsf:{operator.url}", names=[subscriber.impi]) as server:
            for prefix, algorithm in (
                ("3GPP-bootstrapping", "GBA-KS-NAF"),
                ("3GPP-bootstrapping-uicc", "GBA-KS-INT-NAF"),
            ):
                device = operator_site.device(subscriber.b_tid, derived(kdf(algorithm, 32, inputs)))
                result = ue(
                    device,
                    subscriber.b_tid,
                    server.address,
                    server.e2e_address,
                    *["--identity-prefix", prefix],
                )
                assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr
        assert operator.faults == [] and len(operator.requests) == 1


def test_akma_and_android(operator_site: OperatorSite) -> None:
    """Guards against one server that confuses K_AF, Ks_ext_NAF and Ks_int_NAF, or the identifiers of AKMA and GBA."""
    subscriber = Subscriber()
    android = "0100011301"
    gba_id = FQDN.encode() + bytes.fromhex(android)
    of = (subscriber.ks, subscriber.rand, subscriber.impi, gba_id)
    identifiers = ("--ua-protocol-id", "akma:0100000007", "--ua-protocol-id", f"gba:{android}")
    names = [subscriber.gpsi or "", subscriber.impi]
    with operator_site.operator(subscriber, gba_naf_id=gba_id) as operator:
        sources = (f"nef:{operator.url}", f"bsf:{operator.url}")
        with operator_site.server(*sources, options=identifiers, names=names) as server:
            for identity, key, words in (
                (subscriber.a_kid, subscriber.k_af(NAF_ID), AKMA),
                (subscriber.b_tid, reference.ks_naf(*of), ["--ua-protocol-id", android]),
                (
                    subscriber.b_tid,
                    reference.ks_int_naf(*of),
                    [*UICC, "--ua-protocol-id", android],
                ),
            ):
                device = operator_site.device(identity, key)
                result = ue(device, identity, server.address, server.e2e_address, *words)
                assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr
        assert operator.faults == [] and len(operator.requests) == 2


def test_anonymous(operator_site: OperatorSite) -> None:
    """Guards against a UE that the operator does not name and that gets e2e without saying who it is."""
    subscriber = Subscriber(gpsi=None)

    def without_supi(request: Request, true: Reply) -> Reply:
        body = json.loads(true["body"])
        body.pop("supi")
        return true | {"body": json.dumps(body)}

    with operator_site.operator(subscriber) as operator:
        operator.answer = without_supi
        with operator_site.server(f"nef:{operator.url}", names=["device-7"]) as server:
            device = operator_site.device(subscriber.a_kid, subscriber.k_af(NAF_ID))
            to = (subscriber.a_kid, server.address, server.e2e_address, *AKMA)
            assert ue(device, *to, "--device", "device-7").stdout == "e2e: hello\n"
            assert ue(device, *to).returncode == 3
            assert ue(device, *to, "--device", "device-8").returncode == 3
    for bad in ("", "x" * 256):
        result = ue(device, *to, "--device", bad)
        assert result.returncode == 2 and "--device" in result.stderr


def test_source_anonymous(operator_site: OperatorSite) -> None:
    """Guards against a UE that --source-anonymous keeps from saying whose Ka it has, or that gets another device's."""
    subscriber = Subscriber()
    with operator_site.operator(subscriber) as operator:
        source = f"nef:{operator.url}"
        options = ("--source-anonymous",)
        with operator_site.server(source, options=options, names=["device-7"]) as server:
            device = operator_site.device(subscriber.a_kid, subscriber.k_af(NAF_ID))
            to = (subscriber.a_kid, server.address, server.e2e_address, *AKMA)
            assert ue(device, *to, "--device", "device-7").stdout == "e2e: hello\n"
            assert ue(device, *to, "--device", subscriber.gpsi or "").returncode == 3
        assert operator.faults == [] and len(operator.requests) == 1
        assert json.loads(operator.requests[0]["body"])["anonInd"] is True


def test_device_name(operator_site: OperatorSite) -> None:
    """Guards against a --device-name that does not decide whose Ka a device gets, or that is taken without a source for it."""
    subscriber = Subscriber()
    supi = f"imsi-{subscriber.supi}"
    device = operator_site.device(subscriber.a_kid, subscriber.k_af(NAF_ID))
    for name, options, known in (
        ("supi", ("--device-name", "supi"), supi),
        ("gpsi", ("--device-name", "gpsi"), subscriber.gpsi or ""),
        ("by default", (), subscriber.gpsi or ""),
    ):
        with operator_site.operator(subscriber) as operator:
            source = f"nef:{operator.url}"
            with operator_site.server(source, options=options, names=[known]) as server:
                to = (subscriber.a_kid, server.address, server.e2e_address, *AKMA)
                assert ue(device, *to).stdout == "e2e: hello\n", name
                assert f"device={known}" in server.wait_for_error("event=flag")
    for options, said in (
        (("--device-name", "imei"), "--device-name imei: must be gpsi, supi or impi"),
        (("--device-name", "impi"), "--device-name impi has no effect without a GBA source"),
    ):
        command = [f"{BUILD}/e2e/e2e-as", "--accept", "127.0.0.1:0", "--naf-fqdn", FQDN]
        words = operator_site.sources("nef:https://nef.example.com")
        result = run_to_end(
            *command, "--devices", operator_site.write_names(["x"]), *words, *options
        )
        assert result.returncode == 2 and said in result.stderr


def test_names_in_what_the_operator_says(operator_site: OperatorSite) -> None:
    """Guards against a name in an operator's error text that --log-identities hash lets through."""
    subscriber = Subscriber()
    names = [subscriber.a_kid, f"imsi-{subscriber.supi}", subscriber.impi, "msisdn-4915112345678"]
    detail = (
        f"no key for {names[0]}, nor ({names[1]}): ask '{names[2]}', {names[3]} at 127.0.0.1:44331."
    )
    problem = {"status": 403, "cause": "NOT_ALLOWED", "detail": detail}

    def refuse(request: Request, true: Reply) -> Reply:
        return {"status": 403, "headers": PROBLEM, "body": json.dumps(problem)}

    key = subscriber.k_af(NAF_ID)
    with operator_site.operator(subscriber) as operator:
        operator.answer = refuse
        for how in ("full", "hash"):
            options = ("--log-identities", how)
            with operator_site.server(
                f"nef:{operator.url}", options=options, names=["x"]
            ) as server:
                with StockClient(server.address, "3GPP-AKMA" + subscriber.a_kid, key) as nobody:
                    assert nobody.read() == b""
                line = server.wait_for_error("event=source-failed")
                server.wait_for_error("event=source ")
            assert "cause: NOT_ALLOWED, detail: no key for" in line and "127.0.0.1:44331" in line
            for name in names:
                assert (name in line) == (name in server.errors) == (how == "full")
            identity = re.search(r" identity=(\S+)", line)
            assert identity and f"no key for {identity[1]}, nor" in line, "the same hash"


def test_identities_that_nobody_is_asked_for_in_a_handshake(operator_site: OperatorSite) -> None:
    """Guards against an identity that no A-KID can be, and that the operator is asked for."""
    with operator_site.operator(Subscriber()) as operator:
        with operator_site.server(f"nef:{operator.url}", names=["device-7"]) as server:
            for identity in ("a b@c", 'a"b@c', "a\\b@c", "a\x01b@c", "a\x7fb@c"):
                with StockClient(server.address, "3GPP-AKMA" + identity, bytes(32)) as nobody:
                    assert nobody.read() == b""
        assert operator.requests == []


def test_another_name_than_the_operators(operator_site: OperatorSite) -> None:
    """Guards against a device being given the Ka of another name than the operator's."""
    subscriber = Subscriber()
    with operator_site.operator(subscriber) as operator:
        names = [subscriber.gpsi or "", "device-7"]
        with operator_site.server(f"nef:{operator.url}", names=names) as server:
            device = operator_site.device(subscriber.a_kid, subscriber.k_af(NAF_ID))
            to = (subscriber.a_kid, server.address, server.e2e_address, *AKMA)
            assert ue(device, *to, "--device", names[0]).returncode == 0
            result = ue(device, *to, "--device", "device-7")
            assert result.returncode == 5 and result.stdout == ""


@pytest.mark.parametrize("status", [204, 403, 500, 429])
def test_refused_and_never_in_plain(operator_site: OperatorSite, status: int) -> None:
    """Guards against an operator's refusal or error with which a UE goes on in plain."""
    subscriber = Subscriber()
    with operator_site.operator(subscriber) as operator:
        operator.answer = lambda request, true: {"status": status}
        options = ("--e2e", "offered")
        with operator_site.server(f"nef:{operator.url}", options=options, names=["x"]) as server:
            device = operator_site.device(subscriber.a_kid, subscriber.k_af(NAF_ID))
            result = ue(device, subscriber.a_kid, server.address, server.e2e_address, *AKMA)
            assert (result.returncode, result.stdout) == (4, "")


@pytest.mark.parametrize("cause,is_up", [("NOT_ALLOWED", 1), (None, 0)])
def test_what_a_403_says_of_the_operator(
    operator_site: OperatorSite, cause: str | None, is_up: int
) -> None:
    """Guards against a 403 with a cause (TS 29.571 5.2.4.1) taken for an outage, or one without for the UE's fault."""
    subscriber = Subscriber()
    body = json.dumps({"status": 403} | ({"cause": cause} if cause else {}))
    with operator_site.operator(subscriber) as operator:
        operator.answer = lambda request, true: {"status": 403, "headers": PROBLEM, "body": body}
        options = ("--metrics", f"{LOOPBACK}:0")
        with operator_site.server(f"nef:{operator.url}", options=options, names=["x"]) as server:
            address = server.read().decode().removeprefix("metrics ")
            key = subscriber.k_af(NAF_ID)
            with StockClient(server.address, "3GPP-AKMA" + subscriber.a_kid, key) as nobody:
                assert nobody.read() == b""
            assert metric(address, 'e2e_source_up{system="akma"}') == is_up


def test_a_key_that_ends(operator_site: OperatorSite, tmp_path: Path) -> None:
    """Guards against a flag that is issued, or a key that the cache serves, after the operator's expiry."""
    subscriber = Subscriber()
    with operator_site.operator(subscriber) as operator:
        clock = Clock(tmp_path)
        with operator_site.server(
            f"nef:{operator.url}", names=[subscriber.gpsi or ""], environment=clock.environment
        ) as server:
            key = subscriber.k_af(NAF_ID)
            device = operator_site.device(subscriber.a_kid, key)
            to = (subscriber.a_kid, server.address, server.e2e_address, *AKMA)
            assert ue(device, *to).returncode == 0
            with StockClient(server.address, "3GPP-AKMA" + subscriber.a_kid, key) as first:
                clock.step(int(operator.lifetime) + 2)
                first.write(b'{"nonce":"' + b"00" * 16 + b'"}\n')
                assert first.read() == b""
            operator.answer = lambda request, true: {"status": 204}
            assert ue(device, *to).returncode == 4


# A flood


@pytest.mark.parametrize("addresses, most", [(1, 10), (250, 20)])
def test_flood_of_made_up_identities(
    operator_site: OperatorSite, addresses: int, most: int
) -> None:
    """Guards against made-up identities, from one address or a range of them, keeping others from the operator."""
    # How soon is told by what the operator is asked meanwhile, at most twenty questions a second; the best of three tries counts.
    known, *new = (
        Subscriber(supi=f"00101000000{n:04}", gpsi=f"extid-{n}@example.com") for n in range(4)
    )
    limits = ("--lookups-per-second", "20", "--lookups-per-source", "10", "--source-timeout", "3")
    with operator_site.operator(known, *new) as operator:
        names = [subscriber.gpsi or "" for subscriber in (known, *new)]
        with operator_site.server(f"nef:{operator.url}", options=limits, names=names) as server:

            def asked_meanwhile(subscriber: Subscriber) -> float:
                device = operator_site.device(subscriber.a_kid, subscriber.k_af(NAF_ID))
                to = (server.address, server.e2e_address, *AKMA)
                before = len(operator.requests)
                is_served = ue(device, subscriber.a_kid, *to).returncode == 0
                return len(operator.requests) - before if is_served else math.inf

            assert asked_meanwhile(known) == 1
            port = str(split(server.address)[1])
            operator.times.clear()
            begun = time.monotonic()
            with Process(BUILD / "test/programs/flood", port, "200", str(addresses)) as flood:
                wait_until(lambda: len(operator.times) > 20, LONG)
                assert min(asked_meanwhile(known) for _ in new) < 40
                assert min(asked_meanwhile(subscriber) for subscriber in new) < 100
                flood.end_input()
                made_up = int(flood.read())
                print(f"{made_up} made up, {len(operator.times)} asked")
            elapsed = time.monotonic() - begun
    assert made_up > 2 * len(operator.times), "it was no flood"
    assert 20 < len(operator.times) <= most * (elapsed + 2) + len(new)


# Speed


def first_connections(server: Server, ues: str) -> float:
    """Flags a second for these UEs, sixteen at a time; each gets one."""
    program = [str(BUILD / "test/programs/first_connections"), str(split(server.address)[1]), "16"]
    result = subprocess.run(
        program, input=ues, capture_output=True, text=True, timeout=60, check=True
    )
    served, milliseconds = map(int, result.stdout.split())
    assert served == ues.count("\n")
    return 1000 * served / milliseconds


def test_speed_with_an_empty_cache(operator_site: OperatorSite, tmp_path: Path) -> None:
    """Guards against an empty cache that costs more than half of the speed, with an operator that answers in 10 ms."""
    # Of three runs with each the best counts, as the machine may be busy with something else.
    subscribers = [Subscriber(supi=f"00101000001{n:04}") for n in range(1000)]
    ues = [f"3GPP-AKMA{s.a_kid} {s.k_af(NAF_ID).hex()}\n" for s in subscribers]
    bodies = {
        s.a_kid: json.dumps({"kaf": s.k_af(NAF_ID).hex(), "expiry": expiry(3600), "gpsi": "all"})
        for s in subscribers
    }
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps({"delay": 10, "bodies": bodies}))
    many = ("--lookups-per-second", "--lookups-per-source", "--connections-per-device")
    limits = tuple(word for name in many for word in (name, "10000"))
    server_side = (operator_site.server_files, operator_site.authority.file, "h2")
    with HttpsServer(lambda request: None, *server_side, answers=answers) as operator:
        source = f"nef:https://localhost:{operator.port}"
        with operator_site.server(source, options=limits, names=["all"]) as server:
            first_connections(server, "".join(ues[:100]))
            runs = ["".join(ues[start : start + 300]) for start in (100, 400, 700)]
            empty = max(first_connections(server, run) for run in runs)
            full = max(first_connections(server, run) for run in runs)
    print(
        f"first connections a second, 16 clients: empty cache {empty:.0f}, full {full:.0f}", end=""
    )
    print(f", ratio {empty / full:.2f}")
    assert empty >= full / 2


@pytest.mark.parametrize("later", ["unknown", "another key", "the same"])
def test_key_that_ends_between_two_nonces(
    operator_site: OperatorSite, tmp_path: Path, later: str
) -> None:
    """Guards against a flag for a further nonce under a key that has expired since the one before."""
    subscriber = Subscriber()
    nonce = json.dumps({"nonce": bytes(16).hex()}).encode() + b"\n"
    with operator_site.operator(subscriber) as operator:
        clock = Clock(tmp_path)
        source, names = f"nef:{operator.url}", [subscriber.gpsi or ""]
        with operator_site.server(source, names=names, environment=clock.environment) as server:
            key, alpn = subscriber.k_af(NAF_ID), ["-alpn", "akma-e2e-ua/1"]
            identity = f"3GPP-AKMA{subscriber.a_kid}"
            with StockClient(server.address, identity, key, *alpn) as first:
                assert [first.flag()["e2e"] for _ in range(3)] == [1] * 3
                assert len(operator.requests) == 1
                clock.step(int(operator.lifetime) + 2)
                operator.lifetime *= 3
                if later == "unknown":
                    operator.answer = lambda request, true: {"status": 204}
                elif later == "another key":
                    subscriber.k_ausf = bytes(32)  # under the identity that it had
                first.write(nonce)
                answer = first.read()
                assert len(operator.requests) == 2
                if later == "the same":
                    assert json.loads(answer)["e2e"] == 1
                else:
                    assert answer == b""
                    server.wait_for_error("the key of its handshake is no longer valid")
