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

SECONDS = 200  # of the processor: a busy machine changes no answer
CBMC_OPTIONS = ["--unwinding-assertions", "--no-malloc-may-fail", "--object-bits", "12"]
CBMC_OPTIONS += ["--drop-unused-functions"]  # nothing is claimed of them
# Of these a file says nothing: it was not read, or what it uses is not there.
COQ_UNREAD = re.compile(
    r"Syntax error|The\s+reference\s+\S+\s+was\s+not\s+found|Cannot\s+find\s+a\s+physical\s+path|Unable\s+to\s+locate\s+library"
)
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
            ["prlimit", f"--cpu={SECONDS}", *(str(word) for word in command)],
            cwd=folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=10 * SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return -1, f"no end within {10 * SECONDS} seconds"
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
    if "generates" in claim.how:
        theorems = re.findall(r"^Example (\w+)", (folder / files[-1]).read_text(), re.M)
    if not theorems:
        return Answer(Verdict.UNDECIDED, "nothing was asked")
    modules = " ".join(Path(file).stem for file in files)
    questions = "".join(f"Print Assumptions {theorem}.\n" for theorem in theorems)
    (folder / "assumptions.v").write_text(f"From akma Require Import {modules}.\n{questions}")
    for file in [*files, "assumptions.v"]:
        status, said = run(["coqc", "-q", "-R", ".", "akma", file], folder)
        if status != 0:
            is_refuted = "Error:" in said and not COQ_UNREAD.search(said)
            return Answer(Verdict.REFUTED if is_refuted else Verdict.UNDECIDED, file, said)
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


def in_cbmc_root(tree: Path, command: list[str]) -> tuple[int, str]:
    """Run one of cbmc's programs on the tree."""
    assert CBMC_ROOT is not None
    inside = Path("/") / tree.relative_to(CBMC_ROOT)
    script = 'cd "$1" && shift && exec "$@"'
    return run(["chroot", CBMC_ROOT, "sh", "-c", script, "sh", inside, *command], tree)


def with_loop_contracts(claim: Claim, tree: Path, words: list[str]) -> tuple[list[str], str]:
    """Compile, and put the contracts in the place of the loops; what cbmc is to check, and what was said."""
    status, said = in_cbmc_root(
        tree, ["goto-cc", "--function", "prove", *words, "-o", "whole.goto"]
    )
    contracts = ["--loop-contracts-file", f"proofs/{claim.folder}/{claim.how['loops']}"]
    command = ["goto-instrument", *contracts, "--apply-loop-contracts", "whole.goto", "loops.goto"]
    if status == 0:
        status, said = in_cbmc_root(tree, command)
    return ["loops.goto"], said if status != 0 else ""


def cbmc(claim: Claim, tree: Path) -> Answer:
    """Check a harness. Too small an unwinding is no answer, neither way."""
    folders = ["include", "provider", "proofs/stubs", f"proofs/{claim.folder}"]
    words = [f"proofs/{claim.folder}/{claim.files[-1]}", *claim.how["sources"]]
    words += [f"-I{folder}" for folder in folders] + claim.how.get("options", [])
    if "loops" in claim.how:
        words, said = with_loop_contracts(claim, tree, words)
        if said:
            return Answer(Verdict.UNDECIDED, "", said)
    else:
        words += ["--function", "prove"]
    words += [*CBMC_OPTIONS, "--unwind", str(claim.how["unwind"])]
    said = in_cbmc_root(tree, ["cbmc", *words])[1]
    failed = re.findall(r"^\[(\S+)\] (.*): FAILURE$", said, re.M)
    if "VERIFICATION SUCCESSFUL" in said and not failed:
        conditions = said.count(": SUCCESS")
        verdict = Verdict.PROVED if conditions else Verdict.UNDECIDED  # nothing was asked
        return Answer(verdict, f"{conditions} conditions", said)
    refuting = [text for name, text in failed if ".unwind." not in name]
    if not refuting or len(refuting) < len(failed):
        return Answer(Verdict.UNDECIDED, "", said)
    return Answer(Verdict.REFUTED, re.sub(r"^line \d+ ", "", refuting[0]), said)


TOOLS = {"coq": coq, "maude": maude, "cbmc": cbmc}
