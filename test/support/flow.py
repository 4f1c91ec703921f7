"""The actors of the flow: e2e-as, e2e-ue, and stock openssl as either of them. All on loopback.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import os
import queue
import re
import secrets
import signal
import socket
import subprocess
import threading
import time
import urllib.request
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from evp import BUILD
from needs import needs_for
from openssl_cli import EXAMPLE

SECONDS = 30  # for what takes a moment; only a fault waits so long
LONG = 300  # for what has very much to do
ENVIRONMENT = os.environ | {"OPENSSL_CONF": str(EXAMPLE), "OPENSSL_MODULES": str(BUILD)}
FQDN = "naf.example.com"
NAF_ID = FQDN.encode() + bytes.fromhex("0100000007")
LOOPBACK = "127.0.0.1"


def write_devices(path: Path, rows: Iterable[Iterable[str]], mode: int = 0o600) -> Path:
    """A devices file; rows of three columns, or of four with the Ka's name."""
    lines = [list(row) for row in rows]
    header = ["identity", "ks-naf", "ka", "ka-id"][: len(lines[0])]
    path.write_text("".join(",".join(line) + "\n" for line in [header, *lines]))
    path.chmod(mode)
    return path


def wait_until(what: Callable[[], object], seconds: float = SECONDS) -> None:
    """Wait until something is so; it may take its time on a busy machine."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it does not come to be"
        time.sleep(0.02)


def run_to_end(
    *words: str | bytes | Path,
    environment: Mapping[str, str] = ENVIRONMENT,
    given: str = "",
    folder: Path | None = None,
    fds: Sequence[int] = (),
    seconds: float = 2 * SECONDS,
) -> subprocess.CompletedProcess[str]:
    """Run a program that ends by itself, well or not; `given` is its standard input."""
    needs_for(*words)
    return subprocess.run(
        words,
        env=environment,
        input=given,
        cwd=folder,
        pass_fds=fds,
        capture_output=True,
        text=True,
        errors="replace",
        timeout=seconds,
        check=False,
    )


class Process:
    """A process with lines in and out, stopped by its pid and never left behind."""

    def __init__(self, *command: str | Path, environment: dict[str, str] | None = None) -> None:
        needs_for(*command)
        self.process = subprocess.Popen(
            [*command],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment or ENVIRONMENT,
            close_fds=False,  # of Python's, those that were made inheritable alone are left
        )
        self.out: queue.Queue[bytes] = queue.Queue()
        self.err: list[bytes] = []
        self._threads = [
            threading.Thread(target=self._read_out, daemon=True),
            threading.Thread(target=self._read_err, daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def _read_out(self) -> None:
        assert self.process.stdout
        for line in self.process.stdout:
            self.out.put(line)
        self.out.put(b"")

    def _read_err(self) -> None:
        assert self.process.stderr
        for line in self.process.stderr:
            self.err.append(line)

    def read(self, seconds: float = SECONDS) -> bytes:
        """The next line of standard output without its end; empty at the end."""
        return self.out.get(timeout=seconds).rstrip(b"\n")

    def write(self, line: bytes) -> None:
        """Write to standard input; a program that has ended already does not read it."""
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.write(line)
            self.process.stdin.flush()

    def end_input(self) -> None:
        """Close standard input."""
        assert self.process.stdin
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()

    def wait(self, seconds: float = SECONDS) -> int:
        """The exit status; what it wrote before is in out and errors then."""
        status = self.process.wait(seconds)
        for thread in self._threads:
            thread.join(SECONDS)
        return status

    @property
    def errors(self) -> str:
        """Standard error so far."""
        return b"".join(self.err).decode(errors="replace")

    @property
    def last_words(self) -> str:
        """Standard error of a program that is about to end, all of it."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.wait(5)
        return self.errors

    def wait_for_error(self, text: str, seconds: float = SECONDS) -> str:
        """The first line of standard error with this text, when it comes."""
        end = time.monotonic() + seconds
        while text not in self.errors:
            assert time.monotonic() < end, f"{text!r} is not in: {self.errors}"
            time.sleep(0.02)
        return next(line for line in self.errors.splitlines() if text in line)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop()

    def pause(self) -> None:
        """Stop every thread of it, until SIGCONT."""
        self.process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.process.pid, os.WSTOPPED)

    def stop(self) -> int:
        """End it."""
        self.end_input()
        if self.process.poll() is None:
            self.process.terminate()
        try:
            status = self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            status = self.process.wait(SECONDS)
        for thread in self._threads:
            thread.join(SECONDS)
        return status


class Server(Process):
    """e2e-as; address and e2e_address are where it listens. within: the command that it is run by.

    program: another path to it.
    """

    def __init__(
        self,
        devices: Path,
        *options: str,
        two_addresses: bool = True,
        environment: dict[str, str] | None = None,
        within: tuple[str, ...] = (),
        program: Path = BUILD / "e2e/e2e-as",
    ) -> None:
        endpoints = ["--accept", f"{LOOPBACK}:0"]
        if two_addresses:
            endpoints += ["--e2e-accept", f"{LOOPBACK}:0"]
        super().__init__(
            *within,
            program,
            *endpoints,
            *["--devices", str(devices), "--naf-fqdn", FQDN, *options],
            environment=environment,
        )
        self.address = self.e2e_address = self._listening("accept")
        if two_addresses:
            self.e2e_address = self._listening("e2e-accept")

    def _listening(self, name: str) -> str:
        line = self.read().decode()
        assert line.startswith(f"{name} {LOOPBACK}:"), line + self.last_words
        return line.split()[1]


def metric(address: str, name: str) -> int:
    """A figure of the server's."""
    with urllib.request.urlopen(f"http://{address}/metrics", timeout=SECONDS) as answer:
        text = answer.read().decode()
    found = re.search(rf"^{re.escape(name)} (\d+)$", text, re.M)
    assert found, text
    return int(found[1])


class Metered(Server):
    """A server that can be asked for its figures."""

    def __init__(
        self,
        devices: Path,
        *options: str,
        two_addresses: bool = True,
        environment: dict[str, str] | None = None,
        within: tuple[str, ...] = (),
    ) -> None:
        super().__init__(
            devices,
            *options,
            *("--metrics", f"{LOOPBACK}:0"),
            two_addresses=two_addresses,
            environment=environment,
            within=within,
        )
        self.metrics = self._listening("metrics")

    def count(self, name: str) -> int:
        """One of them."""
        return metric(self.metrics, f"e2e_{name}")


def ue_command(
    devices: Path,
    identity: str,
    connect: str,
    e2e_connect: str | None = None,
    *options: str,
    message: str = "hello",
) -> list[str]:
    """The command that runs e2e-ue."""
    second = [] if e2e_connect is None else ["--e2e-connect", e2e_connect]
    return [
        *[str(BUILD / "e2e/e2e-ue"), "--connect", connect, *second],
        *["--devices", str(devices), "--identity", identity, "--naf-fqdn", FQDN],
        *["--message", message, *options],
    ]


def ue(
    devices: Path,
    identity: str,
    connect: str,
    e2e_connect: str | None = None,
    *options: str,
    message: str = "hello",
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run e2e-ue."""
    return run_to_end(
        *ue_command(devices, identity, connect, e2e_connect, *options, message=message),
        environment=environment or ENVIRONMENT,
    )


def free_port() -> int:
    """A port that nobody had a moment ago, below those that Linux gives to programs that ask for any."""
    while True:
        port = secrets.choice(range(10000, 32768))
        with contextlib.suppress(OSError), socket.socket() as probe:
            probe.bind((LOOPBACK, port))
            return port


def with_free_ports(commands: str, *ports: str) -> str:
    """Commands of a page, with free ports in the place of its own."""
    free = {port: str(free_port()) for port in ports}
    return re.sub(rf"\b({'|'.join(ports)})\b", lambda match: free[match[0]], commands)


def split(address: str) -> tuple[str, int]:
    """HOST:PORT as a pair."""
    host, port = address.rsplit(":", 1)
    return host, int(port)


def ask(address: str, line: bytes = b"") -> bytes:
    """What comes back for a line on a connection of its own; empty if it ends, even while it connects."""
    with contextlib.suppress(ConnectionError):
        with socket.create_connection(split(address), SECONDS) as connection:
            connection.sendall(line)
            return connection.recv(100)
    return b""


class StockClient(Process):
    """openssl s_client with a PSK, as the issue's traps have it: its input stays open."""

    def __init__(self, address: str, identity: str, key: bytes, *options: str) -> None:
        super().__init__(
            *["openssl", "s_client", "-connect", address, "-quiet", "-no_ign_eof", "-tls1_3"],
            *["-ciphersuites", "TLS_AES_128_GCM_SHA256", "-psk_identity", identity],
            *["-psk", key.hex(), *options],
        )

    def flag(self, nonce: bytes = bytes(16)) -> dict[str, Any]:
        """Send a nonce, get the flag."""
        self.write(json.dumps({"nonce": nonce.hex()}).encode() + b"\n")
        flag: dict[str, Any] = json.loads(self.read())
        return flag


class StockServer(Process):
    """openssl s_server with one PSK and no certificate; connections one after the other, or only one."""

    def __init__(
        self, identity: str, key: bytes, port: int | None = None, *, once: bool = False
    ) -> None:
        port = port or free_port()
        self.address = f"{LOOPBACK}:{port}"
        super().__init__(
            *["openssl", "s_server", "-accept", self.address, "-nocert", "-quiet", "-tls1_3"],
            *["-ciphersuites", "TLS_AES_128_GCM_SHA256", "-psk_identity", identity],
            *["-psk", key.hex(), *(["-naccept", "1"] if once else [])],
        )
        wait_until_listening(port)


def wait_until_listening(port: int) -> None:
    """Wait for a listener without connecting to it: /proc/net/tcp, state 0A."""
    wanted = f":{port:04X} "

    def is_there() -> bool:
        lines = Path("/proc/net/tcp").read_text().splitlines()
        return any(wanted in line.split(":", 1)[1][:16] and " 0A " in line for line in lines[1:])

    wait_until(is_there)


class Relay:
    """Passes octets on between a client and an address, and remembers them.

    While deaf is set, it reads nothing of what the server says.
    """

    def __init__(self, address: str) -> None:
        self.target = split(address)
        self.deaf = threading.Event()
        self.seen = b""  # both ways
        self.answer = b""  # from the server
        self.listener = socket.create_server((LOOPBACK, 0))
        self.address = f"{LOOPBACK}:{self.listener.getsockname()[1]}"
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self) -> None:
        self.listener.settimeout(SECONDS)
        client, _ = self.listener.accept()
        server = socket.create_connection(self.target, SECONDS)
        self.port = server.getsockname()[1]  # as the server sees it
        threads = [
            threading.Thread(target=self._pass_on, args=(client, server), daemon=True),
            threading.Thread(target=self._pass_back, args=(server, client), daemon=True),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        client.close()
        server.close()

    def _pass_on(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while octets := client.recv(65536):
                self.seen += octets
                server.sendall(octets)
            server.shutdown(socket.SHUT_WR)

    def _pass_back(self, server: socket.socket, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while octets := server.recv(65536):
                self.seen += octets
                self.answer += octets
                while self.deaf.is_set():
                    time.sleep(0.05)
                client.sendall(octets)
            client.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Stop."""
        self.thread.join(SECONDS)
        self.listener.close()
