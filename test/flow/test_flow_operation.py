"""e2e-as in operation: reload, drain, log, metrics, identities, options; what a UE may insist on.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import itertools
import json
import os
import re
import signal
import socket
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path
from select import PIPE_BUF
from typing import Any

import pytest

import reference
from evp import BUILD
from flow import (
    ENVIRONMENT,
    FQDN,
    NAF_ID,
    SECONDS,
    Process,
    Server,
    StockClient,
    free_port,
    run_to_end,
    split,
    ue,
    wait_until,
    wait_until_listening,
    write_devices,
)
from link import Sides, ThirdParty
from sanitizer import unless_its_runtime_is_in_the_way

KS_NAF = bytes.fromhex("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100")
KA = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf")
OTHER = bytes.fromhex("5a" * 32)
ID = "Qk1STVJVSEFTSA==@bsf.example.com"
STAYS = "RL" + ID[2:]  # in the same place of the store's tables as ID
PREFIXED = f"3GPP-bootstrapping.{ID}"


@pytest.fixture(name="devices")
def make_devices(tmp_path: Path) -> Path:
    """Two devices with a Ka each."""
    rows = [[name, KS_NAF.hex(), KA.hex(), "1"] for name in (ID, STAYS)]
    return write_devices(tmp_path / "devices.csv", rows)


def key_of(flag: dict[str, Any], ka: bytes = KA) -> bytes:
    """e2e_key by the reference."""
    refresh = bytes.fromhex(flag["refresh"])
    return reference.e2e_key(KS_NAF, ka, NAF_ID, refresh=refresh, usage=flag["usage"])


def flag_of(server: Server, identity: str) -> dict[str, Any]:
    """A flag of a first connection."""
    with StockClient(server.address, identity, KS_NAF) as first:
        return first.flag()


def second(server: Server, flag: dict[str, Any], ka: bytes = KA) -> StockClient:
    """The connection that a flag promises."""
    return StockClient(server.e2e_address, flag["identity"], key_of(flag, ka))


def echoes(client: StockClient) -> bool:
    """Does a line come back?"""
    client.write(b"x\n")
    return client.read() in (b"e2e: x", b"plain: x")


def reload(server: Process, result: str) -> None:
    """SIGHUP, and what came of it."""
    before = server.errors.count("event=reload")
    server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: server.errors.count("event=reload") > before)
    assert server.errors.split("event=reload")[-1].startswith(f" result={result}")


# Reload


def test_reload_takes_a_row_away(tmp_path: Path, devices: Path) -> None:
    """Guards against a removed row whose keys or connections live on, or whose removal ends others' connections."""
    with Server(devices, "--e2e", "offered") as server:
        server.wait_for_error("event=start")
        gone, unused, other = (flag_of(server, PREFIXED) for _ in range(3))
        stays, later = (flag_of(server, f"3GPP-bootstrapping.{STAYS}") for _ in range(2))
        with second(server, gone) as ends, second(server, stays) as runs:
            with StockClient(server.address, PREFIXED, KS_NAF) as first:
                first.flag()
                assert echoes(ends) and echoes(runs) and echoes(first)
                write_devices(devices, [[STAYS, KS_NAF.hex(), KA.hex(), "1"]])
                reload(server, "applied")
                assert ends.read() == b"" and first.read() == b""
                assert echoes(runs)
        for flag in (unused, other):
            with second(server, flag) as refused:
                assert not echoes(refused)
        with second(server, later) as good:
            assert echoes(good)
        assert ue(devices, STAYS, server.address, server.e2e_address).returncode == 0
        both = write_devices(tmp_path / "both.csv", [[ID, KS_NAF.hex(), KA.hex(), "1"]])
        assert ue(both, ID, server.address, server.e2e_address).returncode == 4


def test_reload_changes_a_ks_naf(devices: Path) -> None:
    """Guards against a reload with another Ks_NAF that spares a key or connection of the old one."""
    with Server(devices, "--e2e", "offered") as server:
        server.wait_for_error("event=start")
        used, unused = flag_of(server, PREFIXED), flag_of(server, PREFIXED)
        with second(server, used) as ends, StockClient(server.address, PREFIXED, KS_NAF) as first:
            first.flag()
            assert echoes(ends) and echoes(first)
            rows = [[ID, OTHER.hex(), KA.hex(), "1"], [STAYS, KS_NAF.hex(), KA.hex(), "1"]]
            write_devices(devices, rows)
            reload(server, "applied")
            assert ends.read() == b"" and first.read() == b""
        with second(server, unused) as refused:
            assert not echoes(refused)


def test_reload_changes_a_ka(devices: Path) -> None:
    """Guards against a reload with another Ka of one name that spares the old one's keys, or ends first connections."""
    with Server(devices, "--e2e", "offered") as server:
        server.wait_for_error("event=start")
        used, unused = flag_of(server, PREFIXED), flag_of(server, PREFIXED)
        with second(server, used) as ends, StockClient(server.address, PREFIXED, KS_NAF) as first:
            first.flag()
            assert echoes(ends)
            rows = [[ID, KS_NAF.hex(), OTHER.hex(), "1"], [STAYS, KS_NAF.hex(), KA.hex(), "1"]]
            write_devices(devices, rows)
            reload(server, "applied")
            assert ends.read() == b""
            assert echoes(first), "its Ks_NAF is there still"
        with second(server, unused) as refused:
            assert not echoes(refused)


def test_reload_of_the_same_file(devices: Path) -> None:
    """Guards against a reload of an unchanged file that revokes a key or ends a connection."""
    rows = [[ID, KS_NAF.hex(), OTHER.hex(), "2"], [ID, KS_NAF.hex(), KA.hex(), "1"]]
    write_devices(devices, rows)
    with Server(devices) as server:
        server.wait_for_error("event=start")
        used, unused = flag_of(server, PREFIXED), flag_of(server, PREFIXED)
        with second(server, used) as stays:
            assert echoes(stays)
            reload(server, "applied")
            assert echoes(stays)
        with second(server, unused) as good:
            assert echoes(good)
        assert "event=row-removed" not in server.errors


def test_reload_during_a_change_of_ka(tmp_path: Path, devices: Path) -> None:
    """Guards against an appended Ka that revokes a key, or a removed one that spares its own or revokes another's."""
    old, new = [ID, KS_NAF.hex(), KA.hex(), "1"], [ID, KS_NAF.hex(), OTHER.hex(), "2"]
    write_devices(devices, [old])
    with Server(devices, "--e2e", "offered") as server:
        server.wait_for_error("event=start")
        used, unused = flag_of(server, PREFIXED), flag_of(server, PREFIXED)
        with second(server, used) as runs, StockClient(server.address, PREFIXED, KS_NAF) as first:
            first.flag()
            assert echoes(runs)
            write_devices(devices, [old, new])
            reload(server, "applied")
            assert echoes(runs)
            later, latest = flag_of(server, PREFIXED), flag_of(server, PREFIXED)
            assert (unused["ka-id"], later["ka-id"]) == ("1", "2")
            with second(server, latest, OTHER) as stays:
                assert echoes(stays)
                write_devices(devices, [new])
                reload(server, "applied")
                assert runs.read() == b""
                assert echoes(first), "its Ks_NAF is there still"
                assert echoes(stays), "it runs on the new Ka"
        with second(server, unused) as refused:
            assert not echoes(refused)
        with second(server, later, OTHER) as good:
            assert echoes(good)


BAD_FILES: dict[str, Any] = {
    "cut": lambda path: path.write_text(path.read_text()[:-3]),
    "a bad row": lambda path: path.write_text(path.read_text() + "x,y,z,1\n"),
    "mode": lambda path: path.chmod(0o644),
    "gone": lambda path: path.unlink(),
    "a folder": lambda path: (path.unlink(), path.mkdir()),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_reload_of_a_file_that_cannot_be_taken(devices: Path, tmp_path: Path, name: str) -> None:
    """Guards against a bad devices file at SIGHUP taking effect in part, or ending connections."""
    own = write_devices(tmp_path / "own.csv", [[ID, KS_NAF.hex(), KA.hex(), "1"]])
    with Server(devices) as server:
        server.wait_for_error("event=start")
        with second(server, flag_of(server, PREFIXED)) as runs:
            BAD_FILES[name](devices)
            reload(server, "refused")
            assert echoes(runs)
            server.wait_for_error('reason="devices file ')
            assert ue(own, ID, server.address, server.e2e_address).returncode == 0


def test_reload_of_a_file_with_an_odd_name(tmp_path: Path) -> None:
    """Guards against a file's name that breaks the log line of a reload into several pairs, or is escaped twice."""
    file = write_devices(tmp_path / 'a\\b"c\x1b d.csv', [[ID, KS_NAF.hex(), KA.hex()]])
    with Server(file) as server:
        server.wait_for_error("event=start")
        file.write_text("nonsense\n")
        reload(server, "refused")
        server.wait_for_error(r"/a\x5Cb\x22c\x1B d.csv: line 1: ")
        assert 'reason="devices file /' in server.errors and r"\x5Cx" not in server.errors


@pytest.mark.life
def test_reload_of_a_separate_naf(tmp_path: Path) -> None:
    """Guards against a NAF's reload that is applied in part with a broken key, or that its third party is not told of."""
    sides = Sides(tmp_path)
    ka = write_devices(tmp_path / "ka.csv", [[ID, "", KA.hex()], [STAYS, "", KA.hex()]])
    rows = [[ID, KS_NAF.hex(), ""], [STAYS, KS_NAF.hex(), ""]]
    ks = write_devices(tmp_path / "ks.csv", rows)
    with sides.run_third_party(ka) as third_party:
        with sides.run_naf(ks, third_party.addresses["naf-accept"]) as naf:
            naf.wait_for_error("event=line-up")
            with StockClient(naf.addresses["accept"], PREFIXED, KS_NAF) as first:
                flag = first.flag()
            address = third_party.addresses["e2e-accept"]
            with StockClient(address, flag["identity"], key_of(flag)) as runs:
                assert echoes(runs)
                key = sides.naf[1].read_bytes()
                sides.naf[1].write_bytes(b"no key")
                write_devices(ks, rows[1:])
                reload(naf, "refused")
                assert echoes(runs)
                sides.naf[1].write_bytes(key)
                reload(naf, "applied")
                assert runs.read() == b""


def test_reload_of_a_separate_naf_whose_third_party_is_away(tmp_path: Path) -> None:
    """Guards against a removed row that a third party which was away is never told, or a log that repeats it."""
    sides, port = Sides(tmp_path), free_port()
    ka = write_devices(tmp_path / "ka.csv", [[ID, "", KA.hex()], [STAYS, "", KA.hex()]])
    ks = write_devices(tmp_path / "ks.csv", [[name, KS_NAF.hex(), ""] for name in (ID, STAYS)])
    with sides.run_third_party(ka, port=port) as first:
        naf = sides.run_naf(ks, first.addresses["naf-accept"])
        naf.wait_for_error("event=line-up")
        first.process.kill()
        naf.wait_for_error("event=line-down")
    with naf:
        ks.write_text("identity,ks-naf,ka\n")
        reload(naf, "applied")
        naf.wait_for_error("event=revocation result=failed")
        tries = naf.errors.count("event=line-down")
        wait_until(lambda: naf.errors.count("event=line-down") > tries + 1)  # asked again meanwhile
        with sides.run_third_party(ka, "--metrics", "0", port=port) as second:
            metrics = second.addresses["metrics"]
            heard = re.compile(r"^e2e_revocations_total [2-9]$", re.M)
            wait_until(lambda: heard.search(get(metrics, "metrics")))
            naf.wait_for_error("event=revocation result=done")
        (first_of_both,) = re.findall(r"result=done (device=\S+)", naf.errors)[:1]
        assert naf.errors.count(f"result=failed {first_of_both}") == 1


@pytest.mark.slow  # the pauses take their seconds
def test_third_party_that_refuses_a_revocation(tmp_path: Path) -> None:
    """Guards against a refused revocation that is repeated without a pause, is given up, or is logged each time."""
    sides = Sides(tmp_path)
    asked: list[float] = []
    ks = write_devices(tmp_path / "ks.csv", [[ID, KS_NAF.hex(), ""]])

    def answer(line: bytes) -> bytes:
        asked.append(time.monotonic())
        verdict: dict[str, Any] = {"error": "not now"} if len(asked) < 3 else {"revoked": True}
        return json.dumps({"id": json.loads(line)["id"]} | verdict).encode() + b"\n"

    with ThirdParty(sides.authority.file, sides.third_party, answer) as third_party:
        with sides.run_naf(ks, third_party.address) as naf:
            naf.wait_for_error("event=line-up")
            ks.write_text("identity,ks-naf,ka\n")
            reload(naf, "applied")
            naf.wait_for_error("event=revocation result=done")
            assert naf.errors.count("event=revocation result=failed") == 1
    pauses = [after - before for before, after in itertools.pairwise(asked)]
    assert len(pauses) == 2 and min(pauses) > 0.9  # of one second, by a coarse clock


# The end


def test_signals_before_the_server_runs(devices: Path) -> None:
    """Guards against a signal that is lost, or that ends a server which already listens but does not serve yet."""
    port, (out, full) = free_port(), os.pipe()
    os.set_blocking(full, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(full, bytes(PIPE_BUF))
    os.set_blocking(full, True)
    command = [str(BUILD / "e2e/e2e-as"), "--accept", f"127.0.0.1:{port}"]
    command += ["--devices", str(devices), "--naf-fqdn", FQDN]
    with subprocess.Popen(command, stdout=full, stderr=subprocess.PIPE, env=ENVIRONMENT) as server:
        os.close(full)
        wait_until_listening(port)  # it waits for room to print the address in
        server.send_signal(signal.SIGHUP)
        server.send_signal(signal.SIGTERM)
        with os.fdopen(out, "rb") as printed:
            assert printed.read().endswith(b"accept 127.0.0.1:%d\n" % port)
        assert server.wait(SECONDS) == 0
        assert server.stderr
        log = server.stderr.read()
    assert b"event=reload result=applied" in log and log.endswith(b"event=stop\n")


def test_drain(devices: Path) -> None:
    """Guards against a drain that lets somebody in, ends what is open, or cannot be cut short."""
    options = ["--drain-timeout", "600", "--metrics", "127.0.0.1:0"]
    with Server(devices, *options) as server:
        metrics = server.read().decode().split()[1]
        with second(server, flag_of(server, PREFIXED)) as runs:
            assert echoes(runs)
            server.process.terminate()
            server.wait_for_error("event=drain")
            at = (server.address, server.e2e_address)
            wait_until(lambda: ue(devices, ID, *at).returncode == 1)
            assert get(metrics, "healthz") == "ok\n", "it is alive"
            with pytest.raises(urllib.error.HTTPError, match="503"):
                get(metrics, "readyz")
            assert echoes(runs)
            server.process.terminate()
            assert runs.read() == b""
            assert server.wait() == 0


def test_drain_has_an_end(devices: Path) -> None:
    """Guards against a drain that goes on after --drain-timeout, or ends connections before."""
    with Server(devices, "--drain-timeout", "1") as server:
        with second(server, flag_of(server, PREFIXED)) as runs:
            assert echoes(runs)
            started = time.monotonic()
            server.process.terminate()
            assert runs.read() == b""
            assert server.wait() == 0
            assert time.monotonic() - started >= 0.9


@pytest.mark.life
def test_drain_ends_with_the_last_connection(devices: Path) -> None:
    """Guards against a server that waits until --drain-timeout although its last connection has ended."""
    with Server(devices, "--drain-timeout", "60") as server:
        server.wait_for_error("event=start")
        with second(server, flag_of(server, PREFIXED)) as runs:
            assert echoes(runs)
            server.process.send_signal(signal.SIGINT)
            server.wait_for_error("event=drain")
        assert server.wait() == 0


def is_refused(address: str) -> bool:
    """Does nobody listen there any more?"""
    try:
        with socket.create_connection(split(address), SECONDS):
            return False
    except ConnectionResetError:
        return False  # it was closed with this one in its queue
    except ConnectionRefusedError:
        return True


@unless_its_runtime_is_in_the_way
def test_drain_waits_for_every_loop(devices: Path, tmp_path: Path) -> None:
    """Guards against a drain that ends, and closes a connection, while a loop that has not heard of it lets some in."""
    gate = tmp_path / "gate"
    preload = str(BUILD / "test/programs/libpreload_wakeups.so")
    environment = ENVIRONMENT | {"LD_PRELOAD": preload, "AKMA_GATE": str(gate)}
    with Server(devices, "--drain-timeout", "60", environment=environment) as server:
        flag = flag_of(server, PREFIXED)
        server.wait_for_error("event=closed endpoint=naf")  # or another loop is given the next one

        def waits() -> int:
            """How often the first thread has waited; it looks for the end between two times."""
            status = Path(f"/proc/{server.process.pid}/status").read_text()
            return int(status.split("\nvoluntary_ctxt_switches:")[1].split()[0])

        gate.touch()
        server.process.terminate()
        server.wait_for_error("event=drain")
        before = waits()
        wait_until(lambda: waits() > before + 4)
        with second(server, flag) as late:
            assert echoes(late)
            gate.unlink()
            wait_until(lambda: is_refused(server.e2e_address))
            assert echoes(late)
        assert server.wait() == 0


def test_second_signal_ends_at_once(devices: Path) -> None:
    """Guards against a second SIGTERM that waits for connections."""
    with Server(devices, "--drain-timeout", "60") as server:
        server.wait_for_error("event=start")
        with second(server, flag_of(server, PREFIXED)) as runs:
            assert echoes(runs)
            server.process.terminate()
            server.wait_for_error("event=drain")
            server.process.terminate()
            assert runs.read() == b""
            assert server.wait() == 0


@unless_its_runtime_is_in_the_way
@pytest.mark.skipif(len(os.sched_getaffinity(0)) < 2, reason="one loop gives nothing to another")
def test_connection_that_comes_after_the_end(devices: Path, tmp_path: Path) -> None:
    """Guards against an end that waits for a connection which another loop gave to one that had closed all of its own."""
    gate = tmp_path / "gate"
    environment = ENVIRONMENT | {
        "LD_PRELOAD": f"{BUILD}/test/programs/libpreload_accept.so",
        "AKMA_GATE": str(gate),
    }
    options = ("--drain-timeout", "0", "--handshake-timeout", "600")
    with Server(devices, *options, environment=environment) as server, contextlib.ExitStack() as s:
        clients = [s.enter_context(socket.create_connection(split(server.address))) for _ in "1234"]
        wait_until(gate.exists)
        server.process.terminate()
        clients[1].settimeout(SECONDS)
        assert clients[1].recv(1) == b""  # the other loop's, which has closed all
        gate.unlink()
        assert server.wait() == 0


# Log and metrics

PAIR = re.compile(r'([a-z][a-z0-9-]*)=("(?:[^"\\]|\\x[0-9A-F]{2})*"|[^\s"]+)')


def events(log: str) -> list[dict[str, str]]:
    """Every line as its pairs; a line that is none fails."""
    found = []
    for line in log.splitlines():
        pairs = PAIR.findall(line)
        assert " ".join(f"{key}={value}" for key, value in pairs) == line
        found.append(dict(pairs))
        assert {"time", "event"} <= set(found[-1])
    return found


@pytest.mark.parametrize("how", ["full", "hash"])
def test_log(devices: Path, how: str) -> None:
    """Guards against a log line that is no pairs, an identity that --log-identities hash leaves readable, or a logged key."""
    with Server(devices, "--log-identities", how) as server:
        for _ in range(2):
            assert ue(devices, ID, server.address, server.e2e_address).returncode == 0
        wrong = StockClient(server.address, PREFIXED, OTHER)
        with wrong:
            assert wrong.read() == b""
    log = events(server.errors)
    flags = [line for line in log if line["event"] == "flag"]
    assert len(flags) == 2 and flags[0]["identity"] == flags[1]["identity"]
    assert (ID in server.errors) == (how == "full")
    assert (flags[0]["identity"] == ID) == (how == "full")
    assert [line["event"] for line in log].count("e2e") == 2
    assert [line["event"] for line in log].count("refused") == 1
    for secret in (KS_NAF, KA, OTHER):
        assert secret.hex() not in server.errors


def test_foreign_text_in_the_log(devices: Path) -> None:
    """Guards against a peer's text that controls a terminal or forges a line of the log."""
    nasty = "\x1b[2J\nevent=flag \u009b\u202e"
    with Server(devices) as server:
        for line in (json.dumps({nasty: 1}, ensure_ascii=False), nasty.replace("\n", " "), "\x1b"):
            with StockClient(server.address, PREFIXED, KS_NAF) as first:
                first.write(line.encode() + b"\n")
                assert first.read() == b""
    assert not set(server.errors) & {"\x1b", "\u009b", "\u202e", "\r", "\x00"}
    assert [line["event"] for line in events(server.errors)].count("flag") == 0


def get(address: str, path: str) -> str:
    """GET, as text."""
    with urllib.request.urlopen(f"http://{address}/{path}", timeout=10) as answer:
        text: str = answer.read().decode()
    return text


def test_metrics(devices: Path) -> None:
    """Guards against metrics that are not Prometheus' text format, or counters that do not follow a flow and a refusal."""
    with Server(devices, "--metrics", "0") as server:
        line = server.read().decode()
        assert line.startswith("metrics 127.0.0.1:")
        metrics = line.split()[1]
        assert ue(devices, ID, server.address, server.e2e_address).returncode == 0
        with StockClient(server.address, PREFIXED, OTHER) as wrong:
            assert wrong.read() == b""
        assert get(metrics, "healthz") == "ok\n"
        wait_until(lambda: "\ne2e_connections_open 0\n" in get(metrics, "metrics"))
        text = get(metrics, "metrics")
        with pytest.raises(urllib.error.HTTPError, match="404"):
            get(metrics, "other")
    values: dict[str, float] = {}
    families: list[str] = []
    for line in text.splitlines():
        if line.startswith("# TYPE "):
            families.append(line.split()[2])
            assert line.split()[3] in ("counter", "gauge", "histogram")
        elif not line.startswith("# HELP "):
            name, value = re.fullmatch(r"([a-z0-9_]+(?:\{[^}]*\})?) (\S+)", line).groups()  # type: ignore
            values[name] = float(value)
            assert re.match(rf"{families[-1]}(_bucket|_sum|_count)?(\{{|$)", name)
    assert len(families) == len(set(families)) > 8
    assert values['e2e_connections_total{endpoint="naf"}'] == 2
    assert values['e2e_connections_total{endpoint="e2e"}'] == 1
    assert values['e2e_flags_total{e2e="1"}'] == 1
    assert values['e2e_refusals_total{reason="handshake"}'] == 1
    assert values["e2e_e2e_connections_total"] == 1
    assert values["e2e_source_seconds_count"] == 2


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
        (b"GET /healthz?from=x HTTP/1.0\r\n\r\n", b"200"),
        (b"HEAD /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"200"),
        (b"POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n", b"405"),
        (b"GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", b"404"),
        (b"GET /metrics\r\n\r\n", b"400"),
        (b"GET /metrics FTP/1.1\r\n\r\n", b"400"),
        (b"\0\r\n\r\n", b"400"),
        (b"GET /" + b"x" * 300 + b" HTTP/1.1\r\n\r\n", b"400"),
        (b"GET /metrics HTTP/1.1\r\nX: " + b"x" * 9000, b"431"),
    ],
)
def test_requests_for_metrics(devices: Path, request_: bytes, status: bytes) -> None:
    """Guards against a request for metrics that gets the wrong status, or an answer of another length than it says."""
    with Server(devices, "--metrics", "0") as server:
        metrics = server.read().decode().split()[1]
        with socket.create_connection(split(metrics), SECONDS) as connection:
            connection.sendall(request_[:7])
            time.sleep(0.1)
            connection.sendall(request_[7:8192])
            with connection.makefile("rb") as answer:
                assert answer.readline().split()[1] == status
                lines = [line.rstrip().partition(b": ") for line in iter(answer.readline, b"\r\n")]
                headers = {name: value for name, _, value in lines}
                length = int(headers[b"Content-Length"])
                assert (
                    len(answer.read()) == (0 if request_.startswith(b"HEAD") else length) and length
                )


def test_connections_for_metrics_have_a_limit(devices: Path) -> None:
    """Guards against idle connections to the metrics address that keep a new one from being served."""
    with Server(devices, "--metrics", "0", "--line-timeout", "600") as server:
        metrics = server.read().decode().split()[1]
        with contextlib.ExitStack() as held:
            for _ in range(6):
                held.enter_context(socket.create_connection(split(metrics), SECONDS))
            assert get(metrics, "healthz") == "ok\n"


def test_a_request_for_metrics_has_to_end(devices: Path) -> None:
    """Guards against a request for metrics whose octets each restart --line-timeout."""
    with Server(devices, "--metrics", "0", "--line-timeout", "1") as server:
        metrics = server.read().decode().split()[1]
        end = time.monotonic() + 2 * SECONDS
        with socket.create_connection(split(metrics), SECONDS) as slow:
            with pytest.raises(ConnectionError):
                while time.monotonic() < end:
                    slow.sendall(b"G")
                    time.sleep(0.2)


# Identities


@pytest.mark.parametrize("prefix", ["3GPP-AKMA", "3GPP-bootstrapping", "3GPP-bootstrapping-uicc"])
def test_identities(devices: Path, prefix: str) -> None:
    """Guards against a prefix or separator of 3GPP's that is refused, or another one that is served."""
    with Server(devices) as server:
        for separator, good in (("", True), (".", True), (";", True), (":", False), ("..", False)):
            with StockClient(server.address, f"{prefix}{separator}{ID}", KS_NAF) as first:
                first.write(b'{"nonce":"' + b"00" * 16 + b'"}\n')
                assert (b'"e2e":1' in first.read()) == good
        for identity in (prefix, f"{prefix}.", ID, f"3gpp-akma{ID}"):
            with StockClient(server.address, identity, KS_NAF) as first:
                assert first.read() == b""


@pytest.mark.parametrize(
    ("pinned", "good"),
    [(["--identity-separator", "none"], ""), (["--identity-separator", ";"], ";")],
)
def test_pinned_separator(devices: Path, pinned: list[str], good: str) -> None:
    """Guards against an identity with another separator than the pinned one being served."""
    with Server(devices, *pinned) as server:
        for separator in ("", ";"):
            with StockClient(server.address, f"3GPP-AKMA{separator}{ID}", KS_NAF) as first:
                first.write(b'{"nonce":"' + b"00" * 16 + b'"}\n')
                assert (b'"e2e":1' in first.read()) == (separator == good)


@pytest.mark.parametrize(
    "names",
    [[], ["--identity-prefix", "3GPP-AKMA"], ["--identity-prefix", "3GPP-bootstrapping-uicc"]],
)
def test_identities_of_e2e_ue(devices: Path, names: list[str]) -> None:
    """Guards against an identity that e2e-ue makes of its options and e2e-as does not take."""
    with Server(devices) as server:
        assert ue(devices, ID, server.address, server.e2e_address, *names).returncode == 0
    prefix = names[1] if names else "3GPP-bootstrapping"
    pinned = ["--identity-prefix", prefix]
    pinned += ["--identity-separator", "none" if prefix == "3GPP-AKMA" else "."]
    with Server(devices, *pinned) as server:
        assert ue(devices, ID, server.address, server.e2e_address, *names).returncode == 0


@pytest.mark.parametrize(("separator", "status"), [("none", 0), ("", 0), (";", 4), ("any", 2)])
def test_separator_of_e2e_ue(devices: Path, separator: str, status: int) -> None:
    """Guards against an e2e-ue that sends another separator than its option says, or that accepts "any" as one."""
    with Server(devices, "--identity-separator", "none") as server:
        options = ["--identity-separator", separator]
        result = ue(devices, ID, server.address, server.e2e_address, *options)
        assert result.returncode == status, result.stderr
        assert status != 2 or "a UE has to say which it sends" in result.stderr


def test_device_in_the_first_line(devices: Path) -> None:
    """Guards against a device's name in the nonce that contradicts the source and is accepted."""
    with Server(devices) as server:
        for device, good in ((ID, True), (STAYS, False), ("x" * 256, False)):
            with StockClient(server.address, PREFIXED, KS_NAF) as first:
                line = {"nonce": "00" * 16, "device": device}
                first.write(json.dumps(line).encode() + b"\n")
                assert (b'"e2e":1' in first.read()) == good
        options = ["--device", ID]
        assert ue(devices, ID, server.address, server.e2e_address, *options).returncode == 0


# What a UE insists on


def test_oldest_ka_id(tmp_path: Path) -> None:
    """Guards against an operator that names an old Ka to a UE which has retired it."""
    rows = [[ID, KS_NAF.hex(), key.hex(), name] for key, name in ((KA, "1"), (OTHER, "2"))]
    both = write_devices(tmp_path / "both.csv", rows)
    old = write_devices(tmp_path / "old.csv", rows[:1])
    for served, oldest, status in ((old, "1", 0), (old, "2", 3), (both, "2", 0), (both, "3", 1)):
        with Server(served) as server:
            options = ["--oldest-ka-id", oldest]
            result = ue(both, ID, server.address, server.e2e_address, *options)
            assert result.returncode == status, result.stderr
            assert status != 3 or "older than --oldest-ka-id" in result.stderr


@pytest.mark.parametrize("length", [8187, 8188, 8192])
def test_longest_message(devices: Path, length: int) -> None:
    """Guards against a line whose length is a multiple of a TLS record or buffer losing octets."""
    with Server(devices, "--e2e", "offered") as server:
        result = ue(devices, ID, server.address, server.e2e_address, message="x" * length)
        assert (result.returncode, len(result.stdout)) == (0, length + 6), result.stderr


# Options


LINK = ["--cert", "x", "--key", "x", "--ca", "x"]
NAF = ["--accept", "127.0.0.1:0", "--naf-fqdn", FQDN, "--devices", "x"]
THIRD_PARTY = ["--naf-accept", "127.0.0.1:0", "--devices", "x"]

COMBINATIONS: dict[str, tuple[list[str], str]] = {
    "nothing": ([], "is missing"),
    "no name": (["--accept", "127.0.0.1:0", "--devices", "x"], "--naf-fqdn NAME is missing"),
    "no devices": (["--accept", "127.0.0.1:0", "--naf-fqdn", FQDN], "--devices FILE is missing"),
    "link without accept": (["--third-party", "x:1", *LINK], "--accept HOST:PORT, where UEs"),
    "both ends": ([*NAF, "--third-party", "x:1", "--naf-accept", "x:1", *LINK], "not both"),
    "endpoint of a NAF": ([*NAF, "--third-party", "x:1", "--e2e-accept", "x:1"], "--e2e-accept"),
    "policy of a NAF": ([*NAF, "--third-party", "x:1", *LINK, "--mode", "HKDF"], "third party's"),
    "no certificate": ([*NAF, "--third-party", "x:1"], "--cert FILE is missing"),
    "no key": ([*THIRD_PARTY, "--cert", "x"], "--key FILE is missing"),
    "no ca": ([*THIRD_PARTY, "--cert", "x", "--key", "x"], "--ca FILE is missing"),
    "a certificate for nothing": ([*NAF, *LINK], "--third-party or --naf-accept is missing"),
    "name of a third party": ([*THIRD_PARTY, *LINK, "--naf-fqdn", FQDN], "--naf-fqdn is for a NAF"),
    "e2e of a third party": ([*THIRD_PARTY, *LINK, "--e2e", "off"], "--e2e is for a NAF"),
    "endpoint with devices": (["--e2e-accept", "127.0.0.1:0", "--devices", "x"], "does not use it"),
    "log": ([*NAF, "--log-identities", "some"], "must be full or hash"),
    "limit": ([*NAF, "--connections-max", "0"], "--connections-max 0: must be a number from 1"),
}


def start(*options: str) -> subprocess.CompletedProcess[str]:
    """Run e2e-as with options that it is to refuse."""
    return run_to_end(BUILD / "e2e/e2e-as", *options)


@pytest.mark.parametrize("name", COMBINATIONS)
def test_useless_combinations(name: str) -> None:
    """Guards against an option of e2e-as that is accepted although another one leaves it without effect."""
    options, said = COMBINATIONS[name]
    result = start(*options)
    assert result.returncode == 2 and said in result.stderr, result.stderr


@pytest.mark.parametrize("option", ["accept", "e2e-accept", "metrics", "forward"])
@pytest.mark.parametrize(
    ("address", "said"),
    [
        ("127.0.0.1:65536", "127.0.0.1:65536: the port must be a number from "),
        ("127.0.0.1:99999999999999999999", " to 65535, or a service's name"),
        ("[::1:4433", "[::1:4433: must be HOST:PORT"),
        ("127.0.0.1:\x1b[2J", r"127.0.0.1:\x1B[2J: "),
    ],
)
def test_bad_addresses(devices: Path, option: str, address: str, said: str) -> None:
    """Guards against a bad address whose error names no option, or reaches the terminal unfiltered."""
    result = start(*NAF[:-1], str(devices), f"--{option}", address)
    assert result.returncode == 1, result.stderr
    assert result.stderr.splitlines()[-1].startswith(f"--{option} ")
    assert said in result.stderr and "\x1b" not in result.stderr
