"""Ka's in PostgreSQL: found, revoked, and what happens while the database has its own troubles.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer import FQDN, IDENTITY, KA, KS_NAF
from database import PASSWORDS, PROGRAMS, SEAL, Database
from evp import BUILD
from flow import (
    ENVIRONMENT,
    LONG,
    LOOPBACK,
    SECONDS,
    Process,
    StockClient,
    ue,
    wait_until,
    with_free_ports,
)
from flow import write_devices
from link import Program, Sides
from names import Names
from openssl_cli import EXAMPLE
from process_memory import holds, is_gone
from project import ROOT
from sanitizer import SANITIZED, unless_sanitized
from wire import Wire
from store_cluster import Part, Redis, Site, flag_of, key_of, private, works

ADMIN = {"PGUSER": "postgres"}
OTHER_KA = bytes(range(100, 132))
pytestmark = [
    pytest.mark.postgresql,
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAMS is None, reason="PostgreSQL's server is not installed"),
]


@pytest.fixture(scope="module", name="server")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One server for all tests, each of which begins with one row."""
    database = Database(tmp_path_factory.mktemp("postgresql"))
    yield database
    database.remove()


@pytest.fixture(name="database")
def begin(server: Database) -> Database:
    """The device's row alone."""
    server.sql("TRUNCATE akma_ka")
    server.put(IDENTITY, KA, "2026")
    return server


class KaSite:
    """Files and processes of a deployment that has its Ka's in a database."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database = folder, database
        self.naf = write_devices(folder / "naf.csv", [[IDENTITY, KS_NAF.hex(), ""]])
        row = [IDENTITY, KS_NAF.hex(), KA.hex(), "2026"]
        self.devices = write_devices(folder / "ue.csv", [row])
        self.key = private(folder / "ka.key", f"1:{SEAL.hex()}\n")
        self.password = private(folder / "password", PASSWORDS["third_party"] + "\n")
        self.parts: list[Process] = []

    def options(self, uri: str | None = None) -> list[str]:
        """Where Ka is."""
        return [
            *["--ka-source", uri or self.database.uri(), "--ka-key", str(self.key)],
            *["--ka-password-file", str(self.password)],
        ]

    def all_in_one(
        self,
        *options: str,
        uri: str | None = None,
        environment: dict[str, str] | None = None,
    ) -> tuple[Process, str, str]:
        """The server, and where it listens."""
        server = Process(
            BUILD / "e2e/e2e-as",
            *["--accept", f"{LOOPBACK}:0", "--e2e-accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN],
            *["--devices", str(self.naf), *self.options(uri), *options],
            environment=environment,
        )
        self.parts.append(server)
        first, second = Part(server, "accept").address, Part(server, "e2e-accept").address
        return server, first, second

    def flow(self, naf: str, endpoint: str) -> subprocess.CompletedProcess[str]:
        """One flow."""
        return ue(self.devices, IDENTITY, naf, endpoint)

    def works(self, naf: str, endpoint: str) -> bool:
        """Does a flow work?"""
        return self.flow(naf, endpoint).stdout == "e2e: hello\n"


@pytest.fixture(name="ka_site")
def build(tmp_path: Path, database: Database) -> Iterator[KaSite]:
    """A deployment."""
    ka_site = KaSite(tmp_path, database)
    yield ka_site
    for part in ka_site.parts:
        part.stop()


@contextlib.contextmanager
def held(naf: str, endpoint: str) -> Iterator[StockClient]:
    """A connection on a key of the device's."""
    flag = flag_of(naf)
    with StockClient(endpoint, flag["identity"], key_of(flag)) as client:
        client.write(b"x\n")
        assert client.read() == b"e2e: x"
        yield client


def ends(client: StockClient) -> bool:
    """Does it end, without anything else that happens?"""
    with contextlib.suppress(subprocess.TimeoutExpired):
        client.process.wait(SECONDS)
    return client.process.poll() is not None


@pytest.mark.parametrize("local", [True, False], ids=["socket", "TLS"])
def test_flow(ka_site: KaSite, local: bool) -> None:
    """Guards against a Ka that is not found over a socket or TLS, and an older row that is used instead of the
    newest.
    """
    uri = ka_site.database.uri(socket=local)
    server, naf, endpoint = ka_site.all_in_one(uri=uri)
    assert ka_site.works(naf, endpoint), server.errors
    ka_site.database.put(IDENTITY, OTHER_KA, "2027")
    assert flag_of(naf)["ka-id"] == "2027"
    server.wait_for_error("event=ka-up")


def test_check(ka_site: KaSite, tmp_path: Path) -> None:
    """Guards against a --check that passes a refused password, a missing table or a server that is away."""
    naf = ["--accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN, "--devices", str(ka_site.naf)]

    def faults(uri: str | None = None) -> list[str]:
        checking = Process(BUILD / "e2e/e2e-as", *naf, *ka_site.options(uri), "--check")
        with checking:
            said = iter(checking.read, b"")
            return [line.decode() for line in said if line.startswith(b"not ok ")]

    assert faults() == []
    ka_site.password.write_text("wrong\n")
    assert len(faults()) == 1 and "--ka-source" in faults()[0]
    ka_site.password.write_text(PASSWORDS["third_party"] + "\n")
    assert "does not exist" in faults(ka_site.database.uri().replace("/akma?", "/postgres?"))[0]
    [fault] = faults(f"postgresql://x@{LOOPBACK}:1/x?sslmode=disable")
    assert "'127.0.0.1'" in fault and "\\x" not in fault  # readable, however often it was filtered
    [fault] = faults(f"postgresql://x@{LOOPBACK}:1/x?sslmode=bogus")
    assert "sslmode" in fault


@unless_sanitized
def test_remanence(ka_site: KaSite) -> None:
    """Guards against a Ka that stays in memory after its key is made, or after a damaged row."""
    server, naf, endpoint = ka_site.all_in_one()
    with held(naf, endpoint):
        assert is_gone(server.process.pid, KA)
        assert holds(server.process.pid, SEAL), "what is there is found"
    ka_site.database.sql("UPDATE akma_ka SET sealed = set_byte(sealed, 50, 1)")
    refusal(ka_site, server, naf, "damaged")
    assert is_gone(server.process.pid, KA)


def test_device_without_row(ka_site: KaSite) -> None:
    """Guards against a device without a row being refused, instead of the answer that it has no Ka."""
    server, naf, _ = ka_site.all_in_one()
    ka_site.database.remove_row(IDENTITY, "2026")
    assert flag_of(naf) == {"e2e": 0}, server.errors


def test_removed_and_replaced(ka_site: KaSite) -> None:
    """Guards against keys or connections that outlive the commit which removes or replaces their Ka by a second."""
    server, naf, endpoint = ka_site.all_in_one()
    for change in ("replaced", "removed"):
        with held(naf, endpoint) as client:
            outstanding = flag_of(naf)
            if change == "removed":
                ka_site.database.remove_row(IDENTITY, "2026")
            else:
                ka_site.database.sql("UPDATE akma_ka SET sealed = sealed")
            assert ends(client), server.errors
            assert not works(endpoint, outstanding)
    server.wait_for_error("event=row-removed")


def test_removed_before_the_next_flags(ka_site: KaSite) -> None:
    """Guards against a removal that waits for a timer: of two flags asked for after it, the second comes after its end."""
    ka_site.database.put("other@bsf.example.com", OTHER_KA, "2026")
    names = (IDENTITY, "other@bsf.example.com")
    write_devices(ka_site.naf, [[name, KS_NAF.hex(), ""] for name in names])
    server, naf, endpoint = ka_site.all_in_one()
    with held(naf, endpoint) as client:
        ka_site.database.remove_row(IDENTITY, "2026")
        for _ in range(
            2
        ):  # PostgreSQL may tell of it behind the answer to a question that is there already
            assert flag_of(naf, names[1])["e2e"] == 1
        client.process.wait(60)
    flags = f"event=flag endpoint=naf .*identity={names[1]}"
    wait_until(lambda: len(re.findall(flags, server.errors)) == 2)
    lines = server.errors.splitlines()
    second = [at for at, line in enumerate(lines) if re.search(flags, line)][1]
    assert any(
        re.search("event=closed endpoint=e2e .*revoked", line) for line in lines[:second]
    ), server.errors


def test_missed_while_away(ka_site: KaSite) -> None:
    """Guards against a removal that is missed because the connection to the database was away."""
    server, naf, endpoint = ka_site.all_in_one()
    with held(naf, endpoint) as client:
        ka_site.database.stop()
        wait_until(lambda: "event=ka-down" in server.errors and "failed: " in server.errors)
        assert "\\x" not in server.errors, "a reason can be read"
        client.write(b"x\n")
        assert client.read() == b"e2e: x"  # nobody ends what nobody has removed
        with alone(ka_site.database):
            ka_site.database.remove_row(IDENTITY, "2026")
        ka_site.database.start()
        client.process.wait(30)
    wait_until(lambda: server.errors.count("event=ka-up") == 2)


@contextlib.contextmanager
def alone(database: Database) -> Iterator[None]:
    """The server runs, and nobody but its owner can log in."""
    hba = database.data / "pg_hba.conf"
    text = hba.read_text()
    hba.write_text("local all postgres trust\n")
    database.start()
    yield
    database.stop()
    hba.write_text(text)


def test_killed_in_the_middle_of_flows(ka_site: KaSite) -> None:
    """Guards against a killed database that costs held connections, sends a flow in plain, or is never asked again."""
    server, naf, endpoint = ka_site.all_in_one("--ka-timeout", "1")
    with held(naf, endpoint) as client:
        ka_site.database.kill()
        result = ka_site.flow(naf, endpoint)
        assert result.returncode != 0 and result.stdout == ""
        wait_until(lambda: "event=refused" in server.errors)
        ka_site.database.start()
        wait_until(lambda: ka_site.works(naf, endpoint))
        client.write(b"x\n")
        assert client.read() == b"e2e: x"
    assert "plain" not in server.errors


WAITING = (
    "SELECT count(*) FROM pg_stat_activity "
    "WHERE usename = 'third_party' AND wait_event_type = 'Lock'"
)
LOST = {
    "ended": (
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'third_party'",
        "SELECT 1",
    ),
    "given up": (
        "ALTER SYSTEM SET default_transaction_read_only = on",
        "ALTER SYSTEM RESET default_transaction_read_only",
    ),
}


@pytest.mark.parametrize("how", LOST)
def test_lost_connections_leave_nothing(ka_site: KaSite, how: str) -> None:
    """Guards against a lost database connection that leaves a descriptor or 100 KiB behind."""
    server, naf, endpoint = ka_site.all_in_one()
    folder = Path(f"/proc/{server.process.pid}")

    def lose() -> None:
        downs = server.errors.count("event=ka-down")
        for statement in LOST[how]:
            ka_site.database.sql(statement)
            ka_site.database.sql("SELECT pg_reload_conf()")
            wait_until(lambda: server.errors.count("event=ka-down") > downs)
        wait_until(lambda: ka_site.works(naf, endpoint))

    def kept() -> tuple[int, int]:
        return len(list((folder / "fd").iterdir())), int((folder / "statm").read_text().split()[1])

    for _ in range(2):
        lose()
    descriptors, pages = kept()
    for _ in range(4):
        lose()
    wait_until(lambda: kept()[0] <= descriptors)
    assert kept()[1] < pages + 128


def test_look_up_waits_for_the_database(ka_site: KaSite) -> None:
    """Guards against a look-up that fails at once when the database restarts, long before --ka-timeout."""
    server, naf, endpoint = ka_site.all_in_one("--ka-timeout", "30", "--line-timeout", "60")
    assert ka_site.works(naf, endpoint)
    ka_site.database.kill()
    with StockClient(naf, f"3GPP-bootstrapping.{IDENTITY}", KS_NAF) as client:
        client.write(b'{"nonce":"' + b"00" * 16 + b'"}\n')
        wait_until(lambda: "event=ka-down" in server.errors)
        ka_site.database.start()
        assert b'"e2e":1' in client.read(), server.errors


@pytest.mark.parametrize("how", ["killed", "shut down"])
def test_look_up_waits_for_the_next_connection(ka_site: KaSite, how: str) -> None:
    """Guards against a look-up that the database has, and that fails as it goes away before its answer."""
    database = ka_site.database
    server, naf, endpoint = ka_site.all_in_one("--ka-timeout", "30", "--line-timeout", "60")
    assert ka_site.works(naf, endpoint)
    with StockClient(naf, f"3GPP-bootstrapping.{IDENTITY}", KS_NAF) as client:
        with database.locked("ACCESS EXCLUSIVE"):
            client.write(b'{"nonce":"' + b"00" * 16 + b'"}\n')
            wait_until(lambda: database.sql(WAITING) == "1")
            if how == "killed":
                database.kill()
            else:
                database.stop()
            server.wait_for_error("event=ka-down")
        database.start()
        assert b'"e2e":1' in client.read(), server.errors


def refusal(ka_site: KaSite, server: Process, naf: str, reason: str) -> None:
    """A flow is refused with this reason; on a busy machine the loop that asks may give up first, and say less."""

    def refusals() -> list[str]:
        return [line for line in server.errors.splitlines() if "event=refused" in line]

    def is_refused() -> bool:
        before = len(refusals())
        with StockClient(naf, f"3GPP-bootstrapping.{IDENTITY}", KS_NAF) as client:
            client.write(b'{"nonce":"' + b"00" * 16 + b'"}\n')
            assert client.read() == b""
        wait_until(lambda: len(refusals()) > before)
        return any(reason in line for line in refusals()[before:])

    wait_until(is_refused)


def test_many_rows_at_once(ka_site: KaSite) -> None:
    """Guards against memory by the megabyte for each thousand rows that are removed at once."""
    rows = "SELECT 'x' || n, decode(repeat('00', 69), 'hex') FROM generate_series(1, 20000) n"
    ka_site.database.sql(f"TRUNCATE akma_ka; INSERT INTO akma_ka (device, sealed) {rows}")
    ka_site.database.put(IDENTITY, KA, "2026")  # the last one that is told
    server, naf, endpoint = ka_site.all_in_one()

    def most() -> int:
        status = Path(f"/proc/{server.process.pid}/status").read_text()
        return int(status.split("VmHWM:")[1].split()[0])

    with held(naf, endpoint) as client:
        before = most()
        ka_site.database.sql("DELETE FROM akma_ka")
        assert ends(client)
    assert "revocations-missed" not in server.errors
    assert most() - before < (400 if SANITIZED else 100) * 1024


def test_more_rows_than_are_remembered(ka_site: KaSite) -> None:
    """Guards against a removal that is missed since its row was forgotten: after an outage all keys are revoked then."""
    ka_site.database.put("other@bsf.example.com", OTHER_KA, "2026")
    write_devices(
        ka_site.naf,
        [[name, KS_NAF.hex(), ""] for name in (IDENTITY, "other@bsf.example.com")],
    )
    server, naf, endpoint = ka_site.all_in_one("--ka-rows-max", "1")
    with held(naf, endpoint) as client:
        assert flag_of(naf, "other@bsf.example.com")["e2e"] == 1
        client.write(b"x\n")
        assert client.read() == b"e2e: x"
        ka_site.database.kill()
        wait_until(lambda: "event=ka-down" in server.errors)
        ka_site.database.start()
        client.process.wait(60)
    server.wait_for_error("event=revocations-missed")
    assert ka_site.works(naf, endpoint), server.errors


@pytest.mark.parametrize(
    "row", ["('a,b', '')", "(E'a\\nb', '')", "('', '')", "('', 'a b')", "(repeat('x', 256), '')"]
)
def test_the_table_of_what_is_revoked(ka_site: KaSite, row: str) -> None:
    """Guards against a row that revokes nothing, or everything, since it is written otherwise than names are."""
    with pytest.raises(subprocess.CalledProcessError):
        ka_site.database.sql(f"INSERT INTO akma_ka_revoked (device, ka_id) VALUES {row}")
    assert ka_site.database.sql("SELECT count(*) FROM akma_ka_revoked") == "0"


@pytest.mark.skipif(SANITIZED, reason="another library is preloaded")
def test_names_that_are_not_resolved(ka_site: KaSite) -> None:
    """Guards against a look-up that waits as long as the system's resolver does."""
    names = Names(ka_site.folder)
    names.set("database.example", LOOPBACK, seconds=2 * LONG)
    uri = ka_site.database.uri(socket=False).replace(f"@{LOOPBACK}", "@database.example")
    server, naf, _ = ka_site.all_in_one("--ka-timeout", "1", uri=uri, environment=names.environment)
    refusal(ka_site, server, naf, "Ka's database: no answer in time")


def test_remarks_of_the_server(ka_site: KaSite) -> None:
    """Guards against a server's notices, which libpq by itself writes unfiltered to standard error."""
    ka_site.database.sql("ALTER ROLE third_party SET client_min_messages = debug5")
    try:
        server, naf, endpoint = ka_site.all_in_one()
        assert ka_site.works(naf, endpoint)
        assert "DEBUG" not in server.errors
    finally:
        ka_site.database.sql("ALTER ROLE third_party RESET client_min_messages")


def through(wire: Wire, database: Database) -> str:
    """The address by way of a wire."""
    return database.uri(socket=False).replace(f":{database.port}/", f":{wire.port}/")


def test_a_database_that_says_nothing(ka_site: KaSite) -> None:
    """Guards against a look-up that waits for ever on a hanging connection, or goes on using it."""
    with Wire(f"{LOOPBACK}:{ka_site.database.port}") as wire:
        uri = through(wire, ka_site.database)
        server, naf, endpoint = ka_site.all_in_one("--ka-timeout", "1", uri=uri)
        with held(naf, endpoint) as client:
            wire.hush()
            refusal(ka_site, server, naf, "")
            wait_until(lambda: ka_site.works(naf, endpoint))
            ka_site.database.remove_row(IDENTITY, "2026")
            client.process.wait(30)
    server.wait_for_error("does not answer")


@pytest.mark.parametrize("silent", [False, True], ids=["refuses", "says nothing"])
def test_failing_over(ka_site: KaSite, silent: bool) -> None:
    """Guards against a second database host that is not tried when the first is down or hangs."""
    with socket.create_server((LOOPBACK, 0)) as away:
        port = away.getsockname()[1]
        if not silent:
            away.close()
        here = f"{LOOPBACK}:{ka_site.database.port}"
        uri = ka_site.database.uri(socket=False).replace(here, f"{LOOPBACK}:{port},{here}")
        server, naf, endpoint = ka_site.all_in_one("--ka-timeout", "1", uri=uri)
        wait_until(lambda: ka_site.works(naf, endpoint))
    server.wait_for_error("event=ka-up")


def test_read_only(ka_site: KaSite) -> None:
    """Guards against a standby, whose rows may be stale, being used as the database."""
    server, naf, endpoint = ka_site.all_in_one("--ka-timeout", "1")
    assert ka_site.works(naf, endpoint)
    ka_site.database.sql("ALTER SYSTEM SET default_transaction_read_only = on")
    ka_site.database.sql("SELECT pg_reload_conf()")
    wait_until(lambda: "event=ka-down" in server.errors)
    refusal(ka_site, server, naf, "read-only")
    ka_site.database.sql("ALTER SYSTEM RESET default_transaction_read_only")
    ka_site.database.sql("SELECT pg_reload_conf()")
    wait_until(lambda: ka_site.works(naf, endpoint))


def test_password_changed(ka_site: KaSite) -> None:
    """Guards against a password that is read once at the start, so that a change of it takes a restart."""
    server, naf, endpoint = ka_site.all_in_one("--ka-timeout", "1")
    assert ka_site.works(naf, endpoint)
    ka_site.database.sql("ALTER USER third_party PASSWORD 'another'")
    ka_site.database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'third_party'"
    )
    wait_until(lambda: "event=ka-down" in server.errors)
    refusal(ka_site, server, naf, "password authentication failed")
    private(ka_site.password, "another\n")
    wait_until(lambda: ka_site.works(naf, endpoint))
    ka_site.database.sql(f"ALTER USER third_party PASSWORD '{PASSWORDS['third_party']}'")


def test_no_kerberos(ka_site: KaSite, tmp_path: Path) -> None:
    """Guards against a libpq connection that looks for Kerberos tickets, where it has crashed when memory ran out."""
    trace = tmp_path / "kerberos"
    environment = ENVIRONMENT | {"KRB5_TRACE": str(trace)}
    _, naf, endpoint = ka_site.all_in_one(
        uri=ka_site.database.uri(socket=False), environment=environment
    )
    wait_until(lambda: ka_site.works(naf, endpoint))
    assert not trace.exists()


def test_a_password_that_is_none(ka_site: KaSite) -> None:
    """Guards against an empty or public password file that a start or SIGHUP accepts, and the next connection
    refuses.
    """
    server, _, _ = ka_site.all_in_one()
    server.wait_for_error("event=start")
    for mode, text, why in ((0o600, "\n", "first line"), (0o644, "x\n", "chmod 600 it")):
        ka_site.password.write_text(text)
        ka_site.password.chmod(mode)
        before = server.errors.count("event=reload")
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda before=before: server.errors.count("event=reload") > before)  # type: ignore[misc]
        assert f"--ka-password-file {ka_site.password}: " in server.wait_for_error(why)
    other = Process(
        BUILD / "e2e/e2e-as",
        *["--accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN, "--devices", str(ka_site.naf)],
        *ka_site.options(),
    )
    ka_site.parts.append(other)
    assert other.wait() == 1 and f"--ka-password-file {ka_site.password}: " in other.errors
    private(ka_site.password, PASSWORDS["third_party"] + "\n")


@pytest.mark.parametrize(
    "change, reason",
    [
        (
            "set_byte(sealed, octet_length(sealed) - 1, get_byte(sealed, octet_length(sealed) - 1) # 1)",
            "damaged",
        ),
        ("set_byte(sealed, 0, 9)", "another version"),
        ("set_byte(sealed, 4, 77)", "a key that --ka-key does not have"),
        ("set_byte(sealed, 20, get_byte(sealed, 20) # 1)", "damaged"),
    ],
)
def test_damaged_rows(ka_site: KaSite, change: str, reason: str) -> None:
    """Guards against a sealed row with an altered octet that is taken for no Ka, or opened."""
    server, naf, endpoint = ka_site.all_in_one()
    before = ka_site.database.sql("SELECT sealed FROM akma_ka")
    ka_site.database.sql(f"UPDATE akma_ka SET sealed = {change}")
    refusal(ka_site, server, naf, reason)
    ka_site.database.sql(f"UPDATE akma_ka SET sealed = '{before}'")
    wait_until(lambda: ka_site.works(naf, endpoint))


def test_row_of_another_device(ka_site: KaSite) -> None:
    """Guards against a sealed Ka that still opens after somebody has copied it to another device's row."""
    server, naf, _ = ka_site.all_in_one()
    ka_site.database.put("other@bsf.example.com", OTHER_KA, "2026")
    ka_site.database.sql(
        "UPDATE akma_ka SET sealed = (SELECT sealed FROM akma_ka WHERE device LIKE 'other%') "
        f"WHERE device = '{IDENTITY}'"
    )
    refusal(ka_site, server, naf, "another device")


def test_a_key_is_taken_at_a_reload(ka_site: KaSite) -> None:
    """Guards against a new key of --ka-key that SIGHUP does not read."""
    server, naf, endpoint = ka_site.all_in_one()
    ka_site.database.sql("TRUNCATE akma_ka")
    ka_site.database.put(IDENTITY, KA, "2026", key=SEAL[::-1], number=2)
    refusal(ka_site, server, naf, "a key that --ka-key does not have")
    private(ka_site.key, f"2:{SEAL[::-1].hex()}\n1:{SEAL.hex()}\n")
    server.process.send_signal(1)
    server.wait_for_error("event=reload result=applied")
    assert ka_site.works(naf, endpoint), server.errors


@pytest.mark.skipif(SANITIZED, reason="the tool's leaks of libpq are not ours")
def test_the_commands_of_the_page(tmp_path: Path, server: Database) -> None:
    """Guards against a command of docs/deployment.md about databases that no longer works."""
    text = (ROOT / "docs/deployment.md").read_text()
    (commands,) = re.findall(r"^```sh\n(umask[^`]*?createdb.*?)^```$", text, re.M | re.S)
    for name, target in ("build", BUILD), ("examples", ROOT / "examples"), (EXAMPLE.name, EXAMPLE):
        (tmp_path / name).symlink_to(target)
    result = subprocess.run(
        ["sh", "-c", with_free_ports(commands, "4433", "4434")],
        cwd=tmp_path,
        env=os.environ | {"PGHOST": str(server.home), "PGPORT": str(server.port)} | ADMIN,
        capture_output=True,
        text=True,
        timeout=90,
        check=False,
    )
    lines = result.stdout.splitlines()
    assert "e2e: through a database" in lines and lines[-1] == "no flag any more", result.stderr
    assert "device,ka-id,version,created,key" in lines


def test_separate_third_party(tmp_path: Path, ka_site: KaSite) -> None:
    """Guards against a third party without a devices file that cannot ask its database while a NAF waits."""
    sides = Sides(tmp_path)
    here = ["--naf-accept", f"{LOOPBACK}:0", "--e2e-accept", f"{LOOPBACK}:0"]
    with Program(*here, *sides.options(sides.third_party), *ka_site.options()) as third_party:
        with sides.run_naf(ka_site.naf, third_party.addresses["naf-accept"]) as naf:
            at = naf.addresses["accept"], third_party.addresses["e2e-accept"]
            assert ka_site.works(*at), third_party.errors + naf.errors
            ka_site.database.remove_row(IDENTITY, "2026")
            assert flag_of(at[0]) == {"e2e": 0}


@pytest.mark.redis
def test_separate_endpoints(tmp_path: Path, ka_site: KaSite) -> None:
    """Guards against a removed row that does not end connections at an endpoint in another process."""
    site = Site(tmp_path, Redis(tmp_path))
    try:
        naf = Part(
            site._start(  # pylint: disable=protected-access
                BUILD / "e2e/e2e-as",
                *["--accept", f"{LOOPBACK}:0", "--naf-fqdn", FQDN, "--devices", str(ka_site.naf)],
                *[*site.store("third_party"), *ka_site.options()],
            ),
            "accept",
        )
        endpoint = site.endpoint()
        with held(naf.address, endpoint.address) as client:
            ka_site.database.remove_row(IDENTITY, "2026")
            assert ends(client), naf.process.errors
    finally:
        site.stop()
