"""The Python package: its wheel, built and installed without network, and what is derived with it.

SPDX-License-Identifier: Apache-2.0
"""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import reference
from configuration import write_config
from evp import BUILD, OPENSSL_VERSION, Value
from samples import ALGORITHMS, DEVICE, EXPECTED, FC, FQDN, IMPI, KA, KEY, NAF_ID, RAND, SUPI, UA
from samples import e2e_items, vector_cases, vectors
from project import ROOT, run

PYTHON = "/usr/bin/python3"
OFFLINE = ["--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
pytestmark = pytest.mark.builds
PIP = [PYTHON, "-m", "pip", "--quiet"]

# Derive every call that comes as JSON; a list stands for octets in hex.
DERIVE = """
import json, sys
from akma import Kdf

def value(given):
    return bytes.fromhex(given["hex"]) if isinstance(given, dict) else given

for call in json.load(open(sys.argv[1])):
    parameters = {name: [value(v) for v in g] if isinstance(g, list) else value(g) for name, g in call["parameters"].items()}
    print(Kdf(call["algorithm"]).derive(call["length"], **parameters).hex())
"""


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy."""
    folder = tmp_path_factory.mktemp("python")
    shutil.copytree(
        ROOT / "python", folder / "source", ignore=shutil.ignore_patterns("build", "*.egg-info")
    )
    run(*PIP, "wheel", *OFFLINE, "--wheel-dir", folder, folder / "source", LD_PRELOAD="")
    (built,) = folder.glob("*.whl")
    return built


@pytest.fixture(scope="session")
def installed(wheel: Path) -> Path:
    """Where the wheel is installed: a folder of its own."""
    target = wheel.parent / "installed"
    run(*PIP, "install", *OFFLINE[:2], "--target", target, wheel, LD_PRELOAD="")
    return target


def python(installed: Path, program: str, *arguments: object, **environment: str) -> str:
    """Run a program with the installed package and the module of the build folder."""
    settings = {"PYTHONPATH": str(installed), "OPENSSL_MODULES": str(BUILD)}
    settings |= {"OPENSSL_CONF": "/dev/null"} | environment
    return run(PYTHON, "-c", program, *map(str, arguments), **settings)


def refused(installed: Path, call: str, **environment: str) -> tuple[str, list[str]]:
    """The kind of exception that a call ends in, and its reasons, or its text."""
    program = f"""
import json
from akma import Error, Kdf
try:
    {call}
except Exception as error:
    print(type(error).__name__)
    print(json.dumps(getattr(error, "reasons", [str(error)])))
"""
    kind, reasons = python(installed, program, **environment).splitlines()
    return kind, json.loads(reasons)


CALL = f"Kdf('AKMA-E2E').derive(32, ks_naf={KEY!r}, ka={KA!r}, naf_id={NAF_ID!r})"


def test_wheel_is_pure_and_typed(wheel: Path) -> None:
    """Guards against a wheel that lacks its types, has strange files, or another version than the project."""
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    assert wheel.name.endswith("-py3-none-any.whl")
    assert "akma/py.typed" in names
    assert not {name for name in names if not name.startswith(("akma/", "akma-"))}
    (version,) = re.findall(r"project\(akma VERSION (\S+)", (ROOT / "CMakeLists.txt").read_text())
    assert wheel.name.startswith(f"akma-{version}-")


def as_json(value: Value) -> Any:
    """Octets in hex."""
    return {"hex": value.hex()} if isinstance(value, bytes) else value


def test_vectors(installed: Path, tmp_path: Path) -> None:
    """Guards against the Python package giving another key than a published vector."""
    calls, expected = [], []
    others = vectors("interoperability.json")
    cases = [case[1:] for case in vector_cases()] + [
        ("AKMA-E2E", e2e_items(vector, pair=False), vector["length"], vector["e2e-key"])
        for vector in others
    ]
    for algorithm, items, length, key in cases:
        parameters: dict[str, Any] = {}
        for item in items:
            assert isinstance(item, tuple)
            name = item[0].replace("-", "_")
            if name == "p":
                parameters.setdefault("p", []).append(as_json(item[1]))
            else:
                parameters[name] = as_json(item[1])
        calls.append({"algorithm": algorithm, "length": length, "parameters": parameters})
        expected.append(key)
    (tmp_path / "calls.json").write_text(json.dumps(calls))
    assert len(calls) > len(others)
    assert python(installed, DERIVE, tmp_path / "calls.json").split() == expected


@pytest.mark.parametrize("kind", ["bytearray", "memoryview"])
def test_octets_of_other_kinds(installed: Path, kind: str) -> None:
    """Guards against a bytearray or memoryview that is refused, or read as something else."""
    call = CALL.replace(repr(KEY), f"{kind}({KEY!r})")
    output = python(installed, f"from akma import Kdf\nprint({call}.hex())")
    assert output.strip() == EXPECTED["AKMA-E2E"].hex()


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (("ks_naf=", "ks_naf=b'1' or "), "ks-naf: 1 octets given; must be exactly 32"),
        (("ks_naf=", "ks_naf='1' or "), "ks-naf: a UTF-8 string given; must be an octet string"),
        (("naf_id=", "usage=b'1', naf_id="), "usage: an octet string given"),
        (("naf_id=", "not_after=1, naf_id="), "not-after"),
        (("naf_id=", "naf_fqdn='a_b', ua_protocol_id="), "naf-fqdn"),
        (("derive(32", "derive(0"), "0 octets"),
        (("derive(32", "derive(8161"), "8160"),
        (("naf_id=", "not_after=2**63, naf_id="), "not-after: must be an integer of 64 bits"),
        (("naf_id=", "not_after=-2**63-1, naf_id="), "not-after: must be an integer of 64 bits"),
        (("AKMA-E2E", "HKDF"), "HKDF: the module has no such algorithm"),
        (("AKMA-E2E", "AKMA-E2E\\0"), "the module has no such algorithm"),
    ],
)
def test_refusals_carry_the_reason(installed: Path, change: tuple[str, str], reason: str) -> None:
    """Guards against a refusal that reaches Python without the module's reason."""
    kind, reasons = refused(installed, CALL.replace(*change))
    assert kind == "Error"
    assert reason in reasons[-1]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (("naf_id=", "refesh=b'1', naf_id="), "no parameter 'refesh'"),
        (("naf_id=", "refresh=None, naf_id="), "refresh: NoneType given"),
        (("naf_id=", "refresh=[], naf_id="), "refresh: list given"),
        (("naf_id=", "refresh=[b'1'], naf_id="), "refresh: list given"),
    ],
)
def test_what_openssl_would_pass_over_is_refused(
    installed: Path, change: tuple[str, str], text: str
) -> None:
    """Guards against a misspelt parameter that libcrypto passes over, so that another key comes out."""
    kind, reasons = refused(installed, CALL.replace(*change))
    assert kind == "TypeError"
    assert text in reasons[0]


def test_the_policy_holds(installed: Path, tmp_path: Path) -> None:
    """Guards against a policy that does not hold for the Python package."""
    config = write_config(tmp_path / "openssl.cnf", {"akma": {"min-ka-length": "33"}})
    kind, reasons = refused(installed, CALL, OPENSSL_CONF=str(config))
    assert kind == "Error"
    assert "min-ka-length" in reasons[-1]


@pytest.mark.parametrize(
    ("what", "why"),
    [("broken", ""), ("missing", ": No such file or directory"), ("folder", ": Is a directory")],
)
def test_a_configuration_that_cannot_be_read_is_an_error(
    installed: Path, tmp_path: Path, what: str, why: str
) -> None:
    """Guards against an unreadable OPENSSL_CONF that is passed over, so that keys are derived without its policy."""
    path = tmp_path / what
    if what == "broken":
        path.write_text("[broken\n")
    if what == "folder":
        path.mkdir()
    kind, reasons = refused(installed, CALL, OPENSSL_CONF=str(path))
    assert kind == "Error"
    assert reasons[-1].startswith(f"OPENSSL_CONF={path} cannot be read{why}")


def test_no_configuration_is_none(installed: Path) -> None:
    """Guards against an empty OPENSSL_CONF being taken for a file that cannot be read."""
    call = f"from akma import Kdf\nprint({CALL}.hex())"
    assert python(installed, call, OPENSSL_CONF="").strip() == EXPECTED["AKMA-E2E"].hex()


@pytest.mark.parametrize("number", [2, 3])
def test_without_a_package_index(wheel: Path, tmp_path: Path, number: int) -> None:
    """Guards against commands for a machine without an index that do not install a package which runs."""
    page = (ROOT / "python/README.md").read_text().split("\n## Install\n")[1]
    command = re.findall(r"^\| .* \| `(.*)` \|$", page, re.M)[number - 1]
    assert "--no-index" in command
    shutil.copytree(
        wheel.parent / "source", tmp_path / "python", ignore=shutil.ignore_patterns("build")
    )
    shutil.copy(wheel, tmp_path)
    run("sh", "-c", f"cd '{tmp_path}' && PATH=/usr/bin:/bin && {command}", LD_PRELOAD="")
    settings = {"OPENSSL_MODULES": str(BUILD), "OPENSSL_CONF": "/dev/null", "PYTHONPATH": ""}
    program = f"import akma\nprint(akma.{next(iter(FUNCTIONS))}.hex(), akma.__file__)"
    key, file = run(tmp_path / "venv/bin/python", "-c", program, **settings).split()
    assert key == EXPECTED["AKMA-E2E"].hex() and file.startswith(str(tmp_path / "venv"))


# Each function's call of its sample, and what the call gives.
NAF = f"naf_fqdn={FQDN!r}, ua_protocol_id={UA!r}"
FUNCTIONS = {
    f"e2e_key(ks_naf={KEY!r}, ka={KA!r}, {NAF})": "AKMA-E2E",
    f"gba_ks_naf(key={KEY!r}, rand={RAND!r}, impi={IMPI!r}, {NAF})": "GBA-KS-NAF",
    f"gba_ks_int_naf(key={KEY!r}, rand={RAND!r}, impi={IMPI!r}, {NAF})": "GBA-KS-INT-NAF",
    f"akma_k_akma(key={KEY!r}, supi={SUPI!r})": "AKMA-K-AKMA",
    f"akma_a_tid(key={KEY!r}, supi={SUPI!r})": "AKMA-A-TID",
    f"akma_k_af(key={KEY!r}, {NAF})": "AKMA-K-AF",
    f"akma_ka(key={KEY!r}, device={DEVICE!r})": "AKMA-KA",
    f"kdf_3gpp(key={KEY!r}, fc={FC!r}, p=[b'P0'])": "3GPP-KDF",
}


def test_a_function_for_each_algorithm(installed: Path) -> None:
    """Guards against a Python function that derives by another algorithm, or drops a parameter."""
    assert sorted(FUNCTIONS.values()) == sorted(ALGORITHMS)
    calls = "\n".join(f"print(akma.{call}.hex())" for call in FUNCTIONS)
    keys = python(installed, f"import akma\n{calls}").split()
    assert keys == [EXPECTED[algorithm].hex() for algorithm in FUNCTIONS.values()]


def test_settings_of_the_function(installed: Path) -> None:
    """Guards against a setting of the Python function that does not reach the module."""
    call = next(iter(FUNCTIONS)).replace(
        "e2e_key(", "e2e_key(refresh=b'r', usage='u', digest='SHA3-512', mode='HKDF', "
    )
    key = python(installed, f"import akma\nprint(akma.{call[:-1]}, length=70).hex())").strip()
    settings: dict[str, Any] = {"refresh": b"r", "usage": "u", "digest": "SHA3-512", "mode": "HKDF"}
    assert key == reference.e2e_key(KEY, KA, NAF_ID, length=70, **settings).hex()


@pytest.mark.parametrize(
    ("time", "said"),
    [
        (
            "datetime(2000, 1, 1, tzinfo=timezone.utc)",
            "not-after: the 3GPP key ended at 946684800 ",
        ),
        (
            "datetime(2000, 1, 1, 2, tzinfo=timezone(timedelta(hours=2)))",
            "not-after: the 3GPP key ended at 946684800 ",
        ),
        (
            "datetime(1969, 12, 31, 23, 59, 59, 500000, tzinfo=timezone.utc)",
            "not-after: the 3GPP key ended at -1 ",
        ),
        ("datetime(2000, 1, 1)", "not-after: a datetime without a time zone given"),
        ("1790000000000", "(are these milliseconds?)"),
        ("1.5", "not-after: float given; must be bytes, str, int or datetime"),
    ],
)
def test_not_after(installed: Path, time: str, said: str) -> None:
    """Guards against a datetime that is read in the machine's time zone or rounded up, and milliseconds taken for
    seconds.
    """
    imports = "from datetime import datetime, timedelta, timezone; import akma; "
    call = imports + next(iter(FUNCTIONS)).replace("e2e_key(", f"akma.e2e_key(not_after={time}, ")
    _, reasons = refused(installed, call)
    assert said in reasons[-1]
    later = call.replace(time, "datetime.max.replace(tzinfo=timezone.utc)")
    *statements, last = later.split("; ")
    output = python(installed, "\n".join([*statements, f"print({last}.hex())"]))
    assert output.strip() == EXPECTED["AKMA-E2E"].hex()


# Each line is a mistake but the first ones; mypy has to find every one of them.
PLANTED = f"""
from datetime import datetime, timezone
import akma
end = datetime(2030, 1, 1, tzinfo=timezone.utc)
naf, ua, key, ka = "naf.example.com", bytes(5), b"1" * 32, b"2" * 32
akma.e2e_key(ks_naf=key, ka=ka, naf_fqdn=naf, ua_protocol_id=ua, not_after=end, mode="HKDF")
akma.Kdf("AKMA-E2E").derive(32, ks_naf=key, ka=ka, naf_id=naf.encode() + ua)
akma.e2e_key(ks_naf=key, ka=ka, naf_fqdn=naf, ua_protocol_id=ua, refesh=b"1")
akma.e2e_key(ks_naf=key.hex(), ka=ka, naf_fqdn=naf, ua_protocol_id=ua)
akma.e2e_key(ks_naf=key, naf_fqdn=naf, ua_protocol_id=ua)
akma.Kdf("AKMA-E2X")
akma.e2e_kye(ks_naf=key, ka=ka, naf_fqdn=naf, ua_protocol_id=ua)
akma.e2e_key(ks_naf=key, ka=ka, naf_fqdn=naf, ua_protocol_id=ua, not_after="2030-01-01")
akma.e2e_key(ks_naf=key, ka=ka, naf_fqdn=naf, ua_protocol_id=ua, digest="SHA-256")
akma.e2e_key(ks_naf=key, ka=ka, naf_fqdn=naf.encode(), ua_protocol_id=ua)
akma.kdf_3gpp(key=key, fc=b"1", p="text")
akma.akma_k_akma(key=key, supi=234150999999999)
"""
RIGHT = 6  # lines of it, the empty one among them, before the mistakes


@pytest.mark.skipif(shutil.which("mypy") is None, reason="mypy is not installed")
def test_a_type_checker_finds_mistakes(installed: Path, tmp_path: Path) -> None:
    """Guards against a type of the package so wide that mypy passes a call which fails when run."""
    (tmp_path / "planted.py").write_text(PLANTED)
    settings = {"MYPYPATH": str(installed), "MYPY_CACHE_DIR": str(tmp_path / "cache")}
    command = ["mypy", "--strict", "--config-file=", "planted.py"]
    result = subprocess.run(
        command,
        cwd=tmp_path,
        env=os.environ | settings,
        capture_output=True,
        text=True,
        check=False,
    )
    found = {int(number) for number in re.findall(r"^planted.py:(\d+): error", result.stdout, re.M)}
    lines = PLANTED.splitlines()
    wrong = set(range(RIGHT + 2, len(lines) + 1))
    assert len(wrong) == 10 and found == wrong, result.stdout


def test_version(installed: Path, wheel: Path) -> None:
    """Guards against a wheel whose name has another version than the package in it."""
    version = python(installed, "import akma\nprint(akma.__version__)").strip()
    assert wheel.name.startswith(f"akma-{version}-")


def test_a_missing_module_is_said(installed: Path, tmp_path: Path) -> None:
    """Guards against an error of Python's that does not say where the module is looked for."""
    kind, reasons = refused(installed, CALL, OPENSSL_MODULES=str(tmp_path))
    assert kind == "Error"
    assert "OPENSSL_MODULES" in reasons[-1]


def test_another_libcrypto(installed: Path, tmp_path: Path) -> None:
    """Guards against an AKMA_LIBCRYPTO that is ignored, or a library that is no libcrypto being called."""
    name = f"libcrypto.so.{OPENSSL_VERSION[0]}"
    listed = run("/sbin/ldconfig", "-p")
    kind = r"libc6,x86-64" if sys.maxsize > 2**32 else r"libc6"
    (system,) = re.findall(rf"^\s+{re.escape(name)} \({kind}\) => (\S+)$", listed, re.M)[:1]
    copy = shutil.copy(system, tmp_path / "libcrypto-of-ours.so")
    maps = f"from akma import Kdf\nprint({CALL}.hex())\nprint(open('/proc/self/maps').read())"
    output = python(installed, maps, AKMA_LIBCRYPTO=str(copy))
    assert output.split("\n", 1)[0] == EXPECTED["AKMA-E2E"].hex()
    assert str(copy) in output
    kind, reasons = refused(installed, CALL, AKMA_LIBCRYPTO="libm.so.6")
    assert kind == "Error"
    assert "OpenSSL 3.0 or newer is needed" in reasons[-1]


def test_the_default_context_stays_untouched(installed: Path) -> None:
    """Guards against a package that loads the module into OpenSSL's default context, which the process shares."""
    program = f"""
from ctypes import CDLL, c_void_p
from ctypes.util import find_library
from akma import Kdf
import ssl
print({CALL}.hex())
crypto = CDLL(find_library("crypto"))
crypto.EVP_KDF_fetch.restype = c_void_p
print(crypto.EVP_KDF_fetch(None, b"AKMA-E2E", None), crypto.ERR_peek_error() != 0)
crypto.ERR_clear_error()
print(crypto.OSSL_PROVIDER_available(None, b"akma"))
"""
    assert python(installed, program).splitlines() == [
        EXPECTED["AKMA-E2E"].hex(),
        "None True",
        "0",
    ]


def test_threads_share_one(installed: Path) -> None:
    """Guards against threads that share a Kdf and get each other's keys or errors."""
    program = f"""
from concurrent.futures import ThreadPoolExecutor
from akma import Error, Kdf
e2e = Kdf("AKMA-E2E")

def derive(number):
    parameters = dict(ks_naf={KEY!r}, ka={KA!r}, naf_id={NAF_ID!r}, refresh=number.to_bytes(4, "big"))
    try:
        return e2e.derive(32 if number % 2 else 0, **parameters).hex()
    except Error as error:
        return str(error)

print(*ThreadPoolExecutor(8).map(derive, range(400)), sep="\\n")
"""
    lines = python(installed, program).splitlines()
    for number, line in enumerate(lines):
        refresh = number.to_bytes(4, "big")
        key = reference.e2e_key(KEY, KA, NAF_ID, refresh=refresh)
        assert line == key.hex() if number % 2 else "0 octets" in line
    assert len(lines) == 400


@pytest.mark.skipif(sys.version_info < (3, 13), reason="ssl's PSK callbacks came with Python 3.13")
def test_tls_example(installed: Path) -> None:
    """Guards against the example with ssl letting a wrong Ka in, or telling a stranger which identities there are."""
    settings = {"PYTHONPATH": str(installed), "OPENSSL_MODULES": str(BUILD)}
    output = run(PYTHON, ROOT / "python/examples/tls_psk.py", **settings)
    assert "right Ka: hello\n" in output
    refused = re.findall(r"^(another Ka|unknown identity): refused \((.*)\)$", output, re.M)
    assert [what for what, _ in refused] == ["another Ka", "unknown identity"]
    assert refused[0][1] == refused[1][1]  # a client cannot tell which it was
