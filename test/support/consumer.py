"""What the tests with other people's programs share: a device, its keys right and wrong, and servers on loopback.

SPDX-License-Identifier: Apache-2.0
"""

import os
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

import reference
from evp import BUILD
from flow import LONG, LOOPBACK, Process, run_to_end

IDENTITY = "ue1@bsf.example.com"
FQDN = "naf.example.com"
UA = "0100000007"
NAF_ID = FQDN.encode() + bytes.fromhex(UA)
KS_NAF = bytes.fromhex("0f1e2d3c4b5a69788796a5b4c3d2e1f00112233445566778899aabbccddeeff0")
KA = bytes.fromhex("c0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf")
OTHER_KA = bytes.fromhex("d0c1c2c3c4c5c6c7c8c9cacbcccdcecfd0d1d2d3d4d5d6d7d8d9dadbdcdddedf")

# The system's own openssl.cnf, which knows nothing of the module.
SYSTEM = {name: value for name, value in os.environ.items() if name != "OPENSSL_CONF"}
SYSTEM |= {"OPENSSL_MODULES": str(BUILD)}
# For programs that do not load the module: not with what a sanitizer preloads for it, either.
FOREIGN = {name: value for name, value in SYSTEM.items() if name != "LD_PRELOAD"}


def e2e_key(ka: bytes = KA, refresh: bytes = b"", usage: str = "") -> bytes:
    """The device's key, by the reference."""
    return reference.e2e_key(KS_NAF, ka, NAF_ID, refresh=refresh, usage=usage)


@dataclass(frozen=True)
class Credentials:
    """What a client comes with."""

    identity: str
    key: bytes


RIGHT = Credentials(IDENTITY, e2e_key())
WRONG = {
    "another Ka": Credentials(IDENTITY, e2e_key(OTHER_KA)),
    "Ks_NAF alone": Credentials(IDENTITY, KS_NAF),
    "unknown identity": Credentials("nobody@bsf.example.com", e2e_key()),
}


def command(
    *words: str | bytes | Path,
    seconds: float = 20,
    stdin: str = "",
    environment: dict[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a client; it may fail, and is ended in time."""
    return run_to_end(*words, given=stdin, environment=environment or FOREIGN, seconds=seconds)


class Listening(Process):
    """A server that is ready when its TCP port takes a connection."""

    def __init__(
        self, port: int, *words: str | Path, environment: dict[str, str] | None = None
    ) -> None:
        super().__init__(*words, environment=environment or FOREIGN)
        self.port = port
        self._wait()

    def _wait(self) -> None:
        end = time.monotonic() + LONG
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with socket.create_connection((LOOPBACK, self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.02)
        self.stop()
        raise AssertionError(f"no server on port {self.port}: {self.errors}")
