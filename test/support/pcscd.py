"""pcscd of a test, with one virtual reader, in a mount namespace of its own.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from card import Card, Reader
from flow import free_port, wait_until, wait_until_listening
from needs import needs

DRIVER = Path("/usr/lib/pcsc/drivers/serial/libifdvpcd.so")
HAS_PCSCD = DRIVER.exists() and shutil.which("pcscd") is not None and os.getuid() == 0


@dataclass
class Pcscd:
    """Where vpcd listens for a card, and where the daemon listens for programs."""

    port: int
    socket: str

    @property
    def environment(self) -> dict[str, str]:
        """What a program needs to find it."""
        return {"PCSCLITE_CSOCK_NAME": self.socket}

    @contextlib.contextmanager
    def inserted(self, card: Card) -> Iterator[Card]:
        """The card is in the reader, and its ATR has been read."""
        with Reader(card, self.port) as reader:
            wait_until(reader.is_powered.is_set)
            yield card


@contextlib.contextmanager
def running_pcscd(folder: Path) -> Iterator[Pcscd]:
    """A daemon with one virtual reader on a port of its own."""
    needs("pcscd")
    port = free_port()
    configuration = folder / "reader.conf"
    configuration.write_text(
        'FRIENDLYNAME "Virtual"\n'
        f"DEVICENAME /dev/null:0x{port:04X}\nLIBPATH {DRIVER}\nCHANNELID 0x{port:04X}\n"
    )
    command = "mkdir -p /run/pcscd && mount -t tmpfs none /run/pcscd && exec pcscd -f -c"
    with subprocess.Popen(
        ["unshare", "-m", "sh", "-c", f'{command} "$0"', configuration],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        try:
            wait_until_listening(port)
            path = f"/proc/{process.pid}/root/run/pcscd/pcscd.comm"
            wait_until(lambda: os.path.exists(path))
            yield Pcscd(port, path)
        finally:
            process.terminate()
