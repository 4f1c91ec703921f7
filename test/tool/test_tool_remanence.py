"""The akma tool under valgrind, and what remains of its secrets in memory when it ends.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

import reference
from evp import BUILD
from samples import FQDN, IMPI, NAF_ID, RAND, SUPI, UA
from sanitizer import unless_its_runtime_is_in_the_way
from tool import AKMA, ENVIRONMENT, secret

pytestmark = unless_its_runtime_is_in_the_way
KEY, KA = hashlib.sha256(b"remains: key").digest(), hashlib.sha512(b"remains: ka").digest()
MORE = [hashlib.sha512(str(number).encode()).digest() for number in range(5)]
NAF = ["--naf-fqdn", FQDN, "--ua-protocol-id", UA.hex()]
LOG = ["valgrind", "-q", "--leak-check=full", "--errors-for-leak-kinds=definite,indirect,possible"]
VALGRIND = [*LOG, "--error-exitcode=99", "--trace-children=no"]

CALLS: dict[str, tuple[list[str], int]] = {
    "derive": (["derive", "--ks-naf", "{key}", "--ka", "{ka}", *NAF, "--out", "out"], 0),
    "derive to a pipe": (["derive", "--ks-naf", "{key}", "--ka", "env:KA", *NAF], 0),
    "derive that is refused": (["derive", "--ks-naf", "{key}", "--ka", "{ka}", "--naf-fqdn", "x"], 1),
    "AKMA": (["derive", "--from-k-ausf", "{key}", "--supi", SUPI, "--ka", "{ka}", *NAF, "--out", "o"], 0),
    "GBA": (
        [
            *["derive", "--from-ck-ik", "{key}", "--impi", IMPI, "--rand", RAND.hex()],
            *["--ka", "{ka}", *NAF, "--format", "base64", "--out", "out"],
        ],
        0,
    ),
    "AKMA that is refused": (["derive", "--from-k-ausf", "{key}", "--supi", SUPI, *NAF], 1),
    "psk": (["psk", "--in", "devices.csv", "--out", "out", "--format", "json", *NAF], 0),
    "psk, a bad row": (["psk", "--in", "bad.csv", "--out", "out", "--format", "gnutls", *NAF], 1),
    "psk, on": (
        ["psk", "--in", "bad.csv", "--out", "out", "--format", "stunnel", "--keep-going", *NAF],
        1,
    ),
    "ka add": (["ka", "add", "--devices", "devices.csv", "--identity", "n", "--ka", "{ka}", "--new"], 0),
    "ka merge": (["ka", "merge", "--ks-naf", "devices.csv", "--ka", "devices.csv", "--out", "o"], 0),
    "ka add --in": (["ka", "add", "--devices", "devices.csv", "--in", "devices.csv"], 0),
    "ka remove": (["ka", "remove", "--devices", "devices.csv", "--identity", "device-1"], 0),
    "ka new": (["ka", "new", "--identity", "x", "--out", "out"], 0),
    "doctor": (["doctor"], 0),
    "config": (["config", "--out", "out"], 0),
    "ka derive": (["ka", "derive", "--master", "{key}", "--device", "x", "--out", "out"], 0),
    "psk, htdigest": (["psk", "--in", "devices.csv", "--out", "o", "--format", "htdigest", *NAF], 0),
    "identity": (["identity", "--b-tid", "a@b"], 0),
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    rows = [f"device-{n},{ka[:32].hex()},{ka[32:].hex()}\n" for n, ka in enumerate(MORE)]
    for name, extra in (("devices.csv", ""), ("bad.csv", "bad,00,00\n")):
        path = tmp_path / name
        path.write_text("identity,ks-naf,ka\n" + "".join(rows) + extra + "".join(rows[:0]))
        path.chmod(0o600)
    return tmp_path


def run(
    folder: Path, name: str, before: list[str], environment: dict[str, str]
) -> subprocess.CompletedProcess[bytes]:
    words, status = CALLS[name]
    sources = {"key": secret(folder / "key", KEY), "ka": secret(folder / "ka", KA)}
    variable = {"KA": KA.hex(), "REMAINS_VARIABLE": "KA"}
    result = subprocess.run(
        [*before, AKMA, *(word.format(**sources) for word in words)],
        env=ENVIRONMENT | (variable if "env:KA" in words else {}) | environment,
        cwd=folder,
        capture_output=True,
        timeout=100,
        check=False,
    )
    assert result.returncode == status, result.stderr
    return result


def needles() -> bytes:
    """Pieces of everything that is secret in these calls, masked."""
    chain = [reference.k_akma(KEY, SUPI), reference.ks_naf(KEY, RAND, IMPI, NAF_ID)]
    chain.append(reference.k_af(chain[0], NAF_ID))
    keys = [reference.e2e_key(key, KA, NAF_ID) for key in (KEY, *chain)]
    keys += [reference.e2e_key(ka[:32], ka[32:], NAF_ID) for ka in MORE]
    keys.append(reference.device_ka(KEY, "x"))
    secrets = [KEY, KA, KA[32:], *chain, *keys, *MORE, *(ka[32:] for ka in MORE)]
    return b"".join(bytes(octet ^ 0x5A for octet in octets[8:24]) for octets in secrets)


def scanned(folder: Path) -> dict[str, str]:
    """The environment of a program whose memory is searched at its end, with all that it released."""
    (folder / "needles").write_bytes(needles())
    return {
        "LD_PRELOAD": f"{os.environ.get('LD_PRELOAD', '')} {BUILD}/test/programs/libpreload_exit_scan.so",
        "REMAINS_NEEDLES": str(folder / "needles"),
        "REMAINS_REPORT": str(folder / "report"),
        # Or the kernel would take large blocks back when they are freed, and nobody could look at them.
        "GLIBC_TUNABLES": f"glibc.malloc.mmap_max=0:glibc.malloc.trim_threshold={1 << 30}",
    }


@pytest.mark.parametrize("name", CALLS)
def test_nothing_remains(folder: Path, name: str) -> None:
    """Guards against a command of akma that ends with a key, as octets or hex, in memory it could write."""
    run(folder, name, [], scanned(folder))
    assert (folder / "report").read_text() == f"0 of {len(needles()) // 16}\n"


def test_something_would_be_found(folder: Path) -> None:
    """Guards against a search for remains that finds nothing in any process."""
    subprocess.run(["true"], env=os.environ | scanned(folder) | {"X": KA.hex()}, check=True)
    assert (folder / "report").read_text().startswith("2 of ")


@pytest.mark.parametrize("name", CALLS)
def test_valgrind(folder: Path, name: str) -> None:
    """Guards against a command of akma that reads what was never written, or leaks."""
    assert shutil.which("valgrind")
    run(folder, name, VALGRIND, {})
