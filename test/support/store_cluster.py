"""Third parties, endpoints, UEs that listen, and the Redis between them.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import hashlib
import secrets
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import reference
from certificates import Authority
from consumer import FOREIGN, FQDN, IDENTITY, KA, KS_NAF, NAF_ID, Listening
from evp import BUILD
from flow import ENVIRONMENT, LOOPBACK, Process, StockClient, free_port, split, ue, wait_until
from flow import write_devices
from needs import needs
from project import ROOT

WRAP = bytes(range(7, 39))
OLD_WRAP = bytes(range(90, 122))
USERS = {
    "akma-third-party": "tp-secret",
    "akma-endpoint": "ep-secret",
    "akma-admin": "aa-secret",
    "admin": "admin-secret",
}


def private(path: Path, text: str) -> Path:
    """A file for its owner alone."""
    path.touch(mode=0o600)
    path.write_text(text)
    return path


class Redis:
    """A redis-server with the example's users (and an admin), or without any."""

    def __init__(self, folder: Path, *, tls: bool = False, users: bool = False) -> None:
        needs("redis")
        self.folder, self.tls, self.users, self.port = folder, tls, users, free_port()
        self.url = f"{'rediss' if tls else 'redis'}://{LOOPBACK}:{self.port}"
        self.authority = Authority(folder)
        certificate, key = self.authority.issue("redis", LOOPBACK)
        kind = "tls-port" if tls else "port"
        lines = [f"bind {LOOPBACK}", "port 0", f"{kind} {self.port}", 'save ""', f"dir {folder}"]
        lines += [f"tls-cert-file {certificate}", f"tls-key-file {key}", "tls-auth-clients no"]
        if users:
            self.write_users()
            lines += [f"aclfile {folder}/users.acl"]
        private(folder / "redis.conf", "\n".join(lines[: None if tls else 5] + lines[8:]) + "\n")
        self.server = self._start()

    def write_users(self) -> None:
        """The example's users with passwords, and one who may do everything."""
        text = (ROOT / "examples/redis/users.acl").read_text()
        for user in ("akma-third-party", "akma-endpoint", "akma-admin"):
            place = user.removeprefix("akma-").upper()
            digest = hashlib.sha256(USERS[user].encode()).hexdigest()
            assert text.count(f"#{place}-SHA256") == 1
            text = text.replace(f"{place}-SHA256", digest)
        private(self.folder / "users.acl", text + f"user admin on >{USERS['admin']} ~* &* +@all\n")

    def _start(self) -> Listening:
        return Listening(self.port, "redis-server", self.folder / "redis.conf")

    def stop(self) -> None:
        """End it; a second time is fine."""
        self.server.stop()

    def restart(self) -> None:
        """Another run of it, with what its folder has."""
        self.server.stop()
        self.server = self._start()

    def ask(self, *words: str | bytes, user: str = "admin") -> bytes:
        """What redis-cli prints, as a user; octets go in through standard input."""
        last = words[-1] if isinstance(words[-1], bytes) else None
        plain = [word for word in words if isinstance(word, str)]
        who = ["--user", user, "--pass", USERS[user]] if self.users else []
        secure = ["--tls", "--cacert", str(self.authority.file)] if self.tls else []
        result = subprocess.run(
            ["redis-cli", "-h", LOOPBACK, "-p", str(self.port), "--no-auth-warning", *who, *secure]
            + (["-x"] if last is not None else ["--raw"])
            + plain,
            input=last,
            stdin=subprocess.DEVNULL if last is None else None,
            capture_output=True,
            timeout=20,
            check=True,
            env=FOREIGN,
        )
        return result.stdout.removesuffix(b"\n")

    @property
    def run_id(self) -> str:
        """Which run this is."""
        lines = self.ask("info", "server").decode().splitlines()
        return next(line for line in lines if line.startswith("run_id:")).removeprefix("run_id:")


class Site:
    """What the parts of one deployment have in common: files and the store."""

    def __init__(self, folder: Path, redis: Redis) -> None:
        self.folder, self.redis = folder, redis
        self.devices = write_devices(
            folder / "devices.csv", [[IDENTITY, KS_NAF.hex(), KA.hex(), "2026"]]
        )
        self.store_key = private(folder / "store.key", f"2:{WRAP.hex()}\n1:{OLD_WRAP.hex()}\n")
        self.parts: list[Process] = []

    def store(self, user: str) -> list[str]:
        """The options of the store."""
        options = ["--store", self.redis.url, "--store-key", str(self.store_key)]
        if self.redis.tls:
            options += ["--store-ca", str(self.redis.authority.file)]
        if self.redis.users:
            path = self.folder / f"{user}.password"
            if not path.exists():
                private(path, USERS[user] + "\n")
            options += ["--store-user", user, "--store-password-file", str(path)]
        return options

    def _start(self, *words: str | Path, environment: dict[str, str] | None = None) -> Process:
        part = Process(*words, environment=environment)
        self.parts.append(part)
        return part

    def naf(self, *options: str, port: int = 0, fqdn: str = FQDN) -> "Part":
        """NAF and third party."""
        words = ["--accept", f"{LOOPBACK}:{port}", "--devices", str(self.devices)]
        words += ["--naf-fqdn", fqdn, *self.store("akma-third-party"), *options]
        return Part(self._start(BUILD / "e2e/e2e-as", *words), "accept")

    def endpoint(
        self,
        *options: str,
        port: int = 0,
        host: str = LOOPBACK,
        environment: dict[str, str] | None = None,
    ) -> "Part":
        """An endpoint of its own."""
        words = ["--e2e-accept", f"{host}:{port}", *self.store("akma-endpoint"), *options]
        return Part(
            self._start(BUILD / "e2e/e2e-as", *words, environment=environment), "e2e-accept"
        )

    def listener(self, naf: str, endpoint: str, where: str = f"{LOOPBACK}:0") -> "Part":
        """A UE that takes local connections."""
        words = ["--listen", where, "--connect", naf, "--e2e-connect", endpoint]
        words += ["--devices", str(self.devices), "--identity", IDENTITY, "--naf-fqdn", FQDN]
        return Part(self._start(BUILD / "e2e/e2e-ue", *words), "listen")

    def first(self, naf: str) -> StockClient:
        """A first connection, by stock openssl."""
        return StockClient(naf, f"3GPP-bootstrapping.{IDENTITY}", KS_NAF)

    def ue(self, naf: str, endpoint: str) -> subprocess.CompletedProcess[str]:
        """One flow."""
        return ue(self.devices, IDENTITY, naf, endpoint)

    def stop(self) -> None:
        """End all."""
        for part in self.parts:
            part.stop()
        self.redis.stop()


class Part:
    """A process that has said where it listens."""

    def __init__(self, process: Process, name: str) -> None:
        self.process = process
        line = process.read().decode()
        assert line.startswith(f"{name} "), line + process.last_words
        self.address = line.split()[1]

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.process.pid

    @property
    def port(self) -> int:
        """Where it listens."""
        return split(self.address)[1]

    def memory(self, name: str = "VmRSS") -> int:
        """KiB, as /proc/PID/status has it."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        return int(next(line for line in lines if line.startswith(f"{name}:")).split()[1])

    def says(self, text: str) -> bool:
        """Does this come into its log? The log is written a moment after what it is about."""
        with contextlib.suppress(AssertionError):
            self.process.wait_for_error(text)
        return text in self.process.errors

    def only_events(self) -> bool:
        """Is each line of the log an event?"""
        return all(line.startswith("time=") for line in self.process.errors.splitlines())


def flag_of(naf: str, identity: str = IDENTITY) -> dict[str, Any]:
    """A flag, by stock openssl."""
    with StockClient(naf, f"3GPP-bootstrapping.{identity}", KS_NAF) as first:
        return first.flag(secrets.token_bytes(16))


def key_of(flag: dict[str, Any]) -> bytes:
    """The key of a flag, by the reference."""
    refresh = bytes.fromhex(flag["refresh"])
    return reference.e2e_key(KS_NAF, KA, NAF_ID, refresh=refresh, usage=flag["usage"])


def works(endpoint: str, flag: dict[str, Any]) -> bool:
    """Is a flag good for a connection there?"""
    with StockClient(endpoint, flag["identity"], key_of(flag)) as second:
        second.write(b"x\n")
        return second.read() == b"e2e: x"


def chunks(total: int, seed: int) -> Iterator[bytes]:
    """So many octets that do not repeat for long, in parts."""
    block = hashlib.shake_256(seed.to_bytes(4, "big")).digest(1 << 20)
    for number in range(0, total, len(block)):
        yield number.to_bytes(8, "big") + block[8 : min(len(block), total - number)]


def receive_all(connection: socket.socket) -> tuple[int, str]:
    """Octets until the end: how many, and their hash."""
    digest, count = hashlib.blake2b(), 0
    while octets := connection.recv(1 << 18):
        digest.update(octets)
        count += len(octets)
    return count, digest.hexdigest()


def reload(part: Part) -> None:
    """SIGHUP, and the files are in use."""
    count = part.process.errors.count("event=reload result=applied")
    part.process.process.send_signal(signal.SIGHUP)
    wait_until(lambda: part.process.errors.count("event=reload result=applied") > count)


class Store(Process):
    """test/programs/store: a store asked by hand."""

    def __init__(self, site: Site, kind: str, **environment: str) -> None:
        words = ["memory"] if kind == "memory" else [site.redis.url, str(site.store_key)]
        super().__init__(
            BUILD / "test/programs/store", *words, environment=ENVIRONMENT | environment
        )

    def ask(self, line: str) -> str:
        """The answer to one line."""
        self.write(line.encode() + b"\n")
        return self.read().decode()

    def put(
        self, number: int, device: str, naf: str, *, subject: str = "", lifetime: int = 60000
    ) -> None:
        """A record whose identity and key are its number; the subject is the device's name as well."""
        key, subject = f"{number:064x}", subject or device
        assert (
            self.ask(f"put e2e-{number:05} {key} {device} 2026 {subject} {naf} {lifetime}") == "ok"
        )

    def has(self, number: int) -> bool:
        """Is it there, as it was put?"""
        answer = self.ask(f"get e2e-{number:05}")
        assert answer == "unknown" or answer.split()[1] == f"{number:064x}", answer
        return answer != "unknown"
