"""e2e-as with its master secret in a PKCS#11 token (SoftHSM), and a token that fails in the middle of flows.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Self

import pytest

from database import PASSWORDS, Database
from database import PROGRAMS as PROGRAMS_OF_POSTGRESQL
from evp import BUILD
from flow import ENVIRONMENT, Server, ue, wait_until, with_free_ports, write_devices
from project import ROOT
from reference import device_ka
from samples import KEY
from sanitizer import unless_its_runtime_is_in_the_way
from p11_kit import P11_KIT_SERVER, P11KitServer
from softhsm import IS_THERE, LABEL, PIN, PROGRAMS, REASON, Token
from tool import secret

pytestmark = [pytest.mark.slow, pytest.mark.skipif(not IS_THERE, reason=REASON)]
HARDENED = "import ctypes, os, sys; ctypes.CDLL(None).prctl(65, 1, 0, 0, 0); os.execv(sys.argv[1], sys.argv[1:])"
CONFIGURED = Path("/usr/share/p11-kit/modules/softhsm2.module")
KS_NAF, UE, OTHER = "11" * 32, "meter-1@bsf.example.com", bytes(range(1, 33))


@pytest.fixture
def token(tmp_path: Path) -> Token:
    """A token with the master secret of these tests."""
    made = Token(tmp_path / "hsm")
    made.put(KEY)
    return made


@pytest.fixture
def naf(tmp_path: Path) -> Path:
    return write_devices(tmp_path / "naf.csv", [[UE, KS_NAF, ""]])


@pytest.fixture
def device(tmp_path: Path) -> Path:
    """The device's file: Ka by Python's HMAC."""
    rows = [[UE, KS_NAF, device_ka(KEY, UE, "2026").hex(), "2026"]]
    return write_devices(tmp_path / "ue.csv", rows)


@contextlib.contextmanager
def running(naf: Path, token: Token, *words: str, shim: bool = True) -> Iterator[Server]:
    source = ["--ka-source", token.uri(shim=shim), "--ka-id", "2026"]
    with Server(naf, *source, *words, environment=ENVIRONMENT | token.environment) as server:
        yield server


def flow(server: Server, device: Path) -> bool:
    """Does a message go through end to end? In plain nothing may."""
    result = ue(device, UE, server.address, server.e2e_address)
    assert result.stdout in ("e2e: hello\n", ""), result
    return result.stdout != ""


@pytest.mark.token
def test_a_flow(token: Token, naf: Path, device: Path) -> None:
    """Guards against a token's Ka that is not Python's, and a library that is initialised too early."""
    with running(naf, token) as server:
        assert all(flow(server, device) for _ in range(5))
        pids = {line.split()[1] for line in (token.folder / "calls").read_text().splitlines()}
        assert pids == {str(server.process.pid)} and token.calls("C_Initialize") == 1
    assert token.calls("C_Login-refused") == 0


@pytest.mark.token
def test_many_flows_at_once(token: Token, naf: Path, device: Path) -> None:
    """Guards against sessions that get into each other's way."""
    token.mode("slow 20")
    with running(naf, token, "--ka-sessions", "3") as server, ThreadPoolExecutor(8) as pool:
        assert all(pool.map(lambda _: flow(server, device), range(24)))


@pytest.mark.token
@pytest.mark.parametrize("mode", ["removed", "short"])
def test_a_token_that_fails_and_comes_back(
    token: Token, naf: Path, device: Path, mode: str
) -> None:
    """Guards against a flow in plain without the token, and a server that stays out of order."""
    with running(naf, token) as server:
        assert flow(server, device)
        token.mode(mode)
        assert not flow(server, device)
        assert "event=no-flag" not in server.errors
        server.wait_for_error("event=ka-down")
        token.mode("ok")
        server.wait_for_error("event=ka-up")  # although nobody asks
        assert flow(server, device)
        assert token.calls("C_Login-refused") == 0


@pytest.mark.token
def test_removed_under_load(token: Token, naf: Path, device: Path) -> None:
    """Guards against a session that is lost or stuck when a token goes and comes while it is used."""
    over = threading.Event()

    def visit(server: Server) -> None:
        while not over.is_set():
            flow(server, device)

    with running(naf, token) as server, ThreadPoolExecutor(4) as pool:
        visitors = [pool.submit(visit, server) for _ in range(4)]
        try:
            for event in ("ka-down", "ka-up"):
                begun = token.calls("C_Sign")
                wait_until(lambda: token.calls("C_Sign") > begun + 6 or event == "ka-up")
                token.mode("removed" if event == "ka-down" else "ok")
                server.wait_for_error(f"event={event}")
        finally:
            over.set()
        for visitor in visitors:
            visitor.result()
        assert all(flow(server, device) for _ in range(8))


@pytest.mark.token
def test_a_token_that_hangs(token: Token, naf: Path, device: Path) -> None:
    """Guards against a loop that waits for the token, a flow without an end, and one at the end."""
    with running(naf, token, "--ka-timeout", "1", "--ka-sessions", "2") as server:
        assert flow(server, device)
        token.mode("hang")
        with ThreadPoolExecutor(4) as pool:
            assert not any(pool.map(lambda _: flow(server, device), range(4)))
        server.wait_for_error('event=ka-down reason="pkcs11: the token does not answer in time"')
        token.mode("ok")
        server.wait_for_error("event=ka-up")
        wait_until(lambda: flow(server, device))
        token.mode("hang")
        assert not flow(server, device)
        server.process.terminate()
        assert server.process.wait(timeout=60) == 0


@pytest.mark.token
def test_a_wrong_token(token: Token, naf: Path, device: Path) -> None:
    """Guards against octets of a wrong token that key anything, or another key of the same name."""
    token.mode("wrong")
    with running(naf, token) as server:
        assert not flow(server, device)
    token.mode("ok")
    with running(naf, token) as server:
        assert flow(server, device)
        token.mode("removed")
        assert not flow(server, device)
        token.replace(OTHER)
        token.mode("ok")
        wait_until(lambda: not flow(server, device) and "another key than before" in server.errors)


@pytest.mark.token
def test_a_wrong_pin(token: Token, naf: Path) -> None:
    """Guards against a PIN that is tried by each session, and a server that starts without its token."""
    token.pin.write_text("wrong\n")
    with pytest.raises(AssertionError, match="the PIN, which is not tried again"):
        with running(naf, token):
            pass
    assert token.calls("C_Login-refused") == 1


@pytest.mark.token
def test_a_pin_that_changes(token: Token, naf: Path, device: Path) -> None:
    """Guards against a token that is locked by a server that tries an old PIN again and again."""
    with running(naf, token) as server:
        assert flow(server, device)
        token.mode("removed")
        assert not flow(server, device)
        token.change_pin("other-pin-1")
        started = token.calls("C_Initialize")  # SoftHSM reads its PIN then
        wait_until(lambda: not flow(server, device) and token.calls("C_Initialize") > started)
        token.mode("ok")
        wait_until(lambda: not flow(server, device) and token.calls("C_Login-refused") == 1)
        for _ in range(3):
            assert not flow(server, device)
        assert token.calls("C_Login-refused") == 1


@pytest.mark.token
def test_absent_at_the_start(token: Token, naf: Path, device: Path) -> None:
    """Guards against a server that does not start, or never works, when its token comes later."""
    token.mode("removed")
    with running(naf, token) as server:
        server.wait_for_error("event=ka-down")
        assert not flow(server, device)
        token.mode("ok")
        wait_until(lambda: flow(server, device))


@pytest.mark.token
@pytest.mark.skipif(not CONFIGURED.exists(), reason="p11-kit is not configured for SoftHSM")
def test_a_library_that_is_not_ready(token: Token, naf: Path, device: Path) -> None:
    """Guards against a library of p11-kit's configuration that is lost for good when it fails once."""
    uri = f"pkcs11:token=akma;object={LABEL}?pin-source=file:{token.pin}"
    configuration = token.folder / "softhsm2.conf"
    configuration.rename(token.folder / "away")  # C_Initialize fails
    environment = ENVIRONMENT | token.environment
    with Server(naf, "--ka-source", uri, "--ka-id", "2026", environment=environment) as server:
        server.wait_for_error("event=ka-down")
        assert not flow(server, device)
        (token.folder / "away").rename(configuration)
        server.wait_for_error("event=ka-up")
        assert flow(server, device)


@pytest.mark.token
def test_two_masters_in_one_library(token: Token, naf: Path, device: Path, tmp_path: Path) -> None:
    """Guards against a library that is never started again, and a PIN that each master tries."""
    token.put(OTHER, "second")
    rows = [[UE, KS_NAF, device_ka(OTHER, UE, "2025").hex(), "2025"]]
    second = write_devices(tmp_path / "second.csv", rows)

    def both(server: Server) -> list[bool]:
        old = ue(second, UE, server.address, server.e2e_address, "--ka-id", "2025")
        return [flow(server, device), old.stdout == "e2e: hello\n"]

    words = ["--ka-source", token.uri("second", shim=True), "--ka-id", "2025"]
    with running(naf, token, *words) as server:
        assert both(server) == [True, True]
        token.mode("removed")
        assert both(server) == [False, False]
        token.change_pin("other-pin-1")
        started = token.calls("C_Initialize")
        wait_until(lambda: token.calls("C_Initialize") > started)
        token.mode("ok")
        wait_until(lambda: not any(both(server)) and token.calls("C_Login-refused") > 0)
        for _ in range(3):
            assert both(server) == [False, False]
        assert token.calls("C_Login-refused") == 1


def served_words(served: P11KitServer) -> list[str]:
    """The options of a server that asks it."""
    return ["--ka-source", served.uri, "--ka-id", "2026"]


@pytest.fixture(name="served")
def serve(token: Token, tmp_path: Path) -> Iterator[P11KitServer]:
    """One that runs."""
    served = P11KitServer(token, tmp_path / "socket")
    served.start()
    yield served
    served.kill()


@pytest.mark.token
@pytest.mark.skipif(not P11_KIT_SERVER.exists(), reason="p11-kit")
def test_p11_kit_server(served: P11KitServer, naf: Path, device: Path) -> None:
    """Guards against a socket of p11-kit's server that is not found again when the server was killed."""
    within = (sys.executable, "-c", HARDENED)  # MemoryDenyWriteExecute
    with Server(
        naf, *served_words(served), environment=ENVIRONMENT | served.environment, within=within
    ) as server:
        assert flow(server, device)
        served.kill()
        assert not flow(server, device)
        served.start()
        wait_until(lambda: flow(server, device))


@pytest.mark.token
@pytest.mark.skipif(not P11_KIT_SERVER.exists(), reason="p11-kit")
def test_p11_kit_server_that_is_killed_under_load(
    served: P11KitServer, naf: Path, device: Path
) -> None:
    """Guards against calls that p11-kit leaves waiting for ever when the socket breaks, so that no library is started again."""
    load = [str(BUILD / "bench/load"), "--devices", str(device), "--clients", "8", "--seconds", "1"]
    words = [*served_words(served), "--ka-timeout", "1", "--connections-per-device", "100"]
    with Server(naf, *words, environment=ENVIRONMENT | served.environment) as server:
        load += ["--connect", server.address, "--e2e-connect", server.e2e_address]
        for _ in range(8):
            with subprocess.Popen(
                load, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            ) as visitors:
                signed = server.errors.count("event=flag")
                wait_until(lambda: server.errors.count("event=flag") > signed)
                served.kill()
                visitors.wait()
            served.start()
            wait_until(lambda: flow(server, device))


class NoAnswers:
    """Accepts connections at a socket, and ends each of them at once: a server that is killed again and again."""

    def __init__(self, path: Path) -> None:
        path.unlink(missing_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(path))
        self.listener.listen()
        self.accepted = 0
        self.thread = threading.Thread(target=self._run)
        self.thread.start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                self.listener.accept()[0].close()
                self.accepted += 1

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.listener.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.listener.close()


@pytest.mark.token
@pytest.mark.skipif(not P11_KIT_SERVER.exists(), reason="p11-kit")
def test_p11_kit_server_that_ends_before_it_answers(
    served: P11KitServer, naf: Path, device: Path
) -> None:
    """Guards against a descriptor that p11-kit loses each time its client fails to start, beside another library."""
    words = [*served_words(served), "--ka-source", served.token.uri(), "--ka-id", "2025"]
    environment = ENVIRONMENT | served.environment | served.token.environment
    with Server(naf, *words, environment=environment) as server:

        def descriptors() -> int:
            return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))

        assert flow(server, device)
        before = descriptors()
        served.kill()
        with NoAnswers(served.socket) as nobody:
            assert not flow(server, device)
            wait_until(lambda: nobody.accepted >= 4)
        served.start()
        wait_until(lambda: flow(server, device))
        wait_until(lambda: descriptors() <= before)


@pytest.mark.token
def test_two_masters(token: Token, naf: Path, device: Path, tmp_path: Path) -> None:
    """Guards against a ka-id of the master in the token that is derived from the one in the file."""
    both = ["--ka-source", token.uri(), "--ka-source", "master:" + secret(tmp_path / "m", OTHER)]
    for ids, is_there in ((["2026", "2025"], True), (["2025", "2026"], False)):
        words = [*both, *(word for name in ids for word in ("--ka-id", name))]
        with Server(naf, *words, environment=ENVIRONMENT | token.environment) as server:
            assert flow(server, device) == is_there


@pytest.mark.token
@unless_its_runtime_is_in_the_way
def test_nothing_remains(token: Token, naf: Path, device: Path, tmp_path: Path) -> None:
    """Guards against a master secret, a PIN or a Ka that is left in the server's memory at its end."""
    wanted = [KEY[8:24], PIN.encode()[:16], device_ka(KEY, UE, "2026")[8:24]]
    (tmp_path / "needles").write_bytes(bytes(octet ^ 0x5A for octet in b"".join(wanted)))
    library = PROGRAMS / "libpreload_exit_scan.so"
    scan = {
        "REMAINS_NEEDLES": str(tmp_path / "needles"),
        "REMAINS_REPORT": str(tmp_path / "report"),
        "LD_PRELOAD": f"{os.environ.get('LD_PRELOAD', '')} {library}",
    }
    for source in (token.uri(), "master:" + secret(tmp_path / "m", KEY)):
        words = ["--ka-source", source, "--ka-id", "2026"]
        with Server(naf, *words, environment=ENVIRONMENT | token.environment | scan) as server:
            assert flow(server, device)
            server.process.terminate()
            assert server.process.wait(timeout=60) == 0
        assert (tmp_path / "report").read_text() == "0 of 3\n"


def test_the_commands_of_the_page(tmp_path: Path) -> None:
    """Guards against commands of docs/deployment.md about a token that do not work unchanged but for their ports."""
    part = (
        (ROOT / "docs/deployment.md").read_text().split("\n## Ka from one secret, in an HSM\n")[1]
    )
    commands = part.split("```sh\n")[1].split("```")[0]
    assert commands.count("sleep 2\n") == 1 and commands.count("sleep 1\n") == 1
    listens = "until grep -q e2e-accept out 2>/dev/null; do sleep 0.1; done\n"
    commands = commands.replace("& server=$!", "> out 2> err & server=$!")
    commands = commands.replace("sleep 2\n", listens)
    commands = commands.replace("sleep 1\n", "until grep -q event=reload err; do sleep 0.1; done\n")
    for name in ("build", "openssl.cnf.example"):
        (tmp_path / name).symlink_to(BUILD if name == "build" else ROOT / name)
    result = subprocess.run(
        ["sh", "-euc", with_free_ports(commands, "4433", "4434")],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert result.returncode == 0, result
    assert "e2e: through a token\n" in result.stdout and "no flag any more" in result.stdout


@pytest.mark.postgresql
def test_revoked_in_a_database(tmp_path: Path, naf: Path, device: Path) -> None:
    """Guards against a table of revoked Ka's that is not read, or read as empty when it cannot be."""
    if PROGRAMS_OF_POSTGRESQL is None:
        pytest.skip("PostgreSQL's server is not installed")
    database = Database(tmp_path)
    password = tmp_path / "password"
    password.write_text(PASSWORDS["third_party"] + "\n")
    password.chmod(0o600)
    words = ["--ka-source", "master:" + secret(tmp_path / "m", KEY), "--ka-id", "2026"]
    words += ["--ka-revoked", database.uri(), "--ka-password-file", str(password)]

    def reload(server: Server) -> None:
        before = server.errors.count("event=reload")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: server.errors.count("event=reload") > before)

    try:
        with Server(naf, *words) as server:
            assert flow(server, device)
            for row, is_there in (("(default, '2025')", True), (f"('{UE}', default)", False)):
                database.sql(f"INSERT INTO akma_ka_revoked VALUES {row}")
                reload(server)
                assert flow(server, device) == is_there
            database.sql("TRUNCATE akma_ka_revoked")  # nobody says so, but the database
            wait_until(lambda: flow(server, device))
            database.stop()
            server.wait_for_error("result=failed")
            database.start()
            database.sql(f"INSERT INTO akma_ka_revoked VALUES ('{UE}', default)")
            wait_until(lambda: not flow(server, device))
            server.wait_for_error("event=row-removed")
            for text in ("a b", "x" * 256):
                with pytest.raises(subprocess.CalledProcessError):
                    database.sql(f"INSERT INTO akma_ka_revoked VALUES ('{text}', default)")
            database.stop()
            reload(server)
            server.wait_for_error("--ka-revoked: ")
            assert not flow(server, device)
    finally:
        database.remove()


@pytest.mark.token
def test_check(token: Token, naf: Path) -> None:
    """Guards against a --check that is content without the token, or tries a wrong PIN twice."""
    words = [str(BUILD / "e2e/e2e-as"), "--accept", "127.0.0.1:0", "--naf-fqdn", "naf.example.com"]
    words += ["--devices", str(naf), "--check", "--ka-source", token.uri(shim=True)]

    def check() -> tuple[int, str]:
        done = subprocess.run(
            words, env=ENVIRONMENT | token.environment, capture_output=True, text=True, timeout=60
        )
        return done.returncode, done.stdout + done.stderr

    assert check()[0] == 0
    for mode in ("removed", "hang"):
        token.mode(mode)
        status, said = check()
        assert status == 1 and ("no such token" in said or "does not answer" in said), said
    token.mode("ok")
    token.pin.write_text("wrong\n")
    status, said = check()
    assert status == 1 and "the PIN, which is not tried again" in said
    assert all(line.startswith(("ok ", "not ok --ka-source")) for line in said.splitlines()), said
    assert token.calls("C_Login-refused") == 1
