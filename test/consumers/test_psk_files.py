"""Programs that know nothing of the module, keyed by files that akma psk writes.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import getpass
import queue
import shlex
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from consumer import (
    FQDN,
    IDENTITY,
    KA,
    KS_NAF,
    RIGHT,
    UA,
    WRONG,
    Credentials,
    Listening,
    command,
)
from evp import BUILD
from flow import ENVIRONMENT, LOOPBACK, Process, free_port

# Options of s_client and s_server -> whether an unknown identity is refused.
OPENSSL = {"-tls1_3": True, "-tls1_2": False, "-dtls1_2": False}
GNUTLS = {
    "TLS 1.3": "NORMAL:-VERS-ALL:+VERS-TLS1.3:+ECDHE-PSK:+PSK",
    "TLS 1.2": "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+PSK",
}


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str], Path]:
    """Write the file of one device in a format."""
    devices = tmp_path / "devices.csv"
    devices.write_text(f"identity,ks-naf,ka\n{IDENTITY},{KS_NAF.hex()},{KA.hex()}\n")
    devices.chmod(0o600)

    def written(name: str) -> Path:
        out = tmp_path / f"psk.{name}"
        files = ["--in", str(devices), "--out", str(out), "--format", name]
        words = [*files, "--naf-fqdn", FQDN, "--ua-protocol-id", UA]
        result = command(BUILD / "tool/akma", "psk", *words, environment=dict(ENVIRONMENT))
        assert result.returncode == 0, result.stderr
        return out

    return written


def openssl_words(psk: Path) -> list[str]:
    """The file's line for s_client and s_server."""
    return shlex.split(psk.read_text())


@contextlib.contextmanager
def s_client(port: int, *options: str) -> Iterator[Process]:
    """openssl s_client, which has sent a line."""
    words = ["openssl", "s_client", "-connect", f"{LOOPBACK}:{port}", "-quiet", *options]
    with Process(*words) as client:
        client.write(b"hello\n")
        yield client


@contextlib.contextmanager
def s_server(version: str, psk: Path) -> Iterator[tuple[int, Process]]:
    """openssl s_server, which prints what comes; its port."""
    port = free_port()
    words = ["openssl", "s_server", version, "-nocert", "-accept", f"{LOOPBACK}:{port}"]
    with Process(*words, *openssl_words(psk)) as server:
        while server.read() != b"ACCEPT":
            pass
        yield port, server


def arrives(process: Process, seconds: float = 2) -> bool:
    """Does the line come? A handshake over DTLS may end in silence."""
    end = time.monotonic() + seconds
    line = None
    with contextlib.suppress(queue.Empty):
        while line != b"hello" and (left := end - time.monotonic()) > 0:
            line = process.read(left)
            if line == b"" and process.process.poll() is not None:
                break
    return line == b"hello"


def psk_options(credentials: Credentials) -> list[str]:
    """What s_client is given."""
    return ["-psk_identity", credentials.identity, "-psk", credentials.key.hex()]


@pytest.mark.parametrize("version", OPENSSL)
def test_openssl(write: Callable[[str], Path], version: str) -> None:
    """A server for each, because one whose DTLS handshake fell silent is of no more use."""
    psk = write("openssl")
    cases = {"right": (openssl_words(psk), True)}
    for what, credentials in WRONG.items():
        passes = what == "unknown identity" and not OPENSSL[version]
        cases[what] = (psk_options(credentials), passes)
    for options, passes in cases.values():
        with s_server(version, psk) as (port, server), s_client(port, version, *options):
            assert arrives(server, 10 if passes else 2) == passes, server.errors


@contextlib.contextmanager
def gnutls_serv(psk: Path, priority: str) -> Iterator[int]:
    """gnutls-serv, which echoes; its port."""
    port = free_port()
    words = ["gnutls-serv", "--echo", "-p", str(port), "--pskpasswd", str(psk)]
    with Listening(port, *words, "--priority", priority):
        yield port


@pytest.mark.parametrize("version", GNUTLS)
def test_gnutls(write: Callable[[str], Path], version: str) -> None:
    priority = GNUTLS[version]
    with gnutls_serv(write("gnutls"), priority) as port:
        for credentials in (RIGHT, *WRONG.values()):
            keys = ["--pskusername", credentials.identity, "--pskkey", credentials.key.hex()]
            words = ["gnutls-cli", "-p", str(port), *keys, "--priority", priority, LOOPBACK]
            with Process(*words) as client:
                client.write(b"hello\n")
                assert arrives(client) == (credentials == RIGHT)


def stunnel(folder: Path, psk: Path, port: int, *lines: str) -> Listening:
    """stunnel with one service."""
    config = folder / f"stunnel{port}.conf"
    text = ["foreground = yes", "pid =", "[psk]", f"accept = {LOOPBACK}:{port}"]
    config.write_text("\n".join([*text, f"PSKsecrets = {psk}", *lines]) + "\n")
    return Listening(port, "stunnel", str(config))


@pytest.mark.parametrize("version", ["-tls1_3", "-tls1_2"])
def test_stunnel_before_a_server(
    write: Callable[[str], Path], tmp_path: Path, version: str
) -> None:
    port = free_port()
    with stunnel(tmp_path, write("stunnel"), port, "exec = /bin/cat"):
        for credentials in (RIGHT, *WRONG.values()):
            with s_client(port, version, *psk_options(credentials)) as client:
                assert arrives(client) == (credentials == RIGHT)


def test_stunnel_before_a_client(write: Callable[[str], Path], tmp_path: Path) -> None:
    entrance = free_port()
    with s_server("-tls1_3", write("openssl")) as (port, server):
        lines = ["client = yes", f"connect = {LOOPBACK}:{port}", f"PSKidentity = {IDENTITY}"]
        with stunnel(tmp_path, write("stunnel"), entrance, *lines):
            with socket.create_connection((LOOPBACK, entrance), timeout=10) as plain:
                plain.sendall(b"hello\n")
                assert arrives(server, 10)


def test_stunnel_takes_0x_for_text(write: Callable[[str], Path], tmp_path: Path) -> None:
    psk = write("stunnel")
    psk.write_text(psk.read_text().replace(":", ":0x"))
    port = free_port()
    letters = Credentials(IDENTITY, b"0x" + RIGHT.key.hex().encode())
    with stunnel(tmp_path, psk, port, "exec = /bin/cat"):
        for credentials in (RIGHT, letters):
            with s_client(port, "-tls1_2", *psk_options(credentials)) as client:
                assert arrives(client) == (credentials == letters)


@pytest.mark.parametrize("version", ["tlsv1.3", "tlsv1.2"])
def test_mosquitto_psk_file(write: Callable[[str], Path], tmp_path: Path, version: str) -> None:
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    lines = [f"user {getpass.getuser()}", f"listener {port} {LOOPBACK}", "psk_hint akma"]
    lines += [f"psk_file {write('mosquitto')}", "use_identity_as_username true"]
    config.write_text("\n".join(lines) + "\n")
    with Listening(port, "mosquitto", "-c", str(config)):
        for credentials in (RIGHT, *WRONG.values()):
            keys = ["--psk", credentials.key.hex(), "--psk-identity", credentials.identity]
            words = ["-h", LOOPBACK, "-p", str(port), "-t", "meter", "-m", "42"]
            more = ["--tls-version", version]
            more += ["--ciphers", "ECDHE-PSK-CHACHA20-POLY1305"] if version == "tlsv1.2" else []
            result = command("mosquitto_pub", *words, *keys, *more)
            assert (result.returncode == 0) == (credentials == RIGHT)


@pytest.mark.parametrize("under", ["openssl", "gnutls"])
def test_libcoap(write: Callable[[str], Path], under: str) -> None:
    """The key is the text of the digits; whoever has the key of -k comes in under any other identity."""
    port = free_port()
    other = "a key that nobody is given"
    words = [f"coap-server-{under}", "-A", LOOPBACK, "-p", str(port - 1), "-k", other]
    with Process(*words, "-i", write("libcoap")):
        for identity, key, passes in (
            (IDENTITY, RIGHT.key.hex(), True),
            *((wrong.identity, wrong.key.hex(), False) for wrong in WRONG.values()),
            (IDENTITY, other, False),
            ("nobody", other, True),
        ):
            client = [f"coap-client-{under}", "-B", "2", "-u", identity, "-k", key]
            result = command(*client, f"coaps://{LOOPBACK}:{port}/time")
            assert ("ERR" not in result.stdout and ":" in result.stdout) == passes
