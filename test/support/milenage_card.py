"""A USIM that computes: AKA by osmo-auc-gen, GBA_U by the reference; K and OPc are all it begins with.

SPDX-License-Identifier: Apache-2.0
"""

from dataclasses import dataclass

import reference
from auc import STEP, mac_star, osmo
from bsf import K, OPC, Vector
from card import Card

AHEAD = 8  # how many SQNs it looks ahead


@dataclass
class MilenageCard(Card):
    """TS 31.102 7.1.2, in the 3G context, or the GBA context where it does GBA."""

    k: bytes = K
    opc: bytes = OPC
    sqn: int = 0
    ks: bytes = b""
    rand: bytes = b""

    def _find(self, rand: bytes, autn: bytes) -> Vector | None:
        """The vector of this challenge, if its network knows K and its SQN is newer."""
        for sqn in range(self.sqn + STEP, self.sqn + AHEAD * STEP, STEP):
            vector = osmo(self.k, self.opc, rand, sqn)
            if (mac_star(vector) if self.does_gba else vector).autn == autn:
                self.sqn = sqn
                return vector
        return None

    def _authenticate(self, command: str) -> str:
        """P2 = 81: RAND, AUTN; P2 = 84: DD RAND, AUTN, or DE NAF_Id, IMPI."""
        octets = bytes.fromhex(command)
        context, data = octets[3], octets[5 : 5 + octets[4]]
        if context == 0x84 and data[0] == 0xDE:
            return self._derive(data[1:])
        if context != (0x84 if self.does_gba else 0x81):
            return "9864"
        rand, autn = two_values(data[1:] if self.does_gba else data)
        vector = self._find(rand, autn)
        if vector is None:
            return "9862"
        answer = f"db{len(vector.res):02x}{vector.res.hex()}"
        if self.does_gba:
            self.ks, self.rand = vector.ks, rand
            return self._later(answer)
        ck, ik = vector.ks[:16].hex(), vector.ks[16:].hex()
        return self._later(f"{answer}10{ck}10{ik}")

    def _derive(self, data: bytes) -> str:
        if not self.ks:
            return "6985"
        naf_id, impi = two_values(data)
        key = reference.ks_naf(self.ks, self.rand, impi.decode(), naf_id)
        return self._later(f"db{len(key):02x}{key.hex()}")


def two_values(data: bytes) -> tuple[bytes, bytes]:
    """L and octets, twice."""
    first = data[1 : 1 + data[0]]
    rest = data[1 + data[0] :]
    return first, rest[1 : 1 + rest[0]]
