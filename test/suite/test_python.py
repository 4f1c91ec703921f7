"""The Python package: its wheel, built and installed without network, and what is derived with it.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
import shutil
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

import reference
from configuration import write_config
from evp import BUILD, OPENSSL_VERSION, Value
from openssl_cli import EXAMPLE
from samples import EXPECTED, KA, KEY, NAF_ID, e2e_items, vector_cases, vectors
from test_module import ROOT, run

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
    kind, reasons = refused(installed, CALL.replace(*change))
    assert kind == "TypeError"
    assert text in reasons[0]


def test_the_policy_holds(installed: Path, tmp_path: Path) -> None:
    config = write_config(tmp_path / "openssl.cnf", {"akma": {"min-ka-length": "33"}})
    kind, reasons = refused(installed, CALL, OPENSSL_CONF=str(config))
    assert kind == "Error"
    assert "min-ka-length" in reasons[-1]


def test_a_configuration_that_cannot_be_read_is_an_error(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "openssl.cnf").write_text("[broken\n")
    kind, reasons = refused(installed, CALL, OPENSSL_CONF=str(tmp_path / "openssl.cnf"))
    assert (kind, reasons[-1]) == ("Error", "openssl.cnf (OPENSSL_CONF) cannot be read")


def test_a_missing_configuration_is_none(installed: Path, tmp_path: Path) -> None:
    call = f"from akma import Kdf\nprint({CALL}.hex())"
    output = python(installed, call, OPENSSL_CONF=str(tmp_path / "nothing"))
    assert output.strip() == EXPECTED["AKMA-E2E"].hex()


def test_a_missing_module_is_said(installed: Path, tmp_path: Path) -> None:
    kind, reasons = refused(installed, CALL, OPENSSL_MODULES=str(tmp_path))
    assert kind == "Error"
    assert "OPENSSL_MODULES" in reasons[-1]


def test_another_libcrypto(installed: Path, tmp_path: Path) -> None:
    """A copy of the system's is used where it is named, and what is none is refused."""
    name = f"libcrypto.so.{OPENSSL_VERSION[0]}"
    listed = run("/sbin/ldconfig", "-p")
    (system,) = re.findall(rf"^\s+{re.escape(name)} .*x86-64.* => (\S+)$", listed, re.M)[:1]
    copy = shutil.copy(system, tmp_path / "libcrypto-of-ours.so")
    maps = f"from akma import Kdf\nprint({CALL}.hex())\nprint(open('/proc/self/maps').read())"
    output = python(installed, maps, AKMA_LIBCRYPTO=str(copy))
    assert output.split("\n", 1)[0] == EXPECTED["AKMA-E2E"].hex()
    assert str(copy) in output
    kind, reasons = refused(installed, CALL, AKMA_LIBCRYPTO="libm.so.6")
    assert kind == "Error"
    assert "OpenSSL 3.0 or newer is needed" in reasons[-1]


def test_the_default_context_stays_untouched(installed: Path) -> None:
    """What the process itself uses OpenSSL for sees nothing of the module."""
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
    settings = {"PYTHONPATH": str(installed), "OPENSSL_MODULES": str(BUILD)}
    output = run(PYTHON, ROOT / "python/examples/tls_psk.py", **settings)
    assert "right Ka: hello\n" in output
    assert "another Ka: refused" in output
    assert "unknown identity: refused" in output
