"""A PKCS#11 token of a test's own: SoftHSM in a folder, and a library in front of it that fails.

SPDX-License-Identifier: Apache-2.0
"""

import os
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from evp import BUILD
from needs import needs

PIN = "4711-pin-of-the-token"
LABEL = "k-master"
LIBRARIES = [Path("/usr/lib/softhsm/libsofthsm2.so"), Path("/usr/lib64/pkcs11/libsofthsm2.so")]
LIBRARY = next((path for path in LIBRARIES if path.exists()), None)
PROGRAMS = BUILD / "test/programs"
SHIM = PROGRAMS / "libtoken_shim.so"
IS_THERE = LIBRARY is not None and all(map(shutil.which, ["softhsm2-util", "p11tool"]))
REASON = "softhsm2 and gnutls-bin"


@dataclass
class Token:
    """A token named `akma` with its PIN in a file."""

    folder: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        needs("token")
        (self.folder / "tokens").mkdir(parents=True)
        self.pin = self.folder / "pin"
        self.pin.write_text(PIN + "\n")
        self.pin.chmod(0o600)
        configuration = self.folder / "softhsm2.conf"
        configuration.write_text(
            f"directories.tokendir = {self.folder}/tokens\nobjectstore.backend = file\n"
        )
        self.environment |= {
            "SOFTHSM2_CONF": str(configuration),
            "TOKEN_SHIM_MODULE": str(LIBRARY),
            "TOKEN_SHIM_MODE": str(self.folder / "mode"),
            "TOKEN_SHIM_LOG": str(self.folder / "calls"),
        }
        self.mode("ok")
        self.run(
            "softhsm2-util",
            "--init-token",
            "--free",
            "--label",
            "akma",
            "--so-pin",
            "0" * 8,
            "--pin",
            PIN,
        )

    def run(self, *command: str, **more: str) -> str:
        """A tool of somebody else's with this token."""
        return subprocess.run(
            command,
            env=os.environ | self.environment | more,
            check=True,
            capture_output=True,
            text=True,
            timeout=60,
        ).stdout

    def put(self, master: bytes, label: str = LABEL) -> None:
        """A master secret that the test knows."""
        self.run(
            *("p11tool", "--provider", str(LIBRARY), "--login", "--write"),
            *(f"--secret-key={master.hex()}", f"--label={label}", "pkcs11:token=akma"),
            GNUTLS_PIN=PIN,
        )

    def replace(self, master: bytes) -> None:
        """Another secret takes the place, and the name, of the one that was put."""
        self.run(
            *("p11tool", "--provider", str(LIBRARY), "--login", "--delete", "--batch"),
            f"pkcs11:token=akma;object={LABEL}",
            GNUTLS_PIN=PIN,
        )
        self.put(master)

    def change_pin(self, pin: str) -> None:
        """The PIN is another one; the file stays as it is."""
        self.run(
            *("pkcs11-tool", "--module", str(LIBRARY), "--login", "--token-label", "akma"),
            *("--pin", PIN, "--change-pin", "--new-pin", pin),
        )

    def mode(self, mode: str) -> None:
        """What the library in front does from now on."""
        (self.folder / "mode.new").write_text(mode + "\n")
        (self.folder / "mode.new").rename(self.folder / "mode")

    def calls(self, name: str) -> int:
        """How often a function was called through the library in front."""
        path = self.folder / "calls"
        lines = path.read_text().splitlines() if path.exists() else []
        return sum(line.split()[0] == name for line in lines)

    def uri(self, label: str = LABEL, shim: bool = False, pin: bool = True, **more: str) -> str:
        """The URI of a key."""
        query = {"module-path": str(SHIM if shim else LIBRARY)}
        query |= {"pin-source": f"file:{self.pin}"} if pin else {}
        path = ";".join(
            f"{name}={value}" for name, value in ({"token": "akma", "object": label} | more).items()
        )
        return f"pkcs11:{path}?" + "&".join(f"{name}={value}" for name, value in query.items())
