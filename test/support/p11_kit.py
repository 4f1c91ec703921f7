"""p11-kit's server, a process in front of a token of a test's own.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from flow import wait_until
from softhsm import LABEL, LIBRARY, Token

P11_KIT_SERVER = Path("/usr/libexec/p11-kit/p11-kit-server")


@dataclass
class P11KitServer:
    """At a socket; it serves from start() to kill(), as often as wanted."""

    token: Token
    socket: Path
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Again."""
        self.socket.unlink(missing_ok=True)
        command = [str(P11_KIT_SERVER), "--foreground", "--name", str(self.socket)]
        self.process = subprocess.Popen(
            [*command, "--provider", str(LIBRARY), "pkcs11:token=akma"],
            env=os.environ | self.token.environment,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(self.socket.exists)

    def kill(self) -> None:
        """kill -9, of what it has started as well."""
        assert self.process
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, 9)
        self.process.wait()

    @property
    def uri(self) -> str:
        """The master secret in the token."""
        return f"pkcs11:token=akma;object={LABEL}?pin-source=file:{self.token.pin}"

    @property
    def environment(self) -> dict[str, str]:
        """By which it is found."""
        return {"P11_KIT_SERVER_ADDRESS": f"unix:path={self.socket}"}
