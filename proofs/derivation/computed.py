"""Write what is published as examples for Coq to compute: the vectors, and the page on the derivation.

    computed.py TREE OUT.v

S (IKM and info in mode HKDF) of each vector, and its key where the hash is SHA2-256 and the key not a matter of minutes,
have to come out of the model.

SPDX-License-Identifier: Apache-2.0
"""

import json
import re
import sys
from pathlib import Path
from typing import Any

KEY_MAX = 1024  # octets of a key to compute: a minute for 8160

HEAD = """From Coq Require Import List NArith.
From akma Require Import S e2e hkdf sha256 hex.
Local Open Scope N_scope.
"""


def octets(text: str) -> str:
    """A Coq term of hex text."""
    return f'(hex "{text}")'


def inputs(vector: dict[str, Any]) -> str:
    """A Coq record of the inputs of AKMA-E2E."""
    usage = vector["usage"].encode().hex()
    values = [octets(text) for text in (vector["ka"], vector["naf-id"], vector["refresh"], usage)]
    return f"(Build_inputs {' '.join(values)} {vector['keylen']})"


def of_e2e(vector: dict[str, Any]) -> list[str]:
    """Equations of one vector of AKMA-E2E."""
    given = inputs(vector)
    strings = {"S(1)": f"S_i {given} 1", "IKM": f"IKM {given}", "info": f"info {given}"}
    equations = [
        f"{term} = {octets(vector[name])}" for name, term in strings.items() if name in vector
    ]
    if vector["digest"] == "SHA2-256" and int(vector["keylen"]) <= KEY_MAX:
        key = f"e2e_key_{vector['mode']} {octets(vector['ks-naf'])} {given}"
        equations.append(f"{key} = {octets(vector['e2e-key'])}")
    return equations


def of_3gpp(vector: dict[str, Any]) -> list[str]:
    """Equations of one vector of the derivations beneath."""
    parameters = "; ".join(octets(text) for text in vector["p"])
    string = f"S_of {octets(vector['fc'])} [{parameters}]"
    key = vector["derived-key"]
    return [
        f"{string} = {octets(vector['S'])}",
        f"firstn {len(key) // 2} (HMAC {octets(vector['key'])} ({string})) = {octets(key)}",
    ]


def of_ka(vector: dict[str, Any]) -> list[str]:
    """Equations of one vector of AKMA-KA."""
    parts = [vector[name].encode().hex() for name in ("device", "ka-id")]
    fields = {"fc": "ffe2", "p": [b"akma-ka".hex(), *parts]}
    return of_3gpp(vector | fields)


def of_page(page: str) -> list[str]:
    """Equations of the worked example of docs/derivation.md."""
    rows = r"^    (ks-naf|ka|naf-fqdn|ua-protocol-id|refresh|usage|length) +(\S+)$"
    given = dict(re.findall(rows, page, re.M))
    naf_id = given["naf-fqdn"].encode().hex() + given["ua-protocol-id"]
    block = re.search(r"^```s\n(.*?)^```", page, re.M | re.S)
    assert block is not None
    keys = re.findall(r"^ +([0-9a-f]{64})$", page, re.M)
    assert len(keys) == 2
    common = given | {"naf-id": naf_id, "keylen": given["length"], "digest": "SHA2-256"}
    string = "".join(line.split()[0] for line in block[1].splitlines())
    return of_e2e(common | {"mode": "3GPP", "S(1)": string, "e2e-key": keys[0]}) + of_e2e(
        common | {"mode": "HKDF", "e2e-key": keys[1]}
    )


def main() -> None:
    """Write the file."""
    tree, out = Path(sys.argv[1]), Path(sys.argv[2])
    equations = of_page((tree / "docs/derivation.md").read_text())
    files = {"akma-e2e": of_e2e, "3gpp-kdf": of_3gpp, "akma-ka": of_ka}
    for name, equations_of in files.items():
        for vector in json.loads((tree / f"test/vectors/{name}.json").read_text())["vectors"]:
            equations += equations_of(vector)
    examples = (
        f"Example computed_{number} : {equation}.\nProof. vm_compute. reflexivity. Qed.\n"
        for number, equation in enumerate(equations)
    )
    out.write_text(HEAD + "\n".join(examples))
    print(f"{len(equations)} equations")


if __name__ == "__main__":
    main()
