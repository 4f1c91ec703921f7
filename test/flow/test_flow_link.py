"""Separate NAF and third party, and each rule of the link between them.

SPDX-License-Identifier: Apache-2.0
"""

import concurrent.futures
import contextlib
import datetime
import itertools
import json
import os
import secrets
import signal
import socket
import ssl
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives import serialization

import reference
from clock import Clock
from evp import BUILD
from flow import (
    ENVIRONMENT,
    FQDN,
    LOOPBACK,
    NAF_ID,
    Process,
    StockClient,
    free_port,
    split,
    ue,
    wait_until,
    write_devices,
)
from link import Naf, Sides, ThirdParty
from processor import is_idle
from sanitizer import SANITIZED

KS_NAF = bytes.fromhex("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100")
KA = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf")
ID = "Qk1STVJVSEFTSA==@bsf.example.com"
BARE = "bare@bsf.example.com"
TWIN = "RL" + ID[2:]  # in the same place of the store's tables as ID
NONCE = "5a" * 16
CERTIFICATE_SECONDS = 2 * 24 * 3600  # longer than any of the tests' is good


@pytest.fixture(name="sides")
def make_sides(tmp_path: Path) -> Sides:
    """Certificates of both sides."""
    return Sides(tmp_path)


@pytest.fixture(name="files")
def make_files(tmp_path: Path) -> dict[str, Path]:
    """What each party holds: the UE both, the NAF Ks_NAF, the third party Ka."""
    rows = {
        "ue": [[ID, KS_NAF.hex(), KA.hex()], [BARE, KS_NAF.hex(), ""]],
        "naf": [[ID, KS_NAF.hex(), ""], [BARE, KS_NAF.hex(), ""]],
        "third-party": [[ID, "", KA.hex()]],
    }
    return {name: write_devices(tmp_path / f"{name}.csv", some) for name, some in rows.items()}


@pytest.fixture(name="third_party")
def run_third_party(sides: Sides, files: dict[str, Path]) -> Iterator[Any]:
    """A third party with an endpoint."""
    with sides.run_third_party(files["third-party"]) as running:
        yield running


def request(number: int = 1, **changes: object) -> dict[str, object]:
    """What a NAF asks; None leaves a member out."""
    members: dict[str, object] = {
        "id": number,
        "identity": ID,
        "device": ID,
        "ks-naf": KS_NAF.hex(),
        "naf-fqdn": FQDN,
        "ua-protocol-id": "0100000007",
        "nonce": NONCE,
    }
    return {name: value for name, value in (members | changes).items() if value is not None}


def key_of(flag: dict[str, Any], naf_id: bytes = NAF_ID) -> bytes:
    """e2e_key by the reference."""
    refresh = bytes.fromhex(flag["refresh"])
    return reference.e2e_key(KS_NAF, KA, naf_id, refresh=refresh, usage=flag["usage"])


def works(address: str, flag: dict[str, Any], naf_id: bytes = NAF_ID) -> bool:
    """Is a flag good for an e2e connection?"""
    with StockClient(address, flag["identity"], key_of(flag, naf_id)) as client:
        client.write(b"x\n")
        return client.read() == b"e2e: x"


# The flow


def test_identifiers_by_turns(sides: Sides, files: dict[str, Path], third_party: Any) -> None:
    """Guards against a third party that derives with the Ua security protocol identifier of another request on the link."""
    words = ["--ua-protocol-id", "akma:0100000007", "--ua-protocol-id", "gba:0100011301"]
    with sides.run_naf(files["naf"], third_party.addresses["naf-accept"], *words) as naf:
        to = (ID, naf.addresses["accept"], third_party.addresses["e2e-accept"])
        for _ in range(2):
            for prefix, ua in (("3GPP-AKMA", "0100000007"), ("3GPP-bootstrapping", "0100011301")):
                options = ("--identity-prefix", prefix, "--ua-protocol-id", ua)
                assert ue(files["ue"], *to, *options).stdout == "e2e: hello\n"


@pytest.mark.parametrize("when", ["required", "offered"])
def test_flow(sides: Sides, files: dict[str, Path], third_party: Any, when: str) -> None:
    """Guards against a flow through two processes that does not come to be, or a key in the log of NAF or third party."""
    with sides.run_naf(
        files["naf"], third_party.addresses["naf-accept"], "--e2e", when, "--metrics", "127.0.0.1:0"
    ) as naf:
        endpoint = third_party.addresses["e2e-accept"]
        for message in ("hello", "again"):
            result = ue(files["ue"], ID, naf.addresses["accept"], endpoint, message=message)
            assert (result.returncode, result.stdout) == (0, f"e2e: {message}\n"), result.stderr
        bare = ue(files["ue"], BARE, naf.addresses["accept"], endpoint)
        assert bare.stdout == ("plain: hello\n" if when == "offered" else "")
        assert KA.hex() not in naf.errors + third_party.errors
        assert KS_NAF.hex() not in naf.errors + third_party.errors


def test_a_ue_says_which_ka_it_has(sides: Sides, files: dict[str, Path], tmp_path: Path) -> None:
    """Guards against a ka-id that is lost between the UE, the NAF and the third party."""
    rows = [[ID, "", KA.hex(), "2025"], [ID, "", KS_NAF[::-1].hex() + "00", "2026"]]
    own = write_devices(tmp_path / "own.csv", [[ID, KS_NAF.hex(), KA.hex(), "2025"]])
    with sides.run_third_party(write_devices(tmp_path / "two.csv", rows)) as third_party:
        with sides.run_naf(files["naf"], third_party.addresses["naf-accept"]) as naf:
            to = (ID, naf.addresses["accept"], third_party.addresses["e2e-accept"])
            assert ue(own, *to).returncode == 3
            assert ue(own, *to, "--ka-id", "2025").stdout == "e2e: hello\n"
            assert ue(own, *to, "--ka-id", "2024").returncode == 3


def test_policy_is_the_third_partys(sides: Sides, files: dict[str, Path]) -> None:
    """Guards against a NAF's own mode, digest or usage being put in the place of the third party's."""
    setup = ["--mode", "HKDF", "--digest", "SHA2-384", "--usage", "other use"]
    with sides.run_third_party(files["third-party"], *setup) as third_party:
        with sides.run_naf(files["naf"], third_party.addresses["naf-accept"]) as naf:
            addresses = naf.addresses["accept"], third_party.addresses["e2e-accept"]
            assert ue(files["ue"], ID, *addresses, *setup).returncode == 0
            assert ue(files["ue"], ID, *addresses).returncode == 3


def test_off_asks_nobody(sides: Sides, files: dict[str, Path]) -> None:
    """Guards against a NAF with --e2e off asking the third party nonetheless."""
    with ThirdParty(sides.authority.file, sides.third_party, lambda _: None) as third_party:
        with sides.run_naf(files["naf"], third_party.address, "--e2e", "off") as naf:
            result = ue(files["ue"], ID, naf.addresses["accept"], None, "--allow-plain")
            assert result.stdout == "plain: hello\n" and third_party.requests == []


# Certificates


def refused(sides: Sides, address: str, pair: tuple[Path, Path] | None, **more: Any) -> bool:
    """Does the third party refuse a NAF with this certificate?"""
    try:
        with Naf(address, sides.authority.file, pair, **more) as naf:
            return naf.ask(**request()) == {}
    except (ssl.SSLError, ConnectionError):
        return True


def test_certificates_of_a_naf(sides: Sides, files: dict[str, Path], tmp_path: Path) -> None:
    """Guards against a NAF being answered with an expired, revoked, strange or missing certificate, or by an older TLS."""
    expired = sides.authority.issue("expired", FQDN, life=-datetime.timedelta(hours=1))
    revoked = sides.authority.issue("revoked", FQDN)
    crl = sides.authority.revoke(revoked[0])
    (tmp_path / "other").mkdir()
    stranger = Sides(tmp_path / "other").naf
    with sides.run_third_party(files["third-party"], "--crl", crl) as third_party:
        address = third_party.addresses["naf-accept"]
        assert not refused(sides, address, sides.naf)
        for pair in (expired, revoked, stranger):
            assert refused(sides, address, pair), pair
        with Naf(address, sides.authority.file, None) as none:
            with pytest.raises(ssl.SSLError, match="CERTIFICATE_REQUIRED"):
                none.socket.recv(1)
        assert refused(sides, address, sides.naf, alpn=None)
        assert refused(sides, address, sides.naf, alpn="akma-e2e/2")
        assert refused(sides, address, sides.naf, version=ssl.TLSVersion.TLSv1_2)


@pytest.mark.parametrize(
    ("names", "asked", "good"),
    [
        ([FQDN], FQDN, True),
        (["other.example.com", FQDN], FQDN, True),
        (["other.example.com"], FQDN, False),
        (["*.example.com"], FQDN, False),
        (["*.example.com"], "*.example.com", False),
        ([FQDN], FQDN.upper(), False),
        ([FQDN], "example.com", False),
        ([FQDN], f"x.{FQDN}", False),
        ([FQDN[:-1]], FQDN, False),
        (["10.0.0.1"], "10.0.0.1", False),
    ],
)
def test_names_of_a_naf(
    sides: Sides, third_party: Any, names: list[str], asked: str, good: bool
) -> None:
    """Guards against a flag for a name which is not exactly a DNS name of the NAF's certificate, or none for one that is."""
    pair = sides.authority.issue(FQDN, *names)
    with Naf(third_party.addresses["naf-accept"], sides.authority.file, pair) as naf:
        answer = naf.ask(**request() | {"naf-fqdn": asked})
        assert answer["id"] == 1
        assert ("error" not in answer and answer["e2e"] == 1) if good else "error" in answer


@pytest.mark.parametrize("what", ["name", "ca", "expired", "revoked"])
def test_certificates_of_a_third_party(
    sides: Sides, files: dict[str, Path], tmp_path: Path, what: str
) -> None:
    """Guards against a Ks_NAF sent to a third party with a bad certificate, or a UE sent on in plain because of it."""
    (tmp_path / "other").mkdir()
    pairs = {
        "name": sides.authority.issue("third-party.example.com"),
        "ca": Sides(tmp_path / "other").third_party,
        "expired": sides.authority.issue("old", "127.0.0.1", life=-datetime.timedelta(hours=1)),
        "revoked": sides.third_party,
    }
    crl = sides.authority.revoke(sides.third_party[0] if what == "revoked" else Path(sides.naf[0]))
    with ThirdParty(sides.authority.file, pairs[what], lambda _: b"") as third_party:
        with sides.run_naf(files["naf"], third_party.address, "--crl", crl) as naf:
            result = ue(files["ue"], ID, naf.addresses["accept"], None, "--allow-plain")
            assert (result.returncode, result.stdout) == (5, "")
            assert "there was no e2e flag" in result.stderr
            naf.wait_for_error("event=line-down")
            assert third_party.requests == []


@pytest.mark.skipif(SANITIZED, reason="another library is preloaded")
@pytest.mark.parametrize(
    ("names", "good"),
    [
        (("a third party", "a.two.example"), True),
        (("a.two.example", "10.0.0.1"), False),
        (("a third party", "*.two.example"), False),
    ],
    ids=["alternative name", "subject", "pattern"],
)
def test_name_of_a_third_party(
    sides: Sides, files: dict[str, Path], names: tuple[str, str], good: bool
) -> None:
    """Guards against a third party that is accepted by its subject or a wildcard, or refused with its host's exact name."""
    environment = ENVIRONMENT | {
        "LD_PRELOAD": str(BUILD / "test/programs/libpreload_getaddrinfo.so")
    }
    with ThirdParty(sides.authority.file, sides.authority.issue(*names), lambda _: b"") as other:
        address = other.address.replace(LOOPBACK, "a.two.example")
        with sides.run_naf(files["naf"], address, environment=environment) as naf:
            naf.wait_for_error("event=line-up" if good else "event=line-down")
            assert good or "event=line-up" not in naf.errors


def test_pauses_grow_where_a_naf_is_refused(
    sides: Sides, files: dict[str, Path], third_party: Any, tmp_path: Path
) -> None:
    """Guards against a refused NAF that comes again without growing pauses, since TLS 1.3 let it finish."""
    (tmp_path / "other").mkdir()
    stranger = Sides(tmp_path / "other").naf
    address = third_party.addresses["naf-accept"]
    started = time.monotonic()
    with sides.run_naf(files["naf"], address, pair=stranger) as naf:
        wait_until(lambda: naf.errors.count("event=line-down") >= 5)
        assert time.monotonic() - started > 1.4  # 0.1, 0.2, 0.4 and 0.8 seconds


def test_certificate_that_ends_on_a_link(
    sides: Sides, files: dict[str, Path], tmp_path: Path
) -> None:
    """Guards against a link that outlives the NAF's certificate."""
    clock = Clock(tmp_path)
    run = sides.run_third_party(files["third-party"], environment=clock.environment)
    with run as third_party:
        address = third_party.addresses["naf-accept"]
        with Naf(address, sides.authority.file, sides.naf) as naf:
            assert naf.ask(**request())["e2e"] == 1
            clock.step(CERTIFICATE_SECONDS)
            number = itertools.count(2)
            wait_until(lambda: not naf.ask(**request(next(number))))  # it is looked at each second
        third_party.wait_for_error("the NAF's certificate is no longer valid")


def test_certificate_of_a_third_party_that_ends(
    sides: Sides, files: dict[str, Path], tmp_path: Path
) -> None:
    """Guards against a Ks_NAF that is sent over an open link whose certificate is no longer valid."""
    clock, pair = Clock(tmp_path), sides.authority.issue("short", LOOPBACK)
    with ThirdParty(sides.authority.file, pair, lambda line: answer_to(line, e2e=0)) as other:
        words = (files["naf"], other.address, "--e2e", "offered")
        with sides.run_naf(*words, environment=clock.environment) as naf:

            def status() -> int:
                return ue(files["ue"], BARE, naf.addresses["accept"], None).returncode

            assert status() == 0
            clock.step(CERTIFICATE_SECONDS)
            wait_until(lambda: status() == 5)
            naf.wait_for_error("the third party's certificate is no longer valid")


def test_links_of_one_naf(sides: Sides, third_party: Any) -> None:
    """Guards against a NAF that has more than 64 links, takes those of others, or gets no place back when one ends."""
    address, other = third_party.addresses["naf-accept"], sides.authority.issue("b.example.com")
    with contextlib.ExitStack() as stack:
        lines = [
            stack.enter_context(Naf(address, sides.authority.file, sides.naf)) for _ in range(64)
        ]
        assert lines[-1].ask(**request())["e2e"] == 1
        with Naf(address, sides.authority.file, sides.naf) as one_more:
            assert one_more.receive() == b""
        third_party.wait_for_error("as many links as it may have")
        with Naf(address, sides.authority.file, other) as naf:
            assert naf.ask(**request() | {"naf-fqdn": "b.example.com"})["e2e"] == 1
    wait_until(lambda: not refused(sides, address, sides.naf))


def timers(port: int) -> set[str]:
    """What Linux waits for on the established connections from or to a port: 02 is keepalive."""
    rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
    suffix = f":{port:04X}"
    ends = [row for row in rows if row[3] == "01" and suffix in (row[1][8:], row[2][8:])]
    return {row[5][:2] for row in ends} if len(ends) == 2 else set()


def test_both_ends_notice_who_is_gone(
    sides: Sides, files: dict[str, Path], third_party: Any
) -> None:
    """Guards against a line without TCP keepalive at either end, which outlives a peer that is gone."""
    address = third_party.addresses["naf-accept"]
    with sides.run_naf(files["naf"], address) as naf:
        naf.wait_for_error("event=line-up")
        third_party.wait_for_error("event=line ")
        wait_until(lambda: timers(split(address)[1]) == {"02"})


def is_open(address: str) -> bool:
    """Does anybody listen there?"""
    try:
        socket.create_connection(split(address), 10).close()
    except ConnectionError:
        return False
    return True


def test_drain(sides: Sides, files: dict[str, Path]) -> None:
    """Guards against a third party that promises a key, or keeps a link open, after SIGTERM."""
    with sides.run_third_party(files["third-party"], "--drain-timeout", "60") as third_party:
        address = third_party.addresses["naf-accept"]
        with Naf(address, sides.authority.file, sides.naf) as idle:
            with Naf(address, sides.authority.file, sides.naf) as busy:
                assert busy.ask(**request(1))["e2e"] == 1
                third_party.process.terminate()
                wait_until(lambda: not is_open(address))
                with contextlib.suppress(OSError):
                    busy.send(json.dumps(request(2)).encode() + b"\n")
                assert busy.receive() == b"" and idle.receive() == b""
        assert third_party.process.wait(30) == 0


def reload(program: Process) -> None:
    """SIGHUP, and the files are in use."""
    program.process.send_signal(signal.SIGHUP)
    program.wait_for_error("event=reload result=applied")


def test_reload_with_a_revoked_naf(sides: Sides, files: dict[str, Path]) -> None:
    """Guards against a revoked NAF whose link is still answered after a reload, or whose revocation stops another NAF's."""
    crl = sides.authority.revoke()
    other = sides.authority.issue("other.example.com", FQDN)
    with sides.run_third_party(files["third-party"], "--crl", crl) as third_party:
        address = third_party.addresses["naf-accept"]
        with Naf(address, sides.authority.file, sides.naf) as revoked:
            with Naf(address, sides.authority.file, other) as stays:
                assert revoked.ask(**request(1))["e2e"] == stays.ask(**request(1))["e2e"] == 1
                sides.authority.revoke(sides.naf[0])
                reload(third_party)
                assert revoked.ask(**request(2)) == {}
                assert stays.ask(**request(2))["e2e"] == 1
        third_party.wait_for_error("the NAF's certificate is no longer valid")


def test_reload_with_a_revoked_third_party(sides: Sides, files: dict[str, Path]) -> None:
    """Guards against a Ks_NAF that is sent to a third party whose certificate was revoked."""
    crl = sides.authority.revoke()
    with ThirdParty(sides.authority.file, sides.third_party, lambda _: None) as third_party:
        with sides.run_naf(files["naf"], third_party.address, "--crl", crl) as naf:
            naf.wait_for_error("event=line-up")
            sides.authority.revoke(sides.third_party[0])
            reload(naf)
            assert ue(files["ue"], ID, naf.addresses["accept"], None).returncode == 5
            naf.wait_for_error("the third party's certificate is no longer valid")
            assert third_party.requests == []


# What a NAF may ask


def test_answer(sides: Sides, third_party: Any) -> None:
    """Guards against an answer over the link with a member too many, a nonce that was not asked, or a key that is good twice."""
    address = third_party.addresses["naf-accept"]
    with Naf(address, sides.authority.file, sides.naf) as naf:
        flag = naf.ask(**request(7))
        assert set(flag) == {"id", "e2e", "mode", "digest", "refresh", "usage", "identity"}
        assert (flag["id"], flag["e2e"]) == (7, 1)
        refresh = bytes.fromhex(flag["refresh"])
        assert refresh.hex().startswith(NONCE) and len(refresh) == 32
        assert refresh[16:] != bytes.fromhex(naf.ask(**request(8))["refresh"])[16:]
        assert works(third_party.addresses["e2e-accept"], flag)
        assert not works(third_party.addresses["e2e-accept"], flag)
        assert naf.ask(**request(9, identity=BARE, device=BARE)) == {"id": 9, "e2e": 0}
        assert naf.ask(**request(10, device=None))["e2e"] == 1


def test_setups_of_one_link(sides: Sides, third_party: Any) -> None:
    """Guards against a request that is answered with the name or Ua protocol of the one before it."""
    other, one, two = "other.example.com", "0100000007", "ff00000001"
    pair = sides.authority.issue(FQDN, FQDN, other)
    with Naf(third_party.addresses["naf-accept"], sides.authority.file, pair) as naf:
        for name, protocol in ((FQDN, one), (FQDN, two), (other, two), (other, one)):
            setup: dict[str, Any] = {"naf-fqdn": name, "ua-protocol-id": protocol}
            flag = naf.ask(**request(**setup))
            naf_id = name.encode() + bytes.fromhex(protocol)
            assert works(third_party.addresses["e2e-accept"], flag, naf_id)


BAD_REQUESTS: dict[str, dict[str, object]] = {
    "no identity": {"identity": None},
    "empty identity": {"identity": ""},
    "long identity": {"identity": "x" * 256},
    "identity a number": {"identity": 1},
    "long device": {"device": "x" * 256},
    "no ks-naf": {"ks-naf": None},
    "short ks-naf": {"ks-naf": "00" * 31},
    "long ks-naf": {"ks-naf": "00" * 33},
    "ks-naf no hex": {"ks-naf": "zz" * 32},
    "no nonce": {"nonce": None},
    "short nonce": {"nonce": "00" * 15},
    "ua short": {"ua-protocol-id": "01000000"},
    "ua forbidden": {"ua-protocol-id": "0000000001"},
    "not-after 0": {"not-after": 0},
    "not-after past": {"not-after": 1},
    "not-after text": {"not-after": "2100"},
    "something more": {"more": 1},
    "more of two octets each": {"\u00e9" * 60: 1},
    "the same from an odd place on": {"x" + "\u00e9" * 60: 1},
}
TWO_OCTETS = list(BAD_REQUESTS)[-2:]


@pytest.mark.parametrize("name", BAD_REQUESTS)
def test_bad_requests(sides: Sides, third_party: Any, name: str) -> None:
    """Guards against a bad request that ends the link, or whose error quotes a key."""
    with Naf(third_party.addresses["naf-accept"], sides.authority.file, sides.naf) as naf:
        answer = naf.ask(**request(5, **BAD_REQUESTS[name]))
        assert set(answer) == {"id", "error"} and answer["id"] == 5
        assert KS_NAF.hex() not in answer["error"]
        assert name not in TWO_OCTETS or "\u00e9" * 20 in answer["error"]
        assert naf.ask(**request(6))["e2e"] == 1
    assert KS_NAF.hex() not in third_party.errors


BAD_LINES: dict[str, bytes] = {
    "no id": json.dumps(request(1) | {"id": None}).encode() + b"\n",
    "id a text": json.dumps(request(1) | {"id": "1"}).encode() + b"\n",
    "id below 0": json.dumps(request(-1)).encode() + b"\n",
    "id a fraction": json.dumps(request(1) | {"id": 1.5}).encode() + b"\n",
    "not JSON": b"hello\n",
    "cut": json.dumps(request(1)).encode()[:-10] + b"\n",
    "a name twice": json.dumps(request(1)).encode()[:-1] + b',"id":1}\n',
    "an array": b"[1]\n",
    "empty": b"\n",
    "over-long": b"x" * 8193 + b"\n",
    "not UTF-8": b'{"id":1,"revoke":"\xff"}\n',
}


@pytest.mark.parametrize("name", BAD_LINES)
def test_bad_lines(sides: Sides, third_party: Any, name: str) -> None:
    """Guards against a line without an id that leaves its connection open, or stops the third party."""
    address = third_party.addresses["naf-accept"]
    with Naf(address, sides.authority.file, sides.naf) as naf:
        naf.send(BAD_LINES[name])
        assert naf.receive() == b""
    if name == "over-long":
        third_party.wait_for_error("a line is too long")
    assert not refused(sides, address, sides.naf)
    assert KS_NAF.hex() not in third_party.errors


@pytest.mark.life
def test_revocation(sides: Sides, third_party: Any) -> None:
    """Guards against a revocation that spares a key or connection of the device, or ends another device's or NAF's."""
    address, endpoint = (third_party.addresses[name] for name in ("naf-accept", "e2e-accept"))
    other = sides.authority.issue("other.example.com", "other.example.com", FQDN)
    with Naf(address, sides.authority.file, sides.naf) as naf:
        with Naf(address, sides.authority.file, other) as stranger:
            used, unused = naf.ask(**request(1)), naf.ask(**request(2))
            stays = naf.ask(**request(2, identity=TWIN))
            with StockClient(endpoint, used["identity"], key_of(used)) as client:
                client.write(b"x\n")
                assert client.read() == b"e2e: x"
                for number, identity in enumerate(("nobody", ID), 1):
                    answer = stranger.ask(id=number, revoke=identity)
                    assert answer == {"id": number, "revoked": True}
                    # what ends it wrongly does so on a loop of its own
                    wait_until(lambda: is_idle(third_party.process.pid))
                    client.write(b"y\n")
                    assert client.read() == b"e2e: y"
                assert naf.ask(id=3, revoke=ID) == {"id": 3, "revoked": True}
                assert client.read() == b""
            assert not works(endpoint, unused)
            assert works(endpoint, stays)
            again = naf.ask(**request(4))
            assert stranger.ask(id=3, revoke=ID) == {"id": 3, "revoked": True}
            assert works(endpoint, again)
            bads: list[dict[str, Any]] = [{"revoke": ""}, {"revoke": 1}]
            for bad in [*bads, {"revoke": ID, "nonce": NONCE}]:
                assert "error" in naf.ask(id=5, **bad)


def test_very_second_of_not_after(sides: Sides, third_party: Any) -> None:
    """Guards against a request being refused in the very second that its not-after names."""
    with Naf(third_party.addresses["naf-accept"], sides.authority.file, sides.naf) as naf:
        for number in itertools.count(1):
            second = int(time.time())
            answer = naf.ask(**request(number, **{"not-after": second}))
            if int(time.time()) == second:
                break
        assert answer["e2e"] == 1


def test_not_after_shortens(sides: Sides, files: dict[str, Path], tmp_path: Path) -> None:
    """Guards against an e2e_key that outlives the 3GPP key's not-after, or does once the wall clock is set back."""
    clock, end = Clock(tmp_path), int(time.time()) + 1000
    run = sides.run_third_party(
        files["third-party"], "--refresh-lifetime", "3600", environment=clock.environment
    )
    with run as third_party:
        address, endpoint = (third_party.addresses[name] for name in ("naf-accept", "e2e-accept"))
        with Naf(address, sides.authority.file, sides.naf) as naf:
            short, other = (naf.ask(**request(n, **{"not-after": end})) for n in (1, 2))
            long = naf.ask(**request(3, **{"not-after": end + 1000}))
            clock.pass_to(1001)
            assert not works(endpoint, short)
            clock.step(0)  # somebody sets the wall clock back: the time has passed all the same
            assert not works(endpoint, other)
            assert works(endpoint, long)


def test_many_requests_at_once(sides: Sides, third_party: Any) -> None:
    """Guards against one of 200 requests in one write that gets no answer, or another's."""
    with Naf(third_party.addresses["naf-accept"], sides.authority.file, sides.naf) as naf:
        ids = list(range(200))
        naf.send(b"".join(json.dumps(request(n)).encode() + b"\n" for n in ids))
        answers = [json.loads(naf.receive()) for _ in ids]
    assert sorted(answer["id"] for answer in answers) == ids
    assert len({answer["identity"] for answer in answers}) == len(ids)


def test_flood_of_a_naf(sides: Sides, third_party: Any) -> None:
    """Guards against a NAF that asks and never reads, and fills the third party's memory or keeps others waiting."""
    address = third_party.addresses["naf-accept"]
    line = json.dumps(request(1)).encode() + b"\n"
    with Naf(address, sides.authority.file, sides.naf) as flood:
        flood.socket.settimeout(0.5)  # what is not taken within waits for itself
        with pytest.raises((TimeoutError, ssl.SSLError, ConnectionError)):
            for _ in range(1000):
                flood.send(line * 100)
        with Naf(address, sides.authority.file, sides.naf) as naf:
            assert naf.ask(**request(1))["e2e"] == 1


def test_every_line_of_a_naf_has_its_own_time(
    sides: Sides, files: dict[str, Path], tmp_path: Path
) -> None:
    """Guards against a busy NAF that counts as late because half of its next line is always there."""
    lines = [json.dumps(request(number)).encode() + b"\n" for number in range(8)]
    clock = Clock(tmp_path)
    run = sides.run_third_party(
        files["third-party"], "--line-timeout", "600", environment=clock.environment
    )
    with run as third_party:
        address = third_party.addresses["naf-accept"]
        with Naf(address, sides.authority.file, sides.naf) as naf:
            assert naf.ask(**request(9))["e2e"] == 1  # the handshake is over
            naf.send(lines[0][:10])
            for passed, (line, after) in enumerate(zip(lines, lines[1:] + [b""]), 1):
                clock.pass_to(100 * passed)
                naf.send(line[10:] + after[:10])
                assert json.loads(naf.receive())["e2e"] == 1


def test_half_a_line_of_a_naf(sides: Sides, files: dict[str, Path]) -> None:
    """Guards against a NAF that never ends its line holding a connection of the third party's for good."""
    with sides.run_third_party(files["third-party"], "--line-timeout", "1") as third_party:
        address = third_party.addresses["naf-accept"]
        with Naf(address, sides.authority.file, sides.naf) as naf:
            naf.send(json.dumps(request(1)).encode() + b'\n{"id":')
            assert json.loads(naf.receive())["e2e"] == 1
            assert naf.receive() == b""
        third_party.wait_for_error("nothing complete arrived in time")


def test_bounds_are_per_naf(sides: Sides, third_party: Any) -> None:
    """Guards against a NAF that asks for more than 256 keys of one device and drops another NAF's, not its own oldest."""
    address, endpoint = (third_party.addresses[name] for name in ("naf-accept", "e2e-accept"))
    other = sides.authority.issue("other.example.com", "other.example.com", FQDN)
    with Naf(address, sides.authority.file, sides.naf) as naf:
        with Naf(address, sides.authority.file, other) as stranger:
            own, oldest = stranger.ask(**request(1)), naf.ask(**request(1))
            second = naf.ask(**request(2))
            for number in range(3, 258):
                naf.ask(**request(number))
            assert not works(endpoint, oldest)
            assert works(endpoint, second)
            assert works(endpoint, own)


# What a third party may answer


def answer_to(line: bytes, **members: object) -> bytes:
    """An answer with the id of a request."""
    return json.dumps({"id": json.loads(line)["id"]} | members).encode() + b"\n"


BAD_ANSWERS: dict[str, Any] = {
    "error": lambda line: answer_to(line, error="not today"),
    "error beside e2e": lambda line: answer_to(line, e2e=0, error="not today"),
    "e2e too large": lambda line: answer_to(line, e2e=4294967296),
    "e2e false": lambda line: answer_to(line, e2e=False),
    "half a flag": lambda line: answer_to(line, e2e=1, mode="3GPP"),
    "revoked": lambda line: answer_to(line, revoked=True),
    "unknown id": lambda line: answer_to(line, id=12345, e2e=0),
    "no id": lambda _: b'{"e2e":0}\n',
    "not JSON": lambda _: b"hello\n",
    "over-long": lambda _: b"x" * 9000 + b"\n",
    "the end": lambda _: None,
    "the end within": lambda line: answer_to(line, e2e=0)[:-1],
    "nothing": lambda _: b"",
}


@pytest.mark.parametrize("name", BAD_ANSWERS)
def test_failures_are_never_a_withheld_flag(
    sides: Sides, files: dict[str, Path], name: str
) -> None:
    """Guards against a failure of the third party that a UE takes for {"e2e":0}, and goes on in plain."""
    with ThirdParty(sides.authority.file, sides.third_party, BAD_ANSWERS[name]) as third_party:
        with sides.run_naf(files["naf"], third_party.address, "--e2e", "offered") as naf:
            result = ue(files["ue"], ID, naf.addresses["accept"], None, "--allow-plain")
            assert (result.returncode, result.stdout) == (5, "")
            assert "there was no e2e flag" in result.stderr
            if name == "unknown id":
                naf.wait_for_error("id: no request has this number")


def test_nobody_there(sides: Sides, files: dict[str, Path]) -> None:
    """Guards against a NAF that goes on in plain because its third party is not there."""
    with sides.run_naf(files["naf"], f"127.0.0.1:{free_port()}", "--e2e", "offered") as naf:
        result = ue(files["ue"], ID, naf.addresses["accept"], None, "--allow-plain")
        assert (result.returncode, result.stdout) == (5, "")


def test_answers_out_of_order_and_twice(sides: Sides, files: dict[str, Path]) -> None:
    """Guards against a UE that gets the answer to another's nonce, since answers come out of order or twice."""
    waiting: list[bytes] = []

    def answer(line: bytes) -> bytes:
        waiting.append(line)
        if len(waiting) < 4:
            return b""
        lines = [answer_to(line, **flag_for(json.loads(line)["nonce"])) for line in waiting[::-1]]
        waiting.clear()
        return b"".join(line * 2 for line in lines)

    with ThirdParty(sides.authority.file, sides.third_party, answer) as third_party:
        with sides.run_naf(files["naf"], third_party.address) as naf:

            def flag_of(_: int) -> bool:
                nonce = secrets.token_bytes(16)
                identity = f"3GPP-bootstrapping{ID}"
                with StockClient(naf.addresses["accept"], identity, KS_NAF) as client:
                    flag = client.flag(nonce)
                return bool(flag["identity"] == f"for-{nonce.hex()}")

            with concurrent.futures.ThreadPoolExecutor(4) as pool:
                assert all(pool.map(flag_of, range(8)))
        assert len(third_party.connections) == 1


def flag_for(nonce: str) -> dict[str, object]:
    """The members of a flag that says whom it is for."""
    names = {"mode": "3GPP", "digest": "SHA2-256", "usage": "tls-psk"}
    return {"e2e": 1, "refresh": nonce + "77" * 16, "identity": f"for-{nonce}"} | names


def test_third_party_that_hangs(sides: Sides, files: dict[str, Path], third_party: Any) -> None:
    """Guards against a NAF that goes on in plain because its third party hangs, or does not serve again afterwards."""
    addresses = third_party.addresses
    with sides.run_naf(files["naf"], addresses["naf-accept"], "--e2e", "offered") as naf:
        target = naf.addresses["accept"], addresses["e2e-accept"]
        assert ue(files["ue"], ID, *target).returncode == 0
        third_party.pause()
        try:
            started = time.monotonic()
            result = ue(files["ue"], ID, *target, "--allow-plain")
            assert (result.returncode, result.stdout) == (5, "")
            assert 2 < time.monotonic() - started
        finally:
            os.kill(third_party.process.pid, signal.SIGCONT)
        served_again(files["ue"], target)


def served_again(devices: Path, target: tuple[str, str]) -> None:
    """Before long a UE gets through."""
    wait_until(lambda: ue(devices, ID, *target).returncode == 0)


def test_third_party_that_dies_and_comes_back(sides: Sides, files: dict[str, Path]) -> None:
    """Guards against a NAF that does not find its third party again, or tries so often that it floods it."""
    port = free_port()
    with sides.run_third_party(files["third-party"], port=port) as first:
        naf = sides.run_naf(files["naf"], first.addresses["naf-accept"], "--e2e", "offered")
        with naf:
            target = naf.addresses["accept"], first.addresses["e2e-accept"]
            assert ue(files["ue"], ID, *target).returncode == 0
            first.process.kill()
            first.process.wait(10)
            result = ue(files["ue"], ID, *target, "--allow-plain")
            assert (result.returncode, result.stdout) == (5, "")
            with sides.run_third_party(files["third-party"], port=port) as second:
                served_again(files["ue"], (target[0], second.addresses["e2e-accept"]))
            assert 1 < naf.errors.count("event=line-down") < 40


# Roles and files


def test_files_of_the_roles(sides: Sides, files: dict[str, Path]) -> None:
    """Guards against a separate NAF that starts with a Ka, or a separate third party that starts with a Ks_NAF."""
    with pytest.raises(AssertionError, match="line 2: ka: this role never holds it"):
        sides.run_naf(files["ue"], "127.0.0.1:1")
    with pytest.raises(AssertionError, match="line 2: ks-naf: this role never holds it"):
        sides.run_third_party(files["ue"])


BAD_FILES: dict[str, tuple[str, str]] = {
    "no certificate": ("cert", "No such file or directory"),
    "a key as certificate": ("cert", "no start line"),
    "no key": ("key", "No such file or directory"),
    "an encrypted key": ("key", "it is encrypted, and there is no way to enter the passphrase"),
    "a certificate as key": ("key", "it is no private key in PEM"),
    "another's key": ("key", "it is not the key of --cert"),
    "a key for all to read": ("key", "chmod 600 it"),
    "no ca": ("ca", "No such file or directory"),
    "a key as ca": ("ca", "no certificate or crl found"),
    "no crl": ("crl", "No such file or directory"),
    "a certificate as crl": ("crl", "no start line"),
}


def bad_file(name: str, sides: Sides) -> str:
    """A file that is not what its option wants."""
    cert, key = sides.naf
    kind, what = name.split(" ", 1)
    if what == "encrypted key":
        encrypted = serialization.BestAvailableEncryption(b"secret")
        form = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encrypted
        private = serialization.load_pem_private_key(key.read_bytes(), None)
        key.write_bytes(private.private_bytes(*form))
    cert.chmod(0o600)
    key.chmod(0o644 if what == "key for all to read" else 0o600)
    if kind == "no":
        return str(cert.parent / "nowhere" / ("far/" * 20))
    return str(cert if what.startswith("certificate") else key)


@pytest.mark.parametrize("name", BAD_FILES)
def test_files_of_the_link(sides: Sides, files: dict[str, Path], name: str) -> None:
    """Guards against a bad file of the link whose error names neither option nor file, or that asks for a passphrase."""
    option, said = BAD_FILES[name]
    path = bad_file(name, sides)
    good = sides.options(sides.third_party)
    options = ["--naf-accept", "127.0.0.1:0", "--devices", str(files["third-party"]), *good]
    with Process(BUILD / "e2e/e2e-as", *options, f"--{option}", path) as program:
        assert program.wait() == 1
    (line,) = program.errors.splitlines()
    assert line.startswith(f"--{option} {path}: ") and said in line


def test_reload_with_an_encrypted_key(sides: Sides, files: dict[str, Path]) -> None:
    """Guards against a reload with an encrypted key that is accepted, or that stops the server."""
    with sides.run_naf(files["naf"], "127.0.0.1:1") as naf:
        bad_file("an encrypted key", sides)
        naf.process.send_signal(signal.SIGHUP)
        naf.wait_for_error("event=reload result=refused")
        naf.process.terminate()
        assert naf.wait() == 0
