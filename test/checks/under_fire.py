#!/usr/bin/env python3
"""The whole deployment under load while its parts fail: what was promised holds, memory and descriptors stay flat.

    test/checks/under_fire.py [--minutes N, default 60] [--held N, default 8000]

NAF, endpoints, a Redis, UEs that listen, nginx and mosquitto behind them; wrk, publishers with QoS 1 and held
connections in front. Every few seconds something fails: a part is killed, stopped or told to read its files again,
the Redis or the names are away, calls fail. After each fault all works again, soon, and no held connection is lost
but those of a NAF that was killed, and as many as its calls that failed. At the end: every message that was
acknowledged has arrived, every file was whole; in the last third, in which no part is killed, no part has grown.

AKMA_BUILD   build folder, with everything in it

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import contextlib
import hashlib
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/support"))

from consumer import FOREIGN, IDENTITY, KS_NAF, Listening  # noqa: E402
from evp import BUILD  # noqa: E402
from faults import NEVER, Faults, Kind  # noqa: E402
from flow import FQDN, LOOPBACK, Process, free_port, ue_command  # noqa: E402
from store_cluster import Redis, Site, chunks  # noqa: E402

SOON = 60  # seconds until all works again, however busy the machine is; what it took is printed
PAUSE = 3  # between two faults
FAILING = 20  # calls in a row, at most
PAGE = 1 << 20
MANY = ["--connections-per-device", "20000", "--handshakes-per-source", "20000"]


class Part:
    """A program that is started again where it was, however it ended."""

    def __init__(self, folder: Path, name: str, *command: str | Path) -> None:
        self.name, self.command = name, command
        self.faults = Faults(folder / f"{name}.faults")
        self.start()

    def start(self) -> None:
        """Start it, and wait until it says where it listens."""
        self.faults.disarm()
        end = time.monotonic() + SOON
        while True:  # its port may be in use for a moment
            self.process = Process(*self.command, environment=self.faults.environment)
            if self.process.read(SOON):
                return
            assert time.monotonic() < end, self.process.errors
            time.sleep(0.2)

    @property
    def pid(self) -> int:
        """Its number."""
        return self.process.process.pid

    def signal(self, number: int) -> None:
        """Send it one."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill it, and start it again."""
        self.signal(signal.SIGKILL)
        self.process.stop()
        self.start()

    def pause(self) -> None:
        """Stop it for a while."""
        self.signal(signal.SIGSTOP)
        time.sleep(2)
        self.signal(signal.SIGCONT)

    def size(self) -> tuple[int, int]:
        """Resident memory in KiB, and descriptors."""
        lines = Path(f"/proc/{self.pid}/status").read_text().splitlines()
        resident = int(next(line for line in lines if line.startswith("VmRSS:")).split()[1])
        return resident, len(os.listdir(f"/proc/{self.pid}/fd"))


class Held:
    """First connections that stay, as many as are wanted."""

    def __init__(self, address: str, wanted: int) -> None:
        self.wanted, self.open = wanted, 0  # open: none yet
        identity = f"3GPP-bootstrapping.{IDENTITY}"
        program = BUILD / "test/programs/held_connections"
        self.command: list[str | Path] = [program, address, identity, KS_NAF.hex(), str(wanted)]
        self.process = Process(*self.command)

    def renew(self) -> None:
        """All of them: the NAF has lost them."""
        self.process.stop()
        self.process, self.open = Process(*self.command), 0

    def wait(self) -> None:
        """Until they are all there: if need be, others."""
        while self.open < self.wanted:
            if self.open:
                self.renew()
            self.open = int(self.process.read(600))

    def lost(self) -> int:
        """How many since the last look; none before they are all there."""
        if self.open == 0 and self.process.out.empty():
            return 0
        before = self.open
        if before:
            self.process.write(b"\n")
        self.open = int(self.process.read(600))
        return max(before - self.open, 0)


class Deployment:
    """All of it, and what uses it."""

    def __init__(self, folder: Path, held: int) -> None:
        self.folder = folder
        self.redis = Redis(folder)
        site = Site(folder, self.redis)
        self.page = b"".join(chunks(PAGE, 1))
        (folder / "page").write_bytes(self.page)
        self.nginx, self.broker = free_port(), free_port()
        self.services = [self._nginx(), self._mosquitto()]
        naf = f"{LOOPBACK}:{free_port()}"
        program, store = BUILD / "e2e/e2e-as", site.store("akma-admin")
        stays = ["--idle-timeout", "36000", "--line-timeout", "36000"]
        words: list[str | Path] = ["--accept", naf, "--devices", site.devices, "--naf-fqdn", FQDN]
        words += ["--e2e", "offered", *stays, *MANY, *store]
        self.parts = [Part(folder, "naf", program, *words)]
        self.held, self.local = Held(naf, held), {}
        for name, port in (("web", self.nginx), ("mqtt", self.broker)):
            endpoint, local = f"{LOOPBACK}:{free_port()}", f"{LOOPBACK}:{free_port()}"
            command: list[str | Path] = [
                program,
                "--e2e-accept",
                endpoint,
                "--forward",
                f"localhost:{port}",
            ]
            self.parts.append(Part(folder, f"{name}-endpoint", *command, *MANY, *store))
            ue = ue_command(site.devices, IDENTITY, naf, endpoint)
            ue = [*ue[: ue.index("--message")], "--listen", local]
            self.parts.append(Part(folder, f"{name}-ue", *ue))
            self.local[name] = local
        self.acknowledged: set[str] = set()
        self.arrived: set[str] = set()
        self.ended = threading.Event()
        self.threads = [
            threading.Thread(target=work, daemon=True) for work in (self._publish, self._subscribe)
        ]

    def _nginx(self) -> Listening:
        config = self.folder / "nginx.conf"
        config.write_text(
            f"daemon off; pid {self.folder}/nginx.pid; error_log /dev/null;\n"
            "events { worker_connections 4096; }\n"
            f"http {{ access_log off; server {{ listen {LOOPBACK}:{self.nginx};"
            f" root {self.folder}; }} }}\n"
        )
        self.folder.chmod(0o755)
        return Listening(self.nginx, "nginx", "-c", config)

    def _mosquitto(self) -> Listening:
        config = self.folder / "mosquitto.conf"
        config.write_text(
            f"listener {self.broker} {LOOPBACK}\nallow_anonymous true\nmax_queued_messages 0\n"
        )
        return Listening(self.broker, "mosquitto", "-c", config)

    # What uses it

    def _publish(self) -> None:
        """Through the relay, QoS 1: exit status 0 says that the broker has acknowledged it."""
        host, _, port = self.local["mqtt"].partition(":")
        number = 0
        while not self.ended.is_set():
            text, number = f"message-{number}", number + 1
            command = ["mosquitto_pub", "-h", host, "-p", port, "-q", "1", "-t", "t", "-m", text]
            with contextlib.suppress(subprocess.TimeoutExpired):
                result = subprocess.run(
                    command, env=FOREIGN, timeout=10, check=False, stderr=subprocess.DEVNULL
                )
                if result.returncode == 0:
                    self.acknowledged.add(text)
            time.sleep(0.1)

    def _subscribe(self) -> None:
        """At the broker itself, which does not fail."""
        command = ["mosquitto_sub", "-h", LOOPBACK, "-p", str(self.broker), "-q", "1", "-t", "t"]
        with subprocess.Popen(
            [*command, "-c", "-i", "all"], stdout=subprocess.PIPE, text=True, env=FOREIGN
        ) as subscriber:
            assert subscriber.stdout
            threading.Thread(target=self._end, args=(subscriber,), daemon=True).start()
            for line in subscriber.stdout:
                self.arrived.add(line.strip())

    def _end(self, subscriber: subprocess.Popen[str]) -> None:
        self.ended.wait()
        time.sleep(5)  # what is on its way
        subscriber.terminate()

    def page_is_whole(self) -> bool:
        """A file through the relay, compared with what it is."""
        url = f"http://{self.local['web']}/page"
        result = subprocess.run(
            ["curl", "-s", "-m", "10", url], capture_output=True, env=FOREIGN, check=False
        )
        if result.returncode != 0:
            return False
        assert (
            hashlib.sha256(result.stdout).digest() == hashlib.sha256(self.page).digest()
        ), "altered"
        return True

    def message_passes(self) -> bool:
        """Is a further message acknowledged, soon?"""
        before, end = len(self.acknowledged), time.monotonic() + 2
        while len(self.acknowledged) == before:
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        return True

    def come_back(self, fault: str) -> float:
        """Let all work again; how long it took."""
        began = time.monotonic()
        while not (self.page_is_whole() and self.message_passes()):
            for part in self.parts:
                status = part.process.process.poll()
                assert (
                    status is None
                ), f"{fault}: {part.name}: {status}: {part.process.errors[-3000:]}"
            assert time.monotonic() < began + SOON, f"{fault}: nothing works for {SOON} seconds"
        return time.monotonic() - began

    def held_lost(self, fault: str) -> int:
        """How many of the held connections this fault ended: no more than it may."""
        if fault == "naf killed":
            self.held.renew()
            return 0
        lost = self.held.lost()
        assert lost <= (FAILING if fault == "calls fail" else 0), f"{fault}: {lost} lost"
        return lost

    # What fails

    def redis_away(self) -> None:
        """For a while; what it had is gone."""
        self.redis.stop()
        time.sleep(2)
        self.redis.restart()

    def names_away(self) -> None:
        """Nobody resolves any."""
        for part in self.parts:
            part.faults.arm(Kind.NAME, 1, NEVER)
        time.sleep(2)
        for part in self.parts:
            part.faults.disarm()

    def calls_fail(self) -> None:
        """Some, one after the other, of any part."""
        part, kind = random.choice(self.parts), random.choice([k for k in Kind if k != Kind.NAME])
        part.faults.arm(kind, random.randint(1, 300), random.randint(1, FAILING))
        time.sleep(1)
        part.faults.disarm()

    def faults(self, deadly: bool) -> dict[str, Callable[[], None]]:
        """All that can happen, by name."""
        all_faults: dict[str, Callable[[], None]] = {
            "redis away": self.redis_away,
            "names away": self.names_away,
            "calls fail": self.calls_fail,
        }
        for part in self.parts:
            all_faults[f"{part.name} stopped"] = part.pause
            all_faults[f"{part.name} reload"] = lambda part=part: part.signal(signal.SIGHUP)  # type: ignore[misc]
            if deadly:
                all_faults[f"{part.name} killed"] = part.kill
        return all_faults

    def run(self, seconds: float, deadly: bool) -> None:
        """Fail and come back for so long, under wrk."""
        end = time.monotonic() + seconds
        url = f"http://{self.local['web']}/page"
        command = ["wrk", "-t", "1", "-c", "8", "-d", f"{int(seconds) + 1}s", url]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=FOREIGN) as load:
            time.sleep(1)  # wrk ends where its first connection fails
            while time.monotonic() < end:
                name, fault = random.choice(list(self.faults(deadly).items()))
                fault()
                took, lost = self.come_back(name), self.held_lost(name)
                print(
                    f"{time.strftime('%T')} {name}: all works again after {took:.1f} s,"
                    f" {self.held.open} held, {lost} lost",
                    flush=True,
                )
                time.sleep(PAUSE)
            said = load.communicate(timeout=60)[0]
        assert "Requests/sec" in said, said
        print("".join(line + "\n" for line in said.splitlines() if "requests in" in line), end="")

    def sizes(self) -> dict[str, tuple[int, int]]:
        """Of every part, once it has nothing to do."""
        time.sleep(8)
        return {part.name: part.size() for part in self.parts}

    def stop(self) -> None:
        """End all."""
        self.ended.set()
        self.held.process.stop()
        for thread in self.threads:
            thread.join(30)
        for part in self.parts:
            part.process.stop()
        for service in self.services:
            service.stop()
        self.redis.stop()


def grows(before: tuple[int, int], after: tuple[int, int]) -> bool:
    """More memory by a twentieth and 2 MiB, or more than a few descriptors of connections at work."""
    return after[0] > before[0] * 1.05 + 2048 or after[1] > before[1] + 8


def main() -> int:
    """Exit status 1 where something was lost or grows; a part that does not come back is an exception."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--held", type=int, default=8000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        all_of_it = Deployment(Path(folder), options.held)
        try:
            for thread in all_of_it.threads:
                thread.start()
            all_of_it.come_back("start")
            all_of_it.run(options.minutes * 40, deadly=True)
            all_of_it.held.wait()
            before = all_of_it.sizes()
            all_of_it.run(options.minutes * 20, deadly=False)
            after = all_of_it.sizes()
        finally:
            all_of_it.stop()
    lost = all_of_it.acknowledged - all_of_it.arrived
    print(f"{len(all_of_it.acknowledged)} messages acknowledged, {len(lost)} of them lost")
    for name, size in after.items():
        print(
            f"{name}: {before[name][0]} to {size[0]} KiB, {before[name][1]} to {size[1]} descriptors"
        )
    growing = [name for name, size in after.items() if grows(before[name], size)]
    if growing:
        print(f"grows: {', '.join(growing)}")
    return int(bool(lost or growing))


if __name__ == "__main__":
    sys.exit(main())
