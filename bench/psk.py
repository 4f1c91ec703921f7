"""What bench/psk.sh measures: devices keyed a second by akma psk, beside the bare derivations, Python and openssl kdf.

    psk.py AKMA BARE FOLDER DEVICES

Two processors, whatever the machine has. The ways take turns, and what is compared was measured in the same turn. With the
devices per second of the clock come those of processor time, which other programs' share of the machine hardly changes. The
exit status is 1 if a limit is missed.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import hmac
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

FQDN = "mqtt.example.com"
NAF_ID = FQDN.encode() + bytes.fromhex("0100000007")
NAF = ["--naf-fqdn", FQDN, "--ua-protocol-id", "0100000007"]
ROUNDS = 5
OPENSSL_CALLS = 50
PYTHON_ROWS = 50_000
LIMIT, AIM, LIMIT_OF_BARE = 400_000, 1_000_000, 0.5

Rates = tuple[float, float]  # devices a second: of the clock, of processor time


def write_fleet(path: Path, count: int) -> None:
    """Devices with keys of their own."""
    with path.open("w") as file:
        file.write("identity,ks-naf,ka\n")
        for number in range(count):
            keys = hashlib.sha512(str(number).encode()).hexdigest()
            file.write(f"device-{number:08}@bsf.example.com,{keys[:64]},{keys[64:]}\n")
    path.chmod(0o600)


def processor_time() -> float:
    """Seconds that this process and those it has waited for took."""
    return sum(os.times()[:4])


def rates(count: int, work: Callable[[], object]) -> Rates:
    """One run of it."""
    clock, processor = time.perf_counter(), processor_time()
    work()
    return count / (time.perf_counter() - clock), count / (processor_time() - processor)


def by_python(fleet: Path, out: Path) -> None:
    """The first rows of the same file with hmac and hashlib."""
    with fleet.open() as rows, out.open("w") as file:
        next(rows)
        for _, row in zip(range(PYTHON_ROWS), rows):
            identity, ks_naf, ka = row.rstrip("\n").split(",")
            s = b"\xff\xe2"
            for part in (b"akma-e2e", bytes.fromhex(ka), NAF_ID, b"", b"", b"\0\x20", b"\x01"):
                s += part + len(part).to_bytes(2, "big")
            file.write(f"{identity}:{hmac.digest(bytes.fromhex(ks_naf), s, 'sha256').hex()}\n")


def by_openssl(fleet: Path) -> None:
    """One process per device, as a shell script would have it."""
    with fleet.open() as rows:
        next(rows)
        for _ in range(OPENSSL_CALLS):
            _, ks_naf, ka = next(rows).rstrip("\n").split(",")
            options = [f"hexks-naf:{ks_naf}", f"hexka:{ka}", f"hexnaf-id:{NAF_ID.hex()}"]
            words = [word for option in options for word in ("-kdfopt", option)]
            command = ["openssl", "kdf", "-keylen", "32", *words, "AKMA-E2E"]
            subprocess.run(command, stdout=subprocess.DEVNULL, check=True)


def by_bare(bare: str, count: int) -> Rates:
    """The derivations alone; the program takes the time itself, without what it prepares."""
    clock, processor = subprocess.check_output([bare, str(count), FQDN]).split()
    return float(clock), float(processor)


def measure(akma: str, bare: str, folder: Path, count: int) -> dict[str, list[Rates]]:
    """Each way in each round."""
    fleet, out, python = folder / "fleet.csv", folder / "psk", folder / "python"
    write_fleet(fleet, count)
    command = [akma, "psk", "--in", str(fleet), "--out", str(out), "--format", "mosquitto", *NAF]
    ways: dict[str, Callable[[], Rates]] = {
        "akma psk": lambda: rates(count, lambda: subprocess.run(command, check=True)),
        "bare derivations": lambda: by_bare(bare, count),
        "Python's hmac": lambda: rates(min(count, PYTHON_ROWS), lambda: by_python(fleet, python)),
        "openssl kdf": lambda: rates(OPENSSL_CALLS, lambda: by_openssl(fleet)),
    }
    results: dict[str, list[Rates]] = {name: [] for name in ways}
    for _ in range(ROUNDS):
        for name, way in ways.items():
            results[name].append(way())
    with out.open() as one, python.open() as other:
        assert all(line == next(one) for line in other), "the keys differ"
    return results


def report(results: dict[str, list[Rates]]) -> bool:
    """Print the best of each way, and how that compares with the limits; True if they are kept."""
    print(f"{'devices a second':20}{'two processors':>16}{'of processor time':>20}")
    for name, of_rounds in results.items():
        print(
            f"{name:20}{max(r[0] for r in of_rounds):16,.0f}{max(r[1] for r in of_rounds):20,.0f}"
        )
    rate = max(r[0] for r in results["akma psk"])
    reached = "reached" if rate >= AIM else "not reached"
    print(
        f"\n{rate:,.0f} a second: limit {LIMIT:,}: {'ok' if rate >= LIMIT else 'MISSED'}, aim {AIM:,}: {reached}"
    )
    pairs = list(zip(results["akma psk"], results["bare derivations"]))
    kept = rate >= LIMIT
    for index, what in enumerate(("by the clock", "of processor time")):
        ratio = statistics.median(one[index] / other[index] for one, other in pairs)
        verdict = "ok" if ratio >= LIMIT_OF_BARE else "MISSED"
        print(f"{ratio:.2f} of the bare derivations {what}: limit {LIMIT_OF_BARE}: {verdict}")
        kept = kept and ratio >= LIMIT_OF_BARE
    return kept


def main() -> int:
    """Measure and print."""
    akma, bare, folder, count = sys.argv[1], sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:2])
    return 0 if report(measure(akma, bare, folder, count)) else 1


if __name__ == "__main__":
    sys.exit(main())
