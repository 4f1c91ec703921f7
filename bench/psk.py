"""What bench/psk.sh measures: devices keyed a second, by four ways.

    psk.py AKMA FOLDER DEVICES

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import hmac
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

NAF_ID = b"mqtt.example.com" + bytes.fromhex("0100000007")
NAF = ["--naf-fqdn", "mqtt.example.com", "--ua-protocol-id", "0100000007"]
OPENSSL_CALLS = 50
PYTHON_ROWS = 50_000


def write_fleet(path: Path, count: int) -> None:
    """Devices with keys of their own."""
    with path.open("w") as file:
        file.write("identity,ks-naf,ka\n")
        for number in range(count):
            keys = hashlib.sha512(str(number).encode()).hexdigest()
            file.write(f"device-{number:08}@bsf.example.com,{keys[:64]},{keys[64:]}\n")
    path.chmod(0o600)


def rate(count: int, work: Callable[[], None]) -> float:
    """How many a second; the best of three."""
    best = 0.0
    for _ in range(3):
        begun = time.perf_counter()
        work()
        best = max(best, count / (time.perf_counter() - begun))
    return best


def by_python(fleet: Path, out: Path) -> None:
    """The same file with hmac and hashlib."""
    with fleet.open() as rows, out.open("w") as file:
        next(rows)
        for number, row in enumerate(rows):
            if number == PYTHON_ROWS:
                break
            identity, ks_naf, ka = row.rstrip("\n").split(",")
            s = b"\xff\xe2"
            for part in (b"akma-e2e", bytes.fromhex(ka), NAF_ID, b"", b"", b"\0\x20", b"\x01"):
                s += part + len(part).to_bytes(2, "big")
            file.write(f"{identity}:{hmac.digest(bytes.fromhex(ks_naf), s, 'sha256').hex()}\n")


def run(command: list[str | Path]) -> None:
    """One call of the tool."""
    subprocess.run(command, check=True)


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


def main() -> None:
    """Measure and print."""
    akma, folder, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    fleet, out, python = folder / "fleet.csv", folder / "psk", folder / "python"
    write_fleet(fleet, count)
    command: list[str | Path] = [
        akma,
        "psk",
        "--in",
        fleet,
        "--out",
        out,
        "--format",
        "mosquitto",
        *NAF,
    ]
    fast = rate(count, lambda: run(command))
    slow = rate(min(count, PYTHON_ROWS), lambda: by_python(fleet, python))
    slowest = rate(OPENSSL_CALLS, lambda: by_openssl(fleet))
    with out.open() as one, python.open() as other:
        assert all(line == next(one) for line in other), "the keys differ"
    processors = len(os.sched_getaffinity(0))
    print(f"akma psk           {fast:10,.0f} devices a second on {processors} processors")
    print(f"Python's hmac      {slow:10,.0f}")
    print(f"openssl kdf        {slowest:10,.0f}")


if __name__ == "__main__":
    main()
