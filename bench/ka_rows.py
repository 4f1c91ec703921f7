"""What bench/ka_rows.sh measures: how long a Ka is looked up in a table of many rows, at so many of the flows a second that go.

    ka_rows.py ROWS SECONDS [realtime]

Each visit is another device's, of DEVICES that are spread over the table. Clients become more until they reach SHARE of the flows
of CLIENTS. With "realtime" database, server and load go before whatever else the machine does while they are measured. The exit
status is 1 where more than one look-up in a hundred takes longer than LIMIT there.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import subprocess
import sys
import tempfile
import urllib.request
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "test/support"), str(ROOT / "bench")]
from database import PASSWORDS, SEAL, Database, seal  # noqa: E402
from evp import BUILD  # noqa: E402
from flow import ENVIRONMENT, Metered, write_devices  # noqa: E402
from ka import KS_NAF, private  # noqa: E402

CLIENTS, DEVICES, SHARE, LIMIT = 16, 20_000, 0.8, 0.005
KA = bytes(range(1, 33))
FILLER = (
    "decode(repeat(md5(n::text), 5), 'hex') || '\\x0000000000'"  # as long as a row that is sealed
)


def fill(database: Database, rows: int) -> list[str]:
    """Rows; those of the devices, whose names are given back, can be opened."""
    step = rows // DEVICES
    names = [f"ue{number}@bsf.example.com" for number in range(step, rows + 1, step)]
    database.sql("ALTER TABLE akma_ka DROP CONSTRAINT akma_ka_pkey")
    for begin in range(0, rows, 1_000_000):
        database.sql(
            "INSERT INTO akma_ka (device, sealed) "
            f"SELECT 'ue' || n || '@bsf.example.com', {FILLER} "
            f"FROM generate_series({begin + 1}, {min(begin + 1_000_000, rows)}) n WHERE n % {step} <> 0",
            seconds=1800,
        )
    text = "".join(f"{name}\t\t\\\\x{seal(name, '', KA).hex()}\n" for name in names)
    database.sql("COPY akma_ka (device, ka_id, sealed) FROM STDIN", text=text)
    database.sql("ALTER TABLE akma_ka ADD PRIMARY KEY (device, ka_id)", seconds=1800)
    database.sql("ANALYZE akma_ka")
    return names


@dataclass
class Look:
    """What a run of the load has come to."""

    rate: float
    counted: dict[str, int]

    def within(self, bound: float) -> float:
        """The share of look-ups that took no longer, in seconds: a bucket's bound."""
        return self.counted[f"{bound:g}"] / self.counted["+Inf"]


def buckets(server: Metered) -> dict[str, int]:
    """How many look-ups took no longer than each bound, so far."""
    with urllib.request.urlopen(f"http://{server.metrics}/metrics") as answer:
        text = answer.read().decode()
    found = re.findall(r'^e2e_ka_seconds_bucket\{le="([^"]*)"\} (\d+)$', text, re.M)
    return {bound: int(count) for bound, count in found}


def look(server: Metered, devices: Path, clients: int, seconds: str) -> Look:
    """One run of the load."""
    before = buckets(server)
    load = [str(BUILD / "bench/load"), "--connect", server.address, "--seconds", seconds]
    load += ["--e2e-connect", server.e2e_address, "--devices", str(devices)]
    load += ["--clients", str(clients), "--threads", "1"]
    found = json.loads(subprocess.check_output(load, env=ENVIRONMENT))
    assert found["failed"] == 0, server.errors
    after = buckets(server)
    return Look(found["visits"] / found["seconds"], {at: after[at] - before[at] for at in after})


def resident(server: Metered) -> int:
    """MiB."""
    status = Path(f"/proc/{server.process.pid}/status").read_text()
    return int(status.split("VmRSS:")[1].split()[0]) // 1024


def measure(server: Metered, devices: Path, seconds: str) -> int:
    """More and more clients."""
    most = look(server, devices, CLIENTS, seconds).rate
    print(f"{most:.0f} flows/s with {CLIENTS} clients, {resident(server)} MiB", flush=True)
    for clients in range(1, CLIENTS + 1):
        found = look(server, devices, clients, seconds)
        shares = ", ".join(
            f"{100 * found.within(bound):.2f}% within {1000 * bound:g} ms"
            for bound in (0.001, 0.002, 0.003, LIMIT, 0.01)
        )
        print(
            f"{clients:2} clients: {found.rate:.0f} flows/s, {100 * found.rate / most:.0f}%: {shares}",
            flush=True,
        )
        if found.rate >= SHARE * most:
            return found.within(LIMIT) < 0.99
    return 1


def main() -> int:
    """Fill, measure, judge."""
    rows, seconds = int(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = Database(
            folder, "max_wal_size = 4GB", "wal_level = minimal", "max_wal_senders = 0"
        )
        try:
            names = fill(database, rows)
            size = database.sql("SELECT pg_size_pretty(pg_total_relation_size('akma_ka'))")
            print(f"{rows} rows, {size}", flush=True)
            database.stop()
            if sys.argv[3:] == ["realtime"]:
                os.sched_setscheduler(
                    0, os.SCHED_RR, os.sched_param(1)
                )  # and what is started from here on
            database.start()
            full = write_devices(folder / "full.csv", [[ue, KS_NAF, KA.hex(), ""] for ue in names])
            naf = write_devices(folder / "naf.csv", [[ue, KS_NAF, "", ""] for ue in names])
            options = ["--ka-source", database.uri(), "--connections-per-device", "1000"]
            options += ["--ka-key", private(folder / "k", f"1:{SEAL.hex()}\n")]
            options += [
                "--ka-password-file",
                private(folder / "p", PASSWORDS["third_party"] + "\n"),
            ]
            with Metered(naf, *options, "--log-identities", "hash") as server:
                return measure(server, full, seconds)
        finally:
            database.remove()


if __name__ == "__main__":
    sys.exit(main())
