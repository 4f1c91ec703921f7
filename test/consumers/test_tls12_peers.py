"""First connections over TLS 1.2 with other people's programs: mbed TLS and GnuTLS.

SPDX-License-Identifier: Apache-2.0
"""

import json
import subprocess
from pathlib import Path

import pytest

from consumer import FOREIGN, IDENTITY, KA, KS_NAF, command
from datagrams import SUITE, SUITES
from flow import Metered, Process, split, wait_until, write_devices
from project import ROOT

CBC, CCM8 = "ECDHE-PSK-AES128-CBC-SHA256", "PSK-AES128-CCM8"
PSK_IDENTITY = f"3GPP-bootstrapping.{IDENTITY}"
NONCE = bytes(range(16))
LINE = json.dumps({"nonce": NONCE.hex()})
# gnutls-cli 3.7.9 crashes with ECDHE-PSK before TLS 1.3
GNUTLS = "NONE:+VERS-TLS1.2:+PSK:+AES-128-CCM-8:+AEAD:+GROUP-ALL:+SIGN-ALL:+COMP-NULL"


def server_of(folder: Path, suite: str) -> Metered:
    """e2e-as for one device."""
    devices = write_devices(folder / "devices.csv", [[IDENTITY, KS_NAF.hex(), KA.hex(), "k1"]])
    options = ["--tls-min", "1.2", "--ua-protocol-id", "suite", "--dtls-ciphers", suite]
    return Metered(devices, *options)


@pytest.fixture(name="host_tls12", scope="module")
def build_host_tls12(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A client of Debian's mbed TLS."""
    program = tmp_path_factory.mktemp("mbedtls") / "host_tls12"
    libraries = ["-lmbedtls", "-lmbedx509", "-lmbedcrypto"]
    source = ROOT / "test/device/host_tls12.c"
    subprocess.run(["gcc", source, *libraries, "-o", program], check=True)
    return program


@pytest.mark.parametrize("suite", [SUITE, CBC, CCM8])
def test_mbedtls(tmp_path: Path, host_tls12: Path, suite: str) -> None:
    """Guards against a TLS 1.2 handshake or flag that mbed TLS 2.28 sees in another way."""
    with server_of(tmp_path, suite) as server:
        done = command(
            host_tls12,
            str(split(server.address)[1]),
            SUITES[suite][-4:],
            PSK_IDENTITY,
            LINE,
            stdin=KS_NAF.hex(),
            seconds=60,
        )
        assert done.returncode == 0, (done.stdout, server.errors)
        assert json.loads(done.stdout)["refresh"].startswith(NONCE.hex())


def test_gnutls(tmp_path: Path) -> None:
    """Guards against a first connection over TLS 1.2 by which GnuTLS gets no flag."""
    with server_of(tmp_path, CCM8) as server:
        host, port = split(server.address)
        with Process(
            *["gnutls-cli", "--port", str(port), "--pskusername", PSK_IDENTITY],
            *["--pskkey", KS_NAF.hex(), "--priority", GNUTLS, host],
            environment=FOREIGN,
        ) as client:
            client.write(LINE.encode() + b"\n")
            wait_until(lambda: server.count('flags_total{e2e="1"}') == 1)
            while b'{"e2e":1' not in client.read():
                pass
