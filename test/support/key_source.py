"""The source of keys alone: test/programs/key_source with e2e-as's options, a look-up at a time or many.

SPDX-License-Identifier: Apache-2.0
"""

import itertools
import threading
from pathlib import Path

from evp import BUILD
from flow import LONG, Process


class KeySource(Process):
    """look() asks for one key; start() and wait() for many at once."""

    def __init__(
        self,
        *options: str,
        within: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
    ) -> None:
        program = BUILD / "test/programs/key_source"
        super().__init__(*within, program, *options, environment=environment)
        self.labels = itertools.count(1)
        self.answers: dict[int, str] = {}
        self.arrived = threading.Condition()
        while (line := self.read()) != b"ready":
            assert line, self.last_words
        self.reader = threading.Thread(target=self._collect, daemon=True)
        self.reader.start()

    def _collect(self) -> None:
        while line := self.read(3600):
            label, _, answer = line.decode(errors="replace").partition(" ")
            with self.arrived:
                self.answers[int(label)] = answer
                self.arrived.notify_all()

    def start(self, identity: str, kind: str = "akma", peer: str = "127.0.0.1") -> int:
        """Begin a look-up; its label."""
        label = next(self.labels)
        self.write(f"{label} {kind} {identity} {peer}\n".encode())
        return label

    def cancel(self, label: int) -> None:
        """Wait no longer."""
        self.write(f"{label} cancel\n".encode())

    def forget(self, identity: str) -> None:
        """Drop what is cached."""
        self.write(f"- forget {identity}\n".encode())

    def wait_for(self, label: int, seconds: float = LONG) -> str:
        """The answer of a look-up."""
        with self.arrived:
            if not self.arrived.wait_for(lambda: label in self.answers, seconds):
                raise TimeoutError(f"look-up {label}: {self.errors}")
            return self.answers[label]

    def look(self, identity: str, kind: str = "akma", peer: str = "127.0.0.1") -> str:
        """A look-up's answer: "found KEY DEVICE NOT-AFTER", "unknown", "refused REASON"."""
        return self.wait_for(self.start(identity, kind, peer))


def identity_options(certificate: tuple[Path, Path], ca: Path) -> list[str]:
    """The three files."""
    names = ("--source-cert", "--source-key", "--source-ca")
    files = (*certificate, ca)
    return [word for name, file in zip(names, files) for word in (name, str(file))]
