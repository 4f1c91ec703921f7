"""Flows without a pause while the database and the token of Ka's are killed again and again.

    ka_under_fire.py --minutes N

Two servers: one has its Ka's in a PostgreSQL, the other derives them in a token that it reaches through p11-kit's server. By
turns one of the two is killed (kill -9), is away for some seconds, and is started again. Each time flows are refused meanwhile,
never in plain, and work afterwards, with nobody's help. A connection that is held through all of it goes on. Memory and
descriptors are as they were after the first rounds. A line a round; the exit status is 1 where one of this is not so.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import contextlib
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "test/support")]
from database import PASSWORDS, SEAL, Database  # noqa: E402
from evp import BUILD  # noqa: E402
from flow import ENVIRONMENT, LOOPBACK, Process, Server, split, ue, ue_command  # noqa: E402
from flow import wait_until, write_devices  # noqa: E402
from reference import device_ka  # noqa: E402
from p11_kit import P11KitServer  # noqa: E402
from softhsm import Token  # noqa: E402
from store_cluster import private  # noqa: E402

DEVICE, KA_ID, KS_NAF, MASTER = "ue@bsf.example.com", "2026", "11" * 32, bytes(range(1, 33))

SETTLED, AWAY = 3, 3  # rounds before memory and descriptors are looked at; seconds


@dataclass
class Side:
    """A server, what it has its Ka's from, and a load of flows on it."""

    name: str
    server: Server
    devices: Path
    kill: Callable[[], None]
    start: Callable[[], None]
    held: socket.socket
    before: tuple[int, int] = (0, 0)
    visits: int = 0
    rounds: int = 0
    faults: list[str] = field(default_factory=list)

    def flow(self) -> subprocess.CompletedProcess[str]:
        """One."""
        return ue(self.devices, DEVICE, self.server.address, self.server.e2e_address)

    def load(self, seconds: int) -> None:
        """Flows as fast as they go; how many there were."""
        words = [str(BUILD / "bench/load"), "--connect", self.server.address, "--threads", "1"]
        words += ["--e2e-connect", self.server.e2e_address, "--devices", str(self.devices)]
        words += ["--clients", "8", "--seconds", str(seconds)]
        said = subprocess.check_output(words, env=ENVIRONMENT, stderr=subprocess.DEVNULL)
        self.visits += int(json.loads(said)["visits"])

    def kept(self) -> tuple[int, int]:
        """Resident KiB, and descriptors."""
        folder = Path(f"/proc/{self.server.process.pid}")
        status = (folder / "status").read_text()
        return int(status.split("VmRSS:")[1].split()[0]), len(list((folder / "fd").iterdir()))

    def round(self) -> None:
        """Load, an outage in the middle of more load, and everything works again."""
        self.load(3)
        with contextlib.ExitStack() as stack:
            words = [str(BUILD / "bench/load"), "--connect", self.server.address, "--threads", "1"]
            words += ["--e2e-connect", self.server.e2e_address, "--devices", str(self.devices)]
            command = [*words, "--clients", "4", "--seconds", str(AWAY + 4)]
            loaded = subprocess.Popen(
                command, env=ENVIRONMENT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
            )
            stack.callback(loaded.wait)
            time.sleep(1)
            self.kill()
            stack.callback(self.start)
            refused = self.flow()
            if refused.returncode == 0 or refused.stdout:
                self.faults.append(f"while it was away: {refused.stdout!r}")
            time.sleep(AWAY)
        try:
            wait_until(lambda: self.flow().stdout == "e2e: hello\n")
        except AssertionError:
            self.faults.append("no flow works any more")
            return
        if not goes_on(self.held):
            self.faults.append("the connection that was held did not go on")
        self.rounds += 1
        self.look()

    def look(self) -> None:
        """Memory and descriptors, once they have come to what they need."""
        time.sleep(1)  # the load's connections end
        if self.rounds > SETTLED:
            with contextlib.suppress(AssertionError):
                wait_until(lambda: self.kept()[1] <= self.before[1])
        now = self.kept()
        if self.rounds <= SETTLED:
            self.before = max(self.before[0], now[0]), max(self.before[1], now[1])
        elif now[0] > self.before[0] + self.before[0] // 20 + 1024:
            self.faults.append("memory grows")
        elif now[1] > self.before[1]:
            self.faults.append("a descriptor is kept")
        print(
            f"round {self.rounds}: {self.name}: {now[0]} KiB ({self.before[0]}), {now[1]} descriptors "
            f"({self.before[1]}), {self.visits} visits",
            flush=True,
        )


def goes_on(held: socket.socket) -> bool:
    """A line comes back."""
    held.sendall(b"still\n")
    answer = b""
    while not answer.endswith(b"\n") and (part := held.recv(100)):
        answer += part
    return answer == b"e2e: still\n"


def side(stack: contextlib.ExitStack, folder: Path, which: str) -> Side:
    """One of the two."""
    ka = device_ka(MASTER, DEVICE, KA_ID)
    devices = write_devices(folder / f"{which}.csv", [[DEVICE, KS_NAF, ka.hex(), KA_ID]])
    naf = write_devices(folder / f"{which}-naf.csv", [[DEVICE, KS_NAF, "", ""]])
    limits = ["--connections-per-device", "1000", "--ka-timeout", "1", "--log-identities", "hash"]
    environment: dict[str, str] = {}
    thing: Database | P11KitServer
    if which == "database":
        thing = Database(folder)
        stack.callback(thing.remove)
        thing.put(DEVICE, ka, KA_ID)
        words = ["--ka-source", thing.uri()]
        words += ["--ka-key", str(private(folder / "k", f"1:{SEAL.hex()}\n"))]
        words += ["--ka-password-file", str(private(folder / "p", PASSWORDS["third_party"] + "\n"))]
    else:
        thing = P11KitServer(Token(folder / "hsm"), folder / "socket")
        thing.token.put(MASTER)
        thing.start()
        stack.callback(thing.kill)
        environment = thing.environment
        words = ["--ka-source", thing.uri, "--ka-id", KA_ID]
    server = stack.enter_context(
        Server(naf, *words, *limits, environment=ENVIRONMENT | environment)
    )
    command = ue_command(devices, DEVICE, server.address, server.e2e_address)
    command[command.index("--message") :] = ["--listen", f"{LOOPBACK}:0"]
    local = stack.enter_context(Process(*command))
    address = split(local.read().decode().split()[1])
    held = stack.enter_context(socket.create_connection(address, 60))
    assert goes_on(held), local.errors + server.errors
    return Side(which, server, devices, thing.kill, thing.start, held)


def main() -> int:
    """Rounds until the time is over."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--minutes", type=float, default=60)
    end = time.monotonic() + 60 * parser.parse_args().minutes
    with tempfile.TemporaryDirectory() as name, contextlib.ExitStack() as stack:
        sides = [side(stack, Path(name), which) for which in ("database", "token")]
        while time.monotonic() < end or any(each.rounds <= SETTLED for each in sides):
            for each in sides:
                each.round()
                if each.faults:
                    print(f"{each.name}: {each.faults}\n{each.server.errors[-2000:]}")
                    return 1
            assert all("plain" not in each.server.errors for each in sides)
        print(
            f"soak: {sum(each.visits for each in sides)} visits, {sides[0].rounds} outages of each"
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
