"""The last release's programs against this tree's: UE, NAF, third party and endpoint, over their links and over a store.

AKMA_OLD is the build folder of the last release; test/checks/versions.sh makes it.

SPDX-License-Identifier: Apache-2.0
"""

import itertools
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from consumer import IDENTITY, KA, KS_NAF
from store_cluster import Redis, Site
from evp import BUILD
from flow import FQDN, LOOPBACK, SECONDS, Process, write_devices
from link import Sides

BUILDS = {"old": Path(os.environ["AKMA_OLD"]), "new": BUILD}
CONFIG = """
openssl_conf = init
[init]
providers = providers
[providers]
default = on
akma = on
[on]
activate = 1
"""


def mixes(count: int) -> list[tuple[str, ...]]:
    """Every choice of versions for so many programs, but those of one version alone."""
    return [mix for mix in itertools.product(BUILDS, repeat=count) if len(set(mix)) > 1]


class Deployment:
    """Programs of both versions, and the files that they share."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        ks_naf, ka = KS_NAF.hex(), KA.hex()
        self.devices = write_devices(folder / "devices.csv", [[IDENTITY, ks_naf, ka]])
        self.of_naf = write_devices(folder / "naf.csv", [[IDENTITY, ks_naf, ""]])
        self.of_third_party = write_devices(folder / "third-party.csv", [[IDENTITY, "", ka]])
        (folder / "openssl.cnf").write_text(CONFIG)
        self.programs: list[Process] = []

    def environment(self, version: str) -> dict[str, str]:
        """With that version's module."""
        return os.environ | {
            "OPENSSL_CONF": str(self.folder / "openssl.cnf"),
            "OPENSSL_MODULES": str(BUILDS[version]),
        }

    def start(self, version: str, *options: str | Path) -> dict[str, str]:
        """e2e-as in some role; where it listens, by the options' names."""
        words = [str(option) for option in options]
        program = Process(
            BUILDS[version] / "e2e/e2e-as", *words, environment=self.environment(version)
        )
        self.programs.append(program)
        addresses = {}
        for name in ("accept", "e2e-accept", "naf-accept"):
            if f"--{name}" in words:
                line = program.read().decode()
                assert line.startswith(f"{name} "), line + program.errors
                addresses[name] = line.split()[1]
        return addresses

    def flow(self, version: str, accept: str, e2e_accept: str) -> str:
        """What e2e-ue prints, and what it says if that is wrong."""
        command = [BUILDS[version] / "e2e/e2e-ue", "--connect", accept, "--e2e-connect", e2e_accept]
        command += ["--devices", self.devices, "--identity", IDENTITY, "--naf-fqdn", FQDN]
        result = subprocess.run(
            [str(word) for word in [*command, "--message", "hello"]],
            env=self.environment(version),
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
        return result.stdout + result.stderr

    def stop(self) -> None:
        """End all."""
        for program in self.programs:
            program.stop()


@pytest.fixture
def deployment(tmp_path: Path) -> Iterator[Deployment]:
    """One that ends with its test."""
    made = Deployment(tmp_path)
    yield made
    made.stop()


@pytest.mark.parametrize(("server", "ue"), mixes(2))
def test_ue_and_server(deployment: Deployment, server: str, ue: str) -> None:
    """Guards against a UE that the other version's server no longer understands."""
    addresses = ["--accept", f"{LOOPBACK}:0", "--e2e-accept", f"{LOOPBACK}:0"]
    naf = deployment.start(server, *addresses, "--devices", deployment.devices, "--naf-fqdn", FQDN)
    assert deployment.flow(ue, naf["accept"], naf["e2e-accept"]) == "e2e: hello\n"


@pytest.mark.parametrize(("naf", "third_party", "ue"), mixes(3))
def test_naf_and_third_party(
    deployment: Deployment, tmp_path: Path, naf: str, third_party: str, ue: str
) -> None:
    """Guards against a link between NAF and third party that one of them speaks otherwise than the release."""
    sides = Sides(tmp_path)
    listens = ["--naf-accept", f"{LOOPBACK}:0", "--e2e-accept", f"{LOOPBACK}:0"]
    away = deployment.start(
        third_party,
        *listens,
        "--devices",
        deployment.of_third_party,
        *sides.options(sides.third_party),
    )
    asks = ["--accept", f"{LOOPBACK}:0", "--third-party", away["naf-accept"], "--naf-fqdn", FQDN]
    here = deployment.start(naf, *asks, "--devices", deployment.of_naf, *sides.options(sides.naf))
    assert deployment.flow(ue, here["accept"], away["e2e-accept"]) == "e2e: hello\n"


@pytest.mark.redis
@pytest.mark.parametrize(("naf", "endpoint", "ue"), mixes(3))
def test_store(deployment: Deployment, tmp_path: Path, naf: str, endpoint: str, ue: str) -> None:
    """Guards against a record in the store that the other version cannot read, or leaves there after its use."""
    redis = Redis(tmp_path, tls=True, users=True)
    site = Site(tmp_path, redis)
    try:
        words: list[str | Path] = [
            "--accept",
            f"{LOOPBACK}:0",
            "--devices",
            deployment.devices,
            "--naf-fqdn",
            FQDN,
        ]
        here = deployment.start(naf, *words, *site.store("akma-third-party"))
        words = ["--e2e-accept", f"{LOOPBACK}:0", *site.store("akma-endpoint")]
        away = deployment.start(endpoint, *words)
        for _ in range(3):
            assert deployment.flow(ue, here["accept"], away["e2e-accept"]) == "e2e: hello\n"
            assert redis.ask("keys", "akma:key:*") == b""
    finally:
        redis.stop()
