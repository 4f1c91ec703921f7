"""The published vectors and refusals that are about device/, as lines of test/device/cases.c.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
from typing import Any

from project import ROOT

VECTORS = ROOT / "test/vectors"
HEADER = ROOT / "device/akma_device.h"
ALGORITHMS = ("AKMA-E2E", "GBA-KS-NAF", "AKMA-K-AF")
MODES = {"3GPP": "00", "HKDF": "01"}


def enumeration(name: str) -> list[str]:
    """The enumerators of the header, in their order."""
    (body,) = re.findall(rf"^enum {name} {{(.*?)}};", HEADER.read_text(), re.M | re.S)
    return re.findall(r"\b(AKMA_\w+)", re.sub(r"/\*.*?\*/", "", body, flags=re.S))


FAULTS = enumeration("akma_fault")


def line(algorithm: str, length: int, parameters: dict[str, str]) -> str:
    """One case; values in hex, and the mode by its name."""
    given = {
        name: MODES.get(value, "7f") if name == "mode" else value
        for name, value in parameters.items()
    }
    return " ".join([algorithm, str(length), *(f"{name}={value}" for name, value in given.items())])


def _load(file: str, member: str) -> list[dict[str, Any]]:
    loaded: list[dict[str, Any]] = json.loads((VECTORS / file).read_text())[member]
    return loaded


def _e2e_vectors() -> list[tuple[str, str, str]]:
    found = []
    for vector in _load("akma-e2e.json", "vectors") + _load("interoperability.json", "vectors"):
        if vector.get("digest") != "SHA2-256":
            continue
        names = ("ks-naf", "ka", "naf-id", "refresh", "mode")
        given = {name: vector[name] for name in names} | {"usage": vector["usage"].encode().hex()}
        case = line("AKMA-E2E", vector.get("keylen") or vector["length"], given)
        found.append((vector["name"], case, vector["e2e-key"]))
    return found


def _network_vectors() -> list[tuple[str, str, str]]:
    found = []
    for vector in _load("3gpp-kdf.json", "vectors"):
        if vector["algorithm"] not in ALGORITHMS:
            continue
        params = vector["params"]
        given = {name: params[name] for name in ("rand", "naf-id") if name in params}
        if "impi" in params:
            given["impi"] = params["impi"].encode().hex()
        key = vector["derived-key"]
        case = line(vector["algorithm"], len(key) // 2, {"key": vector["key"]} | given)
        found.append((vector["name"], case, key))
    return found


def vectors() -> list[tuple[str, str, str]]:
    """Name, case and key in hex of each vector with SHA2-256."""
    return _e2e_vectors() + _network_vectors()


def _hex(parameter: dict[str, Any]) -> str:
    if parameter["name"] == "mode":
        return str(parameter["text"])
    if "number" in parameter:
        return int(parameter["number"]).to_bytes(8, "big").hex()
    octets: str = parameter["octets"] if "octets" in parameter else parameter["text"].encode().hex()
    return octets


def refusals() -> list[tuple[str, str, str]]:
    """Name, case and refused input of each refusal; a digest cannot be chosen on a device."""
    return [
        (
            refusal["name"],
            line(
                refusal["algorithm"],
                refusal["length"],
                {parameter["name"]: _hex(parameter) for parameter in refusal["parameters"]},
            ),
            refusal["names"],
        )
        for refusal in _load("interoperability.json", "refusals")
        if refusal["algorithm"] in ALGORITHMS and refusal["names"] != "digest"
    ]
