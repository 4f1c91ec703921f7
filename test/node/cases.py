#!/usr/bin/python3
"""Print what derive.js derives, as JSON: every vector, then every mode and digest over several blocks.

SPDX-License-Identifier: Apache-2.0
"""

import json
import sys
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1] / "support"))

import reference  # noqa: E402
from samples import KA, KEY, NAF_ID, items, vector_cases  # noqa: E402

OCTETS, UTF8 = 5, 4  # OSSL_PARAM_OCTET_STRING, OSSL_PARAM_UTF8_STRING: openssl/core.h


def case(name: str, algorithm: str, params: Any, length: int, key: str) -> dict[str, Any]:
    """One derivation and the key it has to give."""
    triples = [
        [param, OCTETS, value.hex()]
        if isinstance(value, bytes)
        else [param, UTF8, value.encode().hex()]
        for param, value in params
    ]
    return {"name": name, "algorithm": algorithm, "length": length, "params": triples, "key": key}


def several_blocks() -> list[dict[str, Any]]:
    """Each mode with each digest: less than a block, one, more, many, the most."""
    cases = []
    for mode in ("3GPP", "HKDF"):
        for digest in reference.DIGESTS:
            size = reference.digest_size(digest)
            for length in (1, size, size + 1, 3 * size + 7, 255 * size):
                key = reference.e2e_key(KEY, KA, NAF_ID, digest=digest, mode=mode, length=length)
                params = items("AKMA-E2E", mode=mode, digest=digest)
                name = f"{mode}, {digest}, {length} octets"
                cases.append(case(name, "AKMA-E2E", params, length, key.hex()))
    return cases


if __name__ == "__main__":
    json.dump([case(*one) for one in vector_cases()] + several_blocks(), sys.stdout)
