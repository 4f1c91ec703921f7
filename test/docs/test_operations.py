"""docs/operations.md: its commands, unchanged, on a deployment that runs, with what each has to achieve.

systemctl is a stand-in: it signals, or ends, the program that was started in the place of a unit.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import subprocess
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

import reference
from consumer import Listening
from evp import BUILD
from flow import ENVIRONMENT, LOOPBACK, StockClient, free_port, run_to_end, wait_until
from link import Program
from project import ROOT
from sanitizer import SANITIZED

UE = "ue1@bsf.example.com"
KS_NAF = "5b" * 32
PORTS = ("4433", "4434", "4435", "6380", "9433", "9434", "9435")
PAGE = (ROOT / "docs/operations.md").read_text()
SYSTEMCTL = """#!/bin/sh
set -e
verb=$1
shift
for unit; do
    case $verb in
    reload) kill -HUP "$(cat "$UNITS/$unit")" ;;
    stop) kill "$(cat "$UNITS/$unit")" ;;
    esac
done
"""


def boxes(heading: str) -> list[str]:
    """The boxes of the shell under a heading."""
    section = PAGE.split(f"\n## {heading}\n")[1].split("\n## ")[0]
    return re.findall(r"^```sh\n(.*?)^```$", section, re.M | re.S)


@dataclass
class Deployment:
    """What `akma setup` made, running; its folder stands for /etc/akma."""

    folder: Path
    ports: dict[str, str] = field(default_factory=dict)
    programs: dict[str, Program] = field(default_factory=dict)

    @property
    def site(self) -> Path:
        """Its folder, as setup made it."""
        return self.folder / "etc/akma/site"

    def here(self, text: str) -> str:
        """Our folders and ports in the place of the page's."""
        text = text.replace("/etc/akma", f"{self.folder}/etc/akma")
        text = text.replace("tar -C / -c etc/akma", f"tar -C {self.folder} -c etc/akma")
        text = re.sub(r"\b(?:keys|gate)\.example\.com\b", LOOPBACK, text)
        return re.sub(rf"\b({'|'.join(PORTS)})\b", lambda found: self.ports[found[0]], text)

    def run(self, commands: str) -> str:
        """Run a box; every command of it has to work."""
        path = f"{self.folder}/bin:{BUILD}/tool:{BUILD}/e2e:{os.environ['PATH']}"
        result = run_to_end(
            "sh",
            "-ec",
            self.here(commands),
            environment=ENVIRONMENT | {"PATH": path, "UNITS": str(self.folder / "units")},
            seconds=120,
        )
        assert result.returncode == 0, result.stderr + result.stdout
        return result.stdout

    def start(self, role: str) -> Program:
        """Start a role by the file that was made for it."""
        program = Program("--config", self.site / role / f"{role}.conf")
        (self.folder / "units" / f"e2e-as-{role}").write_text(str(program.process.pid))
        self.programs[role] = program
        program.wait_for_error("event=start")
        return program

    def shown(self, port: str, path: str = "metrics") -> str:
        """A page of one of the programs."""
        url = f"http://{LOOPBACK}:{self.ports[port]}/{path}"
        with urllib.request.urlopen(url, timeout=20) as answer:
            text: str = answer.read().decode()
        return text

    def reloaded(self) -> dict[str, int]:
        """How often each program has taken its files again."""
        found = {}
        for role, port in (("naf", "9433"), ("endpoint", "9434"), ("third-party", "9435")):
            count = re.search(r'e2e_reloads_total\{result="taken"\} (\d+)', self.shown(port))
            assert count and 'result="refused"} 0' in self.shown(port)
            found[role] = int(count[1])
        return found

    def act(self, commands: str) -> str:
        """Run a box, and wait until the reloads that it asks for are done."""
        before = self.reloaded()
        said = self.run(commands)
        for line in re.findall(r"^systemctl reload (.*)$", commands, re.M):
            for unit in line.split():
                before[unit.removeprefix("e2e-as-")] += 1
        wait_until(
            lambda: all(
                self.reloaded()[role] >= before[role] for role in ("naf", "endpoint", "third-party")
            )
        )
        return said

    def flow(self) -> subprocess.CompletedProcess[str]:
        """A flow of the device, by its own file."""
        command: list[str | Path] = [BUILD / "e2e/e2e-ue", "--naf-fqdn", "naf.example.com"]
        command += ["--connect", f"{LOOPBACK}:{self.ports['4433']}", "--identity", UE]
        command += ["--e2e-connect", f"{LOOPBACK}:{self.ports['4434']}", "--message", "hello"]
        return run_to_end(*command, "--devices", self.site / "ue/devices.csv")


@pytest.fixture(name="deployment")
def make_deployment(tmp_path: Path) -> Iterator[Deployment]:
    """NAF, third party, endpoint and Redis, with one device whose Ka is called 2026."""
    made = Deployment(tmp_path, {port: str(free_port()) for port in PORTS})
    for name in ("etc/akma", "bin", "units"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "bin/systemctl").write_text(SYSTEMCTL)
    (tmp_path / "bin/systemctl").chmod(0o755)
    (command,) = re.findall(r"`(akma setup /etc/akma/site --naf-fqdn[^`]*)`", PAGE)
    made.run(command)
    edits = [f"-e 's/\\b{port}\\b/{ours}/g'" for port, ours in made.ports.items()]
    subprocess.run(
        f"sed -i {' '.join(edits)} -e 's/accept :/accept {LOOPBACK}:/' {made.site}/*/*.conf",
        shell=True,
        check=True,
    )
    made.run(
        f"akma ka new --identity {UE} --ka-id 2026 --out /etc/akma/ka.csv\n"
        "for role in third-party ue; do\n"
        "    akma ka add --new --devices /etc/akma/site/$role/devices.csv --in /etc/akma/ka.csv\n"
        "done\n"
        f"sed -i 's/^{UE},,/{UE},{KS_NAF},/' /etc/akma/site/ue/devices.csv\n"
        f"echo '{UE},{KS_NAF},,,,' >> /etc/akma/site/naf/devices.csv"
    )
    redis = Listening(int(made.ports["6380"]), "redis-server", made.site / "redis/redis.conf")
    try:
        for role in ("third-party", "endpoint", "naf"):
            made.start(role)
        wait_until(
            lambda: "e2e_store_up 1" in made.shown("9434") and "e2e_link_up 1" in made.shown("9433")
        )
        yield made
    finally:
        for program in made.programs.values():
            program.stop()
        redis.stop()


pytestmark = [
    pytest.mark.redis,
    pytest.mark.slow,
    pytest.mark.skipif(SANITIZED, reason="commands of the system do not run with libasan"),
]


def test_every_box_is_run() -> None:
    """Guards against a new box of commands in docs/operations.md that no test runs."""
    assert len(re.findall(r"^```sh$", PAGE, re.M)) == sum(
        len(boxes(heading))
        for heading in re.findall(r"^## (.+)$", PAGE, re.M)
        if heading in HEADINGS
    )


HEADINGS = {
    "What to watch",
    "Capacity",
    "Backup",
    "Certificates",
    "Keys",
    "A device is stolen",
    "The operator revokes",
    "The third party's host is broken into",
}


def test_watch_plan_and_back_up(deployment: Deployment) -> None:
    """Guards against a command that shows a deployment's state wrongly, or a backup that cannot be read or is not
    encrypted.
    """
    (watch,) = boxes("What to watch")
    said = deployment.run(watch).splitlines()
    assert said[0] == "ready" and "e2e_link_up 1" in said
    (capacity,) = boxes("Capacity")
    assert "e2e_connections_open 0\n" in deployment.run(capacity)
    (backup,) = boxes("Backup")
    assert deployment.run(backup).splitlines()[-1] == "3"
    assert UE.encode() not in (deployment.folder / "etc/akma/akma-site.tar.enc").read_bytes()


def test_keys_and_certificates(deployment: Deployment) -> None:
    """Guards against a renewal of certificates, Ka or store keys, after whose commands no flow works."""
    (certificates,) = boxes("Certificates")
    said = deployment.act(certificates)
    assert (
        said.count(": kept, valid until ") == 4
        and said.count("e2e_certificate_expiry_timestamp_seconds{") == 2
    )
    add, remove, store = boxes("Keys")
    deployment.act(add)
    assert (
        deployment.flow().returncode != 0
    ), "the flag names a Ka that the device does not have yet"
    deployment.run(
        "akma ka add --devices /etc/akma/site/ue/devices.csv --in /etc/akma/ue1-2027.csv"
    )
    assert deployment.flow().returncode == 0
    deployment.programs["endpoint"].wait_for_error("ka-id=2027")
    deployment.act(remove)
    assert deployment.flow().returncode == 0
    deployment.act(store.replace("sleep 30", "sleep 1"))
    for role in ("third-party", "endpoint"):
        assert re.fullmatch(r"2:[0-9a-f]{64}\n", (deployment.site / role / "store.key").read_text())
    assert deployment.flow().returncode == 0


def held(deployment: Deployment) -> StockClient:
    """A connection of the device's that stays, at an endpoint; it has had a line back."""
    rows = (deployment.site / "ue/devices.csv").read_text().splitlines()
    ka = bytes.fromhex(rows[1].split(",")[2])
    first = StockClient(
        f"{LOOPBACK}:{deployment.ports['4433']}", f"3GPP-bootstrapping.{UE}", bytes.fromhex(KS_NAF)
    )
    with first:
        flag = first.flag()
    key = reference.e2e_key(
        *(bytes.fromhex(KS_NAF), ka, b"naf.example.com" + bytes.fromhex("0100000007")),
        refresh=bytes.fromhex(flag["refresh"]),
        usage=flag["usage"],
    )
    second = StockClient(f"{LOOPBACK}:{deployment.ports['4434']}", flag["identity"], key)
    second.write(b"hello\n")
    assert second.read() == b"e2e: hello"
    return second


def test_a_device_is_stolen(deployment: Deployment) -> None:
    """Guards against a stolen device that keeps its connection, or gets another through a second identity."""
    (commands,) = boxes("A device is stolen")
    deployment.run(
        "tail -n 1 /etc/akma/site/third-party/devices.csv | "
        f"sed 's/^{UE},,\\([0-9a-f]*\\),.*/other@x.example,,\\1,2026,{UE},/' "
        ">> /etc/akma/site/third-party/devices.csv"
    )
    deployment.act("systemctl reload e2e-as-third-party")
    assert "other@x.example" in (deployment.site / "third-party/devices.csv").read_text()
    with held(deployment) as connection:
        said = deployment.act(commands)
        assert connection.read() == b"", "at the endpoint, which is another process"
    assert "e2e_devices" in said and "e2e_revocations_total" in said
    assert deployment.flow().returncode != 0
    assert "e2e_devices 0" in deployment.shown("9435")
    deployment.programs["third-party"].wait_for_error("event=row-removed")


def test_the_operator_revokes(deployment: Deployment) -> None:
    """Guards against a page whose way to revoke a device leaves it a first connection."""
    assert deployment.flow().returncode == 0
    (commands,) = boxes("The operator revokes")
    deployment.act(commands)
    assert deployment.flow().returncode == 4
    deployment.programs["naf"].wait_for_error("event=row-removed")


def test_the_third_party_is_broken_into(deployment: Deployment) -> None:
    """Guards against a key, password, CA or Ka that a new deployment takes over from the one broken into."""
    (commands,) = boxes("The third party's host is broken into")
    deployment.run(commands)
    for program in deployment.programs.values():
        assert program.wait() == 0
    old, new = deployment.site, deployment.folder / "etc/akma/site2"
    for name in (
        "ca.pem",
        "third-party/third-party.key",
        "third-party/store.key",
        "third-party/third-party.password",
    ):
        assert (old / name).read_bytes() != (new / name).read_bytes()
    (row,) = (new / "third-party/devices.csv").read_text().splitlines()[1:]
    identity, ks_naf, ka, ka_id = row.split(",")[:4]
    assert (identity, ks_naf, ka_id) == (UE, "", "after-incident")
    assert ka not in (old / "third-party/devices.csv").read_text()
    words: list[str | Path] = ["-CAfile", new / "ca.pem", old / "naf/naf.pem"]
    assert subprocess.run(
        ["openssl", "verify", *words], capture_output=True, check=False
    ).returncode
