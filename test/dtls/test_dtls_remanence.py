"""What the server of a flow over DTLS has in its memory: a scan of all that it can write to.

SPDX-License-Identifier: Apache-2.0
"""

import json
import secrets
from functools import partial
from pathlib import Path

import pytest

import reference
from datagrams import SUITE, SUITES, DtlsServer, StockDtlsClient
from flow import FQDN, wait_until, write_devices
from process_memory import holds, is_gone
from sanitizer import unless_sanitized

pytestmark = [unless_sanitized, pytest.mark.slow]

IDENTITY = "ue@bsf.example.com"
NAF_ID = FQDN.encode() + bytes.fromhex(SUITES[SUITE])


def has_flags(server: DtlsServer, count: int) -> bool:
    """Were so many issued?"""
    return server.count('flags_total{e2e="1"}') == count


def test_e2e_key_goes_with_its_session(tmp_path: Path) -> None:
    """Guards against an e2e_key or datagram of a closed DTLS session that stays in the server's memory."""
    ks_naf, ka = secrets.token_bytes(32), secrets.token_bytes(32)
    devices = write_devices(tmp_path / "devices.csv", [[IDENTITY, ks_naf.hex(), ka.hex()]])
    with DtlsServer(devices) as server:
        pid, keys, said = server.process.pid, [], []
        for number in range(1, 4):
            nonce = secrets.token_bytes(16)
            identity = f"3GPP-bootstrapping.{IDENTITY}"
            with StockDtlsClient(server.address, identity, ks_naf) as first:
                first.say(json.dumps({"nonce": nonce.hex()}).encode())
                wait_until(partial(has_flags, server, number))
                first.end_input()
                flag = json.loads(first.read())
            refresh = bytes.fromhex(flag["refresh"])
            keys.append(reference.e2e_key(ks_naf, ka, NAF_ID, refresh=refresh, usage=flag["usage"]))
            if number == 3:
                break
            with StockDtlsClient(server.e2e_address, flag["identity"], keys[-1]) as second:
                said.append(b"for the enterprise alone: " + secrets.token_hex(8).encode())
                second.say(said[-1] + b"\n")  # for read()
                assert second.read() == b"e2e: " + said[-1]
                second.end_input()  # it says goodbye
                second.wait()
        assert holds(pid, keys[2]), "what waits for its device is found"
        wait_until(lambda: server.errors.count("event=closed endpoint=e2e") == 2)
        assert [secret.hex() for secret in (*keys[:2], *said) if not is_gone(pid, secret)] == []
