"""SIGHUP renews every file that an option names, all or nothing: the list is --help's own.

SPDX-License-Identifier: Apache-2.0
"""

import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from certificates import Authority
from evp import BUILD
from flow import (
    ENVIRONMENT,
    FQDN,
    LONG,
    LOOPBACK,
    NAF_ID,
    SECONDS,
    Process,
    Server,
    free_port,
    split,
    ue,
    ue_command,
    wait_until,
    write_devices,
)
from faults import Faults, Kind
from link import ALPN, Program, Sides
from operator_network import Subscriber
from operator_site import AKMA, Notified
from samples import KA, KEY
from processor import is_idle
from sanitizer import SANITIZED
from store_cluster import Redis, Site, private

pytestmark = pytest.mark.slow

DEPTH = 6  # functions on the stack, by which calls that fail differ
PROGRAM = BUILD / "e2e/e2e-as"
OTHERS = {
    "keylog",
    "log-file",
    "audit-log",
    "config",
}  # FILEs that are written, and one that is read once
OTHERS |= {"ka-key", "ka-password-file"}  # with a database: test_ka_database.py
OTHERS |= {"ka-revoked"}  # of masters: test_ka_masters.py


def options_with_a_file() -> list[str]:
    """By --help."""
    text = subprocess.run([PROGRAM, "--help"], capture_output=True, text=True, check=True).stdout
    return sorted(set(re.findall(r"^ +--([a-z-]+) FILE\b", text, re.M)) - OTHERS)


FILES = options_with_a_file()


def reload(server: Process) -> str:
    """SIGHUP; the line that says what came of it."""
    before = server.errors.count("event=reload")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.errors.count("event=reload") > before)
    wait_until(lambda: server.errors.endswith("\n"))
    return [line for line in server.errors.splitlines() if "event=reload" in line][-1]


class Everything:
    """One process with every option that names a file; nobody answers it, and it listens."""

    def __init__(self, folder: Path) -> None:
        self.authority = Authority(folder)
        own, operators = self.authority.issue(LOOPBACK), self.authority.issue("naf.example.com")
        self.files = {
            "devices": private(folder / "devices.csv", "identity,ks-naf,ka\n"),
            "cert": own[0],
            "key": own[1],
            "ca": shutil.copy(self.authority.file, folder / "line.pem"),
            "crl": self.authority.revoke(),
            "store-key": private(folder / "store.key", f"1:{bytes(range(32)).hex()}\n"),
            "store-password-file": private(folder / "password", "secret\n"),
            "store-ca": shutil.copy(self.authority.file, folder / "store.pem"),
            "source-cert": operators[0],
            "source-key": operators[1],
            "source-ca": shutil.copy(self.authority.file, folder / "source.pem"),
            "client-secret-file": private(folder / "secret", "secret\n"),
        }
        nowhere, here = free_port(), f"{LOOPBACK}:0"
        self.server = Process(
            *[str(PROGRAM), "--accept", here, "--naf-accept", here, "--naf-fqdn", FQDN],
            *["--store", f"rediss://{LOOPBACK}:{nowhere}", "--store-user", "somebody"],
            *["--key-source", f"nef:https://{LOOPBACK}:{nowhere}", "--client-id", "x"],
            *["--token-url", f"https://{LOOPBACK}:{nowhere}/token"],
            *["--notify-accept", here, "--notify-name", "nef.example.com"],
            *["--notify-uri", "https://naf.example.com/revoked"],
            *[word for name, file in self.files.items() for word in (f"--{name}", str(file))],
        )


def test_the_list(tmp_path: Path) -> None:
    """Guards against a new option with a FILE that nobody tries to renew by SIGHUP."""
    everything = Everything(tmp_path)
    everything.server.stop()
    assert sorted(everything.files) == FILES


@pytest.mark.parametrize("name", FILES)
def test_each_file_is_read_again(tmp_path: Path, name: str) -> None:
    """Guards against a file that SIGHUP does not read again, or one that takes effect although another is broken."""
    everything = Everything(tmp_path)
    with everything.server as server:
        server.wait_for_error("event=start")
        path = Path(everything.files[name])
        good = path.read_bytes()
        path.write_bytes(b"")
        said = reload(server)
        called = "devices file" if name == "devices" else f"--{name}"
        assert "result=refused" in said and f"{called} {path}" in said
        path.unlink()
        assert "No such file" in reload(server)
        path.touch(0o600)
        path.write_bytes(good)
        assert "result=refused" not in reload(server)


def lines_of_reloads(server: Process) -> list[str]:
    """What the log says of each."""
    return [line for line in server.errors.splitlines() if "event=reload" in line]


def shown_certificate(address: str) -> bytes:
    """What a listener for NAFs shows."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols([ALPN])
    with socket.create_connection(split(address), 10) as raw:
        with context.wrap_socket(raw) as connection:
            return connection.getpeercert(binary_form=True) or b""


def test_files_that_changed_are_read_again(tmp_path: Path) -> None:
    """Guards against a certificate that is renewed without its key, or a half-written devices file that is read."""
    sides = Sides(tmp_path)
    devices = write_devices(tmp_path / "ka.csv", [["ue", "", KA.hex()]])
    certificate, key = sides.third_party
    with sides.run_third_party(devices, "--reload-interval", "1") as server:
        server.wait_for_error("event=start")
        before = shown_certificate(server.addresses["naf-accept"])
        devices.write_text("half of a li")
        other, other_key = Authority(tmp_path, "other").issue(LOOPBACK)
        certificate.write_bytes(other.read_bytes())  # and not its key
        refused = server.wait_for_error("event=reload")
        assert "result=refused" in refused and f"--key {key}: it is not the key of" in refused
        assert shown_certificate(server.addresses["naf-accept"]) == before
        key.write_bytes(other_key.read_bytes())
        server.wait_for_error("event=reload result=applied")
        assert shown_certificate(server.addresses["naf-accept"]) != before
        assert len([line for line in lines_of_reloads(server) if "refused" in line]) == 1
        assert "devices file" in reload(server)


def test_the_ues_own_file_is_read_again(tmp_path: Path) -> None:
    """Guards against an e2e-ue with --reload-interval that does not take a new Ks_NAF."""
    rows = [["ue", KEY.hex(), KA.hex()]]
    devices = write_devices(tmp_path / "devices.csv", rows)
    own = write_devices(tmp_path / "own.csv", [["ue", bytes(range(32)).hex(), KA.hex()]])
    with Server(devices) as server:
        words = ue_command(own, "ue", server.address, server.e2e_address)
        words[words.index("--message") :] = ["--listen", f"{LOOPBACK}:0", "--reload-interval", "1"]
        with Process(*words) as listening:
            address = listening.read().decode().split()[1]
            write_devices(own, rows)
            listening.wait_for_error("event=reload result=applied")
            with socket.create_connection(split(address), 10) as local:
                local.settimeout(SECONDS)
                local.sendall(b"hello\n")
                assert local.recv(100) == b"e2e: hello\n"


def test_links_of_kubernetes(tmp_path: Path) -> None:
    """Guards against a SIGHUP that reads the old file of a Kubernetes volume whose ..data has been renewed."""
    subject = []
    for year in ("1", "2"):
        folder = tmp_path / f"..{year}"
        folder.mkdir()
        private(folder / "devices.csv", f"identity,ks-naf,ka\nue,{'11' * 32},{year * 64}\n")
        subject.append(folder)
    (tmp_path / "..data").symlink_to(subject[0].name)
    link = tmp_path / "devices.csv"
    link.symlink_to("..data/devices.csv")
    with Server(link) as server:
        server.wait_for_error("event=start")
        (tmp_path / "new").symlink_to(subject[1].name)
        (tmp_path / "new").rename(tmp_path / "..data")
        assert "result=refused" not in reload(server)
        assert ue(link, "ue", server.address, server.e2e_address).stdout == "e2e: hello\n"


@pytest.fixture
def notified(tmp_path: Path) -> Notified:
    """With a CA of its own."""
    return Notified(tmp_path)


def certificate_of(address: str) -> bytes:
    """What a listener shows."""
    host, port = address.rsplit(":", 1)
    return ssl.get_server_certificate((host, int(port)), timeout=SECONDS).encode()


@pytest.mark.node
def test_who_we_are_to_the_operator(notified: Notified) -> None:
    """Guards against a renewed certificate that an open connection or the listener keeps from use."""
    one, two = Subscriber(), Subscriber(supi="001010000000002", gpsi="extid-device-2@example.com")
    renewed = notified.authority.issue("renewed.example.com")
    with notified.operator(one, two) as operator:
        with notified.notified(operator, one.gpsi or "", two.gpsi or "") as server:
            to = (server.address, server.e2e_address, *AKMA)
            device = notified.device(one.a_kid, one.k_af(NAF_ID))
            assert ue(device, one.a_kid, *to).returncode == 0
            before = certificate_of(notified.notify)
            assert before.split() == notified.client_files[0].read_bytes().split()
            for new, old in zip(renewed, notified.client_files):
                old.write_bytes(new.read_bytes())
            assert certificate_of(notified.notify) == before, "not before SIGHUP"
            assert "result=refused" not in reload(server)
            wait_until(lambda: certificate_of(notified.notify) != before)
            device = notified.device(two.a_kid, two.k_af(NAF_ID))
            assert ue(device, two.a_kid, *to).returncode == 0
        peers = [request["peer"] for request in operator.asked()]
        assert peers == ["naf.example.com", "renewed.example.com"]


@pytest.mark.node
def test_secret_of_the_token_server(notified: Notified) -> None:
    """Guards against a new client secret that is not used until the next start."""
    one, two = Subscriber(), Subscriber(supi="001010000000002", gpsi="extid-device-2@example.com")
    secret = private(notified.folder / "secret", "old\n")
    with notified.operator(one, two, token=True, client=("x", "old")) as operator:
        operator.token_lifetime = 1
        source = ("--token-url", f"{operator.url}/oauth2/token", "--client-id", "x")
        options = (*source, "--client-secret-file", str(secret))
        names = [one.gpsi or "", two.gpsi or ""]
        with notified.server(f"nef:{operator.url}", options=options, names=names) as server:
            to = (server.address, server.e2e_address, *AKMA)
            device = notified.device(one.a_kid, one.k_af(NAF_ID))
            assert ue(device, one.a_kid, *to).returncode == 0
            operator.client = ("x", "new")
            operator.tokens.clear()
            secret.write_text("new\n")
            assert "result=refused" not in reload(server)
            device = notified.device(two.a_kid, two.k_af(NAF_ID))
            assert ue(device, two.a_kid, *to).returncode == 0, server.errors


@pytest.mark.redis
def test_ca_of_the_store(tmp_path: Path) -> None:
    """Guards against a Redis of a new CA that stays out of reach until the next start."""
    site = Site(tmp_path, Redis(tmp_path, tls=True, users=True))
    try:
        naf, endpoint = site.naf(), site.endpoint()
        assert site.ue(naf.address, endpoint.address).stdout == "e2e: hello\n"
        (tmp_path / "new").mkdir()
        new = Authority(tmp_path / "new")
        for renewed, old in zip(new.issue("redis", LOOPBACK), ("ca-redis.pem", "ca-redis.key")):
            (tmp_path / old).write_bytes(renewed.read_bytes())
        site.redis.restart()
        wait_until(
            lambda: all("event=store-down" in part.process.errors for part in (naf, endpoint))
        )
        (tmp_path / "ca.pem").write_bytes(new.file.read_bytes())
        for part in (naf, endpoint):
            assert "result=refused" not in reload(part.process)
        wait_until(lambda: site.ue(naf.address, endpoint.address).stdout == "e2e: hello\n")
    finally:
        site.stop()


def test_sides_of_a_line(tmp_path: Path) -> None:
    """Guards against a reload that puts a certificate into use without its key."""
    sides = Sides(tmp_path)
    devices = private(tmp_path / "devices.csv", "identity,ks-naf,ka\n")
    with sides.run_third_party(devices) as server:
        server.wait_for_error("event=start")
        before = sides.third_party[1].read_bytes()
        sides.third_party[1].write_bytes(sides.naf[1].read_bytes())
        assert "it is not the key of --cert" in reload(server)
        sides.third_party[1].write_bytes(before)
        assert "result=refused" not in reload(server)


def test_a_reload_without_memory(tmp_path: Path) -> None:
    """Guards against a context that lacks signatures after a failed allocation, and completes no handshake."""
    sides, faults = Sides(tmp_path), Faults(tmp_path / "faults")
    devices = write_devices(tmp_path / "ka.csv", [["ue", "", KA.hex()]])
    at: list[str | Path] = ["--naf-accept", f"{LOOPBACK}:0", "--devices", devices]
    options = [*at, *sides.options(sides.third_party)]
    with Program(*options, environment=faults.environment) as server:
        server.wait_for_error("event=start")
        for tried in range(2000):
            faults.arm_once(Kind.ALLOCATION, DEPTH)
            server.process.send_signal(signal.SIGHUP)
            wait_until(lambda: is_idle(server.process.pid))  # its line in the log may fail itself
            if faults.disarm() == 0:
                break
            assert shown_certificate(server.addresses["naf-accept"]), tried
        assert tried > 20


class OneHeld(Process):
    """A first connection that stays, as long as nobody ends it."""

    def __init__(self, address: str) -> None:
        program = BUILD / "test/programs/held_connections"
        super().__init__(program, address, "3GPP-bootstrapping.ue", KEY.hex(), "1")
        assert self.read() == b"1"

    def is_open(self) -> bool:
        """Is it?"""
        self.write(b"\n")
        return self.read() == b"1"


def test_a_removal_without_memory(tmp_path: Path) -> None:
    """Guards against a removed device whose connection goes on for ever after one failed allocation."""
    faults, rows = Faults(tmp_path / "faults"), [["ue", KEY.hex(), ""], ["other", KEY.hex(), ""]]
    devices = write_devices(tmp_path / "devices.csv", rows)
    options = ["--e2e", "offered", "--line-timeout", "600"]
    with Server(devices, *options, environment=faults.environment) as server:
        server.wait_for_error("event=start")
        for tried in range(500):
            with OneHeld(server.address) as held:
                write_devices(devices, rows[1:])
                faults.arm_once(Kind.ALLOCATION, DEPTH)
                server.process.send_signal(signal.SIGHUP)
                wait_until(lambda: is_idle(server.process.pid))  # and the loops as well
                failed = faults.disarm()
                reload(server)  # where the first one was refused
                wait_until(lambda held=held: not held.is_open())  # type: ignore[misc]
                write_devices(devices, rows)
                reload(server)
            if not failed:
                break
        assert tried > 5


HELD, ROWS, DESCRIPTORS = 9000, 200_000, 20_000
TURN_MS = 50  # what a reload may cost a UE elsewhere
NO_LIMITS = (
    *("--connections-max", "19000", "--connections-per-device", "19000"),
    *("--handshakes-per-source", "19000", "--line-timeout", "3600", "--e2e", "offered"),
)


class Turns:
    """The longest turn of an event loop, in milliseconds of the processor."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "turns"
        self.environment = ENVIRONMENT | {
            "LD_PRELOAD": str(BUILD / "test/programs/libpreload_turns.so"),
            "AKMA_TURNS": str(self.file),
        }
        self.reset()

    def reset(self) -> None:
        """From now on."""
        with self.file.open("r+b" if self.file.exists() else "wb") as file:
            file.write(bytes(8))

    @property
    def longest(self) -> float:
        """So far."""
        return int.from_bytes(self.file.read_bytes(), sys.byteorder) / 1e6


@pytest.mark.skipif(SANITIZED, reason="another library is preloaded")
@pytest.mark.parametrize("which", ["others", "all"])
def test_many_rows_go_while_many_connections_are_held(tmp_path: Path, which: str) -> None:
    """Guards against a reload that stops an event loop for rows times connections."""
    key, ka = bytes(range(32)), bytes(range(1, 33))
    many = [[f"{number}@bsf.example.com", key.hex(), ka.hex()] for number in range(ROWS)]
    last = [["last@bsf.example.com", key.hex(), ka.hex()]]
    devices = write_devices(tmp_path / "devices.csv", [*last, *many])
    turns = Turns(tmp_path)
    within = ("sh", "-c", f'ulimit -n {DESCRIPTORS}; exec "$@"', "sh")
    with Server(devices, *NO_LIMITS, within=within, environment=turns.environment) as server:
        identity = "last@bsf.example.com" if which == "others" else "0@bsf.example.com"
        command = [*within, str(BUILD / "test/programs/held_connections"), server.address]
        with Process(*command, f"3GPP-bootstrapping.{identity}", key.hex(), str(HELD)) as hold:
            assert int(hold.read(LONG)) == HELD
            turns.reset()
            write_devices(devices, last)
            assert "result=applied" in reload(server)

            wait_until(lambda: is_idle(server.process.pid), LONG)
            longest = turns.longest
            hold.write(b"\n")
            assert int(hold.read(LONG)) == (HELD if which == "others" else 0)
            result = ue(devices, "last@bsf.example.com", server.address, server.e2e_address)
            assert (result.returncode, result.stdout) == (0, "e2e: hello\n"), result.stderr
    print(f"{which}: {longest:.1f} ms")
    assert longest < TURN_MS
