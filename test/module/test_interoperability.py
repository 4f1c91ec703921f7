"""What another implementer is given: the files, the page of Python, and that all of them agree.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
import runpy
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import make_vectors
import reference
from evp import UTF8, EvpError, Item, LibCtx, Param
from libcrypto import hkdf, hmac
from project import ROOT
from samples import VECTORS, vectors

DOCUMENT: dict[str, Any] = json.loads((VECTORS / "interoperability.json").read_text())
CASES = DOCUMENT["vectors"]
TEXTS = {"naf-fqdn", "usage", "digest", "mode", "supi", "impi", "device", "ka-id", "properties"}
by_name = pytest.mark.parametrize("vector", CASES, ids=[vector["name"] for vector in CASES])


def octets(vector: dict[str, Any], name: str) -> bytes:
    """A value that the file has in hex."""
    return bytes.fromhex(vector[name])


def test_file_is_what_the_script_writes() -> None:
    """Guards against a file of vectors that was edited by hand."""
    assert (VECTORS / "interoperability.json").read_text() == make_vectors.text()


def test_command_of_the_script(tmp_path: Path) -> None:
    """Guards against a script of vectors that writes elsewhere than told, or at --help."""
    script = [sys.executable, make_vectors.__file__]
    subprocess.run([*script, "vectors"], cwd=tmp_path, check=True)
    assert (tmp_path / "vectors").read_text() == make_vectors.text()
    said = subprocess.run([*script, "--help"], cwd=tmp_path, check=True, capture_output=True)
    assert b"vectors" in said.stdout
    assert [path.name for path in tmp_path.iterdir()] == ["vectors"]


def test_stanzas_are_what_the_script_writes() -> None:
    """Guards against stanzas for OpenSSL's own test program that were edited by hand."""
    script = runpy.run_path(str(ROOT / "test/checks/evp_stanzas.py"))
    assert (VECTORS / "evpkdf_akma.txt").read_text() == script["text"]()


@by_name
def test_key(libctx: LibCtx, vector: dict[str, Any]) -> None:
    """Guards against a vector for other implementers that the module itself does not derive."""
    items: list[Item] = [
        (name, octets(vector, name)) for name in ("ks-naf", "ka", "naf-id", "refresh")
    ]
    items += [(name, vector[name]) for name in ("usage", "digest", "mode")]
    key = libctx.kdf("AKMA-E2E").new().derive(vector["length"], items)
    assert key == octets(vector, "e2e-key")


@by_name
def test_values_on_the_way(libctx: LibCtx, vector: dict[str, Any]) -> None:
    """Guards against an intermediate value in the vectors that does not lead to the key."""
    salt, digest, key = octets(vector, "ks-naf"), vector["digest"], octets(vector, "e2e-key")
    if vector["mode"] == "3GPP":
        blocks = [hmac(salt, bytes.fromhex(s), digest).hex() for s in vector["S"]]
        assert blocks == vector["T"]
        assert bytes.fromhex("".join(blocks))[: vector["length"]] == key
        return
    ikm, info = octets(vector, "IKM"), octets(vector, "info")
    assert hmac(salt, ikm, digest) == octets(vector, "PRK")
    assert hkdf(libctx, salt, ikm, info, vector["length"], digest) == key


@pytest.mark.parametrize(
    "refusal", DOCUMENT["refusals"], ids=[refusal["name"] for refusal in DOCUMENT["refusals"]]
)
def test_refusal(libctx: LibCtx, refusal: dict[str, Any]) -> None:
    """Guards against a refusal that other implementers are told of and the module does not have."""
    items: list[Item] = []
    for given in refusal["parameters"]:
        name = given["name"]
        if "octets" not in given:
            items.append((name, given["text"] if "text" in given else given["number"]))
        elif name in TEXTS:  # malformed: no str of Python's holds it
            items.append(Param(name, UTF8, bytes.fromhex(given["octets"])))
        else:
            items.append((name, bytes.fromhex(given["octets"])))
    with pytest.raises(EvpError, match=rf"\b{refusal['names']}: "):
        libctx.kdf(refusal["algorithm"]).new().derive(refusal["length"], items)


def one_page() -> dict[str, Any]:
    """What the page of Python in the document defines."""
    text = (ROOT / "docs/interoperability.md").read_text()
    found = re.search(r"```python\n(.*?)```", text, re.S)
    assert found is not None
    names: dict[str, Any] = {}
    exec(found[1], names)  # pylint: disable=exec-used
    return names


def test_one_page_of_python() -> None:
    """Guards against the page of Python deriving another key than the module."""
    e2e_key = one_page()["e2e_key"]
    tried = 0
    for vector in CASES + vectors("akma-e2e.json"):
        naf_id = octets(vector, "naf-id")
        key = e2e_key(
            *[octets(vector, "ks-naf"), octets(vector, "ka"), naf_id[:-5].decode(), naf_id[-5:]],
            *[octets(vector, "refresh"), vector["usage"], vector["digest"], vector["mode"]],
            vector.get("length", vector.get("keylen")),
        )
        assert key == octets(vector, "e2e-key"), vector["name"]
        tried += 1
    assert tried == len(CASES) + len(vectors("akma-e2e.json")) > 50


def test_keys_of_other_implementations() -> None:
    """Guards against a row of the page whose key is not what its deviation gives."""
    page = (ROOT / "docs/interoperability.md").read_text()
    table = page[page.index("| public code |") :].split("\n\n")[0]
    key, supi, rand = bytes(range(32)), "001010000000001", bytes(range(16))
    impi, fqdn = f"{supi}@ims.mnc001.mcc001.3gppnetwork.org", b"naf.example.com"
    tls13, tls12 = bytes.fromhex("0100000007"), bytes.fromhex("01000100ae")
    gba = [b"gba-me", impi.encode(), fqdn + tls13]
    keys = [
        (reference.k_akma(key, "imsi-" + supi), reference.k_akma(key, supi)),
        (reference.kdf_3gpp(key, b"\x6a", [supi.encode()]), reference.k_akma(key, supi)),
        (reference.kdf_3gpp(key, b"\x01", gba), reference.ks_naf(key, rand, impi, fqdn + tls13)),
        (
            reference.kdf_3gpp(key, b"\x82", [fqdn + bytes.fromhex("010000ae")]),
            reference.k_af(key, fqdn + tls12),
        ),
    ]
    rows = table.splitlines()[2:6]
    found = [tuple(re.findall(r"\b([0-9a-f]{8})\.\.\.", row)) for row in rows]
    assert found == [(there.hex()[:8], here.hex()[:8]) for there, here in keys]
