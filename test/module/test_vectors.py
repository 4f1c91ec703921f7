"""Every published vector, three ways: openssl kdf, EVP_KDF through ctypes, a compiled C program.

SPDX-License-Identifier: Apache-2.0
"""

import os
import subprocess
from typing import Any

import pytest

import reference
from evp import BUILD, Item, LibCtx
from openssl_cli import EXAMPLE, derived, kdf
from samples import vector_cases, vectors

E2E = vectors("akma-e2e.json")
OTHERS = vectors("3gpp-kdf.json")
DEVICES = vectors("akma-ka.json")
EMULATOR = os.environ.get("AKMA_EMULATOR", "").split()  # what runs programs of another architecture
CASES = vector_cases()
cases = pytest.mark.parametrize(
    ("algorithm", "items", "length", "expected"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)


@cases
def test_ctypes(
    libctx: LibCtx, algorithm: str, items: list[Item], length: int, expected: str
) -> None:
    """Guards against a published vector that EVP_KDF does not give."""
    assert libctx.kdf(algorithm).new().derive(length, items).hex() == expected


@cases
def test_openssl_kdf(algorithm: str, items: list[Item], length: int, expected: str) -> None:
    """Guards against a published vector that openssl kdf does not give."""
    options = []
    for item in items:
        assert isinstance(item, tuple)
        name, value = item
        options.append(
            f"hex{name}:{value.hex()}" if isinstance(value, bytes) else f"{name}:{value}"
        )
    assert derived(kdf(algorithm, length, options)).hex() == expected


@cases
def test_c_client(algorithm: str, items: list[Item], length: int, expected: str) -> None:
    """Guards against a published vector that a C program with the public header does not give."""
    lines = [f"kdf {algorithm} {length}"]
    for item in items:
        assert isinstance(item, tuple)
        name, value = item
        lines.append(
            f"octets {name} {value.hex()}" if isinstance(value, bytes) else f"text {name} {value}"
        )
    result = subprocess.run(
        [*EMULATOR, BUILD / "test/programs/client"],
        input="\n".join(lines) + "\n",
        env=os.environ | {"OPENSSL_CONF": str(EXAMPLE), "OPENSSL_MODULES": str(BUILD)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stderr
    assert result.stdout.strip() == expected


@pytest.mark.parametrize("vector", E2E, ids=[vector["name"] for vector in E2E])
def test_reference_agrees(vector: dict[str, Any]) -> None:
    """Guards against an error in the vectors or in the reference, which were made independently."""
    ks_naf, ka, naf_id, refresh = (
        bytes.fromhex(vector[name]) for name in ("ks-naf", "ka", "naf-id", "refresh")
    )
    usage, length = vector["usage"], vector["keylen"]
    if "S(1)" in vector:
        string = reference.e2e_string(ka, naf_id, refresh, usage, length, 1)
        assert string.hex() == vector["S(1)"]
    else:
        assert reference.hkdf_ikm(ka).hex() == vector["IKM"]
        assert reference.hkdf_info(naf_id, refresh, usage, length).hex() == vector["info"]
    key = reference.e2e_key(
        ks_naf,
        ka,
        naf_id,
        refresh=refresh,
        usage=usage,
        digest=vector["digest"],
        mode=vector["mode"],
        length=length,
    )
    assert key.hex() == vector["e2e-key"]


@pytest.mark.parametrize("vector", OTHERS, ids=[vector["name"] for vector in OTHERS])
def test_reference_agrees_3gpp(vector: dict[str, Any]) -> None:
    """Guards against a reference that gets a published S or key wrong, and with it every test that asks it."""
    key, fc = bytes.fromhex(vector["key"]), bytes.fromhex(vector["fc"])
    parts = [bytes.fromhex(p) for p in vector["p"]]
    assert reference.kdf_string(fc, parts).hex() == vector["S"]
    assert reference.kdf_3gpp(key, fc, parts).hex() == vector["derived-key"]


@pytest.mark.parametrize("vector", DEVICES, ids=[vector["name"] for vector in DEVICES])
def test_reference_agrees_ka(vector: dict[str, Any]) -> None:
    """Guards against a layout of S or a constant that the reference has otherwise than the published vectors."""
    device, ka_id = vector["device"], vector["ka-id"]
    parts = [b"akma-ka", device.encode(), ka_id.encode()]
    assert reference.kdf_string(b"\xff\xe2", parts).hex() == vector["S"]
    key = reference.device_ka(bytes.fromhex(vector["key"]), device, ka_id)
    assert key.hex() == vector["derived-key"]
