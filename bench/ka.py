"""What bench/ka.sh measures: flows a second by where Ka comes from, and how long a token takes for one.

    ka.py SECONDS

The ways take turns, so that what else the machine does meets all of them; each is compared with the file of its own turn. The
load has a processor of its own where there are two. The exit status is 1 where a way is slower than its limit allows.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "test/support"))
from database import PASSWORDS, PROGRAMS, SEAL, Database  # noqa: E402
from evp import BUILD  # noqa: E402
from flow import ENVIRONMENT, LOOPBACK, Server, free_port, write_devices  # noqa: E402
from reference import device_ka  # noqa: E402
from softhsm import IS_THERE, Token  # noqa: E402

TURNS, DEVICES, CLIENTS, KA_ID = 3, 200, 16, "2026"
LIMITS = {"master:": 0.5, "postgresql:": 0.5, "pkcs11:": 0.25}  # of the file's flows a second
KS_NAF, MASTER = "11" * 32, bytes(range(1, 33))
NAMES = [f"ue{number}@bsf.example.com" for number in range(DEVICES)]


def private(path: Path, text: str) -> str:
    """A file of a secret."""
    path.write_text(text)
    path.chmod(0o600)
    return str(path)


def visits(
    devices: Path, options: list[str], full: Path, seconds: str, environment: dict[str, str]
) -> tuple[float, float]:
    """Flows a second, and the mean milliseconds of a look-up that is not answered at once."""
    page = f"{LOOPBACK}:{free_port()}"
    words = [
        *options,
        "--metrics",
        page,
        "--connections-per-device",
        "1000",
        "--log-identities",
        "hash",
    ]
    with Server(devices, *words, environment=ENVIRONMENT | environment) as server:
        load = [str(BUILD / "bench/load"), "--connect", server.address, "--seconds", seconds]
        load += ["--e2e-connect", server.e2e_address, "--devices", str(full)]
        load += ["--clients", str(CLIENTS), "--threads", "1"]
        found = json.loads(subprocess.check_output(load, env=ENVIRONMENT))
        assert found["failed"] == 0, server.errors
        with urllib.request.urlopen(f"http://{page}/metrics") as metrics:
            text = metrics.read().decode()
    total, count = (
        re.search(rf"^e2e_ka_seconds_{of} ([\d.]+)$", text, re.M) for of in ("sum", "count")
    )
    mean = 1000 * float(total[1]) / float(count[1]) if total and count and float(count[1]) else 0
    return found["visits"] / found["seconds"], mean


def main() -> int:
    """Measure, print, judge."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        rows = [[ue, KS_NAF, device_ka(MASTER, ue, KA_ID).hex(), KA_ID] for ue in NAMES]
        full = write_devices(folder / "full.csv", rows)
        naf = write_devices(folder / "naf.csv", [[ue, KS_NAF, "", ""] for ue in NAMES])
        master = "master:file:" + private(folder / "master", MASTER.hex())
        ways: dict[str, tuple[Path, list[str]]] = {
            "file:": (full, []),
            "master:": (naf, ["--ka-source", master, "--ka-id", KA_ID]),
        }
        environment: dict[str, str] = {}
        database = None
        if IS_THERE:
            token = Token(folder / "hsm")
            token.put(MASTER)
            environment = token.environment
            ways["pkcs11:"] = (naf, ["--ka-source", token.uri(), "--ka-id", KA_ID])
        if PROGRAMS is not None:
            database = Database(folder)
            for ue in NAMES:
                database.put(ue, device_ka(MASTER, ue, KA_ID), KA_ID)
            options = [
                "--ka-source",
                database.uri(),
                "--ka-key",
                private(folder / "k", f"1:{SEAL.hex()}\n"),
            ]
            options += [
                "--ka-password-file",
                private(folder / "p", PASSWORDS["third_party"] + "\n"),
            ]
            ways["postgresql:"] = (naf, options)
        try:
            return measure(ways, full, environment)
        finally:
            if database is not None:
                database.remove()


def measure(
    ways: dict[str, tuple[Path, list[str]]], full: Path, environment: dict[str, str]
) -> int:
    """Every way, turn by turn."""
    rates: dict[str, list[float]] = {way: [] for way in ways}
    waits: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(TURNS):
        for way, (devices, options) in ways.items():
            rate, wait = visits(devices, options, full, sys.argv[1], environment)
            rates[way].append(rate)
            waits[way].append(wait)
    status = 0
    for way in ways:
        share = statistics.median(mine / file for mine, file in zip(rates[way], rates["file:"]))
        limit = LIMITS.get(way, 0)
        print(
            f"{way:12} {statistics.median(rates[way]):8.0f} flows/s {share:6.2f} of the file's, "
            f"look-up {statistics.median(waits[way]):.2f} ms"
            + (f" (at least {limit})" if limit else "")
        )
        status |= share < limit
    return status


if __name__ == "__main__":
    sys.exit(main())
