"""The flow's programs in each of their roles, one of them with calls that fail (faults.py).

A Stage is what a check needs of a role: the program under test, and acts, each of which is a whole way through it.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import http.client
import itertools
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import reference
import softhsm
from auc import Auc
from bsf import IMPI, IMSI, Behaviour, Bsf, Vector, in_seconds
from consumer import RIGHT
from database import PASSWORDS, SEAL, Database
from store_cluster import Redis, private
from wire import Wire
from evp import BUILD
from faults import Faults, Kind
from flow import FQDN, LOOPBACK, Process, split, ue, ue_command, write_devices
from devices_files import PLUGIN, row, settings, write_rows
from operator_site import KA, NOTIFY, Notified, OperatorSite
from link import Program, Sides
from operator_network import Operator, Subscriber
from tool import akma, secret

KS_NAF = bytes(range(32))
MASTER = bytes(range(1, 33))
UE = "ue@bsf.example.com"
ROWS = [[UE, KS_NAF.hex(), KA.hex()]]
LIMITS = ["--handshake-timeout", "2", "--line-timeout", "2", "--drain-timeout", "1"]
SUBSCRIBERS = 1500  # more than are asked for while --key-lifetime keeps them
RATES = ["--key-lifetime", "1", "--lookups-per-second", "10000", "--lookups-per-source", "10000"]
Act = Callable[[], str]  # "ok", or what went wrong


@dataclass
class Stage:
    """A role: the program whose calls fail, and ways through it that have to work afterwards."""

    program: Process
    acts: list[Act]
    faults: Faults
    prepare: Callable[[], None] = lambda: None  # before calls are made to fail
    seconds: float = 0  # that calls fail for at least: what the program does by itself
    kinds: tuple[Kind, ...] = tuple(Kind)
    stays: bool = True  # the program whose calls fail is the same on every way through


class Visitor:
    """test/programs/visit: a UE that is there already, so that a flow takes milliseconds."""

    def __init__(
        self, naf: str, endpoint: str, devices: Path, prefix: str = "3GPP-bootstrapping"
    ) -> None:
        self.process = Process(BUILD / "test/programs/visit", naf, endpoint, devices, prefix, FQDN)

    def flow(self, identity: str = UE) -> str:
        """One flow: "ok", or why it was none."""
        self.process.write(f"{identity} hello\n".encode())
        return self.process.read().decode() or self.process.last_words

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, *_: object) -> None:
        self.process.stop()


def _as(faults: Faults | None, *options: str | Path) -> Program:
    return Program(*options, *LIMITS, environment=faults.environment if faults else None)


def _naf(devices: Path, *options: str | Path) -> list[str | Path]:
    addresses: list[str | Path] = ["--accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN]
    return [*addresses, "--devices", devices, *options]


HERE = ["--e2e-accept", f"{LOOPBACK}:0"]


def signalled(program: Process, number: int, said: str) -> str:
    """Send a signal and wait for a further line of the log with this text."""
    before = program.errors.count(said)
    os.kill(program.process.pid, number)
    end = time.monotonic() + 1
    while program.errors.count(said) == before:
        if time.monotonic() > end:
            return f"nothing says {said}"
        time.sleep(0.002)
    return "ok"


def fetched(address: str, path: str) -> str:
    """A page of the metrics' listener."""
    connection = http.client.HTTPConnection(*split(address), timeout=1)
    try:
        connection.request("GET", path)
        status = connection.getresponse().status
        return "ok" if status == 200 else f"status {status}"
    except (OSError, http.client.HTTPException) as error:
        return repr(error)
    finally:
        connection.close()


def echoed(address: str) -> str:
    """A local program's connection, by whatever way to an application that echoes."""
    try:
        with socket.create_connection(split(address), 2) as connection:
            connection.sendall(b"hello\n")
            got = connection.recv(100)
            return "ok" if got.endswith(b"hello\n") else f"got {got!r}"
    except OSError as error:
        return repr(error)


@contextlib.contextmanager
def all_in_one(folder: Path) -> Iterator[Stage]:
    """NAF, third party and endpoint in one process, its files read again, its metrics."""
    faults, devices = Faults(folder / "faults"), write_devices(folder / "devices.csv", ROWS)
    with _as(faults, *_naf(devices, *HERE, "--metrics", f"{LOOPBACK}:0")) as program:
        at = program.addresses
        with Visitor(at["accept"], at["e2e-accept"], devices) as visitor:
            acts: list[Act] = [
                visitor.flow,
                lambda: signalled(program, signal.SIGHUP, "event=reload result=applied"),
                lambda: fetched(at["metrics"], "/metrics"),
                lambda: fetched(at["metrics"], "/healthz"),
            ]
            yield Stage(program, acts, faults)


@contextlib.contextmanager
def _derived(folder: Path, source: str, kinds: tuple[Kind, ...], **more: str) -> Iterator[Stage]:
    """Ka's of a master secret, and the list of those that are revoked read again."""
    faults, naf = Faults(folder / "faults"), write_devices(folder / "n", [[UE, KS_NAF.hex(), ""]])
    faults.environment |= more
    rows = [[UE, KS_NAF.hex(), reference.device_ka(MASTER, UE).hex()]]
    devices, revoked = write_devices(folder / "devices.csv", rows), folder / "revoked"
    revoked.write_text("device,ka-id\nother,\n")
    options: list[str | Path] = [
        "--ka-source",
        source,
        "--ka-revoked",
        revoked,
        "--ka-timeout",
        "1",
    ]
    with _as(faults, *_naf(naf, *HERE, *options)) as program:
        at = program.addresses
        with Visitor(at["accept"], at["e2e-accept"], devices) as visitor:
            acts: list[Act] = [
                visitor.flow,
                lambda: signalled(program, signal.SIGHUP, "event=reload result=applied"),
            ]
            yield Stage(program, acts, faults, kinds=kinds)


def master(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """A master secret in the process."""
    return _derived(folder, "master:" + secret(folder / "master", MASTER), tuple(Kind))


def token(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """A master secret in SoftHSM, which ends the process itself where it has no memory."""
    if not softhsm.IS_THERE:
        pytest.skip(softhsm.REASON)
    made = softhsm.Token(folder / "hsm")
    made.put(MASTER)
    kinds = (Kind.DESCRIPTOR, Kind.READ, Kind.WRITE)
    return _derived(folder, made.uri(), kinds, **made.environment)


@contextlib.contextmanager
def application() -> Iterator[str]:
    """bench/echo: an application that echoes; its address."""
    with Process(BUILD / "bench/echo", f"{LOOPBACK}:0") as program:
        yield program.read().decode().split()[1]


@contextlib.contextmanager
def relay(folder: Path) -> Iterator[Stage]:
    """The endpoint in front of an application."""
    faults, devices = Faults(folder / "faults"), write_devices(folder / "devices.csv", ROWS)
    with application() as echo:
        forward = ["--forward", echo, "--proxy-protocol"]
        with _as(faults, *_naf(devices, *HERE, *forward[:2])) as program:
            at = program.addresses
            with Visitor(at["accept"], at["e2e-accept"], devices) as visitor:
                yield Stage(program, [visitor.flow], faults)


@contextlib.contextmanager
def _link(folder: Path, which: str) -> Iterator[Stage]:
    faults, devices = Faults(folder / "faults"), write_devices(folder / "devices.csv", ROWS)
    sides = Sides(folder)
    ks_naf = write_devices(folder / "naf.csv", [[UE, KS_NAF.hex(), ""]])
    ka = write_devices(folder / "third-party.csv", [[UE, "", KA.hex()]])
    link: list[str | Path] = [
        "--naf-accept",
        f"{LOOPBACK}:0",
        "--devices",
        ka,
        *sides.options(sides.third_party),
    ]
    own = {which: faults}
    with _as(own.get("third party"), *HERE, *link) as third_party:
        with Wire(third_party.addresses["naf-accept"]) as wire:
            asks = ["--third-party", wire.address, *sides.options(sides.naf)]
            with _as(own.get("naf"), *_naf(ks_naf, *asks)) as naf:
                endpoint = third_party.addresses["e2e-accept"]
                with Visitor(naf.addresses["accept"], endpoint, devices) as visitor:
                    program = naf if which == "naf" else third_party
                    acts: list[Act] = [
                        visitor.flow,
                        lambda: signalled(program, signal.SIGHUP, "event=reload result=applied"),
                    ]
                    yield Stage(program, acts, faults, prepare=wire.cut, seconds=0.3)


def naf(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """The separate NAF; its link is cut before each fault."""
    return _link(folder, "naf")


def third_party(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """The separate third party, with an endpoint; the link is cut before each fault."""
    return _link(folder, "third party")


@contextlib.contextmanager
def _redis(folder: Path, which: str) -> Iterator[Stage]:
    faults, devices = Faults(folder / "faults"), write_devices(folder / "devices.csv", ROWS)
    redis = Redis(folder, tls=True)
    key = private(folder / "store.key", f"1:{bytes(range(32)).hex()}\n")
    own = {which: faults}
    try:
        with Wire(f"{LOOPBACK}:{redis.port}") as wire:
            store: list[str | Path] = ["--store", f"rediss://{wire.address}", "--store-key", key]
            store += ["--store-ca", redis.authority.file]
            with _as(own.get("naf"), *_naf(devices, *store)) as first:
                with _as(own.get("endpoint"), *HERE, *store) as second:
                    at = first.addresses["accept"], second.addresses["e2e-accept"]
                    with Visitor(*at, devices) as visitor:
                        program = first if which == "naf" else second
                        acts: list[Act] = [
                            visitor.flow,
                            lambda: signalled(
                                program, signal.SIGHUP, "event=reload result=applied"
                            ),
                        ]
                        yield Stage(program, acts, faults, prepare=wire.cut, seconds=0.3)
    finally:
        redis.stop()


def naf_with_redis(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """NAF and third party with a Redis over TLS, whose connections are cut before each fault."""
    return _redis(folder, "naf")


def endpoint_with_redis(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """The separate endpoint, at a Redis over TLS, whose connections are cut before each fault."""
    return _redis(folder, "endpoint")


@contextlib.contextmanager
def _source(folder: Path, kind: str, *more: str | Path, token: bool = False) -> Iterator[Stage]:
    """Every flow asks the operator for another subscriber's key; the connection is cut before each fault."""
    faults, operator_site, is_gba = Faults(folder / "faults"), Notified(folder), kind == "bsf"
    subscribers = [
        Subscriber(supi=f"00101{number:010}", gpsi=f"extid-{number}@example.com")
        for number in range(SUBSCRIBERS)
    ]
    with operator_site.operator(*subscribers, token=token) as operator:
        with Wire(f"{LOOPBACK}:{operator.server.port}") as wire:
            url = f"https://localhost:{wire.port}"
            names = [one.impi if is_gba else one.gpsi or "" for one in subscribers]
            rows = [_device(operator, one, is_gba) for one in subscribers]
            options = [*operator_site.sources(f"{kind}:{url}"), *RATES, *more]
            if token:
                options += ["--token-url", f"{url}/oauth2/token", "--client-id", "client"]
                options += ["--client-secret-file", private(folder / "secret", "secret\n")]
            ka = write_devices(folder / "ka.csv", [[name, "", KA.hex()] for name in names])
            devices = write_devices(folder / "devices.csv", rows)
            turn = itertools.cycle(row[0] for row in rows)
            prefix = "3GPP-bootstrapping" if is_gba else "3GPP-AKMA"
            with _as(faults, *_naf(ka, *HERE, *options)) as program:
                at = program.addresses
                with Visitor(at["accept"], at["e2e-accept"], devices, prefix) as visitor:
                    acts: list[Act] = [lambda: visitor.flow(next(turn))]
                    if "--notify-accept" in more:
                        operator_site.read_notify(program)
                        acts.append(lambda: _notified(operator_site, subscribers[0]))
                    yield Stage(program, acts, faults, prepare=wire.cut)


def _device(operator: Operator, subscriber: Subscriber, is_gba: bool) -> list[str]:
    if not is_gba:
        return [subscriber.a_kid, subscriber.k_af(operator.naf_id).hex(), KA.hex()]
    of = (subscriber.ks, subscriber.rand, subscriber.impi, operator.naf_id)
    return [subscriber.b_tid, reference.ks_naf(*of).hex(), KA.hex()]


def _notified(operator_site: Notified, subscriber: Subscriber) -> str:
    try:
        status = operator_site.post(json.dumps({"aKId": subscriber.a_kid}).encode())
    except OSError as error:
        return repr(error)
    return "ok" if status == 204 else f"status {status}"


def nef(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """Keys from a NEF, which notifies."""
    return _source(folder, "nef", *NOTIFY)


def aanf(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """Keys from an AAnF, with a token."""
    return _source(folder, "aanf", token=True)


def bsf(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """Keys from a BSF."""
    return _source(folder, "bsf")


@contextlib.contextmanager
def listening_ue(folder: Path) -> Iterator[Stage]:
    """e2e-ue --listen, in front of an application behind the endpoint; its file read again."""
    faults, devices = Faults(folder / "faults"), write_devices(folder / "devices.csv", ROWS)
    with application() as echo:
        with _as(None, *_naf(devices, *HERE, "--forward", echo)) as server:
            at = server.addresses
            command = ue_command(devices, UE, at["accept"], at["e2e-accept"])
            command = command[: command.index("--message")] + ["--listen", f"{LOOPBACK}:0"]
            with Process(*command, environment=faults.environment) as program:
                where = program.read().decode().split()[1]
                acts: list[Act] = [
                    lambda: echoed(where),
                    lambda: signalled(program, signal.SIGHUP, "event=reload result=applied"),
                ]
                yield Stage(program, acts, faults)


@contextlib.contextmanager
def _one_message(folder: Path, kinds: tuple[Kind, ...], is_later: bool) -> Iterator[Stage]:
    faults = Faults(folder / "faults", is_later=is_later)
    devices = write_devices(folder / "devices.csv", ROWS)
    with _as(None, *_naf(devices, *HERE)) as server:
        at = server.addresses

        def say() -> str:
            """Ends with a status of its own, whatever fails, and says why where it is not 0."""
            said = ue(devices, UE, *at.values(), environment=faults.environment)
            assert said.returncode == 0 or (said.returncode > 0 and said.stderr), said
            return "ok" if said.returncode == 0 else said.stderr

        yield Stage(server, [say], faults, kinds=kinds, stays=False)


def one_message(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """e2e-ue --message, from its start on. OpenSSL 3.0 crashes at some allocations of its own start."""
    kinds = tuple(kind for kind in Kind if kind != Kind.ALLOCATION)
    return _one_message(folder, kinds, is_later=False)


def one_connected_message(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """The same from its first connection on, with every kind."""
    return _one_message(folder, tuple(Kind), is_later=True)


def write_subscriber(folder: Path, auc: Auc) -> str:
    """A card that has seen no SQN, as --usim has it."""
    path = folder / "subscriber"
    path.write_text(f"imsi {IMSI}\nk {auc.k.hex()}\nopc {auc.opc.hex()}\nsqn {0:012x}\n")
    path.chmod(0o600)
    return f"milenage:{path}"


@contextlib.contextmanager
def bootstrap(folder: Path) -> Iterator[Stage]:
    """akma bootstrap, from its start on, as in the role above; its files are whole or not there."""
    faults, auc = Faults(folder / "faults"), Auc()
    words: list[str | Path] = ["--state", folder / "state", "--usim", write_subscriber(folder, auc)]
    words += ["--naf-fqdn", FQDN, "--ua-protocol-id", "0100000007", "--out", folder / "ks-naf"]
    with Bsf(Behaviour(fresh=auc.vector)) as server, Process("sleep", "1000") as idle:

        def run() -> str:
            for path in (folder / "state", folder / "ks-naf"):
                path.unlink(missing_ok=True)
            said = akma("bootstrap", "--bsf", server.url, *words, environment=faults.environment)
            assert said.returncode == 0 or (said.returncode > 0 and said.stderr), said
            for path, end in ((folder / "state", "\n"), (folder / "ks-naf", "\n")):
                assert not path.exists() or path.read_text().endswith(end)
            return "ok" if said.returncode == 0 else said.stderr.decode()

        kinds = tuple(kind for kind in Kind if kind != Kind.ALLOCATION)
        yield Stage(idle, [run], faults, kinds=kinds, stays=False)


@contextlib.contextmanager
def bootstrapping_ue(folder: Path) -> Iterator[Stage]:
    """e2e-ue --bsf, whose keys last two seconds: while calls fail, it needs another one."""
    faults, auc, site = Faults(folder / "faults"), Auc(), OperatorSite(folder)
    ka = folder / "ka"
    ka.write_text(KA.hex() + "\n")
    ka.chmod(0o600)
    with contextlib.ExitStack() as parts:
        operator = parts.enter_context(site.operator())

        def know(b_tid: str, vector: Vector) -> None:
            operator.known[b_tid] = Subscriber(supi=IMSI, ks=vector.ks, rand=vector.rand)

        behaviour = Behaviour(fresh=auc.vector, issue=know, lifetime=lambda: in_seconds(2))
        server = parts.enter_context(Bsf(behaviour))
        naf = parts.enter_context(site.server(f"bsf:{operator.url}", names=[IMPI]))
        command = [str(BUILD / "e2e/e2e-ue"), "--connect", naf.address]
        command += ["--e2e-connect", naf.e2e_address, "--naf-fqdn", FQDN, "--ka", f"file:{ka}"]
        command += ["--bsf", server.url, "--usim", write_subscriber(folder, auc)]
        command += ["--state", str(folder / "state"), "--bootstrap-interval", "1"]
        command += ["--listen", f"{LOOPBACK}:0"]
        program = parts.enter_context(Process(*command, environment=faults.environment))
        where = program.read().decode().split()[1]
        kinds = (Kind.ALLOCATION, Kind.DESCRIPTOR, Kind.READ)  # a way through takes seconds

        def with_another_key() -> str:
            before, end = len(server.issued), time.monotonic() + 4
            while len(server.issued) == before:
                if time.monotonic() > end:
                    return "it does not bootstrap"
                time.sleep(0.01)
            return echoed(where)

        yield Stage(program, [with_another_key], faults, kinds=kinds)


class Plugin:
    """The mosquitto plugin; two files of devices by turns, so that each look has to read."""

    def __init__(self, folder: Path, faults: Faults) -> None:
        self.path, self.turn = folder / "devices.csv", 0
        self._write()
        command: list[str | Path] = [BUILD / "test/programs/broker", PLUGIN]
        command += [f"devices={self.path}", f"naf_fqdn={FQDN}"]
        self.program = Process(*command, environment=faults.environment | settings())

    def _write(self) -> None:
        self.turn += 1
        write_rows(self.path, row(f"ue-{self.turn % 2}"), row("ue-2"))

    def _ask(self, identity: str) -> str:
        self.program.write(f"{identity}\n".encode())
        return self.program.read().decode()

    def revoke(self) -> None:
        """One device is gone, and another is new; the file says so from now on."""
        self._write()

    def look(self) -> str:
        """The one that is gone is refused, and the one that is new has a key."""
        gone, new = self._ask(f"ue-{(self.turn + 1) % 2}"), self._ask(f"ue-{self.turn % 2}")
        if not gone.startswith("refused"):
            return "a revoked device was admitted"
        return "ok" if new == RIGHT.key.hex().upper() else new


@contextlib.contextmanager
def plugin(folder: Path) -> Iterator[Stage]:
    """The mosquitto plugin, whose file changes before each fault."""
    faults = Faults(folder / "faults")
    made = Plugin(folder, faults)
    with made.program:
        yield Stage(made.program, [made.look], faults, prepare=made.revoke)


@contextlib.contextmanager
def _database(folder: Path, kinds: tuple[Kind, ...], *, over_tls: bool) -> Iterator[Stage]:
    faults, devices = Faults(folder / "faults"), write_devices(folder / "devices.csv", ROWS)
    ks_naf = write_devices(folder / "naf.csv", [[UE, KS_NAF.hex(), ""]])
    database = Database(folder)
    try:
        database.put(UE, KA)
        with Wire(f"{LOOPBACK}:{database.port}") as wire:
            uri = database.uri(socket=not over_tls)
            if over_tls:
                uri = uri.replace(f":{database.port}/", f":{wire.port}/")
            ka: list[str | Path] = ["--ka-source", uri]
            ka += ["--ka-key", private(folder / "ka.key", f"1:{SEAL.hex()}\n")]
            ka += ["--ka-password-file", private(folder / "password", PASSWORDS["third_party"])]
            with _as(faults, *_naf(ks_naf, *HERE, *ka)) as program:
                at = program.addresses
                with Visitor(at["accept"], at["e2e-accept"], devices) as visitor:
                    acts: list[Act] = [
                        visitor.flow,
                        lambda: signalled(program, signal.SIGHUP, "event=reload result=applied"),
                    ]
                    cut = wire.cut if over_tls else lambda: _cut(database)
                    yield Stage(program, acts, faults, prepare=cut, seconds=0.3, kinds=kinds)
    finally:
        database.remove()


def _cut(database: Database) -> None:
    database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'third_party'"
    )


def database_over_tls(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """Ka's in a PostgreSQL over TLS, cut before each fault. libpq crashes where its BIO has no memory for it."""
    kinds = tuple(kind for kind in Kind if kind != Kind.ALLOCATION)
    return _database(folder, kinds, over_tls=True)


def database_at_a_socket(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """The same at its socket, where every allocation can fail."""
    return _database(folder, tuple(Kind), over_tls=False)


def answered(address: str) -> str:
    """A local program's datagram, by whatever way to an application that echoes."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as local:
        local.settimeout(1)
        try:
            local.connect(split(address.removeprefix("udp:")))
            local.send(b"hello")
            got = local.recv(100)
            return "ok" if got == b"hello" else f"got {got!r}"
        except OSError as error:
            return repr(error)


@contextlib.contextmanager
def datagram_application() -> Iterator[str]:
    """An application that echoes datagrams; its address."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as own:
        own.bind((LOOPBACK, 0))

        def echo() -> None:
            while (got := own.recvfrom(2000))[0] != b"end":
                own.sendto(*got)

        thread = threading.Thread(target=echo, daemon=True)
        thread.start()
        yield f"udp:{LOOPBACK}:{own.getsockname()[1]}"
        own.sendto(b"end", own.getsockname())
        thread.join(10)


@contextlib.contextmanager
def _datagrams(folder: Path, which: str) -> Iterator[Stage]:
    """e2e-ue --listen over DTLS; sessions that are given up are gone after some seconds."""
    faults, devices = Faults(folder / "faults"), write_devices(folder / "devices.csv", ROWS)
    over_udp, own = f"udp:{LOOPBACK}:0", {which: faults}
    suite = ["--dtls-ciphers", "ECDHE-PSK-CHACHA20-POLY1305"]
    with contextlib.ExitStack() as parts:
        echo = parts.enter_context(datagram_application())
        addresses: list[str | Path] = ["--accept", over_udp, "--e2e-accept", over_udp]
        addresses += ["--naf-fqdn", FQDN, "--devices", devices, "--forward", echo]
        limits = ["--idle-timeout", "3", *LIMITS, "--connections-per-device", "1000", *suite]
        command = [BUILD / "e2e/e2e-as", *addresses, *limits]
        environment = own["server"].environment if "server" in own else None
        server = parts.enter_context(Process(*command, environment=environment))
        at = [server.read().decode().split()[1] for _ in range(2)]
        ue_words = ue_command(devices, UE, *at)
        ue_words = [*ue_words[: ue_words.index("--message")], "--listen", over_udp, *suite]
        environment = own["ue"].environment if "ue" in own else None
        device = parts.enter_context(Process(*ue_words, environment=environment))
        where = device.read().decode().split()[1]
        program = server if which == "server" else device
        acts: list[Act] = [
            lambda: answered(where),
            lambda: signalled(program, signal.SIGHUP, "event=reload result=applied"),
        ]
        yield Stage(program, acts, faults)


def dtls_server(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """All in one over DTLS, in front of an application that speaks datagrams."""
    return _datagrams(folder, "server")


def dtls_ue(folder: Path) -> contextlib.AbstractContextManager[Stage]:
    """e2e-ue --listen udp:, over DTLS."""
    return _datagrams(folder, "ue")


ROLES = {
    "all in one": all_in_one,
    "master secret": master,
    "master secret in a token": token,
    "relay": relay,
    "NAF": naf,
    "third party": third_party,
    "NAF at a Redis": naf_with_redis,
    "endpoint at a Redis": endpoint_with_redis,
    "Ka's in a PostgreSQL": database_over_tls,
    "Ka's in a PostgreSQL, socket": database_at_a_socket,
    "NEF": nef,
    "AAnF": aanf,
    "BSF": bsf,
    "e2e-ue --listen": listening_ue,
    "DTLS": dtls_server,
    "e2e-ue --listen, DTLS": dtls_ue,
    "e2e-ue --message": one_message,
    "e2e-ue --message, connected": one_connected_message,
    "akma bootstrap": bootstrap,
    "e2e-ue --bsf": bootstrapping_ue,
    "mosquitto plugin": plugin,
}
