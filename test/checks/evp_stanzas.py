"""The module's vectors as stanzas of OpenSSL's evp_test, and refusals with the reason they have to give.

    test/checks/evp_stanzas.py     writes test/vectors/evpkdf_akma.txt

SPDX-License-Identifier: Apache-2.0
"""

import json
from pathlib import Path
from typing import Any

VECTORS = Path(__file__).resolve().parents[1] / "vectors"
OCTETS = {"key", "ks-naf", "ka", "naf-id", "ua-protocol-id", "refresh", "rand", "fc", "p"}
Pairs = list[tuple[str, str]]

E2E: Pairs = [
    ("ks-naf", "00112233445566778899aabbccddeeff" * 2),
    ("ka", "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf" * 2),
    ("naf-fqdn", "iot.example.com"),
    ("ua-protocol-id", "0100000007"),
]
MASTER: Pairs = [("key", "404142434445464748494a4b4c4d4e4f" * 2), ("device", "device-7")]
AUSF: Pairs = [("key", "404142434445464748494a4b4c4d4e4f" * 2), ("supi", "001010000000001")]
KDF: Pairs = [("key", "00" * 32), ("fc", "69"), ("p", "00")]

# What is changed, the octets asked for, what fails, and the reason; a value None leaves the parameter out.
REFUSALS: list[tuple[str, Pairs, dict[str, str | None], int, str, str]] = [
    ("AKMA-E2E", E2E, {"ks-naf": "11" * 31}, 32, "KDF_CTRL_ERROR", "invalid length"),
    ("AKMA-E2E", E2E, {"ka": "11" * 15}, 32, "KDF_CTRL_ERROR", "invalid length"),
    ("AKMA-E2E", E2E, {"refresh": "11" * 256}, 32, "KDF_CTRL_ERROR", "invalid length"),
    ("AKMA-E2E", E2E, {"secret": "11" * 32}, 32, "KDF_CTRL_ERROR", "parameter given twice"),
    ("AKMA-E2E", E2E, {"naf-id": "610100000007"}, 32, "KDF_CTRL_ERROR", "conflicting parameters"),
    ("AKMA-E2E", E2E, {"naf-fqdn": "iot_1.example.com"}, 32, "KDF_CTRL_ERROR", "invalid value"),
    ("AKMA-E2E", E2E, {"ks-naf": "00" * 32}, 32, "KDF_CTRL_ERROR", "invalid value"),
    ("AKMA-E2E", E2E, {"ka": "00" * 16}, 32, "KDF_CTRL_ERROR", "invalid value"),
    ("AKMA-E2E", E2E, {"naf-fqdn": "192.0.2.1"}, 32, "KDF_CTRL_ERROR", "invalid value"),
    ("AKMA-E2E", E2E, {"naf-fqdn": "iot.example.com:443"}, 32, "KDF_CTRL_ERROR", "invalid value"),
    ("AKMA-E2E", E2E, {"not-after": "253402300800"}, 32, "KDF_CTRL_ERROR", "invalid value"),
    ("AKMA-E2E", E2E, {"ka": dict(E2E)["ks-naf"]}, 32, "KDF_DERIVE_ERROR", "invalid value"),
    ("AKMA-K-AKMA", AUSF, {"supi": "imsi-001010000000001"}, 32, "KDF_CTRL_ERROR", "invalid value"),
    ("AKMA-K-AKMA", AUSF, {"supi": "0010100000000012"}, 32, "KDF_CTRL_ERROR", "invalid value"),
    ("AKMA-K-AKMA", AUSF, {"key": "00" * 32}, 32, "KDF_CTRL_ERROR", "invalid value"),
    ("AKMA-E2E", E2E, {"digest": "SHA1"}, 32, "KDF_CTRL_ERROR", "invalid value"),
    ("AKMA-E2E", E2E, {"mode": "X963"}, 32, "KDF_CTRL_ERROR", "invalid value"),
    ("AKMA-E2E", E2E, {"ka": None}, 32, "KDF_DERIVE_ERROR", "missing parameter"),
    ("AKMA-E2E", E2E, {"ua-protocol-id": None}, 32, "KDF_DERIVE_ERROR", "missing parameter"),
    ("AKMA-E2E", E2E, {"not-after": "1"}, 32, "KDF_DERIVE_ERROR", "key past its end of life"),
    ("AKMA-E2E", E2E, {}, 8161, "KDF_DERIVE_ERROR", "invalid output length"),
    ("AKMA-KA", MASTER, {"device": None}, 32, "KDF_DERIVE_ERROR", "missing parameter"),
    ("AKMA-KA", MASTER, {"device": "d" * 256}, 32, "KDF_CTRL_ERROR", "invalid length"),
    ("AKMA-KA", MASTER, {}, 31, "KDF_DERIVE_ERROR", "invalid output length"),
    ("3GPP-KDF", KDF, {"fc": "ffe2"}, 32, "KDF_CTRL_ERROR", "invalid value"),
    ("3GPP-KDF", KDF, {"p": None}, 32, "KDF_DERIVE_ERROR", "missing parameter"),
    ("3GPP-KDF", KDF, {}, 33, "KDF_DERIVE_ERROR", "invalid output length"),
]


def stanza(algorithm: str, pairs: Pairs, output: str, *result: str) -> str:
    """One test: every parameter as a Ctrl line, then what has to come out."""
    lines = [f"KDF = {algorithm}"]
    for number, (name, value) in enumerate(pairs):
        prefix = "hex" if name in OCTETS else ""
        lines.append(f"Ctrl.{number} = {prefix}{name}:{value}")
    return "\n".join([*lines, f"Output = {output}", *result]) + "\n"


def of_e2e(vector: dict[str, Any]) -> str:
    """A vector of AKMA-E2E; what is empty is left out."""
    names = ("ks-naf", "ka", "naf-id", "refresh", "usage", "digest", "mode")
    pairs = [(name, vector[name]) for name in names if vector[name]]
    return stanza("AKMA-E2E", pairs, vector["e2e-key"])


def of_3gpp(vector: dict[str, Any]) -> str:
    """A vector of one of the 3GPP derivations."""
    pairs = [("key", vector["key"])]
    if vector["algorithm"] == "3GPP-KDF":
        pairs += [("fc", vector["fc"]), *(("p", p) for p in vector["p"])]
    return stanza(vector["algorithm"], pairs + [*vector["params"].items()], vector["derived-key"])


def of_ka(vector: dict[str, Any]) -> str:
    """A vector of AKMA-KA; what is empty is left out."""
    pairs = [
        ("key", vector["key"]),
        *((name, vector[name]) for name in ("device", "ka-id") if vector[name]),
    ]
    return stanza("AKMA-KA", pairs, vector["derived-key"])


def refusal(
    algorithm: str,
    pairs: Pairs,
    changes: dict[str, str | None],
    length: int,
    result: str,
    reason: str,
) -> str:
    """A call that has to fail, where and with what reason."""
    changed: dict[str, str | None] = dict(pairs) | changes
    kept = [(name, value) for name, value in changed.items() if value is not None]
    return stanza(algorithm, kept, "00" * length, f"Result = {result}", f"Reason = {reason}")


FILES = {
    "akma-e2e.json": of_e2e,
    "interoperability.json": of_e2e,
    "3gpp-kdf.json": of_3gpp,
    "akma-ka.json": of_ka,
}


def text() -> str:
    """The file as it is written."""
    parts = []
    for file, of in FILES.items():
        parts.append(f"Title = {file}\n")
        parts += map(of, json.loads((VECTORS / file).read_text())["vectors"])
    parts.append("Title = refusals\n")
    parts += [refusal(*row) for row in REFUSALS]
    return "\n".join(parts)


if __name__ == "__main__":
    (VECTORS / "evpkdf_akma.txt").write_text(text())
