"""The flow over real TLS: e2e-as, e2e-ue, stock openssl on either side, and what an attacker does not get.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import concurrent.futures
import json
import os
import re
import secrets
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import reference
from clock import Clock
from evp import BUILD
from flow import (
    ENVIRONMENT,
    FQDN,
    NAF_ID,
    SECONDS,
    Process,
    Relay,
    Server,
    StockClient,
    StockServer,
    free_port,
    run_to_end,
    split,
    ue,
    ue_command,
    wait_until,
    wait_until_listening,
    write_devices,
)

KS_NAF = bytes.fromhex("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100")
KA = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf")
OTHER = bytes.fromhex("5a" * 32)
ID = "Qk1STVJVSEFTSA==@bsf.example.com"
BARE = "bare@bsf.example.com"
PREFIXED = f"3GPP-bootstrapping.{ID}"
UES = int(os.environ.get("AKMA_UES", "200"))  # at once; fewer under a tool that makes a server slow


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """The server's file: a device with a Ka, one without."""
    rows = [[ID, KS_NAF.hex(), KA.hex()], [BARE, OTHER.hex(), ""]]
    return write_devices(tmp_path / "devices.csv", rows)


@pytest.fixture
def server(devices: Path) -> Iterator[Server]:
    """e2e-as on two addresses; plain is allowed as well."""
    with Server(devices, "--e2e", "offered") as running:
        yield running


def own_devices(tmp_path: Path, *rows: list[str]) -> Path:
    """A UE's own file."""
    return write_devices(tmp_path / f"{secrets.token_hex(4)}.csv", rows)


def key_of(
    flag: dict[str, Any], ka: bytes = KA, ks_naf: bytes = KS_NAF, naf: bytes = NAF_ID
) -> bytes:
    """e2e_key by the reference, as a flag has it."""
    return reference.e2e_key(
        ks_naf,
        ka,
        naf,
        refresh=bytes.fromhex(flag["refresh"]),
        usage=flag["usage"],
        digest=flag["digest"],
        mode=flag["mode"],
    )


def assert_no_secrets(*texts: str) -> None:
    """No key of these tests is in what the programs said."""
    for text in texts:
        for secret in (KS_NAF, KA, OTHER):
            assert secret.hex() not in text.lower()


# The programs with each other


@pytest.mark.parametrize("two_addresses", [True, False])
@pytest.mark.parametrize("when", ["required", "offered"])
def test_e2e(devices: Path, two_addresses: bool, when: str) -> None:
    """Guards against a flow over TLS that does not come to be, or loses or changes a line, by one address or by two."""
    with Server(devices, "--e2e", when, two_addresses=two_addresses) as server:
        second = server.e2e_address if two_addresses else None
        for message in ("hello", "x", "Gr\u00fc\u00dfe " + "y" * 5000, ""):
            result = ue(devices, ID, server.address, second, message=message)
            assert (result.returncode, result.stderr) == (0, "")
            assert result.stdout == f"e2e: {message}\n"
    assert "event=refused" not in server.errors


@pytest.mark.parametrize("mode", ["3GPP", "hkdf"])
@pytest.mark.parametrize("digest", ["SHA256", "SHA2-384", "sha512-256", "SHA3-512"])
def test_modes_and_digests(devices: Path, mode: str, digest: str) -> None:
    """Guards against a mode or digest that server and UE do not both put into the derivation."""
    setup = ["--mode", mode, "--digest", digest, "--usage", "other use"]
    with Server(devices, *setup) as server:
        result = ue(devices, ID, server.address, server.e2e_address, *setup)
        assert (result.returncode, result.stdout) == (0, "e2e: hello\n")


def test_akma(devices: Path) -> None:
    """Guards against a UE with AKMA's prefix that is not served, or one with another prefix that is."""
    names = ["--identity-prefix", "3GPP-AKMA", "--identity-separator", ":"]
    with Server(devices, *names) as server:
        assert ue(devices, ID, server.address, server.e2e_address, *names).returncode == 0
        wrong = ue(devices, ID, server.address, server.e2e_address)
        assert wrong.returncode == 4 and "identity, prefix" in wrong.stderr


def test_ua_protocol_id(devices: Path) -> None:
    """Guards against a Ua security protocol identifier that is not part of NAF_Id on both sides."""
    private = ["--ua-protocol-id", "ff00000001"]
    with Server(devices, *private) as server:
        assert ue(devices, ID, server.address, server.e2e_address, *private).returncode == 0
        assert ue(devices, ID, server.address, server.e2e_address).returncode == 4


def test_ua_protocol_ids(devices: Path) -> None:
    """Guards against AKMA and GBA using each other's Ua security protocol identifier at one server."""
    akma = ["--identity-prefix", "3GPP-AKMA"]
    uicc = ["--identity-prefix", "3GPP-bootstrapping-uicc"]
    tls13, android, private = "0100000007", "0100011301", "ff00000001"
    cases: dict[tuple[str, ...], tuple[str, str]] = {
        ("akma:" + tls13, "gba:" + android): (tls13, android),
        ("gba:" + android,): (tls13, android),
        ("akma:" + private, android): (private, android),
        (private, "gba:01:00:01:13:01"): (private, android),
    }
    for given, (of_akma, of_gba) in cases.items():
        words = [word for text in given for word in ("--ua-protocol-id", text)]
        with Server(devices, *words) as server:
            ways: list[tuple[list[str], str, str]] = [
                (akma, of_akma, of_gba),
                ([], of_gba, of_akma),
                (uicc, of_gba, of_akma),
            ]
            for prefix, right, wrong in ways:
                name = [*prefix, "--ua-protocol-id"]
                to = (devices, ID, server.address, server.e2e_address)
                assert ue(*to, *name, right).stdout == "e2e: hello\n", (given, prefix)
                assert ue(*to, *name, wrong).returncode == 4, (given, prefix)


@pytest.mark.parametrize(
    ("given", "said"),
    {
        ("akma:0100000007", "akma:0100011301"): "an identifier for AKMA is given already",
        ("gba:0100000007", "gba:0100000007"): "an identifier for GBA is given already",
        ("0100000007", "0100011301"): "for systems that are not named is given already",
        ("gba:01",): "ua-protocol-id: 1 octets given; must be exactly 5",
        ("gba:",): "--ua-protocol-id : must be hex",
        ("gsm:0100000007",): "--ua-protocol-id gsm:0100000007: must be hex",
        ("akma:0000000001",): "ua-protocol-id",
    }.items(),
)
def test_ua_protocol_ids_refused(devices: Path, given: tuple[str, ...], said: str) -> None:
    """Guards against a server that listens with two identifiers of one system, or with one that is no identifier."""
    words = [word for text in given for word in ("--ua-protocol-id", text)]
    with Process(
        *[str(BUILD / "e2e/e2e-as"), "--accept", "127.0.0.1:0", "--devices", str(devices)],
        *["--naf-fqdn", FQDN, *words],
    ) as server:
        assert server.process.wait(20) == 2
    server.wait_for_error(said)


def test_without_ka(devices: Path) -> None:
    """Guards against a UE without a Ka that is refused although plain connections are offered."""
    for when, status in (("offered", 0), ("off", 0), ("required", 1)):
        with Server(devices, "--e2e", when) as server:
            result = ue(devices, BARE, server.address, server.e2e_address)
            assert result.returncode == status
            assert result.stdout == ("plain: hello\n" if status == 0 else "")
            assert status == 0 or "no answer to the message" in result.stderr


def test_ue_without_ka_where_the_server_has_one(tmp_path: Path, server: Server) -> None:
    """Guards against a UE without Ka failing where plain is permitted, or claiming e2e."""
    without = own_devices(tmp_path, [ID, KS_NAF.hex(), ""])
    result = ue(without, ID, server.address, server.e2e_address)
    assert (result.returncode, result.stdout) == (0, "plain: hello\n")


def test_e2e_off(devices: Path) -> None:
    """Guards against a UE with a Ka going on in plain without having been told that it may."""
    with Server(devices, "--e2e", "off") as server:
        result = ue(devices, ID, server.address, server.e2e_address)
        assert result.returncode == 3 and result.stdout == ""
        assert "offers no e2e although this UE holds a Ka" in result.stderr
        result = ue(devices, ID, server.address, server.e2e_address, "--allow-plain")
        assert (result.returncode, result.stdout) == (0, "plain: hello\n")


def test_wrong_keys(tmp_path: Path, server: Server) -> None:
    """Guards against a wrong Ks_NAF, Ka or identity being taken, or an error that shows a secret or not where to look."""
    cases = {
        "ks-naf of both sides": [ID, OTHER.hex(), KA.hex()],
        "compare Ka, NAF_Id": [ID, KS_NAF.hex(), OTHER.hex()],
        "compare identity": ["unknown@bsf.example.com", KS_NAF.hex(), KA.hex()],
    }
    for said, row in cases.items():
        result = ue(own_devices(tmp_path, row), row[0], server.address, server.e2e_address)
        assert result.returncode == 4 and result.stdout == ""
        assert said in result.stderr and result.stderr.count("\n") == 1
        assert_no_secrets(result.stderr)
    assert_no_secrets(server.errors)


@pytest.mark.parametrize(
    "other", [["--mode", "HKDF"], ["--digest", "SHA2-384"], ["--usage", "oscore"]], ids=str
)
def test_setups_that_differ(devices: Path, server: Server, other: list[str]) -> None:
    """Guards against a UE that connects although its mode, digest or usage is not the server's."""
    result = ue(devices, ID, server.address, server.e2e_address, *other)
    assert result.returncode == 3 and "the flag does not say" in result.stderr


def test_connections(devices: Path) -> None:
    """Guards against a server with --connections that serves more of them, or ends before the last."""
    with Server(devices, "--connections", "4") as server:
        for _ in range(2):
            assert ue(devices, ID, server.address, server.e2e_address).returncode == 0
        assert server.wait() == 0
        result = ue(devices, ID, server.address, server.e2e_address)
        assert result.returncode == 1 and "is the server up" in result.stderr


# Change of Ka


def test_old_and_new_ka(tmp_path: Path) -> None:
    """Guards against a change of Ka during which a side with both picks one that the other side does not hold."""
    old, new = [ID, KS_NAF.hex(), KA.hex(), "2025"], [ID, KS_NAF.hex(), OTHER.hex(), "2026"]
    both = own_devices(tmp_path, old, new)
    only_old, only_new = own_devices(tmp_path, old), own_devices(tmp_path, new)
    other_order = own_devices(tmp_path, new, old)
    with Server(both) as server:
        for held, status in ((both, 0), (only_new, 0), (other_order, 0), (only_old, 3)):
            result = ue(held, ID, server.address, server.e2e_address)
            assert result.returncode == status
        assert "names a Ka (2026) that this UE does not hold" in result.stderr
    with Server(other_order) as server:
        for held, status in ((both, 0), (only_old, 0), (only_new, 3)):
            assert ue(held, ID, server.address, server.e2e_address).returncode == status


def test_a_ka_without_a_name(tmp_path: Path) -> None:
    """Guards against a server or UE that takes another than the last of several Ka's without names."""
    rows = [[ID, KS_NAF.hex(), KA.hex()], [ID, KS_NAF.hex(), OTHER.hex()]]
    two = own_devices(tmp_path, *rows)
    with Server(two) as server:
        assert ue(two, ID, server.address, server.e2e_address).returncode == 0
        one = own_devices(tmp_path, rows[0])
        assert ue(one, ID, server.address, server.e2e_address).returncode == 4


# Stock openssl on either side


def test_stock_client(server: Server) -> None:
    """Guards against a server that only our own e2e-ue can talk to: a flag, a nonce or a key that is not as the page says."""
    nonce = secrets.token_bytes(16)
    with StockClient(server.address, PREFIXED, KS_NAF) as first:
        flag = first.flag(nonce)
        first.write(b"one\n")
        assert first.read() == b"plain: one"
    assert set(flag) == {"e2e", "mode", "digest", "refresh", "usage", "identity"}
    assert (flag["e2e"], flag["mode"], flag["digest"]) == (1, "3GPP", "SHA2-256")
    assert flag["usage"] == "tls-psk"
    refresh = bytes.fromhex(flag["refresh"])
    assert refresh.startswith(nonce) and len(refresh) >= 32
    with StockClient(server.e2e_address, flag["identity"], key_of(flag)) as second:
        for line in (b"one", b"two", b""):
            second.write(line + b"\n")
            assert second.read() == b"e2e: " + line


def test_stock_client_in_plain(devices: Path) -> None:
    """Guards against a server with --e2e required that serves a line in plain."""
    with Server(devices, "--e2e", "required") as server:
        with StockClient(server.address, PREFIXED, KS_NAF) as first:
            assert first.flag()["e2e"] == 1
            first.write(b"one\n")
            assert first.read() == b""
        with StockClient(server.address, f"3GPP-bootstrapping;{BARE}", OTHER) as first:
            assert first.flag() == {"e2e": 0}
            first.write(b"one\n")
            assert first.read() == b""


def flag_for(nonce: str, **changes: object) -> dict[str, object]:
    """A flag that this UE would accept, with changes; None leaves one out."""
    flag: dict[str, object] = {
        "e2e": 1,
        "mode": "3GPP",
        "digest": "SHA2-256",
        "refresh": nonce + "77" * 16,
        "usage": "tls-psk",
        "identity": "next",
    }
    return {name: value for name, value in (flag | changes).items() if value is not None}


class Operator:
    """An attacker who knows Ks_NAF and plays the NAF: reads the UE's nonce and answers with any line."""

    def __init__(self, devices: Path, second: str, *options: str) -> None:
        self.naf = StockServer(PREFIXED, KS_NAF, once=True)  # a UE that comes again is not let in
        self.command = ue_command(devices, ID, self.naf.address, second, *options)

    def answer(self, make_line: Any) -> subprocess.CompletedProcess[str]:
        """Run a UE; make_line(nonce) gives the octets to answer with, None ends the connection."""
        with self.naf:
            process = subprocess.Popen(
                self.command,
                env=ENVIRONMENT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            line = make_line(json.loads(self.naf.read())["nonce"])
            if line is None:
                self.naf.process.kill()
            else:
                self.naf.write(line)
            out, err = process.communicate(timeout=30)
            self.came = list(self.naf.out.queue)
        return subprocess.CompletedProcess([], process.returncode, out, err)


def as_line(flag: object) -> bytes:
    """A flag as one line of JSON."""
    return json.dumps(flag).encode() + b"\n"


def test_stock_server_as_e2e_endpoint(devices: Path) -> None:
    """Guards against an e2e-ue whose nonce, identity or key a NAF and endpoint of stock openssl cannot serve."""
    port = free_port()
    operator = Operator(devices, f"127.0.0.1:{port}")
    started: list[StockServer] = []

    def start_second(nonce: str) -> bytes:
        flag = flag_for(nonce)
        started.append(StockServer("next", key_of(flag), port))
        return as_line(flag)

    with concurrent.futures.ThreadPoolExecutor() as pool:
        running = pool.submit(operator.answer, start_second)
        wait_until(lambda: started or running.done())
        with started[0] as second:
            assert second.read() == b"hello"
            second.write(b"e2e: hello\n")
            result = running.result(30)
    assert (result.returncode, result.stdout, result.stderr) == (0, "e2e: hello\n", "")


# What an attacker does not get


ALTERED: dict[str, dict[str, object]] = {
    "mode": {"mode": "HKDF"},
    "digest": {"digest": "SHA2-384"},
    "usage": {"usage": "other"},
    "unknown digest": {"digest": "SHA1"},
    "empty usage": {"usage": ""},
    "old refresh": {"refresh": "00" * 32},
    "refresh of half the nonce": {"refresh": "<" + "77" * 24},
    "refresh of the nonce alone": {"refresh": "@"},
    "refresh short of 16 octets": {"refresh": "@" + "77" * 15},
    "no refresh": {"refresh": ""},
    "refresh too long": {"refresh": "@" + "77" * 240},
    "refresh not hex": {"refresh": "@" + "zz" * 16},
    "unknown ka-id": {"ka-id": "2031"},
    "no identity": {"identity": None},
    "empty identity": {"identity": ""},
    "long identity": {"identity": "x" * 257},
    "no mode": {"mode": None},
    "mode of another type": {"mode": 3},
    "e2e 2": {"e2e": 2},
    "e2e true": {"e2e": True},
    "e2e text": {"e2e": "1"},
    "e2e 0 with the rest": {"e2e": 0},
    "something more": {"more": 1},
}


@pytest.mark.parametrize("plain", [[], ["--allow-plain"]], ids=["", "--allow-plain"])
@pytest.mark.parametrize("name", ALTERED)
def test_altered_flag(devices: Path, server: Server, name: str, plain: list[str]) -> None:
    """Guards against a UE that sends its message after a flag which an operator has altered, with or without --allow-plain."""
    operator = Operator(devices, server.e2e_address, *plain)

    def altered(nonce: str) -> bytes:
        flag = flag_for(nonce, **ALTERED[name])
        if "refresh" in flag:
            flag["refresh"] = str(flag["refresh"]).replace("@", nonce).replace("<", nonce[:16])
        return as_line(flag)

    result = operator.answer(altered)
    assert result.returncode == 3 and result.stdout == ""
    assert operator.came in ([], [b""])


@pytest.mark.parametrize(
    "identity", ["next", "e2e-" + "0" * 32, PREFIXED], ids=["unknown", "alike", "the first one's"]
)
def test_flag_with_another_identity(devices: Path, server: Server, identity: str) -> None:
    """Guards against a UE that follows a flag whose identity is not its own."""
    operator = Operator(devices, server.e2e_address)
    result = operator.answer(lambda nonce: as_line(flag_for(nonce, identity=identity)))
    assert result.returncode == 4 and result.stdout == ""


NO_FLAG: dict[str, bytes | None] = {
    "end of stream": None,
    "garbage": b"\x16\x03\x01 no json\n",
    "empty line": b"\n",
    "an array": b"[1]\n",
    "a number": b"1\n",
    "an empty object": b"{}\n",
    "cut": b'{"e2e":1,"mode":"3GPP"\n',
    "two objects": b'{"e2e":0}{"e2e":0}\n',
    "a name twice": b'{"e2e":0,"e2e":1}\n',
    "not UTF-8": b'{"e2e":0,"x":"\xff"}\n',
    "over-long": b'{"e2e":0,"x":"' + b"y" * 20000 + b'"}\n',
    "deep": b"[" * 5000 + b"\n",
}


@pytest.mark.parametrize("plain", [[], ["--allow-plain"]], ids=["", "--allow-plain"])
@pytest.mark.parametrize("name", NO_FLAG)
def test_no_flag(devices: Path, server: Server, name: str, plain: list[str]) -> None:
    """Guards against a UE that takes a line which is no flag for one, or goes on in plain after it."""
    operator = Operator(devices, server.e2e_address, *plain)
    result = operator.answer(lambda _: NO_FLAG[name])
    assert result.returncode == (5 if NO_FLAG[name] is None else 3) and result.stdout == ""
    assert "flag" in result.stderr


def test_withheld_flag(devices: Path, server: Server) -> None:
    """Guards against an operator that withholds the flag, and a UE which goes on in plain then."""
    result = Operator(devices, server.e2e_address).answer(lambda _: b'{"e2e":0}\n')
    assert result.returncode == 3 and "somebody may be in the middle" in result.stderr


def test_flag_by_other_names_is_the_same_flag(devices: Path, server: Server) -> None:
    """Guards against a UE that refuses a flag because it names mode or digest by an alias."""
    operator = Operator(devices, server.e2e_address)
    result = operator.answer(lambda n: as_line(flag_for(n, mode="3gpp", digest="sha256")))
    assert result.returncode == 4


def test_operator_in_the_middle_cannot_connect(server: Server) -> None:
    """Guards against an operator who connects without Ka, or whose guesses use up the device's flag."""
    with StockClient(server.address, PREFIXED, KS_NAF) as first:
        flag = first.flag()
    for guess in (key_of(flag, ka=KS_NAF), KS_NAF, key_of(flag, ka=bytes(32))):
        with StockClient(server.e2e_address, flag["identity"], guess) as second:
            second.write(b"let me in\n")
            assert second.read() == b""
    with StockClient(server.e2e_address, flag["identity"], key_of(flag)) as second:
        second.write(b"still good\n")
        assert second.read() == b"e2e: still good"


def test_first_identity_is_no_key_to_the_e2e_endpoint(server: Server) -> None:
    """Guards against an e2e endpoint that takes Ks_NAF, which the operator knows."""
    with StockClient(server.e2e_address, PREFIXED, KS_NAF) as second:
        second.write(b'{"nonce":"' + b"00" * 16 + b'"}\n')
        assert second.read() == b""


def test_operator_cannot_read(devices: Path, server: Server) -> None:
    """Guards against a message, Ka or Ks_NAF that can be read on the way of an e2e connection."""
    relay = Relay(server.e2e_address)
    message = "a sentence for the enterprise alone"
    result = ue(devices, ID, server.address, relay.address, message=message)
    relay.close()
    assert result.returncode == 0 and len(relay.seen) > 500
    for secret in (message.encode(), message.encode().hex().encode(), KA, KS_NAF):
        assert secret not in relay.seen


def test_operator_cannot_play_the_e2e_endpoint(devices: Path) -> None:
    """Guards against a UE that takes Ks_NAF, which the operator knows, for the key of its e2e connection."""
    with StockServer("next", KS_NAF) as second:
        operator = Operator(devices, second.address)
        result = operator.answer(lambda nonce: as_line(flag_for(nonce)))
        assert result.returncode == 4 and result.stdout == ""


def test_ka_alone_is_nothing(tmp_path: Path, server: Server) -> None:
    """Guards against a thief of Ka alone who gets a first connection, or the key of an overheard flag."""
    thief = own_devices(tmp_path, [ID, secrets.token_hex(32), KA.hex()])
    assert ue(thief, ID, server.address, server.e2e_address).returncode == 4
    with StockClient(server.address, PREFIXED, KS_NAF) as first:
        flag = first.flag()
    wrong = key_of(flag, ks_naf=bytes(32))
    with StockClient(server.e2e_address, flag["identity"], wrong) as second:
        second.write(b"let me in\n")
        assert second.read() == b""


def test_certificate_instead_of_a_key(devices: Path, tmp_path: Path) -> None:
    """Guards against a UE that accepts a server which shows a certificate instead of using the PSK."""
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256"]
        + ["-nodes", "-keyout", key, "-out", certificate, "-subj", f"/CN={FQDN}"],
        check=True,
        capture_output=True,
        env={name: value for name, value in ENVIRONMENT.items() if name != "OPENSSL_CONF"}
        | {"OPENSSL_CONF": "/etc/ssl/openssl.cnf"},
        timeout=30,
    )
    port = free_port()
    with Process(
        *["openssl", "s_server", "-accept", f"127.0.0.1:{port}", "-quiet", "-tls1_3"],
        *["-key", str(key), "-cert", str(certificate)],
    ):
        wait_until_listening(port)
        result = ue(devices, ID, f"127.0.0.1:{port}", None, "--allow-plain")
    assert result.returncode == 4 and result.stdout == ""


# A refresh is good once, for a while


def test_refresh_is_good_once(server: Server) -> None:
    """Guards against an e2e_key that is good for a second connection."""
    with StockClient(server.address, PREFIXED, KS_NAF) as first:
        flag = first.flag()
    for answer in (b"e2e: x", b""):
        with StockClient(server.e2e_address, flag["identity"], key_of(flag)) as second:
            second.write(b"x\n")
            assert second.read() == answer


def test_refresh_is_not_used_up_by_a_failed_handshake(server: Server) -> None:
    """Guards against a stranger who uses up a device's key by handshakes that fail."""
    with StockClient(server.address, PREFIXED, KS_NAF) as first:
        flag = first.flag()
    for _ in range(3):
        with StockClient(server.e2e_address, flag["identity"], OTHER) as second:
            assert second.read() == b""
    with StockClient(server.e2e_address, flag["identity"], key_of(flag)) as second:
        second.write(b"x\n")
        assert second.read() == b"e2e: x"


def test_refresh_used_at_the_same_time_is_good_once(server: Server) -> None:
    """Guards against more than one of eight connections at once getting through with the same e2e_key."""
    with StockClient(server.address, PREFIXED, KS_NAF) as first:
        flag = first.flag()

    def attempt(_: int) -> bytes:
        with StockClient(server.e2e_address, flag["identity"], key_of(flag)) as second:
            second.write(b"x\n")
            return second.read()

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(8)))
    assert sorted(answers) == [b""] * 7 + [b"e2e: x"]


def test_refresh_used_during_a_handshake(server: Server) -> None:
    """Guards against a used e2e_key being accepted from a client whose handshake had found it before that use."""
    with StockClient(server.address, PREFIXED, KS_NAF) as first:
        flag = first.flag()
    relay = Relay(server.e2e_address)
    relay.deaf.set()
    with StockClient(relay.address, flag["identity"], key_of(flag)) as late:
        wait_until(lambda: relay.answer)
        with StockClient(server.e2e_address, flag["identity"], key_of(flag)) as second:
            second.write(b"x\n")
            assert second.read() == b"e2e: x"
        relay.deaf.clear()
        late.write(b"x\n")
        assert late.read() == b""
    server.wait_for_error("the refresh was used before")


def test_refresh_lifetime(devices: Path, tmp_path: Path) -> None:
    """Guards against an e2e_key that is good for longer than --refresh-lifetime."""
    clock = Clock(tmp_path)
    with Server(devices, "--refresh-lifetime", "600", environment=clock.environment) as server:
        with StockClient(server.address, PREFIXED, KS_NAF) as first:
            flag = first.flag()
        clock.pass_to(601)
        with StockClient(server.e2e_address, flag["identity"], key_of(flag)) as second:
            second.write(b"x\n")
            assert second.read() == b""
        assert ue(devices, ID, server.address, server.e2e_address).returncode == 0


@pytest.mark.life
def test_one_device_cannot_crowd_out_the_others(tmp_path: Path) -> None:
    """Guards against a device that has more than 256 flags outstanding, or pushes out another device's."""
    rows = [[ID, KS_NAF.hex(), KA.hex()], ["victim", KS_NAF.hex(), OTHER.hex()]]
    with Server(own_devices(tmp_path, *rows), "--refresh-lifetime", "600") as server:

        def flag_of(identity: str) -> dict[str, Any]:
            with StockClient(server.address, f"3GPP-bootstrapping;{identity}", KS_NAF) as first:
                return first.flag()

        def works(flag: dict[str, Any], ka: bytes) -> bool:
            with StockClient(server.e2e_address, flag["identity"], key_of(flag, ka)) as second:
                second.write(b"x\n")
                return second.read() == b"e2e: x"

        victim, oldest, second_oldest = flag_of("victim"), flag_of(ID), flag_of(ID)
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            flags = list(pool.map(lambda _: flag_of(ID), range(255)))
        assert not works(oldest, KA)
        assert works(second_oldest, KA)
        assert works(flags[-1], KA)
        assert works(victim, OTHER)


def test_hello_retry_request(server: Server) -> None:
    """Guards against a flow that fails when a HelloRetryRequest makes the callbacks run twice."""
    groups = ["-groups", "P-384:P-256"]
    with StockClient(server.address, PREFIXED, KS_NAF, *groups) as first:
        flag = first.flag()
    with StockClient(server.e2e_address, flag["identity"], key_of(flag), *groups) as second:
        second.write(b"x\n")
        assert second.read() == b"e2e: x"


@pytest.mark.parametrize("group", ["P-384", "X448", "ffdhe8192"])
def test_groups_that_cost_too_much(server: Server, group: str) -> None:
    """Guards against a client that makes the server compute in a group which costs more than others."""
    with StockClient(server.address, PREFIXED, KS_NAF, "-groups", group) as first:
        assert first.read() == b""


def test_nothing_outlives_the_connection(server: Server, tmp_path: Path) -> None:
    """Guards against a server that sends a session ticket, or takes a PSK without (EC)DHE."""
    session = tmp_path / "session.pem"
    with StockClient(server.address, PREFIXED, KS_NAF, "-sess_out", str(session)) as first:
        first.flag()
    assert not session.exists() or session.stat().st_size == 0
    relay = Relay(server.address)
    with StockClient(relay.address, PREFIXED, KS_NAF, "-allow_no_dhe_kex", "-msg") as first:
        first.write(b'{"nonce":"' + b"00" * 16 + b'"}\n')
        seen = b""
        while b'"e2e":' not in seen and (line := first.read()):
            seen += line + b"\n"
    relay.close()
    assert b"EncryptedExtensions" in seen and b"NewSessionTicket" not in seen
    assert KEY_SHARE in extensions(relay.answer)


KEY_SHARE = 51  # RFC 8446 4.2


def extensions(server_hello: bytes) -> set[int]:
    """The types of a ServerHello's extensions: RFC 8446 4.1.3, behind record and handshake headers."""
    body = server_hello[5 + 4 + 2 + 32 :]
    body = body[1 + body[0] + 2 + 1 :]
    rest, found = body[2 : 2 + int.from_bytes(body[:2], "big")], set()
    while rest:
        found.add(int.from_bytes(rest[:2], "big"))
        rest = rest[4 + int.from_bytes(rest[2:4], "big") :]
    return found


# The server survives


def still_serves(devices: Path, server: Server) -> None:
    """An ordinary UE is served."""
    result = ue(devices, ID, server.address, server.e2e_address)
    assert (result.returncode, result.stdout) == (0, "e2e: hello\n"), result.stderr
    assert server.process.poll() is None


def client_hello(address: str) -> bytes:
    """What a client says first: taken from a real one."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(SECONDS)
        fake = f"127.0.0.1:{listener.getsockname()[1]}"
        with StockClient(fake, PREFIXED, KS_NAF):
            peer, _ = listener.accept()
            with peer:
                return peer.recv(65536)


def test_garbage(devices: Path, server: Server) -> None:
    """Guards against octets that are no TLS, or half of a ClientHello, bringing the server down or keeping others out."""
    hello = client_hello(server.address)
    endings = [b"", b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(3000)]
    endings += [secrets.token_bytes(500), hello[: len(hello) // 2], hello[:-1], hello]
    for address in (server.address, server.e2e_address):
        for octets in endings:
            with socket.create_connection(split(address), 5) as connection:
                connection.sendall(octets)
    still_serves(devices, server)


@contextlib.contextmanager
def silent_clients(server: Server) -> Iterator[tuple[list[socket.socket], StockClient]]:
    """Ten that say nothing, or half of a ClientHello; and one that says nothing after its handshake."""
    hello = client_hello(server.address)
    with contextlib.ExitStack() as stack:
        connections = [
            stack.enter_context(socket.create_connection(split(server.address), 30))
            for _ in range(10)
        ]
        for connection in connections[5:]:
            connection.sendall(hello[:100])
        yield connections, stack.enter_context(StockClient(server.address, PREFIXED, KS_NAF))


def test_silent_clients_are_dropped(devices: Path) -> None:
    """Guards against a client that keeps its connection by silence before, within or after its handshake."""
    with Server(devices, "--handshake-timeout", "1", "--line-timeout", "1") as server:
        with silent_clients(server) as (connections, silent):
            for connection in connections:
                with contextlib.suppress(ConnectionResetError):
                    while connection.recv(4096):  # an alert at most, then the end
                        pass
            assert silent.read() == b""


def test_silent_clients_hold_up_nobody(devices: Path) -> None:
    """Guards against silent clients that delay others."""
    with Server(devices, "--handshake-timeout", "60", "--line-timeout", "60") as server:
        with silent_clients(server):
            still_serves(devices, server)


LINES: dict[str, bytes] = {
    "over-long": b"x" * 20000 + b"\n",
    "not JSON": b"nonce\n",
    "no nonce": b"{}\n",
    "short nonce": b'{"nonce":"00"}\n',
    "long nonce": b'{"nonce":"' + b"00" * 17 + b'"}\n',
    "nonce not hex": b'{"nonce":"' + b"zz" * 16 + b'"}\n',
    "nonce a number": b'{"nonce":1}\n',
    "something more": b'{"nonce":"' + b"00" * 16 + b'","x":1}\n',
    "a name twice": b'{"nonce":"' + b"00" * 16 + b'","nonce":"' + b"00" * 16 + b'"}\n',
    "NUL": b"\0\n",
    "deep": b"[" * 8000 + b"\n",
    "empty": b"\n",
}


@pytest.mark.parametrize("name", LINES)
def test_lines_that_are_no_nonce(server: Server, devices: Path, name: str) -> None:
    """Guards against a line that is no nonce getting a flag, or bringing the server down."""
    with StockClient(server.address, PREFIXED, KS_NAF) as first:
        first.write(LINES[name])
        assert first.read() == b""
    still_serves(devices, server)


def test_over_long_line_to_the_echo(server: Server, devices: Path) -> None:
    """Guards against a line of more than 8,192 octets overflowing its buffer, or one of 8,192 being refused."""
    with StockClient(server.address, PREFIXED, KS_NAF) as first:
        flag = first.flag()
    with StockClient(server.e2e_address, flag["identity"], key_of(flag)) as second:
        second.write(b"y" * 8192 + b"\n")
        assert second.read() == b"e2e: " + b"y" * 8192
        second.write(b"y" * 8193 + b"\n")
        assert second.read() == b""
    still_serves(devices, server)


def test_200_ues_at_once(tmp_path: Path) -> None:
    """Guards against UEs that come all at once getting each other's lines, or none."""
    rows = [
        [f"ue{n}@bsf.example.com", secrets.token_hex(32), secrets.token_hex(32)] for n in range(UES)
    ]
    devices = write_devices(tmp_path / "many.csv", rows)
    with Server(devices, "--handshake-timeout", "60", "--line-timeout", "60") as server:
        # all connections are open at once, then every UE runs its course
        held = [socket.create_connection(split(server.address), 20) for _ in range(UES)]
        running = [
            subprocess.Popen(
                ue_command(devices, row[0], server.address, server.e2e_address, message=row[0]),
                env=ENVIRONMENT,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for row in rows
        ]
        results = [process.communicate(timeout=60) for process in running]
        for connection in held:
            connection.close()
    for row, (out, err) in zip(rows, results):
        assert (out, err) == (f"e2e: {row[0]}\n", "")


@pytest.mark.life
def test_sigterm(devices: Path) -> None:
    """Guards against a server that SIGTERM does not end with status 0 while a client is connected."""
    with Server(devices) as server:
        with StockClient(server.address, PREFIXED, KS_NAF) as first:
            first.flag()
            server.process.terminate()
            assert server.wait() == 0


# Files and options


def run_server(devices: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """Run an e2e-as that is to end by itself."""
    program = str(BUILD / "e2e/e2e-as")
    required = ["--accept", "127.0.0.1:0", "--devices", str(devices), "--naf-fqdn", FQDN]
    return run_to_end(program, *required, *options)


CSV_FAULTS: dict[str, tuple[str, str]] = {
    "empty": ("", "line 1: the header is wrong"),
    "no header": (f"{ID},{KS_NAF.hex()},{KA.hex()}\n", "line 1: the header is wrong"),
    "another header": ("identity,ka,ks-naf\n", "line 1: the header is wrong"),
    "no column ka": ("identity,ks-naf\n", "identity,ks-naf,ka must come first, in this order"),
    "no column ks-naf": ("identity,ka\n", "line 1: ks-naf: the header is wrong: this column is"),
    "few fields": ("identity,ks-naf,ka\nx,y\n", "line 2: fewer fields"),
    "many fields": ("identity,ks-naf,ka\nx,y,z,\n", "line 2: more fields"),
    "no identity": (f"identity,ks-naf,ka\n,{KS_NAF.hex()},\n", "line 2: identity: empty"),
    "a blank": (f"identity,ks-naf,ka\na b,{KS_NAF.hex()},\n", "line 2: identity: must be 1 to 255"),
    "a quote": (f'identity,ks-naf,ka\n"a",{KS_NAF.hex()},\n', "line 2: identity: must be 1 to 255"),
    "long identity": (
        f"identity,ks-naf,ka\n{'a' * 256},{KS_NAF.hex()},\n",
        "identity: must be 1 to 255",
    ),
    "short ks-naf": (
        f"identity,ks-naf,ka\na,{KS_NAF.hex()[2:]},\n",
        "line 2: ks-naf: must be 64 hex",
    ),
    "long ks-naf": (f"identity,ks-naf,ka\na,{KS_NAF.hex()}00,\n", "line 2: ks-naf: must be 64 hex"),
    "ks-naf no hex": (f"identity,ks-naf,ka\na,{'zz' * 32},\n", "line 2: ks-naf: must be 64 hex"),
    "no ks-naf": (f"identity,ks-naf,ka\na,,{KA.hex()}\n", "line 2: ks-naf: must be 64 hex"),
    "short ka": (
        f"identity,ks-naf,ka\na,{KS_NAF.hex()},{'00' * 15}\n",
        "line 2: ka: must be the hex",
    ),
    "long ka": (
        f"identity,ks-naf,ka\na,{KS_NAF.hex()},{'00' * 65536}\n",
        "line 2: ka: must be the hex",
    ),
    "odd ka": (f"identity,ks-naf,ka\na,{KS_NAF.hex()},{'00' * 16}0\n", "line 2: ka: not hex"),
    "ka no hex": (f"identity,ks-naf,ka\na,{KS_NAF.hex()},{'zz' * 16}\n", "line 2: ka: not hex"),
    "empty line": (f"identity,ks-naf,ka\n\na,{KS_NAF.hex()},\n", "line 2: fewer fields"),
    "two Ks_NAF": (
        f"identity,ks-naf,ka\na,{KS_NAF.hex()},{KA.hex()}\na,{OTHER.hex()},{KA.hex()}\n",
        "line 3: ks-naf: differs",
    ),
    "a ka-id twice": (
        f"identity,ks-naf,ka,ka-id\na,{KS_NAF.hex()},{KA.hex()},k\na,{KS_NAF.hex()},{KA.hex()},k\n",
        "line 3: ka-id: this identity has it already",
    ),
}


@pytest.mark.parametrize("name", CSV_FAULTS)
def test_malformed_devices_file(tmp_path: Path, name: str) -> None:
    """Guards against a malformed devices file that is taken in part, or an error that shows its secrets or no line number."""
    text, said = CSV_FAULTS[name]
    path = tmp_path / "devices.csv"
    path.write_text(text)
    path.chmod(0o600)
    result = ue(path, ID, "127.0.0.1:1")
    assert result.returncode == 1 and said in result.stderr
    assert_no_secrets(result.stderr)
    served = run_server(path)
    assert served.returncode == 1 and said in served.stderr


def test_devices_file_bounds(tmp_path: Path) -> None:
    """Guards against a devices file being refused for the shortest or longest Ka, for hex in capitals or for CR LF."""
    rows = [["a", KS_NAF.hex(), "ab" * 16], ["b", KS_NAF.hex().upper(), "cd" * 65535]]
    text = "identity,ks-naf,ka\r\n" + "".join(",".join(row) + "\r\n" for row in rows)
    path = tmp_path / "devices.csv"
    path.write_text(text, newline="")
    path.chmod(0o600)
    with Server(path) as server:
        for row in rows:
            assert ue(path, row[0], server.address, server.e2e_address).returncode == 0


@pytest.mark.parametrize("mode", [0o660, 0o604, 0o666, 0o644, 0o620])
def test_devices_file_that_others_can_read(devices: Path, mode: int) -> None:
    """Guards against a devices file that others can read being taken without --insecure-devices."""
    devices.chmod(mode)
    result = ue(devices, ID, "127.0.0.1:1")
    assert result.returncode == 1 and "chmod 600" in result.stderr
    with Server(devices, "--insecure-devices") as server:
        insecure = "--insecure-devices"
        assert ue(devices, ID, server.address, server.e2e_address, insecure).returncode == 0


def test_keylog(devices: Path, tmp_path: Path) -> None:
    """Guards against a key log without a warning, readable by others, short of a connection, or with a key of ours in it."""
    logs = [tmp_path / "server.log", tmp_path / "ue.log"]
    logs[1].write_text("")
    logs[1].chmod(0o644)
    with Server(devices, "--keylog", str(logs[0])) as server:
        result = ue(devices, ID, server.address, server.e2e_address, "--keylog", str(logs[1]))
        assert result.returncode == 0 and "can decrypt every connection" in result.stderr
    server.wait_for_error("can decrypt every connection")
    for log in logs:
        text = log.read_text()
        assert text.count("CLIENT_TRAFFIC_SECRET_0 ") == 2
        assert log.stat().st_mode & 0o777 == 0o600
        assert_no_secrets(text)


USAGE: dict[str, tuple[list[str], str]] = {
    "unknown option": (["--what"], "try --help"),
    "no option": (["what"], "is not an option, nor the value of one"),
    "mode": (["--mode", "5G"], "mode: '5G' given"),
    "digest": (["--digest", "SHA1"], "digest: 'SHA1' given"),
    "usage": (["--usage", "u" * 256], "usage: 256 octets given"),
    "naf": (["--naf-fqdn", "a_b"], "naf-fqdn: not host-name text"),
    "ua length": (["--ua-protocol-id", "01"], "ua-protocol-id: 1 octets given"),
    "ua hex": (["--ua-protocol-id", "xy"], "--ua-protocol-id xy: must be hex"),
}


@pytest.mark.parametrize("name", USAGE)
def test_usage(devices: Path, name: str) -> None:
    """Guards against options of e2e-ue that make no sense together and are taken."""
    options, said = USAGE[name]
    result = ue(devices, ID, "127.0.0.1:1", None, *options)
    assert result.returncode == 2 and said in result.stderr


def test_usage_of_the_message(devices: Path) -> None:
    """Guards against a message of two lines, or of more octets than a line can have, being sent."""
    for message in ("two\nlines", "x" * 8193):
        result = ue(devices, ID, "127.0.0.1:1", message=message)
        assert result.returncode == 2 and "--message: must be one line" in result.stderr


@pytest.mark.parametrize("program", ["e2e-as", "e2e-ue"])
def test_help(program: str) -> None:
    """Guards against --help without an option that there is, or a program without options that does not say what is missing."""
    result = subprocess.run(
        [BUILD / "e2e" / program, "--help"], capture_output=True, text=True, check=False
    )
    assert result.returncode == 0 and result.stderr == ""
    for option in ("--devices", "--naf-fqdn", "--ua-protocol-id", "--mode", "--digest", "--usage"):
        assert re.search(rf"^  {option} ", result.stdout, re.MULTILINE)
    bare = subprocess.run([BUILD / "e2e" / program], capture_output=True, text=True, check=False)
    assert bare.returncode == 2 and "is missing" in bare.stderr


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--e2e", "maybe"], "--e2e maybe: must be required, offered or off"),
        (["--refresh-lifetime", "0"], "--refresh-lifetime 0: must be a number from 1"),
        (["--refresh-lifetime", "5s"], "--refresh-lifetime 5s: must be a number from 1"),
        (["--connections", "-1"], "--connections -1: must be a number from 1"),
        (["--digest", "MD5"], "digest: 'MD5' given"),
    ],
)
def test_usage_of_the_server(devices: Path, options: list[str], said: str) -> None:
    """Guards against options of e2e-as that make no sense together and are taken."""
    result = run_server(devices, *options)
    assert result.returncode == 2 and said in result.stderr


def test_identity_not_in_the_file(devices: Path) -> None:
    """Guards against a UE that is not in the devices file connecting without a key, or failing without a reason."""
    result = ue(devices, "nobody", "127.0.0.1:1")
    assert result.returncode == 1 and "not in the devices file" in result.stderr


def test_no_server(devices: Path) -> None:
    """Guards against an error that does not say what to look at when an address is malformed or has no server."""
    result = ue(devices, ID, "127.0.0.1:1")
    assert result.returncode == 1 and "is the server up" in result.stderr
    result = ue(devices, ID, "nonsense")
    assert result.returncode == 1 and "must be HOST:PORT" in result.stderr


def test_without_the_provider(devices: Path) -> None:
    """Guards against a configuration without akma whose error does not say what to activate."""
    environment = ENVIRONMENT | {"OPENSSL_CONF": "/dev/null"}
    result = ue(devices, ID, "127.0.0.1:1", environment=environment)
    assert (
        result.returncode == 1
        and "activate akma in a configuration (OPENSSL_CONF)" in result.stderr
    )
