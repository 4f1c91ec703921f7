"""A PostgreSQL of the test's own, with the example's table and users, and rows sealed by another hand.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path

from certificates import Authority
from project import ROOT
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flow import LOOPBACK, free_port, wait_until
from needs import needs

SEAL = bytes(range(11, 43))
PASSWORDS = {"third_party": "tp-secret", "registrar": "re-secret"}
PROGRAMS = next(iter(sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)), None)
PLAIN = {name: value for name, value in os.environ.items() if name != "LD_PRELOAD"}
USER = "postgres" if os.getuid() == 0 else pwd.getpwuid(os.getuid()).pw_name


def seal(device: str, ka_id: str, ka: bytes, key: bytes = SEAL, number: int = 1) -> bytes:
    """A row's sealed Ka."""
    salt = secrets.token_bytes(32)
    head = b"\1" + number.to_bytes(4, "big") + salt
    names = [name.encode() for name in (device, ka_id)]
    data = head + b"akma-ka" + b"".join(len(name).to_bytes(2, "big") + name for name in names)
    derived = HKDF(SHA256(), 44, salt, b"akma ka row").derive(key)
    return head + AESGCM(derived[:32]).encrypt(derived[32:], ka, data)


def as_user() -> dict[str, object]:
    """How Popen runs something as the server's user, which is never root."""
    if os.getuid() != 0:
        return {}
    entry = pwd.getpwnam(USER)
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


class Database:
    """One server on a socket of its own and on the loopback, over TLS there."""

    def __init__(self, folder: Path, *settings: str) -> None:
        needs("postgresql")
        self.folder = folder
        self.home = Path(tempfile.mkdtemp(prefix="akma-pg-"))
        self.data, self.port = self.home / "data", free_port()
        self.authority = Authority(folder)
        self._own(self.home)
        self._run("initdb", "-D", str(self.data), "-U", "postgres", "-A", "trust", "--no-sync")
        self._certificates()
        self._configure(settings)
        self.server: subprocess.Popen[bytes] | None = None
        self.start()
        self._fill()

    def _own(self, path: Path) -> None:
        if os.getuid() == 0:
            shutil.chown(path, USER, pwd.getpwnam(USER).pw_gid)

    def _run(self, program: str, *words: str) -> None:
        assert PROGRAMS
        subprocess.run(
            [PROGRAMS / program, *words],
            check=True,
            capture_output=True,
            timeout=120,
            cwd="/",
            env=PLAIN,
            **as_user(),  # type: ignore[call-overload]
        )

    def _certificates(self) -> None:
        for name, path in zip(("server.crt", "server.key"), self.authority.issue("pg", LOOPBACK)):
            shutil.copy(path, self.data / name)
            (self.data / name).chmod(0o600)
            self._own(self.data / name)

    def _configure(self, settings: Iterable[str]) -> None:
        lines = [
            f"port = {self.port}",
            f"listen_addresses = '{LOOPBACK}'",
            f"unix_socket_directories = '{self.home}'",
            "ssl = on",
            "fsync = off",
            "max_connections = 40",
            "shared_buffers = 64MB",
            *settings,
        ]
        with (self.data / "postgresql.conf").open("a") as file:
            file.write("\n".join(lines) + "\n")
        rows = ["local all postgres trust", "local all all scram-sha-256"]
        rows += [f"hostssl all all {LOOPBACK}/32 scram-sha-256"]
        (self.data / "pg_hba.conf").write_text("\n".join(rows) + "\n")

    def start(self) -> None:
        """Start it, and wait until it answers."""
        assert PROGRAMS
        with (self.home / "log").open("ab") as log:
            self.server = subprocess.Popen(
                [PROGRAMS / "postgres", "-D", str(self.data)],
                stdout=log,
                stderr=log,
                cwd="/",
                env=PLAIN,
                **as_user(),  # type: ignore[call-overload]
            )
        wait_until(self.answers)

    def answers(self) -> bool:
        """Does it take connections? One that found the socket taken by a killed one is started again."""
        assert self.server
        if self.server.poll() is not None:
            self.start()
        with contextlib.suppress(subprocess.CalledProcessError):
            return self.sql("SELECT 1", database="postgres") == "1"
        return False

    def kill(self) -> None:
        """kill -9 of the postmaster and of everything that it has started."""
        assert self.server
        children = Path(f"/proc/{self.server.pid}/task/{self.server.pid}/children").read_text()
        for pid in (self.server.pid, *map(int, children.split())):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.server.wait()

    def stop(self) -> None:
        """Shut it down at once; a second time is fine."""
        assert self.server
        if self.server.poll() is None:
            self.server.send_signal(signal.SIGINT)
            try:
                self.server.wait(30)
            except subprocess.TimeoutExpired:
                self.kill()

    def remove(self) -> None:
        """The end."""
        self.stop()
        shutil.rmtree(self.home, ignore_errors=True)

    def _fill(self) -> None:
        self.sql("CREATE DATABASE akma", database="postgres")
        subprocess.run(
            ["psql", *self._where("akma"), "-v", "ON_ERROR_STOP=1", "-1", "-q", "-f"]
            + [str(ROOT / "examples/postgresql/schema.sql")],
            check=True,
            timeout=60,
            capture_output=True,
            env=PLAIN,
        )
        roles = {"third_party": "akma_ka_issuer", "registrar": "akma_ka_registrar"}
        for user, role in roles.items():
            self.sql(f"CREATE USER {user} PASSWORD '{PASSWORDS[user]}' IN ROLE {role}")

    def _where(self, database: str) -> list[str]:
        return ["-X", "-h", str(self.home), "-p", str(self.port), "-U", "postgres", "-d", database]

    def sql(
        self, command: str, *, database: str = "akma", text: str | None = None, seconds: float = 120
    ) -> str:
        """What psql prints for the owner of everything; text is its standard input."""
        result = subprocess.run(
            ["psql", *self._where(database), "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c"]
            + [command],
            input=text,
            stdin=subprocess.DEVNULL if text is None else None,
            capture_output=True,
            text=True,
            timeout=seconds,
            check=True,
            env=PLAIN | {"PGOPTIONS": "-c default_transaction_read_only=off"},
        )
        return result.stdout.strip()

    @contextlib.contextmanager
    def locked(self, mode: str) -> Iterator[None]:
        """Another transaction holds the table of Ka's in a mode of LOCK TABLE."""
        with subprocess.Popen(
            ["psql", *self._where("akma"), "-q"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=PLAIN,
        ) as other:
            assert other.stdin and other.stdout
            other.stdin.write(f"BEGIN; LOCK TABLE akma_ka IN {mode} MODE; \\echo locked\n".encode())
            other.stdin.flush()
            assert other.stdout.readline() == b"locked\n"
            yield

    def put(self, device: str, ka: bytes, ka_id: str = "", **sealing: object) -> None:
        """A row."""
        sealed = seal(device, ka_id, ka, **sealing)  # type: ignore[arg-type]
        self.sql(
            "INSERT INTO akma_ka (device, ka_id, sealed) VALUES "
            f"('{device}', '{ka_id}', '\\x{sealed.hex()}')"
        )

    def remove_row(self, device: str, ka_id: str = "") -> None:
        """One row less."""
        self.sql(f"DELETE FROM akma_ka WHERE device = '{device}' AND ka_id = '{ka_id}'")

    def uri(self, user: str = "third_party", *, socket: bool = True) -> str:
        """Where it is, for a user."""
        if socket:
            return f"postgresql://{user}@/akma?host={self.home}&port={self.port}"
        root = f"?sslrootcert={self.authority.file}"
        return f"postgresql://{user}@{LOOPBACK}:{self.port}/akma{root}"
