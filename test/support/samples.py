"""A valid set of parameters for each algorithm, and its key by the reference.

SPDX-License-Identifier: Apache-2.0
"""

import json
from pathlib import Path
from typing import Any

import reference
from evp import Item, Value

VECTORS = Path(__file__).parents[1] / "vectors"

KEY = bytes.fromhex("00112233445566778899aabbccddeeff0112233445566778899aabbccddeeff0")
KA = bytes.fromhex("c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf")
FQDN = "naf.example.com"
UA = bytes.fromhex("0100000007")
NAF_ID = FQDN.encode() + UA
RAND = bytes(range(16))
IMPI = "234150999999999@ims.mnc015.mcc234.3gppnetwork.org"
SUPI = "234150999999999"
DEVICE = "extid-device-7@enterprise.example"
FC = b"\x69"

E2E: dict[str, Value] = {"ks-naf": KEY, "ka": KA, "naf-id": NAF_ID}
SAMPLES: dict[str, dict[str, Value]] = {
    "AKMA-E2E": E2E,
    "GBA-KS-NAF": {"key": KEY, "rand": RAND, "impi": IMPI, "naf-id": NAF_ID},
    "GBA-KS-INT-NAF": {"key": KEY, "rand": RAND, "impi": IMPI, "naf-id": NAF_ID},
    "AKMA-K-AKMA": {"key": KEY, "supi": SUPI},
    "AKMA-A-TID": {"key": KEY, "supi": SUPI},
    "AKMA-K-AF": {"key": KEY, "naf-id": NAF_ID},
    "AKMA-KA": {"key": KEY, "device": DEVICE},
    "3GPP-KDF": {"key": KEY, "fc": FC, "p": b"P0"},
}
ALGORITHMS = tuple(SAMPLES)

EXPECTED: dict[str, bytes] = {
    "AKMA-E2E": reference.e2e_key(KEY, KA, NAF_ID),
    "GBA-KS-NAF": reference.ks_naf(KEY, RAND, IMPI, NAF_ID),
    "GBA-KS-INT-NAF": reference.ks_int_naf(KEY, RAND, IMPI, NAF_ID),
    "AKMA-K-AKMA": reference.k_akma(KEY, SUPI),
    "AKMA-A-TID": reference.a_tid(KEY, SUPI),
    "AKMA-K-AF": reference.k_af(KEY, NAF_ID),
    "AKMA-KA": reference.device_ka(KEY, DEVICE),
    "3GPP-KDF": reference.kdf_3gpp(KEY, FC, [b"P0"]),
}


def items(algorithm: str = "AKMA-E2E", /, **changes: Value | None) -> list[Item]:
    """The sample's parameters; an underscore stands for a hyphen, None leaves one out."""
    changed: dict[str, Value | None] = {
        name.replace("_", "-"): value for name, value in changes.items()
    }
    merged = dict(SAMPLES[algorithm]) | changed
    return [(name, value) for name, value in merged.items() if value is not None]


def options(algorithm: str = "AKMA-E2E", /, **changes: Value | None) -> list[str]:
    """The same as -kdfopt takes it."""
    words = []
    for item in items(algorithm, **changes):
        assert isinstance(item, tuple)
        name, value = item
        words.append(f"hex{name}:{value.hex()}" if isinstance(value, bytes) else f"{name}:{value}")
    return words


def vectors(file: str) -> list[dict[str, Any]]:
    """The vectors of a file."""
    loaded: list[dict[str, Any]] = json.loads((VECTORS / file).read_text())["vectors"]
    return loaded


def e2e_items(vector: dict[str, Any], pair: bool) -> list[Item]:
    """The vector's inputs, with NAF_Id whole or as the pair; what is empty is left out."""
    given: list[Item] = [
        (name, bytes.fromhex(vector[name])) for name in ("ks-naf", "ka", "refresh") if vector[name]
    ]
    given += [(name, vector[name]) for name in ("usage", "digest", "mode") if vector[name]]
    if pair:
        return given + [
            ("naf-fqdn", vector["naf-fqdn"]),
            ("ua-protocol-id", bytes.fromhex(vector["ua-protocol-id"])),
        ]
    return given + [("naf-id", bytes.fromhex(vector["naf-id"]))]


def _other_items(vector: dict[str, Any]) -> list[Item]:
    """The inputs of one of the 3GPP derivations."""
    given: list[Item] = [("key", bytes.fromhex(vector["key"]))]
    if vector["algorithm"] == "3GPP-KDF":
        given.append(("fc", bytes.fromhex(vector["fc"])))
        given += [("p", bytes.fromhex(p)) for p in vector["p"]]
    for name, value in vector["params"].items():
        given.append((name, bytes.fromhex(value) if name in ("rand", "naf-id") else value))
    return given


def device_items(vector: dict[str, Any]) -> list[Item]:
    """The inputs of AKMA-KA; an empty ka-id is left out."""
    given: list[Item] = [("key", bytes.fromhex(vector["key"]))]
    return given + [(name, vector[name]) for name in ("device", "ka-id") if vector[name]]


def vector_cases() -> list[tuple[str, str, list[Item], int, str]]:
    """Every vector as name, algorithm, parameters, length, key in hex; AKMA-E2E with NAF_Id both ways."""
    return (
        [
            (v["name"] + how, "AKMA-E2E", e2e_items(v, pair), v["keylen"], v["e2e-key"])
            for v in vectors("akma-e2e.json")
            for how, pair in ((", NAF_Id whole", False), (", NAF_Id as a pair", True))
        ]
        + [
            (v["name"], v["algorithm"], _other_items(v), 32, v["derived-key"])
            for v in vectors("3gpp-kdf.json")
        ]
        + [
            (v["name"], v["algorithm"], device_items(v), 32, v["derived-key"])
            for v in vectors("akma-ka.json")
        ]
    )
