#!/usr/bin/python3
"""A passing fault stays passing: in each role the nth call of a kind fails, and afterwards everything works again.

    test/checks/passing_faults.py [--ways N | --sample N | --first N] [--length N] [--kind KIND] [role ...]

For every kind of call (allocation, descriptor, read, write, thread, name) n rises until a way through the role meets no
nth call; without faults every way through the same process then has to work again, soon, and no descriptor may be
left. Prints n for each role; where no read or no allocation failed, the role has failed. --ways: of the calls with the
same N functions on the stack (three are this library's) one alone, until there is none that has not failed: hundreds in
place of thousands; not for programs that are started each time. --sample: so many n of a kind alone, spread out evenly.
--length: so many calls fail in a row.

AKMA_BUILD   build folder, with everything in it

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "test/support"))

from faults import NEVER, Kind  # noqa: E402
from roles import ROLES, Act, Stage  # noqa: E402

SOON = 8  # seconds until all works again, and as many tries as TRIES, however slow the machine is
TRIES = 40
CLOSED = 30  # seconds until what was given up is closed: its time-outs are shorter
REPEATED = 2  # ways through without a fault, for what is made once


class Persistent(Exception):
    """A fault that did not pass."""


class Untried(Exception):
    """No call has failed where each role has some."""


def descriptors(stage: Stage) -> int:
    """How many the program has open."""
    return len(os.listdir(f"/proc/{stage.program.process.pid}/fd"))


def come_back(act: Act, stage: Stage) -> None:
    """Let one way through work again: soon."""
    began, tries = time.monotonic(), 1
    while (said := act()) != "ok":
        if (status := stage.program.process.poll()) is not None:
            raise Persistent(f"the program has ended with status {status}")
        if tries >= TRIES and time.monotonic() - began > SOON:
            raise Persistent(f"{said!r} for {time.monotonic() - began:.0f} seconds, {tries} times")
        time.sleep(0.02)
        tries += 1


def come_back_all(stage: Stage) -> None:
    """Let everything work again."""
    for act in stage.acts:
        come_back(act, stage)


def go_through(act: Act, stage: Stage) -> None:
    """One way through while calls may fail; for a while, where the program does something by itself."""
    end = time.monotonic() + stage.seconds
    while act() != "ok" and time.monotonic() < end:
        time.sleep(0.01)


def fail(act: Act, stage: Stage, kind: Kind, first: int, options: argparse.Namespace) -> bool:
    """Let the first-th call fail on one way through, then let all work again. Was there such a call?"""
    stage.prepare()
    if options.ways and stage.stays:
        stage.faults.arm_once(kind, options.ways, traced=options.traced)
    else:
        stage.faults.arm(kind, first, options.length, traced=options.traced)
    go_through(act, stage)
    failed = stage.faults.disarm()
    come_back_all(stage)
    return failed > 0


def count(act: Act, stage: Stage, kind: Kind) -> int:
    """How many calls of a kind one way through makes if none fails."""
    stage.prepare()
    stage.faults.arm(kind, NEVER)
    go_through(act, stage)
    stage.faults.disarm()
    come_back_all(stage)
    return stage.faults.seen


def numbers(act: Act, stage: Stage, kind: Kind, sample: int, first: int) -> Iterator[int]:
    """All n from the first, or some of those that there are."""
    if not sample:
        yield from range(first, NEVER)
    else:
        calls = count(act, stage, kind)
        yield from range(1, calls + 1, max(1, -(-calls // sample)))


def try_kind(act: Act, stage: Stage, kind: Kind, options: argparse.Namespace) -> int:
    """Every n; how many there were."""
    stage.faults.forget()
    tried = 0
    for first in numbers(act, stage, kind, options.sample, options.first):
        try:
            if not fail(act, stage, kind, first, options):
                break
        except Persistent as what:
            raise Persistent(f"{kind.name.lower()} {first}: {what}") from what
        tried += 1
    return tried


def settle(stage: Stage, before: int) -> None:
    """No descriptor more than before: connections that were given up are gone, after their time-outs."""
    end = time.monotonic() + CLOSED
    while (now := descriptors(stage)) > before:
        if time.monotonic() > end:
            raise Persistent(f"{now} descriptors, {before} before")
        time.sleep(0.05)


def last_of(log: str) -> str:
    """From where the last call failed on, or the end."""
    return (
        log[max(log.rfind("libpreload_faults.so(") - 100, 0) :][:6000]
        if "(+" in log
        else log[-6000:]
    )


def try_role(name: str, options: argparse.Namespace) -> None:
    """Every kind in a role, on each way through it."""
    with tempfile.TemporaryDirectory() as folder, ROLES[name](Path(folder)) as stage:
        try:
            for _ in range(REPEATED):
                come_back_all(stage)
            before = descriptors(stage)
            for kind in [kind for kind in options.kinds if kind in stage.kinds]:
                tried = [try_kind(act, stage, kind, options) for act in stage.acts]
                settle(stage, before)
                print(
                    f"{name}: {kind.name.lower()}: {' + '.join(map(str, tried))} failed", flush=True
                )
                if kind in (Kind.READ, Kind.ALLOCATION) and not any(tried):
                    raise Untried(f"no {kind.name.lower()} has failed on any way through")
        except Persistent:
            print(last_of(stage.program.errors), file=sys.stderr)
            raise


def parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    names = [kind.name.lower() for kind in Kind]
    parser.add_argument("--sample", type=int, default=0, help="so many n of each kind")
    parser.add_argument("--first", type=int, default=1, help="n to begin with")
    parser.add_argument("--ways", type=int, default=0, help="one call of each stack of N functions")
    parser.add_argument("--length", type=int, default=1, help="so many calls fail in a row")
    parser.add_argument("--kind", action="append", choices=names, help="of these kinds alone")
    parser.add_argument("--traced", action="store_true", help="say where each call fails")
    parser.add_argument("role", nargs="*", help=", ".join(ROLES))
    options = parser.parse_args()
    if unknown := set(options.role) - set(ROLES):
        parser.error(f"no such role: {', '.join(unknown)}")
    options.kinds = [kind for kind in Kind if not options.kind or kind.name.lower() in options.kind]
    return options


def main() -> int:
    """All roles, or those that are named; exit status 1 where a fault stays."""
    options, stays = parse(), 0
    for name in options.role or ROLES:
        try:
            try_role(name, options)
        except (Persistent, Untried) as what:
            print(f"{name}: {what}", flush=True)
            stays = 1
    return stays


if __name__ == "__main__":
    sys.exit(main())
