"""Ka's of a master secret: no table at the third party, ka-ids during a change, whose, and which are revoked.

SPDX-License-Identifier: Apache-2.0
"""

import signal
import subprocess
from pathlib import Path

import pytest

from evp import BUILD
from flow import FQDN, LOOPBACK, Server, StockClient, run_to_end, ue, wait_until, write_devices
from link import Program, Sides
import reference
from reference import device_ka
from samples import KEY
from tool import secret

KS_NAF = "11" * 32
OTHER = bytes(range(1, 33))
UE = "meter-1@bsf.example.com"
SECOND = "meter-2@bsf.example.com"
WORDS = ["--accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN, "--devices", "x"]


@pytest.fixture
def naf(tmp_path: Path) -> Path:
    """What the NAF knows of two devices: no Ka."""
    return write_devices(tmp_path / "naf.csv", [[UE, KS_NAF, ""], [SECOND, KS_NAF, ""]])


@pytest.fixture
def master(tmp_path: Path) -> str:
    return "master:" + secret(tmp_path / "master", KEY)


def device(path: Path, name: str, *kas: tuple[bytes, str]) -> Path:
    """A device's file: its Ka's of masters, by their ka-ids, in this order."""
    rows = [[name, KS_NAF, device_ka(key, name, ka_id).hex(), ka_id] for key, ka_id in kas]
    return write_devices(path / f"{name}.csv", rows)


def flow(server: Server, file: Path, name: str = UE, *options: str) -> bool:
    """Does a message go through end to end?"""
    result = ue(file, name, server.address, server.e2e_address, *options)
    assert result.stdout in ("e2e: hello\n", ""), result
    return result.stdout != ""


def reload(server: Server) -> None:
    before = server.errors.count("event=reload")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.errors.count("event=reload") > before)


def test_a_flow(tmp_path: Path, naf: Path, master: str) -> None:
    """Guards against a Ka that is not HMAC-SHA-256 of the master over S, as Python computes it."""
    with Server(naf, "--ka-source", master, "--ka-id", "2026") as server:
        assert flow(server, device(tmp_path, UE, (KEY, "2026")))
        assert flow(server, device(tmp_path, SECOND, (KEY, "2026")), SECOND)
        assert not flow(server, device(tmp_path, UE, (OTHER, "2026")))
        assert not flow(server, device(tmp_path, UE, (KEY, "2025")))
    with Server(naf, "--ka-source", master) as server:
        assert flow(server, device(tmp_path, UE, (KEY, "")))


def test_whose(tmp_path: Path, naf: Path, master: str) -> None:
    """Guards against a master that gives every device a Ka, and a pattern that matches by chance."""
    first, second = device(tmp_path, UE, (KEY, "")), device(tmp_path, SECOND, (KEY, ""))
    for patterns, is_first, is_second in (
        (["meter-1@*"], True, False),
        (["*2@bsf.example.com"], False, True),
        (["*"], True, True),
        (["meter-", "*1@bsf.example", "meter-1"], False, False),
        (["nobody", "m*-*@*.example.com"], True, True),
    ):
        words = [word for pattern in patterns for word in ("--ka-devices", pattern)]
        with Server(naf, "--ka-source", master, *words) as server:
            assert flow(server, first) == is_first, patterns
            assert flow(server, second, SECOND) == is_second, patterns
            if not is_first or not is_second:
                server.wait_for_error("event=no-flag")


def test_revoked(tmp_path: Path, naf: Path, master: str) -> None:
    """Guards against a revoked Ka that is derived, and outstanding keys that live on."""
    first = device(tmp_path, UE, (KEY, "2026"))
    second = device(tmp_path, SECOND, (KEY, "2026"))
    revoked = tmp_path / "revoked"
    revoked.write_text("device,ka-id\n")
    words = ["--ka-source", master, "--ka-id", "2026", "--ka-revoked", str(revoked)]
    with Server(naf, *words) as server:
        assert flow(server, first) and flow(server, second, SECOND)
        for text, is_first, is_second in (
            (f"device,ka-id\n{UE},2026\n", False, True),
            (f"device,ka-id\n{UE},2025\n,2025\n", True, True),
            (f"ka-id,device\n,{SECOND}\n", True, False),
            ("device,ka-id\n,2026\n", False, False),
            (f"device\n{SECOND}\n", True, False),
        ):
            revoked.write_text(text)
            reload(server)
            assert (flow(server, first), flow(server, second, SECOND)) == (is_first, is_second)
        server.wait_for_error("event=no-flag")  # as for a row that is removed, not a fault
        revoked.write_text(f"device,ka-id\n{UE},")
        reload(server)
        server.wait_for_error("line 2: no end of line at the end of the file")
        assert flow(server, first) and not flow(server, second, SECOND)


def test_the_list_is_read_when_somebody_says_so(tmp_path: Path, master: str) -> None:
    """Guards against half a list of revoked Ka's being read when a certificate changes, so that some are good again."""
    sides = Sides(tmp_path)
    revoked = tmp_path / "revoked"
    revoked.write_text("device,ka-id\n")
    words = ["--naf-accept", f"{LOOPBACK}:0", "--e2e-accept", f"{LOOPBACK}:0"]
    words += ["--ka-source", master, "--ka-revoked", str(revoked), "--reload-interval", "1"]
    with Program(*words, *sides.options(sides.third_party)) as server:
        revoked.write_text("device,ka")
        sides.authority.issue(LOOPBACK)
        server.wait_for_error("event=reload")
        assert "event=reload result=applied" in server.errors
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_error("event=reload result=refused")


def key_of(flag: dict[str, str], ka: bytes) -> bytes:
    naf_id = FQDN.encode() + bytes.fromhex("0100000007")
    refresh = bytes.fromhex(flag["refresh"])
    return reference.e2e_key(
        bytes.fromhex(KS_NAF), ka, naf_id, refresh=refresh, usage=flag["usage"]
    )


@pytest.mark.parametrize("row", [f"{UE},2026", f"{UE},", ",2026"])
def test_a_revocation_ends_what_runs(tmp_path: Path, naf: Path, master: str, row: str) -> None:
    """Guards against a key or a connection that outlives its Ka's revocation, of a device or a ka-id."""
    revoked = tmp_path / "revoked"
    revoked.write_text("device,ka-id\n")
    words = ["--ka-source", master, "--ka-id", "2026", "--ka-revoked", str(revoked)]
    with Server(naf, *words) as server:
        flags = []
        for _ in range(2):
            prefixed = f"3GPP-bootstrapping;{UE}"
            with StockClient(server.address, prefixed, bytes.fromhex(KS_NAF)) as first:
                flags.append(first.flag())
        keys = [key_of(flag, reference.device_ka(KEY, UE, "2026")) for flag in flags]
        with StockClient(server.e2e_address, flags[0]["identity"], keys[0]) as second:
            second.write(b"one\n")
            assert second.read() == b"e2e: one"
            revoked.write_text(f"device,ka-id\n{row}\n")
            reload(server)
            assert second.read() == b""
        with StockClient(server.e2e_address, flags[1]["identity"], keys[1]) as second:
            second.write(b"one\n")
            assert second.read() == b""
        server.wait_for_error("event=row-removed")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "line 1: must be a header"),
        ("device,ka-id,ka\n", "line 1: "),
        ("identity\n", "line 1: "),
        ("device,ka-id\na,b\n,\n", "line 3: names neither a device nor a ka-id"),
        ("device,ka-id\na\n", "line 2: fewer fields"),
        ("device,ka-id\na b,\n", "line 2: device"),
        ("device,ka-id\na,b", "line 2: no end of line at the end of the file"),
    ],
)
def test_bad_lists(tmp_path: Path, naf: Path, master: str, text: str, said: str) -> None:
    """Guards against a bad list that takes effect in part."""
    (tmp_path / "revoked").write_text(text)
    words = ["--ka-source", master, "--ka-revoked", str(tmp_path / "revoked")]
    assert said in refused([*WORDS[:-1], str(naf), *words], 1)


def test_a_list_that_others_write(tmp_path: Path, naf: Path, master: str) -> None:
    """Guards against a list from which anybody takes rows."""
    (tmp_path / "revoked").write_text("device,ka-id\n")
    (tmp_path / "revoked").chmod(0o666)
    words = ["--ka-source", master, "--ka-revoked", str(tmp_path / "revoked")]
    assert "chmod go-w" in refused([*WORDS[:-1], str(naf), *words], 1)


def test_two_masters(tmp_path: Path, naf: Path, master: str) -> None:
    """Guards against a ka-id of the one master that is derived from the other."""
    other = "master:" + secret(tmp_path / "other", OTHER)
    words = ["--ka-source", other, "--ka-source", master, "--ka-id", "2027", "--ka-id", "2026"]
    with Server(naf, *words) as server:
        assert flow(server, device(tmp_path, UE, (OTHER, "2027")))
        assert not flow(server, device(tmp_path, UE, (KEY, "2027")))


def refused(words: list[str], status: int = 2) -> str:
    result = run_to_end(BUILD / "e2e/e2e-as", *words)
    assert result.returncode == status, result.stderr
    return result.stdout + result.stderr


M, T = "master:file:/m", "pkcs11:token=t;object=o"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--ka-source", "master:" + "00" * 32], "no secret belongs on a command line"),
        (["--ka-source", "master:"], "--ka-source: must be file:PATH, "),
        (
            ["--ka-source", M, "--ka-source", "file:x"],
            "only masters can be used together, not file",
        ),
        (["--ka-source", M, "--ka-source", T], "as many --ka-id as masters"),
        (["--ka-source", M, "--ka-source", T, "--ka-id", "1"], "as many --ka-id as masters"),
        (["--ka-source", M, "--ka-id", "1", "--ka-id", "1"], "the same ka-id is given twice"),
        (["--ka-source", M, "--ka-id", "a,b"], "--ka-id: must be at most 255 octets"),
        (["--ka-source", M, "--ka-devices", ""], "--ka-devices: an empty pattern"),
        (["--ka-source", M, "--ka-pin", "file:x"], "has no PIN"),
        (["--ka-source", "file:x", "--ka-id", "1"], "--ka-id has no effect with --ka-source file"),
        (["--ka-devices", "x"], "--ka-devices has no effect without --ka-source"),
        (["--ka-source", T + "?pin-value=1"], "pin-value: every user of the machine"),
    ],
)
def test_options(words: list[str], said: str) -> None:
    """Guards against an option that is ignored, and a master or a PIN on a command line."""
    text = refused([*WORDS, *words])
    assert said in text or "this build has no PKCS#11" in text, text


def test_masters_that_are_none(tmp_path: Path, naf: Path) -> None:
    """Guards against a server that starts without its master."""
    public = secret(tmp_path / "public", KEY)
    (tmp_path / "public").chmod(0o644)
    short = secret(tmp_path / "short", KEY[:16])
    for source, said in ((public, "chmod"), (short, "64 hex digits"), ("file:/nowhere", "No such")):
        assert said in refused([*WORDS[:-1], str(naf), "--ka-source", f"master:{source}"], 1)


def test_a_change(tmp_path: Path, naf: Path, master: str) -> None:
    """Guards against devices that a change of Ka's cuts off before they have the new one."""
    other = "master:" + secret(tmp_path / "other", OTHER)
    old = device(tmp_path, UE, (KEY, "2026"))
    two = ["--ka-source", other, "--ka-source", master, "--ka-id", "2027", "--ka-id", "2026"]
    one = ["--ka-source", master, "--ka-id", "2027"]
    for words in (two, [*one, "--ka-id", "2026"], one):
        with Server(naf, *words) as server:
            assert not flow(server, old)
            assert flow(server, old, UE, "--ka-id", "2026")
            server.wait_for_error("ka-id=2026")
    with Server(naf, *one, "--ka-id", "2025") as server:
        assert not flow(server, old, UE, "--ka-id", "2026")
        server.wait_for_error("no --ka-id is the ka-id that was asked for")
        assert "event=no-flag" not in server.errors
    (tmp_path / "revoked").write_text("device,ka-id\n,2026\n")
    with Server(naf, *one, "--ka-revoked", str(tmp_path / "revoked")) as server:
        assert not flow(server, old, UE, "--ka-id", "2026")
    with Server(
        write_devices(
            tmp_path / "both.csv", [[UE, KS_NAF, "22" * 32, "1"], [UE, KS_NAF, "33" * 32, "2"]]
        )
    ) as server:
        first = write_devices(tmp_path / "first.csv", [[UE, KS_NAF, "22" * 32, "1"]])
        assert not flow(server, first) and flow(server, first, UE, "--ka-id", "1")


def test_workers() -> None:
    """Guards against a queue without a bound, a lost job, a shutdown that waits, or a master that stays away or
    flaps."""
    result = subprocess.run(
        [BUILD / "test/programs/ka_workers"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.stdout == "ok\n", result
    two = result.stderr.split("two masters\n")[1]
    assert (two.count("event=ka-down"), two.count("event=ka-up")) == (1, 1), two


def test_check(tmp_path: Path, naf: Path, master: str) -> None:
    """Guards against a --check that passes a bad master or a bad list."""
    words = [*WORDS[:-1], str(naf), "--e2e-accept", f"{LOOPBACK}:0", "--check", "--ka-source"]
    revoked = tmp_path / "revoked"
    revoked.write_text("device,ka-id\n")
    assert "--ka-source" in refused([*words, master, "--ka-revoked", str(revoked)], 0)
    for more, said in (
        (["master:file:/nowhere"], "No such file"),
        ([master, "--ka-revoked", "/nowhere"], "No such file"),
    ):
        assert said in refused([*words, *more], 1)
    said = refused([*words, "file:/nowhere"], 1)
    assert "\nnot ok devices file /nowhere: No such file" in said and "ok --ka-source" not in said
    revoked.write_text("identity,ka-id\n")
    said = refused([*words, master, "--ka-revoked", str(revoked)], 1)
    assert "its field 1 is none of ka-id, device" in said
    conf = tmp_path / "conf"
    conf.write_text("ka-revoked /nowhere\n")
    said = refused([*words, master, "--config", str(conf)], 1)
    assert f"\nnot ok {conf}:1: --ka-revoked /nowhere: No such file or directory\n" in said
