"""The mosquitto broker with the plugin: each client's key is derived when its identity comes.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import getpass
import os
import re
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from clock import Clock
from configuration import write_config
from consumer import (
    FQDN,
    IDENTITY,
    KA,
    KS_NAF,
    OTHER_KA,
    RIGHT,
    WRONG,
    Credentials,
    Listening,
    command,
    e2e_key,
)
from devices_files import PLUGIN, VALGRIND, WITH_ZEROS, row, settings, write_rows
from flow import LONG, LOOPBACK, free_port, wait_until

# The client's options -> what is agreed on then.
VERSIONS: dict[str, tuple[list[str], str]] = {
    "TLS 1.3": ([], "TLSv1.3"),
    "TLS 1.2, ECDHE": (
        ["--tls-version", "tlsv1.2", "--ciphers", "ECDHE-PSK-CHACHA20-POLY1305"],
        "TLSv1.2",
    ),
}


@pytest.fixture
def devices(tmp_path: Path) -> Path:
    """A devices file with one device."""
    path = tmp_path / "devices.csv"
    write_rows(path, row())
    return path


def configuration(devices: Path, port: int, *lines: str) -> Path:
    """mosquitto.conf with a listener for PSK and the plugin."""
    path = devices.parent / "mosquitto.conf"
    text = f"""
        user {getpass.getuser()}
        log_type all
        listener {port} {LOOPBACK}
        psk_hint akma
        use_identity_as_username true
        plugin {PLUGIN}
        plugin_opt_devices {devices}
        plugin_opt_naf_fqdn {FQDN}
    """
    words = [line.strip() for line in text.splitlines()]
    path.write_text("\n".join([*words, *lines]) + "\n")
    return path


@contextlib.contextmanager
def broker(
    devices: Path,
    *lines: str,
    before: Sequence[str] = (),
    config: Path | None = None,
    clock: Clock | None = None,
) -> Iterator[Listening]:
    """A broker that runs; mosquitto logs to standard error."""
    port = free_port()
    words = [*before, "mosquitto", "-c", str(configuration(devices, port, *lines))]
    environment = settings(config) | (clock.settings if clock else {})
    with Listening(port, *words, environment=environment) as running:
        yield running


def publish(
    running: Listening, credentials: Credentials, *options: str
) -> subprocess.CompletedProcess[str]:
    """mosquitto_pub: one message, which stays at the broker."""
    words = ["-h", LOOPBACK, "-p", str(running.port), "-t", "meter", "-r", "-m", "42"]
    keys = ["--psk", credentials.key.hex(), "--psk-identity", credentials.identity]
    return command("mosquitto_pub", *words, *keys, *options)


@pytest.mark.parametrize("version", VERSIONS)
def test_right_key(devices: Path, version: str) -> None:
    """Guards against a broker that keeps a right key out, does not know who published, or agrees on another version of TLS."""
    options, agreed = VERSIONS[version]
    with broker(devices) as running:
        result = publish(running, RIGHT, *options)
        assert result.returncode == 0, result.stderr
        running.wait_for_error(f"u'{IDENTITY}'")
        words = ["-h", LOOPBACK, "-p", str(running.port), "-t", "meter", "-C", "1", "-W", "10"]
        keys = ["--psk", RIGHT.key.hex(), "--psk-identity", IDENTITY]
        assert command("mosquitto_sub", *words, *keys, *options).stdout == "42\n"
        client = ["openssl", "s_client", "-connect", f"{LOOPBACK}:{running.port}"]
        keys = ["-psk", RIGHT.key.hex(), "-psk_identity", IDENTITY]
        only = ["-tls1_2", "-cipher", options[3]] if options else []
        assert f"{agreed}, Cipher is" in command(*client, *keys, *only).stdout


@pytest.mark.parametrize("what", WRONG)
@pytest.mark.parametrize("version", VERSIONS)
def test_wrong_key(devices: Path, version: str, what: str) -> None:
    """Guards against a broker that lets a client in with a key of another Ka, NAF or device, or that stops serving after it."""
    with broker(devices) as running:
        result = publish(running, WRONG[what], *VERSIONS[version][0])
        assert result.returncode != 0
        assert "TLS error" in result.stderr
        running.wait_for_error("SSL routines")
        assert publish(running, RIGHT).returncode == 0
    assert running.errors.count("New client connected") == 1


def test_hundreds_at_once(devices: Path) -> None:
    """Guards against a broker whose plugin loses or confuses keys when hundreds of clients come at once."""
    count = 300
    fleet = {f"meter{i}@bsf.example.com": os.urandom(32) for i in range(count)}
    write_rows(devices, row(), *(row(identity, ka) for identity, ka in fleet.items()))
    with broker(devices, "plugin_opt_usage mqtt") as running, contextlib.ExitStack() as stack:
        clients = []
        for identity, ka in fleet.items():
            words = [
                "-h",
                LOOPBACK,
                "-p",
                str(running.port),
                "-t",
                "meter",
                "-C",
                "1",
                "-W",
                str(LONG),
            ]
            keys = ["--psk", e2e_key(ka, usage="mqtt").hex(), "--psk-identity", identity]
            client = subprocess.Popen(["mosquitto_sub", *words, *keys], stdout=subprocess.PIPE)
            stack.callback(client.kill)
            clients.append(client)
        wait_until(lambda: running.errors.count("Sending SUBACK") == count, LONG)
        key = e2e_key(usage="mqtt")
        assert publish(running, Credentials(IDENTITY, key)).returncode == 0
        assert {client.communicate(timeout=30)[0] for client in clients} == {b"42\n"}


def test_no_key_in_the_log(devices: Path) -> None:
    """Guards against a broker whose log has a key of the plugin's."""
    with broker(devices) as running:
        assert publish(running, RIGHT).returncode == 0
        assert publish(running, WRONG["another Ka"]).returncode != 0
        running.wait_for_error("binder does not verify")
    secrets = [KS_NAF, KA, RIGHT.key, WRONG["another Ka"].key]
    assert not [key for key in secrets if key.hex() in running.errors.lower()]


def test_valgrind_finds_nothing(devices: Path) -> None:
    """Guards against the plugin reading freed or unwritten memory, or leaking, on any way through a handshake."""
    with broker(devices, before=VALGRIND) as running:
        for version, _ in VERSIONS.values():
            assert publish(running, RIGHT, *version).returncode == 0
            for credentials in WRONG.values():
                assert publish(running, credentials, *version).returncode != 0
        write_rows(devices, row(ka=OTHER_KA))
        assert publish(running, WRONG["another Ka"]).returncode == 0
        assert running.stop() == 0, running.errors


def test_refresh(devices: Path) -> None:
    """Guards against a refresh of the devices file, zeros in it, that the plugin leaves out of the broker's key."""
    write_rows(devices, row(refresh=WITH_ZEROS))
    with broker(devices) as running:
        assert publish(running, RIGHT).returncode != 0
        key = e2e_key(refresh=WITH_ZEROS)
        assert publish(running, Credentials(IDENTITY, key)).returncode == 0


def test_the_policy_holds(devices: Path, tmp_path: Path) -> None:
    """Guards against the module's policy being passed over when the key is derived inside a broker."""
    config = write_config(tmp_path / "openssl.cnf", {"akma": {"min-ka-length": "33"}})
    long = bytes(range(33))
    write_rows(devices, row(), row("ue2@bsf.example.com", long))
    with broker(devices, config=config) as running:
        assert publish(running, RIGHT).returncode != 0
        assert publish(running, Credentials("ue2@bsf.example.com", e2e_key(long))).returncode == 0


# Refusals, overlapping Ka's, and sessions that end


def said(running: Listening, text: str) -> bool:
    """Does the broker's log come to have a text?"""
    with contextlib.suppress(AssertionError):
        wait_until(lambda: text in running.errors)
    return text in running.errors


def test_log_of_a_refused_client(devices: Path, tmp_path: Path) -> None:
    """Guards against a refusal that does not say whose client it was, and whether key or policy was the cause."""
    config = write_config(tmp_path / "openssl.cnf", {"akma": {"min-ka-length": "32"}})
    short = "ue2@bsf.example.com"
    write_rows(devices, row(), row(short, KA[:20]))
    with broker(devices, config=config) as running:
        publish(running, WRONG["another Ka"])
        assert said(running, f'akma: identity "{IDENTITY}" from 127.0.0.1: key given; a TLS error')
        assert said(running, "binder does not verify")
        assert re.search("key given; a TLS.*\n(.*\n)?.*binder does not verify", running.errors)
        publish(running, Credentials(short, e2e_key(KA[:20])))
        assert said(running, f'akma: identity "{short}" refused: ')
        assert re.search(rf'"{short}" refused: .*policy: min-ka-length', running.errors)
        publish(running, Credentials("no\x1bbody", RIGHT.key))
        assert said(running, 'akma: identity "no\\x1Bbody" refused: not in the devices file')
        assert publish(running, RIGHT).returncode == 0
        assert running.errors.count("refused: ") in (2, 3) and "\x1b" not in running.errors


def subscriber(running: Listening, credentials: Credentials) -> subprocess.Popen[bytes]:
    """A client that stays until it is told to go."""
    words = ["-h", LOOPBACK, "-p", str(running.port), "-t", "meter", "-i", os.urandom(4).hex()]
    keys = ["--psk", credentials.key.hex(), "--psk-identity", credentials.identity]
    before = running.errors.count("Sending SUBACK")
    client = subprocess.Popen(["mosquitto_sub", *words, *keys], stderr=subprocess.DEVNULL)
    wait_until(lambda: running.errors.count("Sending SUBACK") > before)
    return client


OTHER = Credentials(IDENTITY, e2e_key(OTHER_KA))


def test_session_of_a_removed_device(devices: Path) -> None:
    """Guards against a session that goes on although its device, or its Ka, was taken out of the file, or another
    one that ends then."""
    second = Credentials("ue2@bsf.example.com", RIGHT.key)
    write_rows(devices, row(), row(second.identity))
    with broker(devices) as running:
        clients = [subscriber(running, credentials) for credentials in (RIGHT, second)]
        write_rows(devices, row())
        said_so = f'akma: identity "{second.identity}": its session ends: its row or its Ka is gone'
        assert said(running, said_so)
        assert said(running, "rows read") and IDENTITY not in running.errors.split("1 rows read")[1]
        write_rows(devices, row(ka=OTHER_KA))
        assert said(running, f'akma: identity "{IDENTITY}": its session ends')
        assert publish(running, OTHER).returncode == 0
        for client in clients:
            client.kill()
            client.wait()


def ends(running: Listening) -> int:
    """How many clients have left or were refused, but for the one that only saw whether the port is open."""
    return len(re.findall(r" disconnected|failed: error:(?!.*unexpected eof)", running.errors))


def attempt(running: Listening, credentials: Credentials) -> bool:
    """Publish, and wait until the broker has seen the client leave: which Ka is next follows from that."""
    before = ends(running)
    is_taken = publish(running, credentials).returncode == 0
    wait_until(lambda: ends(running) > before, LONG)
    return is_taken


@pytest.mark.parametrize("how", ["replaced", "added"])
def test_overlap(devices: Path, tmp_path: Path, how: str) -> None:
    """Guards against a change of Ka that cuts off devices which have not got the new one yet, and an old one that stays."""
    rows = [row(ka=OTHER_KA)] if how == "replaced" else [row(), row(ka=OTHER_KA)]
    clock = Clock(tmp_path)
    with broker(devices, "plugin_opt_overlap 600", clock=clock) as running:
        client = subscriber(running, RIGHT)
        write_rows(devices, *rows)
        assert attempt(running, OTHER)
        tries = [attempt(running, RIGHT) for _ in range(3)]
        assert tries in ([False, True, True], [True, True, True])  # it stays with what was proved
        assert True in [attempt(running, OTHER) for _ in range(2)]
        assert client.poll() is None
        clock.pass_to(601)
        assert True not in [attempt(running, RIGHT) for _ in range(2)]
        assert attempt(running, OTHER)
        if how == "replaced":
            assert said(running, "its session ends: its row or its Ka is gone")
        client.kill()
        client.wait()


def test_overlap_ends_with_the_row(devices: Path) -> None:
    """Guards against an old Ka that is good although its row was removed, and a device that is good although all its
    rows were."""
    with broker(devices, "plugin_opt_overlap 1000") as running:
        assert attempt(running, RIGHT)
        write_rows(devices, row(), row(ka=OTHER_KA))
        assert True in [attempt(running, RIGHT) for _ in range(2)]
        write_rows(devices, row(ka=OTHER_KA))
        assert True not in [attempt(running, RIGHT) for _ in range(3)]
        assert attempt(running, OTHER)
        write_rows(devices, row("ue2@bsf.example.com"))
        assert True not in [attempt(running, OTHER) for _ in range(2)]
