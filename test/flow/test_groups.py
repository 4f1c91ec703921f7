"""Groups of the flow's TLS: ML-KEM first where libssl has it, as docs/flow.md says.

SPDX-License-Identifier: Apache-2.0
"""

import re
import socket
import ssl
import subprocess
from pathlib import Path

import pytest

from evp import BUILD
from flow import FQDN, LOOPBACK, SECONDS, Process, Server, run_to_end, split, write_devices
from link import Sides

KS_NAF, KA, ID = bytes(range(32)), bytes(range(32, 64)), "ue@bsf.example.com"
X25519MLKEM768, X25519, P256 = 0x11EC, 0x001D, 0x0017  # IANA: TLS Supported Groups


def libssl() -> tuple[int, int]:
    """Whose version the programs have, which is Python's own in each root."""
    said = subprocess.run(["openssl", "version"], capture_output=True, text=True, check=True).stdout
    found = re.search(r"OpenSSL (\d+)\.(\d+)", said)
    assert found
    return int(found[1]), int(found[2])


HAS_ML_KEM = libssl() >= (3, 5)


@pytest.fixture(name="devices")
def make_devices(tmp_path: Path) -> Path:
    """One device."""
    return write_devices(tmp_path / "devices.csv", [[ID, KS_NAF.hex(), KA.hex()]])


def extensions(hello: bytes) -> dict[int, bytes]:
    """Of a ClientHello's record (RFC 8446 4.1.2)."""
    at = 5 + 4 + 2 + 32
    at += 1 + hello[at]
    at += 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 1 + hello[at] + 2
    found = {}
    while at < len(hello):
        number, length = (int.from_bytes(hello[at + i : at + i + 2], "big") for i in (0, 2))
        found[number] = hello[at + 4 : at + 4 + length]
        at += 4 + length
    return found


def test_what_a_ue_offers(devices: Path) -> None:
    """Guards against a UE that offers groups which its libssl lacks, or a share of ML-KEM alone."""
    with socket.create_server((LOOPBACK, 0)) as listener:
        listener.settimeout(SECONDS)
        address = f"{LOOPBACK}:{listener.getsockname()[1]}"
        command = [f"{BUILD}/e2e/e2e-ue", "--connect", address, "--devices", str(devices)]
        with Process(*command, "--identity", ID, "--naf-fqdn", FQDN, "--message", "x"):
            connection, _ = listener.accept()
            with connection, connection.makefile("rb") as file:
                connection.settimeout(SECONDS)
                head = file.read(5)
                hello = head + file.read(int.from_bytes(head[3:], "big"))
    said = extensions(hello)
    groups = [int.from_bytes(said[10][i : i + 2], "big") for i in range(2, len(said[10]), 2)]
    shares, at = [], 2
    while at < len(said[51]):
        shares.append(int.from_bytes(said[51][at : at + 2], "big"))
        at += 4 + int.from_bytes(said[51][at + 2 : at + 4], "big")
    if HAS_ML_KEM:
        assert (groups, shares) == ([X25519MLKEM768, X25519, P256], [X25519MLKEM768, X25519])
    else:
        assert (groups, shares) == ([X25519, P256], [X25519])


def negotiated(address: str, *options: str) -> str:
    """The group that stock openssl and a server agree on."""
    result = run_to_end("openssl", "s_client", "-connect", address, "-tls1_3", *options)
    found = re.search(
        r"(?:Negotiated TLS1.3 group|(?:Server|Peer) Temp Key): (?:ECDH, )?([\w-]+)", result.stdout
    )
    assert found, result.stdout
    return found[1]


def test_what_a_server_takes(devices: Path) -> None:
    """Guards against a server that agrees on another group than the best which both sides have."""
    psk = ["-ciphersuites", "TLS_AES_128_GCM_SHA256", "-psk", KS_NAF.hex()]
    psk += ["-psk_identity", f"3GPP-bootstrapping.{ID}"]
    with Server(devices) as server:
        best = "X25519MLKEM768" if HAS_ML_KEM else "X25519"
        groups = "X25519MLKEM768:X25519" if HAS_ML_KEM else "X25519"
        assert negotiated(server.address, *psk, "-groups", groups) == best
        assert negotiated(server.address, *psk, "-groups", "X25519") == "X25519"
        assert negotiated(server.address, *psk, "-groups", "P-384:P-256") in (
            "prime256v1",
            "secp256r1",
        )


def test_groups_of_the_link(tmp_path: Path) -> None:
    """Guards against a link between NAF and third party that agrees on other groups than the UE's connections."""
    sides = Sides(tmp_path)
    devices = write_devices(tmp_path / "ka.csv", [[ID, "", KA.hex()]])
    with sides.run_third_party(devices) as third_party:
        certificate, key = sides.naf
        options = ["-cert", str(certificate), "-key", str(key), "-alpn", "akma-e2e/1"]
        best = "X25519MLKEM768" if HAS_ML_KEM else "X25519"
        groups = "X25519MLKEM768:X25519" if HAS_ML_KEM else "X25519"
        address = third_party.addresses["naf-accept"]
        assert negotiated(address, *options, "-groups", groups) == best
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.load_verify_locations(sides.authority.file)
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(["akma-e2e/1"])
        context.set_ecdh_curve("secp384r1")
        with socket.create_connection(split(address), SECONDS) as raw:
            with pytest.raises((ssl.SSLError, ConnectionError)):
                context.wrap_socket(raw, server_hostname=LOOPBACK)
