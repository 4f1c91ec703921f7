"""Programs by turns: rates, ratios, and the memory of what is held.

SPDX-License-Identifier: Apache-2.0
"""

import contextlib
import json
import statistics
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import Any

from programs import ROUNDS, TICKS, Bench, Program, Words


def rates(bench: Bench, program: Program, per_visit: int, *words: str) -> tuple[float, float]:
    """Handshakes a second, and a second of the program's processor time."""
    before = program.cpu
    figures = bench.load(*words)
    handshakes = figures["visits"] * per_visit
    return handshakes / figures["seconds"], handshakes / max(program.cpu - before, 1 / TICKS)


def compare(
    ours: Callable[[], tuple[float, ...]], theirs: Callable[[], tuple[float, ...]]
) -> list[Any]:
    """By turns: the medians of each, and the median ratios."""
    rounds = [(ours(), theirs()) for _ in range(ROUNDS)]
    columns = []
    for place in range(len(rounds[0][0])):
        pairs = [(a[place], b[place]) for a, b in rounds]
        middle = [statistics.median(pair[side] for pair in pairs) for side in (0, 1)]
        columns.append([*middle, statistics.median(a / b for a, b in pairs)])
    return columns


@contextlib.contextmanager
def held(bench: Bench, count: int, *words: str) -> Iterator[None]:
    """So many connections stay meanwhile."""
    command: Words = [bench.build / "bench/load", "--task", "hold", "--clients", str(count), *words]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout and process.stdin
        figures = json.loads(process.stdout.readline())
        if figures["failed"] or figures["visits"] < count:
            raise RuntimeError(f"{figures} of {count}")
        yield
        process.stdin.close()


def memory(bench: Bench, make: Callable[[], tuple[Program, list[str]]], count: int) -> float:
    """KiB of a held connection: of a program that has served before, against it with none."""
    program, words = make()
    bench.load(*words, "--clients", "16")
    time.sleep(0.5)
    before = program.resident
    with held(bench, count, *words):
        time.sleep(0.5)
        used = program.resident - before
    program.process.kill()
    return used / count / 1024
