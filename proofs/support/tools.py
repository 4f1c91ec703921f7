"""The tools that prove, and how their answers are read.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from claims import Claim

SECONDS = 540
CBMC_ROOT = Path(os.environ["AKMA_CBMC_ROOT"]) if "AKMA_CBMC_ROOT" in os.environ else None


class Verdict(Enum):
    """An answer that is neither proved nor refuted is not one."""

    PROVED = "proved"
    REFUTED = "refuted"
    UNDECIDED = "undecided"


@dataclass(frozen=True)
class Answer:
    """What a tool said of a claim."""

    verdict: Verdict
    detail: str = ""  # of a search how much was searched; of what is not proved where it fails
    log: str = ""


def run(command: list[str | Path], folder: Path) -> tuple[int, str]:
    """Run a tool; its status and what it wrote. A tool that does not end has no answer."""
    try:
        done = subprocess.run(
            [str(word) for word in command],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"no end within {SECONDS} seconds"
    return done.returncode, done.stdout


def coq(claim: Claim, tree: Path) -> Answer:
    """Compile the files in their order, and ask what the theorems rest on."""
    folder = tree / "proofs" / claim.folder
    files = [*claim.how.get("needs", []), *claim.files]
    if "generates" in claim.how:
        files.append(claim.how["generates"])
        program = folder / Path(files[-1]).with_suffix(".py")
        status, said = run([sys.executable, program, tree, folder / files[-1]], folder)
        if status != 0:
            return Answer(Verdict.UNDECIDED, program.name, said)
    theorems = claim.how.get("theorems", [])
    modules = " ".join(Path(file).stem for file in files)
    questions = "".join(f"Print Assumptions {theorem}.\n" for theorem in theorems)
    (folder / "assumptions.v").write_text(f"From akma Require Import {modules}.\n{questions}")
    for file in [*files, "assumptions.v"]:
        status, said = run(["coqc", "-q", "-R", ".", "akma", file], folder)
        if status != 0:
            return Answer(Verdict.REFUTED if "Error:" in said else Verdict.UNDECIDED, file, said)
    if said.count("Closed under the global context") != len(theorems):
        return Answer(Verdict.REFUTED, "rests on axioms", said)
    return Answer(Verdict.PROVED)


def maude(claim: Claim, tree: Path) -> Answer:
    """Run one search; the claim says whether it must find something."""
    folder = tree / "proofs" / claim.folder
    status, said = run(["maude", "-no-banner", "-no-advise", "-batch", claim.files[-1]], folder)
    states = re.findall(r"^states: (\d+)", said, re.M)
    if status != 0 or len(states) != 1 or "Warning" in said:
        return Answer(Verdict.UNDECIDED, "", said)
    found = re.search(r"^Solution 1", said, re.M) is not None
    verdict = Verdict.PROVED if found == claim.how["finds"] else Verdict.REFUTED
    return Answer(verdict, f"{states[0]} states", said)


TOOLS = {"coq": coq, "maude": maude}
