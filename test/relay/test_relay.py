"""Applications that know nothing of all this, behind the relay: real ones, and ones that behave badly.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import hashlib
import os
import select
import shutil
import secrets
import signal
import socket
import struct
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import records
from between import Between
from clock import Clock
from consumer import FOREIGN, IDENTITY, KA, KS_NAF, OTHER_KA, Listening, command
from evp import BUILD
from flow import (
    ENVIRONMENT,
    LOOPBACK,
    SECONDS,
    Process,
    StockClient,
    free_port,
    split,
    wait_until,
    write_devices,
)
from process_memory import holds, is_gone
from sanitizer import SANITIZED, unless_sanitized  # which keeps for a while what was released
from sockets import connections
from store_cluster import WRAP, Part, Redis, Site, chunks, flag_of, key_of, receive_all

pytestmark = pytest.mark.slow

GIB = 1 << 30
PAGE = 8 << 20
BUFFERS = 32 << 20  # more than there is room for on the way, so that the other side goes on


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    """A store as well, so that the endpoint is a process of its own."""
    made = Site(tmp_path, Redis(tmp_path))
    yield made
    made.stop()


class Tunnel:
    """From a local address through two relays to an application."""

    def __init__(
        self,
        site: Site,
        target: str,
        *options: str,
        where: str = "",
        environment: dict[str, str] | None = None,
    ) -> None:
        self.naf = site.naf()
        self.endpoint = site.endpoint("--forward", target, *options, environment=environment)
        self.ue = site.listener(self.naf.address, self.endpoint.address, where or f"{LOOPBACK}:0")

    @property
    def port(self) -> int:
        """Where local programs connect."""
        return self.ue.port

    def connect(self) -> socket.socket:
        """As a local program."""
        connection = socket.create_connection((LOOPBACK, self.port), 30)
        connection.settimeout(60)
        return connection

    def resets(self) -> bool:
        """Is a local program reset?"""
        return resets(self.port)


def resets(port: int) -> bool:
    """Is a local program that connects there reset, be it while it connects?"""
    try:
        with socket.create_connection((LOOPBACK, port), 60) as connection:
            assert connection.recv(1) == b""
    except ConnectionResetError:
        return True
    return False


class Backend:
    """An application of the tests: a function for each connection, on a thread."""

    def __init__(self, serve: Callable[[socket.socket], None]) -> None:
        self.listener = socket.create_server((LOOPBACK, 0))
        self.address = f"{LOOPBACK}:{self.listener.getsockname()[1]}"
        self.serve = serve
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                connection, _ = self.listener.accept()
                connection.settimeout(60)
                threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        with connection, contextlib.suppress(OSError):
            self.serve(connection)


@pytest.mark.redis
def test_mosquitto_and_its_clients(site: Site, tmp_path: Path) -> None:
    """Guards against a relay through which a mosquitto and its clients, none of them set up for TLS, cannot talk."""
    port = free_port()
    config = tmp_path / "mosquitto.conf"
    config.write_text(f"listener {port} {LOOPBACK}\nallow_anonymous true\n")
    with Listening(port, "mosquitto", "-c", config):
        tunnel = Tunnel(site, f"{LOOPBACK}:{port}")
        where = ["-h", LOOPBACK, "-p", str(tunnel.port), "-t", "a/b"]
        with subprocess.Popen(
            ["mosquitto_sub", *where, "-C", "1", "-W", "20"], stdout=subprocess.PIPE, env=FOREIGN
        ) as subscriber:
            for _ in range(50):
                command("mosquitto_pub", *where, "-q", "1", "-m", "through the relay")
                if subscriber.poll() is not None:
                    break
                time.sleep(0.2)
            assert subscriber.stdout
            assert subscriber.stdout.read() == b"through the relay\n"


@pytest.mark.redis
def test_nginx_takes_the_header_and_curl_knows_nothing(site: Site, tmp_path: Path) -> None:
    """Guards against a PROXY header that nginx refuses, or that names another client."""
    port = free_port()
    (tmp_path / "page").write_bytes(b"".join(chunks(PAGE, 1)))
    config = tmp_path / "nginx.conf"
    config.write_text(
        f"""
        daemon off; master_process off; pid {tmp_path}/pid; error_log {tmp_path}/error;
        events {{}}
        http {{
            access_log off;
            client_body_temp_path {tmp_path}/1; proxy_temp_path {tmp_path}/2;
            fastcgi_temp_path {tmp_path}/3; uwsgi_temp_path {tmp_path}/4; scgi_temp_path {tmp_path}/5;
            server {{
                listen {LOOPBACK}:{port} proxy_protocol; root {tmp_path};
                add_header X-From "$proxy_protocol_addr $proxy_protocol_server_port";
            }}
        }}"""
    )
    with Listening(port, "nginx", "-c", config):
        tunnel = Tunnel(site, f"{LOOPBACK}:{port}", "--proxy-protocol")
        headers = tmp_path / "headers"
        got = subprocess.run(
            ["curl", "-sS", "-D", headers, f"http://{LOOPBACK}:{tunnel.port}/page"],
            capture_output=True,
            timeout=60,
            check=True,
            env=FOREIGN,
        ).stdout
        assert got == (tmp_path / "page").read_bytes()
        assert f"X-From: {LOOPBACK} {tunnel.endpoint.port}\r\n".encode() in headers.read_bytes()
        plain = command("curl", "-sS", f"http://{LOOPBACK}:{port}/page")
        assert plain.returncode != 0  # without the header nginx serves nobody


@pytest.mark.redis
def test_nothing_waits_to_be_sent(site: Site) -> None:
    """Guards against a socket without TCP_NODELAY, on which an answer in two writes takes 40 ms longer."""
    heard = threading.Event()

    def serve(connection: socket.socket) -> None:
        connection.sendall(connection.recv(1))
        heard.wait(60)

    backend = Backend(serve)
    tunnel = Tunnel(site, backend.address)
    naf, endpoint, ue = tunnel.naf, tunnel.endpoint, tunnel.ue
    redis, application = site.redis.port, split(backend.address)[1]
    # ports at which each program must be connected, its own or the other side's
    wanted = [
        (naf, {naf.port, redis}),
        (endpoint, {endpoint.port, redis, application}),
        (ue, {ue.port, endpoint.port}),
    ]
    with tunnel.connect() as local, site.first(naf.address):
        local.sendall(b"x")
        assert local.recv(1) == b"x"
        for program, ports in wanted:
            wait_until(
                lambda: ports <= {port for pair in connections(program.pid) for port in pair}
            )
            assert all(connections(program.pid).values()), connections(program.pid)
        heard.set()


@pytest.mark.redis
@pytest.mark.skipif(not shutil.which("varnishd"), reason="varnish is not installed")
def test_varnish_reads_whose_device_it_is(site: Site, tmp_path: Path) -> None:
    """Guards against a PROXY header in which varnish finds no device name, or a verified certificate."""
    port = free_port()
    rules = tmp_path / "rules.vcl"
    rules.write_text(
        """
        vcl 4.1;
        import proxy;
        backend none none;
        sub vcl_recv { return (synth(200)); }
        sub vcl_synth {
            set resp.http.X-Device = proxy.client_cert_cn() + " " + proxy.ssl_version();
            set resp.http.X-Verified = proxy.client_has_cert_sess() + " " + client.ip;
            return (deliver);
        }"""
    )
    words: list[str | Path] = [
        "-F",
        "-j",
        "none",
        "-s",
        "default,1m",
        "-n",
        tmp_path / "varnish",
        "-f",
        rules,
    ]
    with Listening(port, "varnishd", "-a", f"{LOOPBACK}:{port},PROXY", *words):
        tunnel = Tunnel(site, f"{LOOPBACK}:{port}", "--proxy-protocol")
        answer = command("curl", "-sS", "-i", f"http://{LOOPBACK}:{tunnel.port}/").stdout
    assert f"X-Device: {IDENTITY} TLSv1.3\n" in answer
    assert f"X-Verified: false {LOOPBACK}\n" in answer


@pytest.mark.redis
def test_the_clients_of_redis(site: Site) -> None:
    """Guards against a relay that loses octets of pipelined requests, or a local socket that other users can open."""
    tunnel = Tunnel(site, f"{LOOPBACK}:{site.redis.port}", where=f"unix:{site.folder}/local.sock")
    path = tunnel.ue.address.removeprefix("unix:")
    assert Path(path).stat().st_mode & 0o777 == 0o600
    assert command("redis-cli", "-s", path, "set", "k", "v").stdout == "OK\n"
    assert command("redis-cli", "-s", path, "get", "k").stdout == "v\n"
    words = ["-s", path, "-n", "20000", "-c", "20", "-P", "10", "-d", "2000", "-t", "set,get", "-q"]
    result = command("redis-benchmark", *words, seconds=60)
    assert result.returncode == 0 and "requests per second" in result.stdout


def parse_header(octets: bytes) -> tuple[bytes, list[tuple[int, bytes]], bytes]:
    """By proxy-protocol.txt 2.2: addresses, the TLVs in PP2_TYPE_SSL, and what follows."""
    assert octets[:12] == b"\r\n\r\n\x00\r\nQUIT\n" and octets[12] == 0x21
    family, length = struct.unpack(">BH", octets[13:16])
    size = {0x11: 12, 0x21: 36}[family]
    body, rest = octets[16 : 16 + length], octets[16 + length :]
    kind, inner = struct.unpack(">BH", body[size : size + 3])
    tlv = body[size + 3 :]
    assert kind == 0x20 and inner == len(tlv) and tlv[0] & 1 and tlv[1:5] != bytes(4)
    texts, place = [], 5
    while place < len(tlv):
        subtype, count = struct.unpack(">BH", tlv[place : place + 3])
        texts.append((subtype, tlv[place + 3 : place + 3 + count]))
        place += 3 + count
    assert place == len(tlv)
    return body[:size], texts, rest


@pytest.mark.redis
@pytest.mark.parametrize(
    "host,loopback", [(LOOPBACK, LOOPBACK), ("[::1]", "[::1]"), ("[::]", LOOPBACK)]
)
def test_the_header(site: Site, host: str, loopback: str) -> None:
    """Guards against an IPv4 peer of a dual-stack socket in the header as an IPv6 one, or another device's name."""
    seen: list[bytes] = []

    def serve(connection: socket.socket) -> None:
        octets = b""
        while not octets.endswith(b"hello"):
            octets += connection.recv(1000)
        seen.append(octets)
        connection.sendall(b"x")

    naf = site.naf()
    options = ["--forward", Backend(serve).address, "--proxy-protocol"]
    endpoint = site.endpoint(*options, host=host)
    ue = site.listener(naf.address, f"{loopback}:{endpoint.port}")
    with socket.create_connection((LOOPBACK, ue.port), 20) as local:
        local.sendall(b"hello")
        assert local.recv(1) == b"x"
    addresses, texts, rest = parse_header(seen[0])
    family = socket.AF_INET if loopback == LOOPBACK else socket.AF_INET6
    assert addresses[:-4] == socket.inet_pton(family, loopback.strip("[]")) * 2
    assert struct.unpack(">H", addresses[-2:])[0] == endpoint.port
    assert texts == [(0x21, b"TLSv1.3"), (0x22, IDENTITY.encode())] and rest == b"hello"


@pytest.mark.redis
def test_a_gibibyte_each_way(site: Site) -> None:
    """Guards against an octet lost or memory that grows while both sides send at once."""
    sums: dict[str, tuple[int, str]] = {}

    def send_all(connection: socket.socket, seed: int) -> None:
        for part in chunks(GIB, seed):
            connection.sendall(part)
        connection.shutdown(socket.SHUT_WR)

    def serve(connection: socket.socket) -> None:
        sender = threading.Thread(target=send_all, args=(connection, 2))
        sender.start()
        sums["up"] = receive_all(connection)
        sender.join()

    tunnel = Tunnel(site, Backend(serve).address)
    before = [part.memory("VmHWM") for part in (tunnel.ue, tunnel.endpoint)]
    with tunnel.connect() as local:
        sender = threading.Thread(target=send_all, args=(local, 1))
        sender.start()
        sums["down"] = receive_all(local)
        sender.join()
    wait_until(lambda: "up" in sums, 60)
    for name, seed in ("up", 1), ("down", 2):
        digest = hashlib.blake2b()
        for part in chunks(GIB, seed):
            digest.update(part)
        assert sums[name] == (GIB, digest.hexdigest())
    after = [part.memory("VmHWM") for part in (tunnel.ue, tunnel.endpoint)]
    grown = [now - then for then, now in zip(before, after)]
    assert SANITIZED or max(grown) < 4096, (before, after)


@pytest.mark.redis
@pytest.mark.parametrize("slow", ["application", "local program"])
def test_a_slow_side_slows_the_other_down(site: Site, slow: str) -> None:
    """Guards against a relay that collects in memory what a slow side does not take."""
    go, sums = threading.Event(), []

    def push(connection: socket.socket) -> int:
        sent = 0
        connection.settimeout(1)
        with contextlib.suppress(TimeoutError):
            for part in chunks(GIB, 3):
                sent += connection.send(part)
        return sent

    def serve(connection: socket.socket) -> None:
        if slow == "application":
            go.wait(60)
            sums.append(receive_all(connection)[0])
        else:
            sums.append(push(connection))
            connection.shutdown(socket.SHUT_WR)

    tunnel = Tunnel(site, Backend(serve).address)
    before = [part.memory() for part in (tunnel.ue, tunnel.endpoint)]
    with tunnel.connect() as local:
        sent = push(local) if slow == "application" else 0
        if slow != "application":
            wait_until(lambda: sums, 30)
            sent = sums[0]
        after = [part.memory() for part in (tunnel.ue, tunnel.endpoint)]
        assert 0 < sent < GIB // 4  # the kernel's buffers, and no more
        grown = [now - then for then, now in zip(before, after)]
        assert SANITIZED or max(grown) < 1024, (before, after)
        go.set()
        if slow == "application":
            local.shutdown(socket.SHUT_WR)
            wait_until(lambda: sums, 30)
            assert sums == [sent]
        else:
            assert receive_all(local)[0] == sent


@pytest.mark.parametrize("octets", [1500, 49800, 54000, 60000, 61800, 300_000])
def test_what_libssl_has_read_ahead_arrives(octets: int) -> None:
    """Guards against octets that libssl has read ahead being forgotten, as no socket shows them."""
    result = command(BUILD / "test/programs/relay", str(octets))
    assert result.stdout == f"{octets}\n{octets} end\n", result.stderr


def test_new_keys_while_the_ue_takes_nothing() -> None:
    """Guards against a KeyUpdate that breaks a connection on which a record is half written."""
    result = command(BUILD / "test/programs/relay", "key-update")
    assert result.stdout == "15\nall\n", result.stderr


def test_new_keys_while_lines_and_requests_wait() -> None:
    """Guards against a KeyUpdate that breaks the link to a third party or a Redis while requests wait."""
    result = command(BUILD / "test/programs/key_updates")
    assert result.stdout == "lines 160000\nredis 160000\n", result.stderr


def push_without_end(connection: socket.socket) -> None:
    """Send until the connection breaks."""
    with contextlib.suppress(OSError):
        while True:
            connection.sendall(bytes(1 << 16))


def push_beside(connection: socket.socket) -> None:
    """The same on a thread."""
    threading.Thread(target=push_without_end, args=(connection,), daemon=True).start()


@pytest.mark.redis
@pytest.mark.parametrize("greedy", ["application", "local program"])
def test_who_sends_without_end_and_never_reads(site: Site, greedy: str) -> None:
    """Guards against a peer that sends without end and never reads, and thereby escapes --idle-timeout."""
    stop = threading.Event()

    def serve(connection: socket.socket) -> None:
        push_beside(connection)
        if greedy == "application":
            stop.wait(60)
        else:
            receive_all(connection)

    tunnel = Tunnel(site, Backend(serve).address, "--idle-timeout", "2")
    with tunnel.connect() as local:
        push_beside(local)
        if greedy == "application":
            with contextlib.suppress(OSError):
                receive_all(local)
        wait_until(lambda: tunnel.endpoint.says("no progress in either direction"))
    stop.set()


@pytest.mark.redis
def test_a_slow_side_is_not_an_idle_one(site: Site, tmp_path: Path) -> None:
    """Guards against an --idle-timeout that ends a peer which takes its octets slowly."""

    def serve(connection: socket.socket) -> None:
        push_beside(connection)
        receive_all(connection)

    clock, address = Clock(tmp_path), Backend(serve).address
    tunnel = Tunnel(site, address, "--idle-timeout", "600", environment=clock.environment)
    with tunnel.connect() as local:
        push_beside(local)
        for passed in range(200, 1400, 200):
            taken = 0
            while taken < BUFFERS:
                octets = local.recv(1 << 20)
                assert octets
                taken += len(octets)
            clock.pass_to(passed)
        assert "--idle-timeout" not in tunnel.endpoint.process.errors


@pytest.mark.redis
def test_who_says_a_little_at_a_time_is_not_idle(site: Site, tmp_path: Path) -> None:
    """Guards against an --idle-timeout that runs from the connection's start instead of the last octet."""
    clock, address = Clock(tmp_path), Backend(echo).address
    tunnel = Tunnel(site, address, "--idle-timeout", "600", environment=clock.environment)
    with tunnel.connect() as local:
        for passed in range(200, 1600, 200):
            local.sendall(b"x")
            assert local.recv(1) == b"x"
            clock.pass_to(passed)


@pytest.mark.redis
def test_an_end_of_one_direction_is_not_the_end(site: Site) -> None:
    """Guards against a relay that closes both directions when one side has sent all."""

    def serve(connection: socket.socket) -> None:
        count, _ = receive_all(connection)
        time.sleep(0.2)
        connection.sendall(f"{count} octets".encode())

    with Tunnel(site, Backend(serve).address).connect() as local:
        local.sendall(bytes(100_000))
        local.shutdown(socket.SHUT_WR)
        answer = b""
        while octets := local.recv(100):
            answer += octets
        assert answer == b"100000 octets"

    said: list[tuple[int, str]] = []

    def speak_first(connection: socket.socket) -> None:
        connection.sendall(b"all")
        connection.shutdown(socket.SHUT_WR)
        said.append(receive_all(connection))

    other = site.endpoint("--forward", Backend(speak_first).address)
    ue = site.listener(site.naf().address, other.address)
    with socket.create_connection((LOOPBACK, ue.port), 20) as local:
        assert (local.recv(10), local.recv(10)) == (b"all", b"")
        local.sendall(bytes(50_000))
        local.shutdown(socket.SHUT_WR)
        wait_until(lambda: said)
    assert said[0][0] == 50_000


def ends(tunnel: Tunnel, count: int) -> set[str]:
    """Why so many connections of an endpoint ended; each is one line of its log."""
    wait_until(lambda: tunnel.endpoint.process.errors.count("event=closed") == count)
    log = tunnel.endpoint.process.errors
    lines = [line for line in log.splitlines() if "reason=" in line and "event=limit" not in line]
    said = [line.split('reason="')[1].rstrip('"') for line in lines]
    assert len(said) == count, lines
    return set(said)


@pytest.mark.redis
def test_an_application_that_is_down(site: Site) -> None:
    """Guards against an unreachable application that looks like an orderly end to the local program."""
    port = free_port()
    tunnel = Tunnel(site, f"{LOOPBACK}:{port}")
    for _ in range(2):
        assert tunnel.resets()
    assert ends(tunnel, 2) == {"the application cannot be reached: Connection refused"}
    with socket.create_server((LOOPBACK, port)) as listener, tunnel.connect() as local:
        listener.settimeout(SECONDS)
        connection, _ = listener.accept()
        with connection:
            connection.sendall(b"up")
            assert local.recv(2) == b"up"


@pytest.mark.redis
def test_a_flow_that_fails(site: Site) -> None:
    """Guards against a local program that is served without e2e, or a failure without a reason in the log."""
    application = Backend(echo).address
    port = free_port()
    endpoint = site.endpoint("--forward", application)
    ue = site.listener(f"{LOOPBACK}:{port}", endpoint.address)

    def is_reset(reason: str) -> bool:
        assert resets(ue.port)
        wait_until(lambda: ue.says(reason))
        return True

    assert is_reset("Connection refused")
    naf = site.naf("--e2e", "off", port=port)
    assert is_reset("the NAF offers no e2e although this UE holds a Ka")
    naf.process.stop()
    naf = site.naf(port=port)
    port = endpoint.port
    endpoint.process.stop()
    assert is_reset("Connection refused")
    site.endpoint("--forward", application, port=port)
    with socket.create_connection((LOOPBACK, ue.port), 30) as local:
        local.sendall(b"x")
        assert local.recv(1) == b"x"


@pytest.mark.redis
def test_a_socket_of_the_file_system(site: Site) -> None:
    """Guards against a --forward unix:PATH that cannot connect, or hides that the path is missing."""
    path = site.folder / "application.sock"
    tunnel = Tunnel(site, f"unix:{path}")
    assert tunnel.resets()
    assert ends(tunnel, 1) == {"the application cannot be reached: No such file or directory"}
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(SECONDS)
        with tunnel.connect() as local:
            connection, _ = listener.accept()
            with connection:
                connection.sendall(b"x")
                assert local.recv(1) == b"x"


@pytest.mark.redis
def test_an_application_that_accepts_late(site: Site) -> None:
    """Guards against a full queue of a local socket being taken for a refusal at once, or tried without end."""
    path = site.folder / "application.sock"
    tunnel = Tunnel(site, f"unix:{path}")
    with contextlib.ExitStack() as stack:
        listener = stack.enter_context(socket.socket(socket.AF_UNIX))
        listener.bind(str(path))
        listener.listen(0)
        listener.settimeout(SECONDS)
        fill = stack.enter_context(socket.socket(socket.AF_UNIX))
        fill.connect(str(path))
        local = stack.enter_context(tunnel.connect())
        local.settimeout(0.5)
        with pytest.raises(TimeoutError):
            local.recv(1)
        stack.enter_context(listener.accept()[0])
        stack.enter_context(listener.accept()[0]).sendall(b"x")
        local.settimeout(60)
        assert local.recv(1) == b"x"
        two = [stack.enter_context(tunnel.connect()) for _ in range(2)]
        late, _, _ = select.select(two, [], [], 60)  # whichever comes second
        with pytest.raises(ConnectionResetError):
            late[0].recv(1)
    expected = "the application cannot be reached: Resource temporarily unavailable"
    wait_until(lambda: tunnel.endpoint.says(expected))


def abort(connection: socket.socket) -> None:
    """RST."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


@pytest.mark.redis
def test_a_connection_that_breaks_is_no_end(site: Site) -> None:
    """Guards against a broken connection that the other side takes for a complete end."""
    seen: list[str] = []
    began = threading.Event()

    def serve(connection: socket.socket) -> None:
        try:
            if connection.recv(1) == b"a":
                abort(connection)
            else:
                began.set()
                seen.append("end" if connection.recv(1) == b"" else "more")
        except ConnectionResetError:
            seen.append("reset")

    tunnel = Tunnel(site, Backend(serve).address)
    with tunnel.connect() as local:
        local.sendall(b"a")
        with pytest.raises(ConnectionResetError):
            local.recv(1)
    local = tunnel.connect()
    local.sendall(b"b")
    assert began.wait(60)
    began.clear()
    abort(local)
    wait_until(lambda: seen == ["reset"])
    with tunnel.connect() as local:
        local.sendall(b"b")
        assert began.wait(60)
        tunnel.ue.process.process.kill()
        wait_until(lambda: seen == ["reset", "reset"])


@pytest.mark.redis
def test_a_break_looks_like_an_end_to_a_socket_of_the_file_system(
    site: Site, tmp_path: Path
) -> None:
    """Guards against a killed UE whose application is left waiting on its local socket."""
    path = tmp_path / "application"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(SECONDS)
        tunnel = Tunnel(site, f"unix:{path}")
        with tunnel.connect() as local:
            local.sendall(b"half")
            application, _ = listener.accept()
            with application:
                application.settimeout(60)
                assert application.recv(4, socket.MSG_WAITALL) == b"half"
                tunnel.ue.process.process.kill()
                assert application.recv(1) == b""


@pytest.mark.redis
def test_where_a_ue_may_listen(site: Site) -> None:
    """Guards against an e2e-ue that listens where others on the network can speak as the device."""
    base: list[str | Path] = [
        BUILD / "e2e/e2e-ue",
        "--connect",
        f"{LOOPBACK}:1",
        "--devices",
        str(site.devices),
    ]
    base += ["--identity", IDENTITY, "--naf-fqdn", "naf.example.com"]
    for where in "0.0.0.0:0", "[::]:0", "192.0.2.1:0", ":0", "*:0", "[::ffff:127.0.0.1]:0":
        result = command(*base, "--listen", where, environment=ENVIRONMENT)
        assert result.returncode == 1 and "must be a loopback address" in result.stderr
    (site.folder / "file").write_text("mine")
    result = command(*base, "--listen", f"unix:{site.folder}/file", environment=ENVIRONMENT)
    assert result.returncode == 1 and (site.folder / "file").read_text() == "mine"
    for full in False, True:  # its queue of connections
        path = site.folder / f"used-{full}"
        with contextlib.ExitStack() as stack:
            used = stack.enter_context(socket.socket(socket.AF_UNIX))
            used.bind(str(path))
            used.listen(0)
            for _ in range(3 if full else 0):
                waiting = stack.enter_context(socket.socket(socket.AF_UNIX))
                waiting.setblocking(False)
                waiting.connect_ex(str(path))
            result = command(*base, "--listen", f"unix:{path}", environment=ENVIRONMENT)
            assert result.returncode == 1 and "already in use" in result.stderr
        with Process(*base, "--listen", f"unix:{path}") as part:  # nobody has it any more
            assert part.read() == f"listen unix:{path}".encode()
    useless: list[list[str]] = [[], ["--message", "x"], ["--allow-plain"]]
    for words in useless:
        listen = ["--listen", "x:1"] if words else []
        assert command(*base, *listen, *words).returncode == 2


def reload(part: Part, outcome: str) -> None:
    """SIGHUP, and what its log says of it."""
    count = part.process.errors.count(f"event=reload {outcome}")
    part.process.process.send_signal(signal.SIGHUP)
    wait_until(lambda: part.process.errors.count(f"event=reload {outcome}") > count)


@pytest.mark.redis
def test_a_ka_that_changes_without_a_pause(site: Site) -> None:
    """Guards against a change of Ka, which the UE holds first, that ends an open connection or keeps a new one out."""
    naf, third_partys = site.naf(), site.devices
    endpoint = site.endpoint("--forward", Backend(echo).address)
    site.devices = site.folder / "ue.csv"
    old, new = ([IDENTITY, KS_NAF.hex(), *row] for row in ((KA.hex(), "1"), (OTHER_KA.hex(), "2")))
    write_devices(third_partys, [old])
    write_devices(site.devices, [old])
    reload(naf, "result=applied")
    ue = site.listener(naf.address, endpoint.address)

    def serves(ka_id: str) -> bool:
        count = endpoint.process.errors.count(f"ka-id={ka_id}")
        with socket.create_connection((LOOPBACK, ue.port), 60) as local:
            local.sendall(b"x")
            assert local.recv(1) == b"x"
        wait_until(lambda: endpoint.process.errors.count(f"ka-id={ka_id}") > count)
        return True

    with socket.create_connection((LOOPBACK, ue.port), 60) as first:
        first.sendall(b"x")
        assert first.recv(1) == b"x"
        for path, rows, ka_id in [
            (site.devices, [old, new], "1"),
            (third_partys, [old, new], "2"),
            (site.devices, [new], "2"),
        ]:
            write_devices(path, rows)
            reload(ue if path == site.devices else naf, "result=applied")
            assert serves(ka_id)
        first.sendall(b"x")
        assert first.recv(1) == b"x"
        write_devices(third_partys, [new])
        reload(naf, "result=applied")
        with contextlib.suppress(ConnectionResetError):
            assert first.recv(1) == b""
    assert serves("2")
    for text, reason in [
        ("nonsense\n", f"devices file {site.devices}: line 1"),
        ("identity,ks-naf,ka\n", "not in the devices file"),
        (f"identity,ks-naf,ka\n{IDENTITY},{KS_NAF.hex()},\n", "this UE has no Ka"),
    ]:
        site.devices.write_text(text)
        reload(ue, "result=refused")
        assert ue.says(reason) and serves("2")


@pytest.mark.redis
def test_keys_that_change_during_a_flow(site: Site) -> None:
    """Guards against a reload that releases the keys of a flow which is under way."""
    tunnel = Tunnel(site, Backend(echo).address)
    os.kill(tunnel.naf.pid, signal.SIGSTOP)
    try:
        with tunnel.connect() as local:
            local.sendall(b"x")
            reload(tunnel.ue, "result=applied")
            reload(tunnel.ue, "result=applied")
            os.kill(tunnel.naf.pid, signal.SIGCONT)
            assert local.recv(1) == b"x"
    finally:
        os.kill(tunnel.naf.pid, signal.SIGCONT)


@pytest.mark.redis
def test_the_path_is_removed_by_who_made_it(site: Site) -> None:
    """Guards against an ended program that removes the socket which another has put at its path."""
    path = site.folder / "local.sock"
    first = site.listener(f"{LOOPBACK}:1", f"{LOOPBACK}:1", f"unix:{path}")
    assert path.is_socket()
    first.process.stop()
    assert not path.exists()
    second = site.listener(f"{LOOPBACK}:1", f"{LOOPBACK}:1", f"unix:{path}")
    path.unlink()
    third = site.listener(f"{LOOPBACK}:1", f"{LOOPBACK}:1", f"unix:{path}")
    second.process.stop()
    with socket.socket(socket.AF_UNIX) as local:
        local.connect(str(path))
    third.process.stop()
    assert not path.exists()


def echo(connection: socket.socket) -> None:
    """Send back what comes."""
    while octets := connection.recv(65536):
        connection.sendall(octets)


@pytest.mark.redis
@pytest.mark.life
def test_many_at_once(site: Site) -> None:
    """Guards against octets of one local connection that reach another."""
    tunnel = Tunnel(site, Backend(echo).address)
    served: list[int] = []

    def talk(number: int) -> None:
        with tunnel.connect() as local:
            for turn in range(5):
                text = f"{number} {turn} ".encode() * 1000
                local.sendall(text)
                got = b""
                while len(got) < len(text) and (octets := local.recv(len(text))):
                    got += octets
                assert got == text
        served.append(number)

    threads = [threading.Thread(target=talk, args=(number,)) for number in range(40)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert sorted(served) == list(range(40))


class Hushed(Between):
    """A relay to a NAF; connections that are there when it is hushed go silent, and later ones do not."""

    def __init__(self, port: int) -> None:
        self.open: set[socket.socket] = set()
        self.silent: set[socket.socket] = set()
        super().__init__(port)

    def hush(self) -> None:
        """Nothing that a UE says on these connections arrives any more."""
        self.silent = set(self.open)

    def ask(self, client: socket.socket, server: socket.socket, octets: bytes) -> bool:
        """Pass it on, or take it and do nothing."""
        self.open.add(client)
        return client in self.silent or super().ask(client, server, octets)


@pytest.mark.redis
def test_kept_first_connections_that_go_silent(site: Site) -> None:
    """Guards against a first connection, kept for the next flow, that went silent and costs that flow its life."""

    def serve(connection: socket.socket) -> None:
        connection.sendall(connection.recv(100))
        receive_all(connection)

    naf, endpoint = site.naf(), site.endpoint("--forward", Backend(serve).address)
    between = Hushed(split(naf.address)[1])
    ue = site.listener(between.url.removeprefix("redis://"), endpoint.address)
    for said in (b"one", b"two", b"three"):
        with socket.create_connection((LOOPBACK, ue.port), 60) as local:
            local.sendall(said)
            assert local.recv(100) == said
        between.hush()
    assert between.silent


@pytest.mark.redis
@unless_sanitized
def test_nothing_that_was_said_stays(site: Site) -> None:
    """Guards against buffers of libssl, or of the relay, that keep what was relayed while connections are idle."""
    question, answer = (secrets.token_hex(16).encode() for _ in range(2))

    def serve(connection: socket.socket) -> None:
        connection.sendall(answer if connection.recv(100) == question else b"")
        receive_all(connection)

    tunnel = Tunnel(site, Backend(serve).address)
    with tunnel.connect() as local:
        local.sendall(question)
        assert local.recv(100) == answer
        for pid in (tunnel.ue.pid, tunnel.endpoint.pid):
            assert is_gone(pid, question) and is_gone(pid, answer)


@pytest.mark.redis
@unless_sanitized
def test_no_key_stays(site: Site) -> None:
    """Guards against a key that stays in the memory of endpoint or UE after its connection has ended."""
    seen = []

    def serve(connection: socket.socket) -> None:
        seen.append(connection.recv(1))
        receive_all(connection)

    naf = site.naf()
    endpoint = site.endpoint("--forward", Backend(serve).address)
    flag = flag_of(naf.address)
    key = key_of(flag)
    with StockClient(endpoint.address, flag["identity"], key) as client:
        client.write(b"x\n")
        wait_until(lambda: seen)
        assert holds(endpoint.pid, flag["identity"].encode())
    assert is_gone(endpoint.pid, key)

    with socket.create_server((LOOPBACK, 0)) as silent:
        silent.settimeout(SECONDS)
        ue = site.listener(naf.address, f"{LOOPBACK}:{silent.getsockname()[1]}")
        with socket.create_connection((LOOPBACK, ue.port), 20) as local:
            hanging, _ = silent.accept()
            (name,) = site.redis.ask("keys", "akma:key:*").decode().split()
            sealed, identity = site.redis.ask("get", name), name.removeprefix("akma:key:")
            key = records.unseal(sealed, WRAP, identity, site.redis.run_id).key
            assert holds(ue.pid, key)
            hanging.close()
            with pytest.raises(ConnectionResetError):
                local.recv(1)
        assert not holds(ue.pid, key), "the key goes before the local program learns of the end"
