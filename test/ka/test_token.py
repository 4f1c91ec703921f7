"""A master secret in a PKCS#11 token (SoftHSM): made there, derived with, and when the token fails.

SPDX-License-Identifier: Apache-2.0
"""

import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from flow import wait_until
from reference import device_ka
from samples import KEY
from sanitizer import unless_its_runtime_is_in_the_way
from p11_kit import P11_KIT_SERVER, P11KitServer
from softhsm import IS_THERE, LABEL, LIBRARY, PIN, PROGRAMS, REASON, Token
from tool import AKMA, ENVIRONMENT, akma, secret

pytestmark = [pytest.mark.token, pytest.mark.slow, pytest.mark.skipif(not IS_THERE, reason=REASON)]
NAMES = [f"device-{number}" for number in range(2000)]


@pytest.fixture
def token(tmp_path: Path) -> Token:
    """An empty token."""
    return Token(tmp_path / "hsm")


def derive(token: Token, uri: str, *words: str | Path) -> subprocess.CompletedProcess[bytes]:
    return akma("ka", "derive", "--master", uri, *words, environment=token.environment)


def refused(token: Token, uri: str, *words: str | Path) -> str:
    result = derive(token, uri, "--device", "a", *words)
    said = result.stderr.decode()
    assert result.returncode == 1 and result.stdout == b"" and PIN not in said, said
    return said


def ka_of(token: Token, uri: str, *words: str | Path) -> str:
    result = derive(token, uri, "--device", "a", "--ka-id", "2026", *words)
    assert result.returncode == 0, result.stderr
    return result.stdout.decode().splitlines()[1].split(",")[2]


def test_new(token: Token) -> None:
    """Guards against a master that can leave the token, does more than sign, or replaces one."""
    made = ["ka", "new", "--pkcs11", token.uri()]
    assert akma(*made, environment=token.environment).returncode == 0
    listed = token.run(
        "p11tool", "--provider", str(LIBRARY), "--login", "--list-all", GNUTLS_PIN=PIN
    )
    assert listed.count(f"Label: {LABEL}") == 1 and "CKA_NEVER_EXTRACTABLE" in listed
    assert "CKA_SENSITIVE" in listed and "CKA_PRIVATE" in listed and "WRAP" not in listed
    first = ka_of(token, token.uri())
    again = akma(*made, environment=token.environment)
    assert again.returncode == 1 and b"there is such a key already" in again.stderr
    assert ka_of(token, token.uri()) == first
    other = ["ka", "new", "--pkcs11", token.uri("other")]
    assert akma(*other, environment=token.environment).returncode == 0
    assert ka_of(token, token.uri("other")) != first
    unnamed = ["ka", "new", "--pkcs11", token.uri().replace(f";object={LABEL}", "")]
    nameless = akma(*unnamed, environment=token.environment)
    assert nameless.returncode == 1 and b"object=" in nameless.stderr


def test_derive(token: Token, tmp_path: Path) -> None:
    """Guards against a token's Ka that is not HMAC-SHA-256 over S, or not the file's."""
    token.put(KEY)
    (tmp_path / "list").write_text("".join(name + "\n" for name in NAMES))
    words: list[str | Path] = ["--in", tmp_path / "list", "--ka-id", "2026", "--out"]
    assert derive(token, token.uri(), *words, tmp_path / "token").returncode == 0
    assert derive(token, secret(tmp_path / "m", KEY), *words, tmp_path / "file").returncode == 0
    rows = [f"{name},,{device_ka(KEY, name, '2026').hex()},2026" for name in NAMES]
    assert (tmp_path / "token").read_text().splitlines()[1:] == rows
    assert (tmp_path / "token").read_bytes() == (tmp_path / "file").read_bytes()


def test_what_is_meant(token: Token) -> None:
    """Guards against a token or a key that is taken by chance."""
    token.put(KEY)
    assert ka_of(token, token.uri()) == device_ka(KEY, "a", "2026").hex()
    assert "no such secret key" in refused(token, token.uri("other"))
    assert "no such token" in refused(token, token.uri(serial="1"))
    token.put(bytes(range(32)), "another")
    several = token.uri().replace(f";object={LABEL}", "")
    assert "more than one key is meant" in refused(token, several)
    token.put(bytes(range(16)), "short")
    assert "has 16 octets, and must have 32" in refused(token, token.uri("short"))
    token.run(
        "softhsm2-util",
        "--init-token",
        "--free",
        "--label",
        "second",
        "--so-pin",
        "00000000",
        "--pin",
        PIN,
    )
    assert "more than one token" in refused(token, token.uri().replace("token=akma;", ""))
    assert "wants a PIN" in refused(token, token.uri(pin=False))
    assert ka_of(token, token.uri(pin=False), "--ka-pin", f"file:{token.pin}")


def test_a_wrong_pin_is_tried_once(token: Token) -> None:
    """Guards against a PIN that is tried until the token is locked."""
    token.put(KEY)
    token.pin.write_text("wrong-pin\n")
    said = refused(token, token.uri(shim=True), "--threads", "8")
    assert "the PIN, which is not tried again" in said
    assert token.calls("C_Login-refused") == 1 and token.calls("C_Login") == 0
    token.pin.write_text(PIN + "\n")
    token.mode("locked")
    assert "one more wrong PIN locks the token" in refused(token, token.uri(shim=True))
    assert token.calls("C_Login-refused") == 1 and token.calls("C_Login") == 0


@pytest.mark.parametrize(
    ("mode", "said"), [("removed", "no such token"), ("short", "20 octets for an HMAC-SHA-256")]
)
def test_a_token_that_fails(token: Token, tmp_path: Path, mode: str, said: str) -> None:
    """Guards against rows that are written although the token fails."""
    token.put(KEY)
    token.mode(mode)
    assert said in refused(token, token.uri(shim=True), "--out", tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def running(token: Token, tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """akma ka derive in the middle of a list, by a token that is slow."""
    token.put(KEY)
    token.mode("slow 20")
    (tmp_path / "list").write_text("".join(name + "\n" for name in NAMES))
    words: list[str | Path] = ["--in", tmp_path / "list", "--out", tmp_path / "out"]
    with subprocess.Popen(
        [AKMA, "ka", "derive", "--master", token.uri(shim=True), *words],
        env=ENVIRONMENT | token.environment,
        stderr=subprocess.PIPE,
    ) as process:
        wait_until(lambda: token.calls("C_Sign") > 50)
        yield process
        process.kill()


def test_removed_in_between(token: Token, tmp_path: Path, running: subprocess.Popen[bytes]) -> None:
    """Guards against half a list, and a thread that goes on, when the token is pulled out."""
    token.mode("removed")
    _, said = running.communicate(timeout=60)
    assert running.returncode == 1 and b"no such token" in said
    assert {path.name for path in tmp_path.iterdir()} == {"hsm", "list"}


def test_ended_in_between(token: Token, tmp_path: Path, running: subprocess.Popen[bytes]) -> None:
    """Guards against half a list that a signal leaves behind."""
    running.send_signal(signal.SIGTERM)
    assert running.wait(timeout=60) == -signal.SIGTERM
    assert {path.name for path in tmp_path.iterdir()} == {"hsm", "list"}


@pytest.mark.skipif(not P11_KIT_SERVER.exists(), reason="p11-kit")
def test_p11_kit_server(token: Token, tmp_path: Path) -> None:
    """Guards against a socket of p11-kit's server that is not used: a hardened unit has no more."""
    token.put(KEY)
    server = P11KitServer(token, tmp_path / "socket")
    server.start()
    try:
        words = ["ka", "derive", "--master", server.uri, "--device", "a"]
        result = akma(*words, environment=server.environment)
        assert result.returncode == 0, result.stderr
        assert device_ka(KEY, "a").hex() in result.stdout.decode()
    finally:
        server.kill()


@unless_its_runtime_is_in_the_way
def test_nothing_remains(token: Token, tmp_path: Path) -> None:
    """Guards against a master secret, a PIN or a Ka that a process leaves in its memory."""
    token.put(KEY)
    wanted = [KEY[8:24], PIN.encode()[:16], device_ka(KEY, "a")[8:24]]
    (tmp_path / "needles").write_bytes(bytes(octet ^ 0x5A for octet in b"".join(wanted)))
    preload = f"{os.environ.get('LD_PRELOAD', '')} {PROGRAMS}/libpreload_exit_scan.so"
    scan = {
        "REMAINS_NEEDLES": str(tmp_path / "needles"),
        "REMAINS_REPORT": str(tmp_path / "report"),
    }
    for uri in (secret(tmp_path / "m", KEY), token.uri()):
        result = akma(
            *(
                "ka",
                "derive",
                "--master",
                uri,
                "--device",
                "a",
                "--out",
                tmp_path / "out",
                "--force",
            ),
            environment=token.environment | scan | {"LD_PRELOAD": preload},
        )
        assert result.returncode == 0, result.stderr
        assert (tmp_path / "report").read_text() == "0 of 3\n"
