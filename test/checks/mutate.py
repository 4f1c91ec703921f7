#!/usr/bin/python3
"""Break the project on purpose, in one place at a time, and see that its tests notice.

    test/checks/mutate.py [--room NAME] [--jobs N] [words]

Each <room>_faults.py of test/checks/faults/ is a room: its faults, and the tests and drivers that have to notice them. In
a copy of the tree a fault is put in, built and tried. Without --room all rooms are gone through; with words only the
faults whose text has one of them. A fault that nothing notices survives; the exit status is 1 then.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import concurrent.futures
import importlib
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
FAULTS = Path(__file__).resolve().parent / "faults"
SECONDS = 120

sys.path.insert(0, str(FAULTS))
from room import Fault, Room  # noqa: E402


class Tree:
    """A copy of the project with a build of its own."""

    def __init__(self, folder: Path, room: Room, faults: list[Fault]) -> None:
        self.room = room
        self.source, self.build = folder / "source", folder / "build"
        ignored = shutil.ignore_patterns("build*", ".git", "__pycache__", ".hypothesis")
        shutil.copytree(ROOT, self.source, ignore=ignored)
        # a busy machine may take longer than SECONDS for all of it
        self.run("cmake", "-S", self.source, "-B", self.build, "-G", "Ninja", "-DAKMA_ALL=ON")
        subprocess.run(["cmake", "--build", self.build], stdout=subprocess.DEVNULL, check=True)
        for by in {fault.by: None for fault in faults}:
            if noticed := self.notices(by):
                raise RuntimeError(f"{noticed} {by} fails without any fault")

    def run(self, *command: str | Path, **environment: str) -> bool:
        """Run a command; did it end well, and in time?"""
        try:
            result = subprocess.run(
                command,
                cwd=self.source,
                env=os.environ | {"AKMA_BUILD": str(self.build)} | environment,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                timeout=SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            return False
        return result.returncode == 0

    def notices(self, by: str) -> str:
        """What notices the change, empty where nothing does."""
        targets = [word for name in self.room.target.split() for word in ("--target", name)]
        if not self.run("cmake", "--build", self.build, *targets):
            return "the compiler"
        tests = [str(*self.source.glob(f"test/*/{name}.py")) for name in self.room.tests]
        if not self.run("/usr/bin/python3", "-m", "pytest", "-x", "-q", "-k", by, *tests):
            return "the suite"
        for driver in self.room.drivers:
            program, *words = driver.split()
            memcheck = ["valgrind", "-q", "--leak-check=full", "--error-exitcode=9"]
            before = memcheck if driver in self.room.memcheck else []
            folders = {"OPENSSL_CONF": "/dev/null", "OPENSSL_MODULES": str(self.build)}
            path = str(self.build / "test/hardening" / program)
            if not self.run(*before, path, *words, **folders):
                return driver
        return ""

    def survives(self, fault: Fault) -> str:
        """Try a fault; what noticed it."""
        path = self.source / self.room.folder / fault.file
        text = path.read_text()
        path.write_text(text.replace(fault.old, fault.new))
        try:
            return self.notices(fault.by)
        finally:
            path.write_text(text)


def check(room: Room) -> None:
    """Every text has to stand once in its file."""
    for fault in room.faults:
        count = (ROOT / room.folder / fault.file).read_text().count(fault.old)
        if count != 1:
            sys.exit(f"stands {count} times in {room.folder}/{fault.file}: {fault.old!r}")


def attempt_all(room: Room, faults: list[Fault], jobs: int) -> int:
    """Try the faults of a room side by side; how many survived."""
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        trees: queue.Queue[Tree] = queue.Queue()
        for number in range(jobs):
            trees.put(Tree(Path(folder) / str(number), room, faults))

        def attempt(fault: Fault) -> tuple[Fault, str]:
            tree = trees.get()
            try:
                return fault, tree.survives(fault)
            finally:
                trees.put(tree)

        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for fault, noticed in pool.map(attempt, faults):
                survivors += not noticed
                verdict = f"noticed by {noticed}" if noticed else "SURVIVED"
                change = f"{fault.old.strip()!r} -> {fault.new.strip()!r}"
                print(f"{room.folder}/{fault.file}: {change}: {verdict}", flush=True)
    return survivors


def main() -> int:
    """Go through the rooms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--room", help="the first word of a file of test/checks/faults")
    parser.add_argument("words", nargs="*")
    arguments = parser.parse_args()
    names = [path.stem.removesuffix("_faults") for path in sorted(FAULTS.glob("*_faults.py"))]
    rooms = [
        importlib.import_module(f"{name}_faults").ROOM
        for name in names
        if arguments.room in (None, name)
    ]
    if not rooms:
        parser.error(f"--room {arguments.room}: no such room; there are {', '.join(names)}")
    total, survivors, started = 0, 0, time.monotonic()
    for room in rooms:
        check(room)
        words = arguments.words
        faults = [
            fault for fault in room.faults if not words or any(word in str(fault) for word in words)
        ]
        total += len(faults)
        if faults:
            survivors += attempt_all(room, faults, arguments.jobs)
    minutes = (time.monotonic() - started) / 60
    print(f"{total} faults, {survivors} survived, {minutes:.0f} minutes")
    return 1 if survivors else 0


if __name__ == "__main__":
    sys.exit(main())
