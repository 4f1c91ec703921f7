"""First connections over TLS 1.2: e2e-as and e2e-ue with --tls-min 1.2, keys from a devices file.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import reference
from datagrams import SUITE, SUITES
from evp import BUILD
from flow import (
    ENVIRONMENT,
    FQDN,
    LOOPBACK,
    Metered,
    Process,
    Server,
    StockClient,
    run_to_end,
    ue,
    wait_until,
)
from one_device import IDENTITY, KA, KS_NAF, PSK_IDENTITY, make_devices  # noqa: F401 (a fixture)

EPHEMERAL = [suite for suite in SUITES if suite.startswith("ECDHE")]
CBC = "ECDHE-PSK-AES128-CBC-SHA256"
NONCE = b'{"nonce":"000102030405060708090a0b0c0d0e0f"}\n'


def tls12(suite: str = SUITE) -> list[str]:
    """The options of either program."""
    return ["--tls-min", "1.2", "--ua-protocol-id", "suite", "--dtls-ciphers", suite]


class Client(Process):
    """openssl s_client over TLS 1.2."""

    def __init__(
        self,
        address: str,
        identity: str = PSK_IDENTITY,
        key: bytes = KS_NAF,
        suite: str = SUITE,
        *options: str,
        without: str = "",
        folder: Path = Path(),
    ) -> None:
        environment = None
        if without:
            configuration = folder / "openssl.cnf"
            configuration.write_text(
                "openssl_conf = all\n[all]\nssl_conf = ssl\n[ssl]\nsystem_default = tls\n"
                f"[tls]\nOptions = -{without}\n"
            )
            environment = {**ENVIRONMENT, "OPENSSL_CONF": str(configuration)}
        super().__init__(
            *["openssl", "s_client", "-connect", address, "-no_ign_eof", "-tls1_2", "-cipher"],
            *[suite, "-psk_identity", identity, "-psk", key.hex(), *options],
            environment=environment,
        )

    def is_refused(self) -> str:
        """It comes to its end by itself: the alert that it got."""
        wait_until(lambda: self.process.poll() is not None)
        found = re.search(r"alert number \d+", self.last_words)
        assert found, self.last_words
        return found[0]


@pytest.fixture(name="server")
def start_server(devices: Path) -> Iterator[Metered]:
    """Two addresses, one suite."""
    with Metered(devices, *tls12()) as server:
        yield server


@pytest.mark.parametrize("suite", EPHEMERAL)
def test_flow(devices: Path, suite: str) -> None:
    """Guards against a suite of TLS 1.2 that a program does not offer, or whose NAF_Id the two programs make differently."""
    with Metered(devices, *tls12(suite)) as server:
        result = ue(devices, IDENTITY, server.address, server.e2e_address, *tls12(suite))
        assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr
        assert server.count("e2e_connections_total") == 1
        assert f"ua-protocol-id={SUITES[suite]}" in server.wait_for_error("event=flag")


def test_several_flags(server: Metered) -> None:
    """Guards against a first connection of TLS 1.2 that ends, or is not looked at again, after its first flag."""
    options = ["-quiet", "-alpn", "akma-e2e-ua/1"]
    with Client(server.address, PSK_IDENTITY, KS_NAF, SUITE, *options) as client:
        for number in range(1, 3):
            client.write(NONCE)
            assert b'"e2e":1' in client.read()
            wait_until(lambda: server.count('flags_total{e2e="1"}') == number)


def test_no_key_for_two_versions(server: Metered, devices: Path) -> None:
    """Guards against a Ks_NAF of a suite of TLS 1.2 that is good for TLS 1.3 as well (RFC 8446 E.7)."""
    with StockClient(server.address, PSK_IDENTITY, KS_NAF) as client:
        server.wait_for_error("are for another Ua security protocol")
        wait_until(lambda: client.process.poll() is not None)
    assert ue(devices, IDENTITY, server.address, server.e2e_address).returncode == 4
    assert server.count("handshakes_total") == 0


def test_unknown_as_wrong(server: Metered) -> None:
    """Guards against an alert over TLS 1.2 that tells an unknown identity from a wrong key."""
    alerts = set()
    for identity, key in (
        (PSK_IDENTITY, bytes(31) + b"\1"),
        ("3GPP-bootstrapping.eve@bsf.example.com", KS_NAF),
        ("x", KS_NAF),
    ):
        with Client(server.address, identity, key) as client:
            alerts.add(client.is_refused())
    assert alerts == {"alert number 20"}
    assert server.count("handshakes_total") == 0


def test_first_connections_alone(server: Metered, devices: Path) -> None:
    """Guards against an e2e connection of TLS 1.2 that is accepted, at the endpoint's address or at one for both."""
    with Client(server.e2e_address) as client:
        assert client.is_refused() == "alert number 70"
    server.wait_for_error("TLS 1.2 is for first connections alone")
    with Metered(devices, *tls12(), two_addresses=False) as both:
        with Client(both.address, PSK_IDENTITY, KS_NAF, SUITE, "-quiet") as first:
            first.write(NONCE)
            flag = json.loads(first.read())
        refresh, usage = bytes.fromhex(flag["refresh"]), flag["usage"]
        naf_id = FQDN.encode() + bytes.fromhex(SUITES[SUITE])
        key = reference.e2e_key(KS_NAF, KA, naf_id, refresh=refresh, usage=usage)
        with Client(both.address, flag["identity"], key) as client:
            assert client.is_refused() == "alert number 20"
        both.wait_for_error("event=refused")
        assert "store" not in both.errors


def test_default_is_tls13(devices: Path) -> None:
    """Guards against a server that accepts TLS 1.2 although --tls-min 1.2 was not given."""
    with Metered(devices) as server, Client(server.address) as client:
        assert client.is_refused() == "alert number 70"


@pytest.mark.parametrize(
    ("without", "suite", "what"),
    [
        ("ExtendedMasterSecret", SUITE, "extended master secret"),
        ("EncryptThenMac", CBC, "encrypt-then-MAC"),
    ],
)
def test_what_is_required(
    devices: Path, tmp_path: Path, without: str, suite: str, what: str
) -> None:
    """Guards against a TLS 1.2 client that is accepted without extended master secret, or with CBC but no encrypt-then-MAC."""
    with Metered(devices, *tls12(suite)) as server:
        with Client(server.address, suite=suite, without=without, folder=tmp_path) as client:
            assert client.is_refused() == "alert number 40"
        server.wait_for_error(f"it offers no {what}")


def with_options(folder: Path, options: str) -> dict[str, str]:
    """An environment whose openssl.cnf has these options for every connection."""
    text = Path(ENVIRONMENT["OPENSSL_CONF"]).read_text()
    section = re.search(r"^openssl_conf *= *(\w+)$", text, re.M)
    assert section
    heading = rf"^\[ *{section[1]} *\]$"
    text = re.sub(heading, rf"[{section[1]}]\nssl_conf = ssl", text, flags=re.M)
    configuration = folder / "options.cnf"
    configuration.write_text(f"{text}\n[ssl]\nsystem_default = tls\n[tls]\nOptions = {options}\n")
    return {**ENVIRONMENT, "OPENSSL_CONF": str(configuration)}


def test_system_configuration(devices: Path, tmp_path: Path) -> None:
    """Guards against a flow with CBC that fails when openssl.cnf turns off encrypt-then-MAC and the extended master secret."""
    environment = with_options(tmp_path, "-EncryptThenMac,-ExtendedMasterSecret")
    with Server(devices, *tls12(CBC), environment=environment) as server:
        to = (server.address, server.e2e_address)
        result = ue(devices, IDENTITY, *to, *tls12(CBC), environment=environment)
        assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr


def test_no_renegotiation(devices: Path, tmp_path: Path) -> None:
    """Guards against a renegotiation over TLS 1.2 that is accepted because openssl.cnf allows it."""
    environment = with_options(tmp_path, "ClientRenegotiation")
    with Server(devices, *tls12(), environment=environment) as server:
        with Client(server.address) as client:
            while b"TLSv1.2" not in client.read():
                pass
            client.write(b"R\n")
            wait_until(lambda: client.process.poll() is not None)
            assert "no renegotiation" in client.errors


TCP = ["--accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN]
UDP = ["--accept", f"udp:{LOOPBACK}:0", "--naf-fqdn", FQDN]
REFUSED = [
    ([*TCP, "--tls-min", "1.1"], "--tls-min: must be 1.2 or 1.3"),
    ([*UDP, *tls12()], "over DTLS (--accept udp:) the version is 1.2 always"),
    ([*TCP, "--tls-min", "1.2"], "a key of the devices file is good for one version of TLS"),
    ([*TCP, *tls12(":".join(EPHEMERAL))], "--dtls-ciphers must name exactly one"),
    ([*TCP, "--ua-protocol-id", "suite"], "is for first connections of DTLS 1.2 or TLS 1.2"),
    ([*TCP, "--ua-protocol-id", "010001ccac"], "of a cipher suite of TLS 1.2"),
    ([*UDP, "--dtls-ciphers", SUITE, "--ua-protocol-id", "0100000007"], "is TLS 1.3's"),
    ([*UDP, "--dtls-ciphers", SUITE, "--ua-protocol-id", "gba:0100011301"], "is TLS 1.3's"),
    ([*UDP, "--dtls-ciphers", SUITE, "--ua-protocol-id", "ff00000001"], "must be 010001 and"),
    ([*UDP, "--dtls-ciphers", SUITE, "--ua-protocol-id", "010001c0a8"], "does not name"),
]
UE_REFUSED = [
    (["--tls-min", "1.1"], "--tls-min: must be 1.2 or 1.3"),
    (["--tls-min", "1.2"], "a key of the devices file is good for one version of TLS"),
    (tls12(":".join(EPHEMERAL)), "--dtls-ciphers must name exactly one"),
    (["--ua-protocol-id", "suite"], "is for a first connection of DTLS 1.2 or TLS 1.2"),
    (["--ua-protocol-id", "010001ccac"], "of a cipher suite of TLS 1.2"),
]


@pytest.mark.parametrize("check", [[], ["--check"]], ids=["start", "check"])
@pytest.mark.parametrize(("options", "sentence"), REFUSED)
def test_refused(devices: Path, options: list[str], sentence: str, check: list[str]) -> None:
    """Guards against options of e2e-as with which one key would serve two versions of TLS, or several suites."""
    words = [str(BUILD / "e2e/e2e-as"), "--devices", str(devices), *options, *check]
    result = run_to_end(*words)
    assert result.returncode != 0 and sentence in result.stderr, result.stderr


@pytest.mark.parametrize(("options", "sentence"), UE_REFUSED)
def test_refused_by_the_ue(devices: Path, options: list[str], sentence: str) -> None:
    """Guards against options of e2e-ue with which one key would serve two versions of TLS, or several suites."""
    result = ue(devices, IDENTITY, f"{LOOPBACK}:1", None, *options)
    assert result.returncode != 0 and sentence in result.stderr, result.stderr


@pytest.mark.parametrize("program", ["as", "ue"])
@pytest.mark.parametrize(
    ("identifier", "version"),
    [
        ("0100000007", "TLS 1.3"),
        ("0100011301", "TLS 1.3"),
        ("0100000002", "TLS 1.3"),
        ("0000000000", "TLS 1.3"),
        ("ff00000001", "TLS 1.3"),
        ("010001ccac", "DTLS 1.2"),
        ("010001c037", "neither"),
    ],
)
def test_identifier_of_one_version(
    devices: Path, program: str, identifier: str, version: str
) -> None:
    """Guards against an identifier that TLS 1.3 and DTLS accept, so that two processes share a key."""
    option = {"as": ["--accept"], "ue": ["--identity", IDENTITY, "--message", "m", "--connect"]}
    words = [str(BUILD / f"e2e/e2e-{program}"), "--check", "--devices", str(devices)]
    words += ["--naf-fqdn", FQDN, "--ua-protocol-id", identifier, *option[program]]
    over_tls = run_to_end(*words, f"{LOOPBACK}:1")
    over_dtls = run_to_end(*words, f"udp:{LOOPBACK}:1", "--dtls-ciphers", SUITE)
    assert (over_tls.returncode == 0) == (version == "TLS 1.3"), over_tls.stderr
    assert (over_dtls.returncode == 0) == (version == "DTLS 1.2"), over_dtls.stderr
