#!/usr/bin/python3
"""Break the project on purpose, in one place at a time, and see that its tests notice.

    test/checks/mutate.py [--room NAME] [--jobs N] [words]
    test/checks/mutate.py --check    # only see that every fault still fits the code and its room's tests

Each <room>_faults.py of test/checks/faults/ is a room: its faults, and the tests and drivers that have to notice them. In
a copy of the tree a fault is put in, built and tried; the test that noticed the last one is tried first. What takes
longer than SECONDS, such as a loop without an end, is noticed by that. Without --room all rooms are gone through; with
words only the faults whose text has one of them. A fault that nothing notices survives; the exit status is 1 then.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import concurrent.futures
import importlib
import multiprocessing
import os
import queue
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FAULTS = Path(__file__).resolve().parent / "faults"
SECONDS = 300
MEMORY = 4 << 30  # octets: a fault that asks for ever more gets no more than this

# Each run of the suite is forked off a process that has imported pytest, which takes longer than many a test.
FORKED = multiprocessing.get_context("forkserver")
FORKED.set_forkserver_preload(["pytest", "hypothesis"])

sys.path.insert(0, str(FAULTS))
from room import Fault, Room  # noqa: E402


def run_pytest(source: Path, build: Path, words: list[str]) -> None:
    """In a process of its own: run tests of a tree and exit with pytest's status, in silence."""
    null = os.open(os.devnull, os.O_RDWR)
    for fd in range(3):
        os.dup2(null, fd)
    os.chdir(source)
    os.environ["AKMA_BUILD"] = str(build)
    os.environ.setdefault("AKMA_EXAMPLES_MAX", "20")  # what chance alone finds deserves a test
    sys.exit(int(pytest.main(words)))


def name_of(driver: str) -> str:
    """The program of a driver's line."""
    return driver.removeprefix("memcheck ").split()[0]


class Tree:
    """A copy of the project with a build of its own."""

    def __init__(self, folder: Path, room: Room, faults: list[Fault]) -> None:
        self.room = room
        self.source, self.build = folder / "source", folder / "build"
        ignored = shutil.ignore_patterns("build*", ".git", "__pycache__", ".hypothesis")
        shutil.copytree(ROOT, self.source, ignore=ignored)
        # By their files, as a driver's name may be that of another program's file as well.
        drivers = [f"test/hardening/{name_of(driver)}" for driver in room.drivers]
        self.targets = [*room.target.split(), *drivers]
        # Quick to compile; optimising across files would compile the module again for each fault.
        switches = ["-DAKMA_ALL=ON", "-DAKMA_LTO=OFF", "-DCMAKE_C_FLAGS_RELEASE=-O1"]
        self.run("cmake", "-S", self.source, "-B", self.build, "-G", "Ninja", *switches)
        # A busy machine may take longer than SECONDS for all of it.
        build = ["cmake", "--build", str(self.build), "--target", *self.targets]
        subprocess.run(build, stdout=subprocess.DEVNULL, check=True)
        chosen = {fault.by for fault in faults}
        for by in sorted(chosen - {"", *room.drivers}):
            if not self.passes_suite(by, "--collect-only"):
                raise RuntimeError(f"no test can be collected for {by}")
        for by in [""] if "" in chosen else sorted(chosen):
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
        """What notices the change, empty if nothing does."""
        if not self.run("cmake", "--build", self.build, "--target", *self.targets):
            return "the compiler"
        try:
            if by not in self.room.drivers and not self.passes_suite(by):
                return "the suite"
        except TimeoutError:
            return "no end of the suite"
        for driver in self.room.drivers:
            if by in ("", driver) and not self.passes(driver):
                return driver
        return ""

    def passes_suite(self, by: str, *options: str) -> bool:
        """Run the room's tests, up to the first that fails."""
        tests = [str(*self.source.glob(f"test/*/{name}.py")) for name in self.room.tests]
        order = ["-x", "--failed-first", "-o", f"cache_dir={self.build}/pytest"]
        words = ["-q", *order, "-m", "not builds", "-k", by, *options, *tests]
        process = FORKED.Process(target=run_pytest, args=(self.source, self.build, words))
        process.start()
        process.join(SECONDS)
        status = process.exitcode
        process.kill()
        process.join()
        if status is None:
            raise TimeoutError(f"no end of the suite within {SECONDS} s")
        return status == 0

    def passes(self, driver: str) -> bool:
        """Run one driver, under valgrind if that is its first word."""
        words = driver.removeprefix("memcheck ").split()
        memcheck = ["valgrind", "-q", "--leak-check=full", "--error-exitcode=9"]
        before = memcheck if driver.startswith("memcheck ") else []
        folders = {"OPENSSL_CONF": "/dev/null", "OPENSSL_MODULES": str(self.build)}
        program = self.build / "test/hardening" / words[0]
        return self.run(*before, program, *words[1:], **folders)

    def survives(self, fault: Fault) -> str:
        """Try a fault; what noticed it."""
        path = self.source / self.room.folder / fault.file
        text = path.read_text()
        path.write_text(text.replace(fault.old, fault.new))
        try:
            return self.notices(fault.by)
        finally:
            path.write_text(text)


def misfits(room: Room) -> Iterator[str]:
    """The faults whose text is not in their file, or is there more than once."""
    for fault in room.faults:
        file = ROOT / room.folder / fault.file
        count = file.read_text().count(fault.old) if file.exists() else 0
        if count != 1:
            yield f"stands {count} times in {room.folder}/{fault.file}: {fault.old!r}"


def strays(room: Room) -> Iterator[str]:
    """What a fault's `by` names that is neither a driver nor in a test of its room."""
    for name in room.tests:
        if (count := len(list(ROOT.glob(f"test/*/{name}.py")))) != 1:
            yield f"{count} files are the test {name} of the room of {room.folder}/"
    texts = [
        f"{path.stem} {path.read_text()}".lower()
        for name in room.tests
        for path in ROOT.glob(f"test/*/{name}.py")
    ]
    for by in sorted({fault.by for fault in room.faults} - set(room.drivers)):
        words = set(re.findall(r"\w+", by.lower())) - {"and", "or", "not"}
        if not all(any(word in text for text in texts) for word in words):
            yield f"no test of the room of {room.folder}/ fits by={by!r}"


def attempt_all(room: Room, faults: list[Fault], jobs: int) -> int:
    """Try the faults of a room side by side; how many survived."""
    survivors = 0
    with tempfile.TemporaryDirectory() as folder:
        trees: queue.Queue[Tree] = queue.Queue()
        for number in range(jobs):
            trees.put(Tree(Path(folder) / str(number), room, faults))

        def attempt(fault: Fault) -> tuple[Fault, str, float]:
            tree, began = trees.get(), time.monotonic()
            try:
                return fault, tree.survives(fault), time.monotonic() - began
            finally:
                trees.put(tree)

        with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
            for fault, noticed, took in pool.map(attempt, faults):
                survivors += not noticed
                verdict = f"noticed by {noticed}" if noticed else "SURVIVED"
                change = f"{fault.old.strip()!r} -> {fault.new.strip()!r}"
                print(f"{room.folder}/{fault.file}: {change}: {verdict}, {took:.0f} s", flush=True)
    return survivors


def programs_of(test: Path) -> Iterator[str]:
    """The test programs that a test names, or that what it imports of test/support names."""
    text = test.read_text()
    modules = re.findall(r"^(?:from|import) (\w+)", text, re.M)
    files = [ROOT / f"test/support/{module}.py" for module in modules]
    for part in [text, *(file.read_text() for file in files if file.exists())]:
        yield from re.findall(r"(?:test/programs|test/hardening|bench)/(?:lib)?(\w+)", part)


def unbuilt(room: Room) -> Iterator[str]:
    """Targets that are none, and programs that a room's tests run without one: each test fails without a fault then."""
    targets = {*room.target.split(), *map(name_of, room.drivers)}
    lists = "".join(file.read_text() for file in ROOT.glob("*/**/CMakeLists.txt"))
    for target in sorted(targets - set(re.findall(r"[\w.-]+", re.sub(r"#.*", "", lists)))):
        yield f"{target} is no target of CMake's, but one of room {room.folder}"
    for name in room.tests:
        for test in ROOT.glob(f"test/*/{name}.py"):
            for program in programs_of(test):
                if program not in targets:
                    yield f"{test.name} runs {program}, which is no target of room {room.folder}"


def main() -> int:
    """Go through the rooms."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--check", action="store_true")
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
    wrong = [fault for room in rooms for fault in (*misfits(room), *strays(room), *unbuilt(room))]
    if wrong:
        sys.exit("\n".join(wrong))
    if arguments.check:
        return 0
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    total, survivors, started = 0, 0, time.monotonic()
    for room in rooms:
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
