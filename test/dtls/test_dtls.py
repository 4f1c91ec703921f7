"""The flow over DTLS 1.2: e2e-as and e2e-ue with udp:HOST:PORT.

SPDX-License-Identifier: Apache-2.0
"""

import json
import random
import secrets
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import reference
from datagrams import (
    ALERT,
    EXTENDED_MASTER_SECRET,
    OVER_TCP,
    OVER_UDP,
    HELLO_VERIFY_REQUEST,
    RECORD,
    SERVER_HELLO,
    SUITE,
    SUITES,
    X25519,
    DtlsListener,
    DtlsServer,
    RoughPath,
    StockDtlsClient,
    client_hello,
    cookie_of,
    dtls_ue,
    pair_of,
)
from evp import BUILD
from flow import ENVIRONMENT, FQDN, LOOPBACK, Process, metric, run_to_end, ue_command, wait_until
from one_device import IDENTITY, KA, KS_NAF, PSK_IDENTITY, make_devices  # noqa: F401 (a fixture)
from project import INSTRUMENTED
from sanitizer import SANITIZED

NONCE = b'{"nonce":"000102030405060708090a0b0c0d0e0f"}'


@pytest.fixture(name="server")
def start_server(devices: Path) -> Iterator[DtlsServer]:
    """Both addresses over UDP."""
    with DtlsServer(devices) as server:
        yield server


@pytest.mark.parametrize("suite", SUITES)
def test_flow(devices: Path, suite: str) -> None:
    """Guards against a suite that one of the two programs does not offer, or whose NAF_Id they make differently over DTLS."""
    with DtlsServer(devices, suites=suite) as server:
        result = dtls_ue(server, devices, IDENTITY, suites=suite)
        assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr
        assert server.count("e2e_connections_total") == 1


@pytest.mark.parametrize(("accept", "e2e_accept"), [(OVER_UDP, OVER_TCP), (OVER_TCP, OVER_UDP)])
def test_transports_mix(devices: Path, accept: str, e2e_accept: str) -> None:
    """Guards against a first connection over UDP or TCP whose flag opens no e2e connection over the other transport."""
    with DtlsServer(devices, accept=accept, e2e_accept=e2e_accept) as server:
        result = dtls_ue(server, devices, IDENTITY)
        assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr


def test_one_address(devices: Path) -> None:
    """Guards against a server that confuses first and e2e connections when both come to one UDP address."""
    with DtlsServer(devices, e2e_accept=None) as server:
        result = dtls_ue(server, devices, IDENTITY)
        assert (result.stdout, result.returncode) == ("e2e: hello\n", 0), result.stderr


@pytest.mark.parametrize("suite", SUITES)
@pytest.mark.parametrize("side", ["server", "ue"])
def test_identifier_is_the_suites(devices: Path, side: str, suite: str) -> None:
    """Guards against a program whose NAF_Id over DTLS does not end in 01 00 01 and the suite (TS 33.222 5.4)."""
    given = {side: ("--ua-protocol-id", SUITES[suite])}  # the other side makes it by itself
    with DtlsServer(devices, *given.get("server", ()), suites=suite) as server:
        result = dtls_ue(server, devices, IDENTITY, *given.get("ue", ()), suites=suite)
        assert result.returncode == 0, result.stderr


def test_same_line_same_answer(server: DtlsServer) -> None:
    """Guards against a nonce that is repeated over DTLS, since its answer was lost, and gets another flag or none."""
    with StockDtlsClient(server.address, PSK_IDENTITY, KS_NAF) as client:
        for _ in range(3):
            client.say(NONCE)
            wait_until(lambda: server.count('flags_total{e2e="1"}') == 1)
        client.say(b'{"nonce":"100102030405060708090a0b0c0d0e0f"}')
        server.wait_for_error("another line came than the one that was answered")
        client.end_input()
        said = client.read()
    answers = said.replace(b"}{", b"}\n{").splitlines()
    assert len(answers) >= 1 and len(set(answers)) == 1
    assert json.loads(answers[0])["refresh"].startswith("000102030405060708090a0b0c0d0e0f")
    assert server.count('flags_total{e2e="1"}') == 1


def test_another_key(devices: Path) -> None:
    """Guards against a log that cannot tell a wrong key over DTLS from a UE that was never heard again."""
    with DtlsServer(devices, "--handshake-timeout", "1") as server:
        with StockDtlsClient(server.address, PSK_IDENTITY, bytes(32)):
            line = server.wait_for_error("event=refused")
    assert f"identity={IDENTITY} " in line and "is of another key" in line


@pytest.mark.parametrize("prefix", ["", "un"])
def test_other_key_is_logged(server: DtlsServer, prefix: str) -> None:
    """Guards against another key, or an unknown one, that is answered or not logged; or a handshake that one datagram ends."""
    with RoughPath(pair_of(server.address), doubling=1) as path:
        with StockDtlsClient(path.address, prefix + PSK_IDENTITY, bytes(32)):
            assert "cannot be decrypted: it is of another key" in server.wait_for_error("refused")
    proofs = [each for each in path.to_server if b"\x16\xfe\xfd\0\1" in each]
    assert len(proofs) >= 2 and len(set(proofs)) >= 2, "the UE's own, and once more"
    assert not [each for each in path.to_client if each[0] == ALERT]


def test_long_line(server: DtlsServer) -> None:
    """Guards against a line of more than 1,024 octets that a first connection over DTLS takes."""
    with StockDtlsClient(server.address, PSK_IDENTITY, KS_NAF) as client:
        client.say(b'{"nonce":"' + b"0" * 1100 + b'"}')
        server.wait_for_error("a line is too long")


def test_key_is_good_once(devices: Path) -> None:
    """Guards against an e2e_key with which a second DTLS session is let in."""
    with DtlsServer(devices, "--handshake-timeout", "1") as server:
        with StockDtlsClient(server.address, PSK_IDENTITY, KS_NAF) as client:
            client.say(NONCE)
            wait_until(lambda: server.count("first_connections_held") == 1)  # the flag is written
            client.end_input()
            flag = json.loads(client.read())
        refresh, usage = bytes.fromhex(flag["refresh"]), flag["usage"]
        naf_id = FQDN.encode() + bytes.fromhex(SUITES[SUITE])
        key = reference.e2e_key(KS_NAF, KA, naf_id, refresh=refresh, usage=usage)
        with StockDtlsClient(server.e2e_address, flag["identity"], key):
            wait_until(lambda: server.count("e2e_connections_total") == 1)
        with StockDtlsClient(server.e2e_address, flag["identity"], key):
            server.wait_for_error("event=refused endpoint=e2e")
        assert server.count("e2e_connections_total") == 1


@pytest.mark.parametrize(
    "octets",
    [b"", b"\0", bytes(60), client_hello()[:-3], random.Random(33).randbytes(900)],
    ids=["empty", "one", "zeros", "cut", "noise"],
)
def test_nothing_for_strangers(server: DtlsServer, octets: bytes) -> None:
    """Guards against a datagram that is no whole ClientHello being answered, logged or remembered."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.connect(pair_of(server.address))
        stranger.send(octets)
        stranger.send(client_hello())  # what is answered shows that the other was taken
        stranger.settimeout(10)
        assert stranger.recv(2000)[RECORD] == HELLO_VERIFY_REQUEST
        stranger.setblocking(False)
        with pytest.raises(BlockingIOError):
            stranger.recv(2000)
    assert server.count("connections_open") == 0
    assert "refused" not in server.errors


def test_cookie_before_all(server: DtlsServer) -> None:
    """Guards against a forged source address that is sent more than came from it, or that costs a connection or a log line."""
    sent = received = 0
    for _ in range(200):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forged:
            forged.settimeout(10)
            forged.connect(pair_of(server.address))
            sent += forged.send(client_hello(random_=secrets.token_bytes(32)))
            received += len(forged.recv(2000))
            sent += forged.send(client_hello(bytes(32)))  # a cookie of nobody's
            received += len(forged.recv(2000))
    assert received <= sent
    assert server.count('connections_total{endpoint="naf"}') == 0
    assert server.count("handshakes_unfinished") == 0
    assert "refused" not in server.errors


def test_cookie_is_of_the_address(server: DtlsServer) -> None:
    """Guards against a cookie that another address or another port may bring, or that may have an octet more."""
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other_port,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other_address,
    ):
        for each in (one, other_port, other_address):
            each.settimeout(10)
            if each is other_address:
                each.bind(("127.0.0.2", one.getsockname()[1]))
            each.connect(pair_of(server.address))
        cookie = cookie_of(one, client_hello())
        assert len(cookie) == 32
        one.send(client_hello(cookie + b"x"))
        assert one.recv(2000)[RECORD] == HELLO_VERIFY_REQUEST
        for other in (other_port, other_address):
            other.send(client_hello(cookie))
            assert other.recv(2000)[RECORD] == HELLO_VERIFY_REQUEST
    assert server.count('connections_total{endpoint="naf"}') == 0


def lengths_of(server: DtlsServer, identity: str, key: bytes) -> list[int]:
    """What the server sends to a client whose handshake fails, until that has said all."""
    with RoughPath(pair_of(server.address)) as path:
        with StockDtlsClient(path.address, identity, key):
            wait_until(
                lambda: any(each[0] == 20 or b"\x14\xfe\xfd" in each for each in path.to_server)
            )
        return [len(each) for each in path.to_client[:2]]


def test_unknown_is_as_wrong(server: DtlsServer) -> None:
    """Guards against a handshake over DTLS whose answers show strangers which identities exist."""
    unknown = lengths_of(server, PSK_IDENTITY + "x", KS_NAF)
    wrong = lengths_of(server, PSK_IDENTITY, bytes(32))
    assert len(unknown) == len(wrong) == 2
    assert abs(unknown[1] - wrong[1]) <= 8  # a signature's or a point's encoding


def test_datagrams_are_relayed(devices: Path) -> None:
    """Guards against a relay that joins, cuts or loses datagrams, or whose PROXY header does not say whose they are."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as application:
        application.bind((LOOPBACK, 0))
        application.settimeout(10)
        forward = f"udp:{LOOPBACK}:{application.getsockname()[1]}"
        with (
            DtlsServer(devices, "--forward", forward, "--proxy-protocol") as server,
            DtlsListener(devices, IDENTITY, server.address, server.e2e_address) as ue,
            ue.connected() as local,
        ):
            for datagram in (b"x", b"y" * 1200, secrets.token_bytes(700)):
                local.send(datagram)
                octets, source = application.recvfrom(4000)
                header = 16 + int.from_bytes(octets[14:16])
                assert octets[:12] == b"\r\n\r\n\0\r\nQUIT\n"
                assert octets[12:14] == b"\x21\x12"  # PROXY, IPv4 and datagrams
                assert octets[16:20] == socket.inet_aton(LOOPBACK)
                assert octets[header:] == datagram
                application.sendto(datagram[::-1], source)
                assert local.recv(4000) == datagram[::-1]


REFUSED = {
    ("--accept", OVER_UDP): "--dtls-ciphers must name exactly one",
    ("--accept", OVER_UDP, "--dtls-ciphers", "AES128-SHA"): "must name cipher suites of PSK",
    ("--accept", OVER_UDP, "--dtls-ciphers", "PSK-NULL-SHA256"): "must name cipher suites that",
    (
        *("--accept", OVER_UDP, "--ua-protocol-id", "010001c0a8"),
        *("--dtls-ciphers", "PSK-AES128-CCM8:ECDHE-PSK-NULL-SHA"),
    ): "must name cipher suites that encrypt",
    ("--accept", OVER_UDP, "--dtls-ciphers", "NONSENSE"): "OpenSSL has no such suite",
    ("--accept", OVER_UDP, "--dtls-ciphers", f"{SUITE}:NONSENSE"): "OpenSSL has no such suite",
    ("--accept", OVER_UDP, "--dtls-ciphers", f"{SUITE}:"): "OpenSSL has no such suite",
    ("--accept", OVER_TCP, "--dtls-ciphers", SUITE): "--dtls-ciphers is for DTLS",
    ("--accept", OVER_TCP, "--forward", "udp:127.0.0.1:1"): "go with an endpoint over DTLS",
    ("--accept", OVER_UDP, "--dtls-ciphers", SUITE, "--forward", "127.0.0.1:1"): "--forward",
    ("--accept", OVER_UDP, "--dtls-ciphers", SUITE, "--e2e", "offered"): "nothing goes in plain",
    ("--accept", OVER_TCP, "--metrics", OVER_UDP): "must be",
    ("--accept", "udp:5684", "--dtls-ciphers", SUITE): "udp:5684: must be udp:HOST:PORT",
    ("--accept", "udp:unix:/x", "--dtls-ciphers", SUITE): "udp:unix:/x: must be udp:HOST:PORT",
}


@pytest.mark.parametrize("check", [(), ("--check",)], ids=["", "check"])
@pytest.mark.parametrize("options", REFUSED, ids=" ".join)
def test_options_are_refused(
    devices: Path, options: tuple[str, ...], check: tuple[str, ...]
) -> None:
    """Guards against options for DTLS that are wrong or contradict each other, and are taken, or found good by --check."""
    words = [str(BUILD / "e2e/e2e-as"), "--devices", str(devices), "--naf-fqdn", FQDN]
    result = run_to_end(*words, *options, *check)
    assert result.returncode != 0
    assert REFUSED[options] in result.stdout + result.stderr, result.stdout + result.stderr


@pytest.mark.parametrize("listen", ["udp:unix:/x", "udp:5693", "udp:"])
@pytest.mark.parametrize("check", [(), ("--check",)], ids=["", "check"])
def test_listen_is_refused(devices: Path, listen: str, check: tuple[str, ...]) -> None:
    """Guards against a malformed address at e2e-ue's --listen udp: that a start or --check accepts."""
    result = run_to_end(
        *[str(BUILD / "e2e/e2e-ue"), "--connect", f"udp:{LOOPBACK}:1", "--listen", listen],
        *["--devices", str(devices), "--identity", IDENTITY, "--naf-fqdn", FQDN],
        *["--dtls-ciphers", SUITE, *check],
    )
    assert result.returncode != 0
    assert f"--listen {listen}: must be udp:HOST:PORT" in result.stdout + result.stderr


def test_check_says_udp(devices: Path) -> None:
    """Guards against a line of --check that names a port of TCP instead of one of UDP."""
    result = run_to_end(
        *[str(BUILD / "e2e/e2e-as"), "--accept", OVER_UDP, "--dtls-ciphers", SUITE, "--check"],
        *["--devices", str(devices), "--naf-fqdn", FQDN],
    )
    assert result.returncode == 0
    assert f"ok --accept {OVER_UDP}\n" in result.stdout


def test_address_in_use(server: DtlsServer, devices: Path) -> None:
    """Guards against a second server at a UDP port in use, which would get half of the first one's datagrams."""
    result = run_to_end(
        *[str(BUILD / "e2e/e2e-as"), "--accept", server.address, "--dtls-ciphers", SUITE],
        *["--devices", str(devices), "--naf-fqdn", FQDN],
    )
    assert result.returncode != 0 and "in use" in result.stderr, result.stderr


def test_handshakes_of_a_source(devices: Path) -> None:
    """Guards against one source address whose unfinished DTLS handshakes exceed --handshakes-per-source."""
    extensions = EXTENDED_MASTER_SECRET + X25519
    with DtlsServer(devices, "--handshakes-per-source", "2") as server:
        strangers = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(5)]
        for stranger in strangers:
            stranger.settimeout(10)
            stranger.connect(pair_of(server.address))
            cookie = cookie_of(stranger, client_hello(extensions=extensions))
            stranger.send(client_hello(cookie, extensions=extensions))
        wait_until(lambda: server.count('refusals_total{reason="handshakes-per-source"}') == 3)
        assert server.count("handshakes_unfinished") == 2
        for stranger in strangers:
            stranger.close()


def test_timer_and_datagram_at_once() -> None:
    """Guards against a datagram that comes when a flight is to be sent again, and ends the handshake as too late."""
    subprocess.run([BUILD / "test/programs/dtls_timer"], check=True, timeout=30)


def test_peer_restarts(server: DtlsServer) -> None:
    """Guards against a restarted device whose new ClientHello its old session takes in, or that begins two when repeated."""
    extensions = EXTENDED_MASTER_SECRET + X25519
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device:
        device.settimeout(10)
        device.connect(pair_of(server.address))
        for number in (1, 2):
            random_ = bytes([number]) * 32
            cookie = cookie_of(device, client_hello(random_=random_, extensions=extensions))
            for _ in range(2):  # one that comes twice begins nothing
                device.send(client_hello(cookie, random_=random_, extensions=extensions))
            while device.recv(4000)[RECORD] != SERVER_HELLO:
                pass
            assert server.count('connections_total{endpoint="naf"}') == number
        assert server.count("connections_open") == 1
    server.wait_for_error("its peer has started again")


@pytest.mark.parametrize(
    ("suite", "extensions", "reason"),
    [
        ("ECDHE-PSK-CHACHA20-POLY1305", X25519, "no extended master secret"),
        ("ECDHE-PSK-AES128-CBC-SHA256", EXTENDED_MASTER_SECRET + X25519, "no encrypt-then-MAC"),
    ],
)
def test_what_is_required(devices: Path, suite: str, extensions: bytes, reason: str) -> None:
    """Guards against a DTLS session that is accepted without the extended master secret, or with CBC but no encrypt-then-MAC."""
    suites = (int(SUITES[suite][-4:], 16),)
    with (
        DtlsServer(devices, suites=suite) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device,
    ):
        device.settimeout(10)
        device.connect(pair_of(server.address))
        cookie = cookie_of(device, client_hello(suites=suites, extensions=extensions))
        device.send(client_hello(cookie, suites, extensions=extensions))
        assert device.recv(4000)[0] == ALERT
        assert reason in server.wait_for_error("event=refused")


def test_suites_without_cbc(devices: Path) -> None:
    """Guards against a peer without encrypt-then-MAC that is refused over DTLS although it offers an AEAD suite."""
    with (
        DtlsServer(devices, "--ua-protocol-id", "010001ccac", suites=":".join(SUITES)) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as device,
    ):
        device.settimeout(10)
        device.connect(pair_of(server.address))
        offer = (0xC037, 0xCCAC)
        extensions = EXTENDED_MASTER_SECRET + X25519
        cookie = cookie_of(device, client_hello(suites=offer, extensions=extensions))
        device.send(client_hello(cookie, offer, extensions=extensions))
        hello = device.recv(4000)
        assert hello[RECORD] == SERVER_HELLO
        session = RECORD + 12 + 2 + 32
        assert hello[session + 1 + hello[session] :][:2] == b"\xcc\xac"


def test_paused_handshakes_end(tmp_path: Path) -> None:
    """Guards against a DTLS handshake that crashes, stays counted or keeps the process when its look-up is given up."""
    key = tmp_path / "store.key"
    key.write_text("1:" + secrets.token_hex(32) + "\n")
    key.chmod(0o600)
    with socket.create_server((LOOPBACK, 0)) as deaf:
        with Process(
            *[str(BUILD / "e2e/e2e-as"), "--e2e-accept", OVER_UDP, "--store-key", str(key)],
            *["--store", f"redis://{LOOPBACK}:{deaf.getsockname()[1]}", "--drain-timeout", "0"],
            *["--metrics", f"{LOOPBACK}:0", "--handshake-timeout", "1"],
        ) as server:
            address, metrics = (server.read().decode().split()[1] for _ in range(2))
            clients = [
                StockDtlsClient(address, f"e2e-{number:032x}", KS_NAF) for number in range(5)
            ]
            for client in clients:
                server.wait_for_error("the handshake was not complete in time")
                client.stop()
            wait_until(lambda: metric(metrics, "e2e_connections_open") == 0)
            with StockDtlsClient(address, f"e2e-{5:032x}", KS_NAF):
                wait_until(lambda: metric(metrics, "e2e_handshakes_unfinished") == 1)
                server.process.terminate()
                assert server.wait() == 0, server.errors


def test_no_renegotiation(server: DtlsServer) -> None:
    """Guards against a DTLS session that accepts a renegotiation, which may bring another suite or key."""
    with RoughPath(pair_of(server.address)) as path:
        client = Process(
            *["openssl", "s_client", "-connect", path.address.removeprefix("udp:"), "-dtls1_2"],
            *["-no_ign_eof", "-cipher", SUITE, "-psk_identity", PSK_IDENTITY, "-psk", KS_NAF.hex()],
        )
        with client:
            wait_until(lambda: server.count("handshakes_total") == 1)
            client.write(b"R\n")
            wait_until(lambda: client.process.poll() is not None)
    assert "no renegotiation" in client.errors, client.errors
    assert server.count("handshakes_total") == 1


@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
@pytest.mark.skipif(
    INSTRUMENTED or SANITIZED, reason="valgrind does not run what a sanitizer instruments"
)
def test_a_ue_that_refuses_what_it_is_told(devices: Path) -> None:
    """Guards against a UE that refuses its flag over DTLS and then reads the session that it has closed."""
    with DtlsServer(devices, "--mode", "HKDF") as server:
        flow = ue_command(
            devices, IDENTITY, server.address, server.e2e_address, "--dtls-ciphers", SUITE
        )
        memcheck = ["valgrind", "-q", "--error-exitcode=9"]
        ended = subprocess.run([*memcheck, *flow], env=ENVIRONMENT, timeout=120, check=False)
    assert ended.returncode == 3
