"""New B-TIDs and A-KIDs of a device: rows of the devices file, how a UE takes them, when they end.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import signal
import subprocess
import time
from pathlib import Path

from clock import Clock
from evp import BUILD
from flow import (
    FQDN,
    LOOPBACK,
    SECONDS,
    Metered,
    Process,
    Server,
    StockClient,
    ask,
    run_to_end,
    wait_until,
)

FIRST = bytes.fromhex("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100")
SECOND = bytes.fromhex("2f" * 32)
KA = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf")
NEW_KA = bytes.fromhex("5a" * 32)
DEVICE = "meter-7"
HEADER = "identity,ks-naf,ka,ka-id,device,not-after\n"
OLD_ROW = f"btid1@bsf,{FIRST.hex()},{KA.hex()},1,{DEVICE},\n"
NEW_ROW = f"btid2@bsf,{SECOND.hex()},,,{DEVICE},\n"


def write(path: Path, *rows: str) -> Path:
    """A devices file, there whole at once."""
    fresh = path.with_suffix(".new")
    fresh.write_text(HEADER + "".join(rows))
    fresh.chmod(0o600)
    return fresh.rename(path)


def ue(
    devices: Path, server: Server, *options: str, who: str = "--device", name: str = DEVICE
) -> subprocess.CompletedProcess[str]:
    """e2e-ue says one line, as a device."""
    command = [str(BUILD / "e2e/e2e-ue"), "--connect", server.address]
    command += ["--e2e-connect", server.e2e_address, "--devices", str(devices), who, name]
    command += ["--naf-fqdn", FQDN, "--message", "hello", *options]
    return run_to_end(*command)


def reload(server: Process) -> None:
    """SIGHUP, and wait until it is done."""
    before = server.errors.count("event=reload")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.errors.count("event=reload") > before)


def test_device_in_place_of_identity(tmp_path: Path) -> None:
    """Guards against a UE that has to be told each new B-TID, or a new row that needs a Ka of its own."""
    served = write(tmp_path / "served.csv", OLD_ROW)
    own = write(tmp_path / "own.csv", OLD_ROW)
    with Server(served) as server:
        server.wait_for_error("event=start")
        assert ue(own, server).stdout == "e2e: hello\n"
        server.wait_for_error("event=e2e")
        write(served, OLD_ROW, NEW_ROW)
        reload(server)
        write(own, OLD_ROW, NEW_ROW)
        assert ue(own, server).stdout == "e2e: hello\n"
        line = server.wait_for_error("event=flag endpoint=naf peer=", SECONDS)
        assert "identity=btid1@bsf device=meter-7" in line
        server.wait_for_error("identity=btid2@bsf device=meter-7 ka-id=1")
        by_identity = ue(own, server, who="--identity", name="btid1@bsf")
        assert by_identity.stdout == "e2e: hello\n", "the old key is good still"


def test_neither_identity_nor_device(tmp_path: Path) -> None:
    """Guards against an e2e-ue that starts without an identity or device, or with one that is not in the file."""
    own = write(tmp_path / "own.csv", OLD_ROW)
    command = [str(BUILD / "e2e/e2e-ue"), "--connect", "127.0.0.1:1", "--devices", str(own)]
    command += ["--naf-fqdn", FQDN, "--message", "x"]
    cases: list[tuple[list[str], int, str]] = [
        ([], 2, "--identity or --device is missing"),
        (["--device", "who"], 1, "--device who: not in the devices file"),
    ]
    for more, status, said in cases:
        result = run_to_end(*command, *more)
        assert result.returncode == status and said in result.stderr


def test_the_flag_names_the_ka(tmp_path: Path) -> None:
    """Guards against a Ka in an earlier B-TID's row that is not found, or that counts as new in a later row."""
    new_ka = f"btid2@bsf,{SECOND.hex()},{NEW_KA.hex()},2,{DEVICE},\n"
    served = write(tmp_path / "served.csv", OLD_ROW, NEW_ROW)
    own = write(tmp_path / "own.csv", OLD_ROW, new_ka)
    with Server(served) as server:
        assert ue(own, server).stdout == "e2e: hello\n"
        refused = ue(own, server, "--oldest-ka-id", "2")
        assert refused.returncode == 3 and "older than --oldest-ka-id" in refused.stderr
        again = f"btid2@bsf,{SECOND.hex()},{KA.hex()},1,{DEVICE},\n"
        write(own, OLD_ROW, new_ka, again)
        refused = ue(own, server, "--oldest-ka-id", "2")
        assert refused.returncode == 3, "a Ka does not become young in a new row"
        write(served, OLD_ROW, new_ka)
        server.wait_for_error("event=start")
        reload(server)
        assert ue(own, server, "--oldest-ka-id", "2").stdout == "e2e: hello\n"


def test_file_of_a_ue_that_changes(tmp_path: Path) -> None:
    """Guards against an e2e-ue --listen that has to be restarted for a new B-TID, or stops for a broken file."""
    served = write(tmp_path / "served.csv", OLD_ROW, NEW_ROW)
    own = write(tmp_path / "own.csv", OLD_ROW)
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Server(served))
        tunnel = stack.enter_context(
            Process(
                *[f"{BUILD}/e2e/e2e-ue", "--connect", server.address, "--device", DEVICE],
                *["--e2e-connect", server.e2e_address, "--devices", str(own), "--naf-fqdn", FQDN],
                *["--listen", f"{LOOPBACK}:0", "--reload-interval", "1"],
            )
        )
        address = tunnel.read().decode().split()[1]
        assert ask(address, b"one\n") == b"e2e: one\n"
        write(own, OLD_ROW, NEW_ROW[:-5])
        tunnel.wait_for_error("event=reload result=refused")
        assert ask(address, b"two\n") == b"e2e: two\n"
        assert tunnel.errors.count("event=reload") == 1, "it is read once a change"
        write(own, OLD_ROW, NEW_ROW)
        wait_until(lambda: tunnel.errors.count("event=reload") == 2)
        assert ask(address, b"three\n") == b"e2e: three\n"
        wait_until(lambda: server.errors.count("event=flag") == 3)
        flags = [line for line in server.errors.splitlines() if "event=flag" in line]
        assert ["btid2@bsf" in line for line in flags] == [False, False, True]


def test_key_that_has_expired(tmp_path: Path) -> None:
    """Guards against an expired key that the UE or the server's log reports as a wrong one."""
    past = int(time.time()) - 3600
    expired = f"btid1@bsf,{FIRST.hex()},{KA.hex()},1,{DEVICE},{past}\n"
    own = write(tmp_path / "own.csv", expired)
    served = write(tmp_path / "served.csv", expired)
    with Server(served) as server:
        result = ue(own, server)
        assert result.returncode == 1
        assert "the key of btid1@bsf expired 36" in result.stderr
        assert f"not-after {past}, line 2" in result.stderr
        with StockClient(server.address, "3GPP-bootstrapping.btid1@bsf", FIRST) as stock:
            assert stock.read() == b""
        assert "the key has expired" in server.wait_for_error("event=source")
        write(own, OLD_ROW)
        assert ue(own, server).returncode == 4, "a UE without not-after is refused all the same"


def test_psk_of_a_key_that_has_expired(tmp_path: Path) -> None:
    """Guards against a PSK file with a key that the operator no longer knows, or without the next row's valid one."""
    now = int(time.time())
    rows = [
        f"past@x,{FIRST.hex()},{KA.hex()},,,{now - 60}\n",
        f"open@x,{FIRST.hex()},{KA.hex()},,,\n",
    ]
    rows.append(f"later@x,{FIRST.hex()},{KA.hex()},,,{now + 3600}\n")
    out = tmp_path / "out"
    command: list[str | Path] = [BUILD / "tool/akma", "psk", "--out", out, "--keep-going"]
    command += ["--in", write(tmp_path / "in.csv", *rows), "--format", "mosquitto"]
    result = run_to_end(*command, "--naf-fqdn", FQDN, "--ua-protocol-id", "0100000007")
    assert (
        result.returncode == 1 and f"not-after: the 3GPP key ended at {now - 60}" in result.stderr
    )
    assert [line.split(":")[0] for line in out.read_text().splitlines()] == ["open@x", "later@x"]


def test_not_after_of_a_row_ends_derivation(tmp_path: Path) -> None:
    """Guards against a flag that is issued after its row's not-after, so that its key outlives Ks_NAF."""
    clock, soon = Clock(tmp_path), int(time.time()) + 3600
    own = write(tmp_path / "own.csv", OLD_ROW)
    served = write(
        tmp_path / "served.csv", f"btid1@bsf,{FIRST.hex()},{KA.hex()},1,{DEVICE},{soon}\n"
    )
    with Metered(served, environment=clock.environment) as server:
        with StockClient(server.address, "3GPP-bootstrapping.btid1@bsf", FIRST) as first:
            wait_until(lambda: server.count("handshakes_total") == 1)
            clock.step(3601)
            first.write(b'{"nonce":"' + bytes(16).hex().encode() + b'"}\n')
            assert first.read() == b""
        assert "not-after" in server.wait_for_error("event=refused")
        assert ue(own, server).returncode == 4


def test_row_of_an_old_identity_is_removed(tmp_path: Path) -> None:
    """Guards against connections that stay open after the row of an old identity was removed, or those of the new
    identity that are closed then."""
    new = NEW_ROW.replace(",,,", f",{KA.hex()},1,")
    served = write(tmp_path / "served.csv", OLD_ROW, new)
    with Server(served, "--e2e", "offered") as server, contextlib.ExitStack() as stack:
        server.wait_for_error("event=start")
        clients = []
        for identity, key in (("btid1@bsf", FIRST), ("btid2@bsf", SECOND)):
            client = StockClient(server.address, f"3GPP-bootstrapping.{identity}", key)
            clients.append(stack.enter_context(client))
            client.flag()
        write(served, new)
        reload(server)
        assert clients[0].read() == b""
        clients[1].write(b"x\n")
        assert clients[1].read() == b"plain: x"
        said = server.wait_for_error("event=row-removed")
        assert "device=meter-7 identity=btid1@bsf" in said
        assert server.errors.count("event=row-removed") == 1
