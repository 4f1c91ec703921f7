"""The flow over DTLS with other people's programs: mbed TLS, GnuTLS, OpenSSL, libcoap.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import secrets
import socket
import subprocess
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

import reference
from consumer import FOREIGN, FQDN, IDENTITY, KA, KS_NAF, command
from datagrams import SUITE, SUITES, DtlsListener, DtlsServer, StockDtlsClient, pair_of, port_of
from flow import LOOPBACK, Process, free_port, run_to_end, ue_command, wait_until, write_devices
from project import ROOT

CCM8 = "PSK-AES128-CCM8"
PSK_IDENTITY = f"3GPP-bootstrapping.{IDENTITY}"
NONCE = bytes(range(16))
LINE = json.dumps({"nonce": NONCE.hex()}).encode()


@pytest.fixture(name="devices")
def make_devices(tmp_path: Path) -> Path:
    """One device."""
    return write_devices(tmp_path / "devices.csv", [[IDENTITY, KS_NAF.hex(), KA.hex(), "k1"]])


@pytest.fixture(name="host_ue", scope="module")
def build_host_ue(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The device's example, on this machine."""
    program = tmp_path_factory.mktemp("mbedtls") / "host_ue"
    sources = [ROOT / "test/device/host_ue.c", ROOT / "device/akma_device.c"]
    sources += [ROOT / f"examples/device/{name}.c" for name in ("flow", "flag")]
    folders = [f"-I{ROOT / folder}" for folder in ("device", "examples/device")]
    libraries = ["-lmbedtls", "-lmbedx509", "-lmbedcrypto"]
    subprocess.run(
        ["gcc", "-D_GNU_SOURCE", *folders, *sources, *libraries, "-o", program], check=True
    )
    return program


@pytest.mark.parametrize("suite", [SUITE, "ECDHE-PSK-AES128-CBC-SHA256", CCM8])
def test_mbedtls(devices: Path, host_ue: Path, suite: str) -> None:
    """Guards against a key, handshake or record that device/ with mbed TLS sees in another way over DTLS."""
    with DtlsServer(devices, suites=suite) as server:
        ports = [str(port_of(address)) for address in (server.address, server.e2e_address)]
        done = command(
            host_ue,
            *ports,
            SUITES[suite][-4:],
            PSK_IDENTITY,
            FQDN,
            "hello",
            stdin=f"{KS_NAF.hex()}\n{KA.hex()}\n",
            seconds=60,
        )
        assert (done.stdout, done.returncode) == ("e2e: hello\n", 0), server.errors


def flag_of(client: Process, server: DtlsServer) -> dict[str, str]:
    """What a client gets for the nonce, wherever it is in the client's output."""
    client.write(LINE)
    wait_until(lambda: server.count('flags_total{e2e="1"}') == 1)
    client.end_input()
    while b'{"e2e"' not in (said := client.read()):
        pass
    flag: dict[str, str] = json.JSONDecoder().raw_decode(said[said.index(b"{") :].decode())[0]
    assert flag["refresh"].startswith(NONCE.hex())
    return flag


# gnutls-cli 3.7.9 crashes with ECDHE-PSK before TLS 1.3
GNUTLS = "NONE:+VERS-DTLS1.2:+PSK:+AES-128-CCM-8:+AEAD:+GROUP-ALL:+SIGN-ALL:+COMP-NULL"


def gnutls(server: DtlsServer, priorities: str = GNUTLS) -> Process:
    """gnutls-cli at the NAF's address."""
    host, port = pair_of(server.address)
    return Process(
        *["gnutls-cli", "--udp", "--port", str(port), "--pskusername", PSK_IDENTITY],
        *["--pskkey", KS_NAF.hex(), "--priority", priorities, host],
        environment=FOREIGN,
    )


def test_gnutls(devices: Path) -> None:
    """Guards against a first connection over DTLS by which GnuTLS gets no flag."""
    with DtlsServer(devices, suites=CCM8) as server:
        with gnutls(server) as client:
            assert flag_of(client, server)["identity"].startswith("e2e-")


@contextlib.contextmanager
def coap_server() -> Iterator[str]:
    """libcoap's, over plain UDP."""
    port = free_port()
    with subprocess.Popen(
        ["coap-server-openssl", "-A", LOOPBACK, "-p", str(port)],
        env=FOREIGN,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as server:
        try:
            wait_until(lambda: f":{port:04X} " in Path("/proc/net/udp").read_text())
            yield f"udp:{LOOPBACK}:{port}"
        finally:
            server.terminate()


def get_time(*options: str | bytes, port: int, scheme: str = "coap", under: str = "openssl") -> str:
    """What libcoap's client prints for the server's time."""
    done = command(
        f"coap-client-{under}",
        "-B",
        "20",
        *options,
        f"{scheme}://{LOOPBACK}:{port}/time",
        seconds=60,
    )
    return done.stdout + done.stderr


def test_coap_through_e2e_ue(devices: Path) -> None:
    """Guards against a CoAP client that does not reach a CoAP server through e2e-ue and e2e-as."""
    with (
        coap_server() as application,
        DtlsServer(devices, "--forward", application) as server,
        DtlsListener(devices, IDENTITY, server.address, server.e2e_address) as ue,
    ):
        assert ":" in get_time(port=port_of(ue.address))
        assert server.count("e2e_connections_total") == 1


def has_more_flags(server: DtlsServer, before: int) -> bool:
    """Was one more issued?"""
    return server.count('flags_total{e2e="1"}') > before


@pytest.mark.parametrize("under", ["openssl", "gnutls"])
def test_coap_client_with_e2e_key(devices: Path, under: str) -> None:
    """Guards against an endpoint over DTLS that libcoap's client cannot use with its own e2e_key."""
    naf_id = FQDN.encode() + bytes.fromhex(SUITES[CCM8])
    with (
        coap_server() as application,
        DtlsServer(devices, "--forward", application, suites=CCM8) as server,
    ):
        while True:
            nonce = secrets.token_bytes(16)
            with StockDtlsClient(server.address, PSK_IDENTITY, KS_NAF, CCM8) as client:
                before = server.count('flags_total{e2e="1"}')
                client.say(json.dumps({"nonce": nonce.hex()}).encode())
                wait_until(partial(has_more_flags, server, before))
                client.end_input()
                flag = json.loads(client.read())
            refresh = bytes.fromhex(flag["refresh"])
            key = reference.e2e_key(KS_NAF, KA, naf_id, refresh=refresh, usage="tls-psk")
            if 0 not in key:  # libcoap's -k is text
                break
        port = port_of(server.e2e_address)
        said = get_time("-u", flag["identity"], "-k", key, port=port, scheme="coaps", under=under)
        assert ":" in said, said + server.errors
        assert server.count("e2e_connections_total") == 1


def test_gnutls_without_extended_master_secret(devices: Path) -> None:
    """Guards against a peer that has switched off the extended master secret, and is let in."""
    with DtlsServer(devices, suites=CCM8) as server:
        with gnutls(server, f"{GNUTLS}:%NO_SESSION_HASH"):
            assert "extended master secret" in server.wait_for_error("event=refused")


@pytest.mark.parametrize(("option", "is_taken"), [(":%NO_ETM", False), ("", True)])
def test_server_without_encrypt_then_mac(
    devices: Path, tmp_path: Path, option: str, is_taken: bool
) -> None:
    """Guards against an e2e-ue that goes on with a server of CBC without encrypt-then-MAC."""
    port = free_port()
    keys = tmp_path / "keys"
    keys.write_text(f"{PSK_IDENTITY}:{KS_NAF.hex()}\n")
    priorities = "NONE:+VERS-DTLS1.2:+PSK:+AES-128-CBC:+SHA256:+SIGN-ALL:+GROUP-ALL:+COMP-NULL"
    with Process(
        *["gnutls-serv", "--udp", "--port", str(port), "--pskpasswd", str(keys), "--echo"],
        *["--priority", priorities + option],
        environment=FOREIGN,
    ):
        wait_until(lambda: f":{port:04X} " in Path("/proc/net/udp").read_text())
        done = run_to_end(
            *ue_command(devices, IDENTITY, f"udp:{LOOPBACK}:{port}"),
            *["--dtls-ciphers", "PSK-AES128-CBC-SHA256"],
        )
    assert ("the key was not used" in done.stderr) is not is_taken, done.stderr
    assert ("e2e flag" in done.stderr) is is_taken, done.stderr


def test_plain_dgram_is_no_dtls(devices: Path) -> None:
    """Guards against CoAP without DTLS getting an answer, or a session, at a port of DTLS."""
    with (
        DtlsServer(devices) as server,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
    ):
        client.sendto(bytes.fromhex("40010001b474696d65"), pair_of(server.address))
        client.settimeout(0.3)
        with pytest.raises(TimeoutError):
            client.recv(100)
        assert server.count("connections_open") == 0
