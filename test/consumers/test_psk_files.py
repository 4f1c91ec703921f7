"""Programs that know nothing of the module, keyed by files that akma psk writes.

SPDX-License-Identifier: Apache-2.0
"""

import base64
import contextlib
import getpass
import os
import queue
import re
import shlex
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import reference
from certificates import Authority
from consumer import (
    FQDN,
    IDENTITY,
    KA,
    KS_NAF,
    NAF_ID,
    RIGHT,
    UA,
    WRONG,
    Credentials,
    Listening,
    command,
)
from evp import BUILD
from flow import ENVIRONMENT, LOOPBACK, SECONDS, Process, free_port, wait_until

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


def arrives(process: Process, seconds: float = SECONDS) -> bool:
    """Does the line come? A program that is refused ends, but over DTLS it may be silent."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if process.read(0.2) == b"hello":
                return True
        except queue.Empty:
            if process.process.poll() is not None:
                return False
    return False


def psk_options(credentials: Credentials) -> list[str]:
    """What s_client is given."""
    return ["-psk_identity", credentials.identity, "-psk", credentials.key.hex()]


@pytest.mark.parametrize("version", OPENSSL)
def test_openssl(write: Callable[[str], Path], version: str) -> None:
    """Guards against an openssl file with another key than akma psk means, or with which s_server lets a wrong one in."""
    psk = write("openssl")
    cases = {"right": (openssl_words(psk), True)}
    for what, credentials in WRONG.items():
        passes = what == "unknown identity" and not OPENSSL[version]
        cases[what] = (psk_options(credentials), passes)
    for options, passes in cases.values():
        with s_server(version, psk) as (port, server), s_client(port, version, *options):
            assert arrives(server, SECONDS if passes else 2) == passes, server.errors


@contextlib.contextmanager
def gnutls_serv(psk: Path, priority: str) -> Iterator[int]:
    """gnutls-serv, which echoes; its port."""
    port = free_port()
    words = ["gnutls-serv", "--echo", "-p", str(port), "--pskpasswd", str(psk)]
    with Listening(port, *words, "--priority", priority):
        yield port


@pytest.mark.parametrize("version", GNUTLS)
def test_gnutls(write: Callable[[str], Path], version: str) -> None:
    """Guards against a psk file that GnuTLS reads otherwise than akma psk means it, or a wrong key that gets in."""
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
    """Guards against a secrets file with which stunnel, in front of a server, lets a wrong key in or keeps a right one out."""
    port = free_port()
    with stunnel(tmp_path, write("stunnel"), port, "exec = /bin/cat"):
        for credentials in (RIGHT, *WRONG.values()):
            with s_client(port, version, *psk_options(credentials)) as client:
                assert arrives(client) == (credentials == RIGHT)


def test_stunnel_before_a_client(write: Callable[[str], Path], tmp_path: Path) -> None:
    """Guards against a secrets file with which stunnel, in front of a client, does not get through to a server of openssl."""
    entrance = free_port()
    with s_server("-tls1_3", write("openssl")) as (port, server):
        lines = ["client = yes", f"connect = {LOOPBACK}:{port}", f"PSKidentity = {IDENTITY}"]
        with stunnel(tmp_path, write("stunnel"), entrance, *lines):
            with socket.create_connection((LOOPBACK, entrance), timeout=10) as plain:
                plain.sendall(b"hello\n")
                assert arrives(server)


def test_stunnel_takes_0x_for_text(write: Callable[[str], Path], tmp_path: Path) -> None:
    """Guards against the page's warning having become wrong: stunnel takes a key with 0x for text, not for hex."""
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
    """Guards against a psk_file with which mosquitto lets a wrong key in or keeps a right one out."""
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
    """Guards against a libcoap file with another key than the text of the digits, or a page that is wrong about -k."""
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


# The bounds of each format, by its program: the longest identity with the shortest and the longest key pass, and what
# is beyond does not. So `akma psk` refuses it.


def gnutls_line(port: int, identity: str, key: str) -> bool:
    """Does the line come back by gnutls-cli?"""
    keys = ["--pskusername", identity, "--pskkey", key, "--priority", GNUTLS["TLS 1.3"]]
    with Process("gnutls-cli", "-p", str(port), *keys, LOOPBACK) as client:
        client.write(b"hello\n")
        return arrives(client)


def takes_gnutls(psk: Path, identity: str, key: str) -> bool:
    """gnutls-serv and gnutls-cli."""
    with gnutls_serv(psk, GNUTLS["TLS 1.3"]) as port:
        return gnutls_line(port, identity, key)


def takes_stunnel(psk: Path, identity: str, key: str) -> bool:
    """stunnel with s_client, which takes all that stunnel takes."""
    port = free_port()
    try:
        with stunnel(psk.parent, psk, port, "exec = /bin/cat"):
            with s_client(port, "-psk_identity", identity, "-psk", key) as client:
                return arrives(client)
    except AssertionError:  # it does not start
        return False


def takes_mosquitto(psk: Path, identity: str, key: str) -> bool:
    """mosquitto and mosquitto_pub."""
    port = free_port()
    config = psk.parent / "mosquitto.conf"
    lines = [f"user {getpass.getuser()}", f"listener {port} {LOOPBACK}", "psk_hint akma"]
    config.write_text(
        "\n".join([*lines, f"psk_file {psk}", "use_identity_as_username true"]) + "\n"
    )
    with Listening(port, "mosquitto", "-c", str(config)):
        words = ["-h", LOOPBACK, "-p", str(port), "-t", "meter", "-m", "42"]
        return not command(
            "mosquitto_pub", *words, "--psk", key, "--psk-identity", identity
        ).returncode


def takes_openssl(psk: Path, identity: str, key: str) -> bool:
    """s_server and s_client."""
    with s_server("-tls1_3", psk) as (port, _):
        words = ["-connect", f"{LOOPBACK}:{port}", "-psk_identity", identity, "-psk", key]
        return "Cipher is TLS_" in command("openssl", "s_client", *words).stdout


def takes_libcoap(psk: Path, identity: str, key: str) -> bool:
    """coap-server and coap-client."""
    port = free_port()
    words = ["coap-server-openssl", "-A", LOOPBACK, "-p", str(port - 1), "-k", "nobody's"]
    with Process(*words, "-i", psk):
        wait_until(lambda: f":{port:04X} " in Path("/proc/net/udp").read_text())
        client = ["coap-client-openssl", "-B", "5", "-u", identity, "-k", key]
        result = command(*client, f"coaps://{LOOPBACK}:{port}/time")
    return re.search(r"^\w+ +\d+ \d\d:\d\d:\d\d$", result.stdout, re.M) is not None  # no log line


# Octets of the shortest key, the longest, and the longest identity. 0: neither the program nor `akma psk` has a bound.
BOUNDS: dict[str, tuple[Callable[[Path, str, str], bool], int, int, int]] = {
    "mosquitto": (takes_mosquitto, 1, 512, 255),
    "stunnel": (takes_stunnel, 16, 512, 255),
    "libcoap": (takes_libcoap, 1, 32, 128),
    "openssl": (takes_openssl, 1, 512, 255),
    "gnutls": (takes_gnutls, 4, 8160, 255),
}


@pytest.mark.parametrize("form", BOUNDS)
def test_bounds(tmp_path: Path, form: str) -> None:
    """Guards against bounds in the table of formats that are not those of the programs."""
    takes, shortest, longest, most = BOUNDS[form]
    devices, psk = tmp_path / "devices.csv", tmp_path / "psk"
    identity = "i" * most
    devices.write_text(f"identity,ks-naf,ka\n{identity},{KS_NAF.hex()},{KA.hex()}\n")
    devices.chmod(0o600)
    for length in (shortest, longest):
        words = ["--in", str(devices), "--out", str(psk), "--format", form, "--length", str(length)]
        words += ["--naf-fqdn", FQDN, "--ua-protocol-id", UA]
        result = command(BUILD / "tool/akma", "psk", *words, environment=dict(ENVIRONMENT))
        assert result.returncode == 0, result.stderr
        key = reference.e2e_key(KS_NAF, KA, NAF_ID, length=length).hex()
        assert takes(psk, identity, key), (form, length)
    line = psk.read_text().replace(key, "{key}").replace(identity, "{identity}")
    beyond = [("i", n) for n in (shortest - 1, longest + 1) if 0 < n < 8000]
    beyond += [("i" * (most + 1), max(shortest, 32))] if form == "libcoap" else []
    for name, length in beyond:
        key = length * "ab"
        psk.write_text(line.format(key=key, identity=name))
        assert not takes(psk, name, key), (form, len(name), length)


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that a server's own user can enter, which pytest's are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


# HTTP Digest: user, realm and password are identity, 3GPP-bootstrapping@FQDN and the key in base64.

LIGHTTPD = """
server.document-root = "{folder}"
server.bind = "127.0.0.1"
server.port = {port}
server.modules = ("mod_auth", "mod_authn_file")
auth.backend = "htdigest"
auth.backend.htdigest.userfile = "{psk}"
auth.require = ("/" => ("method" => "digest", "realm" => "3GPP-bootstrapping@naf.example.com", "require" => "valid-user"))
"""


# mod_auth_digest keeps its nonces in memory that it shares, whose files are in DefaultRuntimeDir.
APACHE = """
ServerName naf.example.com
ServerRoot "{folder}"
DefaultRuntimeDir "{folder}"
PidFile "{folder}/pid"
ErrorLog "{folder}/error"
Listen 127.0.0.1:{port}
LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authn_core_module /usr/lib/apache2/modules/mod_authn_core.so
LoadModule authn_file_module /usr/lib/apache2/modules/mod_authn_file.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule authz_user_module /usr/lib/apache2/modules/mod_authz_user.so
LoadModule auth_digest_module /usr/lib/apache2/modules/mod_auth_digest.so
{user}
DocumentRoot "{folder}"
<Location "/">
    AuthType Digest
    AuthName "3GPP-bootstrapping@naf.example.com"
    AuthDigestProvider file
    AuthUserFile "{psk}"
    Require valid-user
</Location>
"""

# Server -> its configuration, and the command that takes it.
DIGEST_SERVERS = {
    "lighttpd": (LIGHTTPD, ["lighttpd", "-D", "-f"]),
    "apache2": (APACHE, ["apache2", "-D", "FOREGROUND", "-f"]),
}


@pytest.mark.parametrize("server", DIGEST_SERVERS)
def test_http_digest(
    write: Callable[[str], Path], tmp_path: Path, public: Path, server: str
) -> None:
    """Guards against a file that a server, or a password that curl, takes for another: only the right key gets the page."""
    port, config = free_port(), tmp_path / f"{server}.conf"
    (public / "page").write_text("hello\n")
    psk = shutil.copy(write("htdigest"), public / "psk")
    text, words_of_server = DIGEST_SERVERS[server]
    user = ""
    if os.geteuid() == 0:  # as which Apache serves nobody
        user = "User www-data\nGroup www-data"
        shutil.chown(psk, "www-data")
    config.write_text(text.format(folder=public, port=port, psk=psk, user=user))
    (tmp_path / "k").write_text(KS_NAF.hex())
    (tmp_path / "a").write_text(KA.hex())
    words = ["--ks-naf", f"file:{tmp_path}/k", "--ka", f"file:{tmp_path}/a", "--format", "base64"]
    words += ["--naf-fqdn", FQDN, "--ua-protocol-id", UA]
    derived = command(BUILD / "tool/akma", "derive", *words, environment=dict(ENVIRONMENT))
    right = derived.stdout.strip()
    assert base64.b64decode(right) == RIGHT.key
    with Listening(port, *words_of_server, str(config)):
        for name, password, status in [
            (IDENTITY, right, "200"),
            ("nobody@bsf.example.com", right, "401"),
            *(
                (IDENTITY, base64.b64encode(w.key).decode(), "401")
                for w in WRONG.values()
                if w.key != RIGHT.key
            ),
            (IDENTITY, RIGHT.key.hex(), "401"),
        ]:
            url = f"http://{LOOPBACK}:{port}/page"
            options = ["--silent", "--digest", "-K", "-", "--output", "/dev/null"]
            given = f'user = "{name}:{password}"\n'
            result = command("curl", *options, "--write-out", "%{http_code}", url, stdin=given)
            assert result.stdout == status, (name, result)


@pytest.mark.parametrize("version", ["-tls1_2", "-tls1_3"])
def test_nghttpx(write: Callable[[str], Path], tmp_path: Path, version: str) -> None:
    """Guards against nghttpx behaving unlike its page: without a PSK, TLS 1.3 works by certificate and TLS 1.2 not at all."""
    port, behind = free_port(), free_port()
    (tmp_path / "page").write_text("hello\n")
    config = tmp_path / "behind.conf"
    config.write_text(
        f'server.document-root = "{tmp_path}"\nserver.bind = "{LOOPBACK}"\nserver.port = {behind}\n'
    )
    pair = Authority(tmp_path).issue(FQDN)
    latest = f"TLSv1.{version[-1]}"
    options = [f"--tls-max-proto-version={latest}", "--ciphers=ECDHE-PSK-CHACHA20-POLY1305"]
    options += [f"--psk-secrets={write('mosquitto')}", "--no-ocsp", "--workers=1"]
    options += [f"--frontend={LOOPBACK},{port}", f"--backend={LOOPBACK},{behind}"]
    request = f"GET /page HTTP/1.1\r\nHost: {FQDN}\r\nConnection: close\r\n\r\n".encode()
    clients: list[tuple[list[str], bool]] = [
        (psk_options(RIGHT), True),
        ([], version == "-tls1_3"),
    ]
    clients += [
        (psk_options(wrong), False) for wrong in (WRONG["another Ka"], WRONG["Ks_NAF alone"])
    ]
    with Listening(behind, "lighttpd", "-D", "-f", str(config)):
        with Listening(port, "nghttpx", "--conf=/dev/null", *options, str(pair[1]), str(pair[0])):
            for psk, served in clients:
                words = ["openssl", "s_client", "-connect", f"{LOOPBACK}:{port}", "-quiet", version]
                with Process(*words, "-alpn", "http/1.1", "-no_ign_eof", *psk) as client:
                    client.write(request)
                    assert arrives(client) == served, (psk, client.errors)
