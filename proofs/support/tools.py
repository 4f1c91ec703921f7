"""The tools that prove, and how their answers are read.

SPDX-License-Identifier: Apache-2.0
"""

import os
import re
import subprocess
import sys
from dataclasses import dataclass, field
from enum import Enum
from pathlib import Path

from claims import Claim

SECONDS = 300
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
    traces: list[str] = field(default_factory=list)  # of what a search had to find


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


def search(folder: Path, text: str) -> tuple[bool | None, int, list[str], str]:
    """Run one search: was something found (None: no answer), in how many states, by which rules, in Maude's words."""
    searched = folder / "searched.maude"
    command: list[str | Path] = ["maude", "-no-banner", "-no-advise", "-batch", searched]
    searched.write_text(f"{text}\nquit\n")
    status, said = run(command, folder)
    states = re.search(r"^states: (\d+)", said, re.M)
    if status != 0 or states is None or "Warning" in said:
        return None, 0, [], said
    solution = re.search(r"^Solution 1 \(state (\d+)\)", said, re.M)
    if solution is None:
        return False, int(states[1]), [], said
    show = f"{text}\nshow path labels {solution[1]} .\nshow path {solution[1]} .\nquit\n"
    searched.write_text(show)
    said = run(command, folder)[1]
    steps = re.findall(r"^[a-z-]+$", said, re.M)
    return True, int(states[1]), steps, said


def maude(claim: Claim, tree: Path) -> Answer:
    """Run the searches of a file, each by itself; the claim says which must find something."""
    folder = tree / "proofs" / claim.folder
    head, *searches = re.split(r"^(?=search )", (folder / claim.files[-1]).read_text(), flags=re.M)
    searched, traces, log = 0, [], ""
    for text, expected in zip(searches, claim.how["finds"], strict=True):
        found, states, steps, said = search(folder, head + text)
        log += said
        searched += states
        if found is None:
            return Answer(Verdict.UNDECIDED, "", log)
        if found != expected:
            return Answer(Verdict.REFUTED, f"{text.split(' =>')[0]}: {' '.join(steps)}", log)
        if found:
            traces.append(f"{text.split(' =>')[0].removeprefix('search [1] ')}: {', '.join(steps)}")
    return Answer(Verdict.PROVED, f"{searched} states", log, traces)


def cbmc(claim: Claim, tree: Path) -> Answer:
    """Check a harness. Too small an unwinding is no answer, neither way."""
    assert CBMC_ROOT is not None
    inside = Path("/") / tree.relative_to(CBMC_ROOT)
    folders = ["include", "provider", "proofs/stubs", f"proofs/{claim.folder}"]
    words = [f"proofs/{claim.folder}/{claim.files[-1]}", *claim.how["sources"]]
    words += [f"-I{folder}" for folder in folders] + ["-DPROOF", "--function", "prove"]
    words += ["--unwinding-assertions", "--unwind", str(claim.how["unwind"])]
    words += claim.how.get("options", [])
    shell: list[str | Path] = [
        "chroot",
        CBMC_ROOT,
        "sh",
        "-c",
        'cd "$1" && shift && exec cbmc "$@"',
        "sh",
        inside,
    ]
    said = run([*shell, *words], tree)[1]
    failed = re.findall(r"^\[(\S+)\] (.*): FAILURE$", said, re.M)
    if "VERIFICATION SUCCESSFUL" in said and not failed:
        return Answer(Verdict.PROVED, f"{said.count(': SUCCESS')} conditions", said)
    refuting = [text for name, text in failed if ".unwind." not in name]
    if not refuting or len(refuting) < len(failed):
        return Answer(Verdict.UNDECIDED, "", said)
    return Answer(Verdict.REFUTED, re.sub(r"^line \d+ ", "", refuting[0]), said)


TOOLS = {"coq": coq, "maude": maude, "cbmc": cbmc}
