"""Prove every claim, or see that no mutant passes for proved; print a table.

    proofs/run.sh [--mutants] [--jobs N] [--logs FOLDER] [words]

With words only the claims whose names (folder and last file) begin with one of them. --logs keeps what the tools said: the
traces of attacks, among others. The exit status is 1 where a claim is not proved, or a mutant is not refuted, and 3 where
claims were skipped, because their tool is not there.

SPDX-License-Identifier: Apache-2.0
"""

import argparse
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from claims import ROOT, Change, Claim, check_changes, read_claims
from tools import CBMC_ROOT, TOOLS, Answer, Verdict

NEEDED = ["provider", "device", "include", "proofs", "docs", "test/vectors"]


@dataclass(frozen=True)
class Result:
    """A claim, the mutant that was tried in its place, and what came of it."""

    claim: Claim
    mutant: Change | None
    answer: Answer
    seconds: float

    @property
    def is_well(self) -> bool:
        """Proved, or of a mutant refuted."""
        wanted = Verdict.PROVED if self.mutant is None else Verdict.REFUTED
        return self.answer.verdict == wanted


@contextmanager
def copied(changes: list[Change]) -> Iterator[Path]:
    """What the tools look at, with changes in it: a copy, where cbmc's root sees it too."""
    with tempfile.TemporaryDirectory(dir=CBMC_ROOT / "tmp" if CBMC_ROOT else None) as folder:
        tree = Path(folder)
        for name in NEEDED:
            shutil.copytree(ROOT / name, tree / name)
        for change in changes:
            path = tree / change.file
            path.write_text(path.read_text().replace(change.old, change.new))
        yield tree


def attempt(job: tuple[Claim, Change | None]) -> Result:
    """Have one claim proved, of the project or of a mutant."""
    claim, mutant = job
    with copied(claim.edits + ([mutant] if mutant else [])) as tree:
        started = time.monotonic()
        answer = TOOLS[claim.tool](claim, tree)
        return Result(claim, mutant, answer, time.monotonic() - started)


def print_proof(result: Result) -> None:
    """One row of the table of claims."""
    claim, answer = result.claim, result.answer
    bounds = ", ".join(text for text in (claim.bounds, answer.detail) if text)
    verdict = "" if result.is_well else f"**{answer.verdict.value}**: "
    row = (f"{verdict}{claim.says}", claim.name, claim.tool, bounds)
    print("|", " | ".join(row), f"| {result.seconds:.1f} | {claim.lines()} |", flush=True)


def print_mutant(result: Result) -> None:
    """One row of the table of mutants."""
    mutant, answer = result.mutant, result.answer
    assert mutant is not None
    change = " ".join(f"`{mutant.old.strip()}` -> `{mutant.new.strip()}`".split())
    verdict = answer.verdict.value if result.is_well else f"**{answer.verdict.value}**"
    row = (result.claim.name, f"{mutant.file}: {change}", verdict, answer.detail)
    print("|", " | ".join(row), f"| {result.seconds:.1f} |", flush=True)


def run_all(jobs: Iterable[tuple[Claim, Change | None]], arguments: argparse.Namespace) -> int:
    """Print a row for each as it is done, in order; how many are not well."""
    wrong, traces = [], []
    with ThreadPoolExecutor(arguments.jobs) as pool:
        for number, result in enumerate(pool.map(attempt, jobs)):
            (print_mutant if result.mutant else print_proof)(result)
            if arguments.logs:
                name = f"{number:03}-{result.claim.name.replace('/', '-')}.log"
                (arguments.logs / name).write_text(result.answer.log)
            traces += [f"{result.claim.name}: {trace}" for trace in result.answer.traces]
            if not result.is_well:
                wrong.append(result)
    if traces:
        print("\nWhat the searches had to find, without a guard or as the honest run:\n")
        print("\n".join(traces))
    for result in wrong:
        print(f"\n{result.claim.name}: {result.answer.verdict.value}", file=sys.stderr)
        print("\n".join(result.answer.log.splitlines()[-30:]), file=sys.stderr)
    return len(wrong)


def read_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="proofs/run.sh", description=(__doc__ or "").split("\n")[0]
    )
    parser.add_argument("--mutants", action="store_true", help="try what must not be provable")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time, default 2")
    parser.add_argument("--logs", type=Path, help="a folder for what the tools say")
    parser.add_argument("words", nargs="*", help="only claims whose name begins so")
    return parser.parse_args()


def main() -> int:
    """Choose, prove, tell."""
    arguments = read_arguments()
    if arguments.logs:
        arguments.logs.mkdir(parents=True, exist_ok=True)
    words = arguments.words or [""]
    every = read_claims()
    for word in words:
        if not any(claim.name.startswith(word) for claim in every):
            raise SystemExit(f"no claim's name begins with {word}")
    claims = [claim for claim in every if claim.name.startswith(tuple(words))]
    check_changes(claims)
    possible = [claim for claim in claims if claim.tool != "cbmc" or CBMC_ROOT is not None]
    started = time.monotonic()
    jobs: list[tuple[Claim, Change | None]]
    if arguments.mutants:
        print("| claim | mutant | verdict | by | seconds |\n|---|---|---|---|---|")
        jobs = [(claim, mutant) for claim in possible for mutant in claim.mutants]
    else:
        print("| claim | proof | tool | bounds | seconds | lines |\n|---|---|---|---|---|---|")
        jobs = [(claim, None) for claim in possible]
    wrong = run_all(jobs, arguments)
    minutes = (time.monotonic() - started) / 60
    skipped = len(claims) - len(possible)
    if skipped:
        print(f"\nskipped, because there is no root with cbmc: {skipped} claims", file=sys.stderr)
    tried = f"{len(jobs)} tried, {wrong} not as they should be, {skipped} skipped"
    print(f"\n{tried}, {minutes:.1f} minutes")
    if wrong:
        return 1
    return 3 if skipped else 0


if __name__ == "__main__":
    sys.exit(main())
