"""A subscriber's home network with an enterprise's server at it, and e2e-ue with the subscriber's card.

SPDX-License-Identifier: Apache-2.0
"""

import socket
import subprocess
from dataclasses import dataclass, field, replace
from pathlib import Path

from auc import Auc
from bsf import IMPI, IMSI, Behaviour, Bsf, Vector
from evp import BUILD
from flow import ENVIRONMENT, FQDN, LOOPBACK, SECONDS, Process, Server, run_to_end, split
from operator_network import Operator, Subscriber
from operator_site import KA, OperatorSite
from collections.abc import Mapping


@dataclass
class Home:
    """The subscriber's home network, with an enterprise's server at it, and the device's own files."""

    folder: Path
    site: OperatorSite
    operator: Operator
    auc: Auc = field(default_factory=Auc)
    environment: Mapping[str, str] = field(default_factory=lambda: ENVIRONMENT)

    def __post_init__(self) -> None:
        self.card = self.folder / "subscriber"
        self.usim = f"milenage:{self.card}"
        self.write_card()
        self.state, self.ka = self.folder / "state", self.folder / "ka"
        self.ka.write_text(KA.hex() + "\n")
        self.ka.chmod(0o600)
        self.ka_words = ["--ka", f"file:{self.ka}"]

    def write_card(self, imsi: str = IMSI) -> None:
        """A card that has seen no SQN."""
        self.card.write_text(
            f"imsi {imsi}\nk {self.auc.k.hex()}\nopc {self.auc.opc.hex()}\nsqn {0:012x}\n"
        )
        self.card.chmod(0o600)

    def know(self, b_tid: str, vector: Vector) -> None:
        """The BSF keeps what a bootstrapping gave, for NAFs that ask (Zn)."""
        subscriber = Subscriber(supi=IMSI, ks=vector.ks, rand=vector.rand)
        self.operator.known[b_tid] = subscriber

    def bsf(self, **changes: object) -> Bsf:
        """The BSF's other side (Ub)."""
        behaviour = Behaviour(fresh=self.auc.vector, issue=self.know)
        return Bsf(replace(behaviour, **changes))

    def server(self, *options: str) -> Server:
        """e2e-as, which asks this BSF."""
        return self.site.server(f"bsf:{self.operator.url}", options=options, names=[IMPI])

    def words(self, bsf: Bsf, server: Server, *more: str) -> list[str]:
        """The command that runs e2e-ue."""
        return [
            *[str(BUILD / "e2e/e2e-ue"), "--connect", server.address],
            *["--e2e-connect", server.e2e_address, "--naf-fqdn", FQDN, "--bsf", bsf.url],
            *["--usim", self.usim, "--state", str(self.state), *self.ka_words, *more],
        ]

    def say(
        self, bsf: Bsf, server: Server, *more: str, message: str = "hello"
    ) -> subprocess.CompletedProcess[str]:
        """One line by e2e-ue --message."""
        words = [*self.words(bsf, server, *more), "--message", message]
        return run_to_end(*words, environment=self.environment)

    def listen(self, bsf: Bsf, server: Server, *more: str) -> "Listening":
        """e2e-ue --listen."""
        words = self.words(bsf, server, "--listen", f"{LOOPBACK}:0", *more)
        return Listening(words, dict(self.environment))


class Listening(Process):
    """e2e-ue that relays."""

    def __init__(self, words: list[str], environment: dict[str, str] | None = None) -> None:
        super().__init__(*words, environment=environment)
        self.address = self.read().decode().split()[1]

    def say(self, line: str = "hello") -> str:
        """What comes back over a local connection; empty: it was reset, or ended."""
        try:
            with socket.create_connection(split(self.address), SECONDS) as local:
                local.sendall(line.encode() + b"\n")
                return local.makefile("r").readline().rstrip("\n")
        except ConnectionError:
            return ""
