"""What the processes of the flow have in their memory: a scan of all that they can write to.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import re
import signal
from pathlib import Path
from typing import Any

import reference
from evp import BUILD
from flow import NAF_ID, Process, Server, StockClient, write_devices
from link import Sides
from process_memory import holds, is_gone
from project import ROOT
from sanitizer import unless_sanitized

pytestmark = unless_sanitized

KS_NAF = bytes.fromhex("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100")
KA = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf")
ID = "ue@bsf.example.com"


def key_of(flag: dict[str, Any]) -> bytes:
    """e2e_key by the reference."""
    refresh = bytes.fromhex(flag["refresh"])
    return reference.e2e_key(KS_NAF, KA, NAF_ID, refresh=refresh, usage=flag["usage"])


def test_e2e_key_goes_with_its_connection(tmp_path: Path) -> None:
    """Guards against an e2e_key in memory after its connection, or a removed row's secrets after SIGHUP."""
    devices = write_devices(tmp_path / "devices.csv", [[ID, KS_NAF.hex(), KA.hex()]])
    with Server(devices) as server:
        pid, keys = server.process.pid, []
        for _ in range(4):
            with StockClient(server.address, f"3GPP-bootstrapping.{ID}", KS_NAF) as first:
                flag = first.flag()
            keys.append(key_of(flag))
            if len(keys) == 4:
                break
            with StockClient(server.e2e_address, flag["identity"], keys[-1]) as second:
                second.write(b"x\n")
                assert second.read() == b"e2e: x"
        assert all(holds(pid, secret) for secret in (KS_NAF, KA, keys[3]))
        assert all(is_gone(pid, key) for key in keys[:3])
        write_devices(devices, [["other", bytes(range(32)).hex(), bytes(range(32, 64)).hex()]])
        server.process.send_signal(signal.SIGHUP)
        assert all(is_gone(pid, secret) for secret in (keys[3], KA, KS_NAF))


def test_secrets_of_the_roles(tmp_path: Path) -> None:
    """Guards against a role with a secret that is not its own, or that it keeps longer than it uses it."""
    sides = Sides(tmp_path)
    naf_file = write_devices(tmp_path / "naf.csv", [[ID, KS_NAF.hex(), ""]])
    third_party_file = write_devices(tmp_path / "ka.csv", [[ID, "", KA.hex()]])
    with sides.run_third_party(third_party_file) as third_party:
        with sides.run_naf(naf_file, third_party.addresses["naf-accept"]) as naf:
            pids = naf.process.pid, third_party.process.pid
            with StockClient(naf.addresses["accept"], f"3GPP-AKMA{ID}", KS_NAF) as first:
                flag = first.flag()
            key = key_of(flag)
            assert holds(pids[0], KS_NAF) and holds(pids[1], KA), "what is there is found"
            assert holds(pids[1], key), "it waits for its UE"
            address = third_party.addresses["e2e-accept"]
            with StockClient(address, flag["identity"], key) as second:
                second.write(b"a sentence for the enterprise alone\n")
                assert second.read().startswith(b"e2e: ")
            third_party.wait_for_error("event=closed endpoint=e2e")
            for secret in (KA, key):
                assert not holds(pids[0], secret)
            for secret in (KS_NAF, key, b"a sentence for the enterprise alone"):
                assert is_gone(pids[1], secret)


def test_every_context_cleanses_what_was_read() -> None:
    """Guards against a TLS context whose buffers keep the last record that was read."""
    sources = [
        path
        for room in ("common", "e2e", "examples", "gba", "tool")
        for path in (ROOT / room).rglob("*.c")
    ]
    makes = re.compile("SSL_CTX_new|CURLOPT_SSL_CTX_FUNCTION")
    makers = [path for path in sources if makes.search(path.read_text())]
    assert {path.name for path in makers} == {"tls.c", "tls13_psk.c", "http.c"}
    assert all("SSL_OP_CLEANSE_PLAINTEXT" in path.read_text() for path in makers)


def test_keys_that_a_store_forgets(tmp_path: Path) -> None:
    """Guards against a key that stays in the store's memory after it was taken or revoked."""
    secrets = [hashlib.sha256(b"store %d" % number).digest() for number in range(8)]
    with Process(BUILD / "test/programs/store", "memory") as store:

        def ask(line: str) -> bytes:
            store.write(line.encode() + b"\n")
            return store.read()

        for number, secret in enumerate(secrets):
            line = f"put i{number} {secret.hex()} device{number} - subject naf 600000"
            assert ask(line) == b"ok"
        assert all(holds(store.process.pid, secret) for secret in secrets)
        for number in range(4):
            assert ask(f"consume i{number}").startswith(b"ok ")
        assert ask("revoke - - - naf") == b"ok"
        filler = f"put longer {bytes(32).hex()} longer-device - subject other 600000"
        assert ask(filler) == b"ok" and ask("get longer").startswith(b"ok ")  # fills its buffers
        assert all(is_gone(store.process.pid, secret) for secret in secrets)
