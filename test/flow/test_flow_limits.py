"""The limits of e2e-as, and what an attacker runs into: nobody is held up, and others get through.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import re
import resource
import socket
import subprocess
import threading
import time
import urllib.request
from pathlib import Path
from select import PIPE_BUF
from typing import Any

import pytest

import reference
from client_hello import ALERT, client_hello, read_record, send_record
from clock import TimedServer
from evp import BUILD
from flow import (
    FQDN,
    LONG,
    NAF_ID,
    SECONDS,
    Metered,
    Process,
    Relay,
    Server,
    StockClient,
    split,
    ue,
    wait_until,
    write_devices,
)
from idle import idle_sockets, open_ones
from processor import processor_seconds
from sanitizer import SANITIZED

KS_NAF = bytes.fromhex("1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100")
KA = bytes.fromhex("a0a1a2a3a4a5a6a7a8a9aaabacadaeafb0b1b2b3b4b5b6b7b8b9babbbcbdbebf")
ID = "ue@bsf.example.com"
GREEDY = "greedy@bsf.example.com"


@pytest.fixture(name="devices")
def make_devices(tmp_path: Path) -> Path:
    """Two devices."""
    rows = [[name, KS_NAF.hex(), KA.hex()] for name in (ID, GREEDY)]
    return write_devices(tmp_path / "devices.csv", rows)


def gets_through(devices: Path, address: str, e2e_address: str) -> None:
    """A UE that has nothing to do with the others is served, within the limits that it has itself."""
    result = ue(devices, ID, address, e2e_address)
    assert (result.returncode, result.stdout) == (0, "e2e: hello\n"), result.stderr


class Hold(Process):
    """Connections of one Ks_NAF that are held open."""

    def __init__(self, server: Server, count: int) -> None:
        identity = f"3GPP-bootstrapping.{GREEDY}"
        super().__init__(
            BUILD / "test/programs/held_connections",
            server.address,
            identity,
            KS_NAF.hex(),
            str(count),
        )
        self.open = int(self.read(LONG))

    def still_open(self) -> int:
        """Send two octets on each; how many are open still?"""
        self.write(b"\n")
        return int(self.read(LONG))

    def settles_at(self, count: int) -> None:
        """So many are left before long. What is over a limit is closed a moment after it was accepted."""
        wait_until(lambda: self.still_open() == count)


def settles_at(connections: list[socket.socket], most: int) -> None:
    """The server closes all but so many, before long."""
    wait_until(lambda: open_ones(connections) <= most)


# What an attacker tries


def test_a_thousand_connections_of_one_device(devices: Path, tmp_path: Path) -> None:
    """Guards against a device that exceeds --connections-per-device, or stretches its lines by octets."""
    options = ["--connections-max", "1000", "--line-timeout", "600", "--idle-timeout", "6000"]
    with TimedServer(tmp_path, devices, *options) as server, Hold(server, 1000) as hold:
        assert hold.open <= 64
        gets_through(devices, server.address, server.e2e_address)
        assert hold.still_open() <= 64
        gets_through(devices, server.address, server.e2e_address)
        for passed in (300, 601):
            server.pass_to(passed)
            still_open = hold.still_open()
        assert still_open == 0  # octets that come stretch no line
        server.wait_for_error("--connections-per-device")


def test_five_thousand_idle_sockets(devices: Path) -> None:
    """Guards against strangers with thousands of idle sockets keeping a device out, or filling the log."""
    patient = Server(devices, "--handshake-timeout", "60")
    with patient as server, idle_sockets(server.address, 5000) as held:
        gets_through(devices, server.address, server.e2e_address)
        settles_at(held[-200:], 0)
        settles_at(held, 256)
        server.wait_for_error("--handshakes-per-source")
        assert server.errors.count("event=refused") < 100, "a flood is told of once a second"


@pytest.mark.parametrize("flooded", [["accept", "e2e-accept"], ["metrics"]])
def test_sixty_clients_and_thirty_two_descriptors(devices: Path, flooded: list[str]) -> None:
    """Guards against a flood beyond the descriptors that keeps a UE out, makes the server spin or fills the log."""
    command = ["sh", "-c", 'ulimit -n 32; exec "$@"', "sh", str(BUILD / "e2e/e2e-as")]
    command += ["--accept", "127.0.0.1:0", "--e2e-accept", "127.0.0.1:0", "--metrics", "0"]
    command += ["--devices", str(devices), "--naf-fqdn", FQDN]
    with Process(*command) as server, contextlib.ExitStack() as held:
        address = dict(server.read().decode().split() for _ in range(3))
        for name in flooded:
            held.enter_context(idle_sockets(address[name], 60))
        before = processor_seconds(server.process.pid)
        gets_through(devices, address["accept"], address["e2e-accept"])
        time.sleep(2)
        # of the processor's time, which no other program uses up; of a server that spins it is most of the two seconds
        assert processor_seconds(server.process.pid) - before < 1, "it spins"
        server.wait_for_error("ulimit -n")
        assert len(server.err) < 50


@pytest.mark.parametrize("descriptors", range(12, 18))
def test_too_few_descriptors_to_start(devices: Path, descriptors: int) -> None:
    """Guards against a start without enough descriptors that ends in silence, or prints a raw line of libevent's."""
    command = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", str(BUILD / "e2e/e2e-as")]
    command += ["--accept", "127.0.0.1:0", "--devices", str(devices), "--naf-fqdn", FQDN]
    with Process(*command) as server:
        wait_until(lambda: "event=start" in server.errors or server.process.poll() is not None)
    assert server.errors and "[warn]" not in server.errors and "[err]" not in server.errors


def test_no_descriptors_left_does_not_spin(devices: Path) -> None:
    """Guards against a server that spins, or never accepts again, after its descriptors ran out."""
    with Server(devices) as server:
        pid = server.process.pid
        server.wait_for_error("event=start")
        used = len(list(Path(f"/proc/{pid}/fd").iterdir()))
        old = resource.prlimit(pid, resource.RLIMIT_NOFILE)
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (used, old[1]))
        with idle_sockets(server.address, 20):
            before = processor_seconds(pid)
            time.sleep(2)
            assert processor_seconds(pid) - before < 1, "it spins"
            server.wait_for_error("no descriptor for one more connection")
            resource.prlimit(pid, resource.RLIMIT_NOFILE, old)
            gets_through(devices, server.address, server.e2e_address)


# Each limit


def test_connections_max(devices: Path) -> None:
    """Guards against a full server that closes a finished connection instead of its oldest handshake."""
    options = ["--connections-max", "4", "--handshake-timeout", "60", "--e2e", "offered"]
    one_loop = ("taskset", "-c", "0")  # which has the finished one and the others
    with Server(devices, *options, within=one_loop) as server:
        with StockClient(server.address, f"3GPP-bootstrapping.{GREEDY}", KS_NAF) as first:
            first.flag()
            with idle_sockets(server.address, 20) as held:
                gets_through(devices, server.address, server.e2e_address)
                settles_at(held, 3)
                first.write(b"here\n")
                assert first.read() == b"plain: here"


def watched_sockets(pid: int) -> list[int]:
    """How many descriptors each of a process' event loops waits for."""
    counts = []
    for descriptor in Path(f"/proc/{pid}/fd").iterdir():
        if "eventpoll" in os.readlink(descriptor):
            text = Path(f"/proc/{pid}/fdinfo/{descriptor.name}").read_text()
            counts.append(text.count("tfd:"))
    return counts


def test_loops_share_connections(devices: Path) -> None:
    """Guards against one loop that gets all connections which come at once."""
    with Server(devices) as server:
        server.wait_for_error("event=start")  # each loop is there
        before = watched_sockets(server.process.pid)

        def gained() -> list[int]:
            counts = watched_sockets(server.process.pid)
            return sorted(now - then for now, then in zip(counts, before, strict=True))

        with idle_sockets(server.address, 20):
            wait_until(lambda: sum(gained()) == 20)
            loops = [count for count in gained() if count > 0]
            assert len(loops) == len(os.sched_getaffinity(0))
            assert max(loops) - min(loops) <= 4  # two may choose at the same moment


def test_connections_per_device(devices: Path) -> None:
    """Guards against one device taking the connections of all others."""
    options = ["--connections-per-device", "2", "--line-timeout", "60", "--e2e", "offered"]
    with Server(devices, *options) as server:
        with Hold(server, 5) as hold:
            hold.settles_at(2)
            gets_through(devices, server.address, server.e2e_address)
        with StockClient(server.address, f"3GPP-bootstrapping.{GREEDY}", KS_NAF) as again:
            assert again.flag()["e2e"] == 1


def test_a_key_is_used_up_beyond_the_limit_too(devices: Path) -> None:
    """Guards against an e2e_key that is good again after --connections-per-device ended its connection."""
    with Server(devices, "--connections-per-device", "2") as server:

        def flag() -> dict[str, Any]:
            with StockClient(server.address, f"3GPP-bootstrapping.{GREEDY}", KS_NAF) as first:
                return first.flag()

        def second(flag: dict[str, Any]) -> StockClient:
            refresh = bytes.fromhex(flag["refresh"])
            key = reference.e2e_key(KS_NAF, KA, NAF_ID, refresh=refresh, usage=flag["usage"])
            return StockClient(server.e2e_address, flag["identity"], key)

        one, two, three = flag(), flag(), flag()
        with second(one) as first_held, second(two) as second_held:
            for held in first_held, second_held:
                held.write(b"one\n")
                assert held.read() == b"e2e: one"
            with second(three) as refused:
                assert refused.read() == b""
            server.wait_for_error("--connections-per-device")
        server.wait_for_error("event=closed endpoint=e2e")
        with second(three) as again:
            again.write(b"two\n")
            assert again.read() == b""


def test_handshakes_per_source(devices: Path) -> None:
    """Guards against --handshakes-per-source counting finished handshakes or other addresses, or freeing no places."""
    with Metered(devices, "--handshakes-per-source", "3", "--e2e", "offered") as server:
        with Hold(server, 10) as hold:
            assert hold.open == 10, "finished ones do not count"
            with idle_sockets(server.address, 8) as held:
                settles_at(held, 3)
                assert open_ones(held) == 3
                gets_through(devices, server.address, server.e2e_address)
            wait_until(lambda: server.count("handshakes_unfinished") == 0)
            with idle_sockets(server.address, 3) as held:  # those that went made room
                wait_until(lambda: server.count("handshakes_unfinished") == 3)
                assert open_ones(held) == 3


def test_handshake_timeout(devices: Path, tmp_path: Path) -> None:
    """Guards against a client that never ends its handshake keeping a connection for good."""
    with TimedServer(tmp_path, devices, "--handshake-timeout", "600") as server:
        with idle_sockets(server.address, 2) as held:
            wait_until(lambda: server.count("handshakes_unfinished") == 2)
            server.pass_to(300)  # the default is 10
            assert open_ones(held) == 2
            server.pass_to(601)
            assert open_ones(held) == 0


@pytest.mark.parametrize("begun", [b"", b'{"non'])
def test_line_timeout_of_the_nonce(devices: Path, begun: bytes) -> None:
    """Guards against a client that never ends its first line keeping a connection for good."""
    with Server(devices, "--line-timeout", "1") as server:
        with StockClient(server.address, f"3GPP-bootstrapping.{ID}", KS_NAF) as client:
            client.write(begun)
            assert client.read() == b""
        server.wait_for_error("nothing complete arrived in time")


@pytest.mark.parametrize(
    ("begun", "said"),
    [
        (b"half", "nothing complete arrived in time"),
        (b"", "no progress in either direction within --idle-timeout"),
    ],
)
def test_line_timeout_of_the_echo(devices: Path, tmp_path: Path, begun: bytes, said: str) -> None:
    """Guards against a line that begins at the echo and never has to end, or a silent client that is cut off early."""
    options = ["--line-timeout", "600", "--idle-timeout", "3000", "--e2e", "offered"]
    with TimedServer(tmp_path, devices, *options) as server:
        with StockClient(server.address, f"3GPP-bootstrapping.{ID}", KS_NAF) as client:
            client.flag()
            client.write(b"whole\n" + begun)
            assert client.read() == b"plain: whole"
            server.pass_to(601)  # beyond the one, within the other
            if not begun:
                client.write(b"again\n")
                assert client.read() == b"plain: again"
                server.pass_to(3602)
            assert client.read() == b""
        server.wait_for_error(said)


def one_more(client: Process, relay: Relay, octets: bytes) -> None:
    """Octets that come to the server, unless it has ended the client's connection."""
    before = len(relay.seen)
    client.write(octets)
    wait_until(lambda: len(relay.seen) > before or client.process.poll() is not None)


def is_ended(server: TimedServer, relay: Relay, client: Process, octets: bytes) -> bool:
    """Does a line of --line-timeout 600 end, in which octets come each hundred seconds?"""
    for passed in range(100, 1500, 100):
        one_more(client, relay, octets)
        server.pass_to(passed)
    with contextlib.suppress(subprocess.TimeoutExpired):
        client.wait()
    return client.process.poll() is not None


def test_octets_do_not_stretch_a_line_of_the_echo(devices: Path, tmp_path: Path) -> None:
    """Guards against a line to the echo that never ends, and whose octets each restart --line-timeout."""
    options = ["--line-timeout", "600", "--idle-timeout", "6000", "--e2e", "offered"]
    with TimedServer(tmp_path, devices, *options) as server:
        relay = Relay(server.address)
        with StockClient(relay.address, f"3GPP-bootstrapping.{ID}", KS_NAF) as client:
            client.flag()
            assert is_ended(server, relay, client, b"x")
        server.wait_for_error("nothing complete arrived in time")


def resident(pid: int) -> int:
    """KiB of a process."""
    (line,) = re.findall(r"^VmRSS:\s*(\d+) kB$", Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(line)


def queues(server: Server, relay: Relay) -> tuple[int, int] | None:
    """Octets that the kernel has of the server's and for the server, of its connection to the relay; None: it has none."""
    wanted = [f":{port:04X}" for port in (split(server.address)[1], relay.port)]
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        row = line.split()
        if [row[1][8:], row[2][8:]] == wanted:
            sent, received = row[4].split(":")
            return int(sent, 16), int(received, 16)
    return None


def is_stuck(server: Metered, relay: Relay) -> bool:
    """Does the server leave what came, as nobody reads its answers? It looks at all connections before it gives a figure."""
    before = queues(server, relay)
    server.count("handshakes_unfinished")
    return before is not None and before == queues(server, relay) and min(before) > 0


def is_read(server: Metered, relay: Relay) -> bool:
    """Has the server read all that came?"""
    server.count("handshakes_unfinished")
    there = queues(server, relay)
    return there is not None and there[1] == 0


def test_who_never_reads_is_cut_off(devices: Path, tmp_path: Path) -> None:
    """Guards against a client that never reads and holds memory, in the process or the kernel, for longer than --line-timeout."""
    options = ["--line-timeout", "600", "--idle-timeout", "6000", "--e2e", "offered"]
    with TimedServer(tmp_path, devices, *options) as server:
        relay = Relay(server.address)
        with StockClient(relay.address, f"3GPP-bootstrapping.{ID}", KS_NAF) as client:
            client.flag()
            before = resident(server.process.pid)
            relay.deaf.set()
            sender = threading.Thread(target=send_without_end, args=(client,), daemon=True)
            sender.start()
            try:
                wait_until(lambda: is_stuck(server, relay), LONG)
                server.pass_to(601)
                server.wait_for_error("the other side does not read")
                if not SANITIZED:  # which keeps what was released
                    assert resident(server.process.pid) - before < 1024
                wait_until(lambda: queues(server, relay) is None, LONG)
                gets_through(devices, server.address, server.e2e_address)
            finally:
                relay.deaf.clear()  # lets the client end


def test_who_never_reads_is_cut_off_between_lines(devices: Path, tmp_path: Path) -> None:
    """Guards against a client that sends whole lines, never reads, and is not cut off."""
    options = ["--line-timeout", "600", "--idle-timeout", "6000", "--e2e", "offered"]
    with TimedServer(tmp_path, devices, *options) as server:
        relay = Relay(server.address)
        fragments = ["-max_send_frag", str(PIPE_BUF)]
        identity = f"3GPP-bootstrapping.{ID}"
        with StockClient(relay.address, identity, KS_NAF, *fragments) as client:
            client.flag()
            relay.deaf.set()
            arguments = (client, PIPE_BUF)
            threading.Thread(target=send_without_end, args=arguments, daemon=True).start()
            try:
                wait_until(lambda: is_stuck(server, relay), LONG)
                server.pass_to(601)
                server.wait_for_error("the other side does not read")
            finally:
                relay.deaf.clear()


@pytest.mark.slow  # the kernel has the seconds of --line-timeout
def test_what_is_on_its_way_to_who_never_reads(devices: Path, tmp_path: Path) -> None:
    """Guards against a closed connection whose unread octets the kernel keeps for a client that never reads."""
    options = ["--line-timeout", "30", "--session-lifetime", "200", "--e2e", "offered"]
    with TimedServer(tmp_path, devices, *options) as server:
        relay = Relay(server.address)
        with StockClient(relay.address, f"3GPP-bootstrapping.{ID}", KS_NAF) as client:
            client.flag()
            relay.deaf.set()
            try:
                sent = 150 * (b"x" * 4000 + b"\n")
                client.write(sent)
                wait_until(lambda: len(relay.seen) > len(sent) and is_read(server, relay))
                server.pass_to(201)
                server.wait_for_error("event=closed")
                # the kernel alone tries for some minutes
                wait_until(lambda: queues(server, relay) is None, 120)
            finally:
                relay.deaf.clear()


def send_without_end(client: Process, length: int = 8001) -> None:
    """Lines of so many octets to be echoed, until the client ends."""
    with contextlib.suppress(ValueError):  # closed meanwhile
        while client.process.poll() is None:
            client.write(b"x" * (length - 1) + b"\n")


def test_key_updates_do_not_stretch_a_line(devices: Path, tmp_path: Path) -> None:
    """Guards against a client whose KeyUpdates restart --line-timeout."""
    options = ["--line-timeout", "600", "--idle-timeout", "6000", "--e2e", "offered"]
    options += ["--handshake-timeout", "6000"]  # the client's handshake may be over first
    with TimedServer(tmp_path, devices, *options) as server:
        relay = Relay(server.address)
        with Process(
            *["openssl", "s_client", "-connect", relay.address, "-tls1_3", "-psk", KS_NAF.hex()],
            *["-psk_identity", f"3GPP-bootstrapping.{ID}"],
            *["-ciphersuites", "TLS_AES_128_GCM_SHA256"],
        ) as client:
            wait_until(lambda: not client.out.empty())  # it is connected
            assert is_ended(server, relay, client, b"K\n")


def test_session_lifetime(devices: Path, tmp_path: Path) -> None:
    """Guards against a connection that goes on for longer than --session-lifetime."""
    options = ["--session-lifetime", "600", "--e2e", "offered"]
    with TimedServer(tmp_path, devices, *options) as server:
        with StockClient(server.address, f"3GPP-bootstrapping.{ID}", KS_NAF) as client:
            client.flag()
            for passed in (200, 400):  # within --idle-timeout
                server.pass_to(passed)
                client.write(b"x\n")
                assert client.read() == b"plain: x"
            server.pass_to(601)
            assert client.read() == b""
        server.wait_for_error("--session-lifetime")


def lookups(metrics: str) -> int:
    """How many identities has the server looked up?"""
    with urllib.request.urlopen(f"http://{metrics}/metrics", timeout=10) as answer:
        found = re.search(r"^e2e_source_seconds_count (\d+)$", answer.read().decode(), re.MULTILINE)
    assert found
    return int(found[1])


def answer_to(address: str, count: int, identity: bytes = b"3GPP-bootstrapping.nobody") -> bytes:
    """What the server says to a ClientHello that offers an identity so many times, with a wrong key."""
    with socket.create_connection(split(address), SECONDS) as connection:
        send_record(connection, client_hello([(identity, bytes(32))] * count))
        kind, octets = read_record(connection)
        assert kind == ALERT
        return octets


def test_identities_of_a_client_hello(devices: Path) -> None:
    """Guards against a look-up of any identity from a ClientHello that has more than four."""
    with Server(devices, "--metrics", "127.0.0.1:0") as server:
        metrics = server.read().decode().split()[1]
        for count, looked_up in ((1, 1), (4, 5), (5, 5), (40, 5)):
            answer_to(server.address, count)
            assert lookups(metrics) == looked_up
        gets_through(devices, server.address, server.e2e_address)


def test_unknown_identities_look_like_wrong_keys(devices: Path) -> None:
    """Guards against an answer that shows whether an identity exists, on either address."""
    with Server(devices) as server:
        known = answer_to(server.address, 1, f"3GPP-bootstrapping.{ID}".encode())
        for identity in (
            b"3GPP-bootstrapping.nobody",
            b"nobody",
            b"x" * 300,
            b"\0",
            b"\xff\x1b[2J",
        ):
            for address in (server.address, server.e2e_address):
                assert answer_to(address, 1, identity) == known
        assert "\x1b" not in server.errors


def test_hello_retry_request_looks_up_once(devices: Path) -> None:
    """Guards against a HelloRetryRequest doubling the look-ups that a client causes."""
    with Server(devices, "--metrics", "127.0.0.1:0") as server:
        metrics = server.read().decode().split()[1]
        groups = ["-groups", "P-384:P-256"]
        with StockClient(server.address, f"3GPP-bootstrapping.{ID}", KS_NAF, *groups) as client:
            assert client.flag()["e2e"] == 1
        assert lookups(metrics) == 1
