"""A home network's authentication centre: osmo-auc-gen, whose Milenage is not ours.

SPDX-License-Identifier: Apache-2.0
"""

import hashlib
import re
import secrets
import shutil
import subprocess
from dataclasses import dataclass, replace

from bsf import K, OPC, Vector

STEP = 32  # osmo-auc-gen keeps the lowest five bits of SQN for IND
HAS_OSMO = shutil.which("osmo-auc-gen") is not None


def osmo(k: bytes, opc: bytes, rand: bytes, sqn: int) -> Vector:
    """The vector of one RAND and SQN."""
    words = ["osmo-auc-gen", "-3", "-a", "milenage", "-k", k.hex(), "-o", opc.hex()]
    words += ["-f", "8000", "-s", str(sqn), "-r", rand.hex()]
    said = subprocess.run(words, check=True, capture_output=True, text=True).stdout
    found = dict(re.findall(r"^(AUTN|IK|CK|RES):\s*([0-9a-f]+)$", said, re.M))
    ks = bytes.fromhex(found["CK"] + found["IK"])
    return Vector(rand, bytes.fromhex(found["AUTN"]), bytes.fromhex(found["RES"]), ks)


def mac_star(vector: Vector) -> Vector:
    """For a card that does GBA: MAC* = MAC xor the first 64 bits of SHA-1(IK) (TS 33.220 5.3.2)."""
    mask = hashlib.sha1(vector.ks[16:]).digest()[:8]
    mac = bytes(one ^ other for one, other in zip(vector.autn[8:], mask))
    return replace(vector, autn=vector.autn[:8] + mac)


@dataclass
class Auc:
    """One subscriber, by K, OPc and the last SQN."""

    k: bytes = K
    opc: bytes = OPC
    sqn: int = 0

    def vector(self) -> Vector:
        """The next one, with a RAND of its own."""
        self.sqn += STEP
        return osmo(self.k, self.opc, secrets.token_bytes(16), self.sqn)
