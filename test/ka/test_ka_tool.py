"""akma ka with a database: the rules of files, all or nothing, and writers beside each other.

SPDX-License-Identifier: Apache-2.0
"""

import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer import KA
from database import PASSWORDS, PROGRAMS, SEAL, Database
from evp import BUILD
from flow import ENVIRONMENT, LOOPBACK, run_to_end, write_devices
from store_cluster import private

UE, OTHER = "ue1@bsf.example.com", "ue2@bsf.example.com"
OTHER_KA = bytes(range(100, 132))
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROGRAMS is None, reason="PostgreSQL's server is not installed"),
]


@pytest.fixture(scope="module", name="server")
def start_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    """One server for all tests."""
    database = Database(tmp_path_factory.mktemp("postgresql"))
    yield database
    database.remove()


class Tool:
    """akma ka, as the registrar."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folder, self.database = folder, database
        self.key = private(folder / "ka.key", f"1:{SEAL.hex()}\n")
        self.passwords = {
            user: private(folder / f"{user}.password", f"{password}\n")
            for user, password in PASSWORDS.items()
        }

    def run(
        self, command: str, *words: str | Path, key: bool = True, user: str = "registrar"
    ) -> subprocess.CompletedProcess[str]:
        """One command."""
        where = ["--database", self.database.uri(user)]
        where += ["--ka-password-file", str(self.passwords[user])]
        where += ["--ka-key", str(self.key)] if key else []
        return run_to_end(BUILD / "tool/akma", "ka", command, *where, *words, seconds=100)

    def rows(self) -> str:
        """What the table has, the oldest first."""
        return self.database.sql("SELECT device || ' ' || ka_id FROM akma_ka ORDER BY version")

    def exported(self) -> list[str]:
        """All rows in clear."""
        result = self.run("export")
        assert result.returncode == 0, result.stderr
        return result.stdout.splitlines()[1:]


@pytest.fixture(name="tool")
def build(tmp_path: Path, server: Database) -> Tool:
    """An empty table."""
    server.sql("TRUNCATE akma_ka")
    return Tool(tmp_path, server)


def said(result: subprocess.CompletedProcess[str], status: int, text: str) -> bool:
    """Did it end so, and say that?"""
    return result.returncode == status and text in result.stdout + result.stderr


@pytest.mark.postgresql
def test_import_and_export(tool: Tool) -> None:
    """Guards against an import that reorders, repeats or loses rows, and an export that overwrites a file."""
    rows = [[UE, "", KA.hex(), "2026"], [OTHER, "", KA.hex(), ""], [UE, "", OTHER_KA.hex(), "2027"]]
    csv = write_devices(tool.folder / "in.csv", rows)
    assert said(tool.run("import", "--in", csv), 0, "3 imported")
    assert tool.rows().splitlines() == [f"{UE} 2026", f"{OTHER} ", f"{UE} 2027"]
    assert sorted(tool.exported()) == sorted(",".join(row) for row in rows)
    assert said(tool.run("import", "--in", csv), 0, "0 imported, 3 there already")
    out = tool.folder / "out.csv"
    assert tool.run("export", "--out", out, "--identity", OTHER).returncode == 0
    assert out.read_text().splitlines()[1:] == [",".join(rows[1])]
    assert out.stat().st_mode & 0o777 == 0o600
    assert said(tool.run("export", "--out", out), 1, "is there already")


@pytest.mark.postgresql
@pytest.mark.parametrize(
    "rows, text",
    [
        ([[OTHER, "", KA.hex()], [UE, "", OTHER_KA.hex()]], f"device {UE}: has another Ka"),
        ([[OTHER, "", KA.hex()], [OTHER, "", OTHER_KA.hex()]], "give them names"),
        ([[OTHER, "", KA.hex()], ["x", "", "00" * 32]], "line 3: ka: all its octets are zero"),
        ([[OTHER, "", KA.hex()], ["x", "", "0g" * 32]], "line 3: "),
    ],
)
def test_import_is_all_or_nothing(tool: Tool, rows: list[list[str]], text: str) -> None:
    """Guards against an import with one bad row that changes the table."""
    tool.database.put(UE, KA)
    result = tool.run("import", "--in", write_devices(tool.folder / "in.csv", rows))
    assert said(result, 1, text), result.stderr
    assert tool.rows() == UE


@pytest.mark.postgresql
def test_new(tool: Tool) -> None:
    """Guards against new Ka's that are in only one of the database and the devices' file."""
    out = tool.folder / "new.csv"
    words = ["--identity", UE, "--identity", OTHER, "--ka-id", "2026", "--out"]
    assert tool.run("new", *words, out).returncode == 0
    assert sorted(tool.exported()) == sorted(out.read_text().splitlines()[1:])
    again = tool.folder / "again.csv"
    assert said(tool.run("new", *words, again), 1, "has a Ka of that name already")
    assert not again.exists()
    assert said(tool.run("new", "--identity", "x", "--out", out), 1, "is there already")
    assert len(tool.exported()) == 2


@pytest.mark.postgresql
def test_add_and_remove(tool: Tool) -> None:
    """Guards against a mistyped device being added without --new, and a ka-id being given twice."""
    assert said(tool.run("add", "--identity", UE), 1, "has no device")
    assert said(tool.run("add", "--identity", UE, "--ka-id", "1", "--new"), 0, "1 added")
    assert said(tool.run("add", "--identity", UE, "--ka-id", "2"), 0, "1 added")
    assert said(tool.run("add", "--identity", UE, "--ka-id", "2"), 1, "of that name already")
    assert tool.rows().splitlines() == [f"{UE} 1", f"{UE} 2"]
    assert said(tool.run("remove", "--identity", UE, "--ka-id", "3", key=False), 1, "no such row")
    assert said(tool.run("remove", "--ka-id", "1", key=False), 0, "1 removed")
    assert tool.rows() == f"{UE} 2"


@pytest.mark.postgresql
def test_list_shows_no_key(tool: Tool) -> None:
    """Guards against a list of rows that prints a Ka, or demands the key that opens it."""
    tool.database.put(UE, KA, "2026")
    result = tool.run("list", key=False)
    header, row = result.stdout.splitlines()
    assert header == "device,ka-id,version,created,key"
    assert row.startswith(f"{UE},2026,") and row.endswith(",1")
    assert KA.hex() not in result.stdout


@pytest.mark.postgresql
def test_rekey(tool: Tool) -> None:
    """Guards against a rekey that leaves rows under the old key, changes a Ka or version, or notifies third parties."""
    csv = [[f"ue{number}", "", KA.hex(), "1"] for number in range(12000)]
    assert tool.run("import", "--in", write_devices(tool.folder / "in.csv", csv)).returncode == 0
    before = tool.exported(), tool.database.sql("SELECT sum(version) FROM akma_ka")
    private(tool.key, f"2:{SEAL[::-1].hex()}\n1:{SEAL.hex()}\n")
    assert said(tool.run("rekey"), 0, "12000 resealed")
    assert said(tool.run("rekey"), 0, "0 resealed")
    private(tool.key, f"2:{SEAL[::-1].hex()}\n")
    assert (tool.exported(), tool.database.sql("SELECT sum(version) FROM akma_ka")) == before


@pytest.mark.postgresql
def test_rekey_of_a_damaged_row(tool: Tool) -> None:
    """Guards against a rekey that stops at a damaged row with some rows changed, or without its name."""
    tool.database.put(UE, KA)
    tool.database.put(OTHER, KA)
    tool.database.sql(
        f"UPDATE akma_ka SET sealed = set_byte(sealed, 40, 1 # get_byte(sealed, 40)) WHERE device = '{UE}'"
    )
    private(tool.key, f"2:{SEAL[::-1].hex()}\n1:{SEAL.hex()}\n")
    assert said(tool.run("rekey"), 1, f"device {UE}: the row is damaged")
    listed = tool.run("list", key=False)
    rows = [line.split(",") for line in listed.stdout.splitlines()[1:]]
    assert listed.returncode == 0, listed.stderr
    assert {(row[0], row[-1]) for row in rows} == {(UE, "1"), (OTHER, "1")}


@pytest.mark.postgresql
def test_writers_beside_each_other(tool: Tool) -> None:
    """Guards against one of two simultaneous writers failing or losing its row."""
    tool.database.put(UE, KA, "0")
    results: list[subprocess.CompletedProcess[str]] = []

    def add(name: str) -> None:
        results.append(tool.run("add", "--identity", UE, "--ka-id", name))

    threads = [threading.Thread(target=add, args=(str(number),)) for number in range(1, 9)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert [result.returncode for result in results] == [0] * 8, results
    assert len(tool.rows().splitlines()) == 9


@pytest.mark.postgresql
def test_a_writer_that_does_not_wait(tool: Tool) -> None:
    """Guards against --wait 0 that waits for another writer's lock."""
    tool.database.put(UE, KA, "0")
    with tool.database.locked("SHARE ROW EXCLUSIVE"):
        result = tool.run("add", "--identity", UE, "--ka-id", "1", "--wait", "0")
    assert said(result, 1, "could not obtain lock"), result.stderr


@pytest.mark.postgresql
def test_roles(tool: Tool) -> None:
    """Guards against a database role with too many rights: an issuer that can write, or a user without --ka-key who sees a Ka."""
    tool.database.put(UE, KA, "2026")
    for words in (["remove", "--identity", UE], ["add", "--identity", UE, "--ka-id", "x"]):
        result = tool.run(*words, key=words[0] == "add", user="third_party")
        assert said(result, 1, "permission denied"), result.stderr
    private(tool.key, f"1:{bytes(32 * [7]).hex()}\n")
    result = tool.run("export")
    assert said(result, 1, "damaged, or another device's") and KA.hex() not in result.stdout


@pytest.mark.parametrize(
    "words, text",
    [
        (["list", "--database", "postgresql://u:secret@h/d"], "a password in an address"),
        (["list", "--database", "postgresql://u@h/d?sslmode"], "not an address of PostgreSQL"),
        (["list", "--database", "mysql://u:secret@h/d"], "not an address of PostgreSQL"),
        (["add", "--identity", "x"], "give either this or --database"),
        (["add", "--identity", "x", "--devices", "x", "--ka-key", "x"], "has no effect without"),
        (["remove", "--identity", "x", "--devices", "x", "--database", "x"], "give either this"),
    ],
)
def test_useless_options(words: list[str], text: str) -> None:
    """Guards against options without effect that are accepted, or whose refusal repeats a password."""
    result = run_to_end(BUILD / "tool/akma", "ka", *words)
    assert result.returncode != 0 and text in result.stderr, result.stderr
    assert "secret" not in result.stderr


@pytest.mark.postgresql
def test_tls_is_verified(tool: Tool) -> None:
    """Guards against a database's certificate being taken without a CA that vouches for it."""
    uri = tool.database.uri("registrar", socket=False).split("?", maxsplit=1)[0]
    words = ["ka", "list", "--ka-password-file", str(tool.passwords["registrar"]), "--database"]
    for end, text in (("", "root certificate"), ("?sslmode=require", "device,ka-id")):
        result = run_to_end(
            BUILD / "tool/akma",
            *words,
            uri + end,
            environment=ENVIRONMENT | {"HOME": str(tool.folder)},
        )
        assert text in result.stdout + result.stderr, result


@pytest.mark.postgresql
@pytest.mark.parametrize("by", ["address", "service", "PGSERVICE", "PGHOSTADDR"])
def test_tls_is_verified_however_the_host_is_named(tool: Tool, by: str) -> None:
    """Guards against a host named by a service or the environment being taken for a local one, without verification."""
    port = tool.database.port
    (tool.folder / "services").write_text(f"[there]\nhost={LOOPBACK}\nport={port}\n")
    uri = {
        "address": f"postgresql://registrar@/akma?hostaddr={LOOPBACK}&port={port}",
        "service": "postgresql://registrar@/akma?service=there",
        "PGSERVICE": "postgresql://registrar@/akma?application_name=x",
        "PGHOSTADDR": tool.database.uri("registrar"),
    }[by]
    environment = ENVIRONMENT | {"HOME": str(tool.folder)}
    environment |= {"PGSERVICEFILE": str(tool.folder / "services")}
    environment |= {"PGSERVICE": "there"} if by == "PGSERVICE" else {}
    environment |= {"PGHOSTADDR": LOOPBACK} if by == "PGHOSTADDR" else {}
    words = ["ka", "list", "--ka-password-file", str(tool.passwords["registrar"]), "--database"]
    for end, text in (("", "root certificate"), ("&sslmode=require", "device,ka-id")):
        result = run_to_end(BUILD / "tool/akma", *words, uri + end, environment=environment)
        assert text in result.stdout + result.stderr, result


@pytest.mark.postgresql
def test_remarks_of_the_server(tool: Tool) -> None:
    """Guards against a server's notices, which libpq by itself writes unfiltered to a terminal."""
    tool.database.sql("ALTER ROLE registrar SET client_min_messages = debug5")
    try:
        result = tool.run("list", key=False)
        assert result.returncode == 0 and result.stderr == "", result
    finally:
        tool.database.sql("ALTER ROLE registrar RESET client_min_messages")
