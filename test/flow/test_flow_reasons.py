"""Who failed, and why: what e2e-ue and the server's log say of a flow that does not come to be.

SPDX-License-Identifier: Apache-2.0
"""

import signal
import socket
from pathlib import Path

import pytest

from client_hello import block, client_hello, read_record, send_record
from evp import OPENSSL_VERSION
from flow import (
    LOOPBACK,
    SECONDS,
    Server,
    StockClient,
    free_port,
    split,
    ue,
    wait_until,
    write_devices,
)
from link import Sides

KS_NAF, KA, OTHER = bytes(range(32)), bytes(range(32, 64)), bytes(range(64, 96))
ID = "Qk1STVJVSEFTSA==@bsf.example.com"
PREFIXED = f"3GPP-bootstrapping.{ID}"


@pytest.fixture(name="devices")
def make_devices(tmp_path: Path) -> Path:
    """One device."""
    return write_devices(tmp_path / "devices.csv", [[ID, KS_NAF.hex(), KA.hex(), "1"]])


def refused(server: Server) -> str:
    """The log's first refusal."""
    return server.wait_for_error("event=refused")


# Of a key that is not the server's (RFC 8446 4.2.11 says decrypt_error; libssl does so from 3.5 on).
WRONG_KEY = "illegal parameter" if OPENSSL_VERSION < (3, 5) else "decrypt error"


def test_alert_identity_and_cause(devices: Path, tmp_path: Path) -> None:
    """Guards against a refusal without its alert and identity, or without what to compare when Ks_NAF or Ka differs."""
    own = write_devices(tmp_path / "own.csv", [[ID, OTHER.hex(), KA.hex(), "1"]])
    with Server(devices) as server:
        result = ue(own, ID, server.address, server.e2e_address)
        assert result.returncode == 4
        said = f"refused by the server: alert {WRONG_KEY}, identity {PREFIXED}): it does not know"
        assert said in result.stderr and "ks-naf of both sides" in result.stderr
        assert f"identity={ID}" in refused(server) and "severity=warning" in refused(server)
        own = write_devices(tmp_path / "own.csv", [[ID, KS_NAF.hex(), OTHER.hex(), "1"]])
        result = ue(own, ID, server.address, server.e2e_address)
        assert result.returncode == 4 and f"alert {WRONG_KEY}, identity e2e-" in result.stderr
        assert "compare Ka, NAF_Id" in result.stderr and "store" in result.stderr
        wait_until(lambda: " identity=e2e-" in server.errors.split("event=refused")[-1])


def test_no_answer(devices: Path) -> None:
    """Guards against a server that says nothing being reported as one with another key, although it has refused
    nothing."""
    with socket.create_server((LOOPBACK, 0)) as silent:
        address = f"{LOOPBACK}:{silent.getsockname()[1]}"
        result = ue(devices, ID, address, address)
    assert result.returncode == 5 and "no answer within 10 s, identity 3GPP" in result.stderr
    assert "out of order" in result.stderr and "another key" not in result.stderr


def test_an_outage_is_no_downgrade(tmp_path: Path) -> None:
    """Guards against one exit status for two things: a third party that is down, and a flag that is withheld."""
    sides = Sides(tmp_path)
    own = write_devices(tmp_path / "own.csv", [[ID, KS_NAF.hex(), KA.hex()]])
    naf = write_devices(tmp_path / "naf.csv", [[ID, KS_NAF.hex(), ""]])
    with sides.run_naf(naf, f"{LOOPBACK}:{free_port()}", "--e2e", "offered") as server:
        plain: list[list[str]] = [[], ["--allow-plain"]]
        for more in plain:
            result = ue(own, ID, server.addresses["accept"], None, *more)
            assert result.returncode == 5 and not result.stdout
            assert "the third party or its store is out of order" in result.stderr
        line = server.wait_for_error("event=refused")
        assert "severity=err" in line and f"identity={ID}" in line
    bare = write_devices(tmp_path / "bare.csv", [[ID, KS_NAF.hex(), ""]])
    with Server(bare) as both:
        result = ue(own, ID, both.address, both.e2e_address)
        assert result.returncode == 3 and "somebody may be in the middle" in result.stderr


def hello(*left_out: int, **other: bytes) -> bytes:
    """The tests' ClientHello without some extensions, or with others in their place."""
    whole = client_hello([(PREFIXED.encode(), KS_NAF)])
    at = 4 + 2 + 32 + 1 + 2 + 2 + 2 + 2
    length = int.from_bytes(whole[at - 2 : at], "big")
    rest, kept = whole[at : at + length], b""
    while rest:
        number, size = (int.from_bytes(rest[i : i + 2], "big") for i in (0, 2))
        octets = other.get(f"x{number}", rest[4 : 4 + size])
        if number not in left_out:
            kept += number.to_bytes(2, "big") + block(octets)
        rest = rest[4 + size :]
    body = whole[4 : at - 2] + block(kept)
    return b"\x01" + block(body, 3)


@pytest.mark.parametrize(
    ("message", "said"),
    [
        (hello(x45=b"\x01\x00"), "the PSK mode psk_dhe_ke is missing"),
        (hello(x10=b"\x00\x02\x00\x18"), "it offers none of the groups X25519MLKEM768, X25519"),
        (hello(41), "it offers no pre-shared key"),
        (hello(x43=b"\x02\x03\x03"), "it offers no TLS 1.3"),
    ],
)
def test_what_a_client_hello_lacks(devices: Path, message: bytes, said: str) -> None:
    """Guards against a log that does not say what a refused ClientHello lacked."""
    with Server(devices) as server:
        with socket.create_connection(split(server.address), SECONDS) as raw:
            send_record(raw, message)
            read_record(raw)
        assert said in refused(server)


def test_claimed_identity_is_filtered(devices: Path) -> None:
    """Guards against an unproved identity that reaches the log unfiltered, or readable with --log-identities hash."""
    nasty = "3GPP-bootstrapping.a\x1bb@c"
    for how in ("full", "hash"):
        with Server(devices, "--log-identities", how) as server:
            with StockClient(server.address, nasty, KS_NAF) as client:
                assert client.read() == b""
            line = refused(server)
            assert "\x1b" not in server.errors
            assert ("a\\x1Bb@c" in line) == (how == "full") and "identity=" in line


def test_every_line_has_a_severity(devices: Path) -> None:
    """Guards against a line of an ordinary flow or reload whose severity is not info."""
    with Server(devices) as server:
        assert ue(devices, ID, server.address, server.e2e_address).returncode == 0
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_error("event=reload")
    lines = server.errors.splitlines()
    assert lines and all(line.split()[1] == "severity=info" for line in lines), lines
