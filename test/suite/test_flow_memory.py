"""What the processes of the flow have in their memory: a scan of all that they can write to.

SPDX-License-Identifier: Apache-2.0
"""

import time
from pathlib import Path

import reference
from flow import NAF_ID, StockClient, write_devices
from line import Sides

KS_NAF = bytes.fromhex("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100")
KA = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf")
ID = "ue@bsf.example.com"


def holds(pid: int, secret: bytes) -> bool:
    """Does a process have these octets, or their hex, in memory that it can write to?"""
    forms = (secret, secret.hex().encode(), secret.hex().upper().encode())
    with Path(f"/proc/{pid}/mem").open("rb", buffering=0) as memory:
        for line in Path(f"/proc/{pid}/maps").read_text().splitlines():
            place, mode = line.split()[:2]
            if not mode.startswith("rw") or line.endswith(("[vvar]", "[vsyscall]")):
                continue
            start, end = (int(number, 16) for number in place.split("-"))
            memory.seek(start)
            octets = memory.read(end - start)
            if any(form in octets for form in forms):
                return True
    return False


def test_secrets_of_the_roles(tmp_path: Path) -> None:
    """The NAF has Ks_NAF, never Ka or e2e_key; the third party Ka, and the rest only while it is used."""
    sides = Sides(tmp_path)
    naf_file = write_devices(tmp_path / "naf.csv", [[ID, KS_NAF.hex(), ""]])
    third_party_file = write_devices(tmp_path / "ka.csv", [[ID, "", KA.hex()]])
    with sides.run_third_party(third_party_file) as third_party:
        with sides.run_naf(naf_file, third_party.addresses["naf-accept"]) as naf:
            pids = naf.process.pid, third_party.process.pid
            with StockClient(naf.addresses["accept"], f"3GPP-AKMA{ID}", KS_NAF) as first:
                flag = first.flag()
            key = reference.e2e_key(
                KS_NAF, KA, NAF_ID, refresh=bytes.fromhex(flag["refresh"]), usage=flag["usage"]
            )
            assert holds(pids[0], KS_NAF) and holds(pids[1], KA), "what is there is found"
            assert holds(pids[1], key), "it waits for its UE"
            address = third_party.addresses["e2e-accept"]
            with StockClient(address, flag["identity"], key) as second:
                second.write(b"a sentence for the enterprise alone\n")
                assert second.read().startswith(b"e2e: ")
            until = time.monotonic() + 5
            while third_party.errors.count("event=closed endpoint=e2e") == 0:
                assert time.monotonic() < until
                time.sleep(0.1)
            for secret in (KA, key):
                assert not holds(pids[0], secret)
            for secret in (KS_NAF, key):
                assert not holds(pids[1], secret)
            assert not holds(pids[1], b"a sentence for the enterprise alone")
