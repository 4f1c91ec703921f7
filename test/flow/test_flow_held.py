"""A first connection that carries several flags: ALPN akma-e2e-ua/1, what it changes and what it must not.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import re
import secrets
import signal
import socket
import threading
from pathlib import Path
from typing import Any

import pytest

import reference
from client_hello import ALERT, client_hello, read_record, send_record
from clock import Clock, TimedServer
from evp import BUILD, OPENSSL_VERSION
from flow import (
    FQDN,
    LOOPBACK,
    NAF_ID,
    SECONDS,
    Metered,
    Process,
    Server,
    StockClient,
    ask,
    free_port,
    split,
    ue,
    wait_until,
    write_devices,
)
from link import Sides
from sanitizer import SANITIZED
from sockets import TCP_USER_TIMEOUT, connections

KS_NAF = bytes.fromhex("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100")
KA = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf")
OTHER = bytes.fromhex("5a" * 32)
ID = "ue@bsf.example.com"
NO_KA = "no-ka@bsf.example.com"
PREFIXED = f"3GPP-bootstrapping.{ID}"
ALPN = "akma-e2e-ua/1"
HELD_MAX = 16  # of one device, docs/flow.md


@pytest.fixture(name="devices")
def make_devices(tmp_path: Path) -> Path:
    """A device with a Ka, and one without."""
    rows = [[ID, KS_NAF.hex(), KA.hex()], [NO_KA, KS_NAF.hex(), ""]]
    return write_devices(tmp_path / "devices.csv", rows)


def first(server: Server, alpn: str = ALPN, identity: str = PREFIXED) -> StockClient:
    """A first connection that offers these protocols."""
    return StockClient(server.address, identity, KS_NAF, *(["-alpn", alpn] if alpn else []))


def second(server: Server, flag: dict[str, Any]) -> StockClient:
    """The connection that a flag promises, its key by the reference."""
    refresh = bytes.fromhex(flag["refresh"])
    key = reference.e2e_key(KS_NAF, KA, NAF_ID, refresh=refresh, usage=flag["usage"])
    return StockClient(server.e2e_address, flag["identity"], key)


def serves(server: Server, flag: dict[str, Any]) -> bool:
    """Is a flag good for a connection?"""
    with second(server, flag) as connection:
        connection.write(b"x\n")
        return connection.read() == b"e2e: x"


def held_by(server: Metered) -> int:
    """First connections between two nonces."""
    return server.count("first_connections_held")


class Holding(Metered):
    """A server that can be asked for its first connections."""

    @property
    def firsts(self) -> int:
        """First connections so far."""
        return self.count('connections_total{endpoint="naf"}')

    @property
    def held(self) -> int:
        """First connections between two nonces."""
        return held_by(self)


# What the server does


def test_each_flag_is_fresh(devices: Path) -> None:
    """Guards against a nonce or a server's contribution that is used twice, and a flag that is good for two connections."""
    nonces = [secrets.token_bytes(16) for _ in range(4)]
    with Server(devices) as server:
        with first(server) as connection:
            flags = [connection.flag(nonce) for nonce in nonces]
            refreshes = [bytes.fromhex(flag["refresh"]) for flag in flags]
            assert [refresh[:16] for refresh in refreshes] == nonces
            assert len({refresh[16:] for refresh in refreshes}) == len(nonces)
            assert len({flag["identity"] for flag in flags}) == len(nonces)
            assert [serves(server, flag) for flag in reversed(flags)] == [True] * len(nonces)
            assert not serves(server, flags[0])
            assert connection.flag()["e2e"] == 1, "it is open still"


def test_the_same_nonce_gets_another_key(devices: Path) -> None:
    """Guards against a repeated nonce of a UE that gives the same key twice."""
    with Server(devices) as server, first(server) as connection:
        flags = [connection.flag(bytes(16)) for _ in range(2)]
        assert flags[0]["refresh"] != flags[1]["refresh"]
        assert all(serves(server, flag) for flag in flags)


@pytest.mark.parametrize("alpn", ["", "http/1.1", "h2,akma-e2e/1", "akma-e2e-ua"])
def test_without_the_protocol_it_is_as_before(devices: Path, alpn: str) -> None:
    """Guards against a first connection that is held although the UE's ALPN list has no akma-e2e-ua/N."""
    with Server(devices) as server, first(server, alpn) as connection:
        assert connection.flag()["e2e"] == 1
        assert connection.read() == b""


def test_plain_without_the_protocol(devices: Path) -> None:
    """Guards against plain lines that are taken for nonces without akma-e2e-ua/1, or nonces that are echoed with it."""
    with Server(devices, "--e2e", "offered") as server:
        with first(server, "h2") as connection:
            connection.flag()
            connection.write(b"x\n")
            assert connection.read() == b"plain: x"
        with first(server) as connection:
            connection.flag()
            connection.write(b"x\n")
            assert connection.read() == b""
        server.wait_for_error("event=refused endpoint=naf")


def test_withheld_flag_ends_it(devices: Path) -> None:
    """Guards against a first connection that is held after {"e2e":0}."""
    with Server(devices, "--e2e", "offered") as server:
        with first(server, identity=f"3GPP-bootstrapping.{NO_KA}") as connection:
            assert connection.flag() == {"e2e": 0}
            connection.write(b"x\n")
            assert connection.read() == b"plain: x"


def test_another_version_alone(devices: Path) -> None:
    """Guards against a UE of another version that is not told so or not logged, or that is refused when it offers ours too."""
    with Server(devices) as server:
        with first(server, "akma-e2e-ua/2,h2") as connection:
            assert connection.read() == b""
            connection.wait_for_error("no application protocol")
        line = server.wait_for_error("event=version")
        assert "offered=akma-e2e-ua/2" in line and f"spoken={ALPN}" in line
        with first(server, f"akma-e2e-ua/2,{ALPN}") as connection:
            assert [connection.flag()["e2e"] for _ in range(2)] == [1, 1]


def test_another_version_tells_nobody_who_is_known(devices: Path) -> None:
    """Guards against an answer or log line about versions that shows strangers which identities exist."""
    with Server(devices) as server:
        with first(server) as connection:
            promised = connection.flag()["identity"]
        answers = set()
        for identity in (PREFIXED, "3GPP-bootstrapping.nobody", promised):
            for address in (server.address, server.e2e_address):
                with socket.create_connection(split(address), SECONDS) as raw:
                    offered = [(identity.encode(), bytes(32))]
                    send_record(raw, client_hello(offered, alpn=b"akma-e2e-ua/2"))
                    answers.add(read_record(raw))
        assert len(answers) == 1 and answers.pop()[0] == ALERT
        assert "event=version" not in server.errors


def test_e2e_connections_have_protocols_of_their_own(devices: Path) -> None:
    """Guards against an ALPN of the application that the flow answers, or refuses, on the second connection."""
    with Server(devices) as server:
        with first(server) as connection:
            flag = connection.flag()
        refresh = bytes.fromhex(flag["refresh"])
        key = reference.e2e_key(KS_NAF, KA, NAF_ID, refresh=refresh, usage=flag["usage"])
        alpn = ["-alpn", "akma-e2e-ua/2"]
        with StockClient(server.e2e_address, flag["identity"], key, *alpn) as e2e:
            e2e.write(b"x\n")
            assert e2e.read() == b"e2e: x"


def test_idle_ones_are_closed_without_an_error(devices: Path, tmp_path: Path) -> None:
    """Guards against a held first connection whose end, by the server or the UE, is logged as a refusal."""
    with TimedServer(tmp_path, devices, "--idle-timeout", "600") as server:
        with first(server) as connection:
            connection.flag()
            wait_until(lambda: held_by(server) == 1)
            connection.end_input()
            assert connection.wait() == 0
        with first(server) as connection:
            connection.flag()
            wait_until(lambda: held_by(server) == 1)
            server.pass_to(300)
            assert held_by(server) == 1
            server.pass_to(601)
            assert connection.read() == b""
            assert connection.wait() == 0
        server.wait_for_error("no other nonce came in time")
        wait_until(lambda: server.errors.count("event=closed endpoint=naf") == 2)
        assert "event=refused" not in server.errors
        assert held_by(server) == 0


def test_time_of_a_line_that_has_begun(devices: Path, tmp_path: Path) -> None:
    """Guards against a nonce on a held connection that begins and need not end within --line-timeout."""
    options = ["--line-timeout", "600", "--idle-timeout", "6000"]
    with TimedServer(tmp_path, devices, *options) as server:
        with first(server) as connection:
            connection.flag()
            wait_until(lambda: held_by(server) == 1)
            server.pass_to(601)  # between two lines
            connection.flag()
            wait_until(lambda: held_by(server) == 1)
            connection.write(b"{")
            wait_until(lambda: held_by(server) == 0)  # a line has begun
            server.pass_to(601 + 300)
            connection.write(b"{")
            server.pass_to(601 + 601)
            assert connection.read() == b""
        assert "nothing complete arrived in time" in server.wait_for_error("event=refused")


def test_session_lifetime_ends_it(devices: Path, tmp_path: Path) -> None:
    """Guards against a held first connection that outlives --session-lifetime because nonces keep coming."""
    options = ["--session-lifetime", "600"]
    with TimedServer(tmp_path, devices, *options) as server, first(server) as connection:
        for passed in (0, 200, 400):  # within --idle-timeout
            server.pass_to(passed)
            assert connection.flag()["e2e"] == 1
        server.pass_to(601)
        assert connection.read() == b""
        assert connection.wait() == 0


def test_drain(devices: Path) -> None:
    """Guards against a drain that waits for another nonce of a held first connection."""
    with Holding(devices, "--drain-timeout", "600") as server, first(server) as connection:
        connection.flag()
        wait_until(lambda: server.held == 1)
        server.process.send_signal(signal.SIGTERM)
        assert server.wait() == 0
        assert connection.read() == b""


def test_row_that_goes_away(devices: Path) -> None:
    """Guards against a held first connection that survives a reload without its device's row, or with another Ks_NAF."""
    for rows in ([[NO_KA, KS_NAF.hex(), ""]], [[ID, OTHER.hex(), KA.hex()]]):
        write_devices(devices, [[ID, KS_NAF.hex(), KA.hex()]])
        with Server(devices) as server, first(server) as connection:
            server.wait_for_error("event=start")
            connection.flag()
            write_devices(devices, rows)
            server.process.send_signal(signal.SIGHUP)
            server.wait_for_error("event=reload")
            assert connection.read() == b""


def test_ka_that_comes_in_between(devices: Path) -> None:
    """Guards against a held connection whose next flag still names the Ka from before a reload."""
    write_devices(devices, [[ID, KS_NAF.hex(), KA.hex(), "1"]])
    with Server(devices) as server, first(server) as connection:
        server.wait_for_error("event=start")
        assert connection.flag()["ka-id"] == "1"
        write_devices(
            devices, [[ID, KS_NAF.hex(), KA.hex(), "1"], [ID, KS_NAF.hex(), OTHER.hex(), "2"]]
        )
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_error("event=reload")
        assert connection.flag()["ka-id"] == "2"


def test_held_ones_are_not_the_devices_connections(devices: Path) -> None:
    """Guards against a held first connection that uses up --connections-per-device, or a nonce beyond it."""
    with Holding(devices, "--connections-per-device", "1") as server, first(server) as connection:
        flag = connection.flag()
        wait_until(lambda: server.held == 1)
        with second(server, flag) as e2e:
            e2e.write(b"x\n")
            assert e2e.read() == b"e2e: x"
            connection.write(json.dumps({"nonce": bytes(16).hex()}).encode() + b"\n")
            assert connection.read() == b"", "a nonce is served within the limit, or not at all"
        server.wait_for_error("--connections-per-device")
        with first(server) as again:
            assert again.flag()["e2e"] == 1


def test_a_device_holds_so_many(devices: Path) -> None:
    """Guards against a device that holds more first connections than it may, or whose surplus one ends with an error."""
    with Holding(devices) as server, contextlib.ExitStack() as stack:
        held = [stack.enter_context(first(server)) for _ in range(HELD_MAX)]
        assert all(connection.flag()["e2e"] == 1 for connection in held)
        wait_until(lambda: server.held == HELD_MAX)
        with first(server) as more:
            assert more.flag()["e2e"] == 1
            assert more.read() == b""
        assert [connection.flag()["e2e"] for connection in held] == [1] * HELD_MAX
        assert "event=refused" not in server.errors


def test_held_ones_make_room(devices: Path) -> None:
    """Guards against held first connections that keep others out once there are --connections-max of them."""
    with Holding(devices, "--connections-max", "4") as server, contextlib.ExitStack() as stack:
        for _ in range(4):
            stack.enter_context(first(server)).flag()
        wait_until(lambda: server.held == 4)
        for _ in range(3):
            result = ue(devices, ID, server.address, server.e2e_address)
            assert (result.returncode, result.stdout) == (0, "e2e: hello\n"), result.stderr
        assert server.held < 4


# What e2e-ue --listen does


class Listener(Process):
    """e2e-ue in front of local programs."""

    def __init__(
        self,
        devices: Path,
        connect: str,
        e2e_connect: str,
        within: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        super().__init__(
            *within,
            BUILD / "e2e/e2e-ue",
            *["--connect", connect, "--e2e-connect", e2e_connect],
            *["--devices", str(devices), "--identity", ID, "--naf-fqdn", FQDN],
            *["--listen", f"{LOOPBACK}:0"],
            environment=environment,
        )
        line = self.read().decode()
        assert line.startswith("listen "), line + self.errors
        self.address = line.split()[1]

    def says(self) -> bytes:
        """A local program's line, and what comes back; empty if it is not served."""
        return ask(self.address, b"x\n")


def test_local_connections_share_a_first_one(devices: Path) -> None:
    """Guards against an e2e-ue that makes a first connection for each local one instead of keeping one a loop."""
    with Holding(devices) as server, Listener(devices, server.address, server.e2e_address) as here:
        for _ in range(20):
            assert here.says() == b"e2e: x\n"
        assert server.count("e2e_connections_total") == 20
        loops = len(list(Path(f"/proc/{here.process.pid}/task").iterdir())) - 1
        assert server.firsts <= max(1, loops)
        assert here.errors == ""


def test_many_at_once(devices: Path) -> None:
    """Guards against a nonce that waits for another's flag, and more held connections than allowed."""
    answers: list[bytes] = []
    with Holding(devices) as server, Listener(devices, server.address, server.e2e_address) as here:
        for _ in range(2):
            threads = [
                threading.Thread(target=lambda: answers.append(here.says())) for _ in range(50)
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(SECONDS)
        assert answers == [b"e2e: x\n"] * 100
        assert server.held <= HELD_MAX
        assert "event=refused" not in server.errors


def test_kept_ones_are_closed_in_time(devices: Path, tmp_path: Path) -> None:
    """Guards against a kept first connection that is never closed, closed in use, or closed with an error."""
    clock = Clock(tmp_path)
    with Holding(devices) as server:
        to = (server.address, server.e2e_address)
        with Listener(devices, *to, ("taskset", "-c", "0"), clock.environment) as here:
            with contextlib.ExitStack() as stack:  # at once: each has a first connection of its own
                here.pause()
                held = [
                    stack.enter_context(socket.create_connection(split(here.address), SECONDS))
                    for _ in range(3)
                ]
                here.process.send_signal(signal.SIGCONT)
                for program in held:
                    program.sendall(b"x\n")
                    assert program.makefile("rb").readline() == b"e2e: x\n"
                wait_until(lambda: server.held == 3)
            clock.pass_to(30)
            assert here.says() == b"e2e: x\n"
            assert server.held == 3
            clock.pass_to(61)
            assert here.says() == b"e2e: x\n"
            wait_until(lambda: server.held == 1)
            assert server.firsts == 3, "the one that was used last stays"
            assert here.errors == ""
        assert "event=refused" not in server.errors and "event=broken" not in server.errors


def test_server_that_was_started_again(devices: Path) -> None:
    """Guards against a local program that fails because the server was restarted behind e2e-ue's kept connection."""
    ports = [f"{LOOPBACK}:{free_port()}" for _ in range(2)]
    words = ["--accept", ports[0], "--e2e-accept", ports[1]]
    words += ["--devices", str(devices), "--naf-fqdn", FQDN]

    with contextlib.ExitStack() as servers:

        def start() -> Process:
            process = servers.enter_context(Process(BUILD / "e2e/e2e-as", *words))
            process.wait_for_error("event=start")
            return process

        server = start()
        with Listener(devices, ports[0], ports[1]) as here:
            assert here.says() == b"e2e: x\n"
            for ending in (signal.SIGTERM, signal.SIGKILL):
                server.process.send_signal(ending)
                server.wait()
                server = start()
                assert here.says() == b"e2e: x\n"
            assert "event=refused" not in here.errors


def test_server_without_the_protocol(devices: Path) -> None:
    """Guards against a server with --connections that holds first ones and never ends, or a UE that fails with it."""
    with Server(devices, "--connections", "6") as server:
        with Listener(devices, server.address, server.e2e_address) as here:
            assert [here.says() for _ in range(3)] == [b"e2e: x\n"] * 3
            assert server.wait() == 0


APPLICATION_DATA = 23  # the type that a record of TLS 1.3 shows once it is encrypted


class Cutter:
    """A relay between UE and NAF; cuts the first so many connections off when they bring another nonce.

    least: not before so many encrypted records of the UE: the first is its Finished, the second has a nonce.
    """

    def __init__(self, target: str, least: int = 0) -> None:
        self.target = split(target)
        self.least = least
        self.accepted = self.cut = 0
        self.listener = socket.create_server((LOOPBACK, 0))
        self.address = f"{LOOPBACK}:{self.listener.getsockname()[1]}"
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.accepted += 1
                threading.Thread(
                    target=self._serve, args=(client, self.accepted), daemon=True
                ).start()

    def _serve(self, client: socket.socket, number: int) -> None:
        server = socket.create_connection(self.target, SECONDS)
        threading.Thread(target=self._back, args=(server, client), daemon=True).start()
        encrypted = 0
        with contextlib.suppress(OSError), client.makefile("rb") as records:
            while head := records.read(5):
                encrypted += head[0] == APPLICATION_DATA
                if number <= self.cut and encrypted >= self.least:
                    break
                server.sendall(head + records.read(int.from_bytes(head[3:])))
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()

    def _back(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while octets := server.recv(65536):
                client.sendall(octets)

    def close(self) -> None:
        """Accept no more."""
        self.listener.close()


def test_first_connection_that_breaks_while_a_nonce_is_on_its_way(devices: Path) -> None:
    """Guards against a local program that fails because the kept first connection broke while a nonce was on its way."""
    with Server(devices) as server:
        cutter = Cutter(server.address)
        with Listener(devices, cutter.address, server.e2e_address) as here:
            for _ in range(6):
                assert here.says() == b"e2e: x\n"
                cutter.cut = cutter.accepted
            assert cutter.accepted > 3
            assert "event=refused" not in here.errors
        cutter.close()


@pytest.mark.parametrize("least", [0, 2], ids=["in the handshake", "with the nonce"])
def test_it_is_tried_again_once(devices: Path, least: int) -> None:
    """Guards against an e2e-ue that tries again without end, or fails without a reason, when the next connection breaks."""
    with Server(devices) as server:
        cutter = Cutter(server.address, least)
        with Listener(devices, cutter.address, server.e2e_address) as here:
            for _ in range(4):
                assert here.says() == b"e2e: x\n"
            before, cutter.cut = cutter.accepted, 1000
            assert here.says() == b""
            assert here.wait_for_error("event=refused")
            assert cutter.accepted == before + 1
        cutter.close()


def test_reload_of_the_ue(devices: Path, tmp_path: Path) -> None:
    """Guards against an e2e-ue that goes on over a first connection of the old Ks_NAF after a reload."""
    own = write_devices(tmp_path / "own.csv", [[ID, KS_NAF.hex(), KA.hex()]])
    one_loop = ("taskset", "-c", "0")
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(Holding(devices))
        here = stack.enter_context(Listener(own, server.address, server.e2e_address, one_loop))
        for _ in range(4):
            assert here.says() == b"e2e: x\n"
        write_devices(own, [[ID, OTHER.hex(), KA.hex()]])
        here.process.send_signal(signal.SIGHUP)
        here.wait_for_error("event=reload")
        assert here.says() == b"", "the server does not have it yet"
        assert server.count('flags_total{e2e="1"}') == 4, "the old connection had one more"
        write_devices(devices, [[ID, OTHER.hex(), KA.hex()]])
        server.process.send_signal(signal.SIGHUP)
        server.wait_for_error("event=reload")
        assert here.says() == b"e2e: x\n"


def test_reload_of_the_ue_while_a_nonce_is_on_its_way(devices: Path, tmp_path: Path) -> None:
    """Guards against a first connection of the old Ks_NAF that is kept for the new one's nonces."""
    own = write_devices(tmp_path / "own.csv", [[ID, KS_NAF.hex(), KA.hex()]])
    with Holding(devices) as server, Listener(own, server.address, server.e2e_address) as here:
        server.pause()
        with socket.create_connection(split(here.address), SECONDS) as program:
            to_server = split(server.address)[1]
            wait_until(lambda: any(to == to_server for _, to in connections(here.process.pid)))
            write_devices(own, [[ID, OTHER.hex(), KA.hex()]])
            here.process.send_signal(signal.SIGHUP)
            here.wait_for_error("event=reload")
            server.process.send_signal(signal.SIGCONT)
            program.sendall(b"x\n")
            assert program.makefile("rb").readline() == b"e2e: x\n"
        wait_until(lambda: server.held == 0)


def test_ue_says_which_version_it_speaks(devices: Path) -> None:
    """Guards against a UE that reports a server of another version as one with other keys."""
    port = free_port()
    stock = [
        *["openssl", "s_server", "-accept", f"{LOOPBACK}:{port}", "-nocert", "-quiet", "-tls1_3"],
        *["-ciphersuites", "TLS_AES_128_GCM_SHA256", "-psk_identity", PREFIXED],
        *["-psk", KS_NAF.hex(), "-alpn", "akma-e2e-ua/2"],
    ]
    with Process(*stock):
        wait_until(lambda: f":{port:04X} " in Path("/proc/net/tcp").read_text())
        result = ue(devices, ID, f"{LOOPBACK}:{port}")
        assert result.returncode == 4
        assert f"another version than {ALPN}" in result.stderr


# Between NAF and third party


def test_over_the_line(tmp_path: Path, devices: Path) -> None:
    """Guards against a separate NAF that does not ask its third party for each nonce of a held first connection."""
    sides = Sides(tmp_path)
    ks_nafs = write_devices(tmp_path / "ks-nafs.csv", [[ID, KS_NAF.hex(), ""]])
    kas = write_devices(tmp_path / "kas.csv", [[ID, "", KA.hex()]])
    with sides.run_third_party(kas) as third_party:
        address = third_party.addresses["naf-accept"]
        with sides.run_naf(ks_nafs, address) as naf:
            endpoint = third_party.addresses["e2e-accept"]
            with Listener(devices, naf.addresses["accept"], endpoint) as here:
                assert [here.says() for _ in range(5)] == [b"e2e: x\n"] * 5
                wait_until(lambda: naf.errors.count("event=flag endpoint=naf") == 5)
            with StockClient(
                naf.addresses["accept"], PREFIXED, KS_NAF, "-alpn", ALPN
            ) as connection:
                assert [connection.flag()["e2e"] for _ in range(3)] == [1] * 3


@pytest.mark.skipif(SANITIZED, reason="a sanitizer has its own memory")
def test_size_of_a_held_one(devices: Path) -> None:
    """Guards against a held first connection that takes more memory than a waiting connection may."""
    count = 48
    rows = [[f"ue{n}@bsf.example.com", KS_NAF.hex(), KA.hex()] for n in range(count + 16)]
    write_devices(devices, rows)

    def resident(server: Server) -> int:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        return int(re.findall(r"^VmRSS:\s*(\d+) kB$", status, re.M)[0])

    with Holding(devices) as server, contextlib.ExitStack() as stack:

        def hold(numbers: range) -> None:
            for number in numbers:
                identity = f"3GPP-bootstrapping.ue{number}@bsf.example.com"
                stack.enter_context(first(server, identity=identity)).flag()

        hold(range(16))
        wait_until(lambda: server.held == 16)
        before = resident(server)
        hold(range(16, count + 16))
        wait_until(lambda: server.held == count + 16)
        each = (resident(server) - before) / count
    print(f"{each:.1f} KiB")
    assert each < (20 if OPENSSL_VERSION < (3, 5) else 32)  # with key shares of ML-KEM


def test_nonces_without_end(devices: Path) -> None:
    """Guards against a UE that sends nonces without waiting, and takes the turns of others of the loop."""
    other = "other@bsf.example.com"
    write_devices(devices, [[name, KS_NAF.hex(), KA.hex()] for name in (ID, other)])
    line = json.dumps({"nonce": bytes(16).hex()}).encode() + b"\n"
    with Server(devices, within=("taskset", "-c", "0")) as server, first(server) as greedy:
        ends = threading.Event()

        def flood() -> None:
            while not ends.is_set() and greedy.process.poll() is None:
                greedy.write(line * 500)

        thread = threading.Thread(target=flood)
        thread.start()
        try:
            for _ in range(100):
                assert json.loads(greedy.read())["e2e"] == 1
            for _ in range(3):
                result = ue(devices, other, server.address, server.e2e_address)
                assert (result.returncode, result.stdout) == (0, "e2e: hello\n"), result.stderr
            assert json.loads(greedy.read())["e2e"] == 1
        finally:
            ends.set()
            greedy.process.kill()
            thread.join(SECONDS)


def test_kept_one_notices_a_dead_path(devices: Path) -> None:
    """Guards against a nonce that waits longer than three seconds on a kept connection whose path is dead."""
    with Holding(devices) as server, Listener(devices, server.address, server.e2e_address) as here:
        assert here.says() == b"e2e: x\n"
        wait_until(lambda: server.held == 1)
        limits = connections(here.process.pid, TCP_USER_TIMEOUT)
        to_server = split(server.address)[1]
        assert [limit for (_, to), limit in limits.items() if to == to_server] == [3000]
